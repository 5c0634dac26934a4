//! Releases: whose signature counts, what is missing, going live and back.

use crate::harness::{check_both, customers, requirement};
use remuda_app::release::{List, Rollback, Show};
use remuda_model::gate::VerdictKind;
use remuda_model::team::{Independence, Risk};

#[test]
fn a_promotion_is_refused_with_the_exact_list_of_what_is_missing() {
    check_both(Risk::Medium, |story| async move {
        story.add(&customers(1, 3_000, None)).await;
        story.train().await;
        let release = story.release().await;
        let digest = release.line.digest.to_string();
        let model = release.content.model.short().to_owned();
        let short = release.line.digest.short().to_owned();
        let refused = story.promote(&digest).await.unwrap_err();
        assert_eq!(refused.code, "release.not_ready");
        assert_eq!(
            refused.causes,
            [
                "requirement churn was not evaluated on this model — scientist and tester (quality engineer or data \
                 scientist)"
                    .to_owned(),
                "no intent signature on churn — owner and deputy (product owner)".to_owned(),
                format!(
                    "no evidence signature on {model} — scientist and tester (quality engineer or data scientist or \
                     domain expert)"
                ),
                format!("no accept signature on {short} — owner and deputy (product owner)"),
            ]
        );
        assert_eq!(
            refused.hints,
            [
                format!("remuda gate evaluate {model}"),
                "remuda sign intent churn".to_owned(),
                format!("remuda sign evidence {model}"),
                format!("remuda sign accept {short}"),
            ]
        );

        // Evidence by the author of the model does not count.
        let evaluation = story.evaluate("linear").await;
        let own = story.sign("scientist", "evidence", &evaluation.id).await;
        assert!(matches!(own.independence, Independence::Contributed(_)), "{:?}", own.independence);
        story.sign("owner", "intent", "churn").await;
        story.sign("deputy", "accept", &digest).await;
        let refused = story.promote(&digest).await.unwrap_err();
        assert_eq!(refused.causes.len(), 1, "{:?}", refused.causes);
        assert!(refused.causes[0].contains("by scientist is not independent: they trained model"), "{refused:?}");
        assert!(refused.causes[0].ends_with("— tester (quality engineer or data scientist or domain expert)"));

        // Somebody else's does.
        let other = story.sign("tester", "evidence", &evaluation.id).await;
        assert_eq!(other.independence, Independence::Independent);
        let live = story.promote(&digest).await.unwrap();
        assert!(live.line.live && live.missing.is_empty());

        // A requirement that changes afterwards binds the next promotion, not the live release.
        let again = story.promote(&digest).await.unwrap();
        assert_eq!(again.line.promotions, 1);
    });
}

#[test]
fn an_evaluation_of_another_text_is_no_evidence_of_a_release() {
    check_both(Risk::Medium, |story| async move {
        let text = requirement(&["accuracy >= 0.8"]);
        story.add(&customers(1, 3_000, None)).await;
        story.train().await;
        let met = story.evaluate("linear").await;
        story.sign("owner", "intent", "churn").await;
        let release = story.release().await;
        assert_eq!(release.line.verdict, VerdictKind::Met);
        let digest = release.line.digest.to_string();
        story.sign("deputy", "accept", &digest).await;

        // The text is tightened, and the same model evaluated by it.
        story.write("owner", "requirements/churn.md", &requirement(&["accuracy >= 0.99"]));
        let before = story.release().await;
        let show = |text: &str| Show { release: text.to_owned() };
        let foreign = story.evaluate("linear").await;
        assert_ne!(foreign.verdict, VerdictKind::Met);
        // A release of the tightened text, made before that evaluation, does not borrow the verdict on the old text.
        assert_eq!(before.line.verdict, VerdictKind::Undecided);
        assert!(before.evaluations.is_empty() && before.content.evaluations.is_empty(), "{:?}", before.evaluations);
        let what = "requirement churn was evaluated on this model in another text only: this text was not";
        assert!(before.missing.iter().any(|missing| missing.what == what), "{:?}", before.missing);
        let command = format!("remuda gate evaluate {}", before.content.model.short());
        assert!(before.missing.iter().any(|missing| missing.command == command), "{:?}", before.missing);

        // With the first text back, the release rests on what it rested on: the other evaluation neither counts,
        story.write("owner", "requirements/churn.md", &text);
        let page = story.does("owner", show(&digest)).await.unwrap();
        let ids: Vec<&str> = page.evaluations.iter().map(|evaluation| evaluation.id.as_str()).collect();
        assert_eq!((ids, page.line.verdict), (vec![met.id.as_str()], VerdictKind::Met));
        // nor asks for a signature, nor lets the release go live by one.
        story.sign("tester", "evidence", &foreign.id).await;
        let refused = story.promote(&digest).await.unwrap_err();
        assert_eq!(refused.hints, [format!("remuda sign evidence {}", met.id)]);
        story.sign("tester", "evidence", &met.id).await;
        assert!(story.promote(&digest).await.unwrap().line.live);
    });
}

#[test]
fn under_high_risk_the_author_of_a_requirement_cannot_vouch_for_its_intent() {
    check_both(Risk::High, |story| async move {
        story.add(&customers(1, 3_000, None)).await;
        story.train().await;
        let evaluation = story.evaluate("linear").await;
        story.sign("tester", "evidence", &evaluation.id).await;
        let release = story.release().await.line.digest.to_string();
        story.sign("operator", "operability", &release).await;
        story.sign("deputy", "accept", &release).await;
        let own = story.sign("owner", "intent", "churn").await;
        assert_eq!(own.independence, Independence::Contributed(vec!["wrote requirements/churn.md".to_owned()]));
        let page = story.does("owner", Show { release: release.clone() }).await.unwrap();
        let missing: Vec<&str> = page.missing.iter().map(|missing| missing.what.as_str()).collect();
        assert_eq!(
            missing,
            ["the intent signature on churn by owner is not independent: they wrote requirements/churn.md"]
        );
        assert_eq!(page.missing[0].members, ["deputy"]);
        let other = story.sign("deputy", "intent", "churn").await;
        assert_eq!(other.independence, Independence::Independent);
        story.promote(&release).await.unwrap();
    });
}

#[test]
fn two_rollbacks_go_back_two_releases_and_a_third_has_nowhere_to_go() {
    check_both(Risk::Medium, |story| async move {
        let first = story.go_live(&customers(1, 3_000, None)).await;
        let second = story.go_live(&customers(1, 3_200, None)).await;
        let third = story.go_live(&customers(1, 3_400, None)).await;
        let back = || Rollback { why: "too many letters".into() };
        assert_eq!(story.does("operator", back()).await.unwrap().line.digest.to_string(), second);
        let page = story.does("operator", back()).await.unwrap();
        assert_eq!(page.line.digest.to_string(), first);
        assert_eq!((page.history[0].how.as_str(), page.history[0].why.as_str()), ("rolled back", "too many letters"));
        let refused = story.does("operator", back()).await.unwrap_err();
        assert_eq!(refused.code, "release.not_ready");
        let lines = story.does("owner", List {}).await.unwrap().releases;
        let live: Vec<String> = lines.iter().filter(|line| line.live).map(|line| line.digest.to_string()).collect();
        assert_eq!((lines.len(), live), (3, vec![first.clone()]));
        // What was taken back can go live again, and a rollback then returns to what it replaced.
        story.promote(&third).await.unwrap();
        assert_eq!(story.does("operator", back()).await.unwrap().line.digest.to_string(), first);
    });
}

#[test]
fn two_who_promote_at_once_promote_once() {
    check_both(Risk::Low, |story| async move {
        let first = story.go_live(&customers(1, 3_000, None)).await;
        story.add(&customers(1, 3_200, None)).await;
        story.train().await;
        story.evaluate("linear").await;
        let second = story.release().await.line.digest.to_string();
        story.sign("owner", "accept", &second).await;
        let (one, other) = tokio::join!(story.promote(&second), story.promote(&second));
        assert_eq!((one.unwrap().line.promotions, other.unwrap().line.promotions), (1, 1));
        let back = story.does("operator", Rollback { why: String::new() }).await.unwrap();
        assert_eq!(back.line.digest.to_string(), first);
    });
}
