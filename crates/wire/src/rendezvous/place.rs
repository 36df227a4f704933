//! What the name of a swarm gives to its peers and not to a server: its tag, and the key of all that
//! goes through.

use peerloom_crypto::{hmac_sha256, sha256};

use crate::id::Tag;

/// How much longer bytes are when sealed: the nonce of AES-GCM before, and its tag after them.
pub const SEALING_BYTES: usize = 12 + 16;

const TAG_CONTEXT: &[u8] = b"peerloom rendezvous tag 1\0";
const SEAL_CONTEXT: &[u8] = b"peerloom rendezvous seal 1\0";

/// Where the peers of a swarm meet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// What a server knows it by.
    pub tag: Tag,
    /// The AES-256-GCM key of what its peers say to each other through a server: a random nonce of 12
    /// bytes, then what was sealed, with no additional data.
    pub key: [u8; 32],
}

impl Place {
    /// Derives both from the name of the swarm: HMAC-SHA-256 under the SHA-256 of the name. They are
    /// as hard to guess as the name, so a room of a link has the link's secret in it.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let root = sha256(name.as_bytes());
        Self { tag: Tag(hmac_sha256(&root, TAG_CONTEXT)), key: hmac_sha256(&root, SEAL_CONTEXT) }
    }
}

/// Says where, not how to listen in.
impl core::fmt::Debug for Place {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.tag.fmt(f)
    }
}
