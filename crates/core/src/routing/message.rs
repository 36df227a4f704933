//! What carriers say to each other. Byte tables: `docs/protocol/routing.md`.

use alloc::boxed::Box;

use bytes::Bytes;
use peerloom_wire::envelope::Outcome;
use peerloom_wire::frame::{self, FRAME_HEADER_BYTES, FrameError, Protocol};
use peerloom_wire::{PeerId, RunId};

use crate::event::Undelivered;

/// A message of the routing protocol.
///
/// Written by hand and not by postcard: its fields are of fixed length, and that takes a third of the
/// code (2 KB of WASM less).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// An envelope on its way to a peer that its source is not connected to.
    Carry(Box<Carry>),
    /// "I could not bring it any nearer": back to whom it came from.
    Undeliverable {
        /// Which copy.
        id: MessageId,
        /// Why.
        reason: Undelivered,
        /// What is left of its steps: somebody else may be tried.
        steps_left: u8,
    },
    /// A message of whose connection this is, to whom it goes to.
    Direct(Box<Direct>),
    /// What became of a message of whom it goes to.
    Receipt(Receipt),
}

/// One copy of an envelope on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Carry {
    /// What is in the envelope, as far as carriers are to know.
    pub(super) kind: Kind,
    /// Tells the copies apart that the source sends by several carriers.
    pub(super) copy: u8,
    /// How often this copy may still be handed on, in its whole search.
    pub(super) steps_left: u8,
    /// Who sends it, as the envelope will prove to its target. Carriers take it on trust.
    pub(crate) source: PeerId,
    /// Whom it is for.
    pub(super) target: PeerId,
    /// The envelope: signed from end to end, never read or changed on the way.
    pub(super) envelope: Bytes,
}

/// A message on the connection between its sender and its receiver: who says it is proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Direct {
    /// The sender's run.
    pub(super) run: RunId,
    /// Names it among those of this run.
    pub(super) number: u64,
    /// When it was sent, by the sender's clock in milliseconds since the Unix epoch.
    pub(super) sent_ms: u64,
    /// In which room.
    pub(super) room: [u8; 16],
    pub(super) payload: Bytes,
}

/// What the receiver of a message says to its sender on their connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Receipt {
    /// The run that sent the message.
    pub(super) to_run: RunId,
    pub(super) number: u64,
    /// Never [`Outcome::RunWanted`]: a connection is between two runs.
    pub(super) outcome: Outcome,
}

/// Names one copy of one envelope on its way: the first eight bytes of SHA-256 over copy, source,
/// target and envelope. Nobody can use it up for another envelope, since nobody chooses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MessageId(pub(super) [u8; 8]);

/// What is in an envelope. The number is that of the message on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// Two peers arrange a connection.
    Signal = 0,
    /// A message of an application, to which a receipt comes. It leaves room for signals.
    Message = 2,
    /// The receipt for one.
    Receipt = 3,
}

impl Message {
    /// Encodes the message as a frame. It fits: the longest envelope is a quarter of one.
    pub(crate) fn encode(&self) -> Bytes {
        const HEADER: [u8; FRAME_HEADER_BYTES] = frame::header(Protocol::Routing);
        let frame = match self {
            Self::Carry(carry) => {
                let Carry { kind, copy, steps_left, source, target, envelope } = &**carry;
                let first = [*kind as u8, *copy, *steps_left];
                [&HEADER, &first[..], &source.0, &target.0, envelope].concat()
            }
            Self::Undeliverable { id, reason, steps_left } => {
                [&HEADER, &[1][..], &id.0, &[*reason as u8, *steps_left]].concat()
            }
            Self::Direct(direct) => {
                let Direct { run, number, sent_ms, room, payload } = &**direct;
                let numbers = [run.0, *number, *sent_ms].map(u64::to_be_bytes);
                [&HEADER, &[4][..], numbers.as_flattened(), room, payload].concat()
            }
            Self::Receipt(Receipt { to_run, number, outcome }) => {
                let numbers = [to_run.0, *number].map(u64::to_be_bytes);
                [&HEADER, &[5][..], numbers.as_flattened(), &[*outcome as u8]].concat()
            }
        };
        frame.into()
    }

    /// Decodes the body of a frame.
    pub(crate) fn decode(body: &Bytes) -> Result<Self, FrameError> {
        let malformed = FrameError::Malformed;
        match body.split_first() {
            Some((number @ (0 | 2 | 3), rest)) => {
                let ([copy, steps_left], rest) = rest.split_first_chunk().ok_or(malformed)?;
                let (ends, envelope) =
                    rest.split_first_chunk::<64>().ok_or(FrameError::Malformed)?;
                let (&[source, target], _) = ends.as_chunks() else {
                    return Err(FrameError::Malformed);
                };
                let kind = match number {
                    0 => Kind::Signal,
                    2 => Kind::Message,
                    _ => Kind::Receipt,
                };
                Ok(Self::Carry(Box::new(Carry {
                    kind,
                    copy: *copy,
                    steps_left: *steps_left,
                    source: PeerId(source),
                    target: PeerId(target),
                    envelope: Bytes::copy_from_slice(envelope),
                })))
            }
            Some((1, rest)) => {
                let (id, rest) = rest.split_first_chunk().ok_or(malformed)?;
                let &[reason, steps_left] = rest else { return Err(FrameError::Malformed) };
                let reason = match reason {
                    0 => Undelivered::NoRoute,
                    1 => Undelivered::Expired,
                    2 => Undelivered::Refused,
                    3 => Undelivered::RateLimited,
                    _ => return Err(FrameError::Malformed),
                };
                Ok(Self::Undeliverable { id: MessageId(*id), reason, steps_left })
            }
            Some((4, rest)) => {
                let (run, rest) = take_number(rest)?;
                let (number, rest) = take_number(rest)?;
                let (sent_ms, rest) = take_number(rest)?;
                let (room, payload) = rest.split_first_chunk().ok_or(malformed)?;
                let (run, room, payload) = (RunId(run), *room, Bytes::copy_from_slice(payload));
                Ok(Self::Direct(Box::new(Direct { run, number, sent_ms, room, payload })))
            }
            Some((5, rest)) => {
                let (run, rest) = take_number(rest)?;
                let (number, rest) = take_number(rest)?;
                let outcome = match rest {
                    [0] => Outcome::Delivered,
                    [2] => Outcome::Absent,
                    _ => return Err(malformed),
                };
                Ok(Self::Receipt(Receipt { to_run: RunId(run), number, outcome }))
            }
            Some(_) => Err(FrameError::UnknownMessage { protocol: Protocol::Routing }),
            None => Err(malformed),
        }
    }
}

/// Splits off a number.
fn take_number(bytes: &[u8]) -> Result<(u64, &[u8]), FrameError> {
    let (number, rest) = bytes.split_first_chunk().ok_or(FrameError::Malformed)?;
    Ok((u64::from_be_bytes(*number), rest))
}

impl Carry {
    pub(super) fn id(&self) -> MessageId {
        let parts = [&[self.copy], &self.source.0[..], &self.target.0, &self.envelope].concat();
        let [a, b, c, d, e, f, g, h, ..] = peerloom_crypto::sha256(&parts);
        MessageId([a, b, c, d, e, f, g, h])
    }
}

impl MessageId {
    /// Returns a point that is even over messages: who is nearest to it differs from one to the next.
    pub(super) const fn point(self) -> PeerId {
        let [a, ..] = self.0;
        PeerId([a; 32])
    }
}

#[cfg(test)]
mod tests {
    use peerloom_wire::envelope::ENVELOPE_BYTES_MAX;
    use peerloom_wire::frame;
    use proptest::prelude::*;

    use super::super::MESSAGE_BYTES_MAX;
    use super::*;

    fn decoded(frame: &Bytes) -> Result<Message, FrameError> {
        let (_, body) = frame::decode(frame)?;
        Message::decode(&frame.slice_ref(body))
    }

    fn golden(message: &Message, parts: &[&[u8]]) {
        let expected = [&[1, 4][..], &parts.concat()].concat();
        assert_eq!(message.encode(), expected);
        assert_eq!(decoded(&expected.into()).as_ref(), Ok(message));
    }

    fn carry(envelope: Vec<u8>) -> Message {
        let (source, target) = (PeerId([5; 32]), PeerId([6; 32]));
        let (kind, envelope) = (Kind::Signal, envelope.into());
        Message::Carry(Box::new(Carry { kind, copy: 2, steps_left: 23, source, target, envelope }))
    }

    #[test]
    fn golden_bytes() {
        golden(&carry(vec![7; 300]), &[&[0, 2, 23], &[5; 32], &[6; 32], &[7; 300]]);
        for (number, kind) in [(2, Kind::Message), (3, Kind::Receipt)] {
            let Message::Carry(mut message) = carry(vec![7]) else { unreachable!() };
            message.kind = kind;
            golden(&Message::Carry(message), &[&[number, 2, 23], &[5; 32], &[6; 32], &[7]]);
        }
        use Undelivered::{Expired, NoRoute, RateLimited, Refused};
        let reasons = [NoRoute, Expired, Refused, RateLimited];
        for (number, reason) in (0..).zip(reasons) {
            let id = MessageId([1, 2, 3, 4, 5, 6, 7, 8]);
            let message = Message::Undeliverable { id, reason, steps_left: 9 };
            golden(&message, &[&[1, 1, 2, 3, 4, 5, 6, 7, 8, number, 9]]);
        }
    }

    fn direct(payload: Vec<u8>) -> Message {
        let (room, payload) = ([8; 16], payload.into());
        Message::Direct(Box::new(Direct { run: RunId(1), number: 2, sent_ms: 259, room, payload }))
    }

    #[test]
    fn golden_bytes_on_the_connection_of_the_two() {
        let numbers =
            [[0, 0, 0, 0, 0, 0, 0, 1], [0, 0, 0, 0, 0, 0, 0, 2], [0, 0, 0, 0, 0, 0, 1, 3]];
        let numbers = numbers.as_flattened();
        golden(&direct(vec![7; 300]), &[&[4], numbers, &[8; 16], &[7; 300]]);
        golden(&direct(vec![]), &[&[4], numbers, &[8; 16]]);
        for (number, outcome) in [(0, Outcome::Delivered), (2, Outcome::Absent)] {
            let message = Message::Receipt(Receipt { to_run: RunId(1), number: 2, outcome });
            golden(&message, &[&[5], &numbers[..16], &[number]]);
        }
    }

    #[test]
    fn the_longest_envelope_and_the_longest_message_fit_a_frame() {
        for message in [carry(vec![0; ENVELOPE_BYTES_MAX]), direct(vec![0; MESSAGE_BYTES_MAX])] {
            assert!(frame::decode(&message.encode()).is_ok());
        }
    }

    #[test]
    fn a_newer_message_is_told_from_garbage() {
        let unknown = FrameError::UnknownMessage { protocol: Protocol::Routing };
        assert_eq!(Message::decode(&Bytes::from_static(&[6])), Err(unknown));
        let run_wanted = [&[5][..], &[0; 16], &[1]].concat();
        for garbage in [
            &[][..],
            &[0],
            &[2],
            &[0; 66],
            &[1; 10],
            &[1; 12],
            &[1, 1, 2, 3, 4, 5, 6, 7, 8, 4, 9],
            &[4; 40],
            &[5; 17],
            &run_wanted,
        ] {
            let garbage = Bytes::copy_from_slice(garbage);
            assert_eq!(Message::decode(&garbage), Err(FrameError::Malformed), "{garbage:?}");
        }
    }

    #[test]
    fn every_part_of_a_message_makes_its_id() {
        let (a, b) = (PeerId([1; 32]), PeerId([2; 32]));
        let id = |copy, source, target, byte| {
            let envelope = Bytes::copy_from_slice(&[byte]);
            Carry { kind: Kind::Signal, copy, steps_left: 9, source, target, envelope }.id()
        };
        let ids = [id(0, a, b, 1), id(1, a, b, 1), id(0, b, a, 1), id(0, a, b, 2)];
        let differ = |n: usize| ids.iter().filter(|id| **id == ids[n]).count() == 1;
        assert!((0..ids.len()).all(differ), "{ids:?}");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = Message::decode(&bytes.into());
        }

        #[test]
        fn a_perturbed_message_is_another_or_none(at in 0usize..80, flip in 1u8..) {
            for message in [carry(vec![3; 20]), direct(vec![3; 48])] {
            let mut frame = message.encode().to_vec();
            let index = 2 + at % (frame.len() - 2);
            frame[index] ^= flip;
            prop_assert_ne!(decoded(&frame.into()).ok(), Some(message));
            }
        }
    }
}
