//! Collecting: what was deleted goes for good, with its files; blobs go when nothing holds them, and never before.

use crate::harness::{check_both, fact};
use bytes::Bytes;
use remuda_ledger::{Artifact, ArtifactContent, Batch, Blobs, Freed, NewRun, RunChange, Tracker};
use remuda_model::Digest;
use remuda_model::fact::{Link, NewFact};
use remuda_model::run::artifact::ArtifactPath;
use remuda_model::run::tracked::{Document, Point, Stage, TrackedStatus};

fn path(text: &str) -> ArtifactPath {
    ArtifactPath::parse(text).unwrap()
}

async fn begin(tracker: &Tracker, id: &str, experiment: i64) {
    let mut document = Document::default();
    document.parameters.insert("lr".to_owned(), "0.1".to_owned());
    let run = NewRun {
        id: id.to_owned(),
        experiment,
        name: id.to_owned(),
        actor: "ana".to_owned(),
        status: TrackedStatus::Finished,
        started: 1,
        ended: Some(2),
        artifacts: None,
        native: false,
        document,
        facts: Vec::new(),
    };
    tracker.begin_run(run).await.unwrap();
    let points = vec![Point { key: "loss".to_owned(), value: Some(0.5), step: 0, time: 1 }];
    tracker.log(id, Batch { points, ..Batch::default() }).await.unwrap();
}

async fn delete(tracker: &Tracker, id: &str, time: i64) {
    tracker.change_run(id, RunChange { deleted: Some(Some(time)), ..RunChange::default() }).await.unwrap();
}

/// Stores content as a blob, as the application does, at this time.
async fn put(tracker: &Tracker, blobs: &Blobs, at: &str, content: &[u8], now: i64) -> Digest {
    let writer = blobs.writer().write(Bytes::copy_from_slice(content)).await.unwrap();
    let (digest, writer) = writer.digest().await.unwrap();
    tracker.note_loose(&digest, now).await.unwrap();
    let (digest, bytes) = writer.finish().await.unwrap();
    assert_eq!(digest, Digest::of(content));
    let artifact =
        Artifact { path: path(at), digest: digest.clone(), bytes, modified: now, content: ArtifactContent::Blob };
    tracker.put_artifact(artifact).await.unwrap();
    digest
}

fn collected(id: &str, run: &str) -> Vec<NewFact> {
    vec![NewFact {
        verb: "run.collected".to_owned(),
        subject: run.to_owned(),
        links: vec![Link::uses("run", run)],
        ..fact(id)
    }]
}

#[test]
fn a_deleted_run_goes_with_its_files_and_a_restored_one_stays() {
    check_both(|place| async move {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::local(folder.path()).beside("artifacts");
        let tracker = Tracker::start(&place.ledger, "churn");
        let experiment = tracker.create_experiment("one", None, Default::default(), 1).await.unwrap();
        for id in ["aaaa", "bbbb", "cccc"] {
            begin(&tracker, id, experiment).await;
        }
        let place_of = |run: &str, name: &str| format!("{experiment}/{run}/artifacts/{name}");
        let shared = put(&tracker, &blobs, &place_of("aaaa", "shared"), b"held by two", 10).await;
        put(&tracker, &blobs, &place_of("bbbb", "shared"), b"held by two", 10).await;
        let own = put(&tracker, &blobs, &place_of("aaaa", "own"), b"held by one", 10).await;
        let told = put(&tracker, &blobs, &place_of("aaaa", "told"), b"a fact tells of it", 10).await;
        place.add(vec![NewFact { links: vec![Link::uses("model", told.as_str())], ..fact("f1") }]).await;
        delete(&tracker, "aaaa", 1000).await;
        delete(&tracker, "cccc", 5000).await;

        assert!(!tracker.collect_run("aaaa", 999, collected("x0", "aaaa")).await.unwrap(), "not long enough ago");
        assert!(!tracker.collect_run("bbbb", 9999, collected("x1", "bbbb")).await.unwrap(), "not deleted");
        assert!(!tracker.collect_run("none", 9999, Vec::new()).await.unwrap(), "not there");
        assert_eq!(
            tracker.deleted_runs(2000).await.unwrap().iter().map(|run| run.id.as_str()).collect::<Vec<_>>(),
            ["aaaa"]
        );
        assert!(tracker.collect_run("aaaa", 2000, collected("x2", "aaaa")).await.unwrap());
        assert!(tracker.run("aaaa").await.unwrap().is_none());
        assert!(tracker.run("bbbb").await.unwrap().unwrap().document.metrics.contains_key("loss"));
        assert!(tracker.artifacts_in(&path(&format!("{experiment}/aaaa"))).await.unwrap().is_empty());
        assert_eq!(place.problems().await, Vec::<String>::new());

        // Blobs noted a moment ago may be on their way to a path: they wait.
        assert_eq!(tracker.free_blobs(&blobs, 9).await.unwrap(), Freed::default());
        let freed = tracker.free_blobs(&blobs, 100).await.unwrap();
        assert_eq!(freed, Freed { blobs: 1, bytes: 11 });
        assert!(!blobs.contains(&own).await.unwrap());
        assert!(blobs.contains(&shared).await.unwrap() && blobs.contains(&told).await.unwrap());
        assert_eq!(tracker.free_blobs(&blobs, 100).await.unwrap(), Freed::default());

        // The last path lets go: now it goes too, and content can be stored again.
        tracker.delete_artifacts(&path(&place_of("bbbb", "shared"))).await.unwrap();
        assert_eq!(tracker.free_blobs(&blobs, 100).await.unwrap().blobs, 1);
        assert!(!blobs.contains(&shared).await.unwrap());
        put(&tracker, &blobs, &place_of("bbbb", "again"), b"held by two", 200).await;
        assert_eq!(tracker.free_blobs(&blobs, 1000).await.unwrap(), Freed::default());
        assert!(blobs.contains(&shared).await.unwrap());

        let room = tracker.rows_by_experiment().await.unwrap();
        let shown: Vec<_> = room.iter().map(|(id, stage, room)| (*id, *stage, room.runs, room.points)).collect();
        assert_eq!(shown, [(experiment, Stage::Active, 1, 1), (experiment, Stage::Deleted, 1, 1)]);
        let room = tracker.room_of_artifacts(&path(&experiment.to_string())).await.unwrap();
        assert_eq!((room.files, room.bytes), (1, 11));
    });
}

#[test]
fn a_blob_that_is_being_stored_outlives_the_deletion_of_its_twin() {
    check_both(|place| async move {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::local(folder.path()).beside("artifacts");
        let tracker = Tracker::start(&place.ledger, "churn");
        let digest = put(&tracker, &blobs, "a/old", b"twin", 10).await;
        // Somebody stores the same content, and has got as far as the note.
        tracker.note_loose(&digest, 5_000).await.unwrap();
        tracker.delete_artifacts(&path("a/old")).await.unwrap();
        assert_eq!(tracker.free_blobs(&blobs, 4_000).await.unwrap(), Freed::default());
        assert!(blobs.contains(&digest).await.unwrap());
        // They were killed: an hour later it goes.
        assert_eq!(tracker.free_blobs(&blobs, 6_000).await.unwrap().blobs, 1);
    });
}

#[test]
fn an_experiment_follows_its_last_run() {
    check_both(|place| async move {
        let tracker = Tracker::start(&place.ledger, "churn");
        let experiment = tracker.create_experiment("one", None, Default::default(), 1).await.unwrap();
        begin(&tracker, "aaaa", experiment).await;
        let trace = format!("{experiment}/traces/t/artifacts/traces.json");
        let content = Bytes::from_static(b"{}");
        let artifact = Artifact {
            path: path(&trace),
            digest: Digest::of(&content),
            bytes: 2,
            modified: 1,
            content: ArtifactContent::Small(content),
        };
        tracker.put_artifact(artifact).await.unwrap();
        tracker.move_experiment(experiment, Stage::Deleted, 1000).await.unwrap();
        assert!(!tracker.collect_experiment(experiment, 2000, Vec::new()).await.unwrap(), "it has a run");
        assert!(tracker.collect_run("aaaa", 2000, Vec::new()).await.unwrap());
        assert!(!tracker.collect_experiment(experiment, 999, Vec::new()).await.unwrap(), "not long enough ago");
        assert!(tracker.collect_experiment(experiment, 2000, Vec::new()).await.unwrap());
        assert!(tracker.artifacts_in(&path("")).await.unwrap().is_empty());
        assert!(tracker.create_experiment("one", None, Default::default(), 3000).await.is_ok(), "its name is free");
    });
}
