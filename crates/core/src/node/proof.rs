//! Signatures on their way: the key is outside, so making and checking one is a question with an
//! answer that comes later, as with storage.

use alloc::boxed::Box;

use bytes::Bytes;
use peerloom_crypto::{Claim, Signature};
use peerloom_wire::PeerId;
use peerloom_wire::envelope::{Envelope, Signal, Unsigned};

use super::Node;
use super::route::Step;
use crate::event::SignalPath;
use crate::io::{Output, ProofId, ServerId};
use crate::map::Map;
use crate::time::Now;
use crate::{broadcast, content, discovery, pex, rendezvous, routing};

/// The most envelopes whose signatures are being checked; further ones are dropped. A second's work
/// of WebCrypto at 60 µs each is 16,000; a mesh of eight has 60 under way at once.
const HEARD_MAX: usize = 256;

/// What a signature is for.
#[derive(Debug)]
pub(super) enum Proof {
    /// An envelope that is sent once it is signed, over connected peers too if it says to whom.
    Envelope { unsigned: Unsigned, carried_to: Option<PeerId> },
    /// A message of that number, or a receipt: carried, once it is signed.
    Letter { unsigned: Unsigned, target: PeerId, number: Option<u64> },
    /// The goodbye of this run, to be kept until it is needed.
    Goodbye(Unsigned),
    /// An announcement for those whom servers introduce. `is_alone`: it says that nobody is connected.
    Introduction { unsigned: Unsigned, is_alone: bool },
    /// The answer to a server's challenge, of so many.
    Registration { server: ServerId, attempt: u32 },
    /// An envelope that arrived, and how.
    Heard { envelope: Box<Envelope>, path: SignalPath, hops: u8 },
    /// A manifest of ours, or of somebody else.
    Content(content::ProofId),
    /// A record of ours, or of somebody else.
    Pex,
    /// A post of ours.
    Post,
    /// A post of somebody else.
    Posted { check: u64 },
}

/// The signatures that are being made or checked.
#[derive(Debug, Default)]
pub(super) struct Proofs {
    last: u64,
    /// At most [`HEARD_MAX`] of those that arrived; of our own as many as the protocols' bounds
    /// allow to ask for.
    open: Map<ProofId, Proof>,
}

impl Proofs {
    fn insert(&mut self, proof: Proof) -> ProofId {
        self.last += 1;
        let id = ProofId(self.last);
        self.open.insert(id, proof);
        id
    }

    /// Forgets what belongs to a run that ends. A goodbye that is not signed yet goes out late.
    fn end_run(&mut self) {
        for (id, proof) in core::mem::take(&mut self.open) {
            match proof {
                Proof::Goodbye(unsigned) => {
                    self.open.insert(id, Proof::Envelope { unsigned, carried_to: None });
                }
                Proof::Content(_) => {
                    self.open.insert(id, proof);
                }
                Proof::Envelope { .. }
                | Proof::Letter { .. }
                | Proof::Introduction { .. }
                | Proof::Registration { .. }
                | Proof::Heard { .. }
                | Proof::Pex
                | Proof::Post
                | Proof::Posted { .. } => {}
            }
        }
    }

    /// Returns how many answers are outstanding.
    pub(super) const fn len(&self) -> usize {
        self.open.len()
    }
}

impl Node {
    pub(super) fn sign(&mut self, proof: Proof, payload: Bytes) {
        let id = self.proofs.insert(proof);
        self.outputs.push_back(Output::Sign { id, payload });
    }

    pub(super) fn verify(&mut self, proof: Proof, claim: Claim) {
        let id = self.proofs.insert(proof);
        self.outputs.push_back(Output::Verify { id, claim });
    }

    /// An envelope arrived. Whatever can be found out without its signature is found out first.
    /// `claimed`: from whom the one who brings it says that it is.
    #[inline(never)]
    pub(super) fn on_envelope(
        &mut self,
        now: Now,
        bytes: &[u8],
        (path, claimed): (SignalPath, Option<PeerId>),
        hops: u8,
    ) {
        if !self.discovery.is_running() {
            return;
        }
        let Some(unverified) = self.signer.read(bytes, now.unix_ms) else { return };
        let envelope = unverified.envelope;
        if claimed.is_some_and(|claimed| claimed != envelope.from) {
            return self.signer.count("signal.misnamed");
        }
        if self.trust.is_banned(now, envelope.from) {
            return self.signer.count("signal.banned");
        }
        let is_news = match &envelope.signal {
            signal @ (Signal::Message { .. } | Signal::Receipt { .. }) => {
                self.routing.is_wanted(envelope.from, envelope.run, signal)
            }
            _ => self.discovery.is_news(&envelope),
        };
        if !is_news {
            return;
        }
        let heard = self.proofs.open.values().filter(|proof| matches!(proof, Proof::Heard { .. }));
        if heard.count() >= HEARD_MAX {
            return self.signer.count("signal.overflow");
        }
        self.verify(Proof::Heard { envelope: Box::new(envelope), path, hops }, unverified.claim);
    }

    #[inline(never)]
    pub(super) fn on_signed(&mut self, now: Now, id: ProofId, signature: Option<Signature>) {
        // Answered twice, or of a run that ended.
        let Some(proof) = self.proofs.open.remove(&id) else { return };
        match (proof, signature) {
            (Proof::Envelope { unsigned, carried_to }, Some(signature)) => {
                let bytes = unsigned.sign_with(&signature);
                if let Some(target) = carried_to {
                    let is_carried = self.routing.is_carried(now, target);
                    let (to, envelope) = (target, bytes.clone());
                    let input = rendezvous::Input::Send { to, envelope, is_carried };
                    self.steps.push_back(Step::Rendezvous(input));
                    let input = routing::Input::Send { target, envelope: bytes.clone() };
                    self.steps.push_back(Step::Routing(input));
                }
                self.send_envelope(bytes);
            }
            (Proof::Letter { unsigned, target, number }, signature) => {
                let envelope = signature.map(|signature| unsigned.sign_with(&signature));
                let input = routing::Input::Sealed { target, number, envelope };
                self.steps.push_back(Step::Routing(input));
            }
            (Proof::Introduction { unsigned, is_alone }, signature) => {
                let envelope = signature.map(|signature| unsigned.sign_with(&signature));
                let input = rendezvous::Input::Announced { envelope, is_alone };
                self.steps.push_back(Step::Rendezvous(input));
            }
            (Proof::Registration { server, attempt }, signature) => {
                let input = rendezvous::Input::Signed { server, attempt, signature };
                self.steps.push_back(Step::Rendezvous(input));
            }
            (Proof::Goodbye(unsigned), Some(signature)) => {
                self.signer.keep_goodbye(unsigned.sign_with(&signature));
            }
            (Proof::Content(proof), signature) => {
                let input = content::Input::Signed { proof, signature };
                self.steps.push_back(Step::Content(input));
            }
            (Proof::Pex, signature) => {
                self.steps.push_back(Step::Pex(pex::Input::Signed { signature }));
            }
            (Proof::Post, signature) => {
                let input = broadcast::Input::Signed { signature };
                self.steps.push_back(Step::Broadcast(input));
            }
            (Proof::Envelope { .. } | Proof::Goodbye(_), None) => {
                self.signer.count("signal.unsigned");
            }
            (Proof::Heard { .. } | Proof::Posted { .. }, _) => {
                self.bug("a signature for what was to be checked")
            }
        }
    }

    #[inline(never)]
    pub(super) fn on_verified(&mut self, now: Now, id: ProofId, holds: bool) {
        // Answered twice, or of a run that ended.
        let Some(proof) = self.proofs.open.remove(&id) else { return };
        match proof {
            Proof::Heard { .. } if !holds => self.signer.count("signal.bad_signature"),
            // Banned while the signature was checked.
            Proof::Heard { envelope, .. } if self.trust.is_banned(now, envelope.from) => {
                self.signer.count("signal.banned");
            }
            Proof::Heard { envelope, path, hops } => {
                self.signer.count("signal.received");
                if path == SignalPath::Peers {
                    let input = rendezvous::Input::Carried { from: envelope.from };
                    self.steps.push_back(Step::Rendezvous(input));
                }
                let is_ours = match envelope.signal {
                    Signal::Message { to_run, .. } => Some(to_run == Some(self.signer.run())),
                    Signal::Receipt { to_run, .. } => Some(to_run == self.signer.run()),
                    _ => None,
                };
                let step = match is_ours {
                    None => Step::Discovery(discovery::Input::Heard { envelope, path }),
                    Some(is_ours) => {
                        let Envelope { from, run, signal, .. } = *envelope;
                        let opened = routing::Input::Opened { from, run, signal, is_ours, hops };
                        Step::Routing(opened)
                    }
                };
                self.steps.push_back(step);
            }
            Proof::Content(proof) => {
                self.steps.push_back(Step::Content(content::Input::Verified { proof, holds }));
            }
            Proof::Pex => {
                self.steps.push_back(Step::Pex(pex::Input::Verified { holds }));
            }
            Proof::Posted { check } => {
                let input = broadcast::Input::Verified { check, holds };
                self.steps.push_back(Step::Broadcast(input));
            }
            Proof::Envelope { .. }
            | Proof::Letter { .. }
            | Proof::Introduction { .. }
            | Proof::Registration { .. }
            | Proof::Goodbye(_)
            | Proof::Post => self.bug("a check of what was to be signed"),
        }
    }

    /// The last word of a run. It has to be out when this returns: the page may be gone then.
    pub(super) fn say_goodbye(&mut self) {
        if let Some(bytes) = self.signer.take_goodbye() {
            self.send_envelope(bytes);
        }
        self.proofs.end_run();
    }

    fn send_envelope(&mut self, bytes: Bytes) {
        self.signer.count("signal.sent");
        self.outputs.push_back(Output::Signal { bytes });
    }
}
