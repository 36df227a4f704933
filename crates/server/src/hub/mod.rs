//! The hub: who is there, who is introduced to whom, and what is carried.
//!
//! Driven like a node: [`Hub::handle`] takes an input to completion, [`Hub::poll_output`] says what
//! to do, [`Hub::poll_timeout`] when to call [`Hub::handle_timeout`]. Equal inputs at equal times
//! give equal outputs. Time is the span since the hub began.
//!
//! Knows nothing about sockets, WebSockets or HTTP, nor about what it carries. Keeps nothing of who
//! is gone.

mod address;
mod carry;
mod conn;
mod counters;
mod introduce;
mod limits;
mod names;
#[cfg(test)]
mod properties;
mod rate;
mod register;
mod room;
#[cfg(test)]
mod tests;

use core::net::IpAddr;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use peerloom_crypto::{Claim, hmac_sha256};
use peerloom_wire::rendezvous::{ClientMessage, RendezvousError, ServerMessage};
use peerloom_wire::{PeerId, Tag};

use self::address::Addresses;
use self::conn::{Conn, Stage};
use self::rate::Take;
use self::room::Room;

pub use self::address::network_of;
pub use self::counters::{Counters, Gauges};
pub use self::limits::Limits;
pub use self::names::Names;
pub use peerloom_wire::rendezvous::Reason;

/// How often an overdue refusal for haste is said again.
const TOO_FAST_SAID_INTERVAL: Duration = Duration::from_secs(1);

/// Names a connection. Numbers are the driver's, and never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

/// What a hub is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Somebody connected.
    Connected {
        /// Its connection.
        conn: ConnId,
        /// Where it comes from.
        address: IpAddr,
        /// The address that it dialled, as far as the socket knows.
        here: IpAddr,
        /// Why it may not stay, if the driver knows so: [`Reason::UnsupportedVersion`] or
        /// [`Reason::OriginDenied`].
        denied: Option<Reason>,
    },
    /// A binary message came in, as it was sent.
    Received {
        /// On which connection.
        conn: ConnId,
        /// The message.
        bytes: Bytes,
    },
    /// Something came in that is no message of the protocol, over the bound or not binary.
    Broken {
        /// On which connection.
        conn: ConnId,
        /// [`Reason::Malformed`] or [`Reason::TooLarge`].
        reason: Reason,
    },
    /// Something came in that says nothing, such as a ping of the WebSocket. It counts against what
    /// the client may say, and not as a sign of life: browsers answer pings for pages that are
    /// frozen.
    Noise {
        /// On which connection.
        conn: ConnId,
        /// How much.
        bytes: usize,
    },
    /// A claim was checked: the answer to [`Output::Verify`].
    Verified {
        /// On which connection.
        conn: ConnId,
        /// Whether it is true.
        holds: bool,
    },
    /// So many bytes of what was sent are with the network.
    Drained {
        /// On which connection.
        conn: ConnId,
        /// How many, in all since the last time.
        bytes: usize,
    },
    /// A connection is gone, whoever closed it. Said once of each, also after [`Output::Close`].
    Closed {
        /// Which.
        conn: ConnId,
    },
    /// Send everybody away, and let nobody in any more.
    Shutdown,
}

/// What a hub asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send this, in order.
    Send {
        /// On which connection.
        conn: ConnId,
        /// One binary message.
        bytes: Bytes,
    },
    /// Close a connection, after what was sent before if it is taken soon.
    Close {
        /// Which.
        conn: ConnId,
        /// Why; what to say is in [`peerloom_wire::rendezvous::CLOSE_CODE_BASE`].
        reason: Reason,
    },
    /// Check a signature, and say what came out.
    Verify {
        /// For which connection.
        conn: ConnId,
        /// The claim.
        claim: Claim,
    },
}

/// Whether newcomers are let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    Closing,
}

/// A rendezvous server, without its network.
#[derive(Debug)]
pub struct Hub {
    limits: Limits,
    names: Names,
    /// Nonces and draws come from here: nobody else may know it.
    seed: [u8; 32],
    /// Blocks drawn from the seed.
    drawn: u64,
    phase: Phase,
    /// When what is being handled came.
    now: Duration,
    /// At most `limits.connections_max`.
    conns: BTreeMap<ConnId, Conn>,
    /// The registered ones of `conns`.
    peers: BTreeMap<PeerId, ConnId>,
    /// Only those with members: at most `limits.tags_max` for each of `peers`.
    rooms: BTreeMap<Tag, Room>,
    addresses: Addresses,
    /// When a connection is to be looked at again: one for each of `conns`.
    deadlines: BTreeSet<(Duration, ConnId)>,
    /// Signatures that are being checked: at most `limits.checks_max`.
    checking: usize,
    /// Those who had no room for what is being said.
    overfull: BTreeSet<ConnId>,
    outputs: VecDeque<Output>,
    counters: Counters,
    /// Bytes of announcements and of what is not drained.
    held_bytes: usize,
    /// Bytes of queues alone.
    queued_bytes: usize,
}

impl Hub {
    /// Makes a hub that answers to these names. `seed` has to be secret and used once.
    #[must_use]
    pub fn new(limits: Limits, names: Names, seed: [u8; 32]) -> Self {
        Self {
            limits,
            names,
            seed,
            drawn: 0,
            phase: Phase::Open,
            now: Duration::ZERO,
            conns: BTreeMap::new(),
            peers: BTreeMap::new(),
            rooms: BTreeMap::new(),
            addresses: Addresses::default(),
            deadlines: BTreeSet::new(),
            checking: 0,
            overfull: BTreeSet::new(),
            outputs: VecDeque::new(),
            counters: Counters::default(),
            held_bytes: 0,
            queued_bytes: 0,
        }
    }

    /// Takes one input to completion.
    pub fn handle(&mut self, now: Duration, input: Input) {
        // A clock that goes back would make deadlines that are never met.
        self.now = self.now.max(now);
        match input {
            Input::Connected { conn, address, here, denied } => {
                self.on_connected(conn, address, here, denied);
            }
            Input::Received { conn, bytes } => self.on_received(conn, &bytes),
            Input::Broken { conn, reason } => self.close(conn, reason),
            Input::Noise { conn, bytes } => self.on_noise(conn, bytes),
            Input::Verified { conn, holds } => self.on_verified(conn, holds),
            Input::Drained { conn, bytes } => self.on_drained(conn, bytes),
            Input::Closed { conn } => self.on_closed(conn),
            Input::Shutdown => self.on_shutdown(),
        }
        self.close_overfull();
    }

    /// Returns the next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Returns when [`Self::handle_timeout`] has work to do; it may turn out to be none.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// Closes those who are silent, late or stuck.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.now = self.now.max(now);
        while let Some((at, id)) = self.deadlines.first().copied() {
            if at > self.now {
                break;
            }
            self.deadlines.remove(&(at, id));
            let Some((at, reason)) = self.conns.get(&id).and_then(|conn| conn.due(&self.limits))
            else {
                continue;
            };
            if at <= self.now {
                self.close(id, reason);
            } else {
                self.look_again(id, at);
            }
        }
        self.close_overfull();
    }

    /// Returns what was counted since the hub began.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Returns what there is now.
    #[must_use]
    pub fn gauges(&self) -> Gauges {
        Gauges {
            connections: self.conns.len(),
            peers: self.peers.len(),
            rooms: self.rooms.len(),
            addresses: self.addresses.len(),
            queued_bytes: self.queued_bytes,
            memory_bytes: self.memory_bytes(),
        }
    }

    /// What the limit of memory is about: each connection with what it costs in the program around
    /// the hub, and all bytes that are kept for peers.
    fn memory_bytes(&self) -> usize {
        self.conns.len() * limits::CONNECTION_BYTES + self.held_bytes
    }

    /// Looks at a connection when it is due, or before: what it is due for changes with all that is
    /// said, and the entry stays.
    fn look_again(&mut self, id: ConnId, due: Duration) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        conn.looked_at_next = due.min(self.now + self.limits.stall_max);
        self.deadlines.insert((conn.looked_at_next, id));
    }

    fn on_received(&mut self, id: ConnId, bytes: &[u8]) {
        let now = self.now;
        let Some(conn) = self.conns.get_mut(&id) else { return };
        if matches!(conn.stage, Stage::Closing) {
            return;
        }
        conn.heard_at = now;
        self.counters.received_messages += 1;
        self.counters.received_bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        match conn.budget.take(now, bytes.len(), &self.limits) {
            Take::Allowed => {}
            Take::Refused { limit, retry } => {
                self.counters.refuse(Reason::TooFast);
                let is_said =
                    conn.too_fast_said.is_some_and(|said| now < said + TOO_FAST_SAID_INTERVAL);
                if !is_said {
                    conn.too_fast_said = Some(now);
                    self.say_refused(id, Reason::TooFast, limit, retry);
                }
                return;
            }
            Take::Flood => return self.close(id, Reason::TooFast),
        }
        match ClientMessage::decode(bytes) {
            Ok(message) => self.on_message(id, message),
            Err(RendezvousError::TooLarge) => self.close(id, Reason::TooLarge),
            Err(_) => self.close(id, Reason::Malformed),
        }
    }

    fn on_noise(&mut self, id: ConnId, bytes: usize) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        if conn.budget.take(self.now, bytes, &self.limits) == Take::Flood {
            self.close(id, Reason::TooFast);
        }
    }

    fn on_message(&mut self, id: ConnId, message: ClientMessage) {
        let is_registered = self.conns.get(&id).is_some_and(|conn| conn.member().is_some());
        match message {
            ClientMessage::Register { host, key, signature } => {
                self.on_register(id, &host, key, signature);
            }
            ClientMessage::Meet { tags, announcement, connected } if is_registered => {
                self.on_meet(id, tags, announcement, connected);
            }
            ClientMessage::Envelope { to, bytes } if is_registered => {
                self.on_envelope(id, to, bytes);
            }
            ClientMessage::Ping { number } if is_registered => {
                self.send(id, &ServerMessage::Pong { number });
            }
            _ => self.close(id, Reason::OutOfTurn),
        }
    }

    fn on_drained(&mut self, id: ConnId, bytes: usize) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        let bytes = bytes.min(conn.queued_bytes);
        conn.queued_bytes -= bytes;
        conn.drained_at = self.now;
        self.queued_bytes -= bytes;
        self.held_bytes -= bytes;
    }

    fn on_shutdown(&mut self) {
        self.phase = Phase::Closing;
        let wait_ms = self.limits.moving_wait_ms(self.conns.len());
        let ids: Vec<ConnId> = self.conns.keys().copied().collect();
        for id in ids {
            if self.conns.get(&id).is_some_and(|conn| conn.member().is_some()) {
                self.send(id, &ServerMessage::Moving { wait_ms });
            }
            self.close(id, Reason::Moving);
        }
    }

    /// Queues a message. Whoever has no room for it is closed.
    fn send(&mut self, id: ConnId, message: &ServerMessage) {
        let Ok(bytes) = message.encode() else { return };
        self.send_bytes(id, bytes);
    }

    fn send_bytes(&mut self, id: ConnId, bytes: Bytes) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        if matches!(conn.stage, Stage::Closing) {
            return;
        }
        if conn.queued_bytes + bytes.len() > self.limits.queue_bytes_max {
            self.overfull.insert(id);
            return;
        }
        self.queue(id, bytes);
    }

    /// Closes those who had no room. Not at once: it is said to others, who may have none either.
    fn close_overfull(&mut self) {
        while let Some(id) = self.overfull.pop_first() {
            self.close(id, Reason::TooSlow);
        }
    }

    /// Sends regardless of room: what was checked, and the last word.
    fn queue(&mut self, id: ConnId, bytes: Bytes) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        if conn.queued_bytes == 0 {
            // Whoever had nothing to read was not stuck.
            conn.drained_at = self.now;
        }
        conn.queued_bytes += bytes.len();
        self.queued_bytes += bytes.len();
        self.held_bytes += bytes.len();
        self.counters.sent_messages += 1;
        self.counters.sent_bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.outputs.push_back(Output::Send { conn: id, bytes });
    }

    fn say_refused(&mut self, id: ConnId, reason: Reason, limit: usize, retry: Duration) {
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        let retry_ms = u32::try_from(retry.as_millis()).unwrap_or(u32::MAX);
        self.send(id, &ServerMessage::Refused { code: reason.code(), limit, retry_ms });
    }

    /// Says why, asks for the connection to be closed, and forgets what it stood for. Its bytes
    /// count until it is gone.
    fn close(&mut self, id: ConnId, reason: Reason) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        if matches!(conn.stage, Stage::Closing) {
            return;
        }
        let stage = core::mem::replace(&mut conn.stage, Stage::Closing);
        self.counters.close(reason);
        if let Stage::Registered(member) = stage {
            self.forget(id, *member);
        }
        // A few bytes over the bound, once for each connection.
        self.queue(id, self.limits.last_word(reason));
        self.outputs.push_back(Output::Close { conn: id, reason });
    }

    fn on_closed(&mut self, id: ConnId) {
        let Some(conn) = self.conns.remove(&id) else { return };
        self.deadlines.remove(&(conn.looked_at_next, id));
        self.addresses.on_closed(self.now, conn.address, &self.limits);
        self.queued_bytes -= conn.queued_bytes;
        self.held_bytes -= conn.queued_bytes;
        if let Stage::Registered(member) = conn.stage {
            self.forget(id, *member);
        }
    }

    /// Returns 32 bytes that nobody can foresee.
    fn draw(&mut self) -> [u8; 32] {
        self.drawn = self.drawn.wrapping_add(1);
        hmac_sha256(&self.seed, &self.drawn.to_be_bytes())
    }

    /// Returns numbers to draw lots by.
    fn draw_numbers(&mut self) -> [u64; 4] {
        let bytes = self.draw();
        let (words, _) = bytes.as_chunks::<8>();
        let mut numbers = [0; 4];
        numbers.iter_mut().zip(words).for_each(|(to, from)| *to = u64::from_be_bytes(*from));
        numbers
    }
}
