//! What happens on open connections: frames, pings, restarts, goodbyes.

use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;
use peerloom_wire::envelope::{RejectReason, Signal};
use peerloom_wire::frame::{self, FrameError, Protocol};
use peerloom_wire::{PeerId, SessionId};

use super::attempt::Role;
use super::connection::{Due, Transport};
use super::gathered::Gathered;
use super::negotiation::{rejection, tell};
use super::{Effect, GoodbyeReason, Link, Message, Phase};
use crate::event::{DisconnectCause, StrikeKind};
use crate::io::{Candidate, ConnId, Lifecycle, LinkCommand, LinkEvent, TransportState};
use crate::time::Now;

/// The most answers of "not understood" on one connection.
const REFUSALS_MAX: u32 = 16;

impl Link {
    #[inline(never)]
    pub(super) fn on_event(
        &mut self,
        now: Now,
        conn: ConnId,
        event: LinkEvent,
        out: &mut Vec<Effect>,
    ) {
        // An event of a connection that was closed meanwhile.
        let Some(&peer) = self.conns.get(&conn) else { return };
        match self.phase(peer) {
            Some(Phase::Attempt(_)) => self.on_attempt_event(now, peer, event, out),
            Some(Phase::Connected(_)) => self.on_connection_event(now, peer, conn, event, out),
            Some(Phase::Idle) | None => {}
        }
    }

    fn on_connection_event(
        &mut self,
        now: Now,
        peer: PeerId,
        conn: ConnId,
        event: LinkEvent,
        out: &mut Vec<Effect>,
    ) {
        match event {
            LinkEvent::Received { frame } => self.on_frame(now, peer, frame, out),
            LinkEvent::Writable { budget_bytes } => self.on_writable(peer, budget_bytes, out),
            LinkEvent::Transport(state) => self.on_transport(now, peer, state, out),
            LinkEvent::OfferReady { sdp } => self.on_restart_described(peer, sdp, true, out),
            LinkEvent::AnswerReady { sdp } => self.on_restart_described(peer, sdp, false, out),
            LinkEvent::CandidateReady { candidate } => {
                if let Some(Phase::Connected(connection)) = self.phase_mut(peer) {
                    connection.gathered.add(now.mono, candidate);
                    self.connection_timeout(now, peer, out);
                }
            }
            LinkEvent::Closed => self.hangup(peer, DisconnectCause::Closed, out),
            // Only a restart's calls are made here: its failure is the transport's end.
            LinkEvent::Failed { .. } => self.hangup(peer, DisconnectCause::Transport, out),
            LinkEvent::Opened => {}
            LinkEvent::BodyArrived { bytes, .. } => {
                self.count(peer, u64::from(bytes), 0);
                out.push(Effect::Body { conn, event });
            }
            LinkEvent::BodyServed { bytes, .. } => {
                self.count(peer, 0, u64::from(bytes));
                out.push(Effect::Body { conn, event });
            }
            LinkEvent::BodyProgress { .. }
            | LinkEvent::BodyMisplaced { .. }
            | LinkEvent::BodyUnavailable { .. } => out.push(Effect::Body { conn, event }),
        }
    }

    /// Takes a frame of the control channel: any bytes, also before the greeting.
    #[inline(never)]
    pub(super) fn on_frame(&mut self, now: Now, peer: PeerId, frame: Bytes, out: &mut Vec<Effect>) {
        self.count(peer, frame.len() as u64, 0);
        if let Some(Phase::Connected(connection)) = self.phase_mut(peer) {
            connection.health.heard();
        }
        match frame::decode(&frame) {
            Ok((Protocol::Link, body)) => match frame::decode_body(Protocol::Link, body) {
                Ok(message) => self.on_message(now, peer, message, out),
                Err(error) => self.on_bad_frame(peer, &error, out),
            },
            Ok((protocol, body)) => {
                if matches!(self.phase(peer), Some(Phase::Connected(_))) {
                    let body = frame.slice_ref(body);
                    out.push(Effect::Frame { peer, protocol, body });
                } else {
                    out.push(Effect::Strike { peer, kind: StrikeKind::OutOfTurn });
                }
            }
            Err(error) => self.on_bad_frame(peer, &error, out),
        }
    }

    fn on_bad_frame(&mut self, peer: PeerId, error: &FrameError, out: &mut Vec<Effect>) {
        match *error {
            FrameError::UnknownVersion { version } => self.refuse(peer, version, 0, out),
            FrameError::UnknownProtocol { protocol } => {
                self.refuse(peer, frame::FRAME_VERSION, protocol, out);
            }
            FrameError::UnknownMessage { protocol } => {
                self.refuse(peer, frame::FRAME_VERSION, protocol as u8, out);
            }
            FrameError::TooLarge { .. } => {
                out.push(Effect::Strike { peer, kind: StrikeKind::Oversized });
            }
            FrameError::Malformed => {
                out.push(Effect::Strike { peer, kind: StrikeKind::MalformedFrame });
            }
        }
    }

    fn on_message(&mut self, now: Now, peer: PeerId, message: Message, out: &mut Vec<Effect>) {
        match message {
            Message::Hello { session } => self.on_hello(now, peer, session, out),
            Message::Ping { nonce } => self.send_message(peer, &Message::Pong { nonce }, out),
            Message::Pong { nonce } => {
                let Some(Phase::Connected(connection)) = self.phase_mut(peer) else { return };
                if connection.health.pong(now.mono, nonce)
                    && let Some(rtt) = connection.health.rtt
                {
                    out.push(Effect::Rtt { peer, micros: rtt.smoothed_micros });
                }
            }
            Message::Frozen => {
                if let Some(Phase::Connected(connection)) = self.phase_mut(peer) {
                    connection.health.peer_froze(now.mono);
                }
            }
            Message::Goodbye { reason } => {
                let cause = match reason {
                    GoodbyeReason::Leaving | GoodbyeReason::Denied => DisconnectCause::Goodbye,
                    GoodbyeReason::Parting => DisconnectCause::Parted,
                    GoodbyeReason::Surplus => DisconnectCause::Surplus,
                };
                // It has heard enough of us: no goodbye goes back.
                self.hangup_saying(peer, cause, None, out);
            }
            // Counted on their side; nothing that we say now is optional.
            Message::NotUnderstood { .. } => {}
        }
    }

    fn on_writable(&mut self, peer: PeerId, budget_bytes: u32, out: &mut Vec<Effect>) {
        let Some(Phase::Connected(connection)) = self.phase_mut(peer) else { return };
        let conn = connection.conn;
        let frames = connection.writable(budget_bytes as usize);
        self.emit_frames(peer, conn, frames, out);
    }

    /// Sends a frame when the budget allows.
    pub(super) fn send_frame(&mut self, to: PeerId, frame: Bytes, out: &mut Vec<Effect>) {
        self.queue_frame(to, frame, false, out);
    }

    /// Sends a frame when the budget allows; a peer that does not read is let go.
    fn queue_frame(&mut self, to: PeerId, frame: Bytes, first: bool, out: &mut Vec<Effect>) {
        let Some(Phase::Connected(connection)) = self.phase_mut(to) else { return };
        let conn = connection.conn;
        match connection.send(frame, first) {
            Ok(frames) => self.emit_frames(to, conn, frames, out),
            Err(_unread) => self.hangup(to, DisconnectCause::Unresponsive, out),
        }
    }

    /// Sends a message of this protocol, before all that waits for budget: a ping that waits is not
    /// sent, and a page that is frozen or closed next sends no more. Pongs wait, since the other
    /// side has it in its hand how many there are, but before all others.
    pub(super) fn send_message(&mut self, to: PeerId, message: &Message, out: &mut Vec<Effect>) {
        let Ok(frame) = frame::encode(Protocol::Link, message) else { return };
        match (self.conn(to), message) {
            (Some(_), Message::Pong { .. }) => self.queue_frame(to, frame, true, out),
            (Some(conn), _) => {
                if let Some(Phase::Connected(connection)) = self.phase_mut(to) {
                    connection.spend(frame.len());
                }
                self.emit_frames(to, conn, vec![frame], out);
            }
            (None, _) => {}
        }
    }

    fn emit_frames(
        &mut self,
        peer: PeerId,
        conn: ConnId,
        frames: Vec<Bytes>,
        out: &mut Vec<Effect>,
    ) {
        for frame in frames {
            self.count(peer, 0, frame.len() as u64);
            out.push(Effect::Command { conn, command: LinkCommand::Send { frame } });
        }
    }

    pub(super) fn refuse(
        &mut self,
        peer: PeerId,
        version: u8,
        protocol: u8,
        out: &mut Vec<Effect>,
    ) {
        self.counters.frames_not_understood += 1;
        let Some(Phase::Connected(connection)) = self.phase_mut(peer) else { return };
        connection.refusals += 1;
        if connection.refusals <= REFUSALS_MAX {
            self.send_message(peer, &Message::NotUnderstood { version, protocol }, out);
        }
    }

    fn on_transport(
        &mut self,
        now: Now,
        peer: PeerId,
        state: TransportState,
        out: &mut Vec<Effect>,
    ) {
        let Some(Phase::Connected(connection)) = self.phase_mut(peer) else { return };
        let before = connection.transport == Transport::Up;
        match state {
            TransportState::Connected | TransportState::IceConnected => {
                connection.transport_up(now.mono);
            }
            TransportState::Disconnected => connection.transport_down(now.mono, false),
            TransportState::Failed => connection.transport_down(now.mono, true),
        }
        if before != (connection.transport == Transport::Up) {
            out.push(Effect::Changed { peer });
        }
    }

    /// A restart's description is ready: send it.
    fn on_restart_described(
        &mut self,
        peer: PeerId,
        sdp: String,
        is_offer: bool,
        out: &mut Vec<Effect>,
    ) {
        let Some(Phase::Connected(connection)) = self.phase_mut(peer) else { return };
        let (session, candidates) = (connection.session, connection.gathered.tell_all());
        let signal = if is_offer {
            Signal::Offer { session, sdp, candidates, restart: true }
        } else {
            Signal::Answer { session, sdp, candidates }
        };
        out.push(Effect::Signal { to: peer, signal });
    }

    pub(super) fn on_restart_offer(
        &mut self,
        from: PeerId,
        session: SessionId,
        sdp: String,
        candidates: Vec<Candidate>,
        out: &mut Vec<Effect>,
    ) {
        match self.phase_mut(from) {
            Some(Phase::Connected(connection)) if connection.session == session => {
                if connection.role == Role::Answerer {
                    connection.gathered = Gathered::default();
                    let conn = connection.conn;
                    let command = LinkCommand::AcceptOffer { sdp, candidates };
                    out.push(Effect::Command { conn, command });
                }
            }
            _ => out.push(rejection(from, session, RejectReason::UnknownSession)),
        }
    }

    pub(super) fn on_restart_wanted(
        &mut self,
        from: PeerId,
        session: SessionId,
        out: &mut Vec<Effect>,
    ) {
        match self.phase_mut(from) {
            Some(Phase::Connected(connection)) if connection.session == session => {
                // Whoever sees the outage itself restarts in its own time: of two offers in a row
                // the second would take the answer to the first.
                if connection.transport == Transport::Up {
                    self.restart(from, out);
                }
            }
            _ => out.push(rejection(from, session, RejectReason::UnknownSession)),
        }
    }

    /// Restarts ICE, or asks the side that may.
    fn restart(&mut self, peer: PeerId, out: &mut Vec<Effect>) {
        let Some(Phase::Connected(connection)) = self.phase_mut(peer) else { return };
        match connection.role {
            Role::Offerer => {
                connection.begin_restart();
                let (conn, command) = (connection.conn, LinkCommand::CreateOffer { restart: true });
                self.counters.restarts += 1;
                out.push(Effect::Command { conn, command });
            }
            Role::Answerer => {
                let signal = Signal::RestartWanted { session: connection.session };
                out.push(Effect::Signal { to: peer, signal });
            }
        }
    }

    /// Does what is due on an open connection.
    pub(super) fn connection_timeout(&mut self, now: Now, peer: PeerId, out: &mut Vec<Effect>) {
        while let Some(Phase::Connected(connection)) = self.phase_mut(peer)
            && let Some(due) = connection.due(now.mono)
        {
            match due {
                Due::Ping { nonce } => self.send_message(peer, &Message::Ping { nonce }, out),
                Due::Candidates(candidates) => tell(peer, connection.session, candidates, out),
                Due::Restart => self.restart(peer, out),
                Due::Unresponsive => self.hangup(peer, DisconnectCause::Unresponsive, out),
                Due::TransportLost => self.hangup(peer, DisconnectCause::Transport, out),
            }
        }
    }

    pub(super) fn on_lifecycle(&mut self, now: Now, state: Lifecycle, out: &mut Vec<Effect>) {
        match state {
            Lifecycle::Frozen => {
                for peer in self.connected() {
                    self.send_message(peer, &Message::Frozen, out);
                }
            }
            Lifecycle::Resumed | Lifecycle::Visible => {
                for peer in self.connected() {
                    if let Some(Phase::Connected(connection)) = self.phase_mut(peer) {
                        connection.probe(now.mono);
                    }
                    self.connection_timeout(now, peer, out);
                }
            }
            Lifecycle::Hidden | Lifecycle::Leaving => {}
        }
    }

    /// Closes whatever there is with a peer, politely if the decision is ours.
    pub(super) fn hangup(&mut self, peer: PeerId, cause: DisconnectCause, out: &mut Vec<Effect>) {
        let reason = match cause {
            DisconnectCause::Local => Some(GoodbyeReason::Parting),
            DisconnectCause::Banned => Some(GoodbyeReason::Denied),
            DisconnectCause::Surplus => Some(GoodbyeReason::Surplus),
            _ => None,
        };
        self.hangup_saying(peer, cause, reason, out);
    }

    fn hangup_saying(
        &mut self,
        peer: PeerId,
        cause: DisconnectCause,
        reason: Option<GoodbyeReason>,
        out: &mut Vec<Effect>,
    ) {
        match self.phase(peer) {
            Some(Phase::Attempt(_)) => {
                self.end_attempt(peer, out);
                out.push(Effect::Failed { peer, failure: None });
            }
            Some(Phase::Connected(connection)) => {
                let conn = connection.conn;
                if let Some(reason) = reason {
                    self.send_message(peer, &Message::Goodbye { reason }, out);
                }
                self.set_idle(peer, conn, out);
                out.push(Effect::Down { peer, conn, cause });
            }
            Some(Phase::Idle) | None => {}
        }
    }

    pub(super) fn hangup_all(&mut self, out: &mut Vec<Effect>) {
        let peers: Vec<PeerId> = self.conns.values().copied().collect();
        for peer in peers {
            let reason = Some(GoodbyeReason::Leaving);
            self.hangup_saying(peer, DisconnectCause::Local, reason, out);
        }
    }

    pub(super) fn forget(&mut self, peer: PeerId, out: &mut Vec<Effect>) {
        self.hangup(peer, DisconnectCause::Goodbye, out);
        self.peers.remove(&peer);
        out.push(Effect::Forgotten { peer });
    }

    fn connected(&self) -> Vec<PeerId> {
        let is_connected = |peer: &PeerId| matches!(self.phase(*peer), Some(Phase::Connected(_)));
        self.conns.values().copied().filter(is_connected).collect()
    }

    fn count(&mut self, peer: PeerId, bytes_in: u64, bytes_out: u64) {
        if let Some(known) = self.peers.get_mut(&peer) {
            known.bytes_in += bytes_in;
            known.bytes_out += bytes_out;
        }
    }
}
