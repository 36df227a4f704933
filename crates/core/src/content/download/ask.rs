//! What to ask of whom.

use core::time::Duration;

use peerloom_wire::{ContentId, PeerId, RequestId};

use super::{Claim, Download, Fetch, Request, Stage};
use crate::content::message::{Message, Wanted};
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
        self.ask_for_manifests(now, out);
        while self.chunks_in_flight() < IN_FLIGHT_MAX {
            let Some(choice) = self.choose_chunk(now.mono) else { return };
            self.ask_for_chunk(now, &choice, out);
        }
    }

    fn chunks_in_flight(&self) -> usize {
        self.requests.len() - self.manifests_asked() + self.keeps_count
    }

    fn manifests_asked(&self) -> usize {
        let is_manifest = |request: &&Request| matches!(request.what, Wanted::Manifest(_));
        self.requests.values().filter(is_manifest).count()
    }

    #[inline(never)]
    fn ask_for_manifests(&mut self, now: Now, out: &mut Vec<Effect>) {
        let free = MANIFESTS_ASKED_MAX.saturating_sub(self.manifests_asked());
        if free == 0 {
            return;
        }
        let seeking = self.downloads.iter().filter_map(|(content, download)| {
            let is_seeking = matches!(download.stage, Stage::Seeking) && is_running(download);
            if !is_seeking {
                return None;
            }
            self.choose_source(now.mono, *content, download, None).map(|peer| (*content, peer))
        });
        let chosen: Vec<_> = seeking.take(free).collect();
        for (content, peer) in chosen {
            let Some(entry) = self.inventory.entry_of(content, peer) else { continue };
            let bytes = entry.manifest_bytes;
            let request = self.request(now, peer, Wanted::Manifest(content), bytes, out);
            if let Some(download) = self.downloads.get_mut(&content) {
                download.stage = Stage::Describing(request);
            }
        }
    }

    /// The next chunk of the download that has the fewest on their way, so that all go on.
    #[inline(never)]
    fn choose_chunk(&mut self, now: Instant) -> Option<Choice> {
        let mut endgame_at = None;
        let running = self.downloads.iter().filter(|(_, download)| is_running(download));
        let choices = running.filter_map(|(content, download)| {
            let Stage::Fetching(fetch) = &download.stage else { return None };
            let choice = match self.next_chunk(*content, download, fetch) {
                Some(index) => {
                    let peer = self.choose_source(now, *content, download, None)?;
                    Choice { content: *content, peer, index }
                }
                None => {
                    let (choice, at) = self.choose_again(now, *content, download, fetch);
                    endgame_at = [endgame_at, at].into_iter().flatten().min();
                    choice?
                }
            };
            Some((fetch.claims.len(), choice))
        });
        let choice = choices.min_by_key(|(claims, _)| *claims).map(|(_, choice)| choice);
        self.endgame_at = endgame_at;
        choice
    }

    /// The first chunk that is neither here nor on its way, from the cursor on, then from 0.
    fn next_chunk(&self, content: ContentId, download: &Download, fetch: &Fetch) -> Option<u32> {
        let item = self.library.item(content)?;
        let free_from = |mut from: u32| {
            loop {
                let index = item.present().next_missing(from)?;
                if !fetch.claims.contains_key(&index) {
                    return Some(index);
                }
                from = index + 1;
            }
        };
        free_from(download.cursor).or_else(|| free_from(0))
    }

    /// Endgame: the chunk asked for longest ago, of a second source, if it takes long; else when
    /// it will have taken long.
    fn choose_again(
        &self,
        now: Instant,
        content: ContentId,
        download: &Download,
        fetch: &Fetch,
    ) -> (Option<Choice>, Option<Instant>) {
        let asked = |claim: &Claim| match claim {
            Claim::Asked(requests) => requests.len(),
            Claim::Keeping => 0,
        };
        if fetch.claims.values().filter(|claim| asked(claim) > 1).count() >= ENDGAME_MAX {
            return (None, None);
        }
        let second_choices = fetch.claims.iter().filter_map(|(index, claim)| {
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

    /// The least loaded peer that has the content and may be asked.
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
        let free = usable.filter_map(|id| Some((self.peers.get(&id)?.source.load(now)?, id)));
        free.min().map(|(_, id)| id)
    }

    #[inline(never)]
    fn ask_for_chunk(&mut self, now: Now, choice: &Choice, out: &mut Vec<Effect>) {
        let Choice { content, peer, index } = *choice;
        let Some(item) = self.library.item(content) else { return };
        let bytes = item.manifest.description().chunk_stored_bytes(index);
        let request = self.request(now, peer, Wanted::Chunk { content, index }, bytes, out);
        let fetch = self.downloads.get_mut(&content).and_then(Download::fetch_mut);
        let Some(fetch) = fetch else { return };
        match fetch.claims.get_mut(&index) {
            Some(Claim::Asked(requests)) => {
                requests.insert(request);
            }
            Some(Claim::Keeping) | None => {
                fetch.claims.insert(index, Claim::Asked([request].into()));
            }
        }
    }

    /// Makes room for a body, then asks for it.
    #[inline(never)]
    fn request(
        &mut self,
        now: Now,
        peer: PeerId,
        what: Wanted,
        bytes: u32,
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
            out.push(Effect::Send { to: peer, message: Message::Want { request, what } });
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
