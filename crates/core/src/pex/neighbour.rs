//! One connected peer: what it was told, and whom it says it is connected to.

use alloc::vec::Vec;

use bytes::Bytes;
use peerloom_wire::PeerId;

use super::message::{HEADER, PEERS_MAX, put};
use super::{Effect, FIRST_DELAY, Pex};
use crate::map::{Map, Set};
use crate::pace::Turns;
use crate::time::{Instant, Now};

/// The most peers that one peer's word is taken for: a quarter of all records, so that no source
/// supplies all candidates. More than the connections of any browser.
pub(super) const LISTED_MAX: usize = super::RECORDS_MAX / 4;

/// Of them the most that it was told of itself: a quarter of what gossip may fill.
const RUMOURS_MAX: usize = super::RUMOURS_ALL_MAX / 4;

/// The most messages that may come at once. One a minute is sent; an outage of less than a minute,
/// after which the connection is given up, holds one back.
pub(super) const ALLOWANCE_MAX: u32 = 3;

/// A connected peer.
#[derive(Debug)]
pub(super) struct Neighbour {
    /// Whom we said that we are connected to, and did not take back.
    pub(super) told: Set<PeerId>,
    /// When the record of ours that it has was issued; 0 for none.
    told_own_ms: u64,
    /// When it may be told more.
    next_at: Instant,
    /// Whether there may be something to tell.
    is_stale: bool,
    /// Whom it says that it is connected to, and itself, and of whom it was told. At most
    /// [`LISTED_MAX`].
    pub(super) listed: Map<PeerId, Listing>,
    /// How many messages it may send now.
    pub(super) turns: Turns,
}

/// What a connected peer says of another.
#[derive(Clone, Debug, Default)]
pub(super) struct Listing {
    /// A record that is still to be checked, or nothing.
    pub(super) unchecked: Bytes,
    /// If it only was told so itself: until when that counts.
    pub(super) rumour_until: Option<Instant>,
    /// How many hops the record has still to go, if it came by gossip; until it was checked.
    pub(super) ttl: u8,
}

impl Neighbour {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            told: Set::new(),
            told_own_ms: 0,
            next_at: now,
            is_stale: true,
            listed: Map::new(),
            turns: Turns::new(now, ALLOWANCE_MAX),
        }
    }

    /// To whom it says that it is connected, and itself.
    pub(super) fn connected(&self) -> Set<PeerId> {
        let near = self.listed.iter().filter(|(_, listing)| listing.rumour_until.is_none());
        near.map(|(peer, _)| *peer).collect()
    }

    /// Makes room for a peer that it lists. A rumour takes no more than its own part, and gives way.
    pub(super) fn make_room(&mut self, peer: PeerId, is_rumour: bool) -> bool {
        let rumours = || self.listed.iter().filter(|(_, listing)| listing.rumour_until.is_some());
        let has_room = self.listed.len() < LISTED_MAX;
        if self.listed.contains_key(&peer) || has_room && !is_rumour {
            return true;
        }
        if is_rumour {
            return has_room && rumours().count() < RUMOURS_MAX;
        }
        let victim = rumours().map(|(peer, _)| *peer).next();
        victim.is_some_and(|peer| self.listed.remove(&peer).is_some())
    }

    /// When it is to be told something.
    pub(super) fn due(&self) -> Option<Instant> {
        self.is_stale.then_some(self.next_at)
    }

    pub(super) fn touch(&mut self, not_before: Instant) {
        if !self.is_stale {
            self.is_stale = true;
            self.next_at = self.next_at.max(not_before);
        }
    }
}

impl Pex {
    /// Tells those whose turn it is what changed since they were last told.
    #[inline(never)]
    pub(super) fn tell_due(&mut self, now: Now, out: &mut Vec<Effect>) {
        let Self { neighbours, records, own: Some(own), pace, .. } = self else { return };
        let is_due = |neighbour: &Neighbour| neighbour.due().is_some_and(|due| due <= now.mono);
        if !neighbours.values().any(is_due) {
            return;
        }
        let up = neighbours.key_set().clone();
        let interval = pace.interval();
        let mut sent_count = 0;
        for (&to, neighbour) in neighbours {
            if !is_due(neighbour) {
                continue;
            }
            let (mut added, mut added_count) = (Vec::new(), 0);
            for (peer, entry) in &*records {
                if usize::from(added_count) < PEERS_MAX
                    && entry.is_current(now)
                    && *peer != to
                    && up.contains(peer)
                    && neighbour.told.insert(*peer)
                {
                    put(&mut added, &entry.bytes);
                    added_count += 1;
                }
            }
            let mut dropped = Vec::new();
            neighbour.told.retain(|peer| {
                let stays = up.contains(peer) || dropped.len() >= PEERS_MAX * 32;
                if !stays {
                    dropped.extend_from_slice(&peer.0);
                }
                stays
            });
            neighbour.is_stale =
                usize::from(added_count) >= PEERS_MAX || dropped.len() >= PEERS_MAX * 32;
            let has_own = neighbour.told_own_ms == own.issued_ms;
            if has_own && added.is_empty() && dropped.is_empty() {
                continue;
            }
            // The first one says who we are. The others that connect with it have said so by the
            // second one, and are told of in that.
            let is_first = neighbour.told_own_ms == 0;
            neighbour.told_own_ms = own.issued_ms;
            neighbour.next_at = now.mono + if is_first { FIRST_DELAY } else { interval };
            let mut frame = HEADER.to_vec();
            put(&mut frame, if has_own { &[] } else { &own.bytes });
            frame.push(added_count);
            frame.append(&mut added);
            frame.append(&mut dropped);
            sent_count += 1;
            out.push(Effect::Send { to, frame: frame.into() });
        }
        self.counters.count_more("pex.messages_sent", sent_count);
    }
}
