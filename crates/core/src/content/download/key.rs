//! Keys: an encrypted content is of no use without the right one, and its manifest tells which.

use alloc::vec::Vec;

use peerloom_wire::{ContentId, Description, key_digest};

use crate::content::{Content, Effect, Op};
use crate::event::CommandError;
use crate::io::{ContentKey, StoreOp};

/// How much of a content is in the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stored {
    Complete,
    Partial,
}

/// Returns whether `key` is the one of the content described.
pub(in crate::content) fn unlocks(description: &Description, key: ContentKey) -> bool {
    description.key_digest == Some(key_digest(&key.0))
}

impl Content {
    /// Makes sure that a content of the library can be read, if it is encrypted.
    pub(super) fn unlock(
        &mut self,
        content: ContentId,
        key: Option<ContentKey>,
        out: &mut Vec<Effect>,
    ) -> Result<Stored, CommandError> {
        let Some(item) = self.library.item(content) else { return Err(CommandError::NotFound) };
        let stored = if item.complete() { Stored::Complete } else { Stored::Partial };
        let description = item.manifest.description();
        if item.key.is_some() || !description.encrypted() {
            return Ok(stored);
        }
        let found = self.find_key(content, description, key).ok_or(CommandError::WrongKey)?;
        if let Some(item) = self.library.item_mut(content) {
            item.key = Some(found);
            let puts = vec![item.content_record(content)];
            let operation = StoreOp::Apply { puts, deletes: Vec::new() };
            self.store(Op::SaveKey(content), operation, out);
        }
        Ok(stored)
    }

    /// The key under which a download's content is stored; none if it needs none.
    pub(super) fn key_for(
        &self,
        content: ContentId,
        description: &Description,
    ) -> Result<Option<ContentKey>, CommandError> {
        if !description.encrypted() {
            return Ok(None);
        }
        let given = self.downloads.get(&content).and_then(|download| download.key);
        let found = self.find_key(content, description, given);
        found.map(Some).ok_or(CommandError::WrongKey)
    }

    /// The key that the application gave, or else one that a peer announces: the one that is right.
    fn find_key(
        &self,
        content: ContentId,
        description: &Description,
        given: Option<ContentKey>,
    ) -> Option<ContentKey> {
        let announced = self.inventory.entries(content).filter_map(|(_, entry)| entry.key);
        given.into_iter().chain(announced).find(|key| unlocks(description, *key))
    }
}
