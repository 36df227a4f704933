//! A connection in a real browser: negotiation, the control channel, and its end.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use common::{End, negotiate, pair, turn};
use peerloom_core::io::{LinkCommand, LinkEvent, TransportState};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

fn received(event: &LinkEvent) -> Option<Vec<u8>> {
    match event {
        LinkEvent::Received { frame } => Some(frame.to_vec()),
        _ => None,
    }
}

#[wasm_bindgen_test]
async fn a_control_frame_arrives_as_it_was_sent() {
    let (a, b) = pair().await;
    a.send(b"hello");
    assert_eq!(b.owner.next(received).await, b"hello");
    b.send(&[7; 65_000]);
    assert_eq!(a.owner.next(received).await, [7; 65_000]);
}

#[wasm_bindgen_test]
async fn a_half_used_budget_is_renewed() {
    let (a, b) = pair().await;
    let writable = |event: &LinkEvent| match event {
        LinkEvent::Writable { budget_bytes } => Some(*budget_bytes),
        _ => None,
    };
    for _ in 0..3 {
        a.send(&[1; 60_000]);
    }
    assert!(a.owner.next(writable).await >= 256 * 1024 - 64 * 1024);
    for _ in 0..3 {
        assert_eq!(b.owner.next(received).await.len(), 60_000);
    }
}

#[wasm_bindgen_test]
async fn the_other_side_hears_a_close_and_the_last_frame_before_it() {
    let (a, b) = pair().await;
    a.send(b"goodbye");
    a.connection.execute(LinkCommand::Close);
    assert_eq!(b.owner.next(received).await, b"goodbye");
    b.owner.next(|event| matches!(event, LinkEvent::Closed).then_some(())).await;
}

#[wasm_bindgen_test]
async fn ice_restarts_on_an_open_connection() {
    let (a, b) = pair().await;
    a.connection.execute(LinkCommand::CreateOffer { restart: true });
    negotiate_restart(&a, &b).await;
    a.send(b"still here");
    assert_eq!(b.owner.next(received).await, b"still here");
}

async fn negotiate_restart(a: &End, b: &End) {
    let sdp = a
        .owner
        .next(|event| match event {
            LinkEvent::OfferReady { sdp } => Some(sdp.clone()),
            _ => None,
        })
        .await;
    b.connection.execute(LinkCommand::AcceptOffer { sdp, candidates: vec![] });
    let sdp = b
        .owner
        .next(|event| match event {
            LinkEvent::AnswerReady { sdp } => Some(sdp.clone()),
            _ => None,
        })
        .await;
    a.connection.execute(LinkCommand::AcceptAnswer { sdp, candidates: vec![] });
    negotiate(a, b, 0).await;
}

#[wasm_bindgen_test]
async fn the_transport_and_the_channels_are_reported_once_each() {
    let (a, b) = (End::new(), End::new());
    a.connection.execute(LinkCommand::CreateOffer { restart: false });
    let sdp = a
        .owner
        .next(|event| match event {
            LinkEvent::OfferReady { sdp } => Some(sdp.clone()),
            _ => None,
        })
        .await;
    b.connection.execute(LinkCommand::AcceptOffer { sdp, candidates: vec![] });
    let (a, b) = (&a, &b);
    let report = |event: &LinkEvent| match event {
        LinkEvent::Transport(TransportState::IceConnected) => Some("ice"),
        LinkEvent::Transport(TransportState::Connected) => Some("transport"),
        LinkEvent::Transport(other) => panic!("{other:?}"),
        LinkEvent::Opened => Some("channels"),
        LinkEvent::AnswerReady { sdp } => {
            a.connection
                .execute(LinkCommand::AcceptAnswer { sdp: sdp.clone(), candidates: vec![] });
            None
        }
        LinkEvent::CandidateReady { candidate } => {
            a.connection
                .execute(LinkCommand::AddCandidates { candidates: vec![candidate.clone()] });
            None
        }
        _ => None,
    };
    // The order is the browser's: Chromium at times opens the channels first.
    let mut reports = Vec::new();
    for _ in 0..3 {
        reports.push(b.owner.next(report).await);
    }
    reports.sort_unstable();
    assert_eq!(reports, ["channels", "ice", "transport"]);
}

#[wasm_bindgen_test]
async fn a_description_that_is_none_fails_the_connection() {
    let a = End::new();
    a.connection.execute(LinkCommand::AcceptOffer { sdp: "v=1".to_owned(), candidates: vec![] });
    let reason = a
        .owner
        .next(|event| match event {
            LinkEvent::Failed { reason, .. } => Some(reason.clone()),
            _ => None,
        })
        .await;
    assert!(!reason.is_empty());
}

#[wasm_bindgen_test]
async fn dropped_connections_leave_nothing_alive() {
    let before = peerloom::counts();
    for _ in 0..20 {
        let half_way = End::new();
        half_way.connection.execute(LinkCommand::CreateOffer { restart: false });
    }
    let (a, b) = pair().await;
    assert!(peerloom::counts().closures > before.closures);
    drop((a, b));
    turn().await;
    assert_eq!(peerloom::counts(), before);
}
