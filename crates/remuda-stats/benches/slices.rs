//! How long the search for slices takes on a million rows of 20 columns with 10 bins each, three conditions deep: it
//! should stay under 10 seconds on one core.

use remuda_stats::slices::{Column, Settings, merge, search, widen};

fn main() {
    divan::main();
}

const ROWS: usize = 1_000_000;
const COLUMNS: usize = 20;
const SETTINGS: Settings = Settings { alpha: 0.95, least_rows: ROWS / 100, depth: 3, top: 64 };

/// Codes by Weyl sequences, each column with a step of its own; one row in ten is wrong, and half of a planted slice.
fn table(skewed: bool) -> (Vec<Vec<u8>>, Vec<f64>) {
    let part = |row: usize, step: f64| (row as f64 * step).fract();
    let column = |place: usize| {
        let step = ((place + 2) as f64).sqrt() * 0.618_033_988_749_895;
        let code = move |row| part(row, step).powi(if skewed { 3 } else { 1 }) * 10.0;
        (0..ROWS).map(|row| code(row) as u8).collect::<Vec<u8>>()
    };
    let codes: Vec<Vec<u8>> = (0..COLUMNS).map(column).collect();
    let planted = |row: usize| codes[3][row] < 2 && codes[7][row] < 3;
    let wrong = |row: usize| part(row, 0.754_877_666_246_692_7) < if planted(row) { 0.5 } else { 0.1 };
    let losses = (0..ROWS).map(|row| f64::from(u8::from(wrong(row)))).collect();
    (codes, losses)
}

#[divan::bench(sample_count = 1, sample_size = 1, args = [false, true])]
fn a_million_rows_of_20_columns(bencher: divan::Bencher, skewed: bool) {
    let (codes, losses) = table(skewed);
    let columns: Vec<Column<'_>> = codes.iter().map(|codes| Column { codes, levels: 10, ordered: 10 }).collect();
    bencher.bench_local(|| {
        let found = search(&columns, &losses, &SETTINGS).unwrap_or_default();
        let merged = merge(&columns, ROWS, &found, 0.5, 24);
        merged.iter().map(|merged| widen(&columns, &losses, &SETTINGS, &merged.slice)).collect::<Vec<_>>()
    });
}
