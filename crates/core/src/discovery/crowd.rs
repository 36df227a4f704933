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

impl Discovery {
    /// Returns whether more peers are known than can be connected to. Then nobody is dialled only
    /// because it is there: some are chosen.
    #[must_use]
    pub(crate) fn is_crowd(&self) -> bool {
        self.known.len() > self.config.connections_max
    }

    /// Returns whether a peer is there for certain: it is connected, or was heard lately.
    pub(crate) fn is_heard(&self, now: Now, peer: PeerId) -> bool {
        let known = self.known.get(&peer).filter(|known| known.run.is_some());
        known.is_some_and(|known| {
            known.contact == Contact::Connected || now.mono < known.heard_at + CHOSEN_SILENCE_MAX
        })
    }

    /// Returns whom to choose from: those that may be dialled now, and were heard of lately.
    pub(crate) fn available(&self, now: Now) -> Vec<PeerId> {
        let now = now.mono;
        let is_there =
            |known: &Known| known.is_vouched || now < known.heard_at + CHOSEN_SILENCE_MAX;
        let known = self.known.iter();
        known.filter(|(_, known)| known.is_due(now) && is_there(known)).map(|(&id, _)| id).collect()
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
        let Some(known) = self.known.get_mut(&peer) else {
            if self.is_running() && peer != self.config.own {
                out.push(Effect::Announce { to: Some(peer), answer_wanted: false });
            }
            return;
        };
        match known.contact {
            Contact::Dialling | Contact::Connected | Contact::Parted => {}
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
