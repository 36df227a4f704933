//! How many bytes come or go in a second, over the last two.

use alloc::collections::VecDeque;
use core::time::Duration;

use crate::time::Instant;

/// What is summed up into one slot.
const SLOT: Duration = Duration::from_millis(100);

/// How many slots are looked at: two seconds. Long enough to smooth the bursts in which bodies
/// arrive, short enough to follow a source that becomes slow. Guess.
const SLOTS_MAX: u64 = 20;

/// From so many slots on, the rate says something about the connection. Guess: half a second is
/// longer than bodies take to begin to come.
const TELLING_SLOTS_MIN: u64 = 5;

/// Sums up bytes in slots of time.
#[derive(Debug, Default)]
pub(super) struct Meter {
    /// Slot number and bytes, in order; at most [`SLOTS_MAX`], none empty.
    slots: VecDeque<(u64, u64)>,
    /// Since when bytes could come: the first slot that counts.
    since: u64,
    /// The rate when bytes last came, if they had come for long enough.
    estimate: Option<u64>,
}

impl Meter {
    /// Something is asked for, and nothing was before: waiting for the first bytes is part of the
    /// measure, a pause is not. What came before it is moved up to now; of what is longer ago than two
    /// seconds nothing is left.
    pub(super) fn begin(&mut self, now: Instant) {
        let current = slot(now);
        let last = self.slots.back().map_or(0, |(slot, _)| *slot);
        let pause = current.saturating_sub(last + 1);
        if pause >= SLOTS_MAX {
            self.slots.clear();
        }
        self.slots.iter_mut().for_each(|(slot, _)| *slot += pause);
        self.since = if self.slots.is_empty() { current } else { self.since + pause };
    }

    /// Adds bytes that came now.
    pub(super) fn add(&mut self, now: Instant, bytes: u64) {
        self.forget(now);
        let current = slot(now);
        match self.slots.back_mut() {
            Some((last, sum)) if *last == current => *sum = sum.saturating_add(bytes),
            Some(_) | None => self.slots.push_back((current, bytes)),
        }
        if current >= self.since + TELLING_SLOTS_MIN {
            self.estimate = Some(self.per_second(now));
        }
    }

    /// Returns what the connection carried when it last carried anything.
    pub(super) const fn estimate(&self) -> Option<u64> {
        self.estimate
    }

    /// Returns the bytes per second.
    pub(super) fn per_second(&self, now: Instant) -> u64 {
        let current = slot(now);
        let oldest = current.saturating_sub(SLOTS_MAX - 1);
        let counted = self.slots.iter().filter(|(slot, _)| *slot >= oldest);
        let bytes = counted.fold(0u64, |sum, (_, bytes)| sum.saturating_add(*bytes));
        let slots = current + 1 - self.since.max(oldest).min(current);
        bytes.saturating_mul(10) / slots
    }

    fn forget(&mut self, now: Instant) {
        let oldest = slot(now).saturating_sub(SLOTS_MAX - 1);
        while self.slots.front().is_some_and(|(slot, _)| *slot < oldest) {
            self.slots.pop_front();
        }
    }
}

fn slot(now: Instant) -> u64 {
    now.as_micros() / u64::try_from(SLOT.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_ms(ms: u64) -> Instant {
        Instant::from_micros(ms * 1000)
    }

    /// Begins, adds bytes at milliseconds, then reads the rate at another.
    fn check(begin_ms: u64, adds: &[(u64, u64)], read_ms: u64, expected: u64) {
        let mut meter = Meter::default();
        meter.begin(at_ms(begin_ms));
        for (ms, bytes) in adds {
            meter.add(at_ms(*ms), *bytes);
        }
        assert_eq!(meter.per_second(at_ms(read_ms)), expected);
    }

    #[test]
    fn a_steady_stream_has_its_rate_from_the_first_second_on() {
        let adds: Vec<_> = (0..100).map(|n| (n * 100, 50)).collect();
        check(0, &adds[..10], 999, 500);
        check(0, &adds, 9_999, 500);
    }

    #[test]
    fn silence_brings_it_down_to_nothing_in_two_seconds() {
        check(0, &[(0, 1000)], 999, 1000);
        check(0, &[(0, 1000)], 1999, 500);
        check(0, &[(0, 1000)], 2000, 0);
    }

    #[test]
    fn waiting_for_the_first_bytes_counts_and_what_was_before_does_not() {
        check(5_000, &[(5_950, 1000)], 5_950, 1000);
        check(60_000, &[(60_000, 100)], 60_000, 1000);
    }

    #[test]
    fn the_estimate_is_of_a_busy_time_and_outlasts_it() {
        let mut meter = Meter::default();
        meter.begin(at_ms(60_000));
        meter.add(at_ms(60_400), 500);
        assert_eq!(meter.estimate(), None);
        meter.add(at_ms(60_900), 500);
        assert_eq!(meter.estimate(), Some(1000));
        // Long after, one small body says nothing about what the connection can carry.
        meter.begin(at_ms(90_000));
        meter.add(at_ms(90_050), 1);
        assert_eq!((meter.estimate(), meter.per_second(at_ms(90_050))), (Some(1000), 10));
    }

    #[test]
    fn a_pause_in_which_nothing_was_asked_for_does_not_count() {
        let mut meter = Meter::default();
        meter.begin(at_ms(0));
        meter.add(at_ms(500), 1000);
        // Until the end of the next tenth of a second it is none.
        meter.begin(at_ms(650));
        meter.add(at_ms(950), 1000);
        assert_eq!(meter.per_second(at_ms(999)), 2000);
        // The second that passes is not there.
        meter.begin(at_ms(2000));
        assert_eq!(meter.per_second(at_ms(2099)), 1818);
        meter.add(at_ms(2300), 800);
        assert_eq!((meter.per_second(at_ms(2399)), meter.estimate()), (2000, Some(2000)));
        // After two seconds it is measured anew.
        meter.begin(at_ms(4500));
        meter.add(at_ms(4550), 100);
        assert_eq!((meter.per_second(at_ms(4599)), meter.estimate()), (1000, Some(2000)));
    }
}
