//! One world: a version that a script registers is a model version, and the alias that says what is live goes through
//! the gate.

use crate::harness::{Story, check_both, customers};
use remuda_app::model::registry::{Register, Registered, Source};
use remuda_app::model::{Export, List, Show};
use remuda_app::release::{self, Rollback};
use remuda_app::run::tracked::{Begin, Tracking, artifact_folder};
use remuda_model::model::registered::{RegisteredVersion, VersionStage};
use remuda_model::run::artifact::ArtifactPath;
use remuda_model::team::Risk;
use std::collections::BTreeMap;

const DESCRIBED: &str = "flavors:\n  onnx:\n    data: model.onnx\n    onnx_version: 1.19.0\n";

/// Logs a run with these files under `model/`, and registers them as the next version of `Leavers`.
async fn register(story: &Story, tracking: &Tracking, files: &[(&str, &[u8])]) -> RegisteredVersion {
    let context = story.context("scientist");
    let run = tracking.begin(&context, Begin::default()).await.unwrap();
    let folder = artifact_folder(&run.artifacts).unwrap();
    for (name, bytes) in files {
        let path = folder.join(&ArtifactPath::parse(&format!("model/{name}")).unwrap());
        let body = futures::stream::iter([Ok::<_, std::io::Error>(bytes::Bytes::copy_from_slice(bytes))]);
        tracking.put_artifact(&path, body).await.unwrap();
    }
    let source = Source { uri: format!("runs:/{}/model", run.id), run: Some(run.id.clone()), logged: None };
    let register = Register { name: "Leavers".to_owned(), source, ..Register::default() };
    let version = tracking.register(&context, register).await.unwrap();
    assert_eq!(version.run.as_deref(), Some(run.id.as_str()));
    assert_eq!(version.storage, format!("{}/model", run.artifacts), "`runs:/` is resolved");
    version
}

async fn begin(story: &Story) -> (Tracking, Vec<u8>) {
    story.add(&customers(1, 3_000, None)).await;
    story.train().await;
    let output = story.file("linear.onnx", "");
    story.does("scientist", Export { model: "linear".into(), output: output.clone() }).await.unwrap();
    let tracking = story.app.tracking(&story.context("scientist").product().unwrap().name).unwrap();
    tracking.make_registered("Leavers", None, BTreeMap::new()).await.unwrap();
    (tracking, std::fs::read(output).unwrap())
}

#[test]
fn a_registered_version_with_an_onnx_model_is_a_candidate() {
    check_both(Risk::Medium, |story| async move {
        let (tracking, onnx) = begin(&story).await;
        let version = register(&story, &tracking, &[("MLmodel", DESCRIBED.as_bytes()), ("model.onnx", &onnx)]).await;
        let digest = version.candidate().unwrap().to_owned();
        let models = story.does("scientist", List { name: Some("leavers".into()) }).await.unwrap().models;
        assert_eq!(models[0].version.digest.as_str(), digest);
        assert_eq!(Some(models[0].version.run.as_str()), version.run.as_deref(), "linked to its run");
        let page = story.does("scientist", Show { model: "leavers".into() }).await.unwrap();
        assert_eq!(page.registered.iter().map(|found| found.version).collect::<Vec<_>>(), [1]);

        // What cannot be a candidate exists all the same, and says why it is none.
        let broken =
            register(&story, &tracking, &[("MLmodel", DESCRIBED.as_bytes()), ("model.onnx", b"no model")]).await;
        assert_eq!((broken.version, broken.candidate()), (2, None));
        assert!(broken.refused().is_some_and(|why| !why.is_empty()), "{:?}", broken.tags);
        let other = register(&story, &tracking, &[("MLmodel", b"flavors:\n  sklearn: {}\n")]).await;
        assert!(other.tags.is_empty(), "another kind of model is no fault: {:?}", other.tags);

        let shown = story.does("scientist", Registered { name: None }).await.unwrap();
        assert_eq!(shown.models.len(), 1);
        assert_eq!(shown.models[0].versions.iter().map(|version| version.version).collect::<Vec<_>>(), [3, 2, 1]);
        let unknown = story.does("scientist", Registered { name: Some("x".into()) }).await.unwrap_err();
        assert_eq!(unknown.code, "request.not_found");
    });
}

#[test]
fn the_alias_that_is_followed_moves_only_through_the_gate() {
    check_both(Risk::Medium, |story| async move {
        let (tracking, onnx) = begin(&story).await;
        let first = register(&story, &tracking, &[("MLmodel", DESCRIBED.as_bytes()), ("model.onnx", &onnx)]).await;
        register(&story, &tracking, &[("MLmodel", b"flavors:\n  sklearn: {}\n")]).await;
        let operator = || story.context("operator");
        let point = async |alias: &str, version| tracking.set_alias(&operator(), "Leavers", alias, version).await;
        let champion = async || tracking.registered("Leavers").await.unwrap().aliases.get("champion").copied();

        // Nothing is governed until the team says so.
        point("champion", 2).await.unwrap();
        tracking.remove_alias(&operator(), "Leavers", "champion").await.unwrap();
        story.write("operator", "serving.toml", "endpoint = \"churn\"\nalias = \"champion\"\n");

        let refused = point("champion", 2).await.unwrap_err();
        assert_eq!(refused.code, "release.not_ready");
        assert!(refused.message.contains("version 2 of `Leavers` is no candidate"), "{}", refused.message);
        let refused = point("champion", 1).await.unwrap_err();
        assert_eq!(refused.code, "release.not_ready");
        for part in
            ["4 things missing", "requirement churn was not evaluated", "remuda gate evaluate", "no accept signature"]
        {
            assert!(refused.message.contains(part), "{}", refused.message);
        }
        assert_eq!(champion().await, None, "the alias does not move");
        assert!(
            story.does("operator", release::List {}).await.unwrap().releases.is_empty(),
            "nothing was made for nothing"
        );
        let staged = tracking.move_to_stage(&operator(), "Leavers", 1, VersionStage::Production, false).await;
        assert_eq!(staged.unwrap_err().code, "release.not_ready");
        tracking.move_to_stage(&operator(), "Leavers", 1, VersionStage::Staging, false).await.unwrap();
        point("challenger", 2).await.unwrap();

        let evaluation = story.evaluate("leavers").await;
        story.sign("owner", "intent", "churn").await;
        story.sign("tester", "evidence", &evaluation.id).await;
        let refused = point("champion", 1).await.unwrap_err();
        assert!(refused.message.contains("1 thing missing: no accept signature on "), "{}", refused.message);
        let releases = story.does("operator", release::List {}).await.unwrap().releases;
        assert_eq!(releases.len(), 1, "a release is made, since a signature must bind one");
        story.sign("owner", "accept", releases[0].digest.as_str()).await;

        // Whoever is no member moves nothing.
        let stranger = tracking.set_alias(&story.context("stranger"), "Leavers", "champion", 1).await.unwrap_err();
        assert_eq!(stranger.code, "access.denied");
        point("champion", 1).await.unwrap();
        assert_eq!(champion().await, Some(1));
        let live = story.does("operator", release::List {}).await.unwrap().releases;
        assert!(live[0].live && Some(live[0].model.as_str()) == first.candidate());
        point("champion", 1).await.unwrap();
        let promoted = story.does("operator", release::List {}).await.unwrap().releases;
        assert_eq!(promoted[0].promotions, 1, "the same again changes nothing");

        // What is live cannot be taken away.
        for refused in [
            tracking.remove_alias(&operator(), "Leavers", "champion").await,
            tracking.delete_version(&operator(), "Leavers", 1).await,
            tracking.delete_registered(&operator(), "Leavers").await,
        ] {
            assert_eq!(refused.unwrap_err().code, "access.denied");
        }
        assert_eq!(champion().await, Some(1));
        tracking.delete_version(&operator(), "Leavers", 2).await.unwrap();
        assert!(story.does("operator", Rollback { why: String::new() }).await.is_err(), "nothing was live before");
    });
}
