//! Curves of metrics, drawn: each line goes through the first, least, greatest and last point of its buckets. The drawings
//! carry no colours: classes do.

use super::chart::place;
use crate::format;
use maud::{Markup, html};
use remuda_app::run::{Along, Bucket};
use remuda_model::text;

/// Colours that lines have; the next line begins anew.
pub const HUES: usize = 8;

/// The drawing's inside, in its own units.
const WIDTH: f64 = 400.0;
const HEIGHT: f64 = 180.0;
const LEFT: f64 = 56.0;
const TOP: f64 = 10.0;

/// One line.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// What it is.
    pub name: &'a str,
    /// Its colour, counted from 0.
    pub hue: usize,
    /// Its points, thinned.
    pub buckets: &'a [Bucket],
}

/// How lines are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Manner {
    /// Along what they run.
    pub along: Along,
    /// Values stand on a scale of logarithms.
    pub log: bool,
    /// How much a smoothed line keeps of what came before; 0 is none.
    pub smooth: f64,
}

/// The smallest and greatest of some numbers.
pub(super) fn range(numbers: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    numbers.filter(|number| number.is_finite()).fold(None, |range, number| match range {
        None => Some((number, number)),
        Some((least, most)) => Some((number.min(least), number.max(most))),
    })
}

/// Round numbers between two, about four of them.
pub(super) fn ticks(least: f64, most: f64) -> Vec<f64> {
    let span = most - least;
    if span <= 0.0 || !span.is_finite() {
        return vec![least];
    }
    let rough = 10_f64.powf((span / 4.0).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|times| rough * times).into_iter().find(|step| span / step <= 5.0);
    let step = step.unwrap_or(span);
    let first = (least / step).ceil();
    (0..7).map(|place| (first + f64::from(place)) * step).take_while(|tick| *tick <= most + step * 1e-9).collect()
}

/// A scale from values to places in a drawing.
pub(super) struct Scale {
    least: f64,
    most: f64,
    log: bool,
    from: f64,
    to: f64,
}

impl Scale {
    pub(super) fn new((least, most): (f64, f64), log: bool, from: f64, to: f64) -> Self {
        let bend = |value: f64| if log { value.log10() } else { value };
        let (mut least, mut most) = (bend(least), bend(most));
        if most <= least {
            let room = if least == 0.0 || log { 0.5 } else { least.abs() * 0.05 };
            (least, most) = (least - room, least + room);
        }
        Self { least, most, log, from, to }
    }

    pub(super) fn at(&self, value: f64) -> f64 {
        let value = if self.log { value.log10() } else { value };
        // Halved first: the ends of a scale may lie further apart than numbers reach.
        let share = (value / 2.0 - self.least / 2.0) / (self.most / 2.0 - self.least / 2.0);
        self.from + share.clamp(0.0, 1.0) * (self.to - self.from)
    }

    pub(super) fn ticks(&self) -> Vec<f64> {
        if !self.log {
            return ticks(self.least, self.most);
        }
        let (first, last) = (self.least.ceil() as i32, self.most.floor() as i32);
        if last - first < 1 {
            return vec![10_f64.powf(self.least), 10_f64.powf(self.most)];
        }
        let every = ((last - first) / 5 + 1) as usize;
        (first..=last).step_by(every).map(|power| 10_f64.powi(power)).collect()
    }
}

/// Lines in one drawing, under their title.
pub fn figure(title: &str, lines: &[Line<'_>], manner: Manner, small: bool) -> Markup {
    let shown = |value: f64| value.is_finite() && (!manner.log || value > 0.0);
    let points = || lines.iter().flat_map(|line| line.buckets.iter());
    let values = range(points().flat_map(|bucket| [bucket.min.1, bucket.max.1]).filter(|value| shown(*value)));
    let places = range(points().flat_map(|bucket| [bucket.first.0 as f64, bucket.last.0 as f64]));
    let height = if small { HEIGHT / 2.0 } else { HEIGHT };
    html! {
        figure.lines.small-lines[small] {
            figcaption { b { (title) } @if lines.len() == 1 { " " span.muted { (said(lines)) } } }
            @match (values, places) {
                (Some(values), Some(places)) => (drawing(title, lines, manner, values, places, height)),
                _ if manner.log => p.muted.small { "No value above zero: nothing has a place on this scale." },
                _ => p.muted.small { "No finite value." },
            }
        }
    }
}

/// The last value of the only line.
fn said(lines: &[Line<'_>]) -> String {
    lines.first().and_then(|line| line.buckets.last()).map(|bucket| format::measure(bucket.last.1)).unwrap_or_default()
}

fn drawing(
    title: &str,
    lines: &[Line<'_>],
    manner: Manner,
    values: (f64, f64),
    places: (f64, f64),
    height: f64,
) -> Markup {
    let up = Scale::new(values, manner.log, TOP + height, TOP);
    let along = Scale::new(places, false, LEFT, LEFT + WIDTH);
    let bottom = TOP + height;
    html! {
        svg viewBox=(format!("0 0 {} {}", place(LEFT + WIDTH + 14.0), place(bottom + 22.0))) role="img" aria-label=(title) {
            @for tick in up.ticks() {
                line.grid x1=(place(LEFT)) x2=(place(LEFT + WIDTH)) y1=(place(up.at(tick))) y2=(place(up.at(tick))) {}
                text.tick x=(place(LEFT - 6.0)) y=(place(up.at(tick) + 4.0)) text-anchor="end" { (text::number(tick)) }
            }
            @for tick in along.ticks() {
                text.tick x=(place(along.at(tick))) y=(place(bottom + 16.0)) text-anchor="middle" { (label(tick, places, manner.along)) }
            }
            @for line in lines {
                @let smoothed = if manner.smooth > 0.0 { smooth(line, manner, &along, &up) } else { String::new() };
                g.series.(hue(line.hue)) {
                    title { (words(line)) }
                    path.raw.faint[!smoothed.is_empty()] d=(through(line, manner, &along, &up)) {}
                    @if !smoothed.is_empty() { path.raw d=(smoothed) {} }
                    @if let [only] = line.buckets { circle cx=(place(along.at(only.last.0 as f64))) cy=(place(up.at(only.last.1))) r="3" {} }
                }
            }
        }
    }
}

/// The class of a colour.
pub fn hue(number: usize) -> &'static str {
    ["hue-0", "hue-1", "hue-2", "hue-3", "hue-4", "hue-5", "hue-6", "hue-7"][number % HUES]
}

fn words(line: &Line<'_>) -> String {
    let least = range(line.buckets.iter().map(|bucket| bucket.min.1)).map_or(0.0, |(least, _)| least);
    let most = range(line.buckets.iter().map(|bucket| bucket.max.1)).map_or(0.0, |(_, most)| most);
    let n: u64 = line.buckets.iter().map(|bucket| bucket.n).sum();
    let last = line.buckets.last().map_or(0.0, |bucket| bucket.last.1);
    format!(
        "{}: last {}, least {}, greatest {}, {}",
        line.name,
        text::number(last),
        text::number(least),
        text::number(most),
        text::count(n, "point")
    )
}

fn through(line: &Line<'_>, manner: Manner, along: &Scale, up: &Scale) -> String {
    let mut path = String::new();
    for bucket in line.buckets {
        let mut points = [bucket.first, bucket.min, bucket.max, bucket.last];
        // Between the ends the least and the greatest stand in order of their places.
        if points[1].0 > points[2].0 {
            points.swap(1, 2);
        }
        let mut before = None;
        for point in points {
            if before != Some(point) {
                push(&mut path, point, manner, along, up);
            }
            before = Some(point);
        }
    }
    path
}

/// The exponential mean over buckets, each weighing as one; its start is corrected, so that it does not lean to zero.
fn smooth(line: &Line<'_>, manner: Manner, along: &Scale, up: &Scale) -> String {
    let keep = manner.smooth.clamp(0.0, 0.99);
    let (mut sum, mut weight, mut path) = (0.0, 0.0, String::new());
    for bucket in line.buckets {
        sum = keep * sum + (1.0 - keep) * bucket.mean;
        weight = keep * weight + (1.0 - keep);
        push(&mut path, (bucket.last.0, sum / weight), manner, along, up);
    }
    path
}

fn push(path: &mut String, (at, value): (i64, f64), manner: Manner, along: &Scale, up: &Scale) {
    if !value.is_finite() || (manner.log && value <= 0.0) {
        return;
    }
    path.push(if path.is_empty() { 'M' } else { 'L' });
    path.push_str(&format!("{} {}", place(along.at(at as f64)), place(up.at(value))));
}

fn label(tick: f64, (least, most): (f64, f64), along: Along) -> String {
    match along {
        Along::Step => text::number(tick),
        Along::Time => format::seconds((tick / 1000.0).max(0.0)),
        Along::Wall if most - least > 2.0 * 86_400_000.0 => format::month_day((tick * 1000.0) as i64),
        Along::Wall => format::clock((tick * 1000.0) as i64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(points: &[(i64, f64)]) -> Vec<Bucket> {
        let bucket =
            |point: &(i64, f64)| Bucket { n: 1, first: *point, last: *point, min: *point, max: *point, mean: point.1 };
        points.iter().map(bucket).collect()
    }

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(ticks(0.0, 1.0), [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
        assert_eq!(ticks(3.0, 97.0), [20.0, 40.0, 60.0, 80.0]);
        assert_eq!(ticks(5.0, 5.0), [5.0]);
        assert!(ticks(f64::MIN, f64::MAX).len() < 8);
    }

    #[test]
    fn a_drawing_survives_every_number() {
        for points in [
            vec![(0, 0.0)],
            vec![(i64::MIN, f64::MIN), (i64::MAX, f64::MAX)],
            vec![(0, -1.0), (1, 0.0), (2, 1e-300)],
            vec![(0, 1.0), (1, 1.0)],
        ] {
            let buckets = line(&points);
            let lines = [Line { name: "<b>", hue: 9, buckets: &buckets }];
            for log in [false, true] {
                for smooth in [0.0, 0.9] {
                    let drawn = figure("x", &lines, Manner { along: Along::Step, log, smooth }, false).into_string();
                    assert!(!drawn.contains("NaN") && !drawn.contains("inf") && !drawn.contains("<b><"), "{drawn}");
                }
            }
        }
        assert!(figure("x", &[], Manner::default(), true).into_string().contains("No finite value"));
    }

    #[test]
    fn smoothing_does_not_lean_to_zero() {
        let buckets = line(&[(0, 5.0), (1, 5.0), (2, 5.0)]);
        let along = Scale::new((0.0, 2.0), false, 0.0, 2.0);
        let up = Scale::new((0.0, 10.0), false, 10.0, 0.0);
        let manner = Manner { smooth: 0.9, ..Manner::default() };
        assert_eq!(smooth(&Line { name: "", hue: 0, buckets: &buckets }, manner, &along, &up), "M0 5L1 5L2 5");
    }
}
