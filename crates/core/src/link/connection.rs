//! An open connection: its budget, its round trip time, its health.

use core::time::Duration;
use std::collections::VecDeque;

use bytes::Bytes;
use peerloom_wire::SessionId;

use crate::io::{Candidate, ConnId};
use crate::link::attempt::{Deadline, Role};
use crate::link::gathered::Gathered;
use crate::time::Instant;

/// How often a connection is pinged. Guess: often enough for a live round trip time, rare enough
/// to cost nothing (14 bytes).
pub(super) const PING_INTERVAL: Duration = Duration::from_secs(5);

/// How long a ping may stay unanswered while the transport says that it is up. Long, because the
/// browser itself notices a dead network (RFC 7675, after some 6 s); what is left is a page that is
/// busy, which is not dead.
const PONG_MAX: Duration = Duration::from_secs(30);

/// How long a transport may be disconnected before ICE is restarted; most hiccups are shorter.
const RESTART_DELAY: Duration = Duration::from_secs(1);

/// How long the restarts of a transport may take in all. A Firefox that lost its path closes its
/// channels after 29 s (measured 2026-11-20).
const RESTART_MAX: Duration = Duration::from_secs(28);

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

/// The state of the ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ping {
    Idle {
        next_at: Instant,
    },
    Sent {
        nonce: u32,
        at: Instant,
        deadline: Deadline,
    },
    /// The peer's page is frozen: it answers when it is resumed, and is not dead until then.
    Frozen,
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
    restart: Restart,
    ping: Ping,
    next_nonce: u32,
    rtt_micros: Option<u64>,
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
            restart: Restart::None,
            ping: Ping::Idle { next_at: now },
            next_nonce: 0,
            rtt_micros: None,
            budget_bytes,
            outbox: VecDeque::new(),
            outbox_bytes: 0,
        }
    }

    /// The smoothed round trip time: RFC 6298, section 2, with its gain of 1/8.
    pub(super) const fn rtt_micros(&self) -> Option<u64> {
        self.rtt_micros
    }

    /// Returns the frames to send now. `Err` when the peer does not read: too much waits.
    pub(super) fn send(&mut self, frame: Bytes) -> Result<Vec<Bytes>, Unread> {
        if self.outbox_bytes + frame.len() > OUTBOX_BYTES_MAX {
            return Err(Unread);
        }
        self.outbox_bytes += frame.len();
        self.outbox.push_back(frame);
        Ok(self.flush())
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

    /// The peer sent something: it is not frozen any more.
    pub(super) fn heard(&mut self, now: Instant) {
        if self.ping == Ping::Frozen {
            self.ping = Ping::Idle { next_at: now };
        }
    }

    pub(super) fn peer_froze(&mut self) {
        self.ping = Ping::Frozen;
    }

    /// Takes a pong; returns `true` if it answers our ping.
    pub(super) fn pong(&mut self, now: Instant, nonce: u32) -> bool {
        let Ping::Sent { nonce: sent, at, .. } = self.ping else { return false };
        if sent != nonce {
            return false;
        }
        let sample = u64::try_from(now.since(at).as_micros()).unwrap_or(u64::MAX);
        self.rtt_micros = Some(self.rtt_micros.map_or(sample, |rtt| (rtt * 7 + sample) / 8));
        self.ping = Ping::Idle { next_at: at + PING_INTERVAL };
        true
    }

    /// Asks for a ping at once: the page was resumed, the network changed.
    pub(super) fn probe(&mut self, now: Instant) {
        if matches!(self.ping, Ping::Idle { .. }) {
            self.ping = Ping::Idle { next_at: now };
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

    pub(super) fn transport_up(&mut self) {
        self.transport = Transport::Up;
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

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let ping = match self.ping {
            Ping::Idle { next_at } => Some(next_at),
            Ping::Sent { deadline, .. } => Some(deadline.at()),
            Ping::Frozen => None,
        };
        let transport = match self.transport {
            Transport::Up => None,
            Transport::Down { restart_at, deadline, .. } => Some(restart_at.min(deadline.at())),
        };
        [ping, transport, self.gathered.tell_at()].into_iter().flatten().min()
    }

    /// Returns one thing that is due, and marks it done; call until there is none.
    pub(super) fn due(&mut self, now: Instant) -> Option<Due> {
        if let Transport::Down { restart_at, deadline, .. } = &mut self.transport {
            if deadline.is_missed(now) {
                return Some(Due::TransportLost);
            }
            if *restart_at <= now {
                *restart_at = now + RESTART_REPEAT;
                return Some(Due::Restart);
            }
        }
        let candidates = self.gathered.tell_due(now);
        if !candidates.is_empty() {
            return Some(Due::Candidates(candidates));
        }
        match &mut self.ping {
            Ping::Idle { next_at } if *next_at <= now => {
                self.next_nonce = self.next_nonce.wrapping_add(1);
                let nonce = self.next_nonce;
                let deadline = Deadline::new(now + PONG_MAX);
                self.ping = Ping::Sent { nonce, at: now, deadline };
                Some(Due::Ping { nonce })
            }
            Ping::Sent { deadline, .. } => deadline.is_missed(now).then_some(Due::Unresponsive),
            Ping::Idle { .. } | Ping::Frozen => None,
        }
    }
}

/// More waits for the peer than it is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unread;
