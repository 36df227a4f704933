//! What was seen lately, and what can still be sent to who missed it.

use alloc::collections::VecDeque;
use core::time::Duration;

use bytes::Bytes;

use super::post::PostId;
use crate::map::Map;
use crate::time::Instant;

/// The most posts remembered by name, to drop what comes again; the oldest go first. Four times what
/// the cache may announce; some 200 KB.
pub(super) const SEEN_MAX: usize = 4096;

/// The most posts kept whole, and the most bytes of them; the oldest go first.
pub(super) const KEPT_MAX: usize = 1024;

/// What a phone's tab can spare; as much as a neighbour may send within four seconds.
pub(super) const KEPT_BYTES_MAX: usize = 4 << 20;

/// How long a post is kept: so long may a peer be cut off and miss nothing. A broken connection is
/// given up for another within 45 s.
pub(super) const KEPT_TIME: Duration = Duration::from_secs(60);

/// How a post came here first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) at: Instant,
    /// How many connections it crossed; 0: it is ours.
    pub(super) hops: u8,
    /// The neighbour that sent it; 0: none.
    pub(super) parent: u32,
}

/// What was seen, and what is kept of it.
#[derive(Debug, Default)]
pub(super) struct Cache {
    seen: Map<PostId, Seen>,
    /// In the order in which they came. Invariant: the keys of `seen`.
    order: VecDeque<PostId>,
    kept: Map<PostId, Bytes>,
    /// In the order in which they came. Invariant: the keys of `kept`.
    kept_order: VecDeque<(Instant, PostId)>,
    kept_bytes: usize,
}

impl Cache {
    pub(super) fn seen(&self, id: PostId) -> Option<Seen> {
        self.seen.get(&id).copied()
    }

    pub(super) fn kept(&self, id: PostId) -> Option<&Bytes> {
        self.kept.get(&id)
    }

    /// Remembers that a post came.
    pub(super) fn see(&mut self, id: PostId, seen: Seen) {
        if self.seen.insert(id, seen).is_none() {
            self.order.push_back(id);
        }
        if self.order.len() > SEEN_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
    }

    /// Keeps a post for those who miss it.
    pub(super) fn keep(&mut self, now: Instant, id: PostId, post: Bytes) {
        let bytes = post.len();
        if self.kept.insert(id, post).is_none() {
            self.kept_bytes += bytes;
            self.kept_order.push_back((now, id));
        }
        self.forget(now);
    }

    /// Lets go of what is too old or too much.
    pub(super) fn forget(&mut self, now: Instant) {
        while let Some((at, id)) = self.kept_order.front().copied() {
            let is_too_much = self.kept_bytes > KEPT_BYTES_MAX || self.kept_order.len() > KEPT_MAX;
            if !is_too_much && now < at + KEPT_TIME {
                return;
            }
            self.kept_order.pop_front();
            self.kept_bytes -= self.kept.remove(&id).map_or(0, |post| post.len());
        }
    }

    /// Returns what is kept, the newest first, and since when.
    pub(super) fn newest(&self) -> impl Iterator<Item = (Instant, PostId)> {
        self.kept_order.iter().rev().copied()
    }

    pub(super) const fn len(&self) -> usize {
        self.seen.len()
    }

    pub(super) const fn kept_bytes(&self) -> usize {
        self.kept_bytes
    }
}
