use peerloom_crypto::IdentityKey;
use proptest::prelude::*;

use super::*;
use crate::id::hex;

/// The page that says the same to people; each vector has to be in it.
const PAGE: &str = include_str!("../../../../docs/protocol/rendezvous.md");

const HOST: &str = "meet.example:8443";

fn register() -> ClientMessage {
    let key = IdentityKey::from_seed([0x42; 32]);
    let signature = key.sign(&registration(HOST, &[7; 32]));
    ClientMessage::Register { host: HOST.into(), key: key.public_key(), signature }
}

fn client_messages() -> Vec<(&'static str, ClientMessage)> {
    let announcement = Bytes::from_static(b"sealed");
    vec![
        ("Register", register()),
        ("Meet", ClientMessage::Meet { tags: vec![Tag([1; 32])], announcement, connected: 300 }),
        (
            "Meet nobody",
            ClientMessage::Meet { tags: vec![], announcement: Bytes::new(), connected: 0 },
        ),
        ("Envelope to", ClientMessage::Envelope { to: PeerId([2; 32]), bytes: "sealed".into() }),
        ("Ping", ClientMessage::Ping { number: 300 }),
    ]
}

fn server_messages() -> Vec<(&'static str, ServerMessage)> {
    let (tag, peer) = (Tag([1; 32]), PeerId([2; 32]));
    let terms = Terms {
        keepalive_s: 50,
        tags_max: 8,
        bytes_max: 16_412,
        messages_per_s: 20,
        bytes_per_s: 65_536,
        meet_again_ms: 10_000,
    };
    vec![
        ("Challenge", ServerMessage::Challenge { nonce: [7; 32] }),
        ("Welcome", ServerMessage::Welcome(terms)),
        ("Introduced", ServerMessage::Introduced { tag, peer, announcement: "sealed".into() }),
        ("Envelope from", ServerMessage::Envelope { from: peer, bytes: "sealed".into() }),
        ("Away", ServerMessage::Away { peer }),
        ("Refused", ServerMessage::Refused { code: 9, limit: 20, retry_ms: 1_000 }),
        ("Moving", ServerMessage::Moving { wait_ms: 30_000 }),
        ("Pong", ServerMessage::Pong { number: 300 }),
    ]
}

fn is_on_the_page(name: &str, bytes: &[u8]) {
    let line = format!("| `{name}` | `{}` |", hex(bytes));
    assert!(PAGE.contains(&line), "not in docs/protocol/rendezvous.md: {line}");
}

#[test]
fn every_message_of_a_client_reads_back_and_is_the_pages_vector() {
    for (name, message) in client_messages() {
        let bytes = message.encode().unwrap();
        assert_eq!(ClientMessage::decode(&bytes), Ok(message));
        is_on_the_page(name, &bytes);
    }
}

#[test]
fn every_message_of_a_server_reads_back_and_is_the_pages_vector() {
    for (name, message) in server_messages() {
        let bytes = message.encode().unwrap();
        assert_eq!(ServerMessage::decode(&bytes), Ok(message));
        is_on_the_page(name, &bytes);
    }
}

#[test]
fn golden_bytes() {
    let encoded = |index: usize| client_messages()[index].1.encode().unwrap();
    let meet = [&[1, 1][..], &[1; 32], &[6], b"sealed", &[0xac, 2]].concat();
    assert_eq!(encoded(1), meet);
    assert_eq!(encoded(2), [1, 0, 0, 0][..]);
    assert_eq!(encoded(3), [&[2][..], &[2; 32], &[6], b"sealed"].concat());
    assert_eq!(encoded(4), [3, 0xac, 2][..]);
    let encoded = |index: usize| server_messages()[index].1.encode().unwrap();
    assert_eq!(encoded(0), [&[0][..], &[7; 32]].concat());
    let terms = [1, 50, 8, 0x9c, 0x80, 1, 20, 0x80, 0x80, 4, 0x90, 0x4e];
    assert_eq!(encoded(1), terms[..]);
    assert_eq!(encoded(2), [&[2][..], &[1; 32], &[2; 32], &[6], b"sealed"].concat());
    assert_eq!(encoded(3), [&[3][..], &[2; 32], &[6], b"sealed"].concat());
    assert_eq!(encoded(4), [&[4][..], &[2; 32]].concat());
    assert_eq!(encoded(5), [5, 9, 20, 0xe8, 7][..]);
    assert_eq!(encoded(6), [6, 0xb0, 0xea, 1][..]);
    assert_eq!(encoded(7), [7, 0xac, 2][..]);
}

#[test]
fn what_is_signed_names_the_host_and_the_challenge() {
    let payload = registration(HOST, &[7; 32]);
    assert_eq!(payload, [&b"peerloom rendezvous 1\0"[..], &[7; 32], HOST.as_bytes()].concat());
    is_on_the_page("what is signed", &payload);
}

#[test]
fn the_name_of_a_swarm_gives_its_tag_and_its_key() {
    let place = Place::of("example");
    is_on_the_page("tag of example", &place.tag.0);
    is_on_the_page("key of example", &place.key);
    assert_ne!(place.tag.0, place.key);
    assert_ne!(place, Place::of("another"));
}

#[test]
fn every_reason_has_its_number_and_is_on_the_page() {
    for reason in Reason::ALL {
        assert_eq!(Reason::from_code(reason.code()), Some(*reason));
        let row = format!("| {} | `{}` |", reason.code(), reason.name());
        assert!(PAGE.contains(&row), "not in docs/protocol/rendezvous.md: {row}");
    }
    assert_eq!((Reason::from_code(0), Reason::from_code(99)), (None, None));
}

#[test]
fn what_is_over_a_bound_is_neither_made_nor_read() {
    let to = PeerId([2; 32]);
    let meet = |tags, bytes: usize| ClientMessage::Meet {
        tags: vec![Tag([1; 32]); tags],
        announcement: vec![0; bytes].into(),
        connected: 0,
    };
    let envelope = |bytes: usize| ClientMessage::Envelope { to, bytes: vec![0; bytes].into() };
    let register = |bytes: usize| {
        let ClientMessage::Register { key, signature, .. } = register() else { unreachable!() };
        ClientMessage::Register { host: "h".repeat(bytes), key, signature }
    };
    let fits = [
        meet(TAGS_MAX, ANNOUNCEMENT_BYTES_MAX),
        envelope(SEALED_BYTES_MAX),
        register(HOST_BYTES_MAX),
    ];
    for message in fits {
        assert_eq!(ClientMessage::decode(&message.encode().unwrap()), Ok(message));
    }
    let over = [
        meet(TAGS_MAX + 1, 0),
        meet(0, ANNOUNCEMENT_BYTES_MAX + 1),
        envelope(SEALED_BYTES_MAX + 1),
        register(HOST_BYTES_MAX + 1),
    ];
    for message in over {
        assert_eq!(message.encode(), Err(RendezvousError::TooLarge));
        let bytes = postcard::to_allocvec(&message).unwrap();
        assert_eq!(ClientMessage::decode(&bytes), Err(RendezvousError::TooLarge));
    }
    let long = vec![3; MESSAGE_BYTES_MAX + 1];
    assert_eq!(ServerMessage::decode(&long), Err(RendezvousError::TooLarge));
}

#[test]
fn what_is_newer_is_told_from_what_is_broken() {
    assert_eq!(ClientMessage::decode(&[4]), Err(RendezvousError::UnknownMessage));
    assert_eq!(ServerMessage::decode(&[8]), Err(RendezvousError::UnknownMessage));
    assert_eq!(ClientMessage::decode(&[]), Err(RendezvousError::Malformed));
    assert_eq!(ClientMessage::decode(&[3, 1, 1]), Err(RendezvousError::Malformed));
    let not_utf8 = [&[0, 1, 0xff][..], &[4; 129]].concat();
    assert_eq!(ClientMessage::decode(&not_utf8), Err(RendezvousError::Malformed));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes: Vec<u8>) {
        let _ = ClientMessage::decode(&bytes);
        let _ = ServerMessage::decode(&bytes);
    }

    #[test]
    fn no_changed_or_shortened_message_panics(which: usize, at: usize, change: u8, end: usize) {
        let (client, server) = (client_messages(), server_messages());
        let perturbed = |mut bytes: Vec<u8>| {
            let length = bytes.len();
            bytes[at % length] ^= change;
            bytes.truncate(end % (length + 1));
            bytes
        };
        let bytes = perturbed(client[which % client.len()].1.encode().unwrap().to_vec());
        if let Ok(message) = ClientMessage::decode(&bytes) {
            prop_assert!(message.encode().is_ok());
        }
        let bytes = perturbed(server[which % server.len()].1.encode().unwrap().to_vec());
        if let Ok(message) = ServerMessage::decode(&bytes) {
            prop_assert!(message.encode().is_ok());
        }
    }
}
