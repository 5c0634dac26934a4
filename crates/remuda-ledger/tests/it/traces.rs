//! Traces: spans and words in either order, filters, tags, assessments, deletion.

use crate::harness::{Place, check_both};
use remuda_ledger::{TraceSearch, Tracker};
use remuda_model::run::trace::{Assessment, Trace, TraceDocument, TraceSpan, parse_filter, parse_order};

fn trace(id: &str, status: &str, started: i64) -> Trace {
    Trace {
        id: id.to_owned(),
        name: format!("name of {id}"),
        status: status.to_owned(),
        started,
        duration: Some(20),
        document: TraceDocument {
            tags: [("colour".to_owned(), format!("{status} blue"))].into(),
            metadata: [("mlflow.sourceRun".to_owned(), "r1".to_owned())].into(),
            ..TraceDocument::default()
        },
        ..Trace::default()
    }
}

fn span(id: &str, started: i64) -> TraceSpan {
    TraceSpan {
        id: id.to_owned(),
        name: format!("span {id}"),
        kind: "LLM".to_owned(),
        status: "OK".to_owned(),
        started,
        ended: started + 5,
        root: id == "a",
        content: vec![1, 2, 3],
    }
}

async fn ids(tracker: &Tracker, filter: &str, order: &str) -> Vec<String> {
    let filter = parse_filter(filter).unwrap();
    let order: Vec<_> = [order].iter().filter(|one| !one.is_empty()).map(|one| parse_order(one).unwrap()).collect();
    let search = TraceSearch { experiments: &[0], filter: &filter, order: &order, after: 0, limit: 10 };
    tracker.search_traces(search).await.unwrap().traces.into_iter().map(|trace| trace.id).collect()
}

#[test]
fn a_trace_is_the_same_whether_its_spans_or_its_words_come_first() {
    check_both(|place: Place| async move {
        let tracker = Tracker::start(&place.ledger, "churn");
        tracker.ensure_default(1).await.unwrap();
        let heard = Trace { status: "IN_PROGRESS".to_owned(), ..trace("tr-1", "OK", 100) };
        tracker.add_spans(vec![(heard, vec![span("b", 110), span("a", 100)])]).await.unwrap();
        tracker.tell_trace(trace("tr-1", "OK", 99), Vec::new()).await.unwrap();
        tracker.tell_trace(trace("tr-2", "OK", 99), Vec::new()).await.unwrap();
        // What comes after the caller's own words changes none of them; a span that comes again counts once.
        let heard = Trace { status: "ERROR".to_owned(), ..trace("tr-2", "ERROR", 100) };
        tracker.add_spans(vec![(heard, vec![span("b", 110), span("a", 100), span("a", 100)])]).await.unwrap();
        let mut all = tracker.traces(&["tr-1", "tr-2", "nobody"]).await.unwrap();
        assert_eq!(all.len(), 2);
        for one in &mut all {
            assert_eq!(one.document.tags["mlflow.trace.spansLocation"], "TRACKING_STORE");
            assert_eq!((one.status.as_str(), one.started), ("OK", 99));
            let spans = tracker.spans(&one.id).await.unwrap();
            assert_eq!(spans.iter().map(|span| span.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
            assert_eq!(spans[0].content, [1, 2, 3]);
        }
        let missing = Trace { experiment: 77, ..trace("tr-3", "OK", 1) };
        assert!(tracker.tell_trace(missing, Vec::new()).await.is_err());
    });
}

#[test]
fn filters_find_traces_by_all_that_they_say() {
    check_both(|place: Place| async move {
        let tracker = Tracker::start(&place.ledger, "churn");
        tracker.ensure_default(1).await.unwrap();
        for (number, status) in [(1, "OK"), (2, "ERROR"), (3, "OK")] {
            let one = trace(&format!("tr-{number}"), status, 100 * number);
            tracker.tell_trace(one.clone(), Vec::new()).await.unwrap();
            if number == 2 {
                tracker.add_spans(vec![(one, vec![span("a", 7)])]).await.unwrap();
            }
        }
        let said = Assessment {
            id: "a-1".into(),
            name: "correct".into(),
            kind: "feedback".into(),
            value: "true".into(),
            created: 1,
            document: "{}".into(),
        };
        tracker.assess_trace("tr-3", said).await.unwrap();
        tracker.tag_trace("tr-1", "it's", "50 %").await.unwrap();
        let cases: [(&str, &[&str]); 13] = [
            ("", &["tr-3", "tr-2", "tr-1"]),
            ("status = 'OK'", &["tr-3", "tr-1"]),
            ("trace.status != 'OK'", &["tr-2"]),
            ("timestamp_ms >= 200 AND status = 'OK'", &["tr-3"]),
            ("end_time < 130", &["tr-1"]),
            ("tags.colour LIKE 'ERR%'", &["tr-2"]),
            ("tags.colour ILIKE 'err%'", &["tr-2"]),
            ("tags.`it's` = '50 %'", &["tr-1"]),
            ("tags.`it's` IS NULL", &["tr-3", "tr-2"]),
            ("run_id = 'r1' AND name IN ('name of tr-1')", &["tr-1"]),
            ("span.type = 'LLM'", &["tr-2"]),
            ("feedback.correct = 'true'", &["tr-3"]),
            ("request_id NOT IN ('tr-1', 'tr-2')", &["tr-3"]),
        ];
        for (filter, expected) in cases {
            assert_eq!(ids(&tracker, filter, "").await, expected, "{filter}");
        }
        assert_eq!(ids(&tracker, "", "timestamp_ms ASC").await, ["tr-1", "tr-2", "tr-3"]);
        assert_eq!(ids(&tracker, "", "status").await, ["tr-2", "tr-3", "tr-1"]);
        let search = TraceSearch { experiments: &[0], filter: &[], order: &[], after: 0, limit: 2 };
        let page = tracker.search_traces(search).await.unwrap();
        assert_eq!((page.traces.len(), page.next), (2, Some(2)));
        let page = tracker.search_traces(TraceSearch { after: 2, ..search }).await.unwrap();
        assert_eq!((page.traces.len(), page.next), (1, None));
    });
}

#[test]
fn what_is_deleted_leaves_nothing() {
    check_both(|place: Place| async move {
        let tracker = Tracker::start(&place.ledger, "churn");
        tracker.ensure_default(1).await.unwrap();
        for number in 1..=4 {
            let one = trace(&format!("tr-{number}"), "OK", 100 * number);
            tracker.tell_trace(one.clone(), Vec::new()).await.unwrap();
            tracker.add_spans(vec![(one, vec![span("a", 7)])]).await.unwrap();
        }
        assert!(tracker.untag_trace("tr-1", "nothing").await.is_err());
        tracker.untag_trace("tr-1", "colour").await.unwrap();
        assert_eq!(ids(&tracker, "tags.colour IS NULL", "").await, ["tr-1"]);
        assert_eq!(tracker.delete_traces(0, Some(vec!["tr-4".into(), "nobody".into()]), 0, 1).await.unwrap(), 1);
        assert_eq!(tracker.delete_traces(0, None, 250, 1).await.unwrap(), 1);
        assert_eq!(ids(&tracker, "", "").await, ["tr-3", "tr-2"]);
        assert_eq!(tracker.spans("tr-4").await.unwrap(), []);
        assert_eq!(tracker.delete_traces(7, None, 250, 9).await.unwrap(), 0);
    });
}
