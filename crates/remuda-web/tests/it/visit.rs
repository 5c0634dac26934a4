//! Pages over a product that has just begun, through the real use cases; forms and their refusals.

use crate::server::Server;

#[tokio::test]
async fn every_page_of_a_new_product_opens() {
    let server = Server::start().await;
    for path in [
        "/",
        "/requirement",
        "/data",
        "/run",
        "/model",
        "/gate",
        "/release",
        "/live",
        "/why",
        "/ledger",
        "/team",
        "/api",
        "/login",
    ] {
        let page = server.get(path, &[]).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text());
        assert!(page.text().contains("<h1"), "{path}");
        assert!(page.body.len() <= 100_000, "{path}");
    }
    let board = server.get("/", &[]).await.text();
    assert!(board.contains("churn") && board.contains("you are ") && board.contains("owner"));
}

#[tokio::test]
async fn queries_that_make_no_sense_are_no_reason_to_fail() {
    let server = Server::start().await;
    for path in ["/ledger?before=abc", "/ledger?verb=%3Cscript%3E", "/run?before=", "/why?id=%20", "/?done=nonsense"] {
        let page = server.get(path, &[]).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text());
        assert!(!page.text().contains("<script>"), "{path}");
    }
    assert_eq!(server.get("/why?id=a%2Fb", &[]).await.header("location"), "/why/a%2Fb");
}

#[tokio::test]
async fn what_is_not_there_is_a_page_with_the_next_step() {
    let server = Server::start().await;
    for path in [
        "/run/nothing",
        "/data/nothing",
        "/gate/nothing",
        "/release/nothing",
        "/requirement/nothing",
        "/why/nothing",
        "/model/nothing",
        "/nowhere",
        "/data/a/diff/b",
    ] {
        let page = server.get(path, &[]).await;
        assert_eq!(page.status, 404, "{path}: {}", page.text());
        assert!(page.text().contains("role=\"alert\""), "{path}");
    }
}

#[tokio::test]
async fn a_form_carries_out_a_use_case_or_says_why_not() {
    let server = Server::start().await;
    let refused = server.form("/action/release/rollback", "why=x&back=/release", &[]).await;
    assert!(refused.status.is_client_error(), "{}", refused.text());
    assert!(refused.text().contains("role=\"alert\"") && refused.text().contains("href=\"/release\""));
    let unknown_field = server.form("/action/team/token", "membr=owner", &[]).await;
    assert_eq!(unknown_field.status, 400);
    assert_eq!(server.form("/action/data/add", "file=x", &[]).await.status, 404, "files do not come by form");
    assert_eq!(server.get("/action/team/token", &[]).await.status, 405);
    let done = server.get("/team?done=team.sign", &[]).await;
    assert!(done.text().contains("role=\"status\""));
}
