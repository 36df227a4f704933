//! Bodies over a real data channel: served in frames, reassembled and digested.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use std::cell::Cell;

use common::{pair, pattern};
use peerloom_core::io::{BodyFault, BodySource, LinkCommand, LinkEvent};
use peerloom_wire::{ChunkId, RequestId};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

/// Request, length, digest, and the bytes if they came along.
type Arrival = (u32, u32, [u8; 32], Option<Vec<u8>>);

fn arrived(event: &LinkEvent) -> Option<Arrival> {
    match event {
        LinkEvent::BodyArrived { request, bytes, sha256, inline } => {
            Some((request.0, *bytes, *sha256, inline.as_ref().map(|bytes| bytes.to_vec())))
        }
        LinkEvent::BodyMisplaced { fault } => panic!("{fault:?}"),
        _ => None,
    }
}

fn misplaced(event: &LinkEvent) -> Option<BodyFault> {
    match event {
        LinkEvent::BodyMisplaced { fault } => Some(*fault),
        LinkEvent::BodyArrived { request, .. } => panic!("{request:?} arrived"),
        _ => None,
    }
}

#[wasm_bindgen_test]
async fn a_chunk_of_any_length_arrives_with_its_digest() {
    let (a, b) = pair().await;
    let lengths = [1, 4096, 4097, 65_535, 65_536, 65_537, 131_073, 262_128, 262_129, 262_144];
    for (request, length) in (0..).zip(lengths) {
        let body = pattern(length);
        let chunk = a.owner.store(&body);
        let bytes = u32::try_from(length).unwrap();
        b.expect(request, bytes, false);
        a.serve(request, BodySource::Chunk(chunk));
        assert_eq!(b.owner.next(arrived).await, (request, bytes, chunk.0, None));
        let served = |event: &LinkEvent| match event {
            LinkEvent::BodyServed { request, bytes } => Some((request.0, *bytes)),
            _ => None,
        };
        assert_eq!(a.owner.next(served).await, (request, bytes));
    }
    assert_eq!(a.owner.recycled.get() as usize, lengths.len());
}

#[wasm_bindgen_test]
async fn an_inline_body_comes_with_its_bytes() {
    let (a, b) = pair().await;
    for (request, length) in (0..).zip([5, 100_000, 300_000]) {
        let body = pattern(length);
        b.expect(request, u32::try_from(length).unwrap(), true);
        a.serve(request, BodySource::Inline(body.clone().into()));
        let (_, _, sha256, inline) = b.owner.next(arrived).await;
        assert_eq!(sha256, peerloom_crypto::sha256(&body));
        assert_eq!(inline, Some(body));
    }
}

#[wasm_bindgen_test]
async fn many_queued_chunks_arrive_in_order() {
    let (a, b) = pair().await;
    let count = 40;
    for request in 0..count {
        let mut body = pattern(262_144);
        body[0] = u8::try_from(request).unwrap();
        let chunk = a.owner.store(&body);
        b.expect(request, 262_144, false);
        a.serve(request, BodySource::Chunk(chunk));
    }
    let begun_ms = js_sys::Date::now();
    let told = Cell::new(0);
    let arrived = |event: &LinkEvent| {
        told.set(told.get() + u32::from(matches!(event, LinkEvent::BodyProgress { .. })));
        arrived(event)
    };
    for request in 0..count {
        let (id, ..) = b.owner.next(&arrived).await;
        assert_eq!(id, request);
        b.connection.execute(LinkCommand::ForgetBody { request: RequestId(id) });
    }
    // Frames that are not the last of their bodies are told five times a second at most, and the first one of all.
    let most = (js_sys::Date::now() - begun_ms) / 200.0 + 2.0;
    assert!(told.get() >= 1 && f64::from(told.get()) < most, "{} of {most}", told.get());
}

#[wasm_bindgen_test]
async fn a_body_that_nobody_asked_for_is_a_fault() {
    let (a, b) = pair().await;
    a.serve(9, BodySource::Inline(pattern(10).into()));
    assert_eq!(b.owner.next(misplaced).await, BodyFault::Unrequested);
}

#[wasm_bindgen_test]
async fn a_body_longer_than_expected_is_a_fault() {
    let (a, b) = pair().await;
    b.expect(1, 9, true);
    a.serve(1, BodySource::Inline(pattern(10).into()));
    assert_eq!(b.owner.next(misplaced).await, BodyFault::OutOfBounds);
    b.expect(2, 10, false);
    a.serve(2, BodySource::Inline(pattern(10).into()));
    a.serve(2, BodySource::Inline(pattern(10).into()));
    let misplaced = |event: &LinkEvent| match event {
        LinkEvent::BodyMisplaced { fault } => Some(*fault),
        _ => None,
    };
    assert_eq!(b.owner.next(misplaced).await, BodyFault::OutOfBounds);
}

#[wasm_bindgen_test]
async fn late_frames_of_a_forgotten_body_are_no_fault_but_more_than_the_body_is() {
    let (a, b) = pair().await;
    b.expect(1, 10, false);
    b.connection.execute(LinkCommand::ForgetBody { request: RequestId(1) });
    a.serve(1, BodySource::Inline(pattern(10).into()));
    b.expect(2, 10, true);
    a.serve(2, BodySource::Inline(pattern(10).into()));
    assert_eq!(b.owner.next(arrived).await.0, 2);
    a.serve(1, BodySource::Inline(pattern(1).into()));
    assert_eq!(b.owner.next(misplaced).await, BodyFault::Unrequested);
}

#[wasm_bindgen_test]
async fn a_chunk_that_is_not_stored_is_unavailable_and_the_next_is_served() {
    let (a, b) = pair().await;
    let chunk = a.owner.store(&pattern(1000));
    b.expect(2, 1000, false);
    a.serve(1, BodySource::Chunk(ChunkId([0; 32])));
    a.serve(2, BodySource::Chunk(chunk));
    let unavailable = |event: &LinkEvent| match event {
        LinkEvent::BodyUnavailable { request } => Some(request.0),
        _ => None,
    };
    assert_eq!(a.owner.next(unavailable).await, 1);
    assert_eq!(b.owner.next(arrived).await.0, 2);
}

#[wasm_bindgen_test]
async fn a_body_that_was_stopped_is_not_sent() {
    let (a, b) = pair().await;
    let chunk = a.owner.store(&pattern(1000));
    b.expect(2, 10, true);
    a.serve(1, BodySource::Chunk(chunk));
    a.connection.execute(LinkCommand::StopServing { request: RequestId(1) });
    a.serve(2, BodySource::Inline(pattern(10).into()));
    assert_eq!(b.owner.next(arrived).await.0, 2);
}
