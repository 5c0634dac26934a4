//! What answers look like in a terminal: functions from an answer to text, one file per noun.
//!
//! Colours are written always and taken out by [`crate::screen`] where nobody wants them, so every line must make
//! sense without them. Nothing here reads a clock, a file or the environment: [`Paper`] says what there is to know.

pub(crate) mod analysis;
pub(crate) mod card;
pub(crate) mod chart;
pub(crate) mod check;
pub(crate) mod data;
pub(crate) mod error;
pub(crate) mod feedback;
pub(crate) mod gate;
pub(crate) mod grammar;
pub(crate) mod layout;
pub(crate) mod ledger;
pub(crate) mod markdown;
pub(crate) mod model;
pub(crate) mod paint;
pub(crate) mod product;
pub(crate) mod registered;
pub(crate) mod release;
pub(crate) mod report;
pub(crate) mod requirement;
pub(crate) mod run;
pub(crate) mod run_again;
pub(crate) mod run_files;
pub(crate) mod run_import;
pub(crate) mod runs;
pub(crate) mod serving;
pub(crate) mod status;
pub(crate) mod sync;
pub(crate) mod table;
pub(crate) mod team;
pub(crate) mod words;

pub(crate) use words::short;

/// What a renderer needs to know of the world.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paper {
    /// Characters in a line.
    pub(crate) width: usize,
    /// The time, microseconds since 1970.
    pub(crate) now: i64,
}
