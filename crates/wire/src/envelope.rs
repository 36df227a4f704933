//! Signalling envelopes: what peers say to each other before they are connected, signed end to
//! end, whoever carries it.
//!
//! An envelope names its sender by certificate, its receiver by peer id and session key, and its
//! place by a number that grows. So one that is tampered with, replayed, or meant for somebody
//! else (also for an earlier run of the same tab) is told from a good one without a clock.

use bytes::Bytes;
use peerloom_crypto::{Certificate, CertificateError, SessionKey, SessionPublicKey, Signature};
use serde::{Deserialize, Serialize};

use crate::candidate::{self, Candidate};
use crate::id::{AppId, PeerId, SessionId};

/// The most bytes in an envelope. An offer with two data channels has about 800; the rest is room
/// for many candidates.
pub const ENVELOPE_BYTES_MAX: usize = 16_384;

/// The version of the envelopes that this crate speaks.
pub const ENVELOPE_VERSION: u8 = 1;

/// Separates this signature from all others that a session key makes.
const CONTEXT: &[u8] = b"peerloom envelope 1\0";

/// Whom an envelope is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Recipient {
    /// Whoever hears it.
    Everyone,
    /// A peer of which nothing but the id is known.
    Peer(PeerId),
    /// One run of a peer, named by its session key.
    Session(PeerId, SessionPublicKey),
}

/// What an envelope says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Signal {
    /// "I am here."
    Announce {
        /// Whether those who hear it and don't connect are to announce themselves in return.
        answer_wanted: bool,
    },
    /// A session description that asks for a connection, or for new candidates on one.
    Offer {
        /// The attempt.
        session: SessionId,
        /// The session description; it carries the DTLS fingerprint.
        sdp: String,
        /// What was gathered by now: RFC 8838's half trickle.
        #[serde(deserialize_with = "candidate::read_bounded")]
        candidates: Vec<Candidate>,
        /// Whether it restarts ICE on a connection that exists.
        restart: bool,
    },
    /// The session description that accepts an offer.
    Answer {
        /// The attempt.
        session: SessionId,
        /// The session description; it carries the DTLS fingerprint.
        sdp: String,
        /// What was gathered by now.
        #[serde(deserialize_with = "candidate::read_bounded")]
        candidates: Vec<Candidate>,
    },
    /// Trickled ICE candidates (RFC 8838).
    Candidates {
        /// The attempt.
        session: SessionId,
        /// In the order in which they were gathered.
        #[serde(deserialize_with = "candidate::read_bounded")]
        candidates: Vec<Candidate>,
    },
    /// The answerer saw the transport fail and asks the offerer to restart ICE.
    RestartWanted {
        /// The attempt.
        session: SessionId,
    },
    /// An offer is turned down.
    Reject {
        /// The attempt.
        session: SessionId,
        /// Why.
        reason: RejectReason,
    },
    /// "I am gone."
    Goodbye,
}

/// Why an offer is turned down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RejectReason {
    /// As many connections as allowed are open.
    Full,
    /// The sender is not wanted.
    Denied,
    /// The connection that was to be restarted is not known any more.
    UnknownSession,
}

/// The signed part of an envelope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Body {
    app: AppId,
    from: Certificate,
    to: Recipient,
    sequence: u64,
    signal: Signal,
}

/// A verified envelope. The only way to one is [`open`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Who sent it, proved.
    pub from: PeerId,
    /// The sender's certificate.
    pub certificate: Certificate,
    /// Grows with each envelope of a session key.
    pub sequence: u64,
    /// What it says.
    pub signal: Signal,
}

/// Why an envelope is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Over the bound; nothing inside was looked at.
    #[error("the envelope is over the limit of {ENVELOPE_BYTES_MAX} bytes")]
    TooLarge,
    /// Another version.
    #[error("the envelope has an unknown version")]
    UnknownVersion,
    /// It does not decode.
    #[error("the envelope is malformed")]
    Malformed,
    /// It belongs to another application.
    #[error("the envelope belongs to another application")]
    OtherApp,
    /// It is for somebody else, or for an earlier run of this peer.
    #[error("the envelope is for somebody else")]
    OtherRecipient,
    /// It is our own.
    #[error("the envelope is our own")]
    Own,
    /// The certificate does not hold.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// It was changed on the way.
    #[error("the envelope's signature is wrong")]
    Signature,
}

/// Who opens envelopes.
#[derive(Clone, Copy, Debug)]
pub struct Reader {
    /// Which application.
    pub app: AppId,
    /// Our id.
    pub peer: PeerId,
    /// Our session key.
    pub session: SessionPublicKey,
}

/// Signs and encodes an envelope. The sequence number must be greater than all before.
///
/// # Errors
/// [`EnvelopeError::TooLarge`] if the signal does not fit.
pub fn seal(
    app: AppId,
    from: Certificate,
    key: &SessionKey,
    to: Recipient,
    sequence: u64,
    signal: Signal,
) -> Result<Bytes, EnvelopeError> {
    let body = Body { app, from, to, sequence, signal };
    let mut bytes =
        postcard::to_extend(&body, vec![ENVELOPE_VERSION]).map_err(|_| EnvelopeError::Malformed)?;
    let signature = key.sign(&signed_bytes(&bytes));
    bytes.extend_from_slice(&signature.0);
    if bytes.len() > ENVELOPE_BYTES_MAX { Err(EnvelopeError::TooLarge) } else { Ok(bytes.into()) }
}

/// Decodes an envelope and proves its sender. `is_known` tells certificates that were verified
/// before, to save the second signature check.
///
/// Cheap checks come first: what is not for us costs no signature check.
///
/// # Errors
/// [`EnvelopeError`], see there.
pub fn open(
    bytes: &[u8],
    reader: &Reader,
    unix_ms: u64,
    is_known: impl FnOnce(&Certificate) -> bool,
) -> Result<Envelope, EnvelopeError> {
    if bytes.len() > ENVELOPE_BYTES_MAX {
        return Err(EnvelopeError::TooLarge);
    }
    let (signed, signature) = bytes.split_last_chunk().ok_or(EnvelopeError::Malformed)?;
    let (version, encoded) = signed.split_first().ok_or(EnvelopeError::Malformed)?;
    if *version != ENVELOPE_VERSION {
        return Err(EnvelopeError::UnknownVersion);
    }
    let Ok((body, [])) = postcard::take_from_bytes::<Body>(encoded) else {
        return Err(EnvelopeError::Malformed);
    };
    if body.app != reader.app {
        return Err(EnvelopeError::OtherApp);
    }
    let from = PeerId(body.from.peer_id());
    if from == reader.peer {
        return Err(EnvelopeError::Own);
    }
    let is_ours = match body.to {
        Recipient::Everyone => true,
        Recipient::Peer(peer) => peer == reader.peer,
        Recipient::Session(peer, session) => peer == reader.peer && session == reader.session,
    };
    if !is_ours {
        return Err(EnvelopeError::OtherRecipient);
    }
    body.from.check_dates(unix_ms)?;
    if !is_known(&body.from) {
        body.from.verify()?;
    }
    let signature = Signature(*signature);
    let verified = body.from.session.verify(&signed_bytes(signed), &signature);
    verified.map_err(|_| EnvelopeError::Signature)?;
    Ok(Envelope { from, certificate: body.from, sequence: body.sequence, signal: body.signal })
}

fn signed_bytes(body: &[u8]) -> Vec<u8> {
    [CONTEXT, body].concat()
}

#[cfg(test)]
#[path = "envelope_tests.rs"]
mod tests;
