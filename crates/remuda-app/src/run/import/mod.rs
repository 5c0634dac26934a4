//! `run import` and `run export`: from MLflow's stores, and back into a folder that MLflow reads.
//!
//! `source.rs` is the store that is read, `take.rs` decides what of each run is new, `artifacts.rs` copies files,
//! `export.rs` writes.

mod artifacts;
mod export;
mod source;
mod take;

use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::pin;
use crate::use_case::{Access, UseCase};
use remuda_ledger::Append;
use remuda_model::Digest;
use serde::{Deserialize, Serialize};
use source::Source;
use utoipa::ToSchema;

/// Import experiments and runs from an MLflow store.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Import {
    /// MLflow's database (`sqlite:///mlflow.db`, `postgresql://USER@HOST/NAME`, or the path of the SQLite file) or its
    /// folder `mlruns/`.
    pub source: String,
    /// Only the experiments of these names.
    #[arg(long = "experiment", value_name = "NAME")]
    #[serde(default)]
    pub experiments: Vec<String>,
    /// The folder in which MLflow's server kept artifacts that it took in itself (`mlflow-artifacts:/…`).
    #[arg(long, value_name = "FOLDER")]
    #[serde(default)]
    pub artifacts: Option<String>,
    /// Only say what would come.
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
}

/// Export experiments and runs as a folder that MLflow reads.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Export {
    /// The folder: a new one, an empty one, or one that was exported before.
    #[arg(long, value_name = "FOLDER")]
    pub to: String,
    /// Only the experiments of these names.
    #[arg(long = "experiment", value_name = "NAME")]
    #[serde(default)]
    pub experiments: Vec<String>,
}

/// What an import took.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct ImportedRuns {
    /// The store, without a password.
    pub source: String,
    /// The revision of MLflow's tables; none for a folder.
    pub revision: Option<String>,
    /// Nothing was written.
    pub dry_run: bool,
    /// The experiments.
    pub experiments: Vec<ImportedExperiment>,
    /// Runs that were not here.
    pub new_runs: u64,
    /// Runs that were here and have changed there since.
    pub changed_runs: u64,
    /// Runs that have not changed.
    pub same_runs: u64,
    /// Metric points that were not here.
    pub points: u64,
    /// Artifacts that were not here, or had another size.
    pub artifacts: u64,
    /// Their bytes.
    pub artifact_bytes: u64,
    /// What people should know, a sentence each.
    pub notes: Vec<String>,
}

/// An experiment of an import.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ImportedExperiment {
    /// Its name.
    pub name: String,
    /// Its number here; none before it is made.
    pub experiment: Option<i64>,
    /// It was here already.
    pub known: bool,
    /// Its runs there.
    pub runs: u64,
}

/// What an export wrote.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct ExportedRuns {
    /// The folder.
    pub folder: String,
    /// Experiments.
    pub experiments: u64,
    /// Runs.
    pub runs: u64,
    /// Metric points.
    pub points: u64,
    /// Artifacts.
    pub artifacts: u64,
    /// What could not be written, a sentence each.
    pub notes: Vec<String>,
}

impl UseCase for Import {
    const NOUN: &'static str = "run";
    const VERB: &'static str = "import";
    const ACCESS: Access = Access::Write;
    const ABOUT: &'static str = "Import experiments and runs from an MLflow database or `mlruns/` folder.";
    type Answer = ImportedRuns;

    async fn run(self, app: &App, context: &Context) -> Result<ImportedRuns> {
        on_this_machine(context, "run import")?;
        let product = context.product()?.name.clone();
        context.tell(0.0, "opening the store");
        let source = Source::open(&self.source).await?;
        let done = take::take(app, context, &source, &self).await;
        source.close().await;
        let imported = done?;
        if !self.dry_run {
            let subject = format!("import/{}", &Digest::of(imported.source.as_bytes()).hex()[..12]);
            let fact = pin::fact(app, context, "run.imported", subject, &imported, Vec::new())?;
            app.ledger.append(&product, Append { facts: vec![fact], ..Append::default() }).await?;
        }
        Ok(imported)
    }
}

impl UseCase for Export {
    const NOUN: &'static str = "run";
    const VERB: &'static str = "export";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str = "Export experiments and runs as a folder that MLflow reads.";
    type Answer = ExportedRuns;

    async fn run(self, app: &App, context: &Context) -> Result<ExportedRuns> {
        on_this_machine(context, "run export")?;
        export::export(app, context, &self).await
    }
}

/// Paths and addresses are the caller's own only where the ledger is.
fn on_this_machine(context: &Context, command: &str) -> Result<()> {
    if context.trusts_paths {
        return Ok(());
    }
    let message =
        format!("`{command}` reads and writes the machine that has the ledger, so no server does it for others");
    Err(Error::new("request.invalid", message)
        .hint(format!("run `remuda {command}` in the product's folder on the server's machine; it may go on serving")))
}
