//! Writing the files of a new product: all or none, never over what is there. Their texts come from
//! [`crate::render`].

use crate::RepoError;
use std::io::Write;
use std::path::{Component, Path, PathBuf};

/// Writes new files (path from the root with forward slashes, text) and returns their paths. Each file appears whole
/// or not at all. If one of them exists already, nothing is written and the error names all that exist; if writing
/// fails half-way, the files written so far are taken back.
pub fn scaffold(root: &Path, files: &[(&str, &str)]) -> Result<Vec<String>, RepoError> {
    let targets: Vec<PathBuf> = files.iter().map(|(path, _)| inside(root, path)).collect::<Result<_, _>>()?;
    let existing: Vec<String> = files
        .iter()
        .zip(&targets)
        .filter(|(_, target)| target.symlink_metadata().is_ok())
        .map(|((path, _), _)| (*path).to_owned())
        .collect();
    if !existing.is_empty() {
        return Err(RepoError::Exists { paths: existing });
    }
    for (index, ((path, text), target)) in files.iter().zip(&targets).enumerate() {
        if let Err(error) = write_new(target, path, text) {
            for written in &targets[..index] {
                // The first error is the one to report; a file that cannot be removed either stays for the reader.
                let _ = std::fs::remove_file(written);
            }
            return Err(error);
        }
    }
    Ok(files.iter().map(|(path, _)| (*path).to_owned()).collect())
}

/// The place of `path` under `root`, if it stays there.
pub(crate) fn inside(root: &Path, path: &str) -> Result<PathBuf, RepoError> {
    let plain = !path.is_empty()
        && !path.contains(['\\', '\0'])
        && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    if plain { Ok(root.join(path)) } else { Err(RepoError::BadPath { path: path.to_owned() }) }
}

/// Writes a file that must not exist yet, through a temporary one beside it.
fn write_new(target: &Path, path: &str, text: &str) -> Result<(), RepoError> {
    write_whole(target, text, |temporary| match temporary.persist_noclobber(target) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {
            Err(RepoError::Exists { paths: vec![path.to_owned()] })
        }
        Err(error) => Err(RepoError::Write { path: target.to_owned(), source: error.error }),
    })
}

/// Writes a file in place of the one that is there, if any: whole, or not at all.
///
/// # Errors
/// The file or its folder cannot be written.
pub fn write_over(target: &Path, text: &str) -> Result<(), RepoError> {
    write_whole(target, text, |temporary| match temporary.persist(target) {
        Ok(_) => Ok(()),
        Err(error) => Err(RepoError::Write { path: target.to_owned(), source: error.error }),
    })
}

fn write_whole(
    target: &Path,
    text: &str,
    place: impl FnOnce(tempfile::NamedTempFile) -> Result<(), RepoError>,
) -> Result<(), RepoError> {
    let failed = |source| RepoError::Write { path: target.to_owned(), source };
    let folder = target.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(failed)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".remuda-");
    #[cfg(unix)]
    {
        // A temporary file is private by default; a definition is for everybody whom the umask admits.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut temporary = builder.tempfile_in(folder).map_err(failed)?;
    temporary.write_all(text.as_bytes()).map_err(failed)?;
    temporary.as_file().sync_all().map_err(failed)?;
    place(temporary)
}
