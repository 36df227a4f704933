//! Peerloom's rendezvous server: peers that share no origin find each other, and the server can't
//! read what it carries.
//!
//! The library is the [`Hub`], a pure state machine: no socket, clock, timer or task. What is said is
//! in `docs/protocol/rendezvous.md`.

#![deny(clippy::indexing_slicing)]

pub mod hub;

pub use hub::{Hub, Input, Limits, Names, Output};
