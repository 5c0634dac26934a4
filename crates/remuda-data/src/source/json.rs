//! JSON Lines: one object per line, its values plain (null, boolean, number, string).
//!
//! The columns are the union of the objects' keys in order of appearance, so opening reads the file once.

use super::check_names;
use crate::cell::{Raw, Row};
use crate::error::{DataError, Finding};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// Longest line in bytes.
const LINE_LIMIT: u64 = 32 << 20;

/// An open JSON Lines file.
pub(crate) struct JsonSource {
    reader: BufReader<File>,
    file: String,
    places: HashMap<String, usize>,
    line: u64,
    /// Bytes read so far.
    pub(crate) done: u64,
    raw: Vec<u8>,
    cells: Vec<Option<Value>>,
}

/// An object with its keys in order, doubles kept.
struct Object(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Object;
            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object such as {\"column\": 1}")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut pairs = Vec::with_capacity(map.size_hint().unwrap_or(8));
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Object(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

impl JsonSource {
    /// Opens a file and reads it once for its columns.
    pub(crate) fn open(path: &Path, file: &str) -> Result<(Self, Vec<String>), DataError> {
        let mut names: Vec<String> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut scan = Self::at_start(path, file)?;
        while let Some(object) = scan.next_object()? {
            for (name, value) in object.0 {
                scan.check_plain(&name, &value)?;
                if !places.contains_key(&name) {
                    places.insert(name.clone(), names.len());
                    names.push(name);
                }
            }
        }
        check_names(file, None, &names)?;
        if names.is_empty() {
            let finding = Finding::file(file, "it holds no object with a key", "write one JSON object per line");
            return Err(finding.into());
        }
        let mut source = Self::at_start(path, file)?;
        source.places = places;
        Ok((source, names))
    }

    fn at_start(path: &Path, file: &str) -> Result<Self, DataError> {
        let handle = File::open(path).map_err(|source| DataError::Open { file: file.to_owned(), source })?;
        Ok(Self {
            reader: BufReader::with_capacity(1 << 18, handle),
            file: file.to_owned(),
            places: HashMap::new(),
            line: 0,
            done: 0,
            raw: Vec::new(),
            cells: Vec::new(),
        })
    }

    /// Reads the next row.
    pub(crate) fn next(&mut self, row: &mut Row) -> Result<bool, DataError> {
        let Some(object) = self.next_object()? else { return Ok(false) };
        row.clear(self.line);
        self.cells.clear();
        self.cells.resize(self.places.len(), None);
        for (name, value) in object.0 {
            self.check_plain(&name, &value)?;
            let Some(place) = self.places.get(&name).copied() else { continue };
            if self.cells[place].replace(value).is_some() {
                let finding = Finding::file(&self.file, "the key stands twice in one object", "remove one of them");
                return Err(finding.line(self.line).column(name).into());
            }
        }
        for cell in &self.cells {
            row.push(raw_of(cell.as_ref()));
        }
        Ok(true)
    }

    fn next_object(&mut self) -> Result<Option<Object>, DataError> {
        loop {
            self.raw.clear();
            let read = (&mut self.reader)
                .take(LINE_LIMIT)
                .read_until(b'\n', &mut self.raw)
                .map_err(|source| DataError::Read { file: self.file.clone(), source })?;
            if read == 0 {
                return Ok(None);
            }
            self.line += 1;
            self.done += read as u64;
            if read as u64 == LINE_LIMIT {
                let problem = format!("a line is longer than {} MiB", LINE_LIMIT >> 20);
                let finding = Finding::file(&self.file, problem, "write one JSON object per line");
                return Err(finding.line(self.line).into());
            }
            let bytes = self.raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.raw);
            let Some(first) = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) else { continue };
            if *first != b'{' {
                let problem = if *first == b'[' { "a JSON array" } else { "this is no JSON object" };
                let finding = Finding::file(&self.file, problem, "write one object per line, such as {\"column\": 1}");
                return Err(finding.line(self.line).into());
            }
            return match serde_json::from_slice(bytes) {
                Ok(object) => Ok(Some(object)),
                Err(error) => {
                    let place =
                        if error.line() == 1 { format!(" at character {}", error.column()) } else { String::new() };
                    let problem = format!("not valid JSON{place}: {}", reason(&error));
                    let finding = Finding::file(&self.file, problem, "write one whole object per line, in UTF-8");
                    Err(finding.line(self.line).into())
                }
            };
        }
    }

    fn check_plain(&self, name: &str, value: &Value) -> Result<(), DataError> {
        let kind = match value {
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
            _ => return Ok(()),
        };
        let problem = format!("the value is {kind}; a table has plain values");
        let finding =
            Finding::file(&self.file, problem, "write one key per value (`address_city`), or the value as a string");
        Err(finding.line(self.line).column(name).into())
    }
}

/// The parser's words without its place, which counts lines from the start of this line.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}

fn raw_of(value: Option<&Value>) -> Raw<'_> {
    match value {
        None | Some(Value::Null | Value::Array(_) | Value::Object(_)) => Raw::Missing,
        Some(Value::Bool(value)) => Raw::Boolean(*value),
        Some(Value::String(text)) => Raw::Text(text),
        Some(Value::Number(number)) => match number.as_i64() {
            Some(integer) => Raw::Integer(integer),
            None => Raw::Number(number.as_f64().unwrap_or(f64::NAN)),
        },
    }
}
