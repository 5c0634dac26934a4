//! Small edits of definition files that leave every other byte as it is: one more criterion in a requirement, one more
//! table at the end of a TOML file. Comments, order and line ends stay the author's.

use crate::render::quoted;
use crate::requirement::split_front_matter;
use crate::source::Source;
use crate::tree::{self, Node, Value};

/// The text of a requirement with one more criterion at the end of its list. `None` where the text is no requirement.
///
/// ```
/// let text = "+++\ncriteria = [\n    \"accuracy >= 0.8\"  # agreed in May\n]\n+++\nProse.\n";
/// let edited = remuda_repo::edit::add_criterion(text, "recall of yes >= 0.9").unwrap();
/// assert_eq!(
///     edited,
///     "+++\ncriteria = [\n    \"accuracy >= 0.8\",  # agreed in May\n    \"recall of yes >= 0.9\",\n]\n+++\nProse.\n"
/// );
/// ```
pub fn add_criterion(text: &str, criterion: &str) -> Option<String> {
    let mut source = Source::new("requirement", text);
    let (front, _) = split_front_matter(&mut source)?;
    let root = tree::toml::parse(&text[front.clone()], front.start).ok()?;
    let Value::Table(entries) = &root.value else { return None };
    let list = &entries.iter().find(|entry| entry.key == "criteria")?.node;
    let Value::List(items) = &list.value else { return None };
    Some(with_item(text, list, items, &quoted(criterion)))
}

/// The text of a TOML file with more tables at its end, a blank line before them.
///
/// ```
/// use remuda_repo::edit::append;
/// assert_eq!(append("a = 1  # one", "[b]\nc = 2\n"), "a = 1  # one\n\n[b]\nc = 2\n");
/// assert_eq!(append("a = 1\r\n", "[b]\n"), "a = 1\r\n\r\n[b]\r\n");
/// assert_eq!(append("", "[b]\n"), "[b]\n");
/// ```
pub fn append(text: &str, tables: &str) -> String {
    let end = line_end(text);
    let mut edited = text.to_owned();
    if !text.trim().is_empty() {
        if !text.ends_with('\n') {
            edited.push_str(end);
        }
        edited.push_str(end);
    }
    edited.push_str(&tables.replace('\n', end));
    edited
}

/// The line ends of a text.
fn line_end(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

fn with_item(text: &str, list: &Node, items: &[Node], item: &str) -> String {
    let insert = |edits: &[(usize, String)]| {
        let mut edited = text.to_owned();
        // From behind, so that places stay true.
        for (place, piece) in edits.iter().rev() {
            edited.insert_str(*place, piece);
        }
        edited
    };
    let Some(last) = items.last() else {
        return insert(&[(list.span.start + 1, item.to_owned())]);
    };
    let comma = comma_after(text, last.span.end, list.span.end);
    let after = comma.map_or(last.span.end, |comma| comma + 1);
    let line_start = text[..last.span.start].rfind('\n').map_or(0, |at| at + 1);
    let indent = &text[line_start..last.span.start];
    let has_own_line = indent.chars().all(|letter| letter == ' ' || letter == '\t') && line_start > list.span.start;
    let line_stop = text[after..].find(['\r', '\n']).map_or(text.len(), |at| after + at);
    let missing_comma = || comma.is_none().then(|| (last.span.end, ",".to_owned()));
    if has_own_line && line_stop < list.span.end {
        let line = (line_stop, format!("{}{indent}{item},", line_end(text)));
        return insert(&missing_comma().into_iter().chain([line]).collect::<Vec<_>>());
    }
    let between = if has_own_line { format!("{}{indent}", line_end(text)) } else { " ".to_owned() };
    match comma {
        Some(comma) => insert(&[(comma + 1, format!("{between}{item},"))]),
        None => insert(&[(last.span.end, format!(",{between}{item}"))]),
    }
}

/// The place of the comma behind an item; only blanks, line ends and comments may stand before it.
fn comma_after(text: &str, from: usize, to: usize) -> Option<usize> {
    let mut in_comment = false;
    for (at, byte) in text.as_bytes()[from..to].iter().enumerate() {
        match byte {
            b'\n' => in_comment = false,
            _ if in_comment => {}
            b'#' => in_comment = true,
            b',' => return Some(from + at),
            b' ' | b'\t' | b'\r' => {}
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn a_criterion_is_added_however_the_list_is_written() {
        let cases = [
            ("[]", "[\"new\"]"),
            ("[\"a\"]", "[\"a\", \"new\"]"),
            ("[ \"a\", ]", "[ \"a\", \"new\", ]"),
            ("[\n  \"a\",\n]", "[\n  \"a\",\n  \"new\",\n]"),
            (
                "[\n\t\"a\", # why, and who\n\t\"b\"\n\t# more to come\n]",
                "[\n\t\"a\", # why, and who\n\t\"b\",\n\t\"new\",\n\t# more to come\n]",
            ),
            ("[\n  \"a\"]", "[\n  \"a\",\n  \"new\"]"),
            ("[\n  \"a\"  # no comma, here\n  ,\n]", "[\n  \"a\"  # no comma, here\n  ,\n  \"new\",\n]"),
            ("[\"a\",\n  'b ] # ,' ]", "[\"a\",\n  'b ] # ,',\n  \"new\" ]"),
            ("[\r\n  \"a\"\r\n]", "[\r\n  \"a\",\r\n  \"new\",\r\n]"),
        ];
        for (before, after) in cases {
            let file = |list: &str| {
                format!("+++\ngoal = \"g\" # kept\ncriteria = {list}\nowner = \"o\"\n+++\n\n# Prose, \"criteria\"\n")
            };
            assert_eq!(add_criterion(&file(before), "new"), Some(file(after)), "{before:?}");
            let edited = add_criterion(&file(before), "new").unwrap();
            let (start, stop) = (edited.find("goal").unwrap(), edited.rfind("+++").unwrap());
            let parsed: toml::Table = toml::from_str(&edited[start..stop]).unwrap();
            assert_eq!(parsed["criteria"].as_array().unwrap().last().unwrap().as_str(), Some("new"), "{edited}");
        }
    }

    #[test]
    fn quotes_within_a_criterion_are_kept_and_what_is_no_requirement_is_left_alone() {
        let text = "+++\ncriteria = [\"a\"]\n+++\n";
        let criterion = "accuracy >= 0.8 where \"Tech Support\" = 'it''s \\ here'";
        let edited = add_criterion(text, criterion).unwrap();
        let parsed: toml::Table = toml::from_str(&edited[4..edited.len() - 4]).unwrap();
        assert_eq!(parsed["criteria"][1].as_str(), Some(criterion));
        for bad in ["", "prose", "+++\ncriteria = 3\n+++\n", "+++\ncriteria = [\n+++\n", "+++\ngoal = \"g\"\n+++\n"] {
            assert_eq!(add_criterion(bad, "new"), None, "{bad:?}");
        }
    }
}
