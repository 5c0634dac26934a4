//! Use cases of remuda: the only caller of repository, ledger, data, learners and statistics.
//!
//! A use case is a request struct and one function that authorises, pins definitions, computes, and appends facts in
//! one transaction ([`use_case::UseCase`]). Faces (terminal, API, pages, inference server) translate and render; they
//! hold no rule. Clock and ids come from here ([`app`]), so the layers beneath invent nothing.
//!
//! - [`app`]: the seams held together; [`context`]: who calls, with which definitions; [`error`]: the one error
//! - [`use_case`]: the seam to the faces, and the list of all use cases
//! - [`product`] (init, check, status) and the nouns: [`requirement`], [`data`], [`run`], [`model`], [`gate`],
//!   [`analysis`], [`team`], [`release`], [`serving`], [`feedback`], [`ledger`]
//! - [`demo`]: a team's history told by the same use cases

pub mod analysis;
pub mod app;
pub mod context;
pub mod data;
pub mod demo;
pub mod error;
pub mod feedback;
pub mod gate;
pub mod ledger;
pub mod model;
mod pin;
pub mod product;
mod recovery;
pub mod release;
pub mod requirement;
pub mod run;
mod scratch;
pub mod serving;
pub mod team;
mod uploads;
pub mod use_case;

pub use app::App;
pub use context::{Actor, Context, Source};
pub use error::{Error, Kind, Result};
pub use recovery::tend;
pub use remuda_model as words;
pub use use_case::{Access, Caller, Local, UseCase, Visitor, visit_all};
