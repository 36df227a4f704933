//! What is remembered of one peer, and what that says about the next attempt.

use alloc::vec::Vec;
use core::cmp::Ordering;

use peerloom_wire::PeerId;

/// One success or failure, so that it can be halved a few times before it is nothing.
const ONE: u32 = 256;

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
    /// When successes and failures were last halved.
    pub(super) weighed_ms: u64,
    /// How long it was connected to us in all.
    pub(super) uptime_ms: u64,
    /// Attempts that succeeded, in 256ths, halved for each [`HALF_LIFE_MS`] before `weighed_ms`.
    pub(super) successes: u32,
    /// Attempts that failed, in the same way.
    pub(super) failures: u32,
}

impl History {
    /// Notes the outcome of an attempt.
    #[inline(never)]
    pub(super) fn note(&mut self, unix_ms: u64, is_success: bool) {
        (self.successes, self.failures) = self.weights(unix_ms);
        let elapsed_ms = unix_ms.saturating_sub(self.weighed_ms);
        self.weighed_ms += elapsed_ms - elapsed_ms % HALF_LIFE_MS;
        let weight = if is_success { &mut self.successes } else { &mut self.failures };
        *weight = weight.saturating_add(ONE);
    }

    /// Returns how likely the next attempt succeeds, in thousandths: the rate of success, where
    /// recent attempts count more. Without any attempt it is a half (Laplace's rule of succession).
    pub(super) fn reliability(&self, unix_ms: u64) -> u64 {
        let (successes, failures) = self.weights(unix_ms);
        let (successes, failures) = (u64::from(successes), u64::from(failures));
        let one = u64::from(ONE);
        1000 * (successes + one) / (successes + failures + 2 * one)
    }

    /// Orders peers by what remembering them is worth, and by whom to try: experience before
    /// hearsay, then reliability, then who was seen last.
    #[inline(never)]
    pub(super) fn rank(&self, unix_ms: u64) -> Rank {
        Rank([u64::from(self.paths != 0), self.reliability(unix_ms), self.seen_ms])
    }

    fn weights(&self, unix_ms: u64) -> (u32, u32) {
        let halvings = unix_ms.saturating_sub(self.weighed_ms) / HALF_LIFE_MS;
        let halvings = u32::try_from(halvings).unwrap_or(u32::MAX);
        let halved = |weight: u32| weight.checked_shr(halvings).unwrap_or(0);
        (halved(self.successes), halved(self.failures))
    }

    /// Adds what was stored of the same peer before this page began.
    pub(super) fn add_earlier(&mut self, earlier: Self) {
        self.paths |= earlier.paths;
        self.successes = self.successes.saturating_add(earlier.successes);
        self.failures = self.failures.saturating_add(earlier.failures);
        self.weighed_ms = self.weighed_ms.max(earlier.weighed_ms);
        self.uptime_ms = self.uptime_ms.saturating_add(earlier.uptime_ms);
        self.seen_ms = self.seen_ms.max(earlier.seen_ms);
    }

    /// By hand and not by postcard: all fields have a fixed length.
    pub(super) fn encode(&self, peer: PeerId, to: &mut Vec<u8>) {
        to.extend_from_slice(&peer.0);
        to.push(self.paths);
        for time in [self.seen_ms, self.weighed_ms, self.uptime_ms] {
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
        let &[seen_ms, weighed_ms, uptime_ms] = times.as_chunks().0 else { return None };
        let &[successes, failures] = rest.as_chunks().0 else { return None };
        let history = Self {
            paths,
            // The clock may have been wrong, then or now.
            seen_ms: u64::from_be_bytes(seen_ms).min(unix_ms),
            weighed_ms: u64::from_be_bytes(weighed_ms).min(unix_ms),
            uptime_ms: u64::from_be_bytes(uptime_ms),
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
