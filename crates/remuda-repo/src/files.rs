//! Finding the product's folder and reading its definition files from disk. What they say is checked elsewhere
//! ([`crate::check`]).

use crate::RepoError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The most bytes that one definition file may have.
pub const FILE_CAP: u64 = 1024 * 1024;

/// The most definition files in one folder.
pub const FOLDER_CAP: usize = 10_000;

/// The file that makes a folder a product.
pub const PRODUCT_FILE: &str = "remuda.toml";

/// Definition files right at the root.
const ROOT_FILES: [&str; 4] = [PRODUCT_FILE, "pipeline.toml", "serving.toml", "slices.toml"];

/// Definition files in folders: the folder and the endings.
const FOLDERS: [(&str, &[&str]); 7] = [
    ("requirements", &[".md", "costs.csv"]),
    ("data", &[".odcs.yaml", ".odcs.yml"]),
    ("labels", &[".toml", ".md"]),
    ("features", &[".sql"]),
    ("tests", &[".toml"]),
    ("decisions", &[".md"]),
    ("assumptions", &[".toml"]),
];

/// Texts of all definition files by path from the root (forward slashes); from disk or over the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DefinitionFiles(pub BTreeMap<String, String>);

/// Whether a path from the root (forward slashes) is that of a definition file.
pub fn is_definition_path(path: &str) -> bool {
    if ROOT_FILES.contains(&path) {
        return true;
    }
    let Some((folder, name)) = path.split_once('/') else { return is_cost_file(path) };
    let plain = !name.contains(['/', '\\', '\0']) && !name.starts_with('.');
    plain && FOLDERS.iter().any(|(known, endings)| *known == folder && endings.iter().any(|end| name.ends_with(end)))
}

/// Whether a file beside `remuda.toml` holds the costs of mistakes: what criteria mean with `mean cost using FILE`.
fn is_cost_file(name: &str) -> bool {
    name.ends_with("costs.csv") && !name.starts_with('.')
}

/// The nearest folder upwards from `start` that has a `remuda.toml`, as an absolute path.
pub fn find_root(start: &Path) -> Result<PathBuf, RepoError> {
    let absolute = fs::canonicalize(start).map_err(|source| RepoError::Read { path: start.to_owned(), source })?;
    absolute
        .ancestors()
        .find(|folder| folder.join(PRODUCT_FILE).is_file())
        .map(Path::to_owned)
        .ok_or(RepoError::NoProduct { start: absolute.clone() })
}

/// Reads all definition files under `root`. Folders that are not there are empty; files of other endings, and hidden
/// ones, are not read.
pub fn read_files(root: &Path) -> Result<DefinitionFiles, RepoError> {
    let root = fs::canonicalize(root).map_err(|source| RepoError::Read { path: root.to_owned(), source })?;
    let mut files = BTreeMap::new();
    for path in ROOT_FILES {
        if root.join(path).exists() {
            files.insert(path.to_owned(), read_one(&root, path)?);
        }
    }
    let beside = fs::read_dir(&root).map_err(|source| RepoError::Read { path: root.clone(), source })?;
    for name in beside.flatten().filter_map(|entry| entry.file_name().into_string().ok()) {
        if is_cost_file(&name) && root.join(&name).is_file() {
            files.insert(name.clone(), read_one(&root, &name)?);
        }
    }
    for (folder, _) in FOLDERS {
        for path in definition_paths(&root, folder)? {
            let text = read_one(&root, &path)?;
            files.insert(path, text);
        }
    }
    Ok(DefinitionFiles(files))
}

/// The definition files of one folder, as paths from the root.
fn definition_paths(root: &Path, folder: &str) -> Result<Vec<String>, RepoError> {
    let full = root.join(folder);
    let failed = |source| RepoError::Read { path: full.clone(), source };
    let entries = match fs::read_dir(&full) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(failed(error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
        let path = format!("{folder}/{name}");
        if !is_definition_path(&path) || !entry.path().is_file() {
            continue;
        }
        if paths.len() == FOLDER_CAP {
            return Err(RepoError::TooMany { folder: folder.to_owned(), cap: FOLDER_CAP });
        }
        paths.push(path);
    }
    Ok(paths)
}

/// Reads one file whose real place must lie inside the root: what is read here may be sent to a server.
fn read_one(root: &Path, path: &str) -> Result<String, RepoError> {
    let full = root.join(path);
    let failed = |source| RepoError::Read { path: full.clone(), source };
    let real = fs::canonicalize(&full).map_err(failed)?;
    if !real.starts_with(root) {
        return Err(RepoError::LeadsOutside { path: path.to_owned() });
    }
    let bytes = fs::metadata(&real).map_err(failed)?.len();
    if bytes > FILE_CAP {
        return Err(RepoError::TooLarge { path: path.to_owned(), bytes, cap: FILE_CAP });
    }
    String::from_utf8(fs::read(&real).map_err(failed)?).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line_start = good.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
        RepoError::NotText { path: path.to_owned(), line, byte: good.len() - line_start + 1 }
    })
}
