//! `/api`: the reference of the JSON API, drawn from the OpenAPI description.

use crate::components::{Frame, Page, Section, layout, parts};
use crate::openapi::Operation;
use maud::{Markup, html};

/// The reference.
pub fn page(frame: &Frame, operations: &[Operation]) -> Markup {
    let mut nouns: Vec<&str> = Vec::new();
    for operation in operations {
        if !nouns.contains(&operation.noun) {
            nouns.push(operation.noun);
        }
    }
    let body = html! {
        p {
            "One request struct is the command's flags, this API's body and the form: what you read here is what "
            code { "remuda NOUN VERB --help" } " says. Send JSON, get JSON, or an error as "
            code { "application/problem+json" } " (RFC 9457) with code, hints and places in files."
        }
        (parts::command(&format!("curl --json '{{}}' {}/api/v1/product/status", frame.host)))
        @for noun in nouns {
            (parts::section(&format!("noun-{noun}"), noun, html! {}, html! {
                @for operation in operations.iter().filter(|operation| operation.noun == noun) { (describe(operation)) }
            }))
        }
        (parts::section("others", "Bytes", html! {}, html! {
            (other("PUT", "/api/v1/upload", "Send a file's bytes; answers the digest that `file` fields take."))
            (other("GET", "/api/v1/download/{digest}", "The bytes of a blob."))
            (other("POST", "/api/v1/definitions", "Send a set of definition files; answers the digest that the header `remuda-definitions` takes."))
        }))
    };
    let page = Page {
        title: "API".to_owned(),
        section: Section::Api,
        crumbs: Vec::new(),
        beside: html! {},
        lead: html! { span { a href="/api/v1/openapi.json" { "OpenAPI 3.1" } } span { a href="/docs/errors" { "errors" } } span { "authorization: Bearer TOKEN, when the server asks for one" } },
        commands: vec!["remuda --help".to_owned()],
        body,
    };
    layout::page(frame, page)
}

fn describe(operation: &Operation) -> Markup {
    html! {
        details.operation id={ (operation.noun) "-" (operation.verb) } {
            summary {
                span.method { "POST" } " " code { "/api/v1/" (operation.noun) "/" (operation.verb) }
                @if operation.writes { " " span.chip.warning { "writes" } }
                span.muted { " " (parts::backticks(operation.about)) }
            }
            @if operation.fields.is_empty() { p.muted { "No fields: send " code { "{}" } "." } }
            @else {
                dl.fields {
                    @for field in &operation.fields {
                        div {
                            dt {
                                code { (field.name) } " "
                                span.muted { (field.kind) @if field.required { ", required" } }
                            }
                            dd { (parts::backticks(&field.about)) }
                        }
                    }
                }
            }
            p.muted.small { "answers " code { (operation.answer) } }
        }
    }
}

fn other(method: &str, path: &str, about: &str) -> Markup {
    html! { p.operation { span.method { (method) } " " code { (path) } " " span.muted { (parts::backticks(about)) } } }
}
