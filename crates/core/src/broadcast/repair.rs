//! What was announced and did not come is asked for, which mends the tree: GRAFT and its timers.

use alloc::vec::Vec;
use core::time::Duration;

use peerloom_wire::PeerId;

use super::message::{AGE_UNIT_MS, Announced, IDS_MAX, Message};
use super::post::PostId;
use super::tree::NEIGHBOUR_RATE;
use super::{Broadcast, Effect};
use crate::event::StrikeKind;
use crate::map::Map;
use crate::time::Instant;

/// The most posts that are missed at once.
pub(super) const MISSING_MAX: usize = 1024;

/// The most of them that one neighbour made us miss: who makes up names leaves room for others.
pub(super) const MISSING_OF_ONE_MAX: usize = 128;

/// The most neighbours remembered for each, to ask one after the other.
const ANNOUNCERS_MAX: usize = 8;

/// How long an announced post may take to come along the tree before it is asked for. As long as ten
/// hops of 50 ms: sooner, what is only slow would come twice.
pub(super) const GRAFT_WAIT: Duration = Duration::from_millis(500);

/// How long the answer may take before the next is asked: a round trip of a bad connection.
const GRAFT_REPEAT: Duration = Duration::from_millis(700);

/// A neighbour that has answered so many pings since it was asked, a minute's, and did not send what
/// it has: its word is broken. What waits for it in a queue on a slow connection takes less.
const ANSWERS_MAX: u8 = 12;

/// So many broken words are a strike. Guess: no honest peer breaks one.
const BROKEN_MAX: u8 = 8;

/// So many posts that were announced and are lacking when they are asked for, with none in between
/// that was brought, are a strike. Who has to let go of posts so fast was brought them, and brings some.
const LACKED_MAX: u16 = 512;

/// A post that somebody has, and that did not come.
#[derive(Debug)]
pub(super) struct Missing {
    /// When the next is asked.
    pub(super) due: Instant,
    /// Whom we asked last; 0: nobody yet.
    pub(super) asked: u32,
    /// Who announced it first.
    blame: u32,
    /// Who else has it, by name; the hops of its way; since when we know.
    announcers: Vec<(u32, u8, Instant)>,
}

impl Broadcast {
    #[inline(never)]
    pub(super) fn on_i_have(
        &mut self,
        now: Instant,
        from: PeerId,
        entries: &[Announced],
        out: &mut Vec<Effect>,
    ) {
        let Some(name) = self.neighbours.get(&from).map(|neighbour| neighbour.name) else { return };
        let running_ms = self
            .started_at
            .map_or(0, |at| u64::try_from(now.since(at).as_millis()).unwrap_or(u64::MAX));
        for entry in entries {
            if let Some(seen) = self.cache.seen(entry.id) {
                self.compare(now, name, (entry.hops, now), seen, out);
            } else if u64::from(entry.age) * AGE_UNIT_MS > running_ms {
                // History: it was said before we came.
                self.count("broadcast.history_skipped");
            } else {
                self.miss(now, name, entry);
            }
        }
    }

    fn miss(&mut self, now: Instant, name: u32, entry: &Announced) {
        let announcer = (name, entry.hops, now);
        if let Some(missing) = self.missing.get_mut(&entry.id) {
            let is_news = missing.announcers.iter().all(|(other, ..)| *other != name);
            if is_news && missing.asked != name && missing.announcers.len() < ANNOUNCERS_MAX {
                missing.announcers.push(announcer);
            }
            return;
        }
        let of_one = self.missing.values().filter(|missing| missing.blame == name).count();
        if of_one >= MISSING_OF_ONE_MAX || self.missing.len() >= MISSING_MAX {
            return self.count("broadcast.announcements_refused");
        }
        let missing =
            Missing { due: now + GRAFT_WAIT, asked: 0, blame: name, announcers: vec![announcer] };
        self.missing.insert(entry.id, missing);
    }

    /// A post is here: those who announced it before it came had the better way.
    pub(super) fn found(&mut self, id: PostId, out: &mut Vec<Effect>) {
        for neighbour in self.neighbours.values_mut() {
            neighbour.asked.remove(&id);
        }
        let Some(missing) = self.missing.remove(&id) else { return };
        let Some(seen) = self.cache.seen(id) else { return };
        if missing.asked > 0 {
            return;
        }
        for (name, hops, at) in missing.announcers {
            self.compare(seen.at, name, (hops, at), seen, out);
        }
    }

    #[inline(never)]
    pub(super) fn on_missing_due(&mut self, now: Instant, out: &mut Vec<Effect>) {
        let due: Vec<PostId> = self
            .missing
            .iter()
            .filter(|(_, missing)| missing.due <= now)
            .map(|(id, _)| *id)
            .collect();
        let mut grafts: Map<PeerId, Vec<PostId>> = Map::new();
        for id in due {
            match self.ask_next(now, id) {
                Some(peer) => grafts.entry(peer).or_default().push(id),
                None => {
                    self.missing.remove(&id);
                    self.count("broadcast.lost");
                }
            }
        }
        for (to, mut ids) in grafts {
            self.count("broadcast.grafts");
            while !ids.is_empty() {
                let rest = ids.split_off(ids.len().min(IDS_MAX));
                out.push(Effect::Send { to, message: Message::Graft { ids } });
                ids = rest;
            }
        }
    }

    /// Returns who is to be asked for a post now; none if nobody is left.
    fn ask_next(&mut self, now: Instant, id: PostId) -> Option<PeerId> {
        let missing = self.missing.get_mut(&id)?;
        while !missing.announcers.is_empty() {
            let (name, ..) = missing.announcers.remove(0);
            let named = self.neighbours.iter_mut().find(|(_, neighbour)| neighbour.name == name);
            let Some((&peer, neighbour)) = named else { continue };
            if neighbour.asked.len() >= IDS_MAX {
                continue;
            }
            neighbour.asked.insert(id, 0);
            neighbour.is_eager = true;
            neighbour.grafted_at = Some(now);
            missing.asked = name;
            missing.due = now + GRAFT_REPEAT;
            return Some(peer);
        }
        None
    }

    #[inline(never)]
    pub(super) fn on_graft(&mut self, from: PeerId, mut ids: Vec<PostId>, out: &mut Vec<Effect>) {
        let Some(neighbour) = self.neighbours.get_mut(&from) else { return };
        neighbour.is_eager = true;
        ids.retain(|id| {
            let Some(post) = self.cache.kept(*id) else { return true };
            // Who asks for the same again and again gets what one neighbour may get.
            let gets =
                neighbour.outgoing.allows(post.len(), NEIGHBOUR_RATE) && neighbour.flow.want(*id);
            if gets {
                neighbour.outgoing.take(post.len(), NEIGHBOUR_RATE);
            }
            !gets
        });
        self.lack(from, ids, out);
        self.answer(from, out);
    }

    #[inline(never)]
    pub(super) fn on_lack(
        &mut self,
        now: Instant,
        from: PeerId,
        ids: &[PostId],
        out: &mut Vec<Effect>,
    ) {
        let Some(neighbour) = self.neighbours.get_mut(&from) else { return };
        for id in ids {
            neighbour.lacked += u16::from(neighbour.asked.remove(id).is_some());
            if neighbour.lacked >= LACKED_MAX {
                neighbour.lacked = 0;
                out.push(Effect::Strike { peer: from, kind: StrikeKind::OutOfTurn });
            }
            if let Some(missing) = self.missing.get_mut(id)
                && missing.asked == neighbour.name
            {
                missing.due = now;
            }
        }
    }

    /// A ping was answered: the neighbour takes more from us, and had time to send what it owes.
    #[inline(never)]
    pub(super) fn on_alive(&mut self, now: Instant, peer: PeerId, out: &mut Vec<Effect>) {
        self.cache.forget(now);
        let Some(neighbour) = self.neighbours.get_mut(&peer) else { return };
        neighbour.outgoing.fill(now, NEIGHBOUR_RATE);
        let mut broken = 0;
        neighbour.asked.retain(|_, answers| {
            *answers += 1;
            broken += u8::from(*answers >= ANSWERS_MAX);
            *answers < ANSWERS_MAX
        });
        neighbour.broken = neighbour.broken.saturating_add(broken);
        if neighbour.broken >= BROKEN_MAX {
            neighbour.broken = 0;
            out.push(Effect::Strike { peer, kind: StrikeKind::OutOfTurn });
        }
        if broken > 0 {
            self.count("broadcast.words_broken");
        }
    }
}
