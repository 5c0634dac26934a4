//! `remuda run`: the pipeline, or any command, tracked; and the runs that were.

use super::{Exit, FINE, INTERRUPTED, NOT_MET};
use crate::client::{Client, Remembering};
use crate::render;
use crate::runner::{Child, Runner, until_stopped};
use crate::session::Session;
use clap::{Args, Subcommand};
use remuda_app::run as noun;
use remuda_app::run::pipeline::{self, Observer, Stream};
use remuda_app::run::spool;
use remuda_app::{Caller, Error, Result};
use remuda_model::run::{RunStatus, StepResult};

/// Run the pipeline, or track any command; list, show and compare runs.
#[derive(Args)]
#[command(
    after_help = "Every run keeps a snapshot of the code, uncommitted and untracked files too, as a git commit under
`refs/remuda/runs/`; index and branch stay as they are.

Examples:
  remuda run                         the steps of `pipeline.toml`; unchanged ones are skipped
  remuda run --only trees --force
  remuda run -- python train.py --depth 6
  remuda run diff k3m9               a run against the one before it"
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
    /// A command to track instead of the pipeline.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

#[derive(Subcommand)]
enum Verb {
    /// List runs, newest first, or those that fit a filter.
    #[command(after_help = "Examples:
  remuda run list --filter \"metrics.trees/auc > 0.8 and not status = 'FAILED'\"
  remuda run list --order-by \"metrics.trees/auc DESC\" --limit 10")]
    List(noun::List),
    /// Show a run: steps, metrics with intervals, models, snapshot.
    Show(noun::Show),
    /// Show two runs side by side: code, parameters, data, metrics.
    Diff(noun::Diff),
}

pub(crate) async fn run(arguments: Run, session: &Session) -> Result<Exit> {
    let Run { verb, force, only, note, command } = arguments;
    if verb.is_some() && (force || only.is_some() || !note.is_empty() || !command.is_empty()) {
        return Err(Error::new(
            "request.invalid",
            "`--force`, `--only`, `--note` and a command belong to `remuda run` alone",
        )
        .hint("leave out `list`, `show` or `diff`"));
    }
    match verb {
        Some(Verb::List(request)) => {
            let asked = request.clone();
            session.ask(request, |runs, paper| render::run::list(runs, &asked, paper)).await.map(|_| FINE)
        }
        Some(Verb::Show(request)) => session.ask(request, render::run::show).await.map(|_| FINE),
        Some(Verb::Diff(request)) => session.ask(request, render::run::diff).await.map(|_| FINE),
        None if command.is_empty() => {
            let options = pipeline::Options { force, only, note };
            carry_out(What::Pipeline(options), session).await
        }
        None if force || only.is_some() => {
            Err(Error::new("request.invalid", "`--force` and `--only` are for the pipeline, not for a tracked command"))
        }
        None => carry_out(What::Command(command, note), session).await,
    }
}

enum What {
    Pipeline(pipeline::Options),
    Command(Vec<String>, String),
}

async fn carry_out(what: What, session: &Session) -> Result<Exit> {
    let root = session.root()?;
    let context = session.context()?;
    let mut client = session.client_for(Some(context.clone())).await?;
    let tracked = matches!(what, What::Command(..));
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
    let mut watcher = Watcher { session, tracked, runner: runner.as_ref(), child: child.clone() };
    let working = async {
        match what {
            What::Pipeline(options) => pipeline::execute(&caller, &root, &context, options, &mut watcher).await,
            What::Command(command, note) => pipeline::track(&caller, &root, command, note, &mut watcher).await,
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
async fn interrupt(caller: &Remembering<Client>, session: &Session) -> Result<Exit> {
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
struct Watcher<'a> {
    session: &'a Session,
    /// A tracked command's own words are data: they go where they would have gone without us.
    tracked: bool,
    runner: Option<&'a Runner>,
    child: Child,
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
