//! Posts: what travels. A post is signed by its origin and names the topic, so that whoever hands it
//! on, and not only who reads it, can tell that it is nobody else's.

use alloc::vec::Vec;

use bytes::Bytes;
use peerloom_crypto::{Claim, PublicKey, Signature, sha256};
use peerloom_wire::{AppId, PeerId, RunId};

/// The most bytes of data that an application may send at once. More is a content, of which a swarm
/// carries as many copies as are wanted, not one to each peer.
pub const DATA_BYTES_MAX: usize = 32 << 10;

/// What data is charged in a post beside itself: its length.
pub(super) const ITEM_HEADER_BYTES: usize = 2;

/// What a post has before its body: key, signature, topic, run, number, date, kind.
pub(super) const POST_HEADER_BYTES: usize = 65 + 64 + 16 + 8 + 4 + 8 + 1;

/// The most bytes in a post: half a frame.
pub(super) const POST_BYTES_MAX: usize = POST_HEADER_BYTES + ITEM_HEADER_BYTES + DATA_BYTES_MAX;

/// Separates this signature from all others that an identity key makes.
const CONTEXT: &[u8] = b"peerloom post 1\0";

/// Separates names of topics from all else that is hashed.
const TOPIC_CONTEXT: &[u8] = b"peerloom topic 1\0";

/// The first 16 bytes of SHA-256 over a whole post, its signature included: nobody can make another
/// post of that name, so that one with a wrong signature never takes the place of the right one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PostId(pub(crate) [u8; 16]);

/// The first 16 bytes of SHA-256 over the application and a room's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Topic(pub(super) [u8; 16]);

/// What a post is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Data of the application, several items perhaps.
    Data,
    /// "I am in the room, and say so again after so many seconds."
    Present,
    /// "I am in the room no more."
    Left,
    /// Of a newer version: handed on, not understood.
    Other,
}

const DATA: u8 = 0;
const PRESENT: u8 = 1;
const LEFT: u8 = 2;

/// What a post says beside its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) topic: Topic,
    /// Of the origin.
    pub(super) run: RunId,
    /// Counts the posts of the origin's run.
    pub(super) number: u32,
    /// By the origin's clock.
    pub(super) sent_ms: u64,
    pub(super) kind: Kind,
}

/// A post that was read; its signature is still to be checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Post {
    pub(super) key: PublicKey,
    pub(super) signature: Signature,
    pub(super) head: Head,
    pub(super) body: Bytes,
    /// All of it.
    pub(super) bytes: Bytes,
}

impl PostId {
    pub(super) fn of(post: &[u8]) -> Self {
        Self(first_half(sha256(post)))
    }
}

impl Topic {
    pub(super) fn named(app: AppId, name: &str) -> Self {
        Self(first_half(sha256(&[TOPIC_CONTEXT, &app.0, name.as_bytes()].concat())))
    }
}

impl Kind {
    const fn of(byte: u8) -> Self {
        match byte {
            DATA => Self::Data,
            PRESENT => Self::Present,
            LEFT => Self::Left,
            _ => Self::Other,
        }
    }

    const fn byte(self) -> u8 {
        match self {
            Self::Data => DATA,
            Self::Present => PRESENT,
            Self::Left => LEFT,
            Self::Other => u8::MAX,
        }
    }
}

impl Head {
    /// Returns what is signed of a post, but for its context: head and body.
    pub(super) fn signed_part(&self, body: &[u8]) -> Vec<u8> {
        [
            &self.topic.0[..],
            &self.run.0.to_be_bytes(),
            &self.number.to_be_bytes(),
            &self.sent_ms.to_be_bytes(),
            &[self.kind.byte()],
            body,
        ]
        .concat()
    }
}

impl Post {
    /// Reads a post.
    pub(super) fn read(bytes: &Bytes) -> Option<Self> {
        let (key, rest) = bytes.split_first_chunk()?;
        let (signature, rest) = rest.split_first_chunk()?;
        let (topic, rest) = rest.split_first_chunk()?;
        let (run, rest) = rest.split_first_chunk()?;
        let (number, rest) = rest.split_first_chunk()?;
        let (sent_ms, rest) = rest.split_first_chunk()?;
        let (&kind, body) = rest.split_first()?;
        let head = Head {
            topic: Topic(*topic),
            run: RunId(u64::from_be_bytes(*run)),
            number: u32::from_be_bytes(*number),
            sent_ms: u64::from_be_bytes(*sent_ms),
            kind: Kind::of(kind),
        };
        Some(Self {
            key: PublicKey(*key),
            signature: Signature(*signature),
            head,
            body: bytes.slice_ref(body),
            bytes: bytes.clone(),
        })
    }

    /// Returns who is said to have written it.
    pub(super) fn origin(&self) -> PeerId {
        PeerId(self.key.fingerprint())
    }

    /// Returns what has to hold for it to be the origin's word.
    pub(super) fn claim(&self, app: AppId) -> Claim {
        let signed = self.bytes.get(65 + 64..).unwrap_or_default();
        Claim { key: self.key, payload: payload(app, signed), signature: self.signature }
    }
}

/// Returns the bytes that an origin's key signs. A post is of one application, whose name is signed
/// along and not sent.
pub(super) fn payload(app: AppId, signed_part: &[u8]) -> Vec<u8> {
    [CONTEXT, &app.0, signed_part].concat()
}

/// Makes the bytes that travel.
pub(super) fn sign_with(key: &PublicKey, signature: &Signature, signed_part: &[u8]) -> Bytes {
    [&key.0[..], &signature.0, signed_part].concat().into()
}

/// Adds an item to a body of data. It fits: [`DATA_BYTES_MAX`].
pub(super) fn put_item(body: &mut Vec<u8>, data: &[u8]) {
    body.extend_from_slice(&u16::try_from(data.len()).unwrap_or(u16::MAX).to_be_bytes());
    body.extend_from_slice(data);
}

/// Splits a body into its items; what is cut off is dropped.
pub(super) fn items(body: &Bytes) -> Vec<Bytes> {
    let mut items = Vec::new();
    let mut rest = &body[..];
    while let Some((length, after)) = rest.split_first_chunk()
        && let Some((item, after)) = after.split_at_checked(u16::from_be_bytes(*length).into())
    {
        items.push(body.slice_ref(item));
        rest = after;
    }
    items
}

fn first_half(hash: [u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(hash.split_at(16).0);
    half
}

#[cfg(test)]
mod tests {
    use peerloom_crypto::IdentityKey;
    use proptest::prelude::*;

    use super::*;

    fn app() -> AppId {
        AppId::from_name("test")
    }

    fn head() -> Head {
        let topic = Topic::named(app(), "room");
        Head { topic, run: RunId(5 << 16), number: 7, sent_ms: 1_000, kind: Kind::Data }
    }

    fn signed(body: &[u8]) -> Bytes {
        let key = IdentityKey::from_seed([1; 32]);
        let part = head().signed_part(body);
        sign_with(&key.public_key(), &key.sign(&payload(app(), &part)), &part)
    }

    #[test]
    fn golden_bytes() {
        let bytes = signed(b"\x00\x02hi");
        assert_eq!(bytes.len(), POST_HEADER_BYTES + 4);
        let tail: &[u8] =
            &[0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 3, 0xe8, 0, 0, 2, b'h', b'i'];
        assert_eq!(&bytes[65 + 64 + 16..], tail);
        assert_eq!(bytes[65 + 64..][..4], Topic::named(app(), "room").0[..4]);
    }

    #[test]
    fn a_post_reads_back_and_its_claim_holds() {
        let post = Post::read(&signed(b"\x00\x02hi")).unwrap();
        assert_eq!(post.head, head());
        assert_eq!(items(&post.body), [Bytes::from_static(b"hi")]);
        assert!(post.claim(app()).holds());
        assert!(!post.claim(AppId::from_name("other")).holds());
    }

    #[test]
    fn topics_are_apart_by_application_and_by_name() {
        let topic = Topic::named(app(), "room");
        assert_ne!(topic, Topic::named(app(), "room2"));
        assert_ne!(topic, Topic::named(AppId::from_name("other"), "room"));
    }

    proptest! {
        #[test]
        fn a_post_with_one_byte_changed_has_another_name_and_does_not_hold(
            at: prop::sample::Index,
            flip in 1u8..,
        ) {
            let good = signed(b"\x00\x02hi");
            let mut bytes = good.to_vec();
            let index = at.index(bytes.len());
            bytes[index] ^= flip;
            prop_assert_ne!(PostId::of(&bytes), PostId::of(&good));
            let holds = Post::read(&bytes.into()).is_some_and(|post| post.claim(app()).holds());
            prop_assert!(!holds);
        }

        #[test]
        fn items_come_back(data: Vec<Vec<u8>>) {
            let mut body = Vec::new();
            data.iter().for_each(|item| put_item(&mut body, item));
            prop_assert_eq!(items(&body.into()), data);
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let bytes = Bytes::from(bytes);
            items(&bytes);
            let _ = Post::read(&bytes);
        }
    }
}
