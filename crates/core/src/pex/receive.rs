//! What peers say, and what of it is believed.

use alloc::vec::Vec;

use bytes::Bytes;
use peerloom_wire::PeerId;
use peerloom_wire::record::{self, PeerRecord, RecordError};

use super::message::{PEERS_MAX, take};
use super::neighbour::{ALLOWANCE_MAX, Listing};
use super::{Effect, Entry, Pex, RECORDS_MAX, RUMOUR_TIME, RUMOURS_ALL_MAX, SKEW_MS, Says};
use crate::event::StrikeKind;
use crate::pace::INTERVAL;
use crate::time::Now;

/// A record that is being checked, and who sent it.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    from: PeerId,
    peer: PeerId,
    issued_ms: u64,
    says: Says,
    bytes: Bytes,
}

/// In what way a peer names another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Naming {
    Itself,
    Connected,
    /// It was told so, by gossip that has so many hops still to go.
    Rumour {
        ttl: u8,
    },
}

impl Pex {
    #[inline(never)]
    pub(super) fn on_message(
        &mut self,
        now: Now,
        from: PeerId,
        body: &[u8],
        out: &mut Vec<Effect>,
    ) {
        let Some(neighbour) = self.neighbours.get_mut(&from) else { return };
        let heard = if neighbour.turns.admit(now.mono, ALLOWANCE_MAX, INTERVAL) {
            self.read(now, from, body)
        } else {
            Err(StrikeKind::OutOfTurn)
        };
        match heard {
            Ok(()) => self.count("pex.messages_received"),
            Err(kind) => {
                self.count("pex.messages_refused");
                self.refuse(from, kind, out);
            }
        }
        self.tell_neighbours(from, out);
    }

    /// Reads a message up to its end, or to what no honest peer says.
    #[inline(never)]
    fn read(&mut self, now: Now, from: PeerId, body: &[u8]) -> Result<(), StrikeKind> {
        let malformed = StrikeKind::MalformedFrame;
        let mut rest = body.get(1..).unwrap_or_default();
        let own = take(&mut rest).ok_or(malformed)?;
        if !own.is_empty() {
            self.list(now, from, own, Naming::Itself)?;
        }
        let (&count, mut rest) = rest.split_first().ok_or(malformed)?;
        if usize::from(count) > PEERS_MAX {
            return Err(StrikeKind::Oversized);
        }
        for _ in 0..count {
            let record = take(&mut rest).ok_or(malformed)?;
            self.list(now, from, record, Naming::Connected)?;
        }
        let (dropped, []) = rest.as_chunks() else { return Err(malformed) };
        if dropped.len() > PEERS_MAX {
            return Err(StrikeKind::Oversized);
        }
        if let Some(neighbour) = self.neighbours.get_mut(&from) {
            for id in dropped {
                neighbour.listed.remove(&PeerId(*id));
            }
            self.is_changed = true;
        }
        Ok(())
    }

    /// Takes records that a peer was told of, up to one that no honest peer passes on.
    #[inline(never)]
    pub(super) fn on_rumours(
        &mut self,
        now: Now,
        from: PeerId,
        records: Vec<(u8, Bytes)>,
        out: &mut Vec<Effect>,
    ) {
        for (ttl, bytes) in records {
            match self.list(now, from, &bytes, Naming::Rumour { ttl }) {
                Ok(None) => {}
                Ok(Some(peer)) => {
                    let record = self.record(now, peer).into_iter();
                    out.extend(record.map(|record| Effect::Rumour { from, peer, ttl, record }));
                }
                Err(kind) => return self.refuse(from, kind, out),
            }
        }
    }

    /// Takes a peer's word for somebody that it is connected to, or for itself; an error for what no
    /// honest peer says. The record is checked when its turn comes; of a rumour whose record is known
    /// already its peer is given back.
    #[inline(never)]
    fn list(
        &mut self,
        now: Now,
        from: PeerId,
        bytes: &[u8],
        naming: Naming,
    ) -> Result<Option<PeerId>, StrikeKind> {
        let record = match record::read(self.config.app, bytes) {
            Ok(unproved) => unproved.record,
            Err(RecordError::UnknownVersion) => {
                self.count(SKIPPED);
                return Ok(None);
            }
            Err(RecordError::Malformed) => return Err(StrikeKind::BadRecord),
        };
        let (peer, is_own) = (record.peer(), naming == Naming::Itself);
        let ttl = if let Naming::Rumour { ttl } = naming { ttl } else { 0 };
        // Of us they talk among each other, and of those that we are connected to we know better.
        if ttl > 0 && (peer == self.own_id || self.neighbours.contains_key(&peer) && peer != from) {
            return Ok(None);
        }
        // What its sender takes for current may not be so to us: only beyond both of our clocks'
        // faults is it proven that it knew better.
        if !record.is_current(now.unix_ms, 2 * SKEW_MS)
            || is_own != (peer == from)
            || peer == self.own_id
        {
            return Err(StrikeKind::BadRecord);
        }
        let is_known = |known: &Entry| known.issued_ms >= record.issued_ms;
        if ttl > 0 && self.records.get(&peer).is_some_and(is_known) {
            self.renew(now, peer);
            return Ok(Some(peer));
        }
        let Some(neighbour) = self.neighbours.get_mut(&from) else { return Ok(None) };
        if record.is_current(now.unix_ms, SKEW_MS) && neighbour.make_room(peer, ttl > 0) {
            let is_new = !neighbour.listed.contains_key(&peer);
            let listing = neighbour.listed.entry(peer).or_default();
            listing.unchecked = Bytes::copy_from_slice(bytes);
            listing.ttl = ttl;
            if ttl == 0 {
                listing.rumour_until = None;
            } else if is_new || listing.rumour_until.is_some() {
                let until = now.mono + RUMOUR_TIME;
                listing.rumour_until = Some(until);
                self.rumours_look_at = self.rumours_look_at.min(until);
            }
            self.is_changed = true;
            // It may have been gone, and is back.
            if ttl == 0
                && let Some(known) = self.records.get_mut(&peer)
            {
                known.is_introduced = false;
            }
        } else {
            self.count(SKIPPED);
        }
        Ok(None)
    }

    /// A rumour counts for longer, whoever repeats it. Unless there is no room for further ones: then
    /// each has its time, and others have theirs.
    fn renew(&mut self, now: Now, peer: PeerId) {
        if self.records.len() < RUMOURS_ALL_MAX {
            for neighbour in self.neighbours.values_mut() {
                if let Some(Listing { rumour_until: Some(until), .. }) =
                    neighbour.listed.get_mut(&peer)
                {
                    *until = now.mono + RUMOUR_TIME;
                }
            }
        }
    }

    /// Somebody broke a rule: of what it listed only those stay whose records were checked.
    #[inline(never)]
    fn refuse(&mut self, peer: PeerId, kind: StrikeKind, out: &mut Vec<Effect>) {
        if let Some(neighbour) = self.neighbours.get_mut(&peer) {
            neighbour.listed.retain(|_, listing| listing.unchecked.is_empty());
            self.is_changed = true;
        }
        out.push(Effect::Strike { peer, kind });
    }

    fn tell_neighbours(&self, peer: PeerId, out: &mut Vec<Effect>) {
        if let Some(neighbour) = self.neighbours.get(&peer) {
            out.push(Effect::Neighbours { peer, listed: neighbour.connected() });
        }
    }

    /// Rumours that nobody repeats are over.
    pub(super) fn forget_rumours(&mut self, now: Now) {
        if now.mono < self.rumours_look_at {
            return;
        }
        self.is_changed = true;
        self.rumours_look_at = now.mono + RUMOUR_TIME;
        for neighbour in self.neighbours.values_mut() {
            neighbour.listed.retain(|_, listing| {
                let Some(until) = listing.rumour_until else { return true };
                let stays = now.mono < until;
                if stays {
                    self.rumours_look_at = self.rumours_look_at.min(until);
                }
                stays
            });
        }
    }

    /// Returns whether a record would be of use: it is later than what is known of its peer, and there
    /// is room.
    fn is_news(&self, peer: PeerId, issued_ms: u64, is_rumour: bool) -> bool {
        let max = if is_rumour { RUMOURS_ALL_MAX } else { RECORDS_MAX };
        match self.records.get(&peer) {
            Some(known) => known.issued_ms < issued_ms,
            None => self.records.len() < max || self.neighbours.contains_key(&peer),
        }
    }

    /// A peer's record is known. If it came by gossip, it is passed on.
    #[inline(never)]
    fn pass_on(&mut self, now: Now, from: PeerId, peer: PeerId, out: &mut Vec<Effect>) {
        let record = self.record(now, peer);
        let Some(neighbour) = self.neighbours.get_mut(&from) else { return };
        let Some(listing) = neighbour.listed.get_mut(&peer) else { return };
        let ttl = core::mem::take(&mut listing.ttl);
        match record {
            Some(record) if ttl > 0 => out.push(Effect::Rumour { from, peer, ttl, record }),
            // There was no room for it.
            None if ttl > 0 && listing.rumour_until.is_some() => {
                neighbour.listed.remove(&peer);
                self.count(SKIPPED);
            }
            _ => {}
        }
    }

    /// Has the next record checked: one at a time, so that the same one, if others sent it too, is
    /// known when its turn comes.
    #[inline(never)]
    pub(super) fn check_next(&mut self, now: Now, out: &mut Vec<Effect>) {
        while self.checking.is_none() {
            let mut waiting = None;
            for (&from, neighbour) in &mut self.neighbours {
                for (&peer, listing) in &mut neighbour.listed {
                    if waiting.is_none() && !listing.unchecked.is_empty() {
                        let unchecked = core::mem::take(&mut listing.unchecked);
                        waiting = Some((from, peer, listing.rumour_until.is_some(), unchecked));
                    }
                }
            }
            let Some((from, peer, is_rumour, bytes)) = waiting else { return };
            let Ok(unproved) = record::read(self.config.app, &bytes) else { continue };
            let PeerRecord { issued_ms, roles, capabilities, connections_max, .. } =
                unproved.record;
            let says = Says { roles, capabilities, connections_max };
            if self.is_news(peer, issued_ms, is_rumour) {
                out.push(Effect::Verify { claim: unproved.claim });
                self.checking = Some(Candidate { from, peer, issued_ms, says, bytes });
            } else {
                self.pass_on(now, from, peer, out);
            }
        }
    }

    #[inline(never)]
    pub(super) fn on_verified(&mut self, now: Now, holds: bool, out: &mut Vec<Effect>) {
        let Some(Candidate { from, peer, issued_ms, says, bytes }) = self.checking.take() else {
            return;
        };
        self.is_changed = true;
        if !holds {
            self.count("pex.records_forged");
            if let Some(neighbour) = self.neighbours.get_mut(&from) {
                neighbour.listed.remove(&peer);
            }
            // Whoever forges one record is not asked for the others.
            self.refuse(from, StrikeKind::BadRecord, out);
            return self.tell_neighbours(from, out);
        }
        self.count("pex.records_verified");
        let entry = Entry { bytes, issued_ms, says, is_introduced: false };
        if self.records.insert(peer, entry).is_none_or(|before| before.says != says) {
            out.push(Effect::Changed { peer });
        }
        if self.neighbours.contains_key(&peer) {
            self.touch_all(now);
        }
        self.pass_on(now, from, peer, out);
    }
}

const SKIPPED: &str = "pex.records_skipped";
