//! The shape that all protocols share.

use crate::time::{Instant, Now};

/// A protocol as a pure state machine: it owns no socket, clock, timer or task, and what
/// randomness it needs is a seeded stream given to it.
///
/// The contract, checked by the simulator for the whole node:
/// - `handle` runs to completion: all that follows from `input` is in `out` when it returns;
/// - the same inputs at the same times give the same effects;
/// - no input panics, whatever bytes a peer sent;
/// - `handle_timeout` before the deadline does nothing.
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
