//! Analyses: a planted slice is found, checked on other rows, named, and put under a criterion.

use crate::harness::{Story, check_both, customers, requirement};
use remuda_app::analysis::{Compare, Keep, Labels, List, Mistakes, Show, Sliced, Slices, keep};
use remuda_app::data::Export;
use remuda_app::ledger::{Log, Why};
use remuda_app::product::{Check, Status};
use remuda_model::team::Risk;

/// Customers of whom family plans with a high spend leave or stay as a coin falls.
fn planted(to: u64) -> String {
    let customers = customers(1, to, None);
    let mut lines = customers.lines();
    let mut text = format!("{}\n", lines.next().unwrap());
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        let coin = cells[0].parse::<u64>().unwrap().wrapping_mul(0x2545_f491_4f6c_dd1d) >> 63 == 1;
        let churned = match (cells[2], cells[1].parse::<f64>().unwrap() >= 60.0) {
            ("family", true) if coin => "yes",
            ("family", true) => "no",
            _ => cells[3],
        };
        text.push_str(&format!("{},{},{},{churned}\n", cells[0], cells[1], cells[2]));
    }
    text
}

fn ask(candidate: &str) -> Slices {
    let asked: Slices = serde_json::from_value(serde_json::json!({ "candidate": candidate })).unwrap();
    assert_eq!(serde_json::to_value(&asked).unwrap(), serde_json::to_value(Slices::of(candidate)).unwrap());
    asked
}

fn named(name: &str, slice: u32) -> Keep {
    let fields = serde_json::json!({ "name": name, "slice": slice, "criterion": "accuracy >= 0.8" });
    serde_json::from_value(fields).unwrap()
}

async fn sliced(story: &Story, request: Slices) -> Sliced {
    story.does("scientist", request).await.unwrap()
}

#[test]
fn a_planted_slice_is_found_named_and_put_under_a_criterion() {
    check_both(Risk::Medium, |story| async move {
        story.add(&planted(8_000)).await;
        story.train().await;
        let found = sliced(&story, ask("linear")).await;
        let worst = &found.slices[0];
        assert!(
            worst.confirmed && worst.filter.contains("plan = 'family'") && worst.filter.contains("spend >= "),
            "{found:?}"
        );
        let (inside, rest) = (worst.inside.value.unwrap(), worst.rest.unwrap());
        assert!(inside > 0.35 && rest < inside - 0.2, "{inside} {rest}");
        assert!(worst.inside.lower.unwrap() < inside && worst.adjusted.unwrap() <= 0.05);
        // It is held against all other rows, or against the other families where these were found as well.
        let around = found.slices.iter().find(|slice| Some(slice.number) == worst.within);
        let against = around.map_or(found.overall.n, |around| around.rows);
        assert_eq!((worst.inside.n, worst.difference.n), (worst.rows, against));
        assert_eq!((found.columns.clone(), found.charged), (vec!["spend".to_owned(), "plan".to_owned()], false));
        assert_eq!(found.left_out.iter().map(|one| one.column.as_str()).collect::<Vec<_>>(), ["customer", "churned"]);
        // The same question has the same answer, and nothing of it is charged.
        let again = sliced(&story, ask("linear")).await;
        assert_eq!(serde_json::to_value(&again.slices).unwrap(), serde_json::to_value(&found.slices).unwrap());
        assert_eq!(story.does("owner", Status {}).await.unwrap().holdouts[0].spent, 0);

        // Lineage knows it, from the model and from itself.
        let lineage = story.does("owner", Why { id: "linear".into() }).await.unwrap();
        assert!(lineage.led_to.iter().any(|step| step.thing.id == found.id));
        let lineage = story.does("owner", Why { id: found.id.clone() }).await.unwrap();
        assert!(lineage.because.iter().any(|step| step.thing.kind == "model_version"));
        assert!(lineage.because.iter().any(|step| step.thing.kind == "dataset_version"));

        // A name, in a file that everybody sees; the criterion is ready to paste.
        let kept = keep(&story.context("scientist"), &named("big-families", 1), Some(&found)).unwrap();
        assert_eq!(kept.criterion, format!("accuracy >= 0.8 where {}", worst.filter));
        assert_eq!(kept.requirements, ["requirements/churn.md"]);
        let shown = story.does("owner", Show { analysis: found.id.clone() }).await.unwrap();
        assert_eq!(shown.slices[0].name.as_deref(), Some("big-families"));
        let taken = keep(&story.context("scientist"), &named("big-families", 2), Some(&found)).unwrap_err();
        assert_eq!(taken.code, "definition.exists");
        story.write("owner", "requirements/churn.md", &requirement(&[&kept.criterion]));
        let evaluation = story.evaluate("linear").await;
        assert_eq!(evaluation.requirements[0].verdicts[0].criterion, kept.criterion);
        assert!(evaluation.requirements[0].verdicts[0].estimate.unwrap() < 0.7);

        // Its rows, to look at their labels again.
        let output = story.root().join("rows.csv");
        let (split, filter) = (Some("validation".to_owned()), Some(worst.filter.clone()));
        let export = Export { version: "churn".into(), output, split, filter };
        let exported = story.does("scientist", export).await.unwrap();
        assert_eq!(exported.rows, worst.rows + worst.searched_rows);

        let all = story.does("owner", List {}).await.unwrap();
        assert_eq!(all.analyses.len(), 2);
        let log = Log { limit: 50, before: None, verb: Some("analysis.sliced".into()), actor: None };
        let facts = story.does("owner", log).await.unwrap();
        assert!(facts.facts[0].sentence.starts_with("scientist searched linear for slices by accuracy: "));
    });
}

#[test]
fn a_holdout_is_charged_and_what_cannot_be_asked_is_refused() {
    check_both(Risk::Medium, |story| async move {
        story.add(&planted(3_000)).await;
        story.train().await;
        let on_holdout = Slices { split: "holdout".into(), ..ask("linear") };
        assert!(sliced(&story, on_holdout).await.charged);
        assert_eq!(story.does("owner", Status {}).await.unwrap().holdouts[0].spent, 5);

        let refused = [
            (Slices { split: "train".into(), ..ask("linear") }, "not judged on the rows that it learnt"),
            (Slices { metric: Some("acuracy".into()), ..ask("linear") }, "`acuracy` is no metric"),
            (Slices { metric: Some("auc".into()), ..ask("linear") }, "auc is no mean over rows"),
            (Slices { metric: Some("mae".into()), ..ask("linear") }, "mae is no mean over rows"),
            (Slices { metric: Some("recall of maybe".into()), ..ask("linear") }, "the class `maybe`"),
            (Slices { columns: vec!["spent".into()], ..ask("linear") }, "there is no column `spent`"),
            (Slices { min_support: Some("many".into()), ..ask("linear") }, "`many` is no number of rows"),
            (Slices { min_support: Some("200%".into()), ..ask("linear") }, "`200%` is no number of rows"),
            (Slices { depth: 9, ..ask("linear") }, "9 conditions"),
            (Slices { weight: 0.0, ..ask("linear") }, "cannot be 0"),
        ];
        for (request, said) in refused {
            let error = story.does("scientist", request).await.unwrap_err();
            assert!(error.message.contains(said), "{}", error.message);
            assert!(!error.hints.is_empty(), "{}", error.message);
        }

        // By the class that matters, over one column: only rows of that class count.
        let missed = Slices { metric: Some("recall of yes".into()), columns: vec!["plan".into()], ..ask("majority") };
        let found = sliced(&story, missed).await;
        assert_eq!((found.metric.as_str(), found.loss.as_str()), ("recall of yes", "share of yes missed"));
        // The majority model misses all or none of them: there is nothing to find, and it says so.
        assert!(found.slices.is_empty() && found.nothing.is_some(), "{found:?}");
    });
}

#[test]
fn mistakes_are_shown_with_the_rows_behind_them() {
    check_both(Risk::Medium, |story| async move {
        story.add(&planted(3_000)).await;
        story.train().await;
        let found = story.does("owner", Mistakes::of("linear")).await.unwrap();
        let confusion = found.confusion.as_ref().unwrap();
        let (wrong, all) = (confusion.at(0, 1) + confusion.at(1, 0), confusion.counts.iter().sum::<u64>());
        assert_eq!((found.wrong, found.head.rows, found.head.charged), (Some(wrong), all, false));
        assert_eq!(found.cells.iter().map(|cell| cell.rows).sum::<u64>(), wrong);
        for cell in &found.cells {
            assert_eq!(cell.examples.len(), 5);
            let of_cell = cell.examples.iter().all(|one| one.truth == cell.truth && one.predicted == cell.predicted);
            assert!(of_cell && cell.truth != cell.predicted, "{cell:?}");
        }
        let sure: Vec<f64> = found.worst.iter().filter_map(|one| one.confidence).collect();
        assert!(sure.len() == 5 && sure.windows(2).all(|pair| pair[0] >= pair[1]), "{sure:?}");
        // A row is told by its key and its inputs, never by its label.
        let first = &found.worst[0];
        assert!(first.id.parse::<u64>().is_ok(), "{first:?}");
        assert_eq!(first.inputs.iter().map(|input| input.column.as_str()).collect::<Vec<_>>(), ["spend", "plan"]);
        assert_eq!(found.calibration.iter().map(|bin| bin.n).sum::<u64>(), all);
        assert!(found.calibration.iter().all(|bin| bin.lower <= bin.happened && bin.happened <= bin.upper));
        assert_eq!(story.does("owner", Status {}).await.unwrap().holdouts[0].spent, 0);

        let on_holdout = Mistakes { split: "holdout".into(), ..Mistakes::of("linear") };
        let stranger = story.does("stranger", on_holdout.clone()).await.unwrap_err();
        assert_eq!(stranger.code, "access.denied");
        assert!(story.does("tester", on_holdout).await.unwrap().head.charged);
        assert_eq!(story.does("owner", Status {}).await.unwrap().holdouts[0].spent, 5);
    });
}

#[test]
fn a_file_of_slices_is_checked() {
    check_both(Risk::Medium, |story| async move {
        let text = "[slice.young]\ndata = \"churn\"\nwhere = \"spnd < 20\"\n\n[slice.other]\ndata = \"chrn\"\nwhere = \"\"\nhow = 1\n";
        std::fs::write(story.root().join("slices.toml"), text).unwrap();
        let checked = story.does("owner", Check {}).await.unwrap();
        let said: Vec<(u32, &str)> = checked.diagnostics.iter().map(|one| (one.line, one.message.as_str())).collect();
        assert!(said.iter().any(|(line, said)| *line == 6 && said.contains("unknown dataset `chrn`")), "{said:?}");
        assert!(said.iter().any(|(line, said)| *line == 7 && said.contains("`where` is empty")), "{said:?}");
        assert!(said.iter().any(|(line, said)| *line == 8 && said.contains("unknown key `how`")), "{said:?}");
        let text = "[slice.young]\ndata = \"churn\"\nwhere = \"spnd < 20\"\n";
        std::fs::write(story.root().join("slices.toml"), text).unwrap();
        let checked = story.does("owner", Check {}).await.unwrap();
        let said = &checked.diagnostics[0];
        assert_eq!(
            (said.line, said.message.as_str()),
            (3, "slice `young`: there is no column `spnd`; did you mean `spend`?")
        );
    });
}

#[test]
fn wrong_labels_are_doubted_and_candidates_are_compared_row_by_row() {
    check_both(Risk::Medium, |story| async move {
        // Every 25th label is turned; one in ten is noise that nobody could predict.
        story.add(&customers(1, 6_000, Some(25))).await;
        story.train().await;
        let request = Labels { candidate: "linear".into(), split: "validation".into(), limit: 40 };
        let found = story.does("tester", request.clone()).await.unwrap();
        assert!(
            found.suspected > 60 && found.suspected < found.head.rows / 4,
            "{} of {}",
            found.suspected,
            found.head.rows
        );
        assert_eq!((found.examples.len(), found.pairs.len(), found.head.charged), (40, 2, false));
        assert!(found.examples.iter().all(|one| one.suggested != one.row.truth && one.margin < 0.0));
        let odd = story.does("tester", Labels { split: "train".into(), ..request }).await.unwrap_err();
        assert!(odd.message.contains("rows that it learnt"), "{}", odd.message);

        let request = Compare { new: "linear".into(), old: "majority".into(), split: "validation".into(), limit: 3 };
        let compared = story.does("tester", request.clone()).await.unwrap();
        let parts = compared.won + compared.lost + compared.both_right.unwrap() + compared.both_wrong.unwrap();
        assert_eq!(parts, compared.head.rows);
        assert!(compared.won > compared.lost && compared.p_value.unwrap() < 1e-6, "{compared:?}");
        let accuracy = compared.differences.iter().find(|metric| metric.name == "accuracy").unwrap();
        let expected = (compared.won as f64 - compared.lost as f64) / compared.head.rows as f64;
        assert!((accuracy.value.unwrap() - expected).abs() < 1e-12 && accuracy.lower.unwrap() > 0.0);
        let itself = story.does("tester", Compare { old: "linear".into(), ..request }).await.unwrap();
        assert_eq!((itself.won, itself.lost), (0, 0));
    });
}
