//! Proves the promised error rates: simulates gates whose truth lies exactly at the threshold, where a criterion must not
//! be met, and prints how often each method says *met* nevertheless.
//!
//!     cargo run --release -p remuda-stats --example error_rates
//!
//! Every row is a population whose true value is known in closed form. `±` is two Monte Carlo standard errors. The first
//! rows show what comparing point estimates does. The table stands in docs/concepts/error-rates.md.

#![expect(clippy::print_stdout, reason = "a program whose output is a table")]

use remuda_stats::calibration;
use remuda_stats::difference::{self, Count};
use remuda_stats::sequential::planned::Look;
use remuda_stats::special::normal;
use remuda_stats::{
    Estimate, Result, auc, bootstrap, classification, cluster, f1, fairness, mean, paired, proportion, quantile,
};
use remuda_stats::{regression, sequential};
use std::process::ExitCode;

/// The promise: a criterion `@95%` is wrongly met in at most 5 % of tries.
const RISK: f64 = 0.05;
/// What methods that are exact in the limit only may lie above it.
const SLACK: f64 = 0.01;
const CONFIDENCE: f64 = 1.0 - RISK;

fn main() -> ExitCode {
    // A smaller share of the simulations, for trying out: `-- 0.1`.
    let share: f64 = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1.0);
    let mut table = Table { share, broken: 0 };
    println!("| method | population | n | wrongly met | of |");
    println!("|---|---|--:|--:|--:|");
    naive(&mut table);
    rates(&mut table);
    f1_scores(&mut table);
    comparisons(&mut table);
    curves(&mut table);
    calibration_errors(&mut table);
    means(&mut table);
    cells(&mut table);
    tails(&mut table);
    groups(&mut table);
    clusters(&mut table);
    looks(&mut table);
    println!("\n{} rows above the promised {:.0} % by more than chance explains", table.broken, RISK * 100.0);
    if table.broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

struct Table {
    share: f64,
    broken: u32,
}

impl Table {
    /// Runs a simulation and prints its row; `promised` rows count as broken when they lie above the risk by more than
    /// [`SLACK`] and four standard errors. A gate that answers an error is undecided, so not met.
    fn row(
        &mut self,
        method: &str,
        population: &str,
        n: &str,
        tries: u32,
        promised: bool,
        gate: impl Fn(&mut Random) -> bool + Sync,
    ) {
        let tries = ((f64::from(tries) * self.share) as u32).max(200);
        let threads = std::thread::available_parallelism().map_or(1, |count| count.get() as u32).min(tries);
        let met: u32 = std::thread::scope(|scope| {
            let run = |first: u32| {
                let gate = &gate;
                move || {
                    (first..tries).step_by(threads as usize).filter(|number| gate(&mut Random::new(*number))).count()
                        as u32
                }
            };
            let workers: Vec<_> = (0..threads).map(|first| scope.spawn(run(first))).collect();
            workers.into_iter().map(|worker| worker.join().unwrap_or(tries)).sum()
        });
        let rate = f64::from(met) / f64::from(tries);
        let error = (rate.max(1.0 / f64::from(tries)) * (1.0 - rate) / f64::from(tries)).sqrt();
        let broken = promised && rate - 4.0 * error > RISK + SLACK;
        self.broken += u32::from(broken);
        let mark = if broken { " (!)" } else { "" };
        println!("| {method} | {population} | {n} | {:.2} % ± {:.2}{mark} | {tries} |", rate * 100.0, 200.0 * error);
    }
}

/// Met in the sense of `quantity >= threshold`.
fn reaches(estimate: Result<Estimate>, threshold: f64) -> bool {
    estimate.is_ok_and(|estimate| estimate.lower >= threshold)
}

/// Met in the sense of `quantity <= threshold`.
fn stays(estimate: Result<Estimate>, threshold: f64) -> bool {
    estimate.is_ok_and(|estimate| estimate.upper <= threshold)
}

fn naive(table: &mut Table) {
    for (truth, n) in [(0.88, 300_u64), (0.88, 1_000), (0.9, 300)] {
        table.row(
            "point estimate",
            &format!("accuracy {truth} against 0.9"),
            &n.to_string(),
            100_000,
            false,
            |random| random.binomial(n, truth) as f64 / n as f64 >= 0.9,
        );
    }
    table.row("point estimate, best of 20", "accuracy 0.88 against 0.9", "300", 20_000, false, |random| {
        (0..20).any(|_| random.binomial(300, 0.88) >= 270)
    });
}

fn rates(table: &mut Table) {
    for n in [30_u64, 100, 300, 1_000, 3_000] {
        for threshold in [0.5, 0.9, 0.99] {
            table.row("Clopper-Pearson", &format!("rate {threshold}"), &n.to_string(), 100_000, true, |random| {
                reaches(proportion::rate(random.binomial(n, threshold), n, CONFIDENCE), threshold)
            });
        }
    }
    // Recall of a rare class: how many positives there are is chance too.
    table.row("Clopper-Pearson", "recall 0.8 of a class of 2 %", "3000 rows", 100_000, true, |random| {
        let positives = random.binomial(3_000, 0.02);
        positives > 0 && reaches(proportion::rate(random.binomial(positives, 0.8), positives, CONFIDENCE), 0.8)
    });
}

fn f1_scores(table: &mut Table) {
    // Cells of true positives, false positives, false negatives; the rest is neither.
    for (n, shares) in [(100, [0.4, 0.1, 0.1]), (300, [0.4, 0.1, 0.1]), (3_000, [0.016, 0.004, 0.004])] {
        let truth = 2.0 * shares[0] / (2.0 * shares[0] + shares[1] + shares[2]);
        table.row(
            "F1, exact",
            &format!("F1 {truth:.2}, class of {:.0} %", (shares[0] + shares[2]) * 100.0),
            &n.to_string(),
            100_000,
            true,
            |random| {
                let counts =
                    random.multinomial(n, &[shares[0], shares[1], shares[2], 1.0 - shares.iter().sum::<f64>()]);
                reaches(f1::binary(counts[0], counts[1], counts[2], CONFIDENCE), truth)
            },
        );
    }
}

fn comparisons(table: &mut Table) {
    // Shares of rows that only the new model has right, and only the old one.
    for (n, only_new, only_old) in [
        (30, 0.1, 0.1),
        (100, 0.1, 0.1),
        (300, 0.05, 0.05),
        (1_000, 0.02, 0.02),
        (3_000, 0.01, 0.01),
        (1_000, 0.05, 0.055),
    ] {
        let margin = only_new - only_old;
        table.row(
            "paired rates, Tango",
            &format!("difference {margin:.3}, {:.1} % disagree", (only_new + only_old) * 100.0),
            &n.to_string(),
            100_000,
            true,
            |random| {
                let counts = random.multinomial(n, &[only_new, only_old, 1.0 - only_new - only_old]);
                reaches(paired::difference(counts[0], counts[1], n, CONFIDENCE), margin)
            },
        );
    }
    for n in [30_u64, 100, 1_000] {
        table.row("difference of two rates, Newcombe", "0.9 and 0.9", &format!("{n} + {n}"), 100_000, true, |random| {
            let [first, second] = [(); 2].map(|()| Count { successes: random.binomial(n, 0.9), n });
            reaches(difference::estimate(first, second, CONFIDENCE), 0.0)
        });
    }
}

fn curves(table: &mut Table) {
    // Binormal scores: the area is Φ(shift / √2).
    for (positives, negatives, truth) in
        [(15, 15, 0.8), (30, 270, 0.8), (30, 2_970, 0.9), (150, 150, 0.8), (300, 2_700, 0.95)]
    {
        let shift = normal::quantile(truth) * 2f64.sqrt();
        let name = if positives < 100 { "AUC, Newcombe 5" } else { "AUC, DeLong on the logit" };
        table.row(
            name,
            &format!("AUC {truth}, {positives} positives"),
            &(positives + negatives).to_string(),
            20_000,
            true,
            |random| {
                let positive: Vec<bool> = (0..positives + negatives).map(|row| row < positives).collect();
                let scores: Vec<f64> =
                    positive.iter().map(|is| random.normal() + if *is { shift } else { 0.0 }).collect();
                reaches(auc::estimate(&scores, &positive, CONFIDENCE), truth)
            },
        );
    }
    for (positives, negatives) in [(50, 250), (300, 700)] {
        table.row(
            "two AUCs, paired DeLong",
            "equal, scores correlated 0.5",
            &(positives + negatives).to_string(),
            20_000,
            true,
            |random| {
                let positive: Vec<bool> = (0..positives + negatives).map(|row| row < positives).collect();
                let (mut first, mut second) = (Vec::new(), Vec::new());
                for is in &positive {
                    let shared = random.normal();
                    let shift = if *is { 1.2 } else { 0.0 };
                    first.push(shift + (shared + random.normal()) / 2f64.sqrt());
                    second.push(shift + (shared + random.normal()) / 2f64.sqrt());
                }
                reaches(auc::paired_difference(&first, &second, &positive, CONFIDENCE), 0.0)
            },
        );
    }
}

fn calibration_errors(table: &mut Table) {
    // Scores are the true probability, raised by a shift of 0.06: that is the error in every bin.
    let draw = |random: &mut Random, n: usize, shift: f64| -> (Vec<f64>, Vec<bool>) {
        (0..n)
            .map(|_| {
                let truth = 0.1 + 0.8 * random.open();
                (truth + shift, random.open() < truth)
            })
            .unzip()
    };
    let estimate = |(scores, positive): (Vec<f64>, Vec<bool>)| {
        let binning = calibration::Binning::EqualWidth;
        calibration::expected_calibration_error_estimate(&scores, &positive, 15, binning, CONFIDENCE)
    };
    for n in [300_usize, 2_000, 25_000] {
        let tries = if n > 10_000 { 1_000 } else { 10_000 };
        table.row("calibration error, at most", "0.06 in every bin", &n.to_string(), tries, true, |random| {
            stays(estimate(draw(random, n, 0.06)), 0.06)
        });
        table.row("calibration error, at least", "0.06 in every bin", &n.to_string(), tries, true, |random| {
            reaches(estimate(draw(random, n, 0.06)), 0.06)
        });
        table.row("calibration error, at least", "none: lower bound above 0", &n.to_string(), tries, true, |random| {
            estimate(draw(random, n, 0.0)).is_ok_and(|found| found.lower > 0.0)
        });
    }
}

fn means(table: &mut Table) {
    for n in [30_usize, 100, 300, 1_000] {
        // Absolute errors of a normal: mean √(2/π).
        let truth = (2.0 / std::f64::consts::PI).sqrt();
        table.row("mean absolute error", "normal errors", &n.to_string(), 4_000, true, |random| {
            let losses: Vec<f64> = (0..n).map(|_| random.normal().abs()).collect();
            stays(mean::estimate(&losses, CONFIDENCE), truth)
        });
        // A long tail: log-normal losses, mean exp(1/2), skew 6.2.
        table.row("mean cost", "log-normal losses, skew 6.2", &n.to_string(), 4_000, false, |random| {
            let losses: Vec<f64> = (0..n).map(|_| random.normal().exp()).collect();
            stays(mean::estimate(&losses, CONFIDENCE), 0.5f64.exp())
        });
    }
    for n in [100_usize, 1_000] {
        table.row("RMSE", "normal errors", &n.to_string(), 4_000, true, |random| {
            let errors: Vec<f64> = (0..n).map(|_| random.normal()).collect();
            stays(regression::root_mean_squared_error_estimate(&vec![0.0; n], &errors, CONFIDENCE), 1.0)
        });
    }
}

fn cells(table: &mut Table) {
    // Three classes, confused with their neighbours; the last is rare. Cells in order truth x prediction.
    let common = [0.36, 0.03, 0.01, 0.03, 0.24, 0.03, 0.01, 0.03, 0.26];
    let rare = [0.57, 0.02, 0.01, 0.03, 0.32, 0.01, 0.005, 0.005, 0.03];
    for (name, shares) in [("three common classes", common), ("one class of 4 %", rare)] {
        for n in [100_u64, 300, 1_000, 3_000] {
            let score = |counts: &[f64]| {
                let matrix = classification::Matrix { counts, classes: 3 };
                classification::average_f_beta(matrix, classification::Average::Macro, 1.0).unwrap_or(f64::NAN)
            };
            let truth = score(&shares);
            table.row("macro F1, BCa over cells", name, &n.to_string(), 2_000, false, |random| {
                reaches(bootstrap::cells(&random.multinomial(n, &shares), score, 1_000, 7, CONFIDENCE), truth)
            });
        }
    }
    let matthews =
        |counts: &[f64]| classification::matthews(classification::Matrix { counts, classes: 2 }).unwrap_or(f64::NAN);
    for n in [100_u64, 1_000] {
        let shares = [0.6, 0.1, 0.05, 0.25];
        table.row("MCC, BCa over cells", "two classes", &n.to_string(), 2_000, false, |random| {
            reaches(
                bootstrap::cells(&random.multinomial(n, &shares), matthews, 1_000, 7, CONFIDENCE),
                matthews(&shares),
            )
        });
    }
}

fn tails(table: &mut Table) {
    for n in [300_usize, 1_000, 3_000] {
        // The 99 % quantile of an exponential is ln 100.
        table.row("p99, order statistics", "exponential", &n.to_string(), 20_000, true, |random| {
            let values: Vec<f64> = (0..n).map(|_| -random.open().ln()).collect();
            stays(quantile::estimate(&values, 0.99, CONFIDENCE), 100f64.ln())
        });
    }
}

fn groups(table: &mut Table) {
    for n in [100_u64, 1_000] {
        let rate = 0.8;
        table.row("largest gap between groups", "three groups, gap 0.1", &format!("3 x {n}"), 2_000, true, |random| {
            let counts = [rate, rate, rate - 0.1].map(|rate| Count { successes: random.binomial(n, rate), n });
            stays(fairness::gap_estimate(&counts, CONFIDENCE), 0.1)
        });
        table.row(
            "smallest ratio between groups",
            "two groups, ratio 0.8",
            &format!("2 x {n}"),
            20_000,
            true,
            |random| {
                let counts = [0.5, 0.4].map(|rate| Count { successes: random.binomial(n, rate), n });
                reaches(fairness::ratio_estimate(&counts, CONFIDENCE), 0.8)
            },
        );
    }
}

fn clusters(table: &mut Table) {
    // Each of m groups has its own rate, beta distributed around 0.8 with correlation 0.2 within a group.
    for (m, size) in [(30_usize, 10_u64), (100, 10), (300, 10)] {
        let draw = move |random: &mut Random| -> (Vec<f64>, Vec<f64>) {
            (0..m)
                .map(|_| {
                    let rows = 1 + random.binomial(2 * size, 0.5);
                    let rate = random_beta(random);
                    (random.binomial(rows, rate) as f64, rows as f64)
                })
                .unzip()
        };
        let place = format!("{m} groups of about {size}");
        table.row(
            "rate taken as independent",
            "rate 0.8, correlation 0.2 in groups",
            &place,
            20_000,
            false,
            move |random| {
                let (hits, rows) = draw(random);
                reaches(
                    proportion::rate(hits.iter().sum::<f64>() as u64, rows.iter().sum::<f64>() as u64, CONFIDENCE),
                    0.8,
                )
            },
        );
        table.row(
            "rate `by` group, Korn-Graubard",
            "rate 0.8, correlation 0.2 in groups",
            &place,
            20_000,
            true,
            move |random| {
                let (hits, rows) = draw(random);
                reaches(cluster::rate(&hits, &rows, CONFIDENCE), 0.8)
            },
        );
    }
}

/// Beta(3.2, 0.8): mean 0.8, correlation 1 / (1 + 4) = 0.2 within a group.
fn random_beta(random: &mut Random) -> f64 {
    let (first, second) = (random.gamma(3.2), random.gamma(0.8));
    first / (first + second)
}

fn looks(table: &mut Table) {
    table.row("ten looks, each at 95 %", "accuracy 0.9, ten candidates", "300", 20_000, false, |random| {
        (0..10).any(|_| reaches(proportion::rate(random.binomial(300, 0.9), 300, CONFIDENCE), 0.9))
    });
    table.row("ten looks at risk/10", "accuracy 0.9, ten candidates", "300", 20_000, true, |random| {
        (0..10).any(|_| reaches(proportion::rate(random.binomial(300, 0.9), 300, 1.0 - RISK / 10.0), 0.9))
    });
    let stages = [200, 400, 600, 800, 1_000];
    table.row("five looks while labels arrive, each at 95 %", "rate 0.9", "1000", 20_000, false, move |random| {
        let mut hits = 0;
        stages.iter().any(|n| {
            hits += random.binomial(200, 0.9);
            reaches(proportion::rate(hits, *n, CONFIDENCE), 0.9)
        })
    });
    if let Ok(plan) = sequential::planned::pass_marks(&stages, 0.9, RISK) {
        table.row("five planned looks", "rate 0.9", "1000", 100_000, true, move |random| {
            let mut hits = 0;
            plan.pass_marks.iter().any(|mark| {
                hits += random.binomial(200, 0.9);
                mark.is_some_and(|mark| hits >= mark)
            })
        });
    }
    // The rows of a class arrive by chance: its looks are planned by the share of all rows, and decided exactly.
    table.row(
        "five planned looks, exact for the class's own rows",
        "recall 0.8, a fifth",
        "1000",
        20_000,
        true,
        move |random| {
            let (mut rows, mut hits, mut taken) = (0, 0, Vec::new());
            stages.iter().any(|n| {
                let more = random.binomial(200, 0.2);
                rows += more;
                hits += random.binomial(more, 0.8);
                taken.push(Look { rows, share: *n as f64 / 1_000.0 });
                let risk = sequential::planned::local_risk(&taken, 0.8, RISK).unwrap_or(0.0);
                risk > 0.0 && reaches(proportion::rate(hits, rows, 1.0 - risk), 0.8)
            })
        },
    );
    table.row(
        "five planned looks, by increments of the spending",
        "mean 0, normal",
        "1000",
        20_000,
        true,
        move |random| {
            let mut values: Vec<f64> = Vec::new();
            let mut before = 0.0;
            stages.iter().any(|n| {
                values.extend((0..200).map(|_| random.normal()));
                let spent = sequential::planned::spent(RISK, *n as f64 / 1_000.0).unwrap_or(0.0);
                let risk = spent - before;
                before = spent;
                reaches(mean::estimate(&values, 1.0 - risk), 0.0)
            })
        },
    );
    table.row("40 looks at risk / (k (k + 1))", "mean 0, normal", "2000", 4_000, true, |random| {
        let mut values: Vec<f64> = Vec::new();
        (1..=40).any(|look| {
            values.extend((0..50).map(|_| random.normal()));
            reaches(mean::estimate(&values, 1.0 - RISK / f64::from(look * (look + 1))), 0.0)
        })
    });
    table.row("a look after every 10 rows, anytime-valid", "rate 0.9", "1000", 4_000, true, |random| {
        let mut hits = 0;
        (1..=100).any(|look| {
            hits += random.binomial(10, 0.9);
            sequential::rate::test_above(hits, look * 10, 0.9, RISK).is_ok_and(|test| test.p_value <= RISK)
        })
    });
}

/// SplitMix64 (Steele, Lea & Flood 2014), one stream per try.
struct Random(u64);

impl Random {
    fn new(number: u32) -> Self {
        let mut random = Self((u64::from(number) + 1).wrapping_mul(0xd134_2543_de82_ef95));
        random.bits();
        random
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In (0, 1).
    fn open(&mut self) -> f64 {
        ((self.bits() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Box and Muller (1958).
    fn normal(&mut self) -> f64 {
        (-2.0 * self.open().ln()).sqrt() * (std::f64::consts::TAU * self.open()).cos()
    }

    fn binomial(&mut self, n: u64, p: f64) -> u64 {
        (0..n).filter(|_| self.open() < p).count() as u64
    }

    fn multinomial(&mut self, n: u64, shares: &[f64]) -> Vec<u64> {
        let mut counts = vec![0; shares.len()];
        for _ in 0..n {
            let mut left = self.open();
            let place = shares.iter().position(|share| {
                left -= share;
                left < 0.0
            });
            counts[place.unwrap_or(shares.len() - 1)] += 1;
        }
        counts
    }

    /// Marsaglia and Tsang (2000); shapes under one by their boost.
    fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            return self.gamma(shape + 1.0) * self.open().powf(1.0 / shape);
        }
        let d = shape - 1.0 / 3.0;
        loop {
            let z = self.normal();
            let v = (1.0 + z / (9.0 * d).sqrt()).powi(3);
            if v > 0.0 && self.open().ln() < 0.5 * z * z + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }
}
