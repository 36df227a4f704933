//! What is stored here: manifests, keys, and which chunks are on disk.

use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;
use peerloom_crypto::sha256;
use peerloom_wire::id::hex;
use peerloom_wire::{ContentId, Description, Manifest, PeerId};
use serde::{Deserialize, Serialize};

use super::CONTENTS_MAX;
use super::bitmap::Bitmap;
use super::download::unlocks;
use crate::event::{CommandError, Subject};
use crate::io::{ContentKey, Record};
use crate::map::Map;

/// The most chunks of all contents together: 512 GiB, in 64 MiB of hashes.
pub(super) const LIBRARY_CHUNKS_MAX: u64 = 2_097_152;

/// The version of the content records that this crate writes and reads.
const RECORD_VERSION: u8 = 1;

const MANIFEST_PREFIX: &str = "manifest/";
const CONTENT_PREFIX: &str = "content/";

/// A content with its manifest here, whole or in part.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) manifest: Manifest,
    /// The length of the manifest's encoding.
    pub(super) manifest_bytes: u32,
    /// Invariant: none if the content is not encrypted; else its digest is the manifest's.
    pub(super) key: Option<ContentKey>,
    /// When it came here, in milliseconds since the Unix epoch.
    pub(super) added_ms: u64,
    /// Which chunks the store has confirmed.
    present: Bitmap,
    /// Invariant: the plain lengths of the `present` chunks, summed up.
    done_bytes: u64,
}

/// The value of `content/<id>`, after its version byte. The manifest's record is beside it; which
/// chunks are here is asked of the store, so no crash can make them differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ContentRecord {
    key: Option<ContentKey>,
    added_ms: u64,
}

/// All items. At most [`CONTENTS_MAX`], with at most [`LIBRARY_CHUNKS_MAX`] chunks.
#[derive(Debug, Default)]
pub(super) struct Library {
    items: Map<ContentId, Item>,
    chunks_count: u64,
}

impl Item {
    /// Makes an item of which no chunk is here yet.
    pub(super) fn new(manifest: Manifest, key: Option<ContentKey>, added_ms: u64) -> Self {
        let manifest_bytes = u32::try_from(manifest.encode().len()).unwrap_or(u32::MAX);
        let present = Bitmap::new(manifest.description().chunks_count());
        Self { manifest, manifest_bytes, key, added_ms, present, done_bytes: 0 }
    }

    pub(super) const fn complete(&self) -> bool {
        self.present.is_full()
    }

    pub(super) const fn present(&self) -> &Bitmap {
        &self.present
    }

    pub(super) const fn done_bytes(&self) -> u64 {
        self.done_bytes
    }

    /// Replaces what is known of the chunks by what the store says.
    pub(super) fn set_present(&mut self, present: &[bool]) {
        let description = self.manifest.description();
        self.present = Bitmap::from_present(description.chunks_count(), present);
        let indices = (0..description.chunks_count()).filter(|index| self.present.contains(*index));
        self.done_bytes =
            indices.map(|index| u64::from(description.chunk_plain_bytes(index))).sum();
    }

    /// Notes that a chunk is stored; returns its plain length, 0 if that was known.
    pub(super) fn insert_chunk(&mut self, index: u32) -> u64 {
        if !self.present.insert(index) {
            return 0;
        }
        let bytes = u64::from(self.manifest.description().chunk_plain_bytes(index));
        self.done_bytes += bytes;
        bytes
    }

    /// The records that make this item again.
    pub(super) fn records(&self, id: ContentId) -> Vec<Record> {
        let manifest =
            Record { key: record_key(MANIFEST_PREFIX, id), value: self.manifest.encode().into() };
        vec![manifest, self.content_record(id)]
    }

    /// The record that holds the key.
    pub(super) fn content_record(&self, id: ContentId) -> Record {
        let record = ContentRecord { key: self.key, added_ms: self.added_ms };
        // Writing to a vector fails only for types that don't know their length; this one does.
        let value = postcard::to_extend(&record, vec![RECORD_VERSION]).unwrap_or_default();
        Record { key: record_key(CONTENT_PREFIX, id), value: value.into() }
    }
}

fn record_key(prefix: &str, id: ContentId) -> String {
    [prefix, &hex(&id.0)].concat()
}

/// The keys of a content's records.
pub(super) fn record_keys(id: ContentId) -> Vec<String> {
    vec![record_key(CONTENT_PREFIX, id), record_key(MANIFEST_PREFIX, id)]
}

impl Library {
    /// Reads records. What does not decode, has no other half, or is over a limit is skipped, and
    /// counted in the second answer; nothing is deleted, a newer version may have written it.
    pub(super) fn read(records: Vec<Record>) -> (Self, u64) {
        let mut manifests = Map::new();
        let mut contents = Map::new();
        let mut skipped = 0;
        for Record { key, value } in records {
            // Records of other protocols have other prefixes.
            if let Some(id) = key.strip_prefix(MANIFEST_PREFIX) {
                match read_manifest(id, &value) {
                    Some((id, manifest)) => drop(manifests.insert(id, manifest)),
                    None => skipped += 1,
                }
            } else if let Some(id) = key.strip_prefix(CONTENT_PREFIX) {
                match read_content(id, &value) {
                    Some((id, record)) => drop(contents.insert(id, record)),
                    None => skipped += 1,
                }
            }
        }
        let mut library = Self::default();
        for (id, manifest) in manifests {
            let room = library.check_room(manifest.description());
            match contents.remove(&id) {
                Some(ContentRecord { key, added_ms }) if room.is_ok() => {
                    let key = key.filter(|key| unlocks(manifest.description(), *key));
                    library.insert(id, Item::new(manifest, key, added_ms));
                }
                Some(_) | None => skipped += 1,
            }
        }
        skipped += u64::try_from(contents.len()).unwrap_or(u64::MAX);
        (library, skipped)
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = ContentId> {
        self.items.keys().copied()
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn item(&self, id: ContentId) -> Option<&Item> {
        self.items.get(&id)
    }

    pub(super) fn item_mut(&mut self, id: ContentId) -> Option<&mut Item> {
        self.items.get_mut(&id)
    }

    /// Says whether one more content fits.
    ///
    /// # Errors
    /// `TooLarge` for the number of contents or of their chunks.
    pub(super) fn check_room(&self, description: &Description) -> Result<(), CommandError> {
        let limit = |what, size, max| Err(CommandError::TooLarge { what, size, max });
        if self.items.len() >= CONTENTS_MAX {
            let max = u64::try_from(CONTENTS_MAX).unwrap_or(u64::MAX);
            return limit(Subject::Contents, max + 1, max);
        }
        let chunks_count = self.chunks_count + u64::from(description.chunks_count());
        if chunks_count > LIBRARY_CHUNKS_MAX {
            return limit(Subject::Content, chunks_count, LIBRARY_CHUNKS_MAX);
        }
        Ok(())
    }

    pub(super) fn insert(&mut self, id: ContentId, item: Item) {
        self.remove(id);
        self.chunks_count += u64::from(item.manifest.description().chunks_count());
        self.items.insert(id, item);
    }

    pub(super) fn remove(&mut self, id: ContentId) -> Option<Item> {
        let item = self.items.remove(&id)?;
        self.chunks_count -= u64::from(item.manifest.description().chunks_count());
        Some(item)
    }

    /// Finds what `author` has added with the very same description.
    pub(super) fn find(&self, author: PeerId, description: &Description) -> Option<ContentId> {
        let same = |item: &Item| {
            item.manifest.description() == description && item.manifest.author() == author
        };
        self.items.iter().find(|(_, item)| same(item)).map(|(id, _)| *id)
    }

    pub(super) fn items(&self) -> impl Iterator<Item = &Item> {
        self.items.values()
    }
}

/// Signatures are not checked again: the hash is, and who wrote the record checked them.
fn read_manifest(id: &str, value: &Bytes) -> Option<(ContentId, Manifest)> {
    let id: ContentId = id.parse().ok()?;
    let manifest = Manifest::decode(value).ok()?;
    (ContentId(sha256(value)) == id).then_some((id, manifest))
}

fn read_content(id: &str, value: &Bytes) -> Option<(ContentId, ContentRecord)> {
    let id = id.parse().ok()?;
    let (&RECORD_VERSION, encoded) = value.split_first()? else { return None };
    postcard::from_bytes(encoded).ok().map(|record| (id, record))
}
