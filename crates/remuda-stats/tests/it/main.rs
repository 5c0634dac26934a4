//! The integration tests of remuda-stats: reference values, properties, bad input.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod agreement_cases;
mod bad_input;
mod bootstrap;
mod comparisons;
mod properties;
mod reference;
mod slices;
mod special;
mod threshold;
