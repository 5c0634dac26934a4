//! Runs and models.

use super::gate::summary;
use super::{HOUR, NOW, digest};
use remuda_app::model::{ModelLine, ModelPage};
use remuda_app::run::{Difference, FileDifference, MetricDifference, RunDiff, RunState, Runs};
use remuda_model::data::{FeatureKind, Task};
use remuda_model::feature::Feature;
use remuda_model::gate::VerdictKind;
use remuda_model::label::LabelSpace;
use remuda_model::model::registered::{RegisteredVersion, VersionStage};
use remuda_model::model::{Engine, ModelSignature, ModelVersion};
use remuda_model::run::captured::{
    Captured, DataFile, Gap, GapKind, OutputFile, PackedCode, Python, SeenSeed, Withheld,
};
use remuda_model::run::{Algorithm, MetricValue, RunStatus, Snapshot, StepOutcome, StepResult};
use std::collections::BTreeMap;

pub(crate) fn metric(name: &str, value: f64, spread: f64, n: u64) -> MetricValue {
    MetricValue {
        name: name.into(),
        value: Some(value),
        lower: Some(value - spread),
        upper: Some(value + spread),
        confidence: 0.975,
        n,
        split: "validation".into(),
        method: "Wilson".into(),
    }
}

pub(crate) fn model() -> ModelVersion {
    let feature = |name: &str, kind| Feature { name: name.into(), kind };
    ModelVersion {
        digest: digest("trees"),
        name: "trees".into(),
        run: "w8c4n6rt2b".into(),
        algorithm: Some(Algorithm::Trees),
        signature: ModelSignature {
            features: vec![
                feature("tenure", FeatureKind::Number),
                feature("MonthlyCharges", FeatureKind::Number),
                feature("Contract", FeatureKind::Category),
                feature("Notes", FeatureKind::Text),
            ],
            task: Task::Binary,
            label: "Churn".into(),
            labels: LabelSpace::Classes(vec!["No".into(), "Yes".into()]),
            positive: Some("Yes".into()),
        },
        trained_on: Some(digest("customers 2")),
        golden: digest("golden"),
        bytes: 184_220,
        engine: Engine::OnnxRuntime,
    }
}

pub(crate) fn run(id: &str, status: RunStatus, hours: i64) -> RunState {
    let step = |step: &str, outcome, note: &str, seconds| StepResult {
        step: step.into(),
        outcome,
        note: note.into(),
        inputs: digest(step),
        seconds,
    };
    let failed = status == RunStatus::Failed;
    RunState {
        run: id.into(),
        actor: "scientist".into(),
        status,
        command: "pipeline.toml".into(),
        note: if failed { String::new() } else { "deeper trees, notes as text".into() },
        started: NOW - hours * HOUR,
        ended: (status != RunStatus::Running).then_some(NOW - hours * HOUR + 21_400_000),
        exit_code: failed.then_some(1),
        failure: if failed {
            "Traceback (most recent call last):\n  File \"train.py\", line 12, in <module>\nValueError: could not convert string to float: ' '".into()
        } else {
            String::new()
        },
        snapshot: Snapshot {
            commit: Some("3f9c2a7be1d04c5f8a90b6e7d1c2f3a4b5c6d7e8".into()),
            parent: Some("a1b2c3d4e5f60718293a4b5c6d7e8f9012345678".into()),
            branch: Some("deeper-trees".into()),
            changed_files: 2,
            left_out: vec![("notes/scan.tiff".into(), 48_000_000)],
            environment: BTreeMap::from([
                ("os".into(), "linux".into()),
                ("architecture".into(), "x86_64".into()),
                ("remuda".into(), "0.1.0".into()),
            ]),
            captured: (!failed).then(|| Box::new(captured())),
        },
        steps: vec![
            step("majority", StepOutcome::Skipped, "its inputs did not change", 0.0),
            step("linear", StepOutcome::Ran, "the input `pipeline.toml` changed", 1.3),
            step("trees", if failed { StepOutcome::Failed } else { StepOutcome::Ran }, "", 17.2),
        ],
        metrics: if failed {
            Vec::new()
        } else {
            vec![
                metric("linear/auc", 0.8391, 0.021, 1_056),
                metric("trees/auc", 0.8526, 0.0202, 1_056),
                metric("trees/accuracy", 0.8068, 0.024, 1_056),
                metric("trees/recall of Yes", 0.5571, 0.058, 283),
            ]
        },
        parameters: BTreeMap::from([
            ("trees.depth".into(), serde_json::json!(6)),
            ("trees.rate".into(), serde_json::json!(0.05)),
            ("note".into(), serde_json::json!("text")),
        ]),
        models: if failed { Vec::new() } else { vec![model()] },
        data: Vec::new(),
        name: String::new(),
        experiment: "pipeline".to_owned(),
        tags: BTreeMap::new(),
        tracked: false,
        deleted: false,
        outputs: vec![OutputFile {
            path: "out/<b>result</b>.json".into(),
            bytes: 4_211,
            digest: Some(digest("result")),
            meaning: None,
            blob: None,
        }],
        reproduced_by: vec!["w8c4n6rt2c".into()],
        family: None,
    }
}

fn captured() -> Captured {
    Captured {
        code: Some(PackedCode {
            blob: digest("code"),
            others: Vec::new(),
            tree: digest("tree"),
            files: 214,
            bytes: 3_400_211,
            packed: 81_022,
        }),
        arguments: vec!["python".into(), "train.py".into(), "--note=<script>".into()],
        variables: BTreeMap::from([("OMP_NUM_THREADS".into(), "4".into())]),
        python: Some(Python {
            version: "3.11.7".into(),
            implementation: "CPython".into(),
            program: "python".into(),
            packages: Some(digest("packages")),
            package_count: 92,
            assumed: false,
        }),
        locks: vec!["requirements.txt".into()],
        hardware: BTreeMap::from([
            ("processor".into(), "AMD EPYC".into()),
            ("cores".into(), "8".into()),
            ("memory".into(), "31.2 GiB".into()),
        ]),
        data: vec![DataFile { path: "data/churn.csv".into(), dataset: "churn".into(), version: digest("churn 1") }],
        seeds: vec![SeenSeed { name: "random_state".into(), value: "42".into(), place: "train.py:12".into() }],
        withheld: vec![Withheld { place: "deploy.py".into(), line: Some(3), kind: "GitHub token".into() }],
        gaps: vec![
            Gap { kind: GapKind::TooLarge, what: "data/raw.parquet".into(), bytes: Some(812_000_000) },
            Gap { kind: GapKind::Outside, what: "link → /mnt/<data>".into(), bytes: None },
        ],
        reproduces: Some("k3f7m2pq9x".into()),
        ..Captured::default()
    }
}

pub(crate) fn runs() -> Runs {
    let runs = vec![
        run("z5m3x8kd4v", RunStatus::Running, 0),
        run("w8c4n6rt2b", RunStatus::Finished, 7),
        run("q2n7p9wc6h", RunStatus::Failed, 9),
        run("k3f7m2pq9x", RunStatus::Finished, 31),
    ];
    Runs { runs, more: true, total: Some(2_410) }
}

pub(crate) fn difference() -> RunDiff {
    let difference =
        |name: &str, left: &str, right: &str| Difference { name: name.into(), left: left.into(), right: right.into() };
    RunDiff {
        left: run("k3f7m2pq9x", RunStatus::Finished, 31),
        right: run("w8c4n6rt2b", RunStatus::Finished, 7),
        data: vec![difference("customers", "238f0a1b", "a78b1c2d")],
        parameters: vec![difference("trees.depth", "4", "6"), difference("trees.rate", "", "0.05")],
        metrics: vec![
            MetricDifference { name: "trees/auc".into(), left: Some(metric("trees/auc", 0.8391, 0.021, 1_056)), right: Some(metric("trees/auc", 0.8526, 0.0202, 1_056)), apart: false },
            MetricDifference { name: "trees/recall of Yes".into(), left: Some(metric("trees/recall of Yes", 0.42, 0.03, 283)), right: Some(metric("trees/recall of Yes", 0.5571, 0.058, 283)), apart: true },
        ],
        environment: Vec::new(),
        captured: remuda_app::run::CapturedDiff {
            arguments: vec![difference("word 3", "--depth=4", "--depth=6")],
            packages: vec![difference("scikit-learn", "1.8.0", "1.9.1")],
            ..Default::default()
        },
        files: vec![
            FileDifference { kind: "changed".into(), path: "pipeline.toml".into(), diff: "@@ -8,6 +8,7 @@\n [steps.trees]\n learn = \"trees\"\n dataset = \"customers\"\n-depth = 4\n+depth = 6\n+rate = 0.05\n".into() },
            FileDifference { kind: "added".into(), path: "notes/scan.png".into(), diff: String::new() },
        ],
    }
}

pub(crate) fn model_line() -> ModelLine {
    ModelLine {
        version: model(),
        actor: "scientist".into(),
        time: NOW - 7 * HOUR,
        metrics: vec![metric("auc", 0.8526, 0.0202, 1_056), metric("accuracy", 0.8068, 0.024, 1_056)],
        importance: vec![
            ("Contract".into(), 0.38),
            ("tenure".into(), 0.27),
            ("MonthlyCharges".into(), 0.2),
            ("Notes".into(), 0.15),
        ],
        notes: vec!["input `Monthly_Charges` reads column `MonthlyCharges`".into()],
    }
}

pub(crate) fn model_page() -> ModelPage {
    ModelPage {
        line: model_line(),
        evaluations: vec![summary(VerdictKind::Undecided)],
        releases: vec![digest("release live").to_string()],
        registered: vec![RegisteredVersion {
            model: "churn <b>".to_owned(),
            version: 3,
            created: 0,
            updated: 0,
            description: Some("the <i>third</i>".to_owned()),
            actor: "ana".to_owned(),
            stage: VersionStage::Production,
            source: "runs:/k3m9/model".to_owned(),
            storage: "mlflow-artifacts:/0/k3m9/artifacts/model".to_owned(),
            run: Some("k3m9".to_owned()),
            run_link: None,
            logged: None,
            tags: [("note".to_owned(), "a < b".to_owned())].into(),
            aliases: vec!["champion".to_owned()],
        }],
    }
}
