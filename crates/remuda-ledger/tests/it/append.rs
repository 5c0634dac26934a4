//! Appending: places in the chain, refusals, and the database's own refusal to change what is there.

use crate::harness::{check_both, fact, facts};
use remuda_ledger::{Append, Definition, Error, Ledger};
use remuda_model::Digest;
use remuda_model::fact::{Link, chain_hash, genesis};

#[test]
fn facts_get_places_without_holes_and_read_back_as_they_were() {
    check_both(|place| async move {
        let appended = place.ledger.append("churn", Append { facts: facts(1..=3), ..Append::default() }).await.unwrap();
        let sequences: Vec<i64> = appended.facts.iter().map(|fact| fact.sequence).collect();
        assert_eq!(sequences, [1, 2, 3]);
        assert_eq!(appended.facts[0].previous, genesis("churn"));
        assert_eq!(appended.facts[1].previous, appended.facts[0].hash);
        assert_eq!(appended.facts[2].hash, chain_hash(3, &appended.facts[2].fact, &appended.facts[1].hash));

        place.add(vec![fact("f4")]).await;
        let head = place.ledger.head("churn").await.unwrap().unwrap();
        assert_eq!((head.sequence, head.fact), (4, fact("f4")));
        assert_eq!(place.ledger.fact("f2").await.unwrap().unwrap(), appended.facts[1]);
        assert_eq!(place.ledger.fact("f9").await.unwrap(), None);
        assert_eq!(place.ledger.products().await.unwrap(), ["churn"]);
        assert_eq!(place.ledger.head("other").await.unwrap(), None);

        // The ledger opens again and goes on where it was.
        let again = Ledger::open(&place.address).await.unwrap();
        assert_eq!(again.head("churn").await.unwrap().unwrap().sequence, 4);
        again.close().await;
        assert!(place.problems().await.is_empty());
    });
}

#[test]
fn each_product_has_its_own_chain() {
    check_both(|place| async move {
        place.add(facts(1..=2)).await;
        let mut other = fact("other-1");
        other.product = "income".to_owned();
        let appended = place.ledger.append("income", Append { facts: vec![other], ..Append::default() }).await.unwrap();
        assert_eq!(appended.facts[0].sequence, 1);
        assert_eq!(place.ledger.products().await.unwrap(), ["churn", "income"]);
    });
}

#[test]
fn an_append_that_expected_another_head_is_refused_and_leaves_nothing() {
    check_both(|place| async move {
        place.add(facts(1..=2)).await;
        let late = Append { facts: vec![fact("late")], expect_head: Some(1), ..Append::default() };
        let refused = place.ledger.append("churn", late.clone()).await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the ledger of `churn` has moved on: expected fact 1 as the newest, found 2; read again and retry"
        );
        assert_eq!(place.ledger.fact("late").await.unwrap(), None);
        place.ledger.append("churn", Append { expect_head: Some(2), ..late }).await.unwrap();
        assert!(place.problems().await.is_empty());
    });
}

#[test]
fn an_id_is_taken_once_and_the_whole_append_is_refused() {
    check_both(|place| async move {
        place.add(facts(1..=2)).await;
        let twice = Append { facts: vec![fact("new"), fact("f1")], ..Append::default() };
        let refused = place.ledger.append("churn", twice).await.unwrap_err();
        assert!(matches!(refused, Error::Duplicate { .. }), "{refused:?}");
        assert_eq!(place.ledger.fact("new").await.unwrap(), None);
        // The connection that failed does no harm to the next.
        place.add(vec![fact("f3")]).await;
        assert!(place.problems().await.is_empty());
    });
}

#[test]
fn what_no_engine_could_hold_is_refused_before_anything_is_written() {
    check_both(|place| async move {
        let mut stranger = fact("f1");
        stranger.product = "income".to_owned();
        let mut null = fact("f1");
        null.payload = "\0".to_owned();
        let mut long = fact("f1");
        long.subject = "x".repeat(801);
        let mut forged = fact("f1");
        forged.links.push(Link::makes("bulk.predictions", "b3:0"));
        let cases = [
            (stranger, "fact f1 names product `income`, not `churn`"),
            (null, "a payload contains a NUL character"),
            (long, "a subject has 801 bytes, more than 800"),
            (forged, "links of kind `bulk.predictions` are added by the ledger itself"),
        ];
        for (fact, told) in cases {
            let append = Append { facts: vec![fact], ..Append::default() };
            let refused = place.ledger.append("churn", append).await.unwrap_err();
            assert_eq!(refused.to_string(), format!("cannot append to the ledger: {told}"));
        }
        let definition = Definition { digest: Digest::of(b"one"), path: "a.md".into(), text: "two".into() };
        let append = Append { facts: vec![fact("f1")], definitions: vec![definition], ..Append::default() };
        assert!(matches!(place.ledger.append("churn", append).await, Err(Error::Invalid { .. })));
        assert_eq!(place.ledger.head("churn").await.unwrap(), None);
    });
}

#[test]
fn the_database_itself_refuses_to_change_what_was_appended() {
    check_both(|place| async move {
        crate::bulk::history(&place).await;
        let postgres = !place.ledger.is_local();
        for table in ["fact", "link", "definition", "metric_point", "prediction", "outcome"] {
            let column = if table == "definition" { "text" } else { "product" };
            let mut attempts = vec![format!("UPDATE {table} SET {column} = 'x'"), format!("DELETE FROM {table}")];
            if postgres {
                attempts.push(format!("TRUNCATE {table}"));
            }
            for attempt in attempts {
                let refused = place.outside(&attempt).await.unwrap_err().to_string();
                let told = format!("remuda: rows of {table} are appended, never changed");
                assert!(refused.contains(&told), "{attempt}: {refused}");
            }
        }
        let replaced = "INSERT INTO fact SELECT * FROM fact WHERE sequence = 1";
        let replaced = if postgres { replaced.to_owned() } else { replaced.replace("INSERT", "INSERT OR REPLACE") };
        place.outside(&replaced).await.unwrap_err();
        assert!(place.problems().await.is_empty());
    });
}

#[test]
fn definitions_are_kept_once_for_each_path() {
    check_both(|place| async move {
        let text = "recall >= 0.9";
        let digest = Digest::of(text.as_bytes());
        for (id, path) in [("f1", "requirements/a.md"), ("f2", "requirements/b.md"), ("f3", "requirements/a.md")] {
            let mut fact = fact(id);
            fact.links.push(Link::definition(&digest));
            let definition = Definition { digest: digest.clone(), path: path.into(), text: text.into() };
            let append = Append { facts: vec![fact], definitions: vec![definition], ..Append::default() };
            place.ledger.append("churn", append).await.unwrap();
        }
        let kept = place.ledger.definition(&digest).await.unwrap();
        let paths: Vec<&str> = kept.iter().map(|definition| definition.path.as_str()).collect();
        assert_eq!(paths, ["requirements/a.md", "requirements/b.md"]);
        assert_eq!(place.ledger.definitions_at("requirements/a.md").await.unwrap(), kept[..1]);
        assert!(place.problems().await.is_empty());
    });
}

#[test]
fn a_newer_ledger_is_refused() {
    check_both(|place| async move {
        place.outside("INSERT INTO remuda_format (version) VALUES (99)").await.unwrap();
        let refused = Ledger::open(&place.address).await.unwrap_err();
        assert!(refused.to_string().contains("has format 99, this remuda knows formats up to "), "{refused}");
        assert!(refused.to_string().ends_with(": install a newer remuda"), "{refused}");
    });
}
