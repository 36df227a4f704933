//! What is true, whatever nodes believe: which chunks a content has, how long they are, who may
//! know of it. Bytes are not made: a chunk is its hash and its length, wrong bytes are another hash.

use std::collections::{BTreeMap, BTreeSet};

use peerloom_core::io::{ContentDraft, ContentKey};
use peerloom_wire::{ChunkId, ContentId};

use crate::dice::Dice;
use crate::directory::Directory;
use crate::options::Options;

/// What a content really is.
#[derive(Clone, Debug)]
pub(crate) struct TrueContent {
    pub(crate) app: usize,
    pub(crate) author: usize,
    pub(crate) draft: ContentDraft,
    /// Known once the author's node built the manifest.
    pub(crate) id: Option<ContentId>,
}

/// All contents, all chunks by hash, and all tabs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Truth {
    pub(crate) contents: Vec<TrueContent>,
    pub(crate) who: Directory,
    chunk_bytes: BTreeMap<ChunkId, u32>,
    by_id: BTreeMap<ContentId, usize>,
    by_author: BTreeSet<(usize, usize)>,
}

impl Truth {
    pub(crate) fn new(options: &Options) -> Self {
        let mut dice = Dice::new(options.seed, "contents");
        let mut truth = Self { who: Directory::new(options), ..Self::default() };
        for index in 0..options.contents.len() {
            truth.make(index, options, &mut dice);
        }
        truth
    }

    pub(crate) fn chunk_bytes(&self, chunk: &ChunkId) -> Option<u32> {
        self.chunk_bytes.get(chunk).copied()
    }

    pub(crate) fn by_id(&self, id: &ContentId) -> Option<&TrueContent> {
        self.by_id.get(id).and_then(|index| self.contents.get(*index))
    }

    /// The contents that a tab is the author of.
    pub(crate) fn contents_of(&self, tab: usize) -> impl Iterator<Item = usize> {
        self.by_author.range((tab, 0)..=(tab, usize::MAX)).map(|(_, content)| *content)
    }

    pub(crate) fn name_content(&mut self, index: usize, id: ContentId) {
        self.by_id.insert(id, index);
        if let Some(content) = self.contents.get_mut(index) {
            content.id = Some(id);
        }
    }

    fn make(&mut self, index: usize, options: &Options, dice: &mut Dice) {
        let Some(wanted) = options.contents.get(index) else { return };
        let tag = if wanted.encrypted {
            u32::try_from(peerloom_crypto::TAG_BYTES).unwrap_or(0)
        } else {
            0
        };
        let plain_max = peerloom_wire::CHUNK_BYTES - tag;
        let last_bytes = wanted.last_chunk_bytes.clamp(1, plain_max);
        // Chunks under a key of their own never are those of another content.
        let before = (index.checked_sub(1)).and_then(|before| self.contents.get(before));
        let pool = match before {
            Some(before) if wanted.shared && !wanted.encrypted => before.draft.chunks.clone(),
            _ => Vec::new(),
        };
        let mut chunks: Vec<ChunkId> = Vec::new();
        for position in 0..wanted.chunks {
            let is_last = position + 1 == wanted.chunks;
            let bytes = if is_last { last_bytes } else { plain_max } + tag;
            let again = match dice.chance(500) {
                true => dice.pick(&pool).copied(),
                false => chunks.first().copied().filter(|_| !wanted.encrypted),
            };
            let again =
                again.filter(|chunk| wanted.shared && self.chunk_bytes(chunk) == Some(bytes));
            let chunk = again.unwrap_or_else(|| ChunkId(dice.bytes32()));
            self.chunk_bytes.insert(chunk, bytes);
            chunks.push(chunk);
        }
        let full = u64::from(wanted.chunks.saturating_sub(1)) * u64::from(plain_max);
        let bytes = if wanted.chunks == 0 { 0 } else { full + u64::from(last_bytes) };
        self.by_author.insert((wanted.author, index));
        self.contents.push(TrueContent {
            app: options.tabs.get(wanted.author).map_or(0, |tab| tab.app),
            author: wanted.author,
            draft: ContentDraft {
                name: format!("content {index}"),
                mime: "application/octet-stream".to_owned(),
                bytes,
                chunks,
                key: wanted.encrypted.then(|| ContentKey(dice.bytes32())),
            },
            id: None,
        });
    }
}
