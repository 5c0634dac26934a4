//! The gate: what is undecided becomes met by more labels; a holdout wears out; the same question costs once.

use crate::harness::{check_both, customers, requirement};
use remuda_app::gate::{Evaluate, Evaluation, Show};
use remuda_app::product::{Check, Status};
use remuda_app::team::Sign;
use remuda_model::diagnostic::Severity;
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
fn numbers_bought_after_verdicts_are_bought_once() {
    check_both(Risk::Medium, |story| async move {
        story.add(&customers(1, 3_000, None)).await;
        story.train().await;
        let request = Evaluate { candidate: "linear".into(), requirement: None, verdicts_only: true };
        let shy = story.does("tester", request).await.unwrap();
        assert_eq!((shy.charge, shy.requirements[0].verdicts[0].n), (1, 0));
        let bold = story.evaluate("linear").await;
        assert_eq!((bold.charge, bold.repeated), (1, false));
        let again = story.evaluate("linear").await;
        assert_eq!((again.id, again.repeated), (bold.id, true));
    });
}

#[test]
fn a_plan_covers_the_same_question_only_and_the_same_rows_have_one_holdout() {
    check_both(Risk::Medium, |story| async move {
        let criteria = planned("\"any time\"").replace("auc >= 0.8", "accuracy >= baseline majority");
        story.write("owner", "requirements/churn.md", &criteria);
        story.add(&customers(1, 800, None)).await;
        story.train().await;
        let first = story.evaluate("linear").await;
        story.add(&customers(1, 1_600, None)).await;
        assert!(story.evaluate(first.model.short()).await.covered);
        // Another baseline is another question.
        story.train().await;
        let other = story.evaluate(first.model.short()).await;
        assert_eq!((other.charge, other.covered), (2, false));

        // A smaller holdout lies within the greater one: its looks still count.
        let path = story.root().join("data/churn.odcs.yaml");
        let contract = std::fs::read_to_string(path).unwrap();
        let smaller =
            contract.replace("holdout: 0.15", "holdout: 0.14").replace("validation: 0.15", "validation: 0.16");
        assert_ne!(smaller, contract);
        story.write("engineer", "data/churn.odcs.yaml", &smaller);
        story.add(&customers(1, 1_601, None)).await;
        story.train().await;
        let nested = story.evaluate("linear").await;
        assert!(nested.spent >= 4, "{}", nested.spent);
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

const DAY: i64 = 86_400_000_000;

/// The requirement of the stories with a plan of looks.
fn planned(looks: &str) -> String {
    requirement(&["accuracy >= 0.8", "auc >= 0.8"]).replace("]\n+++", &format!("]\nlooks = {looks}\n+++"))
}

#[test]
fn planned_looks_are_paid_once_and_share_the_risk() {
    check_both(Risk::Medium, |story| async move {
        story.write("owner", "requirements/churn.md", &planned("[60, 240, 600]"));
        story.budget(4);
        story.add(&customers(1, 400, None)).await;
        story.train().await;
        let first = story.evaluate("linear").await;
        assert_eq!((first.charge, first.covered), (2, false));
        let of = |evaluation: &Evaluation, at: usize| evaluation.requirements[0].verdicts[at].clone();
        assert_eq!(of(&first, 0).kind, VerdictKind::Undecided);
        assert!(of(&first, 0).method.contains("look 1 of a plan of 3"), "{}", of(&first, 0).method);
        // Early looks spend next to nothing.
        assert!(of(&first, 0).confidence > 0.999, "{}", of(&first, 0).confidence);

        // The same candidate on more rows: what was paid covers it.
        story.add(&customers(1, 4_200, None)).await;
        let last = story.evaluate(first.model.short()).await;
        assert!(last.rows >= 600, "{}", last.rows);
        assert_eq!((last.charge, last.covered, last.spent), (0, true, 2));
        assert_eq!(last.verdict, VerdictKind::Met);
        let whole = 1.0 - 0.05 / 4.0;
        assert!(of(&last, 0).confidence >= whole - 1e-9 && of(&last, 0).confidence < whole + 0.01);
        assert!(of(&last, 1).confidence >= whole);

        // The plan is over: more rows are no further try.
        story.add(&customers(1, 6_000, None)).await;
        let request = Evaluate { candidate: first.model.short().to_owned(), requirement: None, verdicts_only: false };
        let beyond = story.does("tester", request).await.unwrap_err();
        assert!(beyond.message.contains("has ended"), "{}", beyond.message);
        let board = story.does("owner", Status {}).await.unwrap();
        assert_eq!(board.evaluation.unwrap().verdict, VerdictKind::Met);
        // Another candidate is another submission.
        let other = story.evaluate("majority").await;
        assert_eq!((other.charge, other.covered), (2, false));
    });
}

#[test]
fn looks_at_any_time_never_run_out() {
    check_both(Risk::Medium, |story| async move {
        story.write("owner", "requirements/churn.md", &planned("\"any time\""));
        story.add(&customers(1, 400, None)).await;
        story.train().await;
        let first = story.evaluate("linear").await;
        for rows in [800, 1_600, 6_000] {
            story.add(&customers(1, rows, None)).await;
            let evaluation = story.evaluate(first.model.short()).await;
            assert_eq!((evaluation.charge, evaluation.covered), (0, true));
            let rate = &evaluation.requirements[0].verdicts[0];
            assert!(rate.method.starts_with("beta mixture"), "{}", rate.method);
            assert!(rows < 6_000 || rate.kind == VerdictKind::Met, "{rate:?}");
        }
    });
}

#[test]
fn a_waiver_lets_one_criterion_pass_until_its_day_is_over() {
    check_both(Risk::Medium, |story| async move {
        story.write("owner", "requirements/churn.md", &requirement(&["accuracy >= 0.8", "auc >= 0.999"]));
        story.add(&customers(1, 4_000, None)).await;
        story.train().await;
        let evaluation = story.evaluate("linear").await;
        assert_eq!(evaluation.verdict, VerdictKind::NotMet);
        story.sign("owner", "intent", "churn").await;
        story.sign("tester", "evidence", &evaluation.id).await;
        let release = story.release().await;
        let blocked =
            |missing: &[remuda_model::team::Missing]| missing.iter().any(|one| one.what.contains("auc >= 0.999"));
        assert!(blocked(&release.missing), "{:?}", release.missing);

        let day = |time: i64| jiff::Timestamp::from_microsecond(time).unwrap().to_string()[..10].to_owned();
        let waiver = |member: &'static str, criterion: &str, until: String, remark: &str| {
            let sign = Sign {
                kind: "waiver".into(),
                subject: evaluation.id.clone(),
                remark: remark.into(),
                criterion: Some(criterion.into()),
                until: Some(until),
            };
            story.does(member, sign)
        };
        let tomorrow = day(story.now() + DAY);
        for (member, criterion, until, remark, said) in [
            ("tester", "2", tomorrow.clone(), "why", "may not sign waiver"),
            ("owner", "1", tomorrow.clone(), "why", "there is nothing to waive"),
            ("owner", "7", tomorrow.clone(), "why", "has no criterion `7`"),
            ("owner", "2", "soon".into(), "why", "`soon` is no day"),
            ("owner", "2", day(story.now() - DAY), "why", "is over"),
            ("owner", "2", tomorrow.clone(), " ", "says why"),
            ("owner", "2", "9999-12-31".into(), "why", "for a year at most"),
        ] {
            let error = waiver(member, criterion, until, remark).await.unwrap_err();
            assert!(error.message.contains(said), "{said}: {}", error.message);
        }
        waiver("owner", "auc >= 0.999", tomorrow, "the pilot needs it").await.unwrap();

        let shown = story.does("owner", Show { evaluation: evaluation.id.clone() }).await.unwrap();
        let verdict = &shown.requirements[0].verdicts[1];
        assert_eq!(verdict.kind, VerdictKind::NotMet);
        assert_eq!(shown.verdict, VerdictKind::NotMet);
        assert!(verdict.waiver.as_ref().unwrap().words().contains("the pilot needs it"));
        let digest = release.line.digest.to_string();
        story.sign("owner", "accept", &digest).await;
        let live = story.promote(&digest).await.unwrap();
        assert_eq!((live.line.verdict, live.line.waivers.len()), (VerdictKind::NotMet, 1));

        story.later(3 * DAY);
        let page = story.does("owner", remuda_app::release::Show { release: digest }).await.unwrap();
        assert!(blocked(&page.missing) && page.line.waivers[0].waiver.expired, "{:?}", page.missing);
        let board = story.does("owner", Status {}).await.unwrap();
        assert!(
            board.waiting.iter().any(|wait| wait.what.contains("the waiver by owner ended")),
            "{:?}",
            board.waiting
        );
    });
}

#[test]
fn a_criterion_that_cannot_be_measured_is_found_before_a_look_is_paid() {
    check_both(Risk::Medium, |story| async move {
        story.add(&customers(1, 400, None)).await;
        story.train().await;
        let criteria = [
            "accuracy >= 0.8 where spent > 3",
            "mae <= 3",
            "mean cost using churn_costs.csv <= 1",
            "accuracy >= 0.7 where prediction = 'yes' and score > 0.5",
            "ndcg@5 >= 0.7",
        ];
        story.write("owner", "requirements/churn.md", &requirement(&criteria));
        let found = story.does("owner", Check {}).await.unwrap().diagnostics;
        let said: Vec<(u32, u32, &str)> = found
            .iter()
            .filter(|one| one.severity == Severity::Error)
            .map(|one| (one.line, one.column, one.message.as_str()))
            .collect();
        assert!(
            found.iter().any(|one| one.severity == Severity::Warning && one.message.contains("the model's own answer")),
            "{found:?}"
        );
        assert_eq!(
            said,
            [
                (6, 26, "there is no column `spent`; did you mean `spend`?"),
                (7, 4, "`mae` measures numbers, and label `churned` has classes"),
                (8, 20, "there is no file `churn_costs.csv`"),
                (10, 4, "`ndcg@5` is of rows that answer one query, and nothing says which do"),
            ]
        );
        let request = Evaluate { candidate: "linear".into(), requirement: None, verdicts_only: false };
        let error = story.does("tester", request).await.unwrap_err();
        assert_eq!((error.code.as_str(), error.diagnostics.len()), ("definition.invalid", 4));
        assert_eq!(story.does("owner", Status {}).await.unwrap().holdouts[0].spent, 0);
    });
}

#[test]
fn another_salt_retires_a_holdout_and_who_was_trained_before_is_refused() {
    check_both(Risk::Medium, |story| async move {
        story.budget(2);
        story.add(&customers(1, 3_000, None)).await;
        story.train().await;
        let first = story.evaluate("linear").await;
        assert_eq!((first.charge, first.budget), (2, 2));
        assert_eq!(story.evaluate("majority").await.requirements[0].verdicts[0].reason, Some(Reason::NoBudget));

        let path = story.root().join("data/churn.odcs.yaml");
        let before = std::fs::read_to_string(path).unwrap();
        let contract = before.replace("salt: \"1\"", "salt: \"2\"");
        story.write("engineer", "data/churn.odcs.yaml", &contract);
        let error = story.try_train().await.unwrap_err();
        assert!(error.message.contains("the split rule of `churn` has changed"), "{}", error.message);
        story.add(&customers(1, 3_000, None)).await;
        let request = Evaluate { candidate: "linear".into(), requirement: None, verdicts_only: false };
        let error = story.does("tester", request).await.unwrap_err();
        assert!(error.message.contains("has seen rows of this holdout"), "{}", error.message);

        story.train().await;
        let renewed = story.evaluate("linear").await;
        assert_eq!((renewed.charge, renewed.spent, renewed.look), (2, 0, 1));
        let request = remuda_app::data::Show { version: "churn".into() };
        let looks = story.does("owner", request).await.unwrap().looks;
        assert_eq!(looks.iter().map(|look| look.retired).collect::<Vec<_>>(), [false, true]);

        // Back at the first salt, the holdout is worn: its rows have been in training meanwhile. The model is there again.
        story.write("engineer", "data/churn.odcs.yaml", &before);
        story.add(&customers(1, 3_000, None)).await;
        let request = Evaluate { candidate: "linear".into(), requirement: None, verdicts_only: false };
        let error = story.does("tester", request.clone()).await.unwrap_err();
        assert!(error.message.contains("has seen rows of this holdout"), "{}", error.message);
        story.train().await;
        let error = story.does("tester", request).await.unwrap_err();
        assert!(error.message.contains("was retired on"), "{}", error.message);
        assert_eq!(story.does("tester", Show { evaluation: first.id.clone() }).await.unwrap().model, first.model);
    });
}

/// What an adversary tried: rows by the complaints of SQL, single rows by verdicts, more looks by another name or by a
/// budget that grows with every look.
#[test]
fn a_holdout_tells_no_single_row_and_keeps_its_promise_under_any_name() {
    check_both(Risk::Medium, |story| async move {
        story.budget(2);
        let each = "accuracy >= 0.001 for each customer";
        let spy = "accuracy >= 0.5 where cast(concat('truth ', churned) as int) > 0";
        story.write("owner", "requirements/churn.md", &requirement(&["accuracy >= 0.5", each, spy]));
        story.add(&customers(1, 1_200, None)).await;
        story.train().await;
        let look = story.evaluate("linear").await;
        let verdicts = &look.requirements[0].verdicts;
        assert!(look.charge == 2 && verdicts.len() > 100, "{} {}", look.charge, verdicts.len());
        assert!(verdicts[1..].iter().all(|verdict| verdict.kind == VerdictKind::Undecided && verdict.n == 0));
        let said = format!("{:?}", verdicts.last().unwrap().reason);
        assert!(said.contains("cannot be computed on every row") && !said.contains("truth Y"), "{said}");

        // The same rows under another name are the same holdout.
        let contract = std::fs::read_to_string(story.root().join("data/churn.odcs.yaml")).unwrap();
        story.write("engineer", "data/again.odcs.yaml", &contract.replace("churn\n", "again\n"));
        let file = story.file("rows.csv", &customers(1, 1_200, None));
        let add = remuda_app::data::Add { file, name: Some("again".into()), format: None, source: None };
        story.does("engineer", add).await.unwrap();
        let request = remuda_app::data::Show { version: "again".into() };
        let looks = story.does("owner", request).await.unwrap().looks;
        assert_eq!(looks.iter().map(|look| look.charge).sum::<u32>(), 2);

        // A budget raised after each look has no risk left to give.
        story.budget(3);
        story.write("owner", "requirements/churn.md", &requirement(&["accuracy >= 0.51"]));
        let mut given = vec![0.05 / 2.0];
        for budget in [4, 6, 8, 10, 12] {
            story.budget(budget);
            story.write("owner", "requirements/churn.md", &requirement(&[&format!("accuracy >= 0.5{budget}")]));
            let look = story.evaluate("linear").await;
            let verdict = &look.requirements[0].verdicts[0];
            given.extend((verdict.reason != Some(Reason::NoBudget)).then_some(1.0 - verdict.confidence));
        }
        let sum: f64 = given.iter().sum();
        assert!(given.len() == 4 && (sum - 0.05).abs() < 1e-9, "{given:?}");
    });
}
