//! `remuda up`: pages, API and the live model on one port.

use super::{Exit, FINE};
use crate::server::{self, Address};
use crate::session::Session;
use clap::Args;
use remuda_app::{Result, Source};
use std::net::SocketAddr;
use std::sync::Arc;

/// Serve pages, API and the live model on one port.
#[derive(Args)]
#[command(
    after_help = "Serves on 127.0.0.1 only, unless told otherwise. Another address needs a token for every caller:
make one first with `remuda team token MEMBER`.

Examples:
  remuda up --open
  remuda up --listen 0.0.0.0:7777"
)]
pub(crate) struct Up {
    /// The address to listen on; without it, 127.0.0.1:7777 or the next free port.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
    /// Open the board in a browser.
    #[arg(long)]
    open: bool,
}

pub(crate) async fn run(up: Up, session: &Session) -> Result<Exit> {
    let root = session.root()?;
    let address = Address::bind(up.listen).await?;
    let app = session.app(&root).await?;
    let source = Arc::new(Source::new(root.clone(), session.default_actor(&root)));
    let serving = server::Serving { app, source, address, open: up.open };
    server::serve(serving, session).await?;
    Ok(FINE)
}
