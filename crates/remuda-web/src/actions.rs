//! Forms: `POST /action/<noun>/<verb>`, form-encoded, the fields of the same request struct that the API and the
//! terminal take. Done: back to the page; refused: the error's page.

use crate::pages;
use crate::state::Web;
use crate::visit::{Visit, own_address, redirect};
use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use remuda_app::{Access, Error, UseCase, Visitor, use_case, visit_all};
use serde_json::Value;
use std::sync::Arc;

pub(crate) fn routes() -> Router<Arc<Web>> {
    let mut actions = Actions { router: Router::new() };
    visit_all(&mut actions);
    actions.router
}

/// What each action did, in one sentence; also the list of actions that forms may carry out.
const DONE: [(&str, &str); 16] = [
    ("team.sign", "Signed. The signature binds what stands on this page."),
    ("team.token", "A token was made."),
    ("team.revoke-token", "All tokens of the member are withdrawn."),
    ("gate.evaluate", "Evaluated. The look is a fact and was charged."),
    ("analysis.test", "The behavioural tests ran."),
    ("analysis.slices", "The slices were searched for and checked."),
    ("analysis.keep", "The slice has a name in `slices.toml`."),
    ("analysis.require", "The criterion stands in the requirement."),
    ("analysis.expect", "The behavioural test stands in `tests/`."),
    ("analysis.request-labels", "The rows were drawn; their file is listed below."),
    ("run.save-view", "Saved: the view stands above the list, for the whole team."),
    ("run.forget-view", "The view is forgotten."),
    ("run.undelete", "The run is back."),
    ("release.create", "The release was made."),
    ("release.promote", "Promoted: the release is live."),
    ("release.rollback", "Rolled back: the release before is live again."),
];

/// The sentence for the `done` of an address; nothing for any other word.
pub(crate) fn done_sentence(word: &str) -> Option<&'static str> {
    DONE.into_iter().find(|(known, _)| *known == word).map(|(_, sentence)| sentence)
}

struct Actions {
    router: Router<Arc<Web>>,
}

impl Visitor for Actions {
    fn visit<U: UseCase>(&mut self) {
        let offered = done_sentence(&format!("{}.{}", U::NOUN, U::VERB)).is_some();
        if U::ACCESS == Access::Write && offered {
            let path = format!("/action/{}/{}", U::NOUN, U::VERB);
            self.router = std::mem::take(&mut self.router).route(&path, post(act::<U>));
        }
    }
}

async fn act<U: UseCase>(visit: Visit, body: String) -> Response {
    let context = match visit.context().await {
        Ok(context) => context,
        Err(error) => return visit.problem(None, &error, None),
    };
    let (back, request) = match read::<U>(&body) {
        Ok(read) => read,
        Err(error) => return visit.problem(Some(&context), &error, None),
    };
    let answer = match use_case::run(request, &visit.web.app, &context).await {
        Ok(answer) => answer,
        Err(error) => return visit.problem(Some(&context), &error, Some(&back)),
    };
    let action = format!("{}.{}", U::NOUN, U::VERB);
    match serde_json::to_value(&answer) {
        Ok(answer) if action == "team.token" => match serde_json::from_value(answer) {
            Ok(token) => pages::team::new_token(&visit.frame(Some(&context)), &token).into_response(),
            Err(error) => visit.problem(Some(&context), &Error::from(error), Some(&back)),
        },
        Ok(answer) => redirect(&with_done(&destination(&action, &answer).unwrap_or(back), &action)),
        Err(error) => visit.problem(Some(&context), &Error::from(error), Some(&back)),
    }
}

/// The request, and where to go back to. Empty fields are fields not sent.
fn read<U: UseCase>(body: &str) -> Result<(String, U), Error> {
    let unreadable = |error: serde_urlencoded::de::Error| {
        Error::new("request.invalid", format!("the form does not fit `{} {}`", U::NOUN, U::VERB)).caused_by(&error)
    };
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(body).map_err(unreadable)?;
    let back = pairs.iter().find(|(name, _)| name == "back").map(|(_, value)| value.as_str());
    let back = own_address(back);
    let fields: Vec<&(String, String)> =
        pairs.iter().filter(|(name, value)| name != "back" && !value.is_empty()).collect();
    let encoded = serde_urlencoded::to_string(&fields)
        .map_err(|error| Error::new("request.invalid", "the form cannot be read").caused_by(&error))?;
    Ok((back, serde_urlencoded::from_str(&encoded).map_err(unreadable)?))
}

/// The page of what the action made, when it made something.
fn destination(action: &str, answer: &Value) -> Option<String> {
    match action {
        "gate.evaluate" => Some(crate::format::address("evaluation", answer["id"].as_str()?)),
        "analysis.slices" => Some(crate::format::address("analysis", answer["id"].as_str()?)),
        "release.create" => Some(crate::format::address("release", answer["line"]["digest"].as_str()?)),
        _ => None,
    }
}

fn with_done(address: &str, action: &str) -> String {
    let joint = if address.contains('?') { '&' } else { '?' };
    format!("{address}{joint}done={action}")
}
