//! What the face is given: the application, where definitions come from, how strict it is.

use remuda_app::{App, Source};
use std::net::SocketAddr;
use std::sync::Arc;

/// Everything that pages and API need. Cheap to clone.
#[derive(Clone)]
pub struct Web {
    /// The application.
    pub app: App,
    /// Where definitions come from.
    pub source: Arc<Source>,
    /// How strict it is.
    pub options: Options,
    /// The product that is served.
    pub product: Arc<str>,
}

/// How strict the face is.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether callers must say who they are. Off only works on a loopback address: see [`Options::asks`].
    pub authentication: bool,
    /// The address that the server listens on.
    pub bound: SocketAddr,
}

impl Options {
    /// Whether callers must say who they are. An address that other machines can reach always asks, whatever
    /// `authentication` says.
    pub fn asks(&self) -> bool {
        self.authentication || !self.bound.ip().is_loopback()
    }
}
