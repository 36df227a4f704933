//! Peerloom's cryptography: hashes, P-256 keys and signatures, and AES-256-GCM over the RustCrypto
//! crates.
//!
//! Knows nothing about IO, clocks or ambient randomness: secrets come in as bytes. What the browser
//! does through WebCrypto (signatures, chunk digests, chunk encryption) has its native twin here;
//! shared vectors in the tests of both keep them equal. Signing and checking signatures are behind
//! the feature `curve`, which the WASM package does without.

#![cfg_attr(not(test), no_std)]
extern crate alloc;

#[cfg(feature = "curve")]
mod curve;
mod hmac;
mod key;
mod seal;

#[cfg(feature = "curve")]
pub use curve::IdentityKey;
pub use hmac::hmac_sha256;
pub use key::{Claim, PUBLIC_KEY_BYTES, PublicKey, SIGNATURE_BYTES, Signature};
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
