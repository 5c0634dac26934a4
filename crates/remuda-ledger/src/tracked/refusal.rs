//! Why a change of what is tracked was refused. Nothing was written then.

/// Why a change was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such thing.
    #[error("{}", missing(what, name))]
    Missing {
        /// What: `experiment`, `run`.
        what: &'static str,
        /// Its name or id.
        name: String,
    },
    /// [`Refusal::Missing`] in a sentence of its own, which clients know.
    #[error("{0}")]
    Absent(String),
    /// [`Refusal::Taken`] in a sentence of its own, which clients know.
    #[error("{0}")]
    Exists(String),
    /// The name is taken.
    #[error("there is {what} `{name}` already")]
    Taken {
        /// What, with its article.
        what: &'static str,
        /// Its name.
        name: String,
        /// The one that has it was deleted, and can be restored.
        deleted: bool,
    },
    /// It is in the wrong stage: deleted where it must be active, or the other way.
    #[error("the {what} `{name}` must be {wanted}; it is {found}")]
    Stage {
        /// What.
        what: &'static str,
        /// Its name or id.
        name: String,
        /// The stage that it must be in.
        wanted: &'static str,
        /// The one it is in.
        found: &'static str,
    },
    /// Something else stands at an artifact's path, or on the way to it.
    #[error("`{path}` is {found} already")]
    Misplaced {
        /// The path.
        path: String,
        /// What stands there, with its article.
        found: &'static str,
    },
    /// It was carried out before: a spool delivers what it is not sure of again.
    #[error("record {sequence} of spool {spool} is here already")]
    Delivered {
        /// The spool.
        spool: String,
        /// The record.
        sequence: i64,
    },
    /// A parameter was logged with another value before.
    #[error(
        "Changing param values is not allowed. Parameter `{key}` of run {run} is `{known}` already, and parameters do not change; `{asked}` was not logged"
    )]
    ParameterDiffers {
        /// The run.
        run: String,
        /// The parameter.
        key: String,
        /// The value that it has.
        known: String,
        /// The value that was asked for.
        asked: String,
    },
}

/// MLflow's clients look for these words where a tag is missing.
fn missing(what: &str, name: &str) -> String {
    if what == "tag" { format!("No tag with name: {name}") } else { format!("there is no {what} `{name}`") }
}
