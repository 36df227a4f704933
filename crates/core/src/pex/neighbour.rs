//! One connected peer: what it was told, and whom it says it is connected to.

use alloc::vec::Vec;

use bytes::Bytes;
use peerloom_wire::PeerId;

use super::message::{HEADER, PEERS_MAX, put};
use super::{Effect, FIRST_DELAY, INTERVAL, Pex, SKEW_MS};
use crate::map::{Map, Set};
use crate::time::{Instant, Now};

/// The most peers that one peer's word is taken for: a quarter of all records, so that no source
/// supplies all candidates. More than the connections of any browser.
pub(super) const LISTED_MAX: usize = super::RECORDS_MAX / 4;

/// The most messages that may come at once. One a minute is sent; an outage of less than a minute,
/// after which the connection is given up, holds one back.
const ALLOWANCE_MAX: u32 = 3;

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
    /// Whom it says that it is connected to, and itself; with a record that is still to be checked, or
    /// nothing. At most [`LISTED_MAX`].
    pub(super) listed: Map<PeerId, Bytes>,
    /// How many messages it may send now, and when that was counted.
    allowance: u32,
    allowance_at: Instant,
}

impl Neighbour {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            told: Set::new(),
            told_own_ms: 0,
            next_at: now,
            is_stale: true,
            listed: Map::new(),
            allowance: ALLOWANCE_MAX,
            allowance_at: now,
        }
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

    /// Counts a message of it; `false` if it sends too many.
    pub(super) fn admit(&mut self, now: Instant) -> bool {
        while self.allowance < ALLOWANCE_MAX && now.since(self.allowance_at) >= INTERVAL {
            self.allowance += 1;
            self.allowance_at = self.allowance_at + INTERVAL;
        }
        if self.allowance == ALLOWANCE_MAX {
            self.allowance_at = now;
        }
        let is_admitted = self.allowance > 0;
        self.allowance = self.allowance.saturating_sub(1);
        is_admitted
    }
}

impl Pex {
    /// Tells those whose turn it is what changed since they were last told.
    #[inline(never)]
    pub(super) fn tell_due(&mut self, now: Now, out: &mut Vec<Effect>) {
        let Self { neighbours, records, own: Some(own), interval, .. } = self else { return };
        let up = neighbours.key_set().clone();
        let mut sent_count = 0;
        for (&to, neighbour) in neighbours {
            if neighbour.due().is_none_or(|due| now.mono < due) {
                continue;
            }
            let (mut added, mut added_count) = (Vec::new(), 0);
            for (peer, entry) in &*records {
                let is_current = entry.issued_ms.abs_diff(now.unix_ms) < SKEW_MS;
                if usize::from(added_count) < PEERS_MAX
                    && is_current
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
            neighbour.next_at = now.mono + if is_first { FIRST_DELAY } else { *interval };
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
