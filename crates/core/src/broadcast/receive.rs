//! What comes from neighbours: posts, checked before they go anywhere, and words about posts.

use alloc::vec::Vec;

use bytes::Bytes;
use peerloom_wire::PeerId;

use super::cache::Seen;
use super::message::{ENTRY_BYTES, ID_BYTES, Message};
use super::origin::Verdict;
use super::post::{Kind, POST_BYTES_MAX, Post, PostId};
use super::tree::NEIGHBOUR_RATE;
use super::{Broadcast, Effect};
use crate::event::StrikeKind;
use crate::time::Instant;

/// The most posts whose signatures are being checked; further ones may come again. WebCrypto takes
/// 60 µs for each: 8 ms of work, and 4 MiB at worst.
pub(super) const CHECKING_MAX: usize = 128;

/// What may be handed over beyond the limit, dropped, before it is a strike. An honest neighbour counts
/// for itself, and gains only when it hears us answer a ping.
const EXCESS_BYTES_MAX: i64 = 16 << 20;

/// A post whose signature is being checked.
#[derive(Debug)]
pub(super) struct Checking {
    id: PostId,
    from: PeerId,
    post: Post,
}

impl Broadcast {
    #[inline(never)]
    pub(super) fn on_message(
        &mut self,
        now: Instant,
        from: PeerId,
        message: Message,
        out: &mut Vec<Effect>,
    ) {
        // None: what was under way when the connection closed.
        let Some(neighbour) = self.neighbours.get_mut(&from) else { return };
        let bytes = match &message {
            Message::Gossip { post, .. } => post.len(),
            Message::IHave { entries } => entries.len() * ENTRY_BYTES,
            Message::Graft { ids } | Message::Lack { ids } => ids.len() * ID_BYTES,
            Message::Prune => 0,
        };
        neighbour.incoming.fill(now, NEIGHBOUR_RATE);
        if !neighbour.incoming.take(bytes, NEIGHBOUR_RATE) {
            self.count("broadcast.rate_limited");
            let Some(neighbour) = self.neighbours.get_mut(&from) else { return };
            if neighbour.incoming.level < -EXCESS_BYTES_MAX {
                neighbour.incoming.level = 0;
                out.push(Effect::Strike { peer: from, kind: StrikeKind::TooManyRequests });
            }
            return;
        }
        match message {
            Message::Gossip { hops, post } => self.on_gossip(now, from, hops, &post, out),
            Message::IHave { entries } => self.on_i_have(now, from, &entries, out),
            Message::Graft { ids } => self.on_graft(from, &ids, out),
            Message::Prune => self.on_prune(now, from),
            Message::Lack { ids } => self.on_lack(now, from, &ids, out),
        }
    }

    #[inline(never)]
    fn on_gossip(
        &mut self,
        now: Instant,
        from: PeerId,
        hops: u8,
        bytes: &Bytes,
        out: &mut Vec<Effect>,
    ) {
        if bytes.len() > POST_BYTES_MAX {
            return out.push(Effect::Strike { peer: from, kind: StrikeKind::Oversized });
        }
        let id = PostId::of(bytes);
        let Some(neighbour) = self.neighbours.get_mut(&from) else { return };
        let (name, was_asked) = (neighbour.name, neighbour.asked.remove(&id).is_some());
        if let Some(seen) = self.cache.seen(id) {
            self.count("broadcast.duplicates");
            // An honest neighbour sends nothing twice unless it is asked to.
            if seen.parent == name && !was_asked {
                out.push(Effect::Strike { peer: from, kind: StrikeKind::OutOfTurn });
            }
            return self.on_circle(now, from, (id, hops, seen), out);
        }
        let post = match Post::read(bytes) {
            Some(post) if hops > 0 => post,
            _ => return out.push(Effect::Strike { peer: from, kind: StrikeKind::MalformedFrame }),
        };
        if self.checking.len() >= CHECKING_MAX {
            return self.count("broadcast.overflow");
        }
        self.cache.see(id, Seen { at: now, hops, parent: name });
        self.found(id, out);
        let is_own = post.key == self.config.key;
        let is_presence = matches!(post.head.kind, Kind::Present | Kind::Left);
        if is_own || (is_presence && !self.rooms.allow_presence(now, bytes.len())) {
            return self.count(if is_own { "broadcast.own" } else { "broadcast.presence_limited" });
        }
        self.check_last += 1;
        let claim = post.claim(self.config.app);
        self.checking.insert(self.check_last, Checking { id, from, post });
        out.push(Effect::Verify { check: self.check_last, claim });
    }

    /// Whose signature does not hold goes no further, so who hands one on has not checked it: the
    /// fault is the neighbour's.
    #[inline(never)]
    pub(super) fn on_verified(
        &mut self,
        now: Instant,
        check: u64,
        holds: bool,
        out: &mut Vec<Effect>,
    ) {
        // None: of a run that ended.
        let Some(Checking { id, from, post }) = self.checking.remove(&check) else { return };
        if !holds {
            self.count("broadcast.bad_signature");
            return out.push(Effect::Strike { peer: from, kind: StrikeKind::BadSignature });
        }
        let Some(seen) = self.cache.seen(id) else { return };
        let origin = post.origin();
        let run = (origin, post.head.run);
        match self.origins.take(now, run, post.head.number, post.bytes.len()) {
            Verdict::News => {}
            Verdict::Replayed => return self.count("broadcast.replayed"),
            Verdict::TooMuch => return self.count("broadcast.origin_limited"),
        }
        self.count("broadcast.received");
        self.parent_last = seen.parent;
        if let Some(neighbour) = self.neighbours.get_mut(&from) {
            neighbour.lacked = 0;
        }
        self.cache.keep(now, id, post.bytes.clone());
        self.forward(now, id, &post.bytes, seen, out);
        self.take(now, id, origin, &post, seen, out);
    }
}
