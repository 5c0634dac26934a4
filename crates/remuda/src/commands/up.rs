//! `remuda up`: pages, API and the live model on one port.

use super::{Exit, FINE};
use crate::server::{self, Address};
use crate::session::Session;
use clap::Args;
use remuda_app::{Error, Result, Source};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// Serve pages, API and the live model on one port.
#[derive(Args)]
#[command(
    after_help = "Serves on 127.0.0.1 only, unless told otherwise. Another address needs a token for every caller:
make one first with `remuda team token MEMBER`. In a folder without a product one is begun, for runs.

Examples:
  remuda up --open
  MLFLOW_TRACKING_URI=http://127.0.0.1:7777 python train.py     scripts track their runs here
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

/// Makes a product of a folder that is none: scripts can track their runs here at once.
fn begin(session: &Session, missing: Error) -> Result<PathBuf> {
    let named = session.globals.product.clone().unwrap_or_else(|| PathBuf::from("."));
    let Ok(folder) = std::fs::canonicalize(&named) else { return Err(missing) };
    let product = remuda_app::product::begin_bare(&folder, &session.default_actor(&folder))?;
    session.say(&format!("There was no product here, so remuda.toml now says that this folder is `{product}`. Scripts can track their runs here;"));
    session.say("data and requirements come with `remuda init`. To undo it, delete remuda.toml and .remuda/.");
    Ok(folder)
}

pub(crate) async fn run(up: Up, session: &Session) -> Result<Exit> {
    let root = match session.root() {
        Err(error) if error.code == "definition.missing" => begin(session, error)?,
        found => found?,
    };
    let address = Address::bind(up.listen).await?;
    let app = session.app(&root).await?;
    let source = Arc::new(Source::new(root.clone(), session.default_actor(&root)));
    let serving = server::Serving { app, source, address, open: up.open };
    server::serve(serving, session).await?;
    Ok(FINE)
}
