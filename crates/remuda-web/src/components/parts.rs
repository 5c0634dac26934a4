//! The small parts: times, digests, chips, commands, banners, facts, empty states.

use crate::format;
use maud::{Markup, Render, html};
use remuda_app::Error;
use remuda_model::data::Oddity;
use remuda_model::diagnostic::{Diagnostic, Severity};
use remuda_model::run::RunStatus;
use remuda_model::team::Role;

/// A moment, with how long ago it was beside it on hover.
pub fn time(now: i64, then: i64) -> Markup {
    html! {
        time datetime=(format::machine_time(then)) title=(format::ago(now, then)) { (format::time(then)) }
    }
}

/// How long ago, with the moment itself on hover.
pub fn ago(now: i64, then: i64) -> Markup {
    html! {
        time datetime=(format::machine_time(then)) title=(format::time(then)) { (format::ago(now, then)) }
    }
}

/// An id or digest, short, whole on hover.
pub fn digest(id: &str) -> Markup {
    html! { code.digest title=(id) { (format::short(id)) } }
}

/// The same, leading to the thing's page.
pub fn digest_link(kind: &str, id: &str) -> Markup {
    html! { a.plain href=(format::address(kind, id)) { (digest(id)) } }
}

/// The roles as chips.
pub fn roles(roles: &[Role]) -> Markup {
    html! { @for role in roles { span.role data-role=(role.as_str()) { (role.words()) } " " } }
}

/// A quiet chip.
pub fn chip(text: &str) -> Markup {
    html! { span.chip { (text) } }
}

/// A chip that should be seen.
pub fn mark(tone: Tone, text: &str) -> Markup {
    html! { span class={ "chip " (tone.class()) } { (text) } }
}

/// What a chip or a banner is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// It is well.
    Good,
    /// It wants a look.
    Warning,
    /// It is broken.
    Bad,
    /// It is merely said.
    Quiet,
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Tone::Good => "good",
            Tone::Warning => "warning",
            Tone::Bad => "bad",
            Tone::Quiet => "quiet",
        }
    }
}

/// A run's status.
pub fn status(status: RunStatus) -> Markup {
    let (tone, icon) = match status {
        RunStatus::Finished => (Tone::Good, "✓"),
        RunStatus::Failed => (Tone::Bad, "✗"),
        RunStatus::Running => (Tone::Warning, "●"),
    };
    html! { span class={ "chip " (tone.class()) } { span aria-hidden="true" { (icon) " " } (status.as_str()) } }
}

/// The commands that do the same, ready to copy.
pub fn commands(lines: &[String]) -> Markup {
    html! {
        @if !lines.is_empty() {
            div.commands { @for line in lines { (command(line)) } }
        }
    }
}

/// One command, ready to copy. (The script shows the button; without it the text can be selected by one click.)
pub fn command(line: &str) -> Markup {
    copyable(line, html! { span.prompt aria-hidden="true" { "$ " } })
}

/// A text that is no command, such as a token, ready to copy.
pub fn text_to_copy(text: &str) -> Markup {
    copyable(text, html! {})
}

fn copyable(line: &str, prompt: Markup) -> Markup {
    html! {
        div.command {
            code { (prompt) span.line { (line) } }
            button.copy type="button" hidden data-copy=(line) aria-label={ "Copy " (line) } { "copy" }
        }
    }
}

/// Name and value pairs.
pub fn facts<const N: usize>(pairs: [(&str, Markup); N]) -> Markup {
    html! {
        dl.facts { @for (name, value) in pairs { div { dt { (name) } dd { (value) } } } }
    }
}

/// Any text as a value.
pub fn text(value: impl Render) -> Markup {
    html! { (value) }
}

/// What stands where nothing is yet: one sentence and the command that changes it. Where nothing need change, the
/// sentence is enough.
pub fn empty(sentence: &str, next: &str) -> Markup {
    if next.is_empty() {
        return html! { p.muted { (backticks(sentence)) } };
    }
    html! {
        div.empty {
            (super::layout::mark(28))
            p { (backticks(sentence)) }
            (command(next))
        }
    }
}

/// A section of a page.
pub fn section(id: &str, title: &str, aside: Markup, body: Markup) -> Markup {
    html! {
        section.block aria-labelledby=(id) {
            header.block-head { h2 id=(id) { (title) } div.aside { (aside) } }
            (body)
        }
    }
}

/// An error of the application, as a banner with its next steps.
pub fn error(error: &Error) -> Markup {
    html! {
        div.banner.bad role="alert" {
            p.headline { span aria-hidden="true" { "✗ " } (backticks(&error.message)) }
            @if !error.causes.is_empty() {
                ul.causes { @for cause in error.causes.iter().take(8) { li { (cause) } } }
            }
            (diagnostics(&error.diagnostics))
            @if !error.hints.is_empty() {
                ul.hints { @for hint in &error.hints { li { span.label { "next" } " " (backticks(hint)) } } }
            }
            p.code { "code " a href={ "/docs/errors#" (error.code) } { code { (error.code) } } }
        }
    }
}

/// A sentence that something was done.
pub fn notice(sentence: &str) -> Markup {
    html! { div.banner.good role="status" { p.headline { span aria-hidden="true" { "✓ " } (sentence) } } }
}

/// Findings in definition files, each with the line and the span underlined.
pub fn diagnostics(found: &[Diagnostic]) -> Markup {
    html! {
        @for one in found.iter().take(20) {
            div class={ "diagnostic " (severity_class(one.severity)) } {
                p { strong { (severity_word(one.severity)) } " " (backticks(&one.message)) }
                p.place { code { (place(one)) } }
                @if !one.source_line.is_empty() {
                    @let (before, span, after) = underlined(one);
                    pre { code { (before) u { (span) } (after) } }
                }
                @for hint in &one.hints { p.hint { span.label { "next" } " " (backticks(hint)) } }
            }
        }
        @if found.len() > 20 { p.muted { "and " (found.len() - 20) " more: " code { "remuda check" } } }
    }
}

fn place(found: &Diagnostic) -> String {
    match (found.line, found.column) {
        (0, _) => found.file.clone(),
        (line, 0) => format!("{}:{line}", found.file),
        (line, column) => format!("{}:{line}:{column}", found.file),
    }
}

fn underlined(found: &Diagnostic) -> (String, String, String) {
    let start = found.column.saturating_sub(1) as usize;
    let length = if found.column == 0 { 0 } else { found.length.max(1) as usize };
    let letters = || found.source_line.chars().take(400);
    (
        letters().take(start).collect(),
        letters().skip(start).take(length).collect(),
        letters().skip(start.saturating_add(length)).collect(),
    )
}

fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn severity_class(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "bad",
        Severity::Warning => "warning",
    }
}

/// What `data add` noticed.
pub fn oddities(found: &[Oddity]) -> Markup {
    html! {
        ul.oddities {
            @for one in found {
                li {
                    (mark(if one.severity == Severity::Error { Tone::Bad } else { Tone::Warning }, severity_word(one.severity)))
                    " " (backticks(&one.message)) " " span.muted { (backticks(&one.advice)) }
                }
            }
        }
    }
}

/// Text whose `backticked` stretches are code.
pub fn backticks(text: &str) -> Markup {
    html! {
        @for (index, piece) in text.split('`').enumerate() {
            @if index % 2 == 1 { code { (piece) } } @else { (piece) }
        }
    }
}

/// A line that says how many were left out of a list.
pub fn left_out(total: usize, shown: usize, next: &str) -> Markup {
    html! {
        @if total > shown {
            p.muted.left-out {
                "and " (remuda_model::text::thousands((total - shown) as u64)) " more: " code { (next) }
            }
        }
    }
}
