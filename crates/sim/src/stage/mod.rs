//! A world that is led by hand: tabs come and go, and time moves, as somebody outside asks. It is
//! what `peerloom/testing` shows to JavaScript.
//!
//! Nodes and network are those of [`crate::World`]; there is no script, no checker and no store.
//! What only the outside can do comes out as a [`Notice`], and its result comes back; time stands
//! still meanwhile, so how long it really took changes nothing. Bodies have their bytes here, since
//! applications read what they fetched.

mod actor;
mod conditions;
mod serving;
#[cfg(test)]
mod tests;

use core::time::Duration;
use std::collections::VecDeque;

use bytes::Bytes;
use peerloom_core::io::{
    Command, CommandId, ConnId, Lifecycle, LinkCommand, LinkEvent, StoreId, StoreOp,
};
use peerloom_core::{Event, Input, Instant, Node, Output};
use peerloom_wire::{ChunkId, PeerId};

use self::actor::Actor;
pub use self::actor::TabSetup;
pub use self::conditions::Conditions;
use self::serving::Servings;
pub use self::serving::Ticket;
use crate::dice::{Dice, Span};
use crate::fabric::{End, Fabric};
use crate::keyring;
pub use crate::schedule::Seat;
use crate::schedule::{Happening, Schedule};
use crate::tab::EPOCH_MS;

/// The most tabs: identities in one world. A browser's tab has room for a few thousand nodes.
pub const TABS_MAX: usize = 4096;

/// How long a store takes: a worker's answer, and a little more.
const STORE_LATENCY: Span = Span::new(0, 2);

/// Something that only the outside can do, or has to be told. They come in order; each is to be
/// taken, and answered where that is asked for, before time moves on.
#[derive(Debug)]
pub enum Notice {
    /// An application hears of something.
    Event {
        /// Whose.
        seat: Seat,
        /// What.
        event: Box<Event>,
    },
    /// Do this on a tab's store; answered by [`Stage::stored`].
    Store {
        /// Whose.
        seat: Seat,
        /// Names it in the answer.
        id: StoreId,
        /// What to do.
        op: StoreOp,
        /// What a `KeepBody` is to store; none if its connection is gone.
        body: Option<Bytes>,
    },
    /// Read a chunk of a tab's store; answered by [`Stage::chunk_read`].
    Read {
        /// Whose.
        seat: Seat,
        /// Names it in the answer.
        ticket: Ticket,
        /// Which chunk.
        chunk: ChunkId,
    },
}

/// A world that is led by hand.
pub struct Stage {
    seed: u64,
    conditions: Conditions,
    schedule: Schedule,
    fabric: Fabric,
    dice: Dice,
    actors: Vec<Actor>,
    servings: Servings,
    notices: VecDeque<Notice>,
    /// One for each island of the partition.
    cuts: Vec<u64>,
}

impl std::fmt::Debug for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "stage of {} tabs at {:?}", self.actors.len(), self.schedule.now())
    }
}

impl Stage {
    /// Makes an empty world at time zero. Equal seeds, equal conditions and equal calls give equal
    /// runs.
    #[must_use]
    pub fn new(seed: u64, conditions: Conditions) -> Self {
        Self {
            seed,
            conditions,
            schedule: Schedule::default(),
            fabric: Fabric::new(seed, conditions.links()),
            dice: Dice::new(seed, "stage"),
            actors: Vec::new(),
            servings: Servings::default(),
            notices: VecDeque::new(),
            cuts: Vec::new(),
        }
    }

    /// Returns how long the world has existed.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.schedule.now()
    }

    /// Returns what the wall clocks of all tabs show.
    #[must_use]
    pub const fn unix_ms(&self) -> u64 {
        EPOCH_MS + self.schedule.now().as_micros() / 1000
    }

    /// Opens a page with a node in it. The n-th tab has the n-th identity, which stays. None if it is
    /// open, or beyond the most.
    pub fn open(&mut self, tab: usize, setup: TabSetup) -> Option<Seat> {
        if tab >= self.actors.len() && tab < TABS_MAX {
            self.actors.extend((self.actors.len()..=tab).map(|tab| Actor::new(self.seed, tab)));
        }
        let (now, unix_ms) = (self.now(), self.unix_ms());
        let actor = self.actors.get_mut(tab).filter(|actor| actor.node.is_none())?;
        let seat = actor.open(self.seed, setup, now, unix_ms);
        self.drain(seat);
        Some(seat)
    }

    /// Closes a page without a word to anybody.
    pub fn close(&mut self, seat: Seat) {
        if self.actor(seat).is_none() {
            return;
        }
        self.servings.forget_session(seat);
        self.fabric.drop_session(&mut self.schedule, seat);
        self.notices.retain(|notice| notice.seat() != seat);
        if let Some(actor) = self.actors.get_mut(seat.tab) {
            actor.close();
        }
        self.serve();
    }

    /// Joins a tab's signalling channels: from here on it hears others.
    pub fn join(&mut self, seat: Seat) {
        if let Some(actor) = self.actor_mut(seat) {
            actor.has_joined = true;
        }
    }

    /// Gives a command; its answer comes as an event with the same id.
    pub fn command(&mut self, seat: Seat, id: CommandId, command: Command) {
        self.feed(seat, Input::Command { id, command });
    }

    /// Gives what a node waits for since the application was told something.
    pub fn reply(&mut self, seat: Seat, input: Input) {
        self.feed(seat, input);
    }

    /// Says goodbye, as a page does that is about to go. A frozen one can't.
    pub fn leave(&mut self, seat: Seat) {
        if self.actor(seat).is_some_and(|actor| !actor.is_frozen()) {
            self.feed(seat, Input::Lifecycle(Lifecycle::Leaving));
        }
    }

    /// Hides a page, whose timers fire at full seconds from here on, or shows it.
    pub fn show(&mut self, seat: Seat, is_shown: bool) {
        let Some(actor) = self.actor_mut(seat) else { return };
        actor.is_hidden = !is_shown;
        actor.wake = None;
        let lifecycle = if is_shown { Lifecycle::Visible } else { Lifecycle::Hidden };
        self.feed(seat, Input::Lifecycle(lifecycle));
        self.plan_wake(seat);
    }

    /// Stops a page as browsers do: it is told, and then nothing of it runs.
    pub fn freeze(&mut self, seat: Seat) {
        if self.actor(seat).is_some_and(|actor| !actor.is_frozen()) {
            self.feed(seat, Input::Lifecycle(Lifecycle::Frozen));
            self.sleep(seat);
        }
    }

    /// Stops a page as a machine does that is put to sleep: without telling anybody.
    pub fn sleep(&mut self, seat: Seat) {
        if let Some(actor) = self.actor_mut(seat) {
            actor.held.get_or_insert_default();
        }
    }

    /// Lets a frozen page run again: it is told, and then hears what waited.
    pub fn thaw(&mut self, seat: Seat) {
        let Some(held) = self.actor_mut(seat).and_then(|actor| actor.held.take()) else { return };
        if let Some(actor) = self.actor_mut(seat) {
            actor.wake = None;
        }
        self.feed(seat, Input::Lifecycle(Lifecycle::Resumed));
        for input in held {
            self.feed(seat, input);
        }
        self.plan_wake(seat);
    }

    /// Returns a tab's node, while its page is open.
    #[must_use]
    pub fn node(&self, seat: Seat) -> Option<&Node> {
        self.actor(seat)?.node.as_ref()
    }

    /// Returns `length` bytes of a tab's own stream of chance.
    pub fn random(&mut self, seat: Seat, length: usize) -> Vec<u8> {
        self.actors.get_mut(seat.tab).map_or_else(Vec::new, |actor| actor.dice.bytes(length))
    }

    /// Runs until something is to be done outside, or up to and including `end`. Returns whether
    /// the end was reached; then nothing is left to do outside.
    pub fn run(&mut self, end: Instant) -> bool {
        while self.notices.is_empty() {
            let Some(happening) = self.schedule.next(end) else { return true };
            match happening {
                Happening::Input { seat, input } => self.feed(seat, input),
                Happening::Wake { seat } => self.wake(seat),
                Happening::Fabric(step) => self.fabric.step(&mut self.schedule, step),
                Happening::Stored { seat, id } => {
                    let due = self.actor_mut(seat).and_then(|actor| actor.ops.due(id));
                    if let Some(result) = due {
                        self.feed(seat, Input::Stored { id, result });
                    }
                }
                // The rest is of scripted worlds.
                _ => {}
            }
        }
        false
    }

    /// Returns what is to be done outside, in order, until there is nothing.
    pub fn poll_notice(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }

    /// Returns the contract of a driver that a node broke, if one did: a bug.
    #[must_use]
    pub fn breach(&self) -> Option<String> {
        self.fabric.breaches.first().map(|(tab, what)| format!("tab {tab}, {what}"))
    }

    fn actor(&self, seat: Seat) -> Option<&Actor> {
        self.actors.get(seat.tab).filter(|actor| actor.seat == seat && actor.node.is_some())
    }

    fn actor_mut(&mut self, seat: Seat) -> Option<&mut Actor> {
        self.actors.get_mut(seat.tab).filter(|actor| actor.seat == seat && actor.node.is_some())
    }

    /// Gives a node an input now, or when its page runs again.
    fn feed(&mut self, seat: Seat, input: Input) {
        let now = self.now();
        let unix_ms = self.unix_ms();
        if let Input::Link { conn, .. } = &input
            && !self.fabric.has(End { seat, conn: *conn })
        {
            return;
        }
        let Some(actor) = self.actor_mut(seat) else { return };
        if let Some(held) = &mut actor.held {
            return held.push(input);
        }
        if let Input::Link { conn, event: LinkEvent::Writable { budget_bytes } } = &input {
            self.fabric.grant(End { seat, conn: *conn }, *budget_bytes);
        }
        let Some(actor) = self.actor_mut(seat) else { return };
        actor.handle(now, unix_ms, input);
        self.drain(seat);
    }

    fn drain(&mut self, seat: Seat) {
        while let Some(output) = self.actor_mut(seat).and_then(Actor::poll_output) {
            self.execute(seat, output);
        }
        self.plan_wake(seat);
    }

    fn execute(&mut self, seat: Seat, output: Output) {
        match output {
            Output::Signal { bytes } => self.signal(seat, &bytes),
            // These nodes are given no servers.
            Output::Server { .. } => {}
            Output::Link { conn, command } => self.link(seat, conn, command),
            Output::Store { id, op } => {
                let body = match &op {
                    StoreOp::KeepBody { conn, request, .. } => self
                        .fabric
                        .take_arrived(End { seat, conn: *conn }, *request)
                        .and_then(|body| body.inline),
                    _ => None,
                };
                let latency = self.dice.span(STORE_LATENCY);
                let now = self.now();
                let Some(actor) = self.actor_mut(seat) else { return };
                let at = actor.ops.begin(id, now + latency);
                self.schedule.at(at, Happening::Stored { seat, id });
                self.notices.push_back(Notice::Store { seat, id, op, body });
            }
            Output::Sign { id, payload } => {
                let key = keyring::public_key(self.seed, seat.tab);
                let signature = Some(keyring::sign(&key, &payload));
                self.answer(seat, Input::Signed { id, signature });
            }
            Output::Verify { id, claim } => {
                let holds = keyring::holds(&claim);
                self.answer(seat, Input::Verified { id, holds });
            }
            Output::Event(event) => {
                self.notices.push_back(Notice::Event { seat, event: Box::new(event) })
            }
        }
    }

    /// The browser's cryptography has an answer.
    fn answer(&mut self, seat: Seat, input: Input) {
        let latency = self.dice.span(keyring::LATENCY);
        self.schedule.after(latency, Happening::Input { seat, input });
    }

    /// Carries an envelope to whoever listens on a channel of the sender and can be reached.
    fn signal(&mut self, from: Seat, bytes: &Bytes) {
        let Some(own) = self.actor(from) else { return };
        let hears = |actor: &&Actor| actor.hears() && actor.seat != from && actor.shares(own);
        let listeners: Vec<Seat> =
            self.actors.iter().filter(hears).map(|actor| actor.seat).collect();
        for seat in listeners {
            let Some(delay) = self.fabric.envelope_delay(from.tab, seat.tab) else { continue };
            let input = Input::Signal { bytes: bytes.clone() };
            self.schedule.after(delay, Happening::Input { seat, input });
        }
    }

    fn link(&mut self, seat: Seat, conn: ConnId, command: LinkCommand) {
        let end = End { seat, conn };
        match command {
            LinkCommand::ServeBody { request, body } => {
                if let Some((ticket, chunk)) = self.servings.begin(end, request, body) {
                    self.notices.push_back(Notice::Read { seat, ticket, chunk });
                }
                return self.serve();
            }
            LinkCommand::StopServing { request } => self.servings.forget(end, Some(request)),
            LinkCommand::Close => self.servings.forget(end, None),
            _ => {}
        }
        self.fabric.execute(&mut self.schedule, end, command);
        self.serve();
    }

    fn wake(&mut self, seat: Seat) {
        let now = self.now();
        let Some(actor) = self.actor_mut(seat).filter(|actor| actor.wake == Some(now)) else {
            return;
        };
        actor.wake = None;
        if actor.is_frozen() {
            return;
        }
        if actor.deadline().is_some_and(|due| due <= now) {
            self.feed(seat, Input::Timeout);
        } else {
            self.plan_wake(seat);
        }
    }

    fn plan_wake(&mut self, seat: Seat) {
        let now = self.now();
        let Some(at) = self.actor_mut(seat).and_then(|actor| actor.plan_wake(now)) else { return };
        self.schedule.at(at, Happening::Wake { seat });
    }

    /// Returns the id of the peer that a tab is.
    #[must_use]
    pub fn peer_id(&self, tab: usize) -> PeerId {
        keyring::peer_id(self.seed, tab)
    }
}

impl Notice {
    const fn seat(&self) -> Seat {
        match self {
            Self::Event { seat, .. } | Self::Store { seat, .. } | Self::Read { seat, .. } => *seat,
        }
    }
}

/// A timer never fires at once.
const TIMER_MIN: Duration = Duration::from_millis(1);
