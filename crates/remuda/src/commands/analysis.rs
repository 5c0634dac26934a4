//! `remuda analysis`: where a candidate fails, on which rows, and whether that can be believed.

use super::{Exit, FINE, NOT_MET};
use crate::render;
use crate::session::Session;
use clap::Subcommand;
use remuda_app::Result;
use remuda_app::analysis as noun;

/// Where a candidate fails, on which rows, and whether that can be believed.
#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Run behavioural tests on a candidate: rows that are written, filled in or changed on purpose.
    #[command(
        after_help = "Ends with 0 when every test passes, 1 when one does not. A test passes when as many of its cases
pass as its `pass_rate` demands: all of them, where it names none.

Examples:
  remuda analysis test trees
  remuda analysis test trees --test typos --limit 20"
    )]
    Test(noun::Test),
    /// Show again what behavioural tests found. Costs nothing.
    Tested(noun::ShowTests),
}

pub(crate) async fn run(verb: Verb, session: &Session) -> Result<Exit> {
    match verb {
        Verb::Test(request) => {
            let tested = session.ask(request, render::analysis::test::tested).await?;
            Ok(if tested.passed { FINE } else { NOT_MET })
        }
        Verb::Tested(request) => session.ask(request, render::analysis::test::state).await.map(|_| FINE),
    }
}
