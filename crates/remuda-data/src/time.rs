//! Days and moments as numbers, and their ISO 8601 text. Gregorian calendar, UTC, years 0001 to 9999.
//!
//! What does not live here: clocks and time zones.

use std::fmt::Write;

const DAY: i64 = 86_400_000_000;

/// Days since 1970-01-01 of `2026-01-31`; `None` for anything else.
pub(crate) fn parse_date(text: &str) -> Option<i32> {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let year = digits(&bytes[0..4])?;
    let month = digits(&bytes[5..7])?;
    let day = digits(&bytes[8..10])?;
    if year == 0 || !(1..=12).contains(&month) || day == 0 || day > days_in_month(year, month) {
        return None;
    }
    Some(days_from_civil(year, month, day) as i32)
}

/// Microseconds since 1970 of `2026-01-31T12:30[:00[.123456]][Z|+01:00]` (a space may stand for the `T`); a moment
/// without zone is taken as UTC.
pub(crate) fn parse_timestamp(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if bytes.len() < 16 || !matches!(bytes[10], b'T' | b't' | b' ') || bytes[13] != b':' {
        return None;
    }
    let days = i64::from(parse_date(text.get(0..10)?)?);
    let hour = digits(&bytes[11..13])?;
    let minute = digits(&bytes[14..16])?;
    let mut rest = text.get(16..)?;
    let mut second = 0;
    let mut micros = 0;
    if let Some(after) = rest.strip_prefix(':') {
        second = digits(after.as_bytes().get(0..2)?)?;
        rest = after.get(2..)?;
        if let Some(fraction) = rest.strip_prefix('.') {
            let length = fraction.bytes().take_while(u8::is_ascii_digit).count();
            if length == 0 || length > 9 {
                return None;
            }
            let padded: i64 = digits(&fraction.as_bytes()[..length])? * 10i64.pow(9 - length as u32);
            micros = padded / 1000;
            rest = fraction.get(length..)?;
        }
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let offset = parse_offset(rest.trim_start())?;
    Some(days * DAY + ((hour * 60 + minute - offset) * 60 + second) * 1_000_000 + micros)
}

/// Minutes east of UTC.
fn parse_offset(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    match bytes {
        [] | [b'Z' | b'z'] => Some(0),
        [b'U', b'T', b'C'] => Some(0),
        [sign @ (b'+' | b'-'), rest @ ..] => {
            let (hours, minutes) = match rest.len() {
                2 => (digits(rest)?, 0),
                4 => (digits(&rest[..2])?, digits(&rest[2..])?),
                5 if rest[2] == b':' => (digits(&rest[..2])?, digits(&rest[3..])?),
                _ => return None,
            };
            if hours > 14 || minutes > 59 {
                return None;
            }
            Some((hours * 60 + minutes) * if *sign == b'-' { -1 } else { 1 })
        }
        _ => None,
    }
}

/// `2026-01-31`.
pub(crate) fn write_date(days: i32, out: &mut String) {
    let (year, month, day) = civil_from_days(i64::from(days));
    // Writing to a String cannot fail.
    let _ = write!(out, "{year:04}-{month:02}-{day:02}");
}

/// `2026-01-31T12:30:00Z`, with a fraction when there is one.
pub(crate) fn write_timestamp(micros: i64, out: &mut String) {
    write_date(micros.div_euclid(DAY) as i32, out);
    let within = micros.rem_euclid(DAY);
    let seconds = within / 1_000_000;
    let _ = write!(out, "T{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    let fraction = within % 1_000_000;
    if fraction > 0 {
        let digits = format!("{fraction:06}");
        let _ = write!(out, ".{}", digits.trim_end_matches('0'));
    }
    out.push('Z');
}

fn digits(bytes: &[u8]) -> Option<i64> {
    let mut number = 0;
    for byte in bytes {
        if !byte.is_ascii_digit() {
            return None;
        }
        number = number * 10 + i64::from(byte - b'0');
    }
    Some(number)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The usual arithmetic of the proleptic Gregorian calendar: eras of 400 years that begin in March.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_moments_go_to_numbers_and_back() {
        for (text, days) in [("1970-01-01", 0), ("2000-02-29", 11016), ("1969-12-31", -1), ("0001-01-01", -719_162)] {
            assert_eq!(parse_date(text), Some(days), "{text}");
            let mut back = String::new();
            write_date(days, &mut back);
            assert_eq!(back, text);
        }
        for bad in ["2001-02-29", "2001-13-01", "2001-1-01", "01/02/2001", "", "2001-00-10", "20010101xx"] {
            assert_eq!(parse_date(bad), None, "{bad}");
        }
        let cases = [
            ("1970-01-01T00:00:01Z", 1_000_000, "1970-01-01T00:00:01Z"),
            ("1970-01-01 01:00+01:00", 0, "1970-01-01T00:00:00Z"),
            ("1969-12-31T23:59:59.5", -500_000, "1969-12-31T23:59:59.5Z"),
        ];
        for (text, micros, canonical) in cases {
            assert_eq!(parse_timestamp(text), Some(micros), "{text}");
            let mut back = String::new();
            write_timestamp(micros, &mut back);
            assert_eq!(back, canonical);
        }
        assert_eq!(parse_timestamp("1970-01-01T25:00:00Z"), None);
        assert_eq!(parse_timestamp("1970-01-01T05:00:00 oder so"), None);
    }
}
