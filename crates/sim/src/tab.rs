//! One tab: an identity and a store that stay, a node that comes and goes, and a page that the
//! browser hides and freezes.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use peerloom_core::io::CommandId;
use peerloom_core::{Device, Exchange, Input, Instant, Meeting, Node, NodeConfig, Now, RoleRules};
use peerloom_wire::rendezvous::Place;
use peerloom_wire::{AppId, ContentId, PeerId, Protocol, frame};

use crate::dice::Dice;
use crate::keyring;
use crate::letters::Waiting;
use crate::options::{APPS, Options, TabOptions};
use crate::posts::Rooms;
use crate::schedule::Seat;
use crate::store::Store;

/// The wall clock at the start of every run: 2026-01-01.
pub(crate) const EPOCH_MS: u64 = 1_767_225_600_000;

/// Timers of a hidden page fire at full seconds only.
const HIDDEN_TICK_MICROS: u64 = 1_000_000;

/// Why a command was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Start,
    Stop,
    Add { content: usize },
    Get { id: ContentId },
    Remove { id: ContentId },
    Visit { since: Instant, hops: u32 },
    Send(Waiting),
    Other,
}

/// What has become of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// No page.
    Closed,
    /// Closed and never to be opened again.
    Gone,
    /// A page, whose `Start` is not answered well yet, or which was stopped.
    Idle,
    /// A page with a started node.
    Running,
}

/// One tab.
pub(crate) struct Tab {
    pub(crate) options: TabOptions,
    pub(crate) peer: PeerId,
    pub(crate) store: Store,
    pub(crate) life: Life,
    pub(crate) seat: Seat,
    pub(crate) node: Option<Node>,
    pub(crate) opened_at: Instant,
    pub(crate) frozen_until: Option<Instant>,
    pub(crate) hidden_until: Option<Instant>,
    /// Until when its page was last frozen without a word to anybody.
    pub(crate) asleep_until: Option<Instant>,
    /// When its page was last frozen and told everybody.
    pub(crate) froze_at: Option<Instant>,
    /// When the application starts the node again that it stopped.
    pub(crate) stopped_until: Option<Instant>,
    pub(crate) broken_until: Option<Instant>,
    pub(crate) held: VecDeque<Input>,
    pub(crate) wake: Option<Instant>,
    /// Timeouts in a row that left something due.
    pub(crate) spins: u32,
    pub(crate) commands: BTreeMap<CommandId, Asked>,
    pub(crate) commands_next: u64,
    /// Contents that the application wants here in the end.
    pub(crate) wants: BTreeSet<usize>,
    /// Contents that the node said are here: they must be, whatever dies.
    pub(crate) durable: BTreeSet<ContentId>,
    /// Peers that the application banned in this session, and all that the store had when it was read;
    /// and until when.
    pub(crate) banned: BTreeMap<PeerId, Instant>,
    /// Peers that the application disconnected and will ask for again once the world is healed.
    pub(crate) parted: BTreeSet<PeerId>,
    /// Where its application is. A session that ends is in none.
    pub(crate) rooms: Rooms,
    /// In all sessions.
    pub(crate) envelopes_sent: u64,
    pub(crate) envelopes_heard: u64,
    pub(crate) frames_sent: u64,
    pub(crate) frames_heard: u64,
    /// What it carried for others, in frames.
    pub(crate) relayed_bytes: u64,
}

impl Tab {
    pub(crate) fn new(options: &Options, index: usize) -> Self {
        let own = options.tabs.get(index).cloned().unwrap_or_else(|| TabOptions {
            app: 0,
            channels: vec![0],
            clock_ahead_ms: 0,
            store_bytes_max: u64::MAX,
            hostility: None,
            rooms: Vec::new(),
        });
        Self {
            peer: keyring::peer_id(options.seed, index),
            store: Store::new(own.store_bytes_max),
            options: own,
            life: Life::Closed,
            seat: Seat { tab: index, session: 0 },
            node: None,
            opened_at: Instant::ZERO,
            frozen_until: None,
            hidden_until: None,
            asleep_until: None,
            froze_at: None,
            envelopes_sent: 0,
            envelopes_heard: 0,
            frames_sent: 0,
            frames_heard: 0,
            relayed_bytes: 0,
            stopped_until: None,
            broken_until: None,
            held: VecDeque::new(),
            wake: None,
            spins: 0,
            commands: BTreeMap::new(),
            commands_next: 1,
            wants: BTreeSet::new(),
            durable: BTreeSet::new(),
            banned: BTreeMap::new(),
            parted: BTreeSet::new(),
            rooms: Rooms::new(),
        }
    }

    /// A page with a node in it.
    pub(crate) const fn is_open(&self) -> bool {
        matches!(self.life, Life::Idle | Life::Running)
    }

    pub(crate) const fn is_running(&self) -> bool {
        matches!(self.life, Life::Running)
    }

    pub(crate) const fn is_honest(&self) -> bool {
        self.options.hostility.is_none()
    }

    /// Whether envelopes of one can be heard by the other.
    pub(crate) fn shares_channel(&self, other: &Self) -> bool {
        self.options.shares_channel(&other.options)
    }

    pub(crate) fn unix_ms(&self, now: Instant) -> u64 {
        EPOCH_MS + self.options.clock_ahead_ms + now.as_micros() / 1000
    }

    /// When the browser would let a timer fire that is due at `due`.
    pub(crate) fn fires_at(&self, due: Instant, now: Instant, dice: &mut Dice) -> Instant {
        // A timer never fires at once, and a millisecond or a few late.
        let at = due.max(now + Duration::from_millis(1)) + Duration::from_micros(dice.below(3_000));
        if self.hidden_until.is_none() {
            return at;
        }
        Instant::from_micros(at.as_micros().next_multiple_of(HIDDEN_TICK_MICROS))
    }

    /// Whether a ban holds by which it wants nothing of that peer.
    pub(crate) fn bans(&self, now: Instant, peer: &PeerId) -> bool {
        self.banned.get(peer).is_some_and(|until| now < *until)
    }

    /// Its node was given this record of strikes and bans.
    pub(crate) fn read_bans(&mut self, now: Instant, record: &[u8]) {
        // After a version byte and 8 bytes of a hash: when it was written, and the entries.
        let Some((saved_ms, entries)) = record.get(9..).and_then(|body| body.split_first_chunk())
        else {
            return;
        };
        let elapsed_ms = self.unix_ms(now).saturating_sub(u64::from_be_bytes(*saved_ms));
        for entry in entries.as_chunks::<45>().0 {
            let [kind, left_ms @ .., _, _, _, _] = &entry[32..] else { continue };
            let left_ms = left_ms.first_chunk().map_or(0, |left| u64::from_be_bytes(*left));
            let until = now + Duration::from_millis(left_ms.saturating_sub(elapsed_ms));
            if let Some(id) = entry.first_chunk().filter(|_| *kind > 0) {
                self.banned.entry(PeerId(*id)).or_insert(until);
            }
        }
    }

    /// Counts what it carries for others: frames of routing that name another source.
    pub(crate) fn sends(&mut self, frame: &[u8]) {
        let Ok((Protocol::Routing, [0 | 2 | 3, _copy, _steps, rest @ ..])) = frame::decode(frame)
        else {
            return;
        };
        if !rest.starts_with(&self.peer.0) {
            self.relayed_bytes += frame.len() as u64;
        }
    }

    /// Ends the session; what nobody answered stays unanswered.
    pub(crate) fn close(&mut self, life: Life) {
        self.life = life;
        self.node = None;
        self.frozen_until = None;
        self.hidden_until = None;
        self.stopped_until = None;
        self.held.clear();
        self.wake = None;
        self.commands.clear();
        // What was not stored yet is lost; the rest is read again.
        self.banned.clear();
        self.parted.clear();
        self.rooms.clear();
    }
}

/// Returns the node of a session: same options, same node. None if the options have no such tab.
pub(crate) fn new_node(options: &Options, seat: Seat, unix_ms: u64) -> Option<Node> {
    let mut dice = Dice::new(options.seed, &format!("session {}/{}", seat.tab, seat.session));
    let app = options.tabs.get(seat.tab).and_then(|tab| APPS.get(tab.app))?;
    Some(Node::new(NodeConfig {
        app: AppId::from_name(app),
        key: keyring::public_key(options.seed, seat.tab),
        seed: dice.bytes32(),
        connections_max: options.max_connections,
        exchange: Exchange::default(),
        rules: RoleRules::default(),
        device: Device::default(),
        meeting: Meeting {
            tag: Place::of(app).tag,
            servers: u8::try_from(options.servers.len()).unwrap_or(u8::MAX),
        },
        now: Now { mono: Instant::ZERO, unix_ms },
    }))
}
