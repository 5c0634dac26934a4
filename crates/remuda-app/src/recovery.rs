//! What the next start repairs: scratch left by a crash, runs whose process is gone, predictions still in a spool.

use crate::app::App;
use crate::error::Result;

/// Repairs what a crash left behind. Called whenever an application is opened; cheap when there is nothing to do.
/// Where there is no room, or nothing may be written, reading goes on: what waits is said.
pub(crate) async fn recover(app: &App) -> Result<Vec<String>> {
    if app.ledger.is_read_only() {
        return Ok(vec!["The ledger may not be written here: it can be read, as it is.".to_owned()]);
    }
    app.sweep();
    for blobs in [app.blobs.clone(), app.artifact_blobs()] {
        if let Err(error) = blobs.sweep_temporary().await {
            tracing::warn!(%error, "half-written blobs stay");
        }
    }
    let mut notes = Vec::new();
    match crate::run::close_dead_runs(app).await {
        Err(error) if error.is_about_disk() => {
            notes.push(format!("Runs whose process is gone still show as running: {error}."));
        }
        other => other?,
    }
    // The spool keeps what could not be moved: nothing is lost, and the next start tries again.
    match crate::serving::drain_spool(app).await {
        Ok(refused) => notes.extend(refused),
        Err(error) => notes.push(format!("Predictions wait in the spool and are not counted yet: {error}.")),
    }
    Ok(notes)
}

/// What a server does now and then while it runs: runs of which nothing is heard any more are closed.
pub async fn tend(app: &App) {
    if app.ledger.is_read_only() {
        return;
    }
    if let Err(error) = crate::run::close_dead_runs(app).await {
        tracing::warn!(%error, "runs whose process is gone still show as running");
    }
}

/// Whether a process of this machine lives. Where that cannot be told, it does. A zombie does not live.
pub(crate) fn process_lives(process: u32) -> bool {
    let table = std::path::Path::new("/proc");
    if !table.join("self").exists() {
        return true;
    }
    start_of(process).is_some()
}

/// When a process began (clock ticks since the machine did), or `None` when it is gone or a zombie. The fields after
/// the program's name, which may hold anything, begin behind the last bracket (proc(5), `/proc/PID/stat`).
fn start_of(process: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") { None } else { fields.nth(18)?.parse().ok() }
}

/// This process, so that another one with the same number is not taken for it: `NUMBER.START`.
pub(crate) fn process_mark() -> String {
    let process = std::process::id();
    format!("{process}.{}", start_of(process).unwrap_or_default())
}

/// Whether the process behind a mark lives.
pub(crate) fn marked_process_lives(mark: &str) -> bool {
    let Some((process, start)) = mark.split_once('.') else { return false };
    let (Ok(process), Ok(start)) = (process.parse::<u32>(), start.parse::<u64>()) else { return false };
    process_lives(process) && start_of(process).is_none_or(|begun| begun == start)
}

/// This machine and process, as leases name their holder.
pub(crate) fn holder() -> String {
    format!("{}:{}", host(), process_mark())
}

/// Whether the process behind a holder is known to be gone: it was on this machine and has no entry any more.
pub(crate) fn holder_is_gone(holder: &str) -> bool {
    match holder.rsplit_once(':') {
        Some((machine, mark)) if machine == host() => !marked_process_lives(mark),
        _ => false,
    }
}

/// Whether the process behind a holder is seen to live: it is on this machine.
pub(crate) fn holder_lives(holder: &str) -> bool {
    match holder.rsplit_once(':') {
        Some((machine, mark)) => machine == host() && marked_process_lives(mark),
        None => false,
    }
}

/// This machine, since it was started, as far as its processes see each other: containers have lists of processes of
/// their own, and a number says nothing outside of its list.
fn host() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let list = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let list: String = list.to_string_lossy().chars().filter(char::is_ascii_digit).collect();
    format!("{}/{}/{list}", name.trim(), boot.trim().chars().take(8).collect::<String>())
}
