//! Frames of both channels: the control frame and its messages, the header of a bulk frame.

#![no_main]

use libfuzzer_sys::fuzz_target;
use peerloom_core::content;
use peerloom_wire::bulk::BulkHeader;
use peerloom_wire::frame::{self, Protocol};

fuzz_target!(|bytes: &[u8]| {
    if let Some(header) = bytes.first_chunk()
        && let Ok(read) = BulkHeader::decode(*header, bytes.len())
    {
        assert_eq!(read.encode(), *header);
    }
    // What decodes can be said again, and is then understood as the same.
    if let Ok((Protocol::Content, body)) = frame::decode(bytes)
        && let Ok(message) = frame::decode_body::<content::Message>(Protocol::Content, body)
        && let Ok(again) = frame::encode(Protocol::Content, &message)
    {
        let (_, body) = frame::decode(&again).expect("our own frame decodes");
        assert_eq!(frame::decode_body(Protocol::Content, body), Ok(message));
    }
});
