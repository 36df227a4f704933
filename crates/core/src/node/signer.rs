//! The node's pen and its reading glasses: addresses and numbers what goes out, reads what comes in.
//! Signatures are made and checked outside: see `proof`.

use bytes::Bytes;
use peerloom_crypto::PublicKey;
use peerloom_wire::envelope::{
    self, EnvelopeError, Reader, Recipient, SEQUENCE_LAST, Signal, Unsigned, Unverified, Writer,
};
use peerloom_wire::{AppId, PeerId, RunId};

use crate::map::Map;

/// Writes and reads envelopes.
#[derive(Debug)]
pub(super) struct Signer {
    app: AppId,
    key: PublicKey,
    peer: PeerId,
    run: RunId,
    sequence: u64,
    /// The goodbye of this run, once it is signed. It is signed at the start, since a page that is
    /// left has no time to wait for a signature.
    goodbye: Option<Bytes>,
    counters: Map<&'static str, u64>,
}

impl Signer {
    pub(super) fn new(app: AppId, key: PublicKey) -> Self {
        Self {
            app,
            key,
            peer: PeerId(key.fingerprint()),
            run: RunId(0),
            sequence: 0,
            goodbye: None,
            counters: Map::new(),
        }
    }

    pub(super) const fn peer(&self) -> PeerId {
        self.peer
    }

    pub(super) const fn run(&self) -> RunId {
        self.run
    }

    /// Begins a run: what is said from here on is told from what was said before. Gives the
    /// goodbye, to be signed.
    pub(super) fn begin_run(&mut self, unix_ms: u64) -> Option<Unsigned> {
        self.run = RunId::after(self.run, unix_ms);
        self.sequence = 0;
        self.goodbye = None;
        let to = Recipient::Everyone;
        Unsigned::new(&self.writer(), to, SEQUENCE_LAST, Signal::Goodbye).ok()
    }

    pub(super) fn keep_goodbye(&mut self, signed: Bytes) {
        self.goodbye = Some(signed);
    }

    /// Returns this run's goodbye, once; `None` too if it is not signed yet.
    pub(super) const fn take_goodbye(&mut self) -> Option<Bytes> {
        self.goodbye.take()
    }

    /// Returns the envelope, or `None` for a signal that does not fit: our own browser made a
    /// description of 16 KB, and the attempt will end by its deadline.
    pub(super) fn write(&mut self, to: Recipient, signal: Signal) -> Option<Unsigned> {
        self.sequence += 1;
        let unsigned = Unsigned::new(&self.writer(), to, self.sequence, signal);
        if unsigned.is_err() {
            self.count("signal.unsendable");
        }
        unsigned.ok()
    }

    /// Returns what an envelope claims if it is for us; else it is counted by its fault.
    pub(super) fn read(&mut self, bytes: &[u8], unix_ms: u64) -> Option<Unverified> {
        let reader = Reader { app: self.app, peer: self.peer, run: self.run };
        match envelope::read(bytes, &reader, unix_ms) {
            Ok(unverified) => Some(unverified),
            Err(error) => {
                self.count(fault_name(error));
                None
            }
        }
    }

    pub(super) const fn counters(&self) -> &Map<&'static str, u64> {
        &self.counters
    }

    pub(super) fn count(&mut self, name: &'static str) {
        self.counters.count(name);
    }

    const fn writer(&self) -> Writer {
        Writer { app: self.app, key: self.key, run: self.run }
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
        EnvelopeError::Expired => "signal.expired",
    }
}
