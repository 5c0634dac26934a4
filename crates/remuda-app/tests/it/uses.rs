//! What is done with a slice: a name, a criterion, a behavioural test, a request for labels; and slices within slices.

use crate::harness::{Story, check_both, customers, requirement};
use remuda_app::analysis::{
    Expect, Keep, Labels, List, RequestLabels, RequestedLabels, Require, Show, Sliced, Slices, Test, expect, require,
};
use remuda_app::gate::Report;
use remuda_app::ledger::{Log, Why};
use remuda_app::product::{Check, Status};
use remuda_model::gate::VerdictKind;
use remuda_model::team::Risk;
use serde_json::json;

/// A number from 0 to 1 that looks drawn, for each customer.
fn drawn(id: u64) -> f64 {
    let digest = remuda_model::Digest::of(&id.to_le_bytes());
    f64::from(u32::from_str_radix(&digest.hex()[..8], 16).unwrap()) / f64::from(u32::MAX)
}

/// Customers whose labels are turned with a chance that `turned` gives their plan and spend; every `unlabelled`th has none.
fn turned(to: u64, unlabelled: Option<u64>, chance: impl Fn(&str, f64) -> f64) -> String {
    let customers = customers(1, to, None);
    let mut lines = customers.lines();
    let mut text = format!("{}\n", lines.next().unwrap());
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        let (id, spend) = (cells[0].parse::<u64>().unwrap(), cells[1].parse::<f64>().unwrap());
        let other = if cells[3] == "yes" { "no" } else { "yes" };
        let label = match drawn(id) < chance(cells[2], spend) {
            _ if unlabelled.is_some_and(|every| id % every == 0) => "",
            true => other,
            false => cells[3],
        };
        text.push_str(&format!("{id},{},{},{label}\n", cells[1], cells[2]));
    }
    text
}

fn high_families(plan: &str, spend: f64) -> f64 {
    if plan == "family" && spend >= 60.0 { 0.5 } else { 0.0 }
}

async fn sliced(story: &Story) -> Sliced {
    story.does("scientist", Slices::of("linear")).await.unwrap()
}

fn file(story: &Story, path: &str) -> String {
    std::fs::read_to_string(story.root().join(path)).unwrap()
}

#[test]
fn a_slice_becomes_a_name_a_criterion_and_a_behavioural_test() {
    check_both(Risk::Medium, |story| async move {
        story.add(&turned(8_000, None, high_families)).await;
        story.train().await;
        let found = sliced(&story).await;
        let worst = &found.slices[0];
        assert!(worst.confirmed, "{worst:?}");

        // By a form or the API, a slice gets its name in the folder that is served; a stranger may not.
        let keep: Keep = serde_json::from_value(json!({ "name": "big-families", "slice": 1 })).unwrap();
        assert_eq!(story.does("stranger", keep.clone()).await.unwrap_err().code, "access.denied");
        story.does("scientist", keep.clone()).await.unwrap();
        assert!(file(&story, "slices.toml").contains("[slice.big-families]"));
        assert_eq!(story.does("scientist", keep).await.unwrap_err().code, "definition.exists");

        // The criterion goes into the requirement, whose comments and prose stay as they were.
        let before =
            requirement(&["accuracy >= 0.8"]).replace("criteria = [\n", "# agreed in May\ncriteria = [ # by all\n");
        story.write("owner", "requirements/churn.md", &before);
        let by_number: Require = serde_json::from_value(json!({ "slice": "1", "analysis": found.id })).unwrap();
        let required = story.does("scientist", by_number.clone()).await.unwrap();
        assert_eq!(required.criterion, format!("accuracy >= 0.75 where {}", worst.filter));
        let after = file(&story, "requirements/churn.md");
        let added = format!("  \"{}\",\n", required.criterion);
        assert_eq!(after, before.replace("  \"accuracy >= 0.8\",\n", &format!("  \"accuracy >= 0.8\",\n{added}")));
        assert_eq!(after.lines().nth(required.line as usize - 1).unwrap(), added.trim_end());
        let again = story.does("scientist", by_number).await.unwrap_err();
        assert!(again.code == "definition.exists" && again.message.contains("demands this already"), "{again:?}");
        let evaluation = story.evaluate("linear").await;
        assert_eq!(evaluation.requirements[0].verdicts[1].kind, VerdictKind::NotMet);

        // What cannot be measured is refused, and the file is left as it is.
        let refused = [
            (json!({ "slice": "big-families" }), "what is demanded"),
            (json!({ "slice": "big-familys", "criterion": "accuracy >= 0.8" }), "there is no slice"),
            (json!({ "slice": "9" }), "there is no slice `9`"),
            (json!({ "slice": "1", "criterion": "acuracy >= 0.8" }), "cannot be read"),
            (json!({ "slice": "1", "criterion": "accuracy >= 0.8 where spend > 1" }), "selects rows itself"),
            (json!({ "slice": "1", "criterion": "recall of maybe >= 0.8" }), "definition"),
            (json!({ "slice": "1", "criterion": "mae <= 3" }), "definition"),
            (json!({ "slice": "1", "requirement": "chrn" }), "there is no requirement"),
        ];
        for (request, said) in refused {
            let request: Require = serde_json::from_value(request).unwrap();
            let error = story.does("scientist", request).await.unwrap_err();
            assert!(error.message.contains(said) && !error.hints.is_empty(), "{error:?}");
        }
        assert_eq!(file(&story, "requirements/churn.md"), after);

        // A test over its rows: what all rows reach is expected of it, and linear does not keep it.
        let by_number: Expect = serde_json::from_value(json!({ "slice": "1" })).unwrap();
        let expected = story.does("scientist", by_number.clone()).await.unwrap();
        assert_eq!((expected.test.as_str(), expected.pass_rate), ("slices/big-families", 0.75));
        let text = file(&story, "tests/slices.toml");
        assert!(
            text.starts_with("# Behavioural tests over slices")
                && text.lines().nth(expected.line as usize - 1) == Some("[[test]]")
        );
        let test = Test { candidate: "linear".into(), test: Some(expected.test.clone()), limit: 3 };
        let tested = story.does("tester", test).await.unwrap();
        assert!(!tested.passed && tested.tests[0].rate.cases > 100, "{tested:?}");
        let low: Expect =
            serde_json::from_value(json!({ "slice": "big-families", "pass_rate": 0.3, "name": "low" })).unwrap();
        story.does("scientist", low).await.unwrap();
        assert!(file(&story, "tests/slices.toml").starts_with(&text), "what stood there stands there");
        let test = Test { candidate: "linear".into(), test: Some("slices/low".into()), limit: 3 };
        assert!(story.does("tester", test).await.unwrap().passed);
        for (request, said) in [
            (json!({ "slice": "1" }), "has a test `big-families` already"),
            (json!({ "slice": "1", "name": "a", "pass_rate": 1.5 }), "cannot be right"),
            (json!({ "slice": "big-families", "name": "a" }), "how many of the slice's rows"),
            (json!({ "slice": "1", "name": "a", "tests": "../a" }), "cannot be the name of tests"),
            (json!({ "slice": "1", "name": "A b" }), "definition"),
        ] {
            let request: Expect = serde_json::from_value(request).unwrap();
            let error = story.does("scientist", request).await.unwrap_err();
            assert!(error.message.contains(said), "{error:?}");
        }
        let checked = story.does("owner", Check {}).await.unwrap();
        assert!(checked.diagnostics.is_empty(), "{:?}", checked.diagnostics);

        // Whoever has other files than the folder is told so, and nothing is written over.
        let context = story.context("scientist");
        story.write("owner", "requirements/churn.md", &requirement(&["accuracy >= 0.7"]));
        let request: Require = serde_json::from_value(json!({ "slice": "1", "criterion": "accuracy >= 0.6" })).unwrap();
        assert_eq!(require(&context, &request, Some(&found)).unwrap_err().code, "definition.changed");
        assert!(file(&story, "requirements/churn.md").contains("accuracy >= 0.7"));
        // A predicate over what a model says cannot choose rows before it answers.
        let own: Keep = serde_json::from_value(json!({ "name": "sure", "filter": "score > 0.9" })).unwrap();
        story.does("scientist", own).await.unwrap();
        let request: Expect = serde_json::from_value(json!({ "slice": "sure", "pass_rate": 0.9 })).unwrap();
        let error = expect(&story.context("scientist"), &request, None).unwrap_err();
        assert!(error.message.contains("there is no column `score`"), "{error:?}");
    });
}

#[test]
fn labels_of_a_slice_are_asked_for_by_lot_and_the_request_stays() {
    check_both(Risk::Medium, |story| async move {
        let contract = file(&story, "data/churn.odcs.yaml");
        let (before, label) = contract.split_at(contract.find("name: churned").unwrap());
        let optional = label.replacen("required: true", "required: false", 1);
        assert_ne!(optional, label);
        story.write("engineer", "data/churn.odcs.yaml", &format!("{before}{optional}"));
        story.add(&turned(6_000, Some(4), high_families)).await;
        story.train().await;
        let found = sliced(&story).await;
        let output = story.root().join("to-label.csv");
        let request = |fields: serde_json::Value| -> RequestLabels { serde_json::from_value(fields).unwrap() };
        let asked = request(json!({ "slice": "1", "rows": 25, "output": output, "remark": "in Spanish" }));
        assert_eq!(story.does("stranger", asked.clone()).await.unwrap_err().code, "access.denied");
        let asked = story.does("scientist", asked).await.unwrap();
        assert_eq!((asked.rows, asked.wanted, asked.split.as_str()), (25, 25, "validation"));
        assert!(asked.pool > 25 && asked.keys == ["customer"], "{asked:?}");
        let text = std::fs::read_to_string(&output).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!((lines[0], lines.len()), ("customer,spend,plan,churned", 26));
        for line in &lines[1..] {
            let cells: Vec<&str> = line.split(',').collect();
            assert!(cells[0].parse::<u64>().unwrap() % 4 == 0 && cells[2] == "family" && cells[3].is_empty(), "{line}");
        }

        // It stands beside its slice, in the list, in the log and in the lineage, and the file can be had again.
        let shown = story.does("owner", Show { analysis: found.id.clone() }).await.unwrap();
        assert_eq!(
            (shown.requests.len(), shown.requests[0].slice, shown.requests[0].remark.as_str()),
            (1, Some(1), "in Spanish")
        );
        assert_eq!(story.does("owner", List {}).await.unwrap().requests[0].id, asked.id);
        let log = Log { limit: 5, before: None, verb: Some("label.requested".into()), actor: None };
        assert_eq!(
            story.does("owner", log).await.unwrap().facts[0].sentence,
            "scientist asked for labels of 25 rows of churn"
        );
        let lineage = story.does("owner", Why { id: asked.id.clone() }).await.unwrap();
        assert!(lineage.because.iter().any(|step| step.thing.id == found.id), "{lineage:?}");
        let copy = story.root().join("copy.csv");
        story.does("engineer", RequestedLabels { request: asked.id.clone(), output: copy.clone() }).await.unwrap();
        assert_eq!(std::fs::read_to_string(&copy).unwrap(), text);

        // Another draw is another lot; a second opinion sees rows with labels, but not the labels.
        let second = story.does("scientist", request(json!({ "slice": "1", "rows": 25 }))).await.unwrap();
        assert!(second.file != asked.file && second.output.is_none());
        let again = request(json!({ "slice": "1", "again": true, "rows": 10, "output": output }));
        assert!(story.does("scientist", again).await.unwrap().again);
        let text = std::fs::read_to_string(&output).unwrap();
        assert!(
            text.lines()
                .skip(1)
                .all(|line| line.ends_with(',') && line.split(',').next().unwrap().parse::<u64>().unwrap() % 4 != 0)
        );

        // Rows of the holdout without labels reveal nothing that decides: noted, and free of charge. How many: the price.
        story.write(
            "owner",
            "requirements/churn.md",
            &requirement(&[&format!("accuracy >= 0.55 where {}", found.slices[0].filter)]),
        );
        let verdict = story.evaluate("linear").await.requirements[0].verdicts[0].clone();
        let spent = story.does("owner", Status {}).await.unwrap().holdouts[0].spent;
        let of_holdout = story.does("scientist", request(json!({ "slice": "1", "split": "holdout" }))).await.unwrap();
        assert_eq!(story.does("owner", Status {}).await.unwrap().holdouts[0].spent, spent);
        match &verdict.price {
            Some(price)
                if verdict.kind == VerdictKind::Undecided && price.cases[price.cases.len() / 2].more.is_some() =>
            {
                assert_eq!(Some(of_holdout.wanted), price.cases[price.cases.len() / 2].more, "{price:?}");
                assert!(of_holdout.because.starts_with("the gate's price"), "{}", of_holdout.because);
            }
            _ => assert_eq!(of_holdout.wanted, 100),
        }
        assert!(of_holdout.rows <= of_holdout.pool);
        // A predicate over the label tells nothing of the holdout: rows that have one are not looked at.
        for (name, filter) in
            [("left", "churned = 'yes'"), ("stayed", "churned = 'no'"), ("odd", "churned = 'perhaps'")]
        {
            let keep: Keep = serde_json::from_value(json!({ "name": name, "filter": filter })).unwrap();
            story.does("scientist", keep).await.unwrap();
            let error =
                story.does("scientist", request(json!({ "slice": name, "split": "holdout" }))).await.unwrap_err();
            assert_eq!(error.message, "no row of the slice in holdout is without a label");
        }

        for (fields, said) in [
            (json!({ "slice": "1", "split": "holdout", "again": true }), "not asked for twice"),
            (json!({ "slice": "1", "split": "test" }), "is no split"),
            (json!({ "slice": "1", "rows": 0 }), "cannot be asked for"),
            (json!({ "slice": "1", "output": "rows.parquet" }), "CSV"),
            (json!({ "slice": "77" }), "there is no slice"),
        ] {
            let error = story.does("scientist", request(fields)).await.unwrap_err();
            assert!(error.message.contains(said) && !error.hints.is_empty(), "{error:?}");
        }
    });
}

#[test]
fn a_slice_within_another_is_told_of_only_where_it_is_worse_than_that() {
    check_both(Risk::Medium, |story| async move {
        // Families are wrong twice as often, those who spend much twice as often again.
        let nested = |plan: &str, spend: f64| match (plan, spend >= 60.0) {
            ("family", true) => 0.6,
            ("family", false) => 0.25,
            _ => 0.0,
        };
        story.add(&turned(12_000, None, nested)).await;
        story.train().await;
        let found = sliced(&story).await;
        let inner =
            found.slices.iter().find(|slice| slice.within.is_some()).expect("a slice within another was planted");
        let outer = found.slices.iter().find(|slice| Some(slice.number) == inner.within).unwrap();
        assert!(inner.confirmed && inner.filter.contains(&outer.filter), "{inner:?} in {outer:?}");
        assert_eq!(inner.difference.n, outer.rows, "it is held against the rows of the other alone");
        assert!(inner.rest.unwrap() > found.overall.value.unwrap(), "whose rest is worse than all rows");
        let text = serde_json::to_string(&found).unwrap();
        assert!(!text.contains("\"requests\""), "{text}");

        // Evenly bad families: the narrower ones are parts of them, and none is told of by itself.
        story.add(&turned(12_000, None, |plan, _| if plan == "family" { 0.45 } else { 0.0 })).await;
        story.train().await;
        let found = sliced(&story).await;
        assert!(found.slices.iter().all(|slice| slice.within.is_none()), "{found:?}");
        assert!(found.slices[0].filter == "plan = 'family'" && found.slices[0].confirmed, "{found:?}");
    });
}

#[test]
fn a_report_tells_what_was_found_and_what_nobody_asked() {
    check_both(Risk::Medium, |story| async move {
        story.add(&turned(6_000, None, high_families)).await;
        story.train().await;
        let evaluation = story.evaluate("linear").await;
        let report = || Report { evaluation: evaluation.id.clone() };
        let empty = story.does("owner", report()).await.unwrap().findings;
        assert!(empty.sliced.is_none() && empty.tested.is_none() && empty.doubted.is_none());

        let found = sliced(&story).await;
        let labels = Labels { candidate: "linear".into(), split: "validation".into(), limit: 5 };
        let doubted = story.does("tester", labels.clone()).await.unwrap();
        story.does("stranger", labels.clone()).await.unwrap();
        story.does("tester", Labels { limit: 9, ..labels }).await.unwrap();
        let log = Log { limit: 9, before: None, verb: Some("analysis.doubted".into()), actor: None };
        let facts = story.does("owner", log).await.unwrap().facts;
        assert_eq!(facts.len(), 1, "the same answer is one fact, and a stranger leaves none");
        assert!(facts[0].sentence.contains("labels by linear"), "{}", facts[0].sentence);
        let expect: Expect = serde_json::from_value(json!({ "slice": "1" })).unwrap();
        story.does("scientist", expect).await.unwrap();
        story.does("tester", Test { candidate: "linear".into(), test: None, limit: 3 }).await.unwrap();

        let told = story.does("owner", report()).await.unwrap();
        assert_eq!(told.findings.sliced.as_ref().unwrap().id, found.id);
        assert_eq!(told.findings.doubted.as_ref().unwrap().suspected, doubted.suspected);
        assert_eq!(told.findings.tested.as_ref().unwrap().matrix[0].capability, "slices");
        let again = story.does("owner", report()).await.unwrap();
        assert_eq!(serde_json::to_string(&told).unwrap(), serde_json::to_string(&again).unwrap());
        // Of another candidate nothing was asked.
        let other = story.evaluate("majority").await;
        assert!(story.does("owner", Report { evaluation: other.id }).await.unwrap().findings.sliced.is_none());
    });
}
