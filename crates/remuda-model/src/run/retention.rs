//! How long something is kept, as people write it.

/// A length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// In milliseconds.
    pub milliseconds: i64,
}

impl Span {
    /// Reads `12h`, `30d` or `8w` (hours, days, weeks); `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        const HOUR: i64 = 3_600_000;
        let text = text.trim();
        let unit = text.chars().next_back()?;
        let number: i64 =
            text.strip_suffix(unit)?.trim().parse().ok().filter(|number| (0..=100_000).contains(number))?;
        let hours = match unit {
            'h' => 1,
            'd' => 24,
            'w' => 7 * 24,
            _ => return None,
        };
        Some(Self { milliseconds: number * hours * HOUR })
    }
}

#[cfg(test)]
mod tests {
    use super::Span;

    #[test]
    fn spans_are_hours_days_or_weeks() {
        let read = |text| Span::parse(text).map(|span| span.milliseconds / 3_600_000);
        for (text, hours) in [("12h", 12), ("30d", 720), ("2w", 336), ("0d", 0), (" 3 d ", 72)] {
            assert_eq!(read(text), Some(hours), "{text}");
        }
        for text in ["", "d", "30", "-1d", "3m", "1.5d", "999999999d", "30 days", "3€"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
