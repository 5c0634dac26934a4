//! `remuda run`: the pipeline, or any command, tracked; and the runs that were.

use super::{Exit, FINE, INTERRUPTED, NOT_MET, run_again, run_files};
use crate::client::{Client, Remembering};
use crate::render;
use crate::runner::{Child, Runner, until_stopped};
use crate::session::Session;
use clap::{Args, Subcommand};
use remuda_app::run as noun;
use remuda_app::run::capture::{Keeping, Surroundings};
use remuda_app::run::pipeline::{self, Observer, Stream, Tracked};
use remuda_app::run::spool;
use remuda_app::{Caller, Context, Error, Result};
use remuda_model::run::{RunStatus, StepResult};
use std::path::PathBuf;

/// Run the pipeline, a notebook or any command, tracked; list, show, compare, restore and reproduce runs.
#[derive(Args)]
#[command(
    after_help = "Every run keeps its code, uncommitted and untracked files too, in the ledger's blobs and as a git
commit under `refs/remuda/runs/`; index and branch stay as they are. Command, packages, machine,
data versions and seeds that are seen are kept beside it. Files that seem to hold a secret are left
out and named.

Examples:
  remuda run                         the steps of `pipeline.toml`; unchanged ones are skipped
  remuda run --only trees --force
  remuda run -- python train.py --depth 6
  remuda run analysis.ipynb          executed; the executed copy is kept
  remuda run diff k3m9               a run against the one before it
  remuda run reproduce k3m9          carried out again in a fresh folder, and compared"
)]
pub(crate) struct Run {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// Run every step, even if nothing changed.
    #[arg(long)]
    force: bool,
    /// Run only this step.
    #[arg(long, value_name = "STEP")]
    only: Option<String>,
    /// Free words to find the run by.
    #[arg(long, default_value = "", hide_default_value = true)]
    note: String,
    /// Keep this file although it seems to hold a secret.
    #[arg(long, value_name = "PATH")]
    allow_secret: Vec<PathBuf>,
    /// Name files above this size instead of keeping them, such as `200MB`. Without it, `[run] largest_file` of
    /// `remuda.toml` counts, else 50 MiB.
    #[arg(long, value_name = "SIZE", value_parser = read_size)]
    largest_file: Option<u64>,
    /// A notebook to execute instead of the pipeline.
    #[arg(value_name = "NOTEBOOK")]
    notebook: Option<PathBuf>,
    /// A command to track instead of the pipeline.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

fn read_size(text: &str) -> std::result::Result<u64, String> {
    remuda_model::text::read_bytes(text).ok_or_else(|| format!("`{text}` is no size such as 200MB or 2GiB"))
}

#[derive(Subcommand)]
enum Verb {
    /// List runs, newest first, or those that fit a filter.
    #[command(after_help = "Examples:
  remuda run list --filter \"metrics.trees/auc > 0.8 and not status = 'FAILED'\"
  remuda run list --order-by \"metrics.trees/auc DESC\" --limit 10")]
    List(noun::List),
    /// List experiments, with how many runs each has.
    Experiments(noun::Experiments),
    /// Group runs by a parameter: how many, the best and the mean of a metric.
    #[command(after_help = "Examples:
  remuda run groups params.depth --order-by \"metrics.auc DESC\"
  remuda run groups tags.team --filter \"status = 'FAILED'\"")]
    Groups(noun::Groups),
    /// Compare up to 500 runs: parameters that differ, metrics with the best of each and the luck that it contains.
    #[command(after_help = "Examples:
  remuda run compare k3m9 w8c4 q2n7
  remuda run compare --filter \"params.depth in ('4', '6')\" --order-by \"metrics.auc DESC\"
  remuda run compare --order-by \"metrics.trees/auc DESC\" --paired")]
    Compare(noun::CompareRuns),
    /// The curves of metrics, thinned: first, least, greatest and last of each stretch.
    Curves(noun::Curves),
    /// List saved views.
    Views(noun::Views),
    /// Save a way to look at runs under a name, for the whole team.
    #[command(after_help = "Example:
  remuda run save-view \"best of depth 6\" --filter \"params.depth = '6'\" --order-by \"metrics.auc DESC\"")]
    SaveView(noun::SaveView),
    /// Forget a saved view.
    ForgetView(noun::ForgetView),
    /// Show a run: steps, metrics with intervals, models, snapshot.
    Show(noun::Show),
    /// Show two runs side by side: code, parameters, data, metrics.
    Diff(noun::Diff),
    /// Carry a run out again in a fresh folder, and say whether it gives the same.
    Reproduce(run_again::Reproduce),
    /// Give a run's files back.
    Restore(run_again::Restore),
    /// Make a git branch of a run's files.
    Branch(run_again::Branch),
    /// List the files that a run logged.
    Artifacts(noun::Artifacts),
    /// Write files that a run logged into a folder.
    #[command(after_help = "Examples:
  remuda run download k3m9                         all of the run's files
  remuda run download k3m9 model --to downloads    the folder `model`")]
    Download(run_files::Download),
    /// Delete tracked runs; they can be brought back until they are collected.
    #[command(after_help = "Examples:
  remuda run delete k3m9 7qpa
  remuda run delete --filter \"status = 'FAILED'\" --dry-run")]
    Delete(noun::Delete),
    /// Bring deleted runs back.
    Undelete(noun::Undelete),
    /// Remove for good what was deleted: runs, experiments, their files, and blobs that nothing holds any more.
    #[command(
        after_help = "Where `remuda.toml` says how long runs are kept, those that ended before are deleted first:
  [retention]
  runs = \"90d\"
What a release or a registered version rests on stays."
    )]
    Collect(noun::Collect),
    /// Show what tracked runs take: by experiment, deleted ones apart.
    Storage(noun::Storage),
    /// Import experiments and runs from an MLflow database or `mlruns/` folder.
    #[command(after_help = "What was imported before is not imported again: only what has changed there since comes.

Examples:
  remuda run import sqlite:///mlflow.db --dry-run
  remuda run import mlruns/
  PGPASSWORD=… remuda run import postgresql://ana@host/mlflow --experiment churn")]
    Import(noun::Import),
    /// Export experiments and runs as a folder that MLflow reads.
    Export(noun::Export),
}

impl Run {
    /// Whether 1 is an answer of this command, so that a failure must end otherwise.
    pub(crate) fn answers_by_exit_code(&self) -> bool {
        matches!(self.verb, Some(Verb::Reproduce(_)))
    }
}

pub(crate) async fn run(arguments: Run, session: &Session) -> Result<Exit> {
    let Run { verb, force, only, note, allow_secret, largest_file, notebook, command } = arguments;
    let of_a_run = force || only.is_some() || !note.is_empty() || !allow_secret.is_empty() || largest_file.is_some();
    if verb.is_some() && (of_a_run || notebook.is_some() || !command.is_empty()) {
        let message = "`--force`, `--only`, `--note`, `--allow-secret`, `--largest-file` and a command belong to `remuda run` alone";
        return Err(Error::new("request.invalid", message).hint("leave out the verb, such as `list` or `show`"));
    }
    match verb {
        Some(Verb::List(request)) => {
            let asked = request.clone();
            return session.ask(request, |runs, paper| render::run::list(runs, &asked, paper)).await.map(|_| FINE);
        }
        Some(Verb::Show(request)) => return session.ask(request, render::run::show).await.map(|_| FINE),
        Some(Verb::Diff(request)) => return session.ask(request, render::run::diff).await.map(|_| FINE),
        Some(Verb::Import(request)) => {
            return session.ask(request, render::run_import::imported).await.map(|_| FINE);
        }
        Some(Verb::Export(request)) => {
            return session.ask(request, render::run_import::exported).await.map(|_| FINE);
        }
        Some(Verb::Reproduce(request)) => return run_again::reproduce(request, session).await,
        Some(Verb::Restore(request)) => return run_again::restore(request, session).await,
        Some(Verb::Branch(request)) => return run_again::branch(request, session).await,
        Some(Verb::Artifacts(request)) => return run_files::artifacts(request, session).await,
        Some(Verb::Download(arguments)) => return run_files::download(arguments, session).await,
        Some(Verb::Delete(request)) => return run_files::delete(request, session).await,
        Some(Verb::Undelete(request)) => return run_files::undelete(request, session).await,
        Some(Verb::Collect(request)) => return run_files::collect(request, session).await,
        Some(Verb::Storage(_)) => return run_files::storage(session).await,
        Some(Verb::Experiments(request)) => return session.ask(request, render::runs::experiments).await.map(|_| FINE),
        Some(Verb::Groups(request)) => return session.ask(request, render::runs::groups).await.map(|_| FINE),
        Some(Verb::Compare(request)) => return session.ask(request, render::runs::compared).await.map(|_| FINE),
        Some(Verb::Curves(request)) => return session.ask(request, render::runs::curves).await.map(|_| FINE),
        Some(Verb::Views(request)) => return session.ask(request, render::runs::views).await.map(|_| FINE),
        Some(Verb::SaveView(request)) => {
            let name = request.name.clone();
            return session
                .ask(request, |_, _| format!("Saved: the view `{name}` stands above the list on `/run`.\n"))
                .await
                .map(|_| FINE);
        }
        Some(Verb::ForgetView(request)) => {
            let name = request.name.clone();
            return session.ask(request, |_, _| format!("The view `{name}` is forgotten.\n")).await.map(|_| FINE);
        }
        None => {}
    }
    let tracks = !command.is_empty() || notebook.is_some();
    if tracks && (force || only.is_some()) {
        return Err(Error::new(
            "request.invalid",
            "`--force` and `--only` are for the pipeline, not for a tracked command",
        ));
    }
    let context = session.context()?;
    let mut keeping = keeping(Some(&context), allow_secret);
    keeping.settings.largest_file = largest_file.or(keeping.settings.largest_file);
    let what = match notebook {
        Some(notebook) if !command.is_empty() => {
            let message = format!("`{}` and a command were given: only one can be run", notebook.display());
            return Err(Error::new("request.invalid", message).hint("remuda run -- COMMAND"));
        }
        Some(notebook) if notebook.extension().is_none_or(|ending| ending != "ipynb") => {
            let word = notebook.display();
            return Err(Error::new(
                "request.invalid",
                format!("`{word}` is neither a notebook nor a verb of `remuda run`"),
            )
            .hint(format!("to track a command: remuda run -- {word}"))
            .hint("`remuda run --help` lists the verbs"));
        }
        Some(notebook) => What::Notebook(notebook, note, keeping),
        None if command.is_empty() => What::Pipeline(pipeline::Options { force, only, note, keeping }),
        None => What::Command(Tracked::new(command, note, keeping)),
    };
    carry_out(what, context, session).await
}

/// What is around a run: this process's environment and folder, and what the product wants captured.
pub(crate) fn keeping(context: Option<&Context>, allowed: Vec<PathBuf>) -> Keeping {
    let product = context.and_then(|context| context.definitions.product.as_ref());
    let settings = product.map(|product| product.value.run.clone()).unwrap_or_default();
    let text = |word: std::ffi::OsString| word.into_string().ok();
    let variables = std::env::vars_os().filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect();
    let surroundings = Surroundings { variables, folder: std::env::current_dir().unwrap_or_default() };
    Keeping { surroundings, settings, allowed, reproduces: None }
}

enum What {
    Pipeline(pipeline::Options),
    Notebook(PathBuf, String, Keeping),
    Command(Tracked),
}

async fn carry_out(what: What, context: Context, session: &Session) -> Result<Exit> {
    let root = session.root()?;
    let mut client = session.client_for(Some(context.clone())).await?;
    let tracked = !matches!(what, What::Pipeline(_));
    let mut runner = None;
    if tracked {
        if let Some(waits) = render::sync::waits(&spool::waiting(&root)?) {
            session.say(&waits);
        }
        let (started, through) = Runner::start(session, &root, &context, client).await?;
        (runner, client) = (Some(started), through);
    }
    let caller = Remembering::new(client);
    let child = Child::default();
    let mut watcher = Watcher { session, runner: runner.as_ref(), child: child.clone() };
    let working = async {
        match what {
            What::Pipeline(options) => pipeline::execute(&caller, &root, &context, options, &mut watcher).await,
            What::Notebook(path, note, keeping) => {
                noun::notebook::execute(&caller, &root, path, note, keeping, &mut watcher).await
            }
            What::Command(tracked) => pipeline::track(&caller, &root, tracked, &mut watcher).await,
        }
    };
    let ended = tokio::select! {
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
    let state = ended?;
    if tracked {
        session.say(&render::run::ended(&state, &session.paper()));
        if session.globals.json {
            session.answer(&state, |_, _| String::new())?;
        }
    } else {
        session.answer(&state, render::run::finished)?;
    }
    // One that a signal ended, as shells count it; one that ended by itself chose its code.
    if child.was_stopped() && state.exit_code.is_none() {
        return Ok(INTERRUPTED);
    }
    Ok(exit_of(&state))
}

/// A tracked command's exit code is ours.
fn exit_of(state: &noun::RunState) -> Exit {
    match (state.status, state.exit_code) {
        (RunStatus::Finished, _) => FINE,
        (_, Some(code)) => u8::try_from(code).ok().filter(|code| *code != 0).unwrap_or(NOT_MET),
        _ => NOT_MET,
    }
}

/// Ends the run that was under way: it failed, and says why.
pub(crate) async fn interrupt(caller: &Remembering<Client>, session: &Session) -> Result<Exit> {
    if let Some(run) = caller.open_run() {
        let request = noun::Finish {
            run: run.clone(),
            status: RunStatus::Failed.as_str().to_owned(),
            exit_code: None,
            note: "interrupted".to_owned(),
        };
        caller.call(request).await?;
        session.say(&format!("Interrupted: run {run} ended as failed."));
    }
    Ok(INTERRUPTED)
}

/// Tells people how the run goes.
pub(crate) struct Watcher<'a> {
    pub(crate) session: &'a Session,
    pub(crate) runner: Option<&'a Runner>,
    pub(crate) child: Child,
}

impl Observer for Watcher<'_> {
    fn step_started(&mut self, name: &str) {
        self.session.progress.restart();
        self.session.progress.tell(0.0, name);
    }

    fn step_ended(&mut self, result: &StepResult) {
        self.session.say(&render::run::step_line(result, &self.session.paper()));
    }

    fn progress(&mut self, share: f64, what: &str) {
        self.session.progress.tell(share, what);
    }

    fn output(&mut self, line: &str, _stream: Stream) {
        self.session.say(&render::run::output_line(line));
    }

    fn passed(&mut self, bytes: &[u8], stream: Stream) {
        if !self.session.globals.json {
            self.session.progress.clear();
            self.session.screen.pass(bytes, stream == Stream::Error);
        }
    }

    fn variables(&mut self, run: &str) -> Vec<(String, String)> {
        let Some(runner) = self.runner else { return Vec::new() };
        if let Some(page) = runner.page(run) {
            self.session.say(&render::run::begun(run, &page));
        }
        runner.variables(run)
    }

    fn started(&mut self, process: Option<u32>) {
        self.child.set(process);
    }
}
