//! P-256 itself, for those who are not a browser: tests, tools and servers.
//!
//! In a browser the keys never leave WebCrypto, which is also six times faster than this code is in
//! WASM; so it is a feature that the WASM package does not have.

use core::fmt;

use p256::AffinePoint;
use p256::ecdsa::signature::{Signer, Verifier};
use p256::ecdsa::{self, SigningKey, VerifyingKey};
use p256::elliptic_curve::point::AffineCoordinates;

use crate::key::{Claim, PUBLIC_KEY_BYTES, PublicKey, SIGNATURE_BYTES, Signature};

impl Claim {
    /// Returns whether it is true: the key is a point on the curve, and it signed these bytes.
    #[must_use]
    pub fn holds(&self) -> bool {
        let key = verifying_key(&self.key);
        let signature = ecdsa::Signature::from_slice(&self.signature.0);
        let (Some(key), Ok(signature)) = (key, signature) else { return false };
        key.verify(&self.payload, &signature).is_ok()
    }
}

/// Reads an uncompressed key; `None` if it is no point on the curve.
fn verifying_key(key: &PublicKey) -> Option<VerifyingKey> {
    let [4, coordinates @ ..] = &key.0 else { return None };
    let [x, y] = coordinates.as_chunks::<32>().0 else { return None };
    let point = AffinePoint::from_coordinates(&(*x).into(), &(*y).into()).into_option()?;
    VerifyingKey::from_affine(point).ok()
}

/// A peer's signing key. Signatures are deterministic (RFC 6979), so signing takes no randomness.
#[derive(Clone)]
pub struct IdentityKey(SigningKey);

impl IdentityKey {
    /// Derives the key from 32 secret bytes. Every seed gives a key: one that is not a scalar in
    /// range (probability 2⁻³²) is hashed until it is.
    #[must_use]
    pub fn from_seed(mut seed: [u8; 32]) -> Self {
        loop {
            match SigningKey::from_slice(&seed) {
                Ok(key) => return Self(key),
                Err(_) => seed = crate::sha256(&seed),
            }
        }
    }

    /// Returns the public half.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        let point = self.0.verifying_key().to_sec1_point(false);
        let mut bytes = [0; PUBLIC_KEY_BYTES];
        copy_exact(&mut bytes, point.as_bytes());
        PublicKey(bytes)
    }

    /// Signs `message`.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Signature {
        let signature: ecdsa::Signature = self.0.sign(message);
        let mut bytes = [0; SIGNATURE_BYTES];
        copy_exact(&mut bytes, &signature.to_bytes());
        Signature(bytes)
    }
}

/// Says that there is a key, not which.
impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityKey(..)")
    }
}

/// Copies as much as both hold; callers pass equal lengths.
fn copy_exact(to: &mut [u8], from: &[u8]) {
    debug_assert_eq!(to.len(), from.len());
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(key: PublicKey, payload: &[u8], signature: Signature) -> Claim {
        Claim { key, payload: payload.to_vec(), signature }
    }

    #[test]
    fn a_signature_holds_for_its_key_and_message_only() {
        let key = IdentityKey::from_seed([7; 32]);
        let signature = key.sign(b"hello");
        assert!(claim(key.public_key(), b"hello", signature).holds());
        assert!(!claim(key.public_key(), b"hullo", signature).holds());
        let other = IdentityKey::from_seed([8; 32]);
        assert!(!claim(other.public_key(), b"hello", signature).holds());
    }

    #[test]
    fn what_is_no_point_and_no_signature_is_refused() {
        let signature = Signature([0xff; SIGNATURE_BYTES]);
        assert!(!claim(PublicKey([0; PUBLIC_KEY_BYTES]), b"", signature).holds());
        let key = IdentityKey::from_seed([1; 32]).public_key();
        assert!(!claim(key, b"", Signature([0; SIGNATURE_BYTES])).holds());
    }

    #[test]
    fn a_seed_out_of_range_still_gives_a_key() {
        let key = IdentityKey::from_seed([0xff; 32]);
        assert!(claim(key.public_key(), b"x", key.sign(b"x")).holds());
    }

    /// The vector that the SDK's keys are tested with too (`web/sdk/identity.test.ts`).
    #[test]
    fn the_shared_vector_holds() {
        let key = IdentityKey::from_seed([0x42; 32]);
        let signature = key.sign(b"peerloom");
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(
            hex(&key.public_key().0),
            "043ad3861a95621392516bb593ef05583ed2e5866f5cb6260a3017237fd89b90afd0961c7e37075a6791a39c61f56295b02b6d26567b615e60aa41ee1c8e83388d"
        );
        assert_eq!(
            hex(&signature.0),
            "1c4a959778a565e102effdb726b5a609ea4ed5558f392b3ab197d26d80dd889f2f20d8635a4e06574a6b5f0882ce3b569468467fd44b9430a3d42f723829aa1e"
        );
    }
}
