//! Trust: proven misbehaviour is counted, and who does too much of it is banned for a while.
//!
//! Knows nothing about what the others do with a ban. A strike adds points by its kind; points
//! wear off; at [`BAN_POINTS`] the peer is banned for [`BAN_TIME`]. A ban by the application lasts
//! for [`UNWANTED_TIME`]. All of it outlives the page, in one record of the store. See
//! `docs/protocol/trust.md`.

mod record;

use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use peerloom_wire::PeerId;

use self::record::{Record, Standing};
use crate::event::{SecurityAction, StrikeKind};
use crate::machine::Machine;
use crate::map::Map;
use crate::stored::Stored;
use crate::time::{Instant, Now};

/// The key of this protocol's record in the store.
pub(crate) const RECORD_KEY: &str = "trust";

/// The version of the stored form that this crate writes and reads.
const STORED_VERSION: u8 = 1;

/// The most peers remembered; when full, the lightest record goes, bans last. 1,024 × 64 bytes are
/// 64 KiB, and more than a hundred times the connections of a node.
pub const PEERS_MAX: usize = 1024;

/// The points at which a peer is banned.
pub const BAN_POINTS: u32 = 100;

/// How long a ban lasts that strikes led to. Long enough that coming back for the next strike
/// does not pay, short enough that a peer with a bug that was fixed is met again. Guess.
pub const BAN_TIME: Duration = Duration::from_secs(3600);

/// How long a ban by the application lasts: as long as the registry remembers who is never seen. An
/// application that knows better bans again.
pub const UNWANTED_TIME: Duration = Duration::from_secs(30 * 24 * 3600);

/// How long one point lasts: the worst record is clean after ten minutes. Guess.
pub const POINT_TIME: Duration = Duration::from_secs(6);

/// How long the points of a peer that is not banned may take to wear off.
const STRIKES_TIME: Duration = Duration::from_secs(POINT_TIME.as_secs() * BAN_POINTS as u64);

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
    /// The application takes a ban back, whoever made it, and forgives.
    Pardon {
        /// Which peer.
        peer: PeerId,
    },
    /// What is stored under `RECORD_KEY`; `None`: nothing.
    Loaded {
        /// Its bytes.
        stored: Option<Bytes>,
    },
    /// A write ended.
    Saved {
        /// Whether it went well.
        is_done: bool,
    },
    /// The node stops: what is not saved is saved now.
    Stop,
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
    /// Store this under `RECORD_KEY`; answered by [`Input::Saved`].
    Save {
        /// Its bytes.
        stored: Bytes,
    },
}

/// Strikes and bans.
#[derive(Debug)]
pub struct Trust {
    peers: Map<PeerId, Record>,
    stored: Stored,
    counters: Map<&'static str, u64>,
}

impl Default for Trust {
    fn default() -> Self {
        let stored = Stored::new(STORED_VERSION);
        Self { peers: Map::new(), stored, counters: Map::new() }
    }
}

impl Machine for Trust {
    type Input = Input;
    type Effect = Effect;

    fn handle(&mut self, now: Now, input: Input, out: &mut Vec<Effect>) {
        // What is over but not yet swept must not count.
        self.forget_ended(now.mono);
        match input {
            Input::Strike { peer, kind } => self.on_strike(now, peer, kind, out),
            Input::Ban { peer } => self.ban(now, peer, Standing::Unwanted, UNWANTED_TIME, out),
            Input::Pardon { peer } => {
                if self.peers.remove(&peer).is_some() {
                    self.stored.mark_until(now.mono);
                }
            }
            Input::Loaded { stored } => self.on_loaded(now, stored.as_ref(), out),
            Input::Saved { is_done } => {
                self.stored.on_saved(now, is_done);
                self.counters.count(if is_done { "trust.saves" } else { "trust.saves_failed" });
            }
            Input::Stop => self.stored.hurry(now),
        }
        self.save_if_due(now, out);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let ends = self.peers.values().map(|record| record.until).min();
        [ends, self.stored.due()].into_iter().flatten().min()
    }

    fn handle_timeout(&mut self, now: Now, out: &mut Vec<Effect>) {
        self.forget_ended(now.mono);
        self.save_if_due(now, out);
    }
}

impl Trust {
    /// Returns whether there is to be no contact with `peer`.
    #[must_use]
    pub fn is_banned(&self, now: Now, peer: PeerId) -> bool {
        let record = self.peers.get(&peer);
        record.is_some_and(|record| record.is_ban() && now.mono < record.until)
    }

    /// Returns how many strikes `peer` has since its record was last clean.
    #[must_use]
    pub fn strikes(&self, peer: PeerId) -> u32 {
        self.peers.get(&peer).map_or(0, |record| record.strikes)
    }

    /// Returns how many points `peer` has that have not worn off; at [`BAN_POINTS`] it is banned.
    #[must_use]
    pub fn points(&self, now: Now, peer: PeerId) -> u64 {
        let Some(record) = self.peers.get(&peer) else { return 0 };
        let left = record.until.since(now.mono).as_micros().div_ceil(POINT_TIME.as_micros());
        u64::try_from(left).unwrap_or(u64::MAX)
    }

    /// Returns who is banned, and for how long from now on.
    pub fn bans(&self, now: Now) -> impl Iterator<Item = (PeerId, Duration)> {
        let bans = self.peers.iter().filter(|(_, record)| record.is_ban());
        bans.map(move |(&peer, record)| (peer, record.until.since(now.mono)))
    }

    /// Returns counters and gauges, by name.
    #[must_use]
    pub fn stats(&self) -> Map<&'static str, u64> {
        let mut stats = self.counters.clone();
        let bans = self.peers.values().filter(|record| record.is_ban()).count();
        stats.insert("trust.banned", bans as u64);
        stats.insert("trust.peers", self.peers.len() as u64);
        stats
    }

    #[inline(never)]
    fn on_strike(&mut self, now: Now, peer: PeerId, kind: StrikeKind, out: &mut Vec<Effect>) {
        let clean = Record { standing: Standing::Struck, until: now.mono, strikes: 0 };
        let before = self.peers.get(&peer).copied().unwrap_or(clean);
        // What was still on its way when the ban came.
        if before.is_ban() {
            return;
        }
        let strikes = before.strikes.saturating_add(1);
        let until = before.until + POINT_TIME * points(kind);
        self.remember(peer, Record { strikes, until, ..before });
        if until.since(now.mono) < STRIKES_TIME {
            out.push(Effect::Struck { peer, kind, action: SecurityAction::Strike });
            self.stored.mark(now);
        } else {
            out.push(Effect::Struck { peer, kind, action: SecurityAction::Ban });
            self.ban(now, peer, Standing::Banned, BAN_TIME, out);
        }
    }

    /// Bans are written at once: whoever is banned may make the page reload.
    #[inline(never)]
    fn ban(
        &mut self,
        now: Now,
        peer: PeerId,
        standing: Standing,
        time: Duration,
        out: &mut Vec<Effect>,
    ) {
        let strikes = self.strikes(peer);
        self.remember(peer, Record { standing, until: now.mono + time, strikes });
        self.stored.mark_until(now.mono);
        out.push(Effect::Banned { peer });
    }

    /// Of what is stored and what happened before it was read, the graver counts.
    #[inline(never)]
    fn on_loaded(&mut self, now: Now, stored: Option<&Bytes>, out: &mut Vec<Effect>) {
        let Some(body) = self.stored.load(stored) else {
            return self.counters.count("trust.loads_failed");
        };
        let Some((saved_ms, entries)) = body.split_first_chunk() else { return };
        // A clock that was set back says nothing about how long that is ago: then nothing is over.
        let age_ms = now.unix_ms.saturating_sub(u64::from_be_bytes(*saved_ms));
        let age = Duration::from_millis(age_ms);
        for entry in entries.as_chunks().0 {
            let Some((peer, record)) = Record::decode(now.mono, age, entry) else { continue };
            if self.peers.get(&peer).is_none_or(|known| *known < record) {
                self.remember(peer, record);
                if record.is_ban() {
                    out.push(Effect::Banned { peer });
                }
            }
        }
    }

    fn save_if_due(&mut self, now: Now, out: &mut Vec<Effect>) {
        if self.stored.due().is_some_and(|at| at <= now.mono) {
            let mut body = Vec::from(now.unix_ms.to_be_bytes());
            for (&peer, record) in &self.peers {
                record.encode(now.mono, peer, &mut body);
            }
            out.push(Effect::Save { stored: self.stored.begin_save(&body) });
        }
    }

    /// Forgets what matters least if there is no room: the record that is clean first, then the ban
    /// that ends first, then the application's bans.
    fn remember(&mut self, peer: PeerId, record: Record) {
        if !self.peers.contains_key(&peer) && self.peers.len() >= PEERS_MAX {
            self.peers.remove_least_by(|record| *record);
        }
        self.peers.insert(peer, record);
    }

    fn forget_ended(&mut self, now: Instant) {
        self.peers.retain(|_, record| now < record.until);
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
