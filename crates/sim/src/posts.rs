//! What is said in rooms: who said it, who was there, and who heard it. Nodes are held to it.

use std::collections::{BTreeMap, BTreeSet};

use peerloom_core::Instant;
use peerloom_core::event::RoomMessage;
use peerloom_wire::{Protocol, frame};
use serde::{Deserialize, Serialize};

use crate::schedule::Seat;
use crate::tab::Tab;

/// The rooms of each application, by the same names in both.
pub(crate) const ROOMS: [&str; 2] = ["upstairs", "downstairs"];

/// Where the kind of a post is in a frame's body: message and hops, key, signature, topic, run, number,
/// date. See `docs/protocol/broadcast.md`.
const KIND_AT: usize = 2 + 65 + 64 + 16 + 8 + 4 + 8;

/// A message of so many bytes names itself.
pub(crate) const NAME_BYTES: usize = 4;

/// Whoever closes so soon after it said something may not have sent it.
const SETTLED_MICROS: u64 = 5_000_000;

/// Something that was said.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) seat: Seat,
    pub(crate) app: usize,
    pub(crate) room: usize,
    pub(crate) bytes: usize,
    pub(crate) at: Instant,
    /// Of what it was said: figures are kept apart by it. None: not measured.
    pub(crate) phase: Option<Phase>,
    /// Who was in the room.
    pub(crate) audience: Vec<Seat>,
    /// How many nodes its posts can reach at best: all of the application that ran.
    pub(crate) reachable: usize,
    /// How many connections it crossed to each, and when it came.
    pub(crate) heard: BTreeMap<Seat, (u8, Instant)>,
    /// How often it was sent whole.
    pub(crate) frames: u64,
    /// Whether who said it was gone soon after.
    pub(crate) is_unsettled: bool,
}

/// What is measured apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// One says everything.
    One,
    /// Each time somebody else does.
    Changing,
}

/// Everything that was said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Posts {
    pub(crate) said: Vec<Said>,
}

impl Posts {
    /// Returns what is to be sent as the next message.
    pub(crate) fn next_data(&self, bytes: usize) -> Vec<u8> {
        data(self.said.len(), bytes)
    }

    /// An application heard a message. Returns what is wrong with that.
    pub(crate) fn hear(
        &mut self,
        now: Instant,
        tab: &Tab,
        origin: Option<usize>,
        message: &RoomMessage,
    ) -> Option<String> {
        let index = named(&message.data);
        let Some(said) = index.and_then(|index| self.said.get_mut(index)) else {
            return Some("hears what nobody said".to_owned());
        };
        let is_whole = index.is_some_and(|index| data(index, said.bytes) == message.data);
        let is_true = is_whole
            && origin == Some(said.seat.tab)
            && ROOMS.get(said.room) == Some(&&*message.room)
            && said.app == tab.options.app;
        if !is_true {
            return Some(format!("hears {index:?} otherwise than it was said"));
        }
        if !tab.rooms.contains(&said.room) {
            return Some(format!("hears {index:?} in a room that it is not in"));
        }
        if said.heard.insert(tab.seat, (message.hops, now)).is_some() {
            return Some(format!("hears {index:?} twice"));
        }
        None
    }

    /// A frame is sent: counts it for the messages in it.
    pub(crate) fn sends(&mut self, frame: &[u8]) {
        let Ok((Protocol::Broadcast, body @ [0, ..])) = frame::decode(frame) else { return };
        let Some((&0, mut rest)) = body.get(KIND_AT..).and_then(<[u8]>::split_first) else {
            return;
        };
        while let Some((length, after)) = rest.split_first_chunk()
            && let Some((item, after)) = after.split_at_checked(u16::from_be_bytes(*length).into())
        {
            let said = named(item).and_then(|index| self.said.get_mut(index));
            said.into_iter().for_each(|said| said.frames += 1);
            rest = after;
        }
    }

    /// A session ends.
    pub(crate) fn closed(&mut self, now: Instant, seat: Seat) {
        let is_recent = |said: &&mut Said| said.at.as_micros() + SETTLED_MICROS >= now.as_micros();
        for said in self.said.iter_mut().rev().take_while(is_recent) {
            said.is_unsettled |= said.seat == seat;
        }
    }

    /// Returns who was in a room all the time since something was said there, and has not heard it.
    pub(crate) fn missed<'a>(
        &'a self,
        tabs: &'a [Tab],
    ) -> impl Iterator<Item = (usize, usize)> + 'a {
        let settled = self.said.iter().enumerate().filter(|(_, said)| !said.is_unsettled);
        settled.flat_map(move |(index, said)| {
            let stayed = said.audience.iter().filter(|seat| {
                tabs.get(seat.tab).is_some_and(|tab| {
                    tab.seat == **seat && tab.is_running() && tab.rooms.contains(&said.room)
                })
            });
            let missed = stayed.filter(|seat| !said.heard.contains_key(seat));
            missed.map(move |seat| (seat.tab, index))
        })
    }
}

/// The name of a message, and as much as its length asks for.
fn data(index: usize, bytes: usize) -> Vec<u8> {
    let name = u32::try_from(index).unwrap_or(u32::MAX).to_be_bytes();
    let filling = (name.len()..bytes).map(|at| u8::try_from(at % 251).unwrap_or(0));
    name.into_iter().chain(filling).collect()
}

fn named(data: &[u8]) -> Option<usize> {
    usize::try_from(u32::from_be_bytes(*data.first_chunk::<NAME_BYTES>()?)).ok()
}

/// The tabs of an application that can be reached by any way over honest, running ones.
pub(crate) fn seats_in(tabs: &[Tab], app: usize, room: usize) -> (Vec<Seat>, usize) {
    let running = || tabs.iter().filter(|tab| tab.options.app == app && tab.is_running());
    let there = running().filter(|tab| tab.rooms.contains(&room) && tab.is_honest());
    (there.map(|tab| tab.seat).collect(), running().count())
}

/// The rooms that a tab's application is in.
pub(crate) type Rooms = BTreeSet<usize>;
