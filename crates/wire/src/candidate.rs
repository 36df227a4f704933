//! ICE candidates, as many as one envelope may carry.

use alloc::string::String;
use alloc::vec::Vec;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// The most candidates of one side of an attempt, and so of an envelope; a host has a few per
/// interface. Some 150 bytes each.
pub const CANDIDATES_MAX: usize = 32;

/// An ICE candidate as `RTCIceCandidate` describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The candidate attribute.
    pub candidate: String,
    /// The media stream's identification tag.
    pub sdp_mid: Option<String>,
    /// The index of the media description.
    pub sdp_mline_index: Option<u16>,
}

/// Reads a list of at most [`CANDIDATES_MAX`].
pub(crate) fn read_bounded<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Candidate>, D::Error> {
    let candidates = Vec::<Candidate>::deserialize(from)?;
    if candidates.len() > CANDIDATES_MAX {
        return Err(D::Error::custom("too many candidates"));
    }
    Ok(candidates)
}
