//! `remuda init`, `remuda check`, `remuda status`: the product as a whole.

use super::{Exit, FINE, NOT_MET};
use crate::render;
use crate::session::Session;
use clap::Args;
use remuda_app::product as noun;
use remuda_app::{Error, Result};
use remuda_model::diagnostic::Severity;
use std::path::PathBuf;

/// Make a product from a data file: a git repository with contract, requirement, pipeline, and a first data version.
#[derive(Args)]
#[command(after_help = "Examples:
  remuda init churn --from Telco-Customer-Churn.csv --label Churn
  remuda init income --from adult.csv --label class --risk high")]
#[group(skip)]
pub(crate) struct Init {
    #[command(flatten)]
    request: noun::Init,
}

/// Validate every definition file. Needs no ledger.
#[derive(Args)]
#[command(after_help = "Ends with 1 when a file has an error, so it can stand in a hook or a pipeline of checks:
  remuda check && git commit")]
#[group(skip)]
pub(crate) struct Check {
    #[command(flatten)]
    request: noun::Check,
}

/// What holds, what is stale, what waits and on which role.
#[derive(Args)]
#[group(skip)]
pub(crate) struct Status {
    #[command(flatten)]
    request: noun::Status,
}

pub(crate) async fn init(init: Init, session: &Session) -> Result<Exit> {
    let parent = session.globals.product.clone().unwrap_or_else(|| PathBuf::from("."));
    let parent = std::fs::canonicalize(&parent).map_err(|source| {
        Error::new("repository.unusable", format!("cannot open the folder {}", parent.display())).caused_by(&source)
    })?;
    let actor = session.default_actor(&parent);
    let ledger = session.globals.ledger.as_deref();
    let made = noun::init(&parent, init.request, actor, session.progress.as_progress(), ledger).await?;
    session.answer(&made, render::product::initialised)?;
    Ok(FINE)
}

pub(crate) fn check(check: Check, session: &Session) -> Result<Exit> {
    let noun::Check {} = check.request;
    let checked = noun::checked(&session.context()?);
    session.answer(&checked, render::product::checked)?;
    let broken = checked.diagnostics.iter().any(|found| found.severity == Severity::Error);
    Ok(if broken { NOT_MET } else { FINE })
}

pub(crate) async fn status(status: Status, session: &Session) -> Result<Exit> {
    session.ask(status.request, render::status::board).await?;
    // Spools lie on this machine, wherever the ledger is.
    if let Ok(root) = session.root()
        && let Some(waits) = render::sync::waits(&remuda_app::run::spool::waiting(&root)?)
    {
        session.say(&waits);
    }
    Ok(FINE)
}
