//! `analysis threshold`: ways to decide under costs side by side, the threshold that was chosen, and the cost over all.

use crate::render::chart::{blocks, spread};
use crate::render::gate::confusion_table;
use crate::render::layout::{cut, wrap};
use crate::render::table::{Side, Table};
use crate::render::words::{figure, metric};
use crate::render::{Paper, paint};
use remuda_app::analysis::{ChosenThreshold, DecisionChange, DecisionCost, DecisionRule, RuleKind, ThresholdFound};
use remuda_model::text;

/// Prices, and changes of decisions, that a terminal shows.
const PRICES: usize = 6;
const CHANGES: usize = 8;
/// Columns of the cost curve.
const COLUMNS: usize = 51;

/// Decisions under a cost table.
pub(crate) fn threshold(answer: &ThresholdFound, paper: &Paper) -> String {
    let head = &answer.head;
    let what = match &answer.positive {
        Some(positive) => format!("from where on {}", paint::bold(positive)),
        None => "which class".to_owned(),
    };
    let rows = text::count(head.rows, "row");
    let mut out = format!("{}: {what} under {}, on {rows} of {}\n", super::title(head), answer.costs, head.split);
    out.push_str(&wrap(&prices(&answer.prices), paper.width, 2));
    out.push_str(&format!("\n{}\n{}", paint::bold("Cost per row"), rules(&answer.rules, paper)));
    if let Some(chosen) = &answer.chosen {
        out.push_str(&wrap(&stability(chosen), paper.width, 2));
        out.push_str(&format!("\n{}\n{}", paint::bold("Mean cost by threshold"), curve(answer, chosen)));
        let rule = answer.rules.iter().find(|rule| rule.rule == RuleKind::Chosen);
        if let Some((rule, confusion)) = rule.and_then(|rule| Some((rule, rule.confusion.as_ref()?))) {
            let title = format!("Truth against decision, {}", rule.words);
            out.push_str(&format!("\n{}\n{}", paint::bold(&title), confusion_table(confusion, paper)));
        }
    }
    if !answer.changes.is_empty() {
        out.push_str(&format!("\n{}\n{}", paint::bold("What changes"), changes(&answer.changes, paper)));
    }
    out.push_str(&format!("\n{}", wrap(&paint::bold(&answer.advice), paper.width, 0)));
    out.push_str(&wrap(&answer.applying, paper.width, 0));
    out
}

fn prices(prices: &[DecisionCost]) -> String {
    if prices.is_empty() {
        return "no decision costs anything".to_owned();
    }
    let price = |price: &DecisionCost| {
        format!("{} taken for {} costs {}", price.truth, price.decision, text::number(price.cost))
    };
    let mut shown: Vec<String> = prices.iter().take(PRICES).map(price).collect();
    if prices.len() > PRICES {
        shown.push("…".to_owned());
    }
    shown.join("; ")
}

fn rules(rules: &[DecisionRule], paper: &Paper) -> String {
    let columns = [("decide", Side::Whole), ("cost", Side::Right), ("less own", Side::Right), ("rows", Side::Right)];
    let mut table = Table::new(&columns).indent(2);
    for rule in rules {
        let difference = rule.difference.as_ref().map(metric).unwrap_or_default();
        let changed = if rule.difference.is_some() { text::thousands(rule.changed) } else { String::new() };
        table.row(vec![words(rule), metric(&rule.cost), difference, changed]);
    }
    let note = "less own: less the cost of the candidate's own label, row by row; rows: how many it decides otherwise";
    format!("{}{}", table.render(paper.width), wrap(&paint::dim(note), paper.width, 2))
}

fn words(rule: &DecisionRule) -> String {
    match rule.rule {
        RuleKind::Own => "own label".to_owned(),
        RuleKind::ExpectedCost if rule.threshold.is_none() => "least expected cost".to_owned(),
        RuleKind::ExpectedCost => format!("{}, by the costs alone", cut(&rule.words, 32)),
        RuleKind::Chosen => format!("{}, cheapest here", cut(&rule.words, 32)),
    }
}

fn stability(chosen: &ChosenThreshold) -> String {
    let seen = match chosen.optimism {
        Some(optimism) => format!(
            "On the rows that it was chosen on, the cheapest threshold costs {}: {} too little, which is the luck of choosing. \
             Its cost above is that on rows it was not chosen on.",
            figure(chosen.seen_cost),
            figure(optimism.max(0.0))
        ),
        None => {
            format!("On the rows that it was chosen on, the cheapest threshold costs {}.", figure(chosen.seen_cost))
        }
    };
    format!(
        "{seen} Drawing the rows again {} times, 95 % of the choices lie between {} and {}.",
        text::thousands(u64::from(chosen.redraws)),
        figure(chosen.low),
        figure(chosen.high)
    )
}

/// The curve as blocks, the lowest cost the lowest block, with marks beneath.
fn curve(answer: &ThresholdFound, chosen: &ChosenThreshold) -> String {
    let at = |threshold: f64| answer.curve.iter().rfind(|point| point.threshold <= threshold + 1e-9);
    let step = 1.0 / (COLUMNS - 1) as f64;
    let costs: Vec<f64> = (0..COLUMNS).filter_map(|column| at(column as f64 * step)).map(|point| point.cost).collect();
    let (Some(least), Some(greatest)) =
        (costs.iter().copied().reduce(f64::min), costs.iter().copied().reduce(f64::max))
    else {
        return String::new();
    };
    let mut marks = vec![' '; COLUMNS];
    let place = |threshold: f64| ((threshold / step).round() as usize).min(COLUMNS - 1);
    let (low, high) = (place(chosen.low), place(chosen.high));
    marks.iter_mut().take(high + 1).skip(low).for_each(|mark| *mark = '─');
    let expected = answer.rules.iter().find(|rule| rule.rule == RuleKind::ExpectedCost).and_then(|rule| rule.threshold);
    if let Some(threshold) = expected {
        marks[place(threshold)] = '△';
    }
    marks[place(chosen.threshold)] = '▲';
    let marks: String = marks.into_iter().collect();
    let by_costs =
        expected.map_or_else(String::new, |threshold| format!("  △ {} by the costs alone", figure(threshold)));
    format!(
        "  {}  from {} to {}\n  {}\n  0{}1\n  ▲ {} cheapest here, ─ where 95 % of redrawn rows choose{by_costs}\n",
        blocks(&spread(&costs)),
        figure(least),
        figure(greatest),
        marks.trim_end(),
        " ".repeat(COLUMNS - 2),
        figure(chosen.threshold)
    )
}

fn changes(changes: &[DecisionChange], paper: &Paper) -> String {
    let columns =
        [("candidate says", Side::Left), ("costs least", Side::Left), ("rows", Side::Right), ("saves", Side::Right)];
    let mut table = Table::new(&columns).indent(2);
    for change in changes.iter().take(CHANGES) {
        let (from, to) = (cut(&change.from, 32), cut(&change.to, 32));
        table.row(vec![from, to, text::thousands(change.rows), text::number(change.saved)]);
    }
    table.render(paper.width)
}
