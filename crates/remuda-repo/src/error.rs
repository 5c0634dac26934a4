//! The one error of this crate: what went wrong with folders, files and the `git` program. What is wrong *inside* a
//! definition file is no error but a [`Diagnostic`](remuda_model::diagnostic::Diagnostic).

use std::path::PathBuf;

/// What went wrong with the team's repository.
#[derive(Debug, thiserror::Error)]
pub enum RepoError {
    /// No folder upwards from here is a product.
    #[error("no product here: neither `{}` nor a folder above it has a `remuda.toml`; make one with `remuda init`", .start.display())]
    NoProduct {
        /// Where the search began.
        start: PathBuf,
    },
    /// A file or folder could not be read.
    #[error("cannot read `{}`", .path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file or folder could not be written.
    #[error("cannot write `{}`", .path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A folder is no file store of MLflow's.
    #[error("`{}` is no `mlruns/` folder: no folder in it has a `meta.yaml`", .path.display())]
    NoStore {
        /// The folder.
        path: PathBuf,
    },
    /// A folder that was to become a file store holds something else.
    #[error("`{}` is neither empty nor a `mlruns/` folder: it holds `{found}`", .path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
        /// What is in it.
        found: String,
    },
    /// A definition file is larger than any text that somebody wrote.
    #[error("`{path}` has {bytes} bytes, more than the {cap} that a definition file may have; move data elsewhere")]
    TooLarge {
        /// Path from the root.
        path: String,
        /// Its size.
        bytes: u64,
        /// The cap.
        cap: u64,
    },
    /// More definition files than any team writes.
    #[error("folder `{folder}` holds more than {cap} definition files; move the others elsewhere")]
    TooMany {
        /// The folder.
        folder: String,
        /// The cap.
        cap: usize,
    },
    /// A definition file is no UTF-8 text.
    #[error("`{path}`, line {line}: byte {byte} of the line is no UTF-8; save the file as UTF-8")]
    NotText {
        /// Path from the root.
        path: String,
        /// Line from 1.
        line: usize,
        /// Byte within the line, from 1.
        byte: usize,
    },
    /// A definition file is a link that leads out of the product.
    #[error("`{path}` is a link that leads out of the product; put the file itself there")]
    LeadsOutside {
        /// Path from the root.
        path: String,
    },
    /// A path that a scaffold or a reader was given does not stay inside the product.
    #[error("`{path}` is no path inside the product; use forward slashes, no `..` and no leading slash")]
    BadPath {
        /// The path.
        path: String,
    },
    /// Files that a scaffold would write are there already.
    #[error("nothing was written, because these files exist already: {}; move them away or choose another folder", .paths.join(", "))]
    Exists {
        /// Paths from the root.
        paths: Vec<String>,
    },
    /// The `git` program is not installed.
    #[error(
        "the `git` program was not found; install git (https://git-scm.com/downloads) and see that `git --version` works"
    )]
    GitMissing,
    /// The `git` program could not be started.
    #[error("cannot start `git {operation}`")]
    GitStart {
        /// The subcommand.
        operation: String,
        /// Why.
        source: std::io::Error,
    },
    /// The `git` program refused.
    #[error("`git {operation}` failed in `{}`: {message}", .folder.display())]
    Git {
        /// The subcommand.
        operation: String,
        /// Where it ran.
        folder: PathBuf,
        /// What it said.
        message: String,
    },
    /// A run id that cannot name a git reference.
    #[error("`{id}` cannot name a snapshot: use lower case letters, digits, `-` and `_`")]
    BadRunId {
        /// The id.
        id: String,
    },
    /// A text that is no commit.
    #[error("`{commit}` is no commit: expected 7 to 64 hexadecimal digits")]
    BadCommit {
        /// The text.
        commit: String,
    },
    /// An object of packed files cannot be used.
    #[error("the packed files in `{}` cannot be used: {reason}", .path.display())]
    BrokenArchive {
        /// The object.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Files would be overwritten.
    #[error("nothing was written to `{}`, because these are there already with other content: {}", .folder.display(), .paths.join(", "))]
    WouldOverwrite {
        /// The folder.
        folder: PathBuf,
        /// Some of the paths.
        paths: Vec<String>,
    },
    /// A name that git refuses for a branch.
    #[error("`{name}` cannot be the name of a branch")]
    BadBranch {
        /// The name.
        name: String,
    },
    /// A branch of that name is there.
    #[error("there is a branch `{name}` already")]
    BranchExists {
        /// The name.
        name: String,
    },
}
