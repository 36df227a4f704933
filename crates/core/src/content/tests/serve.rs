use super::*;
use crate::io::BodySource;

fn want(request: u32, what: Wanted) -> Input {
    says(ALICE, wants(&[(request, what)]))
}

fn chunk(index: u32) -> Wanted {
    Wanted::Chunk { content: sample().0, index }
}

fn serves(request: u32, body: BodySource) -> Effect {
    link(ALICE, LinkCommand::ServeBody { request: RequestId(request), body })
}

fn refuses(request: u32, reason: Refusal) -> Effect {
    send(ALICE, Message::Refused { request: RequestId(request), reason })
}

fn served(request: u32) -> Input {
    body(ALICE, BodyEvent::Served { request: RequestId(request), bytes: 16_384 })
}

fn told(sent_bytes: u64) -> Effect {
    let (content, _) = sample();
    Effect::Event(Event::Served { content, peer: ALICE, sent_bytes, total_bytes: 70_000 })
}

/// The sample is here whole, and Alice is up.
fn before() -> Vec<(u64, Input)> {
    then(started_with(records(&sample().1, None)), [(0, up(ALICE))])
}

#[test]
fn manifests_are_served_from_here_and_chunks_from_the_store() {
    let (id, manifest) = sample();
    let inputs = [(0, want(1, Wanted::Manifest(id))), (0, want(2, chunk(4)))];
    check(
        before(),
        &inputs,
        &[
            serves(1, BodySource::Inline(manifest.encode().into())),
            serves(2, BodySource::Chunk(manifest.description().chunks[4])),
        ],
    );
}

#[test]
fn what_is_not_here_is_refused() {
    let unknown = ContentId([0; 32]);
    let wants = [
        (0, want(1, Wanted::Manifest(unknown))),
        (0, want(2, Wanted::Chunk { content: unknown, index: 0 })),
        (0, want(3, chunk(5))),
        (0, want(4, chunk(u32::MAX))),
    ];
    let refusals: Vec<_> = (1..=4).map(|n| refuses(n, Refusal::NotHere)).collect();
    check(before(), &wants, &refusals);
}

#[test]
fn a_chunk_that_is_not_here_yet_is_refused() {
    let loaded =
        Input::Stored { op: OpId(1), result: Ok(StoreReply::Records(records(&sample().1, None))) };
    let before = vec![
        (0, Input::Start),
        (0, loaded),
        (0, present(2, &[true, false, true, true, true])),
        (0, up(ALICE)),
    ];
    let first = sample().1.description().chunks[0];
    check(
        before,
        &[(0, want(1, chunk(0))), (0, want(2, chunk(1)))],
        &[serves(1, BodySource::Chunk(first)), refuses(2, Refusal::NotHere)],
    );
}

#[test]
fn too_many_requests_are_refused_and_far_too_many_are_a_strike() {
    let open = then(before(), (0..64).map(|n| (0, want(n, chunk(0)))));
    let inputs: Vec<_> = (64..256).map(|n| (0, want(n, chunk(0)))).collect();
    let mut expected: Vec<_> = (64..256).map(|n| refuses(n, Refusal::Busy)).collect();
    expected.insert(191, strike(ALICE, StrikeKind::TooManyRequests));
    check(open, &inputs, &expected);
}

#[test]
fn a_name_used_twice_is_a_strike() {
    let before = then(before(), [(0, want(1, chunk(0)))]);
    check(before, &[(0, want(1, chunk(1)))], &[strike(ALICE, StrikeKind::OutOfTurn)]);
}

#[test]
fn a_cancelled_request_is_served_no_more_and_its_name_is_free() {
    let cancel = says(ALICE, Message::Cancel { request: RequestId(1) });
    let before = then(before(), [(0, want(1, chunk(0)))]);
    let inputs = [(0, cancel.clone()), (0, cancel), (0, served(1)), (0, want(1, chunk(1)))];
    check(
        before,
        &inputs,
        &[
            link(ALICE, LinkCommand::StopServing { request: RequestId(1) }),
            serves(1, BodySource::Chunk(sample().1.description().chunks[1])),
        ],
    );
}

#[test]
fn what_is_served_is_told_ten_times_a_second_and_at_the_end() {
    let before = then(before(), (0..4).map(|n| (0, want(n, chunk(n)))));
    let inputs =
        [(50, served(0)), (60, served(1)), (70, served(2)), (180, served(3)), (500, up(BOB))];
    let (_, manifest) = sample();
    let whole = Message::Have { list: List::Whole, entries: vec![entry(&manifest, None)] };
    check(
        before,
        &inputs,
        &[
            told(16_384),
            told(49_152),
            // 100 ms after the one before, which was at 150.
            told(65_536),
            send(BOB, whole),
        ],
    );
}

#[test]
fn manifests_are_not_counted_as_content() {
    let before = then(before(), [(0, want(1, Wanted::Manifest(sample().0)))]);
    check(before, &[(0, served(1))], &[]);
}

#[test]
fn a_chunk_that_the_store_lost_makes_the_content_partial_and_others_are_told() {
    let (id, manifest) = sample();
    let chunks = manifest.description().chunks.clone();
    let before = then(before(), [(0, up(BOB)), (0, want(1, chunk(2)))]);
    let lost = body(ALICE, BodyEvent::Unavailable { request: RequestId(1) });
    let gone = Message::Gone { contents: vec![id] };
    let content = check(
        before,
        &[(0, lost), (0, present(4, &[true, true, false, true, true]))],
        &[
            refuses(1, Refusal::Failed),
            store(4, StoreOp::HasChunks { chunks }),
            send(ALICE, gone.clone()),
            send(BOB, gone),
        ],
    );
    assert_eq!(content.content(id).unwrap().local, LocalState::Partial);
}

#[test]
fn a_store_that_only_hiccuped_loses_nothing() {
    let (id, _) = sample();
    let before = then(
        before(),
        [
            (0, want(1, chunk(2))),
            (0, body(ALICE, BodyEvent::Unavailable { request: RequestId(1) })),
        ],
    );
    let content = check(before, &[(0, present(4, &[true; 5]))], &[]);
    assert_eq!(content.content(id).unwrap().local, LocalState::Complete);
}

#[test]
fn a_misplaced_body_is_a_strike_and_counted_by_its_fault() {
    let misplaced = |fault| (0, body(ALICE, BodyEvent::Misplaced { fault }));
    let inputs = [misplaced(BodyFault::Unrequested), misplaced(BodyFault::OutOfBounds)];
    let content = check(before(), &inputs, &vec![strike(ALICE, StrikeKind::UnrequestedBody); 2]);
    assert_eq!(content.stats()["content.bodies_unrequested"], 1);
    assert_eq!(content.stats()["content.bodies_out_of_bounds"], 1);
}

#[test]
fn events_of_a_connection_that_is_gone_are_harmless() {
    let before = then(before(), [(0, want(1, chunk(0))), (0, Input::PeerDown { peer: ALICE })]);
    let inputs = [
        (0, served(1)),
        (0, body(ALICE, BodyEvent::Unavailable { request: RequestId(1) })),
        (0, body(ALICE, BodyEvent::Misplaced { fault: BodyFault::Malformed })),
        (0, want(2, chunk(0))),
    ];
    check(before, &inputs, &[]);
}
