//! The face, tested as those who use it meet it: pages over example answers, and the whole router over HTTP.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod api;
mod artifacts;
mod guard;
mod pages;
mod samples;
mod server;
mod visit;
