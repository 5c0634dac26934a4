//! Logged models, registered models, versions and aliases, on both engines.

use crate::harness::check_both;
use remuda_ledger::{
    Batch, LoggedChange, LoggedOrder, LoggedSearch, ModelChange, NewLoggedModel, NewRegisteredModel, NewRun,
    NewVersion, RegistrySearch, Tracker, VersionChange,
};
use remuda_model::model::filter::{self, LOGGED, ModelKey, REGISTERED, VERSIONS, attribute};
use remuda_model::model::logged::{LoggedStatus, ModelPoint};
use remuda_model::model::registered::{RegisteredVersion, VersionStage};
use remuda_model::run::filter::Filter;
use remuda_model::run::tracked::{Document, Point, Stage, TrackedStatus};
use std::collections::BTreeMap;

fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

async fn begin(tracker: &Tracker, id: &str) {
    tracker.ensure_default(1).await.unwrap();
    let run = NewRun {
        id: id.to_owned(),
        experiment: 0,
        name: id.to_owned(),
        actor: "ana".to_owned(),
        status: TrackedStatus::Running,
        started: 1,
        ended: None,
        artifacts: None,
        native: false,
        document: Document::default(),
        facts: Vec::new(),
    };
    tracker.begin_run(run).await.unwrap();
}

async fn log_model(tracker: &Tracker, id: &str, now: i64, depth: &str) {
    let model = NewLoggedModel {
        id: id.to_owned(),
        experiment: 0,
        name: format!("forest-{id}"),
        kind: Some("tree".to_owned()),
        source_run: Some("r1".to_owned()),
        now,
        parameters: pairs(&[("depth", depth)]),
        tags: pairs(&[("team", "blue")]),
        facts: Vec::new(),
    };
    let made = tracker.make_logged_model(model).await.unwrap();
    assert_eq!(made.artifacts, format!("mlflow-artifacts:/0/models/{id}/artifacts"));
    assert_eq!((made.status, made.stage), (LoggedStatus::Pending, Stage::Active));
}

fn measured(model: &str, value: Option<f64>, time: i64, dataset: Option<(&str, &str)>) -> ModelPoint {
    ModelPoint {
        model: model.to_owned(),
        run: "r1".to_owned(),
        point: Point { key: "auc".to_owned(), value, step: 0, time },
        dataset: dataset.map(|(name, digest)| (name.to_owned(), digest.to_owned())),
    }
}

/// The ids that a search finds, page by page.
async fn found(
    tracker: &Tracker,
    text: &str,
    order: &[LoggedOrder],
    datasets: &[(String, Option<String>)],
) -> Vec<String> {
    let filter = filter::logged(text).unwrap();
    let mut ids = Vec::new();
    let mut after = None;
    loop {
        let search =
            LoggedSearch { experiments: &[0], filter: &filter, datasets, order, after: after.as_ref(), limit: 2 };
        let page = tracker.search_logged_models(&search).await.unwrap();
        assert!(page.models.len() <= 2);
        ids.extend(page.models.into_iter().map(|model| model.id));
        match page.last {
            Some(last) => after = Some(last),
            None => return ids,
        }
    }
}

#[test]
fn logged_models_are_found_by_what_they_have_and_where_they_were_measured() {
    check_both(|place| async move {
        let tracker = Tracker::start(&place.ledger, "churn");
        begin(&tracker, "r1").await;
        for (place, depth) in ["3", "4", "4", "5", "5"].iter().enumerate() {
            log_model(&tracker, &format!("m-{}", place + 1), 10 + place as i64, depth).await;
        }
        let holdout = Some(("holdout", "d1"));
        let models = vec![
            measured("m-1", Some(0.9), 1, Some(("train", "d0"))),
            measured("m-1", Some(0.6), 1, holdout),
            measured("m-2", Some(0.7), 1, holdout),
            measured("m-3", None, 1, holdout),
            measured("m-2", Some(0.8), 2, holdout),
        ];
        let points = models.iter().map(|model| model.point.clone()).collect();
        let batch = Batch { points, models: models.clone(), ..Batch::default() };
        tracker.log("r1", batch.clone()).await.unwrap();
        // The very same again is one.
        tracker.log("r1", batch).await.unwrap();
        let two = tracker.logged_model("m-2").await.unwrap().unwrap();
        assert_eq!(two.points, [models[2].clone(), models[4].clone()]);

        let all = found(&tracker, "", &[], &[]).await;
        assert_eq!(all, ["m-5", "m-4", "m-3", "m-2", "m-1"], "the newest first");
        assert_eq!(found(&tracker, "params.depth = '4'", &[], &[]).await, ["m-3", "m-2"]);
        assert_eq!(found(&tracker, "name LIKE '%-m-5' OR tags.team = 'red'", &[], &[]).await, ["m-5"]);
        assert_eq!(found(&tracker, "status = 'READY'", &[], &[]).await, Vec::<String>::new());
        assert_eq!(found(&tracker, "metrics.auc > 0.75", &[], &[]).await, ["m-2", "m-1"]);
        let on_holdout = [("holdout".to_owned(), Some("d1".to_owned()))];
        assert_eq!(found(&tracker, "metrics.auc > 0.75", &[], &on_holdout).await, ["m-2"]);
        assert_eq!(found(&tracker, "", &[], &on_holdout).await, ["m-3", "m-2", "m-1"]);
        assert_eq!(found(&tracker, "creation_timestamp <= 11", &[], &[]).await, ["m-2", "m-1"]);
        let by = |dataset: Option<&str>, descending| LoggedOrder {
            key: ModelKey::Metric("auc".to_owned()),
            descending,
            dataset: dataset.map(str::to_owned),
            digest: None,
        };
        let best_first = found(&tracker, "", &[by(Some("holdout"), true)], &[]).await;
        assert_eq!(best_first, ["m-2", "m-1", "m-5", "m-4", "m-3"], "what has no number comes last");
        assert_eq!(found(&tracker, "", &[by(Some("holdout"), false)], &[]).await[..2], ["m-1", "m-2"]);
        let kind = LoggedOrder { key: attribute(&LOGGED, "name").map(ModelKey::Attribute).unwrap(), ..by(None, false) };
        assert_eq!(found(&tracker, "", &[kind], &[]).await[..2], ["m-1", "m-2"]);
    });
}

#[test]
fn a_logged_model_changes_and_goes() {
    check_both(|place| async move {
        let tracker = Tracker::start(&place.ledger, "churn");
        begin(&tracker, "r1").await;
        log_model(&tracker, "m-1", 10, "3").await;
        let change = async |change| tracker.change_logged_model("m-1", change, 20, Vec::new()).await;
        let ready = change(LoggedChange::Status(LoggedStatus::Ready)).await.unwrap();
        assert_eq!((ready.status, ready.updated), (LoggedStatus::Ready, 20));
        change(LoggedChange::SetTags(pairs(&[("team", "red"), ("note", "x")]))).await.unwrap();
        assert_eq!(found(&tracker, "tags.team = 'red'", &[], &[]).await, ["m-1"]);
        change(LoggedChange::RemoveTag("note".to_owned())).await.unwrap();
        let missing = change(LoggedChange::RemoveTag("note".to_owned())).await.unwrap_err().to_string();
        assert_eq!(missing, "No tag with key 'note' found for model with ID 'm-1'.");
        change(LoggedChange::AddParameters(pairs(&[("depth", "3"), ("seed", "1")]))).await.unwrap();
        assert!(
            change(LoggedChange::AddParameters(pairs(&[("depth", "4")]))).await.is_err(),
            "parameters do not change"
        );
        assert_eq!(
            tracker.logged_models_of("r1").await.unwrap()[0].parameters,
            pairs(&[("depth", "3"), ("seed", "1")])
        );

        let odd = Batch { models: vec![measured("m-9", Some(1.0), 1, None)], ..Batch::default() };
        let missing = tracker.log("r1", Batch { tags: vec![("a".to_owned(), "b".to_owned())], ..odd }).await;
        assert_eq!(missing.unwrap_err().to_string(), "Logged model with ID 'm-9' not found.");
        assert!(tracker.run("r1").await.unwrap().unwrap().document.tags.is_empty(), "all or nothing");

        change(LoggedChange::Stage(Stage::Deleted)).await.unwrap();
        assert_eq!(found(&tracker, "", &[], &[]).await, Vec::<String>::new());
        assert_eq!(tracker.logged_model("m-1").await.unwrap().unwrap().stage, Stage::Deleted);
    });
}

async fn register(tracker: &Tracker, model: &str, now: i64, tags: &[(&str, &str)]) -> RegisteredVersion {
    let version = NewVersion {
        model: model.to_owned(),
        description: None,
        actor: "ana".to_owned(),
        source: "runs:/r1/model".to_owned(),
        storage: "mlflow-artifacts:/0/r1/artifacts/model".to_owned(),
        run: Some(format!("r{now}")),
        run_link: None,
        logged: None,
        tags: pairs(tags),
        now,
        facts: Box::new(|_| Vec::new()),
    };
    tracker.make_version(version).await.unwrap()
}

async fn make(tracker: &Tracker, name: &str, tags: &[(&str, &str)]) {
    let model =
        NewRegisteredModel { name: name.to_owned(), description: None, tags: pairs(tags), now: 1, facts: Vec::new() };
    tracker.make_registered_model(model).await.unwrap();
}

#[test]
fn versions_are_counted_once_and_aliases_move_between_them() {
    check_both(|place| async move {
        let tracker = Tracker::start(&place.ledger, "churn");
        make(&tracker, "churn", &[("owner", "ana")]).await;
        let again = NewRegisteredModel {
            name: "churn".to_owned(),
            description: None,
            tags: BTreeMap::new(),
            now: 1,
            facts: Vec::new(),
        };
        let taken = tracker.make_registered_model(again).await.unwrap_err().to_string();
        assert_eq!(taken, "Registered Model (name=churn) already exists.");
        for now in 10..14 {
            register(&tracker, "churn", now, &[("round", "1")]).await;
        }
        let change = async |change| tracker.change_registered_model("churn", change, 20, Vec::new()).await;
        assert_eq!(change(ModelChange::SetAlias("champion".to_owned(), 2)).await.unwrap().before, None);
        assert_eq!(change(ModelChange::SetAlias("champion".to_owned(), 4)).await.unwrap().before, Some(2));
        let missing = change(ModelChange::SetAlias("champion".to_owned(), 9)).await.unwrap_err().to_string();
        assert_eq!(missing, "Model Version (name=churn, version=9) not found");
        let stage = |stage, archive| VersionChange::Stage { stage, archive };
        let alter = async |version, change| tracker.change_version("churn", version, change, 30, Vec::new()).await;
        alter(1, stage(VersionStage::Production, false)).await.unwrap();
        alter(3, stage(VersionStage::Production, true)).await.unwrap();
        let model = tracker.registered_model("churn").await.unwrap();
        assert_eq!(model.aliases, BTreeMap::from([("champion".to_owned(), 4)]));
        let latest: Vec<_> = model.latest.iter().map(|version| (version.version, version.stage)).collect();
        let wanted = [(1, VersionStage::Archived), (3, VersionStage::Production), (4, VersionStage::None)];
        assert_eq!(latest, wanted);
        assert_eq!(tracker.registered_version("churn", 4).await.unwrap().aliases, ["champion"]);

        alter(4, VersionChange::Delete).await.unwrap();
        assert!(tracker.registered_model("churn").await.unwrap().aliases.is_empty(), "its alias went with it");
        assert_eq!(register(&tracker, "churn", 40, &[]).await.version, 5, "no number is given twice");
        change(ModelChange::Rename("leavers".to_owned())).await.unwrap();
        assert_eq!(tracker.registered_version("leavers", 5).await.unwrap().model, "leavers");
        let gone = tracker.registered_model("churn").await.unwrap_err().to_string();
        assert_eq!(gone, "Registered Model with name=churn not found");
        tracker.change_registered_model("leavers", ModelChange::Delete, 50, Vec::new()).await.unwrap();
        make(&tracker, "leavers", &[]).await;
        assert_eq!(register(&tracker, "leavers", 60, &[]).await.version, 1);
    });
}

#[test]
fn registered_models_and_versions_are_found_page_by_page() {
    check_both(|place| async move {
        let tracker = Tracker::start(&place.ledger, "churn");
        for (name, tags) in [
            ("a", &[("team", "blue")] as &[(&str, &str)]),
            ("B", &[("team", "red")]),
            ("c", &[("team", "blue")]),
            ("greeting", &[("mlflow.prompt.is_prompt", "true")]),
        ] {
            make(&tracker, name, tags).await;
            for now in 10..12 {
                register(&tracker, name, now, tags).await;
            }
        }
        let models = async |text: &str, descending| {
            let filter = filter::registered(text).unwrap();
            let order = [(&REGISTERED[0], descending)];
            let (mut names, mut after) = (Vec::new(), None);
            loop {
                let search = RegistrySearch { filter: &filter, order: &order, after: after.as_ref(), limit: 1 };
                let (found, last) = tracker.search_registered_models(&search).await.unwrap();
                names.extend(found.into_iter().map(|model| (model.name, model.latest.len())));
                match last {
                    Some(last) => after = Some(last),
                    None => return names.into_iter().map(|(name, _)| name).collect::<Vec<_>>().join(" "),
                }
            }
        };
        assert_eq!(models("", false).await, "B a c", "prompts are hidden");
        assert_eq!(models("", true).await, "c a B");
        assert_eq!(models("tags.team = 'blue'", false).await, "a c");
        assert_eq!(models("name IN ('a', 'B')", false).await, "B a");
        assert_eq!(models("tags.`mlflow.prompt.is_prompt` = 'true'", false).await, "greeting");
        assert_eq!(models("tags.`mlflow.prompt.is_prompt` != 'true' AND name = 'a'", false).await, "a");

        let versions = async |text: &str| {
            let filter = filter::versions(text).unwrap();
            let (mut all, mut after) = (Vec::new(), None);
            loop {
                let order = [(&VERSIONS[1], true)];
                let search = RegistrySearch { filter: &filter, order: &order, after: after.as_ref(), limit: 2 };
                let (found, last) = tracker.search_versions(&search).await.unwrap();
                all.extend(found.into_iter().map(|version| format!("{}{}", version.model, version.version)));
                match last {
                    Some(last) => after = Some(last),
                    None => return all.join(" "),
                }
            }
        };
        assert_eq!(versions("").await, "B2 a2 c2 B1 a1 c1");
        assert_eq!(versions("name = 'a'").await, "a2 a1");
        assert_eq!(versions("run_id = 'r11'").await, "B2 a2 c2");
        assert_eq!(versions("version_number > 1 AND tags.team = 'red'").await, "B2");
        assert_eq!(
            versions("name = 'greeting' AND tags.`mlflow.prompt.is_prompt` = 'true'").await,
            "greeting2 greeting1"
        );
        assert_eq!(versions("source_path LIKE 'runs:%' AND NOT name = 'a'").await, "B2 c2 B1 c1");
        assert_eq!(Filter::<ModelKey>::All(Vec::new()), filter::versions("").unwrap());
    });
}
