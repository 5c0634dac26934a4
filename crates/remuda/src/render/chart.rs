//! Charts in characters: histograms as blocks, intervals as bars with the threshold's mark.

use super::words::figure;
use remuda_model::data::Bin;

const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Counts as blocks, the greatest one full. What is not zero shows.
pub(crate) fn blocks(counts: &[u64]) -> String {
    let greatest = counts.iter().copied().max().unwrap_or(0).max(1);
    let block = |count: u64| match count {
        0 => BLOCKS[0],
        _ => BLOCKS[1 + ((count as f64 / greatest as f64) * 7.0).round() as usize],
    };
    counts.iter().map(|count| block(*count)).collect()
}

/// Numbers as heights for [`blocks`]: the least one the lowest block, the greatest a full one.
pub(crate) fn spread(values: &[f64]) -> Vec<u64> {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let greatest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let span = if greatest > least { greatest - least } else { 1.0 };
    values.iter().map(|value| 1 + ((value - least) / span * 1_000.0).round() as u64).collect()
}

/// The counts of at most `most` bins: neighbours are joined evenly.
pub(crate) fn join_bins(bins: &[Bin], most: usize) -> Vec<u64> {
    if most == 0 {
        return Vec::new();
    }
    let per_bar = bins.len().div_ceil(most).max(1);
    bins.chunks(per_bar).map(|chunk| chunk.iter().map(|bin| bin.count).sum()).collect()
}

/// A share (0 to 1) as a bar of at most `room` characters, in eighths.
pub(crate) fn bar(share: f64, room: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (share.clamp(0.0, 1.0) * room as f64 * 8.0).round() as usize;
    let rest = if eighths == 0 && share > 0.0 { "▏" } else { EIGHTHS[eighths % 8] };
    format!("{}{rest}", "█".repeat(eighths / 8))
}

/// What an interval bar shows.
pub(crate) struct Interval {
    /// The point estimate.
    pub(crate) estimate: f64,
    /// The lower bound, if there is one.
    pub(crate) lower: Option<f64>,
    /// The upper bound, if there is one.
    pub(crate) upper: Option<f64>,
    /// What it is compared with.
    pub(crate) threshold: f64,
}

/// An interval on a line of `room` characters between two numbers: `0.700 ···┃··├──●──┤··· 0.900`.
/// `┃` is the threshold. Nothing when a number is not finite.
pub(crate) fn interval(interval: &Interval, room: usize) -> Option<String> {
    let Interval { estimate, lower, upper, threshold } = *interval;
    let ends = [Some(estimate), lower, upper, Some(threshold)];
    let numbers: Vec<f64> = ends.into_iter().flatten().collect();
    if numbers.iter().any(|number| !number.is_finite()) {
        return None;
    }
    let least = numbers.iter().copied().fold(f64::INFINITY, f64::min);
    let greatest = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let span = (greatest - least).max(greatest.abs() * 1e-6).max(1e-9);
    let (start, end) = rounded_ends(least - span * 0.12, greatest + span * 0.12, least, greatest);
    let (from, to) = (figure(start), figure(end));
    let bar_room = room.saturating_sub(from.len() + to.len() + 2).max(12);
    let place = |value: f64| {
        let share = (value - start) / (end - start);
        ((share * (bar_room - 1) as f64).round() as usize).min(bar_room - 1)
    };
    let mut line = vec!['·'; bar_room];
    let first = lower.map_or(0, place);
    let last = upper.map_or(bar_room - 1, place);
    line[first..=last].fill('─');
    if lower.is_some() {
        line[first] = '├';
    }
    if upper.is_some() {
        line[last] = '┤';
    }
    line[place(estimate)] = '●';
    let mark = place(threshold);
    line[mark] = match line[mark] {
        '─' => '╂',
        '●' => '◉',
        '├' => '┠',
        '┤' => '┨',
        _ => '┃',
    };
    Some(format!("{from} {} {to}", line.into_iter().collect::<String>()))
}

/// Ends with few digits: floor and ceiling in steps of a tenth of the span's power of ten; shares stay in 0 to 1.
fn rounded_ends(start: f64, end: f64, least: f64, greatest: f64) -> (f64, f64) {
    let step = 10f64.powf((end - start).log10().floor()) / 10.0;
    let mut start = (start / step).floor() * step;
    let mut end = (end / step).ceil() * step;
    if least >= 0.0 {
        start = start.max(0.0);
    }
    if greatest <= 1.0 {
        end = end.min(1.0);
    }
    (start, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_zero_shows() {
        assert_eq!(blocks(&[0, 1, 500, 1000]), " ▁▅█");
        assert_eq!(blocks(&[]), "");
        assert_eq!(blocks(&spread(&[-3.0, -2.0, -1.0])), "▁▅█");
        assert_eq!(blocks(&spread(&[2.0, 2.0])), "██");
        assert_eq!(bar(0.5, 4), "██");
        assert_eq!(bar(0.001, 4), "▏");
        assert_eq!(bar(0.0, 4), "");
    }

    #[test]
    fn bins_are_joined_evenly() {
        let bins: Vec<Bin> = (0..20).map(|place| Bin { lower: 0.0, upper: 1.0, count: place }).collect();
        let joined = join_bins(&bins, 10);
        assert_eq!(joined.len(), 10);
        assert_eq!(joined.iter().sum::<u64>(), 190);
    }

    #[test]
    fn the_threshold_is_marked_wherever_it_lies() {
        let of = |lower, estimate, upper, threshold| {
            interval(&Interval { estimate, lower, upper, threshold }, 40).unwrap_or_default()
        };
        assert_eq!(of(Some(0.74), 0.78, Some(0.82), 0.7), "0.680 ···┃······├──────●──────┤··· 0.840");
        assert_eq!(of(Some(0.74), 0.78, Some(0.82), 0.76), "0.730 ···├────╂─────●─────────┤··· 0.830");
        assert_eq!(of(Some(0.98), 1.0, Some(1.0), 0.9), "0.880 ·····┃················├────● 1.000");
        assert_eq!(interval(&Interval { estimate: f64::NAN, lower: None, upper: None, threshold: 0.5 }, 40), None);
    }
}
