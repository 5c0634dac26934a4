//! The stories of remuda-data: real files, malformed files, versions that share parts, rows and predicates.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod diff;
mod infer;
mod ingest;
mod malformed;
mod predicate;
mod real;
mod rows;
mod slices;
mod support;
