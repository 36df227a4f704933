//! The registry: which peers were met before, how well connecting to them went, and whom to try first.
//!
//! What is remembered outlives the page, in one record of the store. How reliable a peer is follows
//! from how connecting went, where yesterday counts half of today. At the start, and when nobody is
//! connected any more, the best are called, a few at a time, until a few are connected: those know the
//! others. States, limits and the stored form are in `docs/protocol/registry.md`.
//!
//! Knows nothing about signalling, connections or the store but what goes in and comes out.

mod history;
mod round;
#[cfg(test)]
mod tests;

use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use peerloom_wire::PeerId;

use self::history::{ENTRY_BYTES, History, Outcome};
use self::round::{Round, Turn};
use crate::event::SignalPath;
use crate::machine::Machine;
use crate::map::Map;
use crate::score::Terms;
use crate::stored::Stored;
use crate::time::{Instant, Now};

/// The key of this protocol's record in the store.
pub(crate) const RECORD_KEY: &str = "peers";

/// The version of the stored form that this crate writes and reads.
const STORED_VERSION: u8 = 1;

/// The most peers remembered, of 65 bytes each: more than ever are tried at a start.
const PEERS_MAX: usize = 100;

/// How long a peer is remembered after it was last seen: a browser's profile that has not come back
/// for a month mostly does not, and its storage may be evicted by then. Guess.
const AGE_MAX_MS: u64 = 30 * 24 * 3600 * 1000;

/// Between two writes while peers are connected, of how long they are: what is lost if the page dies.
const NOTE_INTERVAL: Duration = Duration::from_secs(600);

/// What the node tells this protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// Call the best.
    Start,
    /// Call nobody, and save what is not saved.
    Stop,
    /// What is stored under [`RECORD_KEY`]; `None`: nothing.
    Loaded { stored: Option<Bytes> },
    /// A peer exists, and somebody is connected to it.
    Introduced { peer: PeerId },
    /// An attempt to connect is under way.
    Connecting { peer: PeerId },
    /// A peer is connected.
    Connected { peer: PeerId, path: SignalPath },
    /// An attempt to connect failed, and not by our own doing.
    Failed { peer: PeerId },
    /// A peer is not connected any more. `is_broken`: nobody wanted that.
    Disconnected { peer: PeerId, is_broken: bool },
    /// Remember nothing of this peer.
    Ban { peer: PeerId },
    /// The page runs again, or the network is another one.
    Resumed,
    /// A write ended, well or not.
    Saved { is_done: bool },
}

/// What this protocol asks of the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Call this peer by its id, on every signalling path.
    Call { peer: PeerId },
    /// Store this under [`RECORD_KEY`]; answered by [`Input::Saved`].
    Save { stored: Bytes },
}

/// Settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Config {
    /// Our id.
    pub(crate) own: PeerId,
}

/// A remembered peer.
#[derive(Debug, Default)]
struct Known {
    history: History,
    /// Since when it is connected and that was not yet noted.
    connected_since: Option<Instant>,
    turn: Turn,
}

/// The peers that were met before.
#[derive(Debug)]
pub(crate) struct Registry {
    own: PeerId,
    /// At most [`PEERS_MAX`].
    peers: Map<PeerId, Known>,
    /// How long we were connected to anybody, over all runs, until `own_since`.
    own_uptime_ms: u64,
    /// Since when we are connected to anybody.
    own_since: Option<Instant>,
    round: Round,
    stored: Stored,
    counters: Map<&'static str, u64>,
}

impl Machine for Registry {
    type Input = Input;
    type Effect = Effect;

    fn handle(&mut self, now: Now, input: Input, out: &mut Vec<Effect>) {
        match input {
            Input::Start if matches!(self.round, Round::Stopped) => {
                self.begin_round(now);
            }
            Input::Start => {}
            Input::Stop => self.on_stop(now),
            Input::Loaded { stored } => self.on_loaded(now, stored),
            Input::Introduced { peer } => self.on_introduced(now, peer),
            Input::Connecting { peer } => self.end_turn(now, peer),
            Input::Connected { peer, path } => self.on_connected(now, peer, path),
            Input::Failed { peer } => self.on_failed(now, peer),
            Input::Disconnected { peer, is_broken } => self.on_disconnected(now, peer, is_broken),
            Input::Ban { peer } => self.forget(now, peer),
            Input::Resumed => self.call_anew(now),
            Input::Saved { is_done } => self.on_saved(now, is_done),
        }
        self.note_own(now);
        self.handle_timeout(now, out);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        [self.round.due(), self.stored.due()].into_iter().flatten().min()
    }

    fn handle_timeout(&mut self, now: Now, out: &mut Vec<Effect>) {
        self.advance(now, out);
        if self.stored.due().is_some_and(|at| at <= now.mono) {
            self.save(now, out);
        }
    }
}

impl Registry {
    /// Makes the protocol with nothing loaded; [`Input::Loaded`] comes once the store was read.
    #[must_use]
    pub(crate) const fn new(config: Config) -> Self {
        Self {
            own: config.own,
            peers: Map::new(),
            own_uptime_ms: 0,
            own_since: None,
            round: Round::Stopped,
            stored: Stored::new(STORED_VERSION),
            counters: Map::new(),
        }
    }

    pub(crate) const fn counters(&self) -> &Map<&'static str, u64> {
        &self.counters
    }

    /// Returns how many peers are remembered.
    pub(crate) const fn peers_count(&self) -> usize {
        self.peers.len()
    }

    /// Returns those of some peers that are remembered, best first: who is connected, then by what
    /// was seen of them.
    pub(crate) fn best(&self, now: Now, peers: impl Iterator<Item = PeerId>) -> Vec<PeerId> {
        let ranked = |peer| {
            let known = self.peers.get(&peer)?;
            Some((known.connected_since.is_some(), known.history.rank(now.unix_ms), peer))
        };
        let mut ranked: Vec<_> = peers.filter_map(ranked).collect();
        ranked.sort_unstable();
        ranked.into_iter().rev().map(|(_, _, peer)| peer).collect()
    }

    fn count(&mut self, name: &'static str) {
        self.counters.count(name);
    }

    /// Returns how many peers are connected.
    pub(crate) fn connected_count(&self) -> usize {
        self.peers.values().filter(|known| known.connected_since.is_some()).count()
    }

    fn call_anew(&mut self, now: Now) {
        if !matches!(self.round, Round::Stopped) {
            self.begin_round(now);
        }
    }

    fn on_stop(&mut self, now: Now) {
        self.round = Round::Stopped;
        self.note_uptimes(now);
        self.peers.values_mut().for_each(|known| known.connected_since = None);
        self.stored.hurry(now);
    }

    #[inline(never)]
    fn on_loaded(&mut self, now: Now, stored: Option<Bytes>) {
        match self.stored.load(stored.as_ref()) {
            None => self.count("registry.loads_failed"),
            Some(body) => {
                for entry in body.as_chunks().0 {
                    let decoded = History::decode(now.unix_ms, entry);
                    let Some((peer, earlier)) = decoded else { continue };
                    if peer == self.own {
                        self.own_uptime_ms = self.own_uptime_ms.saturating_add(earlier.uptime_ms);
                    } else if now.unix_ms - earlier.seen_ms <= AGE_MAX_MS {
                        self.peers.entry(peer).or_default().history.add_earlier(earlier);
                        self.make_room(now);
                    }
                }
            }
        }
        self.call_anew(now);
    }

    #[inline(never)]
    fn on_introduced(&mut self, now: Now, peer: PeerId) {
        if peer != self.own {
            // That one was seen once more is not worth a write.
            if !self.peers.contains_key(&peer) {
                self.mark(now);
            }
            self.peers.entry(peer).or_default().history.seen_ms = now.unix_ms;
            self.make_room(now);
        }
    }

    #[inline(never)]
    fn on_connected(&mut self, now: Now, peer: PeerId, path: SignalPath) {
        self.end_turn(now, peer);
        let known = self.peers.entry(peer).or_default();
        known.connected_since = Some(now.mono);
        known.history.paths |= path_bit(path);
        known.history.seen_ms = now.unix_ms;
        known.history.note(now.unix_ms, Outcome::Connected);
        self.make_room(now);
        self.mark(now);
    }

    fn on_failed(&mut self, now: Now, peer: PeerId) {
        self.end_turn(now, peer);
        if let Some(known) = self.peers.get_mut(&peer) {
            known.history.note(now.unix_ms, Outcome::Failed);
            self.mark(now);
        }
    }

    fn on_disconnected(&mut self, now: Now, peer: PeerId, is_broken: bool) {
        self.note_uptimes(now);
        let is_other =
            |(id, known): (&PeerId, &Known)| *id != peer && known.connected_since.is_some();
        let is_alone = !self.peers.iter().any(is_other);
        if let Some(known) = self.peers.get_mut(&peer) {
            known.connected_since = None;
            // Who has nobody left is perhaps to blame itself.
            if is_broken && !is_alone {
                known.history.note(now.unix_ms, Outcome::Broken);
            }
            self.mark(now);
        }
        if is_alone {
            self.round.hurry(now);
        }
    }

    /// Returns what is known of a peer over all runs.
    pub(crate) fn terms(&self, now: Now, peer: PeerId) -> Terms {
        let Some(Known { history, connected_since, .. }) = self.peers.get(&peer) else {
            return Terms::default();
        };
        let mut history = *history;
        history.add_uptime(connected_since.map_or(Duration::ZERO, |since| now.mono.since(since)));
        history.terms(now.unix_ms)
    }

    /// Returns for how long we were connected to anybody, over all runs.
    pub(crate) fn own_uptime_ms(&self, now: Now) -> u64 {
        let elapsed = self.own_since.map_or(Duration::ZERO, |since| now.mono.since(since));
        self.own_uptime_ms.saturating_add(u64::try_from(elapsed.as_millis()).unwrap_or(0))
    }

    /// Earns uptime while there is anybody to be up for.
    fn note_own(&mut self, now: Now) {
        let is_connected = self.connected_count() > 0;
        if is_connected != self.own_since.is_some() {
            self.own_uptime_ms = self.own_uptime_ms(now);
            self.own_since = is_connected.then_some(now.mono);
        }
    }

    /// Adds to the uptimes since they were last noted.
    #[inline(never)]
    fn note_uptimes(&mut self, now: Now) {
        for Known { history, connected_since, .. } in self.peers.values_mut() {
            if let Some(since) = connected_since {
                history.add_uptime(now.mono.since(*since));
                history.seen_ms = now.unix_ms;
                *since = now.mono;
            }
        }
    }

    /// If there is one too many, forgets the one that is worth least: hearsay before experience, then
    /// who is unreliable, then who was not seen for long. Connected ones stay.
    #[inline(never)]
    fn make_room(&mut self, now: Now) {
        if self.peers.len() <= PEERS_MAX {
            return;
        }
        let worth =
            |known: &Known| (known.connected_since.is_some(), known.history.rank(now.unix_ms));
        let least = self.peers.iter().min_by_key(|(_, known)| worth(known));
        if let Some(peer) = least.map(|(peer, _)| *peer) {
            self.count("registry.peers_evicted");
            self.forget(now, peer);
        }
    }

    fn forget(&mut self, now: Now, peer: PeerId) {
        self.end_turn(now, peer);
        if self.peers.remove(&peer).is_some() {
            self.mark(now);
        }
    }

    fn mark(&mut self, now: Now) {
        self.stored.mark(now);
    }

    #[inline(never)]
    fn save(&mut self, now: Now, out: &mut Vec<Effect>) {
        self.note_uptimes(now);
        let mut entries = Vec::new();
        for (&peer, known) in &self.peers {
            known.history.encode(peer, &mut entries);
        }
        let uptime_ms = self.own_uptime_ms(now);
        if uptime_ms > 0 {
            let own = History { seen_ms: now.unix_ms, uptime_ms, ..History::default() };
            own.encode(self.own, &mut entries);
        }
        out.push(Effect::Save { stored: self.stored.begin_save(&entries) });
        if self.connected_count() > 0 {
            self.stored.mark_until(now.mono + NOTE_INTERVAL);
        }
    }

    fn on_saved(&mut self, now: Now, is_done: bool) {
        self.stored.on_saved(now, is_done);
        self.count(if is_done { "registry.saves" } else { "registry.saves_failed" });
    }
}

/// The bit of a path in the stored form; never reuse one.
const fn path_bit(path: SignalPath) -> u8 {
    match path {
        SignalPath::Broadcast => 1,
        SignalPath::Peers => 2,
        SignalPath::Server => 4,
    }
}

const _: () = assert!(ENTRY_BYTES == 32 + 1 + 3 * 8 + 2 * 4);
