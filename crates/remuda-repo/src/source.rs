//! One definition file while it is read: its findings so far, and helpers that take typed values out of a tree and
//! report what does not fit. Every finding carries a code, a place and, where there is one, a next step.

use crate::tree::{Entry, Node, SyntaxError, Value};
use remuda_model::diagnostic::Diagnostic;
use remuda_model::text;
use std::ops::Range;

const FLAG: &str = "true or false";

/// The most findings about one file: who sees a hundred of them mends the first.
const FINDINGS_CAP: usize = 100;

/// The most entries of one list; what is longer is data, not a definition.
const LIST_CAP: usize = 10_000;

/// The longest line that a finding shows, in bytes.
const LINE_CAP: usize = 2_000;

/// A file that is being read.
pub(crate) struct Source<'a> {
    pub(crate) file: &'a str,
    pub(crate) text: &'a str,
    found: Vec<Diagnostic>,
    broken: bool,
}

impl<'a> Source<'a> {
    pub(crate) fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text, found: Vec::new(), broken: false }
    }

    /// The findings, and whether one of them is an error.
    pub(crate) fn finish(self) -> (Vec<Diagnostic>, bool) {
        (self.found, self.broken)
    }

    /// Reports an error at a place; `hint` is a next step, or empty.
    pub(crate) fn error(&mut self, span: &Range<usize>, code: &str, message: impl Into<String>, hint: &str) {
        self.broken = true;
        self.add(span, code, message, hint);
    }

    /// Reports a warning at a place.
    pub(crate) fn warning(&mut self, span: &Range<usize>, code: &str, message: impl Into<String>, hint: &str) {
        if self.add(span, code, message, hint)
            && let Some(last) = self.found.pop()
        {
            self.found.push(last.warning());
        }
    }

    /// Adds a finding, unless there are enough. Returns whether it did.
    fn add(&mut self, span: &Range<usize>, code: &str, message: impl Into<String>, hint: &str) -> bool {
        if self.found.len() >= FINDINGS_CAP {
            return false;
        }
        let mut finding = Diagnostic::at(self.file, self.text, span.clone(), &format!("definition.{code}"), message);
        if finding.source_line.len() > LINE_CAP {
            finding.source_line.clear();
        }
        self.found.push(if hint.is_empty() { finding } else { finding.hint(hint) });
        true
    }

    /// Reports what the criterion language found at a place, with its own next steps.
    pub(crate) fn criterion(&mut self, span: &Range<usize>, message: String, hints: Vec<String>) {
        self.broken = true;
        if self.add(span, "criterion", message, "")
            && let Some(last) = self.found.last_mut()
        {
            last.hints = hints;
        }
    }

    /// Reports an error about the whole file.
    pub(crate) fn whole(&mut self, code: &str, message: impl Into<String>, hint: &str) {
        self.broken = true;
        let finding = Diagnostic::whole_file(self.file, &format!("definition.{code}"), message);
        self.found.push(if hint.is_empty() { finding } else { finding.hint(hint) });
    }

    /// Reports places that break the syntax.
    pub(crate) fn syntax(&mut self, language: &str, faults: &[SyntaxError]) {
        for fault in faults {
            self.error(&fault.span, "syntax", format!("this is no valid {language}: {}", fault.message), "");
        }
    }

    /// Reports a word that is none of those allowed, with the nearest one.
    pub(crate) fn unknown_word(&mut self, span: &Range<usize>, code: &str, what: &str, word: &str, known: &[&str]) {
        self.broken = true;
        if self.found.len() >= FINDINGS_CAP {
            return;
        }
        let hint = match nearest(word, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => match known {
                [] => String::new(),
                [only] => format!("use `{only}`"),
                _ => format!(
                    "use one of {}",
                    text::list(&known.iter().map(|known| format!("`{known}`")).collect::<Vec<_>>())
                ),
            },
        };
        self.error(span, code, format!("unknown {what} `{}`", shortened(word)), &hint);
    }

    fn wrong_type(&mut self, node: &Node, key: &str, expected: &str) {
        let message = format!("`{key}` must be {expected}, not {}", node.value.kind());
        let written = self.text.get(node.span.clone()).unwrap_or_default();
        let quotable = expected == "text" && !matches!(node.value, Value::List(_) | Value::Table(_) | Value::Null);
        let hint = match &node.value {
            _ if quotable => format!("write \"{written}\""),
            Value::Text(word) if expected == FLAG => match word.to_ascii_lowercase().as_str() {
                "yes" | "on" | "true" | "y" | "1" => "write `true`".to_owned(),
                "no" | "off" | "false" | "n" | "0" => "write `false`".to_owned(),
                _ => String::new(),
            },
            _ => String::new(),
        };
        self.error(&node.span, "wrong_type", message, &hint);
    }

    /// The text of a node, or a finding.
    pub(crate) fn text_of<'n>(&mut self, node: &'n Node, key: &str) -> Option<&'n str> {
        match &node.value {
            Value::Text(text) => Some(text),
            _ => {
                self.wrong_type(node, key, "text");
                None
            }
        }
    }

    /// The number of a node, or a finding; not a number and infinity are no numbers here.
    pub(crate) fn number_of(&mut self, node: &Node, key: &str) -> Option<f64> {
        match node.value {
            Value::Integer(number) => Some(number as f64),
            Value::Float(number) if number.is_finite() => Some(number),
            Value::Float(_) => {
                self.error(&node.span, "invalid_value", format!("`{key}` must be a finite number"), "");
                None
            }
            _ => {
                self.wrong_type(node, key, "a number");
                None
            }
        }
    }

    /// A whole number from `least` on, or a finding.
    pub(crate) fn count_of(&mut self, node: &Node, key: &str, least: u64) -> Option<u64> {
        match node.value {
            Value::Integer(number) if u64::try_from(number).is_ok_and(|number| number >= least) => Some(number as u64),
            Value::Integer(_) => {
                self.error(&node.span, "invalid_value", format!("`{key}` must be at least {least}"), "");
                None
            }
            _ => {
                self.wrong_type(node, key, "a whole number");
                None
            }
        }
    }

    /// true or false, or a finding.
    pub(crate) fn flag_of(&mut self, node: &Node, key: &str) -> Option<bool> {
        match node.value {
            Value::Boolean(flag) => Some(flag),
            _ => {
                self.wrong_type(node, key, FLAG);
                None
            }
        }
    }

    /// The items of a list, or a finding.
    pub(crate) fn list_of<'n>(&mut self, node: &'n Node, key: &str) -> Option<&'n [Node]> {
        match &node.value {
            Value::List(items) if items.len() <= LIST_CAP => Some(items),
            Value::List(_) => {
                let message = format!("`{key}` has more than {} entries", text::thousands(LIST_CAP as u64));
                self.error(&node.span, "invalid_value", message, "");
                None
            }
            _ => {
                self.wrong_type(node, key, "a list");
                None
            }
        }
    }

    /// A list of texts with their places; items of other types are findings.
    pub(crate) fn texts_of<'n>(&mut self, node: &'n Node, key: &str) -> Option<Vec<(&'n str, &'n Range<usize>)>> {
        let items = self.list_of(node, key)?;
        Some(items.iter().filter_map(|item| Some((self.text_of(item, key)?, &item.span))).collect())
    }

    /// The table of a node, or a finding.
    pub(crate) fn table_of<'n>(&mut self, node: &'n Node, key: &str) -> Option<Table<'n>> {
        match &node.value {
            Value::Table(entries) => Some(Table { entries, span: &node.span }),
            _ => {
                self.wrong_type(node, key, "a table");
                None
            }
        }
    }

    /// Checks that a name can stand in a URL, a file name and a git ref.
    pub(crate) fn check_name(&mut self, span: &Range<usize>, what: &str, name: &str) {
        if !text::is_name(name) {
            let article = if what.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
            let message = format!(
                "`{name}` cannot be the name of {article} {what}: use lower case letters, digits, `-` and `_`, at most 64"
            );
            self.error(span, "invalid_name", message, &format!("call it `{}`", text::to_name(name)));
        }
    }
}

/// The nearest of some words; nobody mistypes a hundred letters.
pub(crate) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    if word.len() > 100 { None } else { text::nearest(word, known.iter().copied()) }
}

/// A word for a message, cut where it gets long.
fn shortened(word: &str) -> String {
    if word.chars().count() <= 80 { word.to_owned() } else { word.chars().take(79).chain(['…']).collect() }
}

/// A table whose keys are being read.
#[derive(Clone, Copy)]
pub(crate) struct Table<'n> {
    pub(crate) entries: &'n [Entry],
    pub(crate) span: &'n Range<usize>,
}

impl<'n> Table<'n> {
    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&'n Node> {
        self.entry(key).map(|entry| &entry.node)
    }

    /// A key with its value.
    pub(crate) fn entry(&self, key: &str) -> Option<&'n Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// Reports keys that are none of those allowed.
    pub(crate) fn allow(&self, source: &mut Source<'_>, known: &[&str]) {
        for entry in self.entries {
            if !known.contains(&entry.key.as_str()) {
                source.unknown_word(&entry.key_span, "unknown_key", "key", &entry.key, known);
            }
        }
    }

    /// The value of a key that must be there; `example` is how to write it.
    pub(crate) fn require(&self, source: &mut Source<'_>, key: &str, example: &str) -> Option<&'n Node> {
        let node = self.get(key);
        // A key that is there under a slip of the finger was reported already.
        let misspelt = || self.entries.iter().any(|entry| nearest(&entry.key, &[key]).is_some());
        if node.is_none() && !misspelt() {
            source.error(&self.head(), "missing_key", format!("`{key}` is missing"), &format!("add `{example}`"));
        }
        node
    }

    /// Where to point when something is missing: the first key, else the table.
    fn head(&self) -> Range<usize> {
        match self.entries.first() {
            Some(first) if first.key_span.start >= self.span.start => first.key_span.clone(),
            _ => self.span.clone(),
        }
    }

    /// A text that must be there.
    pub(crate) fn require_text(&self, source: &mut Source<'_>, key: &str, example: &str) -> Option<&'n str> {
        let node = self.require(source, key, example)?;
        let text = source.text_of(node, key)?;
        if text.trim().is_empty() {
            source.error(&node.span, "invalid_value", format!("`{key}` is empty"), &format!("write `{example}`"));
            return None;
        }
        Some(text)
    }

    /// A text that may be absent.
    pub(crate) fn text(&self, source: &mut Source<'_>, key: &str) -> Option<&'n str> {
        source.text_of(self.get(key)?, key)
    }
}
