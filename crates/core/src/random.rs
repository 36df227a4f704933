//! Randomness as an argument: a seeded stream, forked for each protocol.

use core::time::Duration;

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};

/// A protocol's own stream of random numbers. No secret comes from it.
#[derive(Clone, Debug)]
pub struct Random(ChaCha12Rng);

impl Random {
    /// Starts a stream: `label` keeps the protocols of one node apart.
    #[must_use]
    pub fn fork(seed: &[u8; 32], label: &str) -> Self {
        let forked = peerloom_crypto::sha256(&[seed.as_slice(), label.as_bytes()].concat());
        Self(ChaCha12Rng::from_seed(forked))
    }

    /// Returns a number below `end`, or 0 if that is 0. The bias of at most 2⁻³² is no matter here.
    pub fn below(&mut self, end: u64) -> u64 {
        let wide = u128::from(self.0.next_u64()) * u128::from(end);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// Returns a time between three quarters and five quarters of `around`, so that peers which
    /// failed together don't try again together.
    pub fn jitter(&mut self, around: Duration) -> Duration {
        let spread = u64::try_from(around.as_micros()).unwrap_or(u64::MAX) / 2;
        around * 3 / 4 + Duration::from_micros(self.below(spread + 1))
    }
}
