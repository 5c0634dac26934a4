//! `gate check`: verdicts on anybody's predictions, as text, as JUnit XML for continuous integration, as Markdown for a
//! pull request.

use super::Paper;
use super::gate::{confusion_table, full_verdict, price_words, verdict_word};
use super::layout::wrap;
use super::paint;
use super::words::{estimate, figure, sentence};
use remuda_app::gate::Checked;
use remuda_model::gate::{Verdict, VerdictKind};
use remuda_model::text;

/// For people.
pub(crate) fn text(checked: &Checked, paper: &Paper) -> String {
    let rows = text::count(checked.rows, "row");
    let mut out = format!(
        "{}  {} against {}, {rows}\n",
        verdict_word(checked.verdict),
        paint::bold(&checked.predictions),
        checked.truth
    );
    if checked.looks > 1 {
        let looks = format!(
            "one of {} looks: each criterion is decided at its risk divided by {}",
            checked.looks, checked.looks
        );
        out.push_str(&wrap(&looks, paper.width, 2));
    }
    for note in &checked.notes {
        out.push_str(&wrap(note, paper.width, 2));
    }
    for verdict in &checked.verdicts {
        out.push('\n');
        out.push_str(&full_verdict(verdict, paper));
    }
    if let Some(confusion) = &checked.confusion {
        out.push_str(&format!("\n{}\n{}", paint::bold("Truth against prediction"), confusion_table(confusion, paper)));
    }
    out
}

/// Estimate, interval, n and method on one line; nothing where nothing was measured.
fn numbers(verdict: &Verdict) -> Option<String> {
    let value = verdict.estimate?;
    let shown = estimate(Some(value), verdict.lower, verdict.upper);
    Some(format!("{shown}, n {}, {}", text::thousands(verdict.n), verdict.method))
}

fn name(verdict: &Verdict) -> String {
    match &verdict.slice {
        Some(slice) => format!("{} ({slice})", verdict.criterion),
        None => verdict.criterion.clone(),
    }
}

/// Why a criterion is undecided, and at what price.
fn reason(verdict: &Verdict) -> Option<String> {
    let reason = sentence(&verdict.reason.as_ref()?.words());
    Some(match &verdict.price {
        Some(price) => format!("{reason}: {}", price_words(price)),
        None => reason,
    })
}

/// JUnit XML: one test case per verdict; what is not met and what is undecided both fail, each under its own type.
pub(crate) fn junit(checked: &Checked) -> String {
    let failed = checked.verdicts.iter().filter(|verdict| verdict.kind != VerdictKind::Met).count();
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"remuda gate check\" tests=\"{}\" \
         failures=\"{failed}\" errors=\"0\" skipped=\"0\">\n",
        checked.verdicts.len()
    );
    for verdict in &checked.verdicts {
        out.push_str(&format!(
            "    <testcase classname=\"{}\" name=\"{}\">\n",
            escaped(&checked.predictions),
            escaped(&name(verdict))
        ));
        let said = [Some(sentence(&verdict.words)), numbers(verdict), reason(verdict)];
        let said = said.into_iter().flatten().collect::<Vec<_>>().join("\n");
        if verdict.kind == VerdictKind::Met {
            out.push_str(&format!("      <system-out>{}</system-out>\n", escaped(&said)));
        } else {
            let kind = verdict.kind.words();
            let message = numbers(verdict).map_or_else(|| kind.to_owned(), |numbers| format!("{kind}: {numbers}"));
            out.push_str(&format!(
                "      <failure type=\"{}\" message=\"{}\">{}</failure>\n",
                kind.replace(' ', "_"),
                escaped(&message),
                escaped(&said)
            ));
        }
        out.push_str("    </testcase>\n");
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

/// Text for XML: no markup, and none of the characters that XML 1.0 forbids.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            other if other.is_control() => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}

/// Markdown: the verdict as a headline, a table, and what undecided would cost.
pub(crate) fn markdown(checked: &Checked) -> String {
    let icon = |kind: VerdictKind| match kind {
        VerdictKind::Met => "✅ met",
        VerdictKind::NotMet => "❌ not met",
        VerdictKind::Undecided => "❔ undecided",
    };
    let rows = text::count(checked.rows, "row");
    let mut out = format!(
        "### {}: {} against {}\n\n{rows}, bounds are one-sided\n\n| verdict | criterion | estimate | bounds | n | method |\n\
         |---|---|--:|---|--:|---|\n",
        icon(checked.verdict),
        cell(&checked.predictions),
        cell(&checked.truth)
    );
    for verdict in &checked.verdicts {
        let shown = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), figure);
        out.push_str(&format!(
            "| {} | `{}` | {} | [{}, {}] | {} | {} |\n",
            icon(verdict.kind),
            code(&name(verdict)),
            shown(verdict.estimate),
            shown(verdict.lower),
            shown(verdict.upper),
            text::thousands(verdict.n),
            cell(&verdict.method)
        ));
    }
    let reasons = checked.verdicts.iter().filter_map(|verdict| Some((name(verdict), reason(verdict)?)));
    for (index, (name, reason)) in reasons.enumerate() {
        out.push_str(if index == 0 { "\n" } else { "" });
        out.push_str(&format!("- `{}`: {}\n", code(&name), cell(&reason)));
    }
    for (index, note) in checked.notes.iter().enumerate() {
        out.push_str(if index == 0 { "\n" } else { "" });
        out.push_str(&format!("- {}\n", cell(note)));
    }
    out
}

/// Text for a cell of a Markdown table.
fn cell(text: &str) -> String {
    code(text).replace('<', "&lt;")
}

/// Text for a code span in a cell, where markup is shown as it is.
fn code(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ").replace('`', "'")
}
