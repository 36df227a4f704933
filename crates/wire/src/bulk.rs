//! Frames of the bulk channel: a fixed header, then a piece of a requested body.

use crate::id::RequestId;

/// The length of a header.
pub const BULK_HEADER_BYTES: usize = 12;

/// The most bytes of a body in one frame: with its header no more than the 262,144 of a message that
/// both browsers accept.
pub const BULK_PAYLOAD_BYTES_MAX: usize = 262_128;

/// The length that contents are cut into, as chunks are stored and sent: a chunk is one message.
///
/// A message costs both browsers a task, whatever its length: 64 MiB in two messages a chunk took 5 %
/// more time than in one (measured 2026-11-20).
pub const CHUNK_BYTES: u32 = 262_128;

/// The most bytes of a chunk that is accepted, as it is stored and sent.
///
/// WebCrypto digests and decrypts fastest at this size (measured 2026-11-20); larger buffers cost
/// page faults, smaller ones calls.
pub const CHUNK_BYTES_MAX: u32 = 262_144;

/// The version of the bulk frames that this crate speaks.
pub const BULK_VERSION: u8 = 1;

/// What a bulk frame says before its payload: `version u8, flags u8 = 0, reserved u16 = 0,
/// request u32, offset u32`, numbers big-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BulkHeader {
    /// The requester's name for the body.
    pub request: RequestId,
    /// Where the payload belongs in the body, in bytes.
    pub offset: u32,
}

/// Why bytes are not a bulk frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BulkError {
    /// Shorter than a header, longer than a frame may be, or without payload.
    #[error("a bulk frame of {bytes} bytes is out of bounds")]
    Length {
        /// How long it is.
        bytes: usize,
    },
    /// Another version, or flags that mean nothing yet.
    #[error("a bulk frame of an unknown version")]
    UnknownVersion,
}

impl BulkHeader {
    /// Returns the header's bytes.
    #[must_use]
    pub const fn encode(self) -> [u8; BULK_HEADER_BYTES] {
        let [a, b, c, d] = self.request.0.to_be_bytes();
        let [e, f, g, h] = self.offset.to_be_bytes();
        [BULK_VERSION, 0, 0, 0, a, b, c, d, e, f, g, h]
    }

    /// Reads the header of a frame that is `frame_bytes` long in all.
    ///
    /// # Errors
    /// [`BulkError`], see there.
    pub const fn decode(
        header: [u8; BULK_HEADER_BYTES],
        frame_bytes: usize,
    ) -> Result<Self, BulkError> {
        let frame_bytes_max = BULK_HEADER_BYTES + BULK_PAYLOAD_BYTES_MAX;
        if frame_bytes <= BULK_HEADER_BYTES || frame_bytes > frame_bytes_max {
            return Err(BulkError::Length { bytes: frame_bytes });
        }
        let [version, flags, reserved_a, reserved_b, a, b, c, d, e, f, g, h] = header;
        if version != BULK_VERSION || flags != 0 || reserved_a != 0 || reserved_b != 0 {
            return Err(BulkError::UnknownVersion);
        }
        Ok(Self {
            request: RequestId(u32::from_be_bytes([a, b, c, d])),
            offset: u32::from_be_bytes([e, f, g, h]),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEADER: BulkHeader = BulkHeader { request: RequestId(0x0102_0304), offset: 65_536 };

    #[test]
    fn golden_bytes() {
        assert_eq!(HEADER.encode(), [1, 0, 0, 0, 1, 2, 3, 4, 0, 1, 0, 0]);
    }

    #[test]
    fn a_frame_out_of_bounds_is_refused() {
        for bytes in [0, 11, 12, 262_141] {
            assert_eq!(
                BulkHeader::decode(HEADER.encode(), bytes),
                Err(BulkError::Length { bytes })
            );
        }
        assert_eq!(BulkHeader::decode(HEADER.encode(), 262_140), Ok(HEADER));
    }

    proptest! {
        #[test]
        fn a_header_reads_back(request: u32, offset: u32) {
            let header = BulkHeader { request: RequestId(request), offset };
            prop_assert_eq!(BulkHeader::decode(header.encode(), 13), Ok(header));
        }

        #[test]
        fn no_bytes_panic(header: [u8; BULK_HEADER_BYTES], frame_bytes: usize) {
            let _ = BulkHeader::decode(header, frame_bytes);
        }
    }
}
