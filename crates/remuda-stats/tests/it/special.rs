//! Distribution functions where libraries lose digits: far tails, shapes of millions. Values from mpmath (60 digits) and
//! SciPy 1.17.

use remuda_stats::special::{beta, binomial, gamma, kolmogorov, normal, student};

fn near(got: f64, want: f64, tolerance: f64) {
    assert!((got - want).abs() <= tolerance * want.abs(), "{got:e} instead of {want:e}");
}

#[test]
fn both_tails_of_the_incomplete_beta_keep_their_digits() {
    for (a, b, x, ln_lower, ln_upper) in [
        (0.5, 0.5, 1e-8, -9.661_923_075_598_97, -6.366_400_385_254_923e-5),
        (2.0, 3.0, 0.9999, -3.999_700_000_006_678e-12, -26.244_801_757_621_63),
        (1e4, 1.0, 0.99, -100.503_358_535_014_5, -2.248_774_849_816_280_5e-44),
        (45.0, 6.0, 0.3, -41.348_611_616_437_89, -1.102_874_614_980_669_7e-18),
        (3.0, 1e5, 5e-4, -2.478_145_963_232_497_4e-19, -42.841_606_081_769_59),
        (500.0, 500.0, 0.4, -23.197_291_456_569_367, -8.424_503_699_291_055e-11),
        (1.0, 30.0, 0.99, -1e-60, -138.155_105_579_642_74),
    ] {
        let (lower, upper) = beta::ln_incomplete(a, b, x, 1.0 - x);
        near(lower, ln_lower, 1e-11);
        near(upper, ln_upper, 1e-11);
    }
}

#[test]
fn the_inverse_beta_holds_far_out_and_with_large_shapes() {
    for (a, b, q, x) in [
        (45.0, 6.0, 1e-12, 0.414_810_651_408_518_7),
        (3.0, 1e5, 1e-30, 1.817_102_421_951_031e-15),
        (1e5, 3.0, 1e-10, 0.999_708_586_368_895_4),
        (9.5e5, 5e4, 1e-15, 0.948_250_585_880_297_6),
        (9_999_999.0, 2.0, 0.05, 0.999_999_525_613_637),
        (1.0, 1e7, 0.05, 5.129_329_425_600_043e-9),
        (0.5, 0.5, 1e-20, 2.467_401_100_272_339e-40),
        (5e6, 5e6, 1e-6, 0.499_248_418_030_706_6),
    ] {
        near(beta::inverse(a, b, q).0, x, 1e-10);
        // The mirror image gives the complement.
        near(beta::inverse_of_tails(b, a, 1.0 - q, q).1, x, 1e-10);
    }
}

#[test]
fn quantiles_return_to_their_probabilities() {
    for p in [1e-300, 1e-12, 0.001, 0.3, 0.5, 0.9, 0.999_999] {
        near(normal::cdf(normal::quantile(p)), p, if p < 1e-20 { 1e-9 } else { 1e-12 });
        for freedom in [0.3, 1.0, 2.5, 30.0, 1e7] {
            let t = student::quantile(p, freedom);
            if t.is_finite() && t.abs() < 1e100 {
                near(student::tail(-t, freedom), p, 1e-9);
            }
            let x = gamma::chi_square_quantile(p, freedom);
            if x > 1e-290 {
                near(gamma::ln_incomplete(freedom / 2.0, x / 2.0).0.exp(), p, 1e-8);
            }
        }
    }
    assert_eq!(normal::quantile(0.0), f64::NEG_INFINITY);
    assert_eq!(normal::quantile(1.0), f64::INFINITY);
    assert_eq!(student::quantile(0.5, 3.0), 0.0);
}

#[test]
fn binomial_probabilities_add_up_to_their_tails() {
    for (n, p) in [(1, 0.3), (7, 0.9), (40, 0.01), (300, 0.5)] {
        let all: Vec<f64> = (0..=n).map(|k| binomial::probability(k, n, p)).collect();
        near(all.iter().sum(), 1.0, 1e-13);
        for k in 0..=n {
            near(binomial::at_least(k, n, p), all[k as usize..].iter().sum(), 1e-11);
            near(binomial::at_most(k, n, p), all[..=k as usize].iter().sum(), 1e-11);
        }
    }
    // Ten million rows.
    near(binomial::at_least(9_000_000, 10_000_000, 0.9), 0.500_266_330_621_194_3, 1e-8);
}

#[test]
fn the_exact_two_sample_distance_counts_paths() {
    // SciPy 1.17, ks_2samp(method="exact").
    near(kolmogorov::two_sample_tail(4.0 / 7.0, 6, 7), 0.146_853_146_853_146_85, 1e-12);
    near(kolmogorov::two_sample_tail(0.083_333_333_333_333_33, 300, 200), 0.361_610_306_906_316_74, 1e-10);
    // Beyond the exact range the limit law: SciPy's exact value is 0.05098.
    near(kolmogorov::two_sample_tail(0.0312, 5000, 3000), 0.050_984_665_783_469_66, 0.03);
    assert_eq!(kolmogorov::two_sample_tail(0.0, 5, 5), 1.0);
}
