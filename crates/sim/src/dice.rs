//! Seeded chance. Each part of the world has a stream of its own, so that a draw more in one does
//! not move the draws of the others: a seed stays comparable when one part changes.

use core::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

/// An inclusive range of milliseconds to draw from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The least.
    pub min_ms: u64,
    /// The most.
    pub max_ms: u64,
}

impl Span {
    /// Returns the range from `min_ms` to `max_ms`, both included.
    #[must_use]
    pub const fn new(min_ms: u64, max_ms: u64) -> Self {
        Self { min_ms, max_ms }
    }
}

/// One stream of chance.
#[derive(Clone, Debug)]
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    /// Makes the stream `name` of `seed`.
    #[must_use]
    pub(crate) fn new(seed: u64, name: &str) -> Self {
        let mut bytes = seed.to_be_bytes().to_vec();
        bytes.extend_from_slice(name.as_bytes());
        Self(ChaCha8Rng::from_seed(peerloom_crypto::sha256(&bytes)))
    }

    /// Returns a number below `bound`, or 0 if there is none.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        // The bias of a remainder of 64 bits is far below what any run could show.
        self.0.next_u64() % bound.max(1)
    }

    /// Returns an index below `length`, or 0 if there is none.
    pub(crate) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or(0)
    }

    /// Returns a number of the inclusive range.
    pub(crate) fn between(&mut self, min: u64, max: u64) -> u64 {
        min + self.below(max.saturating_sub(min) + 1)
    }

    /// Is true so many times in a thousand.
    pub(crate) fn chance(&mut self, per_mille: u32) -> bool {
        self.below(1000) < u64::from(per_mille)
    }

    /// Returns a duration of the span, in whole microseconds.
    pub(crate) fn span(&mut self, span: Span) -> Duration {
        Duration::from_micros(self.between(span.min_ms * 1000, span.max_ms * 1000))
    }

    /// Returns 32 bytes: a key's seed, a hash of nothing.
    pub(crate) fn bytes32(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    /// Returns `length` bytes.
    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    /// Returns one of `items`.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let index = self.index(items.len());
        items.get(index)
    }
}
