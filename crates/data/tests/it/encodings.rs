//! Texts in other encodings: a mark before UTF-8 is no part of the first name, and what is not UTF-8 is refused with what to do.

use worldwright_core::Result;
use worldwright_data::{Episode, EpisodeStore, format_of, import, inspect};

const CSV: &str = "observation,action,reward,terminated\n0.5,1,2.5,False\n1.5,0,3.5,False\n2.5,,,\n";
const LINES: &str = "{\"observation\": 0.5, \"action\": 1, \"reward\": 2.5}\n{\"observation\": 1.5}\n";

fn read(format: &str, bytes: &[u8]) -> Result<Episode> {
    let folder = tempfile::tempdir().unwrap();
    let (path, out) = (folder.path().join("log"), folder.path().join("store"));
    std::fs::write(&path, bytes).unwrap();
    import(&path, format, &out)?;
    EpisodeStore::open(&out)?.episode(0)
}

fn utf16(text: &str, mark: bool, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    mark.then_some(0xFEFF).into_iter().chain(text.encode_utf16()).flat_map(bytes).collect()
}

#[test]
fn a_mark_before_utf_8_is_skipped() {
    for (format, text) in [("csv", CSV), ("jsonl", LINES)] {
        let plain = read(format, text.as_bytes()).unwrap();
        assert_eq!(plain.rewards[0], 2.5);
        assert_eq!(read(format, format!("\u{FEFF}{text}").as_bytes()).unwrap(), plain, "{format}");
    }
    // Spreadsheets quote names too.
    let quoted = format!("\u{FEFF}{}", CSV.replacen("observation", "\"observation\"", 1));
    assert_eq!(read("csv", quoted.as_bytes()).unwrap(), read("csv", CSV.as_bytes()).unwrap());
}

#[test]
fn other_encodings_are_refused_with_what_to_do() {
    let turned = "iconv -f UTF-16 -t UTF-8";
    for (format, text) in [("csv", CSV), ("jsonl", LINES)] {
        for mark in [true, false] {
            for order in [u16::to_le_bytes, u16::to_be_bytes] {
                let said = read(format, &utf16(text, mark, order)).unwrap_err().to_string();
                assert!(said.contains("UTF-16") && said.contains(turned) && said.contains("log"), "{format}: {said}");
            }
        }
    }
    // A name with an umlaut in Latin-1.
    let latin = [CSV.as_bytes(), b"2.5,M\xFCller,,\n"].concat();
    let said = read("csv", &latin).unwrap_err().to_string();
    assert!(said.contains("line 5") && said.contains("iconv -f LATIN1 -t UTF-8"), "{said}");
}

#[test]
fn the_advice_is_reached_without_a_format() {
    let folder = tempfile::tempdir().unwrap();
    let latin =
        |text: &str| text.replacen("observation", "gr\u{F6}\u{DF}e", 1).chars().map(|c| c as u8).collect::<Vec<_>>();
    for (end, text) in [("csv", CSV), ("TSV", CSV), ("json", LINES), ("jsonl", LINES), ("ndjson", LINES)] {
        for (bytes, words) in [
            (utf16(text, true, u16::to_le_bytes), "iconv -f UTF-16 -t UTF-8"),
            (utf16(text, true, u16::to_be_bytes), "iconv -f UTF-16 -t UTF-8"),
            (latin(text), "(line 1): change it, from Latin-1 by `iconv -f LATIN1 -t UTF-8"),
        ] {
            let path = folder.path().join(format!("log.{end}"));
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(format_of(&path), None);
            for error in [inspect(&path).unwrap_err(), EpisodeStore::open(&path).map(|_| ()).unwrap_err()] {
                let said = error.to_string();
                assert!(said.contains(words) && said.contains(&*path.display().to_string()), "{end}: {said}");
            }
        }
    }
    // Other files are of no text at all.
    let path = folder.path().join("log.bin");
    std::fs::write(&path, utf16(CSV, true, u16::to_le_bytes)).unwrap();
    assert!(inspect(&path).unwrap_err().to_string().contains("no format that is known"));
}

#[test]
fn what_is_compressed_as_a_whole_is_in_no_encoding() {
    for format in ["csv", "jsonl"] {
        for (bytes, words) in [
            (&b"\x1F\x8B\x08\x00\x00\x00\x00\x00\x00\x03"[..], "by gzip as a whole: unpack it first (gunzip "),
            (b"\x28\xB5\x2F\xFD\x00\x58", "by zstd as a whole: unpack it first (unzstd "),
            (b"BZh91AY&SY\x00\x00", "by bzip2 as a whole: unpack it first (bunzip2 "),
            (b"\xFD7zXZ\x00\x00\x04", "by xz as a whole: unpack it first (unxz "),
        ] {
            let said = read(format, bytes).unwrap_err().to_string();
            assert!(said.contains(words) && said.contains("log") && !said.contains("UTF-16"), "{format}: {said}");
        }
    }
    // A name may begin as such a file does.
    let named = CSV.replace("observation", "BZh9,observation").replace("\n0.5", "\n0,0.5").replace("\n1.5", "\n0,1.5");
    let named = named.replace("\n2.5", "\n0,2.5");
    assert_eq!(read("csv", named.as_bytes()).unwrap(), read("csv", CSV.as_bytes()).unwrap());
}
