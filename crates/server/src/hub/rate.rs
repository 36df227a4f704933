//! How much a connection may say: two token buckets, of messages and of bytes.

use core::time::Duration;

use super::Limits;

/// How many seconds' worth of silence may be said at once. A newcomer that negotiates with three
/// peers says some 40 messages in a second, and then none. Guess.
pub(super) const BURST_S: u64 = 10;

/// A token bucket in thousandths, which fills up with time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    /// Below zero: what was refused. Never less than minus a burst.
    level: i64,
    at: Duration,
}

/// What may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Take {
    Allowed,
    /// Not now: so many a second are, and one more after `retry`.
    Refused {
        limit: usize,
        retry: Duration,
    },
    /// As much again as a burst was refused.
    Flood,
}

impl Bucket {
    /// Returns a full one.
    pub(super) fn full(now: Duration, burst: u64) -> Self {
        Self { level: thousandths(burst), at: now }
    }

    /// Adds what was gained since the last time.
    pub(super) fn fill(&mut self, now: Duration, per_second: u64, burst: u64) {
        let ms = now.saturating_sub(self.at).as_millis();
        let ms = u64::try_from(ms).unwrap_or(u64::MAX);
        let gained = i64::try_from(per_second.saturating_mul(ms)).unwrap_or(i64::MAX);
        self.level = self.level.saturating_add(gained).min(thousandths(burst));
        // Whole milliseconds only, so that what is left over counts the next time.
        self.at = self.at.saturating_add(Duration::from_millis(ms)).min(now.max(self.at));
    }

    /// Charges, also for what is refused.
    pub(super) fn take(&mut self, count: u64, burst: u64) -> bool {
        let bottom = thousandths(burst).saturating_neg();
        self.level = self.level.saturating_sub(thousandths(count)).max(bottom);
        self.level >= 0
    }

    /// Charges if there is enough.
    pub(super) fn spend(&mut self, count: u64) -> bool {
        let is_enough = self.level >= thousandths(count);
        if is_enough {
            self.level -= thousandths(count);
        }
        is_enough
    }

    pub(super) fn is_full(&self, burst: u64) -> bool {
        self.level >= thousandths(burst)
    }

    fn is_at_bottom(&self, burst: u64) -> bool {
        self.level <= thousandths(burst).saturating_neg()
    }

    /// Returns how long it takes until there is something again.
    fn wait(&self, per_second: u64) -> Duration {
        let lacking = u64::try_from(self.level.saturating_neg()).unwrap_or(0);
        Duration::from_millis(lacking.div_ceil(per_second.max(1)))
    }
}

/// What a connection may still say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    messages: Bucket,
    bytes: Bucket,
}

impl Budget {
    pub(super) fn new(now: Duration, limits: &Limits) -> Self {
        let messages = Bucket::full(now, u64::from(limits.messages_per_s) * BURST_S);
        let bytes = Bucket::full(now, u64::from(limits.bytes_per_s) * BURST_S);
        Self { messages, bytes }
    }

    /// Charges for a message of so many bytes.
    pub(super) fn take(&mut self, now: Duration, bytes: usize, limits: &Limits) -> Take {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let one = |bucket: &mut Bucket, count: u64, per_second: u32| {
            let (per_s, burst) = (u64::from(per_second), u64::from(per_second) * BURST_S);
            bucket.fill(now, per_s, burst);
            if bucket.take(count, burst) {
                return Take::Allowed;
            }
            if bucket.is_at_bottom(burst) {
                return Take::Flood;
            }
            let limit = usize::try_from(per_second).unwrap_or(usize::MAX);
            Take::Refused { limit, retry: bucket.wait(per_s) }
        };
        let messages = one(&mut self.messages, 1, limits.messages_per_s);
        let bytes = one(&mut self.bytes, bytes, limits.bytes_per_s);
        match (messages, bytes) {
            (Take::Flood, _) | (_, Take::Flood) => Take::Flood,
            (Take::Allowed, bytes) => bytes,
            (messages, _) => messages,
        }
    }
}

fn thousandths(count: u64) -> i64 {
    i64::try_from(count.saturating_mul(1000)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits { messages_per_s: 2, bytes_per_s: 1_000, ..Limits::default() }
    }

    fn at_ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_burst_is_allowed_and_then_so_many_a_second() {
        let limits = limits();
        let mut budget = Budget::new(at_ms(0), &limits);
        for _ in 0..20 {
            assert_eq!(budget.take(at_ms(0), 1, &limits), Take::Allowed);
        }
        let refused = Take::Refused { limit: 2, retry: at_ms(500) };
        assert_eq!(budget.take(at_ms(0), 1, &limits), refused);
        assert_eq!(budget.take(at_ms(1_000), 1, &limits), Take::Allowed);
    }

    #[test]
    fn bytes_count_as_messages_do() {
        let limits = limits();
        let mut budget = Budget::new(at_ms(0), &limits);
        assert_eq!(budget.take(at_ms(0), 10_000, &limits), Take::Allowed);
        let refused = Take::Refused { limit: 1_000, retry: at_ms(1) };
        assert_eq!(budget.take(at_ms(0), 1, &limits), refused);
    }

    #[test]
    fn whoever_goes_on_for_as_much_again_floods() {
        let limits = limits();
        let mut budget = Budget::new(at_ms(0), &limits);
        let said: Vec<Take> = (0..40).map(|_| budget.take(at_ms(0), 0, &limits)).collect();
        assert!(said[..20].iter().all(|take| *take == Take::Allowed));
        assert!(said[20..39].iter().all(|take| matches!(take, Take::Refused { .. })));
        assert_eq!(said[39], Take::Flood);
    }

    #[test]
    fn no_silence_saves_up_more_than_a_burst() {
        let limits = limits();
        let mut budget = Budget::new(at_ms(0), &limits);
        let late = at_ms(u64::MAX / 4);
        let said: Vec<Take> = (0..21).map(|_| budget.take(late, 0, &limits)).collect();
        assert!(said[..20].iter().all(|take| *take == Take::Allowed));
        assert!(matches!(said[20], Take::Refused { .. }));
    }

    #[test]
    fn time_in_slices_gains_as_much_as_time_in_one_piece() {
        let limits = limits();
        let mut budget = Budget::new(at_ms(0), &limits);
        for _ in 0..20 {
            budget.take(at_ms(0), 0, &limits);
        }
        for micros in (0..1_000_000).step_by(700) {
            budget.messages.fill(Duration::from_micros(micros), 2, 20);
        }
        assert_eq!(budget.take(at_ms(1_000), 0, &limits), Take::Allowed);
        assert_eq!(budget.take(at_ms(1_000), 0, &limits), Take::Allowed);
        assert_ne!(budget.take(at_ms(1_000), 0, &limits), Take::Allowed);
    }
}
