//! From a wish or an offer to an open, greeted connection.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use peerloom_wire::envelope::{RejectReason, Signal};
use peerloom_wire::{PeerId, SessionId};

use super::attempt::{Attempt, FIRST_CANDIDATE_WAIT, REPEAT, Role, Step, explain_timeout};
use super::connection::Connection;
use super::{Effect, Link, Message, Phase};
use crate::event::{ConnectFailure, DisconnectCause, SignalPath, Stage, decimal};
use crate::io::{Candidate, ConnId, LinkCommand, LinkEvent, TransportState};
use crate::time::Now;

impl Link {
    /// Dials unless something is open or under way. Without room the attempt fails at once.
    #[inline(never)]
    pub(super) fn dial(&mut self, now: Now, peer: PeerId, out: &mut Vec<Effect>) {
        if peer == self.config.own || !matches!(self.phase(peer), None | Some(Phase::Idle)) {
            return;
        }
        if self.conns.len() >= self.config.connections_max {
            let max = self.config.connections_max;
            let failure = ConnectFailure {
                peer,
                stage: Stage::Admission,
                reason: ["all ", &decimal(max as u64), " connections are in use"].concat(),
                hint: Some("Close a tab, or raise maxConnections.".to_owned()),
            };
            out.push(Effect::Failed { peer, failure: Some(failure) });
            return;
        }
        let session = SessionId(self.next_session);
        self.next_session += 1;
        let conn = self.begin(now, peer, session, Role::Offerer, out);
        out.push(Effect::Command { conn, command: LinkCommand::CreateOffer { restart: false } });
    }

    #[inline(never)]
    pub(super) fn on_signal(
        &mut self,
        now: Now,
        from: PeerId,
        signal: Signal,
        path: SignalPath,
        out: &mut Vec<Effect>,
    ) {
        match signal {
            Signal::Offer { session, sdp, candidates, restart: false } => {
                self.on_offer(now, (from, path), session, sdp, candidates, out);
            }
            Signal::Offer { session, sdp, candidates, restart: true } => {
                self.on_restart_offer(from, session, sdp, candidates, out);
            }
            Signal::Answer { session, sdp, candidates } => {
                self.on_answer(now, (from, path), session, sdp, candidates, out);
            }
            Signal::Candidates { session, candidates } => {
                self.on_candidates(from, session, candidates, out);
            }
            Signal::RestartWanted { session } => self.on_restart_wanted(from, session, out),
            Signal::Reject { session, reason } => self.on_reject(from, session, reason, out),
            Signal::Goodbye => self.hangup(from, DisconnectCause::Goodbye, out),
            // Discovery's, and routing's.
            Signal::Announce { .. } | Signal::Message { .. } | Signal::Receipt { .. } => {}
        }
    }

    #[inline(never)]
    fn on_offer(
        &mut self,
        now: Now,
        (from, path): (PeerId, SignalPath),
        session: SessionId,
        sdp: String,
        candidates: Vec<Candidate>,
        out: &mut Vec<Effect>,
    ) {
        // Both number their own sessions: an equal number on an offer of ours is chance.
        if let Some(Phase::Attempt(attempt)) = self.phase(from)
            && attempt.session == session
            && attempt.role == Role::Answerer
        {
            return self.repeat_answer(from, out);
        }
        let is_late = self.peers.get(&from).is_some_and(|peer| peer.newest_offer >= Some(session));
        if is_late {
            self.counters.signals_stale += 1;
            return;
        }
        match self.phase(from) {
            Some(Phase::Attempt(attempt)) if attempt.role == Role::Offerer => {
                let is_answered = attempt.has_remote();
                self.counters.glares += 1;
                // Both offered: the lower id's offer wins. It may have been lost, so the winner
                // says it again; its own repeat would come too, but later.
                if self.config.own < from && !is_answered {
                    return self.repeat_offer(now, from, out);
                }
                self.end_attempt(from, out);
            }
            Some(Phase::Attempt(_)) => {
                self.end_attempt(from, out);
            }
            // Its side of the connection is gone, or it would not offer.
            Some(Phase::Connected(_)) => self.hangup(from, DisconnectCause::Replaced, out),
            Some(Phase::Idle) | None => {}
        }
        if self.conns.len() >= self.config.connections_max {
            out.push(rejection(from, session, RejectReason::Full));
            out.push(Effect::Refused { peer: from });
            return;
        }
        let conn = self.begin(now, from, session, Role::Answerer, out);
        if let Some(peer) = self.peers.get_mut(&from) {
            peer.newest_offer = Some(session);
            if let Phase::Attempt(attempt) = &mut peer.phase {
                attempt.path = Some(path);
            }
        }
        out.push(Effect::Command { conn, command: LinkCommand::AcceptOffer { sdp, candidates } });
    }

    #[inline(never)]
    fn on_answer(
        &mut self,
        now: Now,
        (from, path): (PeerId, SignalPath),
        session: SessionId,
        sdp: String,
        candidates: Vec<Candidate>,
        out: &mut Vec<Effect>,
    ) {
        match self.phase_mut(from) {
            Some(Phase::Attempt(attempt))
                if attempt.session == session && matches!(attempt.step, Step::Offered { .. }) =>
            {
                let conn = attempt.conn;
                let repeat_at = now.mono + REPEAT;
                attempt.enter(now.mono, Step::Checking { answer: None, repeat_at });
                attempt.path = Some(path);
                let mut all = core::mem::take(&mut attempt.early_candidates);
                all.extend(candidates);
                let command = LinkCommand::AcceptAnswer { sdp, candidates: all };
                out.push(Effect::Command { conn, command });
                out.push(Effect::Connecting { peer: from });
            }
            Some(Phase::Connected(connection)) if connection.session == session => {
                let conn = connection.conn;
                if connection.take_restart() {
                    let command = LinkCommand::AcceptAnswer { sdp, candidates };
                    out.push(Effect::Command { conn, command });
                } else {
                    self.counters.signals_stale += 1;
                }
            }
            _ => self.counters.signals_stale += 1,
        }
    }

    fn on_candidates(
        &mut self,
        from: PeerId,
        session: SessionId,
        candidates: Vec<Candidate>,
        out: &mut Vec<Effect>,
    ) {
        let conn = match self.phase_mut(from) {
            Some(Phase::Attempt(attempt)) if attempt.session == session => {
                if !attempt.has_remote() {
                    return attempt.keep_early(candidates);
                }
                attempt.conn
            }
            Some(Phase::Connected(connection)) if connection.session == session => connection.conn,
            _ => {
                self.counters.signals_stale += 1;
                return;
            }
        };
        out.push(Effect::Command { conn, command: LinkCommand::AddCandidates { candidates } });
    }

    fn on_reject(
        &mut self,
        from: PeerId,
        session: SessionId,
        reason: RejectReason,
        out: &mut Vec<Effect>,
    ) {
        match self.phase(from) {
            Some(Phase::Attempt(attempt))
                if attempt.session == session && attempt.role == Role::Offerer =>
            {
                let (reason, hint) = match reason {
                    RejectReason::Full => (
                        "all connections of the peer are in use",
                        "Close a tab, or raise maxConnections.",
                    ),
                    RejectReason::Denied => (
                        "the peer does not want this connection",
                        "It may have banned this peer. Ask the person there.",
                    ),
                    RejectReason::UnknownSession => (
                        "the peer does not know this connection",
                        "The other page may have been reloaded. It is tried again by itself.",
                    ),
                };
                self.fail(from, Stage::Admission, reason.to_owned(), Some(hint.to_owned()), out);
            }
            // A restart was turned down: their side is gone.
            Some(Phase::Connected(connection)) if connection.session == session => {
                self.hangup(from, DisconnectCause::Closed, out);
            }
            _ => self.counters.signals_stale += 1,
        }
    }

    /// Takes the events of an attempt; those of open connections are in `upkeep`.
    pub(super) fn on_attempt_event(
        &mut self,
        now: Now,
        peer: PeerId,
        event: LinkEvent,
        out: &mut Vec<Effect>,
    ) {
        match event {
            LinkEvent::OfferReady { sdp } => self.on_offer_ready(now, peer, sdp, out),
            LinkEvent::AnswerReady { sdp } => self.on_answer_ready(now, peer, sdp, out),
            LinkEvent::CandidateReady { candidate } => {
                self.on_local_candidate(now, peer, candidate, out);
            }
            LinkEvent::Transport(state) => self.on_attempt_transport(now, peer, state, out),
            LinkEvent::Opened => self.on_opened(now, peer, out),
            LinkEvent::Received { frame } => self.on_frame(now, peer, frame, out),
            LinkEvent::Failed { stage, reason } => self.fail(peer, stage, reason, None, out),
            LinkEvent::Closed => {
                let stage = self.stage_of(peer);
                self.fail(peer, stage, "the peer closed the connection".to_owned(), None, out);
            }
            LinkEvent::Writable { budget_bytes } => {
                if let Some(Phase::Attempt(attempt)) = self.phase_mut(peer) {
                    attempt.budget_bytes = usize::try_from(budget_bytes).unwrap_or(usize::MAX);
                }
            }
            // Nothing was asked for or promised before the greeting.
            LinkEvent::BodyProgress { .. }
            | LinkEvent::BodyArrived { .. }
            | LinkEvent::BodyMisplaced { .. }
            | LinkEvent::BodyServed { .. }
            | LinkEvent::BodyUnavailable { .. } => {}
        }
    }

    fn on_offer_ready(&mut self, now: Now, peer: PeerId, sdp: String, out: &mut Vec<Effect>) {
        let Some(Phase::Attempt(attempt)) = self.phase_mut(peer) else { return };
        if attempt.step == Step::Offering {
            let waits = attempt.gathered.is_empty();
            let wait = if waits { FIRST_CANDIDATE_WAIT } else { Duration::ZERO };
            attempt.step = Step::Gathering { sdp, offer_at: now.mono + wait };
            self.attempt_due(now, peer, out);
        }
    }

    fn on_answer_ready(&mut self, now: Now, peer: PeerId, sdp: String, out: &mut Vec<Effect>) {
        let Some(Phase::Attempt(attempt)) = self.phase_mut(peer) else { return };
        if attempt.step == Step::Answering {
            let repeat_at = now.mono + REPEAT;
            attempt.enter(now.mono, Step::Checking { answer: Some(sdp), repeat_at });
            self.repeat_answer(peer, out);
            out.push(Effect::Connecting { peer });
        }
    }

    fn on_local_candidate(
        &mut self,
        now: Now,
        peer: PeerId,
        candidate: Candidate,
        out: &mut Vec<Effect>,
    ) {
        let Some(Phase::Attempt(attempt)) = self.phase_mut(peer) else { return };
        attempt.gathered.add(now.mono, candidate);
        if let Step::Gathering { offer_at, .. } = &mut attempt.step {
            *offer_at = now.mono;
        }
        self.attempt_due(now, peer, out);
    }

    fn on_attempt_transport(
        &mut self,
        now: Now,
        peer: PeerId,
        state: TransportState,
        out: &mut Vec<Effect>,
    ) {
        let Some(Phase::Attempt(attempt)) = self.phase_mut(peer) else { return };
        match (state, &mut attempt.step) {
            (TransportState::IceConnected, Step::Checking { answer, .. }) => {
                let answer = answer.take();
                attempt.enter(now.mono, Step::Securing { answer });
                out.push(Effect::Connecting { peer });
            }
            (TransportState::Connected, Step::Checking { .. } | Step::Securing { .. }) => {
                attempt.enter(now.mono, Step::Opening);
                out.push(Effect::Connecting { peer });
            }
            (TransportState::Failed, _) => {
                let stage = attempt.stage();
                let (reason, hint) = explain_timeout(stage);
                self.fail(peer, stage, reason.to_owned(), Some(hint.to_owned()), out);
            }
            // It may still come back within the stage's time.
            (TransportState::Disconnected | TransportState::IceConnected, _)
            | (TransportState::Connected, _) => {}
        }
    }

    fn on_opened(&mut self, now: Now, peer: PeerId, out: &mut Vec<Effect>) {
        let Some(Phase::Attempt(attempt)) = self.phase_mut(peer) else { return };
        let (session, greeted) = (attempt.session, attempt.greeted);
        attempt.enter(now.mono, Step::Greeting);
        self.send_message(peer, &Message::Hello { session }, out);
        if greeted {
            self.establish(now, peer, out);
        } else {
            out.push(Effect::Connecting { peer });
        }
    }

    /// Takes a greeting: it proves that both sides mean the same attempt.
    pub(super) fn on_hello(
        &mut self,
        now: Now,
        peer: PeerId,
        session: SessionId,
        out: &mut Vec<Effect>,
    ) {
        let Some(Phase::Attempt(attempt)) = self.phase_mut(peer) else { return };
        if attempt.session != session {
            let reason = "the peer greets for another connection".to_owned();
            return self.fail(peer, Stage::Authentication, reason, None, out);
        }
        attempt.greeted = true;
        if attempt.step == Step::Greeting {
            self.establish(now, peer, out);
        }
    }

    fn establish(&mut self, now: Now, peer: PeerId, out: &mut Vec<Effect>) {
        let Some(known) = self.peers.get_mut(&peer) else { return };
        let Phase::Attempt(attempt) = &known.phase else { return };
        let (conn, session, role) = (attempt.conn, attempt.session, attempt.role);
        // Without a description of the other side nothing opens.
        let path = attempt.path.unwrap_or(SignalPath::Broadcast);
        let budget_bytes = attempt.budget_bytes;
        let connection = Connection::new(now.mono, now.unix_ms, conn, session, role, budget_bytes);
        known.phase = Phase::Connected(connection);
        self.counters.connections += 1;
        match path {
            SignalPath::Broadcast => self.counters.by_broadcast += 1,
            SignalPath::Peers => self.counters.by_peers += 1,
            SignalPath::Server => self.counters.by_server += 1,
        }
        out.push(Effect::Up { peer, conn, path });
    }

    /// Does what is due for an attempt: repeats the offer, or gives up.
    pub(super) fn attempt_timeout(&mut self, now: Now, peer: PeerId, out: &mut Vec<Effect>) {
        let Some(Phase::Attempt(attempt)) = self.phase_mut(peer) else { return };
        if attempt.deadline.is_missed(now.mono) {
            let stage = attempt.stage();
            let (reason, hint) = explain_timeout(stage);
            return self.fail(peer, stage, reason.to_owned(), Some(hint.to_owned()), out);
        }
        self.attempt_due(now, peer, out);
    }

    /// Sends what is due of our side: the offer, its repeat, or candidates.
    fn attempt_due(&mut self, now: Now, peer: PeerId, out: &mut Vec<Effect>) {
        let Some(Phase::Attempt(attempt)) = self.phase_mut(peer) else { return };
        let session = attempt.session;
        match &mut attempt.step {
            Step::Gathering { offer_at, sdp } if *offer_at <= now.mono => {
                let sdp = core::mem::take(sdp);
                attempt.step = Step::Offered { sdp, repeat_at: now.mono };
                self.repeat_offer(now, peer, out);
            }
            Step::Offered { repeat_at, .. } if *repeat_at <= now.mono => {
                self.repeat_offer(now, peer, out);
            }
            Step::Checking { repeat_at, .. } if *repeat_at <= now.mono => {
                *repeat_at = now.mono + REPEAT;
                tell(peer, session, attempt.gathered.tell_all(), out);
            }
            Step::Offered { .. } | Step::Checking { .. } => {
                tell(peer, session, attempt.gathered.tell_due(now.mono), out);
            }
            _ => {}
        }
    }

    /// Sends the offer and all candidates so far. One that waits for a candidate goes by itself.
    fn repeat_offer(&mut self, now: Now, peer: PeerId, out: &mut Vec<Effect>) {
        let Some(Phase::Attempt(attempt)) = self.phase_mut(peer) else { return };
        let session = attempt.session;
        let Step::Offered { sdp, repeat_at } = &mut attempt.step else { return };
        *repeat_at = now.mono + REPEAT;
        let (sdp, candidates) = (sdp.clone(), attempt.gathered.tell_all());
        let signal = Signal::Offer { session, sdp, candidates, restart: false };
        out.push(Effect::Signal { to: peer, signal });
    }

    /// Sends the answer and all candidates so far: the offer came again, so it may have been lost.
    fn repeat_answer(&mut self, peer: PeerId, out: &mut Vec<Effect>) {
        let Some(Phase::Attempt(attempt)) = self.phase_mut(peer) else { return };
        let session = attempt.session;
        let (Step::Checking { answer: Some(sdp), .. } | Step::Securing { answer: Some(sdp) }) =
            &attempt.step
        else {
            return;
        };
        let (sdp, candidates) = (sdp.clone(), attempt.gathered.tell_all());
        let signal = Signal::Answer { session, sdp, candidates };
        out.push(Effect::Signal { to: peer, signal });
    }

    #[inline(never)]
    fn begin(
        &mut self,
        now: Now,
        peer: PeerId,
        session: SessionId,
        role: Role,
        out: &mut Vec<Effect>,
    ) -> ConnId {
        let conn = ConnId(self.next_conn);
        self.next_conn += 1;
        self.counters.attempts += 1;
        self.conns.insert(conn, peer);
        let attempt = Attempt::new(now.mono, conn, session, role);
        self.peers.entry(peer).or_default().phase = Phase::Attempt(attempt);
        out.push(Effect::Connecting { peer });
        conn
    }

    /// Ends an attempt with a reason.
    pub(super) fn fail(
        &mut self,
        peer: PeerId,
        stage: Stage,
        reason: String,
        hint: Option<String>,
        out: &mut Vec<Effect>,
    ) {
        if self.end_attempt(peer, out) {
            self.counters.failures += 1;
            let failure = ConnectFailure { peer, stage, reason, hint };
            out.push(Effect::Failed { peer, failure: Some(failure) });
        }
    }

    /// Closes the connection of an attempt; `false` when there is none.
    pub(super) fn end_attempt(&mut self, peer: PeerId, out: &mut Vec<Effect>) -> bool {
        let Some(Phase::Attempt(attempt)) = self.phase(peer) else { return false };
        let conn = attempt.conn;
        self.set_idle(peer, conn, out);
        true
    }

    pub(super) fn set_idle(&mut self, peer: PeerId, conn: ConnId, out: &mut Vec<Effect>) {
        self.conns.remove(&conn);
        if let Some(known) = self.peers.get_mut(&peer) {
            known.phase = Phase::Idle;
        }
        out.push(Effect::Command { conn, command: LinkCommand::Close });
    }

    fn stage_of(&self, peer: PeerId) -> Stage {
        match self.phase(peer) {
            Some(Phase::Attempt(attempt)) => attempt.stage(),
            _ => Stage::Signalling,
        }
    }

    pub(super) fn phase(&self, peer: PeerId) -> Option<&Phase> {
        self.peers.get(&peer).map(|known| &known.phase)
    }

    pub(super) fn phase_mut(&mut self, peer: PeerId) -> Option<&mut Phase> {
        self.peers.get_mut(&peer).map(|known| &mut known.phase)
    }
}

/// Turns an offer, or the wish for one, down.
pub(super) const fn rejection(to: PeerId, session: SessionId, reason: RejectReason) -> Effect {
    Effect::Signal { to, signal: Signal::Reject { session, reason } }
}

/// Says candidates of ours to the peer, if there are any.
pub(super) fn tell(
    to: PeerId,
    session: SessionId,
    candidates: Vec<Candidate>,
    out: &mut Vec<Effect>,
) {
    if !candidates.is_empty() {
        out.push(Effect::Signal { to, signal: Signal::Candidates { session, candidates } });
    }
}
