//! Values as pages print them: times, durations, sizes, shares, metrics, addresses. No markup here: that is
//! [`crate::components`]; no clock either: what "ago" is counted from comes as an argument.

use remuda_model::data::ColumnType;
use remuda_model::run::MetricValue;
use remuda_model::text;

/// A moment (microseconds since 1970) as `2026-11-23 14:05 UTC`.
///
/// ```
/// assert_eq!(remuda_web::format::time(1_795_442_700_000_000), "2026-11-23 14:05 UTC");
/// ```
pub fn time(microseconds: i64) -> String {
    strftime(microseconds, "%Y-%m-%d %H:%M UTC")
}

/// A moment as its day, `2026-11-23`.
pub fn day(microseconds: i64) -> String {
    strftime(microseconds, "%Y-%m-%d")
}

/// A moment as its day within the year, `Nov 23`.
pub fn month_day(microseconds: i64) -> String {
    strftime(microseconds, "%b %-d")
}

/// A moment as its hour and minute, `14:05`.
pub fn clock(microseconds: i64) -> String {
    strftime(microseconds, "%H:%M")
}

/// A moment as machines read it: `2026-11-23T14:05:00Z`.
pub fn machine_time(microseconds: i64) -> String {
    strftime(microseconds, "%Y-%m-%dT%H:%M:%SZ")
}

fn strftime(microseconds: i64, pattern: &str) -> String {
    match jiff::Timestamp::from_microsecond(microseconds) {
        Ok(moment) => moment.strftime(pattern).to_string(),
        Err(_) => format!("{microseconds} µs since 1970"),
    }
}

/// How long before `now` a moment was (both microseconds since 1970): `3 hours ago`.
///
/// ```
/// use remuda_web::format::ago;
/// assert_eq!(ago(10_000_000, 8_000_000), "just now");
/// assert_eq!(ago(3 * 3_600_000_000, 0), "3 hours ago");
/// assert_eq!(ago(0, 120_000_000), "in 2 minutes");
/// ```
pub fn ago(now: i64, then: i64) -> String {
    let seconds = now.saturating_sub(then) / 1_000_000;
    let (magnitude, future) = (seconds.unsigned_abs(), seconds < 0);
    let steps = [(86_400 * 365, "year"), (86_400 * 30, "month"), (86_400, "day"), (3600, "hour"), (60, "minute")];
    match steps.into_iter().find(|(length, _)| magnitude >= *length) {
        None => "just now".to_owned(),
        Some((length, unit)) if future => format!("in {}", text::count(magnitude / length, unit)),
        Some((length, unit)) => format!("{} ago", text::count(magnitude / length, unit)),
    }
}

/// A length of time in seconds: `340 ms`, `12.4 s`, `3 min 20 s`, `2 h 5 min`.
///
/// ```
/// use remuda_web::format::seconds;
/// assert_eq!(seconds(0.34), "340 ms");
/// assert_eq!(seconds(200.0), "3 min 20 s");
/// assert_eq!(seconds(7500.0), "2 h 5 min");
/// ```
pub fn seconds(length: f64) -> String {
    if !length.is_finite() || length < 0.0 {
        return "unknown".to_owned();
    }
    if length < 0.001 {
        return format!("{:.0} µs", length * 1e6);
    }
    if length < 1.0 {
        return format!("{:.0} ms", length * 1e3);
    }
    if length < 60.0 {
        return format!("{length:.1} s");
    }
    let whole = length.round() as u64;
    if whole < 3600 {
        return format!("{} min {} s", whole / 60, whole % 60);
    }
    format!("{} h {} min", text::thousands(whole / 3600), whole % 3600 / 60)
}

/// A size: `512 B`, `4.2 MB` (powers of ten).
pub fn bytes(size: u64) -> String {
    let steps = [(1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
    match steps.into_iter().find(|(length, _)| size as f64 >= *length) {
        Some((length, unit)) => format!("{:.1} {unit}", size as f64 / length),
        None => format!("{size} B"),
    }
}

/// A share (0 to 1) as `12.5 %`, always with one decimal so that columns align, with a space that does not break; tiny but present shares say so.
///
/// ```
/// use remuda_web::format::percent;
/// assert_eq!(percent(0.125), "12.5\u{a0}%");
/// assert_eq!(percent(1.0), "100\u{a0}%");
/// assert_eq!(percent(0.0002), "< 0.1\u{a0}%");
/// ```
pub fn percent(share: f64) -> String {
    if !share.is_finite() {
        return "undefined".to_owned();
    }
    if share > 0.0 && share < 0.001 {
        return "< 0.1\u{a0}%".to_owned();
    }
    if share == 0.0 || share == 1.0 {
        return format!("{:.0}\u{a0}%", share * 100.0);
    }
    format!("{:.1}\u{a0}%", share * 100.0)
}

/// How sure somebody wants to be: `95 %`, `99.5 %`. (A level is set, not measured: it has no zeros behind the point.)
pub fn level(confidence: f64) -> String {
    let text = percent(confidence);
    text.replace(".0\u{a0}", "\u{a0}")
}

/// `part` of `whole` as a share; 0 when there is no whole.
pub fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// A measured number with as many decimals as its neighbours in a column: [`text::number`] without dropping zeros.
///
/// ```
/// use remuda_web::format::measure;
/// assert_eq!(measure(0.8), "0.8000");
/// assert_eq!(measure(14.9), "14.90");
/// assert_eq!(measure(-8352.3), "-8,352");
/// assert_eq!((measure(0.0).as_str(), measure(1.0).as_str()), ("0", "1"));
/// ```
pub fn measure(value: f64) -> String {
    let text = text::number(value);
    let decimals = match value.abs() {
        whole if whole == 0.0 || whole == 1.0 || !whole.is_finite() || whole < 1e-4 => return text,
        // 0.99996 reads 1, and says no more by zeros.
        share if share < 1.0 => 4,
        small if small < 10.0 => 3,
        middle if middle < 100.0 => 2,
        large if large < 1000.0 => 1,
        _ => return text,
    };
    match text.split_once('.') {
        Some((whole, fraction)) => format!("{whole}.{fraction:0<decimals$}"),
        None => format!("{text}.{}", "0".repeat(decimals)),
    }
}

/// A distance, of which only the size matters: tiny ones are not told apart.
pub fn distance(value: f64) -> String {
    if value > 0.0 && value < 1e-4 { "< 0.0001".to_owned() } else { measure(value) }
}

/// A number that may be missing; a dash stands for none.
pub fn maybe(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), measure)
}

/// A metric's point estimate: `0.8460`, or `undefined`.
pub fn point(metric: &MetricValue) -> String {
    metric.value.map_or_else(|| "undefined".to_owned(), measure)
}

/// A metric's interval: `0.8310 to 0.8610`; empty when it has none.
pub fn interval(lower: Option<f64>, upper: Option<f64>) -> String {
    match (lower, upper) {
        (Some(lower), Some(upper)) => format!("{} to {}", measure(lower), measure(upper)),
        (Some(lower), None) => format!("at least {}", measure(lower)),
        (None, Some(upper)) => format!("at most {}", measure(upper)),
        (None, None) => String::new(),
    }
}

/// The confidence of a metric's two bounds together: one-sided 0.975 each make a two-sided `95 %` interval.
pub fn two_sided(confidence: f64) -> String {
    level((2.0 * confidence - 1.0).clamp(0.0, 1.0))
}

/// A value of a column: times are seconds since 1970 and read as dates.
pub fn column_value(value: f64, column_type: ColumnType) -> String {
    let microseconds = (value * 1e6) as i64;
    match column_type {
        ColumnType::Date => day(microseconds),
        ColumnType::Timestamp => strftime(microseconds, "%Y-%m-%d %H:%M"),
        _ => text::number(value),
    }
}

/// The first twelve digits of a digest without its `b3:`; other ids as they are, cut at 16 letters.
pub fn short(id: &str) -> String {
    match id.strip_prefix("b3:") {
        Some(hex) => hex.chars().take(12).collect(),
        None if id.chars().count() > 16 => format!("{}…", id.chars().take(13).collect::<String>()),
        None => id.to_owned(),
    }
}

/// The text in a URL's path: everything but letters, digits and `-._~:` as `%XX`.
///
/// ```
/// assert_eq!(remuda_web::format::segment("a b/<c>"), "a%20b%2F%3Cc%3E");
/// ```
pub fn segment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// The page of a thing of this kind; anything that has none of its own has its lineage.
pub fn address(kind: &str, id: &str) -> String {
    // A digest's short form is enough for every page, and reads better.
    let name = match id.strip_prefix("b3:") {
        Some(hex) if hex.len() == 64 && hex.is_ascii() => segment(&hex[..12]),
        _ => segment(id),
    };
    match kind {
        "dataset_version" => format!("/data/{name}"),
        "run" => format!("/run/{name}"),
        "model_version" => format!("/model/{name}"),
        "evaluation" => format!("/gate/{name}"),
        "analysis" => format!("/analysis/{name}"),
        "release" => format!("/release/{name}"),
        "requirement" => format!("/requirement/{name}"),
        _ => format!("/why/{name}"),
    }
}

/// At most `limit` characters, with an ellipsis when something was cut.
pub fn cut(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    format!("{}…", text.chars().take(limit.saturating_sub(1)).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_safe_whatever_the_id_says() {
        assert_eq!(address("run", "../x?y"), "/run/..%2Fx%3Fy");
        assert_eq!(address("release", &format!("b3:{}", "a".repeat(64))), "/release/aaaaaaaaaaaa");
        // No slicing inside a letter of more than one byte.
        assert_eq!(
            address("release", &format!("b3:{}", "é".repeat(32))),
            format!("/release/b3:{}", "%C3%A9".repeat(32))
        );
    }

    #[test]
    fn odd_numbers_do_not_break_a_page() {
        assert_eq!(seconds(f64::NAN), "unknown");
        assert_eq!(percent(f64::NAN), "undefined");
        assert_eq!(time(i64::MAX), format!("{} µs since 1970", i64::MAX));
        assert_eq!(ago(i64::MIN, i64::MAX).split(' ').next(), Some("in"));
        assert_eq!(share(1, 0), 0.0);
    }
}
