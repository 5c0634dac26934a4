//! The little language of templates: text with `{LEXICON}` in it. `{name}` and `{name2}` are two different words of the
//! lexicon `name`; `{{` and `}}` stand for the braces themselves.

use std::ops::Range;

/// A stretch of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Text as it stands.
    Text(String),
    /// A place that a word of a lexicon fills.
    Place {
        /// What stands between the braces.
        name: String,
        /// Where it stands, braces included, in bytes.
        span: Range<usize>,
    },
}

/// Reads a template.
///
/// ```
/// use remuda_model::behaviour::template::{parse, Part};
/// let parts = parse("my {product} is {{broken}}").unwrap();
/// assert_eq!(parts[1], Part::Place { name: "product".into(), span: 3..12 });
/// assert_eq!(parts[2], Part::Text(" is {broken}".into()));
/// assert_eq!(parse("my {product").unwrap_err().1, 3..11);
/// ```
///
/// # Errors
/// A message and its place (bytes): a brace without its partner, a place without a name.
pub fn parse(text: &str) -> Result<Vec<Part>, (String, Range<usize>)> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut rest = 0;
    while let Some(first) = text[rest..].chars().next() {
        let here = &text[rest..];
        if here.starts_with("{{") || here.starts_with("}}") {
            plain.push(first);
            rest += 2;
        } else if first == '{' {
            let Some(end) = here.find('}') else {
                return Err(("this `{` has no `}`; write `{{` for a brace".to_owned(), rest..text.len()));
            };
            let (name, span) = (here[1..end].trim(), rest..rest + end + 1);
            if name.is_empty() || name.contains('{') {
                return Err(("a lexicon's name belongs between `{` and `}`".to_owned(), span));
            }
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.push(Part::Place { name: name.to_owned(), span });
            rest += end + 1;
        } else if first == '}' {
            return Err(("this `}` has no `{`; write `}}` for a brace".to_owned(), rest..rest + 1));
        } else {
            plain.push(first);
            rest += first.len_utf8();
        }
    }
    if !plain.is_empty() {
        parts.push(Part::Text(plain));
    }
    Ok(parts)
}

/// The lexicon that a place means: the one of its name, else the one of its name without the number behind it.
pub fn lexicon_of(place: &str, is_known: impl Fn(&str) -> bool) -> Option<&str> {
    if is_known(place) {
        return Some(place);
    }
    let stem = place.trim_end_matches(|last: char| last.is_ascii_digit());
    (stem.len() < place.len() && is_known(stem)).then_some(stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_come_in_pairs() {
        for (text, place) in [("a } b", 2..3), ("{}", 0..2), ("{ }", 0..3), ("ä {b", 3..5)] {
            assert_eq!(parse(text).map_err(|fault| fault.1), Err(place), "{text}");
        }
        assert_eq!(parse(""), Ok(Vec::new()));
    }

    #[test]
    fn a_number_behind_a_name_is_another_word_of_the_same_lexicon() {
        let known = |name: &str| ["name", "room101"].contains(&name);
        assert_eq!(lexicon_of("name2", known), Some("name"));
        assert_eq!(lexicon_of("room101", known), Some("room101"));
        assert_eq!(lexicon_of("nam", known), None);
    }
}
