//! One copy of an envelope on its way through us: to whom it goes next, and what is remembered of it.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use peerloom_wire::PeerId;

use super::message::{Carry, Message, MessageId, Reason};
use super::{Carrier, Effect, Routing};
use crate::map::Map;
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
    /// As it goes on. Its envelope is empty if it is not kept: then it can't be tried elsewhere.
    pub(super) carry: Box<Carry>,
    /// Who handed it to us; `None` for our own.
    pub(super) upstream: Option<PeerId>,
    pub(super) at: Instant,
    /// Whom it must not go to: there it was, or there another copy is.
    pub(super) tried: Vec<PeerId>,
    /// The best reason so far why it was not brought nearer.
    pub(super) reason: Reason,
    /// Whom we handed it to; `None` when it went back to where it came from.
    pub(super) carrier: Option<PeerId>,
}

impl Routing {
    /// A carrier could not bring a copy nearer: somebody else is tried.
    pub(super) fn on_undeliverable(
        &mut self,
        now: Instant,
        from: PeerId,
        (id, reason, steps_left): (MessageId, Reason, u8),
        out: &mut Vec<Effect>,
    ) {
        let is_meant = |passage: &Passage| passage.id == id && passage.carrier == Some(from);
        match self.passages.iter().position(is_meant) {
            Some(index) => self.retry(now, index, reason, steps_left, out),
            None => self.count("routing.answers_stale"),
        }
    }

    /// Tries those copies elsewhere that a carrier was just handed and can't have any more.
    #[inline(never)]
    pub(super) fn reroute(&mut self, now: Instant, carrier: PeerId, out: &mut Vec<Effect>) {
        let is_there =
            |passage: &Passage| now < passage.at + REROUTE_TIME && passage.carrier == Some(carrier);
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
        let Some(passage) = self.passages.get_mut(index) else { return };
        passage.carrier = None;
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
        let Self { passages, carriers, .. } = self;
        let passage = passages.get_mut(index)?;
        match next_carrier(carriers, now, passage) {
            Ok(to) => {
                let carry = &mut passage.carry;
                carry.steps_left -= 1;
                if let Some(carrier) = carriers.get_mut(&to) {
                    carrier.outgoing.take(carry.envelope.len());
                }
                out.push(Effect::Send { to, message: Message::Carry(carry.clone()) });
                if carry.envelope.len() > KEPT_BYTES_MAX {
                    carry.envelope = Bytes::new();
                }
                passage.tried.push(to);
                passage.carrier = Some(to);
            }
            Err(reason) => {
                passage.reason = reason.max(passage.reason);
                passage.carry.envelope = Bytes::new();
                let back = (passage.id, passage.reason, passage.carry.steps_left);
                match passage.upstream {
                    Some(upstream) => self.send_back(upstream, back, out),
                    None => self.count("routing.undeliverable"),
                }
                return None;
            }
        }
        passage.carrier
    }

    /// Says that a copy can't be brought nearer.
    #[inline(never)]
    pub(super) fn send_back(
        &mut self,
        to: PeerId,
        (id, reason, steps_left): (MessageId, Reason, u8),
        out: &mut Vec<Effect>,
    ) {
        self.count("routing.returned");
        let message = Message::Undeliverable { id, reason, steps_left };
        out.push(Effect::Send { to, message });
    }

    /// Forgets what is over, and the oldest of what is too much.
    pub(super) fn forget(&mut self, now: Instant) {
        // One more is about to come.
        let mut excess = (self.passages.len() + 1).saturating_sub(PASSAGES_MAX);
        self.passages.retain(|passage| {
            let is_excess = excess > 0;
            excess = excess.saturating_sub(1);
            !is_excess && now < passage.at + PASSAGE_TIME
        });
    }
}

/// Returns to whom a copy goes next, or why to nobody.
#[inline(never)]
fn next_carrier(
    carriers: &Map<PeerId, Carrier>,
    now: Instant,
    passage: &Passage,
) -> Result<PeerId, Reason> {
    let Carry { steps_left, target, ref envelope, .. } = *passage.carry;
    if steps_left == 0 {
        return Err(Reason::Expired);
    }
    let point = passage.id.point();
    let [dice, ..] = passage.id.0;
    let goes_astray = dice.is_multiple_of(ASTRAY_IN);
    let mut reason = Reason::NoRoute;
    let mut best = None;
    for (&peer, carrier) in carriers {
        if envelope.is_empty() || !carrier.reachable || passage.tried.contains(&peer) {
            continue;
        }
        if !carrier.outgoing.allows(envelope.len()) {
            reason = Reason::RateLimited;
            continue;
        }
        if peer == target {
            return Ok(target);
        }
        // Neighbours of the target, then ways to it, then the nearest. Each by chance among its
        // like, but for the nearest.
        let rank = if carrier.neighbours.contains(&target) {
            distance(peer, point)
        } else if goes_astray {
            2 << 16 | distance(peer, point)
        } else if carrier.knows_way(now, target) {
            1 << 16 | distance(peer, point)
        } else {
            2 << 16 | distance(peer, target)
        };
        if best.is_none_or(|(before, _)| rank < before) {
            best = Some((rank, peer));
        }
    }
    best.map(|(_, peer)| peer).ok_or(reason)
}

/// The XOR metric of Kademlia, section 2.1, as far as it tells 255 peers apart: its first two bytes.
const fn distance(a: PeerId, b: PeerId) -> u32 {
    let (PeerId([a, c, ..]), PeerId([b, d, ..])) = (a, b);
    u16::from_be_bytes([a ^ b, c ^ d]) as u32
}
