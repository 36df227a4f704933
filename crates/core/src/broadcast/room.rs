//! Rooms: where the application listens, and who else says that it is there.
//!
//! Who is in a room says so when it comes, and again after as many seconds as it knows members, half a
//! minute at least: so a room of any size costs the swarm about one post a second.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use peerloom_wire::PeerId;

use super::cache::Seen;
use super::post::{Kind, Post, PostId, Topic, items};
use super::write::item_id;
use super::{Broadcast, Delivery, Effect};
use crate::allowance::{Allowance, Rate};
use crate::event::{BadInput, CommandError, Subject};
use crate::map::Map;
use crate::time::{Instant, Now};

/// The most rooms that an application is in. More are topics within a room, which need no name here.
pub(super) const ROOMS_MAX: usize = 256;

/// The longest name of a room, in bytes.
const ROOM_NAME_BYTES_MAX: usize = 256;

/// The most members remembered of a room; who comes later is not told. 40 bytes each.
const MEMBERS_MAX: usize = 4096;

/// How often a member says that it is there, at least.
const SHOW_INTERVAL_MIN: Duration = Duration::from_secs(30);

/// How many intervals a member may miss.
const INTERVALS_MAX: u32 = 3;

/// Who hears a newcomer says so itself within this time and a little for each member, all once, in any
/// order; in rooms of more members newcomers wait for the next interval.
const ANSWER_WITHIN: Duration = Duration::from_millis(200);
const ANSWER_EACH: Duration = Duration::from_millis(50);
const ANSWERING_MEMBERS_MAX: usize = 50;

/// What is handed on of who comes and goes, of all rooms: 256 at once, then 16 a second. What is more
/// is dropped, and heard at the next interval.
const PRESENCE_RATE: Rate =
    Rate { burst_bytes: 64 << 10, bytes_per_second: 4 << 10, charge_min_bytes: 256 };

/// A room that we are in.
#[derive(Debug)]
struct Room {
    name: String,
    /// Who else is there, until when we believe it. At most [`MEMBERS_MAX`].
    members: Map<PeerId, Instant>,
    showing: Showing,
}

/// Whether others are told that we are there.
#[derive(Debug)]
enum Showing {
    /// They are not.
    Hidden,
    /// They are, next at `next`. The farewell is signed in advance, since a page that is left has no
    /// time for it.
    Shown { next: Option<Instant>, farewell: Option<Bytes> },
}

/// The rooms that we are in.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    rooms: Map<Topic, Room>,
    presence: Option<Allowance>,
}

impl Rooms {
    pub(super) fn topic(&self, name: &str) -> Option<Topic> {
        self.rooms.iter().find(|(_, room)| room.name == name).map(|(topic, _)| *topic)
    }

    pub(super) fn name(&self, topic: Topic) -> Option<String> {
        self.rooms.get(&topic).map(|room| room.name.clone())
    }

    pub(super) fn members(&self, name: &str) -> Vec<PeerId> {
        let room = self.rooms.values().find(|room| room.name == name);
        room.map_or_else(Vec::new, |room| room.members.keys().copied().collect())
    }

    /// Returns when a member is overdue or we are to show ourselves.
    pub(super) fn due(&self) -> Option<Instant> {
        let next = self.rooms.values().filter_map(|room| match room.showing {
            Showing::Shown { next, .. } => next,
            Showing::Hidden => None,
        });
        let members = self.rooms.values().flat_map(|room| room.members.values().copied());
        next.chain(members).min()
    }

    /// Charges for a word about who comes and goes.
    pub(super) fn allow_presence(&mut self, now: Instant, bytes: usize) -> bool {
        let allowance = self.presence.get_or_insert_with(|| Allowance::new(now, PRESENCE_RATE));
        allowance.fill(now, PRESENCE_RATE);
        allowance.spend(bytes, PRESENCE_RATE)
    }

    pub(super) const fn len(&self) -> usize {
        self.rooms.len()
    }

    pub(super) fn members_count(&self) -> usize {
        self.rooms.values().map(|room| room.members.len()).sum()
    }
}

impl Broadcast {
    /// Joins a room. Joining again shows us, or hides us from now on.
    #[inline(never)]
    pub(super) fn join(
        &mut self,
        now: Now,
        name: String,
        is_shown: bool,
        out: &mut Vec<Effect>,
    ) -> Result<(), CommandError> {
        if name.len() > ROOM_NAME_BYTES_MAX {
            let (size, max) = (name.len() as u64, ROOM_NAME_BYTES_MAX as u64);
            return Err(CommandError::TooLarge { what: Subject::Name, size, max });
        }
        if name.is_empty() {
            return Err(CommandError::BadInput(BadInput::NotInRoom));
        }
        let topic = Topic::named(self.config.app, &name);
        if !self.rooms.rooms.contains_key(&topic) {
            if self.rooms.rooms.len() >= ROOMS_MAX {
                let (size, max) = (ROOMS_MAX as u64 + 1, ROOMS_MAX as u64);
                return Err(CommandError::TooLarge { what: Subject::Rooms, size, max });
            }
            let room = Room { name, members: Map::new(), showing: Showing::Hidden };
            self.rooms.rooms.insert(topic, room);
        }
        if is_shown {
            self.show_in(now, topic, out);
        }
        Ok(())
    }

    pub(super) fn leave(&mut self, name: &str, out: &mut Vec<Effect>) {
        if let Some(topic) = self.rooms.topic(name) {
            self.say_farewell(topic, out);
            self.rooms.rooms.remove(&topic);
        }
    }

    /// The run begins: all rooms that were joined before are told.
    pub(super) fn show_in_rooms(&mut self, now: Now, out: &mut Vec<Effect>) {
        let shown = |room: &Room| matches!(room.showing, Showing::Shown { .. });
        let rooms = self.rooms.rooms.iter().filter(|(_, room)| shown(room));
        let topics: Vec<Topic> = rooms.map(|(topic, _)| *topic).collect();
        for topic in topics {
            self.show_in(now, topic, out);
        }
    }

    /// The run ends: nobody is there for us, nor we for others.
    pub(super) fn leave_rooms(&mut self, out: &mut Vec<Effect>) {
        let topics: Vec<Topic> = self.rooms.rooms.keys().copied().collect();
        for topic in topics {
            self.say_farewell(topic, out);
            let Some(room) = self.rooms.rooms.get_mut(&topic) else { continue };
            if let Showing::Shown { next, .. } = &mut room.showing {
                *next = None;
            }
            for peer in core::mem::take(&mut room.members).into_keys() {
                out.push(Effect::Member { room: room.name.clone(), peer, is_here: false });
            }
        }
    }

    /// Says that we are there, from now on.
    fn show_in(&mut self, now: Now, topic: Topic, out: &mut Vec<Effect>) {
        let Some(room) = self.rooms.rooms.get_mut(&topic) else { return };
        if let Showing::Hidden = room.showing {
            room.showing = Showing::Shown { next: None, farewell: None };
        }
        if self.started_at.is_some() {
            self.say_present(now, topic, out);
        }
    }

    /// The farewell is signed anew each time: one of long ago would count as a replay.
    fn say_present(&mut self, now: Now, topic: Topic, out: &mut Vec<Effect>) {
        let Some(room) = self.rooms.rooms.get_mut(&topic) else { return };
        let Showing::Shown { next, .. } = &mut room.showing else { return };
        let members = u64::try_from(room.members.len()).unwrap_or(u64::MAX);
        let interval = SHOW_INTERVAL_MIN.max(Duration::from_secs(members));
        *next = Some(now.mono + self.random.jitter(interval));
        let seconds = u16::try_from(interval.as_secs()).unwrap_or(u16::MAX);
        let body = seconds.to_be_bytes().to_vec();
        self.draft(now, topic, (Kind::Present, body), None, out);
        self.draft(now, topic, (Kind::Left, Vec::new()), None, out);
    }

    /// Keeps a farewell that was signed. `false`: for a room that we left already.
    pub(super) fn keep_farewell(&mut self, topic: Topic, post: &Bytes) -> bool {
        match self.rooms.rooms.get_mut(&topic).map(|room| &mut room.showing) {
            Some(Showing::Shown { farewell, .. }) => {
                *farewell = Some(post.clone());
                true
            }
            _ => false,
        }
    }

    /// Sends the farewell to all neighbours: it has to be out when this returns.
    fn say_farewell(&mut self, topic: Topic, out: &mut Vec<Effect>) {
        let Some(room) = self.rooms.rooms.get_mut(&topic) else { return };
        let Showing::Shown { farewell, .. } = &mut room.showing else { return };
        let Some(post) = farewell.take() else { return };
        let id = PostId::of(&post);
        if let Some(seen) = self.cache.seen(id) {
            self.cache.keep(seen.at, id, post.clone());
            self.forward(seen.at, (id, &post), (seen, 0), out);
        }
    }

    #[inline(never)]
    pub(super) fn on_rooms_due(&mut self, now: Now, out: &mut Vec<Effect>) {
        let mut shows = Vec::new();
        for (topic, room) in &mut self.rooms.rooms {
            if let Showing::Shown { next: Some(next), .. } = room.showing
                && next <= now.mono
            {
                shows.push(*topic);
            }
            let name = &room.name;
            room.members.retain(|peer, until| {
                let is_here = now.mono < *until;
                if !is_here {
                    out.push(Effect::Member { room: name.clone(), peer: *peer, is_here });
                }
                is_here
            });
        }
        for topic in shows {
            self.say_present(now, topic, out);
        }
    }

    /// A peer said goodbye to all.
    pub(super) fn forget_member(&mut self, peer: PeerId, out: &mut Vec<Effect>) {
        for room in self.rooms.rooms.values_mut() {
            if room.members.remove(&peer).is_some() {
                out.push(Effect::Member { room: room.name.clone(), peer, is_here: false });
            }
        }
    }

    /// A post of somebody, whose signature holds: it is delivered if we are in its room.
    pub(super) fn take(
        &mut self,
        now: Instant,
        id: PostId,
        from: PeerId,
        post: &Post,
        seen: Seen,
        out: &mut Vec<Effect>,
    ) {
        let Some(room) = self.rooms.rooms.get_mut(&post.head.topic) else { return };
        match post.head.kind {
            Kind::Data => {
                for (index, data) in items(&post.body).into_iter().enumerate() {
                    out.push(Effect::Deliver(Delivery {
                        room: room.name.clone(),
                        from,
                        id: item_id(id, index),
                        sent_ms: post.head.sent_ms,
                        hops: seen.hops,
                        data,
                    }));
                }
                self.counters.count("broadcast.delivered");
            }
            Kind::Present => {
                let Ok(seconds) = post.body[..].try_into() else { return };
                let interval = Duration::from_secs(u16::from_be_bytes(seconds).into());
                let until = now + interval.max(SHOW_INTERVAL_MIN) * INTERVALS_MAX;
                let is_known = room.members.contains_key(&from);
                if !is_known && room.members.len() >= MEMBERS_MAX {
                    return;
                }
                room.members.insert(from, until);
                if !is_known {
                    out.push(Effect::Member { room: room.name.clone(), peer: from, is_here: true });
                    let count = room.members.len();
                    if let Showing::Shown { next: Some(next), .. } = &mut room.showing
                        && count <= ANSWERING_MEMBERS_MAX
                    {
                        let each = ANSWER_EACH * u32::try_from(count).unwrap_or(0);
                        *next = (*next).min(now + self.random.jitter(ANSWER_WITHIN + each));
                    }
                }
            }
            Kind::Left => {
                if room.members.remove(&from).is_some() {
                    let room = room.name.clone();
                    out.push(Effect::Member { room, peer: from, is_here: false });
                }
            }
            Kind::Other => {}
        }
    }
}
