//! `remuda release`: create, list, show, promote, roll back.

use super::{Exit, FINE};
use crate::render;
use crate::session::Session;
use clap::Subcommand;
use remuda_app::Result;
use remuda_app::release as noun;

/// Bind model and evidence to one digest; put it live, take it back.
#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Make a release of a model: one digest over model, features, schema, criteria, evidence and signatures.
    #[command(after_help = "Example:
  remuda release create trees")]
    Create(noun::Create),
    /// List releases, newest first.
    List(noun::List),
    /// Show a release: what it is made of, its evidence and signatures, what is missing before it may go live.
    #[command(after_help = "Examples:
  remuda release show newest
  remuda release show live")]
    Show(noun::Show),
    /// Make a release live. Refused with the list of what is missing, who can provide it and with which command.
    Promote(noun::Promote),
    /// Make the release that was live before live again. Asks for nothing.
    #[command(after_help = "Example:
  remuda release rollback --why \"recall fell after the price change\"")]
    Rollback(noun::Rollback),
}

pub(crate) async fn run(verb: Verb, session: &Session) -> Result<Exit> {
    match verb {
        Verb::Create(request) => session.ask(request, render::release::show).await.map(|_| FINE),
        Verb::List(request) => session.ask(request, render::release::list).await.map(|_| FINE),
        Verb::Show(request) => session.ask(request, render::release::show).await.map(|_| FINE),
        Verb::Promote(request) => session.ask(request, render::release::promoted).await.map(|_| FINE),
        Verb::Rollback(request) => session.ask(request, render::release::promoted).await.map(|_| FINE),
    }
}
