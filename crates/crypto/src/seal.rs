//! Chunk encryption: AES-256-GCM under a content's key, the native twin of what the browser does
//! through WebCrypto.
//!
//! The nonce is the chunk's index. A key belongs to one content and each of its chunks is sealed
//! once, so no nonce is ever used twice under a key (NIST SP 800-38D, section 8).

use alloc::vec::Vec;

use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{Aes256Gcm, Key, Nonce};

/// The authentication tag at the end of a sealed chunk.
pub const TAG_BYTES: usize = 16;

/// A chunk that can't be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the chunk was not sealed with this key at this index")]
pub struct SealError;

/// Encrypts chunk number `index`; the result is [`TAG_BYTES`] longer.
///
/// # Errors
/// [`SealError`] for a chunk beyond 64 GiB, which none is.
pub fn seal_chunk(key: &[u8; 32], index: u32, plain: &[u8]) -> Result<Vec<u8>, SealError> {
    cipher(key).encrypt(&nonce(index), plain).map_err(|_| SealError)
}

/// Decrypts chunk number `index`.
///
/// # Errors
/// [`SealError`] if the bytes were not sealed with this key at this index.
pub fn open_chunk(key: &[u8; 32], index: u32, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    cipher(key).decrypt(&nonce(index), sealed).map_err(|_| SealError)
}

fn cipher(key: &[u8; 32]) -> Aes256Gcm {
    Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key))
}

/// 96 bits, big-endian.
fn nonce(index: u32) -> Nonce<aes_gcm::aead::consts::U12> {
    let [a, b, c, d] = index.to_be_bytes();
    Nonce::from([0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_opens_at_its_own_index_only() {
        let sealed = seal_chunk(&[9; 32], 5, b"plain").unwrap();
        assert_eq!(sealed.len(), 5 + TAG_BYTES);
        assert_eq!(open_chunk(&[9; 32], 5, &sealed).unwrap(), b"plain");
        assert_eq!(open_chunk(&[9; 32], 6, &sealed), Err(SealError));
        assert_eq!(open_chunk(&[8; 32], 5, &sealed), Err(SealError));
        assert_eq!(open_chunk(&[9; 32], 5, &[]), Err(SealError));
    }

    /// The vector that the browser's store is tested with too (`web/sdk/store/seal.test.ts`).
    #[test]
    fn the_shared_vector_holds() {
        let sealed = seal_chunk(&[0x42; 32], 258, b"peerloom").unwrap();
        let hex: String = sealed.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "01d537f0ac3b9ad8b45f89d037de6c04c719df39c398b6f4");
    }
}
