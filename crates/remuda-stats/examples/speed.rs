//! Times what a gate spends its time on, for `bench/gate/compare.py`, which times the same in Python in the same run.
//! Reads a file of rows `score,label` (0 or 1) and prints one JSON object with medians in seconds.
//!
//!     cargo run --release -p remuda-stats --example speed -- scores.csv 1000

#![expect(clippy::print_stdout, reason = "a program whose output is data")]

use remuda_stats::auc;
use std::process::ExitCode;
use std::time::Instant;

/// Times that each thing is done.
const ROUNDS: usize = 5;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(path), replicates) = (arguments.next(), arguments.next()) else {
        println!("usage: speed SCORES.csv REPLICATES");
        return ExitCode::FAILURE;
    };
    let replicates = replicates.and_then(|text| text.parse().ok()).unwrap_or(1_000);
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("cannot read {path}");
        return ExitCode::FAILURE;
    };
    let rows = text.lines().filter_map(|line| line.split_once(','));
    let (scores, positive): (Vec<f64>, Vec<bool>) =
        rows.filter_map(|(score, label)| Some((score.parse::<f64>().ok()?, label.trim() == "1"))).unzip();
    let bootstrap = median(|| auc::bootstrap(&scores, &positive, replicates, 7, 0.975).map(|found| found.lower));
    let delong = median(|| auc::estimate(&scores, &positive, 0.975).map(|found| found.lower));
    println!(
        "{{\"rows\": {}, \"bootstrap_seconds\": {:.4}, \"bootstrap_lower\": {:.6}, \"delong_seconds\": {:.5}, \"delong_lower\": {:.6}}}",
        scores.len(),
        bootstrap.0,
        bootstrap.1,
        delong.0,
        delong.1
    );
    ExitCode::SUCCESS
}

/// The median time, and the answer (NaN where there is none).
fn median(work: impl Fn() -> remuda_stats::Result<f64>) -> (f64, f64) {
    let mut answer = f64::NAN;
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            answer = work().unwrap_or(f64::NAN);
            begun.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    (times[ROUNDS / 2], answer)
}
