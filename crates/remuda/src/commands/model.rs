//! `remuda model`: model versions.

use super::{Exit, FINE};
use crate::render;
use crate::session::Session;
use clap::{Args, Subcommand};
use remuda_app::Result;
use remuda_app::model as noun;
use remuda_app::model::registry::Registered;
use remuda_app::model::{Export, List, Show};

/// Model versions: what they read, who made them, how good they are; add one that was trained elsewhere.
#[derive(Subcommand)]
pub(crate) enum Verb {
    /// List model versions, newest first.
    List(List),
    /// Show a model version: what it reads, who made it, how it was evaluated.
    #[command(after_help = "Examples:
  remuda model show trees            the newest version of that name
  remuda model show 3f2a91c0bd11     one version, by the beginning of its digest")]
    Show(Show),
    /// Register a model that was trained elsewhere: an ONNX file becomes a model version.
    #[command(
        after_help = "Inputs that are called as a column read that column; the columns of a matrix are listed. The model
is tried on training rows, measured on validation, and refused when no engine runs it. In a tracked
command, REMUDA_RUN says which run made it.

Examples:
  remuda model add forest.onnx --as forest
  remuda model add net.onnx --features tenure,MonthlyCharges --classes No,Yes --logits
  remuda model add forest.onnx --golden expected.csv --run k3m9 --member ana"
    )]
    Add(Add),
    /// Show registered models: versions, aliases, and which versions are candidates.
    #[command(
        after_help = "Clients of MLflow register models (`registered_model_name=`, `register_model`) and move aliases. A version
whose files hold an ONNX model is a model version here: a candidate for `remuda gate evaluate`.

Examples:
  remuda model registered
  remuda model registered churn"
    )]
    Registered(Registered),
    /// Write a model version as an ONNX file.
    #[command(after_help = "Example:
  remuda model export trees -o trees.onnx")]
    Export(Export),
}

/// `model add`, where `--as` names the model, so a member is named with `--member`.
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
        Verb::List(request) => session.ask(request, render::model::list).await.map(|_| FINE),
        Verb::Show(request) => session.ask(request, render::model::show).await.map(|_| FINE),
        // `member` has reached the global options by itself: it carries their id.
        Verb::Add(Add { mut request, member: _ }) => {
            // A script that a run tracks need not know its run.
            let tracked = || std::env::var("REMUDA_RUN").ok().filter(|run| !run.is_empty());
            request.run = request.run.or_else(tracked);
            session.ask(request, render::model::added).await.map(|_| FINE)
        }
        Verb::Registered(request) => session.ask(request, render::registered::list).await.map(|_| FINE),
        Verb::Export(request) => session.ask(request, render::model::exported).await.map(|_| FINE),
    }
}
