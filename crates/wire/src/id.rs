//! Identifiers: newtypes over hashes and counters, with the hexadecimal form that people see.

use alloc::string::String;
use core::cmp::Ordering;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// A text that is not an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", Self::TEXT)]
pub struct ParseIdError;

impl ParseIdError {
    /// What it says to people.
    pub const TEXT: &str = "an id is 64 hexadecimal digits";
}

/// Returns bytes in hexadecimal: without `format!`, which takes 3 kB of the package.
#[inline(never)]
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from(if half < 10 { b'0' + half } else { b'a' - 10 + half });
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

macro_rules! hash_ids {
    ($($(#[$doc:meta])* $name:ident, $short:literal;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub struct $name(#[serde(with = "hash_bytes")] pub [u8; 32]);

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> Ordering {
                compare(&self.0, &other.0)
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex(&self.0))
            }
        }

        /// The first four bytes: enough to tell ids apart in a trace.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($short, ":"))?;
                self.0.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                parse_hex(text).map(Self)
            }
        }
    )* };
}

hash_ids! {
    /// A peer: SHA-256 of its P-256 identity key in SEC1 uncompressed form (65 bytes).
    PeerId, "peer";
    /// A content: SHA-256 of its encoded, signed manifest.
    ContentId, "content";
    /// A chunk: SHA-256 of its bytes as they are stored and sent (encrypted, if the content is).
    ChunkId, "chunk";
    /// A content's key, as its manifest tells of it: see [`crate::key_digest`].
    KeyDigest, "digest";
    /// Where peers meet at a rendezvous server, which can't tell what it stands for: see
    /// [`crate::rendezvous::Place`].
    Tag, "tag";
}

/// One attempt to connect, named by who offers. Every envelope of the attempt carries it, so late
/// ones of an older attempt are harmless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SessionId(pub u64);

/// One start of a peer, greater than all before: the clock's milliseconds since the Unix epoch in
/// the upper 48 bits. So what was said before a reload is told from what is said after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RunId(pub u64);

impl RunId {
    /// Names a run that begins now, after `last`.
    #[must_use]
    pub fn after(last: Self, unix_ms: u64) -> Self {
        Self((unix_ms << 16).max(last.0.saturating_add(1)))
    }

    /// Returns when the run began by its peer's clock, in milliseconds since the Unix epoch.
    #[must_use]
    pub const fn began_ms(self) -> u64 {
        self.0 >> 16
    }
}

/// One requested body on one connection, named by who requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RequestId(pub u32);

/// Which applications meet: the first eight bytes of SHA-256 over the application's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AppId(pub [u8; 8]);

impl AppId {
    /// Derives the id from the application's name.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = peerloom_crypto::sha256(name.as_bytes());
        Self([a, b, c, d, e, f, g, h])
    }
}

/// Compares two hashes, out of line: an array's comparison is unrolled, and since WASM has no
/// instruction to swap bytes, each copy of it takes some 600 bytes of code. The first four bytes tell
/// nearly all hashes apart, in a fifth of the time.
#[inline(never)]
fn compare(a: &[u8; 32], b: &[u8; 32]) -> Ordering {
    let [first_a, first_b] = [a, b].map(|[a, b, c, d, ..]| u32::from_be_bytes([*a, *b, *c, *d]));
    first_a.cmp(&first_b).then_with(|| a.as_slice().cmp(b.as_slice()))
}

/// 32 bytes, as serde writes an array, but in a loop: its own code for arrays is unrolled.
pub mod hash_bytes {
    use core::fmt;

    use serde::de::{Error, SeqAccess, Visitor};
    use serde::ser::SerializeTuple;
    use serde::{Deserializer, Serializer};

    /// Writes them, with no length before them.
    ///
    /// # Errors
    /// The serialiser's.
    pub fn serialize<S: Serializer>(hash: &[u8; 32], to: S) -> Result<S::Ok, S::Error> {
        let mut tuple = to.serialize_tuple(32)?;
        hash.iter().try_for_each(|byte| tuple.serialize_element(byte))?;
        tuple.end()
    }

    /// Reads them.
    ///
    /// # Errors
    /// The deserialiser's, also if there are fewer.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 32], D::Error> {
        from.deserialize_tuple(32, HashVisitor)
    }

    struct HashVisitor;

    impl<'de> Visitor<'de> for HashVisitor {
        type Value = [u8; 32];

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("32 bytes")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<[u8; 32], A::Error> {
            let mut hash = [0; 32];
            for (index, byte) in hash.iter_mut().enumerate() {
                *byte =
                    seq.next_element()?.ok_or_else(|| A::Error::invalid_length(index, &self))?;
            }
            Ok(hash)
        }
    }
}

fn parse_hex(text: &str) -> Result<[u8; 32], ParseIdError> {
    let digits: [u8; 64] = text.as_bytes().try_into().map_err(|_| ParseIdError)?;
    let (pairs, _) = digits.as_chunks::<2>();
    let mut bytes = [0; 32];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = hex_value(*high)? << 4 | hex_value(*low)?;
    }
    Ok(bytes)
}

fn hex_value(digit: u8) -> Result<u8, ParseIdError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(ParseIdError),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_id_reads_back_from_its_text(bytes: [u8; 32]) {
            let id = PeerId(bytes);
            prop_assert_eq!(id.to_string().parse(), Ok(id));
        }

        #[test]
        fn no_text_panics(text: String) {
            let _ = text.parse::<PeerId>();
        }
    }

    #[test]
    fn a_run_is_greater_than_the_one_before_also_when_the_clock_went_back() {
        let first = RunId::after(RunId(0), 1_000);
        let second = RunId::after(first, 1_000);
        assert!(first < second && second < RunId::after(second, 500));
        assert_eq!((first.began_ms(), second.began_ms()), (1_000, 1_000));
    }

    #[test]
    fn what_is_not_64_digits_is_refused() {
        for text in ["", "ab", &"g".repeat(64), &"a".repeat(63), &"é".repeat(32)] {
            assert_eq!(text.parse::<ContentId>(), Err(ParseIdError), "{text}");
        }
    }
}
