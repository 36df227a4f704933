//! A rendezvous server's hub: whatever clients say, in whatever order they come, go and read. No bound
//! is broken, all that it says can be read, and nothing is said to a connection that was closed.
//!
//! The input is a list of steps: a kind, a connection, a length of two bytes, and so many bytes.

#![no_main]

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use peerloom_crypto::{PublicKey, Signature};
use peerloom_server::hub::{ConnId, Reason};
use peerloom_server::{Hub, Input, Limits, Names, Output};
use peerloom_wire::rendezvous::{ClientMessage, ServerMessage};

/// The most steps that are taken of one input, so that a long one is not a slow one.
const STEPS_MAX: usize = 256;

/// What the hub takes a connection for, of its limit of memory.
const CONNECTION_BYTES: usize = 16 * 1024;

fuzz_target!(|bytes: &[u8]| {
    let mut driver = Driver::new();
    let mut rest = bytes;
    for _ in 0..STEPS_MAX {
        let Some(([kind, conn, high, low], after)) = rest.split_first_chunk() else { break };
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(after.len());
        let (said, after) = after.split_at(length);
        rest = after;
        driver.step(*kind, u64::from(conn % 16), said);
        driver.check();
    }
});

/// Small, so that short inputs reach every bound.
fn limits() -> Limits {
    Limits {
        connections_max: 8,
        connections_per_address_max: 4,
        checks_max: 4,
        messages_per_s: 5,
        bytes_per_s: 2_000,
        members_per_tag_max: 4,
        tags_max: 3,
        queue_bytes_max: 2_000,
        memory_bytes_max: 7 * CONNECTION_BYTES + 4_000,
        ..Limits::default()
    }
}

struct Driver {
    hub: Hub,
    now: Duration,
    /// Each number stands for one connection after another: which, so far.
    generations: [u64; 16],
    open: BTreeSet<ConnId>,
    closed: BTreeSet<ConnId>,
}

impl Driver {
    fn new() -> Self {
        let hub = Hub::new(limits(), Names::Local, [5; 32]);
        let (open, closed) = (BTreeSet::new(), BTreeSet::new());
        Self { hub, now: Duration::ZERO, generations: [0; 16], open, closed }
    }

    fn step(&mut self, kind: u8, number: u64, said: &[u8]) {
        let first = said.first().copied().unwrap_or(0);
        let conn = self.conn(number);
        let input = match kind % 10 {
            0 => {
                let conn = self.next(number);
                let address = IpAddr::from([10, 0, 0, first % 4]);
                let denied = (first == 0xff).then_some(Reason::OriginDenied);
                self.open.insert(conn);
                Input::Connected { conn, address, here: Ipv4Addr::LOCALHOST.into(), denied }
            }
            1 => self.register(conn, first),
            2 => Input::Verified { conn, holds: first % 8 != 0 },
            3 => Input::Drained { conn, bytes: usize::from(first) * 16 },
            4 => {
                self.open.remove(&conn);
                Input::Closed { conn }
            }
            5 => {
                self.now += Duration::from_millis(u64::from(first) * 100);
                return self.hub.handle_timeout(self.now);
            }
            6 if first == 0xff => Input::Shutdown,
            6 => Input::Noise { conn, bytes: usize::from(first) },
            _ => Input::Received { conn, bytes: Bytes::copy_from_slice(said) },
        };
        self.hub.handle(self.now, input);
    }

    fn register(&self, conn: ConnId, number: u8) -> Input {
        let (key, signature) = (PublicKey([number % 16; 65]), Signature([0; 64]));
        let register = ClientMessage::Register { host: "localhost".into(), key, signature };
        Input::Received { conn, bytes: register.encode().expect("within its bounds") }
    }

    fn conn(&self, number: u64) -> ConnId {
        let generation = usize::try_from(number).ok().and_then(|at| self.generations.get(at));
        ConnId(number + 16 * generation.copied().unwrap_or(0))
    }

    /// A number that is used again stands for another connection: the one before is gone first.
    fn next(&mut self, number: u64) -> ConnId {
        let before = self.conn(number);
        if self.open.remove(&before) {
            self.hub.handle(self.now, Input::Closed { conn: before });
        }
        let generation = usize::try_from(number).ok().and_then(|at| self.generations.get_mut(at));
        *generation.expect("below 16") += 1;
        self.conn(number)
    }

    fn check(&mut self) {
        while let Some(output) = self.hub.poll_output() {
            match output {
                Output::Send { conn, bytes } => {
                    assert!(!self.closed.contains(&conn));
                    ServerMessage::decode(&bytes).expect("the hub's own words decode");
                }
                Output::Close { conn, .. } => assert!(self.closed.insert(conn)),
                Output::Verify { conn, claim } => {
                    assert!(!self.closed.contains(&conn) && claim.payload.len() > 32);
                }
            }
        }
        let (limits, gauges) = (limits(), self.hub.gauges());
        assert!(gauges.connections <= limits.connections_max);
        assert!(gauges.peers <= gauges.connections);
        assert!(gauges.rooms <= gauges.peers * usize::from(limits.tags_max));
        assert!(gauges.queued_bytes <= gauges.connections * (limits.queue_bytes_max + 16));
        let own_words = gauges.connections * (limits.queue_bytes_max / 4 + 16);
        assert!(gauges.memory_bytes <= limits.memory_bytes_max + own_words);
        assert!(gauges.connections > 0 || self.hub.poll_timeout().is_none());
    }
}
