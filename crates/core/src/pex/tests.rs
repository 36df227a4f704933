use std::collections::BTreeMap;
use std::sync::Mutex;

use peerloom_crypto::IdentityKey;
use peerloom_wire::record::{self, PeerRecord};
use proptest::prelude::*;

use super::message::{PEERS_MAX, put, take};
use super::neighbour::LISTED_MAX;
use super::*;

pub(super) const SECOND: u64 = 1000;
pub(super) const MINUTE: u64 = 60 * SECOND;
pub(super) const HOUR: u64 = 60 * MINUTE;
pub(super) const DAY: u64 = 24 * HOUR;

/// The wall clock at the start.
pub(super) const EPOCH: u64 = 10 * DAY;

fn at(ms: u64) -> Now {
    Now { mono: Instant::from_micros(ms * 1000), unix_ms: EPOCH + ms }
}

fn app() -> AppId {
    AppId::from_name("test")
}

fn key(seed: u8) -> IdentityKey {
    IdentityKey::from_seed([seed; 32])
}

pub(super) fn peer(seed: u8) -> PeerId {
    PeerId(key(seed).public_key().fingerprint())
}

pub(super) fn record_at(seed: u8, issued_ms: u64) -> Bytes {
    let key = key(seed);
    let record = PeerRecord {
        key: key.public_key(),
        issued_ms,
        protocols: 1,
        roles: 0,
        capabilities: 0,
        connections_max: 8,
    };
    let encoded = record.encode();
    record::sign_with(&encoded, key.sign(&record::payload(app(), &encoded)))
}

/// Signing and checking take milliseconds without optimisation, so each is done once.
static RECORDS: Mutex<BTreeMap<u8, Bytes>> = Mutex::new(BTreeMap::new());
static CLAIMS: Mutex<BTreeMap<Vec<u8>, bool>> = Mutex::new(BTreeMap::new());

pub(super) fn record(seed: u8) -> Bytes {
    let mut records = RECORDS.lock().unwrap();
    records.entry(seed).or_insert_with(|| record_at(seed, EPOCH)).clone()
}

fn holds(claim: &Claim) -> bool {
    let whole = [&claim.key.0[..], &claim.payload, &claim.signature.0].concat();
    *CLAIMS.lock().unwrap().entry(whole).or_insert_with(|| claim.holds())
}

/// A record with the right form that its peer did not sign.
pub(super) fn forged(seed: u8) -> Bytes {
    let mut bytes = record(seed).to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    bytes.into()
}

/// A message as a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    own: Option<Bytes>,
    added: Vec<Bytes>,
    dropped: Vec<PeerId>,
}

impl Said {
    fn encode(&self) -> Bytes {
        let mut frame = vec![1, 3, 0];
        put(&mut frame, self.own.as_deref().unwrap_or_default());
        frame.push(u8::try_from(self.added.len()).unwrap());
        self.added.iter().for_each(|record| put(&mut frame, record));
        self.dropped.iter().for_each(|peer| frame.extend_from_slice(&peer.0));
        frame.into()
    }

    fn decode(frame: &[u8]) -> Self {
        let mut rest = frame.strip_prefix(&[1, 3, 0]).unwrap();
        let mut next = || Bytes::copy_from_slice(take(&mut rest).unwrap());
        let own = Some(next()).filter(|own| !own.is_empty());
        let (count, mut rest) = rest.split_first().unwrap();
        let added = (0..*count).map(|_| Bytes::copy_from_slice(take(&mut rest).unwrap())).collect();
        let (ids, []) = rest.as_chunks() else { panic!("{rest:?}") };
        Self { own, added, dropped: ids.iter().map(|id| PeerId(*id)).collect() }
    }
}

pub(super) fn says(from: u8, own: Option<Bytes>, added: &[Bytes], dropped: &[PeerId]) -> Input {
    let said = Said { own, added: added.to_vec(), dropped: dropped.to_vec() };
    Input::Message { from: peer(from), body: said.encode().slice(2..) }
}

fn says_own(from: u8, own: Bytes) -> Input {
    says(from, Some(own), &[], &[])
}

pub(super) fn adds(from: u8, added: &[Bytes]) -> Input {
    says(from, None, added, &[])
}

/// What a test tells, with signatures made and checked as by a browser, at once.
pub(super) fn tell(pex: &mut Pex, ms: u64, input: Input) -> Vec<Effect> {
    let mut seen = Vec::new();
    let was_known = pex.records.key_set().clone();
    let mut inputs = vec![input];
    while let Some(input) = inputs.pop() {
        let mut out = Vec::new();
        pex.handle(at(ms), input, &mut out);
        for effect in out {
            match effect {
                Effect::Sign { payload } => {
                    let signature = Some(key(0).sign(&payload));
                    inputs.insert(0, Input::Signed { signature });
                }
                Effect::Verify { claim } => {
                    inputs.insert(0, Input::Verified { holds: holds(&claim) });
                }
                // Whoever is known for the first time is told of in other words.
                Effect::Changed { peer } if !was_known.contains(&peer) => {}
                other => seen.push(other),
            }
        }
    }
    seen
}

/// Lets time pass, and gives all that became due.
pub(super) fn wait(pex: &mut Pex, from_ms: u64, until_ms: u64) -> Vec<Effect> {
    let mut seen = Vec::new();
    let mut ms = from_ms;
    while let Some(due) = pex.poll_timeout() {
        ms = ms.max(due.as_micros().div_ceil(1000));
        if ms > until_ms {
            break;
        }
        let mut out = Vec::new();
        pex.handle_timeout(at(ms), &mut out);
        for effect in out {
            match effect {
                Effect::Sign { payload } => {
                    let signature = Some(key(0).sign(&payload));
                    seen.extend(tell(pex, ms, Input::Signed { signature }));
                }
                other => seen.push(other),
            }
        }
    }
    seen
}

fn config() -> Config {
    let (key, exchange) = (key(0).public_key(), Exchange::default());
    let says = Says { connections_max: 8, ..Says::default() };
    Config { app: app(), key, says, exchange }
}

/// Started at 0, with our own record signed.
fn started() -> Pex {
    let mut pex = Pex::new(config());
    assert_eq!(tell(&mut pex, 0, Input::Start), []);
    pex
}

/// With these peers connected at 0, who have sent their records.
pub(super) fn among(seeds: &[u8]) -> Pex {
    let mut pex = started();
    for &seed in seeds {
        tell(&mut pex, 0, Input::PeerUp { peer: peer(seed) });
        let effects = tell(&mut pex, 0, says(seed, Some(record(seed)), &[], &[]));
        assert_eq!(effects, [neighbours(seed, &[seed]), introduced(seed)]);
    }
    pex
}

/// With one connected peer; the effects of the last input.
fn check(inputs: Vec<(u64, Input)>, expect: &[Effect]) {
    let mut pex = among(&[1]);
    let mut last = Vec::new();
    for (ms, input) in inputs {
        last = tell(&mut pex, ms, input);
    }
    assert_eq!(last, expect);
}

pub(super) fn sent(effects: Vec<Effect>) -> Vec<(PeerId, Said)> {
    let message = |effect| match effect {
        Effect::Send { to, frame } => Some((to, Said::decode(&frame))),
        _ => None,
    };
    effects.into_iter().filter_map(message).collect()
}

pub(super) fn neighbours(from: u8, listed: &[u8]) -> Effect {
    Effect::Neighbours { peer: peer(from), listed: listed.iter().map(|seed| peer(*seed)).collect() }
}

pub(super) fn introduced(seed: u8) -> Effect {
    Effect::Introduced { peer: peer(seed), is_near: true }
}

pub(super) fn withdrawn(seed: u8) -> Effect {
    Effect::Withdrawn { peer: peer(seed) }
}

/// All but whom neighbours list.
fn but_lists(mut effects: Vec<Effect>) -> Vec<Effect> {
    effects.retain(|effect| !matches!(effect, Effect::Neighbours { .. }));
    effects
}

fn both_withdrawn(a: u8, b: u8) -> [Effect; 2] {
    if peer(a) < peer(b) { [a, b].map(withdrawn) } else { [b, a].map(withdrawn) }
}

fn strike(kind: StrikeKind) -> Effect {
    Effect::Strike { peer: peer(1), kind }
}

pub(super) fn stat(pex: &Pex, name: &str) -> u64 {
    pex.counters().get(name).copied().unwrap_or(0)
}

#[test]
fn on_connect_a_peer_gets_our_record_and_those_of_the_others_at_once() {
    let mut pex = among(&[1]);
    let greeting = sent(tell(&mut pex, 10 * SECOND, Input::PeerUp { peer: peer(2) }));
    let [(to, Said { own: Some(own), added, dropped })] = &greeting[..] else {
        panic!("{greeting:?}")
    };
    assert_eq!((*to, &added[..], &dropped[..]), (peer(2), &[record(1)][..], &[][..]));
    let own = record::read(app(), own).unwrap();
    assert_eq!(own.record.peer(), peer(0));
    assert!(own.claim.holds());
}

#[test]
fn those_that_connect_together_are_told_of_each_other_together() {
    let mut pex = started();
    for seed in [1, 2] {
        tell(&mut pex, 0, Input::PeerUp { peer: peer(seed) });
    }
    for seed in [1, 2] {
        tell(&mut pex, 9, says(seed, Some(record(seed)), &[], &[]));
    }
    let told = |to, other| {
        let (own, added, dropped) = (None, vec![record(other)], Vec::new());
        (peer(to), Said { own, added, dropped })
    };
    let mut messages = sent(wait(&mut pex, 0, SECOND));
    messages.sort_by_key(|(to, _)| *to != peer(1));
    assert_eq!(messages, [told(1, 2), told(2, 1)]);
    assert_eq!(wait(&mut pex, SECOND, HOUR), []);
}

#[test]
fn changes_are_told_once_a_minute_as_additions_and_drops() {
    let mut pex = among(&[1, 2]);
    wait(&mut pex, 0, SECOND);
    tell(&mut pex, 2 * SECOND, Input::PeerDown { peer: peer(2) });
    tell(&mut pex, 3 * SECOND, Input::PeerUp { peer: peer(3) });
    tell(&mut pex, 4 * SECOND, says(3, Some(record(3)), &[], &[]));
    let early = sent(wait(&mut pex, 4 * SECOND, 59 * SECOND));
    assert!(early.iter().all(|(to, _)| *to == peer(3)), "{early:?}");
    let later = sent(wait(&mut pex, 59 * SECOND, 61 * SECOND));
    let update = Said { own: None, added: vec![record(3)], dropped: vec![peer(2)] };
    assert_eq!(later, [(peer(1), update)]);
}

#[test]
fn a_hidden_page_tells_less_often() {
    let mut pex = among(&[1]);
    tell(&mut pex, 0, Input::Lifecycle(Lifecycle::Hidden));
    wait(&mut pex, 0, SECOND);
    tell(&mut pex, 3 * SECOND, Input::PeerUp { peer: peer(3) });
    tell(&mut pex, 4 * SECOND, says(3, Some(record(3)), &[], &[]));
    let others = |effects| sent(effects).iter().filter(|(to, _)| *to == peer(1)).count();
    assert_eq!(others(wait(&mut pex, 4 * SECOND, 5 * SECOND)), 1);
    tell(&mut pex, 5 * SECOND, Input::PeerDown { peer: peer(3) });
    assert_eq!(others(wait(&mut pex, 5 * SECOND, 184 * SECOND)), 0);
    assert_eq!(others(wait(&mut pex, 184 * SECOND, 185 * SECOND)), 1);
}

#[test]
fn a_peer_that_came_back_is_told_of_again() {
    let mut pex = among(&[1, 2]);
    wait(&mut pex, 0, SECOND);
    tell(&mut pex, 2 * SECOND, Input::PeerDown { peer: peer(2) });
    tell(&mut pex, 3 * SECOND, Input::PeerUp { peer: peer(2) });
    tell(&mut pex, 4 * SECOND, says(2, Some(record(2)), &[], &[]));
    let again = sent(wait(&mut pex, 4 * SECOND, 2 * MINUTE));
    let update = Said { own: None, added: vec![record(2)], dropped: vec![] };
    assert!(again.contains(&(peer(1), update)), "{again:?}");
}

#[test]
fn a_peer_without_a_verified_record_is_not_passed_on() {
    let mut pex = started();
    tell(&mut pex, 0, Input::PeerUp { peer: peer(1) });
    tell(&mut pex, 0, Input::PeerUp { peer: peer(2) });
    let struck = tell(&mut pex, 0, says(2, Some(forged(2)), &[], &[]));
    let strike = Effect::Strike { peer: peer(2), kind: StrikeKind::BadRecord };
    assert_eq!(but_lists(struck), [strike]);
    for (_, Said { added, .. }) in sent(wait(&mut pex, 0, HOUR)) {
        assert_eq!(added, Vec::<Bytes>::new());
    }
}

#[test]
fn our_record_is_signed_anew_before_it_expires() {
    let mut pex = among(&[1]);
    wait(&mut pex, 0, SECOND);
    let renewed = sent(wait(&mut pex, SECOND, 12 * HOUR + MINUTE));
    let [(_, Said { own: Some(own), .. })] = &renewed[..] else { panic!("{renewed:?}") };
    assert_eq!(record::read(app(), own).unwrap().record.issued_ms, EPOCH + 12 * HOUR);
}

#[test]
fn what_we_say_of_ourselves_anew_is_signed_at_once_and_told_at_the_next_turn() {
    let mut pex = among(&[1]);
    wait(&mut pex, 0, SECOND);
    let says = Says { roles: 5, capabilities: 77, connections_max: 16 };
    assert_eq!(tell(&mut pex, 10 * SECOND, Input::Say(says)), []);
    let told = sent(wait(&mut pex, 10 * SECOND, 2 * MINUTE));
    let [(_, Said { own: Some(own), .. })] = &told[..] else { panic!("{told:?}") };
    let record = record::read(app(), own).unwrap().record;
    assert_eq!((record.roles, record.capabilities, record.connections_max), (5, 77, 16));
    assert_eq!(record.issued_ms, EPOCH + 10 * SECOND);
    assert_eq!(wait(&mut pex, 2 * MINUTE, HOUR), []);
}

#[test]
fn what_changes_while_our_record_is_signed_is_in_the_next_one() {
    let mut pex = Pex::new(config());
    let mut out = Vec::new();
    pex.handle(at(0), Input::Start, &mut out);
    let says = Says { roles: 2, connections_max: 8, ..Says::default() };
    pex.handle(at(10), Input::Say(says), &mut out);
    let [Effect::Sign { payload }] = &out[..] else { panic!("{out:?}") };
    let first = Input::Signed { signature: Some(key(0).sign(payload)) };
    // What is signed next is signed by `tell`, at once.
    assert_eq!(tell(&mut pex, 20, first), []);
    let own = record::read(app(), &pex.own.as_ref().unwrap().bytes).unwrap().record;
    assert_eq!((own.roles, own.issued_ms), (2, EPOCH + 20));
}

#[test]
fn what_we_say_anew_is_later_than_what_we_said_also_after_our_clock_was_set_back() {
    let mut pex = among(&[]);
    let back = Now { unix_ms: EPOCH - HOUR, ..at(HOUR) };
    let mut out = Vec::new();
    pex.handle(back, Input::Say(Says::default()), &mut out);
    let [Effect::Sign { payload }] = &out[..] else { panic!("{out:?}") };
    let signed = Input::Signed { signature: Some(key(0).sign(payload)) };
    pex.handle(back, signed, &mut Vec::new());
    let own = &pex.own.as_ref().unwrap().bytes;
    assert_eq!(record::read(app(), own).unwrap().record.issued_ms, EPOCH + 1);
}

#[test]
fn what_a_peer_says_of_itself_is_known_with_its_record_and_changes_with_it() {
    let mut pex = among(&[1, 2]);
    let says = Says { connections_max: 8, ..Says::default() };
    assert_eq!((pex.says(peer(1)), pex.says(peer(5))), (Some(says), None));
    let mut renewed = PeerRecord {
        key: key(1).public_key(),
        issued_ms: EPOCH + 5,
        protocols: 1,
        roles: 4,
        capabilities: 9,
        connections_max: 16,
    };
    let signed = |record: &PeerRecord| {
        let encoded = record.encode();
        record::sign_with(&encoded, key(1).sign(&record::payload(app(), &encoded)))
    };
    // Whoever tells it: it is the peer's own word.
    let effects = tell(&mut pex, 10, adds(2, &[signed(&renewed)]));
    assert!(effects.contains(&Effect::Changed { peer: peer(1) }), "{effects:?}");
    let says = Says { roles: 4, capabilities: 9, connections_max: 16 };
    assert_eq!(pex.says(peer(1)), Some(says));
    renewed.issued_ms += 5;
    let effects = tell(&mut pex, 20, says_own(1, signed(&renewed)));
    assert!(!effects.contains(&Effect::Changed { peer: peer(1) }), "{effects:?}");
    // Not even it itself goes back.
    tell(&mut pex, 30, says_own(1, record(1)));
    assert_eq!(pex.says(peer(1)), Some(says));
}

#[test]
fn a_key_that_fails_is_asked_again() {
    let mut pex = Pex::new(config());
    let mut out = Vec::new();
    pex.handle(at(0), Input::Start, &mut out);
    assert!(matches!(out[..], [Effect::Sign { .. }]), "{out:?}");
    tell(&mut pex, 0, Input::Signed { signature: None });
    tell(&mut pex, 0, Input::PeerUp { peer: peer(1) });
    assert_eq!(sent(wait(&mut pex, 0, 59 * SECOND)), []);
    assert_eq!(sent(wait(&mut pex, 59 * SECOND, 2 * MINUTE)).len(), 1);
}

#[test]
fn a_listed_peer_is_introduced_once_its_record_is_proved() {
    check(vec![(1, adds(1, &[record(5)]))], &[neighbours(1, &[1, 5]), introduced(5)]);
}

#[test]
fn a_record_that_two_send_is_checked_once() {
    let mut pex = among(&[1, 2]);
    let verified = stat(&pex, "pex.records_verified");
    tell(&mut pex, 1, adds(1, &[record(5)]));
    let again = tell(&mut pex, 2, adds(2, &[record(5)]));
    assert_eq!(again, [neighbours(2, &[2, 5]), introduced(5)]);
    assert_eq!(stat(&pex, "pex.records_verified"), verified + 1);
    // Nor while the first check is under way.
    let mut out = Vec::new();
    pex.handle(at(3), adds(1, &[record(6)]), &mut out);
    pex.handle(at(3), adds(2, &[record(6)]), &mut out);
    let checks = out.iter().filter(|effect| matches!(effect, Effect::Verify { .. })).count();
    assert_eq!(checks, 1);
}

#[test]
fn a_peer_is_withdrawn_when_the_last_one_drops_it_or_goes() {
    let mut pex = among(&[1, 2]);
    tell(&mut pex, 1, adds(1, &[record(5)]));
    tell(&mut pex, 1, adds(2, &[record(5)]));
    let dropped = tell(&mut pex, 2, says(1, None, &[], &[peer(5)]));
    assert_eq!(dropped, [neighbours(1, &[1])]);
    let gone = tell(&mut pex, 3, Input::PeerDown { peer: peer(2) });
    assert_eq!(gone, both_withdrawn(2, 5));
    assert_eq!(pex.known_count(), 1);
}

#[test]
fn a_forged_record_strikes_all_that_sent_it_and_introduces_nobody() {
    let mut pex = among(&[1, 2]);
    let mut out = Vec::new();
    pex.handle(at(1), adds(1, &[forged(5), record(6)]), &mut out);
    pex.handle(at(1), adds(2, &[forged(5), record(7)]), &mut out);
    let struck = tell(&mut pex, 2, Input::Verified { holds: false });
    let kind = StrikeKind::BadRecord;
    assert_eq!(but_lists(struck), [1, 2].map(|seed| Effect::Strike { peer: peer(seed), kind }));
    assert_eq!(stat(&pex, "pex.records_forged"), 2);
    assert_eq!(pex.known_count(), 2);
}

#[test]
fn a_forged_record_does_not_hide_the_true_one() {
    let mut pex = among(&[1, 2]);
    tell(&mut pex, 1, adds(1, &[forged(5)]));
    let effects = tell(&mut pex, 2, adds(2, &[record(5)]));
    assert_eq!(effects, [neighbours(2, &[2, 5]), introduced(5)]);
}

#[test]
fn what_no_honest_peer_lists_is_a_strike() {
    let many: Vec<Bytes> = (10..=60).map(record).collect();
    let bad = StrikeKind::BadRecord;
    for (input, kind) in [
        (adds(1, &[record(1)]), bad),
        (adds(1, &[record(0)]), bad),
        (says(1, Some(record(2)), &[], &[]), bad),
        (adds(1, &[record_at(5, EPOCH - 3 * DAY - 1)]), bad),
        (adds(1, &[record_at(5, EPOCH + 2 * DAY + 2)]), bad),
        (adds(1, &[Bytes::from_static(&[1; 90])]), bad),
        (adds(1, &many), StrikeKind::Oversized),
        (says(1, None, &[], &[peer(9); 51]), StrikeKind::Oversized),
    ] {
        check(vec![(1, input)], &[strike(kind), neighbours(1, &[1])]);
    }
}

#[test]
fn what_an_honest_peer_may_send_is_skipped_without_a_strike() {
    for bytes in [
        record_at(5, EPOCH - 2 * DAY - 1),
        record_at(5, EPOCH + DAY + 2),
        Bytes::from_static(&[2; 90]),
    ] {
        check(vec![(1, adds(1, &[bytes]))], &[neighbours(1, &[1])]);
    }
    check(vec![(1, says(1, None, &[], &[peer(77)]))], &[neighbours(1, &[1])]);
    check(vec![(1, adds(9, &[record(5)]))], &[]);
}

#[test]
fn more_than_a_message_a_minute_is_a_strike_after_a_few() {
    let mut pex = started();
    tell(&mut pex, 0, Input::PeerUp { peer: peer(1) });
    let message = || says(1, None, &[], &[]);
    let honest = |effects: Vec<Effect>| !effects.contains(&strike(StrikeKind::OutOfTurn));
    for minute in 0..10 {
        assert!(honest(tell(&mut pex, minute * MINUTE, message())), "{minute}");
    }
    // What an outage held back comes at once.
    assert!(honest(tell(&mut pex, 9 * MINUTE + 1, message())));
    assert!(honest(tell(&mut pex, 9 * MINUTE + 2, message())));
    assert!(!honest(tell(&mut pex, 9 * MINUTE + 3, message())));
    assert!(honest(tell(&mut pex, 10 * MINUTE + 1, message())));
}

#[test]
fn records_are_checked_one_at_a_time_and_a_peer_that_goes_takes_its_own_along() {
    let mut pex = among(&[1, 2]);
    let mut out = Vec::new();
    for from in [1, 2_u8] {
        let first = 10 + from * 30;
        let records: Vec<Bytes> = (first..first + 30).map(record).collect();
        pex.handle(at(1), adds(from, &records), &mut out);
    }
    let mut checks_count = 0;
    while !out.is_empty() {
        if !matches!(out.remove(0), Effect::Verify { .. }) {
            continue;
        }
        checks_count += 1;
        assert!(!out.iter().any(|effect| matches!(effect, Effect::Verify { .. })));
        if checks_count == 40 {
            pex.handle(at(2), Input::PeerDown { peer: peer(2) }, &mut out);
        }
        pex.handle(at(2), Input::Verified { holds: true }, &mut out);
    }
    assert_eq!(checks_count, 40);
}

#[test]
fn one_source_supplies_a_quarter_of_all_records_at_most() {
    let mut pex = among(&[1]);
    for (minute, chunk) in (10..=209).collect::<Vec<u8>>().chunks(50).enumerate() {
        let records: Vec<Bytes> = chunk.iter().map(|seed| record(*seed)).collect();
        tell(&mut pex, MINUTE * minute as u64, adds(1, &records));
    }
    assert_eq!(pex.known_count(), LISTED_MAX);
    // Itself is one of them.
    assert_eq!(stat(&pex, "pex.records_skipped"), 201 - LISTED_MAX as u64);
}

#[test]
fn a_newer_record_replaces_an_older_one_and_not_the_other_way_round() {
    let mut pex = among(&[1, 2]);
    let newer = record_at(1, EPOCH + 5);
    let renewed = tell(&mut pex, 10, says(1, Some(newer.clone()), &[], &[]));
    assert_eq!(renewed, [neighbours(1, &[1]), introduced(1), introduced(1)]);
    assert_eq!(pex.records[&peer(1)].bytes, newer);
    assert_eq!(tell(&mut pex, 20, adds(2, &[record(1)])), [neighbours(2, &[1, 2]), introduced(1)]);
}

#[test]
fn a_stopped_node_is_silent_and_vouches_for_nobody() {
    let mut pex = among(&[1]);
    tell(&mut pex, 1, adds(1, &[record(5)]));
    assert_eq!(tell(&mut pex, 2, Input::Stop), both_withdrawn(1, 5));
    assert_eq!(pex.poll_timeout(), None);
    assert_eq!(pex.known_count(), 0);
}

#[test]
fn golden_bytes() {
    let mut pex = among(&[1, 2]);
    wait(&mut pex, 0, SECOND);
    tell(&mut pex, SECOND, Input::PeerDown { peer: peer(2) });
    tell(&mut pex, SECOND, Input::PeerUp { peer: peer(3) });
    tell(&mut pex, SECOND, says(3, Some(record(3)), &[], &[]));
    let later = wait(&mut pex, SECOND, 2 * MINUTE);
    let frame = [&[1, 3, 0, 0, 1, 146][..], &record(3), &peer(2).0].concat().into();
    assert!(later.contains(&Effect::Send { to: peer(1), frame }), "{later:?}");
}

#[test]
fn a_message_that_is_cut_anywhere_is_a_strike() {
    let said = Said { own: Some(record(1)), added: vec![record(5)], dropped: vec![peer(9)] };
    let body = said.encode().slice(2..);
    let drops = body.len() - 32;
    for end in 0..body.len() {
        let mut pex = among(&[1]);
        let input = Input::Message { from: peer(1), body: body.slice(..end) };
        let is_struck = tell(&mut pex, 1, input).contains(&strike(StrikeKind::MalformedFrame));
        assert_eq!(is_struck, end != drops, "{end}");
    }
}

#[test]
fn drops_beyond_a_message_come_in_the_next() {
    let mut pex = among(&[1]);
    wait(&mut pex, 0, SECOND);
    let many: Vec<u8> = (10..80).collect();
    for seed in &many {
        tell(&mut pex, 2 * SECOND, Input::PeerUp { peer: peer(*seed) });
        tell(&mut pex, 2 * SECOND, says(*seed, Some(record(*seed)), &[], &[]));
    }
    let to_first = |effects| -> Vec<Said> {
        let all = sent(effects).into_iter();
        all.filter(|(to, _)| *to == peer(1)).map(|(_, said)| said).collect()
    };
    let told = to_first(wait(&mut pex, 2 * SECOND, 5 * MINUTE));
    assert_eq!(told.iter().map(|said| said.added.len()).collect::<Vec<_>>(), [PEERS_MAX, 20]);
    for seed in &many {
        tell(&mut pex, 5 * MINUTE, Input::PeerDown { peer: peer(*seed) });
    }
    let told = to_first(wait(&mut pex, 5 * MINUTE, 10 * MINUTE));
    assert_eq!(told.iter().map(|said| said.dropped.len()).collect::<Vec<_>>(), [PEERS_MAX, 20]);
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes: Vec<u8>) {
        let mut pex = among(&[1]);
        tell(&mut pex, 1, Input::Message { from: peer(1), body: bytes.into() });
    }

    #[test]
    fn no_message_breaks_a_bound(
        messages in prop::collection::vec(
            (1..4_u8, prop::collection::vec((0..60_u8, 0..4_u8), 0..60), 0..60_u8), 1..20
        )
    ) {
        let mut pex = among(&[1, 2, 3]);
        for (index, (from, entries, dropped)) in messages.into_iter().enumerate() {
            let added: Vec<Bytes> = entries.into_iter().map(|(seed, kind)| match kind {
                0 => forged(seed),
                1 => Bytes::from(vec![seed; usize::from(seed) * 5]),
                _ => record(seed),
            }).collect();
            let dropped = [peer(dropped)];
            tell(&mut pex, index as u64 * 20 * SECOND, says(from, None, &added, &dropped));
            prop_assert!(pex.records.len() <= RECORDS_MAX);
            prop_assert!(pex.checking.is_none());
            for neighbour in pex.neighbours.values() {
                prop_assert!(neighbour.listed.len() <= LISTED_MAX);
                prop_assert!(neighbour.listed.values().all(|listing| listing.unchecked.is_empty()));
            }
            for entry in pex.records.values() {
                prop_assert!(holds(&record::read(app(), &entry.bytes).unwrap().claim));
            }
        }
    }
}
