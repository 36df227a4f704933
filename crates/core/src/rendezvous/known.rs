//! Whom the servers know: where what is for a peer can be handed to.

use core::time::Duration;

use peerloom_wire::PeerId;

use super::ServerId;
use crate::map::Map;
use crate::time::Instant;

/// The most peers remembered; the one unheard of and unwritten to for longest goes first. As many as
/// a node knows.
const KNOWN_MAX: usize = 256;

/// Who is written to again within this time, and did not answer over others, perhaps did not get it:
/// before it `link` repeats an offer twice.
const STRETCH_MAX: Duration = Duration::from_secs(6);

/// So long after the first word of a stretch, others had their chance to carry it. Less than `link`
/// waits before it repeats an offer, and than discovery waits between two calls, jitter included.
const CHANCE: Duration = Duration::from_millis(900);

/// A peer, as far as servers are concerned.
#[derive(Clone, Copy, Debug)]
struct Acquaintance {
    /// On which servers it is, one bit each.
    here: u8,
    /// Which said that it is not there.
    away: u8,
    /// When something was said to it first, of what goes on.
    first_at: Option<Instant>,
    /// When something was said to it, or heard of it, last.
    last_at: Instant,
}

/// The peers that servers know.
#[derive(Debug)]
pub(super) struct Acquaintances(Map<PeerId, Acquaintance>);

impl Acquaintances {
    pub(super) const fn new() -> Self {
        Self(Map::new())
    }

    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// A server says that a peer is there.
    pub(super) fn note_here(&mut self, now: Instant, peer: PeerId, server: ServerId) {
        let known = self.of(now, peer);
        known.here |= bit(server);
        known.away &= !bit(server);
        known.last_at = now;
    }

    /// A server says that it is not. Of whom nothing was said that need not be remembered.
    pub(super) fn note_away(&mut self, peer: PeerId, server: ServerId) {
        if let Some(known) = self.0.get_mut(&peer) {
            known.here &= !bit(server);
            known.away |= bit(server);
        }
    }

    /// Something of a peer came over others: they carry what goes on.
    pub(super) fn note_carried(&mut self, peer: PeerId) {
        if let Some(known) = self.0.get_mut(&peer) {
            known.first_at = None;
        }
    }

    /// The connection to a server is gone, and with it all that it said.
    pub(super) fn forget(&mut self, server: ServerId) {
        self.0.retain(|_, known| {
            known.here &= !bit(server);
            known.away &= !bit(server);
            known.here | known.away != 0
        });
    }

    /// Something is to be said to a peer. Returns through which of the servers that are `there`, as
    /// bits. `is_carried`: connected peers are likely to bring it there; then they get their chance
    /// first. `is_alone`: nobody is connected.
    pub(super) fn route(
        &mut self,
        now: Instant,
        peer: PeerId,
        (is_carried, is_alone): (bool, bool),
        there: u8,
    ) -> u8 {
        let known = self.of(now, peer);
        let in_stretch = known.first_at.filter(|_| now < known.last_at + STRETCH_MAX);
        let first_at = in_stretch.unwrap_or(now);
        known.first_at = Some(first_at);
        known.last_at = now;
        let is_repeated = now >= first_at + CHANCE;
        if is_carried && !is_repeated {
            return 0;
        }
        match known.here & there {
            // Perhaps it is where nobody introduced us: whoever asks for it by its id does not know.
            0 if is_repeated || is_alone => there & !known.away,
            here => here,
        }
    }

    fn of(&mut self, now: Instant, peer: PeerId) -> &mut Acquaintance {
        if self.0.len() >= KNOWN_MAX && !self.0.contains_key(&peer) {
            self.0.remove_least_by(|known| known.last_at);
        }
        let new = Acquaintance { here: 0, away: 0, first_at: None, last_at: now };
        self.0.entry(peer).or_insert(new)
    }
}

pub(super) const fn bit(server: ServerId) -> u8 {
    1 << server.0
}
