//! The shape that all protocols share.

use alloc::vec::Vec;

use crate::time::{Instant, Now};

/// A protocol as a pure state machine: it owns no socket, clock, timer or task, and what
/// randomness it needs is a seeded stream given to it.
///
/// The contract, checked by the simulator for the whole node:
/// - `handle` runs to completion: all that follows from `input` is in `out` when it returns;
/// - the same inputs at the same times give the same effects;
/// - no input panics, whatever bytes a peer sent;
/// - `handle_timeout` before the deadline does nothing.
///
/// Handlers of single inputs are `#[inline(never)]`. Without that the whole node becomes one
/// function of 36 kB, and Chromium, once that is warm, spends 100 ms of processor time in each tab
/// on compiling it anew, just when the first peers appear: eight tabs took 1,050 ms instead of 730
/// to connect (measured 2026-11-20).
pub trait Machine {
    /// What the node tells the protocol.
    type Input;
    /// What the protocol asks of the node.
    type Effect;

    /// Takes one input to completion.
    fn handle(&mut self, now: Now, input: Self::Input, out: &mut Vec<Self::Effect>);

    /// Returns the next moment at which `handle_timeout` has work to do.
    fn poll_timeout(&self) -> Option<Instant>;

    /// Does what is due at `now`.
    fn handle_timeout(&mut self, now: Now, out: &mut Vec<Self::Effect>);
}
