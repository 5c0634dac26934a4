//! `remuda model`: model versions.

use super::{Exit, FINE};
use crate::render;
use crate::session::Session;
use clap::Subcommand;
use remuda_app::Result;
use remuda_app::model::{List, Show};

/// Model versions: what they read, who made them, how good they are.
#[derive(Subcommand)]
pub(crate) enum Verb {
    /// List model versions, newest first.
    List(List),
    /// Show a model version: what it reads, who made it, how it was evaluated.
    #[command(after_help = "Examples:
  remuda model show trees            the newest version of that name
  remuda model show 3f2a91c0bd11     one version, by the beginning of its digest")]
    Show(Show),
}

pub(crate) async fn run(verb: Verb, session: &Session) -> Result<Exit> {
    match verb {
        Verb::List(request) => session.ask(request, render::model::list).await.map(|_| FINE),
        Verb::Show(request) => session.ask(request, render::model::show).await.map(|_| FINE),
    }
}
