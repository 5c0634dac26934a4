//! Texts of others within a Markdown document of ours: as words that stay words, and as quoted prose that keeps its own
//! lists and emphasis but neither tags, headings, links to scripts nor pictures from elsewhere.

/// A text as plain words in one line, whatever it holds: no emphasis, link, cell, tag or heading comes of it.
pub(crate) fn words(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for character in text.split_whitespace().collect::<Vec<_>>().join(" ").chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '!' | '$' => {
                out.push('\\');
                out.push(character);
            }
            other if other.is_control() => {}
            other => out.push(other),
        }
    }
    // What would begin a list, a quote or a rule stands harmless behind a backslash.
    let digits = out.bytes().take_while(u8::is_ascii_digit).count();
    match out.as_bytes().get(digits) {
        Some(b'.' | b')') if digits > 0 => out.insert(digits, '\\'),
        Some(b'-' | b'+' | b'=') if digits == 0 => out.insert(0, '\\'),
        _ => {}
    }
    out
}

/// A line in which stretches between backticks are code, as pages show it, and the rest plain words.
pub(crate) fn line(text: &str) -> String {
    let pieces: Vec<&str> = text.split('`').collect();
    if pieces.len().is_multiple_of(2) || pieces.iter().skip(1).step_by(2).any(|piece| piece.trim().is_empty()) {
        return words(text);
    }
    let mut out = String::new();
    for (place, piece) in pieces.iter().enumerate() {
        let edge = |is: bool| if is && !piece.trim().is_empty() { " " } else { "" };
        match place % 2 {
            1 => out.push_str(&code(piece)),
            _ if piece.trim().is_empty() => out.push_str(if piece.is_empty() { "" } else { " " }),
            _ => {
                let (before, after) = (piece.starts_with(char::is_whitespace), piece.ends_with(char::is_whitespace));
                out.push_str(edge(before && place > 0));
                out.push_str(&words(piece));
                out.push_str(edge(after && place + 1 < pieces.len()));
            }
        }
    }
    out
}

/// [`code`] in a cell of a table, which demands that a pipe is escaped even in code.
pub(crate) fn code_in_cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// A text as code in one line, in a fence longer than any within it.
pub(crate) fn code(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text: String = text.chars().filter(|character| !character.is_control()).collect();
    let longest = text.split(|character| character != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // A space keeps the text's own marks off the fence.
    let gap = if text.is_empty() || text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{gap}{text}{gap}{fence}")
}

/// Prose in Markdown as a quote: each line behind `>`, so that nothing of it ends the section that it stands in.
pub(crate) fn quoted(prose: &str) -> String {
    let mut fence: Option<String> = None;
    let mut lines = Vec::new();
    for line in prose.replace('\r', "").lines() {
        let marks = fence_of(line);
        let tamed = match (&fence, &marks) {
            (Some(open), Some(close)) if close.starts_with(open.as_str()) => {
                fence = None;
                line.to_owned()
            }
            (Some(_), _) => line.to_owned(),
            (None, Some(open)) => {
                fence = Some(open.clone());
                line.to_owned()
            }
            (None, None) => tamed(line),
        };
        lines.push(format!("> {tamed}").trim_end().to_owned());
    }
    lines.join("\n")
}

/// The marks of a code fence that a line begins or ends.
fn fence_of(line: &str) -> Option<String> {
    let trimmed = line.trim_start();
    let mark = trimmed.chars().next().filter(|first| *first == '`' || *first == '~')?;
    let marks: String = trimmed.chars().take_while(|one| *one == mark).collect();
    let is_fence = marks.len() >= 3 && !(mark == '`' && trimmed[marks.len()..].contains('`'));
    is_fence.then_some(marks)
}

/// A line of prose without headings, tags, pictures, definitions of links, and links to anything but pages.
fn tamed(line: &str) -> String {
    let trimmed = line.trim_start();
    let indent = &line[..line.len() - trimmed.len()];
    let hashes = trimmed.bytes().take_while(|byte| *byte == b'#').count();
    if (1..=6).contains(&hashes) && trimmed[hashes..].starts_with([' ', '\t']) {
        return format!("{indent}**{}**", words(trimmed[hashes..].trim().trim_end_matches('#')));
    }
    let is_rule = |mark: char| !trimmed.is_empty() && trimmed.trim_end().chars().all(|one| one == mark);
    // A line of `=` or `-` would make a heading of the one above it.
    if is_rule('=') || is_rule('-') || is_definition(trimmed) {
        return format!("{indent}\\{trimmed}");
    }
    let pieces: Vec<String> = trimmed.split('`').enumerate().map(|(place, piece)| outside(place, piece)).collect();
    format!("{indent}{}", pieces.join("`"))
}

/// `[name]: address`.
fn is_definition(line: &str) -> bool {
    line.starts_with('[') && line.split_once("]:").is_some_and(|(name, _)| !name.contains("]("))
}

/// A piece between backticks; those with an odd place are code, where tags are words already. (A backtick without its
/// fellow makes no code: its piece is tamed as if it were outside, which shows `&lt;` at worst.)
fn outside(place: usize, piece: &str) -> String {
    if place % 2 == 1 && !piece.contains('<') {
        return piece.to_owned();
    }
    let text = piece.replace('&', "&amp;").replace('<', "&lt;").replace("![", "!\\[");
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find("](") {
        let target = rest[at + 2..].trim_start().to_ascii_lowercase();
        let is_page = ["https://", "http://", "mailto:", "#"].iter().any(|start| target.starts_with(start));
        out.push_str(&rest[..at]);
        out.push_str(if is_page { "](" } else { "\\](" });
        rest = &rest[at + 2..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_words() {
        let cases = [
            ("Calls *less*, costs `more`", "Calls \\*less\\*, costs \\`more\\`"),
            ("<script>alert(1)</script> a|b", "&lt;script&gt;alert(1)&lt;/script&gt; a\\|b"),
            ("# Heading\n\n- list", "\\# Heading - list"),
            ("1. first", "1\\. first"),
            ("- item", "\\- item"),
            ("90 % of calls", "90 % of calls"),
            ("[x](javascript:y) ![p](q)", "\\[x\\](javascript:y) \\!\\[p\\](q)"),
            ("", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(words(text), expected, "{text:?}");
        }
    }

    #[test]
    fn code_in_a_line_stays_code_where_its_marks_are_in_pairs() {
        let cases = [
            ("Predict `Churn` well", "Predict `Churn` well"),
            ("`a|b` and <b> `c`", "`a|b` and &lt;b&gt; `c`"),
            ("an odd ` mark", "an odd \\` mark"),
            ("nothing in ``, *here*", "nothing in \\`\\`, \\*here\\*"),
        ];
        for (text, expected) in cases {
            assert_eq!(line(text), expected, "{text:?}");
        }
    }

    #[test]
    fn code_holds_backticks_and_pipes() {
        assert_eq!(code("recall >= 0.9"), "`recall >= 0.9`");
        assert_eq!((code("a | b"), code_in_cell("a | b")), ("`a | b`".to_owned(), "`a \\| b`".to_owned()));
        assert_eq!(code("the `x` and ``y``"), "``` the `x` and ``y`` ```");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(code("two\nlines"), "`two lines`");
    }

    #[test]
    fn prose_is_quoted_and_tamed() {
        let prose = "# Why\n\nA <b>bold</b> *word*, `a < b`, [page](https://a.example), [bad](javascript:x), ![p](http://t.example/p)\n\
                     Title\n===\n- one\n- two\n\n```\n# <kept>\n```\n[x]: javascript:alert\n</details>";
        let expected = "> **Why**\n>\n> A &lt;b>bold&lt;/b> *word*, `a &lt; b`, [page](https://a.example), [bad\\](javascript:x), !\\[p](http://t.example/p)\n\
                        > Title\n> \\===\n> - one\n> - two\n>\n> ```\n> # <kept>\n> ```\n> \\[x]: javascript:alert\n> &lt;/details>";
        assert_eq!(quoted(prose), expected);
        // A fence that never closes ends with the quote: each of its lines stands behind `>`.
        assert!(quoted("```\n# a\n\n<script>").lines().all(|line| line.starts_with('>')));
    }
}
