use peerloom_crypto::sha256;
use proptest::prelude::*;

use super::*;

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const DAY: u64 = 24 * 60 * MINUTE;

/// The wall clock at the start.
const EPOCH: u64 = 100 * DAY;

fn at(ms: u64) -> Now {
    Now { mono: Instant::from_micros(ms * 1000), unix_ms: EPOCH + ms }
}

fn peer(n: u16) -> PeerId {
    PeerId(sha256(&n.to_be_bytes()))
}

fn fresh() -> Registry {
    Registry::new(Config { own: peer(0) })
}

fn run(registry: &mut Registry, inputs: Vec<(u64, Input)>) -> Vec<Effect> {
    let mut last = Vec::new();
    for (ms, input) in inputs {
        last.clear();
        registry.handle(at(ms), input, &mut last);
    }
    last
}

/// Inputs in, the effects of the last one out.
fn check(inputs: Vec<(u64, Input)>, expect: &[Effect]) {
    assert_eq!(run(&mut fresh(), inputs), expect);
}

/// Lets time pass, and gives all that became due.
fn wait(registry: &mut Registry, until_ms: u64) -> Vec<Effect> {
    let mut out = Vec::new();
    while let Some(due) = registry.poll_timeout() {
        let ms = due.as_micros().div_ceil(1000);
        if ms > until_ms {
            break;
        }
        registry.handle_timeout(at(ms), &mut out);
    }
    out
}

fn connected(n: u16) -> Input {
    Input::Connected { peer: peer(n), path: SignalPath::Broadcast }
}

fn introduced(n: u16) -> Input {
    Input::Introduced { peer: peer(n) }
}

fn failed(n: u16) -> Input {
    Input::Failed { peer: peer(n) }
}

fn disconnected(n: u16) -> Input {
    Input::Disconnected { peer: peer(n), is_broken: false }
}

fn broken(n: u16) -> Input {
    Input::Disconnected { peer: peer(n), is_broken: true }
}

fn encoded(entries: &[(PeerId, History)]) -> Bytes {
    let mut bytes = Vec::new();
    entries.iter().for_each(|(peer, history)| history.encode(*peer, &mut bytes));
    [&[1], &sha256(&bytes)[..8], &bytes].concat().into()
}

fn loaded(entries: &[(PeerId, History)]) -> Input {
    again(encoded(entries))
}

fn again(stored: Bytes) -> Input {
    Input::Loaded { stored: Some(stored) }
}

fn call(n: u16) -> Effect {
    Effect::Call { peer: peer(n) }
}

fn calls(effects: &[Effect]) -> Vec<PeerId> {
    let call = |effect: &Effect| match effect {
        Effect::Call { peer } => Some(*peer),
        Effect::Save { .. } => None,
    };
    effects.iter().filter_map(call).collect()
}

/// The one write among the effects.
fn write(effects: &[Effect]) -> Bytes {
    let writes: Vec<&Bytes> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Save { stored } => Some(stored),
            Effect::Call { .. } => None,
        })
        .collect();
    assert_eq!(writes.len(), 1, "{effects:?}");
    writes[0].clone()
}

/// What the next run remembers.
fn reloaded(stored: Bytes, ms: u64) -> Registry {
    let mut next = fresh();
    run(&mut next, vec![(ms, again(stored))]);
    next
}

fn stat(registry: &Registry, name: &str) -> u64 {
    registry.counters().get(name).copied().unwrap_or(0)
}

/// A stored record of a peer with so many successes and failures, seen `days_ago`.
fn past(n: u16, successes: u32, failures: u32, days_ago: u64) -> (PeerId, History) {
    let unix_ms = EPOCH - days_ago * DAY;
    let mut history = History { seen_ms: unix_ms, ..History::default() };
    for _ in 0..successes {
        history.paths = 1;
        history.note(unix_ms, Outcome::Connected);
    }
    for _ in 0..failures {
        history.note(unix_ms, Outcome::Failed);
    }
    (peer(n), history)
}

#[test]
fn the_best_are_called_first_and_three_at_a_time() {
    let mut registry = fresh();
    let records = vec![
        past(1, 1, 2, 0),
        past(2, 3, 0, 0),
        past(3, 3, 0, 4),
        past(4, 9, 1, 0),
        past(5, 0, 0, 0),
    ];
    run(&mut registry, vec![(0, Input::Start)]);
    let first = run(&mut registry, vec![(1, loaded(&records))]);
    assert_eq!(first, [call(4), call(2), call(3)]);
    assert_eq!(wait(&mut registry, 3 * SECOND), []);
    let next = wait(&mut registry, 3 * SECOND + 1);
    assert_eq!(calls(&next), [1, 5].map(peer));
}

#[test]
fn a_few_connected_peers_are_enough() {
    let records: Vec<_> = (1..=20).map(|n| past(n, 1, 0, 0)).collect();
    let mut registry = fresh();
    run(&mut registry, vec![(0, loaded(&records)), (1, Input::Start)]);
    run(&mut registry, vec![(2, connected(31)), (3, connected(32)), (4, connected(33))]);
    let late = wait(&mut registry, 60 * MINUTE);
    assert_eq!(calls(&late), []);
}

#[test]
fn the_next_are_called_as_soon_as_all_have_answered() {
    let records: Vec<_> = (1..=5).map(|n| past(n, n.into(), 0, 0)).collect();
    let mut registry = fresh();
    run(&mut registry, vec![(0, loaded(&records)), (1, Input::Start)]);
    run(&mut registry, vec![(2, Input::Connecting { peer: peer(5) }), (2, failed(4))]);
    let next = run(&mut registry, vec![(2, Input::Connecting { peer: peer(3) })]);
    assert_eq!(next, [call(2), call(1)]);
}

#[test]
fn whoever_does_not_answer_is_less_reliable_unless_nobody_answers() {
    for (is_alone, reliability) in [(true, 666), (false, 500)] {
        let mut registry = fresh();
        if !is_alone {
            run(&mut registry, vec![(0, connected(9))]);
        }
        run(&mut registry, vec![(0, loaded(&[past(1, 1, 0, 0)])), (1, Input::Start)]);
        wait(&mut registry, 5 * SECOND);
        assert_eq!(registry.peers[&peer(1)].history.terms(EPOCH).availability, reliability);
    }
}

#[test]
fn whoever_finds_nobody_calls_again_ever_later_and_at_once_when_resumed() {
    let mut registry = fresh();
    run(&mut registry, vec![(0, loaded(&[past(1, 1, 0, 0)])), (0, Input::Start)]);
    let mut rounds = Vec::new();
    let mut at_ms = 0;
    while at_ms < 60 * MINUTE {
        at_ms += SECOND;
        if !calls(&wait(&mut registry, at_ms)).is_empty() {
            rounds.push(at_ms / SECOND);
        }
    }
    // 1, 2, 4, 8, 15, 15 minutes of rest.
    assert_eq!(rounds, [63, 186, 429, 912, 1815, 2718]);
    let resumed = run(&mut registry, vec![(at_ms, Input::Resumed)]);
    assert_eq!(resumed, [call(1)]);
}

#[test]
fn whoever_loses_everybody_calls_soon() {
    let mut registry = fresh();
    run(&mut registry, vec![(0, Input::Start), (1, connected(1))]);
    wait(&mut registry, 20 * MINUTE);
    run(&mut registry, vec![(20 * MINUTE, disconnected(1))]);
    assert_eq!(calls(&wait(&mut registry, 20 * MINUTE + 3 * SECOND)), [peer(1)]);
}

#[test]
fn a_stopped_registry_calls_nobody() {
    check(vec![(0, loaded(&[past(1, 1, 0, 0)]))], &[]);
    check(
        vec![
            (0, loaded(&[past(1, 1, 0, 0)])),
            (1, Input::Start),
            (2, Input::Stop),
            (3, Input::Resumed),
        ],
        &[],
    );
}

#[test]
fn changes_are_written_together_and_survive() {
    let mut registry = fresh();
    let inputs = vec![
        (0, loaded(&[past(3, 1, 0, 31)])),
        (1, connected(1)),
        (2, failed(1)),
        (3, introduced(2)),
        (90, disconnected(1)),
    ];
    run(&mut registry, inputs);
    let next = reloaded(write(&wait(&mut registry, 31 * SECOND)), 40 * SECOND);
    for id in [peer(1), peer(2)] {
        assert_eq!(next.peers[&id].history, registry.peers[&id].history);
    }
    assert_eq!(next.peers[&peer(1)].history.uptime_ms, 89);
    assert_eq!(next.peers.len(), 2, "the third is too old");
}

#[test]
fn nothing_is_written_before_the_store_was_read() {
    let mut registry = fresh();
    run(&mut registry, vec![(0, connected(1))]);
    assert_eq!(wait(&mut registry, 5 * MINUTE), []);
    let effects = run(&mut registry, vec![(5 * MINUTE, loaded(&[past(1, 2, 0, 0)]))]);
    let next = reloaded(write(&effects), 5 * MINUTE);
    assert_eq!(next.peers[&peer(1)].history.terms(EPOCH).availability, 800, "3 of 3");
}

#[test]
fn one_write_runs_at_a_time_and_a_failed_one_is_done_again() {
    let mut registry = fresh();
    run(&mut registry, vec![(0, loaded(&[])), (0, connected(1))]);
    write(&wait(&mut registry, 31 * SECOND));
    run(&mut registry, vec![(32 * SECOND, connected(2))]);
    assert_eq!(wait(&mut registry, 2 * MINUTE), []);
    let effects = run(&mut registry, vec![(2 * MINUTE, Input::Saved { is_done: false })]);
    assert_eq!(effects, []);
    let again = wait(&mut registry, 2 * MINUTE + 30 * SECOND);
    assert_eq!(reloaded(write(&again), 3 * MINUTE).peers.len(), 2);
    run(&mut registry, vec![(3 * MINUTE, Input::Saved { is_done: true })]);
    assert_eq!(wait(&mut registry, 5 * MINUTE), []);
    let saves = ["registry.saves", "registry.saves_failed"].map(|name| stat(&registry, name));
    assert_eq!(saves, [1, 1]);
}

#[test]
fn how_long_peers_are_connected_is_written_every_ten_minutes() {
    let mut registry = fresh();
    run(&mut registry, vec![(0, loaded(&[])), (0, connected(1))]);
    write(&wait(&mut registry, 31 * SECOND));
    run(&mut registry, vec![(31 * SECOND, Input::Saved { is_done: true })]);
    assert_eq!(wait(&mut registry, 10 * MINUTE), []);
    let next = reloaded(write(&wait(&mut registry, 11 * MINUTE)), 11 * MINUTE);
    assert_eq!(next.peers[&peer(1)].history.uptime_ms, 30 * SECOND + 10 * MINUTE);
}

#[test]
fn what_is_not_saved_is_saved_when_the_node_stops() {
    let mut registry = fresh();
    run(&mut registry, vec![(0, loaded(&[])), (0, connected(1))]);
    let next = reloaded(write(&run(&mut registry, vec![(SECOND, Input::Stop)])), SECOND);
    assert_eq!(next.peers[&peer(1)].history.uptime_ms, SECOND);
}

#[test]
fn a_corrupt_store_is_counted_and_replaced() {
    let whole = encoded(&[past(1, 1, 0, 0), past(2, 1, 0, 0)]);
    let mut bent = whole.to_vec();
    bent[60] ^= 1;
    for corrupt in [&bent[..], &whole[..100], &[1, 9], &[0]] {
        let mut registry = reloaded(Bytes::copy_from_slice(corrupt), 0);
        assert_eq!(stat(&registry, "registry.loads_failed"), 1);
        assert_eq!(registry.peers.len(), 0);
        run(&mut registry, vec![(1, connected(3))]);
        let next = reloaded(write(&wait(&mut registry, 31 * SECOND)), 31 * SECOND);
        assert_eq!(next.peers.len(), 1);
    }
    for fine in [whole, Bytes::new()] {
        assert_eq!(stat(&reloaded(fine, 0), "registry.loads_failed"), 0);
    }
}

#[test]
fn what_a_newer_version_stored_is_counted_and_left_alone() {
    let mut registry = reloaded(Bytes::from_static(&[2, 9, 9]), 0);
    assert_eq!(stat(&registry, "registry.loads_failed"), 1);
    run(&mut registry, vec![(0, Input::Start), (1, connected(1))]);
    assert_eq!(wait(&mut registry, 60 * MINUTE), []);
    assert_eq!(run(&mut registry, vec![(60 * MINUTE, Input::Stop)]), []);
}

#[test]
fn yesterday_counts_half_of_today() {
    let mut history = History::default();
    assert_eq!(history.terms(EPOCH).availability, 500);
    history.note(EPOCH, Outcome::Connected);
    history.note(EPOCH, Outcome::Connected);
    assert_eq!(history.terms(EPOCH).availability, 750);
    assert_eq!(history.terms(EPOCH + DAY).availability, 666);
    history.note(EPOCH + DAY, Outcome::Failed);
    assert_eq!(history.terms(EPOCH + DAY).availability, 500);
    assert_eq!(history.terms(EPOCH + 100 * DAY).availability, 500);
    // A clock that went back changes nothing.
    assert_eq!(history.terms(0).availability, 500);
}

#[test]
fn hearsay_pushes_nobody_out_who_was_connected() {
    let mut registry = fresh();
    for n in 0..200 {
        run(&mut registry, vec![(0, introduced(1000 + n))]);
    }
    assert_eq!(registry.peers.len(), PEERS_MAX);
    for n in 0..100_u16 {
        run(&mut registry, vec![(0, connected(n + 1)), (1, disconnected(n + 1))]);
    }
    for n in 0..200 {
        run(&mut registry, vec![(0, introduced(2000 + n))]);
    }
    assert_eq!(registry.peers.len(), PEERS_MAX);
    assert!((0..100_u16).all(|n| registry.peers.contains_key(&peer(n + 1))));
}

#[test]
fn hearsay_that_proved_wrong_makes_room_for_other() {
    let mut registry = fresh();
    for n in 0..100_u16 {
        run(&mut registry, vec![(0, introduced(n + 1))]);
    }
    run(&mut registry, vec![(0, failed(3)), (0, introduced(1000))]);
    assert!(!registry.peers.contains_key(&peer(3)));
    assert!(registry.peers.contains_key(&peer(1000)));
}

#[test]
fn a_banned_peer_is_forgotten_here_and_in_the_store() {
    let mut registry = fresh();
    let inputs = vec![(0, loaded(&[past(1, 5, 0, 0)])), (1, Input::Ban { peer: peer(1) })];
    run(&mut registry, inputs);
    assert_eq!(reloaded(write(&wait(&mut registry, 31 * SECOND)), MINUTE).peers.len(), 0);
}

#[test]
fn uptime_is_earned_while_anybody_is_connected_and_kept_over_runs() {
    let mut registry = reloaded(Bytes::new(), 0);
    run(&mut registry, vec![(MINUTE, connected(1)), (2 * MINUTE, connected(2))]);
    run(&mut registry, vec![(3 * MINUTE, disconnected(1)), (5 * MINUTE, disconnected(2))]);
    run(&mut registry, vec![(8 * MINUTE, connected(1))]);
    assert_eq!(registry.own_uptime_ms(at(9 * MINUTE)), 5 * MINUTE);
    let saved = || Input::Saved { is_done: true };
    run(&mut registry, vec![(9 * MINUTE, saved()), (9 * MINUTE, saved())]);
    let stored = write(&run(&mut registry, vec![(10 * MINUTE, Input::Stop)]));
    let mut next = reloaded(stored, 11 * MINUTE);
    assert_eq!(next.own_uptime_ms(at(20 * MINUTE)), 6 * MINUTE);
    assert_eq!(next.peers_count(), 2);
    run(&mut next, vec![(20 * MINUTE, connected(3))]);
    assert_eq!(next.own_uptime_ms(at(21 * MINUTE)), 7 * MINUTE);
}

#[test]
fn who_holds_is_stable_and_who_breaks_is_not() {
    let mut registry = reloaded(Bytes::new(), 0);
    run(&mut registry, vec![(0, connected(1)), (0, connected(2)), (0, connected(3))]);
    run(&mut registry, vec![(60 * MINUTE, broken(2)), (60 * MINUTE, disconnected(3))]);
    let stability = |registry: &Registry, n| registry.terms(at(60 * MINUTE), peer(n)).stability;
    // An hour is as good as six breaks are bad; only the second is to blame, a stranger may be anything.
    let of_all = |registry: &Registry| [1, 2, 3, 4].map(|n| stability(registry, n));
    assert_eq!(of_all(&registry), [875, 777, 875, 500]);
    let saved = || (60 * MINUTE, Input::Saved { is_done: true });
    run(&mut registry, vec![saved(), saved()]);
    let stored = write(&run(&mut registry, vec![(60 * MINUTE, Input::Stop)]));
    assert_eq!(of_all(&reloaded(stored, 60 * MINUTE)), [875, 777, 875, 500]);
    // A day later the break is half of one, and what held holds.
    assert_eq!(registry.terms(at(60 * MINUTE + DAY), peer(2)).stability, 823);
}

#[test]
fn who_loses_everybody_blames_nobody_for_the_last() {
    let mut registry = reloaded(Bytes::new(), 0);
    run(&mut registry, vec![(0, connected(1)), (0, connected(2))]);
    run(&mut registry, vec![(1, broken(1)), (1, broken(2))]);
    let stability = |n| registry.terms(at(1), peer(n)).stability;
    assert_eq!([stability(1), stability(2)], [333, 500]);
}

#[test]
fn the_best_are_the_connected_ones_then_those_that_proved_themselves() {
    let mut registry = fresh();
    let inputs = vec![
        (0, introduced(1)),
        (0, connected(2)),
        (1, disconnected(2)),
        (2, connected(3)),
        (3, failed(1)),
        (4, introduced(4)),
    ];
    run(&mut registry, inputs);
    let best = registry.best(at(5), (1..=5).map(peer));
    assert_eq!(best, [3, 2, 4, 1].map(peer));
}

#[test]
fn golden_bytes() {
    let mut history = History { seen_ms: 1000, paths: 1, ..History::default() };
    history.note(2000, Outcome::Connected);
    history.note(2000, Outcome::Broken);
    history.uptime_ms = 5;
    let numbers = [[0, 0, 0, 0, 0, 0, 3, 0xe8], [0; 8], [1, 0, 0, 0, 0, 0, 0, 5]].concat();
    let entry = [&peer(1).0[..], &[1], &numbers, &[0, 0, 1, 0], &[0; 4]].concat();
    let mut out = Vec::new();
    history.encode(peer(1), &mut out);
    assert_eq!(out, entry);
    let mut registry = fresh();
    registry.peers.entry(peer(1)).or_default().history = history;
    registry.stored.load(None);
    registry.mark(at(0));
    let expect = [&[1], &sha256(&entry)[..8], &entry].concat();
    assert_eq!(write(&wait(&mut registry, MINUTE)), expect);
}

/// Anything that may happen, with few peers, so that much happens to each.
fn any_input() -> impl Strategy<Value = Input> {
    let n = || 1..300_u16;
    prop_oneof![
        Just(Input::Start),
        Just(Input::Stop),
        Just(Input::Resumed),
        n().prop_map(introduced),
        n().prop_map(connected),
        n().prop_map(connected),
        n().prop_map(failed),
        n().prop_map(disconnected),
        n().prop_map(broken),
        n().prop_map(|n| Input::Ban { peer: peer(n) }),
        n().prop_map(|n| Input::Connecting { peer: peer(n) }),
    ]
}

proptest! {
    #[test]
    fn no_order_of_events_breaks_a_bound_and_all_of_it_survives(
        inputs in prop::collection::vec((0..20 * SECOND, any_input(), any::<bool>()), 0..400)
    ) {
        let mut registry = fresh();
        let mut store = encoded(&[]);
        let mut ms = 0;
        let mut effects = run(&mut registry, vec![(0, loaded(&[]))]);
        for (elapsed_ms, input, works) in inputs {
            ms += elapsed_ms;
            effects.extend(wait(&mut registry, ms));
            registry.handle(at(ms), input, &mut effects);
            prop_assert!(registry.peers.len() <= PEERS_MAX);
            for effect in core::mem::take(&mut effects) {
                let Effect::Save { stored } = effect else { continue };
                if works {
                    store = stored;
                }
                let is_done = works;
                effects.extend(run(&mut registry, vec![(ms, Input::Saved { is_done })]));
            }
        }
        // The page is left, and the store works.
        for effect in effects.drain(..) {
            let Effect::Save { stored } = effect else { continue };
            store = stored;
            registry.handle(at(ms), Input::Saved { is_done: true }, &mut Vec::new());
        }
        effects.extend(run(&mut registry, vec![(ms, Input::Stop)]));
        effects.extend(wait(&mut registry, ms + 5 * MINUTE));
        for effect in effects {
            if let Effect::Save { stored } = effect {
                store = stored;
            }
        }
        let next = reloaded(store, ms);
        let histories = |registry: &Registry| -> Vec<(PeerId, History)> {
            let peers = registry.peers.iter();
            peers.map(|(peer, known)| (*peer, History { seen_ms: 0, ..known.history })).collect()
        };
        prop_assert_eq!(histories(&next), histories(&registry));
    }

    #[test]
    fn no_stored_bytes_panic(bytes: Vec<u8>) {
        reloaded(bytes.into(), 0);
    }

    #[test]
    fn no_stored_entry_panics(bytes: Vec<u8>) {
        let bytes: Vec<u8> = bytes.iter().copied().cycle().take(bytes.len().min(1) * 650).collect();
        reloaded([&[1], &sha256(&bytes)[..8], &bytes].concat().into(), 0);
    }
}
