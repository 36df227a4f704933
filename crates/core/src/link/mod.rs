//! Direct connections: WebRTC negotiation by JSEP (RFC 8829) with trickled candidates (RFC 8838),
//! and the health of what it makes.
//!
//! Here is decided who offers, what happens when both do (glare), how long each stage may take,
//! when ICE is restarted and when a connection is dead. The driver only makes the calls. Whom to
//! dial and when is decided in `discovery`; what connections carry, in `content`.
//!
//! Knows nothing about signatures: the signals that come in were verified, those that go out are
//! signed by the node. Since a session description carries the DTLS fingerprint and was signed, an
//! open channel proves its peer.

mod attempt;
mod connection;
mod gathered;
mod health;
mod message;
mod negotiation;
#[cfg(test)]
mod tests;
mod upkeep;

use alloc::vec::Vec;

use bytes::Bytes;
use peerloom_wire::envelope::Signal;
use peerloom_wire::frame::{self, Protocol};
use peerloom_wire::{PeerId, SessionId};

use self::attempt::Attempt;
use self::connection::{Connection, Transport};
pub(crate) use self::health::Rtt;
pub(crate) use self::message::{GoodbyeReason, Message};
use crate::event::{ConnectFailure, DisconnectCause, PeerState, SignalPath, Stage, StrikeKind};
use crate::io::{ConnId, Lifecycle, LinkCommand, LinkEvent};
use crate::machine::Machine;
use crate::map::Map;
use crate::time::{Instant, Now};

/// What the protocol is told.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    /// Connect to this peer, if there is room and nothing is under way.
    Dial { peer: PeerId },
    /// Close what there is with this peer.
    Hangup { peer: PeerId, cause: DisconnectCause },
    /// Say goodbye to everyone and close everything.
    HangupAll,
    /// So many connections there may be from now on; none is closed for it.
    Places { max: usize },
    /// A verified signal, and the way by which it came first.
    Signal { from: PeerId, signal: Signal, path: SignalPath },
    /// The peer runs anew: what there was with its earlier run is dead.
    Renewed { peer: PeerId },
    /// The peer is not known any more: what there is with it is closed, and its totals go.
    Forget { peer: PeerId },
    /// Something happened on a connection.
    Event { conn: ConnId, event: LinkEvent },
    /// Send a frame to a connected peer.
    Send { to: PeerId, frame: Bytes },
    /// A frame handed out by [`Effect::Frame`] was of a type that is not known.
    NotUnderstood { peer: PeerId, protocol: Protocol },
    /// The page's life.
    Lifecycle(Lifecycle),
}

/// What the protocol asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Send a signal, signed, on every signalling path.
    Signal { to: PeerId, signal: Signal },
    /// Make a call on a connection.
    Command { conn: ConnId, command: LinkCommand },
    /// An attempt began, dialled or accepted, or reached its next stage.
    Connecting { peer: PeerId },
    /// A connection is open and greeted; the way by which its description came.
    Up { peer: PeerId, conn: ConnId, path: SignalPath },
    /// A connection that was up is gone.
    Down { peer: PeerId, conn: ConnId, cause: DisconnectCause },
    /// An attempt ended without a connection. `None` when nobody is to blame: it was given up for
    /// a better one or by ourselves.
    Failed { peer: PeerId, failure: Option<ConnectFailure> },
    /// A peer offered a connection, and there was no room for it.
    Refused { peer: PeerId },
    /// A frame of another protocol arrived from a connected peer.
    Frame { peer: PeerId, protocol: Protocol, body: Bytes },
    /// A bulk event of a connected peer.
    Body { conn: ConnId, event: LinkEvent },
    /// The round trip time was measured.
    Rtt { peer: PeerId, micros: u64 },
    /// The state of the transport changed.
    Changed { peer: PeerId },
    /// Nothing of the peer is kept any more.
    Forgotten { peer: PeerId },
    /// The peer broke a rule.
    Strike { peer: PeerId, kind: StrikeKind },
}

/// Settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Config {
    /// Our id; the lower id's offer wins a glare.
    pub(crate) own: PeerId,
    /// The most connections, attempts included.
    pub(crate) connections_max: usize,
    /// Sessions are numbered from here. Later runs must begin higher, so it comes from the clock.
    pub(crate) session_first: u64,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default)]
struct Counters {
    attempts: u64,
    failures: u64,
    connections: u64,
    by_broadcast: u64,
    by_peers: u64,
    by_server: u64,
    glares: u64,
    restarts: u64,
    frames_not_understood: u64,
    signals_stale: u64,
}

/// What is known of a peer that was ever dialled or heard of.
#[derive(Debug, Default)]
struct Peer {
    phase: Phase,
    bytes_in: u64,
    bytes_out: u64,
    /// Offers of this session or older ones are late repeats.
    newest_offer: Option<SessionId>,
}

#[derive(Debug, Default)]
enum Phase {
    #[default]
    Idle,
    Attempt(Attempt),
    Connected(Connection),
}

/// The connections of a node.
#[derive(Debug)]
pub(crate) struct Link {
    config: Config,
    next_conn: u32,
    next_session: u64,
    peers: Map<PeerId, Peer>,
    /// Invariant: the connections of all attempts and all that are up, and no others.
    conns: Map<ConnId, PeerId>,
    counters: Counters,
}

impl Machine for Link {
    type Input = Input;
    type Effect = Effect;

    fn handle(&mut self, now: Now, input: Input, out: &mut Vec<Effect>) {
        match input {
            Input::Dial { peer } => self.dial(now, peer, out),
            Input::Hangup { peer, cause } => self.hangup(peer, cause, out),
            Input::HangupAll => self.hangup_all(out),
            Input::Places { max } => self.config.connections_max = max,
            Input::Signal { from, signal, path } => self.on_signal(now, from, signal, path, out),
            Input::Renewed { peer } => self.hangup(peer, DisconnectCause::Replaced, out),
            Input::Forget { peer } => self.forget(peer, out),
            Input::Event { conn, event } => self.on_event(now, conn, event, out),
            Input::Send { to, frame } => self.send_frame(to, frame, out),
            Input::NotUnderstood { peer, protocol } => {
                self.refuse(peer, frame::FRAME_VERSION, protocol as u8, out);
            }
            Input::Lifecycle(lifecycle) => self.on_lifecycle(now, lifecycle, out),
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let due = |peer: &Peer| match &peer.phase {
            Phase::Idle => None,
            Phase::Attempt(attempt) => Some(attempt.poll_timeout()),
            Phase::Connected(connection) => Some(connection.poll_timeout()),
        };
        self.peers.values().filter_map(due).min()
    }

    fn handle_timeout(&mut self, now: Now, out: &mut Vec<Effect>) {
        let peers: Vec<PeerId> = self.conns.values().copied().collect();
        for peer in peers {
            match self.peers.get(&peer).map(|known| &known.phase) {
                Some(Phase::Attempt(_)) => self.attempt_timeout(now, peer, out),
                Some(Phase::Connected(_)) => self.connection_timeout(now, peer, out),
                Some(Phase::Idle) | None => {}
            }
        }
    }
}

impl Link {
    /// Makes the protocol with no connection.
    #[must_use]
    pub(crate) fn new(config: Config) -> Self {
        Self {
            config,
            next_conn: 1,
            next_session: config.session_first,
            peers: Map::new(),
            conns: Map::new(),
            counters: Counters::default(),
        }
    }

    /// Returns the connection to a peer, open or opening.
    #[must_use]
    pub(crate) fn conn(&self, peer: PeerId) -> Option<ConnId> {
        match &self.peers.get(&peer)?.phase {
            Phase::Idle => None,
            Phase::Attempt(attempt) => Some(attempt.conn),
            Phase::Connected(connection) => Some(connection.conn),
        }
    }

    /// Returns what is known of a peer's connection.
    #[must_use]
    pub(crate) fn peer(&self, peer: PeerId) -> PeerLink {
        let Some(known) = self.peers.get(&peer) else { return PeerLink::default() };
        let mut link = PeerLink {
            bytes_in: known.bytes_in,
            bytes_out: known.bytes_out,
            ..PeerLink::default()
        };
        match &known.phase {
            Phase::Idle => {}
            Phase::Attempt(attempt) => {
                link.state = Some(PeerState::Connecting);
                link.stage = Some(attempt.stage());
            }
            Phase::Connected(connection) => {
                let is_up = connection.transport == Transport::Up;
                link.state = Some(if is_up { PeerState::Connected } else { PeerState::Connecting });
                link.rtt = connection.health.rtt;
                link.connected_at_ms = Some(connection.opened_unix_ms);
            }
        }
        link
    }

    /// Returns the counters, by name.
    #[must_use]
    pub(crate) fn stats(&self) -> [(&'static str, u64); 11] {
        let counters = &self.counters;
        [
            ("link.attempts", counters.attempts),
            ("link.failures", counters.failures),
            ("link.connections", counters.connections),
            ("connect.by_broadcast", counters.by_broadcast),
            ("connect.by_peers", counters.by_peers),
            ("connect.by_server", counters.by_server),
            ("link.glares", counters.glares),
            ("link.restarts", counters.restarts),
            ("link.frames_not_understood", counters.frames_not_understood),
            ("link.signals_stale", counters.signals_stale),
            ("link.open", self.conns.len() as u64),
        ]
    }
}

/// What `link` knows of a peer, for a snapshot.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PeerLink {
    /// `None`: not connected and not trying.
    pub(crate) state: Option<PeerState>,
    /// How far the attempt is that is under way.
    pub(crate) stage: Option<Stage>,
    /// The round trip time.
    pub(crate) rtt: Option<Rtt>,
    /// Received on all connections.
    pub(crate) bytes_in: u64,
    /// Sent on all connections.
    pub(crate) bytes_out: u64,
    /// When the connection opened.
    pub(crate) connected_at_ms: Option<u64>,
}
