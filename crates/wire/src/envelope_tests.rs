use peerloom_crypto::IdentityKey;
use proptest::prelude::*;

use super::*;
use crate::candidate::CANDIDATES_MAX;

/// The clock at the start of everybody's run.
const BEGAN_MS: u64 = 1_800_000_000_000;

fn key(seed: u8) -> IdentityKey {
    IdentityKey::from_seed([seed; 32])
}

fn id(seed: u8) -> PeerId {
    PeerId(key(seed).public_key().fingerprint())
}

fn run(seed: u8) -> RunId {
    RunId::after(RunId(u64::from(seed)), BEGAN_MS)
}

fn writer(seed: u8) -> Writer {
    Writer { app: AppId::from_name("test"), key: key(seed).public_key(), run: run(seed) }
}

fn reader(seed: u8) -> Reader {
    Reader { app: AppId::from_name("test"), peer: id(seed), run: run(seed) }
}

fn seal(seed: u8, to: Recipient, signal: Signal) -> Bytes {
    let unsigned = Unsigned::new(&writer(seed), to, 7, signal).unwrap();
    let signature = key(seed).sign(&unsigned.payload());
    unsigned.sign_with(&signature)
}

fn candidate(text: &str) -> Candidate {
    Candidate { candidate: text.into(), sdp_mid: Some("0".into()), sdp_mline_index: Some(0) }
}

fn offer() -> Signal {
    let candidates = vec![candidate("candidate:1")];
    Signal::Offer { session: SessionId(5), sdp: "v=0".into(), candidates, restart: false }
}

fn read_as(bytes: &[u8], seed: u8) -> Result<Unverified, EnvelopeError> {
    read(bytes, &reader(seed), BEGAN_MS)
}

#[test]
fn an_envelope_reads_back_for_its_receiver_only() {
    let bytes = seal(1, Recipient::Run(id(2), run(2)), offer());
    let Unverified { envelope, claim } = read_as(&bytes, 2).unwrap();
    assert_eq!((envelope.from, envelope.run, envelope.sequence), (id(1), run(1), 7));
    assert_eq!(envelope.signal, offer());
    assert!(claim.holds());
    assert_eq!(read_as(&bytes, 3), Err(EnvelopeError::OtherRecipient));
    assert_eq!(read_as(&bytes, 1), Err(EnvelopeError::Own));
}

#[test]
fn an_envelope_for_an_earlier_run_of_a_tab_is_refused_by_the_next() {
    let bytes = seal(1, Recipient::Run(id(2), RunId(run(2).0 - 1)), offer());
    assert_eq!(read_as(&bytes, 2), Err(EnvelopeError::OtherRecipient));
}

#[test]
fn another_application_hears_nothing() {
    let bytes = seal(1, Recipient::Everyone, offer());
    let other = Reader { app: AppId::from_name("other"), ..reader(2) };
    assert_eq!(read(&bytes, &other, BEGAN_MS), Err(EnvelopeError::OtherApp));
}

#[test]
fn a_run_of_long_ago_or_of_the_day_after_tomorrow_is_refused() {
    let bytes = seal(1, Recipient::Everyone, offer());
    let day_ms = 24 * 3600 * 1000;
    let at = |unix_ms| read(&bytes, &reader(2), unix_ms).map(|_| ());
    assert_eq!(at(BEGAN_MS + 30 * day_ms), Ok(()));
    assert_eq!(at(BEGAN_MS + 32 * day_ms), Err(EnvelopeError::Expired));
    assert_eq!(at(BEGAN_MS - day_ms), Ok(()));
    assert_eq!(at(BEGAN_MS - 2 * day_ms), Err(EnvelopeError::Expired));
}

#[test]
fn nobody_speaks_in_the_name_of_another() {
    let unsigned = Unsigned::new(&writer(1), Recipient::Everyone, 1, offer()).unwrap();
    let forged = key(3).sign(&unsigned.payload());
    let read = read_as(&unsigned.sign_with(&forged), 2).unwrap();
    assert_eq!(read.envelope.from, id(1));
    assert!(!read.claim.holds());
}

#[test]
fn an_envelope_over_the_bound_is_neither_made_nor_read() {
    let sdp = "x".repeat(ENVELOPE_BYTES_MAX);
    let signal = Signal::Answer { session: SessionId(1), sdp, candidates: vec![] };
    let made = Unsigned::new(&writer(1), Recipient::Everyone, 1, signal);
    assert_eq!(made, Err(EnvelopeError::TooLarge));
    assert_eq!(read_as(&[2; ENVELOPE_BYTES_MAX + 1], 1), Err(EnvelopeError::TooLarge));
}

#[test]
fn an_envelope_carries_so_many_candidates_and_no_more() {
    for (count, is_read) in [(CANDIDATES_MAX, true), (CANDIDATES_MAX + 1, false)] {
        let candidates = vec![candidate("candidate:1"); count];
        let signal = Signal::Candidates { session: SessionId(1), candidates };
        let bytes = seal(1, Recipient::Everyone, signal);
        assert_eq!(read_as(&bytes, 2).is_ok(), is_read, "{count}");
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
fn golden_bytes_of_messages_and_receipts() {
    let encoded = |signal| postcard::to_allocvec::<Signal>(&signal).unwrap();
    let payload = Bytes::from_static(b"hi");
    let message = |to_run| {
        let (room, payload) = ([9; 16], payload.clone());
        Signal::Message { number: 300, to_run, room, sent_ms: 301, payload }
    };
    let said = [&[9; 16][..], &[0xad, 2, 2, b'h', b'i']].concat();
    assert_eq!(encoded(message(None)), [&[7, 0xac, 2, 0][..], &said].concat());
    assert_eq!(encoded(message(Some(RunId(5)))), [&[7, 0xac, 2, 1, 5][..], &said].concat());
    let outcomes = [Outcome::Delivered, Outcome::RunWanted, Outcome::Absent];
    for (byte, outcome) in (0..).zip(outcomes) {
        let receipt = Signal::Receipt { number: 300, to_run: RunId(5), outcome };
        assert_eq!(encoded(receipt), [8, 0xac, 2, 5, byte]);
    }
}

#[test]
fn golden_bytes() {
    let bytes = seal(1, Recipient::Everyone, Signal::Announce { answer_wanted: true });
    assert_eq!(bytes[0], ENVELOPE_VERSION);
    let digest: String =
        peerloom_crypto::sha256(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let golden = "019403ee9dcda80ef18eaf402e5d7e40270df25ff130ac701499c95513d16a1b";
    assert_eq!((bytes.len(), digest.as_str()), (151, golden));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn one_changed_byte_is_always_noticed(index in 0usize..300, change in 1u8..) {
        let mut bytes = seal(1, Recipient::Peer(id(2)), offer()).to_vec();
        let index = index % bytes.len();
        bytes[index] ^= change;
        prop_assert!(!read_as(&bytes, 2).is_ok_and(|read| read.claim.holds()));
    }

    #[test]
    fn no_bytes_panic(bytes: Vec<u8>) {
        let _ = read_as(&bytes, 1);
    }
}
