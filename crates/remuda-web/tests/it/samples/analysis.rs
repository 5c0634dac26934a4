//! Analyses.

use super::{HOUR, NOW, digest};
use remuda_app::analysis::{
    Analyses, CellExamples, Example, FoundSlice, Input, LabelRequest, LeftOut, MistakesFound, Sliced,
};
use remuda_model::analysis::CalibrationBin;
use remuda_model::analysis::Confusion;
use remuda_model::run::MetricValue;

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
    Sliced { requests: Vec::new(), slices: Vec::new(), nothing: Some("no row has any loss: all 1,059 rows are right".into()), ..sliced() }
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
        model: digest("trees"),
        model_name: "trees".into(),
        dataset: "customers".into(),
        version: digest("customers 2"),
        split: "validation".into(),
        charged: false,
        rows: 1_059,
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

pub(crate) fn analyses() -> Analyses {
    Analyses { analyses: vec![sliced().line(), nothing().line()], requests: vec![label_request()] }
}
