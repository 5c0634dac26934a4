//! The language of acceptance criteria, explained: the grammar, examples, and the metrics from the language's table.

use super::Paper;
use super::layout::wrap;
use super::paint;
use super::table::{Side, Table};
use remuda_model::gate::metrics::{ClassUse, METRICS, MetricEntry, Parameter, Scale};
use serde_json::{Value, json};

const GRAMMAR: &str = r#"criterion := quantity cmp bound [where SQL]
             [for each COLUMN [with at least N]] [by COLUMN] [@ PERCENT]
quantity  := METRIC [of CLASS]
           | "gap of" METRIC "between" COLUMN
           | "ratio of" METRIC "between" COLUMN
           | pQ of EXPR | "pass rate of tests" NAME | "mean cost using" FILE
           | "changed decisions vs" (production | release ID)
cmp bound := (>= | <= | > | <)
             (NUMBER [UNIT] | REFERENCE [(+|-) NUMBER [pp] | x FACTOR])
           | "every test of" NAME "passes"
REFERENCE := production | baseline NAME | release ID"#;

const EXAMPLES: [(&str, &str); 7] = [
    ("recall of urgent >= 0.90 where language = 'es' @95%", ""),
    ("f1 of urgent >= production + 0.01", "better than what is live"),
    ("accuracy >= production - 0.5 pp", "not worse"),
    ("recall of urgent >= 0.85 for each region with at least 50", ""),
    ("auc >= baseline rules + 0.02 by customer_id", ""),
    ("p99 of latency_ms <= 80 ms", ""),
    ("changed decisions vs production <= 10 %", "needs no labels"),
];

/// The page.
pub(crate) fn page(paper: &Paper) -> String {
    let mut out = format!("{}\n", paint::bold("Grammar"));
    for line in GRAMMAR.lines() {
        out.push_str(&format!("  {line}\n"));
    }
    out.push_str(&format!("\n{}\n", paint::bold("Examples")));
    for (text, note) in EXAMPLES {
        let note = if note.is_empty() { String::new() } else { paint::dim(&format!("   {note}")) };
        out.push_str(&format!("  {text}{note}\n"));
    }
    out.push_str(&format!("\n{}\n", paint::bold("Metrics")));
    let mut table = Table::new(&[
        ("name", Side::Left),
        ("of a class", Side::Left),
        ("range", Side::Left),
        ("what it is", Side::Left),
    ])
    .indent(2);
    for entry in &METRICS {
        table.row(vec![
            entry.metric.name(),
            class_words(entry.class).to_owned(),
            range_words(entry.range),
            what(entry),
        ]);
    }
    out.push_str(&table.render(paper.width));
    out.push('\n');
    let notes = "`where` is SQL over the rows; `by` names the unit of independence; `@` is the one-sided confidence, 95 % \
                 when absent. A difference is written in `pp` or as a factor, never in `%`.";
    out.push_str(&wrap(notes, paper.width, 0));
    out
}

/// The same for programs.
pub(crate) fn data() -> Value {
    let metrics: Vec<Value> = METRICS.iter().map(metric).collect();
    let examples: Vec<&str> = EXAMPLES.iter().map(|(text, _)| *text).collect();
    json!({ "grammar": GRAMMAR, "examples": examples, "metrics": metrics })
}

fn metric(entry: &MetricEntry) -> Value {
    let (least, greatest) = entry.range;
    let scale = match entry.scale {
        Scale::Share => "share",
        Scale::Difference => "difference",
        Scale::Own => "own",
        Scale::Column => "column",
        Scale::Plain => "plain",
    };
    json!({
        "name": entry.metric.name(),
        "aliases": entry.aliases,
        "class": class_words(entry.class),
        "parameter": entry.parameter != Parameter::None,
        "least": least.is_finite().then_some(least),
        "greatest": greatest.is_finite().then_some(greatest),
        "scale": scale,
        "greater_is_better": entry.metric.greater_is_better(),
        "noun": what(entry),
    })
}

/// The metric in words; its example's parameter stands for all.
fn what(entry: &MetricEntry) -> String {
    let parameter = entry.metric.parameter().map_or_else(String::new, |number| number.to_string());
    entry.noun.replace("{k}", &parameter)
}

fn class_words(class: ClassUse) -> &'static str {
    match class {
        ClassUse::Never => "no",
        ClassUse::Positive => "yes",
        ClassUse::Optional => "optional",
    }
}

fn range_words((least, greatest): (f64, f64)) -> String {
    match (least.is_finite(), greatest.is_finite()) {
        (true, true) => format!("{least} to {greatest}"),
        (true, false) => format!("{least} or more"),
        (false, true) => format!("{greatest} or less"),
        (false, false) => "any".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;

    #[test]
    fn every_example_can_be_read() {
        for (text, _) in EXAMPLES {
            remuda_model::gate::parse(text).unwrap();
        }
    }

    #[test]
    fn every_line_fits_eighty_columns() {
        let page = page(&Paper { width: 80, now: 0 });
        for line in page.lines() {
            assert!(super::super::layout::width(line) <= 80, "{line}");
        }
    }
}
