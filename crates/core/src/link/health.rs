//! The health of an open connection: its pings, its round trip time, and what silence means.
//!
//! An unanswered ping proves something only if we were there to hear the answer. Timers of hidden
//! pages are late, those of frozen pages and stopped processes don't fire, a busy main thread comes
//! to them when it can: then the answer may wait in our own queue, and the ping does not count.

use core::time::Duration;

use super::connection::Due;
use crate::deadline::LAG_MAX;
use crate::time::Instant;

/// How often a connection is pinged. Guess: often enough for a live round trip time, rare enough
/// to cost nothing (14 bytes).
pub(super) const PING_INTERVAL: Duration = Duration::from_secs(5);

/// So many pings in a row without a sign of life are the end: 30 s. Long, because the browser itself
/// notices a dead network (RFC 7675, after some 6 s); what is left is a page that is busy, which is
/// not dead.
pub(super) const UNANSWERED_MAX: u32 = 6;

/// For how long a peer that said that its page freezes is not blamed for silence. It may also have been
/// closed since, or its path may be gone, and not every browser says so. Guess: most freezes are
/// shorter; a longer one costs a new connection when it ends, and its place is another's until then.
const FROZEN_MAX: Duration = Duration::from_secs(120);

/// The least time that the answer to a probe has: RFC 6298, section 2, paragraph 2.4.
const PROBE_MIN: Duration = Duration::from_secs(1);

/// The most: later than this the browser tells us of a dead path itself (5 to 7 s).
const PROBE_MAX: Duration = Duration::from_secs(4);

/// The state of the ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ping {
    Idle {
        next_at: Instant,
    },
    Sent {
        nonce: u32,
        at: Instant,
        /// Of a probe: when silence says that the path is gone.
        restart_at: Option<Instant>,
    },
}

/// The round trip time in microseconds: RFC 6298, section 2, with its gains of 1/8 and 1/4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rtt {
    /// Its smoothed value.
    pub(crate) smoothed_micros: u64,
    /// How far samples are from it, smoothed.
    pub(crate) variation_micros: u64,
}

impl Rtt {
    fn after(before: Option<Self>, sample: u64) -> Self {
        let Some(Self { smoothed_micros, variation_micros }) = before else {
            return Self { smoothed_micros: sample, variation_micros: sample / 2 };
        };
        let deviation = smoothed_micros.abs_diff(sample);
        Self {
            smoothed_micros: (smoothed_micros * 7 + sample) / 8,
            variation_micros: (variation_micros * 3 + deviation) / 4,
        }
    }

    /// What RFC 6298 calls the retransmission timeout, before its bounds: hardly any answer takes longer.
    pub(crate) const fn bound_micros(self) -> u64 {
        self.smoothed_micros.saturating_add(self.variation_micros.saturating_mul(4))
    }

    const fn timeout(self) -> Duration {
        Duration::from_micros(self.bound_micros())
    }
}

/// Pings and what they told.
#[derive(Debug)]
pub(super) struct Health {
    ping: Ping,
    /// The last ping's.
    nonce: u32,
    /// Whether the next ping is a probe.
    probes: bool,
    /// Pings in a row that nothing was heard after, though we were there to hear it.
    unanswered: u32,
    /// The peer's page is frozen: until then it may be silent. It is asked all the same: it may have
    /// taken our page for frozen too, and who waits for the other's word then waits for ever.
    excused_until: Option<Instant>,
    pub(super) rtt: Option<Rtt>,
}

impl Health {
    /// The first ping goes at once.
    pub(super) const fn new(now: Instant) -> Self {
        let ping = Ping::Idle { next_at: now };
        Self { ping, nonce: 0, probes: false, unanswered: 0, excused_until: None, rtt: None }
    }

    /// The peer sent something: it is not frozen, and not dead.
    pub(super) const fn heard(&mut self) {
        self.unanswered = 0;
        self.excused_until = None;
    }

    pub(super) fn peer_froze(&mut self, now: Instant) {
        self.excused_until = Some(now + FROZEN_MAX);
    }

    /// Takes a pong; returns `true` if it answers our last ping.
    pub(super) fn pong(&mut self, now: Instant, nonce: u32) -> bool {
        let Ping::Sent { nonce: sent, at, .. } = self.ping else { return false };
        if sent != nonce {
            return false;
        }
        let sample = u64::try_from(now.since(at).as_micros()).unwrap_or(u64::MAX);
        self.rtt = Some(Rtt::after(self.rtt, sample));
        self.ping = Ping::Idle { next_at: at + PING_INTERVAL };
        true
    }

    /// Asks at once, whatever was asked before: what is on its way may have taken a path that is no
    /// more. Silence is not waited out until the browser notices it.
    pub(super) fn probe(&mut self, now: Instant) {
        self.probes = true;
        self.ping = Ping::Idle { next_at: now };
    }

    pub(super) fn poll_timeout(&self) -> Instant {
        match self.ping {
            Ping::Idle { next_at } => next_at,
            Ping::Sent { at, restart_at, .. } => {
                let next_at = at + PING_INTERVAL;
                restart_at.map_or(next_at, |at| at.min(next_at))
            }
        }
    }

    /// Returns what is due, and marks it done.
    pub(super) fn due(&mut self, now: Instant) -> Option<Due> {
        match &mut self.ping {
            Ping::Idle { next_at } => (*next_at <= now).then(|| self.ask(now)),
            Ping::Sent { at, .. } if *at + PING_INTERVAL <= now => {
                let is_late = now.since(*at + PING_INTERVAL) > LAG_MAX;
                let is_excused = self.excused_until.is_some_and(|until| now < until);
                self.unanswered = if is_late || is_excused { 0 } else { self.unanswered + 1 };
                let is_dead = self.unanswered >= UNANSWERED_MAX;
                Some(if is_dead { Due::Unresponsive } else { self.ask(now) })
            }
            Ping::Sent { restart_at, .. } if restart_at.is_some_and(|at| at <= now) => {
                *restart_at = None;
                Some(Due::Restart)
            }
            Ping::Sent { .. } => None,
        }
    }

    fn ask(&mut self, now: Instant) -> Due {
        self.nonce = self.nonce.wrapping_add(1);
        let patience = self.rtt.map_or(PROBE_MIN, Rtt::timeout).clamp(PROBE_MIN, PROBE_MAX);
        let restart_at = core::mem::take(&mut self.probes).then(|| now + patience);
        self.ping = Ping::Sent { nonce: self.nonce, at: now, restart_at };
        Due::Ping { nonce: self.nonce }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::from_micros(ms * 1000)
    }

    /// A connection that was measured once: the first ping was answered after so long.
    fn measured(rtt_ms: u64) -> Health {
        let mut health = Health::new(at(0));
        assert_eq!(health.due(at(0)), Some(Due::Ping { nonce: 1 }));
        assert!(health.pong(at(rtt_ms), 1));
        health
    }

    /// Lets time pass with timers that fire so much too late, and gives what became due, by second.
    fn wait(health: &mut Health, until_ms: u64, late_ms: u64) -> Vec<(u64, Due)> {
        let mut seen = Vec::new();
        while !matches!(seen.last(), Some((_, Due::Unresponsive))) {
            let due = health.poll_timeout() + Duration::from_millis(late_ms);
            if due > at(until_ms) {
                break;
            }
            while let Some(what) = health.due(due) {
                let is_end = what == Due::Unresponsive;
                seen.push((due.as_micros() / 1_000_000, what));
                if is_end {
                    break;
                }
            }
        }
        seen
    }

    fn ping(nonce: u32) -> Due {
        Due::Ping { nonce }
    }

    #[test]
    fn round_trips_are_smoothed_with_their_variation_as_rfc_6298_has_it() {
        let mut rtt = None;
        for (sample, smoothed_micros, variation_micros) in
            [(100, 100, 50), (200, 112, 62), (112, 112, 46), (0, 98, 62)]
        {
            rtt = Some(Rtt::after(rtt, sample));
            assert_eq!(rtt, Some(Rtt { smoothed_micros, variation_micros }));
        }
    }

    #[test]
    fn six_pings_in_a_row_without_a_sign_of_life_are_the_end() {
        let seen = wait(&mut Health::new(at(0)), 100_000, 0);
        let pings = (0..6).map(|n| (u64::from(n) * 5, ping(n + 1)));
        assert_eq!(seen, pings.chain([(30, Due::Unresponsive)]).collect::<Vec<_>>());
    }

    #[test]
    fn silence_that_we_were_not_there_to_hear_counts_for_nothing() {
        // Hidden pages' timers fire once a minute.
        let seen = wait(&mut Health::new(at(0)), 600_000, 55_000);
        assert!(seen.iter().all(|(_, due)| matches!(due, Due::Ping { .. })), "{seen:?}");
        // Five pings were unanswered when the process was stopped: they begin at nought.
        let mut health = Health::new(at(0));
        wait(&mut health, 25_500, 0);
        assert_eq!(health.due(at(55_000)), Some(ping(7)));
        assert_eq!(wait(&mut health, 84_000, 0).len(), 5);
        assert_eq!(wait(&mut health, 85_000, 0), [(85, Due::Unresponsive)]);
    }

    #[test]
    fn whatever_a_peer_sends_is_a_sign_of_life() {
        let mut health = Health::new(at(0));
        wait(&mut health, 29_999, 0);
        health.heard();
        assert_eq!(wait(&mut health, 34_999, 0), [(30, ping(7))]);
    }

    #[test]
    fn a_frozen_peer_is_asked_on_and_blamed_only_for_what_it_is_silent_after_two_minutes() {
        let mut health = measured(3);
        health.peer_froze(at(4000));
        let pings = wait(&mut health, 149_999, 0);
        assert!(pings.iter().all(|(_, due)| matches!(due, Due::Ping { .. })), "{pings:?}");
        assert_eq!(pings.len(), 29);
        assert_eq!(wait(&mut health, 200_000, 0), [(150, Due::Unresponsive)]);
    }

    #[test]
    fn a_frozen_peer_that_was_heard_again_is_like_any_other() {
        let mut health = measured(3);
        health.peer_froze(at(4000));
        wait(&mut health, 10_500, 0);
        health.heard();
        assert_eq!(wait(&mut health, 100_000, 0).last(), Some(&(40, Due::Unresponsive)));
    }

    #[test]
    fn a_frozen_peer_is_probed_too_and_its_path_restarted() {
        let mut health = measured(3);
        health.peer_froze(at(1000));
        health.probe(at(2000));
        assert_eq!(wait(&mut health, 4000, 0), [(2, ping(2)), (3, Due::Restart)]);
    }

    #[test]
    fn a_probe_that_stays_unanswered_restarts_ice_once_and_blames_nobody() {
        // The patience is that of RFC 6298, from one second to what the browser takes itself.
        for (rtt_ms, patience_ms) in [(3, 1000), (400, 1200), (3000, 4000)] {
            let mut health = measured(rtt_ms);
            health.probe(at(4000));
            let probed = wait(&mut health, 4000 + patience_ms - 1, 0);
            assert_eq!(probed, [(4, ping(2))]);
            assert_eq!(health.due(at(4000 + patience_ms)), Some(Due::Restart));
            assert_eq!(health.due(at(4000 + patience_ms)), None);
            assert!(health.pong(at(4000 + patience_ms), 2));
        }
    }

    #[test]
    fn a_probe_asks_anew_what_was_asked_before_and_no_answer_comes_to_that() {
        let mut health = Health::new(at(0));
        assert_eq!(health.due(at(0)), Some(ping(1)));
        health.probe(at(10));
        assert_eq!(health.due(at(10)), Some(ping(2)));
        assert!(!health.pong(at(11), 1));
        assert!(health.pong(at(12), 2));
        assert_eq!(health.rtt.map(|rtt| rtt.smoothed_micros), Some(2000));
        // The next one is none.
        assert_eq!(wait(&mut health, 9_000, 0), [(5, ping(3))]);
    }
}
