//! `remuda data`: dataset versions.

use super::{Exit, FINE};
use crate::render;
use crate::session::Session;
use clap::{Args, Subcommand};
use remuda_app::Result;
use remuda_app::data as noun;

/// Add, list, look at, compare and export dataset versions.
#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Add a file as a new version of a dataset.
    #[command(
        after_help = "The dataset's contract (`data/NAME.odcs.yaml`) is checked on the way: a breach refuses the version
or marks it, by the rule's severity. Rows that an earlier version had are not stored again.

Examples:
  remuda data add Telco-Customer-Churn.csv
  remuda data add export.jsonl.txt --as tickets --format jsonl
  remuda data add tickets.parquet --as tickets --member dana"
    )]
    Add(Add),
    /// List the versions of all datasets, or of one.
    Log(noun::Log),
    /// Show a version: columns with histograms, contract report, splits, looks at its holdout.
    #[command(after_help = "Examples:
  remuda data show churn             the newest version
  remuda data show 3f2a91c0bd11      one version, by the beginning of its digest")]
    Show(noun::Show),
    /// Compare two versions row by row: added, removed, changed, relabelled.
    #[command(after_help = "Examples:
  remuda data diff churn~1           the one before the newest against the newest
  remuda data diff 3f2a91c0bd11 8c01d2aa07fe --limit 100")]
    Diff(noun::Diff),
    /// Write rows of a version to a file. Reading holdout rows is a fact.
    #[command(after_help = "Examples:
  remuda data export churn --split train -o train.parquet
  remuda data export churn --where \"Contract = 'Two year'\" -o two-year.csv")]
    Export(noun::Export),
}

/// `data add`, where `--as` names the dataset, so a member is named with `--member`.
#[derive(Args)]
#[group(skip)]
pub(crate) struct Add {
    #[command(flatten)]
    pub(crate) request: noun::Add,
    /// Act as this member; without it, whoever git knows.
    #[arg(id = "acting_member", long = "member", value_name = "MEMBER", help_heading = "Global options")]
    member: Option<String>,
}

pub(crate) async fn run(verb: Verb, session: &Session) -> Result<Exit> {
    match verb {
        // `member` has reached the global options by itself: it carries their id.
        Verb::Add(Add { request, member: _ }) => session.ask(request, render::data::added).await.map(|_| FINE),
        Verb::Log(request) => session.ask(request, render::data::log).await.map(|_| FINE),
        Verb::Show(request) => session.ask(request, render::data::show).await.map(|_| FINE),
        Verb::Diff(request) => session.ask(request, render::data::diff).await.map(|_| FINE),
        Verb::Export(request) => session.ask(request, render::data::exported).await.map(|_| FINE),
    }
}
