//! Envelopes on their way from one peer to another. They are not looked into.

use core::time::Duration;

use bytes::Bytes;
use peerloom_wire::PeerId;
use peerloom_wire::rendezvous::{Reason, ServerMessage};

use super::{ConnId, Hub};

/// When a sender may try again whose envelope had no room.
const RETRY: Duration = Duration::from_secs(1);

impl Hub {
    pub(super) fn on_envelope(&mut self, from: ConnId, to: PeerId, bytes: Bytes) {
        if bytes.len() > self.limits.envelope_bytes_max {
            return self.close(from, Reason::TooLarge);
        }
        let own = self.conns.get(&from).and_then(|conn| conn.member()).map(|own| own.peer);
        let (Some(receiver), Some(own)) = (self.reachable(from, to), own) else {
            self.counters.envelopes_away += 1;
            return self.send(from, &ServerMessage::Away { peer: to });
        };
        let Ok(message) = (ServerMessage::Envelope { from: own, bytes }).encode() else { return };
        if !self.has_room(receiver, message.len()) {
            return self.refuse(from, Reason::Busy, 0, RETRY);
        }
        self.acquaint(from, receiver);
        self.counters.envelopes += 1;
        self.send_bytes(receiver, message);
    }

    /// Returns whether a connection has room for an envelope. A quarter of its queue is kept for what
    /// the server itself has to say, so that nobody is closed for what others send.
    fn has_room(&self, receiver: ConnId, bytes: usize) -> bool {
        let queued = self.conns.get(&receiver).map_or(usize::MAX, |conn| conn.queued_bytes);
        queued.saturating_add(bytes) <= self.limits.queue_bytes_max / 4 * 3
            && self.memory_bytes().saturating_add(bytes) <= self.limits.memory_bytes_max
    }
}
