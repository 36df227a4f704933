//! Records of peers: what a peer says of itself, signed by its identity key, so that others can pass
//! it on and nobody can change it.
//!
//! A record is of one application: its name is signed along and not sent. Dates are compared with
//! clocks that may be wrong, so how far off is still believed is the caller's to say.

use alloc::vec::Vec;

use bytes::Bytes;
use peerloom_crypto::{Claim, PublicKey, SIGNATURE_BYTES, Signature};

use crate::id::{AppId, PeerId};

/// The version of the records that this crate writes and reads.
pub const RECORD_VERSION: u8 = 1;

/// How long a record holds after it was signed. Its sender is mostly gone within a day (Guess), and
/// signing another one costs it nothing.
pub const RECORD_LIFETIME_MS: u64 = 24 * 3600 * 1000;

/// Separates this signature from all others that an identity key makes.
const CONTEXT: &[u8] = b"peerloom record 1\0";

/// What a peer says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerRecord {
    /// Its identity key, whose SHA-256 is its id.
    pub key: PublicKey,
    /// When it said so, in milliseconds since the Unix epoch. Of two records the later one counts.
    pub issued_ms: u64,
    /// The newest version of the control protocols that it speaks.
    pub protocols: u8,
    /// Bits of the roles that it has, `ROLE_*`; none: a leaf. Unknown ones are newer.
    pub roles: u8,
    /// What it can do for others, see [`Capabilities`].
    pub capabilities: u32,
    /// The most direct connections that it holds.
    pub connections_max: u16,
}

/// It has whole contents and serves them.
pub const ROLE_SEED: u8 = 1;

/// It is there for long enough, and connected well enough, to carry for others.
pub const ROLE_RELAY: u8 = 2;

/// It has more connections than others, since it is there for long and has enough of everything.
pub const ROLE_SUPERNODE: u8 = 4;

/// What a peer can do for others, by its own word. Sizes are told by their binary logarithm: nobody
/// decides by more, and they change seldom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// It carries for others at present.
    pub relays: bool,
    /// It keeps contents over a reload.
    pub stores: bool,
    /// It is an installed application, not a tab.
    pub is_installed: bool,
    /// How many bytes it may store; 0: not known.
    pub store_log2: u8,
    /// How many bytes per second it sent to somebody; 0: not measured.
    pub bandwidth_log2: u8,
    /// For how many seconds it was connected to somebody in all.
    pub uptime_log2: u8,
}

impl Capabilities {
    /// Packs them: flags, then one byte for each size.
    #[must_use]
    pub const fn to_bits(self) -> u32 {
        let flags = self.relays as u8 | (self.stores as u8) << 1 | (self.is_installed as u8) << 2;
        u32::from_be_bytes([flags, self.store_log2, self.bandwidth_log2, self.uptime_log2])
    }

    /// Reads what [`Self::to_bits`] made; flags that are not known are newer.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        let [flags, store_log2, bandwidth_log2, uptime_log2] = bits.to_be_bytes();
        Self {
            relays: flags & 1 > 0,
            stores: flags & 2 > 0,
            is_installed: flags & 4 > 0,
            store_log2,
            bandwidth_log2,
            uptime_log2,
        }
    }
}

/// A record as it came: well-formed, and not yet proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unproved {
    /// What it says.
    pub record: PeerRecord,
    /// What has to hold for it to be the peer's word.
    pub claim: Claim,
}

/// Why bytes are not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Another version. No offence: the peer may be newer.
    #[error("the record has an unknown version")]
    UnknownVersion,
    /// It does not decode.
    #[error("the record is malformed")]
    Malformed,
}

impl PeerRecord {
    /// Returns whom the record is about.
    #[must_use]
    pub fn peer(&self) -> PeerId {
        PeerId(self.key.fingerprint())
    }

    /// Encodes the record, but for its signature. By hand and not by postcard: every field has a
    /// fixed length, and so it takes less code.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        [
            &[RECORD_VERSION],
            &self.key.0[..],
            &self.issued_ms.to_be_bytes(),
            &[self.protocols, self.roles],
            &self.capabilities.to_be_bytes(),
            &self.connections_max.to_be_bytes(),
        ]
        .concat()
    }

    fn decode(body: &[u8]) -> Option<Self> {
        let (key, body) = body.split_first_chunk()?;
        let (issued_ms, body) = body.split_first_chunk()?;
        let (&[protocols, roles], body) = body.split_first_chunk()?;
        let (capabilities, body) = body.split_first_chunk()?;
        Some(Self {
            key: PublicKey(*key),
            issued_ms: u64::from_be_bytes(*issued_ms),
            protocols,
            roles,
            capabilities: u32::from_be_bytes(*capabilities),
            connections_max: u16::from_be_bytes(body.try_into().ok()?),
        })
    }

    /// Returns whether the record is neither expired nor from the future, to a clock that may be
    /// off by `skew_ms`.
    #[must_use]
    pub const fn is_current(&self, unix_ms: u64, skew_ms: u64) -> bool {
        let expires_ms = self.issued_ms.saturating_add(RECORD_LIFETIME_MS);
        self.issued_ms <= unix_ms.saturating_add(skew_ms)
            && unix_ms <= expires_ms.saturating_add(skew_ms)
    }
}

/// Returns the bytes that the identity key signs for an encoded record.
#[must_use]
pub fn payload(app: AppId, encoded: &[u8]) -> Vec<u8> {
    [CONTEXT, &app.0, encoded].concat()
}

/// Makes the bytes that are passed on.
#[must_use]
pub fn sign_with(encoded: &[u8], signature: Signature) -> Bytes {
    [encoded, &signature.0].concat().into()
}

/// Reads a record; its claim is still to be checked.
///
/// # Errors
/// [`RecordError`], see there.
pub fn read(app: AppId, bytes: &[u8]) -> Result<Unproved, RecordError> {
    match bytes.first() {
        Some(&RECORD_VERSION) => {}
        Some(_) => return Err(RecordError::UnknownVersion),
        None => return Err(RecordError::Malformed),
    }
    let split = bytes.split_last_chunk::<SIGNATURE_BYTES>();
    let (encoded, signature) = split.ok_or(RecordError::Malformed)?;
    let body = encoded.get(1..).unwrap_or_default();
    let record = PeerRecord::decode(body).ok_or(RecordError::Malformed)?;
    let payload = payload(app, encoded);
    let claim = Claim { key: record.key, payload, signature: Signature(*signature) };
    Ok(Unproved { record, claim })
}

#[cfg(test)]
mod tests {
    use peerloom_crypto::IdentityKey;
    use proptest::prelude::*;

    use super::*;

    const HOUR_MS: u64 = 3600 * 1000;

    fn app() -> AppId {
        AppId::from_name("test")
    }

    fn record(issued_ms: u64) -> PeerRecord {
        let key = IdentityKey::from_seed([1; 32]).public_key();
        let (capabilities, connections_max) = (5, 300);
        PeerRecord { key, issued_ms, protocols: 1, roles: 2, capabilities, connections_max }
    }

    fn signed(record: &PeerRecord) -> Bytes {
        let encoded = record.encode();
        let signature = IdentityKey::from_seed([1; 32]).sign(&payload(app(), &encoded));
        sign_with(&encoded, signature)
    }

    #[test]
    fn golden_bytes() {
        let record = record(1_000);
        let bytes = signed(&record);
        let mut head = vec![1];
        head.extend_from_slice(&record.key.0);
        head.extend_from_slice(&[0, 0, 0, 0, 0, 0, 3, 0xe8, 1, 2, 0, 0, 0, 5, 1, 0x2c]);
        assert_eq!(bytes.len(), head.len() + SIGNATURE_BYTES);
        assert_eq!(bytes.get(..head.len()), Some(&head[..]));
        let digest = PeerId(peerloom_crypto::sha256(&bytes)).to_string();
        assert_eq!(digest, "5a10eb40145ff1e2cab44a50c08ba233faea525b0e04706ffc5c1a414fd4e522");
    }

    #[test]
    fn capabilities_have_their_places() {
        let capabilities = Capabilities {
            relays: true,
            stores: false,
            is_installed: true,
            store_log2: 33,
            bandwidth_log2: 22,
            uptime_log2: 11,
        };
        assert_eq!(capabilities.to_bits(), 0x05_21_16_0b);
        assert_eq!(Capabilities::from_bits(0x05_21_16_0b), capabilities);
        assert_eq!(Capabilities::from_bits(0xf8_00_00_00), Capabilities::default());
    }

    #[test]
    fn a_record_reads_back_and_its_claim_holds() {
        let record = record(1_000);
        let read = read(app(), &signed(&record)).unwrap();
        assert_eq!(read.record, record);
        assert_eq!(read.record.peer(), PeerId(record.key.fingerprint()));
        assert!(read.claim.holds());
    }

    #[test]
    fn a_record_of_another_application_or_with_any_byte_changed_does_not_hold() {
        let bytes = signed(&record(1_000));
        assert!(!read(AppId::from_name("other"), &bytes).unwrap().claim.holds());
        for index in 0..bytes.len() {
            let mut bent = bytes.to_vec();
            bent[index] ^= 1;
            assert!(!read(app(), &bent).is_ok_and(|read| read.claim.holds()), "byte {index}");
        }
    }

    #[test]
    fn what_is_longer_or_shorter_or_newer_is_refused() {
        let bytes = signed(&record(1_000));
        assert_eq!(bytes.len(), 146);
        let trailing = [&bytes[..], &[0]].concat();
        assert_eq!(read(app(), &trailing), Err(RecordError::Malformed));
        assert_eq!(read(app(), &bytes[..145]), Err(RecordError::Malformed));
        assert_eq!(read(app(), &[1; 255]), Err(RecordError::Malformed));
        assert_eq!(read(app(), &[2; 100]), Err(RecordError::UnknownVersion));
        assert_eq!(read(app(), &[]), Err(RecordError::Malformed));
    }

    #[test]
    fn dates_hold_for_a_day_and_within_the_skew() {
        let record = record(100 * HOUR_MS);
        for (unix_ms, is_current) in [
            (98 * HOUR_MS, true),
            (98 * HOUR_MS - 1, false),
            (126 * HOUR_MS, true),
            (126 * HOUR_MS + 1, false),
        ] {
            assert_eq!(record.is_current(unix_ms, 2 * HOUR_MS), is_current, "{unix_ms}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = read(app(), &bytes);
        }

        #[test]
        fn no_bent_record_panics(index in 0..200_usize, byte: u8, end in 0..200_usize) {
            let mut bytes = signed(&record(1_000)).to_vec();
            bytes.truncate(end);
            if let Some(place) = bytes.get_mut(index) {
                *place = byte;
            }
            let _ = read(app(), &bytes);
        }
    }
}
