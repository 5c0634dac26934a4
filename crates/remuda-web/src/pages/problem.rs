//! Error pages: the application's error as a banner with its next steps.

use crate::components::{Frame, Page, Section, layout, parts};
use maud::{Markup, html};
use remuda_app::{Error, Kind};

/// The page of an error. `back` is where to go on, if that is known.
pub fn page(frame: &Frame, error: &Error, back: Option<&str>) -> Markup {
    let body = html! {
        (parts::error(error))
        p.go-on {
            @if let Some(back) = back { a.button href=(back) { "Back" } " " }
            a href="/" { "To the board" }
            @if error.kind == Kind::Missing { " · " a href="/why" { "Find by id" } }
        }
    };
    let page = Page {
        title: title(error).to_owned(),
        section: Section::None,
        crumbs: Vec::new(),
        beside: html! { span.chip.quiet { (error.status()) } },
        lead: html! {},
        commands: Vec::new(),
        body,
    };
    layout::page(frame, page)
}

/// The page of an error for those about whom nothing is known yet, or when nothing else can be drawn.
pub fn bare(frame: &Frame, error: &Error) -> Markup {
    let body = html! {
        div.login {
            p.brand { (layout::mark(44)) span.wordmark { "remuda" } }
            h1 { (title(error)) }
            (parts::error(error))
            p { a href="/" { "To the board" } }
        }
    };
    layout::bare(frame, title(error), body)
}

fn title(error: &Error) -> &'static str {
    match error.kind {
        Kind::User => "That cannot be done",
        Kind::Config => "A definition needs a hand",
        Kind::Missing => "Not here",
        Kind::Conflict => "Not yet",
        Kind::Denied => "Not allowed",
        Kind::Internal => "Something broke",
    }
}
