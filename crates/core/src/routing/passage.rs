//! One copy of an envelope on its way through us: to whom it goes next, and what is remembered of it.

use alloc::boxed::Box;
use alloc::collections::{VecDeque, vec_deque};
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use peerloom_wire::PeerId;

use super::choice::first_bytes;
use super::message::{Carry, Kind, Message, MessageId};
use super::{CARRIER_RATE, Effect, Routing, STEPS_MAX};
use crate::event::Undelivered;
use crate::time::Instant;

/// The most copies remembered, to recognise loops and to go back from dead ends; the oldest go
/// first. With their envelopes 2 MiB at most; mostly some 700 KB.
pub(super) const PASSAGES_MAX: usize = 512;

/// The longest envelope that is kept to be tried elsewhere. An offer has some 1,000 bytes.
pub(super) const KEPT_BYTES_MAX: usize = 4096;

/// How long a copy is remembered. None walks for longer than its steps take, there and back, over
/// connections of half a second each.
pub(super) const PASSAGE_TIME: Duration = Duration::from_secs(30);

/// After a carrier is gone, copies that came less than this ago are tried elsewhere. Older ones have
/// arrived, or are repeated by now: a link repeats its offers every 2 s.
pub(super) const REROUTE_TIME: Duration = Duration::from_secs(4);

/// One copy of an envelope that came by.
#[derive(Debug)]
pub(super) struct Passage {
    pub(super) id: MessageId,
    /// As it goes on. Its envelope is empty if it is not kept: then it can't be tried elsewhere.
    pub(super) carry: Box<Carry>,
    /// Who handed it to us; `None` for our own.
    pub(super) upstream: Option<PeerId>,
    pub(super) at: Instant,
    /// When it was handed on last.
    pub(super) handed_at: Instant,
    /// Whom it must not go to: there it was, or there another copy is.
    pub(super) tried: Vec<PeerId>,
    /// The best reason so far why it was not brought nearer.
    pub(super) reason: Undelivered,
    /// Whom we handed it to; `None` when it went back to where it came from.
    pub(super) carrier: Option<PeerId>,
}

/// The copies that came by, in the order in which they came. At most [`PASSAGES_MAX`].
#[derive(Debug)]
pub(super) struct Passages {
    /// Of each its id and the first bytes of its target: what is looked for whenever something comes by, in
    /// a tenth of the memory. With all of it to go through, that was a third of the time of a swarm of 10,000
    /// that finds itself (measured 2026-11-21).
    keys: VecDeque<(MessageId, u64)>,
    /// Invariant: as many as keys, in their order.
    list: VecDeque<Passage>,
}

impl Passages {
    pub(super) const fn new() -> Self {
        Self { keys: VecDeque::new(), list: VecDeque::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn iter(&self) -> vec_deque::Iter<'_, Passage> {
        self.list.iter()
    }

    pub(super) fn get(&self, index: usize) -> Option<&Passage> {
        self.list.get(index)
    }

    pub(super) fn get_mut(&mut self, index: usize) -> Option<&mut Passage> {
        self.list.get_mut(index)
    }

    /// Whether a copy came by.
    pub(super) fn has(&self, id: MessageId) -> bool {
        self.keys.iter().any(|(known, _)| *known == id)
    }

    /// Returns where a copy is that was handed to a carrier.
    pub(super) fn handed(&self, id: MessageId, carrier: PeerId) -> Option<usize> {
        let mut both = self.keys.iter().zip(&self.list);
        both.position(|((known, _), passage)| *known == id && passage.carrier == Some(carrier))
    }

    /// Iterates over what is for a peer, the last one first.
    pub(super) fn to(&self, target: PeerId) -> impl Iterator<Item = &Passage> {
        let prefix = first_bytes(target);
        let both = self.keys.iter().zip(&self.list).rev();
        let alike = both.filter(move |((_, known), _)| *known == prefix);
        alike.map(|(_, passage)| passage).filter(move |passage| passage.carry.target == target)
    }

    pub(super) fn push(&mut self, passage: Passage) {
        self.keys.push_back((passage.id, first_bytes(passage.carry.target)));
        self.list.push_back(passage);
    }

    /// Forgets what is over, and the oldest of what is too much.
    pub(super) fn forget(&mut self, now: Instant) {
        // One more is about to come.
        while self.list.len() >= PASSAGES_MAX
            || self.list.front().is_some_and(|first| first.at + PASSAGE_TIME <= now)
        {
            self.keys.pop_front();
            self.list.pop_front();
        }
    }
}

impl Routing {
    /// A carrier could not bring a copy nearer: somebody else is tried.
    pub(super) fn on_undeliverable(
        &mut self,
        now: Instant,
        from: PeerId,
        (id, reason, steps_left): (MessageId, Undelivered, u8),
        out: &mut Vec<Effect>,
    ) {
        let Some(index) = self.passages.handed(id, from) else {
            return self.count("routing.answers_stale");
        };
        if let Some(carrier) = self.carriers.get_mut(&from) {
            carrier.silent = 0;
        }
        self.retry(now, index, reason, steps_left, out);
    }

    /// Tries those copies elsewhere that a carrier was just handed and can't have any more.
    #[inline(never)]
    pub(super) fn reroute(&mut self, now: Instant, carrier: PeerId, out: &mut Vec<Effect>) {
        let is_there = |passage: &Passage| {
            now < passage.handed_at + REROUTE_TIME && passage.carrier == Some(carrier)
        };
        while let Some(index) = self.passages.iter().position(is_there) {
            self.retry(now, index, Undelivered::NoRoute, u8::MAX, out);
        }
    }

    /// Hands a copy to somebody else than before.
    fn retry(
        &mut self,
        now: Instant,
        index: usize,
        reason: Undelivered,
        steps_left: u8,
        out: &mut Vec<Effect>,
    ) {
        let Some(passage) = self.passages.get_mut(index) else { return };
        if let Some(carrier) = passage.carrier.take() {
            self.ways.fail(passage.carry.target, carrier);
        }
        passage.reason = reason.max(passage.reason);
        // Nobody gives back more than it got.
        passage.carry.steps_left = steps_left.min(passage.carry.steps_left);
        self.advance(now, index, out);
    }

    /// Hands a copy to the next carrier and returns to whom; or sends it back to where it came from.
    #[inline(never)]
    pub(super) fn advance(
        &mut self,
        now: Instant,
        index: usize,
        out: &mut Vec<Effect>,
    ) -> Option<PeerId> {
        let next = self.next_carrier(now, self.passages.get(index)?);
        let Self { passages, carriers, .. } = self;
        let passage = passages.get_mut(index)?;
        match next {
            Ok(to) => {
                let carry = &mut passage.carry;
                carry.steps_left -= 1;
                if let Some(carrier) = carriers.get_mut(&to) {
                    carrier.outgoing.take(carry.envelope.len(), CARRIER_RATE);
                    if carry.kind == Kind::Message {
                        carrier.silent = carrier.silent.saturating_add(1);
                    }
                }
                out.push(Effect::Send { to, message: Message::Carry(carry.clone()) });
                if carry.envelope.len() > KEPT_BYTES_MAX {
                    carry.envelope = Bytes::new();
                }
                passage.tried.push(to);
                passage.carrier = Some(to);
                passage.handed_at = now;
                Some(to)
            }
            Err(reason) => {
                let reason = reason.max(passage.reason);
                passage.reason = reason;
                passage.carry.envelope = Bytes::new();
                let (id, upstream) = (passage.id, passage.upstream);
                let &Carry { kind, target, steps_left, .. } = &*passage.carry;
                match upstream {
                    Some(upstream) => self.send_back(upstream, (id, reason, steps_left), out),
                    None => {
                        self.count("routing.undeliverable");
                        self.on_returned(now, id, reason);
                        if kind == Kind::Signal && steps_left < STEPS_MAX {
                            self.on_searched(now, target);
                        }
                    }
                }
                None
            }
        }
    }

    /// A copy of a signal of ours came back. If it was the last one, its target is not there, unless somebody
    /// had no use or no time for it.
    fn on_searched(&mut self, now: Instant, target: PeerId) {
        let verdict = self.verdict(now, target);
        if matches!(verdict, Some(Undelivered::NoRoute | Undelivered::Expired)) {
            self.absent.note(now, target);
        }
    }

    /// Says that a copy can't be brought nearer.
    #[inline(never)]
    pub(super) fn send_back(
        &mut self,
        to: PeerId,
        (id, reason, steps_left): (MessageId, Undelivered, u8),
        out: &mut Vec<Effect>,
    ) {
        self.count("routing.returned");
        let message = Message::Undeliverable { id, reason, steps_left };
        out.push(Effect::Send { to, message });
    }
}
