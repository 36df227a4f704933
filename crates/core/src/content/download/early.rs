//! Chunks that were asked for along with the manifest, and may come before it is checked.
//!
//! Their bodies wait in the driver's buffers. Nothing of them counts before the manifest has proved
//! them and the store has said that they are not here.

use alloc::vec::Vec;

use peerloom_wire::{ContentId, PeerId, RequestId};

use super::{Claim, Download, Stage};
use crate::content::message::Wanted;
use crate::content::{Content, Effect};

/// A body that is whole with the driver, and its digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Early {
    /// Who sent it.
    pub(super) peer: PeerId,
    /// What it answers.
    pub(super) request: RequestId,
    /// Its digest, computed here.
    pub(super) sha256: [u8; 32],
    /// Its length.
    pub(super) bytes: u32,
}

impl Download {
    /// Returns how many bodies wait.
    #[inline(never)]
    fn early_count(&self) -> usize {
        if matches!(self.stage, Stage::Fetching(_)) {
            return 0;
        }
        self.claims.values().filter(|claim| matches!(claim, Claim::Early(_))).count()
    }

    /// Forgets bodies that went with their connection.
    #[inline(never)]
    pub(super) fn forget_early_of(&mut self, peer: PeerId) {
        self.claims.retain(|_, claim| !matches!(claim, Claim::Early(body) if body.peer == peer));
    }
}

impl Content {
    /// Returns how many bodies wait for the manifests of their contents.
    pub(in crate::content) fn early_count(&self) -> usize {
        self.downloads.values().map(Download::early_count).sum()
    }

    /// Drops the bodies that wait for a content's manifest.
    #[inline(never)]
    pub(super) fn drop_early(&mut self, content: ContentId, out: &mut Vec<Effect>) {
        for (_, body) in self.take_early(content) {
            self.forget_body(body.peer, body.request, out);
        }
    }

    /// What the chunks are is known, and which are here: keeps those that came and takes back what
    /// is not needed or was announced falsely.
    #[inline(never)]
    pub(super) fn settle_early(&mut self, content: ContentId, out: &mut Vec<Effect>) {
        let asked = self.requests.iter().filter_map(|(id, request)| match request.what {
            Wanted::Chunk { content: of, index } if of == content => {
                (!self.is_missing(content, index, request.bytes)).then_some(*id)
            }
            Wanted::Manifest(_) | Wanted::Chunk { .. } => None,
        });
        for id in asked.collect::<Vec<_>>() {
            self.cancel_request(id, out);
        }
        for (index, body) in self.take_early(content) {
            if self.is_missing(content, index, body.bytes) {
                self.on_chunk(content, index, &body, out);
            } else {
                self.forget_body(body.peer, body.request, out);
            }
        }
    }

    /// Returns whether a chunk is not here and has this length.
    #[inline(never)]
    fn is_missing(&self, content: ContentId, index: u32, bytes: u32) -> bool {
        self.library.item(content).is_some_and(|item| {
            let description = item.manifest.description();
            !item.present().contains(index) && description.chunk_stored_bytes(index) == bytes
        })
    }

    /// Takes the bodies that wait for a content's manifest, by the index of their chunk.
    #[inline(never)]
    fn take_early(&mut self, content: ContentId) -> Vec<(u32, Early)> {
        let Some(download) = self.downloads.get_mut(&content) else { return Vec::new() };
        let mut early = Vec::new();
        download.claims.retain(|index, claim| match claim {
            Claim::Early(body) => {
                early.push((*index, *body));
                false
            }
            Claim::Asked(_) | Claim::Keeping => true,
        });
        early
    }
}
