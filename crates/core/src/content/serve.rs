//! Serving: what peers fetch from us. The driver sends; we decide what, and keep count.

use alloc::vec::Vec;

use bytes::Bytes;
use peerloom_wire::{ContentId, PeerId, RequestId};

use super::message::{Message, Refusal, Want, Wanted};
use super::meter::Meter;
use super::{Content, Effect, Op, PROGRESS_INTERVAL, Phase};
use crate::event::{Event, StrikeKind};
use crate::io::{BodySource, LinkCommand, StoreError, StoreOp, StoreReply};
use crate::map::Map;
use crate::time::{Instant, Now};

/// The most requests that a peer may have open: twice what we ask of one source.
pub(super) const OPEN_MAX: usize = 64;

/// So many refusals without a body served in between are a strike: somebody who does not listen.
const REFUSED_BUSY_MAX: u32 = 192;

/// The most contents whose sent bytes are counted for one peer; those that nothing is open of go
/// first.
const SENT_MAX: usize = 256;

/// What one peer fetches from us.
#[derive(Debug, Default)]
pub(super) struct Client {
    /// By the peer's names. At most [`OPEN_MAX`].
    open: Map<RequestId, Wanted>,
    /// Of bodies while there are any to send.
    pub(super) meter: Meter,
    /// Refusals since a body was served.
    refused_busy: u32,
    /// At most [`SENT_MAX`].
    sent: Map<ContentId, Sent>,
}

/// What was sent of one content to one peer.
#[derive(Debug)]
struct Sent {
    bytes: u64,
    told_at: Instant,
    /// Whether `bytes` grew since the application was told.
    untold: bool,
}

impl Client {
    /// Whether something is open that it asked for.
    pub(super) const fn is_served(&self) -> bool {
        !self.open.is_empty()
    }

    /// When the application is to be told of what it was not yet.
    pub(super) fn served_at(&self) -> Option<Instant> {
        let untold = self.sent.values().filter(|sent| sent.untold);
        untold.map(|sent| sent.told_at + PROGRESS_INTERVAL).min()
    }

    /// Returns the account of a content, with room made for it.
    fn sent_mut(&mut self, content: ContentId) -> &mut Sent {
        if !self.sent.contains_key(&content) && self.sent.len() >= SENT_MAX {
            let is_open = |id: &ContentId| self.open.values().any(|what| what.content() == *id);
            let idle = self.sent.keys().find(|id| !is_open(id)).copied();
            self.sent.remove(&idle.unwrap_or(content));
        }
        // Long ago: the first body is told at once.
        let fresh = Sent { bytes: 0, told_at: Instant::ZERO, untold: false };
        self.sent.entry(content).or_insert(fresh)
    }
}

impl Content {
    #[inline(never)]
    pub(super) fn on_want(
        &mut self,
        now: Now,
        from: PeerId,
        Want { request, what }: Want,
        out: &mut Vec<Effect>,
    ) {
        let body = self.body(what);
        let Some(peer) = self.peers.get_mut(&from) else { return };
        let client = &mut peer.client;
        if client.open.contains_key(&request) {
            return out.push(Effect::Strike { peer: from, kind: StrikeKind::OutOfTurn });
        }
        let refusal = if client.open.len() >= OPEN_MAX {
            client.refused_busy += 1;
            if client.refused_busy >= REFUSED_BUSY_MAX {
                client.refused_busy = 0;
                out.push(Effect::Strike { peer: from, kind: StrikeKind::TooManyRequests });
            }
            Refusal::Busy
        } else if let Some(body) = body {
            if client.open.is_empty() {
                client.meter.begin(now.mono);
            }
            client.open.insert(request, what);
            let command = LinkCommand::ServeBody { request, body };
            return out.push(Effect::Link { conn: peer.conn, command });
        } else {
            Refusal::NotHere
        };
        self.count("content.wants_refused");
        out.push(Effect::Send { to: from, message: Message::Refused { request, reason: refusal } });
    }

    /// What is to be sent, if it is here and stays here.
    fn body(&self, what: Wanted) -> Option<BodySource> {
        let content = what.content();
        if !matches!(self.phase, Phase::Running) || self.removing.contains_key(&content) {
            return None;
        }
        let item = self.library.item(content)?;
        match what {
            Wanted::Manifest(_) => Some(BodySource::Inline(Bytes::from(item.manifest.encode()))),
            Wanted::Chunk { index, .. } if item.present().contains(index) => {
                item.manifest.description().chunk(index).map(BodySource::Chunk)
            }
            Wanted::Chunk { .. } => None,
        }
    }

    pub(super) fn on_cancelled(&mut self, from: PeerId, request: RequestId, out: &mut Vec<Effect>) {
        let Some(peer) = self.peers.get_mut(&from) else { return };
        // What was served already crosses with its cancelling.
        if peer.client.open.remove(&request).is_some() {
            let command = LinkCommand::StopServing { request };
            out.push(Effect::Link { conn: peer.conn, command });
        }
    }

    #[inline(never)]
    pub(super) fn on_served(
        &mut self,
        now: Now,
        to: PeerId,
        request: RequestId,
        bytes: u32,
        out: &mut Vec<Effect>,
    ) {
        let Some(peer) = self.peers.get_mut(&to) else { return };
        let Some(what) = peer.client.open.remove(&request) else { return };
        peer.client.refused_busy = 0;
        peer.client.meter.add(now.mono, u64::from(bytes));
        let Wanted::Chunk { content, .. } = what else { return };
        let sent = peer.client.sent_mut(content);
        sent.bytes += u64::from(bytes);
        sent.untold = true;
        let is_due = now.mono >= sent.told_at + PROGRESS_INTERVAL || sent.told_at == Instant::ZERO;
        self.count("content.bodies_served");
        self.count_more("content.bytes_served", u64::from(bytes));
        if is_due {
            self.tell_served(now, to, content, out);
        }
    }

    pub(super) fn on_served_due(&mut self, now: Now, out: &mut Vec<Effect>) {
        let mut due = Vec::new();
        for (id, peer) in &self.peers {
            let is_due = |sent: &Sent| sent.untold && sent.told_at + PROGRESS_INTERVAL <= now.mono;
            let contents = peer.client.sent.iter().filter(|(_, sent)| is_due(sent));
            due.extend(contents.map(|(content, _)| (*id, *content)));
        }
        for (peer, content) in due {
            self.tell_served(now, peer, content, out);
        }
    }

    #[inline(never)]
    fn tell_served(&mut self, now: Now, to: PeerId, content: ContentId, out: &mut Vec<Effect>) {
        let Some(peer) = self.peers.get_mut(&to) else { return };
        let Some(sent) = peer.client.sent.get_mut(&content) else { return };
        sent.told_at = now.mono;
        sent.untold = false;
        let item = self.library.item(content);
        let total_bytes = item.map_or(0, |item| item.manifest.description().stored_bytes());
        let sent_bytes = sent.bytes;
        out.push(Effect::Event(Event::Served { content, peer: to, sent_bytes, total_bytes }));
    }

    /// The store could not give a chunk. Perhaps it is not there any more, and then the content is
    /// not whole, and others must know.
    #[inline(never)]
    pub(super) fn on_unavailable(&mut self, to: PeerId, request: RequestId, out: &mut Vec<Effect>) {
        let Some(peer) = self.peers.get_mut(&to) else { return };
        let Some(what) = peer.client.open.remove(&request) else { return };
        self.count("content.bodies_unavailable");
        let message = Message::Refused { request, reason: Refusal::Failed };
        out.push(Effect::Send { to, message });
        let content = what.content();
        let is_checked = self.ops.values().any(|op| *op == Op::Recheck(content));
        let Some(item) = self.library.item(content) else { return };
        if is_checked || self.removing.contains_key(&content) {
            return;
        }
        let chunks = item.manifest.description().chunks.clone();
        self.store(Op::Recheck(content), StoreOp::HasChunks { chunks }, out);
    }

    #[inline(never)]
    pub(super) fn on_rechecked(
        &mut self,
        content: ContentId,
        result: Result<StoreReply, StoreError>,
        out: &mut Vec<Effect>,
    ) {
        // A download looks for itself.
        if self.downloads.contains_key(&content) || self.removing.contains_key(&content) {
            return;
        }
        let Ok(StoreReply::Present(present)) = result else { return };
        let Some(item) = self.library.item_mut(content) else { return };
        let was_complete = item.complete();
        item.set_present(&present);
        if was_complete && !item.complete() {
            self.count("content.chunks_lost");
            self.changed.insert(content);
            self.announce_gone(&[content], out);
        }
    }

    /// Sends no more of a content to anyone.
    pub(super) fn stop_serving(&mut self, content: ContentId, out: &mut Vec<Effect>) {
        for (to, peer) in &mut self.peers {
            let of_content = |what: &Wanted| what.content() == content;
            let open = &mut peer.client.open;
            let requests = open.iter().filter(|(_, what)| of_content(what)).map(|(id, _)| *id);
            let requests: Vec<_> = requests.collect();
            open.retain(|_, what| !of_content(what));
            peer.client.sent.remove(&content);
            for request in requests {
                let command = LinkCommand::StopServing { request };
                out.push(Effect::Link { conn: peer.conn, command });
                let message = Message::Refused { request, reason: Refusal::NotHere };
                out.push(Effect::Send { to: *to, message });
            }
        }
    }
}
