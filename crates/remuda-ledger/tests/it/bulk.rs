//! Bulk rows: metric points, predictions and outcomes, how they are counted, joined, and vouched for by facts.

use crate::harness::{Place, check_both, fact};
use remuda_ledger::{
    Append, BULK_OUTCOMES, BULK_PREDICTIONS, ConfusionCount, Definition, LabelCount, Ledger, MINUTE, MetricPoint,
    OutcomeRecord, ReleaseCount, Window, digest_outcomes, digest_predictions,
};
use remuda_model::Digest;
use remuda_model::feedback::Outcome;
use remuda_model::serving::PredictionRecord;

pub(crate) fn prediction(id: &str, release: &str, time: i64, label: &str) -> PredictionRecord {
    PredictionRecord {
        id: id.to_owned(),
        release: release.to_owned(),
        time,
        label: label.to_owned(),
        score: 0.75,
        inputs: format!(r#"{{"id": "{id}"}}"#),
        microseconds: time % 100,
    }
}

pub(crate) fn outcome(prediction: &str, value: &str, observed: Option<i64>) -> OutcomeRecord {
    let outcome = Outcome { prediction: prediction.to_owned(), value: value.to_owned(), observed };
    OutcomeRecord { outcome, received: 5_000 }
}

fn point(run: &str, name: &str, step: i64, value: f64) -> MetricPoint {
    MetricPoint { run: run.to_owned(), name: name.to_owned(), step, time: step * 10, value }
}

/// A little of everything: a definition, metric points (loose, then sealed), predictions and outcomes.
pub(crate) async fn history(place: &Place) {
    let text = "recall >= 0.9";
    let definition = Definition { digest: Digest::of(text.as_bytes()), path: "a.md".into(), text: text.into() };
    let points =
        vec![point("run/1", "loss", 1, 0.9), point("run/1", "loss", 2, f64::NAN), point("run/2", "loss", 1, 0.1)];
    let loose = Append { metric_points: points, ..Append::default() };
    place.ledger.append("churn", loose).await.unwrap();
    let facts = vec![fact("f1"), fact("f2")];
    let sealed =
        Append { facts, definitions: vec![definition], sealed_runs: vec!["run/1".into()], ..Append::default() };
    place.ledger.append("churn", sealed).await.unwrap();
    let served = Append {
        facts: vec![fact("f3")],
        predictions: vec![
            prediction("p1", "r1", 1_010, "Yes"),
            prediction("p2", "r1", 1_020, "No"),
            prediction("p3", "r2", 2_030, "Yes"),
        ],
        ..Append::default()
    };
    place.ledger.append("churn", served).await.unwrap();
    let fed = Append {
        facts: vec![fact("f4")],
        outcomes: vec![outcome("p1", "Yes", Some(3_000)), outcome("p2", "Yes", None), outcome("p9", "No", None)],
        metric_points: vec![point("run/3", "auc", 1, f64::INFINITY)],
        ..Append::default()
    };
    place.ledger.append("churn", fed).await.unwrap();
}

#[test]
fn metric_points_of_a_run_read_back_by_step_whatever_their_value() {
    check_both(|place| async move {
        history(&place).await;
        let points = place.ledger.metric_points("churn", "run/1", "loss").await.unwrap();
        assert_eq!(points.len(), 2);
        assert_eq!((points[0].step, points[0].value), (1, 0.9));
        assert!(points[1].value.is_nan());
        let infinite = place.ledger.metric_points("churn", "run/3", "auc").await.unwrap();
        assert_eq!(infinite[0].value, f64::INFINITY);
        assert_eq!(place.ledger.metric_names("churn", "run/1").await.unwrap(), [("loss".to_owned(), 2)]);

        // A client that sends a batch twice changes nothing, and points after the seal are no damage.
        let again = vec![point("run/1", "loss", 1, 0.9), point("run/1", "loss", 3, 0.7)];
        let append = Append { metric_points: again, ..Append::default() };
        assert_eq!(place.ledger.append("churn", append).await.unwrap().new_metric_points, 1);
        assert_eq!(place.ledger.metric_points("churn", "run/1", "loss").await.unwrap().len(), 3);
        assert!(place.problems().await.is_empty());
    });
}

#[test]
fn the_fact_that_brings_rows_in_vouches_for_them() {
    check_both(|place| async move {
        history(&place).await;
        let served = place.ledger.fact("f3").await.unwrap().unwrap();
        let link = served.fact.links.iter().find(|link| link.kind == BULK_PREDICTIONS).unwrap();
        let rows = place.ledger.predictions(&Window::all("churn"), 10).await.unwrap();
        // Read the newest first, vouched for in the order of insertion.
        assert_eq!(link.target, digest_predictions(rows.iter().rev()).to_string());
        assert_eq!(place.ledger.prediction_sequence("churn", "p2").await.unwrap(), Some(served.sequence));
    });
}

#[test]
fn predictions_are_logged_once_by_their_id() {
    check_both(|place| async move {
        history(&place).await;
        let rows = vec![
            prediction("p2", "r1", 1_020, "No"),
            prediction("p4", "r1", 1_040, "No"),
            prediction("p4", "r1", 1_040, "Yes"),
        ];
        let append = Append { facts: vec![fact("f5")], predictions: rows.clone(), ..Append::default() };
        let appended = place.ledger.append("churn", append).await.unwrap();
        assert_eq!(appended.new_predictions, 1);
        let link = appended.facts[0].fact.links.last().unwrap();
        assert_eq!(link.target, digest_predictions(&rows[1..2]).to_string());
        assert_eq!(place.ledger.prediction("churn", "p4").await.unwrap(), Some(rows[1].clone()));
        assert_eq!(place.ledger.prediction("churn", "p7").await.unwrap(), None);
        assert!(place.problems().await.is_empty());

        let append = Append { facts: vec![fact("f6")], predictions: rows, only_news: true, ..Append::default() };
        assert_eq!(place.ledger.append("churn", append).await.unwrap().facts, []);
        assert_eq!(place.ledger.fact("f6").await.unwrap(), None);
    });
}

#[test]
fn traffic_is_counted_per_release_and_bucket() {
    check_both(|place| async move {
        history(&place).await;
        let counts = place.ledger.prediction_counts("churn").await.unwrap();
        let count = |release: &str, count, outcomes, first, last| ReleaseCount {
            release: release.into(),
            count,
            outcomes,
            first,
            last,
        };
        assert_eq!(counts, [count("r1", 2, 2, 1_010, 1_020), count("r2", 1, 0, 2_030, 2_030)]);

        // Later minutes, one prediction whose outcome came first and one that was in the ledger already.
        let late = |id: &str, minute: i64| prediction(id, "r1", minute * MINUTE + 7, "No");
        let rows = vec![late("p9", 5), late("q1", 5), late("q2", 6), prediction("p1", "r1", 1_010, "Yes")];
        let append = Append { facts: vec![fact("f5")], predictions: rows, ..Append::default() };
        assert_eq!(place.ledger.append("churn", append).await.unwrap().new_predictions, 3);
        let outcomes = vec![outcome("q2", "No", None), outcome("q2", "Yes", Some(9)), outcome("p1", "No", None)];
        let append = Append { facts: vec![fact("f6")], outcomes, ..Append::default() };
        place.ledger.append("churn", append).await.unwrap();

        let traffic = place.ledger.traffic(&Window::all("churn"), 5 * MINUTE).await.unwrap();
        let seen: Vec<_> = traffic.iter().map(|t| (t.release.as_str(), t.bucket, t.count, t.outcomes)).collect();
        assert_eq!(seen, [("r1", 0, 2, 2), ("r2", 0, 1, 0), ("r1", 5 * MINUTE, 3, 2)]);
        assert_eq!((traffic[0].mean_microseconds, traffic[0].maximum_microseconds), (15.0, 20));
        let window = Window { since: 6 * MINUTE + 1, ..Window::all("churn") };
        assert_eq!(place.ledger.traffic(&window, 0).await.unwrap()[0].count, 1);
        assert!(place.problems().await.is_empty());
    });
}

/// SQL that drops all tables of formats from this one on.
fn drop_tables_since(format: u32) -> String {
    let mut sql = String::new();
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/migrations")).unwrap() {
        let file = file.unwrap();
        let number: u32 = file.file_name().to_string_lossy()[..4].parse().unwrap();
        let text = if number < format { String::new() } else { std::fs::read_to_string(file.path()).unwrap() };
        for line in text.lines().filter_map(|line| line.strip_prefix("CREATE TABLE ")) {
            sql.push_str(&format!("DROP TABLE {};", line.trim_end_matches(" (")));
        }
    }
    sql
}

#[test]
fn a_ledger_of_format_1_is_counted_when_it_is_opened_and_wrong_counts_are_found() {
    check_both(|place| async move {
        history(&place).await;
        let before = place.ledger.prediction_counts("churn").await.unwrap();
        let later = drop_tables_since(3);
        place.outside(&format!("DROP TABLE tally; {later} DELETE FROM remuda_format WHERE version > 1")).await.unwrap();
        let again = Ledger::open(&place.address).await.unwrap();
        assert_eq!(again.prediction_counts("churn").await.unwrap(), before);
        again.close().await;
        assert!(place.problems().await.is_empty());

        place.outside("UPDATE tally SET predictions = 9 WHERE release = 'r2'").await.unwrap();
        let problems = place.problems().await;
        assert_eq!(problems, ["0 tally: its counts of release r2 at 0 differ from its predictions and outcomes"]);
    });
}

#[test]
fn labels_are_counted_and_a_window_bounds_them() {
    check_both(|place| async move {
        history(&place).await;
        let labels = place.ledger.label_counts(&Window::all("churn"), 0).await.unwrap();
        let label = |release: &str, label: &str| LabelCount {
            release: release.into(),
            bucket: 0,
            label: label.into(),
            count: 1,
        };
        assert_eq!(labels, [label("r1", "No"), label("r1", "Yes"), label("r2", "Yes")]);

        let window = Window { release: Some("r1".into()), since: 1_015, until: 1_021, ..Window::all("churn") };
        assert_eq!(place.ledger.predictions(&window, 10).await.unwrap(), [prediction("p2", "r1", 1_020, "No")]);
    });
}

#[test]
fn a_long_log_is_streamed_over_page_borders_even_where_all_times_are_equal() {
    check_both(|place| async move {
        let rows: Vec<_> = (0..9_000).map(|number| prediction(&format!("p{number}"), "r1", 1_000, "Yes")).collect();
        let append = Append { facts: vec![fact("f1")], predictions: rows.clone(), ..Append::default() };
        assert_eq!(place.ledger.append("churn", append).await.unwrap().new_predictions, 9_000);
        let mut streamed = place.ledger.predictions(&Window::all("churn"), usize::MAX).await.unwrap();
        streamed.reverse();
        assert_eq!(streamed, rows);
        assert_eq!(place.ledger.predictions(&Window::all("churn"), 5_000).await.unwrap().len(), 5_000);
        assert!(place.problems().await.is_empty());
    });
}

#[test]
fn a_sample_is_spread_evenly_over_the_log() {
    check_both(|place| async move {
        for batch in 0..3 {
            let row = |number: i64| prediction(&format!("p{batch}-{number}"), "r1", batch * 1_000 + number, "Yes");
            let append = Append {
                facts: vec![fact(&format!("f{batch}"))],
                predictions: (0..300).map(row).collect(),
                ..Append::default()
            };
            place.ledger.append("churn", append).await.unwrap();
        }
        let window = Window { every: 10, ..Window::all("churn") };
        let sample = place.ledger.predictions(&window, usize::MAX).await.unwrap();
        let of_batch = |batch: i64| sample.iter().filter(|row| row.time / 1_000 == batch).count();
        assert_eq!([of_batch(0), of_batch(1), of_batch(2)], [30, 30, 30]);
        assert_eq!(place.ledger.label_counts(&window, 0).await.unwrap()[0].count, 90);
    });
}

#[test]
fn the_outcome_that_was_observed_last_counts_whenever_it_comes() {
    check_both(|place| async move {
        history(&place).await;
        let newest = async || {
            let joined = place.ledger.joined(&Window::all("churn")).await.unwrap();
            let row = joined.into_iter().find(|row| row.prediction == "p1").unwrap();
            let all = place.ledger.outcomes_of("churn", "p1").await.unwrap();
            assert_eq!(all.last().unwrap().outcome.value, row.outcome);
            row.outcome
        };
        assert_eq!(newest().await, "Yes");
        for (id, value, observed, then) in
            [("f5", "No", 2_000, "Yes"), ("f6", "Maybe", 4_000, "Maybe"), ("f7", "Never", 3_999, "Maybe")]
        {
            let outcomes = vec![outcome("p1", value, Some(observed))];
            let append = Append { facts: vec![fact(id)], outcomes, ..Append::default() };
            place.ledger.append("churn", append).await.unwrap();
            assert_eq!(newest().await, then, "{value} observed at {observed}");
        }
    });
}

#[test]
fn outcomes_come_late_out_of_order_and_twice_and_the_newest_counts() {
    check_both(|place| async move {
        history(&place).await;
        let window = Window::all("churn");
        let joined = place.ledger.joined(&window).await.unwrap();
        let seen: Vec<_> =
            joined.iter().map(|row| (row.prediction.as_str(), row.label.as_str(), row.outcome.as_str())).collect();
        assert_eq!(seen, [("p2", "No", "Yes"), ("p1", "Yes", "Yes")]);
        assert_eq!((joined[1].time, joined[1].observed, joined[1].score), (1_010, Some(3_000), 0.75));
        assert_eq!(place.ledger.unmatched_outcomes("churn").await.unwrap(), 1);

        // The same file again is no news; a correction is.
        let same = vec![outcome("p1", "Yes", Some(3_000)), outcome("p2", "Yes", None)];
        let append = Append { facts: vec![fact("f5")], outcomes: same, only_news: true, ..Append::default() };
        assert_eq!(place.ledger.append("churn", append).await.unwrap().new_outcomes, 0);
        assert_eq!(place.ledger.fact("f5").await.unwrap(), None);
        let corrected = vec![outcome("p1", "Yes", Some(3_000)), outcome("p2", "No", None)];
        let append = Append { facts: vec![fact("f6")], outcomes: corrected.clone(), ..Append::default() };
        let appended = place.ledger.append("churn", append).await.unwrap();
        assert_eq!(appended.new_outcomes, 1);
        let link = appended.facts[0].fact.links.last().unwrap();
        assert_eq!((link.kind.as_str(), &link.target), (BULK_OUTCOMES, &digest_outcomes(&corrected[1..]).to_string()));

        let confusion = place.ledger.confusion(&window, 0).await.unwrap();
        let cell = |label: &str, outcome: &str| ConfusionCount {
            release: "r1".into(),
            bucket: 0,
            label: label.into(),
            outcome: outcome.into(),
            count: 1,
        };
        assert_eq!(confusion, [cell("No", "No"), cell("Yes", "Yes")]);
        assert_eq!(place.ledger.outcomes_of("churn", "p2").await.unwrap().len(), 2);
        assert!(place.problems().await.is_empty());
    });
}

#[test]
fn outcomes_and_predictions_of_many_ids_are_found_at_once() {
    check_both(|place| async move {
        history(&place).await;
        let corrected = vec![outcome("p2", "No", None), outcome("it's \"quoted\"", "Yes", None)];
        let append = Append { facts: vec![fact("f5")], outcomes: corrected, ..Append::default() };
        place.ledger.append("churn", append).await.unwrap();

        let asked = ["p1", "p2", "p2", "p3", "p9", "it's \"quoted\"", "nobody"];
        let found = place.ledger.outcomes_of_many("churn", &asked).await.unwrap();
        let values = |id: &str| -> Vec<&str> {
            found.get(id).into_iter().flatten().map(|record| record.outcome.value.as_str()).collect()
        };
        assert_eq!(found.len(), 4);
        assert_eq!((values("p1"), values("p2"), values("p9")), (vec!["Yes"], vec!["Yes", "No"], vec!["No"]));
        assert_eq!(values("it's \"quoted\""), ["Yes"]);

        let mut known: Vec<_> = place.ledger.known_predictions("churn", &asked).await.unwrap().into_iter().collect();
        known.sort();
        assert_eq!(known, ["p1", "p2", "p3"]);
        assert!(place.ledger.known_predictions("another", &asked).await.unwrap().is_empty());
        assert!(place.ledger.outcomes_of_many("churn", &[]).await.unwrap().is_empty());

        // More ids than fit one query.
        let rows: Vec<_> = (0..9_000).map(|number| prediction(&format!("q{number}"), "r1", 1_000, "Yes")).collect();
        let append = Append { facts: vec![fact("f6")], predictions: rows.clone(), ..Append::default() };
        place.ledger.append("churn", append).await.unwrap();
        let many: Vec<&str> = rows.iter().map(|row| row.id.as_str()).chain(["nobody"]).collect();
        assert_eq!(place.ledger.known_predictions("churn", &many).await.unwrap().len(), 9_000);
    });
}
