//! Learned ways: by whom something of a peer came lately, and how good that way is. Taken the other
//! way round it leads to that peer.

use alloc::vec::Vec;
use core::time::Duration;

use peerloom_wire::PeerId;

use super::STEPS_MAX;
use crate::time::Instant;

/// The most ways remembered; the one that was not used for longest goes first. 64 bytes each.
pub(super) const WAYS_MAX: usize = 256;

/// How long a way holds: an answer takes seconds, a swarm changes within minutes. Guess.
pub(super) const WAY_TIME: Duration = Duration::from_secs(60);

/// What a hop is thought to take until it is measured, and what a failure is worth in hops. Guess.
const HOP_MICROS: u64 = 50_000;
const FAILURE_HOPS: u64 = 4;

/// How far away the origin of a walk is taken to be: half of its steps.
pub(super) const WALK_HOPS: u8 = 6;

/// After so many failures in a row it is no way any more.
const FAILURES_MAX: u8 = 3;

/// A neighbour by whom a peer may be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Way {
    target: PeerId,
    carrier: PeerId,
    /// How often what came by it had been handed on, dead ends included.
    hops: u8,
    /// How often nothing came of it since something last did.
    failures: u8,
    /// From handing something over to the answer, smoothed as RFC 6298 has it; 0: never measured.
    micros: u64,
    at: Instant,
}

/// The ways that are known.
#[derive(Debug)]
pub(super) struct Ways(Vec<Way>);

impl Ways {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    /// Something of `target` came by `carrier`, `steps_left` before its end. `took`: so long after
    /// something for `target` had gone that way.
    pub(super) fn learn(
        &mut self,
        now: Instant,
        (target, carrier): (PeerId, PeerId),
        steps_left: u8,
        took: Option<Duration>,
    ) {
        let known = self.position(target, carrier);
        let known = known.map(|index| self.0.remove(index));
        let before = known.map_or(0, |way| way.micros);
        let micros = match took.and_then(|took| u64::try_from(took.as_micros()).ok()) {
            Some(took) if before == 0 => took,
            Some(took) => before - before / 8 + took / 8,
            None => before,
        };
        if self.0.len() >= WAYS_MAX {
            self.0.remove(0);
        }
        let hops = STEPS_MAX.saturating_sub(steps_left);
        self.0.push(Way { target, carrier, hops, failures: 0, micros, at: now });
    }

    /// What went to `target` by `carrier` did not arrive.
    pub(super) fn fail(&mut self, target: PeerId, carrier: PeerId) {
        let Some(index) = self.position(target, carrier) else { return };
        if let Some(way) = self.0.get_mut(index) {
            way.failures += 1;
            if way.failures >= FAILURES_MAX {
                self.0.remove(index);
            }
        }
    }

    /// A carrier is gone, and the ways over it.
    pub(super) fn drop_carrier(&mut self, carrier: PeerId) {
        self.0.retain(|way| way.carrier != carrier);
    }

    /// Returns what a way costs, in microseconds; `None` if it is none.
    pub(super) fn cost(&self, now: Instant, target: PeerId, carrier: PeerId) -> Option<u64> {
        let way = self.0.get(self.position(target, carrier)?)?;
        if now >= way.at + WAY_TIME {
            return None;
        }
        let guess = u64::from(way.hops) * HOP_MICROS;
        let micros = if way.micros == 0 { guess } else { way.micros };
        Some(micros + u64::from(way.failures) * FAILURE_HOPS * HOP_MICROS)
    }

    /// Returns how long an answer took that came from `target` lately, by whomever.
    pub(super) fn answer_time(&self, now: Instant, target: PeerId) -> Option<Duration> {
        let is_good = |way: &&Way| way.target == target && now < way.at + WAY_TIME;
        let measured = self.0.iter().filter(is_good).map(|way| way.micros).filter(|us| *us > 0);
        measured.max().map(Duration::from_micros)
    }

    fn position(&self, target: PeerId, carrier: PeerId) -> Option<usize> {
        self.0.iter().position(|way| way.target == target && way.carrier == carrier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(n: u8) -> PeerId {
        PeerId([n; 32])
    }

    fn at_s(s: u64) -> Instant {
        Instant::from_micros(s * 1_000_000)
    }

    fn learn(ways: &mut Ways, s: u64, carrier: u8, hops: u8, took_ms: u64) {
        let took = (took_ms > 0).then_some(Duration::from_millis(took_ms));
        ways.learn(at_s(s), (peer(9), peer(carrier)), STEPS_MAX - hops, took);
    }

    fn cost_ms(ways: &Ways, s: u64, carrier: u8) -> Option<u64> {
        ways.cost(at_s(s), peer(9), peer(carrier)).map(|micros| micros / 1000)
    }

    #[test]
    fn a_way_costs_its_hops_until_its_time_is_measured() {
        let mut ways = Ways::new();
        learn(&mut ways, 0, 1, 3, 0);
        assert_eq!(cost_ms(&ways, 1, 1), Some(150));
        learn(&mut ways, 1, 1, 3, 80);
        assert_eq!(cost_ms(&ways, 1, 1), Some(80));
        learn(&mut ways, 2, 1, 3, 160);
        assert_eq!(cost_ms(&ways, 2, 1), Some(90));
        assert_eq!(ways.answer_time(at_s(2), peer(9)), Some(Duration::from_millis(90)));
        assert_eq!((cost_ms(&ways, 62, 1), cost_ms(&ways, 2, 2)), (None, None));
    }

    #[test]
    fn failures_make_a_way_dear_and_then_none_unless_something_comes_by_it() {
        let mut ways = Ways::new();
        learn(&mut ways, 0, 1, 2, 0);
        ways.fail(peer(9), peer(1));
        assert_eq!(cost_ms(&ways, 1, 1), Some(300));
        learn(&mut ways, 1, 1, 2, 0);
        assert_eq!(cost_ms(&ways, 1, 1), Some(100));
        for _ in 0..3 {
            ways.fail(peer(9), peer(1));
        }
        assert_eq!(cost_ms(&ways, 1, 1), None);
    }

    #[test]
    fn a_carrier_that_is_gone_takes_its_ways_along_and_the_oldest_make_room() {
        let mut ways = Ways::new();
        learn(&mut ways, 0, 1, 2, 0);
        learn(&mut ways, 0, 2, 2, 0);
        ways.drop_carrier(peer(1));
        assert_eq!((cost_ms(&ways, 1, 1), cost_ms(&ways, 1, 2)), (None, Some(100)));
        for n in 0..WAYS_MAX {
            let target = PeerId(peerloom_crypto::sha256(&n.to_be_bytes()));
            ways.learn(at_s(1), (target, peer(3)), 9, None);
        }
        assert_eq!((ways.len(), cost_ms(&ways, 1, 2)), (WAYS_MAX, None));
    }
}
