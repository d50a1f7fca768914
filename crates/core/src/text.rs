//! The text of a file: in UTF-8, or an error that says what it is instead and how to change it.

use crate::{Error, Result};

/// The text that bytes of `who` are, without the mark that some programs begin UTF-8 with.
///
/// # Errors
/// [`Error::External`] for text in another encoding, for what is compressed as a whole and for what is no text; it says what to do.
pub fn utf8<'a>(who: &str, bytes: &'a [u8]) -> Result<&'a str> {
    let wrong = |why: String| Err(Error::external(who.to_owned(), why));
    // Compressed files hold zeros too.
    if let Some(why) = compressed(bytes, "FILE") {
        return wrong(why);
    }
    if is_utf16(bytes) {
        return wrong(
            "is not text in UTF-8 but seems to be in UTF-16: change it by `iconv -f UTF-16 -t UTF-8 FILE > NEW`".into(),
        );
    }
    let control = |byte: &u8| *byte < 9 || (14..32).contains(byte) && *byte != 27;
    if bytes.iter().take(HEAD).any(control) {
        return wrong(
            "is not text in UTF-8 but holds the bytes of a binary file: check that it is the one you mean".into(),
        );
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{FEFF}').unwrap_or(text)),
        Err(error) => {
            let line = 1 + bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
            wrong(format!(
                "is not text in UTF-8 (line {line}): change it, from Latin-1 by `iconv -f LATIN1 -t UTF-8 FILE > NEW`"
            ))
        }
    }
}

/// Bytes at the beginning by which text and binary files are told apart.
const HEAD: usize = 1024;

/// UTF-16 begins with a mark, and writes a zero beside every Latin letter: always the first of two bytes, or always the second.
fn is_utf16(bytes: &[u8]) -> bool {
    if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
        return true;
    }
    let head = &bytes[..bytes.len().min(64)];
    let zeros = |parity: usize| head.iter().skip(parity).step_by(2).filter(|byte| **byte == 0).count();
    let (first, second) = (zeros(0), zeros(1));
    first.min(second) == 0 && 4 * first.max(second) >= head.len().max(4)
}

/// What is wrong with a file that is compressed as a whole, told by how it begins; `None` for others.
pub fn compressed(head: &[u8], file: &str) -> Option<String> {
    let (by, unpack) = match head {
        [0x1F, 0x8B, ..] => ("gzip", "gunzip"),
        [0x28, 0xB5, 0x2F, 0xFD, ..] => ("zstd", "unzstd"),
        // Three letters and a digit might begin a text; a block, or the end of an empty file, follows them.
        [b'B', b'Z', b'h', b'1'..=b'9', rest @ ..]
            if rest.starts_with(b"1AY&SY") || rest.starts_with(b"\x17rE8P\x90") =>
        {
            ("bzip2", "bunzip2")
        }
        [0xFD, b'7', b'z', b'X', b'Z', ..] => ("xz", "unxz"),
        _ => return None,
    };
    Some(format!("is compressed by {by} as a whole: unpack it first ({unpack} {file})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_in_utf8_is_told_with_what_to_do() {
        let utf16 = |text: &str, big: bool| -> Vec<u8> {
            text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
        };
        for (bytes, says) in [
            (utf16("\u{FEFF}(define)", false), "UTF-16"),
            (utf16("(define (domain d))", false), "UTF-16"),
            (utf16("(define (domain d))", true), "UTF-16"),
            (b"\x1F\x8B\x08\0\0\0".to_vec(), "compressed by gzip"),
            (b"\x7FELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3E\0".to_vec(), "a binary file"),
            (b"\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR".to_vec(), "a binary file"),
            (b"; one\n; caf\xE9\n".to_vec(), "(line 2): change it, from Latin-1"),
        ] {
            let said = utf8("d.pddl", &bytes).map(str::to_owned).unwrap_err().to_string();
            assert!(said.starts_with("d.pddl: is ") && said.contains(says), "{said}");
        }
        assert_eq!(utf8("d.pddl", "\u{FEFF}café\t\r\n".as_bytes()), Ok("café\t\r\n"));
        assert_eq!(utf8("d.pddl", b""), Ok(""));
    }
}
