//! A test is a list of inputs with their milliseconds, and the effects in order.

mod add;
mod download;
mod early;
mod inventory;
mod keys;
mod messages;
mod random;
mod remove;
mod serve;
mod sources;
mod start;

use bytes::Bytes;
use peerloom_crypto::{IdentityKey, sha256};
use peerloom_wire::{
    CHUNK_BYTES_MIN, ChunkId, Description, Manifest, UnsignedManifest, key_digest,
};

use super::library::Item;
use super::*;
use crate::io::{ContentDraft, ContentKey, LinkCommand, Record};

pub(super) const ALICE: PeerId = PeerId([0xa1; 32]);
pub(super) const BOB: PeerId = PeerId([0xb0; 32]);
pub(super) const KEY: ContentKey = ContentKey([7; 32]);
pub(super) const WRONG_KEY: ContentKey = ContentKey([8; 32]);

pub(super) fn at(ms: u64) -> Now {
    Now { mono: Instant::from_micros(ms * 1000), unix_ms: 1_000_000 }
}

pub(super) fn author() -> IdentityKey {
    IdentityKey::from_seed([1; 32])
}

pub(super) fn config() -> Config {
    Config { author: author().public_key(), early_max: 4, window_min: 4 }
}

/// A signed manifest of `bytes` plain bytes, in chunks of 16 KiB, and its id.
pub(super) fn manifest(name: &str, bytes: u64, key: Option<ContentKey>) -> (ContentId, Manifest) {
    let mut description = Description {
        name: name.into(),
        mime: "text/plain".into(),
        bytes,
        chunk_bytes: CHUNK_BYTES_MIN,
        key_digest: key.map(|key| key_digest(&key.0)),
        chunks: Vec::new(),
    };
    let count = bytes.div_ceil(u64::from(description.chunk_plain_bytes_max()));
    let chunk = |n: u64| ChunkId(sha256(format!("{name} {n}").as_bytes()));
    description.chunks = (0..count).map(chunk).collect();
    let manifest = signed(description, &author());
    (manifest.id(), manifest)
}

/// Signed with this key, whoever it says the author is.
pub(super) fn signed(description: Description, key: &IdentityKey) -> Manifest {
    let unsigned = UnsignedManifest::new(description, author().public_key()).unwrap();
    let signature = key.sign(&unsigned.payload());
    unsigned.sign_with(signature)
}

/// Five chunks, the last one short.
pub(super) fn sample() -> (ContentId, Manifest) {
    manifest("sample.txt", 70_000, None)
}

pub(super) fn entry(manifest: &Manifest, key: Option<ContentKey>) -> Entry {
    let description = manifest.description();
    Entry {
        id: manifest.id(),
        name: description.name.clone(),
        mime: description.mime.clone(),
        bytes: description.bytes,
        manifest_bytes: manifest.encode().len().try_into().unwrap(),
        chunk_bytes: description.chunk_bytes,
        encrypted: description.encrypted(),
        key,
    }
}

/// The same without the length of chunks, so that none is asked for before the manifest came.
pub(super) fn brief(manifest: &Manifest, key: Option<ContentKey>) -> Entry {
    Entry { chunk_bytes: 0, ..entry(manifest, key) }
}

pub(super) fn records(manifest: &Manifest, key: Option<ContentKey>) -> Vec<Record> {
    Item::new(manifest.clone(), key, at(0).unix_ms).records(manifest.id())
}

pub(super) fn conn(peer: PeerId) -> ConnId {
    ConnId(peer.0[0].into())
}

// Inputs.

pub(super) fn up(peer: PeerId) -> Input {
    Input::PeerUp { peer, conn: conn(peer) }
}

pub(super) fn says(from: PeerId, message: Message) -> Input {
    Input::Message { from, message }
}

pub(super) fn has(from: PeerId, manifest: &Manifest, key: Option<ContentKey>) -> Input {
    offers(from, brief(manifest, key))
}

pub(super) fn offers(from: PeerId, entry: Entry) -> Input {
    says(from, Message::Have { list: List::More, entries: vec![entry] })
}

pub(super) fn command(id: u64, command: Command) -> Input {
    Input::Command { id: CommandId(id), command }
}

pub(super) fn get(id: u64, content: ContentId) -> Input {
    command(id, Command::Get { content, key: None })
}

pub(super) fn body(peer: PeerId, event: BodyEvent) -> Input {
    Input::Body { conn: conn(peer), event }
}

pub(super) fn manifest_arrives(from: PeerId, request: u32, manifest: &Manifest) -> Input {
    let bytes = manifest.encode();
    let (request, sha256) = (RequestId(request), sha256(&bytes));
    body(from, BodyEvent::Arrived { request, sha256, inline: Some(bytes.into()) })
}

pub(super) fn chunk_arrives(from: PeerId, request: u32, chunk: ChunkId) -> Input {
    let request = RequestId(request);
    body(from, BodyEvent::Arrived { request, sha256: chunk.0, inline: None })
}

pub(super) fn stored(op: u64) -> Input {
    Input::Stored { op: OpId(op), result: Ok(StoreReply::Done) }
}

pub(super) fn present(op: u64, present: &[bool]) -> Input {
    Input::Stored { op: OpId(op), result: Ok(StoreReply::Present(present.to_vec())) }
}

pub(super) fn store_fails(op: u64, error: StoreError) -> Input {
    Input::Stored { op: OpId(op), result: Err(error) }
}

/// The store was empty: operations 1 (load) and 2 (sweep) are over.
pub(super) fn started() -> Vec<(u64, Input)> {
    started_with(Vec::new())
}

/// What `records` describe is here whole. One operation more if there are chunks to look for.
pub(super) fn started_with(records: Vec<Record>) -> Vec<(u64, Input)> {
    let (library, _) = Library::read(records.clone());
    let chunks: usize = library
        .ids()
        .filter_map(|id| library.item(id))
        .map(|item| item.manifest.description().chunks.len())
        .sum();
    let loaded = Input::Stored { op: OpId(1), result: Ok(StoreReply::Records(records)) };
    let mut inputs = vec![(0, Input::Start), (0, loaded)];
    if chunks > 0 {
        inputs.push((0, present(2, &vec![true; chunks])));
        inputs.push((0, stored(3)));
    } else {
        inputs.push((0, stored(2)));
    }
    inputs
}

// Effects.

pub(super) fn send(to: PeerId, message: Message) -> Effect {
    Effect::Send { to, message }
}

pub(super) fn link(peer: PeerId, command: LinkCommand) -> Effect {
    Effect::Link { conn: conn(peer), command }
}

pub(super) fn store(op: u64, operation: StoreOp) -> Effect {
    Effect::Store { op: OpId(op), operation }
}

pub(super) fn done(id: u64, result: Result<Reply, CommandError>) -> Effect {
    Effect::Done { id: CommandId(id), result }
}

pub(super) fn strike(peer: PeerId, kind: StrikeKind) -> Effect {
    Effect::Strike { peer, kind }
}

pub(super) fn expect(peer: PeerId, request: u32, bytes: u32, inline: bool) -> Effect {
    link(peer, LinkCommand::ExpectBody { request: RequestId(request), bytes, inline })
}

pub(super) fn forget(peer: PeerId, request: u32) -> Effect {
    link(peer, LinkCommand::ForgetBody { request: RequestId(request) })
}

pub(super) fn wants(list: &[(u32, Wanted)]) -> Message {
    let want = |(request, what): &(u32, Wanted)| Want { request: RequestId(*request), what: *what };
    Message::Want { wants: list.iter().map(want).collect() }
}

pub(super) fn want(to: PeerId, request: u32, what: Wanted) -> Effect {
    send(to, wants(&[(request, what)]))
}

pub(super) fn cancel(to: PeerId, request: u32) -> Effect {
    send(to, Message::Cancel { request: RequestId(request) })
}

/// Room for chunks of 16 KiB, and the request for them: by their names, then their indices.
pub(super) fn asks(peer: PeerId, content: ContentId, chunks: &[(u32, u32)]) -> Vec<Effect> {
    let what = |(request, index): &(u32, u32)| (*request, Wanted::Chunk { content, index: *index });
    let expects = chunks.iter().map(|(request, _)| expect(peer, *request, CHUNK_BYTES_MIN, false));
    let wanted: Vec<_> = chunks.iter().map(what).collect();
    expects.chain([send(peer, wants(&wanted))]).collect()
}

/// Who was asked for which chunk.
pub(super) fn chunks_asked(out: &[Effect]) -> Vec<(PeerId, u32)> {
    let lists = out.iter().filter_map(|effect| match effect {
        Effect::Send { to, message: Message::Want { wants } } => Some((*to, wants)),
        _ => None,
    });
    let wants = lists.flat_map(|(to, wants)| wants.iter().map(move |want| (to, want.what)));
    let chunks = wants.filter_map(|(to, what)| match what {
        Wanted::Chunk { index, .. } => Some((to, index)),
        Wanted::Manifest(_) => None,
    });
    chunks.collect()
}

pub(super) fn keep(op: u64, from: PeerId, request: u32, chunk: ChunkId) -> Effect {
    let request = RequestId(request);
    store(op, StoreOp::KeepBody { conn: conn(from), request, chunk })
}

/// Runs inputs and returns what follows from the last `inputs`, after `before`. Time moves on as
/// the deadlines ask for, so nothing is ever late. Signatures are made and checked at once.
pub(super) fn run(before: Vec<(u64, Input)>, inputs: &[(u64, Input)]) -> (Content, Vec<Effect>) {
    let mut content = Content::new(config());
    let mut out = Vec::new();
    for (ms, input) in before {
        advance(&mut content, ms, &mut out);
        content.handle(at(ms), input, &mut out);
        prove(&mut content, at(ms), &mut out);
    }
    out.clear();
    for (ms, input) in inputs {
        advance(&mut content, *ms, &mut out);
        content.handle(at(*ms), input.clone(), &mut out);
        prove(&mut content, at(*ms), &mut out);
    }
    (content, out)
}

/// Makes and checks the signatures that are asked for in `out`.
pub(super) fn prove(content: &mut Content, now: Now, out: &mut Vec<Effect>) {
    while let Some(asked) =
        out.iter().position(|it| matches!(it, Effect::Sign { .. } | Effect::Verify { .. }))
    {
        let answer = match out.remove(asked) {
            Effect::Sign { proof, payload } => {
                Input::Signed { proof, signature: Some(author().sign(&payload)) }
            }
            Effect::Verify { proof, claim } => Input::Verified { proof, holds: claim.holds() },
            _ => unreachable!(),
        };
        content.handle(now, answer, out);
    }
}

/// Handles what is due up to `ms`, each at its time.
pub(super) fn advance(content: &mut Content, ms: u64, out: &mut Vec<Effect>) {
    while let Some(due) = content.poll_timeout().filter(|due| *due <= at(ms).mono) {
        content.handle_timeout(Now { mono: due, unix_ms: 0 }, out);
        assert!(content.poll_timeout().is_none_or(|next| next > due), "a timeout that stays due");
    }
}

/// Compares what follows from `inputs`, after `before`. Events that a content changed are left
/// out: they follow from nearly everything, and have tests of their own.
pub(super) fn check(
    before: Vec<(u64, Input)>,
    inputs: &[(u64, Input)],
    expected: &[Effect],
) -> Content {
    let (content, mut out) = run(before, inputs);
    out.retain(|effect| !matches!(effect, Effect::Event(Event::ContentChanged(_))));
    assert_eq!(out, expected);
    content
}

/// Compares what the application is told of contents, and only that.
pub(super) fn check_events(before: Vec<(u64, Input)>, inputs: &[(u64, Input)], expected: &[Event]) {
    let (_, out) = run(before, inputs);
    let events: Vec<_> = out
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Event(event) => Some(event),
            _ => None,
        })
        .collect();
    assert_eq!(events, expected);
}

/// Joins lists of inputs.
pub(super) fn then(
    mut before: Vec<(u64, Input)>,
    more: impl IntoIterator<Item = (u64, Input)>,
) -> Vec<(u64, Input)> {
    before.extend(more);
    before
}
