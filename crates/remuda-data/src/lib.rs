//! Tables on disk: every number that remuda shows about data begins here.
//!
//! - [`infer`] reads an unknown file and drafts its contract, its profile and what looks odd
//! - [`ingest`] streams a file into the parts of a version, typed and checked by its contract
//! - [`diff`] compares two versions row by row; parts that both have are never read
//! - [`read`] loads a split, or all, of a version as [`Rows`]; [`chunks`] streams any file; [`json_rows`] and
//!   [`json_table`] type what a request brings; [`run_sql`] runs a query over versions
//! - [`behaviour`] fills, changes and judges the rows of behavioural tests
//! - [`check_predicate`] tells whether a line of SQL may filter rows
//! - [`levels`] makes columns into levels to slice by, and says in SQL what each holds
//!
//! What this crate will never know: ledgers, blob stores, permissions, clocks, models, terminals. DataFusion, Arrow
//! and Parquet stay behind this page: none of their types is public.

pub mod behaviour;
mod cell;
mod chunks;
mod columns;
mod cut;
mod diff;
mod draft;
mod error;
mod export;
mod format;
mod infer;
mod ingest;
mod json;
mod oddity;
mod part;
pub mod phrases;
mod predicate;
mod profile;
mod read;
mod rows;
mod rules;
mod slices;
mod source;
mod sql;
mod time;

pub use chunks::{Chunks, chunks};
pub use diff::{CellChange, Diff, RowChange, RowChangeKind, diff};
pub use error::{Cause, DataError, Finding, PredicateError};
pub use export::RowWriter;
pub use format::Format;
pub use infer::{InferRequest, Inference, infer, task_of};
pub use ingest::{IngestRequest, Ingested, ingest};
pub use json::{json_rows, json_table};
pub use part::Parts;
pub use predicate::{check_expression, check_predicate};
pub use read::{ReadRequest, read, read_now};
pub use rows::Rows;
pub use slices::{Cutting, Levels, levels};
pub use sql::run_sql;
