//! `remuda run reproduce`, `restore` and `branch`: a run's files and results, once more.

use super::run::{Watcher, interrupt, keeping};
use super::{Exit, FINE, INTERRUPTED, NOT_MET};
use crate::client::{Client, Remembering};
use crate::render;
use crate::runner::{Child, Runner, until_stopped};
use crate::session::Session;
use clap::Args;
use remuda_app::run::reproduce::{Outcome, Reproduction, Tolerance, Wish, rebuild};
use remuda_app::run::restore as files;
use remuda_app::{Context, Error, Result, Source};
use std::path::PathBuf;

/// Carry a run out again in a fresh folder, and say whether it gives the same.
#[derive(Args)]
#[command(
    after_help = "Files come from the ledger's blobs; the environment is rebuilt by `uv` where it is found, else by
venv and pip. The command runs as a new run that names the old one. Files that it wrote are compared
by digest, metrics within the tolerance: the difference over the greater of 1 and the recorded value.

Exit codes: 0 reproduced; 1 something differs, or it is not proved, since the snapshot lacks
something; 2 it could not be carried out.

Examples:
  remuda run reproduce k3m9
  remuda run reproduce k3m9 --tolerance 1e-6 --tolerance accuracy=0.005
  remuda run reproduce k3m9 --folder ../again --no-install"
)]
pub(crate) struct Reproduce {
    /// A run's id, or the beginning of it.
    run: String,
    /// How far metrics may be apart: a number for all, or `METRIC=NUMBER` for one. May be repeated.
    #[arg(long, value_name = "TOLERANCE")]
    tolerance: Vec<String>,
    /// Rebuild it here, in a new or empty folder, and keep that. Without it the folder is a temporary one that goes
    /// when the run is reproduced.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Install nothing: use the Python that is here.
    #[arg(long)]
    no_install: bool,
    /// Free words to find the new run by.
    #[arg(long, default_value = "", hide_default_value = true)]
    note: String,
}

/// Give a run's files back.
#[derive(Args)]
#[command(after_help = "Examples:
  remuda run restore k3m9                   into a new folder `run-k3m9…`
  remuda run restore k3m9 --into . --force")]
pub(crate) struct Restore {
    /// A run's id, or the beginning of it.
    run: String,
    /// The folder; without it a new one that is called after the run.
    #[arg(long, value_name = "FOLDER")]
    into: Option<PathBuf>,
    /// Write over files that are there with other content.
    #[arg(long)]
    force: bool,
    /// Give back the outputs that were kept, too.
    #[arg(long)]
    outputs: bool,
}

/// Make a git branch of a run's files. Index, working files and the branch you are on stay as they are.
#[derive(Args)]
pub(crate) struct Branch {
    /// A run's id, or the beginning of it.
    run: String,
    /// The branch.
    name: String,
}

pub(crate) async fn reproduce(arguments: Reproduce, session: &Session) -> Result<Exit> {
    let tolerance = Tolerance::read(&arguments.tolerance).map_err(|text| {
        Error::new("request.invalid", format!("`{text}` is no tolerance"))
            .hint("--tolerance 1e-9, or --tolerance accuracy=0.01")
    })?;
    let context = session.context().ok();
    let wish = Wish {
        run: arguments.run,
        tolerance,
        folder: arguments.folder,
        no_install: arguments.no_install,
        surroundings: keeping(context.as_ref(), Vec::new()).surroundings,
        note: arguments.note,
    };
    let mut client = session.client().await?;
    let mut runner = None;
    // Where a server keeps the original, a spool of our own would not know it.
    if let (Some(context), Ok(root), Client::Local(_)) = (&context, session.root(), &client) {
        let (started, through) = Runner::start(session, &root, context, client).await?;
        (runner, client) = (Some(started), through);
    }
    let caller = Remembering::new(client);
    let child = Child::default();
    let mut watcher = Watcher { session, runner: runner.as_ref(), child: child.clone() };
    let working = async {
        let rebuilt = rebuild(&caller, wish, &mut watcher).await?;
        session.say(&render::run_again::rebuilt(&rebuilt.original, &rebuilt.root));
        let repeated = if rebuilt.is_pipeline() {
            // A pipeline's steps and data are judged by the definitions that were in force.
            let definitions = rebuilt_context(session, &rebuilt.root)?;
            let own = Remembering::new(session.client_for(Some(definitions.clone())).await?);
            rebuilt.carry_out(&own, Some(&definitions), &mut watcher).await?
        } else {
            rebuilt.carry_out(&caller, None, &mut watcher).await?
        };
        rebuilt.judge(&caller, &repeated).await
    };
    let ended: Option<Result<Reproduction>> = tokio::select! {
        ended = working => Some(ended),
        () = until_stopped(child.clone()) => None,
    };
    let interrupted = match &ended {
        None => Some(interrupt(&caller, session).await),
        Some(_) => None,
    };
    drop(caller);
    if let Some(runner) = runner {
        runner.finish(session).await?;
    }
    if let Some(code) = interrupted {
        return code;
    }
    let Some(ended) = ended else { return Ok(INTERRUPTED) };
    let found = ended?;
    session.answer(&found, render::run_again::reproduction)?;
    Ok(if found.outcome == Outcome::Reproduced { FINE } else { NOT_MET })
}

fn rebuilt_context(session: &Session, root: &std::path::Path) -> Result<Context> {
    let source = Source::new(root.to_owned(), session.default_actor(&session.root()?));
    Ok(source.context(session.named_actor())?.with_progress(session.progress.as_progress()))
}

pub(crate) async fn restore(arguments: Restore, session: &Session) -> Result<Exit> {
    let client = session.client().await?;
    let Restore { run, into, force, outputs } = arguments;
    let restored = files::restore(&client, &run, into, force, outputs).await?;
    session.answer(&restored, render::run_again::restored)?;
    Ok(FINE)
}

pub(crate) async fn branch(arguments: Branch, session: &Session) -> Result<Exit> {
    let root = session.root()?;
    let client = session.client().await?;
    let made = files::branch(&client, &root, &arguments.run, &arguments.name).await?;
    session.answer(&made, render::run_again::branched)?;
    Ok(FINE)
}
