//! `remuda run`: the pipeline, or any command, tracked; and the runs that were.

use super::{Exit, FINE, INTERRUPTED, NOT_MET, run_files};
use crate::client::{Client, Remembering};
use crate::render;
use crate::session::Session;
use clap::{Args, Subcommand};
use remuda_app::run as noun;
use remuda_app::run::pipeline::{self, Observer, Stream};
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
What a release rests on stays."
    )]
    Collect(noun::Collect),
    /// Show what tracked runs take: by experiment, deleted ones apart.
    Storage(noun::Storage),
}

pub(crate) async fn run(arguments: Run, session: &Session) -> Result<Exit> {
    let Run { verb, force, only, note, command } = arguments;
    if verb.is_some() && (force || only.is_some() || !note.is_empty() || !command.is_empty()) {
        return Err(Error::new(
            "request.invalid",
            "`--force`, `--only`, `--note` and a command belong to `remuda run` alone",
        )
        .hint("leave out the word after `run`"));
    }
    match verb {
        Some(Verb::List(request)) => {
            let asked = request.clone();
            session.ask(request, |runs, paper| render::run::list(runs, &asked, paper)).await.map(|_| FINE)
        }
        Some(Verb::Experiments(request)) => session.ask(request, render::runs::experiments).await.map(|_| FINE),
        Some(Verb::Groups(request)) => session.ask(request, render::runs::groups).await.map(|_| FINE),
        Some(Verb::Compare(request)) => session.ask(request, render::runs::compared).await.map(|_| FINE),
        Some(Verb::Curves(request)) => session.ask(request, render::runs::curves).await.map(|_| FINE),
        Some(Verb::Views(request)) => session.ask(request, render::runs::views).await.map(|_| FINE),
        Some(Verb::SaveView(request)) => {
            let name = request.name.clone();
            session
                .ask(request, |_, _| format!("Saved: the view `{name}` stands above the list on `/run`.\n"))
                .await
                .map(|_| FINE)
        }
        Some(Verb::ForgetView(request)) => {
            let name = request.name.clone();
            session.ask(request, |_, _| format!("The view `{name}` is forgotten.\n")).await.map(|_| FINE)
        }
        Some(Verb::Show(request)) => session.ask(request, render::run::show).await.map(|_| FINE),
        Some(Verb::Diff(request)) => session.ask(request, render::run::diff).await.map(|_| FINE),
        Some(Verb::Artifacts(request)) => run_files::artifacts(request, session).await,
        Some(Verb::Download(arguments)) => run_files::download(arguments, session).await,
        Some(Verb::Delete(request)) => run_files::delete(request, session).await,
        Some(Verb::Undelete(request)) => run_files::undelete(request, session).await,
        Some(Verb::Collect(request)) => run_files::collect(request, session).await,
        Some(Verb::Storage(_)) => run_files::storage(session).await,
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
    let caller = Remembering::new(session.client_for(Some(context.clone())).await?);
    let mut watcher = Watcher { session, tracked: matches!(what, What::Command(..)) };
    let working = async {
        match what {
            What::Pipeline(options) => pipeline::execute(&caller, &root, &context, options, &mut watcher).await,
            What::Command(command, note) => pipeline::track(&caller, &root, command, note, &mut watcher).await,
        }
    };
    let ended = tokio::select! {
        ended = working => Some(ended),
        () = crate::server::stopped() => None,
    };
    let Some(ended) = ended else { return interrupt(&caller, session).await };
    let state = ended?;
    let tracked = watcher.tracked;
    if tracked {
        session.say(&render::run::ended(&state, &session.paper()));
        if session.globals.json {
            session.answer(&state, |_, _| String::new())?;
        }
    } else {
        session.answer(&state, render::run::finished)?;
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

    fn output(&mut self, line: &str, stream: Stream) {
        if self.tracked && !self.session.globals.json {
            self.session.progress.clear();
            let line = format!("{line}\n");
            match stream {
                Stream::Output => self.session.screen.data(&line),
                Stream::Error => self.session.screen.complain(&line),
            }
        } else {
            self.session.say(&render::run::output_line(line));
        }
    }
}
