//! The passive view: peers that are not connected, for the day on which one is needed.

use alloc::vec::Vec;
use core::time::Duration;

use peerloom_wire::PeerId;

use super::choice::prefix;
use super::message::SHUFFLED_MAX;
use super::{Effect, Message, Topology};
use crate::event::StrikeKind;
use crate::time::Instant;

/// The most peers in the passive view: HyParView's 30 for 10,000 nodes (section 5.1).
const PASSIVE_MAX: usize = 30;

/// Between two shuffles; each with another neighbour. HyParView's rounds are of one second in a
/// simulator; a browser has other things to do. As often as peer exchange.
const SHUFFLE_INTERVAL: Duration = Duration::from_secs(60);

/// How many of the active view, and how many of the passive one, go into a shuffle: section 5.1.
const ACTIVE_COUNT: usize = 3;
const PASSIVE_COUNT: usize = 4;

impl Topology {
    pub(super) fn plan_shuffle(&mut self, now: Instant) {
        self.shuffle_at = Some(now + self.random.jitter(SHUFFLE_INTERVAL));
    }

    /// Swaps some peers with a neighbour, and looks whether there is somebody nearer by id.
    #[inline(never)]
    pub(super) fn shuffle(&mut self, now: Instant, out: &mut Vec<Effect>) {
        self.plan_shuffle(now);
        let mut all: Vec<PeerId> = self.neighbours.keys().copied().collect();
        let Some(to) = self.pick(&mut all) else { return };
        self.counters.shuffles += 1;
        self.send_shuffle(to, true, out);
        if self.is_crowd
            && let Some(to) = self.pick(&mut all)
        {
            self.send_walk(to, prefix(self.config.own), out);
        }
    }

    fn send_shuffle(&mut self, to: PeerId, answer_wanted: bool, out: &mut Vec<Effect>) {
        let mut active: Vec<PeerId> = self.neighbours.keys().copied().collect();
        active.retain(|peer| *peer != to);
        let mut passive = self.passive.clone();
        passive.retain(|peer| *peer != to);
        let mut peers = Vec::new();
        for _ in 0..ACTIVE_COUNT {
            peers.extend(self.pick(&mut active));
        }
        for _ in 0..PASSIVE_COUNT {
            peers.extend(self.pick(&mut passive));
        }
        out.push(Effect::Send { to, message: Message::Shuffle { answer_wanted, peers } });
    }

    #[inline(never)]
    pub(super) fn on_shuffle(
        &mut self,
        now: Instant,
        from: PeerId,
        answer_wanted: bool,
        peers: &[PeerId],
        out: &mut Vec<Effect>,
    ) {
        let kind = if peers.len() > SHUFFLED_MAX {
            StrikeKind::Oversized
        } else if peers.contains(&from) || peers.contains(&self.config.own) {
            StrikeKind::MalformedFrame
        } else {
            if !self.neighbours.get_mut(&from).is_some_and(|neighbour| neighbour.admit(now)) {
                return;
            }
            if answer_wanted {
                self.send_shuffle(from, false, out);
            }
            peers.iter().for_each(|peer| self.remember(*peer));
            // Whoever is nearer by id than our neighbours is to be one of them.
            for peer in self.nearer(&self.passive) {
                self.passive.retain(|known| *known != peer);
                out.push(Effect::Dial { peer });
            }
            return;
        };
        out.push(Effect::Strike { peer: from, kind });
    }

    /// Puts a peer into the passive view; the one that is there for longest goes.
    pub(super) fn remember(&mut self, peer: PeerId) {
        self.passive.retain(|known| *known != peer);
        if self.neighbours.contains_key(&peer) || peer == self.config.own {
            return;
        }
        if self.passive.len() >= PASSIVE_MAX {
            self.passive.remove(0);
        }
        self.passive.push(peer);
    }
}
