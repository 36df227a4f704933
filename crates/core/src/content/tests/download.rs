use super::*;
use crate::event::{BadInput, Progress};

fn fails(error: BadInput) -> Effect {
    done(1, Err(CommandError::BadInput(error)))
}

fn chunk_of(manifest: &Manifest, index: usize) -> ChunkId {
    manifest.description().chunks[index]
}

fn progress(content: ContentId, progress: Progress) -> Effect {
    Effect::Event(Event::Progress { content, progress })
}

/// The first progress of the sample, with nothing here.
fn first_progress() -> Effect {
    progress(sample().0, Progress { total_bytes: 70_000, ..Progress::default() })
}

/// Alice has the sample, and it is wanted: request 1 is for its manifest.
fn wanted() -> Vec<(u64, Input)> {
    let (id, manifest) = sample();
    then(started(), [(0, up(ALICE)), (0, has(ALICE, &manifest, None)), (0, get(1, id))])
}

/// Its manifest came, and the store has `here`: requests 2 to 5 are for chunks of the rest.
fn fetching(here: [bool; 5]) -> Vec<(u64, Input)> {
    let (_, manifest) = sample();
    then(
        wanted(),
        [(0, manifest_arrives(ALICE, 1, &manifest)), (0, stored(4)), (0, present(3, &here))],
    )
}

const NOTHING: [bool; 5] = [false; 5];

#[test]
fn a_get_waits_for_somebody_who_has_it() {
    let (id, manifest) = sample();
    let bytes = manifest.encode().len().try_into().unwrap();
    let inputs = [(0, get(1, id)), (60_000, up(ALICE)), (60_000, has(ALICE, &manifest, None))];
    check(
        started(),
        &inputs,
        &[
            send(ALICE, Message::Have { list: List::Whole, entries: Vec::new() }),
            Effect::OffersChanged { peer: ALICE },
            expect(ALICE, 1, bytes, true),
            want(ALICE, 1, Wanted::Manifest(id)),
        ],
    );
}

#[test]
fn the_manifest_comes_first_then_its_records_then_chunks_in_order() {
    let (id, manifest) = sample();
    let chunks = manifest.description().chunks.clone();
    let inputs = [
        (0, manifest_arrives(ALICE, 1, &manifest)),
        (0, stored(4)),
        (0, present(3, &NOTHING)),
        (0, chunk_arrives(ALICE, 2, chunks[0])),
        (0, stored(5)),
    ];
    let mut expected = vec![
        store(3, StoreOp::HasChunks { chunks: chunks.clone() }),
        store(4, StoreOp::Apply { puts: records(&manifest, None), deletes: Vec::new() }),
        first_progress(),
    ];
    expected.extend(asks(ALICE, id, &[(2, 0), (3, 1), (4, 2), (5, 3)]));
    expected.push(keep(5, ALICE, 2, chunks[0]));
    // The last chunk is what remains of 70,000 bytes.
    expected.push(expect(ALICE, 6, 70_000 - 4 * 16_384, false));
    expected.push(want(ALICE, 6, Wanted::Chunk { content: id, index: 4 }));
    check(wanted(), &inputs, &expected);
}

#[test]
fn when_the_last_chunk_is_stored_the_get_is_answered_and_peers_are_told() {
    let (id, manifest) = sample();
    let before = then(
        fetching([true, true, true, true, false]),
        [(0, up(BOB)), (1000, chunk_arrives(ALICE, 2, chunk_of(&manifest, 4)))],
    );
    let announced = Message::Have { list: List::More, entries: vec![entry(&manifest, None)] };
    let content = check(
        before,
        &[(1000, stored(5))],
        &[
            progress(
                id,
                Progress {
                    done_bytes: 70_000,
                    total_bytes: 70_000,
                    from_peers: 4464,
                    from_disk: 65_536,
                    sources: 0,
                    // 4,464 bytes in eleven slots of 100 ms.
                    bytes_per_second: 4058,
                },
            ),
            send(ALICE, announced.clone()),
            send(BOB, announced),
            done(1, Ok(Reply::Content(id))),
        ],
    );
    assert_eq!(content.content(id).unwrap().local, LocalState::Complete);
    assert_eq!(content.stats()["content.open_requests"], 0);
}

#[test]
fn chunks_do_not_wait_for_the_records_but_the_answer_does() {
    let (id, manifest) = sample();
    let last = chunk_of(&manifest, 4);
    let before = then(
        wanted(),
        [
            (0, manifest_arrives(ALICE, 1, &manifest)),
            (0, present(3, &[true, true, true, true, false])),
        ],
    );
    let inputs = [(0, chunk_arrives(ALICE, 2, last)), (0, stored(5))];
    check(before.clone(), &inputs, &[keep(5, ALICE, 2, last)]);
    let before = then(before, inputs);
    let (_, out) = run(before.clone(), &[(0, stored(4))]);
    assert!(out.contains(&done(1, Ok(Reply::Content(id)))), "{out:?}");
    let full = StoreError::QuotaExceeded;
    check(before, &[(0, store_fails(4, full.clone()))], &[done(1, Err(CommandError::Store(full)))]);
}

#[test]
fn what_is_on_disk_is_not_fetched_again() {
    let (id, _) = sample();
    let inputs = [(0, present(3, &[true, false, true, false, true]))];
    let before: Vec<_> = fetching(NOTHING).into_iter().rev().skip(1).rev().collect();
    let here = Progress {
        done_bytes: 2 * 16_384 + 4464,
        total_bytes: 70_000,
        from_disk: 2 * 16_384 + 4464,
        ..Progress::default()
    };
    let expected = [vec![progress(id, here)], asks(ALICE, id, &[(2, 1), (3, 3)])];
    check(before, &inputs, &expected.concat());
}

#[test]
fn a_content_that_is_whole_is_answered_at_once() {
    let (id, manifest) = sample();
    let before = started_with(records(&manifest, None));
    check(before, &[(0, get(1, id))], &[done(1, Ok(Reply::Content(id)))]);
}

#[test]
fn an_empty_content_is_complete_with_its_manifest() {
    let (id, manifest) = manifest("empty", 0, None);
    let before = then(
        started(),
        [
            (0, up(ALICE)),
            (0, has(ALICE, &manifest, None)),
            (0, get(1, id)),
            (0, manifest_arrives(ALICE, 1, &manifest)),
            (0, stored(4)),
        ],
    );
    let announced = Message::Have { list: List::More, entries: vec![entry(&manifest, None)] };
    check(
        before,
        &[(0, present(3, &[]))],
        &[
            progress(id, Progress::default()),
            send(ALICE, announced),
            done(1, Ok(Reply::Content(id))),
        ],
    );
}

#[test]
fn a_content_is_not_told_complete_before_its_records_are_kept() {
    let (id, manifest) = manifest("empty", 0, None);
    let before = then(
        started(),
        [
            (0, up(ALICE)),
            (0, has(ALICE, &manifest, None)),
            (0, get(1, id)),
            (0, manifest_arrives(ALICE, 1, &manifest)),
        ],
    );
    let local = |inputs: &[(u64, Input)]| {
        let (content, _) = run(before.clone(), inputs);
        content.content(id).map(|info| info.local)
    };
    let [checked, kept] = [present(3, &[]), stored(4)];
    assert_eq!(local(&[(0, checked.clone())]), Some(LocalState::Partial));
    assert_eq!(local(&[(0, checked), (0, kept)]), Some(LocalState::Complete));
}

#[test]
fn every_get_of_one_content_is_answered() {
    let (id, manifest) = sample();
    let before = then(
        fetching([true, true, true, true, false]),
        [(0, get(2, id)), (0, chunk_arrives(ALICE, 2, chunk_of(&manifest, 4)))],
    );
    let (_, out) = run(before, &[(0, stored(5))]);
    let answer = Ok(Reply::Content(id));
    assert!(out.ends_with(&[done(1, answer.clone()), done(2, answer)]));
}

#[test]
fn a_manifest_of_the_wrong_hash_is_a_strike_and_asked_of_another() {
    let (id, manifest) = sample();
    let (_, other) = super::manifest("other", 9, None);
    let bytes = manifest.encode().len().try_into().unwrap();
    let before = then(wanted(), [(0, up(BOB)), (0, has(BOB, &manifest, None))]);
    check(
        before,
        &[(0, manifest_arrives(ALICE, 1, &other))],
        &[
            strike(ALICE, StrikeKind::WrongHash),
            expect(BOB, 2, bytes, true),
            want(BOB, 2, Wanted::Manifest(id)),
        ],
    );
}

#[test]
fn a_manifest_that_its_author_did_not_sign_ends_the_get_and_is_never_written() {
    // Its hash is right, so its chunks are looked for; its signature is not.
    let (_, manifest) = sample();
    let mut bytes = manifest.encode();
    *bytes.last_mut().unwrap() ^= 1;
    let id = ContentId(sha256(&bytes));
    let has =
        Message::Have { list: List::More, entries: vec![Entry { id, ..brief(&manifest, None) }] };
    let before = then(started(), [(0, up(ALICE)), (0, says(ALICE, has)), (0, get(1, id))]);
    let arrives = BodyEvent::Arrived {
        request: RequestId(1),
        sha256: id.0,
        inline: Some(bytes.clone().into()),
    };
    let chunks = manifest.description().chunks.clone();
    let sorted = chunks.iter().copied().collect::<Set<_>>().into_iter().collect();
    let content = check(
        before.clone(),
        &[(0, body(ALICE, arrives))],
        &[
            store(3, StoreOp::HasChunks { chunks }),
            strike(ALICE, StrikeKind::BadManifest),
            store(4, StoreOp::DeleteChunks { chunks: sorted }),
            fails(BadInput::BadManifest),
        ],
    );
    assert!(content.layout(id).is_none());
}

#[test]
fn a_manifest_of_a_newer_version_ends_the_get_and_is_no_offence() {
    let bytes = vec![3, 1, 2, 3];
    let id = ContentId(sha256(&bytes));
    let has =
        Message::Have { list: List::More, entries: vec![Entry { id, ..brief(&sample().1, None) }] };
    let before = then(started(), [(0, up(ALICE)), (0, says(ALICE, has)), (0, get(1, id))]);
    let arrives =
        BodyEvent::Arrived { request: RequestId(1), sha256: id.0, inline: Some(bytes.into()) };
    check(before, &[(0, body(ALICE, arrives))], &[fails(BadInput::BadManifest)]);
}

#[test]
fn an_announcement_that_the_manifest_belies_is_a_strike_and_the_manifest_counts() {
    let (id, manifest) = sample();
    let lie = Entry { name: "free-money.txt".into(), ..brief(&manifest, None) };
    let has = Message::Have { list: List::More, entries: vec![lie] };
    let before = then(started(), [(0, up(ALICE)), (0, says(ALICE, has)), (0, get(1, id))]);
    let content = check(
        before,
        &[(0, manifest_arrives(ALICE, 1, &manifest)), (0, stored(4))],
        &[
            strike(ALICE, StrikeKind::BadManifest),
            store(3, StoreOp::HasChunks { chunks: manifest.description().chunks.clone() }),
            store(4, StoreOp::Apply { puts: records(&manifest, None), deletes: Vec::new() }),
        ],
    );
    assert_eq!(content.content(id).unwrap().name, "sample.txt");
}

#[test]
fn a_full_store_fails_the_get_and_keeps_what_is_stored() {
    let (id, manifest) = sample();
    let chunk = |index| chunk_of(&manifest, index);
    let before = then(
        fetching([true, true, false, false, true]),
        [
            (0, chunk_arrives(ALICE, 2, chunk(2))),
            (0, chunk_arrives(ALICE, 3, chunk(3))),
            (0, stored(5)),
        ],
    );
    let full = StoreError::QuotaExceeded;
    let content = check(
        before.clone(),
        &[(0, store_fails(6, full.clone()))],
        &[done(1, Err(CommandError::Store(full.clone())))],
    );
    assert_eq!(content.content(id).unwrap().local, LocalState::Partial);
    // A later one goes on from there.
    let again = then(before, [(0, store_fails(6, full)), (0, get(2, id))]);
    let (_, out) = run(again, &[(0, present(7, &[true, true, true, false, true]))]);
    assert!(asks(ALICE, id, &[(4, 3)]).iter().all(|ask| out.contains(ask)), "{out:?}");
}

#[test]
fn a_store_that_hiccups_is_tried_again_three_times() {
    let (id, manifest) = sample();
    let chunk = chunk_of(&manifest, 0);
    let hiccup = |op| (0, store_fails(op, StoreError::Io("busy".into())));
    let inputs = [
        (0, chunk_arrives(ALICE, 2, chunk)),
        hiccup(5),
        (0, chunk_arrives(ALICE, 3, chunk)),
        hiccup(6),
        (0, chunk_arrives(ALICE, 4, chunk)),
        hiccup(7),
    ];
    let expected = [
        vec![keep(5, ALICE, 2, chunk)],
        asks(ALICE, id, &[(3, 0)]),
        vec![keep(6, ALICE, 3, chunk)],
        asks(ALICE, id, &[(4, 0)]),
        vec![keep(7, ALICE, 4, chunk)],
        vec![done(1, Err(CommandError::Store(StoreError::Io("busy".into()))))],
    ];
    check(fetching([false, true, true, true, true]), &inputs, &expected.concat());
}

#[test]
fn records_that_can_not_be_written_fail_the_get() {
    let (_, manifest) = sample();
    let before = then(wanted(), [(0, manifest_arrives(ALICE, 1, &manifest))]);
    let full = StoreError::QuotaExceeded;
    check(before, &[(0, store_fails(4, full.clone()))], &[done(1, Err(CommandError::Store(full)))]);
}

#[test]
fn a_paused_download_asks_for_no_more_and_keeps_what_comes() {
    let (id, manifest) = sample();
    let inputs = [
        (0, command(2, Command::Pause { content: id })),
        (0, chunk_arrives(ALICE, 2, chunk_of(&manifest, 0))),
        (0, stored(5)),
        (0, command(3, Command::Resume { content: id })),
    ];
    let last =
        [expect(ALICE, 6, 4464, false), want(ALICE, 6, Wanted::Chunk { content: id, index: 4 })];
    let expected = [
        vec![done(2, Ok(Reply::Done)), keep(5, ALICE, 2, chunk_of(&manifest, 0))],
        last.into(),
        vec![done(3, Ok(Reply::Done))],
    ];
    check(fetching(NOTHING), &inputs, &expected.concat());
}

#[test]
fn a_cancelled_download_takes_its_requests_back() {
    let (id, _) = sample();
    let cancel_command = command(2, Command::Cancel { content: id });
    let content = check(
        fetching([true, true, true, false, false]),
        &[(0, cancel_command)],
        &[
            cancel(ALICE, 2),
            forget(ALICE, 2),
            cancel(ALICE, 3),
            forget(ALICE, 3),
            done(1, Err(CommandError::Aborted)),
            done(2, Ok(Reply::Done)),
        ],
    );
    assert_eq!(content.content(id).unwrap().download, None);
}

#[test]
fn a_chunk_that_is_stored_after_cancelling_counts() {
    let (id, manifest) = sample();
    let before = then(
        fetching([true, true, true, true, false]),
        [
            (0, chunk_arrives(ALICE, 2, chunk_of(&manifest, 4))),
            (0, command(2, Command::Cancel { content: id })),
        ],
    );
    let announced = Message::Have { list: List::More, entries: vec![entry(&manifest, None)] };
    check(before, &[(0, stored(5))], &[send(ALICE, announced)]);
}

/// Simulator's seed 16: all others had it, and nobody heard that this one had.
#[test]
fn the_same_counts_when_a_second_get_could_not_look_for_it() {
    let (id, manifest) = sample();
    let before = then(
        fetching([true, true, true, true, false]),
        [
            (0, chunk_arrives(ALICE, 2, chunk_of(&manifest, 4))),
            (0, command(2, Command::Cancel { content: id })),
            (0, get(3, id)),
        ],
    );
    let error = StoreError::Io("test".into());
    let announced = Message::Have { list: List::More, entries: vec![entry(&manifest, None)] };
    check(
        before,
        &[(0, stored(5)), (0, store_fails(6, error.clone()))],
        &[send(ALICE, announced), done(3, Err(CommandError::Store(error)))],
    );
}

#[test]
fn chunks_are_asked_for_from_where_somebody_reads() {
    let (id, manifest) = manifest("long", 16_384 * 100, None);
    let before = then(
        started(),
        [
            (0, up(ALICE)),
            (0, has(ALICE, &manifest, None)),
            (0, get(1, id)),
            (0, manifest_arrives(ALICE, 1, &manifest)),
            (0, stored(4)),
            (0, command(2, Command::Seek { content: id, chunk: 98 })),
        ],
    );
    let (_, out) = run(before, &[(0, present(3, &[false; 100]))]);
    let wanted: Vec<_> = chunks_asked(&out).into_iter().map(|(_, index)| index).collect();
    assert_eq!(wanted, [98, 99, 0, 1]);
}

#[test]
fn what_is_not_fetched_can_not_be_paused_cancelled_or_read_ahead() {
    let (content, _) = sample();
    for refused in [
        Command::Pause { content },
        Command::Resume { content },
        Command::Cancel { content },
        Command::Seek { content, chunk: 0 },
    ] {
        check(started(), &[(0, command(1, refused))], &[fails(BadInput::NotFetching)]);
    }
}

#[test]
fn progress_is_told_ten_times_a_second() {
    let (_, manifest) = sample();
    let chunk = |index| chunk_of(&manifest, index);
    let before = then(
        fetching(NOTHING),
        [
            (10, chunk_arrives(ALICE, 2, chunk(0))),
            (10, chunk_arrives(ALICE, 3, chunk(1))),
            (10, chunk_arrives(ALICE, 4, chunk(2))),
        ],
    );
    let inputs = [(20, stored(5)), (30, stored(6)), (130, stored(7)), (1000, up(BOB))];
    let (_, out) = run(before, &inputs);
    let told: Vec<_> = out
        .iter()
        .filter_map(|effect| match effect {
            Effect::Event(Event::Progress { progress, .. }) => Some(progress.done_bytes),
            _ => None,
        })
        .collect();
    // At 100 ms, after the first at 0, and at 200 ms.
    assert_eq!(told, [2 * 16_384, 3 * 16_384]);
}

#[test]
fn the_application_sees_what_it_waits_for() {
    let (id, manifest) = sample();
    let unknown = ContentInfo {
        id,
        name: String::new(),
        mime: String::new(),
        bytes: 0,
        encrypted: false,
        providers: 0,
        local: LocalState::Absent,
        download: Some(DownloadState::Running),
    };
    let offered = ContentInfo {
        name: "sample.txt".into(),
        mime: "text/plain".into(),
        bytes: 70_000,
        providers: 1,
        ..unknown.clone()
    };
    let partial = ContentInfo { local: LocalState::Partial, ..offered.clone() };
    let paused = ContentInfo { download: Some(DownloadState::Paused), ..partial.clone() };
    let inputs = [
        (0, get(1, id)),
        (0, has(ALICE, &manifest, None)),
        (0, manifest_arrives(ALICE, 1, &manifest)),
        (0, stored(4)),
        (0, command(2, Command::Pause { content: id })),
    ];
    check_events(
        then(started(), [(0, up(ALICE))]),
        &inputs,
        &[
            Event::ContentChanged(unknown),
            Event::ContentChanged(offered),
            Event::ContentChanged(partial),
            Event::ContentChanged(paused),
        ],
    );
}
