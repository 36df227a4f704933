//! A connected peer: what it may hand to us and we to it, whom it knows, and what it hands over.

use alloc::boxed::Box;
use alloc::vec::Vec;

use peerloom_wire::PeerId;
use peerloom_wire::envelope::ENVELOPE_BYTES_MAX;

use super::direct::Desk;
use super::message::Carry;
use super::{CARRIER_RATE, CHARGE_MIN_BYTES, COPIES_MAX, Effect, Routing, STEPS_MAX};
use crate::allowance::{Allowance, Rate};
use crate::event::{StrikeKind, Undelivered};
use crate::map::Set;
use crate::time::Instant;

/// What one source may send over one carrier: 128 envelopes at once, then 16 a second. A tab that
/// joins a swarm of 12 through one carrier sends about 70 at once.
pub(super) const SOURCE_RATE: Rate =
    Rate { burst_bytes: 256 << 10, bytes_per_second: 32 << 10, charge_min_bytes: CHARGE_MIN_BYTES };

/// The most sources of a carrier that are remembered; the one unheard of for longest goes first. Who
/// makes up sources still has the limit of its connection.
pub(super) const SOURCES_MAX: usize = 64;

/// What may be handed over beyond that, refused, before it is a strike. An honest carrier counts
/// for itself, and gains only when it hears us answer a ping, so that not even what it sends to a
/// frozen page, and arrives at once, is more than a burst or two.
const EXCESS_BYTES_MAX: i64 = 4 << 20;

/// A connected peer.
#[derive(Debug)]
pub(super) struct Carrier {
    pub(super) reachable: bool,
    /// Whom it says it is connected to.
    pub(super) neighbours: Set<PeerId>,
    /// What it may still hand to us.
    pub(super) incoming: Allowance,
    /// What we may still hand to it. Gains when it answers a ping.
    pub(super) outgoing: Allowance,
    /// How many messages it was handed since anything last came of one.
    pub(super) silent: u8,
    /// For whom it carried lately. At most [`SOURCES_MAX`].
    pub(super) sources: Vec<Source>,
    /// The messages on its connection.
    pub(super) desk: Desk,
}

/// Somebody whose envelopes a carrier hands to us.
#[derive(Debug)]
pub(super) struct Source {
    peer: PeerId,
    /// What it may still send by this carrier; filled when something came.
    allowance: Allowance,
}

impl Routing {
    /// Takes an envelope for somebody, perhaps for us.
    #[inline(never)]
    pub(super) fn on_carry(
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
        let is_within = carrier.incoming.take(bytes, CARRIER_RATE);
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
        let (name, reason) = if unwanted {
            ("routing.refused", Undelivered::Refused)
        } else if !is_within {
            ("routing.rate_limited", Undelivered::RateLimited)
        } else if source == self.config.own || self.passages.has(id) {
            ("routing.loops", Undelivered::NoRoute)
        } else {
            self.learn_way(now, source, from, steps_left);
            self.absent.forget(|miss| miss == source);
            if target == self.config.own {
                self.count("routing.delivered");
                let hops = STEPS_MAX - steps_left;
                return out.push(Effect::Deliver { envelope: carry.envelope, hops });
            }
            let tried = vec![from, source];
            if self.pass(now, (id, carry, Some(from)), tried, out).is_some() {
                self.count("routing.carried");
                self.counters.count_more("routing.carried_bytes", bytes as u64);
            }
            return;
        };
        self.count(name);
        self.send_back(from, (id, reason, steps_left), out);
    }

    /// Something of `source` came by a carrier, an answer perhaps to what went there by it.
    fn learn_way(&mut self, now: Instant, source: PeerId, from: PeerId, steps_left: u8) {
        let asked = self.passages.to(source).find(|passage| passage.carrier == Some(from));
        if asked.is_some()
            && let Some(carrier) = self.carriers.get_mut(&from)
        {
            carrier.silent = 0;
        }
        let took = asked.map(|passage| now.since(passage.handed_at));
        self.ways.learn(now, (source, from), steps_left, took);
    }
}

impl Carrier {
    pub(super) const fn new(now: Instant) -> Self {
        let full = Allowance::new(now, CARRIER_RATE);
        Self {
            reachable: true,
            neighbours: Set::new(),
            incoming: full,
            outgoing: full,
            silent: 0,
            sources: Vec::new(),
            desk: Desk::new(now),
        }
    }

    /// Charges a source for an envelope, unless it has sent too much.
    fn allows_source(&mut self, now: Instant, peer: PeerId, bytes: usize) -> bool {
        let mut source = match self.sources.iter().position(|source| source.peer == peer) {
            Some(index) => self.sources.remove(index),
            None => Source { peer, allowance: Allowance::new(now, SOURCE_RATE) },
        };
        source.allowance.fill(now, SOURCE_RATE);
        let allows = source.allowance.spend(bytes, SOURCE_RATE);
        if self.sources.len() >= SOURCES_MAX {
            self.sources.remove(0);
        }
        self.sources.push(source);
        allows
    }
}
