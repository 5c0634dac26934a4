//! The pipeline's order of steps, and tracking of any command. Runs where the member is: commands run here, built-in
//! steps and facts go through a [`Caller`], which may be a server.

use super::capture::{self, Begun, Command, Keeping};
use super::notebook::Notebook;
use super::{Beat, Finish, Keep, Record, RecordOutputs, RunState, Show, Train};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::use_case::Caller;
use remuda_model::Digest;
use remuda_model::run::captured::OutputFile;
use remuda_model::run::{Action, Pipeline, RunStatus, Step, StepOutcome, StepResult};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::mpsc;

/// How often a run says that it lives.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How many last lines of output a failed step keeps.
pub(super) const KEPT_LINES: usize = 20;

/// How to run a pipeline.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Run every step, also those whose inputs did not change.
    pub force: bool,
    /// Only this step and those that it needs.
    pub only: Option<String>,
    /// Free words to find the run by.
    pub note: String,
    /// How the run is captured.
    pub keeping: Keeping,
}

/// Where a command wrote a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Its standard output.
    Output,
    /// Its standard error.
    Error,
}

/// Whoever watches a run.
pub trait Observer: Send {
    /// A step begins.
    fn step_started(&mut self, name: &str);
    /// A step ended.
    fn step_ended(&mut self, result: &StepResult);
    /// A built-in step is this far (0 to 1).
    fn progress(&mut self, share: f64, what: &str);
    /// A command printed a line.
    fn output(&mut self, line: &str, stream: Stream);
    /// A tracked command wrote these bytes.
    fn passed(&mut self, _bytes: &[u8], _stream: Stream) {}
    /// What a tracked command finds in its environment, now that its run began.
    fn variables(&mut self, _run: &str) -> Vec<(String, String)> {
        Vec::new()
    }
    /// A tracked command runs as this process.
    fn started(&mut self, _process: Option<u32>) {}
}

/// Runs the pipeline.
///
/// # Errors
/// No pipeline, broken definitions, or a failed step: the run then ends as failed and the error names the step.
pub async fn execute(
    caller: &impl Caller,
    root: &Path,
    context: &Context,
    options: Options,
    observer: &mut dyn Observer,
) -> Result<RunState> {
    context.need_sound()?;
    let Some(pipeline) = &context.definitions.pipeline else {
        return Err(Error::new("definition.missing", "there is no `pipeline.toml`")
            .hint("write one with a `[[step]]`, or track any command: `remuda run -- python train.py`"));
    };
    let steps = ordered(&pipeline.value, options.only.as_deref())?;
    let built_in = steps.iter().all(|step| matches!(step.action, Action::Learn(_)));
    let (shown, note) = ("pipeline.toml".to_owned(), options.note.clone());
    let asked = Command { shown, note, built_in, ..Command::default() };
    let begun = capture::begin(caller, root, asked, &options.keeping, observer).await?;
    let run = begun.run.clone();
    let work = async {
        for step in steps {
            observer.step_started(&step.name);
            let result = run_step(caller, root, &run, step, options.force, observer).await?;
            observer.step_ended(&result);
        }
        Ok(())
    };
    let outcome = with_heartbeat(caller, &run, work).await;
    let (status, note) = match &outcome {
        Ok(()) => (RunStatus::Finished, String::new()),
        Err(error) => (RunStatus::Failed, error.message.clone()),
    };
    let recorded = record_outputs(caller, begun, None).await;
    caller.call(finish(&run, status, None, note)).await?;
    outcome?;
    recorded?;
    caller.call(Show { run }).await
}

/// A command to track.
#[derive(Clone, Debug, Default)]
pub struct Tracked {
    /// Its words.
    pub argv: Vec<String>,
    /// Free words to find the run by.
    pub note: String,
    /// How the run is captured.
    pub keeping: Keeping,
    /// The notebook that the command executes, and where the executed one will lie.
    pub(crate) notebook: Option<Notebook>,
    /// Variables that are set or, without a value, taken away for the command.
    pub(crate) variables: BTreeMap<String, Option<String>>,
}

impl Tracked {
    /// A command with its surroundings.
    pub fn new(argv: Vec<String>, note: String, keeping: Keeping) -> Self {
        Self { argv, note, keeping, ..Self::default() }
    }
}

/// Tracks any command as a run. The command's exit code is in the answer; a failing command is no error here.
///
/// # Errors
/// The command cannot be started (the run then ends as failed), or the ledger cannot be reached.
pub async fn track(
    caller: &impl Caller,
    root: &Path,
    tracked: Tracked,
    observer: &mut dyn Observer,
) -> Result<RunState> {
    let Some((program, arguments)) = tracked.argv.split_first() else {
        return Err(Error::new("request.invalid", "no command was given").hint("remuda run -- python train.py"));
    };
    let words = tracked.keeping.reproduces.as_ref().map_or(&tracked.argv, |repeated| &repeated.arguments);
    let words = capture::variables::shown_words(words);
    let shown = match &tracked.notebook {
        Some(notebook) => notebook.path.display().to_string(),
        None => words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "),
    };
    let asked = Command {
        shown,
        built_in: false,
        argv: tracked.argv.clone(),
        notebook: tracked.notebook.as_ref().map(|notebook| notebook.path.clone()),
        note: tracked.note,
    };
    let begun = capture::begin(caller, root, asked, &tracked.keeping, observer).await?;
    let run = begun.run.clone();
    let mut command = tokio::process::Command::new(program);
    command.args(arguments).env("REMUDA_RUN", &run).envs(observer.variables(&run));
    for (name, value) in &tracked.variables {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    if !tracked.keeping.surroundings.folder.as_os_str().is_empty() {
        command.current_dir(&tracked.keeping.surroundings.folder);
    }
    let work = async {
        let ended = super::passing::pass_through(command, observer)
            .await
            .map_err(|source| Error::new("run.failed", format!("`{program}` cannot be started")).caused_by(&source))?;
        Ok(ended)
    };
    let outcome = with_heartbeat(caller, &run, work).await;
    let (status, code, note) = match &outcome {
        Ok(ended) if ended.code == Some(0) => (RunStatus::Finished, ended.code, String::new()),
        Ok(ended) => (RunStatus::Failed, ended.code, ended.explain()),
        Err(error) => (RunStatus::Failed, None, error.message.clone()),
    };
    let recorded = record_outputs(caller, begun, tracked.notebook.as_ref()).await;
    caller.call(finish(&run, status, code, note)).await?;
    recorded?;
    outcome?;
    caller.call(Show { run }).await
}

/// Records what the run wrote, and keeps the executed notebook.
async fn record_outputs(caller: &impl Caller, begun: Begun, notebook: Option<&Notebook>) -> Result<()> {
    let Begun { run, top, before } = begun;
    let executed = notebook.map(|notebook| notebook.executed.clone()).filter(|file| file.is_file());
    let place = top.clone();
    let mut outputs = capture::apart(move || Ok(capture::outputs::written(&before, &place))).await?;
    if let (Some(file), Some(notebook)) = (executed, notebook) {
        let kept = caller.call(Keep { file: file.clone(), source: Some("notebook".to_owned()), code: false }).await?;
        let output = capture::apart(move || Ok(capture::outputs::output(&file, kept.bytes, &top))).await?;
        outputs.push(OutputFile { path: notebook.output_name(), blob: Some(kept.blob), ..output });
    }
    if outputs.is_empty() {
        return Ok(());
    }
    caller.call(RecordOutputs { run, outputs }).await.map(|_| ())
}

fn finish(run: &str, status: RunStatus, exit_code: Option<i32>, note: String) -> Finish {
    Finish { run: run.to_owned(), status: status.as_str().to_owned(), exit_code, note }
}

/// Does the work while telling the ledger, now and then, that the run lives.
async fn with_heartbeat<T>(caller: &impl Caller, run: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
    let beats = async {
        loop {
            tokio::time::sleep(HEARTBEAT).await;
            // A missed beat is no reason to stop the work: the next one may get through.
            let _ = caller.call(Beat { run: run.to_owned() }).await;
        }
    };
    tokio::select! {
        done = work => done,
        () = beats => Err(Error::new("internal", "the heartbeat ended")),
    }
}

/// The steps in an order in which each comes after those it needs; with `only`, that step and all it needs.
fn ordered<'a>(pipeline: &'a Pipeline, only: Option<&str>) -> Result<Vec<&'a Step>> {
    let order = remuda_repo::run::order(pipeline)
        .ok_or_else(|| Error::new("definition.invalid", "steps of `pipeline.toml` need each other in a circle"))?;
    let Some(only) = only else { return Ok(order.iter().map(|place| &pipeline.steps[*place]).collect()) };
    let target = pipeline.steps.iter().position(|step| step.name == only).ok_or_else(|| {
        let names: Vec<&str> = pipeline.steps.iter().map(|step| step.name.as_str()).collect();
        Error::not_found("step", only).hint(format!("`pipeline.toml` has {}", remuda_model::text::list(&names)))
    })?;
    let mut needed = BTreeSet::from([target]);
    let mut open = vec![target];
    while let Some(place) = open.pop() {
        open.extend(remuda_repo::run::needs(pipeline, place).into_iter().filter(|need| needed.insert(*need)));
    }
    Ok(order.iter().filter(|place| needed.contains(place)).map(|place| &pipeline.steps[*place]).collect())
}

async fn run_step(
    caller: &impl Caller,
    root: &Path,
    run: &str,
    step: &Step,
    force: bool,
    observer: &mut dyn Observer,
) -> Result<StepResult> {
    match &step.action {
        Action::Learn(_) => {
            let request = Train { run: run.to_owned(), step: step.name.clone(), force };
            match caller.call(request).await {
                Ok(trained) => Ok(trained.result),
                Err(error) => Err(failed(caller, run, step, error).await?),
            }
        }
        Action::Command(command) => command_step(caller, root, run, step, command, force, observer).await,
    }
}

/// Records a failed step and makes the error that names it.
async fn failed(caller: &impl Caller, run: &str, step: &Step, error: Error) -> Result<Error> {
    let result = StepResult {
        step: step.name.clone(),
        outcome: StepOutcome::Failed,
        note: error.message.clone(),
        inputs: Digest::of(b""),
        seconds: 0.0,
    };
    record(caller, run, step, result).await?;
    let mut wrapped = error;
    wrapped.message = format!("step `{}`: {}", step.name, wrapped.message);
    Ok(wrapped)
}

async fn record(caller: &impl Caller, run: &str, step: &Step, result: StepResult) -> Result<()> {
    let named = |(name, value): (&String, &serde_json::Value)| (format!("{}/{name}", step.name), value.clone());
    let parameters: BTreeMap<_, _> = step.parameters.iter().map(named).collect();
    let request = Record { run: run.to_owned(), metrics: Vec::new(), parameters, step: Some(result) };
    caller.call(request).await.map(|_| ())
}

async fn command_step(
    caller: &impl Caller,
    root: &Path,
    run: &str,
    step: &Step,
    command: &str,
    force: bool,
    observer: &mut dyn Observer,
) -> Result<StepResult> {
    let inputs = inputs_digest(caller, root, step).await?;
    let stamp = Stamp { inputs: inputs.clone(), outputs: outputs_digest(root, step)? };
    let stamp_path = root.join(".remuda").join("steps").join(format!("{}.json", step.name));
    if !force && !step.outputs.is_empty() && read_stamp(&stamp_path).is_some_and(|known| known == stamp) {
        let note = "inputs, outputs and command are as they were".to_owned();
        let result = StepResult { step: step.name.clone(), outcome: StepOutcome::Skipped, note, inputs, seconds: 0.0 };
        record(caller, run, step, result.clone()).await?;
        register(caller, root, run, step).await?;
        return Ok(result);
    }
    let started = Instant::now();
    let mut shell = tokio::process::Command::new("sh");
    shell.arg("-c").arg(command).current_dir(root).env("REMUDA_RUN", run);
    for (name, value) in &step.parameters {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        shell.env(format!("REMUDA_PARAM_{}", name.to_uppercase().replace('-', "_")), text);
    }
    let ended = run_command(shell, observer).await.map_err(|source| {
        Error::new("run.failed", format!("step `{}` cannot be started", step.name)).caused_by(&source)
    })?;
    let mut failure = if ended.code == Some(0) { None } else { Some(ended.explain()) };
    if failure.is_none()
        && let Some(missing) = step.outputs.iter().find(|output| !root.join(output).exists())
    {
        failure = Some(format!("it ended well but did not write {missing}"));
    }
    let outcome = if failure.is_none() { StepOutcome::Ran } else { StepOutcome::Failed };
    let seconds = started.elapsed().as_secs_f64();
    let note = failure.clone().unwrap_or_default();
    let result = StepResult { step: step.name.clone(), outcome, note, inputs: inputs.clone(), seconds };
    record(caller, run, step, result.clone()).await?;
    if let Some(failure) = failure {
        observer.step_ended(&result);
        return Err(Error::new(
            "run.failed",
            format!("step `{}` failed: {}", step.name, failure.lines().next().unwrap_or_default()),
        ));
    }
    register(caller, root, run, step).await?;
    write_stamp(&stamp_path, &Stamp { inputs, outputs: outputs_digest(root, step)? })?;
    Ok(result)
}

/// Makes the model that a step wrote a model version of the run, if the step says that it writes one.
async fn register(caller: &impl Caller, root: &Path, run: &str, step: &Step) -> Result<()> {
    let Some(written) = &step.model else { return Ok(()) };
    let request = crate::model::Add {
        file: root.join(&written.file),
        name: Some(step.name.clone()),
        dataset: Some(written.dataset.clone()),
        run: Some(run.to_owned()),
        features: written.features.clone(),
        classes: written.classes.clone(),
        logits: written.logits,
        golden: written.golden.as_ref().map(|golden| root.join(golden)),
        source: None,
        golden_source: None,
    };
    match caller.call(request).await {
        Ok(_) => Ok(()),
        Err(error) => Err(failed(caller, run, step, error).await?),
    }
}

/// What a command step read and wrote when it last succeeded.
#[derive(PartialEq, serde::Serialize, serde::Deserialize)]
struct Stamp {
    inputs: Digest,
    outputs: Option<Digest>,
}

fn read_stamp(path: &Path) -> Option<Stamp> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

fn write_stamp(path: &Path, stamp: &Stamp) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder)?;
    let scratch = tempfile::NamedTempFile::new_in(folder)?;
    std::fs::write(scratch.path(), serde_json::to_vec(stamp)?)?;
    scratch.persist(path).map_err(|failed| failed.error)?;
    Ok(())
}

/// Digest over a step's definition, the files and the versions of datasets that it reads.
async fn inputs_digest(caller: &impl Caller, root: &Path, step: &Step) -> Result<Digest> {
    let mut fields = vec![serde_json::to_vec(step)?];
    for dataset in step.inputs.iter().filter_map(|input| input.strip_prefix("data:")) {
        let versions = caller.call(crate::data::Log { name: Some(dataset.to_owned()) }).await?.versions;
        // The same rows under another contract are dealt to other splits.
        if let Some(newest) = versions.first().map(|line| &line.version) {
            fields.push(newest.digest.to_string().into_bytes());
            fields.push(newest.contract.as_ref().map(ToString::to_string).unwrap_or_default().into_bytes());
        }
    }
    for input in step.inputs.iter().filter(|input| !input.starts_with("step:") && !input.starts_with("data:")) {
        let unreadable = |source: &(dyn std::error::Error + 'static)| {
            Error::new("run.failed", format!("step `{}`: the input `{input}` cannot be read", step.name))
                .caused_by(source)
        };
        let pattern = root.join(input).to_string_lossy().into_owned();
        let mut found = 0;
        for path in glob::glob(&pattern).map_err(|error| unreadable(&error))? {
            let path = path.map_err(|error| unreadable(&error))?;
            if path.is_file() {
                fields.push(path.to_string_lossy().into_owned().into_bytes());
                fields.push(file_digest(&path)?.to_string().into_bytes());
                found += 1;
            }
        }
        if found == 0 {
            return Err(Error::new("run.failed", format!("step `{}`: no file matches its input `{input}`", step.name)));
        }
    }
    Ok(Digest::of_fields(fields.iter().map(Vec::as_slice)))
}

/// Digest over the files that a step wrote; `None` if one is missing.
fn outputs_digest(root: &Path, step: &Step) -> Result<Option<Digest>> {
    let mut fields = Vec::new();
    for output in &step.outputs {
        let path = root.join(output);
        if !path.is_file() {
            return Ok(None);
        }
        fields.push(file_digest(&path)?.to_string().into_bytes());
    }
    Ok(Some(Digest::of_fields(fields.iter().map(Vec::as_slice))))
}

fn file_digest(path: &Path) -> Result<Digest> {
    let mut hasher = blake3::Hasher::new();
    let file = std::fs::File::open(path)
        .map_err(|source| Error::new("run.failed", format!("cannot read {}", path.display())).caused_by(&source))?;
    hasher.update_reader(file)?;
    Ok(Digest::from_hash(hasher.finalize()))
}

/// How a command ended.
pub(super) struct Ended {
    pub(super) code: Option<i32>,
    pub(super) last_lines: Vec<String>,
}

impl Ended {
    fn explain(&self) -> String {
        let how = match self.code {
            Some(code) => format!("it ended with exit code {code}"),
            None => "it was ended by a signal".to_owned(),
        };
        if self.last_lines.is_empty() { how } else { format!("{how}\n{}", self.last_lines.join("\n")) }
    }
}

/// Runs a command, hands its lines on as they come, and keeps the last ones. The command ends with us.
async fn run_command(mut command: tokio::process::Command, observer: &mut dyn Observer) -> std::io::Result<Ended> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn()?;
    let (sender, mut lines) = mpsc::channel::<(Stream, String)>(256);
    if let Some(output) = child.stdout.take() {
        tokio::spawn(forward(BufReader::new(output), Stream::Output, sender.clone()));
    }
    if let Some(output) = child.stderr.take() {
        tokio::spawn(forward(BufReader::new(output), Stream::Error, sender.clone()));
    }
    drop(sender);
    let mut last_lines: Vec<String> = Vec::new();
    while let Some((stream, line)) = lines.recv().await {
        observer.output(&line, stream);
        if last_lines.len() == KEPT_LINES {
            last_lines.remove(0);
        }
        last_lines.push(line);
    }
    let status = child.wait().await?;
    Ok(Ended { code: status.code(), last_lines })
}

/// Runs a command to its end; answers why it did not end well, if so.
pub(super) async fn run_for(
    command: tokio::process::Command,
    observer: &mut dyn Observer,
) -> std::io::Result<Option<String>> {
    let ended = run_command(command, observer).await?;
    Ok((ended.code != Some(0)).then(|| ended.explain()))
}

/// Reads lines, whatever their bytes, and sends them on.
async fn forward(mut reader: impl AsyncBufReadExt + Unpin, stream: Stream, sender: mpsc::Sender<(Stream, String)>) {
    let mut line = Vec::new();
    while let Ok(read) = reader.read_until(b'\n', &mut line).await {
        if read == 0 {
            break;
        }
        let text = String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned();
        line.clear();
        if sender.send((stream, text)).await.is_err() {
            break;
        }
    }
}

/// A word as a shell would need it.
fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./=:,@%+".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
