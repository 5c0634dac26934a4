//! The rules of a contract, checked while rows stream by.
//!
//! What does not live here: what a broken rule does to a version (the caller decides by its severity).

use crate::cell::{Raw, write_raw};
use crate::columns::{View, views, write_key};
use crate::cut::Chunk;
use crate::error::{DataError, Finding};
use crate::profile::Duplicates;
use remuda_model::data::{Check, Contract, ContractReport, Rule, RuleResult, RuleSeverity};
use remuda_model::text;
use std::collections::HashSet;

/// Places shown per rule.
const SHOWN: usize = 3;
/// Hashes kept per rule on duplicates before they are estimated.
const KEPT: usize = 14_000_000;

/// Checks all rules of a contract.
pub(crate) struct Checker {
    rules: Vec<State>,
    rows: u64,
    place_word: &'static str,
}

struct State {
    rule: Rule,
    target: Target,
    breaches: u64,
    places: Vec<String>,
}

enum Target {
    Missing(usize),
    Range(usize, f64, f64),
    Values(usize, HashSet<String>),
    WholeRow(Duplicates),
    Key(Vec<usize>, Duplicates),
    Rows,
}

impl Checker {
    /// A checker for a contract's rules, over columns in the order of the contract.
    ///
    /// Errors: a rule about a column that the contract does not have.
    pub(crate) fn new(contract: &Contract, file: &str, place_word: &'static str) -> Result<Self, DataError> {
        let mut rules = Vec::new();
        // A rule on missing values says itself how many may be missing and how grave that is.
        let ruled = |name: &String| {
            let about = |rule: &Rule| matches!(&rule.check, Check::NullValues { column, .. } if column == name);
            contract.rules.iter().any(about)
        };
        for column in contract.columns.iter().filter(|column| column.required && !ruled(&column.name)) {
            let check = Check::NullValues { column: column.name.clone(), rows: Some(0), share: None };
            let rule = Rule { name: format!("required({})", column.name), check, severity: RuleSeverity::Error };
            rules.push(rule);
        }
        rules.extend(contract.rules.iter().cloned());
        let mut states = Vec::with_capacity(rules.len());
        for rule in rules {
            let target = target_of(&rule, contract, file)?;
            states.push(State { rule, target, breaches: 0, places: Vec::new() });
        }
        Ok(Self { rules: states, rows: 0, place_word })
    }

    /// Checks a chunk of rows.
    pub(crate) fn add(&mut self, chunk: &Chunk) -> Result<(), DataError> {
        self.rows += chunk.batch.num_rows() as u64;
        let views = views(&chunk.batch)?;
        for state in &mut self.rules {
            state.add(chunk, &views);
        }
        Ok(())
    }

    /// The report, required columns first, then the rules in the contract's order.
    pub(crate) fn finish(self) -> ContractReport {
        let (rows, word) = (self.rows, self.place_word);
        ContractReport { results: self.rules.into_iter().map(|state| state.finish(rows, word)).collect() }
    }
}

fn target_of(rule: &Rule, contract: &Contract, file: &str) -> Result<Target, DataError> {
    let place = |name: &str| {
        contract.columns.iter().position(|column| column.name == name).ok_or_else(|| {
            let names = contract.columns.iter().map(|column| column.name.as_str());
            let next = match text::nearest(name, names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "name a column of the contract".to_owned(),
            };
            let problem =
                format!("the contract's rule `{}` is about a column `{name}` that it does not have", rule.name);
            DataError::Contract(Finding::file(file, problem, next))
        })
    };
    Ok(match &rule.check {
        Check::NullValues { column, .. } => Target::Missing(place(column)?),
        Check::Range { column, minimum, maximum } => {
            Target::Range(place(column)?, minimum.unwrap_or(f64::NEG_INFINITY), maximum.unwrap_or(f64::INFINITY))
        }
        Check::ValidValues { column, values } => Target::Values(place(column)?, values.iter().cloned().collect()),
        Check::DuplicateValues { columns, .. } if columns.is_empty() => Target::WholeRow(Duplicates::new(KEPT)),
        Check::DuplicateValues { columns, .. } => {
            let places: Result<Vec<usize>, DataError> = columns.iter().map(|column| place(column)).collect();
            Target::Key(places?, Duplicates::new(KEPT))
        }
        Check::RowCount { .. } => Target::Rows,
    })
}

impl State {
    fn add(&mut self, chunk: &Chunk, views: &[View<'_>]) {
        let (breaches, places) = (&mut self.breaches, &mut self.places);
        let mut breach = |row: usize, value: Option<&str>| {
            *breaches += 1;
            remember(places, chunk.lines[row], value);
        };
        let rows = 0..chunk.batch.num_rows();
        match &mut self.target {
            Target::Rows => {}
            Target::Missing(column) => {
                rows.filter(|row| views[*column].raw(*row) == Raw::Missing).for_each(|row| breach(row, None));
            }
            Target::Range(column, minimum, maximum) => {
                for row in rows {
                    let number = views[*column].number(row);
                    if number < *minimum || number > *maximum {
                        breach(row, Some(&text::number(number)));
                    }
                }
            }
            Target::Values(column, values) => {
                let mut scratch = String::new();
                for row in rows {
                    let raw = views[*column].raw(row);
                    let value = match raw {
                        Raw::Missing => continue,
                        Raw::Text(value) => value,
                        _ => {
                            scratch.clear();
                            write_raw(raw, &mut scratch);
                            &scratch
                        }
                    };
                    if !values.contains(value) {
                        breach(row, Some(value));
                    }
                }
            }
            Target::WholeRow(seen) => {
                rows.filter(|row| seen.add(chunk.hashes[*row])).for_each(|row| breach(row, None));
            }
            Target::Key(columns, seen) => add_keys(rows, views, columns, seen, &mut breach),
        }
    }

    fn finish(mut self, rows: u64, word: &str) -> RuleResult {
        let mut about = "";
        if let Target::WholeRow(seen) | Target::Key(_, seen) = &self.target {
            self.breaches = seen.surplus();
            about = if seen.is_estimate() { "about " } else { "" };
        }
        let breaches = self.breaches;
        let places = match self.places.len() {
            0 => String::new(),
            1 => format!(" ({word} {})", self.places[0]),
            _ => format!(
                " ({word}s {}{})",
                text::list(&self.places),
                if breaches as usize > SHOWN { " first" } else { "" }
            ),
        };
        let (passed, found) = self.judge(rows, about);
        let breaches = if matches!(self.target, Target::Rows) { u64::from(!passed) } else { breaches };
        let message = format!("{found}{places}");
        RuleResult { rule: self.rule.name, severity: self.rule.severity, passed, breaches, message }
    }

    /// Whether the rule is kept, and what was found.
    fn judge(&self, rows: u64, about: &str) -> (bool, String) {
        let breaches = self.breaches;
        match &self.rule.check {
            Check::NullValues { column, rows: allowed, share } => {
                let (bound, allowed) = match share {
                    Some(share) => (share * rows as f64, format!("{} %", text::number(share * 100.0))),
                    None => (allowed.unwrap_or(0) as f64, text::thousands(allowed.unwrap_or(0))),
                };
                let have = if breaches == 1 { "has" } else { "have" };
                let of = text::thousands(rows);
                let found = format!("{} of {of} {have} no `{column}`, allowed {allowed}", text::count(breaches, "row"));
                (breaches as f64 <= bound, found)
            }
            Check::Range { column, minimum, maximum } => {
                let bounds =
                    bounds(minimum.map(text::number), maximum.map(text::number), ["outside", "below", "above"]);
                (breaches == 0, format!("{} of `{column}` {bounds}", text::count(breaches, "value")))
            }
            Check::ValidValues { column, .. } => {
                (breaches == 0, format!("{} of `{column}` not among the valid ones", text::count(breaches, "value")))
            }
            Check::DuplicateValues { columns, rows: allowed } => {
                let names: Vec<String> = columns.iter().map(|name| format!("`{name}`")).collect();
                let what = if names.is_empty() { "exactly".to_owned() } else { format!("in {}", text::list(&names)) };
                let verb = if breaches == 1 { "equals" } else { "equal" };
                let (count, allowed_text) = (text::count(breaches, "row"), text::thousands(*allowed));
                (breaches <= *allowed, format!("{about}{count} {verb} an earlier row {what}, allowed {allowed_text}"))
            }
            Check::RowCount { minimum, maximum } => {
                let enough =
                    minimum.is_none_or(|minimum| rows >= minimum) && maximum.is_none_or(|maximum| rows <= maximum);
                let words = ["expected", "expected at least", "expected at most"];
                let bounds = bounds(minimum.map(text::thousands), maximum.map(text::thousands), words);
                (enough, format!("{}, {bounds}", text::count(rows, "row")))
            }
        }
    }
}

/// Both bounds, the lower or the upper one, each behind its word.
fn bounds(minimum: Option<String>, maximum: Option<String>, words: [&str; 3]) -> String {
    match (minimum, maximum) {
        (Some(minimum), Some(maximum)) => format!("{} {minimum} to {maximum}", words[0]),
        (Some(minimum), None) => format!("{} {minimum}", words[1]),
        (None, Some(maximum)) => format!("{} {maximum}", words[2]),
        (None, None) => "without bounds".to_owned(),
    }
}

fn add_keys(
    rows: std::ops::Range<usize>,
    views: &[View<'_>],
    columns: &[usize],
    seen: &mut Duplicates,
    breach: &mut dyn FnMut(usize, Option<&str>),
) {
    let mut scratch = String::new();
    let mut key = Vec::new();
    for row in rows {
        key.clear();
        write_key(views, columns, row, &mut scratch, &mut key);
        let mut first = [0u8; 8];
        first.copy_from_slice(&blake3::hash(&key).as_bytes()[..8]);
        if seen.add(u64::from_le_bytes(first)) {
            scratch.clear();
            for column in columns {
                if !scratch.is_empty() {
                    scratch.push_str(", ");
                }
                views[*column].text(row, &mut scratch);
            }
            breach(row, Some(&scratch));
        }
    }
}

fn remember(places: &mut Vec<String>, line: u64, value: Option<&str>) {
    if places.len() < SHOWN {
        let value = value.map(|value| format!(": {}", crate::cell::shown(value))).unwrap_or_default();
        places.push(format!("{line}{value}"));
    }
}
