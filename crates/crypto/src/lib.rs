//! Peerloom's cryptography: hashes, P-256 signatures, certificates and AES-256-GCM over the
//! RustCrypto crates.
//!
//! Knows nothing about IO, clocks or ambient randomness: secrets come in as bytes. What the browser
//! does through WebCrypto (identity signatures, chunk digests, chunk encryption) has its native twin
//! here; shared vectors in the tests of both keep them equal.

mod certificate;
mod key;
mod seal;

pub use certificate::{CERTIFICATE_LIFETIME_MS, Certificate, CertificateError, CertificateRequest};
pub use key::{
    IDENTITY_KEY_BYTES, IdentityKey, KeyError, PublicKey, SESSION_KEY_BYTES, SIGNATURE_BYTES,
    SessionKey, SessionPublicKey, Signature, SignatureError,
};
pub use seal::{SealError, TAG_BYTES, open_chunk, seal_chunk};

use sha2::{Digest, Sha256};

/// Returns the SHA-256 of `bytes`.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sha256_agrees_with_fips_180() {
        // FIPS 180-4 example, one block: "abc".
        assert_eq!(sha256(b"abc")[..4], [0xba, 0x78, 0x16, 0xbf]);
    }
}
