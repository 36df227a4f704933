//! P-256 keys (SEC1) and ECDSA signatures over SHA-256, as WebCrypto makes them.

use core::fmt;

use p256::AffinePoint;
use p256::ecdsa::signature::{Signer, Verifier};
use p256::ecdsa::{self, SigningKey, VerifyingKey};
use p256::elliptic_curve::point::AffineCoordinates;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The length of an identity key: SEC1 uncompressed, what WebCrypto exports as `raw`.
pub const IDENTITY_KEY_BYTES: usize = 65;

/// The length of a session key: SEC1 uncompressed. Compressed, each check of a signature would begin
/// with a square root.
pub const SESSION_KEY_BYTES: usize = 65;

/// The length of a signature: `r` and `s`, 32 bytes each, as WebCrypto makes them (IEEE P1363).
pub const SIGNATURE_BYTES: usize = 64;

/// Bytes that are not a point on P-256 in the expected form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a P-256 public key")]
pub struct KeyError;

/// A signature that was not made by this key over these bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature is wrong")]
pub struct SignatureError;

/// An ECDSA P-256 signature over SHA-256: `r` then `s`, big-endian, 32 bytes each.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; SIGNATURE_BYTES]);

/// A public identity key, SEC1 uncompressed; not yet checked to be a point.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(pub [u8; IDENTITY_KEY_BYTES]);

/// A public session key, SEC1 uncompressed; not yet checked to be a point.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionPublicKey(pub [u8; SESSION_KEY_BYTES]);

impl PublicKey {
    /// Checks a signature by this key.
    ///
    /// # Errors
    /// [`SignatureError`] if the key is not a point, the signature is not in range, or it is wrong.
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), SignatureError> {
        verify(&self.0, message, signature)
    }
}

impl SessionPublicKey {
    /// Checks a signature by this key.
    ///
    /// # Errors
    /// [`SignatureError`] if the key is not a point, the signature is not in range, or it is wrong.
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), SignatureError> {
        verify(&self.0, message, signature)
    }
}

fn verify(sec1: &[u8; 65], message: &[u8], signature: &Signature) -> Result<(), SignatureError> {
    let key = verifying_key(sec1).ok_or(SignatureError)?;
    let signature = ecdsa::Signature::from_slice(&signature.0).map_err(|_| SignatureError)?;
    key.verify(message, &signature).map_err(|_| SignatureError)
}

/// Reads an uncompressed key; `None` if it is no point on the curve.
fn verifying_key(sec1: &[u8; 65]) -> Option<VerifyingKey> {
    let [4, coordinates @ ..] = sec1 else { return None };
    let [x, y] = coordinates.as_chunks::<32>().0 else { return None };
    // Not by `from_sec1_bytes`, which brings the square root along.
    let point = AffinePoint::from_coordinates(&(*x).into(), &(*y).into()).into_option()?;
    VerifyingKey::from_affine(point).ok()
}

/// A short-lived signing key that lives in the core. Signatures are deterministic (RFC 6979), so
/// signing takes no randomness.
#[derive(Clone)]
pub struct SessionKey(SigningKey);

impl SessionKey {
    /// Derives the key from 32 secret bytes. Every seed gives a key: one that is not a scalar in
    /// range (probability 2⁻³²) is hashed until it is.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(signing_key(seed))
    }

    /// Returns the public half.
    #[must_use]
    pub fn public_key(&self) -> SessionPublicKey {
        let point = self.0.verifying_key().to_sec1_point(false);
        let mut bytes = [0; SESSION_KEY_BYTES];
        copy_exact(&mut bytes, point.as_bytes());
        SessionPublicKey(bytes)
    }

    /// Signs `message`.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Signature {
        sign(&self.0, message)
    }
}

/// Says that there is a key, not which.
impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKey(..)")
    }
}

/// A peer's long-lived signing key, for those who are not a browser: simulator, tests, tools. In
/// browsers this key never leaves WebCrypto.
#[derive(Clone)]
pub struct IdentityKey(SigningKey);

impl IdentityKey {
    /// Derives the key from 32 secret bytes, as [`SessionKey::from_seed`] does.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(signing_key(seed))
    }

    /// Returns the public half.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        let point = self.0.verifying_key().to_sec1_point(false);
        let mut bytes = [0; IDENTITY_KEY_BYTES];
        copy_exact(&mut bytes, point.as_bytes());
        PublicKey(bytes)
    }

    /// Signs `message`.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Signature {
        sign(&self.0, message)
    }
}

/// Says that there is a key, not which.
impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityKey(..)")
    }
}

fn signing_key(mut seed: [u8; 32]) -> SigningKey {
    loop {
        match SigningKey::from_slice(&seed) {
            Ok(key) => return key,
            Err(_) => seed = crate::sha256(&seed),
        }
    }
}

fn sign(key: &SigningKey, message: &[u8]) -> Signature {
    let signature: ecdsa::Signature = key.sign(message);
    let mut bytes = [0; SIGNATURE_BYTES];
    copy_exact(&mut bytes, &signature.to_bytes());
    Signature(bytes)
}

/// Copies as much as both hold; callers pass equal lengths.
fn copy_exact(to: &mut [u8], from: &[u8]) {
    debug_assert_eq!(to.len(), from.len());
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
}

macro_rules! serde_as_bytes {
    ($($name:ident($length:expr)),*) => { $(
        /// As exactly that many bytes: no length prefix.
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeTuple;
                let mut tuple = serializer.serialize_tuple($length)?;
                self.0.iter().try_for_each(|byte| tuple.serialize_element(byte))?;
                tuple.end()
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_tuple($length, ByteArrayVisitor::<$length>).map(Self)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), ":"))?;
                self.0.iter().skip(1).take(4).try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
    )* };
}

serde_as_bytes!(
    Signature(SIGNATURE_BYTES),
    PublicKey(IDENTITY_KEY_BYTES),
    SessionPublicKey(SESSION_KEY_BYTES)
);

struct ByteArrayVisitor<const N: usize>;

impl<'de, const N: usize> serde::de::Visitor<'de> for ByteArrayVisitor<N> {
    type Value = [u8; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{N} bytes")
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<[u8; N], A::Error> {
        let mut bytes = [0; N];
        for (index, byte) in bytes.iter_mut().enumerate() {
            let Some(next) = seq.next_element()? else {
                return Err(serde::de::Error::invalid_length(index, &self));
            };
            *byte = next;
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_holds_for_its_key_and_message_only() {
        let key = SessionKey::from_seed([7; 32]);
        let signature = key.sign(b"hello");
        assert_eq!(key.public_key().verify(b"hello", &signature), Ok(()));
        assert_eq!(key.public_key().verify(b"hullo", &signature), Err(SignatureError));
        let other = SessionKey::from_seed([8; 32]);
        assert_eq!(other.public_key().verify(b"hello", &signature), Err(SignatureError));
    }

    #[test]
    fn what_is_no_point_and_no_signature_is_refused() {
        let signature = Signature([0xff; SIGNATURE_BYTES]);
        assert_eq!(SessionPublicKey([0; 65]).verify(b"", &signature), Err(SignatureError));
        let key = IdentityKey::from_seed([1; 32]).public_key();
        assert_eq!(key.verify(b"", &Signature([0; SIGNATURE_BYTES])), Err(SignatureError));
    }

    #[test]
    fn a_seed_out_of_range_still_gives_a_key() {
        let key = SessionKey::from_seed([0xff; 32]);
        assert_eq!(key.public_key().verify(b"x", &key.sign(b"x")), Ok(()));
    }
}
