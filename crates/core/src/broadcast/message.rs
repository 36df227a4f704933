//! What neighbours say to each other. Byte tables: `docs/protocol/broadcast.md`.

use alloc::vec::Vec;

use bytes::Bytes;
use peerloom_wire::frame::{self, FrameError, Protocol};

use super::post::PostId;

/// The most ids in one message: 4.6 kB of announcements. Longer lists are several messages.
pub(super) const IDS_MAX: usize = 256;

/// The unit of [`Announced::age`].
pub(super) const AGE_UNIT_MS: u64 = 250;

/// A message of the broadcast protocol. Written by hand and not by postcard: so it takes less code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// A post, whole: eager push.
    Gossip {
        /// How many connections it crossed, this one included.
        hops: u8,
        /// The post as its origin signed it.
        post: Bytes,
    },
    /// "I have these": lazy push.
    IHave {
        /// Which.
        entries: Vec<Announced>,
    },
    /// "Send me these, and all that comes from now on." With no id: the latter only.
    Graft {
        /// Which.
        ids: Vec<PostId>,
    },
    /// "Announce to me, send nothing unasked."
    Prune,
    /// "Send so many more bytes of posts."
    Credit {
        /// Counted as in [`charge`](super::flow).
        bytes: u32,
    },
    /// "I have these no more": the answer to a graft that came late.
    Lack {
        /// Which.
        ids: Vec<PostId>,
    },
}

/// A post that a neighbour has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Announced {
    pub(super) id: PostId,
    /// How many connections it would have crossed.
    pub(super) hops: u8,
    /// How long the neighbour has had it, in quarters of a second; 255: that or longer.
    pub(super) age: u8,
}

const GOSSIP: u8 = 0;
const I_HAVE: u8 = 1;
const GRAFT: u8 = 2;
const PRUNE: u8 = 3;
const LACK: u8 = 4;
const CREDIT: u8 = 5;

/// An id in a list.
pub(super) const ID_BYTES: usize = 16;

/// Id, hops and age.
pub(super) const ENTRY_BYTES: usize = ID_BYTES + 2;

impl Message {
    /// Encodes the message as a frame. It fits: posts and lists are bounded far below a frame.
    pub(crate) fn encode(&self) -> Bytes {
        let mut frame = frame::header(Protocol::Broadcast).to_vec();
        match self {
            Self::Gossip { hops, post } => {
                frame.extend_from_slice(&[GOSSIP, *hops]);
                frame.extend_from_slice(post);
            }
            Self::IHave { entries } => {
                frame.push(I_HAVE);
                for Announced { id, hops, age } in entries {
                    frame.extend_from_slice(&id.0);
                    frame.extend_from_slice(&[*hops, *age]);
                }
            }
            Self::Graft { ids } => put_ids(&mut frame, GRAFT, ids),
            Self::Prune => frame.push(PRUNE),
            Self::Lack { ids } => put_ids(&mut frame, LACK, ids),
            Self::Credit { bytes } => {
                frame.push(CREDIT);
                frame.extend_from_slice(&bytes.to_be_bytes());
            }
        }
        frame.into()
    }

    /// Decodes the body of a frame.
    pub(crate) fn decode(body: &Bytes) -> Result<Self, FrameError> {
        let (&kind, rest) = body.split_first().ok_or(FrameError::Malformed)?;
        let message = match kind {
            GOSSIP => rest.split_first().map(|(&hops, post)| {
                let post = body.slice_ref(post);
                Self::Gossip { hops, post }
            }),
            I_HAVE => take_entries(rest).map(|entries| Self::IHave { entries }),
            GRAFT => take_ids(rest).map(|ids| Self::Graft { ids }),
            PRUNE => rest.is_empty().then_some(Self::Prune),
            LACK => take_ids(rest).map(|ids| Self::Lack { ids }),
            CREDIT => {
                rest.try_into().ok().map(|bytes| Self::Credit { bytes: u32::from_be_bytes(bytes) })
            }
            _ => return Err(FrameError::UnknownMessage { protocol: Protocol::Broadcast }),
        };
        message.ok_or(FrameError::Malformed)
    }
}

fn put_ids(frame: &mut Vec<u8>, kind: u8, ids: &[PostId]) {
    frame.push(kind);
    ids.iter().for_each(|id| frame.extend_from_slice(&id.0));
}

fn take_ids(rest: &[u8]) -> Option<Vec<PostId>> {
    let (ids, []) = rest.as_chunks() else { return None };
    (ids.len() <= IDS_MAX).then(|| ids.iter().map(|id| PostId(*id)).collect())
}

fn take_entries(rest: &[u8]) -> Option<Vec<Announced>> {
    let (entries, []) = rest.as_chunks::<ENTRY_BYTES>() else { return None };
    if entries.len() > IDS_MAX {
        return None;
    }
    let read = |entry: &[u8; ENTRY_BYTES]| {
        let (id, rest) = entry.split_first_chunk()?;
        let &[hops, age] = rest else { return None };
        Some(Announced { id: PostId(*id), hops, age })
    };
    entries.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: PostId = PostId([7; 16]);

    fn decoded(frame: &Bytes) -> Result<Message, FrameError> {
        let (protocol, body) = frame::decode(frame).unwrap();
        assert_eq!(protocol, Protocol::Broadcast);
        Message::decode(&frame.slice_ref(body))
    }

    fn golden(message: &Message, bytes: &[u8]) {
        let frame = message.encode();
        assert_eq!(&frame[..2], [1, 8]);
        assert_eq!(&frame[2..], bytes);
        assert_eq!(decoded(&frame), Ok(message.clone()));
    }

    #[test]
    fn golden_bytes() {
        golden(
            &Message::Gossip { hops: 3, post: Bytes::from_static(b"post") },
            &[0, 3, b'p', b'o', b's', b't'],
        );
        let entries = vec![Announced { id: ID, hops: 2, age: 9 }];
        golden(&Message::IHave { entries }, &[&[1][..], &[7; 16], &[2, 9]].concat());
        golden(&Message::Graft { ids: vec![ID] }, &[&[2][..], &[7; 16]].concat());
        golden(&Message::Graft { ids: Vec::new() }, &[2]);
        golden(&Message::Prune, &[3]);
        golden(&Message::Lack { ids: vec![ID] }, &[&[4][..], &[7; 16]].concat());
        golden(&Message::Credit { bytes: 65_537 }, &[5, 0, 1, 0, 1]);
    }

    #[test]
    fn what_is_cut_too_long_or_unknown_is_not_a_message() {
        let decode = |bytes: &[u8]| Message::decode(&Bytes::copy_from_slice(bytes));
        for bytes in [&[][..], &[0], &[1, 5], &[2, 1, 2], &[3, 0], &[5, 1, 2, 3]] {
            assert_eq!(decode(bytes), Err(FrameError::Malformed), "{bytes:?}");
        }
        let too_many = [&[2][..], &[1; 16 * (IDS_MAX + 1)]].concat();
        assert_eq!(decode(&too_many), Err(FrameError::Malformed));
        let too_many = [&[1][..], &[1; ENTRY_BYTES * (IDS_MAX + 1)]].concat();
        assert_eq!(decode(&too_many), Err(FrameError::Malformed));
        let unknown = FrameError::UnknownMessage { protocol: Protocol::Broadcast };
        assert_eq!(decode(&[9]), Err(unknown));
    }

    #[test]
    fn the_longest_list_fits_a_frame() {
        let ids = vec![ID; IDS_MAX];
        let entries = vec![Announced { id: ID, hops: 1, age: 1 }; IDS_MAX];
        for message in [Message::Graft { ids: ids.clone() }, Message::Lack { ids }] {
            assert_eq!(decoded(&message.encode()), Ok(message));
        }
        let message = Message::IHave { entries };
        assert_eq!(decoded(&message.encode()), Ok(message));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = Message::decode(&bytes.into());
        }
    }
}
