//! How much somebody may send: token buckets, in whole bytes.

use core::time::Duration;

use crate::time::Instant;

/// A size of bucket: what it holds at most, and what it gains in a second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    pub(crate) burst_bytes: i64,
    pub(crate) bytes_per_second: i64,
    /// What a message is charged at least, so that one bucket bounds messages and bytes: a signature
    /// is checked for the smallest too.
    pub(crate) charge_min_bytes: i64,
}

/// What may still be sent. It fills up with time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    /// Below zero: what was sent beyond it, refused.
    pub(crate) level: i64,
    /// When it was last filled.
    pub(crate) at: Instant,
}

impl Allowance {
    /// Returns a full one.
    pub(crate) const fn new(now: Instant, rate: Rate) -> Self {
        Self { level: rate.burst_bytes, at: now }
    }

    /// Adds what was gained since the last time.
    pub(crate) fn fill(&mut self, now: Instant, rate: Rate) {
        let micros = i64::try_from(now.since(self.at).as_micros()).unwrap_or(i64::MAX);
        let gained = rate.bytes_per_second.saturating_mul(micros) / 1_000_000;
        self.level = self.level.saturating_add(gained).min(rate.burst_bytes);
        self.at = now;
    }

    /// Charges for a message; `false` when there was not enough, by however little.
    pub(crate) fn take(&mut self, bytes: usize, rate: Rate) -> bool {
        self.level = self.level.saturating_sub(rate.charge(bytes));
        self.level >= 0
    }

    /// Charges for a message if there is enough; what is refused is not held against anybody.
    pub(crate) fn spend(&mut self, bytes: usize, rate: Rate) -> bool {
        self.allows(bytes, rate) && self.take(bytes, rate)
    }

    /// Returns from when on a message may be sent, if nothing else is.
    pub(crate) fn allowed_at(&self, bytes: usize, rate: Rate) -> Instant {
        self.reaches(rate.charge(bytes), rate)
    }

    /// Returns from when on nothing is owed for what was sent.
    pub(crate) fn settled_at(&self, rate: Rate) -> Instant {
        self.reaches(0, rate)
    }

    fn reaches(&self, level: i64, rate: Rate) -> Instant {
        let wanted = u64::try_from(level.saturating_sub(self.level)).unwrap_or(0);
        let per_second = rate.bytes_per_second.unsigned_abs().max(1);
        self.at + Duration::from_micros(wanted.saturating_mul(1_000_000).div_ceil(per_second))
    }

    /// Returns whether a message may be sent.
    pub(crate) fn allows(&self, bytes: usize, rate: Rate) -> bool {
        self.level >= rate.charge(bytes)
    }
}

impl Rate {
    fn charge(self, bytes: usize) -> i64 {
        i64::try_from(bytes).unwrap_or(i64::MAX).max(self.charge_min_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { burst_bytes: 10_240, bytes_per_second: 2048, charge_min_bytes: 2048 };

    fn at_ms(ms: u64) -> Instant {
        Instant::from_micros(ms * 1000)
    }

    /// Messages at milliseconds, of so many bytes, and whether each is allowed.
    fn check(sent: &[(u64, usize, bool)]) {
        let mut allowance = Allowance::new(at_ms(0), RATE);
        for (ms, bytes, allowed) in sent {
            allowance.fill(at_ms(*ms), RATE);
            assert_eq!(allowance.take(*bytes, RATE), *allowed, "{bytes} bytes at {ms} ms");
        }
    }

    #[test]
    fn a_burst_is_allowed_and_then_one_in_a_second() {
        let burst = [(0, 100, true); 5];
        check(&[&burst[..], &[(0, 100, false), (1000, 100, false), (3000, 100, true)]].concat());
    }

    #[test]
    fn what_is_not_spent_costs_nothing() {
        let mut allowance = Allowance::new(at_ms(0), RATE);
        assert!(!allowance.spend(10_241, RATE));
        assert!(allowance.spend(10_240, RATE));
        assert!(!allowance.spend(0, RATE));
        assert_eq!(allowance.level, 0);
    }

    #[test]
    fn large_ones_cost_what_they_weigh() {
        check(&[(0, 8192, true), (0, 2049, false)]);
    }

    #[test]
    fn what_is_not_allowed_yet_is_just_then() {
        let mut allowance = Allowance::new(at_ms(0), RATE);
        assert_eq!(allowance.allowed_at(10_240, RATE), at_ms(0));
        allowance.take(12_288, RATE);
        assert_eq!(allowance.settled_at(RATE), at_ms(1000));
        assert_eq!(allowance.allowed_at(0, RATE), at_ms(2000));
        for (ms, is_allowed) in [(1999, false), (2000, true)] {
            let mut later = allowance;
            later.fill(at_ms(ms), RATE);
            assert_eq!(later.allows(0, RATE), is_allowed, "{ms}");
        }
    }

    #[test]
    fn no_silence_saves_up_more_than_a_burst() {
        let burst = [(u64::MAX / 2000, 0, true); 5];
        check(&[&burst[..], &[(u64::MAX / 2000, 0, false)]].concat());
    }
}
