//! The server: one port with pages, JSON API and the live model. Wiring only.

use crate::session::Session;
use axum::Router;
use axum::serve::ListenerExt;
use remuda_app::serving::{EndpointHandle, PredictionLog, Seat};
use remuda_app::{App, Error, Result, Source};
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// Where we listen when nobody says otherwise.
const USUAL_PORT: u16 = 7777;

/// How many ports after the usual one are tried.
const PORTS: u16 = 100;

/// How long open requests get after a signal to stop.
const GRACE: Duration = Duration::from_secs(5);

/// An address that is ours.
pub(crate) struct Address {
    listener: TcpListener,
    bound: SocketAddr,
    /// The usual port was taken, so this is the next free one.
    moved: bool,
}

impl Address {
    /// Takes the address that was named, else the usual one on this machine or the next free port after it.
    pub(crate) async fn bind(named: Option<SocketAddr>) -> Result<Self> {
        if let Some(address) = named {
            let listener = TcpListener::bind(address).await.map_err(|source| cannot_listen(address, &source))?;
            return Self::of(listener, false);
        }
        for port in USUAL_PORT..USUAL_PORT + PORTS {
            let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
            match TcpListener::bind(address).await {
                Ok(listener) => return Self::of(listener, port != USUAL_PORT),
                Err(error) if error.kind() == ErrorKind::AddrInUse => {}
                Err(error) => return Err(cannot_listen(address, &error)),
            }
        }
        Err(Error::new("request.invalid", format!("no port from {USUAL_PORT} on is free"))
            .hint("name an address with `--listen 127.0.0.1:PORT`"))
    }

    fn of(listener: TcpListener, moved: bool) -> Result<Self> {
        let bound = listener.local_addr()?;
        Ok(Self { listener, bound, moved })
    }
}

fn cannot_listen(address: SocketAddr, source: &std::io::Error) -> Error {
    let error = Error::new("request.invalid", format!("cannot listen on {address}")).caused_by(source);
    if source.kind() == ErrorKind::AddrInUse {
        return error
            .hint("another program listens there: name another port, or leave out `--listen` for the next free one");
    }
    error
}

/// What is served.
pub(crate) struct Serving {
    /// The application.
    pub(crate) app: App,
    /// Where contexts come from.
    pub(crate) source: Arc<Source>,
    /// Where.
    pub(crate) address: Address,
    /// Open the board in a browser.
    pub(crate) open: bool,
}

/// Serves until a signal to stop.
pub(crate) async fn serve(serving: Serving, session: &Session) -> Result<()> {
    let Serving { app, source, address, open } = serving;
    let Address { listener, bound, moved } = address;
    start_logging();
    let authentication = !bound.ip().is_loopback();
    if authentication {
        need_token(&app, bound).await?;
    }
    let product = source.context(None)?.product()?.name.clone();
    let url = url_of(bound);
    // Held until we end.
    let _seat = Seat::take(&app, &url)?;
    let handle = EndpointHandle::start(app.clone(), source.clone()).await;
    let log = Arc::new(PredictionLog::start(app.clone(), &product)?);
    let options = remuda_web::Options { authentication, bound };
    let web = remuda_web::Web { app: app.clone(), source, options, product: product.as_str().into() };
    let trouble = handle.trouble();
    let live = handle.current().map(|endpoint| (endpoint.name.clone(), endpoint.release.clone()));
    let tended = app.clone();
    let inference = remuda_serve::router(remuda_serve::Serve { app, handle, log: log.clone() });
    // The inference routes go behind the same guard as the pages: tokens, hosts and origins are judged once.
    let router = remuda_web::guarded(&web, inference).merge(remuda_web::router(web));
    let signals = Signals::listen();
    tokio::spawn(tend(tended));
    announce(session, &product, &url, moved, live, trouble);
    if open {
        open_browser(&url);
    }
    run(listener, router, signals).await?;
    match Arc::into_inner(log) {
        Some(log) => log.close().await,
        // A request still holds it: its predictions lie in the spool, and the next start moves them into the ledger.
        None => Ok(()),
    }
}

/// How often a server looks for runs of which nothing is heard any more.
const TENDING: Duration = Duration::from_secs(30);

async fn tend(app: App) {
    loop {
        tokio::time::sleep(TENDING).await;
        if app.ledger.is_closed() {
            return;
        }
        remuda_app::tend(&app).await;
    }
}

/// A server beyond this machine lets nobody in without a token, so one must exist.
async fn need_token(app: &App, bound: SocketAddr) -> Result<()> {
    if remuda_app::team::has_tokens(app).await? {
        return Ok(());
    }
    Err(Error::new(
        "access.denied",
        format!("{bound} can be reached from other machines, and no member has a token yet"),
    )
    .hint("make a token first: `remuda team token MEMBER`")
    .hint("or serve this machine only: leave out `--listen`"))
}

async fn run(listener: TcpListener, router: Router, signals: Signals) -> Result<()> {
    let listener = listener.tap_io(|socket| {
        // Small answers must not wait for the acknowledgement of the ones before (Nagle).
        let _ = socket.set_nodelay(true);
    });
    let (stop, stopping) = tokio::sync::watch::channel(false);
    let mut asked = stopping.clone();
    let serving = axum::serve(listener, router).with_graceful_shutdown(async move {
        let _ = asked.wait_for(|stop| *stop).await;
    });
    let mut serving = tokio::spawn(serving.into_future());
    tokio::select! {
        ended = &mut serving => {
            ended.map_err(|error| Error::new("internal", "the server stopped").caused_by(&error))??;
            return Ok(());
        }
        () = signals.received() => {}
    }
    let _ = stop.send(true);
    // Open requests finish; a stream that never ends does not hold us.
    if tokio::time::timeout(GRACE, &mut serving).await.is_err() {
        serving.abort();
    }
    Ok(())
}

/// The signals to stop. They are listened for from the moment this is made, so that one which comes before anybody waits
/// is not the end of the process.
struct Signals {
    #[cfg(unix)]
    terminate: Option<tokio::signal::unix::Signal>,
    #[cfg(unix)]
    interrupt: Option<tokio::signal::unix::Signal>,
}

impl Signals {
    fn listen() -> Self {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            // Where no handler can be set nothing stops us but a kill.
            Self { terminate: signal(SignalKind::terminate()).ok(), interrupt: signal(SignalKind::interrupt()).ok() }
        }
        #[cfg(not(unix))]
        Self {}
    }

    #[cfg(unix)]
    async fn received(self) {
        async fn one(signal: Option<tokio::signal::unix::Signal>) {
            match signal {
                Some(mut signal) => drop(signal.recv().await),
                None => std::future::pending().await,
            }
        }
        tokio::select! {
            () = one(self.interrupt) => {}
            () = one(self.terminate) => {}
        }
    }

    #[cfg(not(unix))]
    async fn received(self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// The address as a person types it: a server on all addresses is reached by this machine's own.
fn url_of(bound: SocketAddr) -> String {
    if bound.ip().is_unspecified() {
        return format!("http://127.0.0.1:{}", bound.port());
    }
    format!("http://{bound}")
}

fn announce(
    session: &Session,
    product: &str,
    url: &str,
    moved: bool,
    live: Option<(String, String)>,
    trouble: Option<Error>,
) {
    use crate::render::paint;
    if session.globals.json {
        let release = live.as_ref().map(|(_, release)| release.as_str());
        let endpoint = live.as_ref().map(|(name, _)| name.as_str());
        let mut told = serde_json::json!({ "product": product, "url": url, "endpoint": endpoint, "release": release });
        if let Some(trouble) = &trouble {
            told["trouble"] = serde_json::json!(trouble);
        }
        session.screen.data(&told.to_string());
        return;
    }
    session.progress.clear();
    session.screen.data(&format!("{}  {}\n", paint::bold(product), paint::cyan(url)));
    if moved {
        session.say(&format!("Port {USUAL_PORT} is taken, so this is the next free one."));
    }
    if let Some(trouble) = trouble {
        session.screen.complain(&crate::render::error::error(&trouble, &session.paper()));
        session
            .say("The live release cannot be loaded, so predictions are refused; it is tried again every few seconds.");
    } else {
        session.say(&what_is_live(live, url));
    }
    session.say("Ctrl-C stops the server.");
}

/// What is live, in a sentence.
fn what_is_live(live: Option<(String, String)>, url: &str) -> String {
    match live {
        Some((name, release)) => {
            format!(
                "Live: {name}, release {}; predictions at {url}/v2/models/{name}/infer",
                crate::render::short(&release)
            )
        }
        None => "Nothing is live yet: `remuda release promote` changes that.".to_owned(),
    }
}

/// Opens a page in the browser, if there is one: nobody is told when there is not.
fn open_browser(url: &str) {
    #[cfg(target_os = "macos")]
    let programs = ["open"];
    #[cfg(target_os = "windows")]
    let programs = ["explorer"];
    #[cfg(not(any(target_os = "macos", target_os = "windows")))]
    let programs = ["xdg-open"];
    for program in programs {
        let quiet = std::process::Stdio::null;
        let started =
            std::process::Command::new(program).arg(url).stdin(quiet()).stdout(quiet()).stderr(quiet()).spawn();
        if let Ok(mut child) = started {
            // Waited for on a thread of its own, so that it does not stay as a zombie.
            std::thread::spawn(move || child.wait());
            return;
        }
    }
}

/// What the libraries notice goes to standard error; `REMUDA_LOG` chooses how much.
fn start_logging() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("REMUDA_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    // A second server in one process keeps the first one's.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;

    #[test]
    fn a_server_on_all_addresses_is_reached_by_this_machines_own() {
        assert_eq!(url_of("0.0.0.0:7777".parse().unwrap()), "http://127.0.0.1:7777");
        assert_eq!(url_of("[::]:80".parse().unwrap()), "http://127.0.0.1:80");
        assert_eq!(url_of("[::1]:80".parse().unwrap()), "http://[::1]:80");
    }
}
