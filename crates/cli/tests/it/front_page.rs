//! The lists in README.md are what the program prints.

use std::path::Path;

use crate::worldwright;

/// Each list stands between `<!-- NAME -->` and `<!-- /NAME -->`. `INSTA_UPDATE=always`, which records snapshots, writes these too.
#[test]
fn the_front_page_lists_what_there_is() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let page = std::fs::read_to_string(&path).expect("README.md at the root");
    let mut right = page.clone();
    for list in ["envs", "models", "planners", "policies", "learners", "algorithms"] {
        let table = String::from_utf8(worldwright(&[list, "--markdown"]).stdout).unwrap();
        let (open, close) = (format!("<!-- {list} -->\n"), format!("<!-- /{list} -->\n"));
        let start = right.find(&open).unwrap_or_else(|| panic!("README.md lacks {open}")) + open.len();
        let end = start + right[start..].find(&close).unwrap_or_else(|| panic!("README.md lacks {close}"));
        right.replace_range(start..end, &format!("\n{table}\n"));
    }
    if std::env::var("INSTA_UPDATE").as_deref() == Ok("always") {
        std::fs::write(&path, right).unwrap();
    } else {
        assert!(
            page == right,
            "the lists have changed: run `INSTA_UPDATE=always cargo test -p worldwright-cli front_page` and commit README.md"
        );
    }
}
