//! Content: what is offered, fetched, verified and served.
//!
//! A content is a manifest, proved by its hash (the content's id) and its author's signature, and
//! chunks, each proved by its hash in the manifest. Peers tell each other which contents they have
//! whole; a download asks all of them, in pipelines as deep as each one's bandwidth × delay. The
//! shape is BitTorrent's (BEP 3: have, request, cancel, endgame), with an inventory instead of
//! bitfields. Bodies never pass through here: see docs/architecture.md, "Bulk bytes go around the
//! core". Messages, states and limits are in `docs/protocol/content.md`.
//!
//! Knows nothing about how peers are found, connected or banned, nor where chunks are stored.

mod add;
mod bitmap;
mod border;
mod download;
mod inventory;
mod library;
mod message;
mod meter;
mod remove;
mod serve;
mod start;

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use peerloom_crypto::PublicKey;
use peerloom_wire::{ContentId, PeerId, RequestId};

use crate::event::{
    CommandError, ContentInfo, ContentLayout, DownloadState, Event, LocalState, Reply, StrikeKind,
};
use crate::io::{BodyFault, CommandId, ConnId, StoreError, StoreOp, StoreReply};
use crate::machine::Machine;
use crate::map::{Map, Set};
use crate::time::{Instant, Now};

use add::{Adding, Signing};
use download::{Download, Request, Source};
use inventory::Inventory;
use library::Library;
use remove::Removing;
use serve::Client;
use start::Phase;

pub use border::{BodyEvent, Command, Effect, Input, OpId, ProofId};
pub use message::{Entry, List, Message, Refusal, Want, Wanted};

/// The most contents here, and the most that one peer may announce. 10,000 entries of at most
/// 471 bytes are 4.7 MB; people drop files in, not file systems.
pub const CONTENTS_MAX: usize = 10_000;

/// The most commands that wait for one thing: the store at the start, one download, all adds.
pub const COMMANDS_WAITING_MAX: usize = 256;

/// Between two events that tell of progress: what an eye can follow (Guess).
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// What makes a [`Content`].
#[derive(Clone, Debug)]
pub struct Config {
    /// The author of what is added here.
    pub author: PublicKey,
    /// The most chunks of a download asked for along with its manifest. They wait for it in the
    /// driver's buffers.
    pub early_max: u32,
    /// The least bodies asked of a peer at once, whatever its rate: all there is until it is known.
    pub window_min: u64,
}

/// A connected peer. There are as many as the node keeps connections.
#[derive(Debug)]
struct Peer {
    conn: ConnId,
    /// What we fetch from it.
    source: Source,
    /// What it fetches from us.
    client: Client,
}

/// What an operation is for, while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Op {
    /// Reads the records at the start.
    Load,
    /// Asks for the chunks of these loaded contents.
    CheckLoaded(Vec<ContentId>),
    /// Asks for the chunks of a draft.
    CheckDraft(ContentId),
    /// Writes the records of a draft.
    SaveDraft(ContentId),
    /// Writes the records of a download.
    Save(ContentId),
    /// Asks for the chunks of a download.
    Check(ContentId),
    /// Asks for the chunks of a content that could not be served.
    Recheck(ContentId),
    /// Writes a content's record again, because its key is known now.
    SaveKey(ContentId),
    /// Stores a chunk.
    Keep { content: ContentId, index: u32 },
    /// Deletes the records of a content.
    Delete(ContentId),
    /// Deletes the chunks of a content that is removed.
    DeleteChunks(ContentId),
    /// Deletes chunks that nothing refers to. Nobody waits for it.
    Sweep,
}

/// What a signature is for, while it is made or checked.
#[derive(Debug)]
enum Proof {
    /// That of a draft's manifest.
    Draft(Signing),
    /// That of the author of a manifest that this peer sent.
    Author { content: ContentId, from: PeerId },
}

/// Contents: ours, our peers', and what goes back and forth.
#[derive(Debug)]
pub struct Content {
    config: Config,
    phase: Phase,
    library: Library,
    inventory: Inventory,
    peers: Map<PeerId, Peer>,
    /// Invariant: one for each of `peers`, the other way round.
    conns: Map<ConnId, PeerId>,
    /// At most `DOWNLOADS_MAX`.
    downloads: Map<ContentId, Download>,
    /// What we asked for: at most `IN_FLIGHT_MAX` chunks and `MANIFESTS_ASKED_MAX` manifests.
    requests: Map<RequestId, Request>,
    /// One for each draft, at most [`COMMANDS_WAITING_MAX`] together with `adding`; one for each
    /// download.
    proofs: Map<ProofId, Proof>,
    adding: Map<ContentId, Adding>,
    /// At most as many as the library holds.
    removing: Map<ContentId, Removing>,
    /// One or two for each content, one for each chunk in flight.
    ops: Map<OpId, Op>,
    /// How many of `ops` are `Keep`.
    keeps_count: usize,
    /// When a chunk has been asked of one source for long enough to ask another one.
    endgame_at: Option<Instant>,
    op_last: u64,
    proof_last: u64,
    request_last: u32,
    /// Contents whose information changed since the application was told.
    changed: Set<ContentId>,
    /// Answers that go out after all else that the input caused.
    answers: Vec<(CommandId, Result<Reply, CommandError>)>,
    counters: Map<&'static str, u64>,
}

impl Machine for Content {
    type Input = Input;
    type Effect = Effect;

    fn handle(&mut self, now: Now, input: Input, out: &mut Vec<Effect>) {
        match input {
            Input::Start => self.on_start(out),
            Input::Stop => self.on_stop(),
            Input::PeerUp { peer, conn } => self.on_peer_up(peer, conn, out),
            Input::PeerDown { peer } => self.on_peer_down(peer),
            Input::PeerRtt { peer, rtt, score } => {
                if let Some(peer) = self.peers.get_mut(&peer) {
                    peer.source.rtt = rtt;
                    peer.source.score = score;
                }
            }
            Input::Message { from, message } => self.on_message(now, from, message, out),
            Input::Body { conn, event } => self.on_body(now, conn, event, out),
            Input::Stored { op, result } => self.on_stored(now, op, result, out),
            Input::Signed { proof, signature } => self.on_signed(now, proof, signature, out),
            Input::Verified { proof, holds } => self.on_author_checked(proof, holds, out),
            Input::Command { id, command } => self.on_command(id, command, out),
        }
        self.settle(now, out);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let stalls = self.requests.iter().filter_map(|(id, request)| self.stall_at(*id, request));
        let sources = self.peers.values().filter_map(|peer| peer.source.paused_until);
        let progress = self.downloads.values().filter_map(Download::progress_at);
        let served = self.peers.values().filter_map(|peer| peer.client.served_at());
        stalls.chain(sources).chain(progress).chain(served).chain(self.endgame_at).min()
    }

    fn handle_timeout(&mut self, now: Now, out: &mut Vec<Effect>) {
        let Some(due) = self.poll_timeout() else { return };
        if now.mono < due {
            return;
        }
        self.on_requests_due(now, now.mono.since(due), out);
        self.on_progress_due(now, out);
        self.on_served_due(now, out);
        self.settle(now, out);
    }
}

impl Content {
    /// Makes one with nothing loaded; [`Input::Start`] comes next.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            config,
            phase: Phase::New,
            library: Library::default(),
            inventory: Inventory::default(),
            peers: Map::new(),
            conns: Map::new(),
            downloads: Map::new(),
            requests: Map::new(),
            proofs: Map::new(),
            adding: Map::new(),
            removing: Map::new(),
            ops: Map::new(),
            keeps_count: 0,
            endgame_at: None,
            op_last: 0,
            proof_last: 0,
            request_last: 0,
            changed: Set::new(),
            answers: Vec::new(),
            counters: Map::new(),
        }
    }

    /// Returns all that is known here: what is stored, then what connected peers offer, then what
    /// is wanted and nobody has.
    #[must_use]
    pub fn contents(&self) -> Vec<ContentInfo> {
        let library = self.library.ids();
        let offered = self.inventory.ids().filter(|id| self.library.item(*id).is_none());
        let unknown =
            self.downloads.keys().copied().filter(|id| {
                self.library.item(*id).is_none() && self.inventory.entry(*id).is_none()
            });
        library.chain(offered).chain(unknown).filter_map(|id| self.content(id)).collect()
    }

    /// Returns what is known of one content.
    #[must_use]
    pub fn content(&self, id: ContentId) -> Option<ContentInfo> {
        let download = self.downloads.get(&id).map(Download::state);
        let providers = self.inventory.providers_count(id);
        if let Some(item) = self.library.item(id) {
            let description = item.manifest.description();
            // Chunks without the records that name them are lost with the page.
            let is_kept = item.complete() && !self.is_saving(id);
            let local = if is_kept { LocalState::Complete } else { LocalState::Partial };
            return Some(ContentInfo {
                id,
                name: description.name.clone(),
                mime: description.mime.clone(),
                bytes: description.bytes,
                encrypted: description.encrypted(),
                providers,
                local,
                download,
            });
        }
        let (name, mime, bytes, encrypted) = match self.inventory.entry(id) {
            Some(entry) => (entry.name.clone(), entry.mime.clone(), entry.bytes, entry.encrypted),
            // Wanted, and nobody who has it is here yet.
            None => (String::new(), String::new(), 0, false),
        };
        let known = download.is_some() || providers > 0;
        let local = LocalState::Absent;
        known.then_some(ContentInfo {
            id,
            name,
            mime,
            bytes,
            encrypted,
            providers,
            local,
            download,
        })
    }

    /// Returns what reading a content takes; `None` before its manifest is here.
    #[must_use]
    pub fn layout(&self, id: ContentId) -> Option<ContentLayout> {
        let item = self.library.item(id)?;
        let description = item.manifest.description();
        Some(ContentLayout {
            bytes: description.bytes,
            chunk_plain_bytes: description.chunk_plain_bytes_max(),
            chunks: description.chunks.clone(),
            key: item.key,
        })
    }

    /// Returns how many contents a peer offers; 0 if it is not connected.
    #[must_use]
    pub fn offered_by(&self, peer: PeerId) -> u32 {
        self.inventory.offered_by(peer)
    }

    /// Returns how many bytes of contents per second came from a peer and went to it when they last
    /// did, if they did so for long enough on its present connection.
    #[must_use]
    pub fn throughput(&self, peer: PeerId) -> [Option<u64>; 2] {
        let Some(Peer { source, client, .. }) = self.peers.get(&peer) else { return [None; 2] };
        [source.meter.estimate(), client.meter.estimate()]
    }

    /// Returns whether a body is on its way from a peer or to it, or asked for.
    #[must_use]
    pub fn is_in_use(&self, peer: PeerId) -> bool {
        let peer = self.peers.get(&peer);
        peer.is_some_and(|peer| peer.source.is_asked() || peer.client.is_served())
    }

    /// Returns whether a whole content is here, to be served.
    #[must_use]
    pub fn is_seeding(&self) -> bool {
        self.library.items().any(library::Item::complete)
    }

    /// Returns how many contents are known here.
    #[must_use]
    pub fn contents_count(&self) -> usize {
        let elsewhere = self.inventory.ids().filter(|id| self.library.item(*id).is_none()).count();
        self.library.len() + elsewhere
    }

    /// Returns counters by name, and gauges of what is open now.
    #[must_use]
    pub fn stats(&self) -> Map<&'static str, u64> {
        let gauge = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let mut stats = self.counters.clone();
        stats.insert("content.open_requests", gauge(self.requests.len()));
        stats.insert("content.open_early", gauge(self.early_count()));
        stats.insert("content.open_keeps", gauge(self.keeps_count));
        stats.insert("content.open_downloads", gauge(self.downloads.len()));
        stats.insert("content.open_operations", gauge(self.ops.len() + self.proofs.len()));
        stats
    }

    #[inline(never)]
    fn on_message(&mut self, now: Now, from: PeerId, message: Message, out: &mut Vec<Effect>) {
        if !self.peers.contains_key(&from) {
            return;
        }
        match message {
            Message::Have { list, entries } => self.on_have(from, list, entries, out),
            Message::Gone { contents } => self.on_gone(from, &contents, out),
            Message::Want { wants } => {
                for want in wants {
                    self.on_want(now, from, want, out);
                }
            }
            Message::Cancel { request } => self.on_cancelled(from, request, out),
            Message::Refused { request, reason } => {
                self.on_refused(now, from, request, reason, out);
            }
        }
    }

    #[inline(never)]
    fn on_body(&mut self, now: Now, conn: ConnId, event: BodyEvent, out: &mut Vec<Effect>) {
        // Events of a connection that is gone cross with its end.
        let Some(&peer) = self.conns.get(&conn) else { return };
        match event {
            BodyEvent::Progress { request, bytes } => self.on_progress(now, peer, request, bytes),
            BodyEvent::Arrived { request, sha256, inline } => {
                self.on_arrived(now, peer, request, sha256, inline, out);
            }
            BodyEvent::Misplaced { fault } => {
                self.count(match fault {
                    BodyFault::Unrequested => "content.bodies_unrequested",
                    BodyFault::OutOfBounds => "content.bodies_out_of_bounds",
                    BodyFault::Malformed => "content.bodies_malformed",
                });
                out.push(Effect::Strike { peer, kind: StrikeKind::UnrequestedBody });
            }
            BodyEvent::Served { request, bytes } => self.on_served(now, peer, request, bytes, out),
            BodyEvent::Unavailable { request } => self.on_unavailable(peer, request, out),
        }
    }

    fn on_command(&mut self, id: CommandId, command: Command, out: &mut Vec<Effect>) {
        if !self.admit(id, &command) {
            return;
        }
        match command {
            Command::Add { draft } => self.on_add(id, draft, out),
            Command::Get { content, key } => self.on_get(id, content, key, out),
            Command::Pause { content } => self.on_pause(id, content, DownloadState::Paused),
            Command::Resume { content } => self.on_pause(id, content, DownloadState::Running),
            Command::Cancel { content } => self.on_cancel(id, content, out),
            Command::Seek { content, chunk } => self.on_seek(id, content, chunk),
            Command::Remove { content } => self.on_remove(id, content, out),
        }
    }

    #[inline(never)]
    fn on_stored(
        &mut self,
        now: Now,
        op: OpId,
        result: Result<StoreReply, StoreError>,
        out: &mut Vec<Effect>,
    ) {
        // Answered twice: the driver's fault, and harmless.
        let Some(op) = self.ops.remove(&op) else { return };
        if result.is_err() {
            self.count("content.store_failures");
        }
        let content = op.content();
        match op {
            Op::Load => self.on_records(result, out),
            Op::CheckLoaded(contents) => self.on_loaded_checked(contents, result, out),
            Op::CheckDraft(content) => self.on_draft_checked(content, result, out),
            Op::SaveDraft(content) => self.on_draft_saved(now, content, result, out),
            Op::Save(content) => self.on_saved(now, content, result, out),
            Op::Check(content) => self.on_checked(now, content, result, out),
            Op::Recheck(content) => self.on_rechecked(content, result, out),
            Op::Keep { content, index } => {
                self.keeps_count = self.keeps_count.saturating_sub(1);
                self.on_kept(now, content, index, result, out);
            }
            Op::Delete(content) => self.on_deleted(content, result, out),
            Op::DeleteChunks(content) => self.on_chunks_deleted(content),
            Op::SaveKey(_) | Op::Sweep => {}
        }
        if let Some(content) = content {
            self.go_on_removing(content, out);
        }
    }

    #[inline(never)]
    fn on_peer_up(&mut self, peer: PeerId, conn: ConnId, out: &mut Vec<Effect>) {
        self.on_peer_down(peer);
        let source = Source::new(self.config.window_min);
        let state = Peer { conn, source, client: Client::default() };
        self.peers.insert(peer, state);
        self.conns.insert(conn, peer);
        if matches!(self.phase, Phase::Running) {
            self.send_inventory(peer, out);
        }
    }

    #[inline(never)]
    fn on_peer_down(&mut self, peer: PeerId) {
        let Some(state) = self.peers.remove(&peer) else { return };
        self.conns.remove(&state.conn);
        self.release_requests_of(peer);
        let lost = self.inventory.remove_peer(peer);
        self.changed.extend(lost);
    }

    /// What follows from every input: asking for more, then telling the application, then answers.
    fn settle(&mut self, now: Now, out: &mut Vec<Effect>) {
        self.ask(now, out);
        for id in core::mem::take(&mut self.changed) {
            out.push(Effect::Event(match self.content(id) {
                Some(info) => Event::ContentChanged(info),
                None => Event::ContentGone { content: id },
            }));
        }
        let answers = self.answers.drain(..);
        out.extend(answers.map(|(id, result)| Effect::Done { id, result }));
    }

    fn answer(&mut self, id: CommandId, result: Result<Reply, CommandError>) {
        self.answers.push((id, result));
    }

    fn answer_all(&mut self, ids: Vec<CommandId>, result: &Result<Reply, CommandError>) {
        self.answers.extend(ids.into_iter().map(|id| (id, result.clone())));
    }

    fn store(&mut self, op: Op, operation: StoreOp, out: &mut Vec<Effect>) {
        self.op_last += 1;
        let id = OpId(self.op_last);
        if matches!(op, Op::Keep { .. }) {
            self.keeps_count += 1;
        }
        self.ops.insert(id, op);
        out.push(Effect::Store { op: id, operation });
    }

    fn begin_proof(&mut self, proof: Proof) -> ProofId {
        self.proof_last += 1;
        let id = ProofId(self.proof_last);
        self.proofs.insert(id, proof);
        id
    }

    fn count(&mut self, counter: &'static str) {
        self.counters.count(counter);
    }

    fn count_more(&mut self, counter: &'static str, more: u64) {
        self.counters.count_more(counter, more);
    }
}

impl Op {
    /// The content whose removal has to wait for this.
    const fn content(&self) -> Option<ContentId> {
        match self {
            Self::Save(content)
            | Self::Check(content)
            | Self::Recheck(content)
            | Self::SaveKey(content)
            | Self::Keep { content, .. } => Some(*content),
            Self::Load
            | Self::CheckLoaded(_)
            | Self::CheckDraft(_)
            | Self::SaveDraft(_)
            | Self::Delete(_)
            | Self::DeleteChunks(_)
            | Self::Sweep => None,
        }
    }
}

#[cfg(test)]
mod tests;
