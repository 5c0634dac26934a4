//! The gate: what is undecided becomes met by more labels; a holdout wears out; the same question costs once.

use crate::harness::{check_both, customers, requirement};
use remuda_app::gate::Evaluate;
use remuda_app::product::Status;
use remuda_model::gate::{Reason, VerdictKind};
use remuda_model::team::Risk;

#[test]
fn more_labels_decide_what_was_undecided() {
    check_both(Risk::Medium, |story| async move {
        story.add(&customers(1, 400, None)).await;
        story.train().await;
        let evaluation = story.evaluate("linear").await;
        let verdict = &evaluation.requirements[0].verdicts[0];
        assert_eq!((verdict.kind, &verdict.reason), (VerdictKind::Undecided, &Some(Reason::TooFewLabels)));
        let price = verdict.price.as_ref().unwrap();
        assert!(price.cases.iter().any(|case| case.more.is_some_and(|more| more > 0)), "{price:?}");

        // Rows of before stay in their split; the holdout grows.
        let added = story.add(&customers(1, 4_000, None)).await;
        assert_eq!(added.change.map(|change| (change.added, change.removed, change.relabelled)), Some((3_600, 0, 0)));
        let board = story.does("owner", Status {}).await.unwrap();
        let stale: Vec<&str> =
            board.waiting.iter().filter(|wait| wait.kind == "stale").map(|wait| wait.command.as_str()).collect();
        assert_eq!(stale, ["remuda run"]);
        story.train().await;
        let board = story.does("owner", Status {}).await.unwrap();
        let stale: Vec<&str> =
            board.waiting.iter().filter(|wait| wait.kind == "stale").map(|wait| wait.command.as_str()).collect();
        assert_eq!(stale, ["remuda gate evaluate linear"]);

        let evaluation = story.evaluate("linear").await;
        assert_eq!(evaluation.verdict, VerdictKind::Met);
        let board = story.does("owner", Status {}).await.unwrap();
        assert!(board.waiting.iter().all(|wait| wait.kind != "stale"), "{:?}", board.waiting);
        assert!(board.waiting.iter().any(|wait| wait.command == "remuda release create linear"));
    });
}

#[test]
fn a_used_up_holdout_answers_no_more_questions_and_the_same_question_is_free() {
    check_both(Risk::Medium, |story| async move {
        story.budget(3);
        story.add(&customers(1, 3_000, None)).await;
        story.train().await;
        let first = story.evaluate("linear").await;
        assert_eq!((first.charge, first.spent, first.repeated), (2, 0, false));
        let again = story.evaluate("linear").await;
        assert_eq!((again.id.as_str(), again.repeated), (first.id.as_str(), true));

        let refused = story.evaluate("majority").await;
        assert_eq!((refused.verdict, refused.charge), (VerdictKind::Undecided, 0));
        assert_eq!(refused.requirements[0].verdicts[0].reason, Some(Reason::NoBudget));
        assert_eq!(refused.requirements[0].verdicts[0].estimate, None);
        assert!(refused.confusion.is_none());

        // Verdicts alone cost less: one is left.
        let request = Evaluate { candidate: "majority".into(), requirement: None, verdicts_only: true };
        let shy = story.does("tester", request.clone()).await.unwrap();
        assert_eq!((shy.verdict, shy.charge), (VerdictKind::NotMet, 1));
        assert_eq!(shy.requirements[0].verdicts[0].estimate, None);
        let again = story.does("tester", request).await.unwrap();
        assert!(again.repeated);
        // Its numbers would cost one more than there is.
        assert_eq!(story.evaluate("majority").await.requirements[0].verdicts[0].reason, Some(Reason::NoBudget));
    });
}

#[test]
fn two_who_ask_the_same_at_once_pay_once() {
    check_both(Risk::Medium, |story| async move {
        story.add(&customers(1, 1_000, None)).await;
        story.train().await;
        let (one, other) = tokio::join!(story.evaluate("linear"), story.evaluate("linear"));
        assert_eq!(one.id, other.id);
        assert!(one.repeated != other.repeated);
        let board = story.does("owner", Status {}).await.unwrap();
        assert_eq!(board.holdouts[0].spent, 2);
    });
}

#[test]
fn models_of_classes_are_held_against_each_other_by_their_probabilities_too() {
    check_both(Risk::Medium, |story| async move {
        let criteria = ["log loss < baseline majority", "brier <= baseline majority", "auc > baseline majority + 0.1"];
        story.write("owner", "requirements/churn.md", &requirement(&criteria));
        story.add(&customers(1, 2_000, None)).await;
        story.train().await;
        let evaluation = story.evaluate("linear").await;
        let kinds: Vec<VerdictKind> = evaluation.requirements[0].verdicts.iter().map(|verdict| verdict.kind).collect();
        assert_eq!(kinds, [VerdictKind::Met; 3]);
    });
}

#[test]
fn a_model_held_against_itself_is_no_worse_and_no_better() {
    check_both(Risk::Medium, |story| async move {
        story.go_live(&customers(1, 2_000, None)).await;
        let criteria = [
            "accuracy >= production - 0.5 pp",
            "auc >= production",
            "accuracy > production",
            "recall of yes >= production + 0.01",
        ];
        story.write("owner", "requirements/churn.md", &requirement(&criteria));
        let evaluation = story.evaluate("linear").await;
        let verdicts = &evaluation.requirements[0].verdicts;
        let kinds: Vec<VerdictKind> = verdicts.iter().map(|verdict| verdict.kind).collect();
        assert_eq!(kinds, [VerdictKind::Met, VerdictKind::Met, VerdictKind::NotMet, VerdictKind::NotMet]);
        assert_eq!((verdicts[0].lower, verdicts[0].upper), (Some(0.0), Some(0.0)));
        assert_eq!(verdicts[0].method, "the same model: no difference");
        // Another model with its own mistakes is compared as ever.
        let other = story.evaluate("majority").await;
        assert_eq!(other.requirements[0].verdicts[0].kind, VerdictKind::NotMet);
        assert_ne!(other.requirements[0].verdicts[0].method, "the same model: no difference");
    });
}
