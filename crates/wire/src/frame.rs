//! Frames of the control channel: one version byte, one protocol byte, one postcard message.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The most bytes in a control frame, header included.
///
/// A quarter of the smallest `maxMessageSize` that browsers announce (262,144), so that one frame
/// never holds up the channel for long.
pub const FRAME_BYTES_MAX: usize = 65_536;

/// The version of the control protocols that this crate speaks.
pub const FRAME_VERSION: u8 = 1;

/// Version and protocol.
pub const FRAME_HEADER_BYTES: usize = 2;

/// Which protocol a frame belongs to. The numbers are on the wire; never reuse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Protocol {
    /// Keeping the connection: hello, ping, goodbye.
    Link = 1,
    /// Inventories and requests for bodies.
    Content = 2,
    /// Which peers the sender is connected to.
    Pex = 3,
    /// Envelopes on their way to peers that are not connected.
    Routing = 4,
    /// Which connections there are to be.
    Topology = 5,
    /// Records of peers, passed on from peer to peer. 7 is spoken for.
    Gossip = 6,
    /// What is said in rooms.
    Broadcast = 8,
}

/// Why bytes are not a frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Over the bound; nothing inside was looked at.
    #[error("a frame of {bytes} bytes is over the limit of {FRAME_BYTES_MAX}")]
    TooLarge {
        /// How long it is.
        bytes: usize,
    },
    /// A version that this crate does not speak. No offence: the peer may be newer.
    #[error("frame version {version} is not spoken here")]
    UnknownVersion {
        /// The version.
        version: u8,
    },
    /// A protocol that this crate does not know. No offence.
    #[error("protocol {protocol} is not known here")]
    UnknownProtocol {
        /// Its number.
        protocol: u8,
    },
    /// A message type of a known protocol that this crate does not know. No offence.
    #[error("a message type is not known here")]
    UnknownMessage {
        /// Which protocol.
        protocol: Protocol,
    },
    /// Neither.
    #[error("the frame is malformed")]
    Malformed,
}

impl Protocol {
    const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Link),
            2 => Some(Self::Content),
            3 => Some(Self::Pex),
            4 => Some(Self::Routing),
            5 => Some(Self::Topology),
            6 => Some(Self::Gossip),
            8 => Some(Self::Broadcast),
            _ => None,
        }
    }
}

/// Returns what a frame of `protocol` begins with.
#[must_use]
pub const fn header(protocol: Protocol) -> [u8; FRAME_HEADER_BYTES] {
    [FRAME_VERSION, protocol as u8]
}

/// Encodes `message` as a frame of `protocol`.
///
/// # Errors
/// [`FrameError::TooLarge`] if it is over [`FRAME_BYTES_MAX`]: the sender has to split it.
pub fn encode<M: Serialize>(protocol: Protocol, message: &M) -> Result<Bytes, FrameError> {
    let bytes = postcard::to_extend(message, header(protocol).to_vec())
        .map_err(|_| FrameError::Malformed)?;
    if bytes.len() > FRAME_BYTES_MAX {
        return Err(FrameError::TooLarge { bytes: bytes.len() });
    }
    Ok(bytes.into())
}

/// Splits a frame into its protocol and its body, to be decoded by [`decode_body`].
///
/// # Errors
/// All of [`FrameError`] but `UnknownMessage`.
pub fn decode(frame: &[u8]) -> Result<(Protocol, &[u8]), FrameError> {
    if frame.len() > FRAME_BYTES_MAX {
        return Err(FrameError::TooLarge { bytes: frame.len() });
    }
    let ([version, protocol], body) = frame.split_first_chunk().ok_or(FrameError::Malformed)?;
    if *version != FRAME_VERSION {
        return Err(FrameError::UnknownVersion { version: *version });
    }
    let known = Protocol::from_byte(*protocol);
    known.map(|known| (known, body)).ok_or(FrameError::UnknownProtocol { protocol: *protocol })
}

/// Decodes the body of a frame of `protocol`, all of it.
///
/// # Errors
/// [`FrameError::UnknownMessage`] for a message type that `M` does not have, else
/// [`FrameError::Malformed`].
pub fn decode_body<M: DeserializeOwned>(protocol: Protocol, body: &[u8]) -> Result<M, FrameError> {
    match postcard::take_from_bytes(body) {
        Ok((message, [])) => Ok(message),
        Ok(_) => Err(FrameError::Malformed),
        Err(postcard::Error::SerdeDeCustom) => Err(FrameError::UnknownMessage { protocol }),
        Err(_) => Err(FrameError::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Message {
        Number(u16),
        Text(String),
    }

    #[test]
    fn golden_bytes() {
        let frame = encode(Protocol::Link, &Message::Text("hi".into())).unwrap();
        assert_eq!(&frame[..], [1, 1, 1, 2, b'h', b'i']);
    }

    #[test]
    fn a_frame_reads_back() {
        let message = Message::Number(700);
        let frame = encode(Protocol::Content, &message).unwrap();
        let (protocol, body) = decode(&frame).unwrap();
        assert_eq!(protocol, Protocol::Content);
        assert_eq!(decode_body::<Message>(protocol, body), Ok(message));
    }

    #[test]
    fn what_is_newer_is_told_from_what_is_broken() {
        assert_eq!(decode(&[9, 1]), Err(FrameError::UnknownVersion { version: 9 }));
        assert_eq!(decode(&[1, 200]), Err(FrameError::UnknownProtocol { protocol: 200 }));
        assert_eq!(decode(&[1]), Err(FrameError::Malformed));
        let unknown = FrameError::UnknownMessage { protocol: Protocol::Link };
        assert_eq!(decode_body::<Message>(Protocol::Link, &[77]), Err(unknown));
        assert_eq!(decode_body::<Message>(Protocol::Link, &[1, 9, 0]), Err(FrameError::Malformed));
        let trailing = decode_body::<Message>(Protocol::Link, &[0, 1, 1]);
        assert_eq!(trailing, Err(FrameError::Malformed));
    }

    #[test]
    fn a_frame_over_the_bound_is_neither_made_nor_read() {
        let too_large = Message::Text("x".repeat(FRAME_BYTES_MAX));
        let made = encode(Protocol::Link, &too_large);
        assert!(matches!(made, Err(FrameError::TooLarge { .. })));
        let frame = vec![1; FRAME_BYTES_MAX + 1];
        assert_eq!(decode(&frame), Err(FrameError::TooLarge { bytes: FRAME_BYTES_MAX + 1 }));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            if let Ok((protocol, body)) = decode(&bytes) {
                let _ = decode_body::<Message>(protocol, body);
            }
        }
    }
}
