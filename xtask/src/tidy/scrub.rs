//! Rust text without comments and strings, line for line: enough of a lexer for counting and looking, not for parsing.

/// The text with every comment and every string's content blanked; lines stay where they are.
pub fn code(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let end = match skip(bytes, at) {
            Some(end) => end,
            None => {
                out.push(bytes[at]);
                at += 1;
                continue;
            }
        };
        out.extend(bytes[at..end].iter().map(|byte| if *byte == b'\n' { b'\n' } else { b' ' }));
        at = end;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Where the comment, string or character that begins here ends; `None` when none begins.
fn skip(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at..];
    let within_word = at > 0 && is_word(bytes[at - 1]);
    match rest {
        [b'/', b'/', ..] => Some(find(rest, b"\n").map_or(bytes.len(), |end| at + end)),
        [b'/', b'*', ..] => Some(at + block_comment(rest)),
        [b'"', ..] => Some(at + quoted(rest, 1)),
        [b'b', b'"', ..] if !within_word => Some(at + quoted(rest, 2)),
        [b'r' | b'b', ..] if !within_word => raw(rest).map(|length| at + length),
        [b'\'', ..] => character(rest).map(|length| at + length),
        _ => None,
    }
}

fn block_comment(rest: &[u8]) -> usize {
    let mut depth = 0usize;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += 1;
        }
    }
    at
}

fn quoted(rest: &[u8], mut at: usize) -> usize {
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// `r"…"`, `r#"…"#`, `br"…"`.
fn raw(rest: &[u8]) -> Option<usize> {
    let after = rest.strip_prefix(b"br").or_else(|| rest.strip_prefix(b"r"))?;
    let hashes = after.iter().take_while(|byte| **byte == b'#').count();
    if after.get(hashes) != Some(&b'"') {
        return None;
    }
    let body = rest.len() - after.len() + hashes + 1;
    let mut ending = vec![b'"'];
    ending.extend(std::iter::repeat_n(b'#', hashes));
    Some(find(&rest[body..], &ending).map_or(rest.len(), |end| body + end + ending.len()))
}

/// `'x'`, `'\n'`, `'\u{1b}'`; a lifetime is none.
fn character(rest: &[u8]) -> Option<usize> {
    if rest.get(1) == Some(&b'\\') {
        return find(rest.get(3..)?, b"'").map(|end| end + 4);
    }
    let letter = std::str::from_utf8(&rest[1..rest.len().min(5)]).map_or_else(|error| error.valid_up_to(), str::len);
    let text = std::str::from_utf8(&rest[1..=letter]).ok()?;
    let length = text.chars().next()?.len_utf8();
    (rest.get(1 + length) == Some(&b'\'')).then_some(length + 2)
}

fn find(rest: &[u8], wanted: &[u8]) -> Option<usize> {
    rest.windows(wanted.len()).position(|window| window == wanted)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The first words of paths in a line of code: `a` in `a::b::c`; also `a` in `use a;`.
pub fn words_before_path(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for (at, _) in line.match_indices("::") {
        let before = &line[..at];
        let start = before.rfind(|letter: char| !letter.is_alphanumeric() && letter != '_').map_or(0, |edge| edge + 1);
        let word = &before[start..];
        let goes_on = before[..start].ends_with("::") || before[..start].ends_with('.');
        // `edge + 1` is a boundary: what stands there is code, and code outside strings is ASCII.
        if !word.is_empty() && !goes_on {
            found.push(word);
        }
    }
    let trimmed = line.trim_start();
    let used = trimmed.strip_prefix("pub ").unwrap_or(trimmed).strip_prefix("use ");
    if let Some(name) = used.map(|rest| rest.trim_end().trim_end_matches(';'))
        && name.bytes().all(is_word)
        && !name.is_empty()
    {
        found.push(name);
    }
    found
}

/// A function: its name, its first line from 1, and how many lines it has.
pub struct Function<'a> {
    pub name: &'a str,
    pub line: usize,
    pub lines: usize,
}

/// The functions in code (without comments and strings) that have a body.
pub fn functions(code: &str) -> Vec<Function<'_>> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let word_goes_on = code[..at].bytes().next_back().is_some_and(is_word);
        let name_start = at + 3;
        let name_length = code[name_start..].bytes().take_while(|byte| is_word(*byte)).count();
        if word_goes_on || name_length == 0 {
            continue;
        }
        let Some(body) = code[name_start..].find(['{', ';']) else { continue };
        if code.as_bytes()[name_start + body] == b';' {
            continue;
        }
        let Some(end) = closing(&code[name_start + body..]) else { continue };
        let line = code[..at].matches('\n').count() + 1;
        let lines = code[at..name_start + body + end].matches('\n').count() + 1;
        found.push(Function { name: &code[name_start..name_start + name_length], line, lines });
    }
    found
}

/// Where the bracket that opens here closes.
fn closing(code: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (at, byte) in code.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_blank_and_lines_stay() {
        let cases = [
            ("let a = \"x // y\"; // z\nb", "let a =         ;     \nb"),
            ("/* a /* b */ c */ d", "                  d"),
            ("r#\"a\"b\"# c", "         c"),
            ("'a' 'static '\\n' '\"' x", "    'static          x"),
            ("br\"x\" for\"", "      for "),
            ("\"a\\\"b\" c", "       c"),
        ];
        for (text, expected) in cases {
            assert_eq!(code(text), expected, "{text}");
        }
    }

    #[test]
    fn paths_begin_with_a_crate() {
        assert_eq!(words_before_path("use remuda_data::{A, B};"), ["remuda_data"]);
        assert_eq!(words_before_path("    let x = sqlx::query::<A>(b);"), ["sqlx"]);
        assert_eq!(words_before_path("use gix;"), ["gix"]);
        assert!(words_before_path("let a = b.c;").is_empty());
    }

    #[test]
    fn functions_are_measured_from_their_name_to_their_bracket() {
        let code = "pub fn a() {\n    b();\n}\ntrait T { fn c(); fn d() { e() } }\n";
        let found: Vec<(&str, usize, usize)> =
            functions(code).iter().map(|function| (function.name, function.line, function.lines)).collect();
        assert_eq!(found, [("a", 1, 3), ("d", 4, 1)]);
    }
}
