//! Walks: a wish for a connection goes from neighbour to neighbour, to one who has room for it.

use alloc::vec::Vec;

use peerloom_wire::PeerId;

use super::choice::prefix;
use super::message::Walk;
use super::{Effect, Message, Topology};
use crate::event::StrikeKind;
use crate::time::Instant;

/// How many steps a walk takes at most.
pub(super) const STEPS_MAX: u8 = 12;

/// With more steps left than this it goes anywhere: HyParView's walks are random for six steps and
/// note who wants to join after three (section 5.1); ours go on for those who look for somebody.
const STEPS_TOWARDS: u8 = 9;

/// With so many left it looks for anybody who has room.
const STEPS_ANYWHERE: u8 = 4;

impl Topology {
    /// Sends walks by different neighbours: one to those who are next to us by id, the others to
    /// neighbourhoods at a random distance.
    #[inline(never)]
    pub(super) fn start_walks(&mut self, count: usize, out: &mut Vec<Effect>) {
        let mut firsts: Vec<PeerId> = self.neighbours.keys().copied().collect();
        for walk in 0..count {
            let Some(to) = self.pick(&mut firsts) else { return };
            let own = prefix(self.config.own);
            // As dense as around us: the nearest tells how many bits of an id make a difference.
            let [_, _, nearest] = self.near_with(None);
            let depth =
                nearest.map_or(1, |peer| u64::from(self.distance(peer).leading_zeros()) + 1);
            let first_other = 1u64 << (63 - self.random.below(depth.min(64)));
            let point = match walk {
                0 if self.tries == 0 => own,
                _ => own ^ first_other ^ (first_other - 1) & self.random.below(u64::MAX),
            };
            self.send_walk(to, point, out);
        }
    }

    pub(super) fn send_walk(&mut self, to: PeerId, point: u64, out: &mut Vec<Effect>) {
        self.counters.walks_started += 1;
        let walk = Walk { steps_left: STEPS_MAX - 1, origin: self.config.own, point };
        out.push(Effect::Send { to, message: Message::Walk(walk) });
    }

    /// Takes a walk one step on, or ends it here.
    #[inline(never)]
    pub(super) fn on_walk(
        &mut self,
        now: Instant,
        from: PeerId,
        walk: Walk,
        out: &mut Vec<Effect>,
    ) {
        let Walk { steps_left, origin, point } = walk;
        // Nobody gives it more steps, or brings it to whom it comes from: that is connected.
        if steps_left >= STEPS_MAX || origin == self.config.own {
            return out.push(Effect::Strike { peer: from, kind: StrikeKind::MalformedFrame });
        }
        if !self.neighbours.get_mut(&from).is_some_and(|neighbour| neighbour.admit(now)) {
            self.counters.walks_dropped += 1;
            return;
        }
        if origin != from {
            out.push(Effect::Way { to: origin, by: from });
        }
        let is_stranger =
            !self.neighbours.contains_key(&origin) && !self.attempts.contains_key(&origin);
        let mut nexts: Vec<PeerId> = self.neighbours.keys().copied().collect();
        nexts.retain(|peer| *peer != from && *peer != origin);
        if steps_left > STEPS_TOWARDS {
            let next = self.pick(&mut nexts);
            return self.hand_on(next, walk, out);
        }
        let nearest = nexts.iter().copied().min_by_key(|peer| prefix(*peer) ^ point);
        let nearest = nearest.filter(|peer| prefix(*peer) ^ point < self.distance_to(point));
        if steps_left > STEPS_ANYWHERE && nearest.is_some() {
            return self.hand_on(nearest, walk, out);
        }
        self.remember(origin);
        // It looks for its own neighbours by id, and this is where they are.
        let is_home = point == prefix(origin);
        let is_nearer = is_stranger && self.nearer(&[origin]).contains(&origin);
        if is_stranger && self.has_room() && (!is_home || is_nearer || self.lacking(now) > 0) {
            self.counters.walks_ended += 1;
            return out.push(Effect::Dial { peer: origin });
        }
        if is_home {
            if is_nearer {
                self.make_room(now, origin, false, out);
            }
            self.counters.walks_dropped += 1;
            return;
        }
        let has_room = |peer: &PeerId| {
            self.neighbours.get(peer).is_some_and(|neighbour| neighbour.status.room > 0)
        };
        if nexts.iter().any(has_room) {
            nexts.retain(has_room);
        }
        let next = self.pick(&mut nexts);
        self.hand_on(next, Walk { steps_left: steps_left.min(STEPS_ANYWHERE), ..walk }, out);
    }

    fn hand_on(&mut self, next: Option<PeerId>, walk: Walk, out: &mut Vec<Effect>) {
        match (next, walk.steps_left.checked_sub(1)) {
            (Some(to), Some(steps_left)) => {
                self.counters.walks_carried += 1;
                out.push(Effect::Send { to, message: Message::Walk(Walk { steps_left, ..walk }) });
            }
            _ => self.counters.walks_dropped += 1,
        }
    }

    /// Takes one of some peers by chance.
    pub(super) fn pick(&mut self, peers: &mut Vec<PeerId>) -> Option<PeerId> {
        let index = self.draw(peers.len());
        (index < peers.len()).then(|| peers.swap_remove(index))
    }

    /// One of so many, by chance; the first of none.
    pub(super) fn draw(&mut self, count: usize) -> usize {
        usize::try_from(self.random.below(count as u64)).unwrap_or(0)
    }

    const fn distance_to(&self, point: u64) -> u64 {
        prefix(self.config.own) ^ point
    }
}
