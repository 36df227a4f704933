//! What carriers say to each other. Byte tables: `docs/protocol/routing.md`.

use bytes::Bytes;
use peerloom_wire::PeerId;
use serde::{Deserialize, Serialize};

/// A message of the routing protocol. The order of the variants is on the wire: only append.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Message {
    /// An envelope on its way to a peer that its source is not connected to.
    Carry {
        /// Tells the copies apart that the source sends by several carriers.
        copy: u8,
        /// How often this copy may still be handed on, in its whole search.
        steps_left: u8,
        /// Who sends it, as the envelope will prove to its target. Carriers take it on trust.
        source: PeerId,
        /// Whom it is for.
        target: PeerId,
        /// The envelope: signed from end to end, never read or changed on the way.
        envelope: Bytes,
    },
    /// "I could not bring it any nearer": back to whom it came from.
    Undeliverable {
        /// Which copy.
        id: MessageId,
        /// Why.
        reason: Reason,
        /// What is left of its steps: somebody else may be tried.
        steps_left: u8,
    },
}

/// Names one copy of one envelope on its way: the first eight bytes of SHA-256 over copy, source,
/// target and envelope. Nobody can use it up for another envelope, since nobody chooses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MessageId(pub(super) [u8; 8]);

/// Why an envelope was not brought nearer. The order is on the wire, and the later ones say more
/// than those before: of several reasons the last is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Reason {
    /// Nobody is left to hand it to.
    NoRoute,
    /// It was handed on as often as it may be.
    Expired,
    /// The carrier wants nothing of its source.
    Refused,
    /// Its source, or who handed it over, sends too much.
    RateLimited,
}

impl MessageId {
    pub(super) fn of(copy: u8, source: PeerId, target: PeerId, envelope: &[u8]) -> Self {
        let named = [&[copy], &source.0[..], &target.0, envelope].concat();
        let [a, b, c, d, e, f, g, h, ..] = peerloom_crypto::sha256(&named);
        Self([a, b, c, d, e, f, g, h])
    }

    /// A number that is even over messages: who is tried first differs from one to the next.
    pub(super) const fn dice(self) -> usize {
        let [low, high, ..] = self.0;
        u16::from_le_bytes([low, high]) as usize
    }
}

impl Reason {
    /// What a person is told.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::NoRoute => "no connected peer knows a way to it",
            Self::Expired => "it is too far away",
            Self::Refused => "a peer on the way refuses to carry for us",
            Self::RateLimited => "the peers on the way have too much to carry",
        }
    }
}

#[cfg(test)]
mod tests {
    use peerloom_wire::frame::{self, FrameError, Protocol};
    use proptest::prelude::*;

    use super::*;

    fn golden(message: &Message, parts: &[&[u8]]) {
        let expected = [&[1, 4][..], &parts.concat()].concat();
        let encoded = frame::encode(Protocol::Routing, message).unwrap();
        assert_eq!(encoded, expected);
        let (protocol, body) = frame::decode(&expected).unwrap();
        assert_eq!(frame::decode_body::<Message>(protocol, body).as_ref(), Ok(message));
    }

    fn carry(envelope: Vec<u8>) -> Message {
        let (source, target) = (PeerId([5; 32]), PeerId([6; 32]));
        Message::Carry { copy: 2, steps_left: 23, source, target, envelope: envelope.into() }
    }

    #[test]
    fn golden_bytes() {
        golden(&carry(vec![7; 300]), &[&[0, 2, 23], &[5; 32], &[6; 32], &[0xac, 2], &[7; 300]]);
        let reasons = [Reason::NoRoute, Reason::Expired, Reason::Refused, Reason::RateLimited];
        for (number, reason) in (0..).zip(reasons) {
            let id = MessageId([1, 2, 3, 4, 5, 6, 7, 8]);
            let message = Message::Undeliverable { id, reason, steps_left: 9 };
            golden(&message, &[&[1, 1, 2, 3, 4, 5, 6, 7, 8, number, 9]]);
        }
    }

    #[test]
    fn the_longest_envelope_fits_a_frame() {
        let longest = vec![0; peerloom_wire::envelope::ENVELOPE_BYTES_MAX];
        assert!(frame::encode(Protocol::Routing, &carry(longest)).is_ok());
    }

    #[test]
    fn a_newer_message_is_told_from_garbage() {
        let unknown = FrameError::UnknownMessage { protocol: Protocol::Routing };
        assert_eq!(frame::decode_body::<Message>(Protocol::Routing, &[2]), Err(unknown));
        let cut = frame::decode_body::<Message>(Protocol::Routing, &[0, 0]);
        assert_eq!(cut, Err(FrameError::Malformed));
    }

    #[test]
    fn every_part_of_a_message_makes_its_id() {
        let (a, b) = (PeerId([1; 32]), PeerId([2; 32]));
        let ids = [
            MessageId::of(0, a, b, &[1]),
            MessageId::of(1, a, b, &[1]),
            MessageId::of(0, b, a, &[1]),
            MessageId::of(0, a, b, &[2]),
        ];
        let differ = |n: usize| ids.iter().filter(|id| **id == ids[n]).count() == 1;
        assert!((0..ids.len()).all(differ), "{ids:?}");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = frame::decode_body::<Message>(Protocol::Routing, &bytes);
        }

        #[test]
        fn a_perturbed_message_is_another_or_none(at in 0usize..80, flip in 1u8..) {
            let message = carry(vec![3; 20]);
            let mut frame = frame::encode(Protocol::Routing, &message).unwrap().to_vec();
            let index = 2 + at % (frame.len() - 2);
            frame[index] ^= flip;
            let decoded = frame::decode_body::<Message>(Protocol::Routing, &frame[2..]);
            prop_assert_ne!(decoded.ok(), Some(message));
        }
    }
}
