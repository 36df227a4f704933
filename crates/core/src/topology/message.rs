//! What neighbours say to each other to keep the graph in shape. Byte tables:
//! `docs/protocol/topology.md`.

use alloc::vec::Vec;

use bytes::Bytes;
use peerloom_wire::PeerId;
use peerloom_wire::frame::{self, FrameError, Protocol};

/// The most peers in a shuffle: three of the active and four of the passive view (HyParView,
/// section 5.1), and as many again for those who will want more.
pub(super) const SHUFFLED_MAX: usize = 14;

/// A message of the topology protocol. Written by hand and not by postcard: so it takes less code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// How the sender stands: whenever that changed.
    Status(Status),
    /// "Somebody wants connections": on its way to one who has room.
    Walk(Walk),
    /// Some peers that the sender knows.
    Shuffle {
        /// Whether some are wanted in return.
        answer_wanted: bool,
        /// Neither sender nor receiver are among them.
        peers: Vec<PeerId>,
    },
}

/// How a peer stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Status {
    /// How many connections it has.
    pub(super) used: u8,
    /// How many of them it could do without.
    pub(super) spare: u8,
    /// How many more it has room for.
    pub(super) room: u8,
    /// Whether this connection is one to a neighbour by id, which it would make anew.
    pub(super) keep: bool,
}

/// A wish for a connection on its way: HyParView's `FORWARDJOIN`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Walk {
    /// How often it may still be handed on.
    pub(super) steps_left: u8,
    /// Who wants a connection. Unproved: who ends the walk makes an offer, and the answer proves it.
    pub(super) origin: PeerId,
    /// To whose neighbourhood it goes: the first eight bytes of an id. Those of `origin` itself, if it
    /// looks for its nearest.
    pub(super) point: u64,
}

impl Message {
    /// Encodes the message as a frame. It fits: a shuffle has some 450 bytes.
    pub(crate) fn encode(&self) -> Bytes {
        let mut frame = frame::header(Protocol::Topology).to_vec();
        match self {
            Self::Status(Status { used, spare, room, keep }) => {
                frame.extend_from_slice(&[0, *used, *spare, *room, u8::from(*keep)]);
            }
            Self::Walk(Walk { steps_left, origin, point }) => {
                frame.extend_from_slice(&[1, *steps_left]);
                frame.extend_from_slice(&origin.0);
                frame.extend_from_slice(&point.to_be_bytes());
            }
            Self::Shuffle { answer_wanted, peers } => {
                frame.extend_from_slice(&[2, u8::from(*answer_wanted)]);
                peers.iter().for_each(|peer| frame.extend_from_slice(&peer.0));
            }
        }
        frame.into()
    }

    /// Decodes the body of a frame.
    pub(crate) fn decode(body: &[u8]) -> Result<Self, FrameError> {
        let malformed = FrameError::Malformed;
        let (&kind, rest) = body.split_first().ok_or(FrameError::Malformed)?;
        match (kind, rest) {
            (0, &[used, spare, room, keep @ (0 | 1)]) => {
                Ok(Self::Status(Status { used, spare, room, keep: keep == 1 }))
            }
            (1, rest) => {
                let ([steps_left], rest) = rest.split_first_chunk().ok_or(malformed)?;
                let (origin, rest) = rest.split_first_chunk().ok_or(FrameError::Malformed)?;
                let point = rest.try_into().map_err(|_| FrameError::Malformed)?;
                Ok(Self::Walk(Walk {
                    steps_left: *steps_left,
                    origin: PeerId(*origin),
                    point: u64::from_be_bytes(point),
                }))
            }
            (2, [answer_wanted @ (0 | 1), rest @ ..]) => {
                let (ids, []) = rest.as_chunks() else { return Err(malformed) };
                let peers = ids.iter().map(|id| PeerId(*id)).collect();
                Ok(Self::Shuffle { answer_wanted: *answer_wanted == 1, peers })
            }
            (0 | 2, _) => Err(malformed),
            _ => Err(FrameError::UnknownMessage { protocol: Protocol::Topology }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decoded(frame: &[u8]) -> Result<Message, FrameError> {
        Message::decode(frame::decode(frame)?.1)
    }

    fn golden(message: &Message, parts: &[&[u8]]) {
        let expected = [&[1, 5][..], &parts.concat()].concat();
        assert_eq!(message.encode(), expected);
        assert_eq!(decoded(&expected).as_ref(), Ok(message));
    }

    fn walk() -> Message {
        let point = 0x0102_0304_0506_0708;
        Message::Walk(Walk { steps_left: 11, origin: PeerId([9; 32]), point })
    }

    fn shuffle(count: usize) -> Message {
        Message::Shuffle { answer_wanted: true, peers: vec![PeerId([3; 32]); count] }
    }

    #[test]
    fn golden_bytes() {
        let status = Status { used: 7, spare: 1, room: 2, keep: true };
        golden(&Message::Status(status), &[&[0, 7, 1, 2, 1]]);
        golden(&walk(), &[&[1, 11], &[9; 32], &[1, 2, 3, 4, 5, 6, 7, 8]]);
        golden(&shuffle(2), &[&[2, 1], &[3; 64]]);
        golden(&Message::Shuffle { answer_wanted: false, peers: Vec::new() }, &[&[2, 0]]);
    }

    #[test]
    fn a_newer_message_is_told_from_garbage() {
        let unknown = FrameError::UnknownMessage { protocol: Protocol::Topology };
        assert_eq!(Message::decode(&[3]), Err(unknown));
        let garbage: [&[u8]; 9] = [
            &[],
            &[0],
            &[0, 1, 1, 1],
            &[0, 1, 1, 1, 2],
            &[0, 1, 1, 1, 1, 1],
            &[1; 41],
            &[1; 43],
            &[2],
            &[2, 0, 1],
        ];
        for garbage in garbage {
            assert_eq!(Message::decode(garbage), Err(FrameError::Malformed), "{garbage:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = Message::decode(&bytes);
        }

        #[test]
        fn a_perturbed_message_is_another_or_none(at in 2usize..44, flip in 1u8..) {
            for message in [walk(), shuffle(2)] {
                let mut frame = message.encode().to_vec();
                frame[at] ^= flip;
                prop_assert_ne!(decoded(&frame).ok(), Some(message));
            }
        }
    }
}
