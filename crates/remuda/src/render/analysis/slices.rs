//! `analysis slices`, `analysis show` and `analysis keep`: slices with their intervals against all rows.

use crate::render::chart::{self, Interval};
use crate::render::layout::{left, right, width, wrap};
use crate::render::words::{ago, figure, metric, sentence};
use crate::render::{Paper, paint};
use remuda_app::analysis::{FoundSlice, Kept, Sliced};
use remuda_model::run::MetricValue;
use remuda_model::text;

/// The room that bars take.
const BAR: usize = 56;

/// What a search found.
pub(crate) fn sliced(answer: &Sliced, paper: &Paper) -> String {
    let mut out = headline(answer, paper);
    if let Some(nothing) = &answer.nothing {
        out.push_str(&format!("\n{}", wrap(&sentence(&format!("{nothing}.")), paper.width, 2)));
        out.push_str(&wrap(&widen_words(answer), paper.width, 2));
        return out;
    }
    for slice in &answer.slices {
        out.push('\n');
        out.push_str(&one(&answer.loss, &answer.overall, slice, &paint::bold(&slice.filter), paper));
        out.push_str(&stands_for(slice));
    }
    out.push('\n');
    let confirmed = answer.slices.iter().filter(|slice| slice.confirmed).count();
    out.push_str(&wrap(&reading(confirmed, answer.slices.len(), "slice"), paper.width, 0));
    out.push_str(&next(answer));
    if !answer.requests.is_empty() {
        out.push_str(&format!(
            "\n{}\n{}",
            paint::bold("Labels asked for"),
            super::uses::requests(&answer.requests, paper)
        ));
    }
    out
}

fn headline(answer: &Sliced, paper: &Paper) -> String {
    let mut out = format!(
        "{} {} on {} {}: the worst slices by {}\n",
        paint::bold(&answer.model_name),
        answer.model.short(),
        answer.dataset,
        answer.version.short(),
        paint::bold(&answer.metric),
    );
    let lines = [
        format!(
            "analysis {}: searched {}, checked on {} others, all {}; {} by {}",
            answer.id,
            text::count(answer.searched, "row"),
            text::thousands(answer.overall.n),
            answer.split,
            ago(answer.time, paper.now),
            answer.actor
        ),
        format!("{} of all that were checked: {}", sentence(&answer.loss), metric(&answer.overall)),
    ];
    for line in lines {
        out.push_str(&wrap(&line, paper.width, 2));
    }
    if answer.charged {
        out.push_str(&wrap("a look at holdout rows was charged", paper.width, 2));
    }
    out
}

/// A slice under its title, against all rows.
pub(super) fn one(loss: &str, overall: &MetricValue, slice: &FoundSlice, title: &str, paper: &Paper) -> String {
    let mark = if slice.confirmed { paint::red("✗ confirmed") } else { paint::dim("· not confirmed") };
    let name = slice.name.as_ref().map(|name| format!("  {}", paint::cyan(name))).unwrap_or_default();
    let mut out = format!("{}  {mark}{name}\n", right(&slice.number.to_string(), 3));
    out.push_str(&wrap(title, paper.width, 5));
    let rest = slice.rest.map_or_else(|| "unknown".to_owned(), figure);
    let others = match slice.within {
        Some(within) => format!("the rest of slice {within}"),
        None => "the rest".to_owned(),
    };
    let mut numbers =
        format!("{loss} {} against {rest} in {others}, {}", metric(&slice.inside), text::count(slice.rows, "row"));
    if let Some(adjusted) = slice.adjusted {
        numbers.push_str(&format!(", p {} after Holm", p_value(adjusted)));
    } else {
        numbers.push_str(&format!(": {}", slice.inside.method));
    }
    out.push_str(&wrap(&numbers, paper.width, 5));
    if let (Some(estimate), Some(all)) = (slice.inside.value, overall.value) {
        let bar = Interval { estimate, lower: slice.inside.lower, upper: slice.inside.upper, threshold: all };
        if let Some(line) = chart::interval(&bar, BAR.min(paper.width.saturating_sub(20))) {
            out.push_str(&format!("     {line}  {}\n", paint::dim(&format!("┃ all {}", figure(all)))));
        }
    }
    out
}

/// What else was found and is told by this slice.
fn stands_for(slice: &FoundSlice) -> String {
    let mut words = Vec::new();
    if slice.others > 0 {
        let others = text::count(u64::from(slice.others), "other slice");
        words.push(format!("stands for {others} of much the same rows"));
    }
    if slice.parts > 0 {
        let parts = text::count(u64::from(slice.parts), "narrower slice");
        words.push(format!("{parts} within it not shown to be worse than the rest of it"));
    }
    words.iter().map(|words| format!("     {}\n", paint::dim(words))).collect()
}

/// A p-value with two digits, never 0.
fn p_value(p: f64) -> String {
    if p < 0.0001 { "< 0.0001".to_owned() } else { figure(p) }
}

/// What it means that so many of all are confirmed.
pub(super) fn reading(confirmed: usize, all: usize, noun: &str) -> String {
    format!(
        "{confirmed} of {} confirmed: worse than the rest of the rows that the search has not seen, with a chance of at most \
         5 % that any of them is so by chance.",
        text::count(all as u64, noun)
    )
}

fn widen_words(answer: &Sliced) -> String {
    format!(
        "Looked at {}; slices of at least {}. `--min-support`, `--weight 0.99` and `--columns` look for other slices.",
        text::count(answer.columns.len() as u64, "column"),
        text::count(answer.least_rows, "row"),
    )
}

fn next(answer: &Sliced) -> String {
    let Some(first) = answer.slices.iter().find(|slice| slice.confirmed && slice.name.is_none()) else {
        return String::new();
    };
    let (number, id) = (first.number, &answer.id);
    let lines = [
        (format!("remuda analysis keep NAME --slice {number} --of {id}"), "names it"),
        (format!("remuda analysis require {number} --of {id}"), "puts it under a criterion"),
        (format!("remuda analysis expect {number} --of {id}"), "makes a behavioural test of it"),
        (format!("remuda analysis request-labels {number} --of {id} -o FILE.csv"), "asks for labels of its rows"),
    ];
    let room = lines.iter().map(|(command, _)| width(command)).max().unwrap_or(0);
    let line = |(command, what): &(String, &str)| format!("  {}  {what}\n", paint::cyan(&left(command, room)));
    format!("{}\n{}", paint::cyan("next:"), lines.iter().map(line).collect::<String>())
}

/// The claim of the criterion as an option of `analysis require`.
fn claim(answer: &Kept) -> String {
    let claim = answer.criterion.split(" where ").next().unwrap_or_default();
    format!(" --criterion \"{}\"", claim.replace('"', "\\\""))
}

/// What `analysis keep` wrote, and what to do with it.
pub(crate) fn kept(answer: &Kept, paper: &Paper) -> String {
    let slice = &answer.slice;
    let mut out = format!("{} {} in {}\n", paint::green("kept"), paint::bold(&slice.name), answer.file);
    out.push_str(&wrap(&slice.filter, paper.width, 2));
    if !slice.why.is_empty() {
        out.push_str(&wrap(&paint::dim(&slice.why), paper.width, 2));
    }
    let into =
        if answer.requirements.is_empty() { "a requirement".to_owned() } else { text::list(&answer.requirements) };
    out.push_str(&format!("\nA criterion on it, for {into}:\n  {}\n", paint::cyan(&answer.criterion)));
    out.push_str(&wrap(&sentence(&answer.words), paper.width, 2));
    let require = format!("remuda analysis require {}{}", slice.name, claim(answer));
    let expect = format!("remuda analysis expect {} --pass-rate 0.8", slice.name);
    let mut commands = vec![
        ("writes it there", require.as_str()),
        ("a behavioural test on it", expect.as_str()),
        ("its labels, to look at again", answer.relabel.as_str()),
    ];
    if !answer.label.is_empty() {
        commands.push(("its rows without a label", answer.label.as_str()));
    }
    out.push('\n');
    let room = commands.iter().map(|(what, _)| width(what)).max().unwrap_or(0);
    for (what, command) in commands {
        out.push_str(&format!("{}  {}\n", left(what, room), paint::cyan(command)));
    }
    out
}
