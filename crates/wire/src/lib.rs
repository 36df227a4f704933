//! The bytes that peers exchange: ids, bounded control frames, bulk frame headers, manifests,
//! signed signalling envelopes, and what is said to a rendezvous server.
//!
//! Every decoder takes bytes from strangers: it checks the length before it looks inside, returns an
//! error and never panics. Byte tables are in `docs/protocol/`.

#![cfg_attr(not(test), no_std)]
#![deny(clippy::indexing_slicing)]

#[macro_use]
extern crate alloc;

pub mod bulk;
mod candidate;
pub mod envelope;
pub mod frame;
pub mod id;
pub mod manifest;
pub mod record;
pub mod rendezvous;

pub use bulk::{CHUNK_BYTES, CHUNK_BYTES_MAX};
pub use candidate::{CANDIDATES_MAX, Candidate};
pub use frame::{FRAME_BYTES_MAX, FrameError, Protocol};
pub use id::{
    AppId, ChunkId, ContentId, KeyDigest, ParseIdError, PeerId, RequestId, RunId, SessionId, Tag,
};
pub use manifest::{
    CHUNK_BYTES_MIN, CHUNKS_MAX, Chunking, Description, MANIFEST_BYTES_MAX, MIME_BYTES_MAX,
    Manifest, ManifestError, NAME_BYTES_MAX, UnsignedManifest, is_plain_text, key_digest,
};
