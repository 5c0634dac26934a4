//! The runner of a tracked command: a local address for the script, a spool where the ledger is on a server, and
//! somebody who delivers what is in it.
//!
//! - `caller.rs`: the run's own facts go through the spool too; `forward.rs`: from the spool to the server
//! - `signals.rs`: what stops us is handed on to the command

mod caller;
mod forward;
mod signals;

pub(crate) use caller::Spooled;
pub(crate) use forward::{Forwarder, Moved};
pub(crate) use signals::{Child, until_stopped};

use crate::client::Client;
use crate::remote::Remote;
use crate::session::Session;
use axum::serve::ListenerExt as _;
use forward::Courier;
use remuda_app::app::{IdSource as _, RandomIds};
use remuda_app::run::spool::{About, Journal, Spool};
use remuda_app::{App, Context, Error, Local, Result, Source};
use remuda_web::mlflow::local::{LocalAddress, Spooling};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long the end of a run waits for another of its records to be delivered.
const PATIENCE: Duration = Duration::from_secs(20);

/// A local address, and what stands behind it.
pub(crate) struct Runner {
    address: Arc<LocalAddress>,
    /// What the script is told.
    url: String,
    /// Where people look at runs, if they can.
    pages: Option<String>,
    behind: Option<Behind>,
}

/// A spool with its courier.
struct Behind {
    courier: Courier,
    spool: Arc<Spool>,
    journal: Journal,
    app: App,
    server: String,
}

impl Runner {
    /// Opens a local address over the ledger that the client reaches, and gives the client that the run's own facts go
    /// through.
    pub(crate) async fn start(
        session: &Session,
        root: &Path,
        context: &Context,
        client: Client,
    ) -> Result<(Self, Client)> {
        let secret: String = RandomIds.secret().chars().take(32).collect();
        let complain = Arc::new(session.screen.clone());
        let tell = move |text: &str| complain.complain(&format!("remuda: {text}"));
        let source = Arc::new(Source::new(root.to_owned(), context.actor.clone()));
        let product = context.product()?.name.clone();
        let listener = tokio::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
        let bound = listener.local_addr()?;
        let options = remuda_web::Options { authentication: false, bound };
        let web = |app: App| remuda_web::Web { app, source, options, product: product.as_str().into() };
        let (address, behind, client, pages) = match client {
            Client::Local(local) => {
                let pages = remuda_app::serving::served_at(&local.app.folder);
                let address = LocalAddress::new(web(local.app.clone()), secret.clone(), None, tell);
                (address, None, Client::Local(local), pages)
            }
            Client::Remote(remote) => {
                let remote = Arc::new(remote);
                let (behind, spooling) = Behind::make(root, &remote).await?;
                let local = Local { app: behind.app.clone(), context: context.clone() };
                let address = LocalAddress::new(web(behind.app.clone()), secret.clone(), Some(spooling), tell);
                let pages = Some(behind.server.clone());
                let spooled = Spooled::new(local, behind.journal.clone(), behind.spool.clone(), remote);
                (address, Some(behind), Client::Spooled(Box::new(spooled)), pages)
            }
            spooled @ Client::Spooled(_) => {
                drop(spooled);
                return Err(Error::new("internal", "a runner stands before another one"));
            }
        };
        let router = address.router();
        let listener = listener.tap_io(|socket| {
            let _ = socket.set_nodelay(true);
        });
        tokio::spawn(axum::serve(listener, router).into_future());
        Ok((Self { address, url: format!("http://{bound}/{secret}"), pages, behind }, client))
    }

    /// What the script finds in its environment: the address, and the run that it continues.
    pub(crate) fn variables(&self, run: &str) -> Vec<(String, String)> {
        self.address.set_run(run);
        let mut all =
            vec![("MLFLOW_TRACKING_URI".to_owned(), self.url.clone()), ("MLFLOW_RUN_ID".to_owned(), run.to_owned())];
        let named = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        match named("MLFLOW_EXPERIMENT_ID").map(|id| id.parse::<i64>()) {
            Some(Ok(id)) => self.address.set_experiment(id),
            _ if named("MLFLOW_EXPERIMENT_NAME").is_some() => {}
            _ => all.push(("MLFLOW_EXPERIMENT_ID".to_owned(), "0".to_owned())),
        }
        // A proxy knows nothing of this machine's own addresses.
        for name in ["NO_PROXY", "no_proxy"] {
            let known = named(name).map(|known| format!("{known},")).unwrap_or_default();
            all.push((name.to_owned(), format!("{known}127.0.0.1")));
        }
        if named("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT").is_none() {
            // The local address ends with the run: a link to it leads nowhere.
            all.push(("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT".to_owned(), "true".to_owned()));
        }
        if named("PYTHONUNBUFFERED").is_none() {
            // What the script prints is to be seen when it prints it, though it writes into a pipe.
            all.push(("PYTHONUNBUFFERED".to_owned(), "1".to_owned()));
        }
        all
    }

    /// Where the run's page is, if somebody serves it.
    pub(crate) fn page(&self, run: &str) -> Option<String> {
        self.pages.as_ref().map(|pages| format!("{}/run/{run}", pages.trim_end_matches('/')))
    }

    /// Delivers what waits, and says what was not kept, what still waits, and what was refused.
    pub(crate) async fn finish(self, session: &Session) -> Result<()> {
        self.address.note_gaps().await;
        let (count, why) = self.address.not_kept();
        if count > 0 {
            session.screen.complain(&format!("{count} of what the script logged could not be kept: {why}"));
        }
        match self.behind {
            Some(behind) => behind.finish(session).await,
            None => Ok(()),
        }
    }
}

impl Behind {
    async fn make(root: &Path, remote: &Arc<Remote>) -> Result<(Self, Spooling)> {
        let server = remote.base().to_owned();
        let made = jiff::Timestamp::now().as_millisecond();
        let about = About { spool: RandomIds.short(), server: server.clone(), made };
        let spool = Arc::new(Spool::make(root, about)?);
        let app = App::open(&spool.folder.join("own")).await?;
        let journal = Journal::open(&spool.folder)?;
        let forwarder = Forwarder::new(spool.clone(), remote.clone())?;
        let courier = Courier::start(forwarder, journal.durable());
        let upstream = Arc::new(courier.upstream(remote.clone(), journal.durable()));
        let spooling = Spooling { folder: spool.folder.clone(), journal: journal.clone(), upstream };
        Ok((Self { courier, spool, journal, app, server }, spooling))
    }

    async fn finish(self, session: &Session) -> Result<()> {
        let Self { courier, spool, journal, app, server } = self;
        let last = *journal.durable().borrow();
        let mut standing = courier.wait_for(last, PATIENCE).await;
        while standing.delivered < last && standing.trouble.is_none() {
            let before = standing.delivered;
            standing = courier.wait_for(last, PATIENCE).await;
            if standing.delivered == before {
                break;
            }
        }
        courier.stop().await;
        app.close().await;
        if standing.refused > 0 {
            session.screen.complain(&format!(
                "{server} refused {} of what the script logged; `.remuda/refused-records` keeps them",
                standing.refused
            ));
        }
        if standing.delivered >= last {
            if let Some(spool) = Arc::into_inner(spool) {
                spool.remove()?;
            }
            return Ok(());
        }
        let left = last - standing.delivered;
        let why = standing.trouble.map(|why| format!(" ({why})")).unwrap_or_default();
        session.screen.complain(&format!(
            "{} wait in `.remuda/spool-runs` for {server}{why}; `remuda sync` delivers them",
            remuda_model::text::count(left, "record")
        ));
        Ok(())
    }
}
