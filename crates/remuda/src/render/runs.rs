//! Many runs: chosen columns, groups, experiments, comparisons, curves, saved views.

use super::Paper;
use super::layout::wrap;
use super::paint;
use super::run::status_word;
use super::table::{Side, Table};
use super::words::{ago, estimate, figure};
use remuda_app::run::{
    BestOf, Bucket, ComparedMetric, ExperimentList, List, RunCurves, RunGroups, RunState, RunsCompared, SavedViews,
    split,
};
use remuda_model::run::filter::{Attribute, Key, order_by};
use remuda_model::text;

/// Runs side by side up to so many; of more only the best are named.
const ABREAST: usize = 5;
/// Runs of a longer comparison that are listed.
const LISTED: usize = 20;

/// The flags of a list but `--before`, to ask for its next page.
pub(super) fn flags(asked: &List) -> String {
    let flags = [
        ("filter", &asked.filter),
        ("order-by", &asked.order_by),
        ("experiment", &asked.experiment),
        ("select", &asked.select),
    ];
    let mut words: String = flags
        .into_iter()
        .filter_map(|(name, value)| Some(format!(" --{name} \"{}\"", value.as_deref()?.replace('"', "\\\""))))
        .collect();
    if asked.deleted {
        words.push_str(" --deleted");
    }
    words
}

/// Runs with the columns that were asked for.
pub(super) fn selected(runs: &[RunState], select: &str, paper: &Paper) -> String {
    let keys: Vec<Key> = split(select).iter().filter_map(|text| order_by(text).ok()).map(|order| order.key).collect();
    let mut columns = vec![("run".to_owned(), Side::Whole), ("status".to_owned(), Side::Whole)];
    columns.extend(
        keys.iter().map(|key| (head(key), if matches!(key, Key::Metric(_)) { Side::Right } else { Side::Left })),
    );
    columns.push(("when".to_owned(), Side::Whole));
    let mut table = Table::of(columns);
    for run in runs {
        let mut cells = vec![run.run.clone(), status_word(run.status)];
        cells.extend(keys.iter().map(|key| cell(run, key, paper)));
        cells.push(ago(run.started, paper.now));
        table.row(cells);
    }
    table.render(paper.width)
}

fn head(key: &Key) -> String {
    match key {
        Key::Metric(name) | Key::Parameter(name) | Key::Tag(name) => name.clone(),
        Key::Attribute(attribute) => attribute.as_str().to_owned(),
        Key::Dataset(part) => format!("dataset {}", part.as_str()),
    }
}

fn cell(run: &RunState, key: &Key, paper: &Paper) -> String {
    let nothing = || "–".to_owned();
    let plain = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match key {
        Key::Metric(name) => {
            let metric = run.metrics.iter().find(|metric| metric.name == *name);
            metric.map_or_else(nothing, |metric| estimate(metric.value, metric.lower, metric.upper))
        }
        Key::Parameter(name) => run.parameters.get(name).map_or_else(nothing, plain),
        Key::Tag(name) => run.tags.get(name).cloned().unwrap_or_else(nothing),
        Key::Attribute(attribute) => match attribute {
            Attribute::Id => run.run.clone(),
            Attribute::Name => run.name.clone(),
            Attribute::Status => run.status.as_str().to_owned(),
            Attribute::User => run.actor.clone(),
            Attribute::Experiment => run.experiment.clone(),
            Attribute::Started => ago(run.started, paper.now),
            Attribute::Ended => run.ended.map_or_else(nothing, |ended| ago(ended, paper.now)),
            Attribute::Command => run.command.clone(),
            Attribute::Note => run.note.clone(),
            Attribute::Stage => if run.deleted { "deleted" } else { "active" }.to_owned(),
            Attribute::ArtifactUri => nothing(),
        },
        Key::Dataset(_) => nothing(),
    }
}

/// What `run show` says of a run's surroundings.
pub(super) fn family_lines(state: &RunState) -> String {
    let Some(family) = &state.family else { return String::new() };
    let mut out = format!("  experiment {}\n", state.experiment);
    if let Some((id, name)) = &family.parent {
        out.push_str(&format!("  nested in  {id} {name}\n"));
    }
    if family.children_in_all > 0 {
        out.push_str(&format!("  holds      {}\n", text::count(family.children_in_all, "nested run")));
    }
    for input in &family.inputs {
        let version = input.version.as_ref().map_or("no version here", |version| version.short());
        out.push_str(&format!("  read       {} {version}\n", input.name));
    }
    out
}

/// `run experiments`.
pub(crate) fn experiments(answer: &ExperimentList, paper: &Paper) -> String {
    let columns = [
        ("experiment", Side::Left),
        ("number", Side::Right),
        ("runs", Side::Right),
        ("deleted", Side::Right),
        ("newest", Side::Whole),
        ("", Side::Left),
    ];
    let mut table = Table::new(&columns);
    for one in &answer.experiments {
        let deleted = if one.deleted_runs == 0 { String::new() } else { text::thousands(one.deleted_runs) };
        table.row(vec![
            one.name.clone(),
            one.id.to_string(),
            text::thousands(one.runs),
            deleted,
            one.newest.map_or_else(|| "–".to_owned(), |newest| ago(newest, paper.now)),
            if one.deleted { paint::yellow("deleted") } else { String::new() },
        ]);
    }
    let out = table.render(paper.width);
    if out.is_empty() { "No experiment yet: a run makes the first one.\n".to_owned() } else { out }
}

/// `run groups`.
pub(crate) fn groups(answer: &RunGroups, paper: &Paper) -> String {
    if answer.groups.is_empty() {
        return "No run fits this.\n".to_owned();
    }
    let mut columns = vec![(answer.by.clone(), Side::Left), ("runs".to_owned(), Side::Right)];
    if let Some(metric) = &answer.metric {
        columns.push((format!("best {metric}"), Side::Right));
        columns.push(("of".to_owned(), Side::Right));
        columns.push(("mean".to_owned(), Side::Right));
    }
    let mut table = Table::of(columns);
    for group in &answer.groups {
        let mut cells = vec![group.value.clone().unwrap_or_else(|| paint::dim("none")), text::thousands(group.runs)];
        if answer.metric.is_some() {
            cells.push(group.best.map_or_else(|| "–".to_owned(), figure));
            cells.push(text::thousands(group.measured));
            cells.push(estimate(group.mean, group.lower, group.upper));
        }
        table.row(cells);
    }
    let mut out = table.render(paper.width);
    if answer.more {
        out.push_str(&paint::dim("there are more values than 500: narrow the filter\n"));
    }
    if answer.metric.is_none() {
        out.push_str(&paint::dim("with a metric: --order-by \"metrics.auc DESC\"\n"));
    } else {
        out.push_str(&paint::dim(
            "means hold with 95 % over runs like these (Student t); the best of many contains luck\n",
        ));
    }
    out
}

/// `run compare`.
pub(crate) fn compared(answer: &RunsCompared, paper: &Paper) -> String {
    if answer.runs.is_empty() {
        return "No run fits this: `remuda run list` shows all.\n".to_owned();
    }
    let mut out = format!("{} compared", text::count(answer.runs.len() as u64, "run"));
    if answer.total > answer.runs.len() as u64 {
        out.push_str(&format!(", the first of {} that fit", text::thousands(answer.total)));
    }
    out.push('\n');
    out.push_str(&differing(answer, paper));
    out.push_str(&metrics(answer, paper));
    if let Some(metric) = answer.metrics.first() {
        out.push_str(&luck(answer, metric, paper));
    }
    if let Some(pair) = &answer.pair {
        let word = if pair.record { paint::green("record") } else { paint::yellow("no record") };
        let numbers = pair.difference.as_ref().map(|one| format!(" {}", estimate(one.value, one.lower, one.upper)));
        out.push_str(&wrap(&format!("{word}: {}{}", pair.words, numbers.unwrap_or_default()), paper.width, 0));
    }
    out
}

fn name(answer: &RunsCompared, place: usize) -> String {
    answer.runs.get(place).map_or_else(String::new, |run| {
        let short: String = run.run.chars().take(10).collect();
        let shared = answer.runs.iter().filter(|other| other.name == run.name).count() > 1;
        if run.name.is_empty() || shared || run.name.chars().count() > 24 { short } else { run.name.clone() }
    })
}

fn differing(answer: &RunsCompared, paper: &Paper) -> String {
    let differ: Vec<_> = answer.parameters.iter().filter(|one| one.differs).collect();
    let same = answer.parameters.len() - differ.len();
    let mut out = String::new();
    if !differ.is_empty() {
        out.push_str(&format!("\n{}\n", paint::bold("Parameters that differ")));
        let few = answer.runs.len() <= ABREAST;
        let mut columns = vec![("parameter".to_owned(), Side::Left)];
        if few {
            columns.extend((0..answer.runs.len()).map(|place| (name(answer, place), Side::Left)));
        } else {
            columns.extend([("values".to_owned(), Side::Right), ("such as".to_owned(), Side::Left)]);
        }
        let mut table = Table::of(columns).indent(2);
        for one in differ {
            let mut cells = vec![one.name.clone()];
            if few {
                cells.extend(one.values.iter().map(|value| value.clone().unwrap_or_else(|| "–".to_owned())));
            } else {
                let mut values: Vec<&String> = one.values.iter().flatten().collect();
                values.sort();
                values.dedup();
                let shown: Vec<&str> = values.iter().take(6).map(|value| value.as_str()).collect();
                cells.extend([text::thousands(values.len() as u64), shown.join(", ")]);
            }
            table.row(cells);
        }
        out.push_str(&table.render(paper.width));
    }
    if same > 0 {
        out.push_str(&paint::dim(&format!("  {} the same in all\n", text::count(same as u64, "parameter"))));
    }
    out
}

fn metrics(answer: &RunsCompared, paper: &Paper) -> String {
    if answer.metrics.is_empty() {
        return "\nThese runs recorded no metric.\n".to_owned();
    }
    let mut out = format!("\n{}\n", paint::bold("Metrics"));
    if answer.runs.len() <= ABREAST {
        let mut columns = vec![("metric".to_owned(), Side::Left)];
        columns.extend((0..answer.runs.len()).map(|place| (name(answer, place), Side::Right)));
        let mut table = Table::of(columns).indent(2);
        for metric in &answer.metrics {
            let mut cells = vec![metric.name.clone()];
            for (place, value) in metric.values.iter().enumerate() {
                let words =
                    value.map_or_else(|| "–".to_owned(), |value| estimate(value.value, value.lower, value.upper));
                let is_best = metric.best.as_ref().is_some_and(|best| best.place == place && best.of > 1);
                cells.push(if is_best { paint::yellow(&format!("{words} *")) } else { words });
            }
            table.row(cells);
        }
        out.push_str(&table.render(paper.width));
        out.push_str(&paint::dim(&format!("  * best of {}\n", answer.runs.len())));
        return out;
    }
    let shown = &answer.metrics[..answer.metrics.len().min(4)];
    let mut columns = vec![("run".to_owned(), Side::Whole)];
    columns.extend(shown.iter().map(|metric| (metric.name.clone(), Side::Right)));
    let mut table = Table::of(columns).indent(2);
    for place in ranked(answer).into_iter().take(LISTED) {
        let mut cells = vec![name(answer, place)];
        for metric in shown {
            let value = metric.values.get(place).copied().flatten();
            cells.push(value.map_or_else(|| "–".to_owned(), |value| estimate(value.value, value.lower, value.upper)));
        }
        table.row(cells);
    }
    out.push_str(&table.render(paper.width));
    if answer.runs.len() > LISTED || answer.metrics.len() > shown.len() {
        let text = format!(
            "  the best {} of {}, {} of {}; all with --json\n",
            answer.runs.len().min(LISTED),
            text::count(answer.runs.len() as u64, "run"),
            shown.len(),
            text::count(answer.metrics.len() as u64, "metric")
        );
        out.push_str(&paint::dim(&text));
    }
    out
}

/// The runs by the leading metric, the best first.
fn ranked(answer: &RunsCompared) -> Vec<usize> {
    let mut order: Vec<usize> = (0..answer.runs.len()).collect();
    if let Some(metric) = answer.metrics.first() {
        let worth = |place: &usize| {
            let value = metric.values.get(*place).copied().flatten().and_then(|value| value.value);
            let value = value.filter(|value| value.is_finite());
            value.map_or(f64::INFINITY, |value| if metric.less_is_better { value } else { -value })
        };
        order.sort_by(|one, other| worth(one).total_cmp(&worth(other)));
    }
    order
}

fn luck(answer: &RunsCompared, metric: &ComparedMetric, paper: &Paper) -> String {
    let Some(best) = metric.best.as_ref().filter(|best| best.of > 1) else { return String::new() };
    let mut words = format!(
        "{}: {} has {} {}",
        paint::yellow(&format!("best of {}", text::thousands(best.of))),
        name(answer, best.place),
        metric.name,
        figure(best.value)
    );
    words.push_str(&corrected(best));
    if let (Some(expected), Some(deviation)) = (best.expected, best.deviation) {
        words.push_str(&format!(
            " Were all {} draws of one normal distribution (mean {}, standard deviation {}), the best would be expected at {}: so much is luck.",
            text::thousands(best.of),
            figure(best.mean),
            figure(deviation),
            figure(expected)
        ));
    }
    format!("\n{}", wrap(&words, paper.width, 0))
}

fn corrected(best: &BestOf) -> String {
    match (best.lower, best.upper) {
        (Some(lower), Some(upper)) => {
            format!(", corrected for the choice {} to {} ({}).", figure(lower), figure(upper), best.method)
        }
        _ => "; no interval is known, since on how many rows it rests is not known.".to_owned(),
    }
}

/// `run curves`.
pub(crate) fn curves(answer: &RunCurves, paper: &Paper) -> String {
    let columns = [
        ("run", Side::Whole),
        ("metric", Side::Left),
        ("points", Side::Right),
        ("first", Side::Right),
        ("least", Side::Right),
        ("greatest", Side::Right),
        ("last", Side::Right),
        ("", Side::Whole),
    ];
    let mut table = Table::new(&columns);
    for curve in &answer.curves {
        let least = curve.buckets.iter().map(|bucket| bucket.min.1).fold(f64::INFINITY, f64::min);
        let greatest = curve.buckets.iter().map(|bucket| bucket.max.1).fold(f64::NEG_INFINITY, f64::max);
        let said = |value: Option<f64>| value.filter(|value| value.is_finite()).map_or_else(|| "–".to_owned(), figure);
        table.row(vec![
            curve.run.chars().take(10).collect(),
            curve.metric.clone(),
            text::thousands(curve.points),
            said(curve.buckets.first().map(|bucket| bucket.first.1)),
            said(Some(least)),
            said(Some(greatest)),
            said(curve.buckets.last().map(|bucket| bucket.last.1)),
            spark(&curve.buckets),
        ]);
    }
    let out = table.render(paper.width);
    if out.is_empty() { "These runs logged no such metric.\n".to_owned() } else { out }
}

/// A curve in twenty-four letters.
fn spark(buckets: &[Bucket]) -> String {
    const LETTERS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let means: Vec<f64> = buckets
        .chunks(buckets.len().div_ceil(24).max(1))
        .map(|part| {
            let n: u64 = part.iter().map(|bucket| bucket.n).sum();
            part.iter().map(|bucket| bucket.mean * (bucket.n as f64 / n as f64)).sum()
        })
        .collect();
    let least = means.iter().copied().fold(f64::INFINITY, f64::min);
    let span = means.iter().copied().fold(f64::NEG_INFINITY, f64::max) - least;
    let letter = |mean: &f64| {
        let share = if span > 0.0 && span.is_finite() { (mean - least) / span } else { 0.5 };
        LETTERS[((share * 7.0).round() as usize).min(7)]
    };
    if means.len() < 2 { String::new() } else { means.iter().map(letter).collect() }
}

/// `run views`.
pub(crate) fn views(answer: &SavedViews, paper: &Paper) -> String {
    if answer.views.is_empty() {
        return "No view is saved: `remuda run save-view NAME --filter …` saves one.\n".to_owned();
    }
    let mut table =
        Table::new(&[("view", Side::Left), ("by", Side::Left), ("saved", Side::Whole), ("shows", Side::Left)]);
    for saved in &answer.views {
        let view = &saved.view;
        let parts = [
            ("filter", &view.filter),
            ("order by", &view.order_by),
            ("experiment", &view.experiment),
            ("select", &view.select),
            ("group", &view.group),
        ];
        let shows: Vec<String> =
            parts.into_iter().filter_map(|(name, value)| Some(format!("{name}: {}", value.as_deref()?))).collect();
        table.row(vec![view.name.clone(), saved.actor.clone(), ago(saved.time, paper.now), shows.join("; ")]);
    }
    table.render(paper.width)
}
