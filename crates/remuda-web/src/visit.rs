//! One visit of a page: who looks, at what, and the way from a use case's answer to the page.

use crate::api::problem;
use crate::components::{Frame, Theme};
use crate::guard::{self, Caller};
use crate::pages;
use crate::state::Web;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use maud::Markup;
use remuda_app::{Actor, Context, Error, UseCase, use_case};
use std::convert::Infallible;
use std::sync::Arc;

/// The cookie that remembers light or dark.
pub(crate) const THEME_COOKIE: &str = "remuda_theme";

/// Everything about a visit that is not the page's own question.
pub(crate) struct Visit {
    pub(crate) web: Arc<Web>,
    pub(crate) caller: Caller,
    path: String,
    theme: Theme,
    host: String,
    done: Option<String>,
}

impl FromRequestParts<Arc<Web>> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, web: &Arc<Web>) -> Result<Self, Infallible> {
        let caller = parts.extensions.get::<Caller>().cloned().unwrap_or_default();
        let theme = cookie(&parts.headers, THEME_COOKIE).and_then(|word| Theme::parse(&word)).unwrap_or_default();
        let path = parts.uri.path_and_query().map_or("/", |address| address.as_str());
        let host = guard::host(&parts.headers, &parts.uri).map_or_else(|| web.options.bound.to_string(), str::to_owned);
        let (path, done) = without_done(path);
        Ok(Self { web: web.clone(), caller, path, theme, host, done })
    }
}

/// The address without its `done=…`, and what that says.
fn without_done(address: &str) -> (String, Option<String>) {
    let Some((path, query)) = address.split_once('?') else { return (address.to_owned(), None) };
    let mut done = None;
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| match pair.strip_prefix("done=") {
            Some(word) => {
                done = Some(word.to_owned());
                false
            }
            None => true,
        })
        .collect();
    if kept.is_empty() { (path.to_owned(), done) } else { (format!("{path}?{}", kept.join("&")), done) }
}

impl Visit {
    /// The context of whoever looks. Callers over HTTP never name files of this machine.
    pub(crate) async fn context(&self) -> Result<Context, Error> {
        context(&self.web, &self.caller, None).await
    }

    /// What every page knows.
    pub(crate) fn frame(&self, context: Option<&Context>) -> Frame {
        Frame {
            product: context.map(|context| context.product_name().to_owned()).unwrap_or_default(),
            actor: context.map(|context| context.actor.name.clone()).unwrap_or_default(),
            roles: context.map(|context| context.actor.roles.clone()).unwrap_or_default(),
            theme: self.theme,
            now: self.web.app.clock.now(),
            path: self.path.clone(),
            signed_in: self.caller.signed_in,
            host: self.host.clone(),
            notice: self.done.as_deref().and_then(crate::actions::done_sentence).map(str::to_owned),
        }
    }

    /// Runs a use case that reads, and draws its answer.
    pub(crate) async fn show<U: UseCase>(
        self,
        request: U,
        draw: impl FnOnce(&Frame, &U::Answer) -> Markup,
    ) -> Response {
        let context = match self.context().await {
            Ok(context) => context,
            Err(error) => return self.problem(None, &error, None),
        };
        match use_case::run(request, &self.web.app, &context).await {
            Ok(answer) => draw(&self.frame(Some(&context)), &answer).into_response(),
            Err(error) => self.problem(Some(&context), &error, None),
        }
    }

    /// The page of an error.
    pub(crate) fn problem(&self, context: Option<&Context>, error: &Error, back: Option<&str>) -> Response {
        let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if status.is_server_error() {
            tracing::error!(code = error.code, message = error.message, causes = ?error.causes, "a page failed");
        }
        (status, pages::problem::page(&self.frame(context), error, back)).into_response()
    }
}

/// The context of a caller, with the definitions that they name or the folder's.
pub(crate) async fn context(web: &Web, caller: &Caller, definitions: Option<&str>) -> Result<Context, Error> {
    let actor = caller.member.as_ref().map(|name| Actor { name: name.clone(), email: None, roles: Vec::new() });
    let mut context = web.source.context_with(&web.app, definitions, actor).await?;
    context.trusts_paths = false;
    Ok(context)
}

/// The frame of those about whom nothing is known.
pub(crate) fn anonymous_frame() -> Frame {
    Frame {
        product: String::new(),
        actor: String::new(),
        roles: Vec::new(),
        theme: Theme::System,
        now: 0,
        path: "/".to_owned(),
        signed_in: false,
        host: String::new(),
        notice: None,
    }
}

/// The value of a cookie.
pub(crate) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
}

/// Go there with a GET.
pub(crate) fn redirect(address: &str) -> Response {
    match axum::http::HeaderValue::from_str(address) {
        Ok(address) => (StatusCode::SEE_OTHER, [(header::LOCATION, address)]).into_response(),
        Err(_) => (StatusCode::SEE_OTHER, [(header::LOCATION, "/")]).into_response(),
    }
}

/// An address of our own to go back to: never another site's, whatever the form says.
pub(crate) fn own_address(address: Option<&str>) -> String {
    let own = |address: &&str| {
        address.starts_with('/')
            && !address.starts_with("//")
            && address.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    };
    address.filter(own).unwrap_or("/").to_owned()
}

/// What is at no address.
pub(crate) async fn not_found(visit: Visit, uri: Uri, body: axum::body::Body) -> Response {
    let error = Error::not_found("page", uri.path());
    if crate::mlflow::is_protocol(uri.path()) {
        // Read to its end, so that the connection can serve on.
        let _ = axum::body::to_bytes(body, 1 << 20).await;
        return crate::mlflow::no_route(uri.path());
    }
    if guard::is_machine(uri.path()) {
        let error = Error::not_found("address", uri.path()).hint("GET /api/v1/openapi.json lists them");
        return problem::answer(&error);
    }
    let context = visit.context().await.ok();
    visit.problem(context.as_ref(), &error, None)
}

/// What does not take this method.
pub(crate) async fn wrong_method(visit: Visit, method: axum::http::Method, uri: Uri) -> Response {
    let error = Error::new("request.invalid", format!("{} does not take {method}", uri.path()));
    if guard::is_machine(uri.path()) {
        let error = error.hint("use cases take POST with a JSON body");
        return problem::with_status(StatusCode::METHOD_NOT_ALLOWED, &error);
    }
    let context = visit.context().await.ok();
    let mut answer = visit.problem(context.as_ref(), &error, None);
    *answer.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    answer
}

#[cfg(test)]
mod tests {
    use super::{own_address, without_done};

    #[test]
    fn nobody_is_sent_to_another_site() {
        for own in ["/", "/run/7?x=1", "/ledger?before=3"] {
            assert_eq!(own_address(Some(own)), own);
        }
        for foreign in [
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "javascript:x",
            "",
            "/a b",
            "/\r\nset-cookie: x",
        ] {
            assert_eq!(own_address(Some(foreign)), "/", "{foreign:?}");
        }
        assert_eq!(own_address(None), "/");
    }

    #[test]
    fn what_was_done_is_no_part_of_the_address() {
        assert_eq!(without_done("/run"), ("/run".into(), None));
        assert_eq!(without_done("/run?done=team.sign"), ("/run".into(), Some("team.sign".into())));
        assert_eq!(without_done("/run?before=3&done=x&y=1"), ("/run?before=3&y=1".into(), Some("x".into())));
    }
}
