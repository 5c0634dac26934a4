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
        for column in contract.columns.iter().filter(|column| column.required) {
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
            let problem = format!("the contract's rule `{}` is about a column `{name}` that it does not have", rule.name);
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
        let rows = chunk.batch.num_rows();
        let mut scratch = String::new();
        match &mut self.target {
            Target::Rows => {}
            Target::Missing(column) => {
                for row in 0..rows {
                    if views[*column].raw(row) == Raw::Missing {
                        self.breaches += 1;
                        remember(&mut self.places, chunk.lines[row], None);
                    }
                }
            }
            Target::Range(column, minimum, maximum) => {
                for row in 0..rows {
                    let number = views[*column].number(row);
                    if number < *minimum || number > *maximum {
                        self.breaches += 1;
                        remember(&mut self.places, chunk.lines[row], Some(&text::number(number)));
                    }
                }
            }
            Target::Values(column, values) => {
                for row in 0..rows {
                    let raw = views[*column].raw(row);
                    let known = match raw {
                        Raw::Missing => true,
                        Raw::Text(value) => values.contains(value),
                        _ => {
                            scratch.clear();
                            write_raw(raw, &mut scratch);
                            values.contains(&scratch)
                        }
                    };
                    if !known {
                        scratch.clear();
                        write_raw(raw, &mut scratch);
                        self.breaches += 1;
                        remember(&mut self.places, chunk.lines[row], Some(&scratch));
                    }
                }
            }
            Target::WholeRow(seen) => {
                for row in 0..rows {
                    if seen.add(chunk.hashes[row]) {
                        remember(&mut self.places, chunk.lines[row], None);
                    }
                }
            }
            Target::Key(columns, seen) => {
                let mut key = Vec::new();
                for row in 0..rows {
                    key.clear();
                    write_key(views, columns, row, &mut scratch, &mut key);
                    let mut first = [0u8; 8];
                    first.copy_from_slice(&blake3::hash(&key).as_bytes()[..8]);
                    if seen.add(u64::from_le_bytes(first)) {
                        scratch.clear();
                        for column in columns.iter() {
                            if !scratch.is_empty() {
                                scratch.push_str(", ");
                            }
                            views[*column].text(row, &mut scratch);
                        }
                        remember(&mut self.places, chunk.lines[row], Some(&scratch));
                    }
                }
            }
        }
    }

    fn finish(self, rows: u64, word: &str) -> RuleResult {
        let mut breaches = self.breaches;
        let mut about = "";
        if let Target::WholeRow(seen) | Target::Key(_, seen) = &self.target {
            breaches = seen.surplus();
            about = if seen.is_estimate() { "about " } else { "" };
        }
        let places = match self.places.len() {
            0 => String::new(),
            1 => format!(" ({word} {})", self.places[0]),
            _ => format!(" ({word}s {}{})", text::list(&self.places), if breaches as usize > SHOWN { " first" } else { "" }),
        };
        let (passed, found) = match &self.rule.check {
            Check::NullValues { column, rows: allowed, share } => {
                let bound = match share {
                    Some(share) => share * rows as f64,
                    None => allowed.unwrap_or(0) as f64,
                };
                let allowed = match share {
                    Some(share) => format!("{} %", text::number(share * 100.0)),
                    None => text::thousands(allowed.unwrap_or(0)),
                };
                let have = if breaches == 1 { "has" } else { "have" };
                let found =
                    format!("{} of {} {have} no `{column}`, allowed {allowed}", text::count(breaches, "row"), text::thousands(rows));
                (breaches as f64 <= bound, found)
            }
            Check::Range { column, minimum, maximum } => {
                let bounds = match (minimum, maximum) {
                    (Some(minimum), Some(maximum)) => {
                        format!("outside {} to {}", text::number(*minimum), text::number(*maximum))
                    }
                    (Some(minimum), None) => format!("below {}", text::number(*minimum)),
                    (None, Some(maximum)) => format!("above {}", text::number(*maximum)),
                    (None, None) => "outside any bound".to_owned(),
                };
                (breaches == 0, format!("{} of `{column}` {bounds}", text::count(breaches, "value")))
            }
            Check::ValidValues { column, .. } => {
                (breaches == 0, format!("{} of `{column}` not among the valid ones", text::count(breaches, "value")))
            }
            Check::DuplicateValues { columns, rows: allowed } => {
                let what = if columns.is_empty() {
                    "an earlier row exactly".to_owned()
                } else {
                    format!("an earlier row in {}", text::list(&columns.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>()))
                };
                let verb = if breaches == 1 { "equals" } else { "equal" };
                let found = format!(
                    "{about}{} {verb} {what}, allowed {}",
                    text::count(breaches, "row"),
                    text::thousands(*allowed)
                );
                (breaches <= *allowed, found)
            }
            Check::RowCount { minimum, maximum } => {
                let enough = minimum.is_none_or(|minimum| rows >= minimum) && maximum.is_none_or(|maximum| rows <= maximum);
                let bounds = match (minimum, maximum) {
                    (Some(minimum), Some(maximum)) => {
                        format!("{} to {}", text::thousands(*minimum), text::thousands(*maximum))
                    }
                    (Some(minimum), None) => format!("at least {}", text::thousands(*minimum)),
                    (None, Some(maximum)) => format!("at most {}", text::thousands(*maximum)),
                    (None, None) => "any number".to_owned(),
                };
                breaches = u64::from(!enough);
                (enough, format!("{}, expected {bounds}", text::count(rows, "row")))
            }
        };
        RuleResult {
            rule: self.rule.name,
            severity: self.rule.severity,
            passed,
            breaches,
            message: format!("{found}{places}"),
        }
    }
}

fn remember(places: &mut Vec<String>, line: u64, value: Option<&str>) {
    if places.len() < SHOWN {
        let value = value.map(|value| format!(": {}", crate::cell::shown(value))).unwrap_or_default();
        places.push(format!("{line}{value}"));
    }
}
