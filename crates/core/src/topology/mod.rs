//! Topology: which of all peers a node is connected to, once there are more of them than it has
//! connections.
//!
//! After HyParView (Leitão, Pereira and Rodrigues 2007): connections are the active view; walks
//! through it bring those who want connections to those who have room; a passive view of further
//! peers is kept fresh by shuffling it with neighbours. Next to random peers each node is connected
//! to neighbours by id, so that the graph holds together and can be searched. Messages, states and
//! limits are in `docs/protocol/topology.md`.
//!
//! Knows nothing about how peers are heard, dialled and reached, nor what connections are used for.

mod choice;
mod message;
mod neighbour;
mod shuffle;
#[cfg(test)]
mod tests;
mod walk;

use alloc::vec::Vec;
use core::time::Duration;

use peerloom_wire::PeerId;

pub(crate) use self::message::Message;
use self::neighbour::Neighbour;
use crate::event::StrikeKind;
use crate::machine::Machine;
use crate::map::{Map, Set};
use crate::random::Random;
use crate::time::{Instant, Now};

/// With fewer places than this there is no swarm, only pairs: nobody makes room.
const PLACES_MIN: usize = 2;

/// With fewer places than this they go to the ring first: what is left after it is too little to be
/// sure that all are one.
const PLACES_FEW: usize = 4;

/// Between a change and its first consequence: peers that appear together are chosen among together,
/// and neighbours are told once of several changes. Guess.
const SETTLE_TIME: Duration = Duration::from_millis(150);

/// The first wait between two attempts to get enough connections; each is twice as long as the one
/// before. Longer than a walk of twelve steps and an offer back over connections of 50 ms.
const TRY_FIRST: Duration = Duration::from_secs(1);

/// The longest wait.
const TRY_MAX: Duration = Duration::from_secs(60);

/// For so long an attempt to connect counts as a connection to be. One that takes longer mostly
/// leads nowhere: connecting takes a second, an answer that never comes ten.
const ATTEMPT_TIME: Duration = Duration::from_secs(3);

/// What the protocol is told.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    /// So many connections there may be from now on.
    Places { max: usize },
    /// There are other peers than before. `is_crowd`: more than there are places for.
    Changed { is_crowd: bool },
    /// Answers [`Effect::Look`]: peers that may be dialled now.
    Candidates { is_crowd: bool, peers: Vec<Candidate> },
    /// An attempt to connect is under way, ours or theirs.
    Connecting { peer: PeerId },
    /// An attempt ended.
    Failed { peer: PeerId },
    /// A peer is connected.
    Up { peer: PeerId },
    /// A peer is not connected any more.
    Down { peer: PeerId },
    /// A peer answered a ping: this is what it is worth now.
    Scored { peer: PeerId, score: u64 },
    /// A peer wanted a connection, and there was no place. `is_around`: as in [`Candidate`].
    Refused { peer: PeerId, is_around: bool },
    /// A peer says over others that it is there, to us alone: a walk of ours came to it perhaps.
    Called { peer: PeerId },
    /// The application wants a connection to this peer.
    Pin { peer: PeerId },
    /// It does not any more.
    Unpin { peer: PeerId },
    /// A connected peer says something.
    Message { from: PeerId, message: Message },
}

/// A peer that may be dialled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    pub(crate) peer: PeerId,
    /// What it is worth.
    pub(crate) score: u64,
    /// Whether it was heard lately, and not over our connections: it and we can be connected
    /// whatever becomes of these.
    pub(crate) is_around: bool,
    /// Whether it is there, but had no place just now: not dialled yet.
    pub(crate) is_waiting: bool,
}

/// What the protocol asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Say which peers may be dialled: [`Input::Candidates`].
    Look,
    /// Connect to this peer; if it was never heard, say to it that we are here.
    Dial { peer: PeerId },
    /// End the connection to the first of these that is not in use, politely.
    Close { peers: Vec<PeerId> },
    /// Send a message to a connected peer.
    Send { to: PeerId, message: Message },
    /// What is for the one can be handed to the other.
    Way { to: PeerId, by: PeerId },
    /// A peer broke a rule.
    Strike { peer: PeerId, kind: StrikeKind },
}

/// Settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Config {
    /// Our id.
    pub(crate) own: PeerId,
    /// The most connections, attempts included.
    pub(crate) connections_max: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counters {
    walks_started: u64,
    walks_carried: u64,
    walks_ended: u64,
    walks_dropped: u64,
    shuffles: u64,
    refused: u64,
    surplus_closed: u64,
}

/// Whom we are connected to, and whom else we know of.
#[derive(Debug)]
pub(crate) struct Topology {
    config: Config,
    random: Random,
    /// Whether more peers are known than there are places. If not, everybody is dialled anyway.
    is_crowd: bool,
    /// The active view.
    neighbours: Map<PeerId, Neighbour>,
    /// When each attempt began.
    attempts: Map<PeerId, Instant>,
    /// The passive view: at most `PASSIVE_MAX`, those that were heard of last at the end.
    passive: Vec<PeerId>,
    /// Whom the application asked for; at most half of the places.
    pinned: Set<PeerId>,
    /// When it is tried to get more connections.
    try_at: Option<Instant>,
    try_wait: Duration,
    /// Before this no walks are started.
    walk_after: Instant,
    /// How often that was tried since there were enough.
    tries: u32,
    tell_at: Option<Instant>,
    shuffle_at: Option<Instant>,
    /// Before this no connection is ended for another.
    close_after: Instant,
    /// Before this none is ended whose other end needs it.
    force_after: Instant,
    /// For whom a place is being made, until when it is of use.
    invited: Option<(PeerId, Instant)>,
    counters: Counters,
}

impl Machine for Topology {
    type Input = Input;
    type Effect = Effect;

    fn handle(&mut self, now: Now, input: Input, out: &mut Vec<Effect>) {
        let now = now.mono;
        match input {
            Input::Places { max } => {
                self.config.connections_max = max;
                self.on_changed(now);
            }
            Input::Changed { is_crowd } => {
                self.is_crowd = is_crowd;
                self.try_soon(now);
            }
            Input::Candidates { is_crowd, peers } => self.choose(now, is_crowd, peers, out),
            Input::Connecting { peer } => {
                self.attempts.entry(peer).or_insert(now);
            }
            Input::Failed { peer } => {
                self.attempts.remove(&peer);
                self.try_soon(now);
            }
            Input::Up { peer } => self.on_up(now, peer),
            Input::Down { peer } => self.on_down(now, peer, out),
            Input::Scored { peer, score } => {
                if let Some(neighbour) = self.neighbours.get_mut(&peer) {
                    neighbour.score = score;
                }
            }
            Input::Refused { peer, is_around } => {
                self.counters.refused += 1;
                self.make_room(now, peer, is_around, out);
            }
            // It lacks a connection, or walked for us: places are for those who come.
            Input::Called { peer } if self.has_room() => out.push(Effect::Dial { peer }),
            Input::Called { .. } => {}
            Input::Pin { peer } => self.pin(now, peer, out),
            Input::Unpin { peer } => {
                self.pinned.remove(&peer);
            }
            Input::Message { from, message } => self.on_message(now, from, message, out),
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        [self.try_at, self.tell_at, self.shuffle_at].into_iter().flatten().min()
    }

    fn handle_timeout(&mut self, now: Now, out: &mut Vec<Effect>) {
        let now = now.mono;
        let is_due = |at: &Option<Instant>| at.is_some_and(|at| at <= now);
        if is_due(&self.tell_at) {
            self.tell_at = None;
            self.tell(out);
        }
        if is_due(&self.shuffle_at) {
            self.shuffle(now, out);
        }
        if is_due(&self.try_at) {
            self.try_at = None;
            self.try_for_more(now, out);
        }
    }
}

impl Topology {
    /// Makes the protocol with no neighbour.
    #[must_use]
    pub(crate) fn new(config: Config, random: Random) -> Self {
        Self {
            config,
            random,
            is_crowd: false,
            neighbours: Map::new(),
            attempts: Map::new(),
            passive: Vec::new(),
            pinned: Set::new(),
            try_at: None,
            try_wait: TRY_FIRST,
            walk_after: Instant::ZERO,
            tries: 0,
            tell_at: None,
            shuffle_at: None,
            close_after: Instant::ZERO,
            force_after: Instant::ZERO,
            invited: None,
            counters: Counters::default(),
        }
    }

    /// Returns the counters, by name.
    #[must_use]
    pub(crate) const fn stats(&self) -> [(&'static str, u64); 8] {
        let counters = &self.counters;
        [
            ("topology.walks_started", counters.walks_started),
            ("topology.walks_carried", counters.walks_carried),
            ("topology.walks_ended", counters.walks_ended),
            ("topology.walks_dropped", counters.walks_dropped),
            ("topology.shuffles", counters.shuffles),
            ("topology.refused", counters.refused),
            ("topology.surplus_closed", counters.surplus_closed),
            ("topology.passive", self.passive.len() as u64),
        ]
    }

    #[inline(never)]
    fn on_up(&mut self, now: Instant, peer: PeerId) {
        self.attempts.remove(&peer);
        self.neighbours.insert(peer, Neighbour::new(now));
        self.passive.retain(|known| *known != peer);
        if self.shuffle_at.is_none() {
            self.plan_shuffle(now);
        }
        self.on_changed(now);
    }

    #[inline(never)]
    fn on_down(&mut self, now: Instant, peer: PeerId, out: &mut Vec<Effect>) {
        if self.neighbours.remove(&peer).is_none() {
            return;
        }
        if self.neighbours.is_empty() {
            self.shuffle_at = None;
            self.tell_at = None;
        }
        if let Some((invited, until)) = self.invited.take()
            && now < until
        {
            out.push(Effect::Dial { peer: invited });
        }
        self.on_changed(now);
    }

    /// There are more neighbours or fewer: others are told, and more are looked for soon.
    fn on_changed(&mut self, now: Instant) {
        self.try_wait = TRY_FIRST;
        self.walk_after = self.walk_after.min(now + TRY_FIRST);
        self.try_soon(now);
        if !self.neighbours.is_empty() {
            self.tell_at.get_or_insert(now + SETTLE_TIME);
        }
    }

    fn try_soon(&mut self, now: Instant) {
        let soon = now + self.random.jitter(SETTLE_TIME);
        self.try_at = Some(self.try_at.map_or(soon, |at| at.min(soon)));
    }

    #[inline(never)]
    fn on_message(&mut self, now: Instant, from: PeerId, message: Message, out: &mut Vec<Effect>) {
        // None: what was under way when the connection closed.
        let Some(neighbour) = self.neighbours.get_mut(&from) else { return };
        match message {
            Message::Status(status) => neighbour.status = status,
            Message::Walk(walk) => self.on_walk(now, from, walk, out),
            Message::Shuffle { answer_wanted, peers } => {
                self.on_shuffle(now, from, answer_wanted, &peers, out);
            }
        }
    }

    /// How many connections are wanted, and no more than that are dialled for: three quarters of the
    /// places. The others are for those who come: one at least, but for two places, which a ring takes.
    const fn wanted(&self) -> usize {
        match self.config.connections_max {
            3 => 2,
            places => places - places / 4,
        }
    }

    /// Connections and attempts.
    const fn in_use(&self) -> usize {
        self.neighbours.len() + self.attempts.len()
    }

    const fn has_room(&self) -> bool {
        self.in_use() < self.config.connections_max
    }

    /// Attempts that may still come to something soon.
    fn fresh_attempts(&self, now: Instant) -> usize {
        self.attempts.values().filter(|began| now < **began + ATTEMPT_TIME).count()
    }

    /// How many connections are still to be found.
    fn lacking(&self, now: Instant) -> usize {
        self.wanted().saturating_sub(self.neighbours.len() + self.fresh_attempts(now))
    }
}
