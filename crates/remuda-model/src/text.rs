//! Words for people: "did you mean", plural forms, numbers as the faces print them.

/// The candidate nearest to `word`, if it is near enough to be a slip of the finger (edit distance with
/// transpositions at most a third of the length, at least 1).
///
/// ```
/// assert_eq!(remuda_model::text::nearest("recal", ["recall", "precision"]), Some("recall"));
/// assert_eq!(remuda_model::text::nearest("speed", ["recall", "precision"]), None);
/// ```
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (edit_distance(&word.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Optimal string alignment distance (insert, delete, replace, swap of neighbours).
fn edit_distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let mut rows: Vec<Vec<usize>> = vec![(0..=right.len()).collect()];
    for i in 1..=left.len() {
        let mut row = vec![i; right.len() + 1];
        for j in 1..=right.len() {
            let replace = rows[i - 1][j - 1] + usize::from(left[i - 1] != right[j - 1]);
            row[j] = replace.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            let swapped = i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1];
            if swapped {
                row[j] = row[j].min(rows[i - 2][j - 2] + 1);
            }
        }
        rows.push(row);
    }
    rows[left.len()][right.len()]
}

/// `1 row`, `7,043 rows`.
///
/// ```
/// assert_eq!(remuda_model::text::count(7043, "row"), "7,043 rows");
/// assert_eq!(remuda_model::text::count(1, "entry"), "1 entry");
/// assert_eq!(remuda_model::text::count(2, "entry"), "2 entries");
/// ```
pub fn count(number: u64, noun: &str) -> String {
    let plural = match noun.strip_suffix('y') {
        _ if number == 1 => noun.to_owned(),
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ if noun.ends_with(['s', 'x']) || noun.ends_with("ch") => format!("{noun}es"),
        _ => format!("{noun}s"),
    };
    format!("{} {plural}", thousands(number))
}

/// `1234567` as `1,234,567`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number with as many digits as a reader wants: four significant ones, no trailing zeros, `1,234,567` when whole.
///
/// ```
/// assert_eq!(remuda_model::text::number(0.123456), "0.1235");
/// assert_eq!(remuda_model::text::number(29.85), "29.85");
/// assert_eq!(remuda_model::text::number(8684.8), "8,685");
/// assert_eq!(remuda_model::text::number(-3.0), "-3");
/// ```
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return if value.is_nan() {
            "undefined".into()
        } else if value > 0.0 {
            "∞".into()
        } else {
            "-∞".into()
        };
    }
    let magnitude = value.abs();
    if magnitude >= 1e15 || (magnitude > 0.0 && magnitude < 1e-4) {
        return format!("{value:.3e}");
    }
    let sign = if value < 0.0 { "-" } else { "" };
    let whole_digits = if magnitude >= 1.0 { magnitude.log10().floor() as i32 + 1 } else { 0 };
    let decimals = (4 - whole_digits).clamp(0, 4) as usize;
    let text = format!("{magnitude:.decimals$}");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let fraction = fraction.trim_end_matches('0');
    let whole = thousands(whole.parse().unwrap_or(0));
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// A list in a sentence: `a, b and c`.
pub fn list<S: AsRef<str>>(items: &[S]) -> String {
    match items {
        [] => String::new(),
        [only] => only.as_ref().to_owned(),
        [most @ .., last] => {
            let most: Vec<&str> = most.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", most.join(", "), last.as_ref())
        }
    }
}

/// A name that can stand in a URL, a file name and a git ref: lower case letters, digits, `-`, `_`; 1 to 64 long.
pub fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    (1..=64).contains(&text.len())
        && text.bytes().all(allowed)
        && text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
}

/// The nearest valid [name](is_name) to any text.
pub fn to_name(text: &str) -> String {
    let mut name = String::new();
    for character in text.trim().to_lowercase().chars() {
        if character.is_ascii_alphanumeric() || character == '_' {
            name.push(character);
        } else if !name.ends_with('-') && !name.is_empty() {
            name.push('-');
        }
    }
    name.truncate(64);
    let name = name.trim_matches(|edge| edge == '-' || edge == '_');
    if name.is_empty() { "unnamed".to_owned() } else { name.to_owned() }
}

/// A size as people write it, in bytes: `500`, `50 MB`, `2GiB`. `None` for anything else.
pub fn read_bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let number: f64 = text[..end].parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0)?;
    let unit = match text[end..].trim().to_ascii_lowercase().as_str() {
        "" | "b" | "byte" | "bytes" => 1.0,
        "k" | "kb" => 1e3,
        "m" | "mb" => 1e6,
        "g" | "gb" => 1e9,
        "t" | "tb" => 1e12,
        "kib" => 1024.0,
        "mib" => 1024.0 * 1024.0,
        "gib" => 1024.0 * 1024.0 * 1024.0,
        "tib" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    let bytes = number * unit;
    (bytes < 1e18).then_some(bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_in_urls_and_files() {
        assert!(is_name("urgent-es"));
        for bad in ["", "-a", "A", "a b", "a/b", "..", "ä", &"x".repeat(65)] {
            assert!(!is_name(bad), "{bad:?}");
        }
        for any in ["Telco-Customer-Churn", "  ", "../../etc", "Ärger & Co", &"x".repeat(99)] {
            assert!(is_name(&to_name(any)), "{any:?} -> {:?}", to_name(any));
        }
    }

    #[test]
    fn numbers_read_well() {
        let cases =
            [(0.0, "0"), (1.0, "1"), (0.95, "0.95"), (0.99999, "1"), (1234567.0, "1,234,567"), (1e-9, "1.000e-9")];
        for (value, expected) in cases {
            assert_eq!(number(value), expected);
        }
        assert_eq!(number(f64::NAN), "undefined");
    }

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, bytes) in [("500", 500), ("50 MB", 50_000_000), ("2GiB", 2 << 30), ("1.5 kb", 1_500), ("0", 0)] {
            assert_eq!(read_bytes(text), Some(bytes), "{text}");
        }
        for text in ["", "MB", "-1", "5 parsecs", "1e3", "inf", "9999999 TB"] {
            assert_eq!(read_bytes(text), None, "{text}");
        }
    }
}
