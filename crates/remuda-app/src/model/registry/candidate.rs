//! A registered version whose files hold an ONNX model becomes a model version: it is tried and registered as `model add`
//! does, and is a candidate for gate and release like every other.

use crate::context::Context;
use crate::error::{Error, Result};
use crate::model::Add;
use crate::run::tracked::{Tracking, artifact_folder};
use crate::use_case;
use remuda_ledger::VersionChange;
use remuda_model::model::registered::{CANDIDATE_TAG, REFUSED_TAG, RegisteredVersion};
use remuda_model::run::artifact::ArtifactPath;
use std::time::Duration;

/// The greatest ONNX file that is tried: Protocol Buffers end at 2 GiB, and a model is held in memory.
const MOST_BYTES: u64 = 1 << 30;
/// The greatest `MLmodel`, in bytes.
const MOST_DESCRIBED: u64 = 8 << 20;
/// How long a client waits for a model to be tried; it goes on behind its back then.
const PATIENCE: Duration = Duration::from_secs(60);
/// Characters of a reason that a tag keeps.
const REASON: usize = 5000;

impl Tracking {
    /// Makes a version a model version if its files hold an ONNX model, and says by a tag what became of it.
    pub(super) async fn become_candidate(
        &self,
        context: &Context,
        version: RegisteredVersion,
    ) -> Result<RegisteredVersion> {
        let Some((onnx, names)) = self.onnx_of(&version).await? else { return Ok(version) };
        let (tracking, context, tried) = (self.clone(), context.clone(), version.clone());
        let work = async move {
            let (tag, value) = match tracking.try_candidate(&context, &tried, &onnx, names).await {
                Ok(digest) => (CANDIDATE_TAG, digest),
                Err(error) => (REFUSED_TAG, reason(&error)),
            };
            let change = VersionChange::SetTag(tag.to_owned(), value);
            let told =
                tracking.tracker.change_version(&tried.model, tried.version, change, tracking.now(), Vec::new()).await;
            if let Err(error) = told {
                tracing::warn!(error = %error, "nothing says what became of a registered version");
            }
        };
        let _ = tokio::time::timeout(PATIENCE, tokio::spawn(work)).await;
        self.version(&version.model, version.version).await
    }

    /// Where the ONNX file of a version lies, and what its columns are called; `None` for other models, and for files that
    /// lie where this server does not read.
    async fn onnx_of(&self, version: &RegisteredVersion) -> Result<Option<(ArtifactPath, Vec<String>)>> {
        let Ok(folder) = artifact_folder(&version.storage) else { return Ok(None) };
        let below = |name: &str| ArtifactPath::parse(name).ok().map(|name| folder.join(&name));
        let Some(described) = below("MLmodel") else { return Ok(None) };
        let text = match self.artifact_bytes(&described, MOST_DESCRIBED).await {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind == crate::Kind::Internal => return Err(error),
            Err(_) => return Ok(None),
        };
        let Some(described) = remuda_repo::mlmodel::read(&text) else { return Ok(None) };
        let Some(file) = described.onnx.as_deref().and_then(below) else { return Ok(None) };
        Ok(Some((file, described.inputs)))
    }

    /// Registers the ONNX file; gives the digest of the model version.
    async fn try_candidate(
        &self,
        context: &Context,
        version: &RegisteredVersion,
        onnx: &ArtifactPath,
        names: Vec<String>,
    ) -> Result<String> {
        let bytes = self.artifact_bytes(onnx, MOST_BYTES).await?;
        let features = features(&bytes, names)?;
        let scratch = self.app.scratch()?;
        let name = remuda_model::text::to_name(&version.model);
        let file = scratch.path().join(format!("{name}.onnx"));
        tokio::fs::write(&file, &bytes).await?;
        drop(bytes);
        let run = match &version.run {
            Some(run) => crate::run::find_run(&self.app, context, run).await.ok().map(|found| found.run),
            None => None,
        };
        let dataset = match &run {
            Some(run) => self.dataset_of(context, run).await?,
            None => None,
        };
        let add = Add { file, name: Some(name), dataset, run, features, ..Add::default() };
        // The file is our own.
        let context = Context { trusts_paths: true, ..context.clone() };
        Ok(use_case::run(add, &self.app, &context).await?.version.digest.to_string())
    }

    /// The dataset version that a run said it read.
    async fn dataset_of(&self, context: &Context, run: &str) -> Result<Option<String>> {
        for (_, input) in self.inputs(&[run]).await? {
            if let Some(version) = self.version_of(context, &input.digest).await? {
                return Ok(Some(version.to_string()));
            }
        }
        Ok(None)
    }
}

/// The names of a matrix's columns, where the file itself does not say them.
fn features(onnx: &[u8], names: Vec<String>) -> Result<Vec<String>> {
    let inspection = remuda_learn::inspect(onnx)?;
    let unnamed = match inspection.inputs.as_slice() {
        [input] => input.columns != Some(1) && !inspection.reading.inputs.contains_key(&input.name),
        _ => false,
    };
    let fits = unnamed && inspection.inputs[0].columns.is_none_or(|width| width == names.len());
    Ok(if fits { names } else { Vec::new() })
}

fn reason(error: &Error) -> String {
    let mut text = error.message.clone();
    for more in error.diagnostics.iter().map(|found| &found.message).chain(&error.causes).chain(&error.hints) {
        text.push_str("; ");
        text.push_str(more);
    }
    text.chars().take(REASON).collect()
}
