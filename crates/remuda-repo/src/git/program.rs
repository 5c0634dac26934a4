//! Running the `git` program: one place that decides what it may inherit, run and ask. What is asked of it is in the
//! other files of this folder.

use crate::RepoError;
use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Variables that would make git look at another repository, index or set of objects, change what it prints, or run
/// a program.
const NOT_INHERITED: [&str; 34] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_ATTR_SOURCE",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DIFF_OPTS",
    "GIT_DIR",
    "GIT_EDITOR",
    "GIT_EXTERNAL_DIFF",
    "GIT_GLOB_PATHSPECS",
    "GIT_GRAFT_FILE",
    "GIT_ICASE_PATHSPECS",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INDEX_VERSION",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_LITERAL_PATHSPECS",
    "GIT_NAMESPACE",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PAGER",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "GIT_REDIRECT_STDERR",
    "GIT_REDIRECT_STDOUT",
    "GIT_REPLACE_REF_BASE",
    "GIT_SEQUENCE_EDITOR",
    "GIT_SHALLOW_FILE",
    "GIT_TEMPLATE_DIR",
    "GIT_TRACE",
    "GIT_TRACE2",
    "GIT_WORK_TREE",
];

/// Settings that keep git from running programs, changing what it need not, and printing for people.
const SETTINGS: [&str; 10] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.untrackedCache=false",
    "core.splitIndex=false",
    "core.safecrlf=false",
    "core.quotePath=false",
    "color.ui=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "log.showSignature=false",
];

/// The `git` program in a folder.
#[derive(Clone, Debug)]
pub(crate) struct Git {
    pub(crate) program: PathBuf,
    pub(crate) folder: PathBuf,
    variables: Vec<(&'static str, std::ffi::OsString)>,
}

/// How a call ended.
pub(crate) struct Answer {
    pub(crate) success: bool,
    pub(crate) code: Option<i32>,
    pub(crate) output: Vec<u8>,
    pub(crate) message: String,
}

impl Git {
    pub(crate) fn at(folder: &Path) -> Self {
        Self { program: PathBuf::from("git"), folder: folder.to_owned(), variables: Vec::new() }
    }

    /// The same program in another folder.
    pub(crate) fn elsewhere(&self, folder: &Path) -> Self {
        Self { folder: folder.to_owned(), ..self.clone() }
    }

    /// The same program with one more environment variable.
    pub(crate) fn with(&self, name: &'static str, value: impl AsRef<OsStr>) -> Self {
        let mut git = self.clone();
        git.variables.push((name, value.as_ref().to_owned()));
        git
    }

    /// The same program as author and committer.
    pub(crate) fn as_person(&self, name: &str, email: &str) -> Self {
        self.with("GIT_AUTHOR_NAME", name)
            .with("GIT_AUTHOR_EMAIL", email)
            .with("GIT_COMMITTER_NAME", name)
            .with("GIT_COMMITTER_EMAIL", email)
    }

    /// Runs git; an exit code other than 0 is an answer.
    pub(crate) fn ask<S: AsRef<OsStr>>(&self, arguments: &[S], input: Option<&[u8]>) -> Result<Answer, RepoError> {
        let operation =
            arguments.first().map(|first| first.as_ref().to_string_lossy().into_owned()).unwrap_or_default();
        let mut command = self.command(arguments);
        command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
        let failed = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::NotFound => RepoError::GitMissing,
            _ => RepoError::GitStart { operation: operation.clone(), source },
        };
        let mut child = command.spawn().map_err(failed)?;
        // The input goes in on a thread of its own: git may answer before it has read all of it.
        let output = std::thread::scope(|scope| {
            if let (Some(mut pipe), Some(input)) = (child.stdin.take(), input) {
                // A closed pipe means that git gave up; its exit code and message tell why.
                scope.spawn(move || pipe.write_all(input).is_ok());
            }
            child.wait_with_output()
        })
        .map_err(failed)?;
        Ok(Answer {
            success: output.status.success(),
            code: output.status.code(),
            output: output.stdout,
            message: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        })
    }

    /// Runs git; an exit code other than 0 is an error.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<Vec<u8>, RepoError> {
        self.feed(arguments, None)
    }

    /// Runs git with input; an exit code other than 0 is an error.
    pub(crate) fn feed<S: AsRef<OsStr>>(&self, arguments: &[S], input: Option<&[u8]>) -> Result<Vec<u8>, RepoError> {
        let answer = self.ask(arguments, input)?;
        if answer.success { Ok(answer.output) } else { Err(self.refusal(arguments, answer)) }
    }

    /// Runs git and reads one line.
    pub(crate) fn line<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<String, RepoError> {
        let output = self.run(arguments)?;
        Ok(String::from_utf8_lossy(&output).trim_end_matches(['\n', '\r']).to_owned())
    }

    /// Runs git and reads one line; `None` when git answers with exit code 1 or an empty line.
    pub(crate) fn line_if_any<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<Option<String>, RepoError> {
        let answer = self.ask(arguments, None)?;
        if !answer.success && answer.code != Some(1) {
            return Err(self.refusal(arguments, answer));
        }
        let line = String::from_utf8_lossy(&answer.output).trim_end_matches(['\n', '\r']).to_owned();
        Ok((answer.success && !line.is_empty()).then_some(line))
    }

    /// The error for an answer with a bad exit code.
    pub(crate) fn refusal<S: AsRef<OsStr>>(&self, arguments: &[S], answer: Answer) -> RepoError {
        let operation =
            arguments.first().map(|first| first.as_ref().to_string_lossy().into_owned()).unwrap_or_default();
        let message = match (answer.message.is_empty(), answer.code) {
            (false, _) => answer.message,
            (true, Some(code)) => format!("it ended with exit code {code}"),
            (true, None) => "it was ended by a signal".to_owned(),
        };
        RepoError::Git { operation, folder: self.folder.clone(), message }
    }

    fn command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = Command::new(&self.program);
        for name in NOT_INHERITED {
            command.env_remove(name);
        }
        command
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_LITERAL_PATHSPECS", "1")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("LC_ALL", "C");
        for (name, value) in &self.variables {
            command.env(name, value);
        }
        command.arg("-C").arg(&self.folder).args(["--no-pager"]);
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// The paths in an answer that separates them by NUL.
pub(crate) fn split_nul(output: &[u8]) -> impl Iterator<Item = &[u8]> {
    output.split(|byte| *byte == 0).filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_the_program_the_error_says_what_to_install() {
        let mut git = Git::at(Path::new("."));
        git.program = PathBuf::from("git-that-is-not-there");
        let error = git.run(&["rev-parse"]).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains("install git"), "{error}");
    }

    #[test]
    fn a_refusal_carries_what_git_said() {
        let error = Git::at(Path::new(".")).run(&["no-such-command"]).err().map(|error| error.to_string());
        assert!(
            error.is_some_and(
                |error| error.contains("`git no-such-command` failed") && error.contains("not a git command")
            )
        );
    }
}
