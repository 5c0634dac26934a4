//! Runs side by side: a step that was skipped has the parameters of the run whose model it kept.

use crate::harness::{check_both, customers};
use remuda_app::run::{Diff, Fetch, Keep, KnownCode, List, RecordOutputs, Show, Start};
use remuda_model::Digest;
use remuda_model::run::Snapshot;
use remuda_model::run::StepOutcome;
use remuda_model::run::captured::{Captured, OutputFile, PackedCode};
use remuda_model::team::Risk;

#[test]
fn a_run_of_skipped_steps_has_their_parameters() {
    check_both(Risk::Medium, |story| async move {
        story.add(&customers(1, 400, None)).await;
        let first = story.train().await;
        story.later(1_000_000);
        let second = story.train().await;
        assert!(second.steps.iter().all(|step| step.outcome == StepOutcome::Skipped), "{:?}", second.steps);
        let shown = story.does("scientist", Show { run: second.run.clone() }).await.unwrap();
        assert!(shown.parameters.contains_key("linear/seed"), "{:?}", shown.parameters);
        assert_eq!(shown.parameters, first.parameters);
        let diff = story.does("scientist", Diff { left: second.run.clone(), right: None }).await.unwrap();
        assert_eq!((diff.left.run.as_str(), diff.parameters.len()), (first.run.as_str(), 0));

        // Against a run with other parameters, what differs is named, though neither side trained anything new.
        let pipeline = std::fs::read_to_string(story.root().join("pipeline.toml")).unwrap();
        story.write(
            "scientist",
            "pipeline.toml",
            &pipeline.replace("learn = \"linear\"", "learn = \"linear\"\nseed = 7"),
        );
        story.later(1_000_000);
        story.train().await;
        story.later(1_000_000);
        let fourth = story.train().await;
        assert!(fourth.steps.iter().all(|step| step.outcome == StepOutcome::Skipped), "{:?}", fourth.steps);
        let request = Diff { left: second.run.clone(), right: Some(fourth.run.clone()) };
        let diff = story.does("scientist", request).await.unwrap();
        let seeds: Vec<(&str, &str)> =
            diff.parameters.iter().map(|row| (row.name.as_str(), row.right.as_str())).collect();
        assert_eq!(seeds, [("linear/seed", "7")]);
    });
}

#[test]
fn runs_are_found_by_what_they_measured_and_tried() {
    check_both(Risk::Medium, |story| async move {
        story.add(&customers(1, 600, None)).await;
        for _ in 0..3 {
            story.later(1_000_000);
            story.train().await;
        }
        let find = |filter: &str, order: Option<&str>, limit: usize| {
            let filter = Some(filter.to_owned()).filter(|filter| !filter.is_empty());
            let list = List { limit, filter, order_by: order.map(str::to_owned), ..List::default() };
            story.does("owner", list)
        };
        let all = find("", None, 50).await.unwrap();
        assert_eq!(all.runs.len(), 3);
        let metric = all.runs[2].metrics.iter().find(|metric| metric.name == "linear/accuracy").unwrap().value.unwrap();
        assert_eq!(find(&format!("metrics.linear/accuracy >= {metric}"), None, 50).await.unwrap().runs.len(), 3);
        assert_eq!(find(&format!("metrics.linear/accuracy > {metric}"), None, 50).await.unwrap().runs.len(), 0);
        assert_eq!(find("status = 'FINISHED' and not status = 'FAILED'", None, 50).await.unwrap().runs.len(), 3);
        let id = &all.runs[1].run;
        let others = find(&format!("run_id != '{id}'"), Some("start_time ASC"), 1).await.unwrap();
        assert_eq!((others.runs.len(), others.more, &others.runs[0].run), (1, true, &all.runs[2].run));
        // Pages of a filter go on where the last one ended.
        let first = find(&format!("run_id != '{id}'"), None, 1).await.unwrap();
        assert_eq!((first.more, &first.runs[0].run), (true, &all.runs[0].run));
        let list = List {
            limit: 5,
            before: Some(first.runs[0].run.clone()),
            filter: Some(format!("run_id != '{id}'")),
            ..List::default()
        };
        let rest = story.does("owner", list).await.unwrap();
        assert_eq!((rest.runs.len(), rest.more), (1, false));
        let error = find("metric.linear/accuracy > 'high'", None, 5).await.unwrap_err();
        assert_eq!((error.code.as_str(), error.diagnostics[0].column), ("request.invalid", 26));
    });
}

#[test]
fn packed_code_is_kept_only_if_it_can_be_given_back() {
    check_both(Risk::Medium, |story| async move {
        let known = story.does("scientist", KnownCode {}).await.unwrap();
        assert!(known.code.is_none() && known.contents.is_empty());
        // A file that is no packed code is refused, and so is a snapshot that names a blob which is not here.
        let file = story.file("code", "not packed");
        let keep = Keep { file, source: None, code: true };
        assert_eq!(story.does("scientist", keep).await.unwrap_err().code, "repository.unusable");
        let code = PackedCode {
            blob: Digest::of(b"nowhere"),
            others: Vec::new(),
            tree: Digest::of(b"tree"),
            files: 1,
            bytes: 1,
            packed: 1,
        };
        let captured = Captured { code: Some(code), ..Captured::default() };
        let start = Start {
            command: "true".into(),
            snapshot: Snapshot { captured: Some(Box::new(captured)), ..Snapshot::default() },
            note: String::new(),
            holder: String::new(),
            id: None,
        };
        assert_eq!(story.does("scientist", start).await.unwrap_err().code, "request.invalid");

        // A run of the pipeline keeps its files; the next one of the same files keeps nothing more.
        story.add(&customers(1, 400, None)).await;
        let first = story.train().await;
        let second = story.train().await;
        let code = |run: &remuda_app::run::RunState| run.snapshot.captured.clone().unwrap().code.unwrap();
        assert_eq!(code(&first), code(&second));
        let known = story.does("scientist", KnownCode {}).await.unwrap();
        assert_eq!(known.code.as_ref(), Some(&code(&first)));
        let output = story.file("fetched", "");
        let fetch = Fetch { run: second.run.clone(), kept: None, output: output.clone() };
        assert!(story.does("owner", fetch).await.unwrap().bytes > 100);
        // What has ended takes no outputs any more, and what was not kept cannot be fetched.
        let lost = OutputFile { path: "a".into(), bytes: 1, digest: None, meaning: None, blob: None };
        let late = RecordOutputs { run: second.run.clone(), outputs: vec![lost] };
        assert_eq!(story.does("scientist", late).await.unwrap_err().code, "request.invalid");
        let fetch = Fetch { run: second.run.clone(), kept: Some("a".into()), output };
        assert_eq!(story.does("owner", fetch).await.unwrap_err().code, "request.not_found");
    });
}
