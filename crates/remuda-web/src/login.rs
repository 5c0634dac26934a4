//! Logging in by a pasted token, logging out, light and dark. The cookie holds the token itself: withdrawing the token
//! ends the login too.

use crate::components::Theme;
use crate::guard::TOKEN_COOKIE;
use crate::pages;
use crate::state::Web;
use crate::visit::{THEME_COOKIE, Visit, own_address, redirect};
use axum::Router;
use axum::extract::{Form, Path, Query};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use remuda_app::Error;
use serde::Deserialize;
use std::sync::Arc;

const THIRTY_DAYS: u32 = 30 * 86_400;
const YEAR: u32 = 365 * 86_400;

pub(crate) fn routes() -> Router<Arc<Web>> {
    Router::new()
        .route("/login", get(ask).post(enter))
        .route("/logout", post(leave))
        .route("/theme/{theme}", get(theme))
}

#[derive(Deserialize)]
struct Back {
    back: Option<String>,
}

#[derive(Deserialize)]
struct Credentials {
    token: String,
    back: Option<String>,
}

async fn ask(visit: Visit, Query(query): Query<Back>) -> Response {
    pages::login::page(&visit.frame(None), &own_address(query.back.as_deref()), None).into_response()
}

async fn enter(visit: Visit, headers: HeaderMap, Form(credentials): Form<Credentials>) -> Response {
    let back = own_address(credentials.back.as_deref());
    let token = credentials.token.trim();
    let refused = match remuda_app::team::identify(&visit.web.app, token).await {
        Ok(Some(_)) if is_cookie_value(token) => {
            return with_cookie(
                redirect(&back),
                &cookie(&headers, TOKEN_COOKIE, token, THIRTY_DAYS, "HttpOnly; SameSite=Strict"),
            );
        }
        Ok(_) => Error::new("access.unknown", "that is no valid token").hint("`remuda team token NAME` makes one"),
        Err(error) => error,
    };
    let status = StatusCode::from_u16(refused.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, pages::login::page(&visit.frame(None), &back, Some(&refused))).into_response()
}

async fn leave(headers: HeaderMap) -> Response {
    with_cookie(redirect("/login"), &cookie(&headers, TOKEN_COOKIE, "", 0, "HttpOnly; SameSite=Strict"))
}

async fn theme(Path(theme): Path<String>, Query(query): Query<Back>, headers: HeaderMap) -> Response {
    let answer = redirect(&own_address(query.back.as_deref()));
    match Theme::parse(&theme) {
        None => answer,
        Some(theme) => with_cookie(answer, &cookie(&headers, THEME_COOKIE, theme.as_str(), YEAR, "SameSite=Lax")),
    }
}

/// A token that came through a header once more must not carry anything that ends a cookie.
fn is_cookie_value(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~+/=".contains(&byte))
}

fn cookie(headers: &HeaderMap, name: &str, value: &str, seconds: u32, flags: &str) -> String {
    let behind_tls = headers.get("x-forwarded-proto").is_some_and(|scheme| scheme.as_bytes() == b"https");
    let secure = if behind_tls { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; Max-Age={seconds}; {flags}{secure}")
}

fn with_cookie(mut answer: Response, cookie: &str) -> Response {
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    answer
}
