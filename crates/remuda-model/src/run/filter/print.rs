//! Writing a filter: parsed again it is the same.

use super::{Filter, Key, Test};
use std::fmt::{self, Display, Formatter};

impl Display for Filter {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let joined = |out: &mut Formatter<'_>, parts: &[Filter], word: &str| {
            for (place, part) in parts.iter().enumerate() {
                if place > 0 {
                    write!(out, " {word} ")?;
                }
                match part {
                    Filter::Is(..) | Filter::Not(_) => write!(out, "{part}")?,
                    _ => write!(out, "({part})")?,
                }
            }
            Ok(())
        };
        match self {
            Filter::All(parts) => joined(out, parts, "AND"),
            Filter::Any(parts) => joined(out, parts, "OR"),
            Filter::Not(part) => match part.as_ref() {
                Filter::Is(..) | Filter::Not(_) => write!(out, "NOT {part}"),
                _ => write!(out, "NOT ({part})"),
            },
            Filter::Is(key, test) => write!(out, "{key} {test}"),
        }
    }
}

impl Display for Key {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let (prefix, name) = match self {
            Key::Metric(name) => ("metrics", name),
            Key::Parameter(name) => ("params", name),
            Key::Tag(name) => ("tags", name),
            Key::Attribute(attribute) => return write!(out, "attributes.{}", attribute.as_str()),
            Key::Dataset(part) => return write!(out, "datasets.{}", part.as_str()),
        };
        let is_bare = name.chars().all(|character| character.is_alphanumeric() || "_-./".contains(character));
        if is_bare { write!(out, "{prefix}.{name}") } else { write!(out, "{prefix}.`{}`", name.replace('`', "``")) }
    }
}

impl Display for Test {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
        let list = |texts: &[String]| texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", ");
        match self {
            Test::Number(comparison, number) => write!(out, "{} {number}", comparison.as_str()),
            Test::Equals(text) => write!(out, "= {}", quoted(text)),
            Test::Differs(text) => write!(out, "!= {}", quoted(text)),
            Test::Like { pattern, fold_case } => {
                write!(out, "{} {}", if *fold_case { "ILIKE" } else { "LIKE" }, quoted(pattern))
            }
            Test::In(texts) => write!(out, "IN ({})", list(texts)),
            Test::NotIn(texts) => write!(out, "NOT IN ({})", list(texts)),
            Test::Present => write!(out, "IS NOT NULL"),
            Test::Absent => write!(out, "IS NULL"),
        }
    }
}
