//! Bodies that nodes serve: read outside, and sent in the order in which they were asked for.

use std::collections::VecDeque;

use bytes::Bytes;
use peerloom_core::Input;
use peerloom_core::io::{BodySource, StoreError, StoreId, StoreReply};
use peerloom_wire::{ChunkId, RequestId};

use super::{STORE_LATENCY, Stage};
use crate::fabric::{Body, End};
use crate::schedule::Seat;

/// Names a chunk that is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(u64);

/// Bodies that wait for their bytes, or for one before them.
#[derive(Debug, Default)]
pub(super) struct Servings {
    queue: VecDeque<Serving>,
    tickets: u64,
}

#[derive(Debug)]
struct Serving {
    end: End,
    request: RequestId,
    bytes: Source,
}

#[derive(Debug)]
enum Source {
    Reading(Ticket),
    /// None if the store has no such chunk.
    Read(Option<Bytes>),
}

impl Servings {
    /// Queues a body; returns what is to be read for it.
    pub(super) fn begin(
        &mut self,
        end: End,
        request: RequestId,
        body: BodySource,
    ) -> Option<(Ticket, ChunkId)> {
        let (bytes, read) = match body {
            BodySource::Inline(bytes) => (Source::Read(Some(bytes)), None),
            BodySource::Chunk(chunk) => {
                self.tickets += 1;
                let ticket = Ticket(self.tickets);
                (Source::Reading(ticket), Some((ticket, chunk)))
            }
        };
        self.queue.push_back(Serving { end, request, bytes });
        read
    }

    /// Forgets one body of a connection, or all.
    pub(super) fn forget(&mut self, end: End, request: Option<RequestId>) {
        self.queue.retain(|serving| {
            serving.end != end || request.is_some_and(|request| request != serving.request)
        });
    }

    pub(super) fn forget_session(&mut self, seat: Seat) {
        self.queue.retain(|serving| serving.end.seat != seat);
    }

    fn read(&mut self, ticket: Ticket, bytes: Option<Bytes>) {
        let waits =
            |serving: &&mut Serving| matches!(serving.bytes, Source::Reading(own) if own == ticket);
        if let Some(serving) = self.queue.iter_mut().find(waits) {
            serving.bytes = Source::Read(bytes);
        }
    }

    fn next(&mut self) -> Option<(End, RequestId, Option<Bytes>)> {
        if matches!(self.queue.front()?.bytes, Source::Reading(_)) {
            return None;
        }
        let Serving { end, request, bytes: Source::Read(bytes) } = self.queue.pop_front()? else {
            return None;
        };
        Some((end, request, bytes))
    }
}

impl Stage {
    /// Answers [`super::Notice::Store`].
    pub fn stored(&mut self, seat: Seat, id: StoreId, result: Result<StoreReply, StoreError>) {
        let due = self.actor_mut(seat).and_then(|actor| actor.ops.answered(id, result));
        if let Some(result) = due {
            self.feed(seat, Input::Stored { id, result });
        }
    }

    /// Answers [`super::Notice::Read`]; without bytes if the chunk is not stored.
    pub fn chunk_read(&mut self, ticket: Ticket, bytes: Option<Bytes>) {
        self.servings.read(ticket, bytes);
        self.serve();
    }

    /// Hands on what is ready to be sent.
    pub(super) fn serve(&mut self) {
        while let Some((end, request, bytes)) = self.servings.next() {
            let Some(body) = bytes.and_then(whole) else {
                self.fabric.body_unavailable(&mut self.schedule, end, request);
                continue;
            };
            let read = self.dice.span(STORE_LATENCY);
            self.fabric.serve(&mut self.schedule, end, (request, body, u32::MAX), read);
        }
    }
}

/// A body with its bytes. The digest is made from what is sent, whatever it was called.
fn whole(bytes: Bytes) -> Option<Body> {
    let length = u32::try_from(bytes.len()).ok()?;
    Some(Body { sha256: peerloom_crypto::sha256(&bytes), bytes: length, inline: Some(bytes) })
}
