//! `remuda sync`: what runs left in their spools is delivered.

use super::{Exit, FINE, NOT_MET};
use crate::remote::Remote;
use crate::render;
use crate::runner::{Forwarder, Moved};
use crate::session::Session;
use clap::Args;
use remuda_app::run::spool::{self, Head, Journal, Reader, Spool, Waiting};
use remuda_app::{Error, Result};
use serde::Serialize;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

/// Deliver what runs logged while their server was away.
#[derive(Args)]
#[command(
    after_help = "What a run logs lies in `.remuda/spool-runs` until its server has it. Each record is delivered once,
however often this is interrupted.

Examples:
  remuda sync
  remuda sync --server https://remuda.example.org"
)]
pub(crate) struct Sync {}

/// What came of a spool.
#[derive(Debug, Serialize)]
pub(crate) struct Synced {
    /// What lay in it.
    #[serde(flatten)]
    pub(crate) waiting: Waiting,
    /// Records that were delivered now.
    pub(crate) delivered: u64,
    /// Why it was not delivered to the end.
    pub(crate) trouble: Option<String>,
}

pub(crate) async fn run(_sync: Sync, session: &Session) -> Result<Exit> {
    let root = session.root()?;
    let mut all = Vec::new();
    for waiting in spool::waiting(&root)? {
        session.progress.tell(0.0, &format!("delivering {}", waiting.run.as_deref().unwrap_or(&waiting.spool)));
        all.push(if waiting.live {
            Synced { waiting, delivered: 0, trouble: Some("its run goes on, and delivers by itself".to_owned()) }
        } else {
            deliver(&root, waiting, session).await
        });
    }
    session.answer(&all, |all, _| render::sync::synced(all))?;
    Ok(if all.iter().any(|synced| synced.trouble.is_some() && !synced.waiting.live) { NOT_MET } else { FINE })
}

async fn deliver(root: &Path, waiting: Waiting, session: &Session) -> Synced {
    let mut synced = Synced { waiting, delivered: 0, trouble: None };
    if let Err(error) = deliver_all(root, &mut synced, session).await {
        synced.trouble = Some(error.message);
    }
    synced
}

async fn deliver_all(root: &Path, synced: &mut Synced, session: &Session) -> Result<()> {
    let Some(spool) = Spool::open(root, &synced.waiting.spool)? else {
        synced.waiting.live = true;
        return Err(Error::new("request.invalid", "somebody else is at work on it"));
    };
    let spool = Arc::new(spool);
    let journal = Journal::open(&spool.folder)?;
    end_if_dead(&spool, &journal).await?;
    let url = session.globals.server.clone().unwrap_or_else(|| spool.about.server.clone());
    let files = session.context().ok().map(|context| context.files);
    let remote = Arc::new(Remote::new(&url, session.globals.token.clone(), files)?);
    let mut forwarder = Forwarder::new(spool.clone(), remote)?;
    let through = *journal.durable().borrow();
    let before = forwarder.stand();
    let ended = loop {
        match forwarder.advance(through).await {
            Ok(Moved::Some) => {
                let share = forwarder.stand().0 as f64 / through.max(1) as f64;
                session.progress.tell(share, "delivering");
            }
            Ok(Moved::Nothing) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    let (delivered, refused) = forwarder.stand();
    synced.waiting.refused = refused;
    synced.delivered = delivered - before.0 - (refused - before.1);
    synced.waiting.records = through - delivered;
    ended?;
    drop(forwarder);
    if let Some(spool) = Arc::into_inner(spool) {
        spool.remove()?;
    }
    Ok(())
}

/// A run whose runner was killed has no end in its journal: it failed.
async fn end_if_dead(spool: &Spool, journal: &Journal) -> Result<()> {
    let mut reader = Reader::open(&spool.folder)?;
    let (mut run, mut ended) = (None, false);
    while let Some(record) = reader.next(u64::MAX)? {
        run = run.or_else(|| spool::run_of(&record));
        ended |= record.head.path == "/api/v1/run/finish";
    }
    let Some(run) = run.filter(|_| !ended) else { return Ok(()) };
    let finish = remuda_app::run::Finish {
        run,
        status: "failed".to_owned(),
        exit_code: None,
        note: "its process ended without finishing it".to_owned(),
    };
    let at = jiff::Timestamp::now().as_millisecond();
    let head = Head { method: "POST".to_owned(), path: "/api/v1/run/finish".to_owned(), at, file: None };
    journal.append(&head, json!(finish).to_string().as_bytes()).await.map(|_| ())
}
