//! One copy of an envelope on its way through us: to whom it goes next, and what is remembered of it.

use core::time::Duration;

use bytes::Bytes;
use peerloom_wire::PeerId;

use super::message::{Message, MessageId, Reason};
use super::{Effect, Routing};
use crate::time::Instant;

/// The most copies remembered, to recognise loops and to go back from dead ends; the oldest go
/// first. What a node of 8 connections may be handed in two seconds; some 300 KB.
pub(super) const PASSAGES_MAX: usize = 1024;

/// How long one is remembered. No copy walks for longer than its steps take, there and back, over
/// connections of half a second each.
pub(super) const PASSAGE_TIME: Duration = Duration::from_secs(30);

/// The bytes of envelopes that are kept to be tried elsewhere; the oldest go first, and are not
/// tried again. Some 1,000 offers.
pub(super) const HELD_BYTES_MAX: usize = 1 << 20;

/// After a carrier is gone, copies that came less than this ago are tried elsewhere. Older ones have
/// arrived, or are repeated by now: a link repeats its offers every 2 s.
pub(super) const REROUTE_TIME: Duration = Duration::from_secs(4);

/// How long the way holds by which something came from somebody: an answer takes seconds, a swarm
/// changes within minutes. Guess.
pub(super) const WAY_TIME: Duration = Duration::from_secs(60);

/// One copy in so many goes astray: what seems the best way may be a lie, since carriers prove
/// nothing, and the nearest peer would have to carry for all.
const ASTRAY_IN: u8 = 4;

/// One copy of an envelope that came by.
#[derive(Debug)]
pub(super) struct Passage {
    pub(super) id: MessageId,
    copy: u8,
    pub(super) source: PeerId,
    pub(super) target: PeerId,
    /// Who handed it to us; `None` for our own.
    pub(super) upstream: Option<PeerId>,
    pub(super) at: Instant,
    /// Whom it must not go to: there it was, or there another copy is.
    tried: Vec<PeerId>,
    /// The best reason so far why it was not brought nearer.
    pub(super) reason: Reason,
    pub(super) state: State,
}

#[derive(Debug)]
pub(super) enum State {
    /// Handed to a carrier, with so many steps. The envelope is kept in case that it comes back;
    /// `None` when there was no room to.
    Handed { to: PeerId, steps_left: u8, envelope: Option<Bytes> },
    /// It went back to where it came from.
    Ended,
}

impl Passage {
    /// `tried`: whom it must not go to.
    pub(super) fn new(
        now: Instant,
        (id, copy): (MessageId, u8),
        (source, target): (PeerId, PeerId),
        upstream: Option<PeerId>,
        tried: Vec<PeerId>,
    ) -> Self {
        let (reason, state) = (Reason::NoRoute, State::Ended);
        Self { id, copy, source, target, upstream, at: now, tried, reason, state }
    }

    /// The bytes that are kept of it.
    pub(super) fn held_bytes(&self) -> usize {
        match &self.state {
            State::Handed { envelope: Some(envelope), .. } => envelope.len(),
            _ => 0,
        }
    }

    fn is_with(&self, carrier: PeerId) -> bool {
        matches!(self.state, State::Handed { to, .. } if to == carrier)
    }
}

impl Routing {
    /// A carrier could not bring a copy nearer: somebody else is tried.
    #[inline(never)]
    pub(super) fn on_undeliverable(
        &mut self,
        now: Instant,
        from: PeerId,
        (id, reason, steps_left): (MessageId, Reason, u8),
        out: &mut Vec<Effect>,
    ) {
        let is_meant = |passage: &Passage| passage.id == id && passage.is_with(from);
        match self.passages.iter().position(is_meant) {
            Some(index) => self.retry(now, index, reason, steps_left, out),
            None => self.count("routing.answers_stale"),
        }
    }

    /// Tries those copies elsewhere that a carrier was just handed and can't have any more.
    #[inline(never)]
    pub(super) fn reroute(&mut self, now: Instant, carrier: PeerId, out: &mut Vec<Effect>) {
        let is_there =
            |passage: &Passage| now < passage.at + REROUTE_TIME && passage.is_with(carrier);
        while let Some(index) = self.passages.iter().position(is_there) {
            self.retry(now, index, Reason::NoRoute, u8::MAX, out);
        }
    }

    /// Hands a copy to somebody else than before.
    fn retry(
        &mut self,
        now: Instant,
        index: usize,
        reason: Reason,
        steps_left: u8,
        out: &mut Vec<Effect>,
    ) {
        let mut passage = self.passages.remove(index);
        passage.reason = reason.max(passage.reason);
        let before = core::mem::replace(&mut passage.state, State::Ended);
        let State::Handed { steps_left: given, envelope, .. } = before else { return };
        // Nobody gives back more than it got.
        let steps_left = steps_left.min(given);
        match envelope {
            Some(envelope) => {
                self.advance(now, passage, steps_left, envelope, out);
            }
            None => self.end(now, passage, steps_left, out),
        }
    }

    /// Hands a copy to the next carrier and returns to whom, or gives up.
    #[inline(never)]
    pub(super) fn advance(
        &mut self,
        now: Instant,
        mut passage: Passage,
        steps_left: u8,
        envelope: Bytes,
        out: &mut Vec<Effect>,
    ) -> Option<PeerId> {
        let next = match steps_left.checked_sub(1) {
            Some(left) => self.next_carrier(now, &passage, envelope.len()).map(|to| (to, left)),
            None => Err(Reason::Expired),
        };
        let (to, steps_left) = match next {
            Ok(next) => next,
            Err(reason) => {
                passage.reason = reason.max(passage.reason);
                self.end(now, passage, steps_left, out);
                return None;
            }
        };
        if let Some(carrier) = self.carriers.get_mut(&to) {
            carrier.outgoing.take(envelope.len());
        }
        let Passage { copy, source, target, .. } = passage;
        let message =
            Message::Carry { copy, steps_left, source, target, envelope: envelope.clone() };
        out.push(Effect::Send { to, message });
        passage.tried.push(to);
        passage.state = State::Handed { to, steps_left, envelope: Some(envelope) };
        self.remember(now, passage);
        Some(to)
    }

    /// A copy goes back to where it came from. Its id is kept: it may come round again.
    fn end(&mut self, now: Instant, passage: Passage, steps_left: u8, out: &mut Vec<Effect>) {
        match passage.upstream {
            Some(upstream) => self.send_back(upstream, passage.id, passage.reason, steps_left, out),
            None => self.count("routing.undeliverable"),
        }
        self.remember(now, passage);
    }

    /// Says that a copy can't be brought nearer.
    pub(super) fn send_back(
        &mut self,
        to: PeerId,
        id: MessageId,
        reason: Reason,
        steps_left: u8,
        out: &mut Vec<Effect>,
    ) {
        self.count("routing.returned");
        let message = Message::Undeliverable { id, reason, steps_left };
        out.push(Effect::Send { to, message });
    }

    /// Returns to whom a copy goes next, or why to nobody.
    #[inline(never)]
    fn next_carrier(
        &self,
        now: Instant,
        passage: &Passage,
        bytes: usize,
    ) -> Result<PeerId, Reason> {
        let target = passage.target;
        let point = passage.id.point();
        let [dice, ..] = passage.id.0;
        let goes_astray = dice.is_multiple_of(ASTRAY_IN);
        let mut reason = Reason::NoRoute;
        let mut best = None;
        for (&peer, carrier) in &self.carriers {
            if !carrier.reachable || passage.tried.contains(&peer) {
                continue;
            }
            if !carrier.outgoing.allows(bytes) {
                reason = Reason::RateLimited;
                continue;
            }
            if peer == target {
                return Ok(target);
            }
            let is_way = || carrier.sources.iter().any(|source| source.is_way(now, target));
            let rank = if carrier.neighbours.contains(&target) {
                (0, distance(peer, point))
            } else if goes_astray {
                (2, distance(peer, point))
            } else if is_way() {
                (1, distance(peer, point))
            } else {
                (2, distance(peer, target))
            };
            if best.is_none_or(|(before, _)| rank < before) {
                best = Some((rank, peer));
            }
        }
        best.map(|(_, peer)| peer).ok_or(reason)
    }

    fn remember(&mut self, now: Instant, passage: Passage) {
        self.passages.push(passage);
        self.forget(now);
    }

    /// Forgets what is over, and the oldest of what is too much.
    pub(super) fn forget(&mut self, now: Instant) {
        self.passages.retain(|passage| now < passage.at + PASSAGE_TIME);
        if self.passages.len() > PASSAGES_MAX {
            self.passages.remove(0);
        }
        let mut held_bytes = 0;
        for passage in self.passages.iter_mut().rev() {
            held_bytes += passage.held_bytes();
            if let State::Handed { envelope, .. } = &mut passage.state
                && held_bytes > HELD_BYTES_MAX
            {
                *envelope = None;
            }
        }
    }
}

/// The XOR metric of Kademlia, section 2.1.
fn distance(a: PeerId, b: PeerId) -> PeerId {
    let mut distance = a;
    for (byte, other) in distance.0.iter_mut().zip(b.0) {
        *byte ^= other;
    }
    distance
}
