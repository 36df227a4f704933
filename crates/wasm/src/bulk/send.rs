//! Serving: queued bodies go out one after the other, as fast as the channel drains.

use alloc::collections::VecDeque;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use js_sys::{Promise, Uint8Array};
use peerloom_core::io::{BodySource, LinkEvent};
use peerloom_wire::bulk::{BULK_HEADER_BYTES, BulkHeader};
use peerloom_wire::{ChunkId, RequestId};
use wasm_bindgen::prelude::*;
use web_sys::RtcDataChannel;

use super::Owner;
use super::pace::Pace;
use crate::js::settled;

/// Below this the channel asks for more.
pub(crate) const BUFFERED_BYTES_LOW: u32 = 256 * 1024;

/// At this the sender stops. Chromium closes a channel with about 16 MB buffered.
const BUFFERED_BYTES_HIGH: u32 = 1024 * 1024;

/// How many bodies at the head of the queue are read from the store ahead of their turn.
const PREFETCH_MAX: usize = 4;

/// The most bodies queued; those beyond are refused. The core of an honest peer asks for fewer.
const QUEUE_MAX: usize = 1024;

const HEADER_BYTES: u32 = 12;
const _: () = assert!(HEADER_BYTES as usize == BULK_HEADER_BYTES);

/// Bodies on their way out over one connection.
pub(crate) struct Sender {
    channel: RtcDataChannel,
    owner: Rc<dyn Owner>,
    queue: RefCell<VecDeque<Serving>>,
    next_serial: Cell<u64>,
    /// The header of the frame that is being sent.
    header: Uint8Array,
    pace: Cell<Pace>,
    phase: Cell<Phase>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The channel is not open yet: bodies wait.
    Opening,
    Open,
    Closed,
}

struct Serving {
    request: RequestId,
    /// Tells apart two bodies under one request id, which the peer chose.
    serial: u64,
    body: Body,
}

enum Body {
    Queued(ChunkId),
    Reading,
    Ready {
        bytes: Framable,
        sent: u32,
        /// Whether the bytes are the store's, which wants their buffer back.
        stored: bool,
    },
    Unavailable,
}

/// What is to be done next with the head of the queue.
enum Step {
    Frame { header: BulkHeader, frame: Uint8Array, last: Option<Last> },
    Unavailable(RequestId),
    Wait,
}

/// What ends with a last frame.
struct Last {
    bytes: u32,
    stored: Option<Uint8Array>,
}

/// Bytes with room for a header in front of them: pieces are sent from where they lie.
///
/// The header of a piece overwrites what came before it, which was sent. The channel copies a
/// frame before `send` returns.
#[derive(Clone)]
struct Framable(Uint8Array);

impl Framable {
    /// Takes the bytes as they are if there is room in front of them, else copies them.
    fn new(bytes: Uint8Array) -> Self {
        if bytes.byte_offset() >= HEADER_BYTES {
            return Self(bytes);
        }
        let framed = Uint8Array::new_with_length(HEADER_BYTES + bytes.length());
        framed.set(&bytes, HEADER_BYTES);
        Self(framed.subarray(HEADER_BYTES, framed.length()))
    }

    /// A view of a piece and of the room for its header.
    fn frame(&self, start: u32, end: u32) -> Uint8Array {
        let Self(bytes) = self;
        let begin = bytes.byte_offset() + start - HEADER_BYTES;
        let length = HEADER_BYTES + end - start;
        Uint8Array::new_with_byte_offset_and_length(&bytes.buffer(), begin, length)
    }
}

impl Sender {
    pub(crate) fn new(channel: RtcDataChannel, owner: Rc<dyn Owner>) -> Rc<Self> {
        channel.set_buffered_amount_low_threshold(BUFFERED_BYTES_LOW);
        Rc::new(Self {
            channel,
            owner,
            queue: RefCell::default(),
            next_serial: Cell::new(0),
            header: Uint8Array::new_with_length(HEADER_BYTES),
            pace: Cell::default(),
            phase: Cell::new(Phase::Opening),
        })
    }

    /// Queues a body.
    pub(crate) fn serve(self: &Rc<Self>, request: RequestId, source: BodySource) {
        if self.queue.borrow().len() >= QUEUE_MAX {
            return self.owner.on_event(LinkEvent::BodyUnavailable { request });
        }
        let body = match source {
            BodySource::Chunk(chunk) => Body::Queued(chunk),
            BodySource::Inline(bytes) => {
                let bytes = Framable::new(Uint8Array::from(bytes.as_ref()));
                Body::Ready { bytes, sent: 0, stored: false }
            }
        };
        let serial = self.next_serial.get();
        self.next_serial.set(serial.saturating_add(1));
        self.queue.borrow_mut().push_back(Serving { request, serial, body });
        self.prefetch();
        self.pump();
    }

    /// Sends no more of a body.
    pub(crate) fn stop(self: &Rc<Self>, request: RequestId) {
        self.queue.borrow_mut().retain(|serving| serving.request != request);
        self.prefetch();
        self.pump();
    }

    /// The channel is open.
    pub(crate) fn open(self: &Rc<Self>) {
        if self.phase.get() == Phase::Opening {
            self.phase.set(Phase::Open);
            self.pump();
        }
    }

    pub(crate) fn close(&self) {
        self.phase.set(Phase::Closed);
        self.queue.borrow_mut().clear();
    }

    /// Sends what the channel takes. Called when it drained, and when a body became ready.
    pub(crate) fn pump(self: &Rc<Self>) {
        while self.phase.get() == Phase::Open {
            let buffered_bytes = self.channel.buffered_amount();
            if buffered_bytes >= BUFFERED_BYTES_HIGH {
                return;
            }
            let event = match self.next_step() {
                Step::Wait => return,
                Step::Unavailable(request) => LinkEvent::BodyUnavailable { request },
                Step::Frame { header, frame, last } => {
                    if !self.send(header, &frame, buffered_bytes) {
                        return;
                    }
                    let Some(Last { bytes, stored }) = last else { continue };
                    if let Some(chunk) = stored {
                        self.owner.recycle(&chunk);
                    }
                    LinkEvent::BodyServed { request: header.request, bytes }
                }
            };
            self.prefetch();
            self.owner.on_event(event);
        }
    }

    fn next_step(&self) -> Step {
        let mut queue = self.queue.borrow_mut();
        let Some(Serving { request, body, .. }) = queue.front_mut() else { return Step::Wait };
        let request = *request;
        match body {
            Body::Queued(_) | Body::Reading => Step::Wait,
            Body::Unavailable => {
                queue.pop_front();
                Step::Unavailable(request)
            }
            Body::Ready { bytes, sent, stored } => {
                let header = BulkHeader { request, offset: *sent };
                let total = bytes.0.length();
                let piece_max = self.pace.get().payload_bytes_max();
                let end = total.min(sent.saturating_add(piece_max));
                let frame = bytes.frame(*sent, end);
                *sent = end;
                let stored = stored.then(|| bytes.0.clone());
                let last = (end == total).then_some(Last { bytes: total, stored });
                if last.is_some() {
                    queue.pop_front();
                }
                Step::Frame { header, frame, last }
            }
        }
    }

    /// Says whether the channel took the frame; if not, it is closing and its own event follows.
    fn send(&self, header: BulkHeader, frame: &Uint8Array, buffered_bytes: u32) -> bool {
        self.header.copy_from(&header.encode());
        frame.set(&self.header, 0);
        let mut pace = self.pace.get();
        pace.on_sent(crate::timer::mono(), buffered_bytes, frame.length());
        self.pace.set(pace);
        self.channel.send_with_array_buffer_view(frame).is_ok()
    }

    /// Starts to read the chunks whose turn comes soon.
    fn prefetch(self: &Rc<Self>) {
        let mut wanted = Vec::new();
        for serving in self.queue.borrow_mut().iter_mut().take(PREFETCH_MAX) {
            if let Body::Queued(chunk) = serving.body {
                serving.body = Body::Reading;
                wanted.push((serving.serial, chunk));
            }
        }
        for (serial, chunk) in wanted {
            match self.owner.read_chunk(&chunk) {
                Ok(promise) => self.read(serial, &promise),
                Err(_) => self.on_read(serial, None),
            }
        }
    }

    fn read(self: &Rc<Self>, serial: u64, promise: &Promise) {
        let sender = Rc::downgrade(self);
        settled(promise, move |result| {
            let Some(sender) = Weak::upgrade(&sender) else { return };
            sender.on_read(serial, result.ok().and_then(|value| value.dyn_into().ok()));
            sender.pump();
        });
    }

    fn on_read(&self, serial: u64, bytes: Option<Uint8Array>) {
        let mut queue = self.queue.borrow_mut();
        let Some(serving) = queue.iter_mut().find(|serving| serving.serial == serial) else {
            return;
        };
        serving.body = match bytes.filter(|bytes| bytes.length() > 0) {
            Some(bytes) => Body::Ready { bytes: Framable::new(bytes), sent: 0, stored: true },
            None => Body::Unavailable,
        };
    }
}
