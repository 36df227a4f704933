//! Manifests: what a content is made of, signed by who added it.
//!
//! `[version u8][postcard of the body][signature, 64 bytes]`. Its SHA-256 is the content's id, so
//! one content has one encoding: bytes that decode but would encode otherwise are refused.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use peerloom_crypto::{Claim, PublicKey, SIGNATURE_BYTES, Signature, TAG_BYTES, sha256};
use serde::{Deserialize, Serialize};

use crate::bulk::CHUNK_BYTES_MAX;
use crate::id::{ChunkId, ContentId, KeyDigest, PeerId};

/// The version of the manifests that this crate speaks.
pub const MANIFEST_VERSION: u8 = 2;

/// The most bytes in an encoded manifest. It travels as one body and is held in memory; 4 MiB
/// describe 32 GiB.
pub const MANIFEST_BYTES_MAX: usize = 4_194_304;

/// The most bytes in a name: what file systems allow.
pub const NAME_BYTES_MAX: usize = 255;

/// The most bytes in a MIME type: RFC 6838 section 4.2 allows 127 for each half, no registered one
/// has more than 127 in all.
pub const MIME_BYTES_MAX: usize = 127;

/// The most chunks in a content: 32 bytes each, with 2 KiB left for all else in the manifest.
pub const CHUNKS_MAX: u32 = 131_008;

/// The least bytes in a chunk that is not the last: BitTorrent's least (BEP 52), so that nobody is
/// made to ask a hundred thousand times for a small file.
pub const CHUNK_BYTES_MIN: u32 = 16_384;

const _: () = assert!(CHUNKS_MAX as usize * 32 + 2048 <= MANIFEST_BYTES_MAX);

/// Separates this signature from all others that a peer's key makes.
const CONTEXT: &[u8] = b"peerloom manifest 2\0";

/// Separates the digest of a content's key from all other uses of SHA-256.
const KEY_CONTEXT: &[u8] = b"peerloom content key 1\0";

/// What an author says of a content: a manifest before it is checked and signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// A name for people, at most [`NAME_BYTES_MAX`] bytes, without control characters.
    pub name: String,
    /// The MIME type, at most [`MIME_BYTES_MAX`] bytes, without control characters.
    pub mime: String,
    /// The length of the plain content in bytes.
    pub bytes: u64,
    /// The stored length of each chunk but the last, [`CHUNK_BYTES_MIN`] to [`CHUNK_BYTES_MAX`].
    pub chunk_bytes: u32,
    /// [`key_digest`] of the key, if the chunks are encrypted: a wrong key is told at once.
    pub key_digest: Option<KeyDigest>,
    /// The hashes of the stored chunks, in order; none if there are no bytes.
    pub chunks: Vec<ChunkId>,
}

/// How a content is cut into chunks, as its manifest says, and an announcement of it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunking {
    /// The length of the plain content in bytes.
    pub bytes: u64,
    /// The stored length of each chunk but the last.
    pub chunk_bytes: u32,
    /// Whether the chunks are: each then holds its authentication tag.
    pub encrypted: bool,
}

/// A content's description with its author and signature. Its lengths and counts add up: the only
/// ways to one are [`UnsignedManifest::sign_with`] and [`Manifest::decode`].
#[derive(Clone, PartialEq, Eq)]
pub struct Manifest {
    body: Body,
    signature: Signature,
}

/// The signed part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Body {
    description: Description,
    author: PublicKey,
}

/// A manifest that wants only its author's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsignedManifest(Body);

/// Why a manifest is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// Over the bound; nothing inside was looked at.
    #[error("a manifest of {bytes} bytes is over the limit of {MANIFEST_BYTES_MAX}")]
    TooLarge {
        /// How long it is.
        bytes: usize,
    },
    /// Another version, perhaps a newer one.
    #[error("the manifest has the unknown version {version}")]
    UnknownVersion {
        /// Which.
        version: u8,
    },
    /// It does not decode, or is not in its one encoding.
    #[error("the manifest is malformed")]
    Malformed,
    /// The name or the MIME type is too long or holds control characters.
    #[error("the manifest's name or type is not fit to show")]
    Text,
    /// The length of its chunks is out of bounds.
    #[error("chunks of {chunk_bytes} bytes are out of bounds")]
    ChunkBytes {
        /// The length it gives.
        chunk_bytes: u32,
    },
    /// Length and number of chunks don't agree, or there are more than [`CHUNKS_MAX`].
    #[error("the manifest's length and number of chunks don't agree")]
    ChunkCount,
}

/// Returns what a manifest tells of a content's key: enough to recognise it, not to guess it,
/// since keys are 256 random bits.
#[must_use]
pub fn key_digest(key: &[u8; 32]) -> KeyDigest {
    KeyDigest(sha256(&[KEY_CONTEXT, key].concat()))
}

/// Returns whether a text can be shown on one line: it holds no control characters.
#[must_use]
pub fn is_plain_text(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

impl Chunking {
    const fn plain_bytes_max(self) -> u32 {
        self.chunk_bytes.saturating_sub(self.tag_bytes())
    }

    fn plain_bytes(self, index: u32) -> u32 {
        let full = self.plain_bytes_max();
        let start = u64::from(index) * u64::from(full);
        let rest = self.bytes.saturating_sub(start);
        u32::try_from(rest).unwrap_or(u32::MAX).min(full)
    }

    /// Returns the length of chunk `index` as it is stored and sent; 0 if there is no such chunk.
    #[must_use]
    pub fn stored_bytes(self, index: u32) -> u32 {
        match self.plain_bytes(index) {
            0 => 0,
            plain => plain + self.tag_bytes(),
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "a constant, 16")]
    const fn tag_bytes(self) -> u32 {
        if self.encrypted { TAG_BYTES as u32 } else { 0 }
    }
}

impl Description {
    /// Returns how it is cut.
    #[must_use]
    pub const fn chunking(&self) -> Chunking {
        let encrypted = self.encrypted();
        Chunking { bytes: self.bytes, chunk_bytes: self.chunk_bytes, encrypted }
    }

    /// Returns the plain bytes in each chunk but the last.
    #[must_use]
    pub const fn chunk_plain_bytes_max(&self) -> u32 {
        self.chunking().plain_bytes_max()
    }

    /// Returns how many plain bytes chunk `index` holds; 0 if there is no such chunk.
    #[must_use]
    pub fn chunk_plain_bytes(&self, index: u32) -> u32 {
        self.chunking().plain_bytes(index)
    }

    /// Returns the length of chunk `index` as it is stored and sent; 0 if there is no such chunk.
    #[must_use]
    pub fn chunk_stored_bytes(&self, index: u32) -> u32 {
        self.chunking().stored_bytes(index)
    }

    /// Returns the length of all chunks as they are stored and sent.
    #[must_use]
    pub fn stored_bytes(&self) -> u64 {
        self.bytes + u64::from(self.chunks_count()) * u64::from(self.chunking().tag_bytes())
    }

    /// Returns how many chunks there are.
    #[must_use]
    pub fn chunks_count(&self) -> u32 {
        u32::try_from(self.chunks.len()).unwrap_or(u32::MAX)
    }

    /// Returns the hash of chunk `index`.
    #[must_use]
    pub fn chunk(&self, index: u32) -> Option<ChunkId> {
        self.chunks.get(usize::try_from(index).ok()?).copied()
    }

    /// Returns whether the chunks are encrypted.
    #[must_use]
    pub const fn encrypted(&self) -> bool {
        self.key_digest.is_some()
    }

    /// Checks that lengths and counts are within their bounds and add up.
    ///
    /// # Errors
    /// [`ManifestError::Text`], [`ManifestError::ChunkBytes`] or [`ManifestError::ChunkCount`].
    pub fn validate(&self) -> Result<(), ManifestError> {
        let texts = [(&self.name, NAME_BYTES_MAX), (&self.mime, MIME_BYTES_MAX)];
        if texts.iter().any(|(text, max)| text.len() > *max || !is_plain_text(text)) {
            return Err(ManifestError::Text);
        }
        if self.chunk_bytes < CHUNK_BYTES_MIN || self.chunk_bytes > CHUNK_BYTES_MAX {
            return Err(ManifestError::ChunkBytes { chunk_bytes: self.chunk_bytes });
        }
        let count = self.bytes.div_ceil(u64::from(self.chunk_plain_bytes_max()));
        if count != u64::from(self.chunks_count()) || count > u64::from(CHUNKS_MAX) {
            return Err(ManifestError::ChunkCount);
        }
        Ok(())
    }
}

impl UnsignedManifest {
    /// Checks a description that `author` is to sign.
    ///
    /// # Errors
    /// Those of [`Description::validate`].
    pub fn new(description: Description, author: PublicKey) -> Result<Self, ManifestError> {
        description.validate()?;
        Ok(Self(Body { description, author }))
    }

    /// Returns what the author has to sign.
    #[must_use]
    pub fn payload(&self) -> Vec<u8> {
        payload(&encode_body(&self.0))
    }

    /// Returns what the author says of the content.
    #[must_use]
    pub const fn description(&self) -> &Description {
        &self.0.description
    }

    /// Makes the manifest.
    #[must_use]
    pub fn sign_with(self, signature: Signature) -> Manifest {
        Manifest { body: self.0, signature }
    }
}

impl Manifest {
    /// Decodes a manifest and checks that it adds up. Whether its author signed it is left to say
    /// of [`Self::claim`].
    ///
    /// # Errors
    /// [`ManifestError`], see there.
    pub fn decode(bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() > MANIFEST_BYTES_MAX {
            return Err(ManifestError::TooLarge { bytes: bytes.len() });
        }
        let version = *bytes.first().ok_or(ManifestError::Malformed)?;
        if version != MANIFEST_VERSION {
            return Err(ManifestError::UnknownVersion { version });
        }
        let (signed, signature) =
            bytes.split_last_chunk::<SIGNATURE_BYTES>().ok_or(ManifestError::Malformed)?;
        let encoded = signed.get(1..).ok_or(ManifestError::Malformed)?;
        let Ok((body, [])) = postcard::take_from_bytes::<Body>(encoded) else {
            return Err(ManifestError::Malformed);
        };
        // Varints can be padded: two encodings of one manifest would be two contents.
        if encode_body(&body) != signed {
            return Err(ManifestError::Malformed);
        }
        body.description.validate()?;
        Ok(Self { body, signature: Signature(*signature) })
    }

    /// Returns the bytes whose SHA-256 is the content's id.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = encode_body(&self.body);
        bytes.extend_from_slice(&self.signature.0);
        bytes
    }

    /// Returns what has to be true of it: that the author signed this.
    #[must_use]
    pub fn claim(&self) -> Claim {
        let payload = payload(&encode_body(&self.body));
        Claim { key: self.body.author, payload, signature: self.signature }
    }

    /// Returns the content's id. Encodes and hashes: keep the answer.
    #[must_use]
    pub fn id(&self) -> ContentId {
        ContentId(sha256(&self.encode()))
    }

    /// Returns what the author says of the content.
    #[must_use]
    pub const fn description(&self) -> &Description {
        &self.body.description
    }

    /// Returns who added the content.
    #[must_use]
    pub fn author(&self) -> PeerId {
        PeerId(self.body.author.fingerprint())
    }
}

/// Says what tells manifests apart, not a hundred thousand hashes.
impl fmt::Debug for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Description { name, bytes, chunks, .. } = self.description();
        write!(f, "manifest of {name:?}, {bytes} bytes in {} chunks", chunks.len())
    }
}

fn encode_body(body: &Body) -> Vec<u8> {
    // Writing to a vector fails only for types that don't know their length; these do.
    postcard::to_extend(body, vec![MANIFEST_VERSION]).unwrap_or_default()
}

fn payload(body: &[u8]) -> Vec<u8> {
    [CONTEXT, body].concat()
}

#[cfg(test)]
#[path = "manifest_tests.rs"]
mod tests;
