//! The OpenAPI 3.1 description of the JSON API, made of the same structs that are its bodies.

use remuda_app::{Access, UseCase, Visitor, visit_all};
use serde_json::{Map, Value, json};
use std::sync::LazyLock;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// One use case, as the reference shows it.
#[derive(Clone, Debug)]
pub struct Operation {
    /// The noun.
    pub noun: &'static str,
    /// The verb.
    pub verb: &'static str,
    /// One line.
    pub about: &'static str,
    /// It appends facts.
    pub writes: bool,
    /// The request's fields.
    pub fields: Vec<Field>,
    /// The name of the answer's schema.
    pub answer: String,
}

/// One field of a request.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type, in words.
    pub kind: String,
    /// It must be sent.
    pub required: bool,
    /// One line.
    pub about: String,
}

/// The description and the reference made of it. Both never change while the program runs.
pub struct Description {
    /// The OpenAPI document.
    pub document: Value,
    /// One per use case, in order of nouns.
    pub operations: Vec<Operation>,
    /// Names that two different schemas claim: must be empty (a test sees to it).
    pub conflicts: Vec<String>,
}

/// The description of this program's API.
pub static DESCRIPTION: LazyLock<Description> = LazyLock::new(describe);

fn describe() -> Description {
    let mut collector = Collector::default();
    visit_all(&mut collector);
    collector.component("Problem", &problem_schema());
    collector.paths.extend(transfer_paths());
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "remuda",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Each use case is one POST: the body is the same struct as the command's flags. Errors are problem+json (RFC 9457).",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{}, { "bearer": [] }],
        "paths": collector.paths,
        "components": {
            "schemas": collector.schemas,
            "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer" } },
        },
    });
    Description { document, operations: collector.operations, conflicts: collector.conflicts }
}

#[derive(Default)]
struct Collector {
    paths: Map<String, Value>,
    schemas: Map<String, Value>,
    operations: Vec<Operation>,
    conflicts: Vec<String>,
}

impl Visitor for Collector {
    fn visit<U: UseCase>(&mut self) {
        let request = as_json(&U::schema());
        let request_name = request_name(U::NOUN, U::VERB);
        let answer_name = U::Answer::name().into_owned();
        self.component(&request_name, &request);
        self.component(&answer_name, &as_json(&U::Answer::schema()));
        let mut nested: Vec<(String, RefOr<Schema>)> = Vec::new();
        U::schemas(&mut nested);
        U::Answer::schemas(&mut nested);
        for (name, schema) in nested {
            self.component(&name, &as_json(&schema));
        }
        let writes = U::ACCESS == Access::Write;
        let path = format!("/api/v1/{}/{}", U::NOUN, U::VERB);
        self.paths.insert(path, operation(U::NOUN, U::VERB, U::ABOUT, &request_name, &answer_name));
        self.operations.push(Operation {
            noun: U::NOUN,
            verb: U::VERB,
            about: U::ABOUT,
            writes,
            fields: fields(&request),
            answer: answer_name,
        });
    }
}

impl Collector {
    /// Adds a schema under its name. A name that already stands for something else is a conflict.
    fn component(&mut self, name: &str, schema: &Value) {
        match self.schemas.get(name) {
            None => {
                self.schemas.insert(name.to_owned(), schema.clone());
            }
            Some(known) if known == schema => {}
            Some(_) => self.conflicts.push(name.to_owned()),
        }
    }
}

/// `DataAddRequest`: requests of different nouns share their struct's name, so the noun is part of it.
fn request_name(noun: &str, verb: &str) -> String {
    let words = [noun, verb].into_iter().flat_map(|part| part.split(['-', '_']));
    let capitalised = words.map(|word| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
    });
    capitalised.chain(["Request".to_owned()]).collect()
}

fn as_json(schema: &RefOr<Schema>) -> Value {
    // Schemas are plain data: their serialisation has no way to fail, and an empty schema would still be valid.
    serde_json::to_value(schema).unwrap_or_else(|_| json!({}))
}

fn operation(noun: &str, verb: &str, about: &str, request: &str, answer: &str) -> Value {
    json!({ "post": {
        "tags": [noun],
        "operationId": format!("{noun}.{verb}"),
        "summary": about,
        "parameters": [{
            "name": "remuda-definitions", "in": "header", "required": false, "schema": { "type": "string" },
            "description": "Digest of a set of definition files sent before to /api/v1/definitions; without it, the server's own folder.",
        }],
        "requestBody": { "required": true, "content": { "application/json": { "schema": reference(request) } } },
        "responses": {
            "200": { "description": "The answer.", "content": { "application/json": { "schema": reference(answer) } } },
            "default": problem_response(),
        },
    }})
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn problem_response() -> Value {
    json!({ "description": "What went wrong, with a code and next steps.",
            "content": { "application/problem+json": { "schema": reference("Problem") } } })
}

fn problem_schema() -> Value {
    json!({
        "type": "object",
        "description": "RFC 9457, with the application's code, hints, places in definition files and causes.",
        "required": ["type", "title", "status", "detail", "code", "hints", "diagnostics", "causes"],
        "properties": {
            "type": { "type": "string", "description": "Address of the page about this code." },
            "title": { "type": "string", "description": "What sort of trouble it is." },
            "status": { "type": "integer", "description": "The HTTP status." },
            "detail": { "type": "string", "description": "One sentence." },
            "kind": { "type": "string", "enum": ["user", "config", "missing", "conflict", "denied", "internal"] },
            "code": { "type": "string", "description": "A stable code, such as data.contract_breach." },
            "hints": { "type": "array", "items": { "type": "string" }, "description": "Next steps that can be typed." },
            "diagnostics": { "type": "array", "items": { "type": "object" }, "description": "Places in definition files." },
            "causes": { "type": "array", "items": { "type": "string" }, "description": "What lies beneath, outermost first." },
        },
    })
}

fn transfer_paths() -> [(String, Value); 3] {
    let digest = json!({ "type": "object", "required": ["digest"], "properties": { "digest": { "type": "string" } } });
    let answers = |schema: &Value| {
        json!({ "200": { "description": "The digest.", "content": { "application/json": { "schema": schema } } },
                "default": problem_response() })
    };
    let bytes = json!({ "application/octet-stream": { "schema": { "type": "string", "format": "binary" } } });
    let files = json!({ "type": "object", "required": ["files"], "properties": {
        "files": { "type": "object", "additionalProperties": { "type": "string" }, "description": "Path and text." } } });
    [
        (
            "/api/v1/upload".to_owned(),
            json!({ "put": { "operationId": "upload", "summary": "Send a file's bytes; `file` fields take the digest.",
            "requestBody": { "required": true, "content": bytes.clone() }, "responses": answers(&digest) } }),
        ),
        (
            "/api/v1/download/{digest}".to_owned(),
            json!({ "get": { "operationId": "download", "summary": "The bytes of a blob.",
            "parameters": [{ "name": "digest", "in": "path", "required": true, "schema": { "type": "string" } }],
            "responses": { "200": { "description": "The bytes.", "content": bytes }, "default": problem_response() } } }),
        ),
        (
            "/api/v1/definitions".to_owned(),
            json!({ "post": { "operationId": "definitions", "summary": "Send a set of definition files; the header `remuda-definitions` takes the digest.",
            "requestBody": { "required": true, "content": { "application/json": { "schema": files } } }, "responses": answers(&digest) } }),
        ),
    ]
}

fn fields(request: &Value) -> Vec<Field> {
    let required: Vec<&str> = request["required"]
        .as_array()
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let Some(properties) = request["properties"].as_object() else { return Vec::new() };
    let field = |(name, schema): (&String, &Value)| Field {
        name: name.clone(),
        kind: kind(schema),
        required: required.contains(&name.as_str()),
        about: schema["description"].as_str().unwrap_or_default().replace('\n', " "),
    };
    properties.iter().map(field).collect()
}

/// A schema's type in words: `string`, `integer or null`, `list of MetricValue`.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str() {
        return name.rsplit('/').next().unwrap_or(name).to_owned();
    }
    for key in ["oneOf", "anyOf", "allOf"] {
        if let Some(choices) = schema[key].as_array() {
            return choices.iter().map(kind).collect::<Vec<_>>().join(" or ");
        }
    }
    match &schema["type"] {
        Value::String(word) if word == "array" => format!("list of {}", kind(&schema["items"])),
        Value::String(word) => word.clone(),
        Value::Array(words) => words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        _ => "any".to_owned(),
    }
}
