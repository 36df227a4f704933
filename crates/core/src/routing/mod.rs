//! Signalling through peers: an envelope travels to a peer that is not connected over peers that
//! are, each of which sees no more of it than where it comes from and where it goes.
//!
//! A copy of an envelope is a walker in search of its target, after the greedy lookups of Kademlia
//! (Maymounkov and Mazières 2002) on whatever connections there are: it goes to the target if that
//! is connected, else to a peer said to be connected to it, else along the way that something of the
//! target came, else to the nearest by XOR distance. From a dead end it goes back and elsewhere
//! (depth first), until its steps are used up. The source sends a few copies by different carriers;
//! each takes its own ways, so that a carrier that drops what it gets stops one of them.
//!
//! Knows nothing about signatures, nor about what is in an envelope.

mod allowance;
mod message;
mod passage;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use alloc::vec::Vec;

use bytes::Bytes;
use peerloom_wire::PeerId;
use peerloom_wire::envelope::ENVELOPE_BYTES_MAX;

use self::allowance::{Allowance, Rate};
use self::message::MessageId;
pub(crate) use self::message::{Carry, Message, Reason};
use self::passage::{PASSAGE_TIME, Passage, WAY_TIME};
use crate::event::StrikeKind;
use crate::machine::Machine;
use crate::map::{Map, Set};
use crate::time::{Instant, Now};

/// How many copies of an envelope its source sends, each by another carrier. With one carrier in
/// five hostile and two on a way, all three are lost once in 21 times; the envelope is repeated.
const COPIES_MAX: u8 = 3;

/// How many are sent when a way is known: one along it, and one elsewhere should that be a lie.
const COPIES_KNOWN: u8 = 2;

/// How often a copy may be handed on in all, dead ends included. A lookup in 10,000 nodes with 8
/// connections takes log₂ 10,000 − log₂ 8, some 11 hops; the rest is for ways that lead nowhere. So
/// an envelope to nobody costs the swarm 72 frames and their answers.
const STEPS_MAX: u8 = 24;

/// What one source may send over one carrier: 128 envelopes at once, then 16 a second. A tab that
/// joins a swarm of 12 through one carrier sends about 70 at once.
const SOURCE_RATE: Rate = Rate { burst_bytes: 256 << 10, bytes_per_second: 32 << 10 };

/// The most sources of a carrier that are remembered; the one unheard of for longest goes first. Who
/// makes up sources still has the limit of its connection.
const SOURCES_MAX: usize = 64;

/// What may be handed over on one connection: 512 envelopes at once, then 64 a second, whose
/// signatures take WebCrypto 4 ms to check.
const CARRIER_RATE: Rate = Rate { burst_bytes: 1 << 20, bytes_per_second: 128 << 10 };

/// What may be handed over beyond that, refused, before it is a strike. An honest carrier counts
/// for itself, and gains only when it hears us answer a ping, so that not even what it sends to a
/// frozen page, and arrives at once, is more than a burst or two.
const EXCESS_BYTES_MAX: i64 = 4 << 20;

/// What the protocol is told.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    /// A peer is connected: it may carry, and be carried to.
    Up { peer: PeerId },
    /// A peer is not connected any more.
    Down { peer: PeerId },
    /// Whether frames get through to a connected peer at present.
    Reachable { peer: PeerId, reachable: bool },
    /// A connected peer answered a ping.
    Alive { peer: PeerId },
    /// A connected peer says whom it is connected to: as many as peer exchange believes it.
    Neighbours { peer: PeerId, listed: Set<PeerId> },
    /// What is for one peer can be handed to a connected one.
    Way { to: PeerId, by: PeerId },
    /// Bring an envelope of ours to a peer.
    Send { target: PeerId, envelope: Bytes },
    /// A connected peer says something. `unwanted`: it is on behalf of a banned one.
    Message { from: PeerId, message: Message, unwanted: bool },
}

/// What the protocol asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Send a message to a connected peer.
    Send { to: PeerId, message: Message },
    /// An envelope for us, unverified, not for the first time perhaps.
    Deliver { envelope: Bytes },
    /// A peer broke a rule.
    Strike { peer: PeerId, kind: StrikeKind },
}

/// Settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Config {
    /// Our id.
    pub(crate) own: PeerId,
}

/// A connected peer.
#[derive(Debug)]
struct Carrier {
    reachable: bool,
    /// Whom it says it is connected to.
    neighbours: Set<PeerId>,
    /// What it may still hand to us.
    incoming: Allowance,
    /// What we may still hand to it. Gains when it answers a ping.
    outgoing: Allowance,
    /// For whom it carried lately. At most [`SOURCES_MAX`].
    sources: Vec<Source>,
}

/// Somebody whose envelopes a carrier hands to us.
#[derive(Debug)]
struct Source {
    peer: PeerId,
    /// What it may still send by this carrier; filled when something came.
    allowance: Allowance,
}

/// Envelopes on their way.
#[derive(Debug)]
pub(crate) struct Routing {
    config: Config,
    /// As many as connections.
    carriers: Map<PeerId, Carrier>,
    /// In the order in which they came.
    passages: Vec<Passage>,
    counters: Map<&'static str, u64>,
}

impl Machine for Routing {
    type Input = Input;
    type Effect = Effect;

    fn handle(&mut self, now: Now, input: Input, out: &mut Vec<Effect>) {
        let now = now.mono;
        match input {
            Input::Up { peer } => self.on_up(now, peer),
            Input::Down { peer } => {
                self.carriers.remove(&peer);
                self.reroute(now, peer, out);
            }
            Input::Reachable { peer, reachable } => self.on_reachable(now, peer, reachable, out),
            Input::Alive { peer } => {
                if let Some(carrier) = self.carriers.get_mut(&peer) {
                    carrier.outgoing.fill(now, CARRIER_RATE);
                }
                self.forget(now);
            }
            Input::Neighbours { peer, listed } => {
                if let Some(carrier) = self.carriers.get_mut(&peer) {
                    carrier.neighbours = listed;
                }
            }
            Input::Way { to, by } => {
                if let Some(carrier) = self.carriers.get_mut(&by) {
                    let source = carrier.take_source(now, to);
                    carrier.put_source(source);
                }
            }
            Input::Send { target, envelope } => self.send(now, target, &envelope, out),
            Input::Message { from, message: Message::Carry(carry), unwanted } => {
                self.on_carry(now, from, carry, unwanted, out);
            }
            Input::Message {
                from,
                message: Message::Undeliverable { id, reason, steps_left },
                ..
            } => self.on_undeliverable(now, from, (id, reason, steps_left), out),
        }
    }

    /// Nothing waits: what is over is forgotten when the next ping is answered.
    fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    fn handle_timeout(&mut self, _now: Now, _out: &mut Vec<Effect>) {}
}

impl Routing {
    /// Makes the protocol with no carrier.
    #[must_use]
    pub(crate) const fn new(config: Config) -> Self {
        Self { config, carriers: Map::new(), passages: Vec::new(), counters: Map::new() }
    }

    /// Returns why nothing of ours reached a peer lately; `None` if something may have, or if
    /// nothing was sent.
    #[must_use]
    pub(crate) fn verdict(&self, now: Now, target: PeerId) -> Option<Reason> {
        let mut told = None;
        for passage in &self.passages {
            let is_recent = now.mono < passage.at + PASSAGE_TIME;
            if passage.carry.target == target && passage.upstream.is_none() && is_recent {
                if passage.carrier.is_some() {
                    return None;
                }
                told = told.max(Some(passage.reason));
            }
        }
        told
    }

    pub(crate) const fn counters(&self) -> &Map<&'static str, u64> {
        &self.counters
    }

    /// Returns how many may carry, and how many copies are remembered.
    pub(crate) fn gauges(&self) -> [(&'static str, u64); 2] {
        [
            ("routing.carriers", self.carriers.len() as u64),
            ("routing.passages", self.passages.len() as u64),
        ]
    }

    fn count(&mut self, name: &'static str) {
        self.counters.count(name);
    }

    fn on_up(&mut self, now: Instant, peer: PeerId) {
        let full = Allowance::new(now, CARRIER_RATE);
        let carrier = Carrier {
            reachable: true,
            neighbours: Set::new(),
            incoming: full,
            outgoing: full,
            sources: Vec::new(),
        };
        self.carriers.insert(peer, carrier);
    }

    fn on_reachable(&mut self, now: Instant, peer: PeerId, reachable: bool, out: &mut Vec<Effect>) {
        let Some(carrier) = self.carriers.get_mut(&peer) else { return };
        let was_reachable = core::mem::replace(&mut carrier.reachable, reachable);
        if was_reachable && !reachable {
            self.reroute(now, peer, out);
        }
    }

    /// Sends our envelope by a few carriers. One that hears us on its own connection needs none.
    #[inline(never)]
    fn send(&mut self, now: Instant, target: PeerId, envelope: &Bytes, out: &mut Vec<Effect>) {
        let is_heard = self.carriers.get(&target).is_some_and(|carrier| carrier.reachable);
        if is_heard || target == self.config.own || self.carriers.is_empty() {
            return;
        }
        let knows_way = |carrier: &Carrier| {
            carrier.neighbours.contains(&target) || carrier.knows_way(now, target)
        };
        let is_known = self.carriers.values().any(knows_way);
        let mut firsts = Vec::new();
        for copy in 0..if is_known { COPIES_KNOWN } else { COPIES_MAX } {
            let (source, envelope) = (self.config.own, envelope.clone());
            let carry = Carry { copy, steps_left: STEPS_MAX, source, target, envelope };
            let (id, carry) = (carry.id(), Box::new(carry));
            let handed = self.pass(now, (id, carry, None), firsts.clone(), out);
            let Some(to) = handed else { return };
            self.count("routing.sent");
            firsts.push(to);
            if firsts.len() == self.carriers.len() {
                return;
            }
        }
    }

    /// Remembers a copy, also if it goes back at once: it may come round again. Hands it on.
    fn pass(
        &mut self,
        now: Instant,
        (id, carry, upstream): (MessageId, Box<Carry>, Option<PeerId>),
        tried: Vec<PeerId>,
        out: &mut Vec<Effect>,
    ) -> Option<PeerId> {
        self.forget(now);
        let reason = Reason::NoRoute;
        let passage = Passage { id, carry, upstream, at: now, tried, reason, carrier: None };
        self.passages.push(passage);
        self.advance(now, self.passages.len() - 1, out)
    }

    /// Takes an envelope for somebody, perhaps for us.
    #[inline(never)]
    fn on_carry(
        &mut self,
        now: Instant,
        from: PeerId,
        carry: Box<Carry>,
        unwanted: bool,
        out: &mut Vec<Effect>,
    ) {
        let Carry { steps_left, source, target, .. } = *carry;
        let bytes = carry.envelope.len();
        // None: what was under way when the connection closed.
        let Some(carrier) = self.carriers.get_mut(&from) else { return };
        carrier.incoming.fill(now, CARRIER_RATE);
        let is_within = carrier.incoming.take(bytes);
        let is_flood = carrier.incoming.level < -EXCESS_BYTES_MAX;
        // What no honest carrier does. Whom we banned, and what we have seen, it can't know.
        let is_malformed = target == source
            || target == from
            || bytes == 0
            || carry.copy >= COPIES_MAX
            || steps_left >= STEPS_MAX;
        let offence = if bytes > ENVELOPE_BYTES_MAX {
            Some(StrikeKind::Oversized)
        } else if is_malformed {
            Some(StrikeKind::MalformedFrame)
        } else if is_flood {
            carrier.incoming.level = 0;
            Some(StrikeKind::TooManyRequests)
        } else {
            None
        };
        if let Some(kind) = offence {
            return out.push(Effect::Strike { peer: from, kind });
        }
        let is_within = is_within && (unwanted || carrier.allows_source(now, source, bytes));
        let id = carry.id();
        let is_seen = || self.passages.iter().any(|seen| seen.id == id);
        let (name, reason) = if unwanted {
            ("routing.refused", Reason::Refused)
        } else if !is_within {
            ("routing.rate_limited", Reason::RateLimited)
        } else if source == self.config.own || is_seen() {
            ("routing.loops", Reason::NoRoute)
        } else if target == self.config.own {
            self.count("routing.delivered");
            return out.push(Effect::Deliver { envelope: carry.envelope });
        } else {
            let tried = vec![from, source];
            if self.pass(now, (id, carry, Some(from)), tried, out).is_some() {
                self.count("routing.carried");
            }
            return;
        };
        self.count(name);
        self.send_back(from, (id, reason, steps_left), out);
    }
}

impl Carrier {
    /// Charges a source for an envelope, unless it has sent too much.
    fn allows_source(&mut self, now: Instant, peer: PeerId, bytes: usize) -> bool {
        let mut source = self.take_source(now, peer);
        // What is refused is not held against it.
        let allows = source.allowance.allows(bytes);
        if allows {
            source.allowance.take(bytes);
        }
        self.put_source(source);
        allows
    }

    #[inline(never)]
    fn take_source(&mut self, now: Instant, peer: PeerId) -> Source {
        let mut source = match self.sources.iter().position(|source| source.peer == peer) {
            Some(index) => self.sources.remove(index),
            None => Source { peer, allowance: Allowance::new(now, SOURCE_RATE) },
        };
        source.allowance.fill(now, SOURCE_RATE);
        source
    }

    /// Something of a source came from here just now.
    fn put_source(&mut self, source: Source) {
        if self.sources.len() >= SOURCES_MAX {
            self.sources.remove(0);
        }
        self.sources.push(source);
    }

    /// Whether what goes to `target` may go here, since something of it came from here.
    fn knows_way(&self, now: Instant, target: PeerId) -> bool {
        let is_way =
            |source: &Source| source.peer == target && now < source.allowance.at + WAY_TIME;
        self.sources.iter().any(is_way)
    }
}
