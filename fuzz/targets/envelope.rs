//! What identity keys sign, from strangers: signalling envelopes, and records of peers. Whatever decodes
//! names another peer and claims what it says.

#![no_main]

use libfuzzer_sys::fuzz_target;
use peerloom_wire::envelope::{self, ENVELOPE_BYTES_MAX, Reader};
use peerloom_wire::{AppId, PeerId, RunId, record};

/// 2027-01-15, as the seeds of the corpus were made.
const UNIX_MS: u64 = 1_800_000_000_000;

fuzz_target!(|bytes: &[u8]| {
    let own = PeerId([7; 32]);
    let reader = Reader { app: AppId::from_name("fuzz"), peer: own, run: RunId(1) };
    if let Ok(unverified) = envelope::read(bytes, &reader, UNIX_MS) {
        assert!(bytes.len() <= ENVELOPE_BYTES_MAX);
        assert_ne!(unverified.envelope.from, own);
        assert_eq!(unverified.envelope.from.0, unverified.claim.key.fingerprint());
        assert!(unverified.claim.payload.len() > bytes.len() - unverified.claim.signature.0.len());
    }
    if let Ok(unproved) = record::read(AppId::from_name("fuzz"), bytes) {
        let encoded = unproved.record.encode();
        assert_eq!(record::sign_with(&encoded, unproved.claim.signature), bytes);
        assert_eq!(unproved.record.peer().0, unproved.claim.key.fingerprint());
    }
});
