//! The ledger as people read it: lineage both ways, and damage found and named.

use crate::harness::{check_both, customers};
use remuda_app::ledger::{Verify, Why};
use remuda_model::team::Risk;
use std::path::{Path, PathBuf};

#[test]
fn a_prediction_leads_back_to_the_requirement_and_a_version_forward_to_the_predictions() {
    check_both(Risk::Medium, |story| async move {
        let version = story.add(&customers(1, 3_000, None)).await.version.digest.to_string();
        let release = story.go_live(&customers(1, 3_000, None)).await;
        story.predict(5_001, 5_010).await.unwrap();
        story.outcomes(&[(5_001, "yes")]).await;

        let why = story.does("owner", Why { id: "5001".into() }).await.unwrap();
        assert_eq!(why.thing.kind, "prediction");
        let back = |kind: &str| why.because.iter().find(|step| step.thing.kind == kind);
        assert_eq!(back("release").unwrap().thing.id, release);
        assert_eq!(back("release").unwrap().distance, 1);
        assert_eq!(back("dataset_version").unwrap().thing.id, version);
        assert_eq!(back("requirement").unwrap().thing.name, "requirement churn");
        assert!(back("model_version").is_some() && back("run").is_some() && back("evaluation").is_some());
        assert!(why.led_to.iter().any(|step| step.thing.kind == "outcomes"), "{:?}", why.led_to);
        // Every step hangs on one that is nearer.
        for step in &why.because {
            let nearer = why.because.iter().any(|other| other.thing.id == step.from && other.distance < step.distance);
            assert!(nearer || step.from == "5001", "{step:?}");
        }

        let forward = story.does("owner", Why { id: version[..15].to_owned() }).await.unwrap();
        assert_eq!(forward.thing.kind, "dataset_version");
        let to: Vec<&str> = forward.led_to.iter().map(|step| step.thing.kind.as_str()).collect();
        for kind in ["model_version", "evaluation", "release", "promotion", "predictions"] {
            assert!(to.contains(&kind), "{kind} is not in {to:?}");
        }
    });
}

fn files_under(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files_under(&path, found) } else { found.push(path) }
    }
}

#[test]
fn a_flipped_byte_and_a_changed_row_are_found_and_named() {
    check_both(Risk::Medium, |story| async move {
        let release = story.go_live(&customers(1, 3_000, None)).await;
        story.predict(5_001, 5_010).await.unwrap();
        let verify = async || story.does("owner", Verify { facts_only: false }).await.unwrap().problems;
        assert_eq!(verify().await, Vec::<String>::new());

        let mut blobs = Vec::new();
        files_under(&story.root().join(".remuda/blobs"), &mut blobs);
        let largest = blobs.into_iter().max_by_key(|path| path.metadata().unwrap().len()).unwrap();
        let mut bytes = std::fs::read(&largest).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        let mut permissions = largest.metadata().unwrap().permissions();
        #[expect(clippy::permissions_set_readonly_false, reason = "a file of the test's own")]
        permissions.set_readonly(false);
        std::fs::set_permissions(&largest, permissions).unwrap();
        std::fs::write(&largest, &bytes).unwrap();
        let problems = verify().await;
        assert_eq!(problems.len(), 1, "{problems:?}");
        let name = largest.file_name().unwrap().to_string_lossy().into_owned();
        assert!(problems[0].contains(&name), "{problems:?} does not name {name}");
        bytes[middle] ^= 1;
        std::fs::write(&largest, &bytes).unwrap();
        assert_eq!(verify().await, Vec::<String>::new());

        let line = story.does("owner", remuda_app::release::Show { release }).await.unwrap().line;
        story.tamper("prediction", "UPDATE prediction SET label = 'maybe' WHERE id = '5003'").await;
        let problems = verify().await;
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].starts_with("fact "), "{problems:?}");
        story.tamper("fact", &format!("UPDATE fact SET actor = 'nobody' WHERE subject = '{}'", line.digest)).await;
        assert!(verify().await.len() > 1);
    });
}
