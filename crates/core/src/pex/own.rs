//! Our own record: signed at the start, renewed before it expires.

use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use peerloom_crypto::Signature;
use peerloom_wire::frame::FRAME_VERSION;
use peerloom_wire::record::{self, PeerRecord, RECORD_LIFETIME_MS};

use super::{Effect, Pex, Says};
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
        says: Says,
    },
}

#[derive(Clone, Debug)]
pub(super) struct OwnRecord {
    pub(super) bytes: Bytes,
    pub(super) issued_ms: u64,
    says: Says,
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
    /// Our record is to say this from now on: another one is signed, at once but for one that is just
    /// being signed.
    pub(super) fn say(&mut self, now: Now, says: Says) {
        self.config.says = says;
        if let Signing::Waiting { look_at } = &mut self.signing {
            *look_at = now.mono;
        }
    }

    #[inline(never)]
    pub(super) fn sign_if_due(&mut self, now: Now, out: &mut Vec<Effect>) {
        if self.signing.due().is_none_or(|at| now.mono < at) {
            return;
        }
        let says = self.config.says;
        // The clock may have been set meanwhile.
        let is_young = |own: &&OwnRecord| own.issued_ms.abs_diff(now.unix_ms) < RENEW_AGE_MS;
        let young = self.own.as_ref().filter(is_young);
        if young.is_some_and(|own| own.says == says) {
            self.signing = Signing::Waiting { look_at: now.mono + LOOK_INTERVAL };
            return;
        }
        // Others keep the latest.
        let issued_ms = young.map_or(0, |own| own.issued_ms + 1).max(now.unix_ms);
        let Says { roles, capabilities, connections_max } = says;
        let record = PeerRecord {
            key: self.config.key,
            issued_ms,
            protocols: FRAME_VERSION,
            roles,
            capabilities,
            connections_max,
        };
        let encoded = record.encode();
        out.push(Effect::Sign { payload: record::payload(self.config.app, &encoded).into() });
        self.signing = Signing::Running { encoded, issued_ms, says };
    }

    #[inline(never)]
    pub(super) fn on_signed(&mut self, now: Now, signature: Option<Signature>) {
        let &Signing::Running { ref encoded, issued_ms, says } = &self.signing else { return };
        let mut look_at = now.mono + LOOK_INTERVAL;
        if let Some(signature) = signature {
            let bytes = record::sign_with(encoded, signature);
            self.own = Some(OwnRecord { bytes, issued_ms, says });
            self.touch_all(now);
            // What changed meanwhile is in the next one.
            look_at = now.mono;
        }
        self.signing = Signing::Waiting { look_at };
    }
}
