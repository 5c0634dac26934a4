//! Many runs in one drawing: parallel coordinates of what differs between them, and any two numbers against each other.

use super::chart::place;
use super::lines::{Scale, range};
use crate::format;
use maud::{Markup, html};
use remuda_model::text;

/// Lines of parallel coordinates at most, and points of a scatter that say who they are.
const LINES: usize = 150;
const NAMED: usize = 80;

/// A column of values, one for each run.
#[derive(Clone, Debug)]
pub struct Axis {
    /// What it is.
    pub name: String,
    /// The values.
    pub values: Vec<Option<Cell>>,
}

/// A value of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// As text.
    pub text: String,
    /// As a number, when it is one.
    pub number: Option<f64>,
    /// The interval, when one is known.
    pub interval: Option<(f64, f64)>,
}

impl Cell {
    /// A text, which may be a number.
    pub fn text(text: &str) -> Self {
        let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
        Self { text: text.to_owned(), number, interval: None }
    }

    /// A number.
    pub fn number(number: f64, interval: Option<(f64, f64)>) -> Self {
        Self { text: text::number(number), number: Some(number), interval }
    }
}

/// Where the values of an axis stand.
enum Standing {
    Numbers(Scale, bool),
    Words(Vec<String>),
}

impl Axis {
    fn is_numeric(&self) -> bool {
        self.values.iter().flatten().all(|cell| cell.number.is_some())
    }

    /// The numbers, with the ends of intervals.
    fn numbers(&self) -> impl Iterator<Item = f64> {
        let whole = |cell: &Cell| [cell.number, cell.interval.map(|ends| ends.0), cell.interval.map(|ends| ends.1)];
        self.values.iter().flatten().flat_map(whole).flatten()
    }

    /// Positive numbers over a factor of thirty and more are better told apart on a scale of logarithms.
    fn is_logarithmic(&self) -> bool {
        range(self.numbers()).is_some_and(|(least, most)| least > 0.0 && most / least >= 30.0)
    }

    fn standing(&self, from: f64, to: f64) -> Option<Standing> {
        if self.is_numeric() {
            let log = self.is_logarithmic();
            return range(self.numbers()).map(|ends| Standing::Numbers(Scale::new(ends, log, from, to), log));
        }
        let mut words: Vec<String> = self.values.iter().flatten().map(|cell| cell.text.clone()).collect();
        words.sort_by(|one, other| match (one.parse::<f64>(), other.parse::<f64>()) {
            (Ok(one), Ok(other)) => one.total_cmp(&other),
            _ => one.cmp(other),
        });
        words.dedup();
        (!words.is_empty()).then_some(Standing::Words(words))
    }
}

fn at(standing: &Standing, cell: &Cell, (from, to): (f64, f64)) -> Option<f64> {
    match standing {
        Standing::Numbers(scale, _) => cell.number.map(|number| scale.at(number)),
        Standing::Words(words) => {
            let index = words.iter().position(|word| *word == cell.text)?;
            let share = if words.len() == 1 { 0.5 } else { index as f64 / (words.len() - 1) as f64 };
            Some(from + share * (to - from))
        }
    }
}

/// Each run a line from axis to axis; the last axis is the metric, by which lines are shaded: of five shades, the strongest
/// has the best values.
pub fn parallel(axes: &[Axis], names: &[String], less_is_better: bool) -> Markup {
    let (top, bottom) = (34.0, 214.0);
    let Some(metric) = axes.last() else { return html! {} };
    let gap = if axes.len() > 1 { 640.0 / (axes.len() - 1) as f64 } else { 0.0 };
    let x = |place: usize| 70.0 + place as f64 * gap;
    let standings: Vec<Option<Standing>> = axes.iter().map(|axis| axis.standing(bottom, top)).collect();
    let mut order: Vec<(usize, f64)> =
        metric.values.iter().enumerate().filter_map(|(run, cell)| Some((run, cell.as_ref()?.number?))).collect();
    // The best are drawn last, over the others.
    order.sort_by(|one, other| if less_is_better { other.1.total_cmp(&one.1) } else { one.1.total_cmp(&other.1) });
    let left_out = order.len().saturating_sub(LINES);
    let drawn = &order[left_out..];
    html! {
        figure.parallel {
            div.scroll role="region" aria-label="Parallel coordinates" tabindex="0" {
                svg viewBox="0 0 800 244" role="img" aria-label={ "Parameters and " (metric.name) " of each run" } {
                    @for (rank, (run, _)) in drawn.iter().enumerate() {
                        @let shade = rank * 5 / drawn.len().max(1);
                        path class=(format!("thread shade-{shade}")) d=(thread(axes, &standings, *run, x, (bottom, top))) {
                            @if drawn.len() <= NAMED { title { (names.get(*run).map_or("", String::as_str)) } }
                        }
                    }
                    @for (place_of, axis) in axes.iter().enumerate() {
                        line.post x1=(place(x(place_of))) x2=(place(x(place_of))) y1=(place(top)) y2=(place(bottom)) {}
                        text.axis-label x=(place(x(place_of))) y="14" text-anchor="middle" { (format::cut(&axis.name, 18)) title { (axis.name) } }
                        @if let Some(Some(standing)) = standings.get(place_of) {
                            @for (height, label) in ends(standing, bottom, top) {
                                text.tick x=(place(x(place_of) - 5.0)) y=(place(height + 4.0)) text-anchor="end" { (label) }
                            }
                        }
                    }
                }
            }
            @if left_out > 0 { p.muted.small { (text::thousands(left_out as u64)) " with the worst values are not drawn." } }
        }
    }
}

fn thread(
    axes: &[Axis],
    standings: &[Option<Standing>],
    run: usize,
    x: impl Fn(usize) -> f64,
    (bottom, top): (f64, f64),
) -> String {
    let mut path = String::new();
    for (place_of, (axis, standing)) in axes.iter().zip(standings).enumerate() {
        // What a run does not have stands below the axis.
        let cell = axis.values.get(run).and_then(Option::as_ref);
        let height = cell.zip(standing.as_ref()).and_then(|(cell, standing)| at(standing, cell, (bottom, top)));
        let height = height.unwrap_or(bottom + 18.0);
        path.push_str(if path.is_empty() { "M" } else { "L" });
        path.push_str(&format!("{:.0} {:.0}", x(place_of), height));
    }
    path
}

/// The labels of an axis: its ends, or its words where there are few.
fn ends(standing: &Standing, bottom: f64, top: f64) -> Vec<(f64, String)> {
    match standing {
        Standing::Numbers(scale, _) => {
            scale.ticks().into_iter().map(|tick| (scale.at(tick), text::number(tick))).collect()
        }
        Standing::Words(words) => {
            let last = words.len().saturating_sub(1).max(1) as f64;
            let height = |index: usize| {
                if words.len() == 1 { (bottom + top) / 2.0 } else { bottom + index as f64 / last * (top - bottom) }
            };
            let every = words.len().div_ceil(9);
            let shown = words.iter().enumerate().step_by(every.max(1));
            shown.map(|(index, word)| (height(index), format::cut(word, 9))).collect()
        }
    }
}

/// Many dots as one path of strokes without length, whose round ends are the dots.
fn round_dots(dots: &[(usize, f64, f64, &Cell, &Cell)]) -> String {
    dots.iter().map(|(_, x, y, _, _)| format!("M{x:.0} {y:.0}h0")).collect()
}

/// The intervals of all dots as one path.
fn whiskers(dots: &[(usize, f64, f64, &Cell, &Cell)], along: &Standing, beside: &Standing) -> String {
    let mut path = String::new();
    for (_, x, y, one, other) in dots {
        if let (Some((low, high)), Standing::Numbers(scale, _)) = (other.interval, beside) {
            path.push_str(&format!("M{:.0} {:.0}V{:.0}", x, scale.at(low), scale.at(high)));
        }
        if let (Some((low, high)), Standing::Numbers(scale, _)) = (one.interval, along) {
            path.push_str(&format!("M{:.0} {:.0}H{:.0}", scale.at(low), y, scale.at(high)));
        }
    }
    path
}

/// Two axes against each other, a dot for each run that has both; whiskers where intervals are known.
pub fn scatter(across: &Axis, up: &Axis, names: &[String], best: Option<usize>) -> Markup {
    let (left, right, top, bottom) = (64.0, 464.0, 12.0, 252.0);
    let (Some(along), Some(beside)) = (across.standing(left, right), up.standing(bottom, top)) else {
        return html! { p.muted { "No run has both." } };
    };
    let dots: Vec<(usize, f64, f64, &Cell, &Cell)> = across
        .values
        .iter()
        .zip(&up.values)
        .enumerate()
        .filter_map(|(run, (one, other))| {
            let (one, other) = (one.as_ref()?, other.as_ref()?);
            Some((run, at(&along, one, (left, right))?, at(&beside, other, (bottom, top))?, one, other))
        })
        .collect();
    html! {
        figure.lines.scatter {
            figcaption { b { (up.name) } " against " b { (across.name) } " " span.muted { (text::count(dots.len() as u64, "run")) } }
            svg viewBox="0 0 480 296" role="img" aria-label={ (up.name) " against " (across.name) } {
                @for (height, label) in ends(&beside, bottom, top) {
                    line.grid x1=(place(left)) x2=(place(right)) y1=(place(height)) y2=(place(height)) {}
                    text.tick x=(place(left - 6.0)) y=(place(height + 4.0)) text-anchor="end" { (label) }
                }
                @for (at, label) in ends(&along, left, right) {
                    line.grid x1=(place(at)) x2=(place(at)) y1=(place(top)) y2=(place(bottom)) {}
                    text.tick x=(place(at)) y=(place(bottom + 16.0)) text-anchor="middle" { (label) }
                }
                text.axis-label x=(place((left + right) / 2.0)) y=(place(bottom + 36.0)) text-anchor="middle" {
                    (format::cut(&across.name, 40)) @if matches!(along, Standing::Numbers(_, true)) { " (logarithms)" }
                }
                path.whisker d=(whiskers(&dots, &along, &beside)) {}
                @if dots.len() > NAMED { path.dots d=(round_dots(&dots)) {} }
                @for (run, x, y, one, other) in dots.iter().filter(|dot| dots.len() <= NAMED || best == Some(dot.0)) {
                    circle class=(if best == Some(*run) { "dot best" } else { "dot" }) cx=(place(*x)) cy=(place(*y)) r="3.5" {
                        @if dots.len() <= NAMED {
                            title { (names.get(*run).map_or("", String::as_str)) ": " (one.text) ", " (other.text) }
                        }
                    }
                }
            }
        }
    }
}
