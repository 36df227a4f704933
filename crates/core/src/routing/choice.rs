//! To whom a copy goes next: greedy by the XOR metric, one step ahead, with what was learned first. Every
//! second copy is greedy by the ring of ids instead: where the one ends in a dead end, the other mostly does
//! not, as the topology connects each peer to the one that comes next.

use peerloom_wire::PeerId;

use super::message::{Carry, Kind};
use super::passage::Passage;
use super::{CARRIER_RATE, Carrier, Routing, STEPS_MAX};
use crate::event::Undelivered;
use crate::time::Instant;

/// One copy in so many goes astray at first: what seems the best way may be a lie, since carriers
/// prove nothing, and the nearest peer would have to carry for all.
const ASTRAY_IN: u8 = 4;

/// For so many steps. From wherever it is then, it goes straight for its target: two random steps
/// before a greedy walk are what Valiant's scheme (1982) takes to spread load.
const ASTRAY_STEPS: u8 = 2;

/// Copies after the first, but for those on the ring, take anybody as near as the best one, but for so many bits of distance. Three
/// bits are what a hop gains.
const NOISE_BITS: u64 = 3;

/// Who was handed so many messages since anything last came of one is asked last: it drops them.
/// Where one in two is answered, an honest neighbour is taken for such once in 64 times.
pub(super) const SILENT_MAX: u8 = 6;

/// What messages leave for envelopes of what may be handed over on a connection, half of it: nobody is to be
/// unreachable because somebody talks.
const RESERVED_BYTES: usize = 512 << 10;

impl Routing {
    /// Returns to whom a copy goes next, or why to nobody.
    #[inline(never)]
    pub(super) fn next_carrier(
        &self,
        now: Instant,
        passage: &Passage,
    ) -> Result<PeerId, Undelivered> {
        let Carry { kind, steps_left, target, ref envelope, .. } = *passage.carry;
        if steps_left == 0 {
            return Err(Undelivered::Expired);
        }
        let reserved = if kind == Kind::Signal { 0 } else { RESERVED_BYTES };
        let mut reason = Undelivered::NoRoute;
        let mut best = None;
        for (&peer, carrier) in &self.carriers {
            if envelope.is_empty() || !carrier.reachable || passage.tried.contains(&peer) {
                continue;
            }
            if !carrier.outgoing.allows(envelope.len() + reserved, CARRIER_RATE) {
                reason = Undelivered::RateLimited;
                continue;
            }
            if peer == target {
                return Ok(target);
            }
            let rank = self.rank(now, passage, peer, carrier);
            if best.is_none_or(|(before, _)| rank < before) {
                best = Some((rank, peer));
            }
        }
        best.map(|(_, peer)| peer).ok_or(reason)
    }

    /// How good a carrier seems; the lowest is the best. Neighbours of the target, then ways to it,
    /// then who is nearest or has the nearest neighbour. Each by chance among its like.
    fn rank(
        &self,
        now: Instant,
        passage: &Passage,
        peer: PeerId,
        carrier: &Carrier,
    ) -> (bool, u8, u64, u64) {
        let Carry { copy, steps_left, target, .. } = *passage.carry;
        let [dice, ..] = passage.id.0;
        let chance = distance(peer, passage.id.point());
        let is_silent = carrier.silent >= SILENT_MAX;
        let goes_astray = dice.is_multiple_of(ASTRAY_IN) && steps_left > STEPS_MAX - ASTRAY_STEPS;
        if carrier.neighbours.contains(&target) {
            return (is_silent, 0, 0, chance);
        }
        if goes_astray {
            return (is_silent, 2, 0, chance);
        }
        if let Some(cost) = self.ways.cost(now, target, peer) {
            return (is_silent, 1, cost, chance);
        }
        let is_on_ring = !copy.is_multiple_of(2);
        let distance = if is_on_ring { ring_distance } else { distance };
        let mut nearest = distance(peer, target);
        for neighbour in carrier.neighbours.iter() {
            if *neighbour != self.config.own && !passage.tried.contains(neighbour) {
                nearest = nearest.min(distance(*neighbour, target));
            }
        }
        if copy > 0 && !is_on_ring {
            // Not to follow the first copy to wherever that is dropped: anybody about as near will do.
            let bits = u64::from(u64::BITS - nearest.leading_zeros());
            nearest = bits + chance % NOISE_BITS;
        }
        (is_silent, 2, nearest, chance)
    }
}

/// The XOR metric of Kademlia, section 2.1, as far as it tells a million million peers apart: its
/// first eight bytes.
pub(super) const fn distance(a: PeerId, b: PeerId) -> u64 {
    first_bytes(a) ^ first_bytes(b)
}

/// How far two are apart on the ring of ids, either way round.
const fn ring_distance(a: PeerId, b: PeerId) -> u64 {
    let clockwise = first_bytes(a).wrapping_sub(first_bytes(b));
    let back = clockwise.wrapping_neg();
    if clockwise < back { clockwise } else { back }
}

pub(super) const fn first_bytes(PeerId([a, b, c, d, e, f, g, h, ..]): PeerId) -> u64 {
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}
