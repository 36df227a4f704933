//! The candidates of our side, and which of them the peer was told.
//!
//! Each envelope is signed, carried and verified, so candidates share them: what is gathered before
//! the description goes out goes with it, and what comes later waits a moment for company. Once ICE
//! is connected, nothing more is told: the pair that was found is what candidates are for, and the
//! peer learned our other addresses from our checks (RFC 8445, section 7.3.1.3).

use alloc::vec::Vec;
use core::time::Duration;

use peerloom_wire::CANDIDATES_MAX;

use crate::io::Candidate;
use crate::time::Instant;

/// How long a candidate waits for company. On two busy cores ICE mostly connects within this time
/// of the first one, and three envelopes are enough for a connection; after 5 ms it takes four,
/// and 60 ms save no more (measured 2026-11-20).
const COMPANY_WAIT: Duration = Duration::from_millis(25);

/// What ICE gathered for one description of ours.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    candidates: Vec<Candidate>,
    /// So many of the first were told.
    told_count: usize,
    /// When the others are to be; `None` if there are none.
    tell_at: Option<Instant>,
}

impl Gathered {
    /// Keeps a candidate, unless there are too many. The empty one is the end: nothing waits then.
    pub(super) fn add(&mut self, now: Instant, candidate: Candidate) {
        if candidate.candidate.is_empty() {
            self.tell_at = self.tell_at.map(|_| now);
        } else if self.candidates.len() < CANDIDATES_MAX {
            self.candidates.push(candidate);
            self.tell_at.get_or_insert(now + COMPANY_WAIT);
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.candidates.is_empty()
    }

    /// Returns all of them, to be told now.
    pub(super) fn tell_all(&mut self) -> Vec<Candidate> {
        self.told_count = self.candidates.len();
        self.tell_at = None;
        self.candidates.clone()
    }

    /// Returns those that waited long enough, to be told now.
    pub(super) fn tell_due(&mut self, now: Instant) -> Vec<Candidate> {
        if self.tell_at.is_none_or(|at| at > now) {
            return Vec::new();
        }
        let told_count = core::mem::replace(&mut self.told_count, self.candidates.len());
        self.tell_at = None;
        self.candidates.get(told_count..).unwrap_or_default().to_vec()
    }

    /// When the next of them are to be told.
    pub(super) const fn tell_at(&self) -> Option<Instant> {
        self.tell_at
    }
}
