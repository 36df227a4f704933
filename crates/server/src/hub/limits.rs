//! What a hub allows. Each field is a flag of the binary.

use core::time::Duration;

use bytes::Bytes;
use peerloom_wire::rendezvous::{
    ANNOUNCEMENT_BYTES_MAX, Reason, SEALED_BYTES_MAX, ServerMessage, TAGS_MAX, Terms,
};

/// What an idle connection costs the program around the hub, in bytes, TLS apart. Measured: see
/// `docs/performance.md`, rounded up.
pub(super) const CONNECTION_BYTES: usize = 16 * 1024;

/// When whoever is turned away may try again.
const RETRY_MS: u32 = 30_000;

/// How many others a peer is told of at a time, and how many are enough to find the rest.
pub(super) const INTRODUCTIONS_MAX: usize = 3;

/// How much later each client more may come back when the server goes down: 100 of them a second.
const MOVING_MS_PER_CONNECTION: usize = 10;

/// What a hub allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time, whatever their state.
    pub connections_max: usize,
    /// Connections at a time from one address (IPv6: from one /64).
    pub connections_per_address_max: usize,
    /// New connections a second from one address, after a burst of
    /// `connections_per_address_max`. Each makes the server check a signature.
    pub connects_per_address_per_s: u32,
    /// Signatures that are being checked at a time.
    pub checks_max: usize,
    /// Messages a second of one connection, on the average of ten.
    pub messages_per_s: u32,
    /// Bytes a second of one connection, on the average of ten.
    pub bytes_per_s: u32,
    /// Peers that are found by one tag.
    pub members_per_tag_max: usize,
    /// Tags of one peer; never more than [`TAGS_MAX`].
    pub tags_max: u8,
    /// Bytes of a sealed envelope; never more than [`SEALED_BYTES_MAX`].
    pub envelope_bytes_max: usize,
    /// Bytes of a sealed announcement; never more than [`ANNOUNCEMENT_BYTES_MAX`].
    pub announcement_bytes_max: usize,
    /// Bytes that wait to be read by one client. Envelopes may fill three quarters of it.
    pub queue_bytes_max: usize,
    /// Bytes in all: connections, announcements and queues.
    pub memory_bytes_max: usize,
    /// How long a client may take to register.
    pub register_max: Duration,
    /// How long a registered client may say nothing.
    pub idle_max: Duration,
    /// How long a client that has something to read may read nothing.
    pub stall_max: Duration,
    /// After how long a silence clients are asked to say something.
    pub keepalive: Duration,
    /// How long three introductions take to be gained.
    pub meet_again: Duration,
    /// Over how long clients come back when the server goes down, at most.
    pub moving_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 20_000,
            // A school or an office behind one address.
            connections_per_address_max: 200,
            connects_per_address_per_s: 5,
            checks_max: 256,
            messages_per_s: 20,
            bytes_per_s: 65_536,
            members_per_tag_max: 10_000,
            tags_max: 8,
            envelope_bytes_max: SEALED_BYTES_MAX,
            announcement_bytes_max: ANNOUNCEMENT_BYTES_MAX,
            queue_bytes_max: 262_144,
            memory_bytes_max: 448 * 1024 * 1024,
            register_max: Duration::from_secs(10),
            // Timers of hidden pages run once a minute, so what is due after 50 s comes within 110.
            idle_max: Duration::from_secs(180),
            stall_max: Duration::from_secs(30),
            keepalive: Duration::from_secs(50),
            meet_again: Duration::from_secs(10),
            moving_max: Duration::from_secs(60),
        }
    }
}

impl Limits {
    /// Returns them with nothing over what the protocol can carry.
    #[must_use]
    pub fn within_protocol(mut self) -> Self {
        self.tags_max = self.tags_max.min(u8::try_from(TAGS_MAX).unwrap_or(u8::MAX));
        self.envelope_bytes_max = self.envelope_bytes_max.min(SEALED_BYTES_MAX);
        self.announcement_bytes_max = self.announcement_bytes_max.min(ANNOUNCEMENT_BYTES_MAX);
        self
    }

    /// Returns what clients are told of it.
    pub(super) fn terms(&self) -> Terms {
        let ms = |span: Duration| u32::try_from(span.as_millis()).unwrap_or(u32::MAX);
        Terms {
            keepalive_s: u16::try_from(self.keepalive.as_secs()).unwrap_or(u16::MAX),
            tags_max: self.tags_max,
            bytes_max: u32::try_from(self.envelope_bytes_max).unwrap_or(u32::MAX),
            messages_per_s: self.messages_per_s,
            bytes_per_s: self.bytes_per_s,
            meet_again_ms: ms(self.meet_again),
        }
    }

    /// Returns what is said before a connection is closed: the bound that the reason is about, if
    /// any, and when another try is worth it.
    pub(super) fn last_word(&self, reason: Reason) -> Bytes {
        let (limit, retry_ms) = match reason {
            Reason::TooManyConnections => (self.connections_per_address_max, RETRY_MS),
            Reason::Busy => (self.connections_max, RETRY_MS),
            Reason::TooFast => (usize::try_from(self.messages_per_s).unwrap_or(0), RETRY_MS),
            Reason::TooLarge => (self.envelope_bytes_max, 0),
            Reason::TooSlow => (self.queue_bytes_max, 0),
            Reason::Idle => (usize::try_from(self.idle_max.as_secs()).unwrap_or(0), 0),
            _ => (0, 0),
        };
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        let refused = ServerMessage::Refused { code: reason.code(), limit, retry_ms };
        refused.encode().unwrap_or_default()
    }

    /// Returns over how long so many clients are to come back.
    pub(super) fn moving_wait_ms(&self, connections: usize) -> u32 {
        let max = u32::try_from(self.moving_max.as_millis()).unwrap_or(u32::MAX);
        let wait = connections.saturating_mul(MOVING_MS_PER_CONNECTION).saturating_add(1_000);
        u32::try_from(wait).unwrap_or(u32::MAX).min(max)
    }
}
