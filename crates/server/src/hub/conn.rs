//! What is known of one connection.

use core::net::IpAddr;
use core::time::Duration;
use std::collections::BTreeSet;

use bytes::Bytes;
use peerloom_wire::rendezvous::{NONCE_BYTES, Reason};
use peerloom_wire::{PeerId, Tag};

use super::rate::{Bucket, Budget};
use super::{ConnId, Limits};

/// How many others a member hears of when they go. More introduce themselves through peers, who say
/// goodbye themselves.
pub(super) const ACQUAINTED_MAX: usize = 32;

/// How many introductions a member may ask for at once: three for each of its tags.
pub(super) const INTRODUCTIONS_BURST: u64 = 24;

/// How far a connection has come.
#[derive(Debug)]
pub(super) enum Stage {
    /// The challenge was sent.
    Challenged { nonce: [u8; NONCE_BYTES] },
    /// The answer is being checked.
    Checking { peer: PeerId },
    /// The client is who it says.
    Registered(Box<Member>),
    /// The driver was asked to close it.
    Closing,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Conn {
    pub(super) address: IpAddr,
    pub(super) here: IpAddr,
    pub(super) stage: Stage,
    pub(super) since: Duration,
    pub(super) heard_at: Duration,
    /// When something was last read of what is queued, or began to be.
    pub(super) drained_at: Duration,
    /// Sent and not drained; at most `queue_bytes_max` and one last word.
    pub(super) queued_bytes: usize,
    pub(super) budget: Budget,
    /// When the client was last told that it is too fast.
    pub(super) too_fast_said: Option<Duration>,
    /// The connection's entry among the hub's deadlines.
    pub(super) looked_at_next: Duration,
}

/// A client that is who it says.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) peer: PeerId,
    /// In order; at most `tags_max`.
    pub(super) tags: Vec<Tag>,
    /// Sealed; at most `announcement_bytes_max`.
    pub(super) announcement: Bytes,
    /// How many peers it says it is connected to.
    pub(super) connected: u16,
    /// For introductions.
    pub(super) introductions: Bucket,
    /// How many newcomers it was told of since `told_since`, within a minute.
    pub(super) told: u32,
    pub(super) told_since: Duration,
    /// Who was introduced to it, wrote to it or was written to, and is here. Both know of each other.
    pub(super) acquainted: BTreeSet<ConnId>,
}

impl Conn {
    pub(super) fn new(
        now: Duration,
        address: IpAddr,
        here: IpAddr,
        stage: Stage,
        limits: &Limits,
    ) -> Self {
        Self {
            address,
            here,
            stage,
            since: now,
            heard_at: now,
            drained_at: now,
            queued_bytes: 0,
            budget: Budget::new(now, limits),
            too_fast_said: None,
            looked_at_next: now,
        }
    }

    pub(super) fn member(&self) -> Option<&Member> {
        match &self.stage {
            Stage::Registered(member) => Some(member),
            _ => None,
        }
    }

    pub(super) fn member_mut(&mut self) -> Option<&mut Member> {
        match &mut self.stage {
            Stage::Registered(member) => Some(member),
            _ => None,
        }
    }

    /// Returns when this connection is to be closed if nothing happens, and why.
    pub(super) fn due(&self, limits: &Limits) -> Option<(Duration, Reason)> {
        let silent = match self.stage {
            Stage::Challenged { .. } | Stage::Checking { .. } => {
                (self.since + limits.register_max, Reason::Late)
            }
            Stage::Registered(_) => (self.heard_at + limits.idle_max, Reason::Idle),
            Stage::Closing => return None,
        };
        let stuck = (self.queued_bytes > 0)
            .then_some((self.drained_at + limits.stall_max, Reason::TooSlow));
        stuck.into_iter().chain([silent]).min()
    }
}

impl Member {
    /// `introduction_cost`: what one introduction takes from its bucket.
    pub(super) fn new(now: Duration, peer: PeerId, introduction_cost: u64) -> Self {
        Self {
            peer,
            tags: Vec::new(),
            announcement: Bytes::new(),
            connected: 0,
            introductions: Bucket::full(now, INTRODUCTIONS_BURST * introduction_cost),
            told: 0,
            told_since: now,
            acquainted: BTreeSet::new(),
        }
    }

    /// Returns a tag that both named.
    pub(super) fn shares_a_tag_with(&self, other: &Self) -> bool {
        self.tags.iter().any(|tag| other.tags.contains(tag))
    }
}
