use peerloom_crypto::{CertificateRequest, IdentityKey};
use proptest::prelude::*;

use super::*;
use crate::candidate::CANDIDATES_MAX;

struct Someone {
    certificate: Certificate,
    key: SessionKey,
}

fn someone(seed: u8) -> Someone {
    let identity = IdentityKey::from_seed([seed; 32]);
    let key = SessionKey::from_seed([seed + 100; 32]);
    let request = CertificateRequest {
        identity: identity.public_key(),
        session: key.public_key(),
        issued_ms: 1_000,
    };
    let certificate = request.sign_with(identity.sign(&request.payload())).unwrap();
    Someone { certificate, key }
}

impl Someone {
    fn id(&self) -> PeerId {
        PeerId(self.certificate.peer_id())
    }

    fn reader(&self) -> Reader {
        let session = self.certificate.session;
        Reader { app: AppId::from_name("test"), peer: self.id(), session }
    }

    fn seal(&self, to: Recipient, signal: Signal) -> Bytes {
        seal(AppId::from_name("test"), self.certificate, &self.key, to, 7, signal).unwrap()
    }
}

fn candidate(text: &str) -> Candidate {
    Candidate { candidate: text.into(), sdp_mid: Some("0".into()), sdp_mline_index: Some(0) }
}

fn offer() -> Signal {
    let candidates = vec![candidate("candidate:1")];
    Signal::Offer { session: SessionId(5), sdp: "v=0".into(), candidates, restart: false }
}

fn open_as(bytes: &[u8], who: &Someone) -> Result<Envelope, EnvelopeError> {
    open(bytes, &who.reader(), 2_000, |_| false)
}

#[test]
fn an_envelope_reads_back_for_its_receiver_only() {
    let (alice, bob, carol) = (someone(1), someone(2), someone(3));
    let to = Recipient::Session(bob.id(), bob.certificate.session);
    let bytes = alice.seal(to, offer());
    let envelope = open_as(&bytes, &bob).unwrap();
    assert_eq!((envelope.from, envelope.sequence), (alice.id(), 7));
    assert_eq!(envelope.signal, offer());
    assert_eq!(open_as(&bytes, &carol), Err(EnvelopeError::OtherRecipient));
    assert_eq!(open_as(&bytes, &alice), Err(EnvelopeError::Own));
}

#[test]
fn an_envelope_for_an_earlier_run_of_a_tab_is_refused_by_the_next() {
    let (alice, bob) = (someone(1), someone(2));
    let to = Recipient::Session(bob.id(), someone(9).certificate.session);
    assert_eq!(open_as(&alice.seal(to, offer()), &bob), Err(EnvelopeError::OtherRecipient));
}

#[test]
fn another_application_hears_nothing() {
    let (alice, bob) = (someone(1), someone(2));
    let bytes = alice.seal(Recipient::Everyone, offer());
    let reader = Reader { app: AppId::from_name("other"), ..bob.reader() };
    assert_eq!(open(&bytes, &reader, 2_000, |_| false), Err(EnvelopeError::OtherApp));
}

#[test]
fn a_stolen_certificate_does_not_help() {
    let (alice, bob, mallory) = (someone(1), someone(2), someone(3));
    let app = AppId::from_name("test");
    let forged =
        seal(app, alice.certificate, &mallory.key, Recipient::Everyone, 1, offer()).unwrap();
    assert_eq!(open_as(&forged, &bob), Err(EnvelopeError::Signature));
}

#[test]
fn a_known_certificate_is_not_verified_again_but_the_signature_is() {
    let (alice, bob) = (someone(1), someone(2));
    let broken = Certificate { signature: Signature([1; 64]), ..alice.certificate };
    let app = AppId::from_name("test");
    let bytes = seal(app, broken, &alice.key, Recipient::Everyone, 1, offer()).unwrap();
    assert!(open(&bytes, &bob.reader(), 2_000, |_| true).is_ok());
    let refused = Err(EnvelopeError::Certificate(CertificateError::Signature));
    assert_eq!(open_as(&bytes, &bob), refused);
}

#[test]
fn an_envelope_over_the_bound_is_neither_made_nor_read() {
    let alice = someone(1);
    let sdp = "x".repeat(ENVELOPE_BYTES_MAX);
    let signal = Signal::Answer { session: SessionId(1), sdp, candidates: vec![] };
    let app = AppId::from_name("test");
    let made = seal(app, alice.certificate, &alice.key, Recipient::Everyone, 1, signal);
    assert_eq!(made, Err(EnvelopeError::TooLarge));
    assert_eq!(open_as(&[1; ENVELOPE_BYTES_MAX + 1], &alice), Err(EnvelopeError::TooLarge));
}

#[test]
fn an_envelope_carries_so_many_candidates_and_no_more() {
    let (alice, bob) = (someone(1), someone(2));
    for (count, is_read) in [(CANDIDATES_MAX, true), (CANDIDATES_MAX + 1, false)] {
        let candidates = vec![candidate("candidate:1"); count];
        let signal = Signal::Candidates { session: SessionId(1), candidates };
        let bytes = alice.seal(Recipient::Everyone, signal);
        assert_eq!(open_as(&bytes, &bob).is_ok(), is_read, "{count}");
    }
}

#[test]
fn golden_bytes_of_the_signals_of_a_negotiation() {
    let (session, sdp) = (SessionId(300), || "v=0".to_owned());
    let candidates = || vec![candidate("c")];
    let encoded = |signal| postcard::to_allocvec::<Signal>(&signal).unwrap();
    // session 300, "c", Some("0"), Some(0)
    let one = [1, 1, b'c', 1, 1, b'0', 1, 0];
    let offer = Signal::Offer { session, sdp: sdp(), candidates: candidates(), restart: true };
    let text = [3, b'v', b'=', b'0'];
    assert_eq!(encoded(offer), [&[1, 0xac, 2][..], &text, &one, &[1]].concat());
    let answer = Signal::Answer { session, sdp: sdp(), candidates: vec![] };
    assert_eq!(encoded(answer), [&[2, 0xac, 2][..], &text, &[0]].concat());
    let trickled = Signal::Candidates { session, candidates: candidates() };
    assert_eq!(encoded(trickled), [&[3, 0xac, 2][..], &one].concat());
    assert_eq!(encoded(Signal::RestartWanted { session }), [4, 0xac, 2]);
}

#[test]
fn golden_bytes() {
    let bytes = someone(1).seal(Recipient::Everyone, Signal::Announce { answer_wanted: true });
    assert_eq!(bytes[0], ENVELOPE_VERSION);
    let digest: String =
        peerloom_crypto::sha256(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let golden = "2d8561f0ae12cad151740e48a6b90006ae1e55d663f5ad334eb6a414f4c80fb8";
    assert_eq!((bytes.len(), digest.as_str()), (278, golden));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn one_changed_byte_is_always_noticed(index in 0usize..300, change in 1u8..) {
        let (alice, bob) = (someone(1), someone(2));
        let mut bytes = alice.seal(Recipient::Peer(bob.id()), offer()).to_vec();
        let index = index % bytes.len();
        bytes[index] ^= change;
        prop_assert!(open_as(&bytes, &bob).is_err());
    }

    #[test]
    fn no_bytes_panic(bytes: Vec<u8>) {
        let _ = open_as(&bytes, &someone(1));
    }
}
