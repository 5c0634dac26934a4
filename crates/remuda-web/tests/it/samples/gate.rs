//! Verdicts, evaluations, releases.

use super::{HOUR, NOW, digest, signatures};
use remuda_app::analysis::{Doubted, DoubtfulPair, Findings};
use remuda_app::gate::{Compared, Evaluation, EvaluationSummary, ReportPage, RequirementVerdicts, RequirementWords};
use remuda_app::release::{Promotion, ReleaseLine, ReleasePage};
use remuda_model::analysis::{CalibrationBin, Confusion, Curves, ThresholdPoint};
use remuda_model::gate::verdict::PriceCase;
use remuda_model::gate::{Price, Reason, Verdict, VerdictKind};
use remuda_model::release::ReleaseContent;
use remuda_model::team::{Missing, Role};

fn verdict(criterion: &str, words: &str, kind: VerdictKind, numbers: [f64; 4], n: u64, method: &str) -> Verdict {
    let [estimate, lower, upper, threshold] = numbers;
    Verdict {
        criterion: criterion.into(),
        words: words.into(),
        slice: None,
        kind,
        reason: None,
        estimate: Some(estimate),
        lower: Some(lower),
        upper: Some(upper),
        threshold,
        wants_more: true,
        confidence: 0.95,
        n,
        method: method.into(),
        price: None,
        waiver: None,
    }
}

pub(crate) fn verdicts() -> Vec<Verdict> {
    let met = verdict(
        "auc >= baseline linear + 0.005",
        "We will be 95 % sure that the area under the ROC curve is at least 0.005 above that of the baseline linear.",
        VerdictKind::Met,
        [0.0131, 0.0068, 0.0194, 0.005],
        1_371,
        "paired DeLong",
    );
    let mut undecided = verdict(
        "recall of Yes >= 0.80 where Contract = 'Month-to-month'",
        "We will be 95 % sure that at least 8 of 10 customers on monthly contracts who leave are caught.",
        VerdictKind::Undecided,
        [0.8372, 0.7891, 0.8778, 0.80],
        215,
        "Clopper-Pearson",
    );
    undecided.reason = Some(Reason::TooFewLabels);
    undecided.price = Some(Price {
        unit: "customers on monthly contracts who left".into(),
        cases: vec![
            PriceCase { assumed: 0.8372, needed: Some(305), more: Some(90), chance: 0.8 },
            PriceCase { assumed: 0.82, needed: Some(625), more: Some(410), chance: 0.8 },
            PriceCase { assumed: 0.80, needed: None, more: None, chance: 0.05 },
        ],
    });
    let mut cost = verdict(
        "mean cost using costs.csv <= 9.5",
        "We will be 95 % sure that a decision costs at most 9.50 on average.",
        VerdictKind::NotMet,
        [11.24, 10.02, 12.51, 9.5],
        1_371,
        "BCa bootstrap of the cell counts",
    );
    cost.wants_more = false;
    let mut missing = verdict(
        "recall of Yes >= 0.7 for each region",
        "For each region …",
        VerdictKind::Undecided,
        [0.0; 4],
        0,
        "Clopper-Pearson",
    );
    missing.slice = Some("region = 'Nord'".into());
    (missing.estimate, missing.lower, missing.upper) = (None, None, None);
    missing.reason = Some(Reason::DataMissing("no row of this slice has a label".into()));
    vec![met, undecided, cost, missing]
}

pub(crate) fn summary(verdict: VerdictKind) -> EvaluationSummary {
    EvaluationSummary {
        id: "h6v9d3kq7m".into(),
        verdict,
        passes: verdict == VerdictKind::Met,
        model: digest("trees"),
        model_name: "trees".into(),
        version: digest("customers 2"),
        rows: 1_371,
        actor: "quality".into(),
        time: NOW - 6 * HOUR,
    }
}

fn curves() -> Curves {
    let point = |step: u32| {
        let share = f64::from(step) / 20.0;
        let (recall, false_alarms) = (share.sqrt(), share * share);
        ThresholdPoint { threshold: 1.0 - share, recall, false_alarms, precision: 1.0 - 0.7 * share }
    };
    let bin = |step: u32| {
        let (promised, happened) = (f64::from(step) / 10.0 + 0.05, (f64::from(step) / 10.0 + 0.08).min(1.0));
        CalibrationBin { n: 137, promised, happened, lower: happened * 0.8, upper: (happened * 1.15).min(1.0) }
    };
    let (thresholds, calibration) = ((0..=20).map(point).collect(), (0..10).map(bin).collect());
    Curves { class: Some("Yes".into()), thresholds, calibration }
}

/// Everything of an evaluation.
pub(crate) fn report() -> ReportPage {
    let version = super::data::line("customers", 2).version;
    ReportPage {
        product: "churn".into(),
        evaluation: evaluation(),
        requirements: vec![RequirementWords {
            name: "retention".into(),
            owner: "owner".into(),
            goal: "Customers about to leave hear from us before they do".into(),
            prose: "# Why\n\nA customer <b>who</b> leaves costs more than a letter.".into(),
            looks: None,
        }],
        model: super::run::model(),
        looks: super::data::page().looks,
        version,
        snapshot: None,
        parameters: [("trees/rounds".to_owned(), serde_json::json!(100))].into(),
        signatures: signatures(),
        findings: Findings {
            sliced: Some(super::analysis::sliced()),
            tested: super::behaviour::state().found,
            doubted: Some(Doubted {
                model: digest("trees"),
                model_name: "trees".into(),
                dataset: "customers".into(),
                version: digest("customers 2"),
                split: "validation".into(),
                rows: 1_059,
                suspected: 41,
                pairs: vec![DoubtfulPair { given: "No".into(), suggested: "Yes".into(), rows: 41 }],
                time: NOW - HOUR,
            }),
        },
    }
}

pub(crate) fn evaluation() -> Evaluation {
    Evaluation {
        solo: false,
        id: "h6v9d3kq7m".into(),
        verdict: VerdictKind::NotMet,
        requirements: vec![RequirementVerdicts {
            requirement: "retention".into(),
            digest: digest("requirement retention"),
            goal: "Customers about to leave hear from us before they do, without annoying the others".into(),
            verdict: VerdictKind::NotMet,
            verdicts: verdicts(),
        }],
        model: digest("trees"),
        model_name: "trees".into(),
        run: "w8c4n6rt2b".into(),
        dataset: "customers".into(),
        version: digest("customers 2"),
        rows: 1_371,
        confusion: Some(Confusion { classes: vec!["No".into(), "Yes".into()], counts: vec![894, 113, 71, 293] }),
        curves: Some(curves()),
        look: 3,
        charge: 1,
        spent: 2,
        budget: 20,
        revealed: "numbers".into(),
        covered: false,
        repeated: false,
        compared: vec![Compared { reference: "baseline linear".into(), model: digest("linear") }],
        tests: Vec::new(),
        plan: None,
        actor: "quality".into(),
        time: NOW - 6 * HOUR,
        fact: "0199f2c4-7d1e-7a31-9c55-2b1d9f60a3e7".into(),
    }
}

/// An evaluation that holds more criteria than a page shows.
pub(crate) fn wide_evaluation(classes: usize, criteria: usize) -> Evaluation {
    let mut wide = evaluation();
    let mut all = Vec::new();
    for index in 0..criteria {
        let mut verdict = verdicts().remove(1);
        verdict.slice = Some(format!("category = {index}"));
        all.push(verdict);
    }
    wide.requirements[0].verdicts = all;
    let names: Vec<String> = (0..classes).map(|class| format!("card_payment_not_recognised_{class}")).collect();
    let counts = (0..classes * classes).map(|cell| (cell * 7919 % 41) as u64).collect();
    wide.confusion = Some(Confusion { classes: names, counts });
    wide
}

pub(crate) fn release_line(live: bool) -> ReleaseLine {
    ReleaseLine {
        digest: digest(if live { "release live" } else { "release next" }),
        model_name: "trees".into(),
        model: digest("trees"),
        actor: "scientist".into(),
        time: NOW - 30 * HOUR,
        live,
        waivers: Vec::new(),
        solo: !live,
        promotions: u32::from(live),
        verdict: if live { VerdictKind::Met } else { VerdictKind::Undecided },
    }
}

pub(crate) fn history() -> Vec<Promotion> {
    let promotion = |name: &str, how: &str, why: &str, hours| Promotion {
        release: digest(name),
        actor: "operations".into(),
        time: NOW - hours * HOUR,
        how: how.into(),
        why: why.into(),
    };
    vec![
        promotion("release live", "rolled back", "latency doubled after the change of the input order", 26),
        promotion("release next", "promoted", "", 27),
        promotion("release live", "promoted", "", 29),
    ]
}

pub(crate) fn release(live: bool) -> ReleasePage {
    let missing = vec![
        Missing {
            what: "an independent signature on the evidence: `scientist` trained the model".into(),
            roles: vec![Role::QualityEngineer, Role::DataScientist, Role::DomainExpert],
            members: vec!["quality".into()],
            command: "remuda sign evidence h6v9d3kq7m".into(),
        },
        Missing {
            what: "the acceptance of the product owner".into(),
            roles: vec![Role::ProductOwner],
            members: vec!["owner".into()],
            command: "remuda sign accept 41d0c2aa96e1".into(),
        },
    ];
    ReleasePage {
        line: release_line(live),
        engine: remuda_model::model::Engine::Remuda,
        content: ReleaseContent {
            product: "churn".into(),
            model: digest("trees"),
            signature: digest("signature"),
            contract: Some(digest("contract")),
            requirements: vec![("retention".into(), digest("requirement retention"))],
            evaluations: vec!["0199f2c4-7d1e-7a31-9c55-2b1d9f60a3e7".into()],
            signatures: vec!["0199f2c4-7d1e-7a31-9c55-1b1d9f60a3e7".into()],
            solo: !live,
        },
        evaluations: vec![summary(VerdictKind::Met)],
        signatures: signatures(),
        missing: if live { Vec::new() } else { missing },
        history: if live { history() } else { Vec::new() },
    }
}
