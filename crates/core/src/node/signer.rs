//! The node's pen and its reading glasses: seals what goes out, opens what comes in.

use bytes::Bytes;
use peerloom_crypto::{Certificate, SessionKey};
use peerloom_wire::envelope::{self, Envelope, EnvelopeError, Reader, Recipient, Signal};
use peerloom_wire::{AppId, PeerId};

use crate::map::Map;

/// Signs envelopes with the session key, and numbers them.
#[derive(Debug)]
pub(super) struct Signer {
    app: AppId,
    certificate: Certificate,
    key: SessionKey,
    sequence: u64,
    counters: Map<&'static str, u64>,
}

impl Signer {
    pub(super) const fn new(app: AppId, certificate: Certificate, key: SessionKey) -> Self {
        Self { app, certificate, key, sequence: 0, counters: Map::new() }
    }

    /// Returns the envelope, or `None` for a signal that does not fit: our own browser made a
    /// description of 16 KB, and the attempt will end by its deadline.
    pub(super) fn seal(&mut self, to: Recipient, signal: Signal) -> Option<Bytes> {
        self.sequence += 1;
        let sealed =
            envelope::seal(self.app, self.certificate, &self.key, to, self.sequence, signal);
        self.count(if sealed.is_ok() { "signal.sent" } else { "signal.unsendable" });
        sealed.ok()
    }

    /// Returns the envelope if it is good and for us; else it is counted by its fault.
    pub(super) fn open(
        &mut self,
        bytes: &[u8],
        unix_ms: u64,
        is_known: impl FnOnce(&Certificate) -> bool,
    ) -> Option<Envelope> {
        let peer = PeerId(self.certificate.peer_id());
        let reader = Reader { app: self.app, peer, session: self.certificate.session };
        match envelope::open(bytes, &reader, unix_ms, is_known) {
            Ok(envelope) => {
                self.count("signal.received");
                Some(envelope)
            }
            Err(error) => {
                self.count(fault_name(error));
                None
            }
        }
    }

    /// Counts an envelope of a banned peer.
    pub(super) fn count_banned(&mut self) {
        self.count("signal.banned");
    }

    pub(super) const fn counters(&self) -> &Map<&'static str, u64> {
        &self.counters
    }

    fn count(&mut self, name: &'static str) {
        *self.counters.entry(name).or_default() += 1;
    }
}

const fn fault_name(error: EnvelopeError) -> &'static str {
    match error {
        EnvelopeError::TooLarge => "signal.too_large",
        EnvelopeError::UnknownVersion => "signal.unknown_version",
        EnvelopeError::Malformed => "signal.malformed",
        EnvelopeError::OtherApp => "signal.other_app",
        EnvelopeError::OtherRecipient => "signal.other_recipient",
        EnvelopeError::Own => "signal.own",
        EnvelopeError::Certificate(_) => "signal.bad_certificate",
        EnvelopeError::Signature => "signal.bad_signature",
    }
}
