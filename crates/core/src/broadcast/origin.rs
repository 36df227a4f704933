//! Origins: which of their posts were here, and how much each may send.

use peerloom_wire::{PeerId, RunId};

use super::cache::KEPT_MAX;
use crate::allowance::{Allowance, Rate};
use crate::map::{Map, Set};
use crate::time::Instant;

/// The most runs of origins remembered; the one unheard of for longest goes first. As many
/// as write in a busy room within the minute that posts are kept.
pub(super) const ORIGINS_MAX: usize = 256;

/// The most numbers remembered of one run; below the least of them all count as seen.
///
/// As many as are kept of posts: what is repaired late has older numbers than what came meanwhile.
pub(super) const NUMBERS_MAX: usize = KEPT_MAX;

/// What an origin may send, as its posts count ([`counts`](super::flow::counts)). Twice of what its
/// neighbours grant it, since what was held up arrives at once: only who tells each neighbour something
/// else gets there.
const ORIGIN_RATE: Rate =
    Rate { burst_bytes: 8 << 20, bytes_per_second: 2 << 20, charge_min_bytes: 0 };

/// What is to be done with a post whose signature holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    News,
    /// It was here, in another form or long ago.
    Replayed,
    /// Its origin sends too much.
    TooMuch,
}

#[derive(Debug)]
struct Origin {
    allowance: Allowance,
    /// All numbers below count as seen.
    floor: u32,
    /// Invariant: none below `floor`, nor `floor` itself.
    seen: Set<u32>,
}

/// Who wrote lately. Only posts whose signature holds count here, so nobody can spoil another's name.
#[derive(Debug, Default)]
pub(super) struct Origins {
    runs: Map<(PeerId, RunId), Origin>,
}

impl Origins {
    /// Takes a post of a run.
    pub(super) fn take(
        &mut self,
        now: Instant,
        run: (PeerId, RunId),
        number: u32,
        counted: u32,
    ) -> Verdict {
        if !self.runs.contains_key(&run) {
            if self.runs.len() >= ORIGINS_MAX {
                self.runs.remove_least_by(|origin| origin.allowance.at);
            }
            // Of what it wrote before we heard of it, only as much as could be remembered counts.
            let reach = u32::try_from(NUMBERS_MAX).unwrap_or(u32::MAX);
            let floor = number.saturating_sub(reach);
            let allowance = Allowance::new(now, ORIGIN_RATE);
            self.runs.insert(run, Origin { allowance, floor, seen: Set::new() });
        }
        let Some(origin) = self.runs.get_mut(&run) else { return Verdict::TooMuch };
        if number < origin.floor || origin.seen.contains(&number) {
            return Verdict::Replayed;
        }
        origin.allowance.fill(now, ORIGIN_RATE);
        let counted = usize::try_from(counted).unwrap_or(usize::MAX);
        if !origin.allowance.spend(counted, ORIGIN_RATE) {
            return Verdict::TooMuch;
        }
        origin.remember(number);
        Verdict::News
    }

    pub(super) const fn len(&self) -> usize {
        self.runs.len()
    }
}

impl Origin {
    fn remember(&mut self, number: u32) {
        self.seen.insert(number);
        while self.seen.len() > NUMBERS_MAX || self.seen.first() == Some(&self.floor) {
            let Some(least) = self.seen.pop_first() else { return };
            self.floor = least.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::from_micros(ms * 1000)
    }

    fn run(n: u8) -> (PeerId, RunId) {
        (PeerId([n; 32]), RunId(1))
    }

    #[test]
    fn each_number_of_a_run_counts_once_in_any_order() {
        let mut origins = Origins::default();
        for (number, verdict) in [
            (5, Verdict::News),
            (3, Verdict::News),
            (5, Verdict::Replayed),
            (4, Verdict::News),
            (3, Verdict::Replayed),
            (0, Verdict::News),
        ] {
            assert_eq!(origins.take(at(0), run(1), number, 10), verdict, "{number}");
        }
        assert_eq!(origins.take(at(0), (PeerId([1; 32]), RunId(2)), 5, 10), Verdict::News);
    }

    #[test]
    fn who_sends_too_much_waits_and_nobody_else_does() {
        let mut origins = Origins::default();
        let sent = (0..400)
            .filter(|number| origins.take(at(0), run(1), *number, 32 << 10) == Verdict::News);
        assert_eq!(sent.count(), 256);
        assert_eq!(origins.take(at(0), run(2), 0, 10), Verdict::News);
        assert_eq!(origins.take(at(1000), run(1), 500, 32 << 10), Verdict::News);
    }

    #[test]
    fn memory_is_bounded() {
        let mut origins = Origins::default();
        for n in 0..4000u32 {
            let peer = PeerId([u8::try_from(n % 250).unwrap(); 32]);
            // Every other number, so that nothing closes up.
            origins.take(at(n.into()), (peer, RunId(u64::from(n / 250))), n * 2, 10);
            origins.take(at(n.into()), run(1), n * 2, 10);
        }
        assert!(origins.runs.len() <= ORIGINS_MAX);
        assert!(origins.runs.values().all(|origin| origin.seen.len() <= NUMBERS_MAX));
    }

    proptest! {
        #[test]
        fn no_number_counts_twice(numbers in prop::collection::vec(0u32..600, 0..1500)) {
            let mut origins = Origins::default();
            let mut taken = Set::new();
            for number in numbers {
                if origins.take(at(0), run(1), number, 10) == Verdict::News {
                    prop_assert!(taken.insert(number), "{number} again");
                }
            }
        }
    }
}
