//! An interval against a threshold, drawn: the good side tinted, the threshold a line, the interval a bar with a cap
//! on the bound that decides, the estimate a dot. Words under it say the same.

use maud::{Markup, html};
use remuda_model::gate::{Verdict, VerdictKind};
use remuda_model::text;

const WIDTH: f64 = 360.0;
const MARGIN: f64 = 14.0;

/// The chart; a quiet line when the numbers were not revealed or do not exist.
pub fn chart(verdict: &Verdict) -> Markup {
    let Some(scale) = Scale::of(verdict) else {
        return html! { p.no-chart.muted { "No numbers to draw: only the verdict is known here." } };
    };
    let label = description(verdict);
    html! {
        svg class={ "interval " (super::verdict::class(verdict.kind)) } viewBox="0 0 360 84" role="img" aria-label=(label) {
            (ground(&scale, verdict))
            (bar(&scale, verdict))
            (threshold(&scale, verdict))
        }
    }
}

/// From values to places on the drawing.
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    fn of(verdict: &Verdict) -> Option<Self> {
        let shown: Vec<f64> = [verdict.estimate, verdict.lower, verdict.upper].into_iter().flatten().collect();
        if shown.is_empty() || shown.iter().any(|value| !value.is_finite()) || !verdict.threshold.is_finite() {
            return None;
        }
        let low = shown.iter().copied().fold(verdict.threshold, f64::min);
        let high = shown.iter().copied().fold(verdict.threshold, f64::max);
        let room = if high > low { (high - low) * 0.22 } else { (high.abs() * 0.05).max(0.01) };
        // Most quantities are shares: their axis does not run past 0 and 1.
        let is_share = low >= 0.0 && high <= 1.0;
        let (low, high) = (low - room, high + room);
        Some(if is_share { Self { low: low.max(0.0), high: high.min(1.0) } } else { Self { low, high } })
    }

    fn x(&self, value: f64) -> f64 {
        let share = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        MARGIN + share * (WIDTH - 2.0 * MARGIN)
    }
}

fn place(x: f64) -> String {
    format!("{x:.1}")
}

fn ground(scale: &Scale, verdict: &Verdict) -> Markup {
    let x = scale.x(verdict.threshold);
    let (from, width) = if verdict.wants_more { (x, WIDTH - x) } else { (0.0, x) };
    html! {
        rect.good-side x=(place(from)) y="22" width=(place(width)) height="34" {}
        line.axis x1="0" x2="360" y1="56" y2="56" {}
        @for tick in ticks(scale) {
            line.tick x1=(place(scale.x(tick))) x2=(place(scale.x(tick))) y1="56" y2="60" {}
        }
    }
}

/// Four to nine round values along the axis.
fn ticks(scale: &Scale) -> Vec<f64> {
    let span = scale.high - scale.low;
    let rough = 10f64.powf((span / 4.0).log10().floor());
    if !rough.is_finite() || rough <= 0.0 {
        return Vec::new();
    }
    let step =
        [1.0, 2.0, 5.0].into_iter().map(|times| times * rough).find(|step| span / step <= 9.0).unwrap_or(10.0 * rough);
    let first = (scale.low / step).ceil();
    (0..12).map(|index| (first + f64::from(index)) * step).take_while(|value| *value <= scale.high).collect()
}

fn bar(scale: &Scale, verdict: &Verdict) -> Markup {
    let left = verdict.lower.map_or(0.0, |value| scale.x(value));
    let right = verdict.upper.map_or(WIDTH, |value| scale.x(value));
    // The bound on the safe side decides `met`; the other one decides `not met`.
    let safe_is_lower = verdict.wants_more;
    let lower_decides = (verdict.kind != VerdictKind::NotMet) == safe_is_lower;
    html! {
        rect.span x=(place(left)) y="35" width=(place((right - left).max(1.5))) height="8" rx="4" {}
        @if verdict.lower.is_some() { (cap(left, lower_decides)) }
        @if verdict.upper.is_some() { (cap(right, !lower_decides)) }
        @if let Some(estimate) = verdict.estimate {
            circle.estimate cx=(place(scale.x(estimate))) cy="39" r="5.5" {}
        }
        (bounds(verdict, left, right))
    }
}

fn cap(x: f64, decides: bool) -> Markup {
    let (top, bottom) = if decides { ("28", "50") } else { ("34", "44") };
    html! { line class=(if decides { "cap decides" } else { "cap" }) x1=(place(x)) x2=(place(x)) y1=(top) y2=(bottom) {} }
}

/// The bounds' values under their caps, pushed apart when they would touch.
fn bounds(verdict: &Verdict, left: f64, right: f64) -> Markup {
    let close = verdict.lower.is_some() && verdict.upper.is_some() && right - left < 64.0;
    let centre = (left + right) / 2.0;
    let (lower_x, upper_x) = if close { (centre - 5.0, centre + 5.0) } else { (left, right) };
    let lower_anchor = if close && lower_x > 44.0 { "end" } else { anchor(lower_x) };
    let upper_anchor = if close && upper_x < WIDTH - 44.0 { "start" } else { anchor(upper_x) };
    html! {
        @if let Some(lower) = verdict.lower {
            text.bound x=(place(lower_x)) y="75" text-anchor=(lower_anchor) { (crate::format::measure(lower)) }
        }
        @if let Some(upper) = verdict.upper {
            text.bound x=(place(upper_x)) y="75" text-anchor=(upper_anchor) { (crate::format::measure(upper)) }
        }
    }
}

fn threshold(scale: &Scale, verdict: &Verdict) -> Markup {
    let x = scale.x(verdict.threshold);
    let words = if verdict.wants_more { "at least" } else { "at most" };
    let shift = match anchor(x) {
        "start" => -4.0,
        "end" => 4.0,
        _ => 0.0,
    };
    html! {
        line.threshold x1=(place(x)) x2=(place(x)) y1="18" y2="60" {}
        text.threshold-label x=(place(x + shift)) y="12" text-anchor=(anchor(x)) {
            (words) " " (text::number(verdict.threshold))
        }
    }
}

fn anchor(x: f64) -> &'static str {
    if x < 56.0 {
        "start"
    } else if x > WIDTH - 56.0 {
        "end"
    } else {
        "middle"
    }
}

/// The drawing in words, for those who do not see it.
fn description(verdict: &Verdict) -> String {
    let direction = if verdict.wants_more { "at least" } else { "at most" };
    let estimate = crate::format::maybe(verdict.estimate);
    let interval = crate::format::interval(verdict.lower, verdict.upper);
    format!("estimate {estimate}, interval {interval}, wanted {direction} {}", text::number(verdict.threshold))
}

#[cfg(test)]
mod tests {
    use super::{Scale, ticks};

    #[test]
    fn ticks_are_round_few_and_inside() {
        for (low, high) in [(0.83, 0.97), (-0.02, 0.05), (0.0, 1.0), (31.0, 95.0), (1e-6, 3e-6), (1e12, 9e12)] {
            let found = ticks(&Scale { low, high });
            assert!((3..=10).contains(&found.len()), "{low} {high}: {found:?}");
            assert!(found.iter().all(|tick| (low..=high).contains(tick)), "{found:?}");
        }
        assert!(ticks(&Scale { low: 1.0, high: 1.0 }).is_empty());
    }
}
