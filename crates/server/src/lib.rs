//! Peerloom's rendezvous server: peers that share no origin find each other, and the server can't
//! read what it carries.
//!
//! The library is the [`Hub`], a pure state machine: no socket, clock, timer or task. The program
//! around it is behind the feature `serve`; the simulator does without. What is said is in
//! `docs/protocol/rendezvous.md`, how to run it in `docs/operations.md`.

#![deny(clippy::indexing_slicing)]

pub mod hub;

pub use hub::{Hub, Input, Limits, Names, Output};
