//! What the next start repairs: scratch left by a crash, runs whose process is gone, predictions still in a spool.

use crate::app::App;
use crate::error::Result;

/// Repairs what a crash left behind. Called whenever an application is opened; cheap when there is nothing to do.
pub(crate) async fn recover(app: &App) -> Result<()> {
    app.sweep();
    crate::run::close_dead_runs(app).await?;
    crate::serving::drain_spool(app).await?;
    Ok(())
}

/// Whether a process of this machine lives. Where that cannot be told, it does.
pub(crate) fn process_lives(process: u32) -> bool {
    let table = std::path::Path::new("/proc");
    !table.join("self").exists() || table.join(process.to_string()).exists()
}

/// This machine and process, as leases name their holder.
pub(crate) fn holder() -> String {
    format!("{}:{}", host(), std::process::id())
}

/// Whether the process behind a holder is known to be gone: it was on this machine and has no entry any more.
pub(crate) fn holder_is_gone(holder: &str) -> bool {
    match holder.rsplit_once(':') {
        Some((machine, process)) if machine == host() => {
            process.parse::<u32>().is_ok_and(|process| !process_lives(process))
        }
        _ => false,
    }
}

fn host() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}/{}", name.trim(), boot.trim().chars().take(8).collect::<String>())
}
