//! Messages for us: each is given to the application once, and its sender is told so.

use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use peerloom_wire::envelope::{Outcome, Signal};
use peerloom_wire::{PeerId, RunId};

use super::{Effect, Routing};
use crate::map::Set;
use crate::time::Instant;

/// The most peers of whose messages it is remembered which came; who was silent for longest goes
/// first. What it said to this run of ours might then be said again by somebody else.
pub(super) const CORRESPONDENTS_MAX: usize = 256;

/// Of each so many numbers: as many as it may have under way. None below the lowest is taken.
const SEEN_MAX: usize = 64;

/// How long a second copy of a message is answered by the receipt that was sent: copies of one try
/// come within a second of each other.
const RECEIPT_TIME: Duration = Duration::from_secs(1);

/// Somebody who sent us messages.
#[derive(Debug)]
pub(super) struct Correspondent {
    pub(super) run: RunId,
    at: Instant,
    /// The numbers of its messages, at most [`SEEN_MAX`].
    seen: Set<u64>,
    /// Below and at it, nothing is taken: it was seen, or is too old to tell.
    floor: u64,
    /// For which message it was sent a receipt last, and when.
    receipt: (u64, Instant),
}

impl Routing {
    /// Returns whether what a message or a receipt claims is worth checking its signature.
    pub(crate) fn is_wanted(&self, from: PeerId, run: RunId, signal: &Signal) -> bool {
        match *signal {
            Signal::Receipt { number, .. } => self.letter_to(from, number).is_some(),
            _ => self.correspondents.get(&from).is_none_or(|known| run >= known.run),
        }
    }

    /// A message, verified. `is_ours`: it is for this run of ours.
    pub(super) fn on_message(
        &mut self,
        now: Instant,
        (from, run): (PeerId, RunId),
        (number, payload): (u64, Bytes),
        is_ours: bool,
        out: &mut Vec<Effect>,
    ) {
        // What this page has is not asked for again, whichever run it was for.
        let is_seen = self.correspondents.get(&from).is_some_and(|known| known.has(run, number));
        if !is_ours && !is_seen {
            self.count("routing.messages_readdressed");
            let signal = Signal::Receipt { number, to_run: run, outcome: Outcome::RunWanted };
            return out.push(Effect::Seal { to: from, number: None, signal });
        }
        let known = self.correspondent(now, from, run);
        if run < known.run {
            return self.count("routing.messages_outdated");
        }
        let (last, last_at) = known.receipt;
        let is_acknowledged = last == number && now < last_at + RECEIPT_TIME;
        let is_new = known.take(number);
        if is_new || !is_acknowledged {
            known.receipt = (number, now);
            let signal = Signal::Receipt { number, to_run: run, outcome: Outcome::Delivered };
            out.push(Effect::Seal { to: from, number: None, signal });
        }
        self.count(if is_new { "routing.messages_received" } else { "routing.messages_again" });
        if is_new {
            out.push(Effect::Message { from, payload });
        }
    }

    /// Returns who sends, remembered from here on. Of an older run, as it was.
    fn correspondent(&mut self, now: Instant, peer: PeerId, run: RunId) -> &mut Correspondent {
        let known = &mut self.correspondents;
        if known.len() >= CORRESPONDENTS_MAX && !known.contains_key(&peer) {
            known.remove_least_by(|known| known.at);
        }
        let new = || Correspondent { run, at: now, seen: Set::new(), floor: 0, receipt: (0, now) };
        let known = known.entry(peer).or_insert_with(new);
        if run > known.run {
            *known = new();
        }
        known.at = now;
        known
    }
}

impl Correspondent {
    fn has(&self, run: RunId, number: u64) -> bool {
        run == self.run && (number <= self.floor || self.seen.contains(&number))
    }

    /// Takes a message's number; `false` if it was seen, or is too old to tell.
    fn take(&mut self, number: u64) -> bool {
        if number <= self.floor || !self.seen.insert(number) {
            return false;
        }
        if self.seen.len() > SEEN_MAX {
            self.floor = self.seen.pop_first().unwrap_or(self.floor);
        }
        true
    }
}
