//! Checkers look at a world from outside. They know what is true and hold every node to it, at each
//! step; that everything comes to a good end is for [`crate::convergence`].

use std::collections::{BTreeMap, BTreeSet};

use peerloom_core::Event;
use peerloom_core::event::{CommandError, LocalState, PeerState, Reply, SecurityAction};
use peerloom_core::io::CommandId;
use peerloom_wire::{ChunkId, ContentId, PeerId};
use serde::Serialize;

use crate::directory::Directory;
use crate::schedule::{Schedule, Seat};
use crate::tab::{Asked, Tab};
use crate::truth::Truth;

/// Buffers for bodies under way: the issue allows 64 MB for a receiver in all.
const EXPECTED_BYTES_MAX: u64 = 64 << 20;

/// Storage operations that wait at once.
const STORE_WAITING_MAX: usize = 256;

/// Outputs that may follow from one input. A stopped node closes and answers everything at once.
const OUTPUTS_MAX: usize = 20_000;

/// Copies of envelopes that a carrier remembers.
const ROUTING_PASSAGES_MAX: u64 = 512;

/// Peers that a node knows, remembers, and has records of.
const DISCOVERY_KNOWN_MAX: u64 = 256;
const REGISTRY_PEERS_MAX: u64 = 100;
const PEX_KNOWN_MAX: u64 = 256;

/// And of ways, of who sent messages, and of messages that wait for a receipt.
const ROUTING_WAYS_MAX: u64 = 256;
const ROUTING_ABSENT_MAX: u64 = 64;
const CORRESPONDENTS_MAX: u64 = 256;
const MESSAGES_WAITING_MAX: u64 = 64;

/// Violations kept; a run ends at the first, what one step adds to it is kept too.
const VIOLATIONS_MAX: usize = 20;

/// Something that must never be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// When, in virtual milliseconds.
    pub at_ms: u64,
    /// Which tab's node.
    pub tab: usize,
    /// Which checker says so.
    pub checker: &'static str,
    /// What is wrong.
    pub what: String,
}

/// Everything that is remembered to hold nodes to it.
#[derive(Debug, Default)]
pub(crate) struct Checkers {
    pub(crate) violations: Vec<Violation>,
    sessions: BTreeMap<Seat, Told>,
}

/// What a session's events said.
#[derive(Debug, Default)]
struct Told {
    connected: BTreeSet<PeerId>,
    bans: BTreeSet<PeerId>,
}

impl Checkers {
    pub(crate) fn fail(&mut self, now_ms: u64, tab: usize, checker: &'static str, what: String) {
        if self.violations.len() < VIOLATIONS_MAX {
            self.violations.push(Violation { at_ms: now_ms, tab, checker, what });
        }
    }

    /// An application hears an event. Returns why a command was given, if this is its answer.
    pub(crate) fn event(
        &mut self,
        schedule: &Schedule,
        tabs: &mut [Tab],
        truth: &Truth,
        index: usize,
        event: &Event,
    ) -> Option<Asked> {
        let at_ms = schedule.now().as_micros() / 1000;
        let tab = tabs.get_mut(index)?;
        let told = self.sessions.entry(tab.seat).or_default();
        match event {
            Event::Done { id, result } => {
                return self.answered(at_ms, tab, truth, *id, result);
            }
            Event::PeerDiscovered(info) | Event::PeerUpdated(info) => {
                if let Some(what) = stranger(&truth.who, tab, info.id) {
                    self.fail(at_ms, index, "apps never meet", what);
                }
            }
            Event::PeerConnected(info) => {
                let is_banned = tab.bans(schedule.now(), &info.id) || told.bans.contains(&info.id);
                let is_news = told.connected.insert(info.id);
                if let Some(what) = stranger(&truth.who, tab, info.id) {
                    self.fail(at_ms, index, "apps never meet", what);
                }
                if is_banned {
                    self.fail(at_ms, index, "a ban holds", format!("connected to {:?}", info.id));
                }
                if !is_news {
                    let what = format!("{:?} connected twice", info.id);
                    self.fail(at_ms, index, "events alternate", what);
                }
            }
            Event::PeerDisconnected { peer, .. } => {
                if !told.connected.remove(&peer.id) {
                    let what = format!("{:?} disconnected, was not connected", peer.id);
                    self.fail(at_ms, index, "events alternate", what);
                }
            }
            Event::PeerLost { peer } => {
                if told.connected.contains(peer) {
                    let what = format!("{peer:?} lost while connected");
                    self.fail(at_ms, index, "events alternate", what);
                }
            }
            Event::ContentChanged(info) => {
                if truth.by_id(&info.id).is_some_and(|content| content.app != tab.options.app) {
                    self.fail(at_ms, index, "apps never meet", format!("knows of {:?}", info.id));
                }
                if info.local == LocalState::Complete {
                    self.complete(at_ms, tab, truth, info.id);
                }
            }
            Event::Security { peer, kind, action } => {
                if *action == SecurityAction::Ban {
                    told.bans.insert(*peer);
                }
                let is_honest = truth.who.find(peer).is_some_and(|entry| entry.is_honest);
                if is_honest && tab.is_honest() {
                    let what = format!("strikes {peer:?} for {kind:?}");
                    self.fail(at_ms, index, "no honest peer is struck", what);
                }
            }
            Event::MemberJoined { peer, .. } | Event::MemberLeft { peer, .. } => {
                if let Some(what) = stranger(&truth.who, tab, peer.id) {
                    self.fail(at_ms, index, "apps never meet", what);
                }
            }
            Event::ConnectFailed(_)
            | Event::Message(_)
            | Event::ServerChanged(_)
            | Event::ContentGone { .. }
            | Event::Progress { .. }
            | Event::Served { .. } => {}
        }
        None
    }

    fn answered(
        &mut self,
        at_ms: u64,
        tab: &mut Tab,
        truth: &Truth,
        id: CommandId,
        result: &Result<Reply, CommandError>,
    ) -> Option<Asked> {
        let Some(asked) = tab.commands.remove(&id) else {
            let what = format!("{id:?} is answered, and was not asked or was answered before");
            self.fail(at_ms, tab.seat.tab, "one answer for each command", what);
            return None;
        };
        if let (Asked::Get { id, .. }, Ok(reply)) = (&asked, result) {
            if *reply != Reply::Content(*id) {
                let what = format!("a get of {id:?} ends with {reply:?}");
                self.fail(at_ms, tab.seat.tab, "an answer fits its command", what);
            }
            self.complete(at_ms, tab, truth, *id);
        }
        if let Asked::Remove { id } = &asked {
            tab.durable.remove(id);
        }
        Some(asked)
    }

    /// A node says that a content is here: then all of it is, and it is the true one.
    fn complete(&mut self, at_ms: u64, tab: &mut Tab, truth: &Truth, id: ContentId) {
        let index = tab.seat.tab;
        let checker = "what is complete is whole and true";
        // A content of a hostile author is nobody's truth; its chunks are still checked one by one.
        let Some(content) = truth.by_id(&id) else { return };
        let missing = content.draft.chunks.iter().filter(|chunk| !tab.store.holds(chunk)).count();
        if missing > 0 {
            let what = format!("{id:?} is complete, {missing} chunks are not stored");
            self.fail(at_ms, index, checker, what);
        }
        let layout = tab.node.as_ref().and_then(|node| node.layout(id));
        if layout.is_none_or(|layout| layout.chunks != content.draft.chunks) {
            self.fail(at_ms, index, checker, format!("{id:?} is complete, its layout is not true"));
        }
        tab.durable.insert(id);
    }

    /// A node asks the store to keep a body: it must be whole, and be what it is called.
    pub(crate) fn kept(
        &mut self,
        at_ms: u64,
        tab: usize,
        asked: ChunkId,
        really: Option<[u8; 32]>,
    ) {
        match really {
            Some(sha256) if sha256 == asked.0 => {}
            Some(_) => {
                let what = format!("keeps other bytes as {asked:?}");
                self.fail(at_ms, tab, "no wrong byte is kept", what);
            }
            None => {
                let what = format!("keeps {asked:?}, which is in no buffer");
                self.fail(at_ms, tab, "no wrong byte is kept", what);
            }
        }
    }

    /// After each input: nothing grew beyond its bound.
    pub(crate) fn bounds(&mut self, at_ms: u64, tab: &Tab, measured: &Measured) {
        let index = tab.seat.tab;
        let mut check = |what: &'static str, is: u64, max: u64| {
            if is > max {
                self.fail(at_ms, index, "every bound holds", format!("{what}: {is} of {max}"));
            }
        };
        check("connections", measured.ends as u64, measured.connections_max as u64);
        check("buffers of bodies", measured.expected_bytes, EXPECTED_BYTES_MAX);
        check("storage operations", tab.store.waiting_count() as u64, STORE_WAITING_MAX as u64);
        check("outputs of one input", measured.outputs as u64, OUTPUTS_MAX as u64);
    }

    /// A look at everything a node tells of itself.
    pub(crate) fn look(&mut self, at_ms: u64, tab: &Tab, max_connections: u16) {
        let Some(node) = tab.node.as_ref().filter(|_| tab.is_running()) else { return };
        let index = tab.seat.tab;
        let connected = connected(tab);
        if connected.len() > usize::from(max_connections) {
            let what = format!("{} connected peers of {max_connections}", connected.len());
            self.fail(at_ms, index, "every bound holds", what);
        }
        let stats = node.stats();
        for (what, max) in [
            ("routing.carriers", u64::from(max_connections)),
            ("routing.passages", ROUTING_PASSAGES_MAX),
            ("discovery.known", DISCOVERY_KNOWN_MAX),
            ("registry.peers", REGISTRY_PEERS_MAX),
            ("pex.known", PEX_KNOWN_MAX),
            ("routing.ways", ROUTING_WAYS_MAX),
            ("routing.absent", ROUTING_ABSENT_MAX),
            ("routing.correspondents", CORRESPONDENTS_MAX),
            ("routing.messages_waiting", MESSAGES_WAITING_MAX),
            ("broadcast.neighbours", u64::from(max_connections)),
            ("broadcast.seen", 4096),
            ("broadcast.kept_bytes", 4 << 20),
            ("broadcast.missing", 1024),
            // What the windows of all neighbours hold, and a post of its own for each room.
            ("broadcast.checking", 256 * u64::from(max_connections)),
            ("broadcast.holding", 256 * u64::from(max_connections) + 8),
            ("broadcast.drafts_bytes", 4 << 20),
            ("broadcast.origins", 256),
            ("node.bugs", 0),
        ] {
            let is = stats.get(what).copied().unwrap_or(0);
            if is > max {
                self.fail(at_ms, index, "every bound holds", format!("{what}: {is} of {max}"));
            }
        }
        // While ICE is restarted, a peer is told connected and shown connecting.
        let nobody = BTreeSet::new();
        let told = self.sessions.get(&tab.seat).map_or(&nobody, |told| &told.connected);
        if !told.is_superset(&connected) {
            let what = format!("events say {told:?}, the snapshot {connected:?}");
            self.fail(at_ms, index, "events and snapshots agree", what);
        }
        for info in node.contents() {
            if info.local == LocalState::Complete && node.layout(info.id).is_none() {
                let what = format!("{:?} is complete and has no layout", info.id);
                self.fail(at_ms, index, "events and snapshots agree", what);
            }
        }
    }

    /// What is in a store is true: no chunk that does not exist.
    pub(crate) fn stored(&mut self, at_ms: u64, tab: &Tab, truth: &Truth) {
        if let Some(chunk) = tab.store.chunks().find(|chunk| truth.chunk_bytes(chunk).is_none()) {
            let what = format!("{chunk:?} is stored and is no true chunk");
            self.fail(at_ms, tab.seat.tab, "no wrong byte is kept", what);
        }
    }

    /// Whom a tab remembers exists, and is of its application.
    pub(crate) fn remembered(&mut self, at_ms: u64, tab: &Tab, tabs: &[Tab], truth: &Truth) {
        let Some(value) = tab.store.records().get("peers") else { return };
        // After a version byte and 8 bytes of a hash.
        let (entries, rest) = value.get(9..).unwrap_or_default().as_chunks::<65>();
        let is_mate = |entry: &[u8; 65]| {
            let who = entry.first_chunk().and_then(|id| truth.who.find(&PeerId(*id)));
            who.map_or(truth.who.some_are_made_up, |who| {
                tabs[who.tab].options.app == tab.options.app
            })
        };
        if !rest.is_empty() || !entries.iter().all(is_mate) {
            let what = format!("it remembers {value:?}");
            self.fail(at_ms, tab.seat.tab, "nobody is remembered who never was", what);
        }
    }

    /// A session is over: whom it was connected to does not matter any more.
    pub(crate) fn closed(&mut self, seat: Seat) {
        self.sessions.remove(&seat);
    }

    /// Whether this session's node banned that peer.
    pub(crate) fn has_banned(&self, seat: Seat, peer: PeerId) -> bool {
        self.sessions.get(&seat).is_some_and(|told| told.bans.contains(&peer))
    }
}

/// What the world measured at a node after an input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    pub(crate) connections_max: usize,
    pub(crate) ends: usize,
    pub(crate) expected_bytes: u64,
    pub(crate) outputs: usize,
}

/// Whom a node says it is connected to.
pub(crate) fn connected(tab: &Tab) -> BTreeSet<PeerId> {
    let Some(node) = &tab.node else { return BTreeSet::new() };
    let connected = node.peer_states().filter(|(_, state)| *state == PeerState::Connected);
    connected.map(|(peer, _)| peer).collect()
}

fn stranger(who: &Directory, tab: &Tab, peer: PeerId) -> Option<String> {
    match who.find(&peer) {
        Some(entry) if entry.app == tab.options.app && peer != tab.peer => None,
        Some(_) if peer == tab.peer => Some("knows itself as a peer".to_owned()),
        Some(_) => Some(format!("knows {peer:?} of another application")),
        None if who.some_are_made_up => None,
        None => Some(format!("knows {peer:?}, who does not exist")),
    }
}
