//! Flow control: how fast posts go, from one neighbour to the next, and from an application to all.
//!
//! Each side of a connection may send as many bytes of posts as the other one has granted it: windows
//! as in HTTP/2 (RFC 9113, section 5.2), for each connection and not for each stream. What is granted
//! again is what was dealt with: a post that goes no further as soon as it is checked, one that is
//! handed on when it is on its way to the last of those that get it whole. So what a slow neighbour
//! can't take is held by those before it, up to the origin, whose application waits; and what a peer
//! holds for others is never more than the windows that it has granted.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use peerloom_wire::PeerId;

use super::cache::Seen;
use super::message::{IDS_MAX, Message};
use super::post::PostId;
use super::tree::LAZY_DELAY;
use super::{Broadcast, Effect};
use crate::allowance::{Allowance, Rate};
use crate::time::{Instant, Now};

/// What a neighbour may send before we have dealt with any of it: eight full posts, and a megabit's
/// worth of two seconds. At a round trip of 50 ms no more than 5 MB/s pass; all that is held of eight
/// neighbours is 2 MiB.
pub(super) const WINDOW_BYTES: u32 = 256 << 10;

/// What a post counts at least, as its signature is checked: so no more than 256 of one neighbour are
/// under way.
const CHARGE_MIN_BYTES: u32 = 1 << 10;

/// What has to be dealt with before it is granted again, so that few messages say so: a quarter. What
/// is left of a window is always more than a post.
const GRANT_BYTES_MIN: u32 = WINDOW_BYTES / 4;

/// How fast what one neighbour sends is granted again, on average: so nobody makes others carry more.
/// As much as before there were windows.
const PACE: Rate = Rate { burst_bytes: 2 << 20, bytes_per_second: 1 << 20, charge_min_bytes: 0 };

/// What goes no further counts this part of what is handed on to others. Guess: 4 MiB/s, for
/// swarms of two.
const LAST_PART: u32 = 4;

/// How long a post waits for a neighbour that takes no more, before it is announced instead and the
/// post's other ways go on. Who takes a window in this time, 128 KiB/s, is never too slow. Nor is who takes
/// what the windows of seven others hold at its [`PACE`]: 1.75 s.
const PATIENCE_MIN: Duration = Duration::from_secs(2);

/// Each connection nearer to the origin has more patience, for longer than a round trip takes: so only
/// those next to a slow peer find it slow, and not all those before them each other.
const PATIENCE_STEP: Duration = Duration::from_millis(200);

/// So many connections away it is the least.
const PATIENT_HOPS: u8 = 10;

/// Who held others up twice within this time is announced to for [`STALL_LASTS`], whatever it grants:
/// so a peer that does so on purpose costs an eighth of the time.
const STALL_REPEATED: Duration = Duration::from_secs(60);
const STALL_LASTS: Duration = Duration::from_secs(30);

/// What goes to a neighbour and comes from it.
#[derive(Debug)]
pub(super) struct Flow {
    /// What we may still send.
    credit: u32,
    /// What it may still send.
    window: u32,
    /// What of it we have dealt with and not granted again.
    /// Invariant: this, `window` and what is held of it are at most [`WINDOW_BYTES`].
    dealt: u32,
    pace: Allowance,
    /// Whether posts are held for it.
    is_waited_for: bool,
    /// When it held others up last.
    stalled_at: Option<Instant>,
    /// Posts are announced to it, and not pushed: until it has dealt with all it got, and this at least.
    stalled_until: Option<Instant>,
    /// What it asked for and has no credit for. At most [`IDS_MAX`].
    wanted: VecDeque<PostId>,
}

/// A post that waits for neighbours to take it.
#[derive(Debug)]
pub(super) struct Held {
    id: PostId,
    post: Bytes,
    seen: Seen,
    at: Instant,
    /// The neighbour whose window it takes up, by name; 0: it is ours.
    owner: u32,
    counted: (u32, u32),
    /// Who is still to get it.
    to: Vec<PeerId>,
}

/// Returns what a post takes up of a window.
fn charge(post: &[u8]) -> u32 {
    u32::try_from(post.len()).unwrap_or(u32::MAX).max(CHARGE_MIN_BYTES)
}

/// Returns what a post takes up, and what it counts among what its neighbour and its origin send.
pub(super) fn counts(post: &[u8], goes_on: bool) -> (u32, u32) {
    let bytes = charge(post);
    (bytes, if goes_on { bytes } else { bytes / LAST_PART })
}

impl Flow {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            credit: WINDOW_BYTES,
            window: WINDOW_BYTES,
            dealt: 0,
            pace: Allowance::new(now, PACE),
            is_waited_for: false,
            stalled_at: None,
            stalled_until: None,
            wanted: VecDeque::new(),
        }
    }

    /// Takes note of a post that came. `false`: it was sent beyond what we granted.
    pub(super) fn receive(&mut self, post: &[u8]) -> bool {
        let left = self.window.checked_sub(charge(post));
        self.window = left.unwrap_or(self.window);
        left.is_some()
    }

    /// Pays for a post if there is credit.
    fn spend(&mut self, post: &[u8]) -> bool {
        let left = self.credit.checked_sub(charge(post));
        self.credit = left.unwrap_or(self.credit);
        left.is_some()
    }

    /// Returns whether posts are pushed to it, or held for it until they can be.
    fn is_pushed_to(&mut self, now: Instant) -> bool {
        let has_dealt = self.credit > WINDOW_BYTES - GRANT_BYTES_MIN;
        self.stalled_until = self.stalled_until.filter(|until| !has_dealt || now < *until);
        self.stalled_until.is_none()
    }

    /// It holds others up.
    fn stall(&mut self, now: Instant) {
        let again = self.stalled_at.is_some_and(|at| now < at + STALL_REPEATED);
        self.stalled_at = Some(now);
        self.stalled_until = Some(if again { now + STALL_LASTS } else { now });
    }

    /// Returns what to grant now, if it is worth a message and not too early.
    fn grant(&mut self, now: Instant) -> Option<u32> {
        self.pace.fill(now, PACE);
        if self.dealt < GRANT_BYTES_MIN || self.pace.level < 0 {
            return None;
        }
        self.window += self.dealt;
        Some(core::mem::take(&mut self.dealt))
    }

    /// Returns when to grant what is too early now.
    pub(super) fn due(&self) -> Option<Instant> {
        let micros = self.pace.level.saturating_neg().saturating_mul(1_000_000);
        let micros = u64::try_from(micros / PACE.bytes_per_second + 1).ok();
        let is_early = self.dealt >= GRANT_BYTES_MIN && self.pace.level < 0;
        micros.filter(|_| is_early).map(|micros| self.pace.at + Duration::from_micros(micros))
    }

    /// Remembers that it asks for a post. `false`: for too many.
    pub(super) fn want(&mut self, id: PostId) -> bool {
        let is_known = self.wanted.contains(&id);
        if !is_known && self.wanted.len() < IDS_MAX {
            self.wanted.push_back(id);
        }
        is_known || self.wanted.contains(&id)
    }
}

impl Held {
    /// Returns until when it waits.
    fn until(&self) -> Instant {
        let nearer = PATIENT_HOPS.saturating_sub(self.seen.hops);
        self.at + PATIENCE_MIN + PATIENCE_STEP * nearer.into()
    }
}

impl Broadcast {
    /// Hands a post on: whole along the tree, by name to all others. It takes up the window of `owner`
    /// until it is on its way.
    pub(super) fn forward(
        &mut self,
        now: Instant,
        (id, post): (PostId, &Bytes),
        (seen, owner): (Seen, u32),
        out: &mut Vec<Effect>,
    ) {
        let others = self.neighbours.iter().filter(|(_, it)| it.name != seen.parent);
        let to = others.map(|(peer, _)| *peer).collect();
        let counted = counts(post, self.goes_on(seen));
        let mut held = Held { id, post: post.clone(), seen, at: now, owner, counted, to };
        self.pass(now, &mut held, out);
        if held.to.is_empty() {
            return self.deal(now, owner, counted, out);
        }
        self.count("broadcast.held");
        let until = held.until();
        self.held_until = Some(self.held_until.map_or(until, |at| at.min(until)));
        self.held.push_back(held);
    }

    /// Sends a post to those who are to get it and can take it, and announces it to those who get it so.
    /// The others stay.
    fn pass(&mut self, now: Instant, held: &mut Held, out: &mut Vec<Effect>) {
        let hops = held.seen.hops.saturating_add(1);
        held.to.retain(|&to| {
            let Some(neighbour) = self.neighbours.get_mut(&to) else { return false };
            let flow = &mut neighbour.flow;
            if !neighbour.is_eager || !flow.is_pushed_to(now) {
                if neighbour.lazy.len() < IDS_MAX {
                    neighbour.lazy.push(held.id);
                    self.lazy_at.get_or_insert(now + LAZY_DELAY);
                }
                return false;
            }
            // Nothing overtakes what waits: the large would wait for ever.
            if flow.is_waited_for || !flow.spend(&held.post) {
                flow.is_waited_for = true;
                return true;
            }
            let message = Message::Gossip { hops, post: held.post.clone() };
            out.push(Effect::Send { to, message });
            false
        });
    }

    /// Somebody takes more, or is an edge no more, or is waited for no longer: sends what can go now.
    #[inline(never)]
    pub(super) fn pass_on(&mut self, now: Now, out: &mut Vec<Effect>) {
        self.held_until = None;
        for neighbour in self.neighbours.values_mut() {
            neighbour.flow.is_waited_for = false;
        }
        for mut held in core::mem::take(&mut self.held) {
            self.pass(now.mono, &mut held, out);
            if held.to.is_empty() {
                self.deal(now.mono, held.owner, held.counted, out);
                continue;
            }
            let until = held.until();
            self.held_until = Some(self.held_until.map_or(until, |at| at.min(until)));
            self.held.push_back(held);
        }
        self.sign_next(now, out);
    }

    /// Looks at what is held as soon as possible: somebody is gone or is no edge any more.
    pub(super) fn look_at_held(&mut self, now: Instant) {
        self.held_until = self.held_until.map(|_| now);
    }

    /// Returns whether a post of ours still waits for somebody to take it.
    pub(super) fn holds_own(&self) -> bool {
        self.held.iter().any(|held| held.owner == 0)
    }

    /// Returns whether a post that came so is handed on to others whole.
    pub(super) fn goes_on(&self, seen: Seen) -> bool {
        self.neighbours.values().any(|it| it.is_eager && it.name != seen.parent)
    }

    /// A post of a neighbour, by name, takes up no room any more.
    pub(super) fn deal(
        &mut self,
        now: Instant,
        owner: u32,
        (bytes, counted): (u32, u32),
        out: &mut Vec<Effect>,
    ) {
        let named = self.neighbours.iter_mut().find(|(_, neighbour)| neighbour.name == owner);
        let Some((&peer, neighbour)) = named else { return };
        let flow = &mut neighbour.flow;
        flow.pace.fill(now, PACE);
        flow.pace.level -= i64::from(counted);
        flow.dealt += bytes;
        if let Some(bytes) = flow.grant(now) {
            out.push(Effect::Send { to: peer, message: Message::Credit { bytes } });
        }
    }

    /// A neighbour takes more.
    #[inline(never)]
    pub(super) fn on_credit(&mut self, now: Now, from: PeerId, bytes: u32, out: &mut Vec<Effect>) {
        let Some(neighbour) = self.neighbours.get_mut(&from) else { return };
        let flow = &mut neighbour.flow;
        flow.credit = flow.credit.saturating_add(bytes).min(WINDOW_BYTES);
        self.answer(from, out);
        if !self.held.is_empty() {
            self.pass_on(now, out);
        }
    }

    /// What was asked for is not here.
    pub(super) fn lack(&self, to: PeerId, ids: Vec<PostId>, out: &mut Vec<Effect>) {
        if !ids.is_empty() {
            out.push(Effect::Send { to, message: Message::Lack { ids } });
        }
    }

    /// Sends what a neighbour asked for and can take now.
    pub(super) fn answer(&mut self, to: PeerId, out: &mut Vec<Effect>) {
        let Some(neighbour) = self.neighbours.get_mut(&to) else { return };
        let mut lacking = Vec::new();
        while let Some(&id) = neighbour.flow.wanted.front() {
            if let Some((post, seen)) = self.cache.kept(id).zip(self.cache.seen(id)) {
                if !neighbour.flow.spend(post) {
                    break;
                }
                let hops = seen.hops.saturating_add(1);
                let message = Message::Gossip { hops, post: post.clone() };
                out.push(Effect::Send { to, message });
            } else {
                lacking.push(id);
            }
            neighbour.flow.wanted.pop_front();
        }
        self.lack(to, lacking, out);
    }

    /// Grants what it was too early for, and waits no longer for those who have been waited for enough.
    #[inline(never)]
    pub(super) fn on_flow_due(&mut self, now: Now, out: &mut Vec<Effect>) {
        for (&to, neighbour) in &mut self.neighbours {
            if let Some(bytes) = neighbour.flow.grant(now.mono) {
                out.push(Effect::Send { to, message: Message::Credit { bytes } });
            }
        }
        if self.held_until.is_none_or(|at| now.mono < at) {
            return;
        }
        let late = self.held.iter().filter(|held| held.until() <= now.mono);
        let slow: Vec<PeerId> = late.flat_map(|held| held.to.iter().copied()).collect();
        for peer in slow {
            if let Some(neighbour) = self.neighbours.get_mut(&peer)
                && neighbour.flow.is_pushed_to(now.mono)
            {
                neighbour.flow.stall(now.mono);
                self.counters.count("broadcast.stalled");
            }
        }
        self.pass_on(now, out);
    }
}
