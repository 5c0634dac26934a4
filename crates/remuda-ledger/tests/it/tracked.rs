//! What experiments log: durable when acknowledged, whole or not at all, found by every filter as the filter itself says.

use crate::harness::{check_both, fact};
use remuda_ledger::{Batch, Error, HistoryPlace, Ledger, NewRun, Refusal, RunChange, RunSearch, Tracker};
use remuda_model::run::filter::{Attribute, Filter, Key, Subject, order_by, parse};
use remuda_model::run::tracked::{Document, Point, Stage, TrackedRun, TrackedStatus};
use std::borrow::Cow;
use std::collections::BTreeMap;

fn point(key: &str, value: f64, step: i64, time: i64) -> Point {
    Point { key: key.to_owned(), value: Some(value).filter(|value| !value.is_nan()), step, time }
}

fn new_run(id: &str, started: i64) -> NewRun {
    NewRun {
        id: id.to_owned(),
        experiment: 0,
        name: format!("name of {id}"),
        actor: "ana".to_owned(),
        status: TrackedStatus::Running,
        started,
        ended: None,
        artifacts: None,
        native: false,
        document: Document::default(),
        facts: vec![fact(&format!("start-{id}"))],
    }
}

async fn tracker(ledger: &Ledger) -> Tracker {
    let tracker = Tracker::start(ledger, "churn");
    tracker.ensure_default(1).await.unwrap();
    tracker.ensure_default(2).await.unwrap();
    tracker
}

fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn what_is_logged_is_there_whole_or_not_at_all() {
    check_both(|place| async move {
        let tracker = tracker(&place.ledger).await;
        let run = tracker.begin_run(new_run("r1", 10)).await.unwrap();
        assert_eq!(run.artifacts, "mlflow-artifacts:/0/r1/artifacts");
        let batch = Batch {
            points: vec![point("loss", 0.1 + 0.2, 1, 5), point("loss", 0.5, 0, 9), point("odd", f64::NAN, 0, 1)],
            parameters: pairs(&[("lr", "0.1"), ("depth", "6")]),
            tags: pairs(&[("team", "blue")]),
            ..Batch::default()
        };
        tracker.log("r1", batch).await.unwrap();
        // A parameter that differs refuses the whole batch; the same again is fine.
        let clash = Batch {
            points: vec![point("loss", 9.0, 99, 99)],
            parameters: pairs(&[("new", "1"), ("lr", "0.2")]),
            ..Batch::default()
        };
        let refused = tracker.log("r1", clash).await.unwrap_err();
        assert!(
            matches!(refused, Error::Refused(Refusal::ParameterDiffers { ref key, .. }) if key == "lr"),
            "{refused}"
        );
        tracker.log("r1", Batch { parameters: pairs(&[("lr", "0.1")]), ..Batch::default() }).await.unwrap();

        let seen = tracker.run("r1").await.unwrap().unwrap();
        assert_eq!(seen.document.parameters.len(), 2);
        let loss = seen.document.metrics["loss"];
        assert_eq!((loss.value, loss.step, loss.time), (Some(0.1 + 0.2), 1, 5), "the latest by step, to the last bit");
        assert_eq!(seen.document.metrics["odd"].value, None);

        // Another process opens the same ledger and sees the same, folded or not.
        tracker.fold().await.unwrap();
        assert_eq!(tracker.run("r1").await.unwrap().unwrap(), seen);
        let refused = tracker.log("nobody", Batch { points: vec![point("x", 1.0, 0, 0)], ..Batch::default() }).await;
        assert!(matches!(refused, Err(Error::Refused(Refusal::Missing { .. }))));
        let facts = place.ledger.facts(&remuda_ledger::FactQuery::of("churn")).await.unwrap();
        assert_eq!(facts.len(), 1, "the run's start came with it");
        assert!(place.problems().await.is_empty());
    });
}

#[test]
fn a_history_comes_back_in_order_and_a_repeated_point_counts_once() {
    check_both(|place| async move {
        let tracker = tracker(&place.ledger).await;
        tracker.begin_run(new_run("r1", 10)).await.unwrap();
        let mut all = Vec::new();
        for batch in 0..30_i64 {
            let points: Vec<Point> = (0..500)
                .map(|at| point("loss", (batch * 500 + at) as f64 / 7.0, batch * 500 + at, 1_000 + batch))
                .collect();
            all.extend(points.clone());
            tracker.log("r1", Batch { points, ..Batch::default() }).await.unwrap();
            if batch % 7 == 0 {
                tracker.fold().await.unwrap();
            }
        }
        // The last batch again: a caller who was not sure.
        tracker.log("r1", Batch { points: all[14_500..].to_vec(), ..Batch::default() }).await.unwrap();
        let mut seen = Vec::new();
        let mut from = HistoryPlace::default();
        loop {
            let page = tracker.history("r1", "loss", from, 999).await.unwrap();
            assert!(page.points.len() <= 999);
            seen.extend(page.points);
            match page.next {
                Some(next) => from = next,
                None => break,
            }
        }
        assert_eq!(seen, all);
        let mut walked = 0;
        tracker
            .walk_history("r1", "loss", |points| {
                walked += points.len();
                true
            })
            .await
            .unwrap();
        assert_eq!(walked, all.len());
        assert_eq!(tracker.history("r1", "nothing", HistoryPlace::default(), 5).await.unwrap().points, []);
    });
}

#[test]
fn many_callers_at_once_lose_nothing() {
    check_both(|place| async move {
        let tracker = tracker(&place.ledger).await;
        let begun = (0..64).map(|number| {
            let tracker = tracker.clone();
            tokio::spawn(async move {
                let id = format!("r{number}");
                tracker.begin_run(new_run(&id, number)).await.unwrap();
                for step in 0..20 {
                    tracker
                        .log(&id, Batch { points: vec![point("loss", step as f64, step, step)], ..Batch::default() })
                        .await
                        .unwrap();
                    let parameters = vec![(format!("p{step}"), step.to_string())];
                    tracker.log(&id, Batch { parameters, ..Batch::default() }).await.unwrap();
                }
            })
        });
        for task in begun.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        for number in 0..64 {
            let id = format!("r{number}");
            let run = tracker.run(&id).await.unwrap().unwrap();
            assert_eq!(run.document.parameters.len(), 20);
            assert_eq!(tracker.history(&id, "loss", HistoryPlace::default(), 100).await.unwrap().points.len(), 20);
        }
        let taken = tracker.begin_run(new_run("r3", 1)).await.unwrap_err();
        assert!(matches!(taken, Error::Refused(Refusal::Taken { .. })));
    });
}

#[test]
fn what_was_acknowledged_outlives_the_writer() {
    check_both(|place| async move {
        let tracker = tracker(&place.ledger).await;
        tracker.begin_run(new_run("r1", 10)).await.unwrap();
        tracker.log("r1", Batch { points: vec![point("loss", 1.5, 3, 4)], ..Batch::default() }).await.unwrap();
        drop(tracker);
        let again = Ledger::open(&place.address).await.unwrap();
        let later = Tracker::start(&again, "churn");
        assert_eq!(later.run("r1").await.unwrap().unwrap().document.metrics["loss"].value, Some(1.5));
        later.change_run("r1", RunChange { deleted: Some(Some(77)), ..RunChange::default() }).await.unwrap();
        let refused = later.log("r1", Batch { points: vec![point("loss", 1.0, 9, 9)], ..Batch::default() }).await;
        assert!(matches!(refused, Err(Error::Refused(Refusal::Stage { .. }))), "a deleted run takes nothing");
        later.change_run("r1", RunChange { deleted: Some(None), ..RunChange::default() }).await.unwrap();
        later.log("r1", Batch { points: vec![point("loss", 1.0, 9, 9)], ..Batch::default() }).await.unwrap();
        again.close().await;
    });
}

#[test]
fn an_experiment_keeps_its_name_until_it_is_collected() {
    check_both(|place| async move {
        let tracker = tracker(&place.ledger).await;
        let tags = BTreeMap::from([("team".to_owned(), "blue".to_owned())]);
        let id = tracker.create_experiment("depth", None, tags, 5).await.unwrap();
        assert_eq!(id, 1);
        tracker.begin_run(NewRun { experiment: id, ..new_run("r1", 10) }).await.unwrap();
        tracker.move_experiment(id, Stage::Deleted, 6).await.unwrap();
        assert_eq!(tracker.run("r1").await.unwrap().unwrap().stage, Stage::Deleted);
        let taken = tracker.create_experiment("depth", None, BTreeMap::new(), 7).await.unwrap_err();
        assert!(matches!(taken, Error::Refused(Refusal::Taken { deleted: true, .. })), "{taken}");
        assert!(tracker.begin_run(NewRun { experiment: id, ..new_run("r2", 10) }).await.is_err());
        tracker.move_experiment(id, Stage::Active, 8).await.unwrap();
        assert_eq!(tracker.run("r1").await.unwrap().unwrap().stage, Stage::Active);
        tracker.rename_experiment(id, "width", 9).await.unwrap();
        assert_eq!(tracker.experiment_named("width").await.unwrap().unwrap().updated, 9);
    });
}

struct Judged<'a>(&'a TrackedRun);

impl Subject for Judged<'_> {
    fn metric(&self, name: &str) -> Option<f64> {
        self.0.document.metrics.get(name).map(|latest| latest.value.unwrap_or(f64::NAN))
    }

    fn number(&self, attribute: Attribute) -> Option<f64> {
        match attribute {
            Attribute::Started => Some(self.0.started as f64),
            Attribute::Ended => self.0.ended.map(|ended| ended as f64),
            _ => None,
        }
    }

    fn texts(&self, key: &Key) -> Vec<Cow<'_, str>> {
        let one = |text: &str| vec![Cow::Owned(text.to_owned())];
        match key {
            Key::Parameter(name) => self.0.document.parameters.get(name).map(|text| one(text)).unwrap_or_default(),
            Key::Tag(name) => self.0.document.tags.get(name).map(|text| one(text)).unwrap_or_default(),
            Key::Attribute(Attribute::Id) => one(&self.0.id),
            Key::Attribute(Attribute::Name) => one(&self.0.name),
            Key::Attribute(Attribute::Status) => one(self.0.status.as_str()),
            Key::Attribute(Attribute::User) => one(&self.0.actor),
            Key::Attribute(Attribute::Experiment) => one(&self.0.experiment.to_string()),
            Key::Attribute(Attribute::Stage) => one(self.0.stage.as_str()),
            _ => Vec::new(),
        }
    }
}

const FILTERS: &[&str] = &[
    "",
    "metrics.loss > 0.5",
    "metrics.loss != 0.5",
    "metrics.loss = 0.5 and params.depth = '6'",
    "metrics.loss <= 0.5 or params.depth in ('4', '5')",
    "not metrics.loss > 0.5",
    "not (params.depth = '4' or tags.team is null)",
    "params.depth != '6'",
    "params.depth > 4.5",
    "params.lr < 0.05",
    "params.depth not in ('4')",
    "tags.team like 'B%'",
    "tags.team ilike 'b%'",
    "tags.team like '%_u%'",
    "tags.`odd key` like 'back\\slash%'",
    "tags.team is not null and params.lr is null",
    "metrics.none > 0",
    "run_name like 'name of r1%'",
    "status = 'FINISHED'",
    "status != 'FINISHED' and start_time >= 5",
    "end_time > 3",
    "end_time is null",
    "run_id in ('r1', 'r7', 'r30', 'nobody')",
    "user_id = 'ana' and experiment_id = '0'",
];

/// Forty runs that differ in everything that filters look at.
async fn herd(tracker: &Tracker) {
    for number in 0..40_i64 {
        let id = format!("r{number}");
        let mut run = new_run(&id, number / 3);
        if number % 4 == 0 {
            (run.status, run.ended) = (TrackedStatus::Finished, Some(number));
        }
        tracker.begin_run(run).await.unwrap();
        let mut batch = Batch::default();
        match number % 5 {
            0 => batch.points.push(point("loss", f64::NAN, 0, 0)),
            1 => {}
            _ => batch.points.push(point("loss", (number % 5) as f64 / 4.0, 0, 0)),
        }
        if number % 3 > 0 {
            batch.parameters = pairs(&[("depth", ["4", "5", "6", "deep"][number as usize % 4])]);
        }
        if number % 7 == 0 {
            batch.parameters.push(("lr".to_owned(), "1e-2".to_owned()));
        }
        if number % 2 == 0 {
            batch.tags =
                pairs(&[("team", ["Blue", "blue", "red"][number as usize % 3]), ("odd key", "back\\slash 100%")]);
        }
        tracker.log(&id, batch).await.unwrap();
    }
}

#[test]
fn sql_finds_just_the_runs_that_a_filter_wants() {
    check_both(|place| async move {
        let tracker = tracker(&place.ledger).await;
        herd(&tracker).await;
        let search = |filter: &'static Filter| RunSearch {
            experiments: &[],
            stage: None,
            filter,
            order: &[],
            after: None,
            limit: 1000,
        };
        let every: &'static Filter = Box::leak(Box::new(Filter::All(Vec::new())));
        let all = tracker.search(&search(every)).await.unwrap().runs;
        assert_eq!(all.len(), 40);
        let mut found_some = 0;
        for text in FILTERS {
            let filter: &'static Filter = Box::leak(Box::new(parse(text).unwrap()));
            let wanted: Vec<&str> =
                all.iter().filter(|run| filter.matches(&Judged(run))).map(|run| run.id.as_str()).collect();
            let found = tracker.search(&search(filter)).await.unwrap().runs;
            let found: Vec<&str> = found.iter().map(|run| run.id.as_str()).collect();
            assert_eq!(found, wanted, "{text}");
            // A page that the newest runs fill asks each of them; it must say the same.
            let limit = wanted.len().div_ceil(2);
            if limit > 0 {
                let page = tracker.search(&RunSearch { limit, ..search(filter) }).await.unwrap().runs;
                let page: Vec<&str> = page.iter().map(|run| run.id.as_str()).collect();
                assert_eq!(page, wanted[..limit], "{text}");
            }
            assert_eq!(tracker.count(&search(filter)).await.unwrap(), wanted.len() as u64, "{text}");
            found_some += usize::from(!wanted.is_empty() && wanted.len() < 40);
        }
        assert!(found_some > 18, "filters that choose some and not others: {found_some}");
    });
}

#[test]
fn pages_join_to_the_whole_in_every_order() {
    check_both(|place| async move {
        let tracker = tracker(&place.ledger).await;
        herd(&tracker).await;
        let every = Filter::All(Vec::new());
        for words in [
            vec![],
            vec!["metrics.loss DESC"],
            vec!["metrics.loss ASC"],
            vec!["metrics.unknown DESC"],
            vec!["metrics.loss ASC", "params.depth DESC"],
            vec!["params.lr"],
            vec!["tags.team DESC", "start_time ASC"],
            vec!["run_name ASC"],
            vec!["end_time DESC"],
        ] {
            let order: Vec<_> = words.iter().map(|word| order_by(word).unwrap()).collect();
            let search = RunSearch {
                experiments: &[0],
                stage: Some(Stage::Active),
                filter: &every,
                order: &order,
                after: None,
                limit: 1000,
            };
            let whole: Vec<String> =
                tracker.search(&search).await.unwrap().runs.into_iter().map(|run| run.id).collect();
            assert_eq!(whole.len(), 40, "{words:?}");
            // Of all experiments the runs come from the metric's index, in the same order.
            let search = RunSearch { experiments: &[], ..search };
            let indexed = tracker.search(&search).await.unwrap().runs.into_iter().map(|run| run.id);
            assert_eq!(indexed.collect::<Vec<_>>(), whole, "{words:?}");
            let mut pages = Vec::new();
            let mut after = None;
            loop {
                let search = RunSearch { after: after.as_ref(), limit: 7, ..search.clone() };
                let found = tracker.search(&search).await.unwrap();
                pages.extend(found.runs.into_iter().map(|run| run.id));
                match found.last {
                    Some(last) => after = Some(last),
                    None => break,
                }
            }
            assert_eq!(pages, whole, "{words:?}");
        }
        let order = [order_by("metrics.loss DESC").unwrap()];
        let search =
            RunSearch { experiments: &[0], stage: None, filter: &every, order: &order, after: None, limit: 40 };
        let found = tracker.search(&search).await.unwrap().runs;
        let losses: Vec<Option<Option<f64>>> =
            found.iter().map(|run| run.document.metrics.get("loss").map(|latest| latest.value)).collect();
        assert_eq!(losses[0], Some(Some(1.0)));
        assert_eq!(losses[24], Some(None), "what is not a number comes after numbers");
        assert_eq!(losses[39], None, "and runs without it last");
    });
}

#[test]
fn groups_say_what_counting_by_hand_says() {
    check_both(|place| async move {
        let tracker = tracker(&place.ledger).await;
        herd(&tracker).await;
        let every = Filter::All(Vec::new());
        let search = RunSearch { experiments: &[], stage: None, filter: &every, order: &[], after: None, limit: 1000 };
        let all = tracker.search(&search).await.unwrap().runs;
        let by = Key::Parameter("depth".to_owned());
        let found = tracker.groups(&search, &by, Some("loss"), false).await.unwrap();
        assert!(!found.more);
        assert_eq!(found.groups.len(), 5, "four depths, and runs without one: {:?}", found.groups);
        for group in &found.groups {
            let runs = all.iter().filter(|run| run.document.parameters.get("depth") == group.value.as_ref());
            let runs: Vec<&TrackedRun> = runs.collect();
            assert_eq!(group.runs, runs.len() as u64);
            assert_eq!(group.newest, runs.iter().map(|run| run.started).max().unwrap());
            let losses = runs.iter().filter_map(|run| run.document.metrics.get("loss")?.value);
            let losses: Vec<f64> = losses.collect();
            assert_eq!(group.measured, losses.len() as u64);
            let n = losses.len() as f64;
            let mean = losses.iter().sum::<f64>() / n;
            let variance = losses.iter().map(|loss| (loss - mean).powi(2)).sum::<f64>() / (n - 1.0);
            assert!((group.mean.unwrap() - mean).abs() < 1e-12 && (group.variance.unwrap() - variance).abs() < 1e-12);
            assert_eq!(group.least, losses.iter().copied().reduce(f64::min));
        }
        let least: Vec<Option<f64>> = found.groups.iter().map(|group| group.least).collect();
        assert!(least.is_sorted(), "the best first: {least:?}");
        let by_status = tracker.groups(&search, &Key::Attribute(Attribute::Status), None, true).await.unwrap();
        let counts: Vec<_> = by_status.groups.iter().map(|group| (group.value.as_deref(), group.runs)).collect();
        assert_eq!(counts, [(Some("RUNNING"), 30), (Some("FINISHED"), 10)]);
        let counts = tracker.run_counts().await.unwrap();
        assert_eq!(counts.len(), 1);
        assert_eq!((counts[0].experiment, counts[0].runs, counts[0].newest), (0, 40, 13));
    });
}
