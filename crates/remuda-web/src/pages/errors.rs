//! `/docs/errors`: what each code of an error means. The `type` of every problem+json points here.

use crate::components::{Frame, Page, Section, layout, parts};
use maud::{Markup, html};
use remuda_app::error::{CODES, Code};
use remuda_app::{Error, Kind};

/// The kinds in the order of the page: name, title, what to do.
const KINDS: [(Kind, &str, &str, &str); 6] = [
    (
        Kind::User,
        "user",
        "The request or its input",
        "Change what was sent; the message names the field, the column or the line.",
    ),
    (Kind::Config, "config", "A definition or the configuration", "Correct the file that the error names."),
    (Kind::Missing, "missing", "Not there", "Nothing has that name or id."),
    (Kind::Conflict, "conflict", "Not now", "Something is not ready, or somebody was quicker."),
    (Kind::Denied, "denied", "Not allowed", "Another member may, or the token is missing."),
    (
        Kind::Internal,
        "internal",
        "Our fault, or the machine's",
        "Nothing was half-written; the server's log tells more.",
    ),
];

/// The reference of all codes.
pub fn page(frame: &Frame) -> Markup {
    let body = html! {
        p.reading {
            "Terminal, API and pages give the same error: a stable code, one sentence, and next steps that can be typed. The API answers it as "
            code { "application/problem+json" } " (RFC 9457), whose " code { "type" } " is an address on this page."
        }
        @for (kind, name, title, about) in KINDS {
            @let codes: Vec<&Code> = CODES.iter().filter(|code| code.kind == kind).collect();
            @if !codes.is_empty() {
                (parts::section(&format!("kind-{name}"), title, parts::chip(name), html! {
                    p.muted { (about) }
                    dl.codes { @for code in codes { (entry(code)) } }
                }))
            }
        }
    };
    let page = Page {
        title: "Errors".to_owned(),
        section: Section::Api,
        crumbs: vec![("API".to_owned(), "/api".to_owned())],
        beside: html! {},
        lead: html! { span { "What each code means, and what to do." } },
        commands: vec!["remuda --json status".to_owned()],
        body,
    };
    layout::page(frame, page)
}

fn entry(code: &Code) -> Markup {
    html! {
        div id=(code.code) {
            dt {
                a.plain href={ "#" (code.code) } { code { (code.code) } }
                span.muted.small { " " (Error::new(code.code, "").status()) }
            }
            dd { (parts::backticks(code.meaning)) }
        }
    }
}
