//! What applications do in rooms.

use peerloom_core::event::RoomMessage;
use peerloom_core::io::Command;

use crate::convergence::View;
use crate::posts::{Phase, ROOMS, Said, seats_in};
use crate::schedule::Seat;
use crate::tab::Asked;
use crate::world::World;

/// The length of what is said to see whether it is heard.
const PROBE_BYTES: usize = 50;

/// How long it may take to be heard, in milliseconds: a few repairs over slow connections.
const HEARD_WITHIN_MS: u64 = 15_000;

impl World {
    pub(crate) fn join(&mut self, index: usize, room: usize, is_shown: bool) {
        let Some(tab) = self.tabs.get_mut(index) else { return };
        let can = tab.is_open() && tab.frozen_until.is_none();
        let Some(name) = ROOMS.get(room).filter(|_| can) else { return };
        tab.rooms.insert(room);
        let command = Command::Join { room: (*name).to_owned(), is_shown };
        self.command(index, command, Asked::Other);
    }

    /// A tab that is opened joins the rooms that it always joins.
    pub(crate) fn join_rooms(&mut self, index: usize) {
        for room in self.tabs[index].options.rooms.clone() {
            self.join(index, room, false);
        }
    }

    pub(crate) fn leave_room(&mut self, index: usize, room: usize) {
        let tab = &mut self.tabs[index];
        if tab.frozen_until.is_none() && tab.rooms.remove(&room) {
            let command = Command::Leave { room: ROOMS[room].to_owned() };
            self.command(index, command, Asked::Other);
        }
    }

    /// In a world that has converged, what is said in a room is heard by all there to whom there is a
    /// way over honest tabs.
    pub(crate) fn all_hear_all(&mut self) {
        let first = self.posts.said.len();
        for index in 0..self.tabs.len() {
            for room in self.tabs[index].rooms.clone() {
                self.say(index, room, PROBE_BYTES, None);
            }
        }
        if self.posts.said.len() == first {
            return;
        }
        let view = View::new(self);
        let parts: Vec<usize> = (0..self.tabs.len()).map(|tab| view.component(tab)).collect();
        self.run_until(self.now_ms() + HEARD_WITHIN_MS);
        let missed: Vec<(usize, usize)> = self.posts.missed(&self.tabs).collect();
        for (tab, index) in missed {
            let origin = self.posts.said[index].seat.tab;
            let is_apart = !self.tabs[origin].is_honest() || parts[origin] != parts[tab];
            let (own, peer) = (&self.tabs[tab], self.tabs[origin].peer);
            let now = self.schedule.now();
            let bans = own.bans(now, &peer) || self.checkers.has_banned(own.seat, peer);
            if index >= first && !is_apart && !bans {
                let what = format!("has not heard message {index} of tab {origin}");
                self.checkers.fail(self.now_ms(), tab, "a converged world hears everything", what);
            }
        }
    }

    pub(crate) fn say(&mut self, index: usize, room: usize, bytes: usize, phase: Option<Phase>) {
        let tab = &self.tabs[index];
        if !tab.is_running() || tab.frozen_until.is_some() || !tab.rooms.contains(&room) {
            return;
        }
        let (seat, app) = (tab.seat, tab.options.app);
        let data = self.posts.next_data(bytes).into();
        let (mut audience, reachable) = seats_in(&self.tabs, app, room);
        audience.retain(|other| *other != seat);
        self.posts.said.push(Said {
            seat,
            app,
            room,
            bytes,
            at: self.schedule.now(),
            phase,
            audience,
            reachable,
            heard: std::collections::BTreeMap::new(),
            frames: 0,
            is_unsettled: false,
        });
        self.count("messages said");
        let command = Command::Post { room: ROOMS[room].to_owned(), data };
        self.command(index, command, Asked::Other);
    }

    /// An application heard something in a room.
    pub(crate) fn post_heard(&mut self, seat: Seat, message: &RoomMessage) {
        let origin = self.truth.who.find(&message.from).map(|entry| entry.tab);
        let (now, tab) = (self.schedule.now(), &self.tabs[seat.tab]);
        if let Some(what) = self.posts.hear(now, tab, origin, message) {
            let at_ms = self.now_ms();
            self.checkers.fail(at_ms, seat.tab, "rooms hear what was said, once", what);
        }
    }
}
