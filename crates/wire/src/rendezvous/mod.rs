//! What a peer and a rendezvous server say to each other over a WebSocket: one message each, version
//! 1 of subprotocol [`SUBPROTOCOL`].
//!
//! The server arranges meetings between those who name the same tag and carries sealed bytes between
//! them. It believes nobody's `from`, and can't tell what tags stand for nor what is carried.
//! Byte tables and test vectors are in `docs/protocol/rendezvous.md`.

mod place;
mod reason;

use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;
use peerloom_crypto::{PublicKey, Signature};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::envelope::ENVELOPE_BYTES_MAX;
use crate::id::{PeerId, Tag, hash_bytes};

pub use place::{Place, SEALING_BYTES};
pub use reason::{CLOSE_CODE_BASE, Reason};

/// The WebSocket subprotocol of this version, `Sec-WebSocket-Protocol`.
pub const SUBPROTOCOL: &str = "peerloom.1";

/// The most bytes of a sealed envelope.
pub const SEALED_BYTES_MAX: usize = ENVELOPE_BYTES_MAX + SEALING_BYTES;

/// The most bytes of a sealed announcement, which a server keeps for as long as its peer is there.
/// One has 179 bytes.
pub const ANNOUNCEMENT_BYTES_MAX: usize = 1_024;

/// The most tags that a peer can be found by at a time. An application has one; the rest is room for
/// several swarms over one connection.
pub const TAGS_MAX: usize = 8;

/// The most bytes of a host name with its port: DNS allows 253 of the name (RFC 1035, 2.3.4).
pub const HOST_BYTES_MAX: usize = 260;

/// The most bytes of a message: a sealed envelope, and what comes with it.
pub const MESSAGE_BYTES_MAX: usize = SEALED_BYTES_MAX + 100;

/// The length of a challenge.
pub const NONCE_BYTES: usize = 32;

/// Separates a registration's signature from all others that a peer's key makes.
const CONTEXT: &[u8] = b"peerloom rendezvous 1\0";

/// What a peer says to a server. The numbers are on the wire; never reuse one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientMessage {
    /// 0: who this is, in answer to the challenge.
    Register {
        /// The server's host and port as the client dialled it, as in `URL.host`.
        host: String,
        /// The peer's key.
        key: PublicKey,
        /// Over [`registration`].
        signature: Signature,
    },
    /// 1: by what the peer wants to be found from now on, instead of all that it said before.
    Meet {
        /// By which tags. None: by nothing.
        tags: Vec<Tag>,
        /// Its announcement, sealed.
        announcement: Bytes,
        /// How many peers it is connected to.
        connected: u16,
    },
    /// 2: something for a peer with a tag in common.
    Envelope {
        /// Which.
        to: PeerId,
        /// A signed envelope, sealed.
        bytes: Bytes,
    },
    /// 3: "Are you there? I am."
    Ping {
        /// Comes back in the answer.
        number: u32,
    },
}

/// What a server says to a peer. The numbers are on the wire; never reuse one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServerMessage {
    /// 0: the first of all.
    Challenge {
        /// Never said before.
        #[serde(with = "hash_bytes")]
        nonce: [u8; NONCE_BYTES],
    },
    /// 1: the peer is registered.
    Welcome(Terms),
    /// 2: there is another one.
    Introduced {
        /// The tag that both named.
        tag: Tag,
        /// Who it is.
        peer: PeerId,
        /// Its announcement, sealed.
        announcement: Bytes,
    },
    /// 3: another peer wrote.
    Envelope {
        /// Who. The server knows it by its key.
        from: PeerId,
        /// A signed envelope, sealed.
        bytes: Bytes,
    },
    /// 4: a peer that this one was introduced to, or wrote to, can't be written to (any more).
    Away {
        /// Which.
        peer: PeerId,
    },
    /// 5: something was not done. The form of this message is the same in all versions.
    Refused {
        /// Why: [`Reason::from_code`].
        code: u8,
        /// The bound that it was over; 0 if that is not the reason.
        limit: u32,
        /// When it might be done, from now; 0 if not by waiting.
        retry_ms: u32,
    },
    /// 6: the server goes down.
    Moving {
        /// The client is to come back, here or elsewhere, at a random time up to this from now.
        wait_ms: u32,
    },
    /// 7: the answer to a ping.
    Pong {
        /// Of the ping.
        number: u32,
    },
}

/// What a client has to keep to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Who says nothing for longer, in seconds, is to say [`ClientMessage::Ping`].
    pub keepalive_s: u16,
    /// How many tags at a time.
    pub tags_max: u8,
    /// How many bytes a sealed envelope may have.
    pub bytes_max: u32,
    /// How many messages a second, on the average.
    pub messages_per_s: u32,
    /// How many bytes a second, on the average.
    pub bytes_per_s: u32,
    /// How long after one [`ClientMessage::Meet`] another one leads to introductions again.
    pub meet_again_ms: u32,
}

/// Why bytes are not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RendezvousError {
    /// Over a bound.
    #[error("the message is over a limit")]
    TooLarge,
    /// A message type that this version does not have.
    #[error("the message type is not known")]
    UnknownMessage,
    /// It does not decode.
    #[error("the message is malformed")]
    Malformed,
}

/// Returns what a peer signs to register at `host` after `nonce`. The host is in it so that a server
/// can't pass another one's challenge on, and be taken for the peer there.
#[must_use]
pub fn registration(host: &str, nonce: &[u8; NONCE_BYTES]) -> Vec<u8> {
    [CONTEXT, nonce, host.as_bytes()].concat()
}

impl ClientMessage {
    /// Encodes it.
    ///
    /// # Errors
    /// [`RendezvousError::TooLarge`] if something in it is over its bound.
    pub fn encode(&self) -> Result<Bytes, RendezvousError> {
        self.keeps_bounds()?;
        encode(self)
    }

    /// Decodes it.
    ///
    /// # Errors
    /// [`RendezvousError`], see there.
    pub fn decode(bytes: &[u8]) -> Result<Self, RendezvousError> {
        let message: Self = decode(bytes)?;
        message.keeps_bounds().map(|()| message)
    }

    fn keeps_bounds(&self) -> Result<(), RendezvousError> {
        let keeps = match self {
            Self::Register { host, .. } => host.len() <= HOST_BYTES_MAX,
            Self::Meet { tags, announcement, .. } => {
                tags.len() <= TAGS_MAX && announcement.len() <= ANNOUNCEMENT_BYTES_MAX
            }
            Self::Envelope { bytes, .. } => bytes.len() <= SEALED_BYTES_MAX,
            Self::Ping { .. } => true,
        };
        if keeps { Ok(()) } else { Err(RendezvousError::TooLarge) }
    }
}

impl ServerMessage {
    /// Encodes it.
    ///
    /// # Errors
    /// [`RendezvousError::TooLarge`] if something in it is over its bound.
    pub fn encode(&self) -> Result<Bytes, RendezvousError> {
        self.keeps_bounds()?;
        encode(self)
    }

    /// Decodes it.
    ///
    /// # Errors
    /// [`RendezvousError`], see there.
    pub fn decode(bytes: &[u8]) -> Result<Self, RendezvousError> {
        let message: Self = decode(bytes)?;
        message.keeps_bounds().map(|()| message)
    }

    fn keeps_bounds(&self) -> Result<(), RendezvousError> {
        let keeps = match self {
            Self::Introduced { announcement, .. } => announcement.len() <= ANNOUNCEMENT_BYTES_MAX,
            Self::Envelope { bytes, .. } => bytes.len() <= SEALED_BYTES_MAX,
            _ => true,
        };
        if keeps { Ok(()) } else { Err(RendezvousError::TooLarge) }
    }
}

fn encode<M: Serialize>(message: &M) -> Result<Bytes, RendezvousError> {
    let bytes = postcard::to_allocvec(message).map_err(|_| RendezvousError::Malformed)?;
    Ok(bytes.into())
}

fn decode<M: DeserializeOwned>(bytes: &[u8]) -> Result<M, RendezvousError> {
    if bytes.len() > MESSAGE_BYTES_MAX {
        return Err(RendezvousError::TooLarge);
    }
    match postcard::take_from_bytes(bytes) {
        Ok((message, [])) => Ok(message),
        Err(postcard::Error::SerdeDeCustom) => Err(RendezvousError::UnknownMessage),
        _ => Err(RendezvousError::Malformed),
    }
}

#[cfg(test)]
mod tests;
