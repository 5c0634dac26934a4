//! The tree of artifacts: stored, listed, replaced, deleted; the blobs that nothing holds any more.

use crate::harness::check_both;
use remuda_ledger::{Artifact, ArtifactContent, ArtifactEntry, ArtifactPlace, Refusal, Tracker};
use remuda_model::Digest;
use remuda_model::run::artifact::ArtifactPath;

fn path(text: &str) -> ArtifactPath {
    ArtifactPath::parse(text).unwrap()
}

fn small(place: &str, content: &'static str) -> Artifact {
    Artifact {
        path: path(place),
        digest: Digest::of(content.as_bytes()),
        bytes: content.len() as u64,
        modified: 1000,
        content: ArtifactContent::Small(content.into()),
    }
}

fn large(place: &str, content: &str) -> Artifact {
    let digest = Digest::of(content.as_bytes());
    Artifact { path: path(place), digest, bytes: 100_000, modified: 1000, content: ArtifactContent::Blob }
}

fn shown(entries: &[ArtifactEntry]) -> Vec<String> {
    let one = |entry: &ArtifactEntry| match &entry.digest {
        Some(_) => format!("{} {}", entry.name, entry.bytes),
        None => format!("{}/", entry.name),
    };
    entries.iter().map(one).collect()
}

#[test]
fn a_tree_grows_is_listed_and_shrinks() {
    check_both(|place| async move {
        let tracker = Tracker::start(&place.ledger, "churn");
        for (at, content) in
            [("0/r/artifacts/a.txt", "one"), ("0/r/artifacts/m/x/y.txt", "two"), ("0/r/artifacts/m/x-y", "3")]
        {
            tracker.put_artifact(small(at, content)).await.unwrap();
        }
        tracker.put_artifact(large("0/r/artifacts/m/model.onnx", "big")).await.unwrap();
        let listed = async |at: &str| shown(&tracker.artifacts_in(&path(at)).await.unwrap());
        assert_eq!(listed("").await, ["0/"]);
        assert_eq!(listed("0/r/artifacts").await, ["a.txt 3", "m/"]);
        assert_eq!(listed("0/r/artifacts/m").await, ["model.onnx 100000", "x/", "x-y 1"]);
        assert!(listed("0/r/artifacts/a.txt").await.is_empty());
        assert!(listed("nothing").await.is_empty());

        let under = tracker.artifacts_under(&path("0/r/artifacts/m"), None, 100).await.unwrap();
        assert_eq!(shown(&under), ["model.onnx 100000", "x-y 1", "y.txt 3"]);
        let first = tracker.artifacts_under(&path("0/r/artifacts/m"), None, 1).await.unwrap();
        let rest = tracker.artifacts_under(&path("0/r/artifacts/m"), first.last(), 9).await.unwrap();
        assert_eq!(shown(&rest), ["x-y 1", "y.txt 3"]);
        assert_eq!(tracker.artifacts_under(&path(""), None, 100).await.unwrap().len(), 4);

        // Replaced: small by small, small by large and back.
        tracker.put_artifact(small("0/r/artifacts/a.txt", "other")).await.unwrap();
        tracker.put_artifact(large("0/r/artifacts/m/x-y", "blob")).await.unwrap();
        tracker.put_artifact(small("0/r/artifacts/m/model.onnx", "tiny")).await.unwrap();
        let found = async |at: &str| tracker.artifact(&path(at)).await.unwrap();
        assert_eq!(found("0/r/artifacts/a.txt").await, ArtifactPlace::File(small("0/r/artifacts/a.txt", "other")));
        assert_eq!(found("0/r/artifacts/m/x-y").await, ArtifactPlace::File(large("0/r/artifacts/m/x-y", "blob")));
        assert_eq!(
            found("0/r/artifacts/m/model.onnx").await,
            ArtifactPlace::File(small("0/r/artifacts/m/model.onnx", "tiny"))
        );
        assert_eq!(found("0/r/artifacts/m/x").await, ArtifactPlace::Folder);
        assert_eq!(found("0/r").await, ArtifactPlace::Folder);
        assert_eq!(found("0/r/none").await, ArtifactPlace::Nothing);

        // Another product sees nothing of it.
        let other = Tracker::start(&place.ledger, "fraud");
        assert!(other.artifacts_in(&path("")).await.unwrap().is_empty());

        // `m` goes with all under it; `m2`, whose name begins alike, stays, and empty folders go.
        tracker.put_artifact(small("0/r/artifacts/m2/z", "z")).await.unwrap();
        tracker.delete_artifacts(&path("0/r/artifacts/m")).await.unwrap();
        assert_eq!(listed("0/r/artifacts").await, ["a.txt 5", "m2/"]);
        tracker.delete_artifacts(&path("0/r/artifacts/m2/z")).await.unwrap();
        assert_eq!(listed("0/r/artifacts").await, ["a.txt 5"]);
        let refused = tracker.delete_artifacts(&path("0/r/artifacts/m")).await.unwrap_err();
        assert_eq!(refused.to_string(), "there is no artifact `0/r/artifacts/m`");
        tracker.delete_artifacts(&path("0/r/artifacts/a.txt")).await.unwrap();
        assert!(listed("").await.is_empty());
    });
}

#[test]
fn a_file_and_a_folder_do_not_share_a_path() {
    check_both(|place| async move {
        let tracker = Tracker::start(&place.ledger, "churn");
        tracker.put_artifact(small("a/b", "file")).await.unwrap();
        let over = tracker.put_artifact(small("a", "x")).await.unwrap_err();
        let under = tracker.put_artifact(small("a/b/c/d", "x")).await.unwrap_err();
        let refusal = |error: remuda_ledger::Error| match error {
            remuda_ledger::Error::Refused(Refusal::Misplaced { path, found }) => format!("{path} {found}"),
            other => other.to_string(),
        };
        assert_eq!((refusal(over), refusal(under)), ("a a folder".to_owned(), "a/b a file".to_owned()));
        assert_eq!(shown(&tracker.artifacts_under(&path(""), None, 9).await.unwrap()), ["b 4"]);
    });
}

#[test]
fn many_writers_of_one_folder_lose_nothing() {
    check_both(|place| async move {
        let tracker = Tracker::start(&place.ledger, "churn");
        let puts = (0..300).map(|number| {
            let tracker = tracker.clone();
            async move { tracker.put_artifact(small(&format!("run/deep/er/{}/{number:03}", number % 3), "x")).await }
        });
        futures::future::try_join_all(puts).await.unwrap();
        assert_eq!(tracker.artifacts_in(&path("run/deep/er/1")).await.unwrap().len(), 100);
        assert_eq!(tracker.artifacts_under(&path("run"), None, 1000).await.unwrap().len(), 300);
    });
}
