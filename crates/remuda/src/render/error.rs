//! Errors: the message, the places in files with the span underlined, what lies beneath, the next steps.

use super::Paper;
use super::layout::wrap;
use super::paint;
use remuda_app::Error;
use remuda_model::diagnostic::{Diagnostic, Severity};

/// An error.
pub(crate) fn error(error: &Error, paper: &Paper) -> String {
    let mut out = headline(Severity::Error, &error.message, paper);
    for found in &error.diagnostics {
        out.push('\n');
        out.push_str(&diagnostic(found, paper));
    }
    if !error.diagnostics.is_empty() && !error.hints.is_empty() {
        out.push('\n');
    }
    for cause in &error.causes {
        out.push_str(&labelled("because", cause, paper));
    }
    for hint in &error.hints {
        out.push_str(&labelled(&paint::cyan("hint"), hint, paper));
    }
    out
}

/// One finding in a definition file.
pub(crate) fn diagnostic(found: &Diagnostic, paper: &Paper) -> String {
    let mut out = headline(found.severity, &found.message, paper);
    if found.line == 0 {
        out.push_str(&format!("  {} {}\n", paint::dim("┌"), found.file));
    } else {
        out.push_str(&place(found));
    }
    for hint in &found.hints {
        out.push_str(&labelled(&paint::cyan("hint"), hint, paper));
    }
    out
}

fn place(found: &Diagnostic) -> String {
    let number = found.line.to_string();
    let margin = " ".repeat(number.len());
    let mut out = format!("{margin} {} {}:{}:{}\n", paint::dim("┌"), found.file, found.line, found.column.max(1));
    out.push_str(&format!("{} {} {}\n", paint::dim(&number), paint::dim("│"), found.source_line));
    if found.column > 0 {
        let before = found.source_line.chars().take(found.column as usize - 1);
        // Tabs stay tabs, so that the underline stands under what it means.
        let before: String = before.map(|letter| if letter == '\t' { '\t' } else { ' ' }).collect();
        let marks = "^".repeat(found.length.max(1) as usize);
        let marks = if found.severity == Severity::Error { paint::red(&marks) } else { paint::yellow(&marks) };
        out.push_str(&format!("{margin} {} {before}{marks}\n", paint::dim("│")));
    }
    out
}

fn headline(severity: Severity, message: &str, paper: &Paper) -> String {
    let (word, coloured) = match severity {
        Severity::Error => ("error", paint::bold(&paint::red("error"))),
        Severity::Warning => ("warning", paint::bold(&paint::yellow("warning"))),
    };
    wrap(&format!("{word}: {message}"), paper.width, 0).replacen(word, &coloured, 1)
}

/// A labelled line, wrapped under itself.
fn labelled(label: &str, text: &str, paper: &Paper) -> String {
    let indent = super::layout::width(label) + 4;
    let wrapped = wrap(text, paper.width, indent);
    format!("  {label}: {}", wrapped.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_shows_place_cause_and_next_step() {
        let text = "goal = \"fewer\"\nonwer = \"ana\"\n";
        let found =
            Diagnostic::at("requirements/churn.md", text, 15..20, "definition.unknown_key", "unknown key `onwer`")
                .hint("did you mean `owner`?");
        let paper = Paper { width: 60, now: 0 };
        let shown = anstream::adapter::strip_str(&error(&Error::definitions(vec![found]), &paper)).to_string();
        assert_eq!(
            shown,
            "error: 1 error in definition files\n\n\
             error: unknown key `onwer`\n  \
               ┌ requirements/churn.md:2:1\n\
             2 │ onwer = \"ana\"\n  \
               │ ^^^^^\n  \
               hint: did you mean `owner`?\n\n  \
               hint: `remuda check` lists them all\n"
        );
    }
}
