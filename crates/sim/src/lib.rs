//! Peerloom's world in virtual time: the very nodes that run in browsers, on a network, stores and
//! pages that a seed makes fail. Checkers stand outside and look on.
//!
//! Knows nothing about real time, sockets or browsers; equal options give equal runs. How to use it
//! and what it models is in `docs/simulator.md`.

mod act;
mod bus;
mod checkers;
mod convergence;
mod death;
mod dice;
mod directory;
mod execute;
mod fabric;
mod hostile;
mod keyring;
mod letters;
mod options;
mod posts;
mod rendezvous;
mod report;
mod schedule;
mod script;
pub mod stage;
mod store;
mod tab;
mod talk;
mod trace;
mod truth;
mod world;

#[cfg(test)]
mod tests;

pub mod scenario;
pub mod seeds;

pub use checkers::Violation;
pub use dice::Span;
pub use options::{
    APPS, CONVERGE_MS, ContentOptions, Hostility, LinkOptions, Options, SignallingOptions,
    StoreOptions, TABS_MAX, TabOptions,
};
pub use report::Report;
pub use script::{Action, Step};
pub use trace::{ReplayError, Replayed, replay};
pub use world::{World, run};
