//! Criteria held against the contract before a look is paid: a `where` that selects by columns that are not there, a
//! metric that does not fit the label, a cost file that is missing. `remuda check` says the same.

use super::costs::Costs;
use crate::context::Context;
use crate::run::has_classes;
use remuda_data::{PredicateError, check_expression, check_predicate};
use remuda_model::behaviour::Base;
use remuda_model::data::{ColumnType, Contract};
use remuda_model::diagnostic::Diagnostic;
use remuda_model::gate::criterion::{Bound, Claim, Metric, MetricOf, Quantity};
use remuda_model::requirement::{Requirement, StatedCriterion};
use remuda_repo::Defined;

/// What is wrong with the criteria of all requirements, beyond what their own text tells.
pub(crate) fn misfits(context: &Context) -> Vec<Diagnostic> {
    let requirements = &context.definitions.requirements;
    let mut found: Vec<Diagnostic> =
        requirements.iter().flat_map(|requirement| misfits_of(context, requirement)).collect();
    found.extend(unusable_selections(context));
    found
}

/// What is wrong with the predicates by which behavioural tests take rows of the data.
fn unusable_selections(context: &Context) -> Vec<Diagnostic> {
    let definitions = &context.definitions;
    let mut found = Vec::new();
    for file in &definitions.tests {
        let contract = match &file.value.dataset {
            Some(name) => definitions.contract(name),
            None => Some(&definitions.contracts).filter(|all| all.len() == 1).and_then(|all| all.first()),
        };
        let (Some(contract), Some(text)) = (contract, context.files.0.get(&file.path)) else { continue };
        let columns: Vec<(String, ColumnType)> =
            contract.value.columns.iter().map(|column| (column.name.clone(), column.column_type)).collect();
        for test in &file.value.tests {
            let Base::Data { filter: Some(filter), .. } = &test.base else { continue };
            let Err(error) = check_predicate(filter, &columns) else { continue };
            let head: usize = text.split_inclusive('\n').take(test.line.saturating_sub(1) as usize).map(str::len).sum();
            // Where the predicate stands in escapes, the test's first line has to do.
            let span = match text[head..].find(filter.as_str()) {
                Some(at) => head + at + error.span.start..head + at + error.span.end.max(error.span.start + 1),
                None => head..head + text[head..].find('\n').unwrap_or(text.len() - head),
            };
            let message = format!("test `{}`: {}", test.name, error.message);
            found.push(Diagnostic::at(&file.path, text, span, "definition.predicate", message));
        }
    }
    found
}

/// What is wrong with one requirement's criteria.
pub(super) fn misfits_of(context: &Context, requirement: &Defined<Requirement>) -> Vec<Diagnostic> {
    let Some(text) = context.files.0.get(&requirement.path) else { return Vec::new() };
    let contract = context.definitions.contract(&requirement.value.dataset).map(|found| &found.value);
    let mut found = Vec::new();
    for stated in &requirement.value.criteria {
        let place = Place { file: &requirement.path, text, stated };
        if let Some(contract) = contract {
            let columns = columns(contract);
            found.extend(stated.criterion.filter.as_ref().and_then(|filter| {
                check_predicate(filter, &columns).err().map(|error| place.predicate(filter, &error))
            }));
            if let Claim::Holds { quantity: Quantity::Quantile { expression, .. }, .. } = &stated.criterion.claim {
                let checked = check_expression(expression, &columns);
                found.extend(checked.err().map(|error| place.predicate(expression, &error)));
            }
            found.extend(metric_misfit(&place, contract));
        }
        found.extend(bound_misfit(&place));
        found.extend(cost_misfit(&place, context));
    }
    found
}

/// The columns that a criterion may select by: the contract's, and what a candidate adds.
fn columns(contract: &Contract) -> Vec<(String, ColumnType)> {
    let is_class = contract.label().is_some_and(|label| has_classes(contract, label));
    let own = contract.columns.iter().map(|column| (column.name.clone(), column.column_type));
    let prediction = ("prediction".to_owned(), if is_class { ColumnType::String } else { ColumnType::Number });
    let score = is_class.then(|| ("score".to_owned(), ColumnType::Number));
    own.chain([prediction]).chain(score).collect()
}

fn metric_misfit(place: &Place<'_>, contract: &Contract) -> Option<Diagnostic> {
    let Claim::Holds { quantity, .. } = &place.stated.criterion.claim else { return None };
    let (Quantity::Metric(MetricOf { metric, .. })
    | Quantity::Gap { metric: MetricOf { metric, .. }, .. }
    | Quantity::Ratio { metric: MetricOf { metric, .. }, .. }) = quantity
    else {
        return None;
    };
    let label = contract.label()?;
    let of_numbers =
        matches!(metric, Metric::Mae | Metric::Rmse | Metric::Mape | Metric::R2 | Metric::Bias | Metric::Pinball(_));
    let of_ranks = matches!(metric, Metric::Ndcg(_) | Metric::Mrr | Metric::HitRate(_));
    let name = metric.name();
    let (message, hint) = match (of_ranks, of_numbers, has_classes(contract, label)) {
        (true, _, _) if place.stated.criterion.by.is_some() => return None,
        (true, _, _) => (
            format!("`{name}` is of rows that answer one query, and nothing says which do"),
            "write `by COLUMN`, the column of the query's id",
        ),
        (_, true, true) => (
            format!("`{name}` measures numbers, and label `{}` has classes", label.name),
            "use accuracy, recall, precision, f1 or auc",
        ),
        (_, false, false) => (
            format!("`{name}` measures classes, and label `{}` is a number", label.name),
            "use mae, rmse, r2, bias or pinball0.9",
        ),
        _ => return None,
    };
    Some(place.finding(&name, message, hint))
}

/// Only a metric is measured of two models on the same rows.
fn bound_misfit(place: &Place<'_>) -> Option<Diagnostic> {
    let what = unpaired(&place.stated.criterion.claim)?;
    let Claim::Holds { bound: Bound::Reference { reference, .. }, .. } = &place.stated.criterion.claim else {
        return None;
    };
    let message = format!("{what} is held against a number, not against {}", reference.name());
    Some(place.finding(&reference.name(), message, "write a number, or compare a metric"))
}

/// What a claim compares with another model although it cannot: all but metrics.
pub(super) fn unpaired(claim: &Claim) -> Option<&'static str> {
    match claim {
        Claim::Holds { quantity, bound: Bound::Reference { .. }, .. } => match quantity {
            Quantity::Metric(_) | Quantity::ChangedDecisions { .. } => None,
            Quantity::Gap { .. } => Some("a gap"),
            Quantity::Ratio { .. } => Some("a ratio"),
            Quantity::Quantile { .. } => Some("a quantile"),
            Quantity::MeanCost { .. } => Some("a mean cost"),
            Quantity::PassRate { .. } => Some("a pass rate"),
        },
        _ => None,
    }
}

fn cost_misfit(place: &Place<'_>, context: &Context) -> Option<Diagnostic> {
    let Claim::Holds { quantity: Quantity::MeanCost { file }, .. } = &place.stated.criterion.claim else { return None };
    let text = [file.clone(), format!("requirements/{file}")].iter().find_map(|path| context.files.0.get(path));
    match text.map(|text| Costs::parse(text)) {
        None => {
            let hint = format!("write {file} beside remuda.toml, with a first line `truth,prediction,cost`");
            Some(place.finding(file, format!("there is no file `{file}`"), &hint))
        }
        Some(Err(why)) => Some(place.finding(file, format!("`{file}` is no cost table: {why}"), "")),
        Some(Ok(_)) => None,
    }
}

/// Where a criterion stands.
struct Place<'a> {
    file: &'a str,
    text: &'a str,
    stated: &'a StatedCriterion,
}

impl Place<'_> {
    /// A finding under a word of the criterion, or under its whole line where the word stands in escapes.
    fn finding(&self, word: &str, message: String, hint: &str) -> Diagnostic {
        self.at(word, 0..word.len(), message, hint)
    }

    fn predicate(&self, text: &str, error: &PredicateError) -> Diagnostic {
        self.at(text, error.span.clone(), error.message.clone(), "")
    }

    fn at(&self, word: &str, within: std::ops::Range<usize>, message: String, hint: &str) -> Diagnostic {
        let lines = self.text.split_inclusive('\n');
        let start: usize = lines.clone().take(self.stated.line.saturating_sub(1) as usize).map(str::len).sum();
        let line = lines.clone().nth(self.stated.line.saturating_sub(1) as usize).unwrap_or_default().trim_end();
        let span = match line.rfind(word) {
            Some(at) => start + at + within.start..start + at + within.end.max(within.start + 1),
            None => start + line.len() - line.trim_start().len()..start + line.len(),
        };
        let mut found = Diagnostic::at(self.file, self.text, span, "definition.criterion", message);
        if !hint.is_empty() {
            found.hints.push(hint.to_owned());
        }
        found
    }
}
