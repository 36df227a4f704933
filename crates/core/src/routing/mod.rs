//! Signalling through peers: an envelope travels to a peer that is not connected over peers that
//! are, each of which sees no more of it than where it comes from and where it goes.
//!
//! A copy of an envelope is a walker in search of its target, after the greedy lookups of Kademlia
//! (Maymounkov and Mazières 2002) on whatever connections there are: it goes to the target if that
//! is connected, else to a peer said to be connected to it, else along the way that something of the
//! target came, else to the nearest by XOR distance. From a dead end it goes back and elsewhere
//! (depth first), until its steps are used up. The source sends a few copies by different carriers;
//! each takes its own ways, so that a carrier that drops what it gets stops one of them.
//!
//! Knows nothing about signatures, nor about what is in an envelope.

mod absent;
mod carrier;
mod choice;
mod direct;
#[cfg(test)]
mod direct_tests;
mod inbox;
mod letter;
#[cfg(test)]
mod letter_tests;
mod message;
#[cfg(test)]
mod net;
#[cfg(test)]
mod net_tests;
mod passage;
#[cfg(test)]
mod tests;
mod ways;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;
use peerloom_wire::envelope::Signal;
use peerloom_wire::{PeerId, RunId};

use self::absent::Absent;
use self::carrier::{Carrier, SOURCE_RATE};
use self::inbox::Correspondent;
use self::letter::Letter;
pub use self::letter::MESSAGE_BYTES_MAX;
pub(crate) use self::letter::name_of;
pub(crate) use self::message::{Carry, Message};
use self::message::{Kind, MessageId};
use self::passage::{PASSAGE_TIME, Passage, Passages};
use self::ways::{WALK_HOPS, Ways};
use crate::allowance::{Allowance, Rate};
use crate::event::{CommandError, LetterId, Reply, StrikeKind, Undelivered};
use crate::io::CommandId;
use crate::machine::Machine;
use crate::map::{Map, Set};
use crate::time::{Instant, Now};

/// How many copies of an envelope its source sends, each by another carrier. With one carrier in
/// five hostile and two on a way, all three are lost once in 21 times; the envelope is repeated.
const COPIES_UNKNOWN: u8 = 3;

/// How many are sent when a way is known: one along it, and one elsewhere should that be a lie.
const COPIES_KNOWN: u8 = 2;

/// The numbers of copies are below. A repeated message has none of number 0, which goes straight.
const COPIES_MAX: u8 = COPIES_UNKNOWN + 1;

/// How often a copy may be handed on in all, dead ends included. A lookup in 10,000 nodes with 8
/// connections takes log₂ 10,000 − log₂ 8, some 11 hops; the rest is for ways that lead nowhere. So
/// an envelope to nobody costs the swarm 96 frames and their answers. With 24, some 10 of 1,500 messages in
/// a simulated swarm of 500 had to be sent again, with 32 some 3 (2026-11-20, medians of four seeds).
const STEPS_MAX: u8 = 32;

/// What an envelope is charged at least, so that a bucket bounds signatures to check too.
const CHARGE_MIN_BYTES: i64 = 2048;

/// What may be handed over on one connection: 512 envelopes at once, then 64 a second, whose
/// signatures take WebCrypto 4 ms to check.
const CARRIER_RATE: Rate =
    Rate { burst_bytes: 1 << 20, bytes_per_second: 128 << 10, charge_min_bytes: CHARGE_MIN_BYTES };

/// What the protocol is told.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    /// A peer is connected: it may carry, and be carried to.
    Up { peer: PeerId },
    /// A peer is not connected any more.
    Down { peer: PeerId },
    /// Whether frames get through to a connected peer at present.
    Reachable { peer: PeerId, reachable: bool },
    /// A connected peer answered a ping.
    Alive { peer: PeerId },
    /// A connected peer says whom it is connected to: as many as peer exchange believes it.
    Neighbours { peer: PeerId, listed: Set<PeerId> },
    /// What is for one peer can be handed to a connected one.
    Way { to: PeerId, by: PeerId },
    /// A peer that was not found may be there after all: it was heard of, or the application wants it.
    LookFor { peer: PeerId },
    /// Bring an envelope of ours to a peer: a signal.
    Send { target: PeerId, envelope: Bytes },
    /// The application sends a message to a peer; `run`: the one it runs now, if that is known.
    Post { id: CommandId, target: PeerId, run: Option<RunId>, draft: Draft },
    /// [`Effect::Seal`] ended; no envelope if the key is gone.
    Sealed { target: PeerId, number: Option<u64>, envelope: Option<Bytes> },
    /// What a peer signed for us: a message or a receipt. `is_ours`: it is for this run of ours;
    /// `hops`: as often it was handed on.
    Opened { from: PeerId, run: RunId, signal: Signal, is_ours: bool, hops: u8 },
    /// [`Effect::Message`] ended: whether the application takes it.
    Taken { letter: LetterId, is_taken: bool },
    /// The node stops.
    Stop,
    /// A connected peer says something. `unwanted`: it is on behalf of a banned one.
    Message { from: PeerId, message: Message, unwanted: bool },
}

/// What the protocol asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Send a message to a connected peer.
    Send { to: PeerId, message: Message },
    /// An envelope for us, unverified, not for the first time perhaps; `hops`: as often it was handed
    /// on.
    Deliver { envelope: Bytes, hops: u8 },
    /// Put this in an envelope to a peer and sign it: a message of ours, or the receipt for one.
    Seal { to: PeerId, number: Option<u64>, signal: Signal },
    /// A message for the application, once.
    Message(Delivery),
    /// A command's answer.
    Done { id: CommandId, result: Result<Reply, CommandError> },
    /// A peer broke a rule.
    Strike { peer: PeerId, kind: StrikeKind },
}

/// A message of ours, as the application gave it.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    /// Our run.
    pub(crate) run: RunId,
    /// Names it among those of this run.
    pub(crate) number: u64,
    /// Names it everywhere.
    pub(crate) name: String,
    /// In which room it is said.
    pub(crate) room: [u8; 16],
    /// When, in milliseconds since the Unix epoch.
    pub(crate) sent_ms: u64,
    pub(crate) payload: Bytes,
}

/// A message to us. Its sender waits for [`Input::Taken`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) letter: LetterId,
    pub(crate) room: [u8; 16],
    pub(crate) sent_ms: u64,
    pub(crate) hops: u8,
    pub(crate) payload: Bytes,
}

/// Settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Config {
    /// Our id.
    pub(crate) own: PeerId,
}

/// Envelopes on their way.
#[derive(Debug)]
pub(crate) struct Routing {
    config: Config,
    /// As many as connections.
    carriers: Map<PeerId, Carrier>,
    /// In the order in which they came.
    passages: Passages,
    ways: Ways,
    absent: Absent,
    /// Messages of ours without an answer.
    letters: Vec<Letter>,
    /// What carriers take of us, as we count it: messages wait for it.
    carried: Allowance,
    /// Who sent us messages.
    correspondents: Map<PeerId, Correspondent>,
    counters: Map<&'static str, u64>,
}

impl Machine for Routing {
    type Input = Input;
    type Effect = Effect;

    fn handle(&mut self, now: Now, input: Input, out: &mut Vec<Effect>) {
        let now = now.mono;
        match input {
            Input::Up { peer } => self.on_up(now, peer, out),
            Input::Down { peer } => {
                self.carriers.remove(&peer);
                self.ways.drop_carrier(peer);
                self.reroute(now, peer, out);
                self.redirect(now, peer, out);
            }
            Input::Reachable { peer, reachable } => self.on_reachable(now, peer, reachable, out),
            Input::Alive { peer } => {
                if let Some(carrier) = self.carriers.get_mut(&peer) {
                    carrier.outgoing.fill(now, CARRIER_RATE);
                }
                self.passages.forget(now);
            }
            Input::Neighbours { peer, listed } => {
                if let Some(carrier) = self.carriers.get_mut(&peer) {
                    let before = core::mem::replace(&mut carrier.neighbours, listed);
                    let is_new =
                        |peer| carrier.neighbours.contains(&peer) && !before.contains(&peer);
                    self.absent.forget(is_new);
                }
            }
            Input::Way { to, by } => self.ways.learn(now, (to, by), STEPS_MAX - WALK_HOPS, None),
            Input::LookFor { peer } => self.absent.forget(|miss| miss == peer),
            Input::Send { target, .. } if self.absent.rests(now, target) => {
                self.count("routing.spared");
            }
            Input::Send { target, envelope } => {
                self.send(now, Kind::Signal, target, &envelope, &mut Vec::new(), out);
            }
            Input::Post { id, target, run, draft } => {
                self.post(now, (id, target), run, draft, out);
            }
            Input::Sealed { target, number, envelope } => {
                self.on_sealed(now, (target, number), envelope, out);
            }
            Input::Opened {
                from,
                run,
                signal: Signal::Message { number, room, sent_ms, payload, .. },
                is_ours,
                hops,
            } => {
                let letter = LetterId { from, run, number };
                let delivery = Delivery { letter, room, sent_ms, hops, payload };
                self.on_message(now, delivery, is_ours, out);
            }
            Input::Taken { letter, is_taken } => self.on_taken(now, letter, is_taken, out),
            Input::Opened {
                from,
                run,
                signal: Signal::Receipt { number, outcome, .. },
                is_ours,
                ..
            } => {
                // What became of a message of an earlier run says nothing of ours with its number.
                if is_ours {
                    self.on_receipt(now, (from, run), (number, outcome), out);
                } else {
                    self.count("routing.receipts_outdated");
                }
            }
            // Signals are others'.
            Input::Opened { .. } => {}
            Input::Stop => self.close_letters(out),
            Input::Message { from, message: Message::Carry(carry), unwanted } => {
                self.on_carry(now, from, carry, unwanted, out);
            }
            Input::Message {
                from,
                message: Message::Undeliverable { id, reason, steps_left },
                ..
            } => self.on_undeliverable(now, from, (id, reason, steps_left), out),
            Input::Message { from, message: Message::Direct(direct), .. } => {
                self.on_direct(now, from, *direct, out);
            }
            Input::Message { from, message: Message::Receipt(receipt), .. } => {
                self.on_direct_receipt(now, from, receipt, out);
            }
        }
    }

    /// Only messages wait: what else is over is forgotten when the next ping is answered.
    fn poll_timeout(&self) -> Option<Instant> {
        [self.letters_due(), self.receipts_due()].into_iter().flatten().min()
    }

    fn handle_timeout(&mut self, now: Now, out: &mut Vec<Effect>) {
        self.retry_letters(now.mono, out);
        self.pay(now.mono, out);
    }
}

impl Routing {
    /// Makes the protocol with no carrier.
    #[must_use]
    pub(crate) const fn new(config: Config) -> Self {
        Self {
            config,
            carriers: Map::new(),
            passages: Passages::new(),
            ways: Ways::new(),
            absent: Absent::new(),
            letters: Vec::new(),
            carried: Allowance::new(Instant::ZERO, SOURCE_RATE),
            correspondents: Map::new(),
            counters: Map::new(),
        }
    }

    /// Returns why nothing of ours reached a peer lately; `None` if something may have, or if
    /// nothing was sent.
    #[must_use]
    pub(crate) fn verdict(&self, now: Instant, target: PeerId) -> Option<Undelivered> {
        let mut told = None;
        for passage in self.passages.to(target) {
            let is_recent = now < passage.at + PASSAGE_TIME;
            if passage.upstream.is_none() && is_recent {
                if passage.carrier.is_some() {
                    return None;
                }
                told = told.max(Some(passage.reason));
            }
        }
        told
    }

    /// Returns whether what is sent to a peer is likely to be brought there: by one that is connected to
    /// it, along a way that something of it came, or in search of it by as many as it takes.
    #[must_use]
    pub(crate) fn is_carried(&self, now: Now, target: PeerId) -> bool {
        let carriers = || self.carriers.iter().filter(|(_, carrier)| carrier.reachable);
        let is_known = |(peer, carrier): (&PeerId, &Carrier)| {
            carrier.neighbours.contains(&target)
                || self.ways.cost(now.mono, target, *peer).is_some()
        };
        carriers().count() >= usize::from(COPIES_UNKNOWN) || carriers().any(is_known)
    }

    pub(crate) const fn counters(&self) -> &Map<&'static str, u64> {
        &self.counters
    }

    /// Returns how many may carry, and how much is remembered.
    pub(crate) fn gauges(&self) -> [(&'static str, u64); 6] {
        [
            ("routing.carriers", self.carriers.len() as u64),
            ("routing.passages", self.passages.len() as u64),
            ("routing.ways", self.ways.len() as u64),
            ("routing.absent", self.absent.len() as u64),
            ("routing.correspondents", self.correspondents.len() as u64),
            ("routing.messages_waiting", self.letters.len() as u64),
        ]
    }

    fn count(&mut self, name: &'static str) {
        self.counters.count(name);
    }

    fn on_up(&mut self, now: Instant, peer: PeerId, out: &mut Vec<Effect>) {
        // It may know ways to those that nobody knew one to.
        self.absent.forget(|_| true);
        self.carriers.insert(peer, Carrier::new(now));
        self.redirect(now, peer, out);
    }

    fn on_reachable(&mut self, now: Instant, peer: PeerId, reachable: bool, out: &mut Vec<Effect>) {
        let Some(carrier) = self.carriers.get_mut(&peer) else { return };
        let was_reachable = core::mem::replace(&mut carrier.reachable, reachable);
        if was_reachable == reachable {
            return;
        }
        if was_reachable {
            self.reroute(now, peer, out);
        }
        self.redirect(now, peer, out);
    }

    /// Sends our envelope by a few carriers, and returns the ids of the copies. A signal for whom hears
    /// us on its own connection needs none; a receipt goes there and nowhere else.
    #[inline(never)]
    fn send(
        &mut self,
        now: Instant,
        kind: Kind,
        target: PeerId,
        envelope: &Bytes,
        firsts: &mut Vec<PeerId>,
        out: &mut Vec<Effect>,
    ) -> Vec<MessageId> {
        let mut ids = Vec::new();
        let is_heard = self.is_heard(target);
        if is_heard && kind == Kind::Signal || target == self.config.own {
            return ids;
        }
        let is_known = |(peer, carrier): (&PeerId, &Carrier)| {
            carrier.neighbours.contains(&target) || self.ways.cost(now, target, *peer).is_some()
        };
        // The first one goes straight; those of a message that is repeated do not.
        let first = u8::from(!firsts.is_empty());
        let copies_count = match kind {
            Kind::Message | Kind::Receipt if is_heard => 1,
            Kind::Message | Kind::Receipt if first == 0 => COPIES_KNOWN,
            Kind::Signal if self.carriers.iter().any(is_known) => COPIES_KNOWN,
            _ => COPIES_UNKNOWN,
        };
        if firsts.len() + usize::from(copies_count) > self.carriers.len() {
            firsts.clear();
        }
        for copy in first..first + copies_count {
            if firsts.len() >= self.carriers.len() {
                break;
            }
            let (source, envelope) = (self.config.own, envelope.clone());
            let carry = Carry { kind, copy, steps_left: STEPS_MAX, source, target, envelope };
            let (id, carry) = (carry.id(), Box::new(carry));
            let handed = self.pass(now, (id, carry, None), firsts.clone(), out);
            let Some(to) = handed else { break };
            self.count("routing.sent");
            ids.push(id);
            firsts.push(to);
        }
        ids
    }

    /// Remembers a copy, also if it goes back at once: it may come round again. Hands it on.
    fn pass(
        &mut self,
        now: Instant,
        (id, carry, upstream): (MessageId, Box<Carry>, Option<PeerId>),
        tried: Vec<PeerId>,
        out: &mut Vec<Effect>,
    ) -> Option<PeerId> {
        self.passages.forget(now);
        let (reason, carrier) = (Undelivered::NoRoute, None);
        let passage =
            Passage { id, carry, upstream, at: now, handed_at: now, tried, reason, carrier };
        self.passages.push(passage);
        self.advance(now, self.passages.len() - 1, out)
    }
}
