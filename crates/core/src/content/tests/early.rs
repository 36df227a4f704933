//! Chunks that are asked for along with the manifest.

use super::*;
use crate::event::Progress;

fn chunk(index: usize) -> ChunkId {
    sample().1.description().chunks[index]
}

fn chunk_0_to_2() -> Vec<(u32, Wanted)> {
    let content = sample().0;
    (0..3).map(|index| (index + 2, Wanted::Chunk { content, index })).collect()
}

/// Alice has the sample and says how long its chunks are; it is wanted. Request 1 is for its
/// manifest, 2 to 4 are for chunks 0 to 2, as many as the least window takes.
fn wanted() -> Vec<(u64, Input)> {
    let (id, manifest) = sample();
    then(started(), [(0, up(ALICE)), (0, offers(ALICE, entry(&manifest, None))), (0, get(1, id))])
}

/// The manifest came; operation 3 looks for its chunks, 4 writes its records.
fn checking() -> Vec<(u64, Input)> {
    then(wanted(), [(0, manifest_arrives(ALICE, 1, &sample().1)), (0, stored(4))])
}

fn open(content: &Content) -> [u64; 3] {
    let stats = content.stats();
    ["content.open_requests", "content.open_early", "content.open_keeps"].map(|name| stats[name])
}

#[test]
fn the_first_chunks_are_asked_for_along_with_the_manifest() {
    let (id, manifest) = sample();
    let before: Vec<_> = wanted().into_iter().rev().skip(1).rev().collect();
    let bytes = manifest.encode().len().try_into().unwrap();
    let all = [vec![(1, Wanted::Manifest(id))], chunk_0_to_2()].concat();
    check(
        before,
        &[(0, get(1, id))],
        &[
            expect(ALICE, 1, bytes, true),
            expect(ALICE, 2, 16_384, false),
            expect(ALICE, 3, 16_384, false),
            expect(ALICE, 4, 16_384, false),
            send(ALICE, wants(&all)),
        ],
    );
}

#[test]
fn no_more_chunks_are_asked_for_than_are_announced() {
    for (bytes, key, lengths) in [
        (0, None, vec![]),
        (1, None, vec![1]),
        (16_385, None, vec![16_384, 1]),
        (16_385, Some(KEY), vec![16_384, 33]),
    ] {
        let (id, manifest) = manifest("short", bytes, key);
        let before = then(started(), [(0, up(ALICE)), (0, offers(ALICE, entry(&manifest, key)))]);
        let (_, out) = run(before, &[(0, get(1, id))]);
        let expected = out.iter().filter_map(|effect| match effect {
            Effect::Link {
                command: LinkCommand::ExpectBody { bytes, inline: false, .. }, ..
            } => Some(*bytes),
            _ => None,
        });
        assert_eq!(expected.collect::<Vec<_>>(), lengths);
    }
}

#[test]
fn what_comes_early_is_kept_once_the_manifest_proves_it_and_the_store_lacks_it() {
    let (id, manifest) = sample();
    let chunks = manifest.description().chunks.clone();
    let first = Progress { total_bytes: 70_000, sources: 1, ..Progress::default() };
    check(
        wanted(),
        &[
            (0, chunk_arrives(ALICE, 2, chunk(0))),
            (0, manifest_arrives(ALICE, 1, &manifest)),
            (0, chunk_arrives(ALICE, 3, chunk(1))),
            (0, stored(4)),
            (0, present(3, &[false; 5])),
            (0, chunk_arrives(ALICE, 4, chunk(2))),
        ],
        &[vec![
            store(3, StoreOp::HasChunks { chunks }),
            store(4, StoreOp::Apply { puts: records(&manifest, None), deletes: Vec::new() }),
            keep(5, ALICE, 2, chunk(0)),
            keep(6, ALICE, 3, chunk(1)),
            Effect::Event(Event::Progress { content: id, progress: first }),
            expect(ALICE, 5, 16_384, false),
            expect(ALICE, 6, 4464, false),
            send(ALICE, wants(&[(5, whole(3)), (6, whole(4))])),
            keep(7, ALICE, 4, chunk(2)),
        ]]
        .concat(),
    );
}

fn whole(index: u32) -> Wanted {
    Wanted::Chunk { content: sample().0, index }
}

#[test]
fn nothing_counts_before_the_manifest_is_there() {
    let before =
        then(wanted(), (2..5).map(|n| (0, chunk_arrives(ALICE, n, chunk(n as usize - 2)))));
    let (content, _) = run(before, &[]);
    assert_eq!(open(&content), [1, 3, 0]);
    assert_eq!(content.content(sample().0).unwrap().local, LocalState::Absent);
    assert_eq!(content.stats().get("content.bodies_verified"), None);
}

#[test]
fn what_came_early_with_the_wrong_hash_is_a_strike_and_not_kept() {
    let before = then(checking(), [(0, chunk_arrives(ALICE, 2, chunk(1)))]);
    let (content, out) = run(before, &[(0, present(3, &[false; 5]))]);
    let expected = [
        forget(ALICE, 2),
        cancel(ALICE, 3),
        forget(ALICE, 3),
        cancel(ALICE, 4),
        forget(ALICE, 4),
        strike(ALICE, StrikeKind::WrongHash),
    ];
    assert_eq!(out[..6], expected);
    assert_eq!(open(&content), [0, 0, 0]);
    assert_eq!(chunks_asked(&out), []);
}

#[test]
fn several_that_came_early_with_wrong_hashes_are_one_strike() {
    let before = then(checking(), (2..5).map(|n| (0, chunk_arrives(ALICE, n, chunk(0)))));
    let (content, out) = run(before, &[(0, present(3, &[true, false, false, false, false]))]);
    let strikes = out.iter().filter(|effect| matches!(effect, Effect::Strike { .. }));
    assert_eq!(strikes.count(), 1, "{out:?}");
    assert!([2, 3, 4].into_iter().all(|n| out.contains(&forget(ALICE, n))), "{out:?}");
    assert_eq!(content.stats().get("content.bodies_wrong"), Some(&2));
    assert_eq!(open(&content), [0, 0, 0]);
}

#[test]
fn what_is_on_disk_already_is_dropped_or_taken_back() {
    let before = then(checking(), [(0, chunk_arrives(ALICE, 2, chunk(0)))]);
    let (content, out) = run(before, &[(0, present(3, &[true, true, false, false, false]))]);
    for effect in [forget(ALICE, 2), cancel(ALICE, 3), forget(ALICE, 3)] {
        assert!(out.contains(&effect), "{out:?}");
    }
    assert_eq!(chunks_asked(&out), [(ALICE, 3), (ALICE, 4)]);
    assert_eq!(open(&content), [3, 0, 0]);
}

#[test]
fn a_manifest_that_never_comes_takes_everything_back() {
    let (id, manifest) = sample();
    let early = (2..5).map(|n| (0, chunk_arrives(ALICE, n, chunk(n as usize - 2))));
    let before = then(wanted(), early);
    let (content, out) = run(before, &[(8_500, up(BOB))]);
    for effect in [cancel(ALICE, 1), forget(ALICE, 1), forget(ALICE, 2), forget(ALICE, 4)] {
        assert!(out.contains(&effect), "{out:?}");
    }
    assert_eq!(open(&content), [0, 0, 0]);
    // Who has it too is asked for all of it.
    let before = then(wanted(), [(8_500, up(BOB))]);
    let (_, out) = run(before, &[(8_500, offers(BOB, entry(&manifest, None)))]);
    let all = [(5, Wanted::Manifest(id)), (6, whole(0)), (7, whole(1)), (8, whole(2))];
    assert!(out.contains(&send(BOB, wants(&all))), "{out:?}");
}

#[test]
fn with_a_wrong_manifest_goes_all_that_was_asked_for_along_with_it() {
    let (_, other) = manifest("other", 9, None);
    let before = then(wanted(), [(0, chunk_arrives(ALICE, 2, chunk(0)))]);
    check(
        before,
        &[(0, manifest_arrives(ALICE, 1, &other))],
        &[
            cancel(ALICE, 3),
            forget(ALICE, 3),
            cancel(ALICE, 4),
            forget(ALICE, 4),
            forget(ALICE, 2),
            strike(ALICE, StrikeKind::WrongHash),
        ],
    );
}

#[test]
fn a_false_length_of_chunks_is_a_strike_and_they_are_asked_for_anew() {
    let (id, manifest) = sample();
    let lie = Entry { chunk_bytes: 20_000, ..entry(&manifest, None) };
    let before = then(started(), [(0, up(ALICE)), (0, offers(ALICE, lie)), (0, get(1, id))]);
    let before = then(before, [(0, chunk_arrives(ALICE, 2, chunk(0)))]);
    let inputs = [(0, manifest_arrives(ALICE, 1, &manifest)), (0, present(3, &[false; 5]))];
    let (_, out) = run(before, &inputs);
    let struck = strike(ALICE, StrikeKind::BadManifest);
    for effect in [struck, forget(ALICE, 2), cancel(ALICE, 3), forget(ALICE, 4)] {
        assert!(out.contains(&effect), "{out:?}");
    }
    assert_eq!(chunks_asked(&out), [(ALICE, 0), (ALICE, 1), (ALICE, 2), (ALICE, 3)]);
}

#[test]
fn what_came_early_goes_with_its_connection() {
    let before = then(checking(), [(0, chunk_arrives(ALICE, 2, chunk(0)))]);
    let (content, out) = run(before.clone(), &[(0, Input::PeerDown { peer: ALICE })]);
    assert_eq!(open(&content), [0, 0, 0]);
    assert!(!out.contains(&forget(ALICE, 2)));
    let inputs = [(0, Input::PeerDown { peer: ALICE }), (0, present(3, &[false; 5]))];
    let (content, _) = run(before, &inputs);
    assert_eq!(open(&content), [0, 0, 0]);
}

#[test]
fn what_came_early_for_a_download_that_was_given_up_is_dropped() {
    let id = sample().0;
    let before = then(checking(), [(0, chunk_arrives(ALICE, 2, chunk(0)))]);
    let (content, out) = run(before, &[(0, command(2, Command::Cancel { content: id }))]);
    assert!(out.contains(&forget(ALICE, 2)), "{out:?}");
    assert_eq!(open(&content), [0, 0, 0]);
}
