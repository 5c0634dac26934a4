//! What is wrong in a definition file, and where: the common currency of `remuda check`, the terminal and the pages.

use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The definition cannot be used.
    Error,
    /// It can be used, but probably says something its author did not mean.
    Warning,
}

/// One finding in one definition file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// A stable code, such as `definition.unknown_key`.
    pub code: String,
    /// One sentence, no full stop.
    pub message: String,
    /// Path from the product's root, with forward slashes.
    pub file: String,
    /// Line from 1; 0 when the whole file is meant.
    pub line: u32,
    /// Column from 1, in characters; 0 when the whole line is meant.
    pub column: u32,
    /// How many characters the span has (at least 1 when `column` is set).
    pub length: u32,
    /// The text of the line, for rendering with an underline.
    pub source_line: String,
    /// Next steps, each something one can type or change.
    pub hints: Vec<String>,
}

impl Diagnostic {
    /// A finding about `span` (byte offsets into `text`) of `file`.
    pub fn at(file: &str, text: &str, span: std::ops::Range<usize>, code: &str, message: impl Into<String>) -> Self {
        let start = floor_char_boundary(text, span.start);
        let end = floor_char_boundary(text, span.end.max(start));
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let shown_end = end.clamp(start, line_end);
        Self {
            severity: Severity::Error,
            code: code.to_owned(),
            message: message.into(),
            file: file.to_owned(),
            line: text[..line_start].matches('\n').count() as u32 + 1,
            column: text[line_start..start].chars().count() as u32 + 1,
            length: (text[start..shown_end].chars().count() as u32).max(1),
            source_line: text[line_start..line_end].trim_end_matches('\r').to_owned(),
            hints: Vec::new(),
        }
    }

    /// A finding about a file as a whole.
    pub fn whole_file(file: &str, code: &str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code: code.to_owned(),
            message: message.into(),
            file: file.to_owned(),
            line: 0,
            column: 0,
            length: 0,
            source_line: String::new(),
            hints: Vec::new(),
        }
    }

    /// The same finding with one more next step.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The same finding as a warning.
    #[must_use]
    pub fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }
}

/// The plain rendering, without colour:
///
/// ```text
/// error: unknown key `onwer`
///   ┌ requirements/urgent.md:3:1
/// 3 │ onwer = "product owner"
///   │ ^^^^^
///   hint: did you mean `owner`?
/// ```
impl fmt::Display for Diagnostic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        writeln!(formatter, "{word}: {}", self.message)?;
        if self.line == 0 {
            writeln!(formatter, "  ┌ {}", self.file)?;
        } else {
            let number = self.line.to_string();
            let margin = " ".repeat(number.len());
            writeln!(formatter, "{margin} ┌ {}:{}:{}", self.file, self.line, self.column.max(1))?;
            writeln!(formatter, "{number} │ {}", self.source_line)?;
            if self.column > 0 {
                let before: String = self
                    .source_line
                    .chars()
                    .take(self.column as usize - 1)
                    .map(|character| if character == '\t' { '\t' } else { ' ' })
                    .collect();
                writeln!(formatter, "{margin} │ {before}{}", "^".repeat(self.length.max(1) as usize))?;
            }
        }
        for hint in &self.hints {
            writeln!(formatter, "  hint: {hint}")?;
        }
        Ok(())
    }
}

fn floor_char_boundary(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_span_is_underlined_even_behind_wide_letters() {
        let text = "goal = \"fewer\"\nöwner = 3\n";
        let at = text.find("3").unwrap_or(0);
        let found = Diagnostic::at("a.toml", text, at..at + 1, "x.y", "expected text").hint("write \"3\"");
        assert_eq!(
            found.to_string(),
            "error: expected text\n  ┌ a.toml:2:9\n2 │ öwner = 3\n  │         ^\n  hint: write \"3\"\n"
        );
    }
}
