//! `remuda demo`: a team's history on generated tickets, then its board with traffic on it.

use super::{Exit, FINE};
use crate::server::{self, Address};
use crate::session::Session;
use clap::Args;
use remuda_app::{Actor, Error, Result, Source};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// Tell a team's whole history on generated tickets, then serve its board with simulated traffic.
#[derive(Args)]
#[command(after_help = "Everything on the pages is computed by the same commands that you use; nothing is painted.

Examples:
  remuda demo
  remuda demo --no-open --listen 127.0.0.1:8080 --folder tickets-demo")]
pub(crate) struct Demo {
    /// The address to listen on; without it, 127.0.0.1:7777 or the next free port.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Do not open a browser.
    #[arg(long)]
    no_open: bool,
    /// The folder to make the product in; without it, a new one among the machine's temporary files.
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

pub(crate) async fn run(demo: Demo, session: &Session) -> Result<Exit> {
    let address = Address::bind(demo.listen).await?;
    let folder = match demo.folder {
        Some(folder) => folder,
        None => new_folder()?,
    };
    session.say("A team works on support tickets; this takes less than a minute.");
    let told = remuda_app::demo::tell(&folder, session.progress.as_progress()).await?;
    let root = told.root;
    session.say(&format!("The product lies in {}", root.display()));
    let app = session.app(&root).await?;
    // Whoever watches the demo acts as the product's owner, so that its forms work.
    let owner = Actor { name: "owner".to_owned(), email: None, roles: Vec::new() };
    let source = Arc::new(Source::new(root, owner));
    let serving = server::Serving { app, source, address, open: !demo.no_open };
    server::serve(serving, session).await?;
    Ok(FINE)
}

/// `remuda-demo-1`, `remuda-demo-2`, …: the first that is free, so that nothing old is touched.
fn new_folder() -> Result<PathBuf> {
    let parent = std::env::temp_dir();
    for number in 1..10_000 {
        let folder = parent.join(format!("remuda-demo-{number}"));
        match std::fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                return Err(Error::new("repository.unusable", format!("cannot make {}", folder.display()))
                    .hint("name another folder with `--folder DIR`")
                    .caused_by(&error));
            }
        }
    }
    Err(Error::new("repository.unusable", format!("too many old demos in {}", parent.display()))
        .hint("remove them, or name a folder with `--folder DIR`"))
}
