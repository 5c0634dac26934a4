//! Cases about counts and rates: proportions, pairs, plans, looks.

use super::{Answer, Inputs, Put};
use remuda_stats::adaptivity::{self, Adaptivity};
use remuda_stats::difference::{self, Count};
use remuda_stats::multiplicity::{self, Adjustment};
use remuda_stats::sequential::{mixture, planned, rate};
use remuda_stats::{Interval, Result, label_noise, paired, paired_numbers, price, proportion};
use serde_json::Value;

fn interval(interval: Result<Interval>) -> Answer {
    let mut answer = Answer::new();
    answer.put_result("low", interval.clone().map(|i| i.low));
    answer.put_result("high", interval.map(|i| i.high));
    answer
}

pub(super) fn proportion(method: &str, inputs: Inputs<'_>) -> Option<Answer> {
    let (k, n, level) = (inputs.u("k"), inputs.u("n"), inputs.f_or("level", 0.95));
    let mut answer = Answer::new();
    match method {
        "Clopper-Pearson two-sided" => return Some(interval(proportion::clopper_pearson(k, n, level))),
        "Wilson two-sided" | "wilson" => return Some(interval(proportion::wilson(k, n, level))),
        "Wilson with continuity correction" => return Some(interval(proportion::wilson_corrected(k, n, level))),
        "agresti_coull" => return Some(interval(proportion::agresti_coull(k, n, level))),
        "jeffreys" => return Some(interval(proportion::jeffreys(k, n, level))),
        "normal" | "wald" => return Some(interval(proportion::wald(k, n, level))),
        "Clopper-Pearson one-sided bounds" => {
            let rate = proportion::rate(k, n, level);
            answer.put_result("lower_bound", rate.clone().map(|r| r.lower));
            answer.put_result("upper_bound", rate.map(|r| r.upper));
        }
        "exact binomial test of p >= threshold" => {
            answer.put_result("p_greater", proportion::test_greater(k, n, inputs.f("p0")));
            answer.put_result("p_less", proportion::test_less(k, n, inputs.f("p0")));
            answer.put_result("p_two_sided", proportion::test_two_sided(k, n, inputs.f("p0")));
        }
        _ => return None,
    }
    Some(answer)
}

pub(super) fn paired(method: &str, inputs: Inputs<'_>) -> Option<Answer> {
    let mut answer = Answer::new();
    if method.starts_with("TOST") {
        let (new, old) = (inputs.list("new"), inputs.list("old"));
        answer.put_result("p", paired::equivalence(&new, &old, inputs.f("low"), inputs.f("high")));
        return Some(answer);
    }
    if inputs.has("new") && inputs.has("old") {
        numbers(&mut answer, method, inputs);
        return Some(answer);
    }
    let (a, b) = (inputs.u("both_right"), inputs.u("only_new_right"));
    let (c, d) = (inputs.u("only_old_right"), inputs.u("both_wrong"));
    let n = a + b + c + d;
    let level = inputs.f_or("level", 0.95);
    if method.starts_with("McNemar") {
        let test = paired::mcnemar(b, c);
        answer.put("p_exact", test.exact).put("chi2_cc", test.chi_square_corrected);
        answer.put("p_cc", test.asymptotic_corrected).put("chi2", test.chi_square).put("p", test.asymptotic);
        answer.put("p_mid", test.mid).put("p_one_sided_new_better", test.new_better);
    } else if method.starts_with("Newcombe") {
        answer = interval(paired::newcombe(a, b, c, d, level));
        answer.put("diff", (b as f64 - c as f64) / n as f64);
    } else if method.starts_with("Tango") {
        let difference = paired::difference(b, c, n, 1.0 - (1.0 - level) / 2.0).unwrap();
        answer.put("diff", difference.value).put("low", difference.lower).put("high", difference.upper);
    } else {
        return None;
    }
    Some(answer)
}

/// Two columns of numbers: Wilcoxon's test where it is named, else Student's.
fn numbers(answer: &mut Answer, method: &str, inputs: Inputs<'_>) {
    let (new, old) = (inputs.list("new"), inputs.list("old"));
    let student = paired_numbers::t_test(&new, &old, inputs.f_or("level", 0.95)).unwrap();
    let ranks = paired_numbers::signed_rank(&new, &old).unwrap();
    let of_ranks = method.contains("Wilcoxon") && !method.contains("t test") && !method.contains("t-test");
    let (statistic, p) = if of_ranks { (ranks.statistic, ranks.p_value) } else { (student.statistic, student.p_value) };
    answer.put("statistic", statistic).put("p", p).put("t", student.statistic).put("df", student.freedom);
    answer.put("p_t", student.p_value).put("w", ranks.statistic).put("p_wilcoxon", ranks.p_value);
    answer.put("diff", student.difference).put("mean_diff", student.difference);
    answer.put("low", student.interval.low).put("high", student.interval.high);
}

pub(super) fn f1(inputs: Inputs<'_>) -> Option<Answer> {
    let (tp, fp, fn_) = (inputs.u("tp"), inputs.u("fp"), inputs.u("fn"));
    let estimate = remuda_stats::f1::binary(tp, fp, fn_, 1.0 - (1.0 - inputs.f("level")) / 2.0);
    let mut answer = Answer::new();
    answer.put_result("f1", estimate.clone().map(|e| e.value));
    answer.put_result("low", estimate.clone().map(|e| e.lower));
    answer.put_result("high", estimate.map(|e| e.upper));
    Some(answer)
}

pub(super) fn special(method: &str, inputs: Inputs<'_>) -> Option<Answer> {
    use remuda_stats::special::{beta, gamma, normal, student};
    let mut answer = Answer::new();
    match method {
        "inverse regularized incomplete beta" => {
            answer.put("x", beta::inverse(inputs.f("a"), inputs.f("b"), inputs.f("q")).0)
        }
        "normal quantile" => answer.put("z", normal::quantile(inputs.f("q"))),
        "t quantile" => answer.put("t", student::quantile(inputs.f("q"), inputs.f("df"))),
        "chi-square tail" => answer.put("p", gamma::chi_square_tail(inputs.f("x"), inputs.f("df"))),
        "chi-square quantile" => answer.put("x", gamma::chi_square_quantile(inputs.f("q"), inputs.f("df"))),
        "regularized incomplete beta" => answer.put("p", beta::incomplete(inputs.f("a"), inputs.f("b"), inputs.f("x"))),
        _ => return None,
    };
    Some(answer)
}

pub(super) fn labels_needed(method: &str, inputs: Inputs<'_>) -> Option<Answer> {
    let mut answer = Answer::new();
    let alpha = inputs.f("alpha");
    if method.starts_with("one proportion against a threshold") {
        let needed = price::labels_for_rate(inputs.f("threshold"), inputs.f("assumed"), 1.0 - alpha, inputs.f("power"));
        let field = |value: Option<u64>| value.map_or(Value::Null, Value::from);
        answer.put("n_first", field(needed.map(|n| n.first)));
        answer.put("n_stable_over_51", field(needed.map(|n| n.stable)));
        answer.put("n_normal", field(needed.map(|n| n.normal)));
    } else if method.starts_with("pass mark") {
        let (n, threshold) = (inputs.u("n"), inputs.f("threshold"));
        let mark = price::pass_mark(n, threshold, alpha).unwrap();
        answer.put("k_pass", mark.map_or(Value::Null, Value::from));
        answer.put("rate", mark.map_or(Value::Null, |mark| Value::from(mark as f64 / n as f64)));
        answer.put_result("prob_pass", price::pass_probability(n, threshold, alpha, inputs.f("assumed")));
    } else if method.starts_with("McNemar sample size") {
        let (b, c) = (inputs.f("p_only_new_right"), inputs.f("p_only_old_right"));
        let n = price::connor(b, c, alpha, inputs.f("power"));
        answer.put_result("n", n.clone()).put_result("n_ceil", n.clone().map(f64::ceil));
        answer.put_result("expected_disagreements", n.map(|n| n * (b + c)));
    } else if method.contains("Cohen h") {
        answer.put_result("n_per_arm", price::cohen_h(inputs.f("p1"), inputs.f("p2"), alpha, inputs.f("power")));
    } else {
        return None;
    }
    Some(answer)
}

pub(super) fn two_proportions(method: &str, function: &str, inputs: Inputs<'_>) -> Option<Answer> {
    let mut answer = Answer::new();
    if inputs.has("table") {
        // Columns are the groups.
        let table = inputs.table("table");
        let column = |j: usize| Count { successes: table[0][j] as u64, n: (table[0][j] + table[1][j]) as u64 };
        let (one, two) = (column(0), column(1));
        if method.starts_with("Boschloo") {
            answer.put_result("p", difference::boschloo_greater(one, two));
        } else if method.starts_with("Fisher") {
            let greater = function.contains("greater");
            let test = if greater { difference::fisher_greater } else { difference::fisher_two_sided };
            answer.put_result("p", test(one, two));
            answer.put_result("p_greater", difference::fisher_greater(one, two));
        } else {
            return None;
        }
        return Some(answer);
    }
    let one = Count { successes: inputs.u("k1"), n: inputs.u("n1") };
    let two = Count { successes: inputs.u("k2"), n: inputs.u("n2") };
    let level = inputs.f("level");
    answer = interval(match method.rsplit(", ").next()? {
        "newcomb" => difference::newcombe(one, two, level),
        "agresti-caffo" => difference::agresti_caffo(one, two, level),
        "wald" => difference::wald(one, two, level),
        "score" => difference::score(one, two, level),
        _ => return None,
    });
    answer.put("diff", one.successes as f64 / one.n as f64 - two.successes as f64 / two.n as f64);
    Some(answer)
}

pub(super) fn multiplicity(method: &str, inputs: Inputs<'_>) -> Option<Answer> {
    let adjustment = match method {
        "bonferroni" => Adjustment::Bonferroni,
        "sidak" => Adjustment::Sidak,
        "holm" => Adjustment::Holm,
        "hommel" => Adjustment::Hommel,
        "simes-hochberg" => Adjustment::Hochberg,
        "fdr_bh" => Adjustment::BenjaminiHochberg,
        "fdr_by" => Adjustment::BenjaminiYekutieli,
        _ => return None,
    };
    let adjusted = multiplicity::adjust(&inputs.list("p"), adjustment).unwrap();
    let reject: Vec<bool> = adjusted.iter().map(|p| *p <= inputs.f("alpha")).collect();
    let mut answer = Answer::new();
    answer.put("adjusted", adjusted).put("reject", reject);
    Some(answer)
}

pub(super) fn sequential(method: &str, inputs: Inputs<'_>) -> Option<Answer> {
    let mut answer = Answer::new();
    let tuning = |time: &str| mixture::Tuning { time: inputs.f(time), risk: inputs.f_or("alpha_opt", 0.05) };
    let alpha = inputs.f_or("alpha", 0.05);
    if method.starts_with("normal-mixture") {
        answer.put_result("two_sided", mixture::normal_two_sided(inputs.f("v"), alpha, tuning("v_opt")));
        answer.put_result("one_sided", mixture::normal_one_sided(inputs.f("v"), alpha, tuning("v_opt")));
    } else if method.starts_with("gamma-exponential") {
        let bound = mixture::gamma_exponential(inputs.f("v"), alpha, inputs.f("c"), tuning("v_opt"));
        answer.put_result("bound", bound);
    } else if method.starts_with("Bernoulli confidence sequence") {
        answer = interval(rate::confidence_sequence(inputs.u("k"), inputs.u("n"), alpha, tuning("t_opt")));
    } else if method.starts_with("anytime-valid interval of a rate") {
        let (k, n) = (inputs.u("k"), inputs.u("n"));
        answer = interval(rate::interval(k, n, alpha, inputs.f("a"), inputs.f("b")));
        let fixed = proportion::clopper_pearson(k, n, 1.0 - alpha);
        answer.put_result("fixed_n_low", fixed.clone().map(|i| i.low));
        answer.put_result("fixed_n_high", fixed.map(|i| i.high));
    } else if method.starts_with("Wald SPRT") {
        let (p0, p1) = (inputs.f("p0"), inputs.f("p1"));
        let test = rate::ratio_test(inputs.u("k"), inputs.u("n"), p0, p1, alpha, inputs.f("beta")).unwrap();
        answer.put("llr", test.log_ratio).put("accept_above", test.accept_above);
        answer.put("reject_below", test.reject_below);
    } else if method.starts_with("mSPRT") {
        let (n, tau) = (inputs.u("n"), inputs.f("tau"));
        let test = mixture::mixture_test(inputs.f("mean_diff"), inputs.f("variance"), n, tau).unwrap();
        answer.put("lam", test.ratio).put("p", test.p_value);
    } else if method.starts_with("planned looks") {
        let plan = planned::pass_marks(&inputs.counts("looks"), inputs.f("threshold"), alpha).unwrap();
        let marks: Vec<Value> = plan.pass_marks.iter().map(|mark| mark.map_or(Value::Null, Value::from)).collect();
        answer.put("pass_marks", marks).put("alpha_used", plan.risk_used);
    } else if method.starts_with("one-sided anytime test") {
        let test = rate::test_above(inputs.u("k"), inputs.u("n"), inputs.f("p0"), alpha).unwrap();
        answer.put("log_e", test.log_evidence).put("anytime_p", test.p_value).put("passes", test.passes);
    } else {
        return None;
    }
    Some(answer)
}

pub(super) fn easeml_ci(method: &str, inputs: Inputs<'_>) -> Option<Answer> {
    let mut answer = Answer::new();
    let steps = inputs.u("steps");
    if method.starts_with("labels for") {
        let (risk, epsilon) = (1.0 - inputs.f("reliability"), inputs.f("epsilon"));
        for (name, adaptivity) in [("none", Adaptivity::None), ("full", Adaptivity::Full)] {
            let one = adaptivity::hoeffding(1.0, epsilon, risk, steps, adaptivity);
            let two = adaptivity::hoeffding_difference(epsilon, risk, steps, adaptivity);
            answer.put_result(&format!("n_{name}"), one.map(f64::ceil));
            answer.put_result(&format!("diff_{name}"), two.map(f64::ceil));
        }
    } else if method.starts_with("Bennett") {
        let adaptivity = if inputs.0["adaptivity"] == "full" { Adaptivity::Full } else { Adaptivity::None };
        let bennett =
            adaptivity::bennett(inputs.f("p"), inputs.f("epsilon"), inputs.f("delta"), steps, adaptivity).unwrap();
        answer.put("labels", bennett.labels).put("labelled_only_where_they_differ", bennett.where_they_differ);
    } else {
        return None;
    }
    Some(answer)
}

pub(super) fn label_noise(method: &str, inputs: Inputs<'_>) -> Option<Answer> {
    use label_noise::Measured;
    let mut answer = Answer::new();
    if method.starts_with("Rogan-Gladen") {
        let measured = |value: &str, n: &str| Measured { value: inputs.f(value), n: inputs.u(n) };
        let corrected = label_noise::rogan_gladen(
            measured("observed", "n"),
            measured("sensitivity", "n_se"),
            measured("specificity", "n_sp"),
        )
        .unwrap();
        answer.put("corrected", corrected.value).put("se", corrected.standard_error);
        Some(answer)
    } else if method.starts_with("worst-case") {
        Some(interval(label_noise::worst_case(inputs.f("accuracy"), inputs.f("label_error"))))
    } else {
        None
    }
}
