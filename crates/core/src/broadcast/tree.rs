//! The tree: which neighbours get posts whole, and which hear of them.

use alloc::vec::Vec;
use core::time::Duration;

use peerloom_wire::PeerId;

use super::cache::Seen;
use super::flow::Flow;
use super::message::{AGE_UNIT_MS, Announced, IDS_MAX, Message};
use super::post::PostId;
use super::{Broadcast, Effect};
use crate::allowance::{Allowance, Rate};
use crate::map::Map;
use crate::time::Instant;

/// How long announcements wait for others to go with. Guess: a small part of what a connection takes.
pub(super) const LAZY_DELAY: Duration = Duration::from_millis(10);

/// What one neighbour may say beside posts, and what it gets of those that it asks for.
pub(super) const NEIGHBOUR_RATE: Rate =
    Rate { burst_bytes: 8 << 20, bytes_per_second: 1 << 20, charge_min_bytes: 256 };

/// What a connection less on the way counts, in milliseconds beside the time itself: a signature that is
/// checked, a place in two queues. With 0 the tree follows the fastest ways and gets deep for senders
/// elsewhere: 14.6 hops to the last of 1,000 instead of 12, in 300 instead of 324 ms (simulated with 10 to
/// 50 ms for each connection, six each, senders changing; 2026-11-20).
const HOP_GAIN_MS: i64 = 30;

/// An edge is added where a way would have been better by so much: seven hops, the threshold of
/// iroh-gossip. With 150 the tree followed each sender, never settled, and was 29 hops deep for others.
const GAIN_MIN_MS: i64 = 400;

/// What an announcement by a much better way adds to a neighbour's merit; any other takes one off it.
const MERIT: u8 = 2;

/// The merit at which an edge is added: three such announcements in a row.
const MERIT_MAX: u8 = 6;

/// A way that leads through ourselves is longer than ours by two hops at least.
const DETOUR_MAX: i16 = 1;

/// The least time between two `Prune` to a neighbour that does not heed it, or has not heard it yet.
const PRUNE_REPEAT: Duration = Duration::from_secs(1);

/// For so long a `Prune` is taken for one that crossed our `Graft`: as long as a round trip of a bad
/// connection. A later one is repeated.
const GRAFT_HOLDS: Duration = Duration::from_millis(500);

/// A connected peer.
#[derive(Debug)]
pub(super) struct Neighbour {
    /// Names it in what is remembered of posts; never used twice.
    pub(super) name: u32,
    /// Whether it is an edge of the tree, by which posts go whole. The other side may think otherwise for
    /// a moment.
    pub(super) is_eager: bool,
    /// What it may still say beside posts.
    pub(super) incoming: Allowance,
    /// What it may still ask for. Gains when it answers a ping.
    pub(super) outgoing: Allowance,
    pub(super) flow: Flow,
    /// What will be announced to it next. At most [`IDS_MAX`].
    pub(super) lazy: Vec<PostId>,
    /// What we asked it for and did not get, and how often it has answered a ping since. At most
    /// [`IDS_MAX`].
    pub(super) asked: Map<PostId, u8>,
    /// Posts that it announced, and did not send when it was asked.
    pub(super) broken: u8,
    /// Posts that it announced, and had no more when it was asked, since it brought the last one.
    pub(super) lacked: u16,
    /// How often it would have been the much better way, lately. While it is no edge.
    merit: u8,
    /// By how many hops its way was longer than that of the last post it announced; none: unknown.
    detour: Option<i16>,
    pub(super) pruned_at: Option<Instant>,
    /// When we last made it an edge.
    pub(super) grafted_at: Option<Instant>,
}

impl Broadcast {
    /// A neighbour begins as an edge of the tree; what makes a circle is cut off by the next post.
    #[inline(never)]
    pub(super) fn on_up(&mut self, now: Instant, peer: PeerId, out: &mut Vec<Effect>) {
        self.neighbour_last += 1;
        let full = Allowance::new(now, NEIGHBOUR_RATE);
        let neighbour = Neighbour {
            name: self.neighbour_last,
            is_eager: true,
            incoming: full,
            outgoing: full,
            flow: Flow::new(now),
            lazy: Vec::new(),
            asked: Map::new(),
            broken: 0,
            lacked: 0,
            merit: 0,
            detour: None,
            pruned_at: None,
            grafted_at: None,
        };
        self.neighbours.insert(peer, neighbour);
        self.catch_up(now, peer, out);
    }

    /// Announces what is kept: one of us may have been cut off.
    fn catch_up(&self, now: Instant, peer: PeerId, out: &mut Vec<Effect>) {
        let newest: Vec<PostId> = self.cache.newest().take(IDS_MAX).map(|(_, id)| id).collect();
        if !newest.is_empty() {
            let entries = self.entries(now, &newest);
            out.push(Effect::Send { to: peer, message: Message::IHave { entries } });
        }
    }

    #[inline(never)]
    pub(super) fn on_down(
        &mut self,
        now: Instant,
        peer: PeerId,
        has_left: bool,
        out: &mut Vec<Effect>,
    ) {
        if let Some(neighbour) = self.neighbours.remove(&peer) {
            if neighbour.is_eager && neighbour.name == self.parent_last {
                self.replace_parent(now, out);
            }
            // What it was asked for is asked of the next.
            for missing in self.missing.values_mut() {
                if neighbour.name == missing.asked {
                    missing.due = now;
                }
            }
        }
        self.look_at_held(now);
        if has_left {
            self.forget_member(peer, out);
        }
    }

    /// The edge by which posts came is gone: the next best takes its place before one is missed.
    fn replace_parent(&mut self, now: Instant, out: &mut Vec<Effect>) {
        let lazy = self.neighbours.iter().filter(|(_, neighbour)| !neighbour.is_eager);
        let ways = lazy.filter_map(|(peer, neighbour)| Some((neighbour.detour?, *peer)));
        if let Some((_, peer)) = ways.min().filter(|(detour, _)| *detour <= DETOUR_MAX) {
            self.count("broadcast.edges_replaced");
            self.graft(now, peer, out);
        }
    }

    /// Announces what waits.
    #[inline(never)]
    pub(super) fn announce(&mut self, now: Instant, out: &mut Vec<Effect>) {
        self.lazy_at = None;
        let waiting: Vec<(PeerId, Vec<PostId>)> = self
            .neighbours
            .iter_mut()
            .filter(|(_, neighbour)| !neighbour.lazy.is_empty())
            .map(|(peer, neighbour)| (*peer, core::mem::take(&mut neighbour.lazy)))
            .collect();
        for (to, ids) in waiting {
            let entries = self.entries(now, &ids);
            out.push(Effect::Send { to, message: Message::IHave { entries } });
        }
    }

    fn entries(&self, now: Instant, ids: &[PostId]) -> Vec<Announced> {
        let entry = |id: &PostId| {
            let seen = self.cache.seen(*id)?;
            let age_ms = u64::try_from(now.since(seen.at).as_millis()).unwrap_or(u64::MAX);
            let age = u8::try_from(age_ms / AGE_UNIT_MS).unwrap_or(u8::MAX);
            Some(Announced { id: *id, hops: seen.hops.saturating_add(1), age })
        };
        ids.iter().filter_map(entry).collect()
    }

    /// A post came again: there is a circle, which is cut where the way is worse.
    pub(super) fn on_circle(
        &mut self,
        now: Instant,
        from: PeerId,
        (id, hops, seen): (PostId, u8, Seen),
        out: &mut Vec<Effect>,
    ) {
        let worse = if gain_ms(seen, hops, now) > 0 {
            let first = self.neighbours.iter().find(|(_, n)| n.name == seen.parent);
            let first = first.filter(|(_, n)| n.is_eager).map(|(peer, _)| *peer);
            let parent = self.neighbours.get(&from).map_or(0, |n| n.name);
            self.cache.see(id, Seen { at: now, hops, parent });
            // It has got ours meanwhile, and cuts the very edge.
            self.graft(now, from, out);
            first
        } else {
            Some(from)
        };
        if let Some(worse) = worse {
            self.prune(now, worse, out);
        }
    }

    /// Makes an edge of a connection.
    fn graft(&mut self, now: Instant, to: PeerId, out: &mut Vec<Effect>) {
        let Some(neighbour) = self.neighbours.get_mut(&to) else { return };
        neighbour.is_eager = true;
        neighbour.merit = 0;
        neighbour.grafted_at = Some(now);
        out.push(Effect::Send { to, message: Message::Graft { ids: Vec::new() } });
    }

    /// A neighbour cuts an edge; unless it does not yet know that we just made it one.
    pub(super) fn on_prune(&mut self, now: Instant, from: PeerId) {
        let Some(neighbour) = self.neighbours.get_mut(&from) else { return };
        if neighbour.grafted_at.is_none_or(|at| at + GRAFT_HOLDS <= now) {
            neighbour.is_eager = false;
            self.look_at_held(now);
        }
    }

    fn prune(&mut self, now: Instant, peer: PeerId, out: &mut Vec<Effect>) {
        let Some(neighbour) = self.neighbours.get_mut(&peer) else { return };
        let is_news = core::mem::take(&mut neighbour.is_eager);
        if is_news || neighbour.pruned_at.is_none_or(|at| at + PRUNE_REPEAT <= now) {
            neighbour.pruned_at = Some(now);
            neighbour.merit = 0;
            out.push(Effect::Send { to: peer, message: Message::Prune });
            self.look_at_held(now);
        }
    }

    /// Compares the way that a post took with the one that it would have taken by a neighbour which
    /// announced it at `announced_at`.
    pub(super) fn compare(
        &mut self,
        now: Instant,
        name: u32,
        (hops, announced_at): (u8, Instant),
        seen: Seen,
        out: &mut Vec<Effect>,
    ) {
        let is_ours = seen.parent == 0;
        let named = self.neighbours.iter_mut().find(|(_, neighbour)| neighbour.name == name);
        let Some((&to, neighbour)) = named.filter(|(_, n)| !n.is_eager && !is_ours) else {
            return;
        };
        neighbour.detour = Some(i16::from(hops) - i16::from(seen.hops));
        let gain_ms = gain_ms(seen, hops, announced_at) + millis(LAZY_DELAY);
        // Only a way by fewer hops can't lead through ourselves.
        if hops < seen.hops && gain_ms >= GAIN_MIN_MS {
            neighbour.merit += MERIT;
        } else {
            neighbour.merit = neighbour.merit.saturating_sub(1);
        }
        if neighbour.merit < MERIT_MAX {
            return;
        }
        self.count("broadcast.edges_added");
        self.graft(now, to, out);
    }
}

/// Returns by how much another way would have been better than the one that a post took.
fn gain_ms(seen: Seen, hops: u8, at: Instant) -> i64 {
    let by_time = millis(seen.at.since(at)) - millis(at.since(seen.at));
    let by_hops = i64::from(seen.hops) - i64::from(hops);
    by_time + by_hops * HOP_GAIN_MS
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
