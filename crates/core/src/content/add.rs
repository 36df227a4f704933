//! Adding: a draft becomes a signed manifest, is stored, and told to every peer.

use alloc::vec::Vec;

use peerloom_crypto::Signature;
use peerloom_wire::{
    CHUNK_BYTES, CHUNKS_MAX, ChunkId, ContentId, Description, MIME_BYTES_MAX, NAME_BYTES_MAX,
    PeerId, UnsignedManifest, is_plain_text, key_digest,
};

use super::library::Item;
use super::start::too_many_commands;
use super::{COMMANDS_WAITING_MAX, Content, Effect, Op, Proof, ProofId};
use crate::event::{BadInput, CommandError, Reply, Subject};
use crate::io::{CommandId, ContentDraft, ContentKey, StoreError, StoreOp, StoreReply};
use crate::map::Set;
use crate::time::Now;

/// A content whose manifest is being signed.
#[derive(Debug)]
pub(super) struct Signing {
    /// Its chunks count as referred to.
    manifest: UnsignedManifest,
    key: Option<ContentKey>,
    /// Who is answered.
    waiters: Vec<CommandId>,
}

/// A content whose chunks are being looked for, or whose records are being written.
#[derive(Debug)]
pub(super) struct Adding {
    /// Its chunks count as referred to.
    item: Item,
    /// Who is answered.
    pub(super) waiters: Vec<CommandId>,
}

impl Proof {
    const fn draft(&self) -> Option<&Signing> {
        match self {
            Self::Draft(signing) => Some(signing),
            Self::Author { .. } => None,
        }
    }
}

impl Content {
    pub(super) fn on_add(&mut self, id: CommandId, draft: ContentDraft, out: &mut Vec<Effect>) {
        let chunks = draft.chunks.clone();
        if let Err(error) = self.begin_adding(id, draft, out) {
            // Nothing will ever refer to them, and when the store is full they are in the way.
            self.delete_unreferenced(chunks, Op::Sweep, out);
            self.answer(id, Err(error));
        }
    }

    fn begin_adding(
        &mut self,
        id: CommandId,
        draft: ContentDraft,
        out: &mut Vec<Effect>,
    ) -> Result<(), CommandError> {
        let key = draft.key;
        let description = describe(draft)?;
        let author = PeerId(self.config.author.fingerprint());
        if let Some(same) = self.library.find(author, &description)
            && self.is_complete(same)
        {
            return self.answer_added(id, same);
        }
        self.library.check_room(&description)?;
        if self.adders_count() >= COMMANDS_WAITING_MAX {
            return Err(too_many_commands());
        }
        // No two signatures are the same: signed twice, one draft would be two contents.
        if let Some(waiters) = self.waiters_of(&description) {
            waiters.push(id);
            return Ok(());
        }
        let Ok(manifest) = UnsignedManifest::new(description, self.config.author) else {
            return Err(CommandError::BadInput(BadInput::ChunkCount));
        };
        let payload = manifest.payload().into();
        let signing = Signing { manifest, key, waiters: vec![id] };
        let proof = self.begin_proof(Proof::Draft(signing));
        out.push(Effect::Sign { proof, payload });
        Ok(())
    }

    fn adders_count(&self) -> usize {
        let signing = self.proofs.values().filter_map(Proof::draft);
        let signing = signing.map(|signing| signing.waiters.len());
        signing.chain(self.adding.values().map(|adding| adding.waiters.len())).sum()
    }

    /// Returns who waits for the very same draft, if anyone does.
    fn waiters_of(&mut self, description: &Description) -> Option<&mut Vec<CommandId>> {
        let signing = self.proofs.values_mut().find_map(|proof| match proof {
            Proof::Draft(signing) if signing.manifest.description() == description => {
                Some(&mut signing.waiters)
            }
            Proof::Draft(_) | Proof::Author { .. } => None,
        });
        signing.or_else(|| {
            (self.adding.values_mut())
                .find(|adding| adding.item.manifest.description() == description)
                .map(|adding| &mut adding.waiters)
        })
    }

    #[inline(never)]
    pub(super) fn on_signed(
        &mut self,
        now: Now,
        proof: ProofId,
        signature: Option<Signature>,
        out: &mut Vec<Effect>,
    ) {
        // Answered twice: the driver's fault, and harmless.
        let Some(Proof::Draft(signing)) = self.proofs.remove(&proof) else { return };
        let Signing { manifest, key, waiters } = signing;
        let chunks = manifest.description().chunks.clone();
        let Some(signature) = signature else {
            self.count("content.manifests_unsigned");
            self.delete_unreferenced(chunks, Op::Sweep, out);
            return self.answer_all(waiters, &Err(CommandError::Aborted));
        };
        let manifest = manifest.sign_with(signature);
        let content = manifest.id();
        let item = Item::new(manifest, key, now.unix_ms);
        self.adding.insert(content, Adding { item, waiters });
        if chunks.is_empty() {
            self.save_draft(content, out);
        } else {
            self.store(Op::CheckDraft(content), StoreOp::HasChunks { chunks }, out);
        }
    }

    fn answer_added(&mut self, id: CommandId, content: ContentId) -> Result<(), CommandError> {
        if self.removing.contains_key(&content) {
            return Err(CommandError::Aborted);
        }
        self.answer(id, Ok(Reply::Content(content)));
        Ok(())
    }

    pub(super) fn on_draft_checked(
        &mut self,
        content: ContentId,
        result: Result<StoreReply, StoreError>,
        out: &mut Vec<Effect>,
    ) {
        let Some(adding) = self.adding.get_mut(&content) else { return };
        let present = match result {
            Ok(StoreReply::Present(present)) => present,
            Ok(_) => Vec::new(),
            Err(error) => return self.fail_adding(content, &CommandError::Store(error), out),
        };
        adding.item.set_present(&present);
        if !adding.item.complete() {
            let error = CommandError::BadInput(BadInput::MissingChunks);
            return self.fail_adding(content, &error, out);
        }
        self.save_draft(content, out);
    }

    fn save_draft(&mut self, content: ContentId, out: &mut Vec<Effect>) {
        let Some(adding) = self.adding.get(&content) else { return };
        let puts = adding.item.records(content);
        self.store(Op::SaveDraft(content), StoreOp::Apply { puts, deletes: Vec::new() }, out);
    }

    pub(super) fn on_draft_saved(
        &mut self,
        now: Now,
        content: ContentId,
        result: Result<StoreReply, StoreError>,
        out: &mut Vec<Effect>,
    ) {
        if let Err(error) = result {
            return self.fail_adding(content, &CommandError::Store(error), out);
        }
        let Some(adding) = self.adding.remove(&content) else { return };
        self.count("content.added");
        self.library.insert(content, adding.item);
        self.changed.insert(content);
        self.answer_all(adding.waiters, &Ok(Reply::Content(content)));
        if self.downloads.contains_key(&content) {
            self.complete_download(now, content, out);
        } else {
            self.announce(content, out);
        }
    }

    fn fail_adding(&mut self, content: ContentId, error: &CommandError, out: &mut Vec<Effect>) {
        let Some(adding) = self.adding.remove(&content) else { return };
        let chunks = adding.item.manifest.description().chunks.clone();
        self.delete_unreferenced(chunks, Op::Sweep, out);
        self.answer_all(adding.waiters, &Err(error.clone()));
    }

    /// Deletes those of `chunks` that no content refers to; returns whether there are any.
    pub(super) fn delete_unreferenced(
        &mut self,
        chunks: Vec<ChunkId>,
        op: Op,
        out: &mut Vec<Effect>,
    ) -> bool {
        // Two million references against a hundred thousand chunks: a search each, no moving.
        let sorted: Set<_> = chunks.into_iter().collect();
        let mut chunks: Vec<_> = sorted.into_iter().collect();
        let mut referred = vec![false; chunks.len()];
        let stored = self.library.items().chain(self.adding.values().map(|adding| &adding.item));
        let signing = self.proofs.values().filter_map(Proof::draft);
        let signing = signing.map(|signing| signing.manifest.description());
        for description in stored.map(|item| item.manifest.description()).chain(signing) {
            for chunk in &description.chunks {
                let index = chunks.binary_search(chunk).ok();
                if let Some(referred) = index.and_then(|index| referred.get_mut(index)) {
                    *referred = true;
                }
            }
        }
        let mut referred = referred.into_iter();
        chunks.retain(|_| referred.next() == Some(false));
        if chunks.is_empty() {
            return false;
        }
        self.store(op, StoreOp::DeleteChunks { chunks }, out);
        true
    }
}

/// Checks a draft against the limits and turns it into what a manifest says.
fn describe(draft: ContentDraft) -> Result<Description, CommandError> {
    let chunks_count = u64::try_from(draft.chunks.len()).unwrap_or(u64::MAX);
    check_limit(Subject::Content, chunks_count, u64::from(CHUNKS_MAX))?;
    for (what, text, max) in
        [(Subject::Name, &draft.name, NAME_BYTES_MAX), (Subject::Mime, &draft.mime, MIME_BYTES_MAX)]
    {
        let size = u64::try_from(text.len()).unwrap_or(u64::MAX);
        check_limit(what, size, u64::try_from(max).unwrap_or(u64::MAX))?;
        if !is_plain_text(text) {
            return Err(CommandError::BadInput(BadInput::ControlCharacters));
        }
    }
    let description = Description {
        name: draft.name,
        mime: draft.mime,
        bytes: draft.bytes,
        chunk_bytes: CHUNK_BYTES,
        key_digest: draft.key.map(|key| key_digest(&key.0)),
        chunks: draft.chunks,
    };
    // All else was checked above.
    description.validate().map_err(|_| CommandError::BadInput(BadInput::ChunkCount))?;
    Ok(description)
}

const fn check_limit(what: Subject, size: u64, max: u64) -> Result<(), CommandError> {
    if size > max { Err(CommandError::TooLarge { what, size, max }) } else { Ok(()) }
}
