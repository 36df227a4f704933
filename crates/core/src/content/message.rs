//! What peers say to each other about contents, on the control channel.

use alloc::string::String;
use alloc::vec::Vec;

use peerloom_wire::{
    CHUNK_BYTES_MAX, CHUNK_BYTES_MIN, CHUNKS_MAX, Chunking, ContentId, MANIFEST_BYTES_MAX,
    MIME_BYTES_MAX, NAME_BYTES_MAX, RequestId, is_plain_text,
};
use serde::{Deserialize, Serialize};

use crate::event::StrikeKind;
use crate::io::ContentKey;

/// The longest list of entries in one `Have`, in bytes: a frame less room for its header and for
/// the enum's and the list's own lengths.
pub(super) const HAVE_BYTES_MAX: usize = peerloom_wire::FRAME_BYTES_MAX - 64;

/// The most ids in one `Gone`: what fits into [`HAVE_BYTES_MAX`] at 32 bytes each.
pub(super) const GONE_IDS_MAX: usize = HAVE_BYTES_MAX / 32;

/// One message of the content protocol. The order of variants is the wire form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// The sender has these contents whole.
    Have {
        /// Whether this begins the list anew.
        list: List,
        /// The contents.
        entries: Vec<Entry>,
    },
    /// The sender has these contents no more.
    Gone {
        /// Which contents; those never announced are no offence.
        contents: Vec<ContentId>,
    },
    /// The sender asks for bodies on the bulk channel, in this order.
    Want {
        /// Which bodies. Those beyond what the receiver serves at once are refused one by one.
        wants: Vec<Want>,
    },
    /// The sender wants the body no more. Those already served are no offence.
    Cancel {
        /// Which request of the sender.
        request: RequestId,
    },
    /// The sender won't send a body that was asked for.
    Refused {
        /// Which request of the receiver.
        request: RequestId,
        /// Why.
        reason: Refusal,
    },
}

/// One body that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Want {
    /// The asker's name for the body; free on this connection.
    pub request: RequestId,
    /// Which body.
    pub what: Wanted,
}

/// How the entries of a `Have` relate to those before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum List {
    /// These are all, but for those that follow; what was said before on this connection is void.
    Whole,
    /// These come on top.
    More,
}

/// A content as a peer announces it; nothing in it is proved before the manifest is here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Which content.
    pub id: ContentId,
    /// Its name.
    pub name: String,
    /// Its MIME type.
    pub mime: String,
    /// The length of the plain content.
    pub bytes: u64,
    /// The length of its encoded manifest.
    pub manifest_bytes: u32,
    /// The stored length of each chunk but the last, so that the first ones can be asked for along
    /// with the manifest; 0 if that is not told.
    pub chunk_bytes: u32,
    /// Whether its chunks are encrypted.
    pub encrypted: bool,
    /// The key, if it is encrypted and the sender has it: connected peers of a swarm may read.
    pub key: Option<ContentKey>,
}

/// A body that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Wanted {
    /// The encoded manifest of a content.
    Manifest(ContentId),
    /// A stored chunk of a content.
    Chunk {
        /// Which content.
        content: ContentId,
        /// Which of its chunks, from 0.
        index: u32,
    },
}

/// Why a body is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// The sender does not have it.
    NotHere,
    /// The receiver has too many requests open.
    Busy,
    /// The sender's store failed.
    Failed,
}

impl Wanted {
    /// The content that the body belongs to.
    pub(super) fn content(self) -> ContentId {
        match self {
            Self::Manifest(content) | Self::Chunk { content, .. } => content,
        }
    }
}

impl Entry {
    /// The most bytes that the entry takes in a frame: all lengths at their longest varint.
    pub(super) fn encoded_bytes_max(&self) -> usize {
        const FIXED: usize = 32 + 2 + 1 + 10 + 5 + 5 + 1 + 33;
        FIXED + self.name.len() + self.mime.len()
    }

    /// Returns the length of chunk `index` as it is stored and sent, if all of this is true; 0 if
    /// there is no such chunk, or the length of chunks is not told.
    pub(super) fn chunk_stored_bytes(&self, index: u32) -> u32 {
        let Self { bytes, chunk_bytes, encrypted, .. } = *self;
        Chunking { bytes, chunk_bytes, encrypted }.stored_bytes(index)
    }

    /// Checks what no honest peer would announce.
    ///
    /// # Errors
    /// `Oversized` for a text, length or manifest over its limit, `MalformedFrame` for texts that
    /// no manifest may hold and for a key of a content that is not encrypted.
    pub(super) fn validate(&self) -> Result<(), StrikeKind> {
        let content_bytes_max = u64::from(CHUNKS_MAX) * u64::from(CHUNK_BYTES_MAX);
        let manifest_bytes = usize::try_from(self.manifest_bytes).unwrap_or(usize::MAX);
        if self.name.len() > NAME_BYTES_MAX
            || self.mime.len() > MIME_BYTES_MAX
            || self.bytes > content_bytes_max
            || manifest_bytes > MANIFEST_BYTES_MAX
            || self.chunk_bytes > CHUNK_BYTES_MAX
        {
            return Err(StrikeKind::Oversized);
        }
        if manifest_bytes == 0
            || (self.chunk_bytes > 0 && self.chunk_bytes < CHUNK_BYTES_MIN)
            || !is_plain_text(&self.name)
            || !is_plain_text(&self.mime)
            || (self.key.is_some() && !self.encrypted)
        {
            return Err(StrikeKind::MalformedFrame);
        }
        Ok(())
    }
}

/// Splits entries into lists that each fit a frame; one empty list if there are none.
pub(super) fn split_entries(entries: Vec<Entry>) -> Vec<Vec<Entry>> {
    let mut lists = Vec::new();
    let mut list = Vec::new();
    let mut bytes = 0;
    for entry in entries {
        let entry_bytes = entry.encoded_bytes_max();
        if bytes + entry_bytes > HAVE_BYTES_MAX {
            lists.push(core::mem::take(&mut list));
            bytes = 0;
        }
        bytes += entry_bytes;
        list.push(entry);
    }
    lists.push(list);
    lists
}
