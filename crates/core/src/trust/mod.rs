//! Trust: proven misbehaviour is counted, and who does too much of it is banned for a while.
//!
//! Knows nothing about what the others do with a ban. A strike adds points by its kind; points
//! wear off; at [`BAN_POINTS`] the peer is banned for [`BAN_TIME`]. A ban by the application lasts
//! as long as the node. See `docs/protocol/trust.md`.

use alloc::vec::Vec;
use core::time::Duration;

use peerloom_wire::PeerId;

use crate::event::{SecurityAction, StrikeKind};
use crate::machine::Machine;
use crate::map::Map;
use crate::time::{Instant, Now};

/// The most peers remembered; when full, the lightest record goes, bans last. 1,024 × 64 bytes are
/// 64 KiB, and more than a hundred times the connections of a node.
pub const PEERS_MAX: usize = 1024;

/// The points at which a peer is banned.
pub const BAN_POINTS: u32 = 100;

/// How long a ban lasts that strikes led to. Long enough that coming back for the next strike
/// does not pay, short enough that a peer with a bug that was fixed is met again. Guess.
pub const BAN_TIME: Duration = Duration::from_secs(3600);

/// How long one point lasts: the worst record is clean after ten minutes. Guess.
pub const POINT_TIME: Duration = Duration::from_secs(6);

/// What the node tells this protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A peer misbehaved, proven.
    Strike {
        /// Which peer.
        peer: PeerId,
        /// What it did.
        kind: StrikeKind,
    },
    /// The application wants nothing more to do with a peer.
    Ban {
        /// Which peer.
        peer: PeerId,
    },
}

/// What this protocol asks of the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A strike was counted: tell the application.
    Struck {
        /// Which peer.
        peer: PeerId,
        /// What it did.
        kind: StrikeKind,
        /// What follows; with `Ban`, a [`Effect::Banned`] comes next.
        action: SecurityAction,
    },
    /// From now on no contact: close its connection, refuse its envelopes.
    Banned {
        /// Which peer.
        peer: PeerId,
    },
}

/// What is remembered of a peer; nothing of those that never misbehaved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Record {
    /// It has strikes.
    Struck {
        /// How many, since it was last clean.
        strikes: u32,
        /// When the last point has worn off. Invariant: in the future, less than
        /// `BAN_POINTS` × `POINT_TIME` away.
        clean_at: Instant,
    },
    /// Strikes led to a ban.
    Banned {
        /// How many strikes.
        strikes: u32,
        /// When it ends.
        until: Instant,
    },
    /// The application banned it.
    Unwanted {
        /// How many strikes it had.
        strikes: u32,
    },
}

/// Strikes and bans.
#[derive(Debug, Default)]
pub struct Trust {
    peers: Map<PeerId, Record>,
}

impl Machine for Trust {
    type Input = Input;
    type Effect = Effect;

    fn handle(&mut self, now: Now, input: Input, out: &mut Vec<Effect>) {
        // What is over but not yet swept must not count.
        self.forget_ended(now.mono);
        match input {
            Input::Strike { peer, kind } => self.on_strike(now.mono, peer, kind, out),
            Input::Ban { peer } => {
                let strikes = self.strikes(peer);
                self.remember(peer, Record::Unwanted { strikes });
                out.push(Effect::Banned { peer });
            }
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.peers.values().filter_map(|record| record.ends_at()).min()
    }

    fn handle_timeout(&mut self, now: Now, _out: &mut Vec<Effect>) {
        self.forget_ended(now.mono);
    }
}

impl Trust {
    /// Returns whether there is to be no contact with `peer`.
    #[must_use]
    pub fn is_banned(&self, now: Now, peer: PeerId) -> bool {
        match self.peers.get(&peer) {
            Some(Record::Unwanted { .. }) => true,
            Some(Record::Banned { until, .. }) => now.mono < *until,
            Some(Record::Struck { .. }) | None => false,
        }
    }

    /// Returns how many strikes `peer` has since its record was last clean.
    #[must_use]
    pub fn strikes(&self, peer: PeerId) -> u32 {
        self.peers.get(&peer).map_or(0, |record| record.strikes())
    }

    /// Returns how many peers are remembered.
    #[must_use]
    pub fn peers_count(&self) -> usize {
        self.peers.len()
    }

    fn on_strike(&mut self, now: Instant, peer: PeerId, kind: StrikeKind, out: &mut Vec<Effect>) {
        let (strikes, clean_at) = match self.peers.get(&peer) {
            None => (0, now),
            Some(Record::Struck { strikes, clean_at }) => (*strikes, *clean_at),
            // What was still on its way when the ban came.
            Some(Record::Banned { .. } | Record::Unwanted { .. }) => return,
        };
        let strikes = strikes.saturating_add(1);
        let clean_at = clean_at + POINT_TIME * points(kind);
        if clean_at.since(now) < POINT_TIME * BAN_POINTS {
            self.remember(peer, Record::Struck { strikes, clean_at });
            out.push(Effect::Struck { peer, kind, action: SecurityAction::Strike });
        } else {
            self.remember(peer, Record::Banned { strikes, until: now + BAN_TIME });
            out.push(Effect::Struck { peer, kind, action: SecurityAction::Ban });
            out.push(Effect::Banned { peer });
        }
    }

    fn remember(&mut self, peer: PeerId, record: Record) {
        if !self.peers.contains_key(&peer) && self.peers.len() >= PEERS_MAX {
            self.make_room();
        }
        self.peers.insert(peer, record);
    }

    /// Forgets what matters least: the record that is clean first, then the ban that ends first,
    /// then the application's bans.
    fn make_room(&mut self) {
        let least = self.peers.iter().min_by_key(|(_, record)| match record {
            Record::Struck { clean_at, .. } => (0, *clean_at),
            Record::Banned { until, .. } => (1, *until),
            Record::Unwanted { .. } => (2, Instant::ZERO),
        });
        if let Some(peer) = least.map(|(peer, _)| *peer) {
            self.peers.remove(&peer);
        }
    }

    fn forget_ended(&mut self, now: Instant) {
        self.peers.retain(|_, record| record.ends_at().is_none_or(|end| now < end));
    }
}

impl Record {
    const fn strikes(&self) -> u32 {
        match self {
            Self::Struck { strikes, .. }
            | Self::Banned { strikes, .. }
            | Self::Unwanted { strikes } => *strikes,
        }
    }

    const fn ends_at(&self) -> Option<Instant> {
        match self {
            Self::Struck { clean_at, .. } => Some(*clean_at),
            Self::Banned { until, .. } => Some(*until),
            Self::Unwanted { .. } => None,
        }
    }
}

/// What a strike weighs. Three false bodies ban: each cost us a chunk's bandwidth, and no accident
/// makes them over a transport that checks integrity. What a bug or a race could cause weighs less.
/// The numbers are guesses.
const fn points(kind: StrikeKind) -> u32 {
    match kind {
        StrikeKind::WrongHash | StrikeKind::BadManifest | StrikeKind::BadRecord => 40,
        StrikeKind::MalformedFrame
        | StrikeKind::Oversized
        | StrikeKind::BadSignature
        | StrikeKind::TooManyRequests => 20,
        StrikeKind::UnrequestedBody | StrikeKind::OutOfTurn => 10,
    }
}

#[cfg(test)]
mod tests;
