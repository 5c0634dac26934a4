//! A tracked command as if nobody stood between: it reads our standard input, and what it writes goes on as it comes,
//! progress bars too. The last lines are kept, to say why it failed.

use super::pipeline::{Ended, KEPT_LINES, Observer, Stream};
use std::process::Stdio;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;
use tokio::sync::mpsc;

/// Runs it to its end. It is killed when this is dropped.
pub(super) async fn pass_through(mut command: Command, observer: &mut dyn Observer) -> std::io::Result<Ended> {
    command.stdin(Stdio::inherit()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn()?;
    observer.started(child.id());
    let (sender, mut chunks) = mpsc::channel::<(Stream, Vec<u8>)>(64);
    if let Some(output) = child.stdout.take() {
        tokio::spawn(read(output, Stream::Output, sender.clone()));
    }
    if let Some(output) = child.stderr.take() {
        tokio::spawn(read(output, Stream::Error, sender.clone()));
    }
    drop(sender);
    let mut tails = [Tail::default(), Tail::default()];
    while let Some((stream, bytes)) = chunks.recv().await {
        observer.passed(&bytes, stream);
        tails[usize::from(stream == Stream::Error)].take(&bytes);
    }
    let status = child.wait().await?;
    observer.started(None);
    let [output, errors] = tails;
    let mut last_lines = errors.lines();
    if last_lines.is_empty() {
        last_lines = output.lines();
    }
    Ok(Ended { code: status.code(), last_lines })
}

async fn read(mut from: impl AsyncRead + Unpin, stream: Stream, sender: mpsc::Sender<(Stream, Vec<u8>)>) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(read) = from.read(&mut buffer).await {
        if read == 0 || sender.send((stream, buffer[..read].to_vec())).await.is_err() {
            break;
        }
    }
}

/// The last bytes of a stream.
#[derive(Default)]
struct Tail(Vec<u8>);

/// Bytes that are kept to find the last lines in.
const KEPT: usize = 16 * 1024;

impl Tail {
    fn take(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
        if self.0.len() > 2 * KEPT {
            self.0.drain(..self.0.len() - KEPT);
        }
    }

    fn lines(self) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.0);
        // A progress bar writes over itself: what stood last on the line counts.
        let shown = |line: &str| line.trim_end_matches('\r').rsplit('\r').next().unwrap_or_default().to_owned();
        let lines: Vec<String> = text.lines().map(shown).filter(|line| !line.trim().is_empty()).collect();
        lines[lines.len().saturating_sub(KEPT_LINES)..].to_vec()
    }
}
