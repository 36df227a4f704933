//! Signalling envelopes: what peers say to each other before they are connected, signed end to
//! end, whoever carries it.
//!
//! An envelope names its sender by key and run, its receiver by peer id and run, and its place by a
//! number that grows. So one that is tampered with, replayed, or meant for somebody else (also for
//! an earlier run of the same tab) is told from a good one.
//!
//! Signatures are made and checked elsewhere: here is what is to be signed, and what is claimed.

use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;
use peerloom_crypto::{Claim, PublicKey, SIGNATURE_BYTES, Signature};
use serde::{Deserialize, Serialize};

use crate::candidate::{self, Candidate};
use crate::id::{AppId, PeerId, RunId, SessionId};

/// The most bytes in an envelope. An offer with two data channels has about 800; the rest is room
/// for many candidates.
pub const ENVELOPE_BYTES_MAX: usize = 16_384;

/// The version of the envelopes that this crate speaks.
pub const ENVELOPE_VERSION: u8 = 2;

/// The sequence number of a goodbye: it is a run's last word, and may be signed long before.
pub const SEQUENCE_LAST: u64 = u64::MAX;

/// How long after its start a run is believed: longer than any tab is expected to stay open. Guess.
const RUN_MS_MAX: u64 = 30 * 24 * 3600 * 1000;

/// How far the clocks of two peers may differ. Guess: a clock that is a day off breaks the web's own
/// certificates.
const CLOCK_SKEW_MS_MAX: u64 = 24 * 3600 * 1000;

/// Separates this signature from all others that a peer's key makes.
const CONTEXT: &[u8] = b"peerloom envelope 2\0";

/// Whom an envelope is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Recipient {
    /// Whoever hears it.
    Everyone,
    /// A peer of which nothing but the id is known.
    Peer(PeerId),
    /// One run of a peer.
    Run(PeerId, RunId),
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
    /// A message of one application to the other.
    Message {
        /// Counts the sender's messages: the same one may come by several ways.
        number: u64,
        /// The run of the receiver that it is for. Another one takes it for a question: which?
        to_run: Option<RunId>,
        /// In which room it is said: a hash of its name.
        room: [u8; 16],
        /// When, by the sender's clock, in milliseconds since the Unix epoch.
        sent_ms: u64,
        /// The application's own.
        payload: Bytes,
    },
    /// What became of a message.
    Receipt {
        /// Which.
        number: u64,
        /// The run that sent it: each counts from the beginning.
        to_run: RunId,
        /// What became of it.
        outcome: Outcome,
    },
}

/// What became of a message at the peer that it was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The application has it.
    Delivered,
    /// It is to be sent again to the run that says so: this one can't tell it from a replay.
    RunWanted,
    /// The application is not in that room, or takes no such message there.
    Absent,
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
    from: PublicKey,
    run: RunId,
    to: Recipient,
    sequence: u64,
    signal: Signal,
}

/// What an envelope says, and who.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Who sent it.
    pub from: PeerId,
    /// Which run of the sender.
    pub run: RunId,
    /// Grows with each envelope of a run; [`SEQUENCE_LAST`] in the last one.
    pub sequence: u64,
    /// Whether it is for whoever hears it, or for us alone.
    pub to_everyone: bool,
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
    /// The sender's run began too long ago, or begins later, by more than a day.
    #[error("the envelope is of a run that ended or is to come")]
    Expired,
}

/// Who reads envelopes.
#[derive(Clone, Copy, Debug)]
pub struct Reader {
    /// Which application.
    pub app: AppId,
    /// Our id.
    pub peer: PeerId,
    /// Our run.
    pub run: RunId,
}

/// Who writes envelopes.
#[derive(Clone, Copy, Debug)]
pub struct Writer {
    /// Which application.
    pub app: AppId,
    /// Our key.
    pub key: PublicKey,
    /// Our run.
    pub run: RunId,
}

/// An envelope that wants only its sender's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsigned(Bytes);

/// An envelope that its sender is said to have signed. What it says is not to be believed before
/// [`Self::claim`] was found true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unverified {
    /// What it says.
    pub envelope: Envelope,
    /// What has to be true.
    pub claim: Claim,
}

impl Unsigned {
    /// Encodes an envelope. The sequence number must be greater than all before.
    ///
    /// # Errors
    /// [`EnvelopeError::TooLarge`] if the signal does not fit.
    pub fn new(
        writer: &Writer,
        to: Recipient,
        sequence: u64,
        signal: Signal,
    ) -> Result<Self, EnvelopeError> {
        let Writer { app, key, run } = *writer;
        let body = Body { app, from: key, run, to, sequence, signal };
        let mut payload = CONTEXT.to_vec();
        payload.push(ENVELOPE_VERSION);
        let payload = postcard::to_extend(&body, payload).map_err(|_| EnvelopeError::Malformed)?;
        let bytes = payload.len() - CONTEXT.len() + SIGNATURE_BYTES;
        if bytes > ENVELOPE_BYTES_MAX {
            return Err(EnvelopeError::TooLarge);
        }
        Ok(Self(payload.into()))
    }

    /// Returns what the sender has to sign.
    #[must_use]
    pub fn payload(&self) -> Bytes {
        self.0.clone()
    }

    /// Returns the envelope as it is sent.
    #[must_use]
    pub fn sign_with(&self, signature: &Signature) -> Bytes {
        [&self.0.slice(CONTEXT.len()..), &signature.0[..]].concat().into()
    }
}

/// Decodes an envelope and finds out whether it is for this reader.
///
/// # Errors
/// [`EnvelopeError`], see there.
pub fn read(bytes: &[u8], reader: &Reader, unix_ms: u64) -> Result<Unverified, EnvelopeError> {
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
    let from = PeerId(body.from.fingerprint());
    if from == reader.peer {
        return Err(EnvelopeError::Own);
    }
    let is_ours = match body.to {
        Recipient::Everyone => true,
        Recipient::Peer(peer) => peer == reader.peer,
        Recipient::Run(peer, run) => peer == reader.peer && run == reader.run,
    };
    if !is_ours {
        return Err(EnvelopeError::OtherRecipient);
    }
    let began_ms = body.run.began_ms();
    if began_ms > unix_ms.saturating_add(CLOCK_SKEW_MS_MAX)
        || unix_ms > began_ms.saturating_add(RUN_MS_MAX + CLOCK_SKEW_MS_MAX)
    {
        return Err(EnvelopeError::Expired);
    }
    let to_everyone = body.to == Recipient::Everyone;
    let Body { run, sequence, signal, from: key, .. } = body;
    let payload = [CONTEXT, signed].concat();
    let claim = Claim { key, payload, signature: Signature(*signature) };
    Ok(Unverified { envelope: Envelope { from, run, sequence, to_everyone, signal }, claim })
}

#[cfg(test)]
#[path = "envelope_tests.rs"]
mod tests;
