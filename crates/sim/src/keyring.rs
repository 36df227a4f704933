//! The keys of the simulated world. A signature is a keyed hash that the world itself checks, since
//! ECDSA would be most of a run's time; that one is tested natively and in browsers.
//!
//! Nodes can't tell the difference: they never see a private key.

use peerloom_crypto::{Claim, PUBLIC_KEY_BYTES, PublicKey, SIGNATURE_BYTES, Signature, sha256};
use peerloom_wire::PeerId;

use crate::dice::{Dice, Span};

/// How long a browser takes to sign or to check: 0.1 ms mostly, more when it is busy. Answers
/// overtake each other, as they do in Firefox.
pub(crate) const LATENCY: Span = Span::new(0, 3);

/// Returns the public key of a tab.
pub(crate) fn public_key(seed: u64, tab: usize) -> PublicKey {
    let half = Dice::new(seed, &format!("identity {tab}")).bytes32();
    let mut key = [4; PUBLIC_KEY_BYTES];
    fill(key.iter_mut().skip(1), [half, sha256(&half)]);
    PublicKey(key)
}

/// Returns the id of a tab's peer.
pub(crate) fn peer_id(seed: u64, tab: usize) -> PeerId {
    PeerId(public_key(seed, tab).fingerprint())
}

/// Signs as the owner of this key.
pub(crate) fn sign(key: &PublicKey, payload: &[u8]) -> Signature {
    let digest = sha256(payload);
    let half = sha256(&[&b"simulated signature"[..], &key.0, &digest].concat());
    let mut signature = [0; SIGNATURE_BYTES];
    fill(signature.iter_mut(), [half, sha256(&half)]);
    Signature(signature)
}

/// Returns whether a claim is true.
pub(crate) fn holds(claim: &Claim) -> bool {
    sign(&claim.key, &claim.payload) == claim.signature
}

fn fill<'a>(to: impl Iterator<Item = &'a mut u8>, halves: [[u8; 32]; 2]) {
    to.zip(halves.into_iter().flatten()).for_each(|(to, from)| *to = from);
}
