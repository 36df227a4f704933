//! The certificate by which an identity key, held by the browser, speaks for a session key, held
//! by the core: the only asynchronous signature of a start.

use serde::{Deserialize, Serialize};

use crate::key::{PublicKey, SESSION_KEY_BYTES, SessionPublicKey, Signature};
use crate::sha256;

/// How long a certificate holds: longer than any tab is expected to stay open. Guess.
pub const CERTIFICATE_LIFETIME_MS: u64 = 30 * 24 * 3600 * 1000;

/// How far the clocks of two peers may differ before a certificate is refused. Guess: a clock that
/// is a day off breaks the web's own certificates.
const CLOCK_SKEW_MS_MAX: u64 = 24 * 3600 * 1000;

/// Separates this signature from all others that the identity key makes.
const CONTEXT: &[u8] = b"peerloom certificate 1\0";

/// A certificate before it is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateRequest {
    /// The identity key that is to sign.
    pub identity: PublicKey,
    /// The session key that it speaks for.
    pub session: SessionPublicKey,
    /// When it was asked for, in milliseconds since the Unix epoch.
    pub issued_ms: u64,
}

impl CertificateRequest {
    /// Returns the bytes to sign with the identity key: context, session key, issue and expiry.
    #[must_use]
    pub fn payload(&self) -> Vec<u8> {
        payload(&self.session, self.issued_ms, self.issued_ms + CERTIFICATE_LIFETIME_MS)
    }

    /// Makes the certificate from the identity key's signature over [`Self::payload`].
    ///
    /// # Errors
    /// [`CertificateError::Signature`] if it is not that.
    pub fn sign_with(&self, signature: Signature) -> Result<Certificate, CertificateError> {
        let certificate = Certificate {
            identity: self.identity,
            session: self.session,
            issued_ms: self.issued_ms,
            expires_ms: self.issued_ms + CERTIFICATE_LIFETIME_MS,
            signature,
        };
        certificate.verify().map(|()| certificate)
    }
}

/// Proves that a session key speaks for a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// The peer's key; its SHA-256 is the peer's id.
    pub identity: PublicKey,
    /// The key that it speaks for.
    pub session: SessionPublicKey,
    /// When it was signed, in milliseconds since the Unix epoch.
    pub issued_ms: u64,
    /// When it ends.
    pub expires_ms: u64,
    /// The identity key's signature.
    pub signature: Signature,
}

/// Why a certificate is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// The identity key did not sign this.
    #[error("the certificate's signature is wrong")]
    Signature,
    /// It ended, or begins later, by more than a day.
    #[error("the certificate is expired or from the future")]
    Expired,
}

impl Certificate {
    /// Returns the SHA-256 of the identity key: the bytes of the peer's id.
    #[must_use]
    pub fn peer_id(&self) -> [u8; 32] {
        sha256(&self.identity.0)
    }

    /// Checks the signature, not the dates.
    ///
    /// # Errors
    /// [`CertificateError::Signature`].
    pub fn verify(&self) -> Result<(), CertificateError> {
        let payload = payload(&self.session, self.issued_ms, self.expires_ms);
        let verified = self.identity.verify(&payload, &self.signature);
        verified.map_err(|_| CertificateError::Signature)
    }

    /// Checks the dates against a clock that may be off by a day.
    ///
    /// # Errors
    /// [`CertificateError::Expired`].
    pub const fn check_dates(&self, unix_ms: u64) -> Result<(), CertificateError> {
        let early = unix_ms.saturating_add(CLOCK_SKEW_MS_MAX) < self.issued_ms;
        let late = unix_ms > self.expires_ms.saturating_add(CLOCK_SKEW_MS_MAX);
        if early || late { Err(CertificateError::Expired) } else { Ok(()) }
    }
}

fn payload(session: &SessionPublicKey, issued_ms: u64, expires_ms: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(CONTEXT.len() + SESSION_KEY_BYTES + 16);
    bytes.extend_from_slice(CONTEXT);
    bytes.extend_from_slice(&session.0);
    bytes.extend_from_slice(&issued_ms.to_be_bytes());
    bytes.extend_from_slice(&expires_ms.to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{IdentityKey, SessionKey};

    fn certificate(issued_ms: u64) -> Certificate {
        let identity = IdentityKey::from_seed([1; 32]);
        let session = SessionKey::from_seed([2; 32]).public_key();
        let request = CertificateRequest { identity: identity.public_key(), session, issued_ms };
        request.sign_with(identity.sign(&request.payload())).unwrap()
    }

    #[test]
    fn a_certificate_with_any_field_changed_is_refused() {
        let whole = certificate(1000);
        assert_eq!(whole.verify(), Ok(()));
        let other = SessionKey::from_seed([3; 32]).public_key();
        for wrong in [
            Certificate { session: other, ..whole },
            Certificate { issued_ms: 1001, ..whole },
            Certificate { expires_ms: u64::MAX, ..whole },
            Certificate { identity: IdentityKey::from_seed([4; 32]).public_key(), ..whole },
        ] {
            assert_eq!(wrong.verify(), Err(CertificateError::Signature));
        }
    }

    #[test]
    fn dates_hold_within_a_day_of_skew() {
        let day = 24 * 3600 * 1000;
        let certificate = certificate(10 * day);
        for (unix_ms, ok) in
            [(9 * day, true), (9 * day - 1, false), (41 * day, true), (41 * day + 1, false)]
        {
            assert_eq!(certificate.check_dates(unix_ms).is_ok(), ok, "{unix_ms}");
        }
    }
}
