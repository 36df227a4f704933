//! Which chunks of a content are here: one bit for each.

/// The bits in one word.
use alloc::vec::Vec;

const WORD_BITS: u32 = 64;

/// A set of chunk indices below a fixed length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bitmap {
    /// Bit `n % 64` of word `n / 64`, lowest first. Bits at or above `len` are never set.
    words: Vec<u64>,
    len: u32,
    /// How many bits are set.
    ones: u32,
}

impl Bitmap {
    /// Makes an empty set for indices below `len`.
    pub(super) fn new(len: u32) -> Self {
        let words = vec![0; usize::try_from(len.div_ceil(WORD_BITS)).unwrap_or_default()];
        Self { words, len, ones: 0 }
    }

    /// Makes the set of those indices where `present` is true, for indices below `len`.
    pub(super) fn from_present(len: u32, present: &[bool]) -> Self {
        let mut bitmap = Self::new(len);
        for (index, _) in (0..len).zip(present).filter(|(_, present)| **present) {
            bitmap.insert(index);
        }
        bitmap
    }

    /// Returns whether all indices are in the set; an empty content has all of none.
    pub(super) const fn is_full(&self) -> bool {
        self.ones == self.len
    }

    /// Returns whether `index` is in the set.
    pub(super) fn contains(&self, index: u32) -> bool {
        self.word(index).is_some_and(|word| word & bit(index) != 0)
    }

    /// Adds `index`; returns whether it is new.
    pub(super) fn insert(&mut self, index: u32) -> bool {
        if index >= self.len || self.contains(index) {
            return false;
        }
        let Some(word) = word_index(index).and_then(|at| self.words.get_mut(at)) else {
            return false;
        };
        *word |= bit(index);
        self.ones += 1;
        true
    }

    /// Returns the first index at or after `from` that is not in the set.
    pub(super) fn next_missing(&self, from: u32) -> Option<u32> {
        let mut index = from;
        while index < self.len {
            let missing = !self.word(index)? & !(bit(index) - 1);
            let start = index - index % WORD_BITS;
            if missing != 0 {
                // Beyond the end all bits are unset.
                return Some(start + missing.trailing_zeros()).filter(|found| *found < self.len);
            }
            index = start + WORD_BITS;
        }
        None
    }

    fn word(&self, index: u32) -> Option<u64> {
        self.words.get(word_index(index)?).copied()
    }
}

fn word_index(index: u32) -> Option<usize> {
    usize::try_from(index / WORD_BITS).ok()
}

const fn bit(index: u32) -> u64 {
    1 << (index % WORD_BITS)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set(len in 0u32..300, indices in prop::collection::vec(0u32..310, 0..400)) {
            let mut model = BTreeSet::new();
            let mut bitmap = Bitmap::new(len);
            for index in indices {
                let new = index < len && model.insert(index);
                prop_assert_eq!(bitmap.insert(index), new);
            }
            prop_assert_eq!(bitmap.is_full(), model.len() == len as usize);
            for index in 0..310 {
                prop_assert_eq!(bitmap.contains(index), model.contains(&index));
                let missing = (index..len).find(|n| !model.contains(n));
                prop_assert_eq!(bitmap.next_missing(index), missing);
            }
        }
    }

    #[test]
    fn what_is_present_beyond_the_end_does_not_count() {
        let bitmap = Bitmap::from_present(2, &[true, false, true]);
        assert_eq!((bitmap.is_full(), bitmap.next_missing(0)), (false, Some(1)));
    }
}
