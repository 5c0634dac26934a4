//! Cases about what a model says: classes, scores, probabilities, rankings, and what annotators say.

use super::{Answer, Inputs, Put};
use remuda_stats::classification::{self, Absent, Average, Matrix};
use remuda_stats::scoring::{self, AucOfClasses};
use remuda_stats::{agreement as raters, auc as roc, calibration as calibrated, fairness as gaps, ranking as ranks};
use serde_json::json;
use std::collections::BTreeMap;

pub(super) fn auc(method: &str, inputs: Inputs<'_>) -> Option<Answer> {
    let mut answer = Answer::new();
    if method.starts_with("score-type interval") {
        let level = inputs.f("level");
        let interval = roc::newcombe(inputs.f("auc"), inputs.u("positives"), inputs.u("negatives"), level).unwrap();
        answer.put("low", interval.low).put("high", interval.high);
        return Some(answer);
    }
    if !method.starts_with("DeLong") {
        return None;
    }
    let positive = inputs.flags("y_true");
    let normal = remuda_stats::special::normal::quantile(1.0 - (1.0 - inputs.f("level")) / 2.0);
    let pair = roc::delong_paired(&inputs.list("old"), &inputs.list("new"), &positive).unwrap();
    answer.put("auc", vec![pair.first, pair.second]);
    answer.put("cov", json!([[pair.first_variance, pair.covariance], [pair.covariance, pair.second_variance]]));
    let half = normal * pair.first_variance.sqrt();
    answer.put("ci_old", vec![pair.first - half, pair.first + half]);
    let difference = roc::paired_difference(&inputs.list("new"), &inputs.list("old"), &positive, 0.975).unwrap();
    let error = (difference.upper - difference.lower) / 2.0 / remuda_stats::special::normal::quantile(0.975);
    let z = difference.value / error;
    answer.put("diff", difference.value).put("se_diff", error).put("z", z);
    answer.put("p", 2.0 * remuda_stats::special::normal::tail(z.abs()));
    Some(answer)
}

pub(super) fn classification(method: &str, inputs: Inputs<'_>) -> Option<Answer> {
    let mut answer = Answer::new();
    if inputs.has("proba") {
        let truth = inputs.classes("y_true");
        let classes = inputs.table("proba")[0].len();
        let scores = inputs.table("proba").concat();
        let auc = |kind| scoring::auc_of_classes(&scores, &truth, classes, kind);
        answer.put_result("ovr_macro", auc(AucOfClasses::OneAgainstRest));
        answer.put_result("ovr_weighted", auc(AucOfClasses::OneAgainstRestWeighted));
        answer.put_result("ovo_macro", auc(AucOfClasses::OneAgainstOne));
        answer.put_result("top2", scoring::top_k_accuracy(&scores, &truth, classes, 2));
        answer.put_result("log_loss", scoring::log_loss_of_classes(&scores, &truth, classes, f64::EPSILON));
        return Some(answer);
    }
    if inputs.has("cost") {
        cost(&mut answer, inputs);
        return Some(answer);
    }
    if inputs.has("score") {
        threshold_free(&mut answer, inputs);
    }
    if inputs.has("y_pred") {
        cells(&mut answer, method, inputs);
    }
    Some(answer)
}

fn cost(answer: &mut Answer, inputs: Inputs<'_>) {
    let table = inputs.table("cost");
    let costs = [[table[0][0], table[0][1]], [table[1][0], table[1][1]]];
    let (scores, positive) = (inputs.list("score"), inputs.flags("y_true"));
    let all = scoring::cost_by_threshold(&scores, &positive, costs).unwrap();
    answer.put("threshold", all.iter().map(|t| t.threshold).collect::<Vec<_>>());
    answer.put("mean_cost", all.iter().map(|t| t.mean_cost).collect::<Vec<_>>());
    let best = scoring::cheapest_threshold(&scores, &positive, costs).unwrap();
    answer.put("best_threshold", best.threshold).put("best", best.mean_cost);
}

fn threshold_free(answer: &mut Answer, inputs: Inputs<'_>) {
    let (scores, positive) = (inputs.list("score"), inputs.flags("y_true"));
    answer.put_result("roc_auc", roc::delong(&scores, &positive).map(|d| d.auc));
    answer.put_result("average_precision", scoring::average_precision(&scores, &positive));
    answer.put_result("log_loss", scoring::log_loss(&scores, &positive, 0.01));
    answer.put_result("brier", scoring::brier(&scores, &positive));
    answer.put_result("partial_auc_fpr_0_2", scoring::partial_auc(&scores, &positive, 0.2));
    let curve = scoring::curve(&scores, &positive).unwrap();
    // The curve by rising threshold, closed by recall 0 at precision 1.
    let steps = || curve.steps.iter().rev();
    let mut precision: Vec<f64> =
        steps().map(|s| s.true_positives as f64 / (s.true_positives + s.false_positives) as f64).collect();
    let mut recall: Vec<f64> = steps().map(|s| s.true_positives as f64 / curve.positives as f64).collect();
    precision.push(1.0);
    recall.push(0.0);
    answer.put("thresholds", steps().map(|s| s.threshold).collect::<Vec<_>>());
    answer.put("precision", precision).put("recall", recall);
    let rate = |hits: u64, all: u64| hits as f64 / all as f64;
    let mut alarms = vec![0.0];
    alarms.extend(curve.steps.iter().map(|s| rate(s.false_positives, curve.negatives)));
    let mut found = vec![0.0];
    found.extend(curve.steps.iter().map(|s| rate(s.true_positives, curve.positives)));
    answer.put("fpr", alarms).put("tpr", found);
}

fn cells(answer: &mut Answer, method: &str, inputs: Inputs<'_>) {
    let (truth, predicted) = (inputs.classes("y_true"), inputs.classes("y_pred"));
    let classes = truth.iter().chain(&predicted).max().map_or(0, |last| *last as usize + 1);
    let table = classification::confusion(&truth, &predicted, classes).unwrap();
    let counts: Vec<f64> = table.iter().map(|count| *count as f64).collect();
    let matrix = Matrix { classes, counts: &counts };
    answer.put_result("accuracy", classification::accuracy(matrix));
    answer.put_result("balanced_accuracy", classification::balanced_accuracy(matrix));
    answer.put_result("mcc", classification::matthews(matrix));
    answer.put_result("kappa", classification::kappa(matrix));
    let rows: Vec<Vec<u64>> = table.chunks(classes).map(<[u64]>::to_vec).collect();
    answer.put("confusion", json!(rows));
    let average = if method.contains("macro") {
        Some(Average::Macro)
    } else if method.contains("micro") {
        Some(Average::Micro)
    } else if method.contains("weighted") {
        Some(Average::Weighted)
    } else {
        None
    };
    if let Some(average) = average {
        let precision = classification::average_precision_of_classes(matrix, average, Absent::CountAsZero);
        answer.put_result("precision", precision);
        answer.put_result("recall", classification::average_recall(matrix, average, Absent::CountAsZero));
        answer.put_result("f1", classification::average_f_beta(matrix, average, 1.0));
    } else if classes == 2 && !answer.contains_key("precision") {
        let binary = classification::one_against_rest(matrix, 1).unwrap();
        answer.put_result("precision", classification::precision(binary));
        answer.put_result("recall", classification::recall(binary));
        answer.put_result("specificity", classification::specificity(binary));
        answer.put_result("npv", classification::negative_predictive_value(binary));
        answer.put_result("jaccard", classification::jaccard(binary));
        for (name, beta) in [("f1", 1.0), ("f2", 2.0), ("f0.5", 0.5), ("f05", 0.5), ("f_0_5", 0.5), ("f_2", 2.0)] {
            answer.put_result(name, classification::f_beta(binary, beta));
        }
        answer.put("tp", binary.true_positives).put("fp", binary.false_positives);
        answer.put("fn", binary.false_negatives).put("tn", binary.true_negatives);
    }
}

pub(super) fn calibration(method: &str, inputs: Inputs<'_>) -> Option<Answer> {
    let mut answer = Answer::new();
    let scores = inputs.list("score");
    if method.starts_with("isotonic") {
        let fit = calibrated::isotonic(&scores, &inputs.flags("y_true")).unwrap();
        answer.put("value", inputs.list("at").into_iter().map(|x| fit.at(x)).collect::<Vec<_>>());
    } else if method.starts_with("calibration slope") {
        let fit = calibrated::recalibration(&scores, &inputs.flags("y_true")).unwrap();
        answer.put("intercept", fit.intercept).put("slope", fit.slope);
        answer.put("se", vec![fit.intercept_error, fit.slope_error]);
    } else if method.starts_with("CBPE") {
        let cells = classification::expected_cells(&scores, &inputs.flags("y_pred")).unwrap();
        answer.put("tp", cells.true_positives).put("fp", cells.false_positives);
        answer.put("fn", cells.false_negatives).put("tn", cells.true_negatives);
        answer.put_result("precision", classification::precision(cells));
        answer.put_result("recall", classification::recall(cells));
        answer.put_result("f1", classification::f_beta(cells, 1.0));
        let right = cells.true_positives + cells.true_negatives;
        answer.put("accuracy", right / scores.len() as f64);
    } else if inputs.has("y_true") {
        // Reliability and calibration errors in whatever binning the case names.
        let positive = inputs.flags("y_true");
        let bins = inputs.f_or("bins", inputs.f_or("n_bins", 10.0)) as usize;
        let equal_count =
            method.contains("quantile") || method.contains("equal-count") || method.contains("equal mass");
        let binning = if equal_count { calibrated::Binning::EqualCount } else { calibrated::Binning::EqualWidth };
        let table = calibrated::reliability(&scores, &positive, bins, binning).unwrap();
        answer.put("prob_true", table.iter().map(|bin| bin.rate()).collect::<Vec<_>>());
        answer.put("prob_pred", table.iter().map(|bin| bin.mean_score).collect::<Vec<_>>());
        answer.put("count", table.iter().map(|bin| bin.n).collect::<Vec<_>>());
        answer.put_result("ece", calibrated::expected_calibration_error(&scores, &positive, bins, binning));
        answer.put_result("mce", calibrated::largest_calibration_error(&scores, &positive, bins, binning));
        answer.put_result("brier", scoring::brier(&scores, &positive));
        let parts = calibrated::brier_parts(&scores, &positive, bins, binning).unwrap();
        answer.put("reliability", parts.reliability).put("resolution", parts.resolution);
        answer.put("uncertainty", parts.uncertainty);
    } else {
        return None;
    }
    Some(answer)
}

pub(super) fn fairness(inputs: Inputs<'_>) -> Option<Answer> {
    let names: Vec<&str> = inputs.0["group"].as_array()?.iter().map(|name| name.as_str().unwrap()).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    sorted.dedup();
    let numbers: Vec<u32> =
        names.iter().map(|name| sorted.iter().position(|known| known == name).unwrap() as u32).collect();
    let groups = gaps::groups(&inputs.flags("y_true"), &inputs.flags("y_pred"), &numbers).unwrap();
    let mut answer = Answer::new();
    let recalls: Vec<_> = groups.iter().map(|group| group.recall()).collect();
    let selected: Vec<_> = groups.iter().map(|group| group.selection_rate()).collect();
    let by_group: BTreeMap<&str, f64> =
        sorted.iter().zip(&recalls).map(|(name, count)| (*name, count.successes as f64 / count.n as f64)).collect();
    answer.put("recall_by_group", json!(by_group));
    answer.put_result("recall_gap", gaps::gap(&recalls));
    answer.put_result("dp_diff", gaps::gap(&selected)).put_result("dp_ratio", gaps::ratio(&selected));
    answer.put_result("eo_diff", gaps::equalized_odds_gap(&groups));
    Some(answer)
}

pub(super) fn ranking(inputs: Inputs<'_>) -> Option<Answer> {
    let (relevance, scores) = (inputs.table("relevance"), inputs.table("score"));
    let queries = || relevance.iter().zip(&scores);
    let mut answer = Answer::new();
    type Metric<'a> = &'a dyn Fn(&[f64], &[f64]) -> remuda_stats::Result<f64>;
    let mean =
        |metric: Metric<'_>| ranks::mean_over_queries(queries().map(|(relevance, scores)| metric(relevance, scores)));
    answer.put_result("ndcg", mean(&|r, s| ranks::normalized_gain(r, s, None)));
    answer.put_result("ndcg_at_3", mean(&|r, s| ranks::normalized_gain(r, s, Some(3))));
    let per_query: Vec<f64> = queries().map(|(r, s)| ranks::normalized_gain(r, s, Some(3)).unwrap()).collect();
    answer.put("per_query_at_3", per_query);
    answer.put_result("dcg", mean(&|r, s| ranks::discounted_gain(r, s, None)));
    answer.put_result("mrr", mean(&|r, s| ranks::reciprocal_rank(r, s, None)));
    answer.put_result("p_at_3", mean(&|r, s| ranks::precision_at(r, s, 3)));
    answer.put_result("r_at_3", mean(&|r, s| ranks::recall_at(r, s, 3)));
    answer.put_result("hit_at_3", mean(&|r, s| ranks::hit_at(r, s, 3)));
    answer.put_result("map", mean(&|r, s| ranks::average_precision(r, s)));
    Some(answer)
}

pub(super) fn agreement(method: &str, inputs: Inputs<'_>) -> Option<Answer> {
    let mut answer = Answer::new();
    if method.starts_with("Cohen kappa") {
        let column = |name: &str| inputs.classes(name).into_iter().map(Some).collect::<Vec<_>>();
        let (a, b) = (column("a"), column("b"));
        let classes = a.iter().chain(&b).flatten().max().map_or(0, |last| *last as usize + 1);
        let kappa = raters::cohen_kappa_interval(&a, &b, classes, inputs.f("level")).unwrap();
        answer.put("kappa", kappa.value).put("se", kappa.standard_error);
        answer.put("low", kappa.interval.low).put("high", kappa.interval.high);
        answer.put_result("linear", raters::cohen_kappa(&a, &b, classes, raters::Weights::Linear));
        answer.put_result("quadratic", raters::cohen_kappa(&a, &b, classes, raters::Weights::Quadratic));
    } else if method.starts_with("Fleiss kappa") {
        let table: Vec<Vec<u64>> =
            inputs.table("table").iter().map(|row| row.iter().map(|count| *count as u64).collect()).collect();
        answer.put_result("kappa", raters::fleiss_kappa(&table));
        answer.put_result("randolph", raters::randolph_kappa(&table));
    } else {
        return None;
    }
    Some(answer)
}
