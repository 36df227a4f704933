//! More peers than there are places: nobody is dialled for being there. Others choose among them.

use alloc::vec::Vec;
use core::time::Duration;

use peerloom_wire::PeerId;

use super::known::{Contact, Known};
use super::{CALL_INTERVAL, Discovery, Effect};
use crate::time::Now;

/// So many of those who hear an announcement are to answer it, if there are more of them than can be
/// connected to. More than the wanted connections of a node; everybody else is heard within 30 s. Guess.
const ANSWERS: u64 = 12;

/// Without a sign of life for so long nobody is chosen from a crowd: two announcements, each of them
/// 37 s after the one before at the latest.
const CHOSEN_SILENCE_MAX: Duration = Duration::from_secs(75);

/// How long it is waited after a connection was one too many, if it would be wanted again. Guess.
const SURPLUS_WAIT: Duration = Duration::from_secs(120);

/// The same with few places: they are a ring of all that are there, and who was one too many is part
/// of it as soon as somebody left. Guess.
const SURPLUS_WAIT_FEW: Duration = Duration::from_secs(10);

/// So few.
const PLACES_FEW_MAX: usize = 3;

impl Discovery {
    /// Returns whether more peers are known than can be connected to. Then nobody is dialled only
    /// because it is there: some are chosen.
    #[must_use]
    pub(crate) fn is_crowd(&self) -> bool {
        self.known.len() > self.config.connections_max
    }

    pub(super) const fn surplus_wait(&self) -> Duration {
        if self.is_few() { SURPLUS_WAIT_FEW } else { SURPLUS_WAIT }
    }

    const fn is_few(&self) -> bool {
        self.config.connections_max <= PLACES_FEW_MAX
    }

    /// Returns whether a peer is there for certain: it is connected, or was heard lately.
    pub(crate) fn is_heard(&self, now: Now, peer: PeerId) -> bool {
        let known = self.known.get(&peer).filter(|known| known.run.is_some());
        known.is_some_and(|known| {
            known.contact == Contact::Connected || now.mono < known.heard_at + CHOSEN_SILENCE_MAX
        })
    }

    /// Returns whether a peer was heard lately over a path that doesn't lead over connections.
    pub(crate) fn is_around(&self, now: Now, peer: PeerId) -> bool {
        let known = self.known.get(&peer).filter(|known| !known.is_unreached);
        let heard_at = known.and_then(|known| known.broadcast_at);
        heard_at.is_some_and(|at| now.mono < at + CHOSEN_SILENCE_MAX)
    }

    /// Returns whom to choose from: those that may be dialled now, and were heard of lately.
    /// With few places also those who had none for us, and whether it is such a one.
    pub(crate) fn available(&self, now: Now) -> Vec<(PeerId, bool)> {
        let now = now.mono;
        let is_few = self.is_few();
        let mut available = Vec::new();
        for (&peer, known) in &self.known {
            let is_heard = now < known.heard_at + CHOSEN_SILENCE_MAX;
            // Who is gone would hold one of few places for ten seconds each time.
            let is_there = (known.is_vouched || is_heard) && !(is_few && known.is_unreached);
            let is_waiting = !known.is_due(now);
            if is_there && (!is_waiting || is_few && known.is_full()) {
                available.push((peer, is_waiting));
            }
        }
        available
    }

    /// In a crowd: some answer, so that whoever comes knows enough of the others soon, and not all,
    /// since each hears the answers to everybody. Who is called by its id answers.
    pub(super) fn on_crowd_announce(
        &mut self,
        peer: PeerId,
        to_everyone: bool,
        out: &mut Vec<Effect>,
    ) {
        let is_heard = |known: &&Known| known.broadcast_at.is_some();
        let hearers = self.known.values().filter(is_heard).count();
        let is_chosen = self.random.below(hearers as u64) < ANSWERS;
        let Some(known) = self.known.get_mut(&peer) else { return };
        if !to_everyone || is_chosen && !known.is_answered {
            known.is_answered = true;
            out.push(Effect::Announce { to: Some(peer), answer_wanted: false });
        }
    }

    /// Dials a peer that was chosen. One that was never heard is called.
    #[inline(never)]
    pub(super) fn dial(&mut self, now: Now, peer: PeerId, out: &mut Vec<Effect>) {
        let is_few = self.is_few();
        let Some(known) = self.known.get_mut(&peer) else {
            if self.is_running() && peer != self.config.own {
                out.push(Effect::Announce { to: Some(peer), answer_wanted: false });
            }
            return;
        };
        match known.contact {
            Contact::Dialling | Contact::Connected | Contact::Parted => {}
            _ if is_few && known.is_unreached => {}
            // Of many whom others told of, some are called now, and some when it is looked again.
            _ if known.run.is_none() && now.mono < self.call_at => {}
            _ if known.run.is_none() => {
                self.call_at = now.mono + CALL_INTERVAL;
                self.call(now, peer, out);
            }
            _ => {
                known.contact = Contact::Dialling;
                out.push(Effect::Dial { peer });
            }
        }
    }

    /// In a crowd nobody is dialled for having been waited for, but may be chosen again.
    pub(super) fn end_waits(&mut self, now: Now, out: &mut Vec<Effect>) {
        let mut has_ended = false;
        for known in self.known.values_mut() {
            if matches!(known.contact, Contact::Backoff { until, .. } if until <= now.mono) {
                known.contact = Contact::Idle;
                has_ended = true;
            }
        }
        if has_ended {
            out.push(Effect::Available);
        }
    }
}
