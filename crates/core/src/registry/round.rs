//! Whom to call, a few at a time, the best first.

use alloc::vec::Vec;
use core::time::Duration;

use peerloom_wire::PeerId;

use super::history::Outcome;
use super::{Effect, Registry};
use crate::time::{Instant, Now};

/// The most peers called at once, so that the good ones are not lost among the many.
const TRIES_MAX: usize = 3;

/// How long an answer may take. Peers answer a call in a fraction of it, when they are there.
const CALL_WAIT: Duration = Duration::from_secs(3);

/// So many connected peers are enough: they tell of the others.
const ENOUGH: usize = 3;

/// The rest after the first round that found nobody; each further one is twice as long. Guess.
pub(super) const REST_FIRST: Duration = Duration::from_secs(60);

/// The longest rest. Guess: the registry is not the only way to be found.
const REST_MAX: Duration = Duration::from_secs(900);

/// Where the calling is.
#[derive(Debug, Default)]
pub(super) enum Round {
    #[default]
    Stopped,
    Running {
        /// When the next ones are called, of this round or, after a rest, of the next one.
        next_at: Instant,
        /// How long the rest after this round is.
        rest: Duration,
    },
}

/// A peer's place in a round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Turn {
    #[default]
    ToCome,
    /// It was called, and has not answered.
    Called,
    Over,
}

impl Round {
    /// When there is something to do.
    pub(super) const fn due(&self) -> Option<Instant> {
        match self {
            Self::Stopped => None,
            Self::Running { next_at, .. } => Some(*next_at),
        }
    }

    /// The last peer is gone: the next round is not to be long in coming.
    pub(super) fn hurry(&mut self, now: Now) {
        if let Self::Running { next_at, rest } = self {
            *rest = REST_FIRST;
            *next_at = (*next_at).min(now.mono + CALL_WAIT);
        }
    }
}

impl Registry {
    /// Plans to call everybody who is remembered.
    pub(super) fn begin_round(&mut self, now: Now) {
        self.peers.values_mut().for_each(|known| known.turn = Turn::ToCome);
        self.round = Round::Running { next_at: now.mono, rest: REST_FIRST };
    }

    /// A call is answered.
    #[inline(never)]
    pub(super) fn end_turn(&mut self, now: Now, peer: PeerId) {
        let Some(known) = self.peers.get_mut(&peer) else { return };
        let turn = core::mem::replace(&mut known.turn, Turn::Over);
        if turn == Turn::Called
            && self.peers.values().all(|known| known.turn != Turn::Called)
            && let Round::Running { next_at, .. } = &mut self.round
        {
            *next_at = now.mono;
        }
    }

    #[inline(never)]
    pub(super) fn advance(&mut self, now: Now, out: &mut Vec<Effect>) {
        if self.round.due().is_none_or(|at| now.mono < at) {
            return;
        }
        let connected_count = self.connected_count();
        let Round::Running { next_at, rest } = &mut self.round else { return };
        for known in self.peers.values_mut() {
            if known.turn == Turn::Called {
                known.turn = Turn::Over;
                // Whoever hears nobody at all holds that against nobody.
                if connected_count > 0 {
                    known.history.note(now.unix_ms, Outcome::Failed);
                }
            }
        }
        // Later rounds are for those who have nobody.
        let enough = if *rest == REST_FIRST { ENOUGH } else { 1 };
        let mut called_count = 0;
        while called_count < TRIES_MAX && connected_count < enough {
            let waiting = self
                .peers
                .iter_mut()
                .filter(|(_, known)| known.turn == Turn::ToCome && known.connected_since.is_none());
            let best = waiting.max_by_key(|(_, known)| known.history.rank(now.unix_ms));
            let Some((&peer, known)) = best else { break };
            known.turn = Turn::Called;
            called_count += 1;
            out.push(Effect::Call { peer });
        }
        if called_count > 0 {
            *next_at = now.mono + CALL_WAIT;
            self.counters.count_more("registry.peers_called", called_count as u64);
        } else {
            *next_at = now.mono + *rest;
            *rest = (*rest * 2).min(REST_MAX);
            self.peers.values_mut().for_each(|known| known.turn = Turn::ToCome);
        }
    }
}
