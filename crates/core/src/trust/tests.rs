use proptest::prelude::*;

use super::*;

const ALICE: PeerId = PeerId([1; 32]);
const BOB: PeerId = PeerId([2; 32]);

fn at(secs: u64) -> Now {
    Now { mono: Instant::from_micros(secs * 1_000_000), unix_ms: 0 }
}

fn strike(peer: PeerId, kind: StrikeKind) -> Input {
    Input::Strike { peer, kind }
}

fn struck(peer: PeerId, kind: StrikeKind) -> Effect {
    Effect::Struck { peer, kind, action: SecurityAction::Strike }
}

fn banned(peer: PeerId, kind: StrikeKind) -> [Effect; 2] {
    [Effect::Struck { peer, kind, action: SecurityAction::Ban }, Effect::Banned { peer }]
}

/// A test is a list of inputs with their seconds, and the effects in order.
fn check(inputs: &[(u64, Input)], expected: &[Effect]) -> Trust {
    let mut trust = Trust::default();
    let mut out = Vec::new();
    for (secs, input) in inputs {
        trust.handle(at(*secs), input.clone(), &mut out);
    }
    assert_eq!(out, expected);
    trust
}

const WRONG: StrikeKind = StrikeKind::WrongHash;

#[test]
fn the_third_wrong_hash_bans() {
    let inputs = [(0, strike(ALICE, WRONG)), (1, strike(ALICE, WRONG)), (2, strike(ALICE, WRONG))];
    let [ban, end] = banned(ALICE, WRONG);
    let trust = check(&inputs, &[struck(ALICE, WRONG), struck(ALICE, WRONG), ban, end]);
    assert!(trust.is_banned(at(3), ALICE));
    assert_eq!(trust.strikes(ALICE), 3);
}

#[test]
fn light_strikes_ban_only_in_number() {
    let kind = StrikeKind::OutOfTurn;
    let inputs: Vec<_> = (0..10).map(|_| (0, strike(ALICE, kind))).collect();
    let mut expected = vec![struck(ALICE, kind); 9];
    expected.extend(banned(ALICE, kind));
    check(&inputs, &expected);
}

#[test]
fn strikes_wear_off() {
    // 40 points last 240 s, so the third comes on a clean record.
    let inputs =
        [(0, strike(ALICE, WRONG)), (240, strike(ALICE, WRONG)), (480, strike(ALICE, WRONG))];
    let trust = check(&inputs, &vec![struck(ALICE, WRONG); 3]);
    assert_eq!(trust.strikes(ALICE), 1);
    assert_eq!(trust.poll_timeout(), Some(at(720).mono));
}

#[test]
fn a_ban_ends() {
    let inputs: Vec<_> = (0..3).map(|_| (0, strike(ALICE, WRONG))).collect();
    let [ban, end] = banned(ALICE, WRONG);
    let mut trust = check(&inputs, &[struck(ALICE, WRONG), struck(ALICE, WRONG), ban, end]);
    assert!(trust.is_banned(at(3599), ALICE));
    assert!(!trust.is_banned(at(3600), ALICE));
    trust.handle_timeout(at(3600), &mut Vec::new());
    assert_eq!((trust.peers_count(), trust.strikes(ALICE)), (0, 0));
}

#[test]
fn a_strike_against_a_banned_peer_says_nothing() {
    check(
        &[(0, Input::Ban { peer: ALICE }), (1, strike(ALICE, WRONG))],
        &[Effect::Banned { peer: ALICE }],
    );
}

#[test]
fn a_ban_by_the_application_does_not_end() {
    let trust = check(
        &[(0, strike(ALICE, WRONG)), (1, Input::Ban { peer: ALICE })],
        &[struck(ALICE, WRONG), Effect::Banned { peer: ALICE }],
    );
    assert!(trust.is_banned(at(1_000_000), ALICE));
    assert_eq!(trust.poll_timeout(), None);
    assert_eq!(trust.strikes(ALICE), 1);
}

#[test]
fn one_peer_s_strikes_are_not_another_s() {
    let inputs = [(0, strike(ALICE, WRONG)), (0, strike(BOB, WRONG)), (0, strike(ALICE, WRONG))];
    let trust = check(&inputs, &[struck(ALICE, WRONG), struck(BOB, WRONG), struck(ALICE, WRONG)]);
    assert!(!trust.is_banned(at(1), ALICE));
    assert_eq!(trust.strikes(BOB), 1);
}

#[test]
fn when_full_the_lightest_record_goes_and_bans_stay() {
    let peer = |n: u32| {
        let mut id = [0; 32];
        id[..4].copy_from_slice(&n.to_be_bytes());
        PeerId(id)
    };
    let mut trust = Trust::default();
    let mut out = Vec::new();
    trust.handle(at(0), Input::Ban { peer: peer(0) }, &mut out);
    trust.handle(at(0), strike(peer(1), StrikeKind::OutOfTurn), &mut out);
    for n in 2..=u32::try_from(PEERS_MAX).unwrap() {
        trust.handle(at(1), strike(peer(n), WRONG), &mut out);
    }
    assert_eq!(trust.peers_count(), PEERS_MAX);
    assert!(trust.is_banned(at(1), peer(0)));
    assert_eq!(trust.strikes(peer(1)), 0, "the lightest went");
    assert_eq!(trust.strikes(peer(2)), 1);
}

fn any_kind() -> impl Strategy<Value = StrikeKind> {
    prop::sample::select(vec![
        StrikeKind::MalformedFrame,
        StrikeKind::Oversized,
        StrikeKind::UnrequestedBody,
        StrikeKind::WrongHash,
        StrikeKind::BadManifest,
        StrikeKind::TooManyRequests,
        StrikeKind::OutOfTurn,
    ])
}

proptest! {
    #[test]
    fn nobody_is_banned_without_being_told_and_each_ban_is_told_once(
        strikes in prop::collection::vec((0u64..2000, 0u8..4, any_kind()), 0..200),
    ) {
        let mut trust = Trust::default();
        let mut secs = 0;
        for (wait, peer, kind) in strikes {
            secs += wait / 10;
            let peer = PeerId([peer; 32]);
            let before = trust.is_banned(at(secs), peer);
            let mut out = Vec::new();
            trust.handle(at(secs), strike(peer, kind), &mut out);
            let told = out.contains(&Effect::Banned { peer });
            prop_assert_eq!(told, !before && trust.is_banned(at(secs), peer));
            prop_assert!(trust.poll_timeout().is_none_or(|end| end > at(secs).mono));
        }
    }
}
