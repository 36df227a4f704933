//! Downloads: from wanting a content to having it whole.
//!
//! Here is what the application wants and how far it is; `ask` decides what to ask of whom,
//! `source` knows how much a peer can take, `arrive` deals with what comes of a request.

mod arrive;
mod ask;
mod early;
mod key;
mod source;

use alloc::vec::Vec;

use peerloom_wire::{ContentId, Manifest, ManifestError, PeerId, RequestId};

use super::library::Item;
use super::meter::Meter;
use super::start::too_many_commands;
use super::{COMMANDS_WAITING_MAX, Content, Effect, Op, PROGRESS_INTERVAL, Proof, ProofId};
use crate::event::{BadInput, CommandError, DownloadState, Event, Progress, Reply, StrikeKind};
use crate::io::{CommandId, ContentKey, StoreError, StoreOp, StoreReply};
use crate::map::{Map, Set};
use crate::time::{Instant, Now};

use early::Early;
use key::Stored;

pub(super) use key::unlocks;
pub(super) use source::{Request, Source};

/// The most downloads at once. More than anyone follows; each costs a look at every turn.
const DOWNLOADS_MAX: usize = 256;

/// The most peers that a download remembers as having sent wrong bytes; when full, the first id
/// goes. They are banned after three anyway.
const SHUNNED_MAX: usize = 64;

/// So many failures to store a chunk in a row end a download: the store is broken, not busy.
const KEEP_FAILURES_MAX: u32 = 3;

/// A content that the application wants and that is not whole.
#[derive(Debug)]
pub(super) struct Download {
    /// The `Get`s to answer. At most [`COMMANDS_WAITING_MAX`], at least one.
    pub(super) waiters: Vec<CommandId>,
    state: DownloadState,
    /// The key that the application gave, not yet checked.
    key: Option<ContentKey>,
    /// The chunk from which on to ask.
    cursor: u32,
    /// Peers that sent wrong bytes of it. At most [`SHUNNED_MAX`].
    shunned: Set<PeerId>,
    /// Chunks on their way. All downloads together have at most `IN_FLIGHT_MAX`.
    claims: Map<u32, Claim>,
    stage: Stage,
}

/// How far a download is.
#[derive(Debug)]
enum Stage {
    /// The manifest is not here, nor asked for.
    Seeking,
    /// A peer was asked for the manifest.
    Describing(RequestId),
    /// The manifest is here, and its chunks are looked for.
    Checking,
    /// Chunks are fetched. Its content is in the library.
    Fetching(Fetch),
}

/// What is true of a download while chunks are fetched.
#[derive(Debug)]
struct Fetch {
    /// Plain bytes that were here before.
    from_disk: u64,
    /// Plain bytes that peers sent and the store confirmed.
    from_peers: u64,
    /// Failures to store in a row.
    keep_failures: u32,
    meter: Meter,
    /// When the application was told of the progress.
    told_at: Instant,
    /// Whether there was progress since.
    untold: bool,
}

/// What happens to a chunk on its way.
#[derive(Debug)]
enum Claim {
    /// It was asked for; of several sources, at the end. Never empty.
    Asked(Set<RequestId>),
    /// It came before the store said what is here. Only before [`Stage::Fetching`].
    Early(Early),
    /// It is verified and being stored.
    Keeping,
}

impl Download {
    pub(super) const fn state(&self) -> DownloadState {
        self.state
    }

    /// When the application is to be told of what it was not yet.
    pub(super) fn progress_at(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Fetching(fetch) if fetch.untold => Some(fetch.told_at + PROGRESS_INTERVAL),
            _ => None,
        }
    }

    const fn fetch_mut(&mut self) -> Option<&mut Fetch> {
        match &mut self.stage {
            Stage::Fetching(fetch) => Some(fetch),
            Stage::Seeking | Stage::Describing(_) | Stage::Checking => None,
        }
    }

    /// Returns whether that is news.
    fn shun(&mut self, peer: PeerId) -> bool {
        if self.shunned.contains(&peer) {
            return false;
        }
        if self.shunned.len() >= SHUNNED_MAX {
            self.shunned.pop_first();
        }
        self.shunned.insert(peer)
    }
}

impl Content {
    pub(super) fn on_get(
        &mut self,
        id: CommandId,
        content: ContentId,
        key: Option<ContentKey>,
        out: &mut Vec<Effect>,
    ) {
        if self.removing.contains_key(&content) {
            return self.answer(id, Err(CommandError::Aborted));
        }
        if let Some(download) = self.downloads.get_mut(&content) {
            if download.waiters.len() >= COMMANDS_WAITING_MAX {
                return self.answer(id, Err(too_many_commands()));
            }
            download.waiters.push(id);
            download.key = key.or(download.key);
            // Who wants it now does not want it to rest.
            download.state = DownloadState::Running;
            self.changed.insert(content);
            return;
        }
        let stored = match self.library.item(content) {
            Some(_) => self.unlock(content, key, out).map(Some),
            None => Ok(None),
        };
        match stored {
            Err(error) => self.answer(id, Err(error)),
            Ok(Some(Stored::Complete)) if !self.is_saving(content) => {
                self.answer(id, Ok(Reply::Content(content)));
            }
            Ok(_) if self.downloads.len() >= DOWNLOADS_MAX => {
                self.answer(id, Err(too_many_commands()));
            }
            Ok(stored) => {
                let download = Download {
                    waiters: vec![id],
                    state: DownloadState::Running,
                    key,
                    cursor: 0,
                    shunned: Set::new(),
                    claims: Map::new(),
                    stage: Stage::Seeking,
                };
                self.downloads.insert(content, download);
                self.changed.insert(content);
                if stored.is_some() {
                    self.check(content, out);
                }
            }
        }
    }

    pub(super) fn on_pause(&mut self, id: CommandId, content: ContentId, state: DownloadState) {
        let Some(download) = self.downloads.get_mut(&content) else {
            return self.answer(id, Err(CommandError::BadInput(BadInput::NotFetching)));
        };
        if download.state != state {
            download.state = state;
            self.changed.insert(content);
        }
        self.answer(id, Ok(Reply::Done));
    }

    pub(super) fn on_cancel(&mut self, id: CommandId, content: ContentId, out: &mut Vec<Effect>) {
        if !self.downloads.contains_key(&content) {
            return self.answer(id, Err(CommandError::BadInput(BadInput::NotFetching)));
        }
        self.end_download(content, &Err(CommandError::Aborted), out);
        self.answer(id, Ok(Reply::Done));
    }

    pub(super) fn on_seek(&mut self, id: CommandId, content: ContentId, chunk: u32) {
        // Who reads on while the last chunk arrives did nothing wrong.
        let is_complete = self.is_complete(content);
        let result = match self.downloads.get_mut(&content) {
            Some(download) => {
                download.cursor = chunk;
                Ok(Reply::Done)
            }
            None if is_complete => Ok(Reply::Done),
            None => Err(CommandError::BadInput(BadInput::NotFetching)),
        };
        self.answer(id, result);
    }

    /// Returns whether all of a content is here.
    pub(super) fn is_complete(&self, content: ContentId) -> bool {
        self.library.item(content).is_some_and(Item::complete)
    }

    /// Returns whether the records of a download are being written, or wait for its author to be
    /// proved.
    pub(super) fn is_saving(&self, content: ContentId) -> bool {
        self.is_proving(content) || self.ops.values().any(|op| *op == Op::Save(content))
    }

    /// Returns whether the author of a content's manifest is being proved.
    pub(super) fn is_proving(&self, content: ContentId) -> bool {
        let is_it =
            |proof: &Proof| matches!(proof, Proof::Author { content: it, .. } if *it == content);
        self.proofs.values().any(is_it)
    }

    /// A manifest arrived, with the hash that was asked for.
    #[inline(never)]
    fn on_manifest(
        &mut self,
        now: Now,
        from: PeerId,
        content: ContentId,
        bytes: &[u8],
        out: &mut Vec<Effect>,
    ) {
        let manifest = match Manifest::decode(bytes) {
            Ok(manifest) => manifest,
            Err(ManifestError::UnknownVersion { .. }) => {
                return self.refuse_manifest(content, out);
            }
            Err(_) => {
                out.push(Effect::Strike { peer: from, kind: StrikeKind::BadManifest });
                return self.refuse_manifest(content, out);
            }
        };
        self.compare_announcement(from, content, &manifest, out);
        let room = self.library.check_room(manifest.description());
        match room.and_then(|()| self.key_for(content, manifest.description())) {
            Err(error) => self.end_download(content, &Err(error), out),
            Ok(key) => {
                // The hash proves the bytes, so chunks need wait neither for the author's signature
                // nor for the records: a tab that dies in between leaves chunks that the next start
                // sweeps. Only completion waits.
                let proof = self.begin_proof(Proof::Author { content, from });
                out.push(Effect::Verify { proof, claim: manifest.claim() });
                self.library.insert(content, Item::new(manifest, key, now.unix_ms));
                self.changed.insert(content);
                self.check(content, out);
            }
        }
    }

    /// The author of a manifest is known now to have signed it, or not to.
    #[inline(never)]
    pub(super) fn on_author_checked(&mut self, proof: ProofId, holds: bool, out: &mut Vec<Effect>) {
        // Answered twice: the driver's fault, and harmless.
        let Some(Proof::Author { content, from }) = self.proofs.remove(&proof) else { return };
        match self.library.item(content) {
            Some(item) if holds => {
                let puts = item.records(content);
                self.count("content.manifests_verified");
                let operation = StoreOp::Apply { puts, deletes: Vec::new() };
                self.store(Op::Save(content), operation, out);
            }
            Some(item) => {
                let chunks = item.manifest.description().chunks.clone();
                self.library.remove(content);
                self.changed.insert(content);
                out.push(Effect::Strike { peer: from, kind: StrikeKind::BadManifest });
                self.refuse_manifest(content, out);
                self.delete_unreferenced(chunks, Op::Sweep, out);
            }
            None => {}
        }
        self.go_on_removing(content, out);
    }

    /// The hash is right, so nobody has a better one.
    fn refuse_manifest(&mut self, content: ContentId, out: &mut Vec<Effect>) {
        self.count("content.manifests_refused");
        let error = CommandError::BadInput(BadInput::BadManifest);
        self.end_download(content, &Err(error), out);
    }

    /// Strikes a peer whose announcement is not what it then sent.
    fn compare_announcement(
        &mut self,
        from: PeerId,
        content: ContentId,
        manifest: &Manifest,
        out: &mut Vec<Effect>,
    ) {
        let Some(entry) = self.inventory.entry_of(content, from) else { return };
        let description = manifest.description();
        let agrees = (entry.chunk_bytes == 0 || entry.chunk_bytes == description.chunk_bytes)
            && entry.name == description.name
            && entry.mime == description.mime
            && entry.bytes == description.bytes
            && entry.encrypted == description.encrypted()
            && entry.key.is_none_or(|key| unlocks(description, key));
        if !agrees {
            self.count("content.announcements_false");
            out.push(Effect::Strike { peer: from, kind: StrikeKind::BadManifest });
        }
    }

    #[inline(never)]
    pub(super) fn on_saved(
        &mut self,
        now: Now,
        content: ContentId,
        result: Result<StoreReply, StoreError>,
        out: &mut Vec<Effect>,
    ) {
        if let Err(error) = result {
            self.library.remove(content);
            self.changed.insert(content);
            return self.end_download(content, &Err(CommandError::Store(error)), out);
        }
        // Its chunks may have been faster.
        if self.is_complete(content) {
            self.become_provider(now, content, out);
        }
    }

    /// A content is whole, and its records are written unless they are being written.
    fn become_provider(&mut self, now: Now, content: ContentId, out: &mut Vec<Effect>) {
        if self.is_saving(content) {
            return;
        }
        match self.downloads.get(&content).map(|download| &download.stage) {
            Some(Stage::Fetching(_)) => self.complete_download(now, content, out),
            // Its chunks are being looked for, by a `Get` after one that was given up.
            Some(Stage::Checking | Stage::Seeking | Stage::Describing(_)) => {}
            None => {
                self.changed.insert(content);
                self.announce(content, out);
            }
        }
    }

    /// Asks the store which chunks are here.
    fn check(&mut self, content: ContentId, out: &mut Vec<Effect>) {
        let Some(download) = self.downloads.get_mut(&content) else { return };
        download.stage = Stage::Checking;
        let Some(item) = self.library.item(content) else { return };
        let chunks = item.manifest.description().chunks.clone();
        self.store(Op::Check(content), StoreOp::HasChunks { chunks }, out);
    }

    #[inline(never)]
    pub(super) fn on_checked(
        &mut self,
        now: Now,
        content: ContentId,
        result: Result<StoreReply, StoreError>,
        out: &mut Vec<Effect>,
    ) {
        let Some(download) = self.downloads.get_mut(&content) else { return };
        let Some(item) = self.library.item_mut(content) else { return };
        match result {
            Ok(StoreReply::Present(present)) => item.set_present(&present),
            Ok(_) => {}
            Err(error) => {
                self.end_download(content, &Err(CommandError::Store(error)), out);
                // The last chunk may have come meanwhile, for a `Get` that was given up.
                if self.is_complete(content) {
                    self.become_provider(now, content, out);
                }
                return;
            }
        }
        let is_complete = item.complete();
        let mut meter = Meter::default();
        meter.begin(now.mono);
        download.stage = Stage::Fetching(Fetch {
            from_disk: item.done_bytes(),
            from_peers: 0,
            keep_failures: 0,
            meter,
            told_at: now.mono,
            untold: false,
        });
        self.changed.insert(content);
        self.settle_early(content, out);
        if is_complete {
            self.become_provider(now, content, out);
        } else {
            self.tell_progress(now, content, out);
        }
    }

    #[inline(never)]
    pub(super) fn on_kept(
        &mut self,
        now: Now,
        content: ContentId,
        index: u32,
        result: Result<StoreReply, StoreError>,
        out: &mut Vec<Effect>,
    ) {
        let download = self.downloads.get_mut(&content);
        match download.and_then(|download| download.claims.remove(&index)) {
            // An earlier download of the same content had it on its way to the store.
            Some(Claim::Asked(requests)) => {
                requests.into_iter().for_each(|request| self.cancel_request(request, out));
            }
            Some(Claim::Early(early)) => self.forget_body(early.peer, early.request, out),
            Some(Claim::Keeping) | None => {}
        }
        match result {
            Ok(_) => self.on_stored_chunk(now, content, index, out),
            Err(error) => self.on_keep_failed(content, error, out),
        }
    }

    #[inline(never)]
    fn on_stored_chunk(&mut self, now: Now, content: ContentId, index: u32, out: &mut Vec<Effect>) {
        let Some(item) = self.library.item_mut(content) else { return };
        let plain_bytes = item.insert_chunk(index);
        let is_complete = item.complete();
        if plain_bytes == 0 {
            return;
        }
        let mut is_due = false;
        let download = self.downloads.get_mut(&content);
        if let Some(fetch) = download.and_then(Download::fetch_mut) {
            fetch.from_peers += plain_bytes;
            fetch.keep_failures = 0;
            fetch.meter.add(now.mono, plain_bytes);
            fetch.untold = true;
            is_due = fetch.told_at + PROGRESS_INTERVAL <= now.mono;
        }
        if is_complete {
            // Also without a download: one that was given up while this chunk was on its way.
            self.become_provider(now, content, out);
        } else if is_due {
            self.tell_progress(now, content, out);
        }
    }

    /// What is stored stays, and a later `Get` goes on from there.
    fn on_keep_failed(&mut self, content: ContentId, error: StoreError, out: &mut Vec<Effect>) {
        let download = self.downloads.get_mut(&content);
        let Some(fetch) = download.and_then(Download::fetch_mut) else { return };
        fetch.keep_failures += 1;
        match error {
            StoreError::Io(_) if fetch.keep_failures < KEEP_FAILURES_MAX => {}
            error => self.end_download(content, &Err(CommandError::Store(error)), out),
        }
    }

    /// All chunks are here: the last progress, then the answers; and we are a provider.
    #[inline(never)]
    pub(super) fn complete_download(
        &mut self,
        now: Now,
        content: ContentId,
        out: &mut Vec<Effect>,
    ) {
        self.drop_requests(content, out);
        self.tell_progress(now, content, out);
        self.count("content.downloads_completed");
        self.end_download(content, &Ok(Reply::Content(content)), out);
        self.announce(content, out);
    }

    /// Forgets a download and answers its `Get`s.
    #[inline(never)]
    pub(super) fn end_download(
        &mut self,
        content: ContentId,
        result: &Result<Reply, CommandError>,
        out: &mut Vec<Effect>,
    ) {
        self.drop_requests(content, out);
        let Some(download) = self.downloads.remove(&content) else { return };
        self.changed.insert(content);
        self.answer_all(download.waiters, result);
    }

    #[inline(never)]
    pub(super) fn on_progress_due(&mut self, now: Now, out: &mut Vec<Effect>) {
        let is_due = |download: &Download| download.progress_at().is_some_and(|at| at <= now.mono);
        let due = self.downloads.iter().filter(|(_, download)| is_due(download));
        let due: Vec<_> = due.map(|(id, _)| *id).collect();
        for content in due {
            self.tell_progress(now, content, out);
        }
    }

    fn tell_progress(&mut self, now: Now, content: ContentId, out: &mut Vec<Effect>) {
        let sources: Set<_> = self
            .requests
            .values()
            .filter(|request| request.what.content() == content)
            .map(|request| request.peer)
            .collect();
        let download = self.downloads.get_mut(&content);
        let Some(fetch) = download.and_then(Download::fetch_mut) else { return };
        let Some(item) = self.library.item(content) else { return };
        fetch.told_at = now.mono;
        fetch.untold = false;
        let progress = Progress {
            done_bytes: item.done_bytes(),
            total_bytes: item.manifest.description().bytes,
            from_peers: fetch.from_peers,
            from_disk: fetch.from_disk,
            sources: u32::try_from(sources.len()).unwrap_or(u32::MAX),
            bytes_per_second: fetch.meter.per_second(now.mono),
        };
        out.push(Effect::Event(Event::Progress { content, progress }));
    }
}
