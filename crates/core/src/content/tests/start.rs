use super::*;
use crate::event::Subject;

fn loaded(records: Vec<Record>) -> Input {
    Input::Stored { op: OpId(1), result: Ok(StoreReply::Records(records)) }
}

#[test]
fn what_is_stored_is_looked_for_then_leftovers_are_swept() {
    let (id, manifest) = sample();
    let chunks = manifest.description().chunks.clone();
    let referred = chunks.clone();
    let inputs = [
        (0, Input::Start),
        (0, loaded(records(&manifest, None))),
        (0, present(2, &[true, true, false, true, true])),
    ];
    let content = check(
        Vec::new(),
        &inputs,
        &[
            store(1, StoreOp::Load),
            store(2, StoreOp::HasChunks { chunks }),
            store(3, StoreOp::RetainChunks { chunks: referred }),
            Effect::Loaded(Ok(())),
        ],
    );
    assert_eq!(content.content(id).unwrap().local, LocalState::Partial);
}

#[test]
fn contents_are_looked_for_in_pieces_that_the_store_can_answer_quickly() {
    let large = |name| manifest(name, 16_384 * 10_000, None).1;
    let (one, two) = (large("one"), large("two"));
    let all = [records(&one, None), records(&two, None)].concat();
    let (_, out) = run(vec![(0, Input::Start)], &[(0, loaded(all))]);
    let first = out.iter().find_map(|effect| match effect {
        Effect::Store { operation: StoreOp::HasChunks { chunks }, .. } => Some(chunks.len()),
        _ => None,
    });
    assert_eq!(first, Some(10_000));
}

#[test]
fn what_can_not_be_read_is_skipped_and_nothing_is_swept() {
    let (id, manifest) = sample();
    let [good_manifest, good_content] = records(&manifest, None).try_into().unwrap();
    let newer = Record { value: vec![2, 0].into(), ..good_content.clone() };
    let corrupt = Record { value: vec![1, 0].into(), ..good_manifest.clone() };
    let misnamed = Record { key: format!("manifest/{}", "0".repeat(64)), ..good_manifest.clone() };
    for broken in [
        vec![good_manifest.clone(), newer],
        vec![corrupt, good_content.clone()],
        vec![misnamed, good_content.clone()],
        vec![good_manifest.clone()],
        vec![good_content.clone()],
        vec![Record { key: "content/xyz".into(), ..good_content.clone() }],
    ] {
        let before = vec![(0, Input::Start)];
        let content = check(before, &[(0, loaded(broken))], &[Effect::Loaded(Ok(()))]);
        assert!(content.content(id).is_none());
        assert!(content.stats()["content.records_skipped"] > 0);
    }
}

#[test]
fn records_of_other_protocols_are_left_alone() {
    let other = Record { key: "peers/1".into(), value: vec![9].into() };
    let content = check(
        vec![(0, Input::Start)],
        &[(0, loaded(vec![other]))],
        &[store(2, StoreOp::RetainChunks { chunks: Vec::new() }), Effect::Loaded(Ok(()))],
    );
    assert_eq!(content.stats()["content.records_skipped"], 0);
}

#[test]
fn commands_and_peers_wait_for_the_store() {
    let (id, _) = sample();
    let before = vec![(0, Input::Start), (0, command(1, Command::Remove { content: id }))];
    let inputs = [(0, up(ALICE)), (0, loaded(Vec::new()))];
    check(
        before,
        &inputs,
        &[
            store(2, StoreOp::RetainChunks { chunks: Vec::new() }),
            send(ALICE, Message::Have { list: List::Whole, entries: Vec::new() }),
            Effect::Loaded(Ok(())),
            done(1, Err(CommandError::NotFound)),
        ],
    );
}

#[test]
fn no_more_commands_wait_than_allowed() {
    let (id, _) = sample();
    let waiting = (0..256).map(|n| (0, get(n, id)));
    let before = then(vec![(0, Input::Start)], waiting);
    check(
        before,
        &[(0, get(256, id))],
        &[done(256, Err(CommandError::TooLarge { what: Subject::Commands, size: 257, max: 256 }))],
    );
}

#[test]
fn a_store_that_can_not_be_read_answers_every_command() {
    let (id, _) = sample();
    let before = vec![(0, Input::Start), (0, get(1, id))];
    let inputs = [(0, store_fails(1, StoreError::Unavailable)), (0, get(2, id))];
    check(
        before,
        &inputs,
        &[
            Effect::Loaded(Err(StoreError::Unavailable)),
            done(1, Err(CommandError::Store(StoreError::Unavailable))),
            done(2, Err(CommandError::Store(StoreError::Unavailable))),
        ],
    );
}

#[test]
fn a_second_attempt_to_load_sweeps_nothing() {
    let before = vec![(0, Input::Start), (0, store_fails(1, StoreError::Unavailable))];
    let reloaded = Input::Stored { op: OpId(2), result: Ok(StoreReply::Records(Vec::new())) };
    check(
        before,
        &[(0, Input::Start), (0, reloaded)],
        &[store(2, StoreOp::Load), Effect::Loaded(Ok(()))],
    );
}

#[test]
fn stopping_ends_nothing_and_what_needs_peers_waits() {
    let (id, manifest) = sample();
    let (other, _) = super::manifest("other", 20_000, None);
    let before = then(
        started_with(records(&manifest, None)),
        [(0, up(ALICE)), (0, get(1, other)), (0, command(2, Command::Remove { content: id }))],
    );
    let chunks = {
        let mut chunks = manifest.description().chunks.clone();
        chunks.sort_unstable();
        chunks
    };
    let inputs = [(0, Input::Stop), (0, stored(4)), (0, stored(5))];
    check(
        before,
        &inputs,
        &[
            store(5, StoreOp::DeleteChunks { chunks }),
            Effect::Event(Event::ContentGone { content: id }),
            done(2, Ok(Reply::Done)),
        ],
    );
}

#[test]
fn a_stop_while_loading_keeps_commands_waiting() {
    let (id, _) = sample();
    let before =
        vec![(0, Input::Start), (0, get(1, id)), (0, command(2, Command::Remove { content: id }))];
    check(
        before,
        &[(0, Input::Stop), (0, loaded(Vec::new()))],
        &[
            store(2, StoreOp::RetainChunks { chunks: Vec::new() }),
            Effect::Loaded(Ok(())),
            Effect::Event(Event::ContentGone { content: id }),
            done(1, Err(CommandError::Aborted)),
            done(2, Ok(Reply::Done)),
        ],
    );
}

#[test]
fn a_download_goes_on_after_a_stop_and_a_start_where_it_was() {
    let (id, manifest) = sample();
    let chunks = manifest.description().chunks.clone();
    let before = then(
        started(),
        [
            (0, up(ALICE)),
            (0, offers(ALICE, entry(&manifest, None))),
            (0, get(1, id)),
            (0, manifest_arrives(ALICE, 1, &manifest)),
            (0, stored(4)),
            (0, present(3, &[false; 5])),
            (0, chunk_arrives(ALICE, 2, chunks[0])),
            (0, Input::Stop),
            (0, stored(5)),
        ],
    );
    let (content, _) = run(before.clone(), &[]);
    assert_eq!(content.stats()["content.open_requests"], 0);
    let again = [(0, Input::Start), (0, up(BOB)), (0, offers(BOB, entry(&manifest, None)))];
    let (_, out) = run(before, &again);
    assert!(!out.iter().any(|effect| matches!(effect, Effect::Done { .. })), "{out:?}");
    assert_eq!(chunks_asked(&out), [(BOB, 1), (BOB, 2), (BOB, 3), (BOB, 4)]);
}

#[test]
fn golden_bytes_of_the_stored_records() {
    let (id, manifest) = manifest("secret", 100, Some(KEY));
    let [of_manifest, of_content] = records(&manifest, Some(KEY)).try_into().unwrap();
    assert_eq!(of_manifest.key, format!("manifest/{id}"));
    assert_eq!(of_manifest.value, manifest.encode());
    assert_eq!(of_content.key, format!("content/{id}"));
    // Version 1, a key, 1,000,000 ms.
    let expected = [&[1, 1][..], &[7; 32], &[0xc0, 0x84, 0x3d]].concat();
    assert_eq!(of_content.value, expected);
}
