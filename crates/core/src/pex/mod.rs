//! Peer exchange: peers tell each other whom they are connected to.
//!
//! The rules are those of BEP 11: on connect and then at most once a minute, at most 50 peers, only
//! those that the sender is connected to, additions and drops. Each peer comes with a record that it signed itself, so that nobody is invented; each
//! record is verified once, a few at a time, however many peers send it. Messages, states and limits
//! are in `docs/protocol/pex.md`.
//!
//! Knows nothing about how peers are dialled, kept or reached. Of them it says only that somebody is
//! connected to them, or nobody any more.

mod message;
mod neighbour;
mod own;
mod receive;
#[cfg(test)]
mod rumour_tests;
#[cfg(test)]
mod tests;

use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use peerloom_crypto::{Claim, PublicKey, Signature};
use peerloom_wire::{AppId, PeerId};

use self::neighbour::Neighbour;
use self::own::{OwnRecord, Signing};
use self::receive::Candidate;
use crate::event::StrikeKind;
use crate::io::{Economy, Lifecycle};
use crate::machine::Machine;
use crate::map::{Map, Set};
use crate::pace::{Exchange, Pace};
use crate::time::{Instant, Now};

pub(crate) use self::message::PEERS;

/// Between a change and the message that tells of it: peers that connect together, as the tabs of a restored window do within
/// half a second (measured 2026-11-20), are then told together and not a minute later.
const FIRST_DELAY: Duration = Duration::from_millis(500);

/// The most records kept: as many as peers are known at once. 256 × 200 bytes are 50 kB.
const RECORDS_MAX: usize = 256;

/// The most of them that came by gossip: half, so that those whom connected peers are connected to
/// have their room.
const RUMOURS_ALL_MAX: usize = RECORDS_MAX / 2;

/// How long a rumour counts that is not repeated: a slow peer repeats what it knows every 180 s.
const RUMOUR_TIME: Duration = Duration::from_secs(300);

/// The wall clocks of two peers may differ by so much. A clock that is a day off breaks the web's
/// own certificates.
const SKEW_MS: u64 = 24 * 3600 * 1000;

/// What the node tells this protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// Sign our own record, now and then.
    Start,
    /// Forget everybody.
    Stop,
    /// A peer is connected; one that was has a new connection.
    PeerUp {
        /// Which peer.
        peer: PeerId,
    },
    /// A peer is not connected any more.
    PeerDown {
        /// Which peer.
        peer: PeerId,
    },
    /// A connected peer said something.
    Message {
        /// Which peer.
        from: PeerId,
        /// What: the body of a frame that begins with [`PEERS`].
        body: Bytes,
    },
    /// A signature was made.
    Signed {
        /// None if the key is gone.
        signature: Option<Signature>,
    },
    /// A signature was checked.
    Verified {
        /// Whether the claim is true.
        holds: bool,
    },
    /// A connected peer passes records on that it was told of: gossip.
    Rumours {
        /// Which peer.
        from: PeerId,
        /// Each with the hops that it has still to go.
        records: Vec<(u8, Bytes)>,
    },
    /// The page's life.
    Lifecycle(Lifecycle),
    /// Power and traffic.
    Economy(Economy),
    /// From now on our record says this of us.
    Say(Says),
}

/// What this protocol asks of the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Say something to a connected peer.
    Send {
        /// Which peer.
        to: PeerId,
        /// What.
        frame: Bytes,
    },
    /// Sign with our identity key; answered by [`Input::Signed`].
    Sign {
        /// What to sign.
        payload: Bytes,
    },
    /// Find out whether a claim is true; answered by [`Input::Verified`].
    Verify {
        /// What is claimed.
        claim: Claim,
    },
    /// A peer broke a rule, proven.
    Strike {
        /// Which peer.
        peer: PeerId,
        /// What it did.
        kind: StrikeKind,
    },
    /// A connected peer said whom it is connected to.
    Neighbours {
        /// Which connected peer.
        peer: PeerId,
        /// To whom it is connected now, and itself; nothing but its word for it.
        listed: Set<PeerId>,
    },
    /// A peer exists, by its verified record, and a connected one says that it is there. Said again
    /// when it was gone meanwhile.
    Introduced {
        /// Which peer.
        peer: PeerId,
        /// Whether somebody says that it is connected to it, and was not only told of it.
        is_near: bool,
    },
    /// A record that came by gossip holds. Said each time that it comes.
    Rumour {
        /// Who passed it on.
        from: PeerId,
        /// Whose it is.
        peer: PeerId,
        /// How many hops it has still to go.
        ttl: u8,
        /// The latest record of this peer.
        record: Bytes,
    },
    /// A peer says other things of itself than before.
    Changed {
        /// Which peer.
        peer: PeerId,
    },
    /// Nobody says any more that an introduced peer is there.
    Withdrawn {
        /// Which peer.
        peer: PeerId,
    },
}

/// Settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Config {
    /// Which application records are for.
    pub(crate) app: AppId,
    /// Our identity key.
    pub(crate) key: PublicKey,
    /// What our record says of us, at first.
    pub(crate) says: Says,
    /// How often peers are told.
    pub(crate) exchange: Exchange,
}

/// What a peer says of itself in its record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Says {
    /// See `peerloom_wire::record`.
    pub(crate) roles: u8,
    /// See `peerloom_wire::record`.
    pub(crate) capabilities: u32,
    /// The most direct connections.
    pub(crate) connections_max: u16,
}

/// What is known of a peer by its own verified word.
#[derive(Clone, Debug)]
struct Entry {
    bytes: Bytes,
    issued_ms: u64,
    says: Says,
    /// Whether the last word to the node was `Introduced`.
    is_introduced: bool,
}

/// Whom the peers around say they are connected to.
#[derive(Debug)]
pub(crate) struct Pex {
    config: Config,
    own_id: PeerId,
    own: Option<OwnRecord>,
    signing: Signing,
    pace: Pace,
    /// The connected peers: as many as the node keeps connections.
    neighbours: Map<PeerId, Neighbour>,
    /// Verified, at most [`RECORDS_MAX`] and the connected: of all who are listed.
    records: Map<PeerId, Entry>,
    checking: Option<Candidate>,
    /// Whether it may be others than before who are listed, or wait to be checked.
    is_changed: bool,
    /// Before this no rumour is over.
    rumours_look_at: Instant,
    counters: Map<&'static str, u64>,
}

impl Entry {
    /// Whether it can be passed on: those whose clocks are off believe it too.
    fn is_current(&self, now: Now) -> bool {
        self.issued_ms.abs_diff(now.unix_ms) < SKEW_MS
    }
}

impl Machine for Pex {
    type Input = Input;
    type Effect = Effect;

    fn handle(&mut self, now: Now, input: Input, out: &mut Vec<Effect>) {
        match input {
            Input::Start => {
                if matches!(self.signing, Signing::Stopped) {
                    self.signing = Signing::Waiting { look_at: now.mono };
                }
            }
            Input::Stop => self.on_stop(),
            Input::PeerUp { peer } => self.on_peer_up(now, peer),
            Input::PeerDown { peer } => {
                self.neighbours.remove(&peer);
                self.is_changed = true;
                self.touch_all(now);
            }
            Input::Message { from, body } => self.on_message(now, from, &body, out),
            Input::Signed { signature } => self.on_signed(now, signature),
            Input::Verified { holds } => self.on_verified(now, holds, out),
            Input::Rumours { from, records } => self.on_rumours(now, from, records, out),
            Input::Lifecycle(lifecycle) => self.pace.on_lifecycle(lifecycle),
            Input::Economy(economy) => self.pace.on_economy(economy),
            Input::Say(says) => self.say(now, says),
        }
        self.settle(now, out);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let is_ready = self.own.is_some();
        let tell = self.neighbours.values().filter_map(Neighbour::due).min().filter(|_| is_ready);
        [self.signing.due(), tell].into_iter().flatten().min()
    }

    fn handle_timeout(&mut self, now: Now, out: &mut Vec<Effect>) {
        self.settle(now, out);
    }
}

impl Pex {
    /// Makes the protocol, silent until [`Input::Start`].
    #[must_use]
    pub(crate) fn new(config: Config) -> Self {
        let own_id = PeerId(config.key.fingerprint());
        Self {
            config,
            own_id,
            own: None,
            signing: Signing::default(),
            pace: Pace::new(config.exchange),
            neighbours: Map::new(),
            records: Map::new(),
            checking: None,
            is_changed: false,
            rumours_look_at: Instant::ZERO,
            counters: Map::new(),
        }
    }

    pub(crate) const fn counters(&self) -> &Map<&'static str, u64> {
        &self.counters
    }

    /// Returns of how many peers there are verified records.
    pub(crate) const fn known_count(&self) -> usize {
        self.records.len()
    }

    /// Returns the peers of whom there are verified records.
    pub(crate) fn known(&self) -> impl Iterator<Item = PeerId> {
        self.records.keys().copied()
    }

    /// Returns a peer's record, to be passed on.
    pub(crate) fn record(&self, now: Now, peer: PeerId) -> Option<Bytes> {
        let entry = self.records.get(&peer).filter(|entry| entry.is_current(now));
        entry.map(|entry| entry.bytes.clone())
    }

    /// Returns what a peer says of itself.
    pub(crate) fn says(&self, peer: PeerId) -> Option<Says> {
        self.records.get(&peer).map(|entry| entry.says)
    }

    fn count(&mut self, name: &'static str) {
        self.counters.count(name);
    }

    fn on_stop(&mut self) {
        self.own = None;
        self.signing = Signing::Stopped;
        self.neighbours.clear();
        self.checking = None;
        self.is_changed = true;
    }

    fn on_peer_up(&mut self, now: Now, peer: PeerId) {
        // Who has it on its list is told of it again: it may have been gone meanwhile.
        self.neighbours.values_mut().for_each(|neighbour| {
            neighbour.told.remove(&peer);
        });
        self.touch_all(now);
        self.neighbours.insert(peer, Neighbour::new(now.mono));
        self.is_changed = true;
    }

    /// Does what follows from any change: tells what is due, checks what waits, and says who is
    /// there by others' word. Most inputs are rumours known already, which change nothing: to go through
    /// all lists each time was a quarter of a node's time (measured 2026-11-21).
    #[inline(never)]
    fn settle(&mut self, now: Now, out: &mut Vec<Effect>) {
        self.sign_if_due(now, out);
        self.tell_due(now, out);
        self.forget_rumours(now);
        if core::mem::take(&mut self.is_changed) {
            self.check_next(now, out);
            self.introduce(out);
        }
    }

    /// Compares who is vouched for with what the node was told, and forgets who is not.
    #[inline(never)]
    fn introduce(&mut self, out: &mut Vec<Effect>) {
        let Self { neighbours, records, .. } = self;
        records.retain(|&peer, entry| {
            let listings = neighbours.values().filter_map(|neighbour| neighbour.listed.get(&peer));
            let is_near = listings.map(|listing| listing.rumour_until.is_none()).max();
            let is_listed = is_near.is_some();
            if let Some(is_near) = is_near.filter(|_| !entry.is_introduced) {
                out.push(Effect::Introduced { peer, is_near });
            } else if !is_listed && entry.is_introduced {
                out.push(Effect::Withdrawn { peer });
            }
            entry.is_introduced = is_listed;
            is_listed
        });
    }

    /// Everybody is to be told what changed.
    fn touch_all(&mut self, now: Now) {
        let not_before = now.mono + FIRST_DELAY;
        self.neighbours.values_mut().for_each(|neighbour| neighbour.touch(not_before));
    }
}
