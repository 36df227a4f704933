//! The bulk channel: bodies go out one after the other, piece by piece, and come together in the
//! buffers that the requester's driver keeps. In scripted worlds bytes are not made: a body is its
//! digest and length. On a stage it has them.

use core::time::Duration;

use bytes::Bytes;
use peerloom_core::io::{BodyFault, LinkEvent};
use peerloom_wire::RequestId;
use peerloom_wire::bulk::BULK_PAYLOAD_BYTES_MAX;

use super::{End, Fabric, FabricStep, Link};
use crate::schedule::{Happening, Schedule};

/// Pieces are as long as the driver's frames: those of its `pace`, once it knows the rate.
const PIECES_A_SECOND: u64 = 20;
const PIECE_BYTES_MIN: u64 = 16_384;
const PIECE_BYTES_MAX: u64 = BULK_PAYLOAD_BYTES_MAX as u64;

/// What travels. The bytes of a chunk only on a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Body {
    pub(crate) sha256: [u8; 32],
    pub(crate) bytes: u32,
    pub(crate) inline: Option<Bytes>,
}

/// A body that a server's driver is to send.
#[derive(Clone, Debug)]
pub(super) struct Job {
    request: RequestId,
    body: Body,
    /// Where a hostile server stops.
    bytes_max: u32,
    sent: u32,
}

/// A body that a requester's driver puts together.
#[derive(Debug)]
pub(super) struct Expected {
    pub(super) bytes: u32,
    inline: bool,
    got: u32,
    arrived: Option<Body>,
}

impl Fabric {
    pub(super) fn expect_body(&mut self, end: End, request: RequestId, bytes: u32, inline: bool) {
        let Some(endpoint) = self.endpoints.get_mut(&end) else {
            self.breach(end, "expects a body on no connection".to_owned());
            return;
        };
        let expected = Expected { bytes, inline, got: 0, arrived: None };
        if endpoint.expected.insert(request, expected).is_some() {
            self.breach(end, format!("expects {request:?} twice"));
        }
    }

    pub(super) fn forget_body(&mut self, end: End, request: RequestId) {
        if let Some(endpoint) = self.endpoints.get_mut(&end) {
            endpoint.expected.remove(&request);
            endpoint.forgotten.insert(request);
        }
    }

    /// Hands a whole body over to the store.
    pub(crate) fn take_arrived(&mut self, end: End, request: RequestId) -> Option<Body> {
        let endpoint = self.endpoints.get_mut(&end)?;
        endpoint.expected.get(&request)?.arrived.as_ref()?;
        endpoint.expected.remove(&request)?.arrived
    }

    /// A server's driver begins to send, after what it was asked for before; `bytes_max` is where
    /// it stops.
    pub(crate) fn serve(
        &mut self,
        schedule: &mut Schedule,
        end: End,
        (request, body, bytes_max): (RequestId, Body, u32),
        read: Duration,
    ) {
        let Some(endpoint) = self.endpoints.get_mut(&end) else { return };
        endpoint.jobs.push_back(Job { request, body, bytes_max, sent: 0 });
        if !core::mem::replace(&mut endpoint.serving, true) {
            schedule.after(read, Happening::Fabric(FabricStep::Serve { end }));
        }
    }

    pub(super) fn stop_serving(&mut self, end: End, request: RequestId) {
        if let Some(endpoint) = self.endpoints.get_mut(&end) {
            endpoint.jobs.retain(|job| job.request != request);
        }
    }

    pub(crate) fn body_unavailable(&self, schedule: &mut Schedule, end: End, request: RequestId) {
        let event = LinkEvent::BodyUnavailable { request };
        self.tell_after(schedule, Duration::from_millis(1), end, event);
    }

    pub(super) fn serve_piece(&mut self, schedule: &mut Schedule, end: End) {
        let other = self.other(end);
        let link = self.endpoints.get(&end).and_then(|endpoint| endpoint.link);
        let flows = link.and_then(|link| self.links.get(&link)).is_some_and(Link::flows);
        let bandwidth = other.map_or(1, |other| self.path(end.seat.tab, other.seat.tab).rate());
        let Some(endpoint) = self.endpoints.get_mut(&end) else { return };
        let Some(other) = other.filter(|_| flows && !endpoint.jobs.is_empty()) else {
            endpoint.serving = false;
            return;
        };
        let Some(job) = endpoint.jobs.front_mut() else { return };
        let piece_max = (bandwidth / PIECES_A_SECOND).clamp(PIECE_BYTES_MIN, PIECE_BYTES_MAX);
        let piece_max = u32::try_from(piece_max).unwrap_or(u32::MAX);
        let limit = job.body.bytes.min(job.bytes_max);
        let bytes = piece_max.min(limit.saturating_sub(job.sent));
        job.sent += bytes;
        let (request, whole) = (job.request, job.sent >= job.body.bytes);
        let finished = job.sent >= limit;
        let last = whole.then(|| job.body.clone());
        let served_bytes = job.body.bytes;
        if finished {
            endpoint.jobs.pop_front();
        }
        let last_arrival = endpoint.bulk.last_arrival;
        let sending = Duration::from_micros(u64::from(bytes) * 1_000_000 / bandwidth);
        let sent_at = schedule.now() + sending;
        let arrival = self.arrival(sent_at, [end, other], bytes as usize, last_arrival);
        if let Some(endpoint) = self.endpoints.get_mut(&end) {
            endpoint.bulk.last_arrival = arrival;
        }
        if bytes > 0 {
            let step = FabricStep::Piece { to: other, request, bytes, last };
            schedule.at(arrival, Happening::Fabric(step));
        }
        if finished {
            let event = LinkEvent::BodyServed { request, bytes: served_bytes };
            self.tell(schedule, end, event);
        }
        schedule.at(sent_at, Happening::Fabric(FabricStep::Serve { end }));
    }

    pub(super) fn take_piece(
        &mut self,
        schedule: &mut Schedule,
        to: End,
        request: RequestId,
        bytes: u32,
        last: Option<Body>,
    ) {
        let Some(endpoint) = self.endpoints.get_mut(&to) else { return };
        let Some(expected) = endpoint.expected.get_mut(&request) else {
            if !endpoint.forgotten.contains(&request) {
                let event = LinkEvent::BodyMisplaced { fault: BodyFault::Unrequested };
                self.tell(schedule, to, event);
            }
            return;
        };
        if expected.got + bytes > expected.bytes || expected.arrived.is_some() {
            self.tell(schedule, to, LinkEvent::BodyMisplaced { fault: BodyFault::OutOfBounds });
            return;
        }
        expected.got += bytes;
        let (got, inline, whole) = (expected.got, expected.inline, expected.got == expected.bytes);
        if !whole {
            self.tell(schedule, to, LinkEvent::BodyProgress { request, bytes: got });
            return;
        }
        // A body that is whole here though its server had more to send: cut to other bytes.
        let body = last.unwrap_or_else(|| Body {
            sha256: peerloom_crypto::sha256(&got.to_be_bytes()),
            bytes: got,
            inline: inline.then(|| vec![0; usize::try_from(got).unwrap_or(0)].into()),
        });
        if inline {
            endpoint.expected.remove(&request);
        } else {
            expected.arrived = Some(Body { bytes: got, ..body.clone() });
        }
        let inline = if inline { body.inline } else { None };
        let event = LinkEvent::BodyArrived { request, bytes: got, sha256: body.sha256, inline };
        self.tell(schedule, to, event);
    }
}
