//! Versions side by side: what may be shown of a holdout, and what it costs.

use crate::harness::{Story, check_both, customers};
use remuda_app::data::{Diff, Show};
use remuda_app::{Access, UseCase};
use remuda_model::team::Risk;

fn ask(holdout: bool) -> Diff {
    Diff { before: "churn~1".into(), after: None, limit: 1_000, holdout }
}

async fn looks(story: &Story) -> Vec<(String, u32)> {
    let page = story.does("owner", Show { version: "churn".into() }).await.unwrap();
    page.looks.into_iter().map(|look| (look.revealed, look.charge)).collect()
}

#[test]
fn holdout_rows_are_compared_and_shown_only_for_a_charge() {
    check_both(Risk::Medium, |story| async move {
        story.add(&customers(1, 2_000, None)).await;
        story.add(&customers(1, 2_000, Some(10))).await;
        let closed = story.does("engineer", ask(false)).await.unwrap();
        assert_eq!(closed.counts.relabelled, 200);
        assert!((15..60).contains(&closed.hidden), "{}", closed.hidden);
        assert_eq!(closed.examples.len() as u64 + closed.hidden, 200);
        assert!(!closed.charged);
        assert_eq!(looks(&story).await, []);

        let open = story.does("engineer", ask(true)).await.unwrap();
        assert_eq!((open.examples.len(), open.hidden, open.charged), (200, 0, true));
        assert_eq!(looks(&story).await, [("rows".to_owned(), 5)]);

        // Reading needs no member; a look does.
        assert_eq!(Diff::ACCESS, Access::Read);
        assert!(story.does("stranger", ask(false)).await.is_ok());
        let refused = story.does("stranger", ask(true)).await.unwrap_err();
        assert_eq!(refused.code, "access.denied");
        assert_eq!(looks(&story).await.len(), 1);
    });
}
