//! Many runs: lists, groups, comparisons, curves of what scripts tracked.

use super::run::{metric, run, runs};
use super::{HOUR, NOW, digest};
use remuda_app::run::{
    Along, BestOf, Bucket, ChildRun, ComparedMetric, ComparedPair, ComparedParameter, ComparedRun, ComparedValue,
    ExperimentLine, ExperimentList, FileKind, FilePreview, ReadData, RunArtifact, RunArtifacts, RunCurve, RunCurves,
    RunFamily, RunGroupLine, RunGroups, RunState, Runs, RunsCompared, SaveView, SavedView, SavedViews,
};
use remuda_model::run::{MetricValue, RunStatus};
use remuda_web::pages::runs::compare::{Drawn, Question};
use remuda_web::pages::runs::list::View;
use std::collections::BTreeMap;

/// A run that a script tracked.
pub(crate) fn tracked(id: &str, status: RunStatus, hours: i64) -> RunState {
    let logged = |name: &str, value: f64| MetricValue {
        name: name.into(),
        value: Some(value),
        lower: None,
        upper: None,
        confidence: 0.0,
        n: 0,
        split: String::new(),
        method: "logged by the script; on how many rows it rests is not known".into(),
    };
    RunState {
        name: "bold-otter-17".into(),
        command: "train.py".into(),
        note: String::new(),
        experiment: "search depth".into(),
        tracked: true,
        steps: Vec::new(),
        models: Vec::new(),
        metrics: vec![
            logged("val/auc", 0.871),
            logged("val/loss", 0.32),
            logged("train/loss", 0.21),
            logged("system/cpu_utilization_percentage", 71.0),
        ],
        parameters: BTreeMap::from([
            ("depth".into(), serde_json::json!("6")),
            ("lr".into(), serde_json::json!("0.003")),
        ]),
        tags: BTreeMap::from([
            ("team".into(), "search".into()),
            ("mlflow.parentRunId".into(), "0a1b2c3d4e5f".into()),
            ("mlflow.user".into(), "ana".into()),
        ]),
        family: Some(RunFamily {
            experiment: 3,
            parent: Some(("0a1b2c3d4e5f".into(), "sweep of depth".into())),
            children: vec![
                ChildRun { run: "a1".into(), name: "fold 1".into(), status: RunStatus::Finished },
                ChildRun { run: "a2".into(), name: "fold 2".into(), status: RunStatus::Running },
            ],
            children_in_all: 12,
            inputs: vec![
                ReadData {
                    name: "customers".into(),
                    digest: "d41d8cd9".into(),
                    context: "training".into(),
                    source: "{}".into(),
                    version: Some(digest("customers 2")),
                },
                ReadData {
                    name: "elsewhere".into(),
                    digest: "ffff0000".into(),
                    context: String::new(),
                    source: "{}".into(),
                    version: None,
                },
            ],
            models_read: Vec::new(),
            models_made: vec!["m-8f2c".into()],
        }),
        ..run(id, status, hours)
    }
}

/// A curve of so many points.
fn curve(run: &str, metric: &str, points: u64, bend: f64) -> RunCurve {
    let bucket = |place: u64| {
        let value = 0.5 + 0.4 * (1.0 - (-(place as f64) / 30.0).exp()) + bend * ((place * 7919) % 13) as f64 / 200.0;
        let at = |more: f64, shift: i64| (place as i64 * 10 + shift, value + more);
        Bucket { n: 10, first: at(0.0, 0), last: at(0.002, 9), min: at(-0.02, 3), max: at(0.02, 6), mean: value }
    };
    let buckets: Vec<Bucket> = (0..points).map(bucket).collect();
    RunCurve {
        run: run.into(),
        name: "bold-otter-17".into(),
        metric: metric.into(),
        points: points * 10,
        undefined: 0,
        buckets,
    }
}

/// The curves of one run.
pub(crate) fn curves(run: &str) -> RunCurves {
    let names = ["val/auc", "val/loss", "train/loss", "system/cpu_utilization_percentage"];
    RunCurves { along: Along::Step, curves: names.iter().map(|name| curve(run, name, 60, 1.0)).collect(), cut: false }
}

/// A list with experiments and views.
pub(crate) fn list() -> View {
    let experiment = |id: i64, name: &str, runs: u64| ExperimentLine {
        id,
        name: name.into(),
        deleted: false,
        runs,
        deleted_runs: 2,
        newest: Some(NOW - HOUR),
        tags: BTreeMap::new(),
    };
    let mut runs: Runs = runs();
    runs.runs.insert(1, tracked("0f9e8d7c6b5a4f3e2d1c0b9a88776655", RunStatus::Running, 1));
    runs.runs.insert(2, tracked("1f9e8d7c6b5a4f3e2d1c0b9a88776655", RunStatus::Finished, 2));
    let view = SaveView {
        name: "best of depth 6".into(),
        filter: Some("params.depth = '6'".into()),
        order_by: Some("metrics.auc DESC".into()),
        ..SaveView::default()
    };
    View {
        runs,
        groups: None,
        experiments: ExperimentList {
            experiments: vec![experiment(3, "search depth", 1_204), experiment(1, "pipeline", 31)],
        },
        views: SavedViews { views: vec![SavedView { view, actor: "scientist".into(), time: NOW - HOUR }] },
    }
}

/// A list of nothing.
pub(crate) fn nothing() -> View {
    View {
        runs: Runs { runs: Vec::new(), more: false, total: Some(0) },
        groups: None,
        experiments: ExperimentList { experiments: Vec::new() },
        views: SavedViews { views: Vec::new() },
    }
}

/// Runs in groups.
pub(crate) fn grouped(groups: usize) -> View {
    let line = |place: usize| RunGroupLine {
        value: (place > 0).then(|| (place * 2).to_string()),
        runs: 240,
        measured: if place == 0 { 1 } else { 238 },
        best: Some(0.93 - place as f64 / 100.0),
        mean: Some(0.88 - place as f64 / 100.0),
        lower: (place > 0).then(|| 0.87 - place as f64 / 100.0),
        upper: (place > 0).then(|| 0.89 - place as f64 / 100.0),
        newest: NOW - HOUR,
    };
    let groups = RunGroups {
        by: "params.depth".into(),
        metric: Some("auc".into()),
        greatest_first: true,
        groups: (0..groups).map(line).collect(),
        more: false,
    };
    View { groups: Some(groups), ..list() }
}

/// So many runs compared.
pub(crate) fn compared(count: usize) -> RunsCompared {
    let run = |place: usize| ComparedRun {
        run: format!("{place:04}f9e8d7c6b5a4f3e2d1c0b9a88"),
        name: format!("bold-otter-{place}"),
        experiment: "search depth".into(),
        actor: "ana".into(),
        status: RunStatus::Finished,
        started: NOW - HOUR,
        ended: Some(NOW),
        tracked: true,
        models: vec![("trees".into(), digest(&format!("model {place}")))],
    };
    let parameter = |name: &str, differs: bool, value: &dyn Fn(usize) -> Option<String>| ComparedParameter {
        name: name.into(),
        differs,
        values: (0..count).map(value).collect(),
    };
    let value = |place: usize, sure: bool| {
        let measured = metric("auc", 0.8 + ((place * 7919) % 97) as f64 / 1000.0, 0.02, 1_056);
        Some(ComparedValue {
            value: measured.value,
            lower: measured.lower.filter(|_| sure),
            upper: measured.upper.filter(|_| sure),
            confidence: if sure { 0.975 } else { 0.0 },
            n: if sure { 1_056 } else { 0 },
        })
    };
    let best = |sure: bool| BestOf {
        place: 1 % count.max(1),
        value: 0.896,
        of: count as u64,
        next: (count > 1).then_some(0),
        mean: 0.848,
        deviation: Some(0.028),
        expected: Some(0.919),
        lower: sure.then_some(0.861),
        upper: sure.then_some(0.925),
        confidence: if sure { 0.975 } else { 0.0 },
        method: if sure { format!("Šidák, for the best of {count}") } else { "no interval".into() },
    };
    let metric = |name: &str, sure: bool| ComparedMetric {
        name: name.into(),
        less_is_better: false,
        values: (0..count).map(|place| if place % 9 == 4 { None } else { value(place, sure) }).collect(),
        best: (count > 0).then(|| best(sure)),
    };
    RunsCompared {
        runs: (0..count).map(run).collect(),
        total: count as u64 * 3,
        parameters: vec![
            parameter("depth", true, &|place| Some((place % 5 * 2).to_string())),
            parameter("lr", true, &|place| (place % 7 != 3).then(|| format!("{:.5}", 0.0001 * (place + 1) as f64))),
            parameter("optimiser", true, &|place| Some(["adam", "sgd", "lion"][place % 3].to_owned())),
            parameter("batch", false, &|_| Some("64".into())),
        ],
        metrics: vec![metric("trees/auc", true), metric("val/auc", false), metric("epoch", false)],
        cut: false,
        pair: None,
    }
}

/// What is drawn of a comparison.
pub(crate) fn drawn(view: &RunsCompared) -> Drawn {
    let shown = view.runs.iter().take(20);
    let buckets = remuda_web::pages::runs::compare::buckets(shown.len()) as u64;
    let curves = shown.enumerate().map(|(place, run)| curve(&run.run, "val/auc", buckets, place as f64)).collect();
    Drawn { metrics: vec!["val/auc".into()], curves: Some(RunCurves { along: Along::Step, curves, cut: false }) }
}

/// A comparison whose best two were judged on the same rows.
pub(crate) fn paired() -> RunsCompared {
    let mut view = compared(3);
    view.pair = Some(ComparedPair {
        best: view.runs[1].run.clone(),
        next: view.runs[0].run.clone(),
        difference: Some(metric("auc", 0.004, 0.011, 1_056)),
        record: false,
        words: "On the same rows the interval of the difference of auc contains zero.".into(),
    });
    view
}

/// The question that names no runs.
pub(crate) fn question() -> Question {
    Question::read(&[
        ("filter".into(), "params.depth = '6'".into()),
        ("order_by".into(), "metrics.trees/auc DESC".into()),
    ])
}

/// The files of a run.
pub(crate) fn files() -> RunArtifacts {
    let one = |path: &str, bytes: Option<u64>| RunArtifact {
        path: path.into(),
        is_folder: bytes.is_none(),
        bytes,
        digest: bytes.map(|_| digest(path)),
        time: bytes.map(|_| NOW),
    };
    RunArtifacts {
        run: "0f9e8d7c6b5a".into(),
        name: "bold-otter-17".into(),
        path: String::new(),
        address: "mlflow-artifacts:/3/0f9e8d7c6b5a/artifacts".into(),
        artifacts: vec![one("model", None), one("plots/roc <1>.png", Some(48_212)), one("table.csv", Some(1_204))],
    }
}

/// The beginning of a file.
pub(crate) fn preview(kind: FileKind) -> FilePreview {
    FilePreview {
        run: "0f9e8d7c6b5a".into(),
        name: "bold-otter-17".into(),
        path: "plots/report & more.x".into(),
        bytes: 48_212,
        digest: digest("report"),
        kind,
        text: (kind == FileKind::Markdown).then(|| "# A heading\n\n<script>alert(1)</script> and *more*".into()),
        rows: if kind == FileKind::Table {
            vec![vec!["id".into(), "<b>score</b>".into()], vec!["1".into(), "<script>alert(1)</script>".into()]]
        } else {
            Vec::new()
        },
        cut: true,
    }
}
