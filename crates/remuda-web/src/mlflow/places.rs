//! Tokens of pages: where the page before ended, as hexadecimal digits of JSON, with a mark of what was sought, so that
//! a token of one search is refused by another.

use super::fields::invalid;
use remuda_app::Error;
use remuda_app::run::tracked::OrderPlace;
use remuda_app::words::Digest;
use serde_json::{Value, json};

type Key = (i64, Option<u64>, Option<String>);

/// The mark of a search: everything but the page.
pub(super) fn mark(parts: &[&str]) -> String {
    Digest::of_fields(parts.iter().map(|part| part.as_bytes())).hex()[..8].to_owned()
}

/// A place as a token.
pub(super) fn write(place: &OrderPlace, mark: &str) -> String {
    let keys: Vec<Value> =
        place.keys.iter().map(|(class, number, text)| json!([class, number.map(f64::to_bits), text])).collect();
    json!([mark, keys]).to_string().bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// The place that a token names.
pub(super) fn read(token: &str, mark: &str) -> Result<OrderPlace, Error> {
    let parsed = || -> Option<(String, Vec<Key>)> {
        let bytes = (0..token.len() / 2)
            .map(|place| u8::from_str_radix(token.get(2 * place..2 * place + 2)?, 16).ok())
            .collect::<Option<Vec<u8>>>()?;
        serde_json::from_slice(&bytes).ok()
    };
    let (known, keys) =
        parsed().ok_or_else(|| invalid("Invalid page token, could not parse it: ask for the first page again"))?;
    if known != mark {
        return Err(invalid("Invalid page token: it belongs to a search with another filter or order"));
    }
    let keys = keys.into_iter().map(|(class, bits, text)| (class, bits.map(f64::from_bits), text)).collect();
    Ok(OrderPlace { keys })
}
