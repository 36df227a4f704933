//! Who is found by which tags, and who is told of whom: few, by chance, and not always the same.

use core::cmp::Reverse;
use core::time::Duration;

use bytes::Bytes;
use peerloom_wire::rendezvous::{Reason, ServerMessage};
use peerloom_wire::{PeerId, Tag};

use super::conn::{ACQUAINTED_MAX, INTRODUCTIONS_BURST, Member};
use super::limits::INTRODUCTIONS_MAX;
use super::{ConnId, Hub};

/// Of how many the three are chosen. The least busy of a few drawn by chance spread the load almost as
/// well as the least busy of all (Mitzenmacher 2001, "The Power of Two Choices in Randomized Load
/// Balancing").
const DRAWN_MAX: usize = 12;

/// What a member gains in a second towards introductions; one costs as many as `meet_again` has
/// seconds, so that three of them are gained in that time.
const GAIN_PER_S: u64 = 3;

/// Over how long a member's introductions are counted.
const TOLD_WINDOW: Duration = Duration::from_secs(60);

impl Hub {
    pub(super) fn on_meet(
        &mut self,
        id: ConnId,
        mut tags: Vec<Tag>,
        announcement: Bytes,
        connected: u16,
    ) {
        tags.sort_unstable();
        tags.dedup();
        if tags.len() > usize::from(self.limits.tags_max) {
            let limit = usize::from(self.limits.tags_max);
            return self.refuse(id, Reason::TooManyTags, limit, Duration::ZERO);
        }
        if announcement.len() > self.limits.announcement_bytes_max {
            return self.close(id, Reason::TooLarge);
        }
        if self.memory_bytes() + announcement.len() > self.limits.memory_bytes_max {
            return self.refuse(
                id,
                Reason::Busy,
                self.limits.memory_bytes_max,
                self.limits.meet_again,
            );
        }
        let Some(member) = self.conns.get_mut(&id).and_then(|conn| conn.member_mut()) else {
            return;
        };
        let before = core::mem::take(&mut member.tags);
        self.held_bytes -= member.announcement.len();
        self.held_bytes += announcement.len();
        member.announcement = announcement;
        member.connected = connected;
        for tag in before.iter().filter(|tag| !tags.contains(tag)) {
            self.leave_room(id, *tag);
        }
        let joined = tags.into_iter().filter(|tag| self.enters(id, *tag, connected)).collect();
        if let Some(member) = self.conns.get_mut(&id).and_then(|conn| conn.member_mut()) {
            member.tags = joined;
        }
        self.part_from_strangers(id);
        self.introduce(id, &before);
    }

    /// Puts a member into a room, and returns whether it is there.
    fn enters(&mut self, id: ConnId, tag: Tag, connected: u16) -> bool {
        let room = self.rooms.entry(tag).or_default();
        let is_full = room.len() >= self.limits.members_per_tag_max && !room.contains(id);
        if is_full {
            let limit = self.limits.members_per_tag_max;
            self.refuse(id, Reason::RoomFull, limit, self.limits.meet_again);
            return false;
        }
        room.insert(id, connected > 0);
        true
    }

    fn leave_room(&mut self, id: ConnId, tag: Tag) {
        let Some(room) = self.rooms.get_mut(&tag) else { return };
        room.remove(id);
        if room.len() == 0 {
            self.rooms.remove(&tag);
        }
    }

    /// Tells those who have no tag in common with a member any more that they can't write to it.
    fn part_from_strangers(&mut self, id: ConnId) {
        let Some(member) = self.conns.get(&id).and_then(|conn| conn.member()) else { return };
        let peer = member.peer;
        let shares = |other: &ConnId| {
            let other = self.conns.get(other).and_then(|conn| conn.member());
            other.is_some_and(|other| other.shares_a_tag_with(member))
        };
        let strangers: Vec<ConnId> =
            member.acquainted.iter().filter(|other| !shares(other)).copied().collect();
        for stranger in strangers {
            self.part(id, stranger);
            self.send(stranger, &ServerMessage::Away { peer });
        }
    }

    /// Introduces a member to others in its rooms: to three in those that it was not in `before`,
    /// and to as many as it lacks in the others.
    fn introduce(&mut self, id: ConnId, before: &[Tag]) {
        let Some(member) = self.conns.get(&id).and_then(|conn| conn.member()) else { return };
        let lacking = INTRODUCTIONS_MAX.saturating_sub(usize::from(member.connected));
        for tag in member.tags.clone() {
            let count = if before.contains(&tag) { lacking } else { INTRODUCTIONS_MAX };
            for other in self.choose(id, tag, count) {
                if !self.may_ask(id) {
                    return;
                }
                self.tell_each_other(tag, id, other);
            }
        }
    }

    /// Chooses up to `count` others in a room: before all those that a member does not know, then
    /// those with connections, then those who were told of few.
    fn choose(&mut self, id: ConnId, tag: Tag, count: usize) -> Vec<ConnId> {
        if count == 0 {
            return Vec::new();
        }
        self.gain_introductions(id);
        let numbers = self.draw_numbers();
        let Some(room) = self.rooms.get(&tag) else { return Vec::new() };
        let mut drawn = room.linked.draw(&numbers, DRAWN_MAX);
        drawn.extend(room.alone.draw(&numbers, DRAWN_MAX));
        drawn.retain(|other| *other != id);
        let Some(own) = self.conns.get(&id).and_then(|conn| conn.member()) else {
            return Vec::new();
        };
        drawn.sort_by_cached_key(|other| {
            let member = self.conns.get(other).and_then(|conn| conn.member());
            let (is_linked, told) = member.map_or((false, u32::MAX), |member| {
                (member.connected > 0, told_lately(member, self.now))
            });
            (own.acquainted.contains(other), Reverse(is_linked), told)
        });
        drawn.truncate(count);
        drawn
    }

    /// Gives a member what it gained since the last time.
    fn gain_introductions(&mut self, id: ConnId) {
        let (now, cost) = (self.now, self.introduction_cost());
        if let Some(member) = self.conns.get_mut(&id).and_then(|conn| conn.member_mut()) {
            member.introductions.fill(now, GAIN_PER_S, INTRODUCTIONS_BURST * cost);
        }
    }

    /// Returns whether a member may be introduced to one more, and counts it.
    fn may_ask(&mut self, id: ConnId) -> bool {
        let cost = self.introduction_cost();
        let member = self.conns.get_mut(&id).and_then(|conn| conn.member_mut());
        member.is_some_and(|member| member.introductions.spend(cost))
    }

    /// As much as is gained in a third of `meet_again`.
    pub(super) fn introduction_cost(&self) -> u64 {
        self.limits.meet_again.as_secs().max(1)
    }

    fn tell_each_other(&mut self, tag: Tag, newcomer: ConnId, other: ConnId) {
        let both = 2 * self.limits.announcement_bytes_max;
        if self.memory_bytes().saturating_add(both) > self.limits.memory_bytes_max {
            return self.counters.refuse(Reason::Busy);
        }
        self.acquaint(newcomer, other);
        self.counters.introductions += 1;
        for (to, of) in [(newcomer, other), (other, newcomer)] {
            let Some(of) = self.conns.get(&of).and_then(|conn| conn.member()) else { return };
            let (peer, announcement) = (of.peer, of.announcement.clone());
            self.send(to, &ServerMessage::Introduced { tag, peer, announcement });
        }
        let now = self.now;
        if let Some(other) = self.conns.get_mut(&other).and_then(|conn| conn.member_mut()) {
            if now.saturating_sub(other.told_since) >= TOLD_WINDOW {
                (other.told, other.told_since) = (0, now);
            }
            other.told = other.told.saturating_add(1);
        }
    }

    /// Remembers that two know of each other, if both have room for it.
    pub(super) fn acquaint(&mut self, one: ConnId, other: ConnId) {
        let has_room = |id: ConnId, of: ConnId| {
            let member = self.conns.get(&id).and_then(|conn| conn.member());
            member.is_some_and(|member| {
                member.acquainted.len() < ACQUAINTED_MAX || member.acquainted.contains(&of)
            })
        };
        if !has_room(one, other) || !has_room(other, one) {
            return;
        }
        for (id, of) in [(one, other), (other, one)] {
            if let Some(member) = self.conns.get_mut(&id).and_then(|conn| conn.member_mut()) {
                member.acquainted.insert(of);
            }
        }
    }

    fn part(&mut self, one: ConnId, other: ConnId) {
        for (id, of) in [(one, other), (other, one)] {
            if let Some(member) = self.conns.get_mut(&id).and_then(|conn| conn.member_mut()) {
                member.acquainted.remove(&of);
            }
        }
    }

    /// Forgets a member whose connection is going, and tells those who know of it.
    pub(super) fn forget(&mut self, id: ConnId, member: Member) {
        let Member { peer, tags, announcement, acquainted, .. } = member;
        self.held_bytes -= announcement.len();
        if self.peers.get(&peer) == Some(&id) {
            self.peers.remove(&peer);
        }
        tags.iter().for_each(|tag| self.leave_room(id, *tag));
        let is_back: bool = self.peers.contains_key(&peer);
        for other in acquainted {
            if let Some(other) = self.conns.get_mut(&other).and_then(|conn| conn.member_mut()) {
                other.acquainted.remove(&id);
            }
            if !is_back {
                self.send(other, &ServerMessage::Away { peer });
            }
        }
    }

    pub(super) fn refuse(&mut self, id: ConnId, reason: Reason, limit: usize, retry: Duration) {
        self.counters.refuse(reason);
        self.say_refused(id, reason, limit, retry);
    }

    /// Returns where a peer is, if it may be written to by `from`.
    pub(super) fn reachable(&self, from: ConnId, to: PeerId) -> Option<ConnId> {
        let conn = self.peers.get(&to).copied()?;
        let member = |id: ConnId| self.conns.get(&id).and_then(|conn| conn.member());
        let (own, other) = (member(from)?, member(conn)?);
        (conn != from && own.shares_a_tag_with(other)).then_some(conn)
    }
}

fn told_lately(member: &Member, now: Duration) -> u32 {
    if now.saturating_sub(member.told_since) < TOLD_WINDOW { member.told } else { 0 }
}
