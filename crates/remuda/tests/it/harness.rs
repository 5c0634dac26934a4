//! A stage: a folder of its own, a git identity of its own, the built program, and filters for what changes between
//! runs (times, ids, digests).

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use regex::Regex;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// Where a test plays.
pub(crate) struct Stage {
    folder: tempfile::TempDir,
    /// The folder that commands run in, from the stage's own.
    place: String,
    /// What every command gets besides its own words.
    always: Vec<String>,
    /// Variables that every command finds.
    surroundings: Vec<(String, String)>,
}

/// What a command said.
pub(crate) struct Said {
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
    /// The exit code.
    pub(crate) code: i32,
}

impl Said {
    /// What a program said that has ended.
    pub(crate) fn of(output: Output) -> Self {
        Self {
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
            code: output.status.code().unwrap_or(-1),
        }
    }
}

impl Stage {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("gitconfig"),
            "[user]\n\tname = Ana\n\temail = ana@example.org\n[init]\n\tdefaultBranch = main\n",
        )
        .unwrap();
        Self { folder, place: ".".to_owned(), always: Vec::new(), surroundings: Vec::new() }
    }

    /// The stage's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(&self.place).join(name)
    }

    /// Commands run in this folder from now on.
    pub(crate) fn enter(&mut self, place: &str) {
        self.place = place.to_owned();
    }

    /// Every command gets these words as well from now on.
    pub(crate) fn always(&mut self, words: &[&str]) {
        self.always = words.iter().map(|word| (*word).to_owned()).collect();
    }

    /// Every command finds this variable from now on.
    pub(crate) fn surround(&mut self, name: &str, value: &str) {
        self.surroundings.push((name.to_owned(), value.to_owned()));
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// The built program with these words, to be started by the test.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = self.program(env!("CARGO_BIN_EXE_remuda"));
        command.args(words).args(&self.always);
        command
    }

    /// Any program, in the stage's folder and with its surroundings.
    pub(crate) fn program(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path().join(&self.place));
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("REMUDA_") || name.starts_with("GIT_") {
                command.env_remove(name);
            }
        }
        command.env("HOME", self.folder.path());
        command.env("GIT_CONFIG_GLOBAL", self.folder.path().join("gitconfig")).env("GIT_CONFIG_NOSYSTEM", "1");
        // Wide enough that no table is cut: where it is depends on how long things took.
        command.env("COLUMNS", "130").env("NO_COLOR", "1");
        // No library of this machine is found by chance.
        command.env("REMUDA_ONNXRUNTIME", "/nowhere/libonnxruntime.so");
        command.envs(self.surroundings.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, words: &[&str]) -> Said {
        Said::of(self.command(words).stdin(Stdio::null()).output().unwrap())
    }

    /// Runs a command, and writes down what was typed and said, without what changes between runs.
    pub(crate) fn tell(&self, words: &[&str]) -> String {
        let said = self.run(words);
        let typed: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        let mut text = format!("$ remuda {}\n{}", typed.join(" "), said.out);
        if !said.err.is_empty() {
            text.push_str(&format!("── standard error\n{}", said.err));
        }
        if said.code != 0 {
            text.push_str(&format!("── ended with {}\n", said.code));
        }
        self.settle(&text)
    }

    /// Starts the server; answers its address when it listens.
    pub(crate) fn serve(&self, words: &[&str]) -> Server {
        let mut child = self.command(words).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: serde_json::Value =
            serde_json::from_str(&line).unwrap_or_else(|_| panic!("the server said {line:?}"));
        Server { child, url: told["url"].as_str().unwrap().to_owned() }
    }

    /// Starts a command, waits for its first line, and interrupts it as Ctrl-C does; answers its exit code.
    pub(crate) fn interrupt(&self, words: &[&str]) -> i32 {
        let mut child = self.command(words).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        child.wait().unwrap().code().unwrap_or(-1)
    }

    /// The text without times, ids, digests and folders of this one run.
    pub(crate) fn settle(&self, text: &str) -> String {
        let folder = std::fs::canonicalize(self.folder.path()).unwrap();
        let mut text = text.replace(&folder.to_string_lossy().into_owned(), "[stage]");
        for (pattern, replacement) in [
            (r"b3:[0-9a-f]{64}", "b3:[digest]"),
            (r"\b[0-9a-f]{12}\b", "[digest]"),
            (r"\b[0-9a-f]{40}\b", "[commit]"),
            (r"\b[0-9a-f]{10}\b", "[commit]"),
            (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "[uuid]"),
            (r"just now|\b\d+ (second|minute|hour)s? ago", "[ago]"),
            (r"\b\d{4}-\d\d-\d\d \d\d:\d\d\b", "[moment]"),
            (r"\b\d{4}-\d\d-\d\d\b", "[day]"),
            (r"traffic +\S+ .*", "traffic [blocks]"),
            // A server keeps the caller's definitions as one blob more.
            (r"\b\d+ blobs\b", "[some] blobs"),
            (r"\b(\d+ min )?\d+(\.\d+)? m?s\b", "[took]"),
            (r"http://127\.0\.0\.1:\d{4,}", "[server]"),
            (r"0\.0\.0\.0:\d+", "0.0.0.0:[port]"),
        ] {
            text = Regex::new(pattern).unwrap().replace_all(&text, replacement).into_owned();
        }
        // A word of ten such letters becomes an id too: always the same, so no harm.
        let text = Regex::new(r"\b[2-9a-hjkmnp-z]{10}\b").unwrap().replace_all(&text, "[id]").into_owned();
        // Columns are as wide as what was replaced: runs of spaces say nothing any more.
        let text = Regex::new(r"(\S) {2,}").unwrap().replace_all(&text, "$1  ").into_owned();
        text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
    }
}

/// A server that ends with its test.
pub(crate) struct Server {
    child: Child,
    /// Where it listens.
    pub(crate) url: String,
}

impl Server {
    /// Asks it to stop, as a supervisor would; answers whether it ended well.
    pub(crate) fn stop(mut self) -> bool {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status().unwrap();
        self.child.wait().unwrap().success()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn quoted(word: &str) -> String {
    let plain = !word.is_empty() && word.chars().all(|letter| letter.is_alphanumeric() || "-_./=:~".contains(letter));
    if plain { word.to_owned() } else { format!("'{word}'") }
}

/// A data set of the shared folder.
pub(crate) fn shared(path: &str) -> PathBuf {
    let folder = match std::env::var_os("REMUDA_SHARED") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(3).unwrap().join("shared"),
    };
    folder.join("data").join(path)
}
