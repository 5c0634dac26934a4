//! Times, sizes, digests and shares as people read them.

use remuda_model::run::MetricValue;
use remuda_model::text;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// The beginning of a digest, without its prefix; other ids as they are.
pub(crate) fn short(digest: &str) -> &str {
    match digest.strip_prefix("b3:") {
        Some(hex) => hex.get(..12).unwrap_or(hex),
        None => digest,
    }
}

/// `3 minutes ago`; a day beyond two months. Both in microseconds since 1970.
pub(crate) fn ago(time: i64, now: i64) -> String {
    let passed = now.saturating_sub(time);
    let (count, unit) = match passed {
        i64::MIN..MINUTE => return "just now".to_owned(),
        MINUTE..HOUR => (passed / MINUTE, "minute"),
        HOUR..DAY => (passed / HOUR, "hour"),
        DAY.. if passed < 60 * DAY => (passed / DAY, "day"),
        _ => return day(time),
    };
    format!("{} ago", text::count(count.unsigned_abs(), unit))
}

/// A day in UTC, `2026-11-23`.
pub(crate) fn day(time: i64) -> String {
    moment(time).chars().take(10).collect()
}

/// A moment in UTC, `2026-11-23 14:30`.
pub(crate) fn moment(time: i64) -> String {
    match jiff::Timestamp::from_microsecond(time) {
        Ok(timestamp) => timestamp.strftime("%Y-%m-%d %H:%M").to_string(),
        Err(_) => "unknown".to_owned(),
    }
}

/// How long something took: `12 ms`, `3.2 s`, `4 min 5 s`.
pub(crate) fn duration(seconds: f64) -> String {
    if seconds < 1.0 {
        return format!("{:.0} ms", seconds * 1000.0);
    }
    if seconds < 60.0 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    format!("{} min {} s", text::thousands(whole / 60), whole % 60)
}

/// `512 B`, `1.2 MB`: powers of 1,000.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 || value >= 99.95 {
        format!("{value:.0} {}", UNITS[unit])
    } else {
        format!("{value:.1} {}", UNITS[unit])
    }
}

/// A share as a percentage: `0.2 %`, `55 %`; never 0 or 100 for what is not.
pub(crate) fn percent(share: f64) -> String {
    let value = share * 100.0;
    if value > 0.0 && value < 0.1 {
        return "<0.1 %".to_owned();
    }
    if value < 100.0 && value > 99.9 {
        return ">99.9 %".to_owned();
    }
    if value < 10.0 { format!("{} %", text::number((value * 10.0).round() / 10.0)) } else { format!("{value:.0} %") }
}

/// An estimate and its interval: `0.846 [0.82, 0.871]`.
pub(crate) fn estimate(value: Option<f64>, lower: Option<f64>, upper: Option<f64>) -> String {
    let Some(value) = value else { return "undefined".to_owned() };
    match (lower, upper) {
        (None, None) => figure(value),
        (Some(lower), None) => format!("{} [{}, …]", figure(value), figure(lower)),
        (None, Some(upper)) => format!("{} […, {}]", figure(value), figure(upper)),
        (Some(lower), Some(upper)) => format!("{} [{}, {}]", figure(value), figure(lower), figure(upper)),
    }
}

/// A metric with its interval.
pub(crate) fn metric(metric: &MetricValue) -> String {
    estimate(metric.value, metric.lower, metric.upper)
}

/// A number that is compared with others in a column: three decimals below 10, two digits where these would say 0.
pub(crate) fn figure(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() || size >= 10.0 {
        return text::number(value);
    }
    if size == 0.0 || size >= 0.001 {
        return format!("{value:.3}");
    }
    if size < 1e-6 {
        return format!("{value:.1e}");
    }
    let decimals = (1.0 - size.log10().floor()) as usize;
    format!("{value:.decimals$}")
}

/// A count rounded to two digits, for prices that are only about right: `about 2,300` of 2,287.
pub(crate) fn roughly(count: u64) -> String {
    let mut step = 1;
    while count / step >= 100 {
        step *= 10;
    }
    text::thousands(count.div_ceil(step) * step)
}

/// The first letter in upper case.
pub(crate) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_as_people_say_them() {
        let now = 1_800_000_000 * SECOND;
        let cases = [
            (-5 * SECOND, "just now"),
            (59 * SECOND, "just now"),
            (MINUTE, "1 minute ago"),
            (119 * MINUTE, "1 hour ago"),
            (3 * DAY, "3 days ago"),
            (61 * DAY, "2026-11-15"),
        ];
        for (passed, expected) in cases {
            assert_eq!(ago(now - passed, now), expected);
        }
        assert_eq!(moment(0), "1970-01-01 00:00");
    }

    #[test]
    fn figures_have_as_many_digits_as_a_reader_wants() {
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1_234_567), "1.2 MB");
        assert_eq!(bytes(999_999), "1.0 MB");
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(percent(0.00001), "<0.1 %");
        assert_eq!(percent(0.5512), "55 %");
        assert_eq!(percent(0.99999), ">99.9 %");
        assert_eq!(roughly(2287), "2,300");
        assert_eq!(roughly(87), "87");
        assert_eq!(estimate(Some(0.8462), Some(0.82), Some(0.871)), "0.846 [0.820, 0.871]");
        assert_eq!(duration(245.2), "4 min 5 s");
        let figures = [0.0, 0.0123, 0.00099, 0.000123, -0.00005, 4.2e-9, 9.9999, 1234.5].map(figure);
        assert_eq!(figures, ["0.000", "0.012", "0.00099", "0.00012", "-0.000050", "4.2e-9", "10.000", "1,234"]);
    }
}
