use proptest::prelude::*;

use super::*;

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;

fn at(ms: u64) -> Now {
    Now { mono: Instant::from_micros(ms * 1000), unix_ms: ms }
}

fn peer(seed: u8) -> PeerId {
    PeerId([seed; 32])
}

/// What stands for a record here, where nobody looks into it.
fn record(seed: u8) -> Bytes {
    Bytes::from(vec![seed; 3])
}

fn connected(seeds: &[u8]) -> Gossip {
    let mut gossip = Gossip::new(Exchange::default());
    for seed in seeds {
        assert_eq!(tell(&mut gossip, 0, Input::Up { peer: peer(*seed) }), []);
    }
    gossip
}

fn tell(gossip: &mut Gossip, ms: u64, input: Input) -> Vec<Effect> {
    let mut out = Vec::new();
    gossip.handle(at(ms), input, &mut out);
    out
}

/// Lets time pass; gives what became due, and when. Whom we know best are 50 and 51.
fn wait(gossip: &mut Gossip, until_ms: u64) -> Vec<(u64, Effect)> {
    let mut seen = Vec::new();
    while let Some(due) = gossip.poll_timeout().filter(|due| due.as_micros() <= until_ms * 1000) {
        let ms = due.as_micros() / 1000;
        let mut out = Vec::new();
        gossip.handle_timeout(at(ms), &mut out);
        for effect in out {
            if matches!(effect, Effect::Look { .. }) {
                let records = [50, 51].map(|seed| (peer(seed), record(seed))).to_vec();
                seen.extend(tell(gossip, ms, Input::Best { records }).into_iter().map(|e| (ms, e)));
            }
            seen.push((ms, effect));
        }
    }
    seen
}

fn proved(from: u8, seed: u8, ttl: u8) -> Input {
    Input::Proved { from: peer(from), peer: peer(seed), ttl, record: record(seed) }
}

fn frame(items: &[(u8, u8)]) -> Bytes {
    let items = items.iter().flat_map(|(seed, ttl)| [*ttl, 3, *seed, *seed, *seed]);
    [1, 6, 0].into_iter().chain(items).collect()
}

fn send(to: u8, items: &[(u8, u8)]) -> Effect {
    Effect::Send { to: peer(to), frame: frame(items) }
}

fn said(from: u8, items: &[(u8, u8)]) -> Input {
    Input::Message { from: peer(from), body: frame(items).slice(2..) }
}

fn strike(kind: StrikeKind) -> Vec<Effect> {
    vec![Effect::Strike { peer: peer(1), kind }]
}

/// What was sent to one peer, and when.
fn sent_to(to: u8, effects: Vec<(u64, Effect)>) -> Vec<(u64, Bytes)> {
    let frames = effects.into_iter().filter_map(|(ms, effect)| match effect {
        Effect::Send { to: receiver, frame } if receiver == peer(to) => Some((ms, frame)),
        _ => None,
    });
    frames.collect()
}

/// The rounds' times of a minute and more.
fn rounds(gossip: &mut Gossip, until_ms: u64) -> Vec<u64> {
    let all = wait(gossip, until_ms).into_iter();
    all.filter(|(_, effect)| matches!(effect, Effect::Look { .. })).map(|(ms, _)| ms).collect()
}

#[test]
fn golden_bytes() {
    assert_eq!(frame(&[(7, 3)])[..], [1, 6, 0, 3, 3, 7, 7, 7]);
    let mut gossip = connected(&[1]);
    let first = sent_to(1, wait(&mut gossip, 10 * SECOND));
    let bytes = [1, 6, 0, 3, 3, 50, 50, 50, 3, 3, 51, 51, 51];
    assert_eq!(first, [(5 * SECOND, Bytes::copy_from_slice(&bytes))]);
}

#[test]
fn whom_we_know_best_is_told_to_all_once_a_minute_and_to_none_of_itself() {
    let mut gossip = connected(&[1, 50]);
    let told = wait(&mut gossip, 66 * SECOND);
    assert_eq!(sent_to(1, told.clone()).len(), 2);
    let others: Vec<Bytes> = sent_to(50, told).into_iter().map(|(_, frame)| frame).collect();
    assert_eq!(others, [frame(&[(51, 3)]), frame(&[(51, 3)])]);
}

#[test]
fn a_hidden_or_a_sparing_node_has_fewer_rounds() {
    for input in [Input::Lifecycle(Lifecycle::Hidden), Input::Economy(Economy::Saving)] {
        let mut gossip = connected(&[1]);
        tell(&mut gossip, 0, input);
        assert_eq!(rounds(&mut gossip, 400 * SECOND), [5, 185, 365].map(|s| s * SECOND));
        tell(&mut gossip, 400 * SECOND, Input::Lifecycle(Lifecycle::Visible));
        tell(&mut gossip, 400 * SECOND, Input::Economy(Economy::Normal));
        assert_eq!(rounds(&mut gossip, 610 * SECOND), [545, 605].map(|s| s * SECOND));
    }
}

#[test]
fn sizes_and_intervals_are_what_was_configured_within_the_rules() {
    let interval = Duration::from_secs(1);
    let exchange =
        Exchange { interval, gossip_ttl: 9, gossip_peers_max: 99, ..Exchange::default() };
    let mut gossip = Gossip::new(exchange);
    tell(&mut gossip, 0, Input::Up { peer: peer(1) });
    let all = wait(&mut gossip, 66 * SECOND);
    assert!(all.contains(&(65 * SECOND, Effect::Look { max: 20 })), "{all:?}");
    assert!(all.contains(&(65 * SECOND, send(1, &[(50, 3), (51, 3)]))), "{all:?}");
    let mut silent = Gossip::new(Exchange { gossip_ttl: 0, ..exchange });
    tell(&mut silent, 0, Input::Up { peer: peer(1) });
    assert_eq!(sent_to(1, wait(&mut silent, MINUTE)), []);
}

#[test]
fn what_holds_is_passed_on_with_a_hop_less_but_not_to_where_it_came_from() {
    let mut gossip = connected(&[1, 2, 3]);
    wait(&mut gossip, 10 * SECOND);
    for input in [proved(1, 7, 3), proved(2, 3, 2)] {
        assert_eq!(tell(&mut gossip, 10 * SECOND, input), []);
    }
    let passed = wait(&mut gossip, 20 * SECOND);
    let at = 11 * SECOND;
    let expect = [(at, send(1, &[(3, 1)])), (at, send(2, &[(7, 2)])), (at, send(3, &[(7, 2)]))];
    assert_eq!(passed, expect);
}

#[test]
fn a_record_ends_where_it_has_no_hops_to_go() {
    let mut gossip = connected(&[1, 2]);
    wait(&mut gossip, 10 * SECOND);
    tell(&mut gossip, 10 * SECOND, proved(1, 7, 1));
    assert_eq!(wait(&mut gossip, 60 * SECOND), []);
}

#[test]
fn a_record_that_goes_round_is_passed_on_once_in_two_and_a_half_minutes() {
    let mut gossip = connected(&[1, 2, 3]);
    wait(&mut gossip, 10 * SECOND);
    let is_it = |(_, frame): &(u64, Bytes)| frame.windows(3).any(|bytes| bytes == &record(7)[..]);
    let mut told = Vec::new();
    for turn in 0..30 {
        let from = 1 + turn % 2;
        tell(&mut gossip, (10 + 10 * u64::from(turn)) * SECOND, proved(from, 7, 3));
        told.extend(sent_to(3, wait(&mut gossip, (19 + 10 * u64::from(turn)) * SECOND)));
    }
    let times: Vec<u64> = told.iter().filter(|one| is_it(one)).map(|(ms, _)| *ms).collect();
    assert_eq!(times, [11 * SECOND, 161 * SECOND]);
    assert_eq!(gossip.counters()["gossip.duplicates"], 28);
}

#[test]
fn what_is_passed_on_is_bounded_in_size_and_in_time() {
    let mut gossip = connected(&[1, 2]);
    wait(&mut gossip, 10 * SECOND);
    let mut bytes = 0;
    let mut messages = 0;
    for seed in 0..=255 {
        let ms = 10 * SECOND + u64::from(seed) * 234;
        if peer(seed) != peer(2) {
            tell(&mut gossip, ms, proved(1, seed, 3));
        }
        assert!(gossip.waiting.len() <= GOSSIP_PEERS_MAX && gossip.seen.len() <= SEEN_MAX);
        for (_, frame) in sent_to(2, wait(&mut gossip, ms + 200)) {
            bytes += frame.len();
            messages += 1;
        }
    }
    assert!(messages <= 4, "{messages}");
    assert!(bytes <= 4 * (3 + 20 * 5), "{bytes}");
    assert!(gossip.counters()["gossip.records_dropped"] > 150);
}

#[test]
fn what_a_peer_says_is_checked_before_anything_follows() {
    let mut gossip = connected(&[1, 2]);
    let records = vec![(3, record(7)), (1, record(8))];
    let expect = [Effect::Check { from: peer(1), records }];
    assert_eq!(tell(&mut gossip, 1, said(1, &[(7, 3), (8, 1)])), expect);
    assert_eq!(tell(&mut gossip, 1, said(9, &[(7, 3)])), []);
}

#[test]
fn what_no_honest_peer_says_is_a_strike() {
    let many: Vec<(u8, u8)> = (0..21).map(|seed| (seed, 1)).collect();
    for (items, kind) in [
        (&[(7, 0)][..], StrikeKind::MalformedFrame),
        (&[(7, 3), (8, 4)], StrikeKind::MalformedFrame),
        (&[], StrikeKind::MalformedFrame),
        (&many, StrikeKind::Oversized),
    ] {
        assert_eq!(tell(&mut connected(&[1]), 1, said(1, items)), strike(kind));
    }
    let body = frame(&[(7, 3), (8, 2)]).slice(2..);
    for end in 0..body.len() {
        let input = Input::Message { from: peer(1), body: body.slice(..end) };
        let is_struck = tell(&mut connected(&[1]), 1, input) == strike(StrikeKind::MalformedFrame);
        assert_eq!(is_struck, end != 6, "{end}");
    }
}

#[test]
fn an_honest_peer_keeps_within_what_may_be_said_and_a_flood_does_not() {
    let mut gossip = connected(&[1]);
    let honest = |effects: &[Effect]| matches!(effects, [Effect::Check { .. }]);
    for quarter in 0..40 {
        let ms = quarter * 15 * SECOND;
        assert!(honest(&tell(&mut gossip, ms, said(1, &[(7, 3)]))), "{quarter}");
    }
    // What an outage held back comes at once.
    for _ in 0..7 {
        assert!(honest(&tell(&mut gossip, 600 * SECOND, said(1, &[(7, 3)]))));
    }
    let late = (0..4).map(|_| tell(&mut gossip, 600 * SECOND, said(1, &[(7, 3)])));
    assert!(late.last() == Some(strike(StrikeKind::OutOfTurn)));
}

#[test]
fn whoever_has_nobody_is_silent() {
    let mut gossip = connected(&[1]);
    tell(&mut gossip, SECOND, proved(1, 7, 3));
    tell(&mut gossip, SECOND, Input::Down { peer: peer(1) });
    assert_eq!(gossip.poll_timeout(), None);
    tell(&mut gossip, 2 * SECOND, Input::Up { peer: peer(2) });
    assert_eq!(sent_to(2, wait(&mut gossip, 6 * SECOND)).len(), 0);
    assert_eq!(
        sent_to(2, wait(&mut gossip, 7 * SECOND)),
        [(7 * SECOND, frame(&[(50, 3), (51, 3)]))]
    );
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes: Vec<u8>) {
        tell(&mut connected(&[1]), 1, Input::Message { from: peer(1), body: bytes.into() });
    }
}
