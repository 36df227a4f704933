//! What comes from neighbours: posts, checked before they go anywhere, and words about posts.

use alloc::vec::Vec;

use bytes::Bytes;
use peerloom_wire::PeerId;

use super::cache::Seen;
use super::flow::counts;
use super::message::{ENTRY_BYTES, ID_BYTES, Message};
use super::origin::Verdict;
use super::post::{Kind, POST_BYTES_MAX, Post, PostId};
use super::tree::NEIGHBOUR_RATE;
use super::{Broadcast, Effect};
use crate::event::StrikeKind;
use crate::time::{Instant, Now};

/// What may be said beyond the limit, dropped, before it is a strike. Guess: no honest peer gets there.
const EXCESS_BYTES_MAX: i64 = 16 << 20;

/// A post whose signature is being checked.
#[derive(Debug)]
pub(super) struct Checking {
    id: PostId,
    from: PeerId,
    /// The neighbour whose window it takes up, by name.
    owner: u32,
    post: Post,
}

impl Broadcast {
    #[inline(never)]
    pub(super) fn on_message(
        &mut self,
        now: Now,
        from: PeerId,
        message: Message,
        out: &mut Vec<Effect>,
    ) {
        // None: what was under way when the connection closed.
        let Some(neighbour) = self.neighbours.get_mut(&from) else { return };
        let bytes = match &message {
            // Windows are for these.
            Message::Gossip { hops, post } => {
                return self.on_gossip(now.mono, from, *hops, post, out);
            }
            Message::IHave { entries } => entries.len() * ENTRY_BYTES,
            Message::Graft { ids } | Message::Lack { ids } => ids.len() * ID_BYTES,
            Message::Prune | Message::Credit { .. } => 0,
        };
        neighbour.incoming.fill(now.mono, NEIGHBOUR_RATE);
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
            Message::Gossip { .. } => {}
            Message::IHave { entries } => self.on_i_have(now.mono, from, &entries, out),
            Message::Graft { ids } => self.on_graft(from, ids, out),
            Message::Prune => self.on_prune(now.mono, from),
            Message::Lack { ids } => self.on_lack(now.mono, from, &ids, out),
            Message::Credit { bytes } => self.on_credit(now, from, bytes, out),
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
        let Some(neighbour) = self.neighbours.get_mut(&from) else { return };
        if !neighbour.flow.receive(bytes) {
            self.count("broadcast.beyond_window");
            return out.push(Effect::Strike { peer: from, kind: StrikeKind::TooManyRequests });
        }
        let owner = neighbour.name;
        match self.begin_check(now, from, hops, bytes, out) {
            Some((id, post)) => {
                self.check_last += 1;
                let (check, claim) = (self.check_last, post.claim(self.config.app));
                self.checking.insert(check, Checking { id, from, owner, post });
                out.push(Effect::Verify { check, claim });
            }
            None => self.deal(now, owner, counts(bytes, true), out),
        }
    }

    /// Returns a post whose signature is to be checked, and its name; none if it needs no check.
    fn begin_check(
        &mut self,
        now: Instant,
        from: PeerId,
        hops: u8,
        bytes: &Bytes,
        out: &mut Vec<Effect>,
    ) -> Option<(PostId, Post)> {
        if bytes.len() > POST_BYTES_MAX {
            out.push(Effect::Strike { peer: from, kind: StrikeKind::Oversized });
            return None;
        }
        let id = PostId::of(bytes);
        let neighbour = self.neighbours.get_mut(&from)?;
        let (name, was_asked) = (neighbour.name, neighbour.asked.remove(&id).is_some());
        if let Some(seen) = self.cache.seen(id) {
            self.count("broadcast.duplicates");
            // An honest neighbour sends nothing twice unless it is asked to.
            if seen.parent == name && !was_asked {
                out.push(Effect::Strike { peer: from, kind: StrikeKind::OutOfTurn });
            }
            self.on_circle(now, from, (id, hops, seen), out);
            return None;
        }
        let Some(post) = Post::read(bytes).filter(|_| hops > 0) else {
            out.push(Effect::Strike { peer: from, kind: StrikeKind::MalformedFrame });
            return None;
        };
        self.cache.see(id, Seen { at: now, hops, parent: name });
        self.found(id, out);
        let is_own = post.key == self.config.key;
        let is_presence = matches!(post.head.kind, Kind::Present | Kind::Left);
        if is_own || (is_presence && !self.rooms.allow_presence(now, bytes.len())) {
            self.count(if is_own { "broadcast.own" } else { "broadcast.presence_limited" });
            return None;
        }
        Some((id, post))
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
        let Some(checked) = self.checking.remove(&check) else { return };
        if !holds {
            self.count("broadcast.bad_signature");
            out.push(Effect::Strike { peer: checked.from, kind: StrikeKind::BadSignature });
        }
        if !holds || !self.on_true(now, &checked, out) {
            self.deal(now, checked.owner, counts(&checked.post.bytes, true), out);
        }
    }

    /// A post that its origin signed. `false`: it goes no further, and nobody hears it.
    fn on_true(&mut self, now: Instant, checked: &Checking, out: &mut Vec<Effect>) -> bool {
        let Checking { id, from, owner, ref post } = *checked;
        let Some(seen) = self.cache.seen(id) else { return false };
        let origin = post.origin();
        let run = (origin, post.head.run);
        let (_, counted) = counts(&post.bytes, self.goes_on(seen));
        match self.origins.take(now, run, post.head.number, counted) {
            Verdict::News => self.count("broadcast.received"),
            Verdict::Replayed => {
                self.count("broadcast.replayed");
                return false;
            }
            Verdict::TooMuch => {
                self.count("broadcast.origin_limited");
                return false;
            }
        }
        self.parent_last = seen.parent;
        if let Some(neighbour) = self.neighbours.get_mut(&from) {
            neighbour.lacked = 0;
        }
        self.cache.keep(now, id, post.bytes.clone());
        self.forward(now, (id, &post.bytes), (seen, owner), out);
        self.take(now, id, origin, post, seen, out);
        true
    }
}
