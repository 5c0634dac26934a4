//! The gate's report: every criterion with verdict, estimate, interval, and, where undecided, its price in words.

use super::Paper;
use super::chart::{self, Interval};
use super::layout::{self, wrap};
use super::paint;
use super::requirement::numbers;
use super::table::{Side, Table};
use super::words::{ago, estimate, figure, percent, roughly, sentence};
use remuda_app::gate::{Evaluation, EvaluationSummary, Evaluations, RequirementVerdicts};
use remuda_model::analysis::Confusion;
use remuda_model::gate::verdict::PriceCase;
use remuda_model::gate::{Price, Reason, Verdict, VerdictKind};
use remuda_model::text;

/// The room that criteria and bars take.
const BAR: usize = 56;

/// `gate list`.
pub(crate) fn list(answer: &Evaluations, paper: &Paper) -> String {
    if answer.evaluations.is_empty() {
        return "No evaluations yet: `remuda gate evaluate MODEL`.\n".to_owned();
    }
    summaries(&answer.evaluations, paper, 0)
}

/// Evaluations as a table.
pub(crate) fn summaries(evaluations: &[EvaluationSummary], paper: &Paper, indent: usize) -> String {
    let columns = [
        ("verdict", Side::Whole),
        ("evaluation", Side::Whole),
        ("model", Side::Left),
        ("version", Side::Whole),
        ("rows", Side::Right),
        ("when", Side::Whole),
        ("who", Side::Left),
    ];
    let mut table = Table::new(&columns).indent(indent);
    for evaluation in evaluations {
        table.row(vec![
            verdict_word(evaluation.verdict),
            evaluation.id.clone(),
            evaluation.model_name.clone(),
            evaluation.model.short().to_owned(),
            text::thousands(evaluation.rows),
            ago(evaluation.time, paper.now),
            evaluation.actor.clone(),
        ]);
    }
    table.render(paper.width)
}

/// `gate evaluate` and `gate show`.
pub(crate) fn evaluation(evaluation: &Evaluation, paper: &Paper) -> String {
    let mut out = headline(evaluation, paper);
    for requirement in &evaluation.requirements {
        out.push('\n');
        out.push_str(&requirement_verdicts(requirement, paper));
    }
    if let Some(confusion) = &evaluation.confusion {
        out.push_str(&format!("\n{}\n{}", paint::bold("Truth against prediction"), confusion_table(confusion, paper)));
    }
    out.push('\n');
    out.push_str(&next_step(evaluation));
    out
}

fn headline(evaluation: &Evaluation, paper: &Paper) -> String {
    let mut out = format!(
        "{}  {} {} on {} {}\n",
        verdict_word(evaluation.verdict),
        paint::bold(&evaluation.model_name),
        evaluation.model.short(),
        evaluation.dataset,
        evaluation.version.short(),
    );
    let rows = text::count(evaluation.rows, "holdout row");
    out.push_str(&format!(
        "  evaluation {} of run {}: {rows}, {} by {}\n",
        evaluation.id,
        evaluation.run,
        ago(evaluation.time, paper.now),
        evaluation.actor
    ));
    let used = evaluation.spent + evaluation.charge;
    let holdout = if evaluation.repeated {
        format!(
            "the same question was asked before: this is that answer, free of charge ({used} of {} spent)",
            evaluation.budget
        )
    } else {
        let charge = evaluation.charge;
        let paid = if evaluation.covered { "covered by the plan of its looks" } else { "charged" };
        let charge = if evaluation.covered { String::new() } else { format!(" {charge}") };
        format!("look {} at this holdout, {paid}{charge}: {used} of {} spent", evaluation.look, evaluation.budget)
    };
    out.push_str(&wrap(&holdout, paper.width, 2));
    for compared in &evaluation.compared {
        out.push_str(&format!("  {} is model {}\n", compared.reference, compared.model.short()));
    }
    out
}

fn requirement_verdicts(requirement: &RequirementVerdicts, paper: &Paper) -> String {
    let mut out = format!("{}  {}\n", verdict_word(requirement.verdict), paint::bold(&requirement.requirement));
    out.push_str(&wrap(&sentence(&requirement.goal), paper.width, 2));
    for verdict in &requirement.verdicts {
        out.push('\n');
        out.push_str(&full_verdict(verdict, paper));
    }
    out
}

/// One criterion in full.
pub(super) fn full_verdict(verdict: &Verdict, paper: &Paper) -> String {
    let slice = verdict.slice.as_ref().map(|slice| format!(" ({slice})")).unwrap_or_default();
    let mut out = format!("  {}  {}{slice}\n", verdict_word(verdict.kind), paint::bold(&verdict.criterion));
    if let Some(numbers) = verdict.estimate {
        let shown = estimate(Some(numbers), verdict.lower, verdict.upper);
        let n = text::thousands(verdict.n);
        out.push_str(&wrap(&format!("{shown}, n {n}, {}", verdict.method), paper.width, 4));
        let bar =
            Interval { estimate: numbers, lower: verdict.lower, upper: verdict.upper, threshold: verdict.threshold };
        if let Some(line) = chart::interval(&bar, BAR.min(paper.width.saturating_sub(16))) {
            let wanted = if verdict.wants_more { "≥" } else { "≤" };
            out.push_str(&format!(
                "    {line}  {}\n",
                paint::dim(&format!("┃ {wanted} {}", figure(verdict.threshold)))
            ));
        }
    }
    out.push_str(&wrap(&sentence(&verdict.words), paper.width, 4));
    if let Some(waiver) = &verdict.waiver {
        out.push_str(&wrap(&paint::yellow(&sentence(&waiver.words())), paper.width, 4));
    }
    if let Some(reason) = &verdict.reason {
        out.push_str(&wrap(&paint_reason(reason, verdict.price.as_ref()), paper.width, 4));
    }
    out
}

fn paint_reason(reason: &Reason, price: Option<&Price>) -> String {
    let words = sentence(&reason.words());
    match price {
        Some(price) => format!("{}: {}", paint::yellow(&words), price_words(price)),
        None => paint::yellow(&words),
    }
}

/// What deciding would cost, in one sentence: always a range or its condition, always a chance.
pub(crate) fn price_words(price: &Price) -> String {
    let (within, beyond): (Vec<&PriceCase>, Vec<&PriceCase>) = price.cases.iter().partition(|case| case.more.is_some());
    let more: Vec<u64> = within.iter().filter_map(|case| case.more).collect();
    let unit = &price.unit;
    let (Some(least), Some(greatest)) = (more.iter().min(), more.iter().max()) else {
        return format!("no number of {unit} decides this at the values that are likely");
    };
    let chance = within.iter().map(|case| case.chance).fold(f64::INFINITY, f64::min);
    let values: Vec<f64> = within.iter().map(|case| case.assumed).collect();
    let amount = if roughly(*least) == roughly(*greatest) {
        format!("needs about {} more {unit}", roughly(*least))
    } else {
        format!("needs about {} to {} more {unit}", roughly(*least), roughly(*greatest))
    };
    let mut out =
        format!("{amount} for a chance of {} to be met, if the true value is {}", percent(chance), span(&values));
    if !beyond.is_empty() {
        let values: Vec<f64> = beyond.iter().map(|case| case.assumed).collect();
        out.push_str(&format!("; if it is {}, no number is enough", span(&values)));
    }
    out
}

/// `0.64`, or `0.64 to 0.67`.
fn span(values: &[f64]) -> String {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let greatest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if figure(least) == figure(greatest) { figure(least) } else { format!("{} to {}", figure(least), figure(greatest)) }
}

/// One criterion on one line.
pub(crate) fn compact_lines(verdicts: &[Verdict], paper: &Paper) -> String {
    let parts: Vec<(String, String)> = verdicts
        .iter()
        .map(|verdict| {
            let slice = verdict.slice.as_ref().map(|slice| format!(" ({slice})")).unwrap_or_default();
            (format!("{}{slice}", verdict.criterion), numbers(verdict))
        })
        .collect();
    let widest = |of: &dyn Fn(&(String, String)) -> usize| parts.iter().map(of).max().unwrap_or(0);
    let numbers = widest(&|(_, numbers)| layout::width(numbers));
    let room = paper.width.saturating_sub(6 + numbers).max(20);
    let room = widest(&|(criterion, _)| layout::width(criterion)).min(room);
    let mut out = String::new();
    for (verdict, (criterion, numbers)) in verdicts.iter().zip(&parts) {
        let icon = paint::verdict(verdict.kind, verdict.kind.icon());
        let criterion = layout::left(&layout::cut(criterion, room), room);
        out.push_str(&format!("  {icon} {criterion}  {}\n", paint::dim(numbers)));
        if let Some(waiver) = &verdict.waiver {
            out.push_str(&wrap(&paint::yellow(&waiver.words()), paper.width, 4));
        }
    }
    out
}

/// Icon, word, colour: in that order of importance.
pub(crate) fn verdict_word(kind: VerdictKind) -> String {
    paint::verdict(kind, &format!("{} {}", kind.icon(), kind.words()))
}

/// Above this many classes a matrix cannot be read in a terminal.
const MATRIX: usize = 8;

/// The matrix for few classes, the worst mix-ups for many.
pub(crate) fn confusion_table(confusion: &Confusion, paper: &Paper) -> String {
    if confusion.classes.len() > MATRIX {
        return worst_mixups(confusion, paper);
    }
    let classes: Vec<String> = confusion.classes.iter().map(|class| layout::cut(class, 12)).collect();
    let count = |truth, predicted| text::thousands(confusion.at(truth, predicted));
    let name_room = classes.iter().map(|class| layout::width(class)).max().unwrap_or(0);
    let cell_room = |predicted: usize| {
        let cells = (0..classes.len()).map(|truth| count(truth, predicted).len()).max().unwrap_or(0);
        cells.max(layout::width(&classes[predicted]))
    };
    let mut out = format!("  {}", " ".repeat(name_room));
    for (predicted, class) in classes.iter().enumerate() {
        out.push_str(&format!("  {}", paint::dim(&layout::right(class, cell_room(predicted)))));
    }
    out.push_str(&paint::dim("  ← predicted"));
    out.push('\n');
    for (truth, class) in classes.iter().enumerate() {
        out.push_str(&format!("  {}", layout::left(class, name_room)));
        for predicted in 0..classes.len() {
            let cell = layout::right(&count(truth, predicted), cell_room(predicted));
            out.push_str(&format!("  {}", if truth == predicted { paint::green(&cell) } else { cell }));
        }
        out.push('\n');
    }
    out
}

fn worst_mixups(confusion: &Confusion, paper: &Paper) -> String {
    let classes = confusion.classes.len();
    let wrong = (0..classes).flat_map(|truth| (0..classes).map(move |predicted| (truth, predicted)));
    let mut wrong: Vec<(usize, usize)> = wrong.filter(|(truth, predicted)| truth != predicted).collect();
    wrong.sort_by_key(|(truth, predicted)| std::cmp::Reverse(confusion.at(*truth, *predicted)));
    let mut table = Table::new(&[("rows", Side::Right), ("truth", Side::Left), ("predicted as", Side::Left)]).indent(2);
    for (truth, predicted) in
        wrong.into_iter().take(8).filter(|(truth, predicted)| confusion.at(*truth, *predicted) > 0)
    {
        let count = text::thousands(confusion.at(truth, predicted));
        table.row(vec![count, confusion.classes[truth].clone(), confusion.classes[predicted].clone()]);
    }
    table.render(paper.width)
}

fn next_step(evaluation: &Evaluation) -> String {
    let hint = |command: String, why: &str| format!("{} {} {why}\n", paint::cyan("next:"), paint::cyan(&command));
    let waived = evaluation.summary().passes && evaluation.verdict != VerdictKind::Met;
    match evaluation.verdict {
        _ if waived => hint(format!("remuda sign evidence {}", evaluation.id), "what is not met is waived for now"),
        VerdictKind::Met => {
            let who = if evaluation.solo { "by yourself" } else { "by somebody who did not do this work" };
            hint(format!("remuda sign evidence {}", evaluation.id), who)
        }
        VerdictKind::NotMet => {
            hint(format!("remuda why {}", evaluation.model.short()), "shows what the candidate was made of")
        }
        // More rows would not help: what is used up is the holdout.
        VerdictKind::Undecided if wants_budget(evaluation) => {
            let dataset = &evaluation.dataset;
            format!(
                "{} the holdout of {dataset} is used up: retire it by another {} of `remudaSplit` in its contract,\n      \
                 then add the data and train again; or set {} in remuda.toml higher, which everybody sees\n",
                paint::cyan("next:"),
                paint::cyan("salt"),
                paint::cyan("holdout.budget")
            )
        }
        VerdictKind::Undecided => {
            hint(format!("remuda data add FILE --as {}", evaluation.dataset), "brings more labelled rows")
        }
    }
}

/// Whether a criterion is undecided for want of budget.
fn wants_budget(evaluation: &Evaluation) -> bool {
    let mut verdicts = evaluation.requirements.iter().flat_map(|requirement| &requirement.verdicts);
    verdicts.any(|verdict| matches!(verdict.reason, Some(Reason::NoBudget)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(assumed: f64, more: Option<u64>) -> PriceCase {
        PriceCase { assumed, needed: more, more, chance: 0.8 }
    }

    #[test]
    fn numbers_stand_below_each_other_however_long_the_criteria_are() {
        let verdict = |criterion: &str| Verdict {
            criterion: criterion.to_owned(),
            words: String::new(),
            slice: None,
            kind: VerdictKind::Met,
            reason: None,
            estimate: Some(0.9),
            lower: Some(0.8),
            upper: Some(0.95),
            threshold: 0.5,
            wants_more: true,
            confidence: 0.95,
            n: 10,
            method: String::new(),
            price: None,
            waiver: None,
        };
        let criteria = ["auc >= 0.5", "recall of urgent >= 0.5 where language = 'es' and channel = 'mail'"];
        for width in [80, 130] {
            let lines = compact_lines(&criteria.map(verdict), &Paper { width, now: 0 });
            let starts: Vec<Option<usize>> =
                lines.lines().map(|line| line.find("0.900").map(|at| layout::width(&line[..at]))).collect();
            assert!(starts[0].is_some() && starts[0] == starts[1], "{lines}");
        }
    }

    #[test]
    fn a_price_is_a_range_with_its_chance() {
        let of = |cases: Vec<PriceCase>| price_words(&Price { cases, unit: "rows whose truth is Yes".into() });
        let cases = [
            (
                of(vec![case(0.67, Some(871)), case(0.65, Some(1204)), case(0.64, Some(2287))]),
                "needs about 880 to 2,300 more rows whose truth is Yes for a chance of 80 % to be met, if the true value is \
                 0.640 to 0.670",
            ),
            (
                of(vec![case(0.67, Some(871)), case(0.60, None)]),
                "needs about 880 more rows whose truth is Yes for a chance of 80 % to be met, if the true value is 0.670; if \
                 it is 0.600, no number is enough",
            ),
            (
                of(vec![case(0.6, None)]),
                "no number of rows whose truth is Yes decides this at the values that are likely",
            ),
        ];
        for (said, expected) in cases {
            assert_eq!(said, expected);
        }
    }
}
