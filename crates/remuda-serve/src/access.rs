//! Tokens on the inference routes, where the server asks for them (it listens beyond this machine).
//!
//! Checking a token reads the ledger, so a token that was good is believed for some seconds: a withdrawn one stops
//! working within [`BELIEVED`].

use crate::refusal::Refusal;
use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use remuda_app::App;
use remuda_model::Digest;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a good token is believed without looking again.
pub const BELIEVED: Duration = Duration::from_secs(10);

/// The most tokens that are remembered.
const REMEMBERED: usize = 1_000;

/// Who may ask for predictions.
pub struct Guard {
    app: App,
    good: Mutex<HashMap<Digest, Instant>>,
}

impl Guard {
    /// A guard over this application's tokens.
    pub fn new(app: App) -> Self {
        Self { app, good: Mutex::default() }
    }

    /// Whether the token is a member's.
    async fn knows(&self, token: &str) -> remuda_app::Result<bool> {
        let digest = Digest::of(token.as_bytes());
        let now = Instant::now();
        let believed = {
            let good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
            good.get(&digest).is_some_and(|seen| now.duration_since(*seen) < BELIEVED)
        };
        if believed {
            return Ok(true);
        }
        let known = remuda_app::team::identify(&self.app, token).await?.is_some();
        let mut good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        if known {
            if good.len() >= REMEMBERED {
                good.retain(|_, seen| now.duration_since(*seen) < BELIEVED);
            }
            good.insert(digest, now);
        } else {
            good.remove(&digest);
        }
        Ok(known)
    }
}

/// Lets a request pass when its token is a member's.
pub async fn check(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(token) = header.and_then(bearer) else {
        return refuse("this server wants a token: send `authorization: Bearer TOKEN`; `remuda team token MEMBER` makes one");
    };
    match guard.knows(token).await {
        Ok(true) => next.run(request).await,
        Ok(false) => refuse("the token is not valid, or was withdrawn; `remuda team token MEMBER` makes a new one"),
        Err(error) => Refusal::from(error).into_response(),
    }
}

/// The token in `Bearer TOKEN`; the scheme's case does not matter (RFC 9110, section 11.1).
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

fn refuse(error: &str) -> Response {
    Refusal { status: 401, error: error.to_owned() }.into_response()
}

#[cfg(test)]
mod tests {
    use super::bearer;

    #[test]
    fn the_scheme_is_read_in_any_case() {
        let cases = [
            ("Bearer abc", Some("abc")),
            ("bearer  abc ", Some("abc")),
            ("Basic abc", None),
            ("Bearer ", None),
            ("abc", None),
        ];
        for (header, expected) in cases {
            assert_eq!(bearer(header), expected, "{header}");
        }
    }
}
