//! What the two ends of a connection say to keep it. Byte tables: `docs/protocol/link.md`.

use peerloom_wire::SessionId;
use serde::{Deserialize, Serialize};

/// A message of the link protocol. The order of the variants is on the wire: only append.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Message {
    /// The first message on a connection, from both sides.
    Hello {
        /// The attempt that made this connection: both must mean the same one.
        session: SessionId,
    },
    /// Asks for a [`Message::Pong`] with the same number.
    Ping {
        /// Names the ping.
        nonce: u32,
    },
    /// Answers a [`Message::Ping`].
    Pong {
        /// The ping's.
        nonce: u32,
    },
    /// "My page is being frozen: I will not answer for a while, and am not dead."
    Frozen,
    /// "I close this connection on purpose."
    Goodbye {
        /// Why.
        reason: GoodbyeReason,
    },
    /// "I did not understand a frame of yours": the polite answer to a newer peer.
    NotUnderstood {
        /// The frame's version.
        version: u8,
        /// The frame's protocol.
        protocol: u8,
    },
}

/// Why a peer closes a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum GoodbyeReason {
    /// It leaves the swarm.
    Leaving,
    /// It wants no contact.
    Denied,
    /// It stays, and wants no connection now.
    Parting,
    /// It stays, and needs the place for somebody else.
    Surplus,
}

#[cfg(test)]
mod tests {
    use peerloom_wire::frame::{self, Protocol};

    use super::*;

    fn encoded(message: Message) -> Vec<u8> {
        frame::encode(Protocol::Link, &message).unwrap().to_vec()
    }

    #[test]
    fn golden_bytes() {
        assert_eq!(encoded(Message::Hello { session: SessionId(300) }), [1, 1, 0, 0xac, 2]);
        assert_eq!(encoded(Message::Ping { nonce: 1 }), [1, 1, 1, 1]);
        assert_eq!(encoded(Message::Pong { nonce: 128 }), [1, 1, 2, 0x80, 1]);
        assert_eq!(encoded(Message::Frozen), [1, 1, 3]);
        assert_eq!(encoded(Message::Goodbye { reason: GoodbyeReason::Denied }), [1, 1, 4, 1]);
        assert_eq!(encoded(Message::Goodbye { reason: GoodbyeReason::Parting }), [1, 1, 4, 2]);
        assert_eq!(encoded(Message::Goodbye { reason: GoodbyeReason::Surplus }), [1, 1, 4, 3]);
        let refusal = Message::NotUnderstood { version: 2, protocol: 9 };
        assert_eq!(encoded(refusal), [1, 1, 5, 2, 9]);
    }
}
