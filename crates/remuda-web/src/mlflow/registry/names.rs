//! Names of registered models, versions, aliases and tags: what MLflow's own server takes and refuses.

use super::super::fields::{Fields, invalid, missing, wrong_type};
use super::super::limits;
use remuda_app::Error;
use remuda_app::words::model::registered::is_reserved_alias;

/// Characters of a registered model's name.
const NAME: usize = 256;
/// Characters of a tag's key.
const KEY: usize = 250;
/// Characters of a tag's value.
const VALUE: usize = 100_000;
/// Characters of an alias.
const ALIAS: usize = 255;

/// The registered model's name, from `name` or another field.
pub(super) fn model(fields: &Fields, field: &str) -> Result<String, Error> {
    let name = fields.need(field)?;
    if name.trim().is_empty() {
        return Err(missing(field));
    }
    if name.contains(['/', ':']) {
        return Err(invalid(format!("Invalid model name '{name}'. Names cannot contain '/' or ':'.")));
    }
    limits::file_name("name", &name)?;
    limits::within("name", &name, NAME)?;
    Ok(name)
}

/// The version's number.
pub(super) fn version(fields: &Fields) -> Result<i64, Error> {
    let text = match fields.get("version") {
        Some(number @ serde_json::Value::Number(_)) => return Err(wrong_type("version", number)),
        _ => fields.need("version")?,
    };
    text.trim().parse().map_err(|_| invalid(format!("Parameter 'version' must be an integer, got '{text}'.")))
}

/// An alias.
pub(super) fn alias(fields: &Fields) -> Result<String, Error> {
    let alias = fields.need("alias")?;
    if !alias.chars().all(|letter| letter.is_alphanumeric() || letter == '_' || letter == '-') {
        return Err(invalid(format!(
            "Invalid alias name: '{alias}'. Names may only contain alphanumerics, underscores (_), and dashes (-)."
        )));
    }
    limits::within("Registered model alias name", &alias, ALIAS)?;
    Ok(alias)
}

/// An alias that may be given.
pub(super) fn new_alias(fields: &Fields) -> Result<String, Error> {
    let alias = alias(fields)?;
    if alias.eq_ignore_ascii_case("latest") {
        return Err(invalid("'latest' alias name (case insensitive) is reserved."));
    }
    if is_reserved_alias(&alias) {
        return Err(invalid(format!("Version alias name '{alias}' is reserved.")));
    }
    Ok(alias)
}

/// A tag's key.
pub(super) fn key(fields: &Fields) -> Result<String, Error> {
    let key = fields.need("key")?;
    limits::key("name", &key)?;
    Ok(key)
}

/// A tag.
pub(super) fn tag(key: &str, value: &str) -> Result<(), Error> {
    limits::key("name", key)?;
    limits::within("key", key, KEY)?;
    limits::within("value", value, VALUE)
}
