//! Finding registered models, their versions, and logged models: which words each has. The language is that of runs.

use crate::run::filter::{Filter, FilterError, Keyed, parse_with};
use std::fmt;
use std::ops::Range;

/// What of a model is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelKey {
    /// Something that each has.
    Attribute(&'static ModelAttribute),
    /// A tag.
    Tag(String),
    /// A parameter (logged models only).
    Parameter(String),
    /// A metric (logged models only).
    Metric(String),
}

/// Something that each model of a kind has.
#[derive(Debug, PartialEq, Eq)]
pub struct ModelAttribute {
    /// The words that name it; the first is ours.
    pub words: &'static [&'static str],
    /// Whether it is a number.
    pub is_number: bool,
}

const fn text(words: &'static [&'static str]) -> ModelAttribute {
    ModelAttribute { words, is_number: false }
}

const fn number(words: &'static [&'static str]) -> ModelAttribute {
    ModelAttribute { words, is_number: true }
}

/// What each registered model has.
pub static REGISTERED: [ModelAttribute; 3] = [
    text(&["name"]),
    number(&["creation_timestamp", "creation_time"]),
    number(&["last_updated_timestamp", "timestamp", "last_updated_time"]),
];

/// What each registered version has.
pub static VERSIONS: [ModelAttribute; 7] = [
    text(&["name"]),
    number(&["version_number", "version"]),
    text(&["run_id"]),
    text(&["source_path", "source"]),
    text(&["current_stage", "stage"]),
    number(&["creation_timestamp", "creation_time"]),
    number(&["last_updated_timestamp", "last_updated_time"]),
];

/// What each logged model has.
pub static LOGGED: [ModelAttribute; 9] = [
    text(&["model_id"]),
    text(&["name"]),
    text(&["model_type"]),
    text(&["status"]),
    text(&["source_run_id"]),
    text(&["artifact_location", "artifact_uri"]),
    text(&["experiment_id"]),
    number(&["creation_timestamp", "creation_time", "creation_timestamp_ms"]),
    number(&["last_updated_timestamp", "last_updated_time", "last_updated_timestamp_ms"]),
];

impl ModelAttribute {
    /// The word that names it.
    pub fn as_str(&self) -> &'static str {
        self.words[0]
    }
}

/// The attribute that a word names.
pub fn attribute(known: &'static [ModelAttribute], word: &str) -> Option<&'static ModelAttribute> {
    known.iter().find(|attribute| attribute.words.iter().any(|name| name.eq_ignore_ascii_case(word)))
}

impl Keyed for ModelKey {
    fn is_number(&self) -> bool {
        matches!(self, ModelKey::Metric(_)) || matches!(self, ModelKey::Attribute(attribute) if attribute.is_number)
    }

    fn may_be_number(&self) -> bool {
        matches!(self, ModelKey::Parameter(_) | ModelKey::Tag(_))
    }
}

impl fmt::Display for ModelKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ModelKey::Attribute(attribute) => formatter.write_str(attribute.as_str()),
            ModelKey::Tag(name) => write!(formatter, "tags.{name}"),
            ModelKey::Parameter(name) => write!(formatter, "params.{name}"),
            ModelKey::Metric(name) => write!(formatter, "metrics.{name}"),
        }
    }
}

/// Reads a filter of registered models.
///
/// # Errors
/// A word that is not understood, with its place.
pub fn registered(text: &str) -> Result<Filter<ModelKey>, FilterError> {
    parse_with(text, &|raw, span| key(raw, span, &REGISTERED, false))
}

/// Reads a filter of registered versions.
///
/// # Errors
/// A word that is not understood, with its place.
pub fn versions(text: &str) -> Result<Filter<ModelKey>, FilterError> {
    parse_with(text, &|raw, span| key(raw, span, &VERSIONS, false))
}

/// Reads a filter of logged models.
///
/// # Errors
/// A word that is not understood, with its place.
pub fn logged(text: &str) -> Result<Filter<ModelKey>, FilterError> {
    parse_with(text, &|raw, span| key(raw, span, &LOGGED, true))
}

fn key(
    raw: &str,
    span: &Range<usize>,
    attributes: &'static [ModelAttribute],
    logged: bool,
) -> Result<ModelKey, FilterError> {
    let quoted = raw.starts_with('`') || raw.starts_with('"');
    let (prefix, name) = match raw.split_once('.') {
        Some((prefix, name)) if !quoted => (prefix, name),
        _ => ("attributes", raw),
    };
    let name = bare(name);
    let wrong = |message: String, hint: String| FilterError { message, span: span.clone(), hint };
    if name.is_empty() {
        return Err(wrong(format!("a name is missing behind `{prefix}.`"), String::new()));
    }
    match prefix.to_ascii_lowercase().as_str() {
        "tag" | "tags" => Ok(ModelKey::Tag(name)),
        "param" | "params" | "parameter" | "parameters" if logged => Ok(ModelKey::Parameter(name)),
        "metric" | "metrics" if logged => Ok(ModelKey::Metric(name)),
        "attribute" | "attributes" | "attr" => attribute(attributes, &name).map(ModelKey::Attribute).ok_or_else(|| {
            let known: Vec<&str> = attributes.iter().map(ModelAttribute::as_str).collect();
            wrong(format!("Invalid attribute key '{name}' specified"), format!("write {} or tags.", known.join(", ")))
        }),
        _ => Err(wrong(
            format!("Invalid entity type '{prefix}'"),
            if logged { "write metrics., params., tags. or an attribute" } else { "write tags. or an attribute" }
                .to_owned(),
        )),
    }
}

fn bare(name: &str) -> String {
    match name.chars().next() {
        Some(mark @ ('`' | '"')) if name.len() >= 2 && name.ends_with(mark) => name[1..name.len() - 1].to_owned(),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::filter::Test;

    #[test]
    fn each_kind_of_model_has_words_of_its_own() {
        assert!(registered("name LIKE 'churn%' AND tags.`team name` = 'x'").is_ok());
        assert!(versions("version_number > 3 and run_id IN ('a','b')").is_ok());
        assert!(logged("metrics.auc >= 0.5 AND params.depth = '3' AND model_type = \"tree\"").is_ok());
        for bad in ["metrics.auc > 1", "colour = 'red'", "name > 'a'", "name", "version_number = 'x'"] {
            assert!(registered(bad).is_err() && versions(bad).is_err(), "{bad}");
        }
        let filter = versions("name = 'a'");
        let key = ModelKey::Attribute(&VERSIONS[0]);
        assert_eq!(filter, Ok(Filter::Is(key, Test::Equals("a".to_owned()))));
    }
}
