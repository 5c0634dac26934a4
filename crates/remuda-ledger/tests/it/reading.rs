//! Reading facts: filters, lineage, and the short ids that people type.

use crate::harness::{check_both, fact};
use remuda_ledger::FactQuery;
use remuda_model::Digest;
use remuda_model::fact::Link;

#[test]
fn facts_are_filtered_and_come_with_their_links() {
    check_both(|place| async move {
        let mut all = Vec::new();
        for (number, verb) in
            ["data.added", "run.started", "run.finished", "data.shown", "run.started"].iter().enumerate()
        {
            let mut fact = fact(&format!("f{}", number + 1));
            fact.verb = (*verb).to_owned();
            if number % 2 == 1 {
                fact.actor = "ben".to_owned();
                fact.role = None;
            }
            fact.links.push(Link::uses("dataset_version", "shared"));
            all.push(fact);
        }
        place.add(all.clone()).await;

        let of = || FactQuery::of("churn");
        let cases = vec![
            (of(), vec!["f1", "f2", "f3", "f4", "f5"]),
            (FactQuery { newest_first: true, limit: Some(2), ..of() }, vec!["f5", "f4"]),
            (FactQuery { verbs: vec!["run.started".into(), "data.added".into()], ..of() }, vec!["f1", "f2", "f5"]),
            (FactQuery { verb_prefix: Some("run.".into()), ..of() }, vec!["f2", "f3", "f5"]),
            (FactQuery { actor: Some("ben".into()), ..of() }, vec!["f2", "f4"]),
            (FactQuery { subject: Some("version-of-f3".into()), ..of() }, vec!["f3"]),
            (FactQuery { target: Some("version-of-f4".into()), ..of() }, vec!["f4"]),
            (FactQuery { target: Some("shared".into()), after: Some(1), before: Some(4), ..of() }, vec!["f2", "f3"]),
            (FactQuery { actor: Some("eve".into()), ..of() }, vec![]),
        ];
        for (query, told) in cases {
            let found = place.ledger.facts(&query).await.unwrap();
            let ids: Vec<&str> = found.iter().map(|fact| fact.fact.id.as_str()).collect();
            assert_eq!(ids, told, "{query:?}");
            for found in found {
                let index: usize = found.fact.id[1..].parse().unwrap();
                assert_eq!(found.fact, all[index - 1]);
            }
        }
        assert_eq!(place.ledger.facts_linking("churn", "shared").await.unwrap().len(), 5);
        assert_eq!(place.ledger.facts_linking("income", "shared").await.unwrap().len(), 0);
    });
}

#[test]
fn a_short_id_means_everything_that_begins_with_it() {
    check_both(|place| async move {
        let digest = Digest::of(b"data");
        let mut added = fact("018f-aaaa");
        added.subject = digest.to_string();
        added.links = vec![Link::makes("dataset_version", digest.to_string())];
        let mut run = fact("018f-bbbb");
        run.verb = "run.finished".to_owned();
        run.subject = "018f-run1".to_owned();
        run.links = vec![Link::makes("model_version", "b3:model")];
        place.add(vec![added, run]).await;

        let kinds = |list: &[(&str, &str)]| -> Vec<(String, String)> {
            list.iter().map(|(kind, id)| ((*kind).to_owned(), (*id).to_owned())).collect()
        };
        let cases = [
            // A digest is found by the digits that people see, with and without its `b3:`, once.
            (digest.short().to_owned(), kinds(&[("dataset_version", digest.as_str())])),
            (digest.as_str()[..8].to_owned(), kinds(&[("dataset_version", digest.as_str())])),
            ("018f-b".to_owned(), kinds(&[("fact", "018f-bbbb")])),
            ("018f".to_owned(), kinds(&[("fact", "018f-aaaa"), ("fact", "018f-bbbb"), ("run", "018f-run1")])),
            ("zzz".to_owned(), kinds(&[])),
        ];
        for (prefix, told) in cases {
            assert_eq!(place.ledger.resolve_prefix("churn", &prefix).await.unwrap(), told, "{prefix}");
        }
    });
}
