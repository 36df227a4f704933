//! Our own record: signed at the start, renewed before it expires.

use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use peerloom_crypto::Signature;
use peerloom_wire::frame::FRAME_VERSION;
use peerloom_wire::record::{self, PeerRecord, RECORD_LIFETIME_MS};

use super::{Effect, Pex};
use crate::time::{Instant, Now};

/// The age at which it is renewed: whoever gets it late still has half of its life.
const RENEW_AGE_MS: u64 = RECORD_LIFETIME_MS / 2;

/// Between two attempts to sign, if the key can't be used just now; and between two looks at how old
/// the record is, since the monotonic clock may stand while the machine sleeps. Guess.
const LOOK_INTERVAL: Duration = Duration::from_secs(60);

/// The making of the next record.
#[derive(Debug, Default)]
pub(super) enum Signing {
    #[default]
    Stopped,
    Waiting {
        look_at: Instant,
    },
    Running {
        encoded: Vec<u8>,
        issued_ms: u64,
    },
}

#[derive(Clone, Debug)]
pub(super) struct OwnRecord {
    pub(super) bytes: Bytes,
    pub(super) issued_ms: u64,
}

impl Signing {
    pub(super) const fn due(&self) -> Option<Instant> {
        match self {
            Self::Waiting { look_at } => Some(*look_at),
            Self::Stopped | Self::Running { .. } => None,
        }
    }
}

impl Pex {
    #[inline(never)]
    pub(super) fn sign_if_due(&mut self, now: Now, out: &mut Vec<Effect>) {
        if self.signing.due().is_none_or(|at| now.mono < at) {
            return;
        }
        let is_young = |own: &OwnRecord| now.unix_ms < own.issued_ms.saturating_add(RENEW_AGE_MS);
        if self.own.as_ref().is_some_and(is_young) {
            self.signing = Signing::Waiting { look_at: now.mono + LOOK_INTERVAL };
            return;
        }
        let record = PeerRecord {
            key: self.config.key,
            issued_ms: now.unix_ms,
            protocols: FRAME_VERSION,
            roles: 0,
            capabilities: 0,
            connections_max: self.config.connections_max,
        };
        let encoded = record.encode();
        out.push(Effect::Sign { payload: record::payload(self.config.app, &encoded).into() });
        self.signing = Signing::Running { encoded, issued_ms: now.unix_ms };
    }

    #[inline(never)]
    pub(super) fn on_signed(&mut self, now: Now, signature: Option<Signature>) {
        let Signing::Running { encoded, issued_ms } = &self.signing else { return };
        if let Some(signature) = signature {
            let bytes = record::sign_with(encoded, signature);
            self.own = Some(OwnRecord { bytes, issued_ms: *issued_ms });
            self.touch_all(now);
        }
        self.signing = Signing::Waiting { look_at: now.mono + LOOK_INTERVAL };
    }
}
