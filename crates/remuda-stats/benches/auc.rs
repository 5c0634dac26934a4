//! How long the AUC and its bootstrap take at 100,000 rows: 1,000 resamples should stay under half a second.

fn main() {
    divan::main();
}

fn rows(n: usize) -> (Vec<f64>, Vec<bool>) {
    // Weyl sequences: spread evenly, no two scores equal.
    let part = |i: usize, step: f64| (i as f64 * step).fract();
    (0..n)
        .map(|i| {
            let positive = part(i, 0.754_877_666_246_692_7) < 0.3;
            (part(i, 0.569_840_290_998_053_2) + if positive { 0.3 } else { 0.0 }, positive)
        })
        .unzip()
}

#[divan::bench(sample_count = 3)]
fn bootstrap_1000_of_100_000(bencher: divan::Bencher) {
    let (scores, positive) = rows(100_000);
    bencher.bench(|| remuda_stats::auc::bootstrap(&scores, &positive, 1_000, 7, 0.95));
}

#[divan::bench(sample_count = 3)]
fn delong_1_000_000(bencher: divan::Bencher) {
    let (scores, positive) = rows(1_000_000);
    bencher.bench(|| remuda_stats::auc::estimate(&scores, &positive, 0.95));
}

#[divan::bench(sample_count = 3)]
fn cells_2000_of_a_million(bencher: divan::Bencher) {
    let macro_f1 = |c: &[f64]| {
        let f = |tp: f64, fp: f64, fn_: f64| 2.0 * tp / (2.0 * tp + fp + fn_);
        (f(c[0], c[2], c[1]) + f(c[3], c[1], c[2])) / 2.0
    };
    bencher.bench(|| remuda_stats::bootstrap::cells(&[700_000, 40_000, 60_000, 200_000], macro_f1, 2_000, 7, 0.95));
}

#[divan::bench(sample_count = 5)]
fn price_near_a_million(bencher: divan::Bencher) {
    bencher.bench(|| remuda_stats::price::labels_for_rate(0.9, 0.9007, 0.95, 0.8));
}
