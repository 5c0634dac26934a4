//! Writing a model version as a file: the very bytes that its digest names.

use super::{Export, ExportedModel, resolve_model};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::use_case::{Access, UseCase};
use std::path::Path;

impl UseCase for Export {
    const NOUN: &'static str = "model";
    const VERB: &'static str = "export";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str = "Write a model version as an ONNX file.";
    type Answer = ExportedModel;

    async fn run(self, app: &App, context: &Context) -> Result<ExportedModel> {
        let version = resolve_model(app, context, &self.model).await?.version;
        let onnx = app.blobs.get_checked(&version.digest).await?;
        let mut answer = ExportedModel {
            file_name: format!("{}-{}.onnx", version.name, version.digest.short()),
            output: self.output,
            digest: version.digest,
            bytes: onnx.len() as u64,
            download: None,
        };
        if context.trusts_paths {
            write_whole(&answer.output, &onnx).map_err(|source| {
                Error::new("request.invalid", format!("cannot write {}", answer.output.display())).caused_by(&source)
            })?;
        } else {
            let scratch = app.scratch()?;
            let file = scratch.path().join("model");
            write_whole(&file, &onnx)?;
            answer.download = Some(app.offer_download(&file)?);
        }
        Ok(answer)
    }
}

/// Writes a file that appears whole or not at all.
fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        // A scratch file is its owner's alone; a file that somebody asked for has the usual rights.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let scratch = builder.tempfile_in(folder)?;
    std::fs::write(scratch.path(), bytes)?;
    scratch.as_file().sync_all()?;
    scratch.persist(path).map_err(|failed| failed.error)?;
    Ok(())
}
