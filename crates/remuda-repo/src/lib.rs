//! The team's git repository and the definition files in it.
//!
//! What lives here: finding and reading definition files ([`files`]), checking them all at once with the place of
//! every finding ([`check()`]), writing them ([`render`], [`mod@scaffold`]) and adding to them ([`edit`]), MLflow's file store ([`mlruns`]), and git ([`git`]): snapshots of code, who
//! changed what, differences between two snapshots. What never does: the ledger, tables, printing, environment
//! every finding ([`check()`]), writing them ([`render`], [`mod@scaffold`]) and adding to them ([`edit`]), git ([`git`]): snapshots of code, who
//! changed what, differences between two snapshots; working files packed and given back ([`archive`]), and the search
//! for secrets in them ([`secrets`]). What never does: the ledger, tables, printing, environment
//! variables or clocks; and nothing here touches the index, the branch or the working files of a repository that it
//! did not create.
//!
//! [`check()`] is a function of texts, so it works as well on files that came over the wire. A definition file is
//! parsed into a tree that remembers the place of each key and value (`tree`), then read by one file per noun
//! (`team`, `data`, `requirement`, `run`, `serving`, `behaviour`, `analysis`), each of which reports all that is wrong
//! with it.

mod analysis;
pub mod archive;
mod behaviour;
mod data;
pub mod definitions;
pub mod edit;
mod error;
pub mod files;
pub mod git;
pub mod mlmodel;
pub mod mlruns;
pub mod render;
mod requirement;
pub mod retention;
pub mod run;
pub mod scaffold;
pub mod secrets;
pub mod seeds;
mod serving;
mod source;
mod team;
mod tree;

pub use definitions::{CriterionFault, CriterionParser, Defined, Definitions, check, parse_criterion};
pub use error::RepoError;
pub use files::{DefinitionFiles, find_root, read_files};
pub use scaffold::scaffold;
