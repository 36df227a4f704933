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
    },
}

#[derive(Clone, Debug)]
pub(super) struct OwnRecord {
    pub(super) bytes: Bytes,
    pub(super) issued_ms: u64,
    /// Whether it says what is so.
    is_true: bool,
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
        if let Some(own) = &mut self.own {
            own.is_true = false;
        }
        if let Signing::Waiting { look_at } = &mut self.signing {
            *look_at = now.mono;
        }
    }

    #[inline(never)]
    pub(super) fn sign_if_due(&mut self, now: Now, out: &mut Vec<Effect>) {
        if self.signing.due().is_none_or(|at| now.mono < at) {
            return;
        }
        let is_good = |own: &OwnRecord| {
            own.is_true && now.unix_ms < own.issued_ms.saturating_add(RENEW_AGE_MS)
        };
        if self.own.as_ref().is_some_and(is_good) {
            self.signing = Signing::Waiting { look_at: now.mono + LOOK_INTERVAL };
            return;
        }
        let Says { roles, capabilities, connections_max } = self.config.says;
        let record = PeerRecord {
            key: self.config.key,
            issued_ms: now.unix_ms,
            protocols: FRAME_VERSION,
            roles,
            capabilities,
            connections_max,
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
            self.own = Some(OwnRecord { bytes, issued_ms: *issued_ms, is_true: true });
            self.touch_all(now);
        }
        self.signing = Signing::Waiting { look_at: now.mono + LOOK_INTERVAL };
    }
}
