//! `remuda gate`: evaluate a candidate, show evaluations, explain the language of criteria.

use super::{Exit, FINE, NOT_MET, UNDECIDED};
use crate::render;
use crate::session::Session;
use clap::{Args, Subcommand};
use remuda_app::Result;
use remuda_app::gate as noun;
use remuda_model::gate::VerdictKind;

/// Evaluate a candidate on the holdout: met, not met or undecided, and at what price.
#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Evaluate a candidate on the holdout against the criteria. The look is a fact and is charged.
    #[command(after_help = "Ends with 0 when every criterion is met, 1 when one is not met, 3 when one is undecided.

Examples:
  remuda gate evaluate trees
  remuda gate evaluate trees --requirement churn --verdicts-only")]
    Evaluate(noun::Evaluate),
    /// Show an evaluation again. Costs nothing.
    Show(noun::Show),
    /// List evaluations, newest first.
    List(noun::List),
    /// Explain the language of acceptance criteria.
    #[command(after_help = "With `--json`: the metrics with their ranges and units, for editors.")]
    Grammar(Grammar),
}

/// `gate grammar` asks nothing.
#[derive(Args)]
pub(crate) struct Grammar {}

pub(crate) async fn run(verb: Verb, session: &Session) -> Result<Exit> {
    match verb {
        Verb::Evaluate(request) => {
            let evaluation = session.ask(request, render::gate::evaluation).await?;
            Ok(match evaluation.verdict {
                VerdictKind::Met => FINE,
                VerdictKind::NotMet => NOT_MET,
                VerdictKind::Undecided => UNDECIDED,
            })
        }
        Verb::Show(request) => session.ask(request, render::gate::evaluation).await.map(|_| FINE),
        Verb::List(request) => session.ask(request, render::gate::list).await.map(|_| FINE),
        Verb::Grammar(Grammar {}) => {
            session.answer(&render::grammar::data(), |_, paper| render::grammar::page(paper))?;
            Ok(FINE)
        }
    }
}
