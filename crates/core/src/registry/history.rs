//! What is remembered of one peer, and what that says about the next attempt.

use alloc::vec::Vec;
use core::cmp::Ordering;
use core::time::Duration;

use peerloom_wire::PeerId;

use crate::score::Terms;

/// One success or failure, so that it can be halved a few times before it is nothing.
const ONE: u32 = 256;

/// Connected for so long is as good as one connection that broke is bad. Guess.
const HELD_MS: u64 = 600 * 1000;

/// No more than this counts: who was here for long is judged by what it does now.
const HELD_MAX_MS: u64 = 4 * 3600 * 1000;

/// The uptime takes six bytes of the stored form, which are 8,900 years.
const UPTIME_BITS: u32 = 48;

/// After so long an outcome counts half: who was there yesterday is more likely there today than who
/// was there last week. Guess.
const HALF_LIFE_MS: u64 = 24 * 3600 * 1000;

/// The length of a stored history, with the peer's id before it.
pub(super) const ENTRY_BYTES: usize = 65;

/// What is remembered of a peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct History {
    /// Bits of the paths over which it was reached; none: never connected.
    pub(super) paths: u8,
    /// When it was last connected, or said to be there; in milliseconds since the Unix epoch.
    pub(super) seen_ms: u64,
    /// When what is counted was last halved.
    pub(super) weighed_ms: u64,
    /// How long it was connected to us in all.
    pub(super) uptime_ms: u64,
    /// Attempts that succeeded, in 256ths, halved for each [`HALF_LIFE_MS`] before `weighed_ms`.
    pub(super) successes: u32,
    /// Attempts that failed, in the same way.
    pub(super) failures: u32,
    /// Connections that broke, in the same way.
    pub(super) breaks: u32,
}

/// How connecting to a peer, or a connection to it, ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Connected,
    Failed,
    Broken,
}

impl History {
    /// Notes an outcome.
    #[inline(never)]
    pub(super) fn note(&mut self, unix_ms: u64, outcome: Outcome) {
        *self = self.faded(unix_ms);
        let weight = match outcome {
            Outcome::Connected => &mut self.successes,
            Outcome::Failed => &mut self.failures,
            Outcome::Broken => &mut self.breaks,
        };
        *weight = weight.saturating_add(ONE);
    }

    /// Returns what this says about the peer, as a connection that holds and one to be made: the rates
    /// of success, where recent outcomes count more. Without any they are a half (Laplace's rule of
    /// succession).
    #[inline(never)]
    pub(super) fn terms(&self, unix_ms: u64) -> Terms {
        let Self { successes, failures, breaks, uptime_ms, .. } = self.faded(unix_ms);
        let rate = |good: u64, bad: u32| {
            let one = u64::from(ONE);
            1000 * (good + one) / (good + u64::from(bad) + 2 * one)
        };
        let held = uptime_ms.min(HELD_MAX_MS) * u64::from(ONE) / HELD_MS;
        Terms {
            uptime_ms,
            availability: rate(u64::from(successes), failures),
            stability: rate(held, breaks),
            ..Terms::default()
        }
    }

    /// Orders peers by what remembering them is worth, and by whom to try: experience before
    /// hearsay, then the score, then who was seen last.
    #[inline(never)]
    pub(super) fn rank(&self, unix_ms: u64) -> Rank {
        Rank([u64::from(self.paths != 0), self.terms(unix_ms).score(), self.seen_ms])
    }

    /// Returns the same as it counts now: halved for each day.
    fn faded(mut self, unix_ms: u64) -> Self {
        let elapsed_ms = unix_ms.saturating_sub(self.weighed_ms);
        self.weighed_ms += elapsed_ms - elapsed_ms % HALF_LIFE_MS;
        let halvings = u32::try_from(elapsed_ms / HALF_LIFE_MS).unwrap_or(u32::MAX);
        for weight in [&mut self.successes, &mut self.failures, &mut self.breaks] {
            *weight = weight.checked_shr(halvings).unwrap_or(0);
        }
        self
    }

    /// It was connected for so long.
    pub(super) fn add_uptime(&mut self, time: Duration) {
        let elapsed_ms = u64::try_from(time.as_millis()).unwrap_or(0);
        self.uptime_ms = self.uptime_ms.saturating_add(elapsed_ms);
    }

    /// Adds what was stored of the same peer before this page began.
    pub(super) fn add_earlier(&mut self, earlier: Self) {
        self.paths |= earlier.paths;
        self.successes = self.successes.saturating_add(earlier.successes);
        self.failures = self.failures.saturating_add(earlier.failures);
        self.breaks = self.breaks.saturating_add(earlier.breaks);
        self.weighed_ms = self.weighed_ms.max(earlier.weighed_ms);
        self.uptime_ms = self.uptime_ms.saturating_add(earlier.uptime_ms);
        self.seen_ms = self.seen_ms.max(earlier.seen_ms);
    }

    /// By hand and not by postcard: all fields have a fixed length.
    pub(super) fn encode(&self, peer: PeerId, to: &mut Vec<u8>) {
        to.extend_from_slice(&peer.0);
        to.push(self.paths);
        let uptime_ms = self.uptime_ms.min((1 << UPTIME_BITS) - 1);
        let breaks = u64::from(self.breaks.min(u32::from(u16::MAX)));
        for time in [self.seen_ms, self.weighed_ms, breaks << UPTIME_BITS | uptime_ms] {
            to.extend_from_slice(&time.to_be_bytes());
        }
        for weight in [self.successes, self.failures] {
            to.extend_from_slice(&weight.to_be_bytes());
        }
    }

    /// Reads what [`Self::encode`] wrote.
    pub(super) fn decode(unix_ms: u64, entry: &[u8; ENTRY_BYTES]) -> Option<(PeerId, Self)> {
        let (id, rest) = entry.split_first_chunk()?;
        let (&paths, rest) = rest.split_first()?;
        let (times, rest) = rest.split_first_chunk::<24>()?;
        let &[seen_ms, weighed_ms, uptime] = times.as_chunks().0 else { return None };
        let &[successes, failures] = rest.as_chunks().0 else { return None };
        let uptime = u64::from_be_bytes(uptime);
        let history = Self {
            paths,
            // The clock may have been wrong, then or now.
            seen_ms: u64::from_be_bytes(seen_ms).min(unix_ms),
            weighed_ms: u64::from_be_bytes(weighed_ms).min(unix_ms),
            uptime_ms: uptime & ((1 << UPTIME_BITS) - 1),
            breaks: u32::try_from(uptime >> UPTIME_BITS).ok()?,
            successes: u32::from_be_bytes(successes),
            failures: u32::from_be_bytes(failures),
        };
        Some((PeerId(*id), history))
    }
}

/// See [`History::rank`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rank(pub(super) [u64; 3]);

impl Ord for Rank {
    #[inline(never)]
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

impl PartialOrd for Rank {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
