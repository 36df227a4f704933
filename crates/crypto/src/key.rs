//! Public keys and signatures as bytes: P-256 (SEC1) and ECDSA over SHA-256, as WebCrypto makes
//! them.

use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::sha256;

/// The length of a public key: SEC1 uncompressed, what WebCrypto exports as `raw`.
pub const PUBLIC_KEY_BYTES: usize = 65;

/// The length of a signature: `r` and `s`, 32 bytes each, as WebCrypto makes them (IEEE P1363).
pub const SIGNATURE_BYTES: usize = 64;

/// An ECDSA P-256 signature over SHA-256: `r` then `s`, big-endian, 32 bytes each.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; SIGNATURE_BYTES]);

/// A peer's public key, SEC1 uncompressed; not yet checked to be a point.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(pub [u8; PUBLIC_KEY_BYTES]);

/// The claim that a key signed these bytes, for whoever can check signatures.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Who is said to have signed.
    pub key: PublicKey,
    /// What was signed.
    pub payload: Vec<u8>,
    /// The signature, if the claim is true.
    pub signature: Signature,
}

impl PublicKey {
    /// Returns the SHA-256 of the key: the bytes of its peer's id.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        sha256(&self.0)
    }
}

/// Says who and how much, not a manifest of megabytes.
impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} signed {} bytes", self.key, self.payload.len())
    }
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

serde_as_bytes!(Signature(SIGNATURE_BYTES), PublicKey(PUBLIC_KEY_BYTES));

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
