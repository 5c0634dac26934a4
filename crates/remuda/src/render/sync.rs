//! What waits in spools, and what came of delivering it.

use super::paint;
use crate::commands::sync::Synced;
use remuda_app::run::spool::Waiting;
use remuda_model::text::count;

/// `sync`.
pub(crate) fn synced(all: &[Synced]) -> String {
    if all.is_empty() {
        return "Nothing waits: all that runs logged is on its server.\n".to_owned();
    }
    let mut out = String::new();
    for synced in all {
        let waiting = &synced.waiting;
        let name = waiting.run.as_deref().unwrap_or(&waiting.spool);
        let icon = if synced.trouble.is_some() { paint::yellow("?") } else { paint::green("✓") };
        let delivered = count(synced.delivered, "record");
        out.push_str(&format!("{icon} run {}: {delivered} delivered to {}", paint::bold(name), waiting.server));
        if waiting.records > 0 {
            out.push_str(&format!(", {} wait", count(waiting.records, "record")));
        }
        if waiting.refused > 0 {
            out.push_str(&format!(", {} refused (`.remuda/refused-records` keeps them)", waiting.refused));
        }
        if let Some(trouble) = &synced.trouble {
            out.push_str(&format!(": {trouble}"));
        }
        out.push('\n');
    }
    out
}

/// A sentence for the end of another command.
pub(crate) fn waits(waiting: &[Waiting]) -> Option<String> {
    let left: Vec<&Waiting> = waiting.iter().filter(|waiting| !waiting.live && waiting.records > 0).collect();
    let records: u64 = left.iter().map(|waiting| waiting.records).sum();
    if left.is_empty() {
        return None;
    }
    let runs = count(left.len() as u64, "run");
    Some(format!("{} of {runs} wait for their server: `remuda sync` delivers them", count(records, "record")))
}
