//! What comes of a request: a body, a refusal, silence, or the end of the connection.

use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use peerloom_wire::{ContentId, PeerId, RequestId};

use super::{Claim, Early, Request, Stage};
use crate::content::message::{Message, Refusal, Wanted};
use crate::content::{Content, Effect, Op};
use crate::event::StrikeKind;
use crate::io::{LinkCommand, StoreOp};
use crate::map::Set;
use crate::time::{Instant, Now};

/// How long a source may send nothing of what it was asked for. A chunk in this time is 33 kB/s
/// from a source that reports only whole ones; half of libtorrent's piece timeout. Guess.
const STALL_TIME: Duration = Duration::from_secs(8);

/// A timer this late says that this tab did not run: hidden pages wake once a second, then once a
/// minute. What a source did meanwhile is not known yet.
const LAG_MAX: Duration = Duration::from_secs(1);

impl Content {
    #[inline(never)]
    pub(in crate::content) fn on_progress(
        &mut self,
        now: Now,
        from: PeerId,
        id: RequestId,
        bytes: u32,
    ) {
        let Some(request) = self.requests.get_mut(&id) else { return };
        let Some(peer) = self.peers.get_mut(&from) else { return };
        if request.peer != from {
            return;
        }
        let more = bytes.min(request.bytes).saturating_sub(request.arrived_bytes);
        request.arrived_bytes += more;
        request.progressed_at = now.mono;
        peer.source.progressed_at = now.mono;
        peer.source.meter.add(now.mono, u64::from(more));
    }

    #[inline(never)]
    pub(in crate::content) fn on_arrived(
        &mut self,
        now: Now,
        from: PeerId,
        id: RequestId,
        sha256: [u8; 32],
        inline: Option<Bytes>,
        out: &mut Vec<Effect>,
    ) {
        // What was cancelled crosses with its arrival; the driver was told to forget it.
        let Some(request) = self.take_request(from, id) else { return };
        if let Some(peer) = self.peers.get_mut(&from) {
            let more = u64::from(request.bytes.saturating_sub(request.arrived_bytes));
            peer.source.meter.add(now.mono, more);
            peer.source.progressed_at = now.mono;
            peer.source.newest_arrived = peer.source.newest_arrived.max(Some(id));
        }
        match request.what {
            Wanted::Manifest(content) => match inline {
                Some(bytes) if content.0 == sha256 => {
                    self.on_verified(from);
                    self.on_manifest(now, from, content, &bytes, out);
                }
                Some(_) | None => self.on_wrong_body(from, id, request.what, out),
            },
            Wanted::Chunk { content, index } => {
                let body = Early { peer: from, request: id, sha256, bytes: request.bytes };
                match self.downloads.get_mut(&content) {
                    Some(download) if !matches!(download.stage, Stage::Fetching(_)) => {
                        download.claims.insert(index, Claim::Early(body));
                    }
                    Some(_) | None => self.on_chunk(content, index, &body, out),
                }
            }
        }
    }

    /// Keeps a chunk if it has the hash that the manifest gives.
    #[inline(never)]
    pub(super) fn on_chunk(
        &mut self,
        content: ContentId,
        index: u32,
        body: &Early,
        out: &mut Vec<Effect>,
    ) {
        let Early { peer: from, request, sha256, bytes } = *body;
        let item = self.library.item(content);
        let expected = item.and_then(|item| item.manifest.description().chunk(index));
        match expected {
            Some(chunk) if chunk.0 == sha256 => {
                self.on_verified(from);
                self.claim_for_keeping(content, index, request, out);
                let Some(peer) = self.peers.get(&from) else { return };
                let operation = StoreOp::KeepBody { conn: peer.conn, request, chunk };
                self.count_more("content.bytes_verified", u64::from(bytes));
                self.store(Op::Keep { content, index }, operation, out);
            }
            Some(_) | None => {
                self.forget_body(from, request, out);
                self.on_wrong_body(from, request, Wanted::Chunk { content, index }, out);
            }
        }
    }

    #[inline(never)]
    pub(in crate::content) fn on_refused(
        &mut self,
        now: Now,
        from: PeerId,
        id: RequestId,
        reason: Refusal,
        out: &mut Vec<Effect>,
    ) {
        // What was cancelled crosses with its refusal.
        let Some(request) = self.take_request(from, id) else { return };
        self.count("content.requests_refused");
        self.forget_body(from, id, out);
        self.give_up(id, request.what, out);
        match reason {
            Refusal::NotHere => {
                self.withdraw_offer(from, request.what.content(), out);
                out.push(Effect::OffersChanged { peer: from });
            }
            Refusal::Busy | Refusal::Failed => self.back_off(now, from),
        }
    }

    /// When a request is given up, if nothing comes.
    pub(in crate::content) fn stall_at(&self, id: RequestId, request: &Request) -> Option<Instant> {
        let source = &self.peers.get(&request.peer)?.source;
        let is_overtaken = Some(id) < source.newest_arrived;
        let since = if is_overtaken {
            request.progressed_at
        } else {
            // It waits behind others of the same source, and their bytes are a sign of life.
            request.progressed_at.max(source.progressed_at)
        };
        Some(since + STALL_TIME)
    }

    #[inline(never)]
    pub(in crate::content) fn on_requests_due(
        &mut self,
        now: Now,
        lateness: Duration,
        out: &mut Vec<Effect>,
    ) {
        for peer in self.peers.values_mut() {
            peer.source.paused_until = peer.source.paused_until.filter(|until| now.mono < *until);
        }
        if lateness > LAG_MAX {
            self.count("content.timers_late");
            return self.forgive(now.mono);
        }
        let requests = self.requests.iter();
        let stalled = requests
            .filter(|(id, request)| self.stall_at(**id, request).is_some_and(|at| at <= now.mono));
        let stalled: Vec<_> = stalled.map(|(id, request)| (*id, request.peer)).collect();
        for (id, peer) in stalled {
            self.count("content.requests_stalled");
            self.cancel_request(id, out);
            self.back_off(now, peer);
        }
    }

    /// Starts the patience with every source anew.
    fn forgive(&mut self, now: Instant) {
        for peer in self.peers.values_mut() {
            peer.source.progressed_at = now;
        }
        for request in self.requests.values_mut() {
            request.progressed_at = now;
        }
    }

    /// Frees what was asked of a peer whose connection is gone.
    pub(in crate::content) fn release_requests_of(&mut self, peer: PeerId) {
        let requests = self.requests.iter().filter(|(_, request)| request.peer == peer);
        let requests: Vec<_> = requests.map(|(id, request)| (*id, request.what)).collect();
        for (id, what) in requests {
            self.requests.remove(&id);
            self.release(id, what);
        }
        for download in self.downloads.values_mut() {
            download.forget_early_of(peer);
        }
    }

    /// Asks a peer for no more of a content.
    pub(in crate::content) fn release_requests_to(
        &mut self,
        peer: PeerId,
        content: ContentId,
        out: &mut Vec<Effect>,
    ) {
        self.cancel_where(|request| request.peer == peer && request.what.content() == content, out);
    }

    /// Asks nobody for more of a content.
    #[inline(never)]
    pub(super) fn drop_requests(&mut self, content: ContentId, out: &mut Vec<Effect>) {
        self.cancel_where(|request| request.what.content() == content, out);
        self.drop_early(content, out);
    }

    fn cancel_where(&mut self, which: impl Fn(&Request) -> bool, out: &mut Vec<Effect>) {
        let requests = self.requests.iter().filter(|(_, request)| which(request));
        let requests: Vec<_> = requests.map(|(id, _)| *id).collect();
        for id in requests {
            self.cancel_request(id, out);
        }
    }

    /// Takes a request back: the peer is to stop, the driver to drop what came.
    #[inline(never)]
    pub(super) fn cancel_request(&mut self, id: RequestId, out: &mut Vec<Effect>) {
        let Some(request) = self.requests.get(&id) else { return };
        let (peer, what) = (request.peer, request.what);
        self.take_request(peer, id);
        out.push(Effect::Send { to: peer, message: Message::Cancel { request: id } });
        self.forget_body(peer, id, out);
        self.give_up(id, what, out);
    }

    /// Removes a request, if it was made of this peer.
    #[inline(never)]
    fn take_request(&mut self, from: PeerId, id: RequestId) -> Option<Request> {
        if self.requests.get(&id)?.peer != from {
            return None;
        }
        if let Some(peer) = self.peers.get_mut(&from) {
            peer.source.open.remove(&id);
        }
        self.requests.remove(&id)
    }

    /// Releases a request, and with a manifest's all that was asked for along with it.
    #[inline(never)]
    fn give_up(&mut self, id: RequestId, what: Wanted, out: &mut Vec<Effect>) {
        self.release(id, what);
        if let Wanted::Manifest(content) = what {
            self.drop_requests(content, out);
        }
    }

    /// Lets the download ask again for what this request would have brought.
    #[inline(never)]
    fn release(&mut self, id: RequestId, what: Wanted) {
        let Some(download) = self.downloads.get_mut(&what.content()) else { return };
        match what {
            Wanted::Manifest(_) => {
                if matches!(download.stage, Stage::Describing(asked) if asked == id) {
                    download.stage = Stage::Seeking;
                }
            }
            Wanted::Chunk { index, .. } => {
                let Some(Claim::Asked(requests)) = download.claims.get_mut(&index) else { return };
                requests.remove(&id);
                if requests.is_empty() {
                    download.claims.remove(&index);
                }
            }
        }
    }

    /// The first of those asked for the same chunk wins; the others are told to stop.
    #[inline(never)]
    fn claim_for_keeping(
        &mut self,
        content: ContentId,
        index: u32,
        winner: RequestId,
        out: &mut Vec<Effect>,
    ) {
        let Some(download) = self.downloads.get_mut(&content) else { return };
        let others = match download.claims.insert(index, Claim::Keeping) {
            Some(Claim::Asked(requests)) => requests,
            Some(Claim::Early(_) | Claim::Keeping) | None => Set::new(),
        };
        for other in others.into_iter().filter(|other| *other != winner) {
            self.cancel_request(other, out);
        }
    }

    fn on_verified(&mut self, from: PeerId) {
        self.count("content.bodies_verified");
        if let Some(peer) = self.peers.get_mut(&from) {
            peer.source.on_verified();
        }
    }

    /// A peer sent wrong bytes: a strike, and nothing more of this content from it. Another wrong body of it that was here
    /// by then is none: how many there are is a matter of time, and not of guilt.
    #[inline(never)]
    fn on_wrong_body(&mut self, from: PeerId, id: RequestId, what: Wanted, out: &mut Vec<Effect>) {
        self.count("content.bodies_wrong");
        self.give_up(id, what, out);
        if let Some(download) = self.downloads.get_mut(&what.content())
            && !download.shun(from)
        {
            return;
        }
        self.release_requests_to(from, what.content(), out);
        out.push(Effect::Strike { peer: from, kind: StrikeKind::WrongHash });
    }

    fn back_off(&mut self, now: Now, peer: PeerId) {
        if let Some(peer) = self.peers.get_mut(&peer) {
            peer.source.back_off(now.mono);
        }
    }

    #[inline(never)]
    pub(super) fn forget_body(&self, from: PeerId, request: RequestId, out: &mut Vec<Effect>) {
        if let Some(peer) = self.peers.get(&from) {
            let command = LinkCommand::ForgetBody { request };
            out.push(Effect::Link { conn: peer.conn, command });
        }
    }
}
