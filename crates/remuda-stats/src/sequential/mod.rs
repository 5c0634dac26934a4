//! Looking more than once: boundaries that stay valid while data arrive.
//!
//! `planned` has looks fixed beforehand (what a gate uses), `rate` tests and intervals for a rate valid at any time, and
//! `mixture` the boundaries for sums that they are built on.

pub mod mixture;
pub mod planned;
pub mod rate;
