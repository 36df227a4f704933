use peerloom_wire::{FrameError, Protocol, frame};
use proptest::prelude::*;

use super::*;

fn encoded(message: &Message) -> Vec<u8> {
    frame::encode(Protocol::Content, message).unwrap().to_vec()
}

fn decoded(frame: &[u8]) -> Result<Message, FrameError> {
    let (protocol, body) = frame::decode(frame)?;
    frame::decode_body(protocol, body)
}

fn golden(message: &Message, parts: &[&[u8]]) {
    let expected = [&[1, 2][..], &parts.concat()].concat();
    assert_eq!(encoded(message), expected);
    assert_eq!(decoded(&expected).as_ref(), Ok(message));
}

const ID: ContentId = ContentId([5; 32]);

#[test]
fn golden_bytes() {
    let plain = Entry {
        id: ID,
        name: "a".into(),
        mime: "b/c".into(),
        bytes: 300,
        manifest_bytes: 200,
        chunk_bytes: 300,
        encrypted: false,
        key: None,
    };
    let sealed = Entry { encrypted: true, key: Some(KEY), ..plain.clone() };
    let head = [&[5; 32][..], &[1, b'a', 3, b'b', b'/', b'c', 0xac, 2, 0xc8, 1, 0xac, 2]].concat();
    golden(&Message::Have { list: List::Whole, entries: Vec::new() }, &[&[0, 0, 0]]);
    golden(
        &Message::Have { list: List::More, entries: vec![plain] },
        &[&[0, 1, 1], &head, &[0, 0]],
    );
    golden(
        &Message::Have { list: List::Whole, entries: vec![sealed] },
        &[&[0, 0, 1], &head, &[1, 1], &[7; 32]],
    );
    golden(&Message::Gone { contents: vec![ID] }, &[&[1, 1], &[5; 32]]);
    let request = RequestId(300);
    let manifest = Wanted::Manifest(ID);
    let chunk = Wanted::Chunk { content: ID, index: 4 };
    golden(&wants(&[(300, manifest)]), &[&[2, 1, 0xac, 2, 0], &[5; 32]]);
    golden(
        &wants(&[(1, chunk), (300, manifest)]),
        &[&[2, 2, 1, 1], &[5; 32], &[4, 0xac, 2, 0], &[5; 32]],
    );
    golden(&Message::Cancel { request }, &[&[3, 0xac, 2]]);
    for (number, reason) in [(0, Refusal::NotHere), (1, Refusal::Busy), (2, Refusal::Failed)] {
        golden(&Message::Refused { request, reason }, &[&[4, 0xac, 2, number]]);
    }
}

#[test]
fn a_newer_message_is_told_from_garbage() {
    let unknown = FrameError::UnknownMessage { protocol: Protocol::Content };
    assert_eq!(decoded(&[1, 2, 5]), Err(unknown));
    assert_eq!(decoded(&[1, 2, 3]), Err(FrameError::Malformed));
    // A list that claims to be longer than the frame.
    assert_eq!(decoded(&[1, 2, 1, 0xff, 0xff, 0xff, 0xff, 0x0f]), Err(FrameError::Malformed));
}

#[test]
fn an_entry_is_never_longer_than_it_says() {
    let entry = Entry {
        id: ID,
        name: "n".repeat(255),
        mime: "m".repeat(127),
        bytes: u64::MAX,
        manifest_bytes: u32::MAX,
        chunk_bytes: u32::MAX,
        encrypted: true,
        key: Some(KEY),
    };
    let bytes = encoded(&Message::Have { list: List::More, entries: vec![entry.clone()] }).len();
    assert_eq!(bytes - 5, entry.encoded_bytes_max());
}

pub(super) fn any_message() -> impl Strategy<Value = Message> {
    let id = (0u8..6).prop_map(|n| ContentId([n; 32]));
    let bytes = prop::sample::select(vec![0, 16_384, 262_144]);
    let entry = (id.clone(), ".{0,20}", 0u64..1000, 0u32..1000, bytes, any::<bool>()).prop_map(
        |(id, name, bytes, manifest_bytes, chunk_bytes, encrypted)| Entry {
            id,
            name,
            mime: String::new(),
            bytes,
            manifest_bytes,
            chunk_bytes,
            encrypted,
            key: encrypted.then_some(KEY),
        },
    );
    let list = prop::sample::select(vec![List::Whole, List::More]);
    let request = (0u32..40).prop_map(RequestId);
    let reason = prop::sample::select(vec![Refusal::NotHere, Refusal::Busy, Refusal::Failed]);
    let what = prop_oneof![
        id.clone().prop_map(Wanted::Manifest),
        (id.clone(), 0u32..9).prop_map(|(content, index)| Wanted::Chunk { content, index }),
    ];
    let want = (request.clone(), what).prop_map(|(request, what)| Want { request, what });
    prop_oneof![
        (list, prop::collection::vec(entry, 0..4))
            .prop_map(|(list, entries)| Message::Have { list, entries }),
        prop::collection::vec(id, 0..4).prop_map(|contents| Message::Gone { contents }),
        prop::collection::vec(want, 0..6).prop_map(|wants| Message::Want { wants }),
        request.clone().prop_map(|request| Message::Cancel { request }),
        (request, reason).prop_map(|(request, reason)| Message::Refused { request, reason }),
    ]
}

proptest! {
    #[test]
    fn a_message_reads_back(message in any_message()) {
        prop_assert_eq!(decoded(&encoded(&message)), Ok(message));
    }

    #[test]
    fn a_perturbed_message_never_panics(
        message in any_message(),
        at: prop::sample::Index,
        byte: u8,
        cut: prop::sample::Index,
    ) {
        let mut bytes = encoded(&message);
        prop_assert!(decoded(&bytes[..cut.index(bytes.len())]).is_err());
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = decoded(&bytes);
    }
}
