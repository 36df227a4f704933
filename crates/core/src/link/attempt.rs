//! One attempt to connect: from the wish, or somebody's offer, to the greeting.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use peerloom_wire::{CANDIDATES_MAX, SessionId};

use super::gathered::Gathered;
use crate::deadline::Deadline;
use crate::event::{SignalPath, Stage};
use crate::io::{Candidate, ConnId};
use crate::time::Instant;

/// What may be sent on a control channel before the driver says more: what it keeps buffered at
/// most.
const BUDGET_BYTES_FIRST: usize = 256 * 1024;

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

/// How often an unanswered offer is repeated, and candidates that lead nowhere yet: envelopes get
/// lost.
pub(super) const REPEAT: Duration = Duration::from_secs(2);

/// How long our offer waits for its first candidate, without which it is of little use: it would
/// have to wait for company. Chromium has one 1 ms after the description (measured 2026-11-20).
pub(super) const FIRST_CANDIDATE_WAIT: Duration = Duration::from_millis(10);

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
    /// Our offer is made, and waits for the first candidate.
    Gathering { sdp: String, offer_at: Instant },
    /// Our offer travels; it is repeated until it is answered.
    Offered { sdp: String, repeat_at: Instant },
    /// The browser makes our answer.
    Answering,
    /// Candidates are tried; ours are repeated until a pair is found. The answerer keeps its
    /// answer, to repeat it when the offer is repeated.
    Checking { answer: Option<String>, repeat_at: Instant },
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
    /// By which way the other side's description came, once it did.
    pub(super) path: Option<SignalPath>,
    pub(super) step: Step,
    pub(super) deadline: Deadline,
    /// All of it goes with every repeat of our description.
    pub(super) gathered: Gathered,
    /// Arrived before the description that they belong to.
    pub(super) early_candidates: Vec<Candidate>,
    /// Their greeting arrived before our channels were open.
    pub(super) greeted: bool,
    /// What may be sent once we have greeted each other.
    pub(super) budget_bytes: usize,
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
            path: None,
            step,
            deadline: Deadline::new(now + SIGNALLING_MAX),
            gathered: Gathered::default(),
            early_candidates: Vec::new(),
            greeted: false,
            budget_bytes: BUDGET_BYTES_FIRST,
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
            Step::Offering | Step::Gathering { .. } | Step::Offered { .. } | Step::Answering => {
                Stage::Signalling
            }
            Step::Checking { .. } => Stage::Ice,
            Step::Securing { .. } => Stage::Dtls,
            Step::Opening => Stage::Channel,
            Step::Greeting => Stage::Authentication,
        }
    }

    /// Whether the remote description is set, so that candidates can be added.
    pub(super) const fn has_remote(&self) -> bool {
        !matches!(self.step, Step::Offering | Step::Gathering { .. } | Step::Offered { .. })
    }

    /// Keeps remote candidates until the remote description is set, as many as there may be.
    pub(super) fn keep_early(&mut self, candidates: Vec<Candidate>) {
        self.early_candidates.extend(candidates);
        self.early_candidates.truncate(CANDIDATES_MAX);
    }

    pub(super) fn poll_timeout(&self) -> Instant {
        let deadline = self.deadline.at();
        let step = match self.step {
            Step::Gathering { offer_at, .. } => offer_at,
            Step::Offered { repeat_at, .. } | Step::Checking { repeat_at, .. } => {
                self.gathered.tell_at().map_or(repeat_at, |at| at.min(repeat_at))
            }
            _ => deadline,
        };
        step.min(deadline)
    }
}

/// An offer being made or travelling shares one allowance, which begins with the attempt.
const fn step_duration(step: &Step) -> Option<Duration> {
    match step {
        Step::Offering | Step::Gathering { .. } | Step::Offered { .. } | Step::Answering => None,
        Step::Checking { .. } => Some(ICE_MAX),
        Step::Securing { .. } => Some(DTLS_MAX),
        Step::Opening | Step::Greeting => Some(CHANNEL_MAX),
    }
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
        Stage::Admission => ("the peer has no room", "Close a tab, or raise maxConnections."),
    }
}
