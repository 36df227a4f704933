//! Removing: records first, in one transaction, then the chunks that nothing else refers to.
//!
//! A tab that dies in between leaves chunks without records, which the next start sweeps.

use alloc::vec::Vec;

use peerloom_wire::ContentId;

use super::library::record_keys;
use super::start::too_many_commands;
use super::{COMMANDS_WAITING_MAX, Content, Effect, Op};
use crate::event::{CommandError, Reply};
use crate::io::{CommandId, StoreError, StoreOp, StoreReply};

/// A content that is being removed. It is not served, announced or fetched any more.
#[derive(Debug)]
pub(super) struct Removing {
    /// Who is answered. At most [`COMMANDS_WAITING_MAX`].
    pub(super) waiters: Vec<CommandId>,
    step: Step,
}

/// How far a removal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Storage operations on the content are still running: a chunk stored after its deletion
    /// would stay for ever.
    Waiting,
    /// Its records are being deleted.
    Records,
    /// Its chunks are being deleted.
    Chunks,
}

impl Content {
    pub(super) fn on_remove(&mut self, id: CommandId, content: ContentId, out: &mut Vec<Effect>) {
        if let Some(removing) = self.removing.get_mut(&content) {
            if removing.waiters.len() < COMMANDS_WAITING_MAX {
                return removing.waiters.push(id);
            }
            return self.answer(id, Err(too_many_commands()));
        }
        let was_fetched = self.downloads.contains_key(&content);
        let is_stored = self.library.item(content).is_some() || self.has_op(content);
        if !was_fetched && !is_stored {
            return self.answer(id, Err(CommandError::NotFound));
        }
        let was_announced = self.is_complete(content);
        self.end_download(content, &Err(CommandError::Aborted), out);
        self.changed.insert(content);
        self.stop_serving(content, out);
        if was_announced {
            self.announce_gone(&[content], out);
        }
        self.removing.insert(content, Removing { waiters: vec![id], step: Step::Waiting });
        self.go_on_removing(content, out);
    }

    /// Deletes the records of a content that is to be removed, once nothing else is under way.
    pub(super) fn go_on_removing(&mut self, content: ContentId, out: &mut Vec<Effect>) {
        if self.has_op(content) {
            return;
        }
        let Some(removing) = self.removing.get_mut(&content) else { return };
        if removing.step != Step::Waiting {
            return;
        }
        if self.library.item(content).is_none() {
            return self.end_removing(content, &Ok(Reply::Done));
        }
        removing.step = Step::Records;
        let operation = StoreOp::Apply { puts: Vec::new(), deletes: record_keys(content) };
        self.store(Op::Delete(content), operation, out);
    }

    pub(super) fn on_deleted(
        &mut self,
        content: ContentId,
        result: Result<StoreReply, StoreError>,
        out: &mut Vec<Effect>,
    ) {
        if let Err(error) = result {
            self.end_removing(content, &Err(CommandError::Store(error)));
            // It is still here.
            self.changed.insert(content);
            return self.announce(content, out);
        }
        self.count("content.removed");
        let Some(item) = self.library.remove(content) else { return };
        self.changed.insert(content);
        if let Some(removing) = self.removing.get_mut(&content) {
            removing.step = Step::Chunks;
        }
        let chunks = item.manifest.description().chunks.clone();
        if !self.delete_unreferenced(chunks, Op::DeleteChunks(content), out) {
            self.end_removing(content, &Ok(Reply::Done));
        }
    }

    /// Also after a failure: without its records the content is gone, and its chunks are swept by
    /// the next start.
    pub(super) fn on_chunks_deleted(&mut self, content: ContentId) {
        self.end_removing(content, &Ok(Reply::Done));
    }

    fn end_removing(&mut self, content: ContentId, result: &Result<Reply, CommandError>) {
        let Some(removing) = self.removing.remove(&content) else { return };
        self.answer_all(removing.waiters, result);
    }

    /// Returns whether a storage operation is running that a removal has to wait for.
    fn has_op(&self, content: ContentId) -> bool {
        self.is_proving(content) || self.ops.values().any(|op| op.content() == Some(content))
    }
}
