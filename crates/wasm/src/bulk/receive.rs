//! Reassembly: the frames of a requested body become one buffer and its digest.
//!
//! A peer sends the frames of a body in order on an ordered channel, so a piece belongs exactly
//! where the last one ended. Anything else is a fault, reported and not kept.

use alloc::collections::VecDeque;
use alloc::rc::{Rc, Weak};
use core::cell::{Cell, RefCell};
use core::time::Duration;

use bytes::Bytes;
use js_sys::{ArrayBuffer, Uint8Array};
use peerloom_core::Instant;
use peerloom_core::io::{BodyFault, LinkEvent};
use peerloom_core::map::Map;
use peerloom_wire::RequestId;
use peerloom_wire::bulk::{BULK_HEADER_BYTES, BulkHeader};
use wasm_bindgen::prelude::*;

use super::{Buffer, Owner, Pool, sha256};

/// The most given-up bodies remembered, whose frames may still be on the way. More than a peer
/// serves at once; of those beyond, frames count as not asked for.
const FORGOTTEN_MAX: usize = 64;

/// The most bodies expected at once. The core asks for far fewer.
const EXPECTED_MAX: usize = 1024;

/// The least time between two reports that more of a body came. The core measures rates by them
/// and gives up a body after seconds of silence; a report of each frame would cost as much as its
/// copy.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

const HEADER_BYTES: u32 = 12;
const _: () = assert!(HEADER_BYTES as usize == BULK_HEADER_BYTES);

/// Bodies on their way in over one connection.
pub(crate) struct Receiver {
    owner: Rc<dyn Owner>,
    pool: Rc<Pool>,
    bodies: RefCell<Map<RequestId, Body>>,
    /// Given up, and how many bytes of each may still come.
    forgotten: RefCell<VecDeque<(RequestId, u32)>>,
    /// When progress was last reported, of whichever body.
    told_at: Cell<Instant>,
}

struct Body {
    inline: bool,
    bytes: u32,
    state: State,
}

enum State {
    /// No frame came yet, so no buffer is bound.
    Expected,
    Filling {
        buffer: Buffer,
        filled: u32,
    },
    /// Whole; its digest is being computed or was reported.
    Whole {
        buffer: Buffer,
    },
}

/// What a frame does to the body that it belongs to.
enum Step {
    Progress(u32),
    /// The last piece came; this is the view to digest.
    Complete(Uint8Array),
}

impl Receiver {
    pub(crate) fn new(owner: Rc<dyn Owner>, pool: Rc<Pool>) -> Rc<Self> {
        let (bodies, forgotten) = (RefCell::default(), RefCell::default());
        Rc::new(Self { owner, pool, bodies, forgotten, told_at: Cell::new(Instant::ZERO) })
    }

    pub(crate) fn expect(&self, request: RequestId, bytes: u32, inline: bool) {
        let mut bodies = self.bodies.borrow_mut();
        if bodies.len() < EXPECTED_MAX {
            bodies.insert(request, Body { inline, bytes, state: State::Expected });
        }
    }

    /// Gives the buffer back, and remembers how much of the body may still come.
    pub(crate) fn forget(&self, request: RequestId) {
        let Some(body) = self.bodies.borrow_mut().remove(&request) else { return };
        let left = match body.state {
            State::Expected => body.bytes,
            State::Filling { filled, .. } => body.bytes.saturating_sub(filled),
            State::Whole { .. } => return,
        };
        let mut forgotten = self.forgotten.borrow_mut();
        if forgotten.len() == FORGOTTEN_MAX {
            forgotten.pop_front();
        }
        forgotten.push_back((request, left));
    }

    /// Takes the buffer of a body that arrived, to store it.
    pub(crate) fn take(&self, request: RequestId) -> Option<Buffer> {
        let mut bodies = self.bodies.borrow_mut();
        match bodies.remove(&request)? {
            Body { state: State::Whole { buffer }, .. } => Some(buffer),
            body => {
                bodies.insert(request, body);
                None
            }
        }
    }

    /// Takes one message of the bulk channel; anything may be in it.
    pub(crate) fn on_message(self: &Rc<Self>, data: JsValue) {
        let Ok(frame) = data.dyn_into::<ArrayBuffer>() else {
            return self.misplaced(BodyFault::Malformed);
        };
        let (request, placed) = self.take_frame(&frame);
        self.pool.release(&frame);
        match placed {
            Some(Ok(Step::Progress(bytes))) => self.tell_progress(request, bytes),
            Some(Ok(Step::Complete(view))) => self.digest(request, &view),
            Some(Err(fault)) => self.misplaced(fault),
            None => {}
        }
    }

    /// Reads a frame; its request means nothing if it has no valid header.
    fn take_frame(&self, frame: &ArrayBuffer) -> (RequestId, Option<Result<Step, BodyFault>>) {
        let frame_bytes = frame.byte_length();
        let mut header = [0; BULK_HEADER_BYTES];
        if frame_bytes > HEADER_BYTES {
            Uint8Array::new_with_byte_offset_and_length(frame, 0, HEADER_BYTES)
                .copy_to(&mut header);
        }
        let Ok(header) = BulkHeader::decode(header, frame_bytes as usize) else {
            return (RequestId(0), Some(Err(BodyFault::Malformed)));
        };
        let piece = Uint8Array::new_with_byte_offset(frame, HEADER_BYTES);
        (header.request, self.place(header, &piece))
    }

    fn tell_progress(&self, request: RequestId, bytes: u32) {
        let now = crate::timer::mono();
        if now.since(self.told_at.get()) >= PROGRESS_INTERVAL {
            self.told_at.set(now);
            self.owner.on_event(LinkEvent::BodyProgress { request, bytes });
        }
    }

    /// Copies a piece into its body's buffer; `None` if the body was given up lately.
    fn place(&self, header: BulkHeader, piece: &Uint8Array) -> Option<Result<Step, BodyFault>> {
        let length = piece.length();
        let mut bodies = self.bodies.borrow_mut();
        let Some(body) = bodies.get_mut(&header.request) else {
            drop(bodies);
            let late = self.is_late(header.request, length);
            return (!late).then_some(Err(BodyFault::Unrequested));
        };
        let filled = match &body.state {
            State::Expected => 0,
            State::Filling { filled, .. } => *filled,
            State::Whole { .. } => return Some(Err(BodyFault::OutOfBounds)),
        };
        let fits = header.offset == filled && length <= body.bytes.saturating_sub(filled);
        if !fits {
            return Some(Err(BodyFault::OutOfBounds));
        }
        let state = core::mem::replace(&mut body.state, State::Expected);
        let buffer = match state {
            State::Filling { buffer, .. } | State::Whole { buffer } => buffer,
            State::Expected => self.pool.take(body.bytes),
        };
        buffer.write(piece, filled);
        let filled = filled + length;
        if filled < body.bytes {
            body.state = State::Filling { buffer, filled };
            return Some(Ok(Step::Progress(filled)));
        }
        let view = buffer.view();
        body.state = State::Whole { buffer };
        Some(Ok(Step::Complete(view)))
    }

    /// Says whether a frame belongs to a body that was given up while it was on the way.
    fn is_late(&self, request: RequestId, length: u32) -> bool {
        let mut forgotten = self.forgotten.borrow_mut();
        let Some((_, left)) = forgotten.iter_mut().find(|(id, _)| *id == request) else {
            return false;
        };
        let late = length <= *left;
        *left = left.saturating_sub(length);
        late
    }

    fn digest(self: &Rc<Self>, request: RequestId, view: &Uint8Array) {
        let receiver = Rc::downgrade(self);
        sha256(view, move |sha256| {
            if let Some(receiver) = Weak::upgrade(&receiver) {
                receiver.on_digest(request, sha256);
            }
        });
    }

    fn on_digest(&self, request: RequestId, sha256: [u8; 32]) {
        let mut bodies = self.bodies.borrow_mut();
        // Given up in the meantime, or even asked for anew: request ids are not used twice on a
        // connection, so a whole body under this id is this one.
        let Some(Body { inline, state: State::Whole { buffer }, .. }) = bodies.get(&request) else {
            return;
        };
        let bytes = buffer.bytes();
        let inline = inline.then(|| Bytes::from(buffer.view().to_vec()));
        if inline.is_some() {
            bodies.remove(&request);
        }
        drop(bodies);
        self.owner.on_event(LinkEvent::BodyArrived { request, bytes, sha256, inline });
    }

    fn misplaced(&self, fault: BodyFault) {
        self.owner.on_event(LinkEvent::BodyMisplaced { fault });
    }
}
