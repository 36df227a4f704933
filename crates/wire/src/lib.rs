//! The bytes that peers exchange: ids, bounded control frames, bulk frame headers, manifests, and
//! signed signalling envelopes.
//!
//! Every decoder takes bytes from strangers: it checks the length before it looks inside, returns an
//! error and never panics. Byte tables are in `docs/protocol/`.

#![deny(clippy::indexing_slicing)]

pub mod bulk;
pub mod envelope;
pub mod frame;
pub mod id;

pub use frame::{FRAME_BYTES_MAX, FrameError, Protocol};
pub use id::{AppId, ChunkId, ContentId, ParseIdError, PeerId, RequestId, SessionId};
