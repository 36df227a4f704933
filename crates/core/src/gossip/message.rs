//! The bytes of gossip, on the control channel. Byte table: `docs/protocol/gossip.md`.

use alloc::vec::Vec;

use bytes::Bytes;
use peerloom_wire::frame::{self, FRAME_HEADER_BYTES, Protocol};

use crate::event::StrikeKind;
use crate::pace::{GOSSIP_PEERS_MAX, GOSSIP_TTL_MAX};

/// The one kind of message.
pub(crate) const RECORDS: u8 = 0;

/// What a message begins with.
pub(super) const HEADER: [u8; FRAME_HEADER_BYTES + 1] = {
    let [version, protocol] = frame::header(Protocol::Gossip);
    [version, protocol, RECORDS]
};

/// Writes a record, before it the hops that it has to go, this one included, and its length. None is
/// longer than a byte can tell.
pub(super) fn put(frame: &mut Vec<u8>, ttl: u8, record: &[u8]) {
    frame.extend_from_slice(&[ttl, u8::try_from(record.len()).unwrap_or_default()]);
    frame.extend_from_slice(record);
}

/// Reads the body of a frame.
#[inline(never)]
pub(super) fn read(body: &Bytes) -> Result<Vec<(u8, Bytes)>, StrikeKind> {
    let mut rest = body.get(1..).unwrap_or_default();
    let mut records = Vec::new();
    while let Some((&[ttl, length], after)) = rest.split_first_chunk() {
        let Some((record, after)) = after.split_at_checked(usize::from(length)) else { break };
        if records.len() >= GOSSIP_PEERS_MAX {
            return Err(StrikeKind::Oversized);
        }
        if ttl == 0 || ttl > GOSSIP_TTL_MAX {
            break;
        }
        records.push((ttl, body.slice_ref(record)));
        rest = after;
    }
    if rest.is_empty() && !records.is_empty() {
        Ok(records)
    } else {
        Err(StrikeKind::MalformedFrame)
    }
}
