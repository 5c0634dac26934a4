//! A forest plot: intervals below each other on one scale, with a line where all rows stand.

use crate::format;
use maud::{Markup, html};
use remuda_model::run::MetricValue;

const WIDTH: f64 = 600.0;
const MARGIN: f64 = 10.0;

/// One scale for all rows of a forest.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    /// A scale from 0, or the least value where it is below, to the greatest upper bound; none without numbers.
    pub fn over<'a>(values: impl IntoIterator<Item = &'a MetricValue>) -> Option<Self> {
        let ends = values.into_iter().flat_map(|value| [value.value, value.lower, value.upper]);
        let ends: Vec<f64> = ends.flatten().filter(|end| end.is_finite()).collect();
        let high = ends.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let low = ends.iter().copied().fold(0.0, f64::min);
        (high > low).then_some(Self { low, high })
    }

    fn x(&self, value: f64) -> f64 {
        MARGIN + ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0) * (WIDTH - 2.0 * MARGIN)
    }
}

/// One row: the interval as a bar with caps, the estimate a dot, `all` a dashed line.
pub fn row(scale: &Scale, value: &MetricValue, all: Option<f64>, what: &str) -> Markup {
    let Some(estimate) = value.value.filter(|estimate| estimate.is_finite()) else {
        return html! { p.no-chart.muted { "No numbers to draw." } };
    };
    let place = |value: f64| format!("{:.1}", scale.x(value));
    let (left, right) = (value.lower.unwrap_or(estimate), value.upper.unwrap_or(estimate));
    let label = format!(
        "{what} {}, interval {}, of all {}",
        format::measure(estimate),
        format::interval(value.lower, value.upper),
        format::maybe(all)
    );
    html! {
        svg.interval.forest-row viewBox="0 0 600 30" role="img" aria-label=(label) {
            line.axis x1="0" x2="600" y1="26" y2="26" {}
            rect.span x=(place(left)) y="9" width=(format!("{:.1}", (scale.x(right) - scale.x(left)).max(1.5))) height="8" rx="4" {}
            line.cap x1=(place(left)) x2=(place(left)) y1="6" y2="20" {}
            line.cap x1=(place(right)) x2=(place(right)) y1="6" y2="20" {}
            @if let Some(all) = all { line.threshold x1=(place(all)) x2=(place(all)) y1="0" y2="26" {} }
            circle.estimate cx=(place(estimate)) cy="13" r="5.5" {}
        }
    }
}
