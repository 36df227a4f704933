//! An open connection: its budget, and the outages of its transport.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use peerloom_wire::SessionId;

use crate::deadline::Deadline;
use crate::io::{Candidate, ConnId};
use crate::link::attempt::Role;
use crate::link::gathered::Gathered;
use crate::link::health::Health;
use crate::time::Instant;

/// How long a transport may be disconnected before ICE is restarted; most hiccups are shorter.
const RESTART_DELAY: Duration = Duration::from_secs(1);

/// How long the restarts of a transport may take in all. A Firefox that lost its path says so after
/// 8 to 11 s, and closes its channels for good after 29 s (measured 2026-11-20).
const RESTART_MAX: Duration = Duration::from_secs(18);

/// The same, once the browser itself has given up.
const RESTART_AFTER_FAILURE_MAX: Duration = Duration::from_secs(6);

/// How often a restart is tried while a transport is down.
const RESTART_REPEAT: Duration = Duration::from_secs(4);

/// The most bytes of control frames that wait for budget. A full inventory of 10,000 contents has
/// about 4 MB; a peer that does not read more than this is of no use.
const OUTBOX_BYTES_MAX: usize = 8 << 20;

/// Whether packets get through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    Up,
    Down { restart_at: Instant, deadline: Deadline, failed: bool },
}

/// Whether an answer to a restart's offer is awaited; any other answer is a late repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Restart {
    None,
    Offered,
}

/// What is due on a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Ping { nonce: u32 },
    Candidates(Vec<Candidate>),
    Restart,
    Unresponsive,
    TransportLost,
}

/// A connection that greeted.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) conn: ConnId,
    pub(super) session: SessionId,
    pub(super) role: Role,
    pub(super) opened_unix_ms: u64,
    pub(super) transport: Transport,
    /// Refusals sent, to answer no flood with a flood.
    pub(super) refusals: u32,
    /// For the description of the last restart.
    pub(super) gathered: Gathered,
    pub(super) health: Health,
    restart: Restart,
    budget_bytes: usize,
    outbox: VecDeque<Bytes>,
    outbox_bytes: usize,
}

impl Connection {
    pub(super) fn new(
        now: Instant,
        unix_ms: u64,
        conn: ConnId,
        session: SessionId,
        role: Role,
        budget_bytes: usize,
    ) -> Self {
        Self {
            conn,
            session,
            role,
            opened_unix_ms: unix_ms,
            transport: Transport::Up,
            refusals: 0,
            gathered: Gathered::default(),
            health: Health::new(now),
            restart: Restart::None,
            budget_bytes,
            outbox: VecDeque::new(),
            outbox_bytes: 0,
        }
    }

    /// Returns the frames to send now, `first` before those that wait. `Err` when the peer does not
    /// read: too much waits.
    pub(super) fn send(&mut self, frame: Bytes, first: bool) -> Result<Vec<Bytes>, Unread> {
        if self.outbox_bytes + frame.len() > OUTBOX_BYTES_MAX {
            return Err(Unread);
        }
        self.outbox_bytes += frame.len();
        if first {
            self.outbox.push_front(frame);
        } else {
            self.outbox.push_back(frame);
        }
        Ok(self.flush())
    }

    /// Charges the budget for a frame that did not wait for it.
    pub(super) const fn spend(&mut self, bytes: usize) {
        self.budget_bytes = self.budget_bytes.saturating_sub(bytes);
    }

    /// Takes a new budget and returns the frames that it lets go.
    pub(super) fn writable(&mut self, budget_bytes: usize) -> Vec<Bytes> {
        self.budget_bytes = budget_bytes;
        self.flush()
    }

    fn flush(&mut self) -> Vec<Bytes> {
        let mut frames = Vec::new();
        while self.outbox.front().is_some_and(|frame| frame.len() <= self.budget_bytes) {
            let Some(frame) = self.outbox.pop_front() else { break };
            self.budget_bytes -= frame.len();
            self.outbox_bytes -= frame.len();
            frames.push(frame);
        }
        frames
    }

    /// Asks for a sign of life at once: the page runs on or is shown, or has another network. A path
    /// that is known to be gone is not asked but restarted.
    pub(super) fn probe(&mut self, now: Instant) {
        match &mut self.transport {
            Transport::Up => self.health.probe(now),
            Transport::Down { restart_at, .. } => *restart_at = now,
        }
    }

    /// An offer that restarts ICE is being made.
    pub(super) fn begin_restart(&mut self) {
        self.gathered = Gathered::default();
        self.restart = Restart::Offered;
    }

    /// Takes the answer to it; `false` when none is awaited.
    pub(super) fn take_restart(&mut self) -> bool {
        core::mem::replace(&mut self.restart, Restart::None) == Restart::Offered
    }

    /// Packets get through: whether the peer is there, is asked anew.
    pub(super) fn transport_up(&mut self, now: Instant) {
        if self.transport != Transport::Up {
            self.transport = Transport::Up;
            self.health.probe(now);
        }
    }

    /// The transport is disconnected, or, with `failed`, given up by the browser.
    pub(super) fn transport_down(&mut self, now: Instant, failed: bool) {
        match self.transport {
            Transport::Down { failed: true, .. } => {}
            Transport::Down { failed: false, .. } if !failed => {}
            _ if failed => {
                let deadline = Deadline::new(now + RESTART_AFTER_FAILURE_MAX);
                self.transport = Transport::Down { restart_at: now, deadline, failed };
            }
            _ => {
                let deadline = Deadline::new(now + RESTART_MAX);
                let restart_at = now + RESTART_DELAY;
                self.transport = Transport::Down { restart_at, deadline, failed };
            }
        }
    }

    pub(super) fn poll_timeout(&self) -> Instant {
        let health = match self.transport {
            Transport::Up => self.health.poll_timeout(),
            Transport::Down { restart_at, deadline, .. } => restart_at.min(deadline.at()),
        };
        self.gathered.tell_at().map_or(health, |at| at.min(health))
    }

    /// Returns one thing that is due, and marks it done; call until there is none.
    pub(super) fn due(&mut self, now: Instant) -> Option<Due> {
        let candidates = self.gathered.tell_due(now);
        if !candidates.is_empty() {
            return Some(Due::Candidates(candidates));
        }
        let Transport::Down { restart_at, deadline, .. } = &mut self.transport else {
            return self.health.due(now);
        };
        // A ping that can't get through would say nothing about the peer.
        if deadline.is_missed(now) {
            return Some(Due::TransportLost);
        }
        let is_due = *restart_at <= now;
        is_due.then(|| {
            *restart_at = now + RESTART_REPEAT;
            Due::Restart
        })
    }
}

/// More waits for the peer than it is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unread;
