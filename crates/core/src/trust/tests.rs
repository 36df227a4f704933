use proptest::prelude::*;

use super::*;

const ALICE: PeerId = PeerId([1; 32]);
const BOB: PeerId = PeerId([2; 32]);

fn at(secs: u64) -> Now {
    at_clock(secs, EPOCH_MS + secs * 1000)
}

/// A moment of a page whose wall clock says something else.
fn at_clock(secs: u64, unix_ms: u64) -> Now {
    Now { mono: Instant::from_micros(secs * 1_000_000), unix_ms }
}

/// The wall clock when the page began.
const EPOCH_MS: u64 = 1_800_000_000_000;

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
    assert_eq!(trust.poll_timeout(), Some(at(720).mono), "when the last point wears off");
}

#[test]
fn a_ban_ends() {
    let inputs: Vec<_> = (0..3).map(|_| (0, strike(ALICE, WRONG))).collect();
    let [ban, end] = banned(ALICE, WRONG);
    let mut trust = check(&inputs, &[struck(ALICE, WRONG), struck(ALICE, WRONG), ban, end]);
    assert!(trust.is_banned(at(3599), ALICE));
    assert!(!trust.is_banned(at(3600), ALICE));
    trust.handle_timeout(at(3600), &mut Vec::new());
    assert_eq!((trust.peers.len(), trust.strikes(ALICE)), (0, 0));
}

#[test]
fn a_strike_against_a_banned_peer_says_nothing() {
    check(
        &[(0, Input::Ban { peer: ALICE }), (1, strike(ALICE, WRONG))],
        &[Effect::Banned { peer: ALICE }],
    );
}

#[test]
fn a_ban_by_the_application_lasts_for_thirty_days() {
    let mut trust = check(
        &[(0, strike(ALICE, WRONG)), (1, Input::Ban { peer: ALICE })],
        &[struck(ALICE, WRONG), Effect::Banned { peer: ALICE }],
    );
    assert!(trust.is_banned(at(30 * DAY), ALICE));
    assert!(!trust.is_banned(at(30 * DAY + 1), ALICE));
    assert_eq!(trust.strikes(ALICE), 1);
    let left = Duration::from_secs(30 * DAY - 9);
    assert_eq!(trust.bans(at(10)).collect::<Vec<_>>(), [(ALICE, left)]);
    trust.handle(at(11), Input::Pardon { peer: ALICE }, &mut Vec::new());
    assert!(!trust.is_banned(at(11), ALICE));
    assert_eq!(trust.strikes(ALICE), 0);
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
    assert_eq!(trust.peers.len(), PEERS_MAX);
    assert!(trust.is_banned(at(1), peer(0)));
    assert_eq!(trust.strikes(peer(1)), 0, "the lightest went");
    assert_eq!(trust.strikes(peer(2)), 1);
}

const DAY: u64 = 24 * 3600;

/// A page whose store was read: nothing is in it.
fn read(secs: u64) -> Trust {
    loaded(at(secs), None)
}

/// What a page remembers that finds this in the store.
fn loaded(now: Now, stored: Option<Bytes>) -> Trust {
    let mut trust = Trust::default();
    let mut out = Vec::new();
    trust.handle(now, Input::Loaded { stored }, &mut out);
    let mut told: Vec<PeerId> = out
        .iter()
        .map(|effect| match effect {
            Effect::Banned { peer } => *peer,
            other => panic!("{other:?}"),
        })
        .collect();
    // An entry of the same peer may follow that is graver.
    told.sort_unstable();
    told.dedup();
    let banned: Vec<PeerId> = trust.bans(now).map(|(peer, _)| peer).collect();
    assert_eq!(told, banned, "who is banned is told, as when it happens");
    trust
}

/// The one write that follows from an input, or from time.
fn written(out: &[Effect]) -> Option<Bytes> {
    let mut writes = out.iter().filter_map(|effect| match effect {
        Effect::Save { stored } => Some(stored.clone()),
        Effect::Struck { .. } | Effect::Banned { .. } => None,
    });
    let write = writes.next();
    assert_eq!(writes.next(), None);
    write
}

fn give(trust: &mut Trust, now: Now, input: Input) -> Option<Bytes> {
    let mut out = Vec::new();
    trust.handle(now, input, &mut out);
    written(&out)
}

#[test]
fn a_ban_is_written_at_once_and_holds_after_a_reload_until_its_time() {
    let mut trust = read(0);
    let stored = give(&mut trust, at(10), Input::Ban { peer: ALICE });
    assert!(stored.is_some());
    // The next page's clock begins anew; a day was lost in between.
    let later = |secs| at_clock(secs, EPOCH_MS + (10 + DAY + secs) * 1000);
    let next = loaded(later(5), stored.clone());
    assert!(next.is_banned(later(29 * DAY - 1), ALICE));
    assert!(!next.is_banned(later(29 * DAY + 1), ALICE));
    let late = at_clock(5, EPOCH_MS + (10 + 30 * DAY) * 1000);
    assert!(!loaded(late, stored).is_banned(late, ALICE));
}

#[test]
fn strikes_are_written_within_half_a_minute_and_wear_off_while_the_page_is_closed() {
    let mut trust = read(0);
    assert_eq!(give(&mut trust, at(0), strike(ALICE, WRONG)), None);
    assert_eq!(give(&mut trust, at(20), strike(ALICE, WRONG)), None);
    assert_eq!(trust.poll_timeout(), Some(at(30).mono));
    let mut out = Vec::new();
    trust.handle_timeout(at(30), &mut out);
    let stored = written(&out);
    // 80 points less those of 100 seconds: with one more wrong hash they ban, ten minutes later they don't.
    for (secs, is_banned) in [(70, true), (600, false)] {
        let now = at_clock(1, EPOCH_MS + (30 + secs) * 1000);
        let mut next = loaded(now, stored.clone());
        next.handle(now, strike(ALICE, WRONG), &mut Vec::new());
        assert_eq!(next.is_banned(now, ALICE), is_banned, "{secs}");
    }
}

#[test]
fn a_wall_clock_that_jumps_makes_no_ban_eternal_and_none_void() {
    let mut trust = read(0);
    for _ in 0..3 {
        trust.handle(at(0), strike(BOB, WRONG), &mut Vec::new());
    }
    // While the page lives, the wall clock means nothing.
    let ahead = at_clock(60, EPOCH_MS + 365 * DAY * 1000);
    assert!(trust.is_banned(ahead, BOB));
    trust.handle(ahead, Input::Saved { is_done: true }, &mut Vec::new());
    let stored = give(&mut trust, ahead, Input::Ban { peer: ALICE });
    // It was a year ahead, and is right again; or it was set back to the beginning of time.
    for unix_ms in [EPOCH_MS + 61_000, 0] {
        let next = loaded(at_clock(1, unix_ms), stored.clone());
        assert!(next.is_banned(at_clock(1, unix_ms), BOB));
        // What was left then is left now, and no more.
        assert!(next.is_banned(at_clock(3540, unix_ms), BOB));
        assert!(!next.is_banned(at_clock(3541, unix_ms), BOB));
        assert!(!next.is_banned(at_clock(30 * DAY + 2, unix_ms), ALICE));
    }
}

#[test]
fn what_happens_before_the_store_was_read_is_kept_and_the_graver_counts() {
    let stored = give(&mut read(0), at(0), Input::Ban { peer: ALICE });
    let mut trust = Trust::default();
    assert_eq!(give(&mut trust, at(1), strike(ALICE, WRONG)), None);
    assert_eq!(give(&mut trust, at(1), Input::Ban { peer: BOB }), None, "it was not read yet");
    let write = give(&mut trust, at(2), Input::Loaded { stored });
    assert!(trust.is_banned(at(2), ALICE) && trust.is_banned(at(2), BOB));
    let next = loaded(at(3), write);
    assert!(next.is_banned(at(3), ALICE) && next.is_banned(at(3), BOB));
}

#[test]
fn one_write_runs_at_a_time_and_a_failed_one_is_done_again() {
    let mut trust = read(0);
    assert!(give(&mut trust, at(0), Input::Ban { peer: ALICE }).is_some());
    assert_eq!(give(&mut trust, at(1), Input::Ban { peer: BOB }), None);
    assert_eq!(give(&mut trust, at(2), Input::Saved { is_done: false }), None);
    let mut out = Vec::new();
    trust.handle_timeout(at(32), &mut out);
    let next = loaded(at(33), written(&out));
    assert!(next.is_banned(at(33), ALICE) && next.is_banned(at(33), BOB));
    assert_eq!(trust.stats().get("trust.saves_failed"), Some(&1));
}

#[test]
fn what_is_not_written_is_written_when_the_node_stops() {
    let mut trust = read(0);
    trust.handle(at(0), strike(ALICE, WRONG), &mut Vec::new());
    let stored = give(&mut trust, at(1), Input::Stop);
    assert_eq!(loaded(at(2), stored).strikes(ALICE), 1);
    trust.handle(at(2), Input::Saved { is_done: true }, &mut Vec::new());
    assert_eq!(give(&mut trust, at(3), Input::Stop), None, "nothing changed");
}

#[test]
fn a_corrupt_record_is_counted_and_replaced_and_a_newer_one_left_alone() {
    let whole = give(&mut read(0), at(0), Input::Ban { peer: ALICE }).unwrap();
    let mut bent = whole.to_vec();
    bent[20] ^= 1;
    let newer: Vec<u8> = [&[STORED_VERSION + 1], &whole[1..]].concat();
    for (stored, is_replaced) in [(bent, true), (whole[..30].to_vec(), true), (newer, false)] {
        let mut trust = loaded(at(1), Some(stored.into()));
        assert_eq!(trust.stats().get("trust.loads_failed"), Some(&1));
        assert!(!trust.is_banned(at(1), ALICE));
        let write = give(&mut trust, at(2), Input::Ban { peer: BOB });
        assert_eq!(write.is_some(), is_replaced);
    }
}

#[test]
fn golden_bytes() {
    let mut trust = read(0);
    trust.handle(at(0), strike(ALICE, WRONG), &mut Vec::new());
    let stored = give(&mut trust, at(10), Input::Ban { peer: BOB }).unwrap();
    let saved_ms = (EPOCH_MS + 10_000).to_be_bytes();
    let left = |ms: u64| ms.to_be_bytes();
    let alice = [&ALICE.0[..], &[0], &left(230_000), &[0, 0, 0, 1]].concat();
    let bob = [&BOB.0[..], &[2], &left(30 * DAY * 1000), &[0; 4]].concat();
    let body = [&saved_ms[..], &alice, &bob].concat();
    let check = peerloom_crypto::sha256(&body);
    assert_eq!(stored, [&[1], &check[..8], &body].concat());
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

    #[test]
    fn no_stored_entry_panics_or_lasts_longer_than_any_may(bytes: Vec<u8>, seed: u8) {
        let bytes: Vec<u8> = bytes.iter().copied().chain([seed]).cycle().take(8 + 450).collect();
        let check = peerloom_crypto::sha256(&bytes);
        let stored = [&[1], &check[..8], &bytes].concat();
        let trust = loaded(at(0), Some(stored.into()));
        prop_assert!(trust.bans(at(0)).all(|(_, left)| left <= UNWANTED_TIME));
    }
}
