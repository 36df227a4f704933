//! Broadcast: what is said in a room reaches everybody who is in it.
//!
//! Plumtree (Leitão, Pereira, Rodrigues, "Epidemic Broadcast Trees", SRDS 2007): posts are pushed
//! whole along the edges of a tree, and announced along all others. Who hears an announcement and
//! does not get the post asks for it, which mends the tree; who gets a post twice cuts an edge off it.
//! One tree carries all rooms, since every peer hands on what is said in any of them: so no room falls
//! apart for want of members in between. Where we depart from the paper is in
//! `docs/protocol/broadcast.md`; why each peer checks each signature, in decision 8.
//!
//! Knows nothing about how peers are found and connected: a neighbour comes up and goes down.

mod cache;
mod flow;
mod message;
mod origin;
mod post;
mod receive;
mod repair;
mod room;
#[cfg(test)]
mod tests;
mod tree;
mod write;

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;
use peerloom_crypto::{Claim, PublicKey, Signature};
use peerloom_wire::{AppId, PeerId, RunId};

use self::cache::Cache;
use self::flow::Held;
pub(crate) use self::message::Message;
use self::origin::Origins;
pub use self::post::DATA_BYTES_MAX;
use self::post::{PostId, Topic};
use self::receive::Checking;
use self::repair::Missing;
use self::room::Rooms;
use self::tree::Neighbour;
use self::write::Pen;
use crate::event::{CommandError, Reply, StrikeKind};
use crate::io::CommandId;
use crate::machine::Machine;
use crate::map::Map;
use crate::random::Random;
use crate::time::{Instant, Now};

/// What the application wants.
#[derive(Clone, Debug)]
pub(crate) enum Command {
    /// Be in a room; `is_shown`: and be seen there.
    Join { room: String, is_shown: bool },
    /// Be in it no more.
    Leave { room: String },
    /// Say something there.
    Post { room: String, data: Bytes },
}

/// What the protocol is told.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    /// The node runs.
    Start,
    /// The node stops.
    Stop,
    /// A peer is connected.
    Up { peer: PeerId },
    /// A peer is not connected any more; `has_left`: it said goodbye to all.
    Down { peer: PeerId, has_left: bool },
    /// A connected peer answered a ping.
    Alive { peer: PeerId },
    /// A connected peer says something.
    Message { from: PeerId, message: Message },
    /// What we asked to sign is signed; none if the key is gone.
    Signed { signature: Option<Signature> },
    /// What is to be known of a post's signature is known.
    Verified { check: u64, holds: bool },
    /// The application wants something.
    Command { id: CommandId, command: Command },
}

/// What the protocol asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Send a message to a connected peer.
    Send { to: PeerId, message: Message },
    /// Sign this; one at a time.
    Sign { payload: Bytes },
    /// Find out whether this holds.
    Verify { check: u64, claim: Claim },
    /// Something was said in a room that we are in.
    Deliver(Delivery),
    /// A peer came into a room that we are in, or left it.
    Member { room: String, peer: PeerId, is_here: bool },
    /// A peer broke a rule.
    Strike { peer: PeerId, kind: StrikeKind },
    /// A command has its answer.
    Done { id: CommandId, result: Result<Reply, CommandError> },
}

/// Something that was said in a room, by whom it says: its signature was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) room: String,
    pub(crate) from: PeerId,
    pub(crate) id: String,
    pub(crate) sent_ms: u64,
    pub(crate) hops: u8,
    pub(crate) data: Bytes,
}

/// Settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Config {
    /// Our key, whose private half signs what we ask for.
    pub(crate) key: PublicKey,
    /// Which application.
    pub(crate) app: AppId,
}

/// Rooms, and the tree that carries what is said in them.
#[derive(Debug)]
pub(crate) struct Broadcast {
    config: Config,
    random: Random,
    run: RunId,
    /// When this run began; none: we are stopped.
    started_at: Option<Instant>,
    rooms: Rooms,
    pen: Pen,
    /// As many as connections.
    neighbours: Map<PeerId, Neighbour>,
    /// Names neighbours in what is remembered of posts; 0 is none.
    neighbour_last: u32,
    /// The neighbour by which the last post came; 0: none.
    parent_last: u32,
    cache: Cache,
    origins: Origins,
    /// Posts whose signatures are being checked: at most what windows hold, 256 for each neighbour.
    checking: Map<u64, Checking>,
    check_last: u64,
    /// Posts that were announced and did not come: at most `MISSING_MAX`.
    missing: Map<PostId, Missing>,
    /// When what waits is announced.
    lazy_at: Option<Instant>,
    /// Posts that wait for neighbours to take them: at most what windows hold, and one of our own.
    held: VecDeque<Held>,
    /// Until when the first of them waits; none: there is none.
    held_until: Option<Instant>,
    counters: Map<&'static str, u64>,
}

impl Machine for Broadcast {
    type Input = Input;
    type Effect = Effect;

    fn handle(&mut self, now: Now, input: Input, out: &mut Vec<Effect>) {
        match input {
            Input::Start => self.on_start(now, out),
            Input::Stop => self.on_stop(out),
            Input::Up { peer } => self.on_up(now.mono, peer, out),
            Input::Down { peer, has_left } => self.on_down(now.mono, peer, has_left, out),
            Input::Alive { peer } => self.on_alive(now.mono, peer, out),
            Input::Message { from, message } => self.on_message(now, from, message, out),
            Input::Signed { signature } => self.on_signed(now, signature, out),
            Input::Verified { check, holds } => self.on_verified(now.mono, check, holds, out),
            Input::Command { id, command } => self.on_command(now, id, command, out),
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let missing = self.missing.values().map(|missing| missing.due);
        let flows = self.neighbours.values().filter_map(|neighbour| neighbour.flow.due());
        let own = [self.lazy_at, self.held_until, self.rooms.due()].into_iter().flatten();
        missing.chain(flows).chain(own).min()
    }

    fn handle_timeout(&mut self, now: Now, out: &mut Vec<Effect>) {
        if self.lazy_at.is_some_and(|at| at <= now.mono) {
            self.announce(now.mono, out);
        }
        self.on_missing_due(now.mono, out);
        self.on_flow_due(now, out);
        self.on_rooms_due(now, out);
    }
}

impl Broadcast {
    /// Makes the protocol with no neighbour and no room.
    #[must_use]
    pub(crate) fn new(config: Config, random: Random) -> Self {
        Self {
            config,
            random,
            run: RunId(0),
            started_at: None,
            rooms: Rooms::default(),
            pen: Pen::default(),
            neighbours: Map::new(),
            neighbour_last: 0,
            parent_last: 0,
            cache: Cache::default(),
            origins: Origins::default(),
            checking: Map::new(),
            check_last: 0,
            missing: Map::new(),
            lazy_at: None,
            held: VecDeque::new(),
            held_until: None,
            counters: Map::new(),
        }
    }

    /// Returns the hash of a room's name, if we are there.
    pub(crate) fn topic(&self, room: &str) -> Option<[u8; 16]> {
        self.rooms.topic(room).map(|topic| topic.0)
    }

    /// Returns the name that has this hash, if we are there.
    pub(crate) fn room_of(&self, topic: [u8; 16]) -> Option<String> {
        self.rooms.name(Topic(topic))
    }

    /// Returns who else is in a room, as far as is known.
    pub(crate) fn members(&self, room: &str) -> Vec<PeerId> {
        self.rooms.members(room)
    }

    pub(crate) const fn counters(&self) -> &Map<&'static str, u64> {
        &self.counters
    }

    /// Returns what is remembered and under way.
    pub(crate) fn gauges(&self) -> [(&'static str, u64); 11] {
        let eager = self.neighbours.values().filter(|neighbour| neighbour.is_eager).count();
        [
            ("broadcast.neighbours", self.neighbours.len() as u64),
            ("broadcast.eager", eager as u64),
            ("broadcast.seen", self.cache.len() as u64),
            ("broadcast.kept_bytes", self.cache.kept_bytes() as u64),
            ("broadcast.missing", self.missing.len() as u64),
            ("broadcast.checking", self.checking.len() as u64),
            ("broadcast.holding", self.held.len() as u64),
            ("broadcast.drafts_bytes", self.pen.drafts_bytes() as u64),
            ("broadcast.origins", self.origins.len() as u64),
            ("broadcast.rooms", self.rooms.len() as u64),
            ("broadcast.members", self.rooms.members_count() as u64),
        ]
    }

    pub(crate) fn count(&mut self, name: &'static str) {
        self.counters.count(name);
    }

    /// Begins a run: numbers count from 0 again.
    #[inline(never)]
    fn on_start(&mut self, now: Now, out: &mut Vec<Effect>) {
        if self.started_at.is_some() {
            return;
        }
        self.started_at = Some(now.mono);
        self.run = RunId::after(self.run, now.unix_ms);
        self.begin_writing();
        self.show_in_rooms(now, out);
    }

    #[inline(never)]
    fn on_stop(&mut self, out: &mut Vec<Effect>) {
        if self.started_at.take().is_none() {
            return;
        }
        self.leave_rooms(out);
        self.stop_writing(out);
        self.checking.clear();
        self.held.clear();
        self.held_until = None;
        self.missing.clear();
    }

    #[inline(never)]
    fn on_command(&mut self, now: Now, id: CommandId, command: Command, out: &mut Vec<Effect>) {
        let result = match command {
            Command::Join { room, is_shown } => self.join(now, room, is_shown, out),
            Command::Leave { room } => {
                self.leave(&room, out);
                Ok(())
            }
            Command::Post { room, data } => match self.write(now, id, &room, data, out) {
                // It is answered when it is signed.
                Ok(()) => return,
                Err(error) => Err(error),
            },
        };
        out.push(Effect::Done { id, result: result.map(|()| Reply::Done) });
    }
}
