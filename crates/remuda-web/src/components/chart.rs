//! Charts drawn on the server: bars, histograms, then-and-now, a sparkline.
//!
//! Charts that stretch have no text inside (it would stretch too): their labels are HTML around them. The drawings
//! carry no colours: classes do, so that light and dark share them.

use crate::format;
use maud::{Markup, html};
use remuda_app::serving::{Share, TrafficBucket};
use remuda_model::data::Bin;
use remuda_model::text;

pub(super) fn place(value: f64) -> String {
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
    let highest = traffic.iter().map(|(_, _, count)| *count).max().unwrap_or(0);
    let width = 100.0 / traffic.len().max(1) as f64;
    // One or two stretches of time are slim bars in their places, not walls.
    let bar = (width * 0.78).clamp(0.2, 5.0);
    html! {
        @for (index, (_, _, count)) in traffic.iter().enumerate() {
            @let tall = format::share(*count, highest) * (height - 1.0);
            @if *count > 0 {
                rect x=(format!("{:.2}", (index as f64 + 0.5) * width - bar / 2.0)) y=(place(height - tall.max(0.8)))
                    width=(format!("{bar:.2}")) height=(place(tall.max(0.8))) {}
            }
        }
    }
}

/// Neighbouring buckets joined, until at most `limit` are left: start, end, count.
pub(super) fn thinned(traffic: &[TrafficBucket], limit: usize) -> Vec<(i64, i64, u64)> {
    let group = traffic.len().div_ceil(limit).max(1);
    let join = |chunk: &[TrafficBucket]| {
        let start = chunk.first().map_or(0, |first| first.start);
        let end = chunk.last().map_or(start, |last| last.start + last.width);
        (start, end, chunk.iter().map(|bucket| bucket.count).sum())
    };
    traffic.chunks(group).map(join).collect()
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
