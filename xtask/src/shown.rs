//! Files of the code that pages show whole: what a page shows is what the compiler compiles and the tests test.
//!
//! A line `<!-- shows PATH -->` stands before a block of code, which is the file word for word. `cargo xtask show` writes the blocks anew; a
//! test of this program fails where one differs, or where a page's link leads to no file.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::root;

/// Pages that show files.
const PAGES: &[&str] = &["CONTRIBUTING.md", "docs/how-to/rust.md"];

/// Writes what the pages show anew.
pub(crate) fn write() -> Result<()> {
    for page in PAGES {
        let path = root().join(page);
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let shown = with_files(&text)?;
        if shown != text {
            fs::write(&path, shown)?;
            println!("{page}: written anew");
        }
    }
    Ok(())
}

/// A page with each block as its file is.
fn with_files(text: &str) -> Result<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<!-- shows ") {
        let (path, after) = after.split_once(" -->").context("a comment 'shows' does not end")?;
        let (gap, block) = after.split_once("```").with_context(|| format!("no block of code shows {path}"))?;
        let (language, block) = block.split_once('\n').context("a fence without a line")?;
        let Some((_, after)) = block.split_once("\n```\n") else { bail!("the block that shows {path} does not end") };
        let file = fs::read_to_string(root().join(path)).with_context(|| path.to_owned())?;
        out += &format!("{before}<!-- shows {path} -->{gap}```{language}\n{}\n```\n", file.trim_end());
        rest = after;
    }
    Ok(out + rest)
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;

    #[test]
    fn pages_show_files_as_they_are() {
        for page in PAGES {
            let text = fs::read_to_string(root().join(page)).unwrap();
            assert!(text.contains("<!-- shows "), "{page} shows no file");
            assert!(with_files(&text).unwrap() == text, "{page} shows another text than the files: cargo xtask show");
        }
    }

    #[test]
    fn a_block_that_differs_is_written_anew() {
        let page = |code: &str| format!("a\n<!-- shows rustfmt.toml -->\n\n```toml\n{code}\n```\nb\n");
        let file = fs::read_to_string(root().join("rustfmt.toml")).unwrap();
        assert_eq!(with_files(&page("old")).unwrap(), page(file.trim_end()));
        assert!(with_files("<!-- shows no-such-file -->\n```\nx\n```\n").is_err());
    }

    /// Every Markdown file of the root and of the pages.
    fn all_pages() -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![root().join("docs")];
        let at_root = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path());
        found.extend(at_root.filter(|path| path.extension().is_some_and(|e| e == "md")));
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                // Pages of the reference are written when the site is built.
                if path.is_dir() && !path.ends_with("reference") {
                    folders.push(path);
                } else if path.extension().is_some_and(|e| e == "md") {
                    found.push(path);
                }
            }
        }
        found
    }

    /// Where the links `[…](target)` and pictures of a page lead, outside of code.
    fn targets(text: &str) -> Vec<&str> {
        let mut inside = false;
        let mut found = Vec::new();
        for line in text.lines() {
            if line.trim_start().starts_with("```") {
                inside = !inside;
            }
            if !inside {
                found.extend(line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next()));
            }
        }
        found
    }

    #[test]
    fn links_lead_to_files() {
        let mut dead = Vec::new();
        for page in all_pages() {
            let text = fs::read_to_string(&page).unwrap();
            for target in targets(&text) {
                let path = target.split('#').next().unwrap_or_default();
                let written = path.starts_with("../reference/") || path.starts_with("reference/");
                if path.is_empty() || path.contains("://") || path.starts_with('<') || written {
                    continue;
                }
                if !page.parent().unwrap_or(Path::new(".")).join(path).exists() {
                    dead.push(format!("{}: {target}", page.strip_prefix(root()).unwrap().display()));
                }
            }
        }
        assert!(dead.is_empty(), "links that lead nowhere:\n{}", dead.join("\n"));
    }
}
