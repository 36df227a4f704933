//! What peers say, and what of it is believed.

use alloc::vec::Vec;

use bytes::Bytes;
use peerloom_wire::PeerId;
use peerloom_wire::record::{self, RecordError};

use super::message::{PEERS_MAX, take};
use super::neighbour::LISTED_MAX;
use super::{Effect, Entry, Pex, RECORDS_MAX, SKEW_MS};
use crate::event::StrikeKind;
use crate::time::Now;

/// A record that is being checked, and who sent it.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    from: PeerId,
    peer: PeerId,
    issued_ms: u64,
    bytes: Bytes,
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
        let heard = if neighbour.admit(now.mono) {
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
            self.list(now, from, own, true)?;
        }
        let (&count, mut rest) = rest.split_first().ok_or(malformed)?;
        if usize::from(count) > PEERS_MAX {
            return Err(StrikeKind::Oversized);
        }
        for _ in 0..count {
            let record = take(&mut rest).ok_or(malformed)?;
            self.list(now, from, record, false)?;
        }
        let (dropped, []) = rest.as_chunks() else { return Err(malformed) };
        if dropped.len() > PEERS_MAX {
            return Err(StrikeKind::Oversized);
        }
        if let Some(neighbour) = self.neighbours.get_mut(&from) {
            for id in dropped {
                neighbour.listed.remove(&PeerId(*id));
            }
        }
        Ok(())
    }

    /// Takes a peer's word for somebody that it is connected to, or for itself; an error for what no
    /// honest peer says. The record is checked when its turn comes.
    #[inline(never)]
    fn list(
        &mut self,
        now: Now,
        from: PeerId,
        bytes: &[u8],
        is_own: bool,
    ) -> Result<(), StrikeKind> {
        let record = match record::read(self.config.app, bytes) {
            Ok(unproved) => unproved.record,
            Err(RecordError::UnknownVersion) => {
                self.count(SKIPPED);
                return Ok(());
            }
            Err(RecordError::Malformed) => return Err(StrikeKind::BadRecord),
        };
        let peer = record.peer();
        // What its sender takes for current may not be so to us: only beyond both of our clocks'
        // faults is it proven that it knew better.
        if !record.is_current(now.unix_ms, 2 * SKEW_MS)
            || is_own != (peer == from)
            || peer == self.own_id
        {
            return Err(StrikeKind::BadRecord);
        }
        let Some(neighbour) = self.neighbours.get_mut(&from) else { return Ok(()) };
        let has_room = neighbour.listed.len() < LISTED_MAX || neighbour.listed.contains_key(&peer);
        if has_room && record.is_current(now.unix_ms, SKEW_MS) {
            neighbour.listed.insert(peer, Bytes::copy_from_slice(bytes));
            // It may have been gone, and is back.
            if let Some(known) = self.records.get_mut(&peer) {
                known.is_introduced = false;
            }
        } else {
            self.count(SKIPPED);
        }
        Ok(())
    }

    /// Somebody broke a rule: of what it listed only those stay whose records were checked.
    #[inline(never)]
    fn refuse(&mut self, peer: PeerId, kind: StrikeKind, out: &mut Vec<Effect>) {
        if let Some(neighbour) = self.neighbours.get_mut(&peer) {
            neighbour.listed.retain(|_, unchecked| unchecked.is_empty());
        }
        out.push(Effect::Strike { peer, kind });
    }

    fn tell_neighbours(&self, peer: PeerId, out: &mut Vec<Effect>) {
        if let Some(neighbour) = self.neighbours.get(&peer) {
            out.push(Effect::Neighbours { peer, listed: neighbour.listed.key_set().clone() });
        }
    }

    /// Returns whether a record would be of use: it is later than what is known of its peer, and there
    /// is room.
    fn is_news(&self, peer: PeerId, issued_ms: u64) -> bool {
        match self.records.get(&peer) {
            Some(known) => known.issued_ms < issued_ms,
            None => self.records.len() < RECORDS_MAX || self.neighbours.contains_key(&peer),
        }
    }

    /// Has the next record checked: one at a time, so that the same one, if others sent it too, is
    /// known when its turn comes.
    #[inline(never)]
    pub(super) fn check_next(&mut self, out: &mut Vec<Effect>) {
        while self.checking.is_none() {
            let mut waiting = None;
            for (&from, neighbour) in &mut self.neighbours {
                for (&peer, unchecked) in &mut neighbour.listed {
                    if waiting.is_none() && !unchecked.is_empty() {
                        waiting = Some((from, peer, core::mem::take(unchecked)));
                    }
                }
            }
            let Some((from, peer, bytes)) = waiting else { return };
            let Ok(unproved) = record::read(self.config.app, &bytes) else { continue };
            let issued_ms = unproved.record.issued_ms;
            if self.is_news(peer, issued_ms) {
                out.push(Effect::Verify { claim: unproved.claim });
                self.checking = Some(Candidate { from, peer, issued_ms, bytes });
            }
        }
    }

    #[inline(never)]
    pub(super) fn on_verified(&mut self, now: Now, holds: bool, out: &mut Vec<Effect>) {
        let Some(Candidate { from, peer, issued_ms, bytes }) = self.checking.take() else { return };
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
        self.records.insert(peer, Entry { bytes, issued_ms, is_introduced: false });
        if self.neighbours.contains_key(&peer) {
            self.touch_all(now);
        }
    }
}

const SKIPPED: &str = "pex.records_skipped";
