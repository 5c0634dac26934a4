//! Reading `requirements/NAME.md`: TOML front matter between `+++` lines, then prose. The criterion language itself is
//! remuda-model's; here its findings get their place in the file, and its words are held against the other files.

use crate::definitions::{Context, CriterionParser};
use crate::source::{Source, Table, nearest};
use crate::tree::{self, Node};
use remuda_model::Digest;
use remuda_model::data::{Check, Contract};
use remuda_model::gate::criterion::{Bound, Claim, MetricOf, Quantity, Reference};
use remuda_model::gate::metrics::ClassUse;
use remuda_model::gate::{Criterion, lint};
use remuda_model::requirement::{Looks, Requirement, StatedCriterion};
use std::ops::Range;

const FENCE: &str = "+++";

/// Reads one requirement.
pub(crate) fn read(
    source: &mut Source<'_>,
    context: &Context<'_>,
    parse_criterion: &CriterionParser<'_>,
) -> Option<Requirement> {
    let name = source.file.rsplit('/').next().unwrap_or_default().trim_end_matches(".md").to_owned();
    if !remuda_model::text::is_name(&name) {
        let message =
            format!("`{name}` cannot be the name of a requirement: use lower case letters, digits, `-` and `_`");
        source.whole(
            "invalid_name",
            message,
            &format!("rename the file to `{}.md`", remuda_model::text::to_name(&name)),
        );
    }
    let (front, prose) = split_front_matter(source)?;
    let root = match tree::toml::parse(&source.text[front.clone()], front.start) {
        Ok(root) => root,
        Err(faults) => {
            source.syntax("TOML", &faults);
            return None;
        }
    };
    let root = source.table_of(&root, "front matter")?;
    root.allow(source, &["goal", "owner", "data", "criteria", "looks"]);
    let goal = read_goal(source, root);
    let owner = root.require_text(source, "owner", "owner = \"product-owner\"");
    if let (Some(owner), Some(node)) = (owner, root.get("owner")) {
        context.check_member_or_role(source, &node.span, owner);
    }
    let dataset = root.require_text(source, "data", "data = \"NAME\"");
    let contract = match (dataset, root.get("data")) {
        (Some(dataset), Some(node)) => context.check_dataset(source, &node.span, dataset),
        _ => None,
    };
    let example = "criteria = [\"accuracy >= 0.80\"]";
    let criteria = root
        .require(source, "criteria", example)
        .and_then(|node| read_criteria(source, context, node, contract, parse_criterion));
    let looks = root.get("looks").and_then(|node| read_looks(source, node));
    Some(Requirement {
        name,
        goal: goal?.trim().to_owned(),
        owner: owner?.to_owned(),
        dataset: dataset?.to_owned(),
        criteria: criteria?,
        looks,
        prose: source.text[prose..].trim().replace("\r\n", "\n"),
        digest: Digest::of(source.text.as_bytes()),
    })
}

fn read_goal<'n>(source: &mut Source<'_>, root: Table<'n>) -> Option<&'n str> {
    let goal = root.require_text(source, "goal", "goal = \"what the business wants, in one line\"")?;
    if let Some(node) = root.get("goal").filter(|_| goal.trim().contains('\n')) {
        let hint = "move the rest into the prose below the front matter";
        source.error(&node.span, "invalid_value", "`goal` is one line", hint);
    }
    Some(goal)
}

/// `looks = [200, 400, 600]` or `looks = "any time"`.
fn read_looks(source: &mut Source<'_>, node: &Node) -> Option<Looks> {
    let hint = "write the labelled holdout rows at each look, `looks = [200, 400, 600]`, or `looks = \"any time\"`";
    match &node.value {
        tree::Value::Text(word) if word == "any time" => Some(Looks::AnyTime),
        tree::Value::List(items) => {
            let rows: Option<Vec<u64>> = items
                .iter()
                .map(|item| match item.value {
                    tree::Value::Integer(rows) => u64::try_from(rows).ok().filter(|rows| *rows > 0),
                    _ => None,
                })
                .collect();
            let rises = |rows: &Vec<u64>| !rows.is_empty() && rows.windows(2).all(|pair| pair[0] < pair[1]);
            match rows {
                Some(rows) if rises(&rows) => Some(Looks::Planned(rows)),
                _ => {
                    source.error(&node.span, "invalid_value", "a plan of looks is numbers of rows that rise", hint);
                    None
                }
            }
        }
        _ => {
            source.error(&node.span, "invalid_value", "`looks` is no plan", hint);
            None
        }
    }
}

/// The place of the front matter's text, and where the prose begins.
pub(crate) fn split_front_matter(source: &mut Source<'_>) -> Option<(Range<usize>, usize)> {
    let text = source.text;
    let beginning = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let first_end = line_end(text, beginning);
    if text[beginning..first_end].trim_end() != FENCE {
        let hint = "begin the file with a line `+++`, then goal, owner, data and criteria, then another line `+++`";
        source.error(&(beginning..first_end), "syntax", "a requirement begins with front matter", hint);
        return None;
    }
    let start = (first_end + 1).min(text.len());
    let mut at = start;
    while at < text.len() {
        let end = line_end(text, at);
        if text[at..end].trim_end() == FENCE {
            return Some((start..at, (end + 1).min(text.len())));
        }
        at = end + 1;
    }
    source.error(&(beginning..first_end), "syntax", "the front matter has no end", "close it with a line `+++`");
    None
}

fn line_end(text: &str, from: usize) -> usize {
    text[from..].find('\n').map_or(text.len(), |at| from + at)
}

fn read_criteria(
    source: &mut Source<'_>,
    context: &Context<'_>,
    node: &Node,
    contract: Option<&Contract>,
    parse_criterion: &CriterionParser<'_>,
) -> Option<Vec<StatedCriterion>> {
    let lines = source.texts_of(node, "criteria")?;
    if lines.is_empty() {
        let hint = "add a line such as \"accuracy >= 0.80\"";
        source.warning(&node.span, "missing_key", "without a criterion nothing can decide this requirement", hint);
    }
    let mut criteria: Vec<StatedCriterion> = Vec::new();
    for (text, span) in lines {
        if criteria.iter().any(|earlier| earlier.text == text) {
            source.error(span, "duplicate", "this criterion is listed twice", "remove one of them");
            continue;
        }
        let Some(criterion) = read_criterion(source, text, span, parse_criterion) else { continue };
        check_words(source, context, &Stated { text, span, criterion: &criterion }, contract);
        for doubt in lint(&criterion) {
            source.warning(span, "criterion", doubt, "");
        }
        let line = source.text[..span.start].matches('\n').count() as u32 + 1;
        criteria.push(StatedCriterion { text: text.to_owned(), criterion, line });
    }
    Some(criteria)
}

fn read_criterion(
    source: &mut Source<'_>,
    text: &str,
    span: &Range<usize>,
    parse_criterion: &CriterionParser<'_>,
) -> Option<Criterion> {
    match parse_criterion(text) {
        Ok(criterion) => Some(criterion),
        Err((message, fault, hints)) => {
            let place = place_in(source.text, span, &fault);
            source.criterion(&place, message, hints);
            None
        }
    }
}

/// A range of the value of a TOML string as a range of the file.
pub(crate) fn place_in(text: &str, string: &Range<usize>, fault: &Range<usize>) -> Range<usize> {
    let raw = &text[string.clone()];
    let start = string.start + tree::toml::offset_in_string(raw, fault.start);
    let end = string.start + tree::toml::offset_in_string(raw, fault.end.max(fault.start));
    start..end
}

/// A criterion as it is held against the other files.
struct Stated<'s> {
    text: &'s str,
    /// The string in the file, with its quotes.
    span: &'s Range<usize>,
    criterion: &'s Criterion,
}

impl Stated<'_> {
    /// Where a word of the criterion stands in the file. It is looked for from behind: columns and names follow
    /// metrics.
    fn place(&self, source: &Source<'_>, word: &str) -> Range<usize> {
        match self.text.rfind(word) {
            Some(at) => place_in(source.text, self.span, &(at..at + word.len())),
            None => self.span.clone(),
        }
    }
}

/// Holds the words of a criterion against the contract, the pipeline and the tests.
fn check_words(source: &mut Source<'_>, context: &Context<'_>, stated: &Stated<'_>, contract: Option<&Contract>) {
    if let Some(contract) = contract {
        let has_feature_files = context.files.0.keys().any(|path| path.starts_with("features/"));
        if !has_feature_files {
            check_columns(source, stated, contract);
        }
        check_class(source, stated, contract);
    }
    if let (Some(steps), Some(name)) = (&context.steps, baseline_of(stated.criterion))
        && !steps.iter().any(|step| step == name)
    {
        let known: Vec<&str> = steps.iter().map(String::as_str).collect();
        source.unknown_word(&stated.place(source, name), "unknown_step", "baseline", name, &known);
    }
    if let Some(name) = tests_of(stated.criterion) {
        check_tests(source, context, stated, name);
    }
}

fn check_tests(source: &mut Source<'_>, context: &Context<'_>, stated: &Stated<'_>, name: &str) {
    let files = context.files.0.keys();
    let known: Vec<&str> = files.filter_map(|path| path.strip_prefix("tests/")?.strip_suffix(".toml")).collect();
    if !known.contains(&name) {
        let hint = match nearest(name, &known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("write them in `tests/{name}.toml`"),
        };
        source.error(&stated.place(source, name), "missing_file", format!("there are no tests `{name}`"), &hint);
    }
}

fn check_columns(source: &mut Source<'_>, stated: &Stated<'_>, contract: &Contract) {
    let known: Vec<&str> = contract.columns.iter().map(|column| column.name.as_str()).collect();
    for column in columns_of(stated.criterion) {
        if !known.contains(&column) {
            source.unknown_word(&stated.place(source, column), "unknown_column", "column", column, &known);
        }
    }
}

fn check_class(source: &mut Source<'_>, stated: &Stated<'_>, contract: &Contract) {
    let Some(of) = metric_of(stated.criterion) else { return };
    let classes = classes_of(contract);
    match (&of.class, classes) {
        (Some(class), Some(classes)) if !classes.contains(&class.as_str()) => {
            source.unknown_word(&stated.place(source, class), "unknown_class", "class", class, &classes);
        }
        (None, classes) if of.metric.entry().class == ClassUse::Positive && contract.positive.is_none() => {
            let name = of.metric.name();
            let class = classes.and_then(|classes| classes.last().copied()).unwrap_or("CLASS");
            let message = format!("`{name}` of which class? Dataset `{}` has no positive class", contract.name);
            let hint = format!("write `{name} of {class}`, or set `remudaPositive` in the contract");
            source.error(stated.span, "unknown_class", message, &hint);
        }
        _ => {}
    }
}

fn columns_of(criterion: &Criterion) -> Vec<&str> {
    let mut columns: Vec<&str> = criterion.by.iter().map(String::as_str).collect();
    columns.extend(criterion.each.iter().map(|each| each.column.as_str()));
    if let Claim::Holds { quantity: Quantity::Gap { column, .. } | Quantity::Ratio { column, .. }, .. } =
        &criterion.claim
    {
        columns.push(column);
    }
    columns
}

fn metric_of(criterion: &Criterion) -> Option<&MetricOf> {
    match &criterion.claim {
        Claim::Holds {
            quantity: Quantity::Metric(metric) | Quantity::Gap { metric, .. } | Quantity::Ratio { metric, .. },
            ..
        } => Some(metric),
        _ => None,
    }
}

/// The label's classes where the contract lists them.
pub(crate) fn classes_of(contract: &Contract) -> Option<Vec<&str>> {
    let label = contract.label()?;
    contract.rules.iter().find_map(|rule| match &rule.check {
        Check::ValidValues { column, values } if *column == label.name => {
            Some(values.iter().map(String::as_str).collect())
        }
        _ => None,
    })
}

fn baseline_of(criterion: &Criterion) -> Option<&str> {
    match &criterion.claim {
        Claim::Holds { bound: Bound::Reference { reference: Reference::Baseline(name), .. }, .. } => Some(name),
        _ => None,
    }
}

fn tests_of(criterion: &Criterion) -> Option<&str> {
    match &criterion.claim {
        Claim::EveryTest { name } | Claim::Holds { quantity: Quantity::PassRate { name }, .. } => Some(name),
        Claim::Holds { .. } => None,
    }
}
