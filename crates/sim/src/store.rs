//! A tab's storage: records and chunks behind one worker that takes operations in order. It may be
//! slow, fail, be full or gone; what it once said is stored stays, also when the tab dies.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use peerloom_core::Instant;
use peerloom_core::io::{Record, StoreError, StoreId, StoreOp, StoreReply};
use peerloom_wire::ChunkId;

use crate::dice::Dice;
use crate::options::StoreOptions;

/// What is wrong with a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    Working,
    /// Writing fails with `QuotaExceeded`.
    Full,
    /// Everything fails with `Unavailable`.
    Gone,
}

/// A body on its way into the store: what it is asked to be, and what it really is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) sha256: [u8; 32],
    pub(crate) bytes: u32,
}

#[derive(Debug)]
struct Operation {
    id: StoreId,
    op: StoreOp,
    body: Option<Kept>,
}

/// A tab's storage. It belongs to the profile: sessions come and go.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) health: Health,
    bytes_max: u64,
    bytes: u64,
    records: BTreeMap<String, Bytes>,
    chunks: BTreeMap<ChunkId, u32>,
    waiting: VecDeque<Operation>,
    busy_until: Instant,
}

impl Store {
    pub(crate) const fn new(bytes_max: u64) -> Self {
        Self {
            health: Health::Working,
            bytes_max,
            bytes: 0,
            records: BTreeMap::new(),
            chunks: BTreeMap::new(),
            waiting: VecDeque::new(),
            busy_until: Instant::ZERO,
        }
    }

    pub(crate) fn holds(&self, chunk: &ChunkId) -> bool {
        self.chunks.contains_key(chunk)
    }

    pub(crate) fn chunks(&self) -> impl Iterator<Item = &ChunkId> {
        self.chunks.keys()
    }

    pub(crate) fn records(&self) -> &BTreeMap<String, Bytes> {
        &self.records
    }

    #[cfg(test)]
    pub(crate) fn put_record(&mut self, key: &str, value: Bytes) {
        self.records.insert(key.to_owned(), value);
    }

    pub(crate) fn waiting_count(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn lift_limit(&mut self) {
        self.health = Health::Working;
        self.bytes_max = u64::MAX;
    }

    /// What the SDK does before `Add`: the chunks go in one by one, past the core.
    pub(crate) fn put_chunks(&mut self, chunks: &[(ChunkId, u32)]) -> Result<(), StoreError> {
        chunks.iter().try_for_each(|(chunk, bytes)| self.put_chunk(*chunk, *bytes))
    }

    /// Takes an operation; returns when it will be done.
    pub(crate) fn begin(
        &mut self,
        now: Instant,
        (id, op, body): (StoreId, StoreOp, Option<Kept>),
        latency: Duration,
    ) -> Instant {
        self.waiting.push_back(Operation { id, op, body });
        self.busy_until = self.busy_until.max(now) + latency;
        self.busy_until
    }

    /// Does the operation that has waited longest, if it is `id`.
    pub(crate) fn finish(
        &mut self,
        id: StoreId,
        options: &StoreOptions,
        dice: &mut Dice,
    ) -> Option<Result<StoreReply, StoreError>> {
        if self.waiting.front().is_none_or(|first| first.id != id) {
            return None;
        }
        let operation = self.waiting.pop_front()?;
        if dice.chance(options.fail_per_mille) {
            return Some(Err(StoreError::Io("the disk hiccuped".to_owned())));
        }
        Some(self.apply(operation))
    }

    /// The tab dies, and its worker with it: of what waits, the first few are done, unheard.
    pub(crate) fn crash(&mut self, dice: &mut Dice) {
        let done = dice.index(self.waiting.len() + 1);
        let waiting = core::mem::take(&mut self.waiting);
        for operation in waiting.into_iter().take(done) {
            // Nobody is left to hear how it ended.
            let _ = self.apply(operation);
        }
        self.busy_until = Instant::ZERO;
    }

    fn apply(&mut self, operation: Operation) -> Result<StoreReply, StoreError> {
        if self.health == Health::Gone {
            return Err(StoreError::Unavailable);
        }
        match operation.op {
            StoreOp::Load => {
                let record = |(key, value): (&String, &Bytes)| Record {
                    key: key.clone(),
                    value: value.clone(),
                };
                return Ok(StoreReply::Records(self.records.iter().map(record).collect()));
            }
            StoreOp::HasChunks { chunks } => {
                return Ok(StoreReply::Present(chunks.iter().map(|c| self.holds(c)).collect()));
            }
            StoreOp::Apply { puts, deletes } => self.apply_records(puts, deletes)?,
            StoreOp::KeepBody { .. } => {
                let Some(body) = operation.body else {
                    return Err(StoreError::Io("no such body".to_owned()));
                };
                self.put_chunk(ChunkId(body.sha256), body.bytes)?;
            }
            StoreOp::DeleteChunks { chunks } => {
                chunks.iter().for_each(|chunk| self.delete_chunk(chunk));
            }
            StoreOp::RetainChunks { chunks } => {
                let kept: BTreeSet<ChunkId> = chunks.into_iter().collect();
                let gone: Vec<ChunkId> =
                    self.chunks.keys().filter(|chunk| !kept.contains(chunk)).copied().collect();
                gone.iter().for_each(|chunk| self.delete_chunk(chunk));
            }
        }
        Ok(StoreReply::Done)
    }

    /// All or nothing, as an IndexedDB transaction.
    fn apply_records(&mut self, puts: Vec<Record>, deletes: Vec<String>) -> Result<(), StoreError> {
        if self.health == Health::Full && !puts.is_empty() {
            return Err(StoreError::QuotaExceeded);
        }
        self.records.extend(puts.into_iter().map(|record| (record.key, record.value)));
        for key in deletes {
            self.records.remove(&key);
        }
        Ok(())
    }

    fn put_chunk(&mut self, chunk: ChunkId, bytes: u32) -> Result<(), StoreError> {
        match self.health {
            Health::Gone => return Err(StoreError::Unavailable),
            _ if self.holds(&chunk) => return Ok(()),
            Health::Full => return Err(StoreError::QuotaExceeded),
            Health::Working => {}
        }
        if self.bytes.saturating_add(u64::from(bytes)) > self.bytes_max {
            return Err(StoreError::QuotaExceeded);
        }
        self.bytes += u64::from(bytes);
        self.chunks.insert(chunk, bytes);
        Ok(())
    }

    fn delete_chunk(&mut self, chunk: &ChunkId) {
        if let Some(bytes) = self.chunks.remove(chunk) {
            self.bytes -= u64::from(bytes);
        }
    }
}
