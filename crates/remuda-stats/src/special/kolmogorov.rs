//! The null distribution of the two-sample Kolmogorov-Smirnov distance.

/// P(D >= `distance`) for two samples of sizes `m` and `n` without ties: exact by counting lattice paths (Hodges 1958)
/// while m * n <= 4,000,000, else the limit law with the effective size m n / (m + n).
#[must_use]
pub fn two_sample_tail(distance: f64, m: u64, n: u64) -> f64 {
    if distance <= 0.0 {
        return 1.0;
    }
    if m.saturating_mul(n) <= 4_000_000 {
        return exact(distance, m as usize, n as usize);
    }
    let effective = m as f64 * n as f64 / (m as f64 + n as f64);
    limit_tail(distance * effective.sqrt())
}

/// The chance that the random path from (0, 0) to (m, n) leaves the band |i/m - j/n| < distance.
fn exact(distance: f64, m: usize, n: usize) -> f64 {
    // Distances are multiples of 1/(m n): compare integers, with room for the rounding of `distance`.
    let limit = (distance * m as f64 * n as f64 - 1e-7).ceil() as i64;
    let inside = |i: usize, j: usize| (i as i64 * n as i64 - j as i64 * m as i64).abs() < limit;
    // row[j] = chance that the path visits (i, j) having stayed inside; from (i, j) it moves on by drawing from the rest.
    let mut row = vec![0.0; n + 1];
    row[0] = 1.0;
    let mut left = 0.0;
    for i in 0..=m {
        for j in 0..=n {
            let from_below = if i > 0 { row[j] * step(m - i + 1, n - j) } else { 0.0 };
            let from_left = if j > 0 { row[j - 1] * step(n - j + 1, m - i) } else { 0.0 };
            let arrived = if i == 0 && j == 0 { 1.0 } else { from_below + from_left };
            row[j] = if inside(i, j) {
                arrived
            } else {
                left += arrived;
                0.0
            };
        }
    }
    left.min(1.0)
}

/// The chance that the next draw is of the kind with `mine` left when the other kind has `other` left.
fn step(mine: usize, other: usize) -> f64 {
    mine as f64 / (mine + other) as f64
}

/// 2 Σ (-1)^(k-1) exp(-2 k² x²): Kolmogorov's limit law.
fn limit_tail(x: f64) -> f64 {
    if x < 0.2 {
        return 1.0;
    }
    let sum: f64 = (1..101)
        .map(|k| {
            let term = (-2.0 * f64::from(k * k) * x * x).exp();
            if k % 2 == 1 { term } else { -term }
        })
        .sum();
    (2.0 * sum).clamp(0.0, 1.0)
}
