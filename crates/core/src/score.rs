//! What a peer is worth: one number from what was seen of it, to choose by where peers are otherwise alike.
//!
//! A pure function of [`Terms`]. What each term says, its formula and its weight are in
//! `docs/protocol/scoring.md`. All but one were measured here; what a peer claims of itself moves its
//! score by [`FREE_WEIGHT`] thousandths at most.

/// The most that a term, or a score, comes to.
pub(crate) const FULL: u64 = 1000;

/// What a term counts as long as nothing is known: less than good, so that who was good is preferred,
/// more than bad, so that strangers are tried.
pub(crate) const UNKNOWN: u64 = FULL / 2;

/// Who was connected to us for so long in all, without a strike, has half of the trust that a stranger
/// lacks. Guess.
const CLEAN_HALF_MS: u64 = 3600 * 1000;

/// The points at which a peer is banned: [`crate::trust::BAN_POINTS`].
const POINTS_FULL: u64 = 100;

/// A round trip that counts half; people notice a delay from a tenth of a second on (Miller 1968, topic 1).
const DELAY_HALF_MICROS: u64 = 100_000;

/// A rate that counts half: what a video of good quality takes. Guess.
const RATE_HALF: u64 = 1_000_000;

/// The weights of the terms, in thousandths. Guesses: near and fast count as much as being there, a
/// claim next to nothing.
const DELAY_WEIGHT: u64 = 250;
const RATE_WEIGHT: u64 = 200;
const AVAILABILITY_WEIGHT: u64 = 250;
const STABILITY_WEIGHT: u64 = 250;
const FREE_WEIGHT: u64 = 50;

const _: () = assert!(
    DELAY_WEIGHT + RATE_WEIGHT + AVAILABILITY_WEIGHT + STABILITY_WEIGHT + FREE_WEIGHT == FULL
);

/// What is known of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    /// Points of its strikes that have not worn off.
    pub(crate) points: u64,
    /// For how long it was connected to us in all, in milliseconds.
    pub(crate) uptime_ms: u64,
    /// The round trip time with four times its variation, in microseconds, once measured.
    pub(crate) delay_micros: Option<u64>,
    /// Bytes per second that its connection carried, once measured.
    pub(crate) per_second: Option<u64>,
    /// How likely connecting to it succeeds, in thousandths.
    pub(crate) availability: u64,
    /// How likely a connection to it holds, in thousandths.
    pub(crate) stability: u64,
    /// How much it could still take on, in thousandths, by its own word.
    pub(crate) free: u64,
}

impl Default for Terms {
    /// Of a stranger.
    fn default() -> Self {
        Self {
            points: 0,
            uptime_ms: 0,
            delay_micros: None,
            per_second: None,
            availability: UNKNOWN,
            stability: UNKNOWN,
            free: UNKNOWN,
        }
    }
}

impl Terms {
    /// Returns the same as of a stranger with this connection and these strikes. Who keeps by what was
    /// earned over time lets newcomers go, again and again: their connections are few, and come apart.
    pub(crate) fn at_present(self) -> Self {
        let Self { points, delay_micros, per_second, free, .. } = self;
        Self { points, delay_micros, per_second, free, ..Self::default() }
    }

    /// Returns how far a peer is trusted, in thousandths: a stranger half; more by being here without
    /// a strike, less by each point, and not at all at as many as ban.
    pub(crate) fn reputation(&self) -> u64 {
        let earned = UNKNOWN + share(self.uptime_ms, CLEAN_HALF_MS) / 2;
        earned * POINTS_FULL.saturating_sub(self.points) / POINTS_FULL
    }

    /// Returns the score, in thousandths: the mean of the other terms by their weights, as far as the
    /// peer is trusted. So nothing that it does well makes up for what it does wrong.
    #[inline(never)]
    pub(crate) fn score(&self) -> u64 {
        let nearness =
            self.delay_micros.map_or(UNKNOWN, |delay| FULL - share(delay, DELAY_HALF_MICROS));
        let speed = self.per_second.map_or(UNKNOWN, |rate| share(rate, RATE_HALF));
        let sum = nearness * DELAY_WEIGHT
            + speed * RATE_WEIGHT
            + self.availability.min(FULL) * AVAILABILITY_WEIGHT
            + self.stability.min(FULL) * STABILITY_WEIGHT
            + self.free.min(FULL) * FREE_WEIGHT;
        self.reputation() * sum / (FULL * FULL)
    }
}

/// How near a measure is to all that it could be, in thousandths: half at `half`, and never quite full.
fn share(measure: u64, half: u64) -> u64 {
    // More is as good as full.
    let measure = measure.min(half << 20);
    FULL * measure / (measure + half)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::trust::BAN_POINTS;

    const HOUR: u64 = 3600 * 1000;

    /// Everything that can be had.
    const BEST: Terms = Terms {
        points: 0,
        uptime_ms: u64::MAX,
        delay_micros: Some(0),
        per_second: Some(u64::MAX),
        availability: FULL,
        stability: FULL,
        free: FULL,
    };

    #[test]
    fn scores_by_example() {
        let stranger = Terms::default();
        let friend = Terms { uptime_ms: HOUR, availability: 900, stability: 800, ..stranger };
        let near = Terms { delay_micros: Some(10_000), per_second: Some(4_000_000), ..friend };
        for (terms, reputation, score) in [
            (stranger, 500, 250),
            (friend, 750, 506),
            (near, 750, 628),
            (Terms { points: 50, ..near }, 375, 314),
            (Terms { delay_micros: Some(900_000), per_second: Some(10_000), ..friend }, 750, 357),
            (Terms { points: 100, ..near }, 0, 0),
            (Terms { points: 500, ..near }, 0, 0),
            (BEST, 999, 998),
        ] {
            assert_eq!((terms.reputation(), terms.score()), (reputation, score), "{terms:?}");
        }
    }

    #[test]
    fn at_present_counts_what_a_stranger_would_be_worth_in_the_same_place() {
        let terms = Terms { points: 40, per_second: Some(1), ..BEST };
        let stranger = Terms { delay_micros: Some(0), free: FULL, ..Terms::default() };
        assert_eq!(terms.at_present(), Terms { points: 40, per_second: Some(1), ..stranger });
        assert!(terms.at_present().score() < Terms { points: 0, ..terms }.at_present().score());
    }

    #[test]
    fn as_many_points_as_ban_are_worth_nothing() {
        assert_eq!(u64::from(BAN_POINTS), POINTS_FULL);
    }

    #[test]
    fn a_claim_alone_moves_a_score_by_a_twentieth_at_most() {
        let at_best = Terms { free: u64::MAX, ..BEST }.score();
        let at_worst = Terms { free: 0, ..BEST }.score();
        assert!((1..=50).contains(&(at_best - at_worst)), "{at_worst} to {at_best}");
        // Who is worth more by what was seen of it is not outdone by a claim.
        let struck = Terms { points: 40, free: FULL, ..Terms::default() };
        assert!(struck.score() < Terms { free: 0, ..Terms::default() }.score());
    }

    fn any_terms() -> impl Strategy<Value = Terms> {
        let measure = || prop_oneof![0..10_000_000_u64, any::<u64>()];
        let thousandths = || prop_oneof![0..=FULL, any::<u64>()];
        (
            prop_oneof![0..200_u64, any::<u64>()],
            measure(),
            proptest::option::of(measure()),
            proptest::option::of(measure()),
            (thousandths(), thousandths(), thousandths()),
        )
            .prop_map(|(points, uptime_ms, delay_micros, per_second, of_all)| {
                let (availability, stability, free) = of_all;
                Terms { points, uptime_ms, delay_micros, per_second, availability, stability, free }
            })
    }

    proptest! {
        #[test]
        fn a_score_is_never_more_than_full(terms in any_terms()) {
            prop_assert!(terms.reputation() <= FULL && terms.score() <= terms.reputation());
        }

        #[test]
        fn each_term_that_is_better_makes_the_score_better_or_leaves_it(
            terms in any_terms(),
            by in prop_oneof![1..2000_u64, any::<u64>()],
        ) {
            let free = terms.free.saturating_add(by);
            let points = terms.points.saturating_sub(by);
            let uptime_ms = terms.uptime_ms.saturating_add(by);
            let stability = terms.stability.saturating_add(by);
            let availability = terms.availability.saturating_add(by);
            let per_second = terms.per_second.map(|rate| rate.saturating_add(by));
            let delay_micros = terms.delay_micros.map(|delay| delay.saturating_sub(by));
            for better in [
                Terms { free, ..terms },
                Terms { points, ..terms },
                Terms { uptime_ms, ..terms },
                Terms { stability, ..terms },
                Terms { availability, ..terms },
                Terms { per_second, ..terms },
                Terms { delay_micros, ..terms },
            ] {
                prop_assert!(better.score() >= terms.score(), "{:?}", better);
            }
        }
    }
}
