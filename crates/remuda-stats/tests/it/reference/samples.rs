//! Cases about columns of numbers: quantiles, resamples, errors, drift, clusters.

use super::{Answer, Inputs, Put};
use remuda_stats::{
    bootstrap as resample, cluster as clusters, conformal as conform, drift as shift, mean,
    prediction_powered as powered, quantile as order, regression as errors,
};
use serde_json::{Value, json};

fn optional<T: Into<Value>>(value: Option<T>) -> Value {
    value.map_or(Value::Null, Into::into)
}

pub(super) fn quantile(method: &str, inputs: Inputs<'_>) -> Option<Answer> {
    let mut answer = Answer::new();
    if method.ends_with("by order statistics") {
        let (values, q, level) = (inputs.list("latency_ms"), inputs.f("q"), inputs.f("level"));
        let two = order::bounds(&values, q, 1.0 - (1.0 - level) / 2.0).unwrap();
        let one = order::bounds(&values, q, level).unwrap();
        answer.put("estimate", two.value);
        answer.put("low_rank", optional(two.lower_rank)).put("high_rank", optional(two.upper_rank));
        answer.put("low", optional(two.lower)).put("high", optional(two.upper));
        answer.put("one_sided_upper_rank", optional(one.upper_rank));
        answer.put("one_sided_upper", optional(one.upper));
    } else if method.starts_with("samples needed") {
        let needed: Vec<u64> = inputs.list("q").into_iter().map(|q| order::samples_needed(q, 0.95).unwrap()).collect();
        answer.put("n", needed);
    } else if method.starts_with("test that") {
        let values = inputs.list("latency_ms");
        let test = order::test_below(&values, inputs.f("q"), inputs.f("limit")).unwrap();
        answer.put("p", test.p_value).put("statistic", test.below);
    } else {
        return None;
    }
    Some(answer)
}

pub(super) fn bootstrap(method: &str, inputs: Inputs<'_>) -> Option<Answer> {
    let (data, replicates, level) = (inputs.list("data"), inputs.list("replicates"), inputs.f("level"));
    let n = data.len() as f64;
    let value = data.iter().sum::<f64>() / n;
    let interval = if method.starts_with("percentile") {
        resample::percentile(&replicates, level)
    } else if method.starts_with("basic") {
        resample::basic(value, &replicates, level)
    } else if method.starts_with("BCa") {
        let left_out: Vec<f64> = data.iter().map(|x| (value * n - x) / (n - 1.0)).collect();
        resample::bca(value, &replicates, &left_out, level)
    } else {
        return None;
    }
    .unwrap();
    let mut answer = Answer::new();
    answer.put("low", interval.low).put("high", interval.high);
    answer.put_result("se", resample::standard_error(&replicates));
    Some(answer)
}

pub(super) fn regression(method: &str, inputs: Inputs<'_>) -> Option<Answer> {
    let mut answer = Answer::new();
    if method.starts_with("one-sided t bound") {
        let bound = mean::student_t(&inputs.list("abs_error"), inputs.f("level")).unwrap();
        answer.put("mean", bound.value).put("upper", bound.upper).put("lower", bound.lower);
        return Some(answer);
    }
    let (truth, predicted) = (inputs.list("y_true"), inputs.list("y_pred"));
    answer.put_result("mae", errors::mean_absolute_error(&truth, &predicted));
    answer.put_result("rmse", errors::root_mean_squared_error(&truth, &predicted));
    answer.put_result("r2", errors::r_squared(&truth, &predicted));
    answer.put_result("mape", errors::mean_absolute_percentage_error(&truth, &predicted));
    answer.put_result("medae", errors::median_absolute_error(&truth, &predicted));
    answer.put_result("pinball_90", errors::pinball(&truth, &predicted, 0.9));
    answer.put_result("explained_variance", errors::explained_variance(&truth, &predicted));
    answer.put_result("d2_absolute", errors::d_squared_absolute(&truth, &predicted));
    answer.put_result("rmsle", errors::root_mean_squared_log_error(&truth, &predicted));
    answer.put_result("bias", errors::bias(&truth, &predicted));
    Some(answer)
}

pub(super) fn drift(method: &str, inputs: Inputs<'_>) -> Option<Answer> {
    let mut answer = Answer::new();
    if method.starts_with("PSI null distribution") {
        let (bins, reference, level) = (inputs.u("bins"), inputs.u("n_ref"), inputs.f("level"));
        let critical: Vec<f64> = inputs
            .counts("n_cur")
            .into_iter()
            .map(|n| shift::stability_index_critical(bins, reference, n, level).unwrap())
            .collect();
        answer.put("critical", critical);
    } else if method.starts_with("category counts") {
        let all = shift::category_distances(&inputs.counts("reference"), &inputs.counts("current")).unwrap();
        answer.put("chi2", all.chi_square).put("df", all.freedom).put("p", all.p_value);
        answer.put("js_distance_base2", all.jensen_shannon).put("tv", all.total_variation);
        answer.put("hellinger", all.hellinger).put("linf", all.largest_difference);
        answer.put("psi", all.stability_index).put("cramers_v", all.cramers_v);
    } else if inputs.has("reference") && inputs.has("current") {
        let (reference, current) = (inputs.list("reference"), inputs.list("current"));
        let all = shift::numeric::distances(&reference, &current).unwrap();
        answer.put("wasserstein", all.wasserstein).put("normed", optional(all.wasserstein_in_deviations));
        answer.put("energy", all.energy);
        let rank = shift::numeric::mann_whitney(&reference, &current).unwrap();
        answer.put("u", rank.statistic).put("p_mwu", rank.p_value);
        let cvm = shift::numeric::cramer_von_mises(&reference, &current).unwrap();
        answer.put("cvm", cvm.statistic).put("p_cvm", cvm.p_value);
        let ks = shift::numeric::drift(&reference, &current).unwrap();
        for name in ["statistic", "ks", "d", "D"] {
            answer.put(name, ks.distance);
        }
        for name in ["p", "p_ks", "p_exact", "p_value"] {
            answer.put(name, ks.p_value);
        }
    } else {
        return None;
    }
    Some(answer)
}

pub(super) fn cluster(method: &str, inputs: Inputs<'_>) -> Option<Answer> {
    let mut answer = Answer::new();
    if method.starts_with("stratified") {
        let (weights, k, n) = (inputs.list("weights"), inputs.counts("k"), inputs.counts("n"));
        let strata: Vec<clusters::Stratum> = weights
            .iter()
            .zip(k.iter().zip(&n))
            .map(|(weight, (k, n))| clusters::Stratum { weight: *weight, successes: *k, n: *n })
            .collect();
        let all = clusters::stratified(&strata).unwrap();
        answer.put("p", all.value).put("se", all.standard_error).put("unweighted", all.unweighted);
    } else if inputs.has("k") && inputs.has("n") {
        let ratio = clusters::ratio(&inputs.list("k"), &inputs.list("n")).unwrap();
        let level = inputs.f_or("level", 0.95);
        let t = remuda_stats::special::student::quantile(1.0 - (1.0 - level) / 2.0, ratio.freedom);
        answer.put("p", ratio.value).put("se", ratio.standard_error);
        answer.put("low", ratio.value - t * ratio.standard_error);
        answer.put("high", ratio.value + t * ratio.standard_error);
        if let Ok(effect) = clusters::design_effect(&inputs.list("k"), &inputs.list("n")) {
            answer.put("design_effect", effect.design_effect).put("deff", effect.design_effect);
            answer.put("n_effective", effect.effective_rows).put("icc", effect.intraclass_correlation);
        }
    } else {
        return None;
    }
    Some(answer)
}

pub(super) fn prediction_powered(method: &str, inputs: Inputs<'_>) -> Option<Answer> {
    let (labels, predicted) = (inputs.list("label"), inputs.list("predicted"));
    let unlabelled = inputs.list("predicted_unlabelled");
    let lambda = match method.rsplit_once("lambda=").map(|(_, lambda)| lambda.trim().parse::<f64>()) {
        Some(Ok(lambda)) => lambda,
        _ => powered::best_lambda(&labels, &predicted, &unlabelled).unwrap(),
    };
    let mut answer = Answer::new();
    let estimate = powered::mean(&labels, &predicted, &unlabelled, lambda, 1.0 - (1.0 - inputs.f("level")) / 2.0);
    answer.put_result("estimate", estimate.clone().map(|e| e.value));
    answer.put_result("low", estimate.clone().map(|e| e.lower));
    answer.put_result("high", estimate.map(|e| e.upper));
    Some(answer)
}

pub(super) fn conformal(inputs: Inputs<'_>) -> Option<Answer> {
    let (scores, alpha) = (inputs.list("scores"), inputs.f("alpha"));
    let mut answer = Answer::new();
    let threshold = conform::threshold(&scores, alpha);
    answer.put("k", json!(conform::rank(scores.len() as u64, alpha)));
    answer.put_result("qhat", threshold.map(|t| t.score));
    Some(answer)
}
