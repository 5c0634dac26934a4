//! Tables without lines: a dim header, columns in their natural width. Where there is no room the wordiest column is
//! cut, and when all are short the last ones are left out: put what matters first.

use super::layout::{cut, left, right, width};
use super::paint;

/// Columns between which there is this much room.
const GAP: usize = 2;

/// What a column is never cut below.
const LEAST: usize = 8;

/// On which side a column's cells stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// Words: cut where there is no room.
    Left,
    /// Ids and verdicts: never cut.
    Whole,
    /// Numbers: never cut.
    Right,
}

/// A table.
pub(crate) struct Table {
    columns: Vec<(String, Side)>,
    rows: Vec<Vec<String>>,
    indent: usize,
}

impl Table {
    /// An empty table with these headers; no header line where all are empty.
    pub(crate) fn new(columns: &[(&'static str, Side)]) -> Self {
        Self::of(columns.iter().map(|(name, side)| ((*name).to_owned(), *side)).collect())
    }

    /// The same with headers that are not known beforehand.
    pub(crate) fn of(columns: Vec<(String, Side)>) -> Self {
        Self { columns, rows: Vec::new(), indent: 0 }
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
        let columns = &self.columns[..widths.len()];
        let mut out = String::new();
        if columns.iter().any(|(name, _)| !name.is_empty()) {
            let header = columns.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
            out.push_str(&self.line(&header, &widths, paint::dim));
        }
        for row in &self.rows {
            out.push_str(&self.line(row, &widths, |text| text.to_owned()));
        }
        out
    }

    /// The widths of the columns that find room.
    fn widths(&self, room: usize) -> Vec<usize> {
        let cell = |row: &Vec<String>, place: usize| row.get(place).map_or(0, |text| width(text));
        let natural = |place: usize| self.rows.iter().map(|row| cell(row, place)).max().unwrap_or(0);
        let mut widths: Vec<usize> =
            self.columns.iter().enumerate().map(|(place, (name, _))| natural(place).max(width(name))).collect();
        loop {
            let gaps = GAP * widths.len().saturating_sub(1) + self.indent;
            let mut surplus = (widths.iter().sum::<usize>() + gaps).saturating_sub(room);
            let mut shrunk = widths.clone();
            while surplus > 0 {
                let wordy = |place: &usize| self.columns[*place].1 == Side::Left && shrunk[*place] > LEAST;
                let Some(widest) = (0..shrunk.len()).filter(wordy).max_by_key(|place| shrunk[*place]) else { break };
                shrunk[widest] -= 1;
                surplus -= 1;
            }
            if surplus == 0 || widths.len() <= 1 {
                return shrunk;
            }
            widths.pop();
        }
    }

    fn line(&self, cells: &[String], widths: &[usize], style: impl Fn(&str) -> String) -> String {
        let mut line = " ".repeat(self.indent);
        let last = widths.len().saturating_sub(1);
        for (place, ((_, side), room)) in self.columns.iter().zip(widths).enumerate() {
            let text = cells.get(place).map_or("", String::as_str);
            let text = style(&cut(text, *room));
            match side {
                Side::Right => line.push_str(&right(&text, *room)),
                Side::Left | Side::Whole if place == last => line.push_str(&text),
                Side::Left | Side::Whole => line.push_str(&left(&text, *room)),
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

    fn rendered(room: usize) -> String {
        let columns = [("run", Side::Whole), ("what", Side::Left), ("rows", Side::Right), ("who", Side::Left)];
        let mut table = Table::new(&columns);
        table.row(vec!["k3m9".into(), "python train.py --depth 6".into(), "7,043".into(), "ana".into()]);
        table.row(vec!["a1".into(), "pipeline.toml".into(), "12".into(), "bo".into()]);
        anstream::adapter::strip_str(&table.render(room)).to_string()
    }

    #[test]
    fn the_wordiest_column_gives_way() {
        assert_eq!(
            rendered(36),
            "run   what                 rows  who\n\
             k3m9  python train.py -…  7,043  ana\n\
             a1    pipeline.toml          12  bo\n"
        );
    }

    #[test]
    fn the_last_column_goes_when_all_are_short() {
        assert_eq!(
            rendered(22),
            "run   what        rows\n\
             k3m9  python t…  7,043\n\
             a1    pipeline…     12\n"
        );
    }
}
