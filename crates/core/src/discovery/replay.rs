//! The window that tells a replayed envelope from a late one: RFC 4303, section 3.4.3.

/// How far behind the newest envelope one may be. Candidates overtake each other by a few.
const WINDOW: u64 = 64;

/// Which sequence numbers of one run were seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ReplayWindow {
    newest: u64,
    /// Bit n: `newest - n` was seen.
    seen: u64,
}

impl ReplayWindow {
    /// Begins with the first number heard. None before it is taken: a peer that was forgotten and
    /// is heard of again may have said them before, a goodbye among them.
    pub(super) const fn after(first: u64) -> Self {
        Self { newest: first, seen: u64::MAX }
    }

    /// Returns whether [`Self::accept`] would take a number.
    pub(super) const fn is_new(&self, sequence: u64) -> bool {
        if sequence > self.newest {
            return true;
        }
        let behind = self.newest - sequence;
        behind < WINDOW && self.seen >> behind & 1 == 0
    }

    /// Takes a number; `false` if it was seen, or is too old to tell.
    pub(super) const fn accept(&mut self, sequence: u64) -> bool {
        if !self.is_new(sequence) {
            return false;
        }
        if sequence > self.newest {
            let shift = sequence - self.newest;
            self.seen = if shift < WINDOW { self.seen << shift } else { 0 };
            self.seen |= 1;
            self.newest = sequence;
            return true;
        }
        self.seen |= 1 << (self.newest - sequence);
        true
    }
}

#[cfg(test)]
mod tests {
    use crate::map::Set;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn late_ones_are_taken_once_and_old_ones_never() {
        let mut window = ReplayWindow::after(0);
        let taken: Vec<bool> =
            [5, 3, 5, 3, 4, 100, 37, 36, 100].map(|sequence| window.accept(sequence)).to_vec();
        assert_eq!(taken, [true, true, false, false, true, true, true, false, false]);
    }

    #[test]
    fn nothing_from_before_the_first_is_taken() {
        let mut window = ReplayWindow::after(70);
        let taken: Vec<bool> =
            [69, 70, 7, 72, 71, 70].map(|sequence| window.accept(sequence)).to_vec();
        assert_eq!(taken, [false, false, false, true, true, false]);
    }

    proptest! {
        #[test]
        fn nothing_is_taken_twice(sequences in prop::collection::vec(1u64..300, 0..200)) {
            let mut window = ReplayWindow::after(0);
            let mut taken = Set::new();
            for sequence in sequences {
                if window.accept(sequence) {
                    prop_assert!(taken.insert(sequence));
                }
            }
        }
    }
}
