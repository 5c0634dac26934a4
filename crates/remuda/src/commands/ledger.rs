//! `remuda why` and `remuda ledger`: lineage, facts, and whether they are whole.

use super::{Exit, FINE, NOT_MET};
use crate::render;
use crate::session::Session;
use clap::{Args, Subcommand};
use remuda_app::Result;
use remuda_app::ledger as noun;

/// The facts, and whether they are whole.
#[derive(Subcommand)]
pub(crate) enum Verb {
    /// List facts, newest first.
    #[command(after_help = "Examples:
  remuda ledger log --verb release.promoted
  remuda ledger log --actor ana --limit 10")]
    Log(noun::Log),
    /// Check the hash chain and every blob. Ends with 1 when something is wrong.
    Verify(noun::Verify),
}

/// Walk lineage both ways from anything: a prediction, a model, a version, a run, a release, a requirement.
#[derive(Args)]
#[command(after_help = "Examples:
  remuda why churn                   a requirement, by its name
  remuda why 9f3c01b2                anything, by the beginning of its id or digest")]
#[group(skip)]
pub(crate) struct Why {
    #[command(flatten)]
    request: noun::Why,
}

pub(crate) async fn run(verb: Verb, session: &Session) -> Result<Exit> {
    match verb {
        Verb::Log(request) => session.ask(request, render::ledger::log).await.map(|_| FINE),
        Verb::Verify(request) => {
            let verified = session.ask(request, render::ledger::verified).await?;
            Ok(if verified.problems.is_empty() { FINE } else { NOT_MET })
        }
    }
}

pub(crate) async fn why(why: Why, session: &Session) -> Result<Exit> {
    session.ask(why.request, render::ledger::lineage).await.map(|_| FINE)
}
