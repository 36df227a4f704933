//! What connected peers say they have whole.

use alloc::vec::Vec;

use peerloom_wire::{ContentId, PeerId};

use super::message::{Entry, GONE_IDS_MAX, List, Message, split_entries};
use super::{CONTENTS_MAX, Content, Effect, Phase};
use crate::event::StrikeKind;
use crate::map::{Map, Set};

/// Announced contents, with who announced them. Connected peers only.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    /// At most [`CONTENTS_MAX`] entries for each peer; no empty map inside.
    offers: Map<ContentId, Map<PeerId, Entry>>,
    /// Invariant: the same pairs, the other way round; no empty set inside.
    by_peer: Map<PeerId, Set<ContentId>>,
}

impl Inventory {
    pub(super) fn ids(&self) -> impl Iterator<Item = ContentId> {
        self.offers.keys().copied()
    }

    /// What the first of the peers that offer a content says of it.
    pub(super) fn entry(&self, id: ContentId) -> Option<&Entry> {
        self.offers.get(&id)?.values().next()
    }

    /// What one peer says of a content.
    pub(super) fn entry_of(&self, id: ContentId, peer: PeerId) -> Option<&Entry> {
        self.offers.get(&id)?.get(&peer)
    }

    /// What each peer says of a content.
    pub(super) fn entries(&self, id: ContentId) -> impl Iterator<Item = (PeerId, &Entry)> {
        self.offers.get(&id).into_iter().flatten().map(|(peer, entry)| (*peer, entry))
    }

    pub(super) fn providers(&self, id: ContentId) -> impl Iterator<Item = PeerId> {
        self.entries(id).map(|(peer, _)| peer)
    }

    pub(super) fn providers_count(&self, id: ContentId) -> u32 {
        self.offers.get(&id).map_or(0, |peers| u32::try_from(peers.len()).unwrap_or(u32::MAX))
    }

    pub(super) fn offered_by(&self, peer: PeerId) -> u32 {
        self.by_peer.get(&peer).map_or(0, |ids| u32::try_from(ids.len()).unwrap_or(u32::MAX))
    }

    /// Notes an offer; returns whether there is room for it.
    pub(super) fn insert(&mut self, peer: PeerId, entry: Entry) -> bool {
        let ids = self.by_peer.entry(peer).or_default();
        if ids.len() >= CONTENTS_MAX && !ids.contains(&entry.id) {
            return false;
        }
        ids.insert(entry.id);
        self.offers.entry(entry.id).or_default().insert(peer, entry);
        true
    }

    /// Forgets an offer; returns whether there was one.
    pub(super) fn remove(&mut self, peer: PeerId, id: ContentId) -> bool {
        let Some(ids) = self.by_peer.get_mut(&peer) else { return false };
        let known = ids.remove(&id);
        if ids.is_empty() {
            self.by_peer.remove(&peer);
        }
        self.forget_offer(peer, id);
        known
    }

    /// Forgets all that a peer offers; returns what that was.
    pub(super) fn remove_peer(&mut self, peer: PeerId) -> Set<ContentId> {
        let ids = self.by_peer.remove(&peer).unwrap_or_default();
        // One pass, not ten thousand removals from a sorted vector.
        self.offers.retain(|_, peers| {
            peers.remove(&peer);
            !peers.is_empty()
        });
        ids
    }

    fn forget_offer(&mut self, peer: PeerId, id: ContentId) {
        if let Some(peers) = self.offers.get_mut(&id) {
            peers.remove(&peer);
            if peers.is_empty() {
                self.offers.remove(&id);
            }
        }
    }
}

impl Content {
    #[inline(never)]
    pub(super) fn on_have(
        &mut self,
        from: PeerId,
        list: List,
        entries: Vec<Entry>,
        out: &mut Vec<Effect>,
    ) {
        let lost = match list {
            List::Whole => self.inventory.remove_peer(from),
            List::More => Set::new(),
        };
        let mut fault = None;
        for entry in entries {
            let id = entry.id;
            match entry.validate() {
                Ok(()) if self.inventory.insert(from, entry) => {
                    self.changed.insert(id);
                }
                Ok(()) => fault = Some(StrikeKind::Oversized),
                Err(kind) => fault = Some(kind),
            }
        }
        for id in &lost {
            if self.inventory.entry_of(*id, from).is_none() {
                self.release_requests_to(from, *id, out);
            }
        }
        self.changed.extend(lost);
        if let Some(kind) = fault {
            self.count("content.announcements_refused");
            out.push(Effect::Strike { peer: from, kind });
        }
        out.push(Effect::OffersChanged { peer: from });
    }

    #[inline(never)]
    pub(super) fn on_gone(&mut self, from: PeerId, contents: &[ContentId], out: &mut Vec<Effect>) {
        for id in contents {
            self.withdraw_offer(from, *id, out);
        }
        out.push(Effect::OffersChanged { peer: from });
    }

    /// Forgets that a peer has a content, and asks it for no more of it.
    pub(super) fn withdraw_offer(&mut self, peer: PeerId, id: ContentId, out: &mut Vec<Effect>) {
        if self.inventory.remove(peer, id) {
            self.release_requests_to(peer, id, out);
            self.changed.insert(id);
        }
    }

    /// Tells a peer of all that is whole here.
    #[inline(never)]
    pub(super) fn send_inventory(&self, to: PeerId, out: &mut Vec<Effect>) {
        let entries = self.library.ids().filter_map(|id| self.own_entry(id)).collect();
        for (n, entries) in split_entries(entries).into_iter().enumerate() {
            let list = if n == 0 { List::Whole } else { List::More };
            out.push(Effect::Send { to, message: Message::Have { list, entries } });
        }
    }

    /// Tells every peer of a content that is whole here now.
    pub(super) fn announce(&self, id: ContentId, out: &mut Vec<Effect>) {
        let Some(entry) = self.own_entry(id) else { return };
        let message = Message::Have { list: List::More, entries: vec![entry] };
        self.send_all(&message, out);
    }

    /// Tells every peer that contents are not here any more.
    #[inline(never)]
    pub(super) fn announce_gone(&self, ids: &[ContentId], out: &mut Vec<Effect>) {
        for ids in ids.chunks(GONE_IDS_MAX) {
            self.send_all(&Message::Gone { contents: ids.to_vec() }, out);
        }
    }

    /// Our announcement of a content, if it is whole and stays here.
    fn own_entry(&self, id: ContentId) -> Option<Entry> {
        let item = self.library.item(id)?;
        if !item.complete() || self.removing.contains_key(&id) || self.is_saving(id) {
            return None;
        }
        let description = item.manifest.description();
        Some(Entry {
            id,
            name: description.name.clone(),
            mime: description.mime.clone(),
            bytes: description.bytes,
            manifest_bytes: item.manifest_bytes,
            chunk_bytes: description.chunk_bytes,
            encrypted: description.encrypted(),
            key: item.key,
        })
    }

    fn send_all(&self, message: &Message, out: &mut Vec<Effect>) {
        if matches!(self.phase, Phase::Running) {
            let sends = self.peers.keys().map(|to| (*to, message.clone()));
            out.extend(sends.map(|(to, message)| Effect::Send { to, message }));
        }
    }
}
