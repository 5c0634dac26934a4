//! Paths in packed files: any bytes as text and back, and which of them may be written into a folder.

use std::fmt::Write;

/// Bytes as text: UTF-8 as it is, but a backslash doubled and every other byte as `\xNN`. Control characters count as
/// other bytes, so that a name can be shown on a terminal.
pub fn to_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for letter in chunk.valid().chars() {
            match letter {
                '\\' => text.push_str("\\\\"),
                control if control.is_control() => {
                    let mut buffer = [0; 4];
                    control.encode_utf8(&mut buffer).bytes().for_each(|byte| escape(&mut text, byte));
                }
                plain => text.push(plain),
            }
        }
        chunk.invalid().iter().for_each(|byte| escape(&mut text, *byte));
    }
    text
}

fn escape(text: &mut String, byte: u8) {
    // Writing to a text cannot fail.
    let _ = write!(text, "\\x{byte:02x}");
}

/// Reads what [`to_text`] wrote; `None` for a text that it never writes.
pub fn from_text(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(place) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..place]);
        let escaped = &rest[place + 1..];
        if let Some(after) = escaped.strip_prefix('\\') {
            bytes.push(b'\\');
            rest = after;
        } else {
            let digits = escaped.strip_prefix('x')?.get(..2)?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &escaped[3..];
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    Some(bytes)
}

/// Whether a path may be written under a folder: relative, without `.` and `..`, and nothing of git's or remuda's own.
pub fn is_safe(path: &[u8]) -> bool {
    let part_is_safe = |part: &[u8]| {
        let reserved = [b".git".as_slice(), b".remuda"].iter().any(|own| part.eq_ignore_ascii_case(own));
        !part.is_empty() && part != b"." && part != b".." && !reserved && !part.contains(&0)
    };
    !path.is_empty() && path.split(|byte| *byte == b'/').all(part_is_safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_comes_back_and_reads_well() {
        for (bytes, text) in [
            (b"src/train.py".as_slice(), "src/train.py"),
            ("daten/größe.csv".as_bytes(), "daten/größe.csv"),
            (b"a\\b", "a\\\\b"),
            (b"caf\xe9.txt", "caf\\xe9.txt"),
            (b"two\nlines\x1b[31m", "two\\x0alines\\x1b[31m"),
        ] {
            assert_eq!(to_text(bytes), text);
            assert_eq!(from_text(text).as_deref(), Some(bytes));
        }
        for broken in ["\\", "\\x", "\\xz1", "\\n", "\\x1"] {
            assert_eq!(from_text(broken), None, "{broken}");
        }
    }

    #[test]
    fn paths_that_lead_elsewhere_are_not_safe() {
        for safe in ["a", "a/b.py", "...", "a/.gitignore", ".env"] {
            assert!(is_safe(safe.as_bytes()), "{safe}");
        }
        for bad in [
            "",
            "/etc/passwd",
            "../a",
            "a/../b",
            "a//b",
            "a/",
            ".git/hooks/x",
            "sub/.GIT/config",
            ".remuda/x",
            "./a",
            "a\0b",
        ] {
            assert!(!is_safe(bad.as_bytes()), "{bad}");
        }
    }
}
