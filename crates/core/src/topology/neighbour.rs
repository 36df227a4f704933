//! One connected peer: how it stands, what it may still say, and of how much use it is.

use core::cmp::Reverse;

use peerloom_wire::PeerId;

use super::message::Status;
use super::{Effect, Message, PLACES_FEW, PLACES_MIN, Topology};
use crate::pace::Turns;
use crate::score::FULL;
use crate::time::Instant;
use alloc::vec::Vec;
use core::time::Duration;

/// What a neighbour may say at once beyond statuses: walks that it carries, and shuffles.
const TURNS_MAX: u32 = 64;

/// How long it takes to gain one more. A node that lacks connections starts two walks of twelve steps
/// in two seconds, and less and less often: after half of all left, that is twelve a second at each
/// node, spread over its connections.
const TURN_TIME: Duration = Duration::from_millis(125);

/// For so long a new neighbour is not let go again: what it came for needs time. Guess.
const YOUTH: Duration = Duration::from_secs(10);

/// Between two connections that are ended for somebody else's sake: so fast may a stranger change
/// whom we know. Guess.
const CLOSE_INTERVAL: Duration = Duration::from_secs(2);

/// The same for those whose other end can't do without. Guess.
const FORCE_INTERVAL: Duration = Duration::from_secs(30);

/// For so long who was refused is worth a call, once a place is free.
const INVITATION_TIME: Duration = Duration::from_secs(2);

/// The most neighbours of which it is believed that they need the connection as neighbours by id:
/// successor, predecessor and nearest. More would let liars keep all places.
const KEPT_MAX: usize = 3;

/// A connected peer.
#[derive(Debug)]
pub(super) struct Neighbour {
    since: Instant,
    /// What it is worth, of those that are alike; zero until it answered a ping.
    pub(super) score: u64,
    /// What it said last.
    pub(super) status: Status,
    /// What it was told last.
    told: Option<Status>,
    /// What it may say beyond statuses.
    turns: Turns,
}

impl Neighbour {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            since: now,
            score: 0,
            status: Status { used: 1, ..Status::default() },
            told: None,
            turns: Turns::new(now, TURNS_MAX),
        }
    }

    /// Charges for a message; `false` if it is too much.
    pub(super) fn admit(&mut self, now: Instant) -> bool {
        self.turns.admit(now, TURNS_MAX, TURN_TIME)
    }
}

impl Topology {
    /// Says how we stand to all who don't know.
    #[inline(never)]
    pub(super) fn tell(&mut self, out: &mut Vec<Effect>) {
        let byte = |count: usize| u8::try_from(count).unwrap_or(u8::MAX);
        let used = self.neighbours.len();
        let status = Status {
            used: byte(used),
            spare: byte(used.saturating_sub(self.wanted())),
            room: byte(self.config.connections_max.saturating_sub(self.in_use())),
            keep: false,
        };
        let near = self.near_with(None);
        for (&to, neighbour) in &mut self.neighbours {
            let status = Status { keep: near.contains(&Some(to)), ..status };
            if neighbour.told != Some(status) {
                neighbour.told = Some(status);
                out.push(Effect::Send { to, message: Message::Status(status) });
            }
        }
    }

    /// Ends a connection that is of little use, for the sake of somebody who is then dialled.
    #[inline(never)]
    pub(super) fn make_room(
        &mut self,
        now: Instant,
        for_peer: PeerId,
        is_around: bool,
        out: &mut Vec<Effect>,
    ) {
        if self.config.connections_max < PLACES_MIN || now < self.close_after {
            return;
        }
        // Few places are a ring of those who hear each other before anything else: everybody sees
        // the same one, so each connection that is let go for it is one that is not of it.
        let near = self.near_with((is_around && self.is_few()).then_some(for_peer));
        let is_ring = near.contains(&Some(for_peer));
        let mut peers = self.least_useful(now, &near, (false, is_ring));
        if peers.is_empty() && (is_ring || now >= self.force_after) {
            self.force_after = now + FORCE_INTERVAL;
            peers = self.least_useful(now, &near, (true, is_ring));
        }
        if !peers.is_empty() {
            self.close_after = now + CLOSE_INTERVAL;
            self.invited = Some((for_peer, now + INVITATION_TIME));
            self.counters.surplus_closed += 1;
            out.push(Effect::Close { peers });
        }
    }

    /// Returns those that may be let go, the least useful first: of which there are most like it by
    /// id, then who is
    /// worth least, then the youngest. Without `is_forced` only who can spare us; never who
    /// has nobody else. For the ring nobody is kept for saying so.
    fn least_useful(
        &self,
        now: Instant,
        near: &[Option<PeerId>],
        (is_forced, is_ring): (bool, bool),
    ) -> Vec<PeerId> {
        let mut kept = 0;
        let mut ranked = Vec::new();
        for (&peer, neighbour) in &self.neighbours {
            let Status { used, spare, keep, .. } = neighbour.status;
            let is_kept = keep && !is_ring && kept < KEPT_MAX;
            kept += usize::from(is_kept);
            let can_spare = spare > 0 || is_forced && used > 1;
            if is_kept
                || !can_spare
                || now < neighbour.since + self.youth(is_ring)
                || near.contains(&Some(peer))
                || self.pinned.contains(&peer)
            {
                continue;
            }
            let scale = self.scale(peer);
            let like_it = self.neighbours.keys().filter(|other| self.scale(**other) == scale);
            let usefulness = (Reverse(like_it.count()), neighbour.score);
            ranked.push((usefulness, Reverse(neighbour.since), peer));
        }
        ranked.sort_unstable();
        ranked.into_iter().map(|(_, _, peer)| peer).collect()
    }

    /// Whether places are so few that the ring comes first.
    pub(super) const fn is_few(&self) -> bool {
        self.config.connections_max < PLACES_FEW
    }

    /// For how long a new neighbour is kept, if it is one of few and not of the ring, too: what is in
    /// the way of the ring is better let go before it is built on.
    pub(super) const fn youth(&self, is_ring: bool) -> Duration {
        if is_ring { CLOSE_INTERVAL } else { YOUTH }
    }

    /// Returns how much a peer could still take on, as it says itself, in thousandths.
    pub(crate) fn free(&self, peer: PeerId) -> Option<u64> {
        let Status { used, room, .. } = self.neighbours.get(&peer)?.status;
        let [used, room] = [used, room].map(u64::from);
        Some(FULL * room / (used + room).max(1))
    }

    /// At how many leading bits an id is like ours: the bucket of Kademlia.
    fn scale(&self, peer: PeerId) -> u32 {
        self.distance(peer).leading_zeros()
    }
}
