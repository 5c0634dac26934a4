//! The built program, as people use it: a product's whole story at the terminal, the same story through a server,
//! and what goes wrong said well. Snapshots hold whole outputs; `INSTA_UPDATE=always` writes them anew.

mod bad_disk;
mod bad_input;
mod bad_luck;
mod behaviour;
mod browser;
mod chromium;
mod gate_check;
mod harness;
mod inference;
mod journey;
mod mistakes;
mod outages;
mod own_model;
mod reproduce;
mod shop;
