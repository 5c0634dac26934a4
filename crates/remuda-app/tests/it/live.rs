//! What is live: predictions, and outcomes that come late, twice, corrected, or before their prediction.

use crate::harness::{check_both, customers};
use remuda_app::feedback;
use remuda_app::ledger::Why;
use remuda_app::serving::{Live, Predict};
use remuda_model::team::Risk;

#[test]
fn outcomes_join_whenever_they_come() {
    check_both(Risk::Medium, |story| async move {
        story.go_live(&customers(1, 3_000, None)).await;
        assert_eq!(story.predict(5_001, 5_300).await.unwrap().rows, 300);
        let clash = story.predict(5_300, 5_301).await.unwrap_err();
        assert_eq!(clash.message, "there is a prediction `5300` already");

        // One outcome is for a prediction that is not made yet.
        let lines = [(5_001, "yes"), (5_002, "no"), (5_003, "no"), (9_001, "yes")];
        let joined = story.outcomes(&lines).await;
        assert_eq!((joined.rows, joined.added, joined.corrected, joined.repeated), (4, 4, 0, 0));
        assert_eq!((joined.unmatched, joined.unmatched_examples), (1, vec!["9001".to_owned()]));
        let count = async || story.does("owner", Live { days: 30 }).await.unwrap().outcomes;
        assert_eq!(count().await, 3);

        // The same file again changes nothing, whatever the order of its rows.
        let mut backwards = lines;
        backwards.reverse();
        let joined = story.outcomes(&backwards).await;
        assert_eq!((joined.added, joined.corrected, joined.repeated), (0, 0, 4));

        // A correction counts; the old file after it is still no news.
        let joined = story.outcomes(&[(5_002, "yes")]).await;
        assert_eq!((joined.added, joined.corrected), (0, 1));
        let joined = story.outcomes(&lines).await;
        assert_eq!((joined.added, joined.corrected, joined.repeated), (0, 0, 4));
        let known = story.app.ledger.outcomes_of("churn", "5002").await.unwrap();
        assert_eq!(known.last().map(|record| record.outcome.value.as_str()), Some("yes"));

        // The late prediction finds its outcome.
        story.predict(9_001, 9_001).await.unwrap();
        assert_eq!(count().await, 4);
    });
}

#[test]
fn a_correction_within_one_file_counts_as_one() {
    check_both(Risk::Medium, |story| async move {
        story.go_live(&customers(1, 3_000, None)).await;
        story.predict(5_001, 5_002).await.unwrap();
        let joined = story.outcomes(&[(5_001, "yes"), (5_001, "no"), (5_001, "no")]).await;
        assert_eq!((joined.added, joined.corrected, joined.repeated), (1, 1, 1));
    });
}

#[test]
fn a_file_that_lacks_inputs_is_refused_by_name() {
    check_both(Risk::Medium, |story| async move {
        story.go_live(&customers(1, 3_000, None)).await;
        let file = story.file("ask.csv", "customer,region\n1,north\n");
        let request = Predict { file, output: None, id_column: None, model: None, source: None };
        let refused = story.does("operator", request).await.unwrap_err();
        assert_eq!(
            (refused.code.as_str(), refused.message.as_str()),
            ("serving.input", "ask.csv lacks `spend` and `plan`, which the model reads",)
        );
    });
}

#[test]
fn an_outcome_that_is_no_known_class_is_refused_before_anything_is_written() {
    check_both(Risk::Medium, |story| async move {
        story.go_live(&customers(1, 3_000, None)).await;
        story.predict(5_001, 5_004).await.unwrap();
        let add = |text: &str| {
            let file = story.file("outcomes.csv", text);
            feedback::Add { file, id_column: None, outcome_column: None, time_column: None, source: None }
        };
        let request = add("prediction_id,outcome\n5001,yes\n5002,maybe\n");
        let refused = story.does("engineer", request).await.unwrap_err();
        assert_eq!(refused.code, "data.unusable");
        assert_eq!(
            refused.message,
            "the outcome `maybe` of prediction `5002` is none of the known classes: `no` and `yes`"
        );
        assert!(refused.hints[0].ends_with("--outcome-column"));
        assert!(story.app.ledger.outcomes_of("churn", "5001").await.unwrap().is_empty());

        // What is not known yet is no class: it is counted and passed over.
        let request = add("prediction_id,outcome\n5001,yes\n5002,\n5003,no\n5004,\n");
        let joined = story.does("engineer", request).await.unwrap();
        assert_eq!((joined.rows, joined.added, joined.empty, joined.unmatched), (4, 2, 2, 0));
    });
}

#[test]
fn why_of_a_prediction_tells_its_own_outcomes_only() {
    check_both(Risk::Medium, |story| async move {
        story.go_live(&customers(1, 3_000, None)).await;
        story.predict(5_001, 5_004).await.unwrap();
        // Three files within a minute; the second is about other predictions.
        story.outcomes(&[(5_001, "yes"), (5_002, "no")]).await;
        story.outcomes(&[(5_003, "no")]).await;
        story.outcomes(&[(5_001, "no")]).await;
        let why = story.does("owner", Why { id: "5001".into() }).await.unwrap();
        let said: Vec<(&str, &str)> =
            why.led_to.iter().map(|step| (step.thing.name.as_str(), step.fact.sentence.as_str())).collect();
        let expected = [
            ("outcome no", "no was observed: engineer joined 1 outcomes from outcomes.csv"),
            (
                "outcome yes",
                "yes was observed, which a newer outcome replaces: engineer joined 2 outcomes from outcomes.csv",
            ),
        ];
        assert_eq!(said, expected);
        let release = why.because.iter().find(|step| step.thing.kind == "release").unwrap();
        assert!(release.fact.sentence.contains(" predicted "), "{}", release.fact.sentence);
        let none = story.does("owner", Why { id: "5004".into() }).await.unwrap();
        assert!(none.led_to.is_empty(), "{:?}", none.led_to);
    });
}

#[test]
fn scores_say_what_to_expect_before_outcomes_come_and_few_outcomes_make_it_an_interval() {
    check_both(Risk::Medium, |story| async move {
        story.go_live(&customers(1, 4_000, None)).await;
        story.predict(5_001, 6_000).await.unwrap();
        let live = story.does("owner", Live { days: 30 }).await.unwrap();
        assert!(live.metrics.is_empty());
        let names: Vec<&str> = live.expected.iter().map(|metric| metric.name.as_str()).collect();
        assert_eq!(names, ["accuracy", "recall of yes", "precision of yes"]);
        // The rows are like those of training, where nearly nine in ten are right.
        let expected = live.expected[0].value.unwrap();
        assert!((expected - 0.885).abs() < 0.025, "{expected}");

        let truth: Vec<(u64, &str)> = customers(5_001, 5_100, None)
            .lines()
            .skip(1)
            .map(|line| {
                (line.split(',').next().unwrap().parse().unwrap(), if line.ends_with("yes") { "yes" } else { "no" })
            })
            .collect();
        story.outcomes(&truth).await;
        let live = story.does("owner", Live { days: 30 }).await.unwrap();
        let powered = live.expected.last().unwrap();
        assert_eq!(
            (powered.name.as_str(), powered.method.as_str(), powered.n),
            ("accuracy", "prediction-powered mean", 100)
        );
        assert!(powered.lower.unwrap() < 0.92 && powered.upper.unwrap() > 0.87, "{powered:?}");
    });
}
