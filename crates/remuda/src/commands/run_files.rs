//! `remuda run artifacts` and `download`, `delete` and `undelete`, `collect`, `storage`: what runs keep, and how it goes.

use super::{Exit, FINE};
use crate::render::run_files as render;
use crate::session::Session;
use clap::Args;
use remuda_app::run as noun;
use remuda_app::words::run::artifact::ArtifactPath;
use remuda_app::{Error, Result};
use std::path::PathBuf;

/// `run download`: one file, or a folder with all that lies under it.
#[derive(Args)]
pub(crate) struct Download {
    /// A run's id, or the beginning of it.
    run: String,
    /// A file or folder among the run's files; without it, all of them.
    #[arg(default_value = "", hide_default_value = true)]
    path: String,
    /// The folder to write to.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    to: PathBuf,
}

pub(crate) async fn artifacts(request: noun::Artifacts, session: &Session) -> Result<Exit> {
    session.ask(request, render::artifacts).await.map(|_| FINE)
}

pub(crate) async fn download(arguments: Download, session: &Session) -> Result<Exit> {
    let Download { run, path, to } = arguments;
    let asked = noun::Artifacts { run: run.clone(), path: Some(path).filter(|path| !path.is_empty()), deep: true };
    let listed = session.fetch(asked).await?;
    if listed.artifacts.is_empty() {
        return Err(
            Error::not_found("artifact of run", &listed.run).hint(format!("remuda run artifacts {}", listed.run))
        );
    }
    let folder = ArtifactPath::parse(&listed.path).unwrap_or_default();
    let above = folder.split().0.to_owned();
    let mut written = Vec::new();
    let total = listed.artifacts.len() as f64;
    for (number, artifact) in listed.artifacts.iter().enumerate() {
        session.progress.tell(number as f64 / total, &artifact.path);
        let output = to.join(place(&artifact.path, &above)?);
        if let Some(parent) = output.parent() {
            std::fs::create_dir_all(parent).map_err(|source| {
                Error::new("request.invalid", format!("cannot make the folder {}", parent.display())).caused_by(&source)
            })?;
        }
        let request = noun::Download { run: listed.run.clone(), path: artifact.path.clone(), output };
        written.push(session.fetch(request).await?);
    }
    session.answer(&written, |written, _| render::downloaded(written, &to))?;
    Ok(FINE)
}

/// Where a file goes below the chosen folder: `model/data/x` of `model` goes to `model/data/x`, of `model/data` to `data/x`.
/// The server's word is not taken for it that the path stays there.
fn place(path: &str, above: &str) -> Result<PathBuf> {
    let path = ArtifactPath::parse(path)
        .map_err(|_| Error::new("server.unreachable", format!("the server names a file `{path}`, which is no path")))?;
    let below = path.as_str().strip_prefix(above).unwrap_or(path.as_str()).trim_start_matches('/');
    Ok(below.split('/').collect())
}

pub(crate) async fn delete(request: noun::Delete, session: &Session) -> Result<Exit> {
    session.ask(request, |moved, paper| render::moved(moved, "deleted", paper)).await.map(|_| FINE)
}

pub(crate) async fn undelete(request: noun::Undelete, session: &Session) -> Result<Exit> {
    session.ask(request, |moved, paper| render::moved(moved, "brought back", paper)).await.map(|_| FINE)
}

pub(crate) async fn collect(request: noun::Collect, session: &Session) -> Result<Exit> {
    session.ask(request, render::collected).await.map(|_| FINE)
}

pub(crate) async fn storage(session: &Session) -> Result<Exit> {
    session.ask(noun::Storage {}, render::storage).await.map(|_| FINE)
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn a_file_lands_below_the_chosen_folder_whatever_the_server_says() {
        let placed = |path, above| place(path, above).ok().map(|place| place.display().to_string());
        assert_eq!(placed("model/data/x.bin", ""), Some("model/data/x.bin".to_owned()));
        assert_eq!(placed("model/data/x.bin", "model"), Some("data/x.bin".to_owned()));
        for bad in ["../x", "/etc/passwd", "a/../../x", "a\\..\\x"] {
            assert_eq!(placed(bad, ""), None, "{bad}");
        }
    }
}
