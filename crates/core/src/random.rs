//! Randomness as an argument: a seeded stream, forked for each protocol.
//!
//! The generator is ChaCha12 with a 64-bit counter and stream 0, word for word that of `rand_chacha`,
//! whose unrolled blocks take ten times the code (4.6 kB of WASM).

use core::time::Duration;

/// The words of a block: 64 bytes.
const BLOCK_WORDS: usize = 16;

/// Six times a round of columns and one of diagonals.
const DOUBLE_ROUNDS: usize = 6;

/// "expand 32-byte k", see RFC 8439, section 2.3.
const CONSTANTS: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];

/// The four words of each quarter round: columns, then diagonals (RFC 8439, section 2.3).
const QUARTERS: [[usize; 4]; 8] = [
    [0, 4, 8, 12],
    [1, 5, 9, 13],
    [2, 6, 10, 14],
    [3, 7, 11, 15],
    [0, 5, 10, 15],
    [1, 6, 11, 12],
    [2, 7, 8, 13],
    [3, 4, 9, 14],
];

/// A protocol's own stream of random numbers. No secret comes from it.
#[derive(Clone, Debug)]
pub struct Random {
    key: [u8; 32],
    /// Numbers drawn so far; eight to a block.
    drawn: u64,
}

impl Random {
    /// Starts a stream: `label` keeps the protocols of one node apart.
    #[must_use]
    pub fn fork(seed: &[u8; 32], label: &str) -> Self {
        let forked = peerloom_crypto::sha256(&[seed.as_slice(), label.as_bytes()].concat());
        Self { key: forked, drawn: 0 }
    }

    fn next(&mut self) -> u64 {
        let block = block(&self.key, self.drawn / 8);
        let pairs = block.as_chunks::<2>().0;
        let index = usize::try_from(self.drawn % 8).unwrap_or(0);
        self.drawn = self.drawn.wrapping_add(1);
        // Numbers are rare, so that a block is computed anew for each.
        pairs.get(index).map_or(0, |[low, high]| u64::from(*low) | u64::from(*high) << 32)
    }

    /// Returns a number below `end`, or 0 if that is 0. The bias of at most 2⁻³² is no matter here.
    pub fn below(&mut self, end: u64) -> u64 {
        let wide = u128::from(self.next()) * u128::from(end);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// Returns a time between three quarters and five quarters of `around`, so that peers which
    /// failed together don't try again together.
    pub fn jitter(&mut self, around: Duration) -> Duration {
        let spread = u64::try_from(around.as_micros()).unwrap_or(u64::MAX) / 2;
        around * 3 / 4 + Duration::from_micros(self.below(spread + 1))
    }
}

/// Computes one block of the stream.
#[allow(clippy::indexing_slicing)] // By constants below 16.
fn block(key: &[u8; 32], counter: u64) -> [u32; BLOCK_WORDS] {
    let mut start = [0; BLOCK_WORDS];
    start[..4].copy_from_slice(&CONSTANTS);
    for (word, bytes) in start[4..12].iter_mut().zip(key.as_chunks::<4>().0) {
        *word = u32::from_le_bytes(*bytes);
    }
    let [a, b, c, d, e, f, g, h] = counter.to_le_bytes();
    start[12] = u32::from_le_bytes([a, b, c, d]);
    start[13] = u32::from_le_bytes([e, f, g, h]);
    let mut words = start;
    for _ in 0..DOUBLE_ROUNDS {
        for [a, b, c, d] in QUARTERS {
            for (add, to, turn, left) in [(b, a, d, 16), (d, c, b, 12), (b, a, d, 8), (d, c, b, 7)]
            {
                words[to] = words[to].wrapping_add(words[add]);
                words[turn] = (words[turn] ^ words[to]).rotate_left(left);
            }
        }
    }
    for (word, start) in words.iter_mut().zip(start) {
        *word = word.wrapping_add(start);
    }
    words
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha12Rng;
    use rand_core::{Rng, SeedableRng};

    use super::*;

    #[test]
    fn the_stream_is_that_of_rand_chacha() {
        let key = core::array::from_fn(|index| u8::try_from(index * 7).unwrap());
        let mut ours = Random { key, drawn: 0 };
        let mut theirs = ChaCha12Rng::from_seed(key);
        for _ in 0..100 {
            assert_eq!(ours.next(), theirs.next_u64());
        }
    }
}
