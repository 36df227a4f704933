//! What is remembered of one peer, and its stored form.
//!
//! Moments are of the clock that does not jump; what is stored is how long is left. So a wall clock that is wrong, then or
//! now, makes no ban eternal: at worst what was left begins anew, or the time that the page was closed counts as longer.

use alloc::vec::Vec;
use core::time::Duration;

use peerloom_wire::PeerId;

use super::{BAN_TIME, STRIKES_TIME, UNWANTED_TIME};
use crate::time::Instant;

/// The length of a stored record, with the peer's id before it.
pub(super) const ENTRY_BYTES: usize = 45;

/// How a peer stands, the lightest first; the number is that of the stored form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// It has strikes.
    Struck = 0,
    /// Strikes led to a ban.
    Banned = 1,
    /// The application banned it.
    Unwanted = 2,
}

/// What is remembered of a peer; nothing of those that never misbehaved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Record {
    pub(super) standing: Standing,
    /// When the last point has worn off, or the ban ends. Invariant: at most [`Standing::time_max`] away.
    pub(super) until: Instant,
    /// How many strikes, since it was last clean.
    pub(super) strikes: u32,
}

impl Standing {
    /// How long it may last.
    const fn time_max(self) -> Duration {
        match self {
            Self::Struck => STRIKES_TIME,
            Self::Banned => BAN_TIME,
            Self::Unwanted => UNWANTED_TIME,
        }
    }
}

impl Record {
    pub(super) const fn is_ban(&self) -> bool {
        !matches!(self.standing, Standing::Struck)
    }

    pub(super) fn encode(&self, now: Instant, peer: PeerId, to: &mut Vec<u8>) {
        let left_ms = u64::try_from(self.until.since(now).as_millis()).unwrap_or(u64::MAX);
        to.extend_from_slice(&peer.0);
        to.push(self.standing as u8);
        to.extend_from_slice(&left_ms.to_be_bytes());
        to.extend_from_slice(&self.strikes.to_be_bytes());
    }

    /// Reads what [`Self::encode`] wrote so long ago; nothing if it is over.
    pub(super) fn decode(
        now: Instant,
        age: Duration,
        entry: &[u8; ENTRY_BYTES],
    ) -> Option<(PeerId, Self)> {
        let (id, rest) = entry.split_first_chunk()?;
        let (standing, rest) = rest.split_first()?;
        let (left_ms, rest) = rest.split_first_chunk()?;
        let standing = match standing {
            0 => Standing::Struck,
            1 => Standing::Banned,
            2 => Standing::Unwanted,
            _ => return None,
        };
        let left = Duration::from_millis(u64::from_be_bytes(*left_ms)).min(standing.time_max());
        let until = now + left.saturating_sub(age);
        let strikes = u32::from_be_bytes(*rest.first_chunk()?);
        (now < until).then_some((PeerId(*id), Self { standing, until, strikes }))
    }
}

const _: () = assert!(ENTRY_BYTES == 32 + 1 + 8 + 4);
