//! Windows: nobody is sent more than it takes, nobody holds more than it granted, and who takes nothing
//! holds nobody up.

use super::*;
use crate::broadcast::flow::WINDOW_BYTES;

/// Of these seven fit a window.
static FULL: [u8; DATA_BYTES_MAX] = [1; DATA_BYTES_MAX];
const FIT: usize = 7;

fn full(origin: u8, number: u32) -> Bytes {
    let mut body = Vec::new();
    put_item(&mut body, &FULL);
    post(origin, number, Kind::Data, &body)
}

fn credit(from: u8, bytes: u32) -> Input {
    said(from, Message::Credit { bytes })
}

/// What was granted to a neighbour.
fn granted(effects: &[Effect], to: u8) -> u32 {
    let grants = effects.iter().filter_map(|effect| match effect {
        Effect::Send { to: other, message: Message::Credit { bytes } } if *other == peer(to) => {
            Some(*bytes)
        }
        _ => None,
    });
    grants.sum()
}

fn done(effects: &[Effect]) -> usize {
    let is_done = |effect: &&Effect| matches!(effect, Effect::Done { result: Ok(_), .. });
    effects.iter().filter(is_done).count()
}

fn announces(effects: &[Effect], to: u8) -> bool {
    let is_one = |effect: &Effect| matches!(effect, Effect::Send { to: other, message: Message::IHave { .. } } if *other == peer(to));
    effects.iter().any(is_one)
}

#[test]
fn what_is_said_waits_until_all_neighbours_take_more_and_goes_then() {
    let mut node = member(&[1, 2]);
    let mut out = Vec::new();
    for id in 0..20 {
        out.extend(run(&mut node, 1, say(id, &FULL)));
    }
    // The last one that is answered is signed, and waits for room; what follows is not signed.
    assert_eq!((pushed(&out).len(), done(&out)), (2 * FIT, FIT + 1));
    assert_eq!(pushed(&run(&mut node, 2, credit(1, WINDOW_BYTES))), [peer(1)]);
    let out = run(&mut node, 3, credit(2, WINDOW_BYTES));
    assert_eq!((pushed(&out).len(), done(&out)), (1 + 2 * (FIT - 1), FIT));
}

#[test]
fn more_than_may_wait_is_refused_with_a_reason() {
    let mut node = member(&[1]);
    let refused = |effects: Vec<Effect>| {
        let error = Err(CommandError::RateLimited);
        effects.iter().any(|it| matches!(it, Effect::Done { result, .. } if *result == error))
    };
    let count = (0..).take_while(|id| !refused(run(&mut node, 1, say(*id, &FULL)))).count();
    // A window, the post that waits for room, and 4 MiB.
    assert_eq!(count, FIT + 1 + 127);
    assert!(node.pen.drafts_bytes() <= 4 << 20);
    run(&mut node, 2, credit(1, WINDOW_BYTES));
    assert!(!refused(run(&mut node, 3, say(999, &FULL))));
}

#[test]
fn what_is_said_in_little_pieces_while_others_wait_goes_together() {
    let mut node = member(&[1]);
    for id in 0..8 {
        run(&mut node, 1, say(id, &FULL));
    }
    for id in 0..1_000 {
        assert_eq!(run(&mut node, 1, say(id, &[1; 100])), []);
    }
    let out = run(&mut node, 2, credit(1, WINDOW_BYTES));
    assert_eq!((pushed(&out).len(), done(&out)), (1 + 4, 1_000));
}

#[test]
fn who_sends_beyond_what_was_granted_is_struck_and_not_heard() {
    let mut node = node(&[1, 2]);
    // 2 takes no more than a window, so that no more is granted again.
    for id in 0..u32::try_from(2 * FIT - 1).unwrap() {
        assert!(
            !run(&mut node, 1, gossip(1, 1, &full(9, id)))
                .contains(&strike(1, StrikeKind::TooManyRequests))
        );
    }
    let effects = run(&mut node, 1, gossip(1, 1, &full(9, 99)));
    assert_eq!(effects, [strike(1, StrikeKind::TooManyRequests)]);
    assert_eq!(node.held.len(), FIT - 1);
}

#[test]
fn a_window_is_granted_again_when_posts_were_checked_or_when_they_are_on_their_way() {
    // Nobody to hand on to: a quarter of the window at a time.
    let mut leaf = member(&[1]);
    let effects: Vec<u32> =
        (0..4).map(|id| granted(&run(&mut leaf, 1, gossip(1, 1, &full(9, id))), 1)).collect();
    let each = u32::try_from(full(9, 0).len()).unwrap();
    assert_eq!(effects, [0, 2 * each, 0, 2 * each]);
    // What waits for another neighbour is not granted before that takes it.
    let mut node = node(&[1, 2]);
    let fit = u32::try_from(FIT).unwrap();
    let mut grants = 0;
    for id in 0..2 * fit - 1 {
        grants += granted(&run(&mut node, 1, gossip(1, 1, &full(9, id))), 1);
    }
    assert_eq!(grants, (fit - 1) * each);
    let effects = run(&mut node, 2, credit(2, WINDOW_BYTES));
    assert_eq!((pushed(&effects).len(), granted(&effects, 1)), (FIT - 1, (fit - 1) * each));
}

#[test]
fn nobody_makes_others_hand_on_more_than_a_megabyte_a_second_for_long() {
    let mut node = node(&[1, 2]);
    let (mut id, mut heard) = (0, 0);
    for ms in (0..20_000).step_by(10) {
        wait(&mut node, ms);
        run(&mut node, ms, credit(2, WINDOW_BYTES));
        loop {
            let effects = run(&mut node, ms, gossip(1, 1, &full(9, id)));
            id += 1;
            if pushed(&effects).is_empty() {
                break;
            }
            heard += full(9, 0).len();
        }
    }
    assert!((18 << 20..24 << 20).contains(&heard), "{heard}");
}

#[test]
fn who_takes_nothing_is_announced_to_after_a_while_and_pushed_to_when_it_has_caught_up() {
    let mut node = member(&[1, 2]);
    for id in 0..12 {
        run(&mut node, 1, say(id, &FULL));
        run(&mut node, 1, credit(1, WINDOW_BYTES));
    }
    assert_eq!((node.held.len(), stat(&node, "broadcast.stalled")), (1, 0));
    assert_eq!(wait(&mut node, 3_900), []);
    // The others get all that waited.
    let mut effects = wait(&mut node, 4_100);
    effects.extend(wait(&mut node, 4_200));
    assert_eq!(pushed(&effects), [peer(1); 4]);
    assert!(announces(&effects, 2));
    // It takes all at once, and is an edge again.
    run(&mut node, 5_000, credit(2, WINDOW_BYTES));
    assert_eq!(pushed(&run(&mut node, 5_001, say(1, b"hi"))).len(), 2);
}

#[test]
fn who_holds_others_up_again_is_announced_to_for_longer() {
    let mut node = member(&[1, 2]);
    let mut hold_up = |from_ms: u64| {
        for id in 0..9 {
            run(&mut node, from_ms, say(id, &FULL));
            run(&mut node, from_ms, credit(1, WINDOW_BYTES));
        }
        for ms in (from_ms..from_ms + 4_500).step_by(100) {
            wait(&mut node, ms);
        }
        run(&mut node, from_ms + 4_500, credit(2, WINDOW_BYTES));
        [5_000, 40_000].map(|ms| {
            let effects = run(&mut node, from_ms + ms, say(1, b"hi"));
            pushed(&effects).contains(&peer(2))
        })
    };
    assert_eq!(hold_up(0), [true, true]);
    assert_eq!(hold_up(50_000), [false, true]);
}

#[test]
fn a_neighbour_that_is_gone_or_no_edge_any_more_is_not_waited_for() {
    for input in [Input::Down { peer: peer(2), has_left: false }, said(2, Message::Prune)] {
        let mut node = member(&[1, 2]);
        for id in 0..12 {
            run(&mut node, 1, say(id, &FULL));
            run(&mut node, 1, credit(1, WINDOW_BYTES));
        }
        run(&mut node, 2, input);
        assert_eq!(node.poll_timeout(), Some(at(2).mono));
        wait(&mut node, 2);
        assert_eq!(node.held.len(), 0);
    }
}

#[test]
fn what_is_asked_for_is_sent_as_fast_as_it_is_taken() {
    let mut node = node(&[1, 2]);
    run(&mut node, 1, said(2, Message::Prune));
    let posts: Vec<Bytes> = (0..20).map(|id| full(9, id)).collect();
    for post in &posts {
        run(&mut node, 1, gossip(1, 1, post));
    }
    let ids = posts.iter().map(|post| PostId::of(post)).collect();
    assert_eq!(pushed(&run(&mut node, 2, said(2, Message::Graft { ids }))).len(), FIT);
    assert_eq!(pushed(&run(&mut node, 3, credit(2, WINDOW_BYTES))).len(), FIT);
    assert_eq!(pushed(&run(&mut node, 4, credit(2, WINDOW_BYTES))).len(), 6);
}

/// Lets frames through for so many steps of 50 ms, but for those to and from a frozen node.
fn go_on(net: &mut Net, steps: usize, frozen: Option<usize>) {
    for _ in 0..steps {
        let mut kept = VecDeque::new();
        while let Some((from, to, message)) = net.frames.pop_front() {
            let index = (0..net.nodes.len()).find(|n| peer(u8::try_from(*n).unwrap()) == to);
            let index = index.unwrap();
            if frozen == Some(index) {
                kept.push_back((from, to, message));
            } else {
                net.input(index, said(u8::try_from(from).unwrap(), message));
            }
            let holds = |node: &Broadcast| node.held.len() <= 256 * node.neighbours.len() + 1;
            assert!(net.nodes.iter().all(holds));
        }
        net.frames = kept;
        net.ms += 50;
        for own in (0..net.nodes.len()).filter(|own| frozen != Some(*own)) {
            let effects = wait(&mut net.nodes[own], net.ms);
            net.take(own, effects);
        }
    }
}

fn heard_by(net: &Net, own: usize) -> usize {
    net.heard.iter().filter(|n| **n == own).count()
}

#[test]
fn a_frozen_peer_holds_nobody_up_for_long_and_gets_all_when_it_goes_on() {
    let ring =
        (0..12).map(|n| (n, (n + 1) % 12)).map(|(a, b): (usize, usize)| (a.min(b), a.max(b)));
    let chords = [(0, 6), (2, 9), (4, 10)];
    let mut net = Net::new(12, &ring.chain(chords).collect::<Vec<_>>());
    net.say(0);
    net.heard.clear();
    for id in 0..100 {
        net.input(0, say(id, &FULL));
    }
    go_on(&mut net, 400, Some(4));
    for own in (1..12).filter(|own| *own != 4) {
        assert_eq!(heard_by(&net, own), 100, "{own} has heard");
    }
    go_on(&mut net, 200, None);
    assert_eq!(heard_by(&net, 4), 100);
    let stalls: Vec<u64> = net.nodes.iter().map(|it| stat(it, "broadcast.stalled")).collect();
    // None but those next to it.
    for own in (0..12).filter(|own| ![3, 5, 10].contains(own)) {
        assert_eq!(stalls[own], 0, "{stalls:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]

    /// Nobody honest is ever struck: the net panics at that.
    #[test]
    fn in_any_small_swarm_all_that_many_say_at_once_arrives(
        chords in prop::collection::vec((0usize..12, 0usize..12), 0..12),
        says in prop::collection::vec((0usize..12, 1usize..DATA_BYTES_MAX), 1..40),
    ) {
        let ring = (0..12).map(|n| (n, (n + 1) % 12));
        let mut edges: Vec<_> = ring.chain(chords.into_iter().filter(|(a, b)| a != b)).collect();
        for edge in &mut edges {
            *edge = (edge.0.min(edge.1), edge.0.max(edge.1));
        }
        edges.sort_unstable();
        edges.dedup();
        let mut net = Net::new(12, &edges);
        for (own, bytes) in &says {
            net.input(*own, say(1, &FULL[..*bytes]));
        }
        go_on(&mut net, 200, None);
        for own in 0..12 {
            let of_others = says.iter().filter(|(by, _)| *by != own).count();
            prop_assert_eq!(heard_by(&net, own), of_others);
        }
        for node in &net.nodes {
            prop_assert!(node.held.is_empty());
        }
    }
}
