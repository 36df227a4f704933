use peerloom_wire::{CHUNK_BYTES, CHUNKS_MAX};

use super::*;
use crate::event::{BadInput, Subject};

fn draft(bytes: u64, chunks: usize, key: Option<ContentKey>) -> ContentDraft {
    ContentDraft {
        name: "note.txt".into(),
        mime: "text/plain".into(),
        bytes,
        chunks: (0..chunks).map(|n| ChunkId(sha256(&n.to_be_bytes()))).collect(),
        key,
    }
}

fn sorted(mut chunks: Vec<ChunkId>) -> Vec<ChunkId> {
    chunks.sort_unstable();
    chunks
}

fn add(id: u64, draft: ContentDraft) -> Input {
    command(id, Command::Add { draft })
}

/// The manifest that a draft becomes; signatures are deterministic.
fn manifest_of(draft: &ContentDraft) -> (ContentId, Manifest) {
    let description = Description {
        name: draft.name.clone(),
        mime: draft.mime.clone(),
        bytes: draft.bytes,
        chunk_bytes: CHUNK_BYTES,
        key_digest: draft.key.map(|key| key_digest(&key.0)),
        chunks: draft.chunks.clone(),
    };
    let manifest = signed(description, &author());
    (manifest.id(), manifest)
}

fn puts(manifest: &Manifest, key: Option<ContentKey>) -> StoreOp {
    StoreOp::Apply { puts: records(manifest, key), deletes: Vec::new() }
}

fn announced(to: PeerId, manifest: &Manifest, key: Option<ContentKey>) -> Effect {
    send(to, Message::Have { list: List::More, entries: vec![entry(manifest, key)] })
}

#[test]
fn an_added_content_is_stored_then_told_to_every_peer_then_answered() {
    let draft = draft(300_000, 2, Some(KEY));
    let (id, manifest) = manifest_of(&draft);
    let chunks = draft.chunks.clone();
    let before = then(started(), [(0, up(ALICE)), (0, up(BOB))]);
    let inputs = [(0, add(1, draft)), (0, present(3, &[true, true])), (0, stored(4))];
    let content = check(
        before,
        &inputs,
        &[
            store(3, StoreOp::HasChunks { chunks }),
            store(4, puts(&manifest, Some(KEY))),
            announced(ALICE, &manifest, Some(KEY)),
            announced(BOB, &manifest, Some(KEY)),
            done(1, Ok(Reply::Content(id))),
        ],
    );
    assert_eq!(content.content(id).unwrap().local, LocalState::Complete);
    let layout = content.layout(id).unwrap();
    assert_eq!((layout.bytes, layout.chunk_plain_bytes), (300_000, 262_112));
    assert_eq!(layout.key, Some(KEY));
    assert!(manifest.claim().holds());
}

#[test]
fn a_draft_that_is_added_twice_while_it_is_signed_is_one_content() {
    let draft = draft(5, 1, None);
    let mut content = Content::new(config());
    let mut out = Vec::new();
    for (ms, input) in then(started(), [(0, add(1, draft.clone())), (0, add(2, draft.clone()))]) {
        content.handle(at(ms), input, &mut out);
    }
    let asked = |it: &&Effect| matches!(it, Effect::Sign { .. });
    assert_eq!(out.iter().filter(asked).count(), 1);
    prove(&mut content, at(0), &mut out);
    out.clear();
    content.handle(at(0), present(3, &[true]), &mut out);
    content.handle(at(0), stored(4), &mut out);
    let added = Ok(Reply::Content(manifest_of(&draft).0));
    assert!(out.ends_with(&[done(1, added.clone()), done(2, added)]), "{out:?}");
}

#[test]
fn a_draft_that_nobody_signs_is_refused_and_its_chunks_are_dropped() {
    let draft = draft(5, 1, None);
    let chunks = draft.chunks.clone();
    let mut content = Content::new(config());
    let mut out = Vec::new();
    for (ms, input) in then(started(), [(0, add(1, draft))]) {
        content.handle(at(ms), input, &mut out);
    }
    out.clear();
    let unsigned = Input::Signed { proof: ProofId(1), signature: None };
    content.handle(at(0), unsigned, &mut out);
    let refused = done(1, Err(CommandError::Aborted));
    assert_eq!(out, [store(3, StoreOp::DeleteChunks { chunks }), refused]);
}

#[test]
fn an_empty_content_has_no_chunks_to_look_for() {
    let draft = draft(0, 0, Some(KEY));
    let (id, manifest) = manifest_of(&draft);
    check(
        started(),
        &[(0, add(1, draft)), (0, stored(3))],
        &[store(3, puts(&manifest, Some(KEY))), done(1, Ok(Reply::Content(id)))],
    );
}

#[test]
fn a_content_added_twice_is_one_content() {
    let draft = draft(5, 1, None);
    let (id, manifest) = manifest_of(&draft);
    let inputs = [
        (0, add(1, draft.clone())),
        (0, add(2, draft.clone())),
        (0, present(3, &[true])),
        (0, stored(4)),
        (0, add(3, draft.clone())),
    ];
    let answer = Ok(Reply::Content(id));
    let content = check(
        started(),
        &inputs,
        &[
            store(3, StoreOp::HasChunks { chunks: draft.chunks }),
            store(4, puts(&manifest, None)),
            done(1, answer.clone()),
            done(2, answer.clone()),
            done(3, answer),
        ],
    );
    assert_eq!(content.contents().len(), 1);
}

#[test]
fn a_draft_that_does_not_add_up_is_refused_and_its_chunks_deleted() {
    let too_large = |what, size, max| CommandError::TooLarge { what, size, max };
    let bad = CommandError::BadInput;
    for (draft, error) in [
        (draft(0, 1, None), bad(BadInput::ChunkCount)),
        (draft(262_129, 1, None), bad(BadInput::ChunkCount)),
        (draft(262_113, 1, Some(KEY)), bad(BadInput::ChunkCount)),
        (draft(u64::MAX, 1, None), bad(BadInput::ChunkCount)),
        (
            ContentDraft { name: "a\nb".into(), ..draft(5, 1, None) },
            bad(BadInput::ControlCharacters),
        ),
        (
            ContentDraft { name: "é".repeat(128), ..draft(5, 1, None) },
            too_large(Subject::Name, 256, 255),
        ),
        (
            ContentDraft { mime: "m".repeat(128), ..draft(5, 1, None) },
            too_large(Subject::Mime, 128, 127),
        ),
        (
            draft(u64::MAX, CHUNKS_MAX as usize + 1, None),
            too_large(Subject::Content, CHUNKS_MAX as u64 + 1, CHUNKS_MAX.into()),
        ),
    ] {
        let chunks = sorted(draft.chunks.clone());
        check(
            started(),
            &[(0, add(1, draft))],
            &[store(3, StoreOp::DeleteChunks { chunks }), done(1, Err(error))],
        );
    }
}

#[test]
fn a_draft_without_its_chunks_is_refused() {
    let draft = draft(300_000, 2, None);
    let chunks = sorted(draft.chunks.clone());
    let before = then(started(), [(0, add(1, draft))]);
    check(
        before,
        &[(0, present(3, &[true, false]))],
        &[
            store(4, StoreOp::DeleteChunks { chunks }),
            done(1, Err(CommandError::BadInput(BadInput::MissingChunks))),
        ],
    );
}

#[test]
fn a_store_that_is_full_fails_the_add_and_keeps_what_others_refer_to() {
    let first = draft(300_000, 2, None);
    let second = ContentDraft { name: "other".into(), bytes: 600_000, ..draft(0, 3, None) };
    let own = second.chunks[2];
    let before = then(
        started(),
        [
            (0, add(1, first)),
            (0, present(3, &[true, true])),
            (0, stored(4)),
            (0, add(2, second)),
            (0, present(5, &[true, true, true])),
        ],
    );
    let content = check(
        before,
        &[(0, store_fails(6, StoreError::QuotaExceeded))],
        &[
            store(7, StoreOp::DeleteChunks { chunks: vec![own] }),
            done(2, Err(CommandError::Store(StoreError::QuotaExceeded))),
        ],
    );
    assert_eq!(content.contents().len(), 1);
}

#[test]
fn what_is_being_added_keeps_its_chunks_when_another_is_removed() {
    let first = draft(300_000, 2, None);
    let (id, _) = manifest_of(&first);
    let second = ContentDraft { name: "other".into(), ..draft(5, 1, None) };
    let only_first = first.chunks[1];
    let before = then(
        started(),
        [
            (0, add(1, first)),
            (0, present(3, &[true, true])),
            (0, stored(4)),
            (0, add(2, second)),
            (0, command(3, Command::Remove { content: id })),
        ],
    );
    check(
        before,
        &[(0, stored(6))],
        &[
            store(7, StoreOp::DeleteChunks { chunks: vec![only_first] }),
            Effect::Event(Event::ContentGone { content: id }),
        ],
    );
}

#[test]
fn no_more_adds_wait_than_allowed() {
    let draft = draft(5, 1, None);
    let before = then(started(), (0..256).map(|n| (0, add(n, draft.clone()))));
    check(
        before,
        &[(0, add(256, draft))],
        &[done(256, Err(CommandError::TooLarge { what: Subject::Commands, size: 257, max: 256 }))],
    );
}
