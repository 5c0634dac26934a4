//! What pages are built of: each a function from plain values to markup. Nothing here asks the application.
//!
//! - [`layout`]: the page's frame; [`parts`]: times, digests, chips, banners, empty states, commands
//! - [`verdict`]: verdicts and criteria; [`interval`]: an interval against a threshold; [`curves`]: of scores; [`cost`]: over thresholds
//! - [`chart`]: histograms, bars, sparklines; [`timeline`]: traffic and metrics over time; [`table`]: boxes that scroll sideways by themselves
//! - [`forest`]: intervals below each other on one scale
//! - [`lines`]: curves of metrics; [`spread`]: many runs in one drawing
//! - [`graph`]: causes and effects, with places by `layers`
//! - [`diff`]: what differs; [`action`]: commands that a button can carry out; [`prose`]: Markdown

pub mod action;
pub mod chart;
pub mod cost;
pub mod curves;
pub mod diff;
pub mod forest;
pub mod graph;
pub mod interval;
mod layers;
pub mod layout;
pub mod lines;
pub mod parts;
pub mod prose;
pub mod spread;
pub mod table;
pub mod timeline;
pub mod verdict;

pub use layout::{Frame, Page, Section, Theme};
