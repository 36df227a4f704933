//! HMAC-SHA-256 (RFC 2104) under keys of 32 bytes: how one secret gives several.

use sha2::{Digest, Sha256};

/// SHA-256 takes in so many bytes at a time.
const BLOCK_BYTES: usize = 64;

/// Returns the HMAC-SHA-256 of `message`. By hand: the crate for all hashes and key lengths would
/// take more of the WASM than these lines, and nothing here compares a secret.
#[must_use]
pub fn hmac_sha256(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    let inner = Sha256::new_with_prefix(pad(key, 0x36)).chain_update(message).finalize();
    Sha256::new_with_prefix(pad(key, 0x5c)).chain_update(inner).finalize().into()
}

/// The key, filled up with zeros to a block, with each byte turned by `byte`.
fn pad(key: &[u8; 32], byte: u8) -> [u8; BLOCK_BYTES] {
    let mut block = [byte; BLOCK_BYTES];
    block.iter_mut().zip(key).for_each(|(to, from)| *to ^= from);
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shorter keys are filled up with zeros anyway, so the RFC's are 32 bytes long here.
    fn check(key: &[u8], message: &[u8], expected: &str) {
        let mut padded = [0; 32];
        padded[..key.len()].copy_from_slice(key);
        let mac = hmac_sha256(&padded, message);
        assert_eq!(mac.iter().map(|byte| format!("{byte:02x}")).collect::<String>(), expected);
    }

    #[test]
    fn hmac_agrees_with_rfc_4231() {
        let first = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7";
        check(&[0x0b; 20], b"Hi There", first);
        let second = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        check(b"Jefe", b"what do ya want for nothing?", second);
        let third = "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe";
        check(&[0xaa; 20], &[0xdd; 50], third);
    }
}
