//! What is live: predictions, and outcomes that come late, twice, corrected, or before their prediction.

use crate::harness::{check_both, customers};
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
