//! Colours by what they mean: green done, red error, yellow warning, cyan hint.

use anstyle::{AnsiColor, Style};
use remuda_model::gate::VerdictKind;

const GREEN: Style = AnsiColor::Green.on_default();
const RED: Style = AnsiColor::Red.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const CYAN: Style = AnsiColor::Cyan.on_default();

/// Done, met.
pub(crate) fn green(text: &str) -> String {
    paint(GREEN, text)
}

/// An error, not met.
pub(crate) fn red(text: &str) -> String {
    paint(RED, text)
}

/// A warning, undecided.
pub(crate) fn yellow(text: &str) -> String {
    paint(YELLOW, text)
}

/// A hint: something to type.
pub(crate) fn cyan(text: &str) -> String {
    paint(CYAN, text)
}

/// A heading, a name.
pub(crate) fn bold(text: &str) -> String {
    paint(Style::new().bold(), text)
}

/// What may be overlooked.
pub(crate) fn dim(text: &str) -> String {
    paint(Style::new().dimmed(), text)
}

/// Text in the colour of a verdict.
pub(crate) fn verdict(kind: VerdictKind, text: &str) -> String {
    match kind {
        VerdictKind::Met => green(text),
        VerdictKind::NotMet => red(text),
        VerdictKind::Undecided => yellow(text),
    }
}

fn paint(style: Style, text: &str) -> String {
    // The colour ends before the line does, so that a line break stays the end of the text.
    let words = text.trim_end_matches('\n');
    let breaks = &text[words.len()..];
    if words.is_empty() { breaks.to_owned() } else { format!("{style}{words}{style:#}{breaks}") }
}
