//! Analyses.

use super::{HOUR, NOW, digest};
use remuda_app::Error;
use remuda_app::analysis::{
    Analyses, AnalysisHead, CellExamples, ChosenThreshold, Comparison, ConfusedPair, CostPoint, DecisionChange,
    DecisionCost, DecisionRule, DoubtfulLabel, DoubtfulLabels, DoubtfulPair, Example, FoundPhrase, FoundSlice, Input,
    LabelRequest, LeftOut, MistakesFound, PhraseExample, PhrasesFound, Piece, RuleKind, Sliced, ThresholdFound,
};
use remuda_model::analysis::CalibrationBin;
use remuda_model::analysis::Confusion;
use remuda_model::run::MetricValue;
use remuda_web::pages::analysis::asked::Asked;

fn value(numbers: [f64; 3], n: u64, method: &str) -> MetricValue {
    let [value, lower, upper] = numbers;
    MetricValue {
        name: "error rate".into(),
        value: Some(value),
        lower: Some(lower),
        upper: Some(upper),
        confidence: 0.975,
        n,
        split: "validation".into(),
        method: method.into(),
    }
}

fn slice(number: u32, filter: &str, rows: u64, inside: [f64; 3], adjusted: f64) -> FoundSlice {
    FoundSlice {
        number,
        filter: filter.into(),
        searched_rows: rows + 3,
        searched_mean: inside[0] + 0.04,
        score: 1.9 - f64::from(number) * 0.2,
        others: 3 - number.min(3),
        within: (number == 3).then_some(1),
        parts: u32::from(number == 1),
        rows,
        inside: value(inside, rows, "Clopper-Pearson"),
        rest: Some(0.171),
        difference: value([inside[0] - 0.171, 0.04, 0.31], 528, "Newcombe"),
        p_value: Some(adjusted / 3.0),
        adjusted: Some(adjusted),
        test: "Fisher's exact test".into(),
        confirmed: adjusted <= 0.05,
        name: (number == 2).then(|| "fibre-by-month".to_owned()),
    }
}

pub(crate) fn sliced() -> Sliced {
    Sliced {
        id: "s4k7m2pq9x".into(),
        model: digest("trees"),
        model_name: "trees".into(),
        dataset: "customers".into(),
        version: digest("customers 2"),
        split: "validation".into(),
        charged: false,
        metric: "accuracy".into(),
        loss: "error rate".into(),
        is_rate: true,
        searched: 531,
        searched_mean: 0.204,
        least_rows: 30,
        depth: 3,
        weight: 0.95,
        columns: vec!["tenure".into(), "Contract".into()],
        left_out: vec![LeftOut { column: "customerID".into(), why: "it is the key".into() }],
        overall: value([0.199, 0.166, 0.235], 528, "Clopper-Pearson"),
        slices: vec![
            slice(1, "tenure < 6 AND Contract = 'Month-to-month'", 71, [0.408, 0.293, 0.531], 0.000_04),
            slice(2, "InternetService = 'Fiber optic' AND MonthlyCharges >= 85", 102, [0.314, 0.226, 0.413], 0.021),
            slice(3, "\"Tech Support\" = 'it''s \"new\"'", 33, [0.242, 0.111, 0.423], 0.61),
        ],
        nothing: None,
        requests: vec![label_request()],
        actor: "quality".into(),
        time: NOW - HOUR,
        fact: "0199f2c4-7d1e-7a31-9c55-000000000061".into(),
    }
}

fn label_request() -> LabelRequest {
    LabelRequest {
        id: "r7k2m9pq4x".into(),
        analysis: Some("s4k7m2pq9x".into()),
        slice: Some(3),
        name: None,
        dataset: "customers".into(),
        version: digest("customers 2"),
        filter: "\"Tech Support\" = 'it''s \"new\"'".into(),
        split: "validation".into(),
        again: false,
        label: "Churn".into(),
        keys: vec!["customerID".into()],
        pool: 412,
        rows: 120,
        wanted: 120,
        because: "so many more confirm it with a chance of 80 %".into(),
        price: None,
        remark: "look at <b>late</b> ones first".into(),
        file: digest("to label"),
        actor: "quality".into(),
        time: NOW - HOUR,
        fact: "0199f2c4-7d1e-7a31-9c55-000000000062".into(),
        output: None,
        download: None,
    }
}

pub(crate) fn nothing() -> Sliced {
    Sliced {
        requests: Vec::new(),
        slices: Vec::new(),
        nothing: Some("no row has any loss: all 1,059 rows are right".into()),
        ..sliced()
    }
}

fn example(id: &str, said: &str) -> Example {
    let input = |column: &str, value: &str| Input { column: column.into(), value: value.into() };
    Example {
        id: id.into(),
        inputs: vec![input("tenure", "3"), input("Contract", "Month-to-month"), input("note", said)],
        truth: "Yes".into(),
        predicted: "No".into(),
        confidence: Some(0.93),
        error: None,
    }
}

pub(crate) fn mistakes() -> MistakesFound {
    let hostile = "<script>alert(1)</script>";
    MistakesFound {
        head: head(),
        wrong: Some(207),
        metrics: vec![value([0.804, 0.779, 0.828], 1_059, "Clopper-Pearson")],
        confusion: Some(Confusion { classes: vec!["No".into(), "Yes".into()], counts: vec![700, 80, 127, 152] }),
        cells: vec![CellExamples {
            truth: "Yes".into(),
            predicted: "No".into(),
            rows: 127,
            examples: vec![example("7590-VHVEG", "calls often"), example("5575-GNVDE", hostile)],
        }],
        worst: vec![example("7590-VHVEG", "calls often")],
        calibration: [0.05, 0.3, 0.7]
            .map(|promised| CalibrationBin {
                n: 353,
                promised,
                happened: promised + 0.02,
                lower: promised - 0.03,
                upper: promised + 0.06,
            })
            .to_vec(),
        calibrated: Some("Yes".into()),
        calibration_error: Some(value([0.031, 0.012, 0.052], 1_059, "debiased bins")),
    }
}

pub(crate) fn no_mistakes() -> MistakesFound {
    MistakesFound {
        wrong: Some(0),
        cells: Vec::new(),
        worst: Vec::new(),
        calibration: Vec::new(),
        calibration_error: None,
        ..mistakes()
    }
}

fn head() -> AnalysisHead {
    AnalysisHead {
        model: digest("trees"),
        model_name: "trees".into(),
        dataset: "customers".into(),
        version: digest("customers 2"),
        split: "validation".into(),
        charged: false,
        rows: 1_059,
    }
}

/// A page that was asked of the sample's model.
pub(crate) fn asked<T>(found: T) -> Asked<T> {
    let (candidate, other) = (digest("trees").short().to_owned(), String::new());
    Asked { models: vec![super::run::model_line()], candidate, other, found: Some(Ok(found)) }
}

/// The same before anything was asked.
pub(crate) fn unasked<T>() -> Asked<T> {
    Asked { models: vec![super::run::model_line()], candidate: String::new(), other: String::new(), found: None }
}

/// The same where there is no model.
pub(crate) fn no_models<T>() -> Asked<T> {
    Asked { models: Vec::new(), ..unasked() }
}

/// The same where the question was refused.
pub(crate) fn refused<T>() -> Asked<T> {
    let error = Error::new("analysis.not_ready", "`majority` gives no probabilities").hint("choose another candidate");
    Asked { found: Some(Err(error)), ..unasked() }
}

pub(crate) fn labels() -> DoubtfulLabels {
    let pair = |given: &str, suggested: &str, rows: u64| DoubtfulPair {
        given: given.into(),
        suggested: suggested.into(),
        rows,
    };
    DoubtfulLabels {
        head: head(),
        suspected: 117,
        pairs: vec![pair("No", "Yes", 70), pair("Yes", "No", 47)],
        examples: vec![DoubtfulLabel {
            suggested: "No".into(),
            margin: -0.81,
            row: example("7590-VHVEG", "calls often"),
        }],
    }
}

pub(crate) fn no_doubts() -> DoubtfulLabels {
    DoubtfulLabels { suspected: 0, pairs: Vec::new(), examples: Vec::new(), ..labels() }
}

pub(crate) fn comparison() -> Comparison {
    Comparison {
        head: head(),
        old: digest("linear"),
        old_name: "linear".into(),
        differences: vec![value([0.007, -0.009, 0.023], 1_059, "paired, Tango")],
        won: 43,
        lost: 36,
        both_right: Some(813),
        both_wrong: Some(167),
        p_value: Some(0.25),
        won_examples: vec![example("7590-VHVEG", "calls often")],
        lost_examples: vec![example("5575-GNVDE", "pays late")],
        wrong_examples: Vec::new(),
    }
}

pub(crate) fn threshold() -> ThresholdFound {
    let rule = |rule: RuleKind, words: &str, threshold: Option<f64>, cost: f64, against: Option<f64>| DecisionRule {
        rule,
        words: words.into(),
        threshold,
        cost: value([cost, cost - 0.06, cost + 0.06], 1_059, "Student t, Hall's transformation"),
        difference: against.map(|value_of| value([value_of, value_of - 0.1, value_of + 0.1], 1_059, "Student t")),
        changed: if against.is_some() { 320 } else { 0 },
        confusion: mistakes().confusion,
    };
    let point = |step: u32| {
        let threshold = f64::from(step) / 100.0;
        let cost = 0.43 + (threshold - 0.18).powi(2);
        let (lower, upper) = (Some(cost - 0.05), Some(cost + 0.06));
        CostPoint { threshold, cost, lower, upper, taken: 1.0 - threshold }
    };
    ThresholdFound {
        head: head(),
        costs: "requirements/churn_costs.csv".into(),
        prices: vec![DecisionCost { truth: "Yes".into(), decision: "No".into(), cost: 5.0 }],
        positive: Some("Yes".into()),
        rules: vec![
            rule(RuleKind::Own, "the candidate's own label", None, 0.696, None),
            rule(RuleKind::ExpectedCost, "Yes from 0.1667 on", Some(1.0 / 6.0), 0.432, Some(-0.265)),
            rule(RuleKind::Chosen, "Yes from 0.182 on", Some(0.182), 0.448, Some(-0.248)),
        ],
        chosen: Some(ChosenThreshold {
            threshold: 0.182,
            low: 0.132,
            high: 0.228,
            redraws: 1_000,
            seen_cost: 0.422,
            optimism: Some(0.026),
            constant: false,
        }),
        curve: (0..=100).map(point).collect(),
        changes: Vec::new(),
        advice: "Take rows as Yes from 0.1667 on.".into(),
        applying: "An endpoint answers `probabilities`.".into(),
    }
}

/// Several classes: no threshold, but decisions that change.
pub(crate) fn expected_cost() -> ThresholdFound {
    let mut found = threshold();
    found.rules.truncate(2);
    found.rules[1].threshold = None;
    found.changes = vec![DecisionChange { from: "lost".into(), to: "stolen".into(), rows: 31, saved: 12.5 }];
    ThresholdFound { positive: None, chosen: None, curve: Vec::new(), ..found }
}

pub(crate) fn phrases() -> PhrasesFound {
    let phrase = |number: u32, phrase: &str, adjusted: f64| FoundPhrase {
        phrase: phrase.into(),
        column: "note".into(),
        alternatives: vec!["my top up".into(), "<b>up</b>".into()],
        slice: slice(number, &format!("regexp_like(note, '\\b{phrase}\\b', 'i')"), 44, [0.41, 0.26, 0.57], adjusted),
        confusions: vec![ConfusedPair { truth: "Yes".into(), predicted: "No".into(), rows: 11 }],
        examples: vec![PhraseExample {
            id: "7590-VHVEG".into(),
            text: vec![
                Piece { text: "Why did my ".into(), marked: false },
                Piece { text: "<script>alert(1)</script>".into(), marked: true },
            ],
            truth: "Yes".into(),
            predicted: "No".into(),
            confidence: Some(0.83),
        }],
    };
    PhrasesFound {
        head: head(),
        metric: "accuracy".into(),
        loss: "error rate".into(),
        columns: vec!["note".into()],
        searched: 531,
        least_rows: 8,
        overall: value([0.199, 0.166, 0.235], 528, "Clopper-Pearson"),
        phrases: vec![phrase(1, "top up", 0.003), phrase(3, "still waiting", 0.4)],
        nothing: None,
        next: None,
    }
}

pub(crate) fn no_phrases() -> PhrasesFound {
    PhrasesFound {
        phrases: Vec::new(),
        columns: Vec::new(),
        nothing: Some("no column of this data holds prose".into()),
        next: Some("remuda analysis slices trees".into()),
        ..phrases()
    }
}

pub(crate) fn analyses() -> Analyses {
    Analyses { analyses: vec![sliced().line(), nothing().line()], requests: vec![label_request()] }
}
