//! `remuda requirement`: what the business wants, and where each criterion stands.

use super::{Exit, FINE};
use crate::render;
use crate::session::Session;
use clap::Subcommand;
use remuda_app::Result;
use remuda_app::requirement::{List, Show};

/// What the business wants, and where each criterion stands.
#[derive(Subcommand)]
pub(crate) enum Verb {
    /// List the requirements and where each stands.
    #[command(after_help = "A requirement is a file in `requirements/`; its criteria are lines such as
  recall of Yes >= 0.80 @95%
`remuda gate grammar` explains the language.")]
    List(List),
    /// Show one requirement: prose, criteria in plain words, the newest verdicts.
    #[command(after_help = "Example:
  remuda requirement show churn")]
    Show(Show),
}

pub(crate) async fn run(verb: Verb, session: &Session) -> Result<Exit> {
    match verb {
        Verb::List(request) => session.ask(request, render::requirement::list).await.map(|_| FINE),
        Verb::Show(request) => session.ask(request, render::requirement::show).await.map(|_| FINE),
    }
}
