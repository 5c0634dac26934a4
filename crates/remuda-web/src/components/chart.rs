//! Charts drawn on the server: bars, histograms, then-and-now, traffic, a band over time.
//!
//! Charts that stretch have no text inside (it would stretch too): their labels are HTML around them. The drawings
//! carry no colours: classes do, so that light and dark share them.

use crate::format;
use maud::{Markup, html};
use remuda_app::serving::{MetricBucket, Share, TrafficBucket};
use remuda_model::data::Bin;
use remuda_model::text;

fn place(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

/// A share of a whole as a bar.
pub fn bar(share: f64) -> Markup {
    let width = if share.is_finite() { share.clamp(0.0, 1.0) * 100.0 } else { 0.0 };
    html! {
        svg.bar viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" {
            rect.track width="100" height="8" {}
            @if width > 0.0 { rect.fill width=(place(width.max(0.6))) height="8" {} }
        }
    }
}

/// A share then (above, sand) and now (below, teal), on a scale where `full` is the whole width.
pub fn then_and_now(share: &Share, full: f64) -> Markup {
    let width = |value: f64| place(if full > 0.0 { (value / full).clamp(0.0, 1.0) * 100.0 } else { 0.0 });
    html! {
        svg.pair viewBox="0 0 100 14" preserveAspectRatio="none" aria-hidden="true" {
            rect.then width=(width(share.training)) height="6" {}
            rect.now y="8" width=(width(share.live)) height="6" {}
        }
    }
}

/// Parts of a whole in one bar: name, count, class.
pub fn stacked(parts: &[(&str, u64, &str)]) -> Markup {
    let whole: u64 = parts.iter().map(|(_, count, _)| count).sum();
    let mut at = 0.0;
    let mut pieces = Vec::new();
    for (name, count, class) in parts {
        let width = format::share(*count, whole) * 100.0;
        pieces.push((at, width, *name, *count, *class));
        at += width;
    }
    html! {
        figure.stacked {
            svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" {
                @for (at, width, _, _, class) in &pieces {
                    rect class=(class) x=(place(*at)) width=(place(*width)) height="10" {}
                }
            }
            figcaption {
                @for (_, _, name, count, class) in &pieces {
                    span.key { span class={ "swatch " (class) } {} (name) " " b { (text::thousands(*count)) }
                        " " span.muted { (format::percent(format::share(*count, whole))) } }
                }
            }
        }
    }
}

/// A histogram of at most 60 bins.
pub fn histogram(bins: &[Bin]) -> Markup {
    let bins = &bins[..bins.len().min(60)];
    let highest = bins.iter().map(|bin| bin.count).max().unwrap_or(0);
    let width = 100.0 / bins.len().max(1) as f64;
    html! {
        svg.histogram viewBox="0 0 100 40" preserveAspectRatio="none" aria-hidden="true" {
            @for (index, bin) in bins.iter().enumerate() {
                @let height = (format::share(bin.count, highest) * 39.0).max(if bin.count > 0 { 1.0 } else { 0.0 });
                @if height > 0.0 {
                    rect x=(place(index as f64 * width)) y=(place(40.0 - height)) width=(place((width - 0.7).max(0.4))) height=(place(height)) {
                    }
                }
            }
        }
    }
}

/// Predictions per bucket, small and without axes.
pub fn sparkline(traffic: &[TrafficBucket]) -> Markup {
    let total: u64 = traffic.iter().map(|bucket| bucket.count).sum();
    html! {
        svg.sparkline viewBox="0 0 100 24" preserveAspectRatio="none" role="img"
            aria-label={ (text::count(total, "prediction")) " over " (text::count(traffic.len() as u64, "stretch")) " of time" } {
            (columns(traffic, 24.0))
        }
    }
}

fn columns(traffic: &[TrafficBucket], height: f64) -> Markup {
    let traffic = thinned(traffic, 240);
    let highest = traffic.iter().map(|(_, count)| *count).max().unwrap_or(0);
    let width = 100.0 / traffic.len().max(1) as f64;
    // One or two stretches of time are slim bars in their places, not walls.
    let bar = (width * 0.78).clamp(0.2, 5.0);
    html! {
        @for (index, (_, count)) in traffic.iter().enumerate() {
            @let tall = format::share(*count, highest) * (height - 1.0);
            @if *count > 0 {
                rect x=(format!("{:.2}", (index as f64 + 0.5) * width - bar / 2.0)) y=(place(height - tall.max(0.8)))
                    width=(format!("{bar:.2}")) height=(place(tall.max(0.8))) {}
            }
        }
    }
}

/// Neighbouring buckets joined, until at most `limit` are left.
fn thinned(traffic: &[TrafficBucket], limit: usize) -> Vec<(i64, u64)> {
    let group = traffic.len().div_ceil(limit).max(1);
    let join = |chunk: &[TrafficBucket]| {
        (chunk.first().map_or(0, |first| first.start), chunk.iter().map(|bucket| bucket.count).sum())
    };
    traffic.chunks(group).map(join).collect()
}

/// Predictions per bucket with its axes.
pub fn traffic(buckets: &[TrafficBucket]) -> Markup {
    let highest = thinned(buckets, 240).iter().map(|(_, count)| *count).max().unwrap_or(0);
    let total: u64 = buckets.iter().map(|bucket| bucket.count).sum();
    let label = format!("{}, at most {} in one stretch", text::count(total, "prediction"), text::thousands(highest));
    let plot = html! {
        svg.traffic viewBox="0 0 100 60" preserveAspectRatio="none" role="img" aria-label=(label) {
            (columns(buckets, 60.0))
        }
    };
    let span = (buckets.first(), buckets.last());
    axes(
        plot,
        &text::thousands(highest),
        "0",
        span_words(span.0.map(|bucket| bucket.start), span.1.map(|bucket| bucket.start + bucket.width)),
    )
}

/// A metric over time: the band is the interval, the line the estimate.
pub fn band(history: &[MetricBucket]) -> Markup {
    let known: Vec<&MetricBucket> =
        history.iter().filter(|bucket| bucket.metric.value.is_some_and(f64::is_finite)).collect();
    let (Some(first), Some(last)) = (known.first(), known.last()) else {
        return html! { p.muted { "No stretch of time has enough outcomes yet." } };
    };
    // Beyond 240 stretches the older ones are left out; beyond 60 the dots would run together.
    let known = &known[known.len().saturating_sub(240)..];
    let scale = BandScale::of(known, first.start, last.start + last.width);
    let name = &first.metric.name;
    let label = format!("{name} over time, from {} to {}", format::point(&first.metric), format::point(&last.metric));
    let plot = html! {
        svg.band viewBox="0 0 100 60" preserveAspectRatio="none" role="img" aria-label=(label) {
            path.area d=(scale.area(known)) {}
            path.line d=(scale.line(known)) {}
            @if let [only] = known { path.whisker d=(scale.whisker(only)) {} }
            @for bucket in known.iter().filter(|_| known.len() <= 60) {
                path.dot d=(scale.dot(bucket)) {
                    title { (format::time(bucket.start)) ": " (format::point(&bucket.metric)) }
                }
            }
        }
    };
    axes(
        plot,
        &text::number(scale.high),
        &text::number(scale.low),
        span_words(Some(first.start), Some(last.start + last.width)),
    )
}

struct BandScale {
    low: f64,
    high: f64,
    start: i64,
    end: i64,
}

impl BandScale {
    fn of(buckets: &[&MetricBucket], start: i64, end: i64) -> Self {
        let values = || {
            buckets.iter().flat_map(|bucket| [bucket.metric.value, bucket.metric.lower, bucket.metric.upper]).flatten()
        };
        let low = values().fold(f64::INFINITY, f64::min);
        let high = values().fold(f64::NEG_INFINITY, f64::max);
        let room = if high > low { (high - low) * 0.08 } else { high.abs() * 0.05 + 0.01 };
        let is_share = low >= 0.0 && high <= 1.0;
        let (low, high) = (low - room, high + room);
        let (low, high) = if is_share { (low.max(0.0), high.min(1.0)) } else { (low, high) };
        Self { low, high, start, end: end.max(start + 1) }
    }

    fn x(&self, bucket: &MetricBucket) -> f64 {
        (bucket.start + bucket.width / 2 - self.start) as f64 / (self.end - self.start) as f64 * 100.0
    }

    fn y(&self, value: f64) -> f64 {
        60.0 - ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0) * 60.0
    }

    fn point(&self, letter: char, bucket: &MetricBucket, value: Option<f64>) -> String {
        format!("{letter}{:.2} {:.2}", self.x(bucket), self.y(value.unwrap_or_default()))
    }

    fn line(&self, buckets: &[&MetricBucket]) -> String {
        let letter = |index| if index == 0 { 'M' } else { 'L' };
        buckets
            .iter()
            .enumerate()
            .map(|(index, bucket)| self.point(letter(index), bucket, bucket.metric.value))
            .collect()
    }

    fn area(&self, buckets: &[&MetricBucket]) -> String {
        let letter = |index| if index == 0 { 'M' } else { 'L' };
        let upper = buckets.iter().enumerate();
        let upper =
            upper.map(|(index, bucket)| self.point(letter(index), bucket, bucket.metric.upper.or(bucket.metric.value)));
        let lower =
            buckets.iter().rev().map(|bucket| self.point('L', bucket, bucket.metric.lower.or(bucket.metric.value)));
        upper.chain(lower).chain(["Z".to_owned()]).collect()
    }

    /// The interval of a stretch that stands alone: a band needs two.
    fn whisker(&self, bucket: &MetricBucket) -> String {
        let end = |letter, value: Option<f64>| self.point(letter, bucket, value.or(bucket.metric.value));
        end('M', bucket.metric.upper) + &end('L', bucket.metric.lower)
    }

    /// A line of no length: with round ends that do not scale it is a round dot, however the drawing is stretched.
    fn dot(&self, bucket: &MetricBucket) -> String {
        format!("{}h0", self.point('M', bucket, bucket.metric.value))
    }
}

fn axes(plot: Markup, top: &str, bottom: &str, span: (String, String)) -> Markup {
    html! {
        div.plot {
            div.y aria-hidden="true" { span { (top) } span { (bottom) } }
            div.field { (plot) }
            div.x aria-hidden="true" { span { (span.0) } span { (span.1) } }
        }
    }
}

/// The ends of a time axis: days when it is long, minutes when it is short.
fn span_words(start: Option<i64>, end: Option<i64>) -> (String, String) {
    let (Some(start), Some(end)) = (start, end) else { return Default::default() };
    if end - start > 3 * 86_400_000_000 {
        (format::day(start), format::day(end))
    } else {
        (format::time(start), format::time(end))
    }
}

/// A budget as pips: used ones filled. Beyond 40 the numbers alone must do.
pub fn pips(spent: u32, budget: u32) -> Markup {
    html! {
        span.pips role="img" aria-label={ (spent) " of " (budget) " spent" } {
            @if budget <= 40 {
                @for index in 0..budget.max(spent).min(40) {
                    span class=(if index >= budget { "pip over" } else if index < spent { "pip used" } else { "pip" }) {
                    }
                }
            }
        }
    }
}
