//! # remuda-stats: numbers only
//!
//! Counts and `f64` in, numbers out. This crate knows no table, no file, no ledger, no word of the product; it does
//! not print, ask the time, or keep state. Where a number does not exist it says why ([`Undefined`]), and it never
//! answers with NaN, with a panic, or with a silent zero.
//!
//! A walk through it:
//!
//! * [`estimate`]: the shape of every answer, a value with two one-sided bounds.
//! * What a gate asks first: [`proportion`] (accuracy, recall, precision), [`f1`], [`auc`], [`paired`] (new against
//!   old), [`mean`] (losses, costs), [`quantile`] (latencies), [`bootstrap`] (everything else), and [`price`]: how many
//!   labels would settle an undecided criterion.
//! * The metrics themselves: [`classification`], [`scoring`], [`regression`], [`ranking`], [`calibration`];
//!   and the [`threshold`] at which a score is cheapest to act on.
//! * Groups and samples: [`difference`] of two groups, [`cluster`], [`fairness`], [`slices`] where losses are greater,
//!   [`label_noise`], [`prediction_powered`], [`conformal`], [`multiplicity`] of claims, the
//!   [`luck`] in the best of many.
//! * Over time: [`drift`] between two samples, [`sequential`] looks, [`adaptivity`] of repeated use of one holdout.
//! * Between people: [`agreement`] of annotators.
//! * Beneath all: [`special`] functions.

pub mod adaptivity;
pub mod agreement;
pub mod auc;
pub mod bootstrap;
pub mod calibration;
pub mod classification;
pub mod cluster;
pub mod confident;
pub mod conformal;
pub mod curves;
pub mod difference;
pub mod drift;
pub mod estimate;
pub mod f1;
pub mod fairness;
pub mod label_noise;
pub mod luck;
pub mod mean;
pub mod multiplicity;
pub mod paired;
pub mod paired_numbers;
pub mod prediction_powered;
pub mod price;
pub mod proportion;
pub mod quantile;
mod random;
pub mod ranking;
pub mod regression;
pub mod scoring;
pub mod sequential;
pub mod slices;
pub mod special;
pub mod threshold;
pub mod unlabelled;
pub mod weighted;

pub use estimate::{Estimate, Interval, Result, Undefined};
