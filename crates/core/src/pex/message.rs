//! The bytes in which peers say whom they are connected to, on the control channel.
//!
//! Written and read by hand, piece by piece: a message as a value would be one more thing to make, to
//! move and to drop.

use alloc::vec::Vec;

use peerloom_wire::frame::{self, FRAME_HEADER_BYTES, Protocol};

/// The most records in one message, and the most drops: BEP 11. 50 records are 7.5 kB.
pub(super) const PEERS_MAX: usize = 50;

/// The one kind of message.
pub(crate) const PEERS: u8 = 0;

/// What a message begins with.
pub(super) const HEADER: [u8; FRAME_HEADER_BYTES + 1] = {
    let [version, protocol] = frame::header(Protocol::Pex);
    [version, protocol, PEERS]
};

/// Writes a record with its length before it. None is longer than a byte can tell.
#[inline(never)]
pub(super) fn put(frame: &mut Vec<u8>, record: &[u8]) {
    frame.push(u8::try_from(record.len()).unwrap_or_default());
    frame.extend_from_slice(record);
}

/// Reads what [`put`] wrote.
#[inline(never)]
pub(super) fn take<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (&length, after) = rest.split_first()?;
    let (record, after) = after.split_at_checked(usize::from(length))?;
    *rest = after;
    Some(record)
}
