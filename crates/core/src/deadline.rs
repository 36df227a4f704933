//! Deadlines for others, which we don't hold our own lateness against.

use core::time::Duration;

use crate::time::Instant;

/// How much later than its deadline a timer may fire before we blame ourselves for it.
pub(crate) const LAG_MAX: Duration = Duration::from_secs(1);

/// What is granted to the other side after a lag of our own: its messages are in our queue.
pub(crate) const LAG_GRACE: Duration = Duration::from_secs(2);

/// A deadline for the other side, which our own lateness postpones once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deadline {
    at: Instant,
    postponed: bool,
}

impl Deadline {
    pub(crate) fn new(at: Instant) -> Self {
        Self { at, postponed: false }
    }

    pub(crate) const fn at(self) -> Instant {
        self.at
    }

    /// Returns whether the other side is really late at `now`. If we were late ourselves, it is
    /// given a moment more, once.
    pub(crate) fn is_missed(&mut self, now: Instant) -> bool {
        if now < self.at {
            return false;
        }
        if !self.postponed && now.since(self.at) > LAG_MAX {
            *self = Self { at: now + LAG_GRACE, postponed: true };
            return false;
        }
        true
    }
}
