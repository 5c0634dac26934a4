//! `/login`: where a token is pasted.

use crate::components::{Frame, layout, parts};
use maud::{Markup, html};
use remuda_app::Error;

/// The login page; with the error of the last try, if there was one.
pub fn page(frame: &Frame, back: &str, error: Option<&Error>) -> Markup {
    let body = html! {
        div.login {
            p.brand { (layout::mark(44)) span.wordmark { "remuda" } }
            h1 { "Sign in" }
            @if let Some(error) = error { (parts::error(error)) }
            form method="post" action="/login" {
                input type="hidden" name="back" value=(back);
                label for="token" { "Your token" }
                input #token type="password" name="token" required autofocus autocomplete="current-password" spellcheck="false";
                button type="submit" { "Sign in" }
            }
            p.muted { "No token? A member on the server's machine makes one:" }
            (parts::command("remuda team token NAME"))
        }
    };
    layout::bare(frame, "Sign in", body)
}
