//! Whom a search did not find: nobody goes on looking for it at once.
//!
//! After half of a swarm left at once, nine in ten of its frames were searches for those who left, and the
//! answers to them (measured 2026-11-21): a search in vain takes all of its steps.

use alloc::vec::Vec;
use core::time::Duration;

use peerloom_wire::PeerId;

use crate::time::Instant;

/// How long it is not looked for after the first search in vain: an attempt to connect repeats its offer for
/// as long.
pub(super) const REST_FIRST: Duration = Duration::from_secs(10);

/// And at most, each rest being twice as long as the one before: as long as an attempt is waited for. Whoever
/// is back says so itself.
const REST_MAX: Duration = Duration::from_secs(60);

/// The most peers remembered; the one looked for longest ago goes first. As many as one connected peer may
/// name. 48 bytes each.
pub(super) const ABSENT_MAX: usize = 64;

/// A peer that was looked for in vain.
#[derive(Debug)]
struct Miss {
    peer: PeerId,
    rest: Duration,
    until: Instant,
}

/// Those that were looked for in vain, and not heard of since.
#[derive(Debug)]
pub(super) struct Absent(Vec<Miss>);

impl Absent {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    /// How many are remembered.
    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether looking for a peer is still of no use.
    pub(super) fn rests(&self, now: Instant, peer: PeerId) -> bool {
        self.0.iter().any(|miss| miss.peer == peer && now < miss.until)
    }

    /// Every copy of what was sent to a peer came back.
    pub(super) fn note(&mut self, now: Instant, peer: PeerId) {
        let known = self.0.iter().position(|miss| miss.peer == peer);
        let before = known.map(|index| self.0.remove(index));
        // Copies of one search may come back in two parts.
        let rest = match before {
            Some(miss) if now < miss.until => miss.rest,
            Some(miss) => (miss.rest * 2).min(REST_MAX),
            None => REST_FIRST,
        };
        if self.0.len() >= ABSENT_MAX {
            self.0.remove(0);
        }
        self.0.push(Miss { peer, rest, until: now + rest });
    }

    /// Those may be there after all.
    pub(super) fn forget(&mut self, is_there: impl Fn(PeerId) -> bool) {
        self.0.retain(|miss| !is_there(miss.peer));
    }
}
