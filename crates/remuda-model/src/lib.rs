//! The words of remuda, as plain data. One file per noun, the same nouns in every layer above.
//!
//! What lives here: the shapes that definitions, facts and verdicts have, their invariants, and the criterion
//! language (parser and printer). What never does: files, SQL, clocks, randomness, async, terminals. Everything is
//! a function of its arguments, so every layer may use it and nothing here can surprise a test.
//!
//! - [`digest`]: content addresses; [`fact`]: the unit of the ledger and its hash chain
//! - [`text`]: small helpers on words: plural forms, "did you mean", numbers for people
//! - the nouns: [`requirement`], [`data`], [`label`], [`feature`], [`run`], [`model`], [`analysis`], [`gate`],
//!   [`release`], [`serving`], [`feedback`], [`team`]
//! - [`behaviour`]: behavioural tests, as their files say them
//! - [`table`]: columns in memory, as models read them
//! - [`diagnostic`]: an error in a definition file, with its place

pub mod analysis;
pub mod behaviour;
pub mod data;
pub mod diagnostic;
pub mod digest;
pub mod fact;
pub mod feature;
pub mod feedback;
pub mod gate;
pub mod label;
pub mod model;
pub mod release;
pub mod requirement;
pub mod run;
pub mod serving;
pub mod table;
pub mod team;
pub mod text;

pub use digest::Digest;
