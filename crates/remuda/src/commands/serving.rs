//! `remuda predict` and `remuda live`.

use super::{Exit, FINE};
use crate::render;
use crate::session::Session;
use clap::Args;
use remuda_app::serving as noun;
use remuda_app::{Caller, Result};

/// Predict the rows of a file with the live release (or another model), and log the predictions.
#[derive(Args)]
#[command(after_help = "Without `--output`, id, label and score go to standard output as CSV.

Examples:
  remuda predict new-customers.csv -o predictions.csv --id-column customerID
  remuda predict new-customers.csv --model linear | head")]
#[group(skip)]
pub(crate) struct Predict {
    #[command(flatten)]
    request: noun::Predict,
}

/// Show what is live: traffic, the live metric with its interval, drift per column.
#[derive(Args)]
#[command(after_help = "Example:
  remuda live --days 7")]
#[group(skip)]
pub(crate) struct Live {
    #[command(flatten)]
    request: noun::Live,
}

pub(crate) async fn predict(predict: Predict, session: &Session) -> Result<Exit> {
    let answer = session.client().await?.call(predict.request).await?;
    if session.globals.json {
        session.answer(&answer, |_, _| String::new())?;
        return Ok(FINE);
    }
    if let Some(csv) = &answer.csv {
        session.progress.clear();
        session.screen.data(csv);
    }
    session.say(&render::serving::predicted(&answer, &session.paper()));
    Ok(FINE)
}

pub(crate) async fn live(live: Live, session: &Session) -> Result<Exit> {
    session.ask(live.request, render::serving::live).await.map(|_| FINE)
}
