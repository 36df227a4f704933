use super::*;
use crate::io::BodySource;

fn remove(id: u64, content: ContentId) -> Input {
    command(id, Command::Remove { content })
}

fn delete_records(content: ContentId) -> StoreOp {
    let deletes = vec![format!("content/{content}"), format!("manifest/{content}")];
    StoreOp::Apply { puts: Vec::new(), deletes }
}

fn delete_chunks(manifest: &Manifest) -> StoreOp {
    let mut chunks = manifest.description().chunks.clone();
    chunks.sort_unstable();
    StoreOp::DeleteChunks { chunks }
}

fn gone(to: PeerId, content: ContentId) -> Effect {
    send(to, Message::Gone { contents: vec![content] })
}

fn content_gone(content: ContentId) -> Effect {
    Effect::Event(Event::ContentGone { content })
}

/// The sample is here whole, and Alice is up.
fn before() -> Vec<(u64, Input)> {
    then(started_with(records(&sample().1, None)), [(0, up(ALICE))])
}

#[test]
fn peers_are_told_then_records_go_then_chunks_then_the_answer_comes() {
    let (id, manifest) = sample();
    let inputs = [(0, remove(1, id)), (0, stored(4)), (0, stored(5))];
    let content = check(
        before(),
        &inputs,
        &[
            gone(ALICE, id),
            store(4, delete_records(id)),
            store(5, delete_chunks(&manifest)),
            content_gone(id),
            done(1, Ok(Reply::Done)),
        ],
    );
    assert!(content.contents().is_empty());
}

#[test]
fn what_is_not_here_can_not_be_removed() {
    check(started(), &[(0, remove(1, sample().0))], &[done(1, Err(CommandError::NotFound))]);
}

#[test]
fn a_second_removal_has_the_answer_of_the_first() {
    let (id, _) = sample();
    let before = then(before(), [(0, remove(1, id)), (0, remove(2, id)), (0, stored(4))]);
    check(before, &[(0, stored(5))], &[done(1, Ok(Reply::Done)), done(2, Ok(Reply::Done))]);
}

#[test]
fn a_removal_that_fails_leaves_the_content_and_says_so_to_all() {
    let (id, manifest) = sample();
    let before = then(before(), [(0, remove(1, id))]);
    let again = Message::Have { list: List::More, entries: vec![entry(&manifest, None)] };
    let content = check(
        before,
        &[(0, store_fails(4, StoreError::Unavailable))],
        &[send(ALICE, again), done(1, Err(CommandError::Store(StoreError::Unavailable)))],
    );
    assert_eq!(content.content(id).unwrap().local, LocalState::Complete);
}

#[test]
fn chunks_that_another_content_refers_to_stay() {
    let (one_id, one) = manifest("same", 40_000, None);
    // The same chunks and one more, under another name.
    let mut description = one.description().clone();
    description.name = "longer".into();
    description.bytes += 16_384 * 2;
    let shared = description.chunks.clone();
    description.chunks.extend([ChunkId([1; 32]), ChunkId([2; 32])]);
    let two = signed(description, &author());
    let all = [records(&one, None), records(&two, None)].concat();
    let inputs = [(0, remove(1, one_id)), (0, stored(4))];
    let content = check(
        started_with(all),
        &inputs,
        &[store(4, delete_records(one_id)), content_gone(one_id), done(1, Ok(Reply::Done))],
    );
    assert_eq!(content.layout(two.id()).unwrap().chunks[..3], shared[..]);
}

#[test]
fn a_running_get_is_aborted_and_the_chunk_on_its_way_to_the_store_is_waited_for() {
    let (id, manifest) = sample();
    let chunks = &manifest.description().chunks;
    let before = then(
        started(),
        [
            (0, up(ALICE)),
            (0, has(ALICE, &manifest, None)),
            (0, get(1, id)),
            (0, manifest_arrives(ALICE, 1, &manifest)),
            (0, stored(4)),
            (0, present(3, &[false, false, true, true, true])),
            (0, chunk_arrives(ALICE, 2, chunks[0])),
        ],
    );
    let inputs = [(0, remove(2, id)), (0, stored(5)), (0, stored(6)), (0, stored(7))];
    check(
        before,
        &inputs,
        &[
            cancel(ALICE, 3),
            forget(ALICE, 3),
            done(1, Err(CommandError::Aborted)),
            store(6, delete_records(id)),
            store(7, delete_chunks(&manifest)),
            done(2, Ok(Reply::Done)),
        ],
    );
}

#[test]
fn a_get_that_waits_for_a_provider_can_be_removed() {
    let (id, _) = sample();
    let before = then(started(), [(0, get(1, id))]);
    check(
        before,
        &[(0, remove(2, id))],
        &[content_gone(id), done(1, Err(CommandError::Aborted)), done(2, Ok(Reply::Done))],
    );
}

#[test]
fn records_that_are_being_written_are_deleted_after() {
    let (id, manifest) = sample();
    let before = then(
        started(),
        [
            (0, up(ALICE)),
            (0, has(ALICE, &manifest, None)),
            (0, get(1, id)),
            (0, manifest_arrives(ALICE, 1, &manifest)),
        ],
    );
    check(
        before,
        &[(0, remove(2, id)), (0, present(3, &[false; 5])), (0, stored(4))],
        &[done(1, Err(CommandError::Aborted)), store(5, delete_records(id))],
    );
}

#[test]
fn while_it_is_removed_nothing_else_may_be_done_with_it() {
    let (id, _) = sample();
    let before = then(before(), [(0, remove(1, id))]);
    let what = Wanted::Chunk { content: id, index: 0 };
    let wants = says(ALICE, wants(&[(1, what)]));
    let refused = Message::Refused { request: RequestId(1), reason: Refusal::NotHere };
    let none = Message::Have { list: List::Whole, entries: Vec::new() };
    check(
        before,
        &[(0, get(2, id)), (0, wants), (0, up(BOB))],
        &[done(2, Err(CommandError::Aborted)), send(ALICE, refused), send(BOB, none)],
    );
}

#[test]
fn what_is_being_served_stops() {
    let (id, manifest) = sample();
    let request = RequestId(1);
    let wants = wants(&[(1, Wanted::Chunk { content: id, index: 0 })]);
    let body = BodySource::Chunk(manifest.description().chunks[0]);
    let inputs = [(0, says(ALICE, wants)), (0, remove(1, id))];
    check(
        before(),
        &inputs,
        &[
            link(ALICE, LinkCommand::ServeBody { request, body }),
            link(ALICE, LinkCommand::StopServing { request }),
            send(ALICE, Message::Refused { request, reason: Refusal::NotHere }),
            gone(ALICE, id),
            store(4, delete_records(id)),
        ],
    );
}
