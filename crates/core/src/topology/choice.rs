//! Whom to connect to: neighbours by id, and others by chance.

use alloc::vec::Vec;

use peerloom_wire::PeerId;

use super::{ATTEMPT_TIME, Candidate, Effect, PLACES_MIN, TRY_FIRST, TRY_MAX, Topology};
use crate::time::Instant;

/// The most attempts at once: who starts together with many others would else be dialled by as many
/// as it dials itself.
const DIALS_MAX: usize = 3;

/// Of the wanted connections, so many are left to walks at first: they lead far away, those heard of
/// are mostly near each other.
const FAR_COUNT: usize = 2;

/// How often walks are tried before everybody else is good enough too.
pub(super) const FAR_TRIES: u32 = 2;

impl Topology {
    /// Tries to get what is lacking: by walks through the neighbours, and by those that are known.
    #[inline(never)]
    pub(super) fn try_for_more(&mut self, now: Instant, out: &mut Vec<Effect>) {
        if self.is_crowd {
            out.push(Effect::Look);
        }
        let lacking = self.lacking(now);
        if self.neighbours.len() >= self.wanted() {
            self.tries = 0;
            self.try_wait = TRY_FIRST;
        } else if lacking == 0 {
            // What is under way may come to nothing.
            self.try_at = Some(now + ATTEMPT_TIME);
        } else if self.is_crowd || self.is_outdone() {
            if self.walk_after <= now {
                if self.has_room() {
                    self.start_walks(lacking.min(FAR_COUNT), out);
                }
                self.tries = self.tries.saturating_add(1);
                self.walk_after = now + self.random.jitter(self.try_wait);
                self.try_wait = (self.try_wait * 2).min(TRY_MAX);
            }
            self.try_at = Some(self.walk_after);
        }
    }

    /// Whether a neighbour has more connections than we: then there are others to be found.
    fn is_outdone(&self) -> bool {
        let used = self.neighbours.len();
        self.neighbours.values().any(|neighbour| usize::from(neighbour.status.used) > used)
    }

    /// Dials some of those that may be dialled.
    #[inline(never)]
    pub(super) fn choose(
        &mut self,
        now: Instant,
        is_crowd: bool,
        mut peers: Vec<Candidate>,
        out: &mut Vec<Effect>,
    ) {
        self.is_crowd = is_crowd;
        // Without a crowd all are dialled that can be.
        if !is_crowd {
            return;
        }
        let mut room = self.config.connections_max.saturating_sub(self.in_use());
        let mut lacking = self.lacking(now);
        let mut dials_left = DIALS_MAX.saturating_sub(self.fresh_attempts(now));
        // Who is not around is no part of a ring that few places are.
        let is_few = self.is_few();
        let ids = peers.iter().filter(|candidate| candidate.is_around || !is_few);
        let ids: Vec<PeerId> = ids.map(|candidate| candidate.peer).collect();
        for near in self.nearer(&ids) {
            let candidate = peers.extract_if(.., |candidate| candidate.peer == near).next();
            if candidate.is_some_and(|near| near.is_waiting) {
                // Its place is not for anybody else.
            } else if room > 0 {
                out.push(Effect::Dial { peer: near });
                room -= 1;
                lacking = lacking.saturating_sub(1);
                dials_left = dials_left.saturating_sub(1);
            } else {
                self.make_room(now, near, candidate.is_some_and(|near| near.is_around), out);
                if is_few {
                    // If nobody can be let go yet: they get older.
                    let again = now + self.youth(true);
                    self.try_at = Some(self.try_at.map_or(again, |at| at.min(again)));
                }
            }
        }
        peers.retain(|candidate| !candidate.is_waiting);
        if self.tries <= FAR_TRIES && !self.neighbours.is_empty() {
            lacking = lacking.saturating_sub(FAR_COUNT);
        }
        for _ in 0..lacking.min(dials_left).min(room) {
            let Some(peer) = self.pick_better(&mut peers) else { return };
            out.push(Effect::Dial { peer });
        }
    }

    /// Draws two, and takes the better one: so the good are preferred, and the choice stays one by chance.
    fn pick_better(&mut self, peers: &mut Vec<Candidate>) -> Option<PeerId> {
        let drawn = [self.draw(peers.len()), self.draw(peers.len())];
        let score = |index: &usize| peers.get(*index).map(|candidate| candidate.score);
        let better = drawn.into_iter().max_by_key(score)?;
        (better < peers.len()).then(|| peers.swap_remove(better).peer)
    }

    /// The application wants this connection: it is kept, and made room for.
    pub(super) fn pin(&mut self, now: Instant, peer: PeerId, out: &mut Vec<Effect>) {
        if self.pinned.len() < self.config.connections_max / 2 {
            self.pinned.insert(peer);
        }
        if self.is_crowd && !self.has_room() && !self.neighbours.contains_key(&peer) {
            self.make_room(now, peer, false, out);
        }
    }

    /// Our neighbours by id among those connected: the next one in the order of ids (the last is
    /// followed by the first), the one before, and the nearest by XOR. If everybody who knows everybody
    /// is connected to the next one, all are one ring, whatever else there is.
    ///
    /// `other` is taken for one of them. With two places there is none for the nearest.
    pub(super) fn near_with(&self, other: Option<PeerId>) -> [Option<PeerId>; 3] {
        let peers = || self.neighbours.keys().copied().chain(other);
        let nearest = peers().min_by_key(|peer| self.distance(*peer));
        [
            peers().min_by_key(|peer| self.place(*peer)),
            peers().max_by_key(|peer| self.place(*peer)),
            nearest.filter(|_| self.config.connections_max > PLACES_MIN),
        ]
    }

    /// Returns those of some peers that are to be our successor and our nearest.
    pub(super) fn nearer(&self, peers: &[PeerId]) -> Vec<PeerId> {
        let [next, _, nearest] = self.near_with(None);
        let busy = || self.attempts.keys().copied();
        let all = || peers.iter().copied().chain(busy());
        let next = all().chain(next).min_by_key(|peer| self.place(*peer));
        let nearest = all().chain(nearest).min_by_key(|peer| self.distance(*peer));
        let mut nearer: Vec<PeerId> = next.into_iter().chain(nearest).collect();
        nearer.truncate(self.config.connections_max.saturating_sub(1));
        nearer.dedup();
        nearer.retain(|peer| peers.contains(peer));
        nearer
    }

    /// Where an id is in the ring of all that begins after ours.
    fn place(&self, peer: PeerId) -> (bool, PeerId) {
        (peer < self.config.own, peer)
    }

    /// How far an id is from ours by XOR, as far as eight bytes tell.
    pub(super) const fn distance(&self, peer: PeerId) -> u64 {
        prefix(self.config.own) ^ prefix(peer)
    }
}

/// The first eight bytes of an id: enough to tell all peers of a swarm apart.
pub(super) const fn prefix(PeerId(id): PeerId) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = id;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}
