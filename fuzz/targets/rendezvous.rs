//! What is said between a peer and a rendezvous server: what decodes keeps its bounds, and is
//! understood as the same when it is said again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use peerloom_wire::rendezvous::{
    ANNOUNCEMENT_BYTES_MAX, ClientMessage, HOST_BYTES_MAX, SEALED_BYTES_MAX, ServerMessage,
    TAGS_MAX,
};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(message) = ClientMessage::decode(bytes) {
        match &message {
            ClientMessage::Register { host, .. } => assert!(host.len() <= HOST_BYTES_MAX),
            ClientMessage::Meet { tags, announcement, .. } => {
                assert!(tags.len() <= TAGS_MAX && announcement.len() <= ANNOUNCEMENT_BYTES_MAX);
            }
            ClientMessage::Envelope { bytes, .. } => assert!(bytes.len() <= SEALED_BYTES_MAX),
            ClientMessage::Ping { .. } => {}
        }
        let again = message.encode().expect("what was decoded is within its bounds");
        assert_eq!(ClientMessage::decode(&again), Ok(message));
    }
    if let Ok(message) = ServerMessage::decode(bytes) {
        let again = message.encode().expect("what was decoded is within its bounds");
        assert_eq!(ServerMessage::decode(&again), Ok(message));
    }
});
