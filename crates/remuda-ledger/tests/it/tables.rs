//! The two tables that may change: tokens and leases.

use crate::harness::check_both;
use remuda_ledger::{Error, Lease, Token};

#[test]
fn a_token_lets_in_until_it_is_revoked() {
    check_both(|place| async move {
        let ledger = &place.ledger;
        ledger.add_token("ana", "hash-1", 10).await.unwrap();
        ledger.add_token("ben", "hash-2", 20).await.unwrap();
        assert!(matches!(ledger.add_token("eve", "hash-1", 30).await, Err(Error::Duplicate { .. })));
        assert!(ledger.revoke_token("hash-1", 40).await.unwrap());
        assert!(!ledger.revoke_token("hash-1", 50).await.unwrap());
        assert!(!ledger.revoke_token("hash-9", 50).await.unwrap());
        let token = |member: &str, hash: &str, created, revoked| Token {
            member: member.into(),
            hash: hash.into(),
            created,
            revoked,
        };
        assert_eq!(ledger.token("hash-1").await.unwrap(), Some(token("ana", "hash-1", 10, Some(40))));
        assert_eq!(ledger.token("hash-9").await.unwrap(), None);
        assert_eq!(ledger.tokens().await.unwrap().len(), 2);
    });
}

#[test]
fn a_lease_is_held_by_one_until_it_is_stale_or_given_back() {
    check_both(|place| async move {
        let ledger = &place.ledger;
        assert!(ledger.beat_lease("run/1", "process 7", 100).await.unwrap());
        assert!(ledger.beat_lease("run/1", "process 7", 200).await.unwrap());
        assert!(!ledger.beat_lease("run/1", "process 8", 300).await.unwrap());
        let lease = Lease { name: "run/1".into(), holder: "process 7".into(), beat: 200 };
        assert_eq!(ledger.lease("run/1").await.unwrap(), Some(lease.clone()));
        assert_eq!(ledger.stale_leases(200).await.unwrap(), []);
        assert_eq!(ledger.stale_leases(201).await.unwrap(), [lease]);
        assert!(!ledger.take_lease("run/1", "process 8", 300, 200).await.unwrap());
        assert!(ledger.take_lease("run/1", "process 8", 300, 201).await.unwrap());
        assert!(!ledger.release_lease("run/1", "process 7").await.unwrap());
        assert!(ledger.release_lease("run/1", "process 8").await.unwrap());
        assert_eq!(ledger.leases().await.unwrap(), []);
    });
}
