//! Gossip: records of peers go from peer to peer, a few hops far, so that who is there is known beyond
//! those who are connected to a neighbour.
//!
//! Once a minute a node tells all that it is connected to of those that it knows best: first of all
//! whom it is connected to. What it is told itself it passes on, as long as there are hops to go. Only
//! who hears a peer itself begins anew, so that nobody who has left is talked of for ever. Messages,
//! states and limits are in `docs/protocol/gossip.md`.
//!
//! Knows nothing about what is in a record, nor whether it holds: it asks for that, and what it passes
//! on was checked.

mod message;
#[cfg(test)]
mod tests;

use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use peerloom_wire::PeerId;

pub(crate) use self::message::RECORDS;
use self::message::{HEADER, put};
use crate::event::StrikeKind;
use crate::io::{Economy, Lifecycle};
use crate::machine::Machine;
use crate::map::Map;
use crate::pace::{Exchange, GOSSIP_PEERS_MAX, GOSSIP_TTL_MAX, INTERVAL, Pace, Turns};
use crate::time::{Instant, Now};

/// Between the first connection and the first round: the records of those that connect together are
/// known by then.
const FIRST_DELAY: Duration = Duration::from_secs(5);

/// Before something is passed on: what comes together goes on together.
const PASS_DELAY: Duration = Duration::from_secs(1);

/// So often in an interval records are passed on at most. With what is told besides, and eight
/// connections, a node sends 1.6 kB in a second at the very most, however many peers there are.
const PASSES: u32 = 3;

/// What is passed on is not passed on again for so long, in intervals: those who are connected to a
/// peer, eight or so, all tell of it once in each. Half as long as a rumour counts.
const SEEN_INTERVALS_TENTHS: u32 = 25;

/// The most peers of which that is remembered; the oldest go first. Twice those that can be passed on
/// in the time.
const SEEN_MAX: usize = 256;

/// The most messages that may come at once. Four are sent in an interval; an outage of less than a
/// minute, after which the connection is given up, holds four back.
const TURNS_MAX: u32 = 8;

/// How long it takes to gain one more.
const TURN_TIME: Duration = Duration::from_secs(INTERVAL.as_secs() / (PASSES as u64 + 1));

/// What the protocol is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// A peer is connected.
    Up { peer: PeerId },
    /// A peer is not connected any more.
    Down { peer: PeerId },
    /// A connected peer said something: the body of a frame that begins with [`RECORDS`].
    Message { from: PeerId, body: Bytes },
    /// Answers [`Effect::Look`]: whom we know best, with their records.
    Best { records: Vec<(PeerId, Bytes)> },
    /// A record that was passed on to us holds; it has so many hops to go, this one included.
    Proved { from: PeerId, peer: PeerId, ttl: u8, record: Bytes },
    /// The page's life.
    Lifecycle(Lifecycle),
    /// Power and traffic.
    Economy(Economy),
}

/// What the protocol asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Say something to a connected peer.
    Send { to: PeerId, frame: Bytes },
    /// Say whom we know best, so many at most: [`Input::Best`].
    Look { max: usize },
    /// Check these records, each with its hops; those that hold come back as [`Input::Proved`].
    Check { from: PeerId, records: Vec<(u8, Bytes)> },
    /// A peer broke a rule.
    Strike { peer: PeerId, kind: StrikeKind },
}

/// A record on its way.
#[derive(Clone, Debug)]
struct Item {
    /// Who told us; ourselves are nobody.
    from: Option<PeerId>,
    peer: PeerId,
    ttl: u8,
    record: Bytes,
}

/// What is told from peer to peer.
#[derive(Debug)]
pub(crate) struct Gossip {
    exchange: Exchange,
    pace: Pace,
    /// The connected peers, and how much they may still say.
    neighbours: Map<PeerId, Turns>,
    /// When a peer's record was last passed on. At most [`SEEN_MAX`].
    seen: Map<PeerId, Instant>,
    /// What is to be passed on: at most [`GOSSIP_PEERS_MAX`].
    waiting: Vec<Item>,
    round_at: Option<Instant>,
    pass_at: Option<Instant>,
    /// Before this nothing is passed on.
    pass_after: Instant,
    counters: Map<&'static str, u64>,
}

impl Machine for Gossip {
    type Input = Input;
    type Effect = Effect;

    fn handle(&mut self, now: Now, input: Input, out: &mut Vec<Effect>) {
        match input {
            Input::Up { peer } => {
                self.neighbours.insert(peer, Turns::new(now.mono, TURNS_MAX));
                self.round_at.get_or_insert(now.mono + FIRST_DELAY);
            }
            Input::Down { peer } => self.on_down(peer),
            Input::Message { from, body } => self.on_message(now, from, &body, out),
            Input::Best { records } => self.on_best(records, out),
            Input::Proved { from, peer, ttl, record } => {
                self.on_proved(now, Item { from: Some(from), peer, ttl, record });
            }
            Input::Lifecycle(lifecycle) => self.pace.on_lifecycle(lifecycle),
            Input::Economy(economy) => self.pace.on_economy(economy),
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        [self.round_at, self.pass_at].into_iter().flatten().min()
    }

    fn handle_timeout(&mut self, now: Now, out: &mut Vec<Effect>) {
        let interval = self.pace.interval();
        if self.round_at.is_some_and(|at| at <= now.mono) {
            self.round_at = Some(now.mono + interval);
            let max = self.exchange.gossip_peers_max.min(GOSSIP_PEERS_MAX);
            out.push(Effect::Look { max });
        }
        if self.pass_at.is_some_and(|at| at <= now.mono) {
            self.pass_at = None;
            self.pass_after = now.mono + interval / PASSES;
            let items = core::mem::take(&mut self.waiting);
            self.counters.count_more("gossip.records_passed_on", items.len() as u64);
            self.tell(&items, out);
        }
    }
}

impl Gossip {
    /// Makes the protocol, connected to nobody.
    #[must_use]
    pub(crate) const fn new(exchange: Exchange) -> Self {
        Self {
            exchange,
            pace: Pace::new(exchange),
            neighbours: Map::new(),
            seen: Map::new(),
            waiting: Vec::new(),
            round_at: None,
            pass_at: None,
            pass_after: Instant::ZERO,
            counters: Map::new(),
        }
    }

    pub(crate) const fn counters(&self) -> &Map<&'static str, u64> {
        &self.counters
    }

    fn on_down(&mut self, peer: PeerId) {
        self.neighbours.remove(&peer);
        if self.neighbours.is_empty() {
            self.round_at = None;
            self.pass_at = None;
            self.waiting.clear();
            self.seen.clear();
        }
    }

    #[inline(never)]
    fn on_message(&mut self, now: Now, from: PeerId, body: &Bytes, out: &mut Vec<Effect>) {
        // None: what was under way when the connection closed.
        let Some(turns) = self.neighbours.get_mut(&from) else { return };
        let heard = if turns.admit(now.mono, TURNS_MAX, TURN_TIME) {
            message::read(body)
        } else {
            Err(StrikeKind::OutOfTurn)
        };
        match heard {
            Ok(records) => {
                self.counters.count("gossip.messages_received");
                out.push(Effect::Check { from, records });
            }
            Err(kind) => {
                self.counters.count("gossip.messages_refused");
                out.push(Effect::Strike { peer: from, kind });
            }
        }
    }

    /// Tells everybody of those that we know best.
    #[inline(never)]
    fn on_best(&mut self, records: Vec<(PeerId, Bytes)>, out: &mut Vec<Effect>) {
        let ttl = self.exchange.gossip_ttl.min(GOSSIP_TTL_MAX);
        let item = |(peer, record)| Item { from: None, peer, ttl, record };
        let items: Vec<Item> = records.into_iter().map(item).collect();
        if ttl > 0 {
            self.tell(&items, out);
        }
    }

    /// A record that somebody passed on is passed on by us too, if it has hops to go and did not come
    /// by lately.
    #[inline(never)]
    fn on_proved(&mut self, now: Now, item: Item) {
        let not_before = self.pace.interval() * SEEN_INTERVALS_TENTHS / 10;
        let is_seen = self.seen.get(&item.peer).is_some_and(|at| now.mono.since(*at) < not_before);
        let name = if item.ttl <= 1 {
            "gossip.records_at_end"
        } else if is_seen {
            "gossip.duplicates"
        } else if self.waiting.len() >= GOSSIP_PEERS_MAX {
            "gossip.records_dropped"
        } else {
            if self.seen.len() >= SEEN_MAX {
                self.seen.remove_least_by(|at| *at);
            }
            self.seen.insert(item.peer, now.mono);
            self.waiting.push(Item { ttl: item.ttl - 1, ..item });
            let soon = (now.mono + PASS_DELAY).max(self.pass_after);
            self.pass_at.get_or_insert(soon);
            return;
        };
        self.counters.count(name);
    }

    /// Tells everybody, but for who told us, and for whom it is about.
    #[inline(never)]
    fn tell(&mut self, items: &[Item], out: &mut Vec<Effect>) {
        for &to in self.neighbours.keys() {
            let mut frame = HEADER.to_vec();
            for item in items {
                if item.from != Some(to) && item.peer != to {
                    put(&mut frame, item.ttl, &item.record);
                }
            }
            if frame.len() > HEADER.len() {
                self.counters.count("gossip.messages_sent");
                self.counters.count_more("gossip.bytes_sent", frame.len() as u64);
                out.push(Effect::Send { to, frame: frame.into() });
            }
        }
    }
}
