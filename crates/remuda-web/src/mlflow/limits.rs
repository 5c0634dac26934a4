//! Names and sizes: what MLflow's own server takes and refuses.

use super::fields::{invalid, unfit};
use remuda_app::Error;
use serde_json::Value;

/// Characters of a key.
pub(crate) const KEY: usize = 250;
/// Characters of a parameter's value.
pub(crate) const PARAMETER: usize = 6000;
/// Characters of a tag's value.
pub(crate) const TAG: usize = 8000;
/// Characters of an experiment's name.
const EXPERIMENT_NAME: usize = 500;
/// Characters of an experiment tag's value.
const EXPERIMENT_TAG: usize = 20_000;
/// Points in a batch.
pub(crate) const BATCH_METRICS: usize = 1000;
/// Parameters, or tags, in a batch.
pub(crate) const BATCH_PAIRS: usize = 100;
/// All in a batch.
pub(crate) const BATCH: usize = 1000;
/// Bytes of a batch.
pub(crate) const BATCH_BYTES: usize = 1_000_000;

/// Refuses a text that is too long.
pub(crate) fn within(what: &str, text: &str, most: usize) -> Result<(), Error> {
    // Bytes bound characters: most texts need no counting.
    if text.len() > most && text.chars().count() > most {
        return Err(invalid(format!("'{what}' exceeds the maximum length of {most} characters")));
    }
    if text.contains('\0') {
        return Err(unfit(what, &Value::from("\\0"), "a text cannot hold the character NUL"));
    }
    Ok(())
}

/// A key of a metric, parameter or tag: it may become a file's name elsewhere.
pub(crate) fn key(path: &str, key: &str) -> Result<(), Error> {
    let allowed = |letter: char| letter.is_alphanumeric() || "_-.: /".contains(letter);
    if !key.chars().all(allowed) {
        let why = "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).";
        return Err(unfit(path, &Value::from(key), why));
    }
    file_name(path, key)
}

/// A name that means itself when it is taken for a file's.
pub(crate) fn file_name(path: &str, name: &str) -> Result<(), Error> {
    let normal = normal_path(name);
    if normal != name || normal == "." || normal.starts_with("..") || normal.starts_with('/') {
        let why = format!(
            "Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to '{normal}'"
        );
        return Err(unfit(path, &Value::from(name), &why));
    }
    Ok(())
}

/// The path that a name means, as POSIX normalises it.
fn normal_path(name: &str) -> String {
    if name.is_empty() {
        return ".".to_owned();
    }
    let root = if name.starts_with("//") && !name.starts_with("///") {
        "//"
    } else if name.starts_with('/') {
        "/"
    } else {
        ""
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if !root.is_empty() => {}
            other => parts.push(other),
        }
    }
    let path = format!("{root}{}", parts.join("/"));
    if path.is_empty() { ".".to_owned() } else { path }
}

/// A metric's key.
pub(crate) fn metric(path: &str, name: &str) -> Result<(), Error> {
    key(path, name)?;
    within("Metric name", name, KEY)
}

/// A parameter.
pub(crate) fn parameter(path: &str, name: &str, value: &str) -> Result<(), Error> {
    key(path, name)?;
    within("Param key", name, KEY)?;
    within("Param value", value, PARAMETER)
}

/// A tag of a run.
pub(crate) fn tag(path: &str, value_path: &str, name: &str, value: &str) -> Result<(), Error> {
    key(path, name)?;
    within(path, name, KEY)?;
    within(value_path, value, TAG)
}

/// A tag of an experiment.
pub(crate) fn experiment_tag(name: &str, value: &str) -> Result<(), Error> {
    key("key", name)?;
    within("key", name, KEY)?;
    within("value", value, EXPERIMENT_TAG)
}

/// An experiment's name.
pub(crate) fn experiment_name(name: &str) -> Result<(), Error> {
    if name.is_empty() {
        return Err(invalid("Invalid experiment name: ''"));
    }
    within("name", name, EXPERIMENT_NAME)
}

/// A run's id.
pub(crate) fn run_id(path: &str, id: &str) -> Result<(), Error> {
    let mut letters = id.chars();
    let begins = letters.next().is_some_and(|letter| letter.is_ascii_alphanumeric());
    let goes_on = letters.all(|letter| letter.is_alphanumeric() || letter == '_' || letter == '-');
    if begins && goes_on && id.chars().count() <= 256 {
        return Ok(());
    }
    Err(invalid(format!("Invalid value {} for parameter '{path}' supplied.", Value::from(id))))
}

/// An experiment's number.
pub(crate) fn experiment_id(id: &str) -> Result<i64, Error> {
    id.trim()
        .parse()
        .map_err(|_| invalid(format!("Invalid experiment ID '{id}'. Experiment ID must be a valid integer.")))
}

#[cfg(test)]
mod tests {
    use super::{key, normal_path};

    #[test]
    fn a_key_is_a_path_that_means_itself() {
        for good in ["loss", "val/loss", "system/cpu utilisation", "größe", "a:b.c-d_e"] {
            assert!(key("k", good).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "../a", "a/../b", "/a", "a//b", "a/", "./a", "a\0b", "a,b", "a'b", "a\\b"] {
            assert!(key("k", bad).is_err(), "{bad:?}");
        }
        assert_eq!(normal_path("a/./b/../c"), "a/c");
        assert_eq!(normal_path("../../x"), "../../x");
    }
}
