//! How often peers tell each other of others: what peer exchange and gossip have in common.

use core::time::Duration;

use crate::io::{Economy, Lifecycle};
use crate::time::Instant;

/// How often, and how much, a node tells its peers of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Between two lists of peer exchange to a peer, and two rounds of gossip. Less than a minute is
    /// against the rules (BEP 11) and taken for a minute.
    pub interval: Duration,
    /// The same while the page is hidden, or is to be sparing.
    pub interval_slow: Duration,
    /// How many peers a round of gossip tells of: [`GOSSIP_PEERS_MAX`] at most.
    pub gossip_peers_max: usize,
    /// How many hops gossip goes: [`GOSSIP_TTL_MAX`] at most; 0: none.
    pub gossip_ttl: u8,
}

/// The most peers in a message of gossip: what one knows best, no more. 20 records are 3 kB.
pub const GOSSIP_PEERS_MAX: usize = 20;

/// The most hops that gossip goes: from whom it is about to those who are four hops away. With eight
/// connections each that is as many as a node can know.
pub const GOSSIP_TTL_MAX: u8 = 3;

/// Between two lists, two rounds: BEP 11.
pub(crate) const INTERVAL: Duration = Duration::from_secs(60);

/// The same for who is sparing: hidden, nobody is looking, and timers fire once a minute. Guess.
const INTERVAL_SLOW: Duration = Duration::from_secs(180);

impl Default for Exchange {
    fn default() -> Self {
        Self {
            interval: INTERVAL,
            interval_slow: INTERVAL_SLOW,
            gossip_peers_max: GOSSIP_PEERS_MAX,
            gossip_ttl: GOSSIP_TTL_MAX,
        }
    }
}

/// How fast a node talks just now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    exchange: Exchange,
    is_hidden: bool,
    is_saving: bool,
}

impl Pace {
    pub(crate) const fn new(exchange: Exchange) -> Self {
        Self { exchange, is_hidden: false, is_saving: false }
    }

    pub(crate) fn on_lifecycle(&mut self, lifecycle: Lifecycle) {
        self.is_hidden = lifecycle == Lifecycle::Hidden;
    }

    pub(crate) fn on_economy(&mut self, economy: Economy) {
        self.is_saving = economy == Economy::Saving;
    }

    pub(crate) fn interval(&self) -> Duration {
        let Exchange { interval, interval_slow, .. } = self.exchange;
        let is_slow = self.is_hidden || self.is_saving;
        if is_slow { interval_slow } else { interval }.max(INTERVAL)
    }
}

/// How many messages somebody may send: some at once, and one more each so often.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turns {
    left: u32,
    counted_at: Instant,
}

impl Turns {
    pub(crate) const fn new(now: Instant, max: u32) -> Self {
        Self { left: max, counted_at: now }
    }

    /// Counts a message; `false` if it is one too many.
    pub(crate) fn admit(&mut self, now: Instant, max: u32, interval: Duration) -> bool {
        while self.left < max && now.since(self.counted_at) >= interval {
            self.left += 1;
            self.counted_at = self.counted_at + interval;
        }
        if self.left == max {
            self.counted_at = now;
        }
        let is_admitted = self.left > 0;
        self.left = self.left.saturating_sub(1);
        is_admitted
    }
}
