//! Runs that come from MLflow's database: read by the names of its columns, taken whole, and once.

use crate::harness::{Place, check_both};
use remuda_ledger::{ForeignDatabase, HistoryPlace, ImportedRun, PackedPoints, RunImport, RunNews, Tracker};
use remuda_model::run::foreign::ForeignRun;
use remuda_model::run::tracked::{Document, Point, Stage, TrackedStatus};

/// The tables as an old release has them: no names of runs, no time of deletion, no datasets.
const OLD: &str = "CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, name VARCHAR(256), artifact_location VARCHAR(256), lifecycle_stage VARCHAR(32));
    CREATE TABLE runs (run_uuid VARCHAR(32) PRIMARY KEY, user_id VARCHAR(256), status VARCHAR(20), start_time BIGINT, end_time BIGINT, lifecycle_stage VARCHAR(20), artifact_uri VARCHAR(200), experiment_id INTEGER);
    CREATE TABLE tags (key VARCHAR(250), value VARCHAR(5000), run_uuid VARCHAR(32));
    CREATE TABLE params (key VARCHAR(250), value VARCHAR(500), run_uuid VARCHAR(32));
    CREATE TABLE metrics (key VARCHAR(250), value FLOAT, timestamp BIGINT, run_uuid VARCHAR(32), step BIGINT, is_nan BOOLEAN);
    INSERT INTO experiments VALUES (3, 'churn', 'x', 'active'), (4, 'gone', 'y', 'deleted');
    INSERT INTO runs VALUES ('r1', 'ana', 'FINISHED', 10, 20, 'active', 'x/r1', 3), ('r2', 'bo', 'RUNNING', 30, NULL, 'deleted', 'x/r2', 3);
    INSERT INTO tags VALUES ('mlflow.runName', 'first', 'r1');
    INSERT INTO params VALUES ('lr', '0.1', 'r1');
    INSERT INTO metrics VALUES ('loss', 0.30000000000000004, 100, 'r1', 2, FALSE), ('loss', 0, 90, 'r1', 1, TRUE), ('acc', 1.7976931348623157e308, 1, 'r1', 0, FALSE);";

/// Makes the tables beside the ledger's own.
async fn old_database(place: &Place) -> ForeignDatabase {
    place.outside(OLD).await.unwrap();
    ForeignDatabase::open(&place.address).await.unwrap()
}

#[test]
fn a_database_of_an_old_release_is_read_by_the_names_of_its_columns() {
    check_both(|place: Place| async move {
        let empty = ForeignDatabase::open(&place.address).await.unwrap_err().to_string();
        assert!(empty.contains("has no table `experiments`"), "{empty}");
        let database = old_database(&place).await;
        assert_eq!(database.notes().len(), 1);
        let experiments = database.experiments().await.unwrap();
        let told: Vec<_> = experiments.iter().map(|one| (one.id.as_str(), one.name.as_str(), one.stage)).collect();
        assert_eq!(told, [("3", "churn", Stage::Active), ("4", "gone", Stage::Deleted)]);
        let runs = database.runs("", 10).await.unwrap();
        assert_eq!(database.runs("r1", 10).await.unwrap(), runs[1..]);
        let first: &ForeignRun = &runs[0];
        assert_eq!((first.name.as_str(), first.status, first.ended), ("first", TrackedStatus::Finished, Some(20)));
        assert_eq!(first.sizes, [("acc".to_owned(), 1), ("loss".to_owned(), 2)].into());
        assert_eq!((runs[1].ended, runs[1].stage), (None, Stage::Deleted));
        let mut points = Vec::new();
        database.walk_points("r1", None, |point| points.push((point.key, point.value, point.step))).await.unwrap();
        let expected = [
            ("acc".to_owned(), Some(f64::MAX), 0),
            ("loss".to_owned(), None, 1),
            ("loss".to_owned(), Some(0.1 + 0.2), 2),
        ];
        assert_eq!(points, expected);
        database.close().await;
    });
}

fn point(step: i64) -> Point {
    Point { key: "loss".to_owned(), value: Some(step as f64), step, time: step }
}

fn imported(id: &str, points: i64) -> ImportedRun {
    let mut packed = PackedPoints::new(true);
    (0..points).for_each(|step| packed.push(point(step)));
    ImportedRun {
        id: id.to_owned(),
        experiment: 0,
        name: "first".to_owned(),
        actor: "ana".to_owned(),
        status: TrackedStatus::Running,
        started: 10,
        ended: None,
        stage: Stage::Active,
        deleted: None,
        artifacts: "a".to_owned(),
        document: Document { parameters: [("lr".to_owned(), "0.1".to_owned())].into(), ..Document::default() },
        inputs: Vec::new(),
        points: packed,
        state: "before".to_owned(),
        source: "there".to_owned(),
    }
}

#[test]
fn imported_runs_are_whole_and_take_what_is_new() {
    check_both(|place: Place| async move {
        let tracker = Tracker::start(&place.ledger, "churn");
        tracker.ensure_default(1).await.unwrap();
        let import = RunImport { new: vec![imported("r1", 9000), imported("r2", 0)], ..RunImport::default() };
        tracker.import(import).await.unwrap();
        // One that is here already spoils its whole batch: nothing of it is written.
        let again = RunImport { new: vec![imported("r3", 1), imported("r1", 1)], ..RunImport::default() };
        assert!(tracker.import(again).await.is_err());
        let states = tracker.import_states(&["r1", "r2", "r3"]).await.unwrap();
        assert_eq!(states.len(), 2);
        assert_eq!(states["r1"].as_deref(), Some("before"));
        let page = tracker.history("r1", "loss", HistoryPlace::default(), 100_000).await.unwrap();
        assert_eq!(page.points, (0..9000).map(point).collect::<Vec<_>>());
        let news = RunNews {
            id: "r1".to_owned(),
            status: Some((TrackedStatus::Finished, Some(99))),
            parameters: [("lr".to_owned(), "0.9".to_owned()), ("depth".to_owned(), "6".to_owned())].into(),
            tags: [("t".to_owned(), "v".to_owned())].into(),
            points: vec![point(9000), point(9001)],
            state: "after".to_owned(),
            ..RunNews::default()
        };
        tracker.import(RunImport { changed: vec![news], ..RunImport::default() }).await.unwrap();
        let run = tracker.run("r1").await.unwrap().unwrap();
        assert_eq!((run.status, run.ended), (TrackedStatus::Finished, Some(99)));
        assert_eq!(run.document.parameters["lr"], "0.1");
        assert_eq!(run.document.parameters["depth"], "6");
        assert_eq!(run.document.metrics["loss"].step, 9001);
        let page = tracker.history("r1", "loss", HistoryPlace::default(), 100_000).await.unwrap();
        assert_eq!(page.points.len(), 9002);
        assert_eq!(tracker.import_states(&["r1"]).await.unwrap()["r1"].as_deref(), Some("after"));
    });
}
