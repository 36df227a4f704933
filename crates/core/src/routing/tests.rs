use peerloom_wire::envelope::ENVELOPE_BYTES_MAX;

use super::absent::ABSENT_MAX;
use super::carrier::SOURCES_MAX;
use super::passage::{KEPT_BYTES_MAX, PASSAGES_MAX};
use super::*;

pub(super) fn at(ms: u64) -> Now {
    Now { mono: Instant::from_micros(ms * 1000), unix_ms: ms }
}

/// Peers are named by a byte; we are 0.
fn peer(n: u8) -> PeerId {
    PeerId([n; 32])
}

const ENVELOPE: Bytes = Bytes::from_static(b"an envelope");

fn routing(carriers: &[u8]) -> Routing {
    let mut routing = Routing::new(Config { own: peer(0) });
    for &n in carriers {
        run(&mut routing, vec![(0, Input::Up { peer: peer(n) })]);
    }
    routing
}

fn run(routing: &mut Routing, inputs: Vec<(u64, Input)>) -> Vec<Effect> {
    let mut last = Vec::new();
    for (ms, input) in inputs {
        last.clear();
        routing.handle(at(ms), input, &mut last);
    }
    last
}

/// Inputs in, the effects of the last one out; we are connected to peers 1 to 3.
fn check(inputs: Vec<(u64, Input)>, expect: &[Effect]) {
    assert_eq!(run(&mut routing(&[1, 2, 3]), inputs), expect);
}

fn carry(copy: u8, steps_left: u8, source: u8, target: u8) -> Message {
    let (source, target) = (peer(source), peer(target));
    let carry = Carry { kind: Kind::Signal, copy, steps_left, source, target, envelope: ENVELOPE };
    Message::Carry(Box::new(carry))
}

/// Some other envelope than the one that all else is about.
fn carry_of(source: PeerId, target: PeerId, envelope: Bytes) -> Message {
    let kind = Kind::Signal;
    Message::Carry(Box::new(Carry { kind, copy: 0, steps_left: 5, source, target, envelope }))
}

fn said(from: u8, message: Message) -> Input {
    Input::Message { from: peer(from), message, unwanted: false }
}

fn sent(to: u8, message: Message) -> Effect {
    Effect::Send { to: peer(to), message }
}

fn id(copy: u8, source: u8, target: u8) -> MessageId {
    let Message::Carry(carry) = carry(copy, 9, source, target) else { unreachable!() };
    carry.id()
}

fn undeliverable(copy: u8, source: u8, target: u8, reason: Undelivered, steps_left: u8) -> Message {
    Message::Undeliverable { id: id(copy, source, target), reason, steps_left }
}

fn send(target: u8) -> Input {
    Input::Send { target: peer(target), envelope: ENVELOPE }
}

fn neighbours(n: u8, listed: &[u8]) -> Input {
    Input::Neighbours { peer: peer(n), listed: listed.iter().copied().map(peer).collect() }
}

/// To whom copies go.
fn receivers(effects: &[Effect]) -> Vec<u8> {
    let carried = effects.iter().filter_map(|effect| match effect {
        Effect::Send { to, message: Message::Carry(_) } => Some(to.0[0]),
        _ => None,
    });
    carried.collect()
}

fn stat(routing: &Routing, name: &str) -> u64 {
    routing.counters().get(name).copied().unwrap_or(0)
}

#[test]
fn an_envelope_for_a_connected_peer_goes_to_it_and_nowhere_else() {
    check(vec![(1, said(1, carry(0, 9, 9, 2)))], &[sent(2, carry(0, 8, 9, 2))]);
}

#[test]
fn an_envelope_for_us_is_delivered() {
    check(
        vec![(1, said(1, carry(0, 0, 9, 0)))],
        &[Effect::Deliver { envelope: ENVELOPE, hops: 32 }],
    );
}

#[test]
fn ours_goes_out_by_several_carriers_each_with_a_copy_of_its_own() {
    let mut routing = routing(&[1, 2, 3, 4]);
    let effects = run(&mut routing, vec![(1, send(9))]);
    let mut to = receivers(&effects);
    to.sort_unstable();
    to.dedup();
    assert_eq!((to.len(), effects.len()), (3, 3), "{effects:?}");
    let copies = effects.iter().filter_map(|effect| match effect {
        Effect::Send { message: Message::Carry(carry), .. } => Some((carry.copy, carry.steps_left)),
        _ => None,
    });
    assert_eq!(copies.collect::<Vec<_>>(), [0, 1, 2].map(|copy| (copy, STEPS_MAX - 1)));
}

#[test]
fn ours_for_a_connected_peer_needs_no_carrier_unless_nothing_gets_through_to_it() {
    let unreachable = Input::Reachable { peer: peer(1), reachable: false };
    check(vec![(1, send(1))], &[]);
    let mut routing = routing(&[1, 2]);
    assert_eq!(receivers(&run(&mut routing, vec![(1, unreachable), (2, send(1))])), [2]);
}

#[test]
fn whoever_is_said_to_be_connected_to_the_target_is_asked_first() {
    let mut routing = routing(&[1, 2, 3, 4, 5, 6]);
    run(&mut routing, vec![(1, neighbours(4, &[9]))]);
    let to = receivers(&run(&mut routing, vec![(2, send(9))]));
    assert_eq!((to[0], to.len()), (4, usize::from(COPIES_KNOWN)));
    run(&mut routing, vec![(3, neighbours(4, &[])), (3, neighbours(6, &[9]))]);
    assert_eq!(receivers(&run(&mut routing, vec![(4, said(1, carry(0, 5, 8, 9)))])), [6]);
}

#[test]
fn load_is_spread_over_those_who_know_the_target() {
    let mut routing = routing(&[1, 2, 3]);
    run(&mut routing, vec![(1, neighbours(2, &[9])), (1, neighbours(3, &[9]))]);
    let mut counts = [0; 4];
    for n in 0..100u8 {
        let envelope = Bytes::copy_from_slice(&[n]);
        let (source, target) = (peer(8), peer(9));
        let message = carry_of(source, target, envelope);
        for to in receivers(&run(&mut routing, vec![(2, said(1, message))])) {
            counts[usize::from(to)] += 1;
        }
    }
    assert!(counts[2] > 30 && counts[3] > 30 && counts[1] == 0, "{counts:?}");
}

#[test]
fn an_answer_mostly_takes_the_way_that_the_question_came() {
    let mut routing = routing(&[1, 2, 3, 4, 5, 6, 7]);
    run(&mut routing, vec![(1, said(6, carry(0, 5, 9, 0)))]);
    let mut by_way = 0;
    for n in 0..100u8 {
        let envelope = Bytes::copy_from_slice(&[n]);
        let to =
            receivers(&run(&mut routing, vec![(2, Input::Send { target: peer(9), envelope })]));
        assert_eq!(to.len(), usize::from(COPIES_KNOWN));
        by_way += usize::from(to[0] == 6);
    }
    assert!((60..95).contains(&by_way), "{by_way}");
}

#[test]
fn it_never_goes_back_to_where_it_came_from_or_to_its_source() {
    let nowhere = undeliverable(0, 2, 9, Undelivered::NoRoute, 9);
    let mut routing = routing(&[1, 2]);
    assert_eq!(run(&mut routing, vec![(1, said(1, carry(0, 9, 2, 9)))]), [sent(1, nowhere)]);
}

#[test]
fn from_a_dead_end_it_goes_elsewhere_and_at_last_back_with_what_is_left() {
    let mut routing = routing(&[1, 2, 3]);
    let first = receivers(&run(&mut routing, vec![(1, said(1, carry(0, 9, 8, 9)))]))[0];
    let other = 5 - first;
    let dead_end = said(first, undeliverable(0, 8, 9, Undelivered::NoRoute, 6));
    assert_eq!(run(&mut routing, vec![(2, dead_end)]), [sent(other, carry(0, 5, 8, 9))]);
    let refused = said(other, undeliverable(0, 8, 9, Undelivered::Refused, 2));
    let back = undeliverable(0, 8, 9, Undelivered::Refused, 2);
    assert_eq!(run(&mut routing, vec![(3, refused)]), [sent(1, back)]);
}

#[test]
fn nobody_gives_back_more_steps_than_it_got() {
    let mut routing = routing(&[1, 2, 3]);
    let first = receivers(&run(&mut routing, vec![(1, said(1, carry(0, 4, 8, 9)))]))[0];
    let lie = said(first, undeliverable(0, 8, 9, Undelivered::NoRoute, 255));
    assert_eq!(run(&mut routing, vec![(2, lie)]), [sent(5 - first, carry(0, 2, 8, 9))]);
}

#[test]
fn without_steps_it_goes_back() {
    let expired = undeliverable(0, 8, 9, Undelivered::Expired, 0);
    check(vec![(1, said(1, carry(0, 0, 8, 9)))], &[sent(1, expired)]);
}

#[test]
fn what_comes_round_again_goes_back_at_once() {
    let mut routing = routing(&[1, 2, 3]);
    run(&mut routing, vec![(1, said(1, carry(0, 9, 8, 9)))]);
    let again = run(&mut routing, vec![(2, said(2, carry(0, 7, 8, 9)))]);
    assert_eq!(again, [sent(2, undeliverable(0, 8, 9, Undelivered::NoRoute, 7))]);
    let own = run(&mut routing, vec![(2, said(3, carry(0, 7, 0, 9)))]);
    assert_eq!(own, [sent(3, undeliverable(0, 0, 9, Undelivered::NoRoute, 7))]);
    assert_eq!(stat(&routing, "routing.loops"), 2);
}

#[test]
fn an_answer_by_somebody_who_was_not_asked_changes_nothing() {
    let mut routing = routing(&[1, 2, 3]);
    let first = receivers(&run(&mut routing, vec![(1, said(1, carry(0, 9, 8, 9)))]))[0];
    let meddler = said(5 - first, undeliverable(0, 8, 9, Undelivered::NoRoute, 6));
    assert_eq!(run(&mut routing, vec![(2, meddler)]), []);
    assert_eq!(stat(&routing, "routing.answers_stale"), 1);
}

#[test]
fn a_carrier_that_dies_is_replaced_for_what_it_was_just_handed() {
    for how in [
        |n| Input::Down { peer: peer(n) },
        |n| Input::Reachable { peer: peer(n), reachable: false },
    ] {
        let mut routing = routing(&[1, 2, 3]);
        let first = receivers(&run(&mut routing, vec![(1, said(1, carry(0, 9, 8, 9)))]))[0];
        let effects = run(&mut routing, vec![(2, how(first))]);
        assert_eq!(effects, [sent(5 - first, carry(0, 7, 8, 9))]);
        assert_eq!(run(&mut routing, vec![(60_000, how(5 - first))]), []);
    }
}

#[test]
fn what_no_honest_carrier_does_is_a_strike() {
    let (source, target) = (peer(8), peer(9));
    let envelope = vec![0; ENVELOPE_BYTES_MAX + 1].into();
    let too_large = carry_of(source, target, envelope);
    for (message, kind) in [
        (too_large, StrikeKind::Oversized),
        (carry(COPIES_MAX, 5, 8, 9), StrikeKind::MalformedFrame),
        (carry(0, STEPS_MAX, 8, 9), StrikeKind::MalformedFrame),
        (carry(0, 5, 9, 9), StrikeKind::MalformedFrame),
        (carry(0, 5, 8, 1), StrikeKind::MalformedFrame),
    ] {
        check(vec![(1, said(1, message))], &[Effect::Strike { peer: peer(1), kind }]);
    }
}

#[test]
fn what_is_said_for_a_banned_peer_is_refused_and_no_strike_against_its_carrier() {
    let message = carry(0, 9, 8, 0);
    let unwanted = Input::Message { from: peer(1), message, unwanted: true };
    check(vec![(1, unwanted)], &[sent(1, undeliverable(0, 8, 0, Undelivered::Refused, 9))]);
}

/// So many different envelopes at once from one carrier, and what came of them:
/// `(delivered, refused, strikes)`.
fn flood(routing: &mut Routing, ms: u64, count: u32, sources: u32) -> (usize, usize, usize) {
    let mut outcome = (0, 0, 0);
    for n in 0..count {
        let envelope = Bytes::copy_from_slice(&[&n.to_be_bytes()[..], &ms.to_be_bytes()].concat());
        let mut source = peer(8);
        source.0[..4].copy_from_slice(&(n % sources).to_be_bytes());
        let target = peer(0);
        let message = carry_of(source, target, envelope);
        for effect in run(routing, vec![(ms, said(1, message))]) {
            match effect {
                Effect::Deliver { .. } => outcome.0 += 1,
                Effect::Send {
                    message: Message::Undeliverable { reason: Undelivered::RateLimited, .. },
                    ..
                } => outcome.1 += 1,
                Effect::Strike { kind: StrikeKind::TooManyRequests, .. } => outcome.2 += 1,
                other => panic!("{other:?}"),
            }
        }
    }
    outcome
}

#[test]
fn a_source_has_its_limit_and_gains_with_time() {
    let mut routing = routing(&[1]);
    assert_eq!(flood(&mut routing, 1, 200, 1), (128, 72, 0));
    assert_eq!(flood(&mut routing, 1001, 100, 1), (16, 84, 0));
}

#[test]
fn who_makes_up_sources_has_the_limit_of_its_connection_and_is_struck_for_a_flood() {
    let mut routing = routing(&[1]);
    assert_eq!(flood(&mut routing, 1, 2560, 2560), (512, 2048, 0));
    let (_, _, strikes) = flood(&mut routing, 2, 2560 * 5, u32::MAX);
    assert!(strikes >= 4, "{strikes}");
    assert!(routing.carriers.values().all(|carrier| carrier.sources.len() <= SOURCES_MAX));
}

#[test]
fn we_hand_a_carrier_no_more_than_it_takes() {
    let mut routing = routing(&[1, 2]);
    let mut handed = [0; 3];
    for n in 0..2000u32 {
        let mut source = peer(7);
        source.0[..4].copy_from_slice(&n.to_be_bytes());
        let envelope = Bytes::copy_from_slice(&n.to_be_bytes());
        let target = peer(9);
        let message = carry_of(source, target, envelope);
        // One answers pings, the other does not.
        run(&mut routing, vec![(u64::from(n) * 20, Input::Alive { peer: peer(1) })]);
        let input = said(1, message);
        for to in receivers(&run(&mut routing, vec![(u64::from(n) * 20, input)])) {
            handed[usize::from(to)] += 1;
        }
    }
    assert_eq!(handed, [0, 0, 512]);
}

#[test]
fn memory_is_bounded() {
    let mut routing = routing(&[1, 2]);
    for n in 0..3000u32 {
        let mut source = peer(7);
        source.0[..4].copy_from_slice(&n.to_be_bytes());
        let envelope = Bytes::from(n.to_be_bytes().repeat(4000));
        let target = peer(9);
        let message = carry_of(source, target, envelope);
        let ms = u64::from(n) * 5;
        run(&mut routing, vec![(ms, Input::Alive { peer: peer(2) }), (ms, said(1, message))]);
        assert!(routing.passages.iter().all(|p| p.carry.envelope.len() <= KEPT_BYTES_MAX));
        assert!(routing.passages.len() <= PASSAGES_MAX);
    }
    run(&mut routing, vec![(900_000, Input::Alive { peer: peer(1) })]);
    assert_eq!(routing.passages.len(), 0);
}

#[test]
fn the_verdict_waits_until_every_copy_is_back() {
    let mut routing = routing(&[1, 2]);
    assert_eq!(routing.verdict(at(0).mono, peer(9)), None);
    let to = receivers(&run(&mut routing, vec![(1, send(9))]));
    assert_eq!(to.len(), 2);
    for (copy, first) in (0..).zip(&to) {
        assert_eq!(routing.verdict(at(2).mono, peer(9)), None);
        let dead_end = said(*first, undeliverable(copy, 0, 9, Undelivered::NoRoute, 3));
        let next = receivers(&run(&mut routing, vec![(2, dead_end)]));
        // The first copy may still go where the second one is.
        for second in next {
            let expired = undeliverable(copy, 0, 9, Undelivered::Expired, 0);
            run(&mut routing, vec![(2, said(second, expired))]);
        }
    }
    assert_eq!(routing.verdict(at(3).mono, peer(9)), Some(Undelivered::Expired));
    assert_eq!(routing.verdict(at(60_000).mono, peer(9)), None);
    assert_eq!(stat(&routing, "routing.undeliverable"), 2);
}

/// Looks for peer 9, and brings every copy back. Returns how many there were.
fn search_in_vain(routing: &mut Routing, ms: u64, reason: Undelivered) -> usize {
    let sent = run(routing, vec![(ms, send(9))]);
    for effect in &sent {
        let Effect::Send { to, message: Message::Carry(carry) } = effect else { unreachable!() };
        let back = Message::Undeliverable { id: carry.id(), reason, steps_left: 0 };
        run(routing, vec![(ms, Input::Message { from: *to, message: back, unwanted: false })]);
    }
    sent.len()
}

#[test]
fn whoever_was_not_found_is_looked_for_again_later_and_ever_later() {
    let mut routing = routing(&[1, 2]);
    let mut searched = Vec::new();
    for s in 0..200 {
        if search_in_vain(&mut routing, s * 1000, Undelivered::Expired) > 0 {
            searched.push(s);
        }
    }
    assert_eq!(searched, [0, 10, 30, 70, 130, 190]);
    assert_eq!(stat(&routing, "routing.spared"), 194);
}

#[test]
fn whoever_was_not_found_is_looked_for_at_once_when_it_may_be_there() {
    let signs = [
        said(1, carry(0, 5, 9, 2)),
        neighbours(2, &[9]),
        Input::LookFor { peer: peer(9) },
        Input::Up { peer: peer(3) },
    ];
    for sign in signs {
        let mut routing = routing(&[1, 2]);
        search_in_vain(&mut routing, 0, Undelivered::NoRoute);
        assert_eq!(receivers(&run(&mut routing, vec![(1000, send(9))])), [0; 0]);
        run(&mut routing, vec![(1001, sign.clone())]);
        assert!(!receivers(&run(&mut routing, vec![(1002, send(9))])).is_empty(), "{sign:?}");
    }
    // That somebody still says so is no sign.
    let mut routing = routing(&[1, 2]);
    run(&mut routing, vec![(0, neighbours(2, &[9]))]);
    search_in_vain(&mut routing, 0, Undelivered::NoRoute);
    run(&mut routing, vec![(1, neighbours(2, &[8, 9]))]);
    assert_eq!(receivers(&run(&mut routing, vec![(2, send(9))])), [0; 0]);
}

#[test]
fn who_had_no_carrier_or_was_turned_away_has_not_searched() {
    let mut alone = routing(&[]);
    run(&mut alone, vec![(0, send(9)), (1, Input::Up { peer: peer(1) })]);
    let unreachable = Input::Reachable { peer: peer(1), reachable: false };
    let reachable = Input::Reachable { peer: peer(1), reachable: true };
    run(&mut alone, vec![(2, unreachable), (3, send(9)), (4, reachable)]);
    assert_eq!(receivers(&run(&mut alone, vec![(5, send(9))])), [1]);
    for reason in [Undelivered::Refused, Undelivered::RateLimited] {
        let mut routing = routing(&[1, 2]);
        search_in_vain(&mut routing, 0, reason);
        assert_eq!(search_in_vain(&mut routing, 1000, reason), 2);
    }
}

#[test]
fn no_more_are_remembered_that_were_not_found_than_there_is_room_for() {
    let mut routing = routing(&[1]);
    for n in 0..200u32 {
        let mut target = peer(9);
        target.0[..4].copy_from_slice(&n.to_be_bytes());
        // One envelope after another, so that nothing is over a limit.
        let ms = u64::from(n) * 100;
        let input = Input::Send { target, envelope: ENVELOPE };
        let sent = run(&mut routing, vec![(ms, Input::Alive { peer: peer(1) }), (ms, input)]);
        let [Effect::Send { message: Message::Carry(carry), .. }] = &sent[..] else {
            panic!("{sent:?}")
        };
        let back =
            Message::Undeliverable { id: carry.id(), reason: Undelivered::Expired, steps_left: 0 };
        run(&mut routing, vec![(ms, said(1, back))]);
        assert!(routing.absent.len() <= ABSENT_MAX);
    }
    assert_eq!(routing.absent.len(), ABSENT_MAX);
}
