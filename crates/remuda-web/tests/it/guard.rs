//! Who may come in: hosts, origins, tokens, cookies; and what every answer carries.

use crate::server::{Server, read, request};
use axum::Router;
use axum::routing::{get, post};
use tower::ServiceExt;

#[tokio::test]
async fn a_foreign_name_for_this_machine_is_refused() {
    let server = Server::start().await;
    for host in ["evil.example", "localhost.evil.example:7777", "10.0.0.3:7777"] {
        let page = server.get("/", &[("host", host)]).await;
        assert_eq!(page.status, 403, "{host}");
        let call = server.json("/api/v1/product/status", "{}", &[("host", host)]).await;
        assert_eq!(call.status, 403, "{host}");
        call.problem();
    }
    for host in ["localhost:7777", "127.0.0.1:7777", "[::1]:7777"] {
        assert_eq!(server.get("/", &[("host", host)]).await.status, 200, "{host}");
    }
}

#[tokio::test]
async fn another_site_can_change_nothing() {
    let server = Server::start().await;
    let form = "member=owner&back=/team";
    let foreign = [("content-type", "application/x-www-form-urlencoded"), ("origin", "https://evil.example")];
    let answer = server.send(request("POST", "/action/team/token", &foreign, form)).await;
    assert_eq!(answer.status, 403);
    let sandboxed = [("content-type", "application/x-www-form-urlencoded"), ("origin", "null")];
    assert_eq!(server.send(request("POST", "/action/team/token", &sandboxed, form)).await.status, 403);
    let call = server.json("/api/v1/team/token", r#"{"member":"owner"}"#, &[("origin", "http://127.0.0.1:9999")]).await;
    assert_eq!(call.status, 403);
    let own = server.form("/action/team/token", form, &[("sec-fetch-site", "same-origin")]).await;
    assert_eq!(own.status, 200, "{}", own.text());
    assert!(own.text().contains("remuda_"));
}

#[tokio::test]
async fn an_address_that_others_can_reach_always_asks() {
    let server = Server::with(false, "0.0.0.0:7777").await;
    assert_eq!(server.json("/api/v1/product/status", "{}", &[]).await.status, 401);
}

#[tokio::test]
async fn without_a_token_programs_get_401_and_people_the_login_page() {
    let server = Server::open_to_others().await;
    let call = server.json("/api/v1/product/status", "{}", &[]).await;
    assert_eq!((call.status.as_u16(), call.header("www-authenticate")), (401, "Bearer"));
    assert_eq!(call.problem()["code"], "access.unknown");
    let page = server.get("/run?before=3", &[]).await;
    assert_eq!((page.status.as_u16(), page.header("location")), (303, "/login?back=%2Frun%3Fbefore%3D3"));
    let login = server.get(page.header("location"), &[]).await;
    assert_eq!(login.status, 200);
    assert!(login.text().contains("name=\"back\" value=\"/run?before=3\""));
    let errors = server.get("/docs/errors", &[]).await;
    assert_eq!(errors.status, 200, "what an error means is no secret");
    assert!(errors.text().contains("id=\"access.unknown\"") && !errors.text().contains("churn"));
    assert_eq!(server.get("/", &[("cookie", "remuda_token=guess")]).await.status, 303);
    assert_eq!(server.json("/api/v1/product/status", "{}", &[("authorization", "Bearer guess")]).await.status, 401);
    assert_eq!(server.form("/action/release/rollback", "", &[]).await.status, 401);
    let model = server.get("/model/trees/onnx", &[]).await;
    assert_eq!((model.status.as_u16(), model.header("location")), (303, "/login?back=%2Fmodel%2Ftrees%2Fonnx"));
    let style = login
        .text()
        .split("href=\"")
        .find(|piece| piece.starts_with("/assets/"))
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    assert_eq!(server.get(&style, &[]).await.status, 200);
}

#[tokio::test]
async fn a_token_lets_in_by_header_and_by_cookie_until_it_is_withdrawn() {
    let server = Server::open_to_others().await;
    let token = server.token().await;
    let bearer = format!("Bearer {token}");
    let call = server.json("/api/v1/product/status", "{}", &[("authorization", &bearer)]).await;
    assert_eq!(call.status, 200, "{}", call.text());
    let refused = server.form("/login", "token=guess&back=/team", &[]).await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.header("set-cookie"), "");
    let login = server.form("/login", &format!("token={token}&back=/team"), &[]).await;
    assert_eq!((login.status.as_u16(), login.header("location")), (303, "/team"));
    let cookie = login.header("set-cookie").to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && cookie.contains("Path=/"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let page = server.get("/team", &[("cookie", &cookie)]).await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("Sign out"));
    let elsewhere = server.form("/login", &format!("token={token}&back=https://evil.example"), &[]).await;
    assert_eq!(elsewhere.header("location"), "/");
    let withdrawn = server.form("/action/team/revoke-token", "member=owner&back=/team", &[("cookie", &cookie)]).await;
    assert_eq!((withdrawn.status.as_u16(), withdrawn.header("location")), (303, "/team?done=team.revoke-token"));
    assert_eq!(server.get("/team", &[("cookie", &cookie)]).await.status, 303);
    let left = server.form("/logout", "", &[]).await;
    assert_eq!(left.status, 401, "nobody is signed in any more");
}

#[tokio::test]
async fn other_routers_stand_behind_the_same_guard() {
    let server = Server::open_to_others().await;
    let inference = Router::new()
        .route("/v2/health/live", get(|| async { "ok" }))
        .route("/v2/models/churn/infer", post(|| async { "inferred" }))
        .route("/v2/models/churn", get(broken));
    let router = remuda_web::guarded(&server.web, inference).merge(remuda_web::router(server.web.clone()));
    let send = async |request| read(router.clone().oneshot(request).await.unwrap()).await;
    assert_eq!(send(request("GET", "/v2/health/live", &[], "")).await.status, 200);
    assert_eq!(send(request("POST", "/v2/models/churn/infer", &[], "{}")).await.status, 401);
    let bearer = format!("Bearer {}", server.token().await);
    let signed = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    assert_eq!(send(request("POST", "/v2/models/churn/infer", &signed, "{}")).await.status, 200);
    let form = [("authorization", bearer.as_str()), ("content-type", "text/plain")];
    assert_eq!(send(request("POST", "/v2/models/churn/infer", &form, "{}")).await.status, 415);
    // A panic in a handler is one failed answer, not a dropped connection.
    let panicked = send(request("GET", "/v2/models/churn", &signed, "")).await;
    assert_eq!(panicked.status, 500);
    panicked.problem();
    assert_eq!(send(request("GET", "/team", &signed, "")).await.status, 200);
}

#[expect(clippy::panic, reason = "the fault that is tested")]
async fn broken() -> &'static str {
    panic!("a handler broke")
}

#[tokio::test]
async fn every_answer_is_shut_to_foreign_content() {
    let server = Server::start().await;
    for path in ["/", "/nowhere", "/api/v1/openapi.json", "/api/v1/nowhere", "/login", "/assets/nothing.css"] {
        let answer = server.get(path, &[]).await;
        let policy = answer.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
    }
}

#[tokio::test]
async fn pages_are_compressed_and_assets_are_kept() {
    let server = Server::start().await;
    let plain = server.get("/api", &[]).await;
    let packed = server.get("/api", &[("accept-encoding", "gzip")]).await;
    assert_eq!(packed.header("content-encoding"), "gzip");
    assert!(packed.body.len() * 3 < plain.body.len(), "{} of {}", packed.body.len(), plain.body.len());
    assert_eq!(plain.header("cache-control"), "private, no-store");
    let style = server.get(&remuda_web::assets::STYLE_ADDRESS, &[]).await;
    assert_eq!(style.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(style.header("content-type"), "text/css; charset=utf-8");
}

#[tokio::test]
async fn light_and_dark_are_remembered_without_a_script() {
    let server = Server::start().await;
    let answer = server.get("/theme/dark?back=%2Fteam", &[]).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/team"));
    let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
    assert!(server.get("/team", &[("cookie", &cookie)]).await.text().contains("data-theme=\"dark\""));
    assert!(
        server.get("/team", &[("cookie", "remuda_theme=%22><script>")]).await.text().contains("data-theme=\"system\"")
    );
    assert_eq!(server.get("/theme/dark?back=//evil.example", &[]).await.header("location"), "/");
    assert_eq!(server.get("/theme/pink", &[]).await.header("set-cookie"), "");
}
