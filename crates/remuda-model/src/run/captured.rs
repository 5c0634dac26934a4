//! What a run started from beyond git: packed code, command, environment, data, seeds, and what could not be captured.
//! What it wrote is here too. How these are found out is not.

use crate::Digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Everything about a run's beginning that a later reproduction needs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Captured {
    /// The working files, packed into the blobs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<PackedCode>,
    /// Where the top of the packed files lay: words of the command that begin so are meant relative to it.
    #[serde(default)]
    pub top: String,
    /// The product's folder, from the top, `/` at its end; empty: the top itself.
    #[serde(default)]
    pub product: String,
    /// The words of the command, secrets masked; empty for a pipeline.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// The folder that the command ran in, from the top of the packed files, `/` at its end; empty: the top itself.
    #[serde(default)]
    pub folder: String,
    /// The notebook that was executed, from the top of the packed files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notebook: Option<String>,
    /// The allowed environment variables that were set.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// The Python that the command used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub python: Option<Python>,
    /// Lock files among the packed files, from the top.
    #[serde(default)]
    pub locks: Vec<String>,
    /// The machine: processor, cores, memory, graphics, operating system.
    #[serde(default)]
    pub hardware: BTreeMap<String, String>,
    /// Files that are, byte for byte, what a dataset version was made of.
    #[serde(default)]
    pub data: Vec<DataFile>,
    /// Random seeds that were seen; there may be others.
    #[serde(default)]
    pub seeds: Vec<SeenSeed>,
    /// What was withheld because it looks like a secret.
    #[serde(default)]
    pub withheld: Vec<Withheld>,
    /// What else could not be captured.
    #[serde(default)]
    pub gaps: Vec<Gap>,
    /// The run that this one repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reproduces: Option<String>,
}

/// The working files in the blobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PackedCode {
    /// The blob: the list of files, and the contents that no earlier blob has.
    pub blob: Digest,
    /// Earlier blobs that hold the other contents.
    #[serde(default)]
    pub others: Vec<Digest>,
    /// Digest over paths, modes and contents: equal where the files are equal.
    pub tree: Digest,
    /// How many files and links.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes of the blob: what this snapshot added, at most.
    pub packed: u64,
}

/// The Python that a command used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Python {
    /// `3.11.7`.
    pub version: String,
    /// `CPython`.
    pub implementation: String,
    /// How the command called it.
    pub program: String,
    /// Digest of the list of installed packages, which lies beside the packed code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packages: Option<Digest>,
    /// How many packages were installed.
    #[serde(default)]
    pub package_count: u64,
    /// It is the Python on the path; nothing shows that the command used it.
    #[serde(default)]
    pub assumed: bool,
}

/// A file that is a dataset version's source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DataFile {
    /// The file, from the top of the packed files.
    pub path: String,
    /// The dataset.
    pub dataset: String,
    /// The version.
    pub version: Digest,
}

/// A random seed that was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SeenSeed {
    /// `random_state`, `np.random.seed`, `--seed`, `PYTHONHASHSEED`.
    pub name: String,
    /// Its value as written.
    pub value: String,
    /// `train.py:12`, `the command`, `the environment`.
    pub place: String,
}

/// Something that looks like a secret and was withheld. The value is nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Withheld {
    /// The file, from the top; or `environment NAME`, or `argument 3`.
    pub place: String,
    /// The line in the file, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// What it looks like: `private key`, `GitHub token`.
    pub kind: String,
}

/// Something that a reproduction would need and that was not captured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Gap {
    /// What sort.
    pub kind: GapKind,
    /// The file or package, or what else it is.
    pub what: String,
    /// Its size in bytes, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

/// Why something was not captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GapKind {
    /// A file above the size limit.
    TooLarge,
    /// A file that could not be read, or no plain file.
    Unreadable,
    /// A link, a folder or an argument that leads out of the packed files.
    Outside,
    /// A data file that git ignores.
    Ignored,
    /// A package that was installed from a folder of the machine.
    LocalPackage,
    /// No Python could be asked for its packages, and no lock file is there.
    NoEnvironment,
    /// More gaps than are listed.
    More,
}

impl GapKind {
    /// In plain words.
    pub fn words(self) -> &'static str {
        match self {
            GapKind::TooLarge => "too large",
            GapKind::Unreadable => "not readable",
            GapKind::Outside => "outside the folder",
            GapKind::Ignored => "ignored by git",
            GapKind::LocalPackage => "installed from a folder",
            GapKind::NoEnvironment => "environment not known",
            GapKind::More => "and more",
        }
    }
}

impl Captured {
    /// What a reproduction would miss, one line each; empty when everything that is looked for was captured.
    pub fn missing(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.code.is_none() {
            lines.push("the code".to_owned());
        }
        for secret in &self.withheld {
            let line = secret.line.map(|line| format!(":{line}")).unwrap_or_default();
            lines.push(format!("{}{line} (withheld: {})", secret.place, secret.kind));
        }
        lines.extend(self.gaps.iter().map(|gap| format!("{} ({})", gap.what, gap.kind.words())));
        lines
    }
}

/// A file that a run wrote or changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutputFile {
    /// From the top of the packed files.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Digest of its content; `None` where it was too large or could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Digest of what matters in it, where that is less than every byte: a notebook without its times and ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meaning: Option<Digest>,
    /// The blob, where the content was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blob: Option<Digest>,
}

/// `[run]` of `remuda.toml`: what snapshots take in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunSettings {
    /// Environment variables to capture besides the usual ones; `NAME_*` stands for all that begin so.
    #[serde(default)]
    pub environment: Vec<String>,
    /// Files above this many bytes are named instead of captured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub largest_file: Option<u64>,
}
