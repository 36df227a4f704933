//! What to ask of whom, and when.

use alloc::vec::Vec;
use core::cmp::Reverse;
use core::time::Duration;

use peerloom_wire::{ContentId, PeerId, RequestId};

use super::{Claim, Download, Request, Stage};
use crate::content::message::{Message, Want, Wanted};
use crate::content::{Content, Effect, Phase};
use crate::event::DownloadState;
use crate::io::LinkCommand;
use crate::time::{Instant, Now};

/// The most chunks wanted and not yet stored, of all downloads: 16 MiB of the driver's buffers.
const IN_FLIGHT_MAX: usize = 64;

/// The most manifests asked for at once: 16 MiB if all are as long as can be.
const MANIFESTS_ASKED_MAX: usize = 4;

/// At the end of a download, a chunk that takes longer than this is asked of a second source:
/// longer than a chunk needs on any link where the wait would be noticed (1 MB/s). Guess.
const ENDGAME_AFTER: Duration = Duration::from_millis(250);

/// The most chunks of one download asked of two sources: 2 MiB that may arrive for nothing.
const ENDGAME_MAX: usize = 8;

/// So many chunks are asked for at once, if there are as many: see [`super::Source`].
const BATCH: usize = 8;

/// What is asked of whom.
type Wants = Vec<(PeerId, Want)>;

/// A chunk to be asked for.
struct Choice {
    content: ContentId,
    peer: PeerId,
    index: u32,
}

impl Content {
    /// Asks for as much as windows and limits allow.
    pub(in crate::content) fn ask(&mut self, now: Now, out: &mut Vec<Effect>) {
        self.endgame_at = None;
        if !matches!(self.phase, Phase::Running) || self.downloads.is_empty() {
            return;
        }
        for peer in self.peers.values_mut() {
            peer.source.look(now.mono);
        }
        let mut wants = Wants::new();
        self.ask_for_manifests(now, &mut wants, out);
        if self.chunks_in_flight() + BATCH <= IN_FLIGHT_MAX {
            self.ask_for_chunks(now, &mut wants, out);
        }
        // One frame for each peer.
        while let Some((to, _)) = wants.first().copied() {
            let own = wants.iter().filter(|(peer, _)| *peer == to).map(|(_, want)| *want);
            out.push(Effect::Send { to, message: Message::Want { wants: own.collect() } });
            wants.retain(|(peer, _)| *peer != to);
        }
    }

    #[inline(never)]
    fn ask_for_chunks(&mut self, now: Now, wants: &mut Wants, out: &mut Vec<Effect>) {
        while self.chunks_in_flight() < IN_FLIGHT_MAX {
            let Some(Choice { content, peer, index }) = self.choose_chunk(now.mono) else {
                return;
            };
            let Some(item) = self.library.item(content) else { return };
            let bytes = item.manifest.description().chunk_stored_bytes(index);
            self.ask_for_chunk(now, Choice { content, peer, index }, bytes, wants, out);
        }
    }

    /// Bodies of chunks that are on their way, wait for their manifest or are being stored.
    #[inline(never)]
    fn chunks_in_flight(&self) -> usize {
        self.requests.len() - self.manifests_asked() + self.early_count() + self.keeps_count
    }

    #[inline(never)]
    fn manifests_asked(&self) -> usize {
        let is_manifest = |request: &&Request| matches!(request.what, Wanted::Manifest(_));
        self.requests.values().filter(is_manifest).count()
    }

    #[inline(never)]
    fn ask_for_manifests(&mut self, now: Now, wants: &mut Wants, out: &mut Vec<Effect>) {
        let free = MANIFESTS_ASKED_MAX.saturating_sub(self.manifests_asked());
        if free == 0 {
            return;
        }
        let seeking = self.downloads.iter().filter_map(|(content, download)| {
            let is_seeking = matches!(download.stage, Stage::Seeking) && is_running(download);
            if !is_seeking {
                return None;
            }
            let peer = self.choose_source(now.mono, *content, download, None);
            peer.map(|peer| (*content, peer))
        });
        let chosen: Vec<_> = seeking.take(free).collect();
        for (content, peer) in chosen {
            let Some(entry) = self.inventory.entry_of(content, peer) else { continue };
            let bytes = entry.manifest_bytes;
            let request = self.request(now, peer, Wanted::Manifest(content), bytes, wants, out);
            if let Some(download) = self.downloads.get_mut(&content) {
                download.stage = Stage::Describing(request);
            }
            self.ask_early(now, content, peer, wants, out);
        }
    }

    /// Asks for the first chunks along with the manifest, as long as the peer says they are: one
    /// exchange less before somebody can read. What comes counts once the manifest has proved it.
    #[inline(never)]
    fn ask_early(
        &mut self,
        now: Now,
        content: ContentId,
        peer: PeerId,
        wants: &mut Wants,
        out: &mut Vec<Effect>,
    ) {
        let Some(cursor) = self.downloads.get(&content).map(|download| download.cursor) else {
            return;
        };
        for index in cursor..cursor.saturating_add(self.config.early_max) {
            let Some(entry) = self.inventory.entry_of(content, peer) else { return };
            let bytes = entry.chunk_stored_bytes(index);
            let is_free = self.peers.get(&peer).and_then(|it| it.source.load(now.mono)).is_some();
            if bytes == 0 || !is_free || self.chunks_in_flight() >= IN_FLIGHT_MAX {
                return;
            }
            self.ask_for_chunk(now, Choice { content, peer, index }, bytes, wants, out);
        }
    }

    /// The next chunk of the download that has the fewest on their way, so that all go on.
    #[inline(never)]
    fn choose_chunk(&mut self, now: Instant) -> Option<Choice> {
        let mut endgame_at = None;
        let running = self.downloads.iter().filter(|(_, download)| is_running(download));
        let choices = running.filter_map(|(content, download)| {
            if !matches!(download.stage, Stage::Fetching(_)) {
                return None;
            }
            let choice = match self.next_chunk(*content, download) {
                Some(index) => {
                    let peer = self.choose_source(now, *content, download, None)?;
                    Choice { content: *content, peer, index }
                }
                None => {
                    let (choice, at) = self.choose_again(now, *content, download);
                    endgame_at = [endgame_at, at].into_iter().flatten().min();
                    choice?
                }
            };
            Some((download.claims.len(), choice))
        });
        let choice = choices.min_by_key(|(claims, _)| *claims).map(|(_, choice)| choice);
        self.endgame_at = endgame_at;
        choice
    }

    /// The first chunk that is neither here nor on its way, from the cursor on, then from 0.
    #[inline(never)]
    fn next_chunk(&self, content: ContentId, download: &Download) -> Option<u32> {
        let item = self.library.item(content)?;
        let free_from = |mut from: u32| {
            loop {
                let index = item.present().next_missing(from)?;
                if !download.claims.contains_key(&index) {
                    return Some(index);
                }
                from = index + 1;
            }
        };
        free_from(download.cursor).or_else(|| free_from(0))
    }

    /// Endgame: the chunk asked for longest ago, of a second source, if it takes long; else when
    /// it will have taken long.
    #[inline(never)]
    fn choose_again(
        &self,
        now: Instant,
        content: ContentId,
        download: &Download,
    ) -> (Option<Choice>, Option<Instant>) {
        let asked = |claim: &Claim| match claim {
            Claim::Asked(requests) => requests.len(),
            Claim::Early(_) | Claim::Keeping => 0,
        };
        let claims = &download.claims;
        if claims.values().filter(|claim| asked(claim) > 1).count() >= ENDGAME_MAX {
            return (None, None);
        }
        let second_choices = claims.iter().filter_map(|(index, claim)| {
            let Claim::Asked(requests) = claim else { return None };
            let id = requests.first().filter(|_| requests.len() == 1)?;
            let request = self.requests.get(id)?;
            let peer = self.choose_source(now, content, download, Some(request.peer))?;
            let choice = Choice { content, peer, index: *index };
            Some((*id, request.asked_at + ENDGAME_AFTER, choice))
        });
        match second_choices.min_by_key(|(id, ..)| *id) {
            Some((_, at, _)) if now < at => (None, Some(at)),
            Some((_, _, choice)) => (Some(choice), None),
            None => (None, None),
        }
    }

    /// The least loaded peer that has the content and may be asked; of several, the one that is worth
    /// most.
    #[inline(never)]
    fn choose_source(
        &self,
        now: Instant,
        content: ContentId,
        download: &Download,
        except: Option<PeerId>,
    ) -> Option<PeerId> {
        let providers = self.inventory.providers(content);
        let usable =
            providers.filter(|peer| Some(*peer) != except && !download.shunned.contains(peer));
        let free = usable.filter_map(|id| {
            let source = &self.peers.get(&id)?.source;
            Some((source.load(now)?, Reverse(source.score), id))
        });
        free.min().map(|(_, _, id)| id)
    }

    #[inline(never)]
    fn ask_for_chunk(
        &mut self,
        now: Now,
        Choice { content, peer, index }: Choice,
        bytes: u32,
        wants: &mut Wants,
        out: &mut Vec<Effect>,
    ) {
        let request = self.request(now, peer, Wanted::Chunk { content, index }, bytes, wants, out);
        let Some(download) = self.downloads.get_mut(&content) else { return };
        match download.claims.get_mut(&index) {
            Some(Claim::Asked(requests)) => {
                requests.insert(request);
            }
            Some(Claim::Early(_) | Claim::Keeping) | None => {
                download.claims.insert(index, Claim::Asked([request].into()));
            }
        }
    }

    /// Makes room for a body, and notes that it is to be asked for.
    #[inline(never)]
    fn request(
        &mut self,
        now: Now,
        peer: PeerId,
        what: Wanted,
        bytes: u32,
        wants: &mut Wants,
        out: &mut Vec<Effect>,
    ) -> RequestId {
        // Comes round after 4 billion chunks, a petabyte.
        self.request_last = self.request_last.wrapping_add(1);
        let request = RequestId(self.request_last);
        if let Some(state) = self.peers.get_mut(&peer) {
            state.source.on_asked(now.mono, request);
            let inline = matches!(what, Wanted::Manifest(_));
            let command = LinkCommand::ExpectBody { request, bytes, inline };
            out.push(Effect::Link { conn: state.conn, command });
            wants.push((peer, Want { request, what }));
        }
        let asked = Request {
            peer,
            what,
            bytes,
            arrived_bytes: 0,
            asked_at: now.mono,
            progressed_at: now.mono,
        };
        self.requests.insert(request, asked);
        request
    }
}

fn is_running(download: &Download) -> bool {
    download.state == DownloadState::Running
}
