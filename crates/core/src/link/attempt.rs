//! One attempt to connect: from the wish, or somebody's offer, to the greeting.

use core::time::Duration;

use peerloom_wire::SessionId;

use crate::event::Stage;
use crate::io::{Candidate, ConnId};
use crate::time::Instant;

/// How long offer and answer may travel. The slowest path, a rendezvous server on a mobile
/// network, takes some 2 s; the rest is for repeats.
const SIGNALLING_MAX: Duration = Duration::from_secs(10);

/// How long candidates may be tried. Firefox gives up after 11 s, Chromium after 15 s or never
/// (measured 2026-11-20).
const ICE_MAX: Duration = Duration::from_secs(15);

/// How long DTLS may take: five flights with the retransmission of RFC 6347 (1 + 2 + 4 s).
const DTLS_MAX: Duration = Duration::from_secs(8);

/// How long the data channels, and then the greeting, may take once DTLS is up. Guess.
const CHANNEL_MAX: Duration = Duration::from_secs(5);

/// How often an unanswered offer is repeated: envelopes get lost.
pub(super) const OFFER_REPEAT: Duration = Duration::from_secs(2);

/// The most candidates kept for one side of an attempt; a host has a few per interface.
const CANDIDATES_MAX: usize = 32;

/// How much later than its deadline a timer may fire before we blame ourselves for it.
pub(super) const LAG_MAX: Duration = Duration::from_secs(1);

/// What is granted to the other side after a lag of our own: its messages are in our queue.
pub(super) const LAG_GRACE: Duration = Duration::from_secs(2);

/// A deadline for the other side, which our own lateness postpones once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Deadline {
    at: Instant,
    postponed: bool,
}

impl Deadline {
    pub(super) fn new(at: Instant) -> Self {
        Self { at, postponed: false }
    }

    pub(super) const fn at(self) -> Instant {
        self.at
    }

    /// Returns whether the other side is really late at `now`. If we were late ourselves, it is
    /// given a moment more, once.
    pub(super) fn is_missed(&mut self, now: Instant) -> bool {
        if now < self.at {
            return false;
        }
        if !self.postponed && now.since(self.at) > LAG_MAX {
            *self = Self { at: now + LAG_GRACE, postponed: true };
            return false;
        }
        true
    }
}

/// Who made the first offer of a connection. Only this side restarts ICE: Chromium can't answer
/// the role change that Firefox makes otherwise (measured 2026-11-20).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Offerer,
    Answerer,
}

/// How far an attempt is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The browser makes our offer.
    Offering,
    /// Our offer travels; it is repeated until it is answered.
    Offered { sdp: String, repeat_at: Instant },
    /// The browser makes our answer.
    Answering,
    /// Candidates are tried. The answerer keeps its answer, to repeat it when the offer is repeated.
    Checking { answer: Option<String> },
    /// ICE found a path; DTLS is under way.
    Securing { answer: Option<String> },
    /// DTLS is up; the channels open.
    Opening,
    /// The channels are open and our greeting is sent; theirs is awaited.
    Greeting,
}

/// An attempt to connect.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) conn: ConnId,
    pub(super) session: SessionId,
    pub(super) role: Role,
    pub(super) step: Step,
    pub(super) deadline: Deadline,
    /// Sent with every repeat of our description.
    pub(super) local_candidates: Vec<Candidate>,
    /// Arrived before the description that they belong to.
    pub(super) early_candidates: Vec<Candidate>,
    /// Their greeting arrived before our channels were open.
    pub(super) greeted: bool,
}

impl Attempt {
    pub(super) fn new(now: Instant, conn: ConnId, session: SessionId, role: Role) -> Self {
        let step = match role {
            Role::Offerer => Step::Offering,
            Role::Answerer => Step::Answering,
        };
        Self {
            conn,
            session,
            role,
            step,
            deadline: Deadline::new(now + SIGNALLING_MAX),
            local_candidates: Vec::new(),
            early_candidates: Vec::new(),
            greeted: false,
        }
    }

    /// Enters `step` and gives it its time.
    pub(super) fn enter(&mut self, now: Instant, step: Step) {
        if let Some(duration) = step_duration(&step) {
            self.deadline = Deadline::new(now + duration);
        }
        self.step = step;
    }

    pub(super) const fn stage(&self) -> Stage {
        match self.step {
            Step::Offering | Step::Offered { .. } | Step::Answering => Stage::Signalling,
            Step::Checking { .. } => Stage::Ice,
            Step::Securing { .. } => Stage::Dtls,
            Step::Opening => Stage::Channel,
            Step::Greeting => Stage::Authentication,
        }
    }

    /// Whether the remote description is set, so that candidates can be added.
    pub(super) const fn has_remote(&self) -> bool {
        !matches!(self.step, Step::Offering | Step::Offered { .. })
    }

    /// Whether our description was sent, so that candidates may follow it.
    pub(super) const fn is_described(&self) -> bool {
        !matches!(self.step, Step::Offering | Step::Answering)
    }

    /// Keeps a local candidate for repeats; `false` when there are too many.
    pub(super) fn keep_local(&mut self, candidate: Candidate) -> bool {
        push_bounded(&mut self.local_candidates, candidate)
    }

    /// Keeps a remote candidate until the remote description is set; `false` when too many.
    pub(super) fn keep_early(&mut self, candidate: Candidate) -> bool {
        push_bounded(&mut self.early_candidates, candidate)
    }

    pub(super) fn poll_timeout(&self) -> Instant {
        match self.step {
            Step::Offered { repeat_at, .. } => self.deadline.at().min(repeat_at),
            _ => self.deadline.at(),
        }
    }
}

/// An offer being made or travelling shares one allowance, which begins with the attempt.
const fn step_duration(step: &Step) -> Option<Duration> {
    match step {
        Step::Offering | Step::Offered { .. } | Step::Answering => None,
        Step::Checking { .. } => Some(ICE_MAX),
        Step::Securing { .. } => Some(DTLS_MAX),
        Step::Opening | Step::Greeting => Some(CHANNEL_MAX),
    }
}

fn push_bounded(list: &mut Vec<Candidate>, candidate: Candidate) -> bool {
    let has_room = list.len() < CANDIDATES_MAX;
    if has_room {
        list.push(candidate);
    }
    has_room
}

/// What a person can be told about a stage that took too long: what happened, what to do.
pub(super) const fn explain_timeout(stage: Stage) -> (&'static str, &'static str) {
    match stage {
        Stage::Signalling => (
            "the peer did not answer the offer",
            "The other tab may be closed, asleep or switched off. It is tried again by itself.",
        ),
        Stage::Ice => (
            "no network path to the peer was found",
            "A firewall, a VPN or a guest network may block direct connections between the two \
             devices. Try another network.",
        ),
        Stage::Dtls => (
            "the secure transport could not be set up",
            "Packets get lost on the way. Try again, or try another network.",
        ),
        Stage::Channel => (
            "the data channels did not open",
            "The other page may be busy or frozen. It is tried again by itself.",
        ),
        Stage::Authentication => (
            "the peer did not greet",
            "The other page may be busy, or run an incompatible version. Reload it.",
        ),
        Stage::Admission => (
            "the peer has no room",
            "All its connections are in use. Close a tab, or raise maxConnections.",
        ),
    }
}
