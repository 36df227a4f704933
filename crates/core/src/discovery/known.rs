//! One known peer.

use core::time::Duration;

use peerloom_wire::RunId;

use super::SILENCE_MAX;
use super::replay::ReplayWindow;
use crate::event::LastFailure;
use crate::random::Random;
use crate::time::{Instant, Now};

/// The first wait after a failed attempt; each further one is twice as long.
const BACKOFF_FIRST: Duration = Duration::from_secs(1);

/// The longest wait. Guess: a person who mends the cause should not wait for more.
const BACKOFF_MAX: Duration = Duration::from_secs(60);

/// After a connection broke, the lower id dials at once and the higher one waits, so that there
/// is no glare.
pub(super) const REDIAL_HIGHER: Duration = Duration::from_secs(1);

/// How often a connection that broke is tried again before its peer is one like any other that
/// could not be reached.
const REBUILD_TRIES_MAX: u32 = 3;

/// Within which time. Two tries at a path that is gone, and a third: ICE takes 15 s to say so.
const REBUILD_MAX: Duration = Duration::from_secs(45);

/// How the contact with a peer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Contact {
    /// Not tried yet, or nobody's fault: dialled as soon as there is room.
    Idle,
    Dialling,
    Connected,
    Backoff {
        until: Instant,
        /// The same by the wall clock, for people.
        until_unix_ms: u64,
    },
    /// One side ended the connection on purpose: not dialled until somebody asks for it.
    Parted,
}

impl Contact {
    pub(super) fn backoff(now: Now, wait: Duration) -> Self {
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        Self::Backoff { until: now.mono + wait, until_unix_ms: now.unix_ms.saturating_add(wait_ms) }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Known {
    /// None: it was never heard, others say that it is there.
    pub(super) run: Option<RunId>,
    /// Whether a connected peer says that it is there.
    pub(super) is_vouched: bool,
    /// Whether it was answered when it announced itself to everyone.
    pub(super) is_answered: bool,
    /// When it was last heard, or first heard of.
    pub(super) heard_at: Instant,
    /// When it was last heard over the broadcast path.
    pub(super) broadcast_at: Option<Instant>,
    pub(super) contact: Contact,
    /// Since a connection broke and until it is rebuilt or given up: when it is given up.
    pub(super) rebuild_until: Option<Instant>,
    /// In a row.
    pub(super) failures: u32,
    /// Whether it was heard over the broadcast path, and an attempt failed since it was last heard,
    /// not for want of a place.
    pub(super) is_unreached: bool,
    /// Until an attempt succeeds.
    pub(super) last_failure: Option<LastFailure>,
    pub(super) replay: ReplayWindow,
}

impl Known {
    pub(super) const fn new(now: Instant, run: RunId, sequence: u64) -> Self {
        Self {
            run: Some(run),
            is_vouched: false,
            is_answered: false,
            heard_at: now,
            broadcast_at: None,
            contact: Contact::Idle,
            rebuild_until: None,
            failures: 0,
            is_unreached: false,
            last_failure: None,
            replay: ReplayWindow::after(sequence),
        }
    }

    /// Makes one that others told of. Of two that are told of each other, the lower id calls first.
    pub(super) fn introduced(now: Instant, contact: Contact) -> Self {
        Self { run: None, is_vouched: true, contact, ..Self::new(now, RunId(0), 0) }
    }

    /// Learns its run by the first envelope of it, or of the next run.
    pub(super) fn begin_run(&mut self, now: Instant, run: RunId, sequence: u64) {
        let is_vouched = self.is_vouched;
        // Whoever was dialled by id alone answers the attempt that is under way.
        let is_dialled = self.run.is_none() && self.contact == Contact::Dialling;
        let contact = if is_dialled { Contact::Dialling } else { Contact::Idle };
        *self = Self { is_vouched, contact, ..Self::new(now, run, sequence) };
    }

    /// Waits the next failure out.
    pub(super) fn back_off(&mut self, now: Now, random: &mut Random) {
        let doubled = BACKOFF_FIRST * 2u32.pow(self.failures.min(6));
        self.failures += 1;
        let has_tries = self.failures < REBUILD_TRIES_MAX;
        self.rebuild_until = self.rebuild_until.filter(|until| has_tries && now.mono < *until);
        self.contact = Contact::backoff(now, random.jitter(doubled.min(BACKOFF_MAX)));
    }

    /// Dials again after a connection broke.
    pub(super) fn redial(&mut self, now: Now, is_lower: bool) {
        self.rebuild_until = Some(now.mono + REBUILD_MAX);
        let wait = if is_lower { Duration::ZERO } else { REDIAL_HIGHER };
        self.contact = Contact::backoff(now, wait);
    }

    pub(super) fn retry_now(&mut self, now: Now) {
        if matches!(self.contact, Contact::Backoff { until, .. } if until > now.mono) {
            self.contact = Contact::backoff(now, Duration::ZERO);
        }
    }

    /// Whether what is waited for is the end of a failure.
    pub(super) const fn has_failed(&self) -> bool {
        self.failures > 0 || self.rebuild_until.is_some()
    }

    /// Whether it is to be dialled, given room.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        match self.contact {
            Contact::Idle => true,
            Contact::Backoff { until, .. } => until <= now,
            Contact::Dialling | Contact::Connected | Contact::Parted => false,
        }
    }

    /// Whether what is waited for is a place, of us or of it.
    pub(super) fn is_full(&self) -> bool {
        matches!(self.contact, Contact::Backoff { .. })
            && self.run.is_some()
            && !self.is_unreached
            && self.rebuild_until.is_none()
    }

    /// When this peer is to be forgotten if it stays silent; never while there is contact, or
    /// others say that it is there.
    pub(super) fn silent_at(&self) -> Option<Instant> {
        match self.contact {
            Contact::Idle | Contact::Backoff { .. } | Contact::Parted if !self.is_vouched => {
                Some(self.heard_at + SILENCE_MAX)
            }
            _ => None,
        }
    }

    /// When something changes of a peer that is dialled only if it is chosen.
    pub(super) fn expires_at(&self) -> Option<Instant> {
        let due = match self.contact {
            Contact::Backoff { until, .. } => Some(until),
            _ => None,
        };
        [due, self.silent_at()].into_iter().flatten().min()
    }

    /// `has_room`: whether being due leads to anything. `call_at`: when the next one may be called.
    pub(super) fn poll_timeout(&self, has_room: bool, call_at: Instant) -> Option<Instant> {
        let due = match self.contact {
            Contact::Idle if has_room => Some(self.heard_at),
            Contact::Backoff { until, .. } if has_room => Some(until),
            _ => None,
        };
        let due = if self.run.is_none() { due.map(|at| at.max(call_at)) } else { due };
        [due, self.silent_at()].into_iter().flatten().min()
    }
}
