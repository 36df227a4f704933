//! What a hub counts: for metrics, and for tests. No ids.

use peerloom_wire::rendezvous::Reason;

/// One more than the highest code of a reason.
const CODES: usize = 32;

/// What happened since a hub began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections that came in, let in or not.
    pub connections: u64,
    /// Clients that showed who they are.
    pub registrations: u64,
    /// Pairs that were introduced to each other.
    pub introductions: u64,
    /// Envelopes that were handed on.
    pub envelopes: u64,
    /// Envelopes to somebody who can't be written to.
    pub envelopes_away: u64,
    /// Messages that came in.
    pub received_messages: u64,
    /// Bytes of messages that came in.
    pub received_bytes: u64,
    /// Messages that went out.
    pub sent_messages: u64,
    /// Bytes of messages that went out.
    pub sent_bytes: u64,
    /// By the reason's code: messages that were refused.
    refused: [u64; CODES],
    /// By the reason's code: connections that were closed.
    closed: [u64; CODES],
}

/// What there is at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Connections, in whatever state.
    pub connections: usize,
    /// Registered peers.
    pub peers: usize,
    /// Tags with members.
    pub rooms: usize,
    /// Addresses that are remembered.
    pub addresses: usize,
    /// Bytes that wait to be read by clients.
    pub queued_bytes: usize,
    /// What the limit of memory is about.
    pub memory_bytes: usize,
}

impl Counters {
    /// Returns how many messages were refused for this reason.
    #[must_use]
    pub fn refused(&self, reason: Reason) -> u64 {
        self.refused.get(usize::from(reason.code())).copied().unwrap_or(0)
    }

    /// Returns how many connections were closed for this reason.
    #[must_use]
    pub fn closed(&self, reason: Reason) -> u64 {
        self.closed.get(usize::from(reason.code())).copied().unwrap_or(0)
    }

    pub(super) fn refuse(&mut self, reason: Reason) {
        count(&mut self.refused, reason);
    }

    pub(super) fn close(&mut self, reason: Reason) {
        count(&mut self.closed, reason);
    }
}

fn count(counts: &mut [u64; CODES], reason: Reason) {
    if let Some(count) = counts.get_mut(usize::from(reason.code())) {
        *count += 1;
    }
}
