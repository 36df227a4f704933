//! Messages for us: each is given to the application once, and its sender is told so.

use alloc::vec::Vec;
use core::time::Duration;

use peerloom_wire::envelope::{Outcome, Signal};
use peerloom_wire::{PeerId, RunId};

use super::message::Receipt;
use super::{Delivery, Effect, Routing};
use crate::event::LetterId;
use crate::map::Map;
use crate::time::Instant;

/// The most peers of whose messages it is remembered which came; who was silent for longest goes
/// first. What it said to this run of ours might then be said again by somebody else.
pub(super) const CORRESPONDENTS_MAX: usize = 256;

/// Of each so many numbers. None below the lowest is taken, so the first try of a message and its last,
/// 16 s later, are to be within: over one carrier no more than 384 others come meanwhile. 8 KB.
const SEEN_MAX: usize = 512;

/// How long a second copy of a message is answered by the receipt that was sent: copies of one try
/// come within a second of each other.
const RECEIPT_TIME: Duration = Duration::from_secs(1);

/// Somebody who sent us messages.
#[derive(Debug)]
pub(super) struct Correspondent {
    pub(super) run: RunId,
    at: Instant,
    /// The numbers of its messages, at most [`SEEN_MAX`], and what it is told of each; none until the
    /// application says whether it takes it.
    seen: Map<u64, Option<Outcome>>,
    /// Below and at it, nothing is taken: it was seen, or is too old to tell.
    floor: u64,
    /// Of how many of them the application has not said it yet.
    pub(super) asked: usize,
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
        delivery: Delivery,
        is_ours: bool,
        out: &mut Vec<Effect>,
    ) {
        let LetterId { from, run, number } = delivery.letter;
        // What this page has is not asked for again, whichever run it was for.
        let is_seen = self.correspondents.get(&from).is_some_and(|known| known.has(run, number));
        if !is_ours && !is_seen {
            self.count("routing.messages_readdressed");
            let signal = Signal::Receipt { number, to_run: run, outcome: Outcome::RunWanted };
            return out.push(Effect::Seal { to: from, number: None, signal });
        }
        let known = self.correspondent(now, from, run);
        // Whether it was taken is not known any more: to say nothing is true.
        if run < known.run || number <= known.floor {
            return self.count("routing.messages_outdated");
        }
        if known.seen.contains_key(&number) {
            self.count("routing.messages_again");
            return self.acknowledge(now, delivery.letter, out);
        }
        known.take(number);
        self.count("routing.messages_received");
        out.push(Effect::Message(delivery));
    }

    /// The application was told of a message.
    pub(super) fn on_taken(
        &mut self,
        now: Instant,
        letter: LetterId,
        is_taken: bool,
        out: &mut Vec<Effect>,
    ) {
        let Some(known) = self.correspondents.get_mut(&letter.from) else { return };
        if let Some(outcome @ None) = known.seen.get_mut(&letter.number)
            && known.run == letter.run
        {
            *outcome = Some(if is_taken { Outcome::Delivered } else { Outcome::Absent });
            known.asked -= 1;
            self.acknowledge(now, letter, out);
        }
    }

    /// Tells a sender what became of a message, if that is known and it was not told just now.
    fn acknowledge(&mut self, now: Instant, letter: LetterId, out: &mut Vec<Effect>) {
        let LetterId { from, run, number } = letter;
        let Some(known) = self.correspondents.get_mut(&from) else { return };
        let Some(Some(outcome)) = known.seen.get(&number).copied() else { return };
        let (last, last_at) = known.receipt;
        if last != number || now >= last_at + RECEIPT_TIME {
            known.receipt = (number, now);
            if self.is_heard(from) {
                return self.owe(now, from, Receipt { to_run: run, number, outcome }, out);
            }
            let signal = Signal::Receipt { number, to_run: run, outcome };
            out.push(Effect::Seal { to: from, number: None, signal });
        }
    }

    /// Returns who sends, remembered from here on. Of an older run, as it was.
    fn correspondent(&mut self, now: Instant, peer: PeerId, run: RunId) -> &mut Correspondent {
        let known = &mut self.correspondents;
        if known.len() >= CORRESPONDENTS_MAX && !known.contains_key(&peer) {
            known.remove_least_by(|known| known.at);
        }
        let (seen, receipt) = (Map::new, (0, now));
        let new = || Correspondent { run, at: now, seen: seen(), floor: 0, asked: 0, receipt };
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
        run == self.run && self.seen.contains_key(&number)
    }

    /// Remembers a message's number, and forgets the lowest if there are too many.
    fn take(&mut self, number: u64) {
        self.seen.insert(number, None);
        self.asked += 1;
        if self.seen.len() > SEEN_MAX
            && let Some((lowest, outcome)) = self.seen.pop_first()
        {
            self.floor = lowest;
            self.asked -= usize::from(outcome.is_none());
        }
    }
}
