//! What a request says: a JSON object or a query, its fields checked one by one with the messages that clients expect.

use super::answer::refuse;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{Method, header};
use axum::response::Response;
use remuda_app::Error;
use serde_json::{Map, Value};

/// The fields of a request; unknown ones are ignored.
pub(crate) struct Fields {
    fields: Map<String, Value>,
    /// They came by the address: a list of one value is a text there.
    by_address: bool,
}

/// An error that the caller can mend.
pub(crate) fn invalid(message: impl Into<String>) -> Error {
    Error::new("request.invalid", message)
}

/// A required field that is missing or empty.
pub(crate) fn missing(path: &str) -> Error {
    invalid(format!(
        "Missing value for required parameter '{path}'. See the API docs for more information about request parameters."
    ))
}

/// A value that a field cannot have, with why.
pub(crate) fn unfit(path: &str, value: &Value, why: &str) -> Error {
    invalid(format!("Invalid value {value} for parameter '{path}' supplied: {why}"))
}

/// A value of the wrong type.
pub(crate) fn wrong_type(path: &str, value: &Value) -> Error {
    let kind = match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    };
    unfit(
        path,
        value,
        &format!(" Hint: Value was of type '{kind}'. See the API docs for more information about request parameters."),
    )
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        if request.method() == Method::GET || request.method() == Method::HEAD {
            return Self::of_query(request.uri().query().unwrap_or_default()).map_err(|error| refuse(&error));
        }
        let body = body(request, state).await?;
        Self::of_body(&body).map_err(|error| refuse(&error))
    }
}

/// The bytes of a JSON body.
pub(crate) struct JsonBody(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        body(request, state).await.map(JsonBody)
    }
}

async fn body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Response> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.map(|text| text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    // A foreign page can send forms and plain text without asking first, but not JSON.
    if let Some(other) = essence.filter(|essence| essence != "application/json") {
        // Read to its end, so that the connection can serve on.
        let _ = Bytes::from_request(request, state).await;
        return Err(refuse(&invalid(format!("Bad Request. Content-Type must be application/json, not {other}."))));
    }
    let body = Bytes::from_request(request, state)
        .await
        .map_err(|rejection| refuse(&Error::new("tracked.bad_request", rejection.body_text())))?;
    // Old clients send the object as text.
    if body.first() == Some(&b'"')
        && let Ok(inner) = serde_json::from_slice::<String>(&body)
    {
        return Ok(inner.into_bytes().into());
    }
    Ok(body)
}

impl Fields {
    /// Reads a query; a name that comes twice is a list.
    fn of_query(query: &str) -> Result<Self, Error> {
        let pairs: Vec<(String, String)> =
            serde_urlencoded::from_str(query).map_err(|error| invalid(format!("the query cannot be read: {error}")))?;
        let mut fields = Map::new();
        for (name, value) in pairs {
            match fields.get_mut(&name) {
                None => {
                    fields.insert(name, Value::String(value));
                }
                Some(Value::Array(values)) => values.push(Value::String(value)),
                Some(known) => *known = Value::Array(vec![known.take(), Value::String(value)]),
            }
        }
        Ok(Self { fields, by_address: true })
    }

    /// Reads a JSON object; nothing at all is an empty one.
    pub(crate) fn of_body(body: &[u8]) -> Result<Self, Error> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::in_body(Map::new()));
        }
        let wrong = |why: String| Error::new("tracked.bad_request", format!("the body is no JSON object: {why}"));
        match serde_json::from_slice(body).map_err(|error| wrong(error.to_string()))? {
            Value::Object(fields) => Ok(Self::in_body(fields)),
            Value::Null => Ok(Self::in_body(Map::new())),
            _ => Err(wrong("write `{…}`".to_owned())),
        }
    }

    fn in_body(fields: Map<String, Value>) -> Self {
        Self { fields, by_address: false }
    }

    /// The fields of an object inside.
    pub(crate) fn of_object(value: &Value) -> Option<Self> {
        value.as_object().map(|fields| Self::in_body(fields.clone()))
    }

    /// A field as it came; `null` counts as missing.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    /// A text that may be missing; an empty one counts as missing.
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, Error> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(wrong_type(name, other)),
        }
    }

    /// A text, which may be empty, but must be a text.
    pub(crate) fn any_text(&self, name: &str) -> Result<Option<String>, Error> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(wrong_type(name, other)),
        }
    }

    /// A text that must be there.
    pub(crate) fn need(&self, name: &str) -> Result<String, Error> {
        self.text(name)?.ok_or_else(|| missing(name))
    }

    /// A whole number, as a number or as text.
    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>, Error> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let read = match value {
            Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
            Value::String(text) if text.is_empty() => return Ok(None),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        read.map(Some).ok_or_else(|| wrong_type(name, value))
    }

    /// Yes or no.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Error> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Bool(yes)) => Ok(Some(*yes)),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("false") || text.is_empty() => Ok(Some(false)),
            Some(other) => Err(wrong_type(name, other)),
        }
    }

    /// A list; one value of a query counts as a list of one.
    pub(crate) fn list(&self, name: &str) -> Result<Vec<Value>, Error> {
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(values)) => Ok(values.clone()),
            Some(Value::String(text)) if self.by_address => Ok(vec![Value::String(text.clone())]),
            Some(other) => Err(wrong_type(name, other)),
        }
    }

    /// A list of texts.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<String>, Error> {
        let text = |value: Value| match value {
            Value::String(text) => Ok(text),
            Value::Number(number) => Ok(number.to_string()),
            other => Err(wrong_type(name, &other)),
        };
        self.list(name)?.into_iter().map(text).collect()
    }

    /// Pairs of `key` and `value`, such as tags.
    pub(crate) fn pairs(&self, name: &str) -> Result<Vec<(String, String)>, Error> {
        let mut pairs = Vec::new();
        for (place, value) in self.list(name)?.iter().enumerate() {
            let path = format!("{name}[{place}]");
            let entry = Fields::of_object(value).ok_or_else(|| wrong_type(&path, value))?;
            let key = entry.text("key").map_err(|_| wrong_type(&format!("{path}.key"), &value["key"]))?;
            let key = key.ok_or_else(|| missing(&format!("{path}.key")))?;
            let value = entry.any_text("value").map_err(|_| wrong_type(&format!("{path}.value"), &value["value"]))?;
            pairs.push((key, value.unwrap_or_default()));
        }
        Ok(pairs)
    }

    /// How many are wanted: at least 1 and at most `most`.
    pub(crate) fn limit(&self, name: &str, usual: usize, most: usize) -> Result<usize, Error> {
        match self.integer(name)? {
            None => Ok(usual),
            Some(wanted) => match usize::try_from(wanted) {
                Ok(wanted) if (1..=most).contains(&wanted) => Ok(wanted),
                _ => Err(unfit(name, &Value::from(wanted), &format!("It must be a positive integer, at most {most}"))),
            },
        }
    }
}

fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 9.0e15).then_some(number as i64)
}
