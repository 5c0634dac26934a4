//! The one error of the application: a kind, a stable code, a message, hints, the place in a file, a source.
//!
//! Terminal, problem+json and page render the same value. [`CODES`] is the registry: every code that the
//! application can answer, with its kind (which gives the HTTP status and the exit code) and one line of
//! documentation.

use remuda_model::diagnostic::Diagnostic;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What sort of trouble it is: decides the HTTP status and the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The request or its input is wrong.
    User,
    /// A definition file or the configuration is wrong.
    Config,
    /// The thing asked for is not there.
    Missing,
    /// It clashes with what is already there, or something is not ready.
    Conflict,
    /// The caller may not.
    Denied,
    /// Our fault, or the machine's.
    Internal,
}

/// An error that every face can render.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Error {
    /// What sort of trouble it is.
    pub kind: Kind,
    /// A stable code from [`CODES`], such as `data.contract_breach`.
    pub code: String,
    /// One sentence, no full stop.
    pub message: String,
    /// Next steps; each can be typed or changed.
    #[serde(default)]
    pub hints: Vec<String>,
    /// The places in definition files, when it is about them.
    #[serde(default)]
    pub diagnostics: Vec<Diagnostic>,
    /// What lies beneath, outermost first.
    #[serde(default)]
    pub causes: Vec<String>,
}

/// The application's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A code, its kind and what it means.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    /// The code.
    pub code: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// One line for the reference.
    pub meaning: &'static str,
}

/// Every code that the application can answer.
pub const CODES: &[Code] = &[
    Code {
        code: "request.invalid",
        kind: Kind::User,
        meaning: "a field of the request has a value that cannot be used",
    },
    Code {
        code: "request.not_found",
        kind: Kind::Missing,
        meaning: "no run, version, model, release or fact has that name or id",
    },
    Code { code: "request.ambiguous", kind: Kind::User, meaning: "a short id fits several things" },
    Code {
        code: "definition.invalid",
        kind: Kind::Config,
        meaning: "a definition file has errors; `remuda check` lists them",
    },
    Code {
        code: "definition.missing",
        kind: Kind::Config,
        meaning: "a definition that the command needs is not in the repository",
    },
    Code { code: "definition.exists", kind: Kind::Conflict, meaning: "files that would be written are already there" },
    Code {
        code: "definition.changed",
        kind: Kind::Conflict,
        meaning: "a definition file in the product's folder is not the one that the command read",
    },
    Code { code: "data.unreadable", kind: Kind::User, meaning: "a data file cannot be read as a table" },
    Code {
        code: "data.contract_breach",
        kind: Kind::Conflict,
        meaning: "rows break a rule of severity `error`: the version was refused",
    },
    Code {
        code: "data.unusable",
        kind: Kind::User,
        meaning: "the rows cannot serve this purpose (one class only, no rows, no label)",
    },
    Code { code: "run.import", kind: Kind::User, meaning: "a store of MLflow cannot be read" },
    Code { code: "run.failed", kind: Kind::User, meaning: "a step of the pipeline failed" },
    Code { code: "model.unusable", kind: Kind::User, meaning: "a model cannot be trained, read or run" },
    Code {
        code: "gate.not_ready",
        kind: Kind::Conflict,
        meaning: "an evaluation lacks a requirement, data or a candidate",
    },
    Code {
        code: "analysis.not_ready",
        kind: Kind::Conflict,
        meaning: "an analysis lacks a candidate, rows or a definition",
    },
    Code {
        code: "release.not_ready",
        kind: Kind::Conflict,
        meaning: "a release lacks evidence or signatures; the answer lists them",
    },
    Code { code: "serving.no_release", kind: Kind::Conflict, meaning: "nothing is live" },
    Code { code: "serving.input", kind: Kind::User, meaning: "an input column is missing or has the wrong type" },
    Code { code: "access.denied", kind: Kind::Denied, meaning: "the caller may not do this" },
    Code { code: "access.unknown", kind: Kind::Denied, meaning: "no valid token was sent" },
    Code { code: "ledger.conflict", kind: Kind::Conflict, meaning: "somebody else appended first; try again" },
    Code {
        code: "ledger.unusable",
        kind: Kind::Internal,
        meaning: "the ledger or the blob store cannot be read or written",
    },
    Code {
        code: "ledger.full",
        kind: Kind::Internal,
        meaning: "no space is left for the ledger or the blobs; nothing was half-written",
    },
    Code { code: "ledger.read_only", kind: Kind::Internal, meaning: "the ledger or the blobs may not be written here" },
    Code { code: "repository.unusable", kind: Kind::User, meaning: "the folder or its git repository cannot be used" },
    Code {
        code: "server.unreachable",
        kind: Kind::Config,
        meaning: "the server named in `remuda.toml` or by `--server` does not answer",
    },
    Code { code: "server.running", kind: Kind::Conflict, meaning: "another server serves this folder" },
    Code {
        code: "tracked.exists",
        kind: Kind::Conflict,
        meaning: "an experiment or run of that name is there already",
    },
    Code {
        code: "tracked.stage",
        kind: Kind::Conflict,
        meaning: "an experiment or run was deleted, or is not deleted, where the other is needed",
    },
    Code {
        code: "tracked.parameter",
        kind: Kind::User,
        meaning: "a parameter was logged with another value before; parameters do not change",
    },
    Code {
        code: "tracked.delivered",
        kind: Kind::Conflict,
        meaning: "a spooled record was delivered before; it is not carried out again",
    },
    Code {
        code: "spool.damaged",
        kind: Kind::Conflict,
        meaning: "a run's spool cannot be read to its end: its file was changed or its disk failed",
    },
    Code { code: "tracked.conflict", kind: Kind::Conflict, meaning: "what is tracked was changed by somebody else" },
    Code {
        code: "tracked.bad_request",
        kind: Kind::User,
        meaning: "a request of MLflow's protocol is no JSON object, or has the wrong content type",
    },
    Code {
        code: "tracked.unsupported",
        kind: Kind::User,
        meaning: "a part of MLflow's protocol that remuda does not speak; the answer tells what to do instead",
    },
    Code { code: "tracked.no_route", kind: Kind::Missing, meaning: "MLflow's protocol has no such address here" },
    Code { code: "internal", kind: Kind::Internal, meaning: "a fault of remuda" },
];

/// The next step where a disk is full.
const FREE_SOME: &str = "free some space on the disk and try again; nothing was half-written";
/// The next step where a disk may not be written.
const MAY_WRITE: &str = "check that the disk is not read-only and that you may write there";

impl Error {
    /// An error with a code of the registry. An unregistered code counts as internal (and a test forbids it).
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        let kind = CODES.iter().find(|known| known.code == code).map_or(Kind::Internal, |known| known.kind);
        Self {
            kind,
            code: code.to_owned(),
            message: message.into(),
            hints: Vec::new(),
            diagnostics: Vec::new(),
            causes: Vec::new(),
        }
    }

    /// The same error with one more next step.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    fn hint_if_none(self, hint: &str) -> Self {
        if self.hints.is_empty() { self.hint(hint) } else { self }
    }

    /// The same error with its source and the source's sources.
    #[must_use]
    pub fn caused_by(mut self, source: &(dyn std::error::Error + 'static)) -> Self {
        let mut next = Some(source);
        while let Some(error) = next {
            let text = error.to_string();
            // Some sources repeat their own source's words at the end of theirs.
            if text != self.message && !self.causes.iter().any(|known| known.ends_with(&text)) {
                self.causes.push(text);
            }
            next = error.source();
        }
        self.advised(source)
    }

    /// The same error with the next step where the disk is full or may not be written, if no step is named yet.
    #[must_use]
    pub(crate) fn advised(self, source: &(dyn std::error::Error + 'static)) -> Self {
        use std::io::ErrorKind;
        let mut next = Some(source);
        while let Some(error) = next {
            let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
            match kind {
                _ if !self.hints.is_empty() => return self,
                Some(ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => return self.hint(FREE_SOME),
                Some(ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied) => return self.hint(MAY_WRITE),
                _ => next = error.source(),
            }
        }
        self
    }

    /// Whether it is about a disk that is full or may not be written: reading may go on then.
    pub(crate) fn is_about_disk(&self) -> bool {
        matches!(self.code.as_str(), "ledger.full" | "ledger.read_only")
    }

    /// Errors in definition files.
    pub fn definitions(diagnostics: Vec<Diagnostic>) -> Self {
        let count = remuda_model::text::count(diagnostics.len() as u64, "error");
        let mut error = Self::new("definition.invalid", format!("{count} in definition files"))
            .hint("`remuda check` lists them all");
        error.diagnostics = diagnostics;
        error
    }

    /// Nothing has that name.
    pub fn not_found(what: &str, name: &str) -> Self {
        Self::new("request.not_found", format!("there is no {what} `{name}`"))
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match (self.kind, self.code.as_str()) {
            (_, "access.unknown") => 401,
            (Kind::User, _) => 400,
            (Kind::Config, _) => 422,
            (Kind::Missing, _) => 404,
            (Kind::Conflict, _) => 409,
            (Kind::Denied, _) => 403,
            (Kind::Internal, _) => 500,
        }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<remuda_ledger::Error> for Error {
    fn from(error: remuda_ledger::Error) -> Self {
        use remuda_ledger::Error as Ledger;
        match &error {
            Ledger::Invalid { .. } => with_source("request.invalid", &error),
            Ledger::Refused(refusal) => crate::run::tracked::refused(refusal),
            Ledger::Conflict { .. } | Ledger::Busy { .. } => with_source("ledger.conflict", &error),
            _ if error.is_about_room() => with_source("ledger.full", &error).hint_if_none(FREE_SOME),
            _ if error.is_about_permission() => with_source("ledger.read_only", &error).hint_if_none(MAY_WRITE),
            Ledger::Unclosed { .. } => with_source("ledger.read_only", &error)
                .hint("run any command where the folder may be written, such as `remuda status`: it folds the log in"),
            Ledger::Damaged { .. } => with_source("ledger.unusable", &error)
                .hint("copy `.remuda/` before anything else: `cp -a .remuda remuda-damaged`")
                .hint("then put a backup in its place, or read what is left: `sqlite3 .remuda/ledger.db .recover`"),
            _ => with_source("ledger.unusable", &error),
        }
    }
}

/// The code of a failed file operation in the ledger's folder: that of a full or read-only disk, else this one.
pub(crate) fn code_of_io(source: &std::io::Error, otherwise: &'static str) -> &'static str {
    use std::io::ErrorKind;
    match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "ledger.full",
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => "ledger.read_only",
        _ => otherwise,
    }
}

impl From<remuda_data::DataError> for Error {
    fn from(error: remuda_data::DataError) -> Self {
        with_source("data.unreadable", &error)
    }
}

impl From<remuda_learn::LearnError> for Error {
    fn from(error: remuda_learn::LearnError) -> Self {
        let built = with_source("model.unusable", &error);
        match &error {
            remuda_learn::LearnError::RuntimeMissing { .. } => with_runtime_hints(built),
            _ => built,
        }
    }
}

impl From<remuda_repo::RepoError> for Error {
    fn from(error: remuda_repo::RepoError) -> Self {
        with_source("repository.unusable", &error)
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        with_source("repository.unusable", &error)
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        with_source("internal", &error)
    }
}

/// How to make ONNX Runtime available.
pub(crate) fn with_runtime_hints(error: Error) -> Error {
    error
        .hint("`pip install onnxruntime`, in the Python environment that is active where remuda runs")
        .hint("or name its library: `REMUDA_ONNXRUNTIME=/path/to/libonnxruntime.so`")
}

fn with_source(code: &str, error: &(dyn std::error::Error + 'static)) -> Error {
    let built = Error::new(code, error.to_string()).advised(error);
    match error.source() {
        Some(source) => built.caused_by(source),
        None => built,
    }
}
