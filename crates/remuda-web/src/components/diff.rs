//! What differs: values side by side, lines of a unified diff.

use maud::{Markup, html};

/// A value that became another.
pub fn change(before: &str, after: &str) -> Markup {
    html! {
        span.change {
            @if before.is_empty() { span.muted { "missing" } } @else { del { (crate::format::cut(before, 160)) } }
            span.arrow aria-label="became" { " → " }
            @if after.is_empty() { span.muted { "missing" } } @else { ins { (crate::format::cut(after, 160)) } }
        }
    }
}

/// A unified diff, at most `limit` lines of at most 400 letters.
pub fn unified(text: &str, limit: usize) -> Markup {
    let total = text.lines().count();
    html! {
        pre.unified tabindex="0" {
            code {
                @for line in text.lines().take(limit) {
                    span class=(line_class(line)) { (crate::format::cut(line, 400)) "\n" }
                }
                @if total > limit { span.hunk { "… " (total - limit) " more lines\n" } }
            }
        }
    }
}

fn line_class(line: &str) -> &'static str {
    match line.as_bytes().first() {
        Some(b'@') => "hunk",
        Some(b'+') => "added",
        Some(b'-') => "removed",
        _ => "same",
    }
}
