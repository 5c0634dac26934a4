//! A small product of generated rows that are easy to learn, a client that speaks bare HTTP, and what every test of
//! bad luck asks at its end: is the ledger whole.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use crate::harness::{Server, Stage};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;

/// Rows as CSV: `label` follows `x`; another seed brings other values under the same ids.
pub(crate) fn table(rows: u64, seed: u64) -> String {
    let mut text = String::from("id,x,kind,label\n");
    let mut state = seed;
    for id in 0..rows {
        // Knuth's MMIX generator: the same rows on every machine.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let x = (state >> 40) % 10_000;
        let kind = ["a", "b", "c"][(state >> 33) as usize % 3];
        let label = if x > 5_000 { "Yes" } else { "No" };
        text.push_str(&format!("{id},{:.4},{kind},{label}\n", x as f64 / 10_000.0));
    }
    text
}

/// A product of 2,000 such rows, whose one criterion a good model meets.
pub(crate) fn shop() -> Stage {
    let mut stage = Stage::new();
    stage.write("rows.csv", &table(2_000, 1));
    fine(&stage, &["init", "shop", "--from", "rows.csv", "--label", "label"]);
    stage.enter("shop");
    let requirement = std::fs::read_to_string(stage.path("requirements/shop.md")).unwrap();
    let (before, rest) = requirement.split_once("criteria = [").unwrap();
    let (_, after) = rest.split_once(']').unwrap();
    stage.write("requirements/shop.md", &format!("{before}criteria = [\"accuracy >= 0.9\"]{after}"));
    stage
}

/// The same product with everything done that a promotion asks for.
pub(crate) fn shop_before_promotion() -> Stage {
    let stage = shop();
    for words in [
        &["run"][..],
        &["gate", "evaluate", "trees"],
        &["sign", "intent", "shop"],
        &["sign", "evidence", "trees"],
        &["release", "create", "trees"],
        &["sign", "accept", "newest"],
    ] {
        fine(&stage, words);
    }
    stage
}

/// Runs a command that has to end well; answers what it said.
pub(crate) fn fine(stage: &Stage, words: &[&str]) -> String {
    let said = stage.run(words);
    assert_eq!(said.code, 0, "{words:?}: {}{}", said.out, said.err);
    said.out
}

/// Runs a command that has to end well; answers what it said as JSON.
pub(crate) fn json(stage: &Stage, words: &[&str]) -> Value {
    let words = [words, &["--json"]].concat();
    serde_json::from_str(&fine(stage, &words)).unwrap()
}

/// The length of a list in an answer.
pub(crate) fn count(answer: &Value, list: &str) -> usize {
    answer[list].as_array().unwrap_or_else(|| panic!("no list `{list}` in {answer}")).len()
}

/// The ledger is whole: chain, rows and blobs. Answers the number of facts.
pub(crate) fn whole(stage: &Stage) -> u64 {
    let said = stage.run(&["ledger", "verify", "--json"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    let verified: Value = serde_json::from_str(&said.out).unwrap();
    verified["facts"].as_u64().unwrap()
}

/// The files under a folder of `.remuda/`.
pub(crate) fn files(stage: &Stage, folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![stage.path(".remuda").join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            }
            found.push(entry.path());
        }
    }
    found
}

/// Asks the ledger's own file, past the program.
pub(crate) fn database<T>(stage: &Stage, work: impl AsyncFnOnce(&mut sqlx::SqliteConnection) -> sqlx::Result<T>) -> T {
    use sqlx::{ConnectOptions as _, Connection as _};
    let file = stage.path(".remuda/ledger.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut open = sqlx::sqlite::SqliteConnectOptions::new().filename(file).connect().await.unwrap();
        let done = work(&mut open).await.unwrap();
        open.close().await.unwrap();
        done
    })
}

/// One connection to a server, kept open between requests, that sends whatever headers it is told to.
pub(crate) struct Wire {
    reader: BufReader<TcpStream>,
    host: String,
}

impl Wire {
    /// Connects.
    pub(crate) fn to(server: &Server) -> Self {
        Self::at(&server.url)
    }

    /// Connects to a server that somebody else started.
    pub(crate) fn at(url: &str) -> Self {
        let host = url.trim_start_matches("http://").to_owned();
        let stream = TcpStream::connect(&host).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { reader: BufReader::new(stream), host }
    }

    /// Sends as another host.
    pub(crate) fn pretend(&mut self, host: &str) {
        host.clone_into(&mut self.host);
    }

    /// A request and its whole answer; an error where the server is gone before the answer is.
    pub(crate) fn ask(&mut self, method: &str, path: &str, body: &str) -> std::io::Result<(u16, String)> {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.host,
            body.len()
        );
        self.reader.get_mut().write_all(request.as_bytes())?;
        let gone = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
        let status = self.line()?.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(gone)?;
        let mut length = 0;
        loop {
            let line = self.line()?.to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(|_| gone())?;
            }
        }
        let mut answer = vec![0; length];
        self.reader.read_exact(&mut answer)?;
        Ok((status, String::from_utf8_lossy(&answer).into_owned()))
    }

    fn line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        if self.reader.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}
