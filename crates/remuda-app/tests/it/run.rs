//! Runs side by side: a step that was skipped has the parameters of the run whose model it kept.

use crate::harness::{check_both, customers};
use remuda_app::run::{Diff, Show};
use remuda_model::run::StepOutcome;
use remuda_model::team::Risk;

#[test]
fn a_run_of_skipped_steps_has_their_parameters() {
    check_both(Risk::Medium, |story| async move {
        story.add(&customers(1, 400, None)).await;
        let first = story.train().await;
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
        story.train().await;
        let fourth = story.train().await;
        assert!(fourth.steps.iter().all(|step| step.outcome == StepOutcome::Skipped), "{:?}", fourth.steps);
        let request = Diff { left: second.run.clone(), right: Some(fourth.run.clone()) };
        let diff = story.does("scientist", request).await.unwrap();
        let seeds: Vec<(&str, &str)> =
            diff.parameters.iter().map(|row| (row.name.as_str(), row.right.as_str())).collect();
        assert_eq!(seeds, [("linear/seed", "7")]);
    });
}
