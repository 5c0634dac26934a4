//! What is live: traffic, metrics, drift, alerts.

use super::Paper;
use super::chart;
use super::layout::{self, wrap};
use super::model::metric_table;
use super::paint;
use super::table::{Side, Table};
use super::team;
use super::words::{ago, day, figure, percent, short};
use remuda_app::serving::{Alert, ColumnDrift, LivePage, Predicted, TrafficBucket};
use remuda_model::text;

/// `live`.
pub(crate) fn live(page: &LivePage, paper: &Paper) -> String {
    let Some(release) = &page.release else {
        return "Nothing is live: `remuda release create MODEL`, then `remuda release promote`.\n".to_owned();
    };
    let mut out = format!(
        "{} {}  release {} of {}\n",
        paint::green("●"),
        paint::bold(&page.endpoint),
        release.digest.short(),
        release.model_name
    );
    if let Some(on_duty) = &page.on_duty {
        out.push_str(&format!("  on duty    {on_duty}\n"));
    }
    let (predictions, outcomes) = (text::count(page.predictions, "prediction"), text::count(page.outcomes, "outcome"));
    out.push_str(&format!("  since {}: {predictions}, {outcomes}\n", day(page.since)));
    out.push_str(&traffic(&page.traffic));
    for alert in &page.alerts {
        out.push_str(&alert_line(alert, paper));
    }
    if page.metrics.is_empty() {
        out.push_str("\nNo outcomes are known yet: `remuda feedback add OUTCOMES` joins them.\n");
    } else {
        out.push_str(&format!("\n{}\n{}", paint::bold("Live metrics"), metric_table(&page.metrics, paper)));
        if page.measured < page.outcomes {
            let note = format!("on {} of the outcomes, spread evenly over the window", text::thousands(page.measured));
            out.push_str(&wrap(&note, paper.width, 2));
        }
    }
    if !page.expected.is_empty() {
        let title = "Expected while outcomes are late";
        out.push_str(&format!("\n{}\n{}", paint::bold(title), metric_table(&page.expected, paper)));
        let note = "advisory: it holds while scores mean what they meant at the evaluation, and a prediction-powered value while outcomes come from rows at random; it decides nothing";
        out.push_str(&paint::dim(&wrap(note, paper.width, 2)));
    }
    if !page.drift.is_empty() {
        out.push_str(&format!(
            "\n{}\n{}",
            paint::bold("Drift against the training version"),
            drift(&page.drift, paper)
        ));
    }
    if !page.unwatched.is_empty() {
        let note =
            format!("not watched, since values can hardly repeat or never varied: {}", text::list(&page.unwatched));
        out.push_str(&wrap(&note, paper.width, 2));
    }
    if !page.labels.is_empty() {
        out.push_str(&format!("\n{}\n", paint::bold("Labels")));
        let mut table =
            Table::new(&[("label", Side::Left), ("predicted", Side::Right), ("observed", Side::Right)]).indent(2);
        for share in &page.labels {
            let observed = share.observed.map_or_else(|| "–".to_owned(), percent);
            table.row(vec![share.label.clone(), percent(share.predicted), observed]);
        }
        out.push_str(&table.render(paper.width));
    }
    out
}

/// Predictions per bucket of time, as blocks.
pub(crate) fn traffic(buckets: &[TrafficBucket]) -> String {
    let Some((first, last)) = buckets.first().zip(buckets.last()) else { return String::new() };
    let counts: Vec<u64> = buckets.iter().rev().take(60).rev().map(|bucket| bucket.count).collect();
    let (from, to) = (day(first.start), day(last.start.saturating_add(last.width)));
    let ends = if from == to { paint::dim(&from) } else { paint::dim(&format!("{from} to {to}")) };
    format!("  traffic    {} {ends}\n", paint::cyan(&chart::blocks(&counts)))
}

/// Drifted columns first, each with what chance alone explains.
fn drift(columns: &[ColumnDrift], paper: &Paper) -> String {
    const SHOWN: usize = 12;
    let mut sorted: Vec<&ColumnDrift> = columns.iter().collect();
    sorted.sort_by(|left, right| right.drifted.cmp(&left.drifted).then(right.distance.total_cmp(&left.distance)));
    let headers = [
        ("", Side::Left),
        ("column", Side::Left),
        ("distance", Side::Right),
        ("by chance", Side::Right),
        ("", Side::Left),
    ];
    let mut table = Table::new(&headers).indent(2);
    for column in sorted.iter().take(SHOWN) {
        let mark = if column.drifted { paint::yellow("! drifts") } else { paint::green("✓ steady") };
        let moved = if column.drifted { greatest_move(column) } else { String::new() };
        table.row(vec![
            mark,
            column.column.clone(),
            figure(column.distance),
            figure(column.by_chance),
            paint::dim(&moved),
        ]);
    }
    let mut out = table.render(paper.width);
    if sorted.len() > SHOWN {
        out.push_str(&paint::dim(&format!("  and {} more, steadier\n", sorted.len() - SHOWN)));
    }
    out
}

/// The category or bin whose share moved most.
fn greatest_move(column: &ColumnDrift) -> String {
    let moved = |share: &&remuda_app::serving::Share| (share.live - share.training).abs();
    let greatest = column.shares.iter().max_by(|left, right| moved(left).total_cmp(&moved(right)));
    greatest.map_or_else(String::new, |share| {
        format!("{}: {} → {}", layout::cut(&share.name, 20), percent(share.training), percent(share.live))
    })
}

fn alert_line(alert: &Alert, paper: &Paper) -> String {
    let waits = if alert.roles.is_empty() { String::new() } else { format!(" ({})", team::roles(&alert.roles)) };
    let mut out = wrap(&format!("{} {}{waits}", paint::yellow("!"), alert.message), paper.width, 2);
    if !alert.command.is_empty() {
        out.push_str(&format!("    {}\n", paint::cyan(&alert.command)));
    }
    out
}

/// What `predict` did, said beside the predictions.
pub(crate) fn predicted(answer: &Predicted, paper: &Paper) -> String {
    let rows = text::count(answer.rows, "row");
    let with = match &answer.release {
        Some(release) => format!("release {}", short(release)),
        None => format!("model {}", short(&answer.model)),
    };
    let place = answer.output.as_ref().map(|output| format!(" in {}", output.display())).unwrap_or_default();
    let logged = if answer.logged { "logged, so outcomes can be joined" } else { "not logged" };
    let line = wrap(&format!("{rows} predicted by {with}{place}; {logged}"), paper.width, 2);
    format!("{} {}", paint::green("✓"), line.trim_start())
}

/// One line for `status`.
pub(crate) fn summary(live: &remuda_app::product::LiveSummary, paper: &Paper) -> String {
    let release = &live.release;
    let mut out = format!(
        "  {} {}  release {}, since {}\n",
        paint::green("●"),
        paint::bold(&release.model_name),
        release.digest.short(),
        ago(release.time, paper.now)
    );
    let (predictions, outcomes) = (text::count(live.predictions, "prediction"), text::count(live.outcomes, "outcome"));
    out.push_str(&format!("  30 days    {predictions}, {outcomes}\n"));
    if let Some(value) = &live.metric {
        out.push_str(&format!("  {}  {}\n", layout::left(&value.name, 9), super::words::metric(value)));
    }
    out.push_str(&traffic(&live.traffic));
    if !live.drifted.is_empty() {
        out.push_str(&wrap(&format!("{} {}", paint::yellow("drifts:"), text::list(&live.drifted)), paper.width, 2));
    }
    out
}
