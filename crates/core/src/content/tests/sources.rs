//! Which peer is asked for what, and what happens when it does not answer well.

use super::*;

/// 100 chunks of 16 KiB.
fn long() -> (ContentId, Manifest) {
    manifest("long", 16_384 * 100, None)
}

fn chunk(index: usize) -> ChunkId {
    long().1.description().chunks[index]
}

/// The long content is fetched from Alice, who was asked for chunks 0 to 3 by requests 2 to 5.
/// All but the chunks of `missing` are here.
fn fetching(missing: std::ops::Range<usize>) -> Vec<(u64, Input)> {
    let (id, manifest) = long();
    let here: Vec<_> = (0..100).map(|index| !missing.contains(&index)).collect();
    then(
        started(),
        [
            (0, up(ALICE)),
            (0, has(ALICE, &manifest, None)),
            (0, get(1, id)),
            (0, manifest_arrives(ALICE, 1, &manifest)),
            (0, stored(4)),
            (0, present(3, &here)),
        ],
    )
}

fn asked_after(before: Vec<(u64, Input)>, inputs: &[(u64, Input)]) -> Vec<(PeerId, u32)> {
    chunks_asked(&run(before, inputs).1)
}

fn refused(from: PeerId, request: u32, reason: Refusal) -> Input {
    says(from, Message::Refused { request: RequestId(request), reason })
}

fn answers(peer: PeerId, rtt: Duration) -> Input {
    Input::PeerRtt { peer, rtt, score: 500 }
}

fn bob_has_it() -> [(u64, Input); 2] {
    [(0, up(BOB)), (0, has(BOB, &long().1, None))]
}

#[test]
fn several_sources_are_asked_for_different_chunks() {
    let asked = asked_after(fetching(0..100), &bob_has_it());
    assert_eq!(asked, [(BOB, 4), (BOB, 5), (BOB, 6), (BOB, 7)]);
}

#[test]
fn of_two_that_are_as_free_the_one_that_is_worth_more_is_asked() {
    let (id, manifest) = long();
    let scored = |peer, score| (0, Input::PeerRtt { peer, rtt: Duration::ZERO, score });
    for (alice, bob, first) in [(700, 300, ALICE), (300, 700, BOB), (0, 1, BOB), (1, 0, ALICE)] {
        let both = [(0, up(ALICE)), (0, has(ALICE, &manifest, None))];
        let before = then(then(started(), both), bob_has_it());
        let before = then(before, [scored(ALICE, alice), scored(BOB, bob)]);
        let (_, effects) = run(before, &[(0, get(1, id))]);
        let asked = effects.iter().filter_map(|effect| match effect {
            Effect::Send { to, message: Message::Want { .. } } => Some(*to),
            _ => None,
        });
        assert_eq!(asked.collect::<Vec<_>>(), [first]);
    }
}

#[test]
fn a_fast_source_is_asked_for_more_at_once() {
    // 22.5 MB/s times 310 ms are 26 chunks of 256 KiB. Those here are small: the rate counts.
    let (_, manifest) = manifest("fast", 16_384 * 5000, None);
    let mut inputs = vec![
        (0, up(ALICE)),
        (0, answers(ALICE, Duration::from_millis(10))),
        (0, has(ALICE, &manifest, None)),
        (0, get(1, manifest.id())),
        (0, manifest_arrives(ALICE, 1, &manifest)),
        (0, stored(4)),
        (0, present(3, &vec![false; 5000])),
    ];
    // Eleven chunks of 16 KiB in eight milliseconds.
    let (mut op, mut request) = (5, 2);
    for ms in 1..2000 {
        for _ in 0..if ms % 8 < 3 { 2 } else { 1 } {
            let index = usize::try_from(request - 2).unwrap();
            let chunk = manifest.description().chunks[index];
            inputs.push((ms, chunk_arrives(ALICE, request, chunk)));
            inputs.push((ms, stored(op)));
            op += 1;
            request += 1;
        }
    }
    let (content, _) = run(started(), &inputs);
    // A quarter of them is asked for at once.
    let open = content.stats()["content.open_requests"];
    assert!((21..=28).contains(&open), "{open}");
}

#[test]
fn no_more_is_in_flight_than_the_driver_has_room_for() {
    // Twenty sources of four chunks each.
    let (_, manifest) = long();
    let peers = (1..=20).map(|n| PeerId([n; 32]));
    let more: Vec<_> =
        peers.flat_map(|peer| [(0, up(peer)), (0, has(peer, &manifest, None))]).collect();
    let (content, _) = run(then(fetching(0..100), more.clone()), &[]);
    // Eight at once: the last four are too few.
    assert_eq!(content.stats()["content.open_requests"], 60);
    // What arrived and is not stored counts too.
    let arrived = then(fetching(0..100), then(more, [(0, chunk_arrives(ALICE, 2, chunk(0)))]));
    let (content, _) = run(arrived, &[]);
    assert_eq!(content.stats()["content.open_requests"], 59);
    assert_eq!(content.stats()["content.open_keeps"], 1);
}

#[test]
fn two_downloads_share_a_source() {
    let (_, other) = manifest("other", 16_384 * 100, None);
    let before = then(
        fetching(0..100),
        [
            (0, has(ALICE, &other, None)),
            (0, get(2, other.id())),
            (0, refused(ALICE, 5, Refusal::NotHere)),
        ],
    );
    // Alice lost the long one, and its four requests are taken back; the other's manifest is next.
    let arrives = manifest_arrives(ALICE, 6, &other);
    let asked =
        asked_after(before, &[(0, arrives), (0, stored(5)), (0, present(6, &[false; 100]))]);
    assert_eq!(asked, [(ALICE, 0), (ALICE, 1), (ALICE, 2), (ALICE, 3)]);
}

#[test]
fn a_chunk_of_the_wrong_hash_is_a_strike_and_comes_from_elsewhere() {
    let before = then(fetching(0..2), bob_has_it());
    let (id, _) = long();
    let taken_back = [forget(ALICE, 2), cancel(ALICE, 3), forget(ALICE, 3)];
    let strike = strike(ALICE, StrikeKind::WrongHash);
    let expected = [taken_back.into(), vec![strike], asks(BOB, id, &[(4, 0), (5, 1)])];
    check(before, &[(0, chunk_arrives(ALICE, 2, chunk(9)))], &expected.concat());
}

#[test]
fn who_sent_wrong_bytes_is_not_asked_again_even_if_nobody_else_has_it() {
    let inputs = [(0, chunk_arrives(ALICE, 2, chunk(9))), (100_000, has(ALICE, &long().1, None))];
    assert_eq!(asked_after(fetching(0..1), &inputs), []);
}

#[test]
fn a_silent_source_is_left_alone_and_its_chunks_go_elsewhere() {
    let (id, _) = long();
    let before = fetching(0..1);
    let content = check(
        before.clone(),
        &[(8999, has(ALICE, &long().1, None))],
        &[cancel(ALICE, 2), forget(ALICE, 2), Effect::OffersChanged { peer: ALICE }],
    );
    assert_eq!(content.stats()["content.requests_stalled"], 1);
    // Alone, it is asked again after a second.
    let again = [
        vec![cancel(ALICE, 2), forget(ALICE, 2)],
        asks(ALICE, id, &[(3, 0)]),
        vec![Effect::OffersChanged { peer: ALICE }],
    ];
    check(before.clone(), &[(9000, has(ALICE, &long().1, None))], &again.concat());
    // With another one, that one is asked at once, and long before.
    let asked = asked_after(then(before, bob_has_it()), &[(7999, Input::PeerDown { peer: ALICE })]);
    assert_eq!(asked, [(BOB, 0)]);
}

#[test]
fn the_pause_after_a_failure_doubles_up_to_a_minute() {
    let (_, out) = run(fetching(0..1), &[(150_000, answers(BOB, Duration::ZERO))]);
    // Asked at 0; given up at 8 s, asked at 9; 17, 19; 27, 31; 39, 47; 55, 71; 79, 111; 119.
    assert_eq!(chunks_asked(&out).len(), 6);
    let (_, out) = run(fetching(0..1), &[(180_000, answers(BOB, Duration::ZERO))]);
    // 119 + 60.
    assert_eq!(chunks_asked(&out).len(), 7);
}

#[test]
fn bytes_of_an_earlier_body_are_a_sign_of_life_for_those_behind_it() {
    let more = |ms: u64| {
        let bytes = u32::try_from(ms / 10).unwrap();
        (ms, body(ALICE, BodyEvent::Progress { request: RequestId(2), bytes }))
    };
    let content = check(fetching(0..4), &[more(5_000), more(10_000), more(15_000)], &[]);
    assert_eq!(content.stats()["content.open_requests"], 4);
}

#[test]
fn a_body_that_later_ones_overtook_is_given_up_on_its_own() {
    let (id, _) = long();
    let arrives = |ms, request, index| (ms, chunk_arrives(ALICE, request, chunk(index)));
    let before = then(fetching(0..4), [arrives(4_000, 3, 1), (4_000, stored(5))]);
    let inputs =
        [arrives(6_000, 4, 2), (6_000, stored(6)), arrives(7_990, 5, 3), (7_990, stored(7))];
    let (_, out) = run(before, &then(inputs.into(), [(8_500, up(BOB))]));
    let cancelled = out.contains(&cancel(ALICE, 2));
    assert!(cancelled, "{out:?}");
    // It is asked again when the pause is over.
    assert_eq!(asked_after(fetching(0..4), &[]), []);
    assert!(!out.contains(&want(ALICE, 6, Wanted::Chunk { content: id, index: 0 })));
}

#[test]
fn our_own_lateness_is_not_held_against_a_source() {
    let mut out = Vec::new();
    let (mut content, _) = run(fetching(0..1), &[]);
    // Due at 8,000 ms; this tab did not run.
    content.handle_timeout(at(60_000), &mut out);
    assert_eq!(out, []);
    assert_eq!(content.poll_timeout(), Some(at(68_000).mono));
    content.handle_timeout(at(68_000), &mut out);
    assert_eq!(out, [cancel(ALICE, 2), forget(ALICE, 2)]);
}

#[test]
fn before_the_deadline_a_timeout_does_nothing() {
    let mut out = Vec::new();
    let (mut content, _) = run(fetching(0..1), &[]);
    content.handle_timeout(at(7_999), &mut out);
    assert_eq!(out, []);
}

#[test]
fn when_a_peer_goes_its_chunks_are_asked_of_others_at_once() {
    let before = then(fetching(0..100), bob_has_it());
    let mut asked = asked_after(then(before.clone(), []), &[(0, Input::PeerDown { peer: BOB })]);
    // Alice's window is full.
    assert_eq!(asked, []);
    asked = asked_after(
        before,
        &[
            (0, Input::PeerDown { peer: BOB }),
            (0, chunk_arrives(ALICE, 2, chunk(0))),
            (0, chunk_arrives(ALICE, 3, chunk(1))),
        ],
    );
    assert_eq!(asked, [(ALICE, 4), (ALICE, 5)]);
}

#[test]
fn a_body_of_a_connection_that_is_gone_is_not_kept() {
    let before = then(fetching(0..2), [(0, Input::PeerDown { peer: ALICE })]);
    check(before, &[(0, chunk_arrives(ALICE, 2, chunk(0)))], &[]);
}

#[test]
fn who_does_not_have_it_any_more_is_asked_for_no_more_of_it() {
    let (id, _) = long();
    check(
        fetching(0..2),
        &[(0, refused(ALICE, 2, Refusal::NotHere))],
        &[
            forget(ALICE, 2),
            cancel(ALICE, 3),
            forget(ALICE, 3),
            Effect::OffersChanged { peer: ALICE },
        ],
    );
    let gone = says(ALICE, Message::Gone { contents: vec![id] });
    check(
        fetching(0..1),
        &[(0, gone)],
        &[cancel(ALICE, 2), forget(ALICE, 2), Effect::OffersChanged { peer: ALICE }],
    );
}

#[test]
fn who_is_busy_is_asked_again_after_a_pause() {
    let (id, _) = long();
    for reason in [Refusal::Busy, Refusal::Failed] {
        let inputs = [(0, refused(ALICE, 2, reason)), (1000, answers(BOB, Duration::ZERO))];
        let expected = [vec![forget(ALICE, 2)], asks(ALICE, id, &[(3, 0)])];
        check(fetching(0..1), &inputs, &expected.concat());
    }
}

#[test]
fn what_a_peer_says_of_another_s_request_is_not_heard() {
    let before = then(fetching(0..1), bob_has_it());
    let inputs = [
        (0, refused(BOB, 2, Refusal::NotHere)),
        (0, chunk_arrives(BOB, 2, chunk(9))),
        (0, body(BOB, BodyEvent::Progress { request: RequestId(2), bytes: 5 })),
    ];
    check(before, &inputs, &[]);
}

#[test]
fn at_the_end_a_slow_chunk_is_asked_of_a_second_source_and_the_first_to_come_wins() {
    let (id, _) = long();
    let before = then(fetching(0..1), bob_has_it());
    let later = |ms| (ms, answers(BOB, Duration::ZERO));
    check(before.clone(), &[later(249)], &[]);
    check(before.clone(), &[later(250)], &asks(BOB, id, &[(3, 0)]));
    let asked_twice = then(before, [later(250)]);
    check(
        asked_twice,
        &[(300, chunk_arrives(BOB, 3, chunk(0)))],
        &[cancel(ALICE, 2), forget(ALICE, 2), keep(5, BOB, 3, chunk(0))],
    );
}

#[test]
fn at_the_end_no_more_than_eight_chunks_are_asked_twice() {
    let bob = PeerId([3; 32]);
    let carol = PeerId([4; 32]);
    let others = [ALICE, BOB, bob, carol].map(|peer| (0, has(peer, &long().1, None)));
    let before = then(fetching(0..12), [(0, up(BOB)), (0, up(bob)), (0, up(carol))]);
    let before = then(before, others);
    let later = (1000, answers(BOB, Duration::ZERO));
    let (content, out) = run(before, &[later]);
    // Windows of four: twelve chunks once, and four more requests fit.
    assert_eq!(content.stats()["content.open_requests"], 16);
    assert_eq!(chunks_asked(&out).len(), 4);
}
