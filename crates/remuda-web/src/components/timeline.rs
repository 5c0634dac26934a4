//! Charts over time: traffic, and a metric with the band of its interval. Both have axes with round numbers, share
//! one time scale on a page, and mark when another release went live. They scale as a whole, so their text stays text.

use super::chart::{place, thinned};
use crate::format;
use maud::{Markup, html};
use remuda_app::serving::{MetricBucket, TrafficBucket};
use remuda_model::text;

const WIDTH: f64 = 440.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 54.0;
const RIGHT: f64 = 10.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 26.0;
/// Stretches that a chart draws; beyond, neighbours are joined or the oldest left out.
const STRETCHES: usize = 240;
/// Beyond so many stretches dots would run together.
const DOTS: usize = 60;
/// A bar is never wider: one or two stretches are slim bars in their places, not walls.
const BAR: f64 = 22.0;

/// When what is drawn begins and ends (microseconds since 1970), and when releases went live.
pub struct Time<'a> {
    /// The first moment.
    pub start: i64,
    /// The last.
    pub end: i64,
    /// Promotions and rollbacks: moment and what to call it.
    pub marks: &'a [(i64, String)],
}

impl Time<'_> {
    fn x(&self, moment: i64) -> f64 {
        let length = (self.end - self.start).max(1) as f64;
        LEFT + (moment - self.start) as f64 / length * (WIDTH - LEFT - RIGHT)
    }
}

/// From values to places on the drawing.
struct Scale {
    low: f64,
    high: f64,
    ticks: Vec<f64>,
}

impl Scale {
    /// A scale from `low` to `high`, widened to round numbers.
    fn of(low: f64, high: f64, whole: bool) -> Self {
        let step = round_step((high - low) / 4.0, whole);
        let (first, last) = ((low / step).floor(), (high / step).ceil().max((low / step).floor() + 1.0));
        let count = (last - first).min(12.0) as u32;
        let ticks = (0..=count).map(|tick| (first + f64::from(tick)) * step).collect();
        Self { low: first * step, high: last * step, ticks }
    }

    /// A tick as text, all with the decimals that their distance needs.
    fn words(&self, tick: f64) -> String {
        let step = (self.high - self.low) / (self.ticks.len().max(2) - 1) as f64;
        if step >= 1.0 {
            return text::number(tick);
        }
        let decimals = (-(step * 1.000_001).log10().floor()).clamp(0.0, 8.0) as usize;
        // No minus before a zero.
        format!("{:.decimals$}", if tick.abs() < step / 2.0 { 0.0 } else { tick })
    }

    fn y(&self, value: f64) -> f64 {
        let share = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
    }
}

/// The least of 1, 2, 5, 10, 20, … (or 0.5, 0.2, …) that is not below `step`.
fn round_step(step: f64, whole: bool) -> f64 {
    if !step.is_finite() || step <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powf(step.log10().floor());
    let found = [1.0, 2.0, 5.0, 10.0].into_iter().map(|one| one * power).find(|one| *one >= step * 0.999);
    let found = found.unwrap_or(step);
    if whole { found.max(1.0) } else { found }
}

/// Predictions per stretch of time.
pub fn traffic(buckets: &[TrafficBucket], time: &Time<'_>) -> Markup {
    let drawn = thinned(buckets, STRETCHES);
    let highest = drawn.iter().map(|(_, _, count)| *count).max().unwrap_or(0);
    let total: u64 = buckets.iter().map(|bucket| bucket.count).sum();
    let label = format!("{}, at most {} in one stretch", text::count(total, "prediction"), text::thousands(highest));
    let scale = Scale::of(0.0, highest.max(1) as f64, true);
    let base = scale.y(0.0);
    plot(
        "traffic",
        &label,
        &scale,
        time,
        html! {
            @for (start, end, count) in drawn.iter().filter(|(_, _, count)| *count > 0) {
                @let (left, right) = (time.x(*start), time.x(*end));
                @let width = ((right - left) * 0.8).clamp(0.6, BAR);
                @let top = scale.y(*count as f64).min(base - 1.0);
                rect.column x=(place((left + right - width) / 2.0)) y=(place(top)) width=(place(width)) height=(place(base - top)) {
                    @if drawn.len() <= DOTS { title { (format::time(*start)) ": " (text::count(*count, "prediction")) } }
                }
            }
        },
    )
}

/// A metric over time: the band is the interval, the line the estimate.
pub fn band(history: &[MetricBucket], time: &Time<'_>) -> Markup {
    let known: Vec<&MetricBucket> =
        history.iter().filter(|bucket| bucket.metric.value.is_some_and(f64::is_finite)).collect();
    let (Some(first), Some(last)) = (known.first(), known.last()) else {
        return html! { p.muted { "No stretch of time has enough outcomes yet." } };
    };
    let known = &known[known.len().saturating_sub(STRETCHES)..];
    let values =
        || known.iter().flat_map(|bucket| [bucket.metric.value, bucket.metric.lower, bucket.metric.upper]).flatten();
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    let room = if high > low { 0.0 } else { high.abs() * 0.05 + 0.01 };
    let is_share = low >= 0.0 && high <= 1.0;
    let (low, high) =
        if is_share { ((low - room).max(0.0), (high + room).min(1.0)) } else { (low - room, high + room) };
    let band = Band { scale: Scale::of(low, high, false), time };
    let name = &first.metric.name;
    let label = format!("{name} over time, from {} to {}", format::point(&first.metric), format::point(&last.metric));
    plot(
        "band",
        &label,
        &band.scale,
        time,
        html! {
            path.area d=(band.area(known)) {}
            path.line d=(band.line(known)) {}
            @if let [only] = known { path.whisker d=(band.whisker(only)) {} }
            @for bucket in known.iter().filter(|_| known.len() <= DOTS) {
                circle.dot cx=(place(band.x(bucket))) cy=(place(band.y(bucket.metric.value))) r="3" {
                    title { (format::time(bucket.start)) ": " (format::point(&bucket.metric)) ", " (format::interval(bucket.metric.lower, bucket.metric.upper)) }
                }
            }
        },
    )
}

struct Band<'a> {
    scale: Scale,
    time: &'a Time<'a>,
}

impl Band<'_> {
    fn x(&self, bucket: &MetricBucket) -> f64 {
        self.time.x(bucket.start + bucket.width / 2)
    }

    fn y(&self, value: Option<f64>) -> f64 {
        self.scale.y(value.unwrap_or_default())
    }

    fn point(&self, letter: char, bucket: &MetricBucket, value: Option<f64>) -> String {
        format!("{letter}{} {}", place(self.x(bucket)), place(self.y(value)))
    }

    fn line(&self, buckets: &[&MetricBucket]) -> String {
        let points = buckets.iter().enumerate();
        points.map(|(index, bucket)| self.point(letter(index), bucket, bucket.metric.value)).collect()
    }

    fn area(&self, buckets: &[&MetricBucket]) -> String {
        let points = buckets.iter().enumerate();
        let upper = points
            .map(|(index, bucket)| self.point(letter(index), bucket, bucket.metric.upper.or(bucket.metric.value)));
        let lower =
            buckets.iter().rev().map(|bucket| self.point('L', bucket, bucket.metric.lower.or(bucket.metric.value)));
        upper.chain(lower).chain(["Z".to_owned()]).collect()
    }

    /// The interval of a stretch that stands alone: a band needs two.
    fn whisker(&self, bucket: &MetricBucket) -> String {
        let end = |letter, value: Option<f64>| self.point(letter, bucket, value.or(bucket.metric.value));
        end('M', bucket.metric.upper) + &end('L', bucket.metric.lower)
    }
}

fn letter(index: usize) -> char {
    if index == 0 { 'M' } else { 'L' }
}

/// The frame of a chart: round numbers at the left, moments below, releases as dashed lines.
fn plot(class: &str, label: &str, scale: &Scale, time: &Time<'_>, inside: Markup) -> Markup {
    let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
    html! {
        div.plot {
            svg class={ "over-time " (class) } viewBox={ "0 0 " (place(WIDTH)) " " (place(HEIGHT)) } role="img" aria-label=(label) {
                @for tick in &scale.ticks {
                    @let y = scale.y(*tick);
                    path.grid d={ "M" (place(LEFT)) " " (place(y)) "H" (place(right)) } {}
                    text.tick x=(place(LEFT - 7.0)) y=(place(y + 4.0)) text-anchor="end" { (scale.words(*tick)) }
                }
                @for (moment, called) in time.marks.iter().filter(|(moment, _)| *moment > time.start && *moment < time.end).take(12) {
                    path.mark d={ "M" (place(time.x(*moment))) " " (place(TOP)) "V" (place(bottom)) } { title { (called) } }
                }
                (inside)
                @for (moment, anchor, words) in moments(time) {
                    text.tick x=(place(time.x(moment))) y=(place(HEIGHT - 7.0)) text-anchor=(anchor) { (words) }
                }
            }
        }
    }
}

/// Begin, middle and end of the time, as days when it is long, as minutes when it is short: each once, with where its
/// words hang.
fn moments(time: &Time<'_>) -> Vec<(i64, &'static str, String)> {
    let length = time.end - time.start;
    let words = |moment: i64| {
        if length > 3 * 86_400_000_000 {
            format::month_day(moment)
        } else if length > 86_400_000_000 {
            format!("{} {}", format::month_day(moment), format::clock(moment))
        } else {
            format!("{} UTC", format::clock(moment))
        }
    };
    let middle = time.start + length / 2;
    let mut moments: Vec<(i64, &'static str, String)> = Vec::new();
    for (moment, anchor) in [(time.start, "start"), (middle, "middle"), (time.end, "end")] {
        let words = words(moment);
        if moments.last().is_none_or(|(_, _, last)| *last != words) {
            moments.push((moment, anchor, words));
        }
    }
    if let [only] = moments.as_mut_slice() {
        (only.0, only.1) = (middle, "middle");
    }
    moments
}

#[cfg(test)]
mod tests {
    use super::{Scale, round_step};

    #[test]
    fn axes_have_round_numbers() {
        assert_eq!([round_step(0.07, false), round_step(66.0, true), round_step(0.3, true)], [0.1, 100.0, 1.0]);
        assert_eq!(Scale::of(0.0, 197.0, true).ticks, [0.0, 50.0, 100.0, 150.0, 200.0]);
        assert_eq!(Scale::of(0.0, 1.0, true).ticks, [0.0, 1.0]);
        let shares = Scale::of(0.7883, 0.8172, false);
        assert!(shares.low <= 0.7883 && shares.high >= 0.8172 && shares.ticks.len() <= 6);
        assert_eq!(Scale::of(3.0, 3.0, false).ticks.len(), 2);
        let words = |low, high| -> Vec<String> {
            let scale = Scale::of(low, high, false);
            scale.ticks.iter().map(|tick| scale.words(*tick)).collect()
        };
        assert_eq!(words(0.8709, 0.8846), ["0.870", "0.875", "0.880", "0.885"]);
        assert_eq!(words(-0.05, 0.1), ["-0.05", "0.00", "0.05", "0.10"]);
        assert_eq!(words(0.0, 12_000.0), ["0", "5,000", "10,000", "15,000"]);
    }
}
