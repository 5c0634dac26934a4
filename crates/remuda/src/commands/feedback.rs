//! `remuda feedback`: what really happened.

use super::{Exit, FINE};
use crate::render;
use crate::session::Session;
use clap::Subcommand;
use remuda_app::Result;
use remuda_app::feedback::Add;

/// Join outcomes to predictions.
#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Join the outcomes of a file to predictions by id. Late, out of order, repeated: nothing is counted twice.
    #[command(after_help = "Example:
  remuda feedback add outcomes.csv --id-column customerID --outcome-column Churn")]
    Add(Add),
}

pub(crate) async fn run(verb: Verb, session: &Session) -> Result<Exit> {
    match verb {
        Verb::Add(request) => session.ask(request, render::feedback::joined).await.map(|_| FINE),
    }
}
