//! What stops us is handed on to the command, which gets some time to end by itself; a second signal ends it at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long the command gets.
const GRACE: Duration = Duration::from_secs(10);

/// The process of the tracked command, while it runs.
#[derive(Clone, Default)]
pub(crate) struct Child {
    process: Arc<Mutex<Option<u32>>>,
    stopped: Arc<AtomicBool>,
}

impl Child {
    /// It runs as this process, or no more.
    pub(crate) fn set(&self, process: Option<u32>) {
        *self.process.lock().unwrap_or_else(PoisonError::into_inner) = process;
    }

    /// Whether a signal came while it ran.
    pub(crate) fn was_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    fn get(&self) -> Option<u32> {
        *self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until the work must be given up: a signal came, the command had its time, or nothing runs that could end.
pub(crate) async fn until_stopped(child: Child) {
    let signal = received().await;
    child.stopped.store(true, Ordering::Relaxed);
    let Some(process) = child.get() else { return };
    // The keys Ctrl-C reach the command by the terminal, not through us.
    let by_keys = signal == "INT" && std::io::IsTerminal::is_terminal(&std::io::stdin());
    if !by_keys {
        let number = process.to_string();
        let _ = tokio::process::Command::new("kill").args([&format!("-{signal}"), number.as_str()]).status().await;
    }
    tokio::select! {
        () = tokio::time::sleep(GRACE) => {}
        _ = received() => {}
    }
}

#[cfg(unix)]
async fn received() -> &'static str {
    use tokio::signal::unix::{SignalKind, signal};
    async fn one(kind: SignalKind) {
        match signal(kind) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    }
    tokio::select! {
        () = one(SignalKind::interrupt()) => "INT",
        () = one(SignalKind::terminate()) => "TERM",
        () = one(SignalKind::hangup()) => "HUP",
    }
}

#[cfg(not(unix))]
async fn received() -> &'static str {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
    "INT"
}
