mod flow;

use std::collections::VecDeque;

use core::time::Duration;
use peerloom_crypto::{Signature, sha256};
use proptest::prelude::*;

use super::cache::{KEPT_BYTES_MAX, KEPT_MAX, SEEN_MAX};
use super::message::Announced;
use super::post::{Head, Kind, Post, Topic, payload, put_item, sign_with};
use super::repair::{MISSING_MAX, MISSING_OF_ONE_MAX};
use super::*;

const START_MS: u64 = 100_000;
const ROOM: &str = "room";

fn at(ms: u64) -> Now {
    let ms = START_MS + ms;
    Now { mono: Instant::from_micros(ms * 1000), unix_ms: ms }
}

fn app() -> AppId {
    AppId::from_name("test")
}

fn key(n: u8) -> PublicKey {
    PublicKey([n; 65])
}

/// Peers are named by a byte; we are 0.
fn peer(n: u8) -> PeerId {
    PeerId(key(n).fingerprint())
}

/// A signature as good as any other for who checks it by this, too.
fn sign(key: &PublicKey, payload: &[u8]) -> Signature {
    let half = sha256(&[&key.0[..], payload].concat());
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&half);
    Signature(signature)
}

fn holds(claim: &Claim) -> bool {
    sign(&claim.key, &claim.payload) == claim.signature
}

fn make(own: u8) -> Broadcast {
    let config = Config { key: key(own), app: app() };
    let mut node = Broadcast::new(config, Random::fork(&[own; 32], "test"));
    let mut out = Vec::new();
    node.handle(Now { mono: Instant::ZERO, unix_ms: 0 }, Input::Start, &mut out);
    node
}

fn node(neighbours: &[u8]) -> Broadcast {
    let mut node = make(0);
    for &n in neighbours {
        run(&mut node, 0, Input::Up { peer: peer(n) });
    }
    node
}

/// A node in the room, unseen.
fn member(neighbours: &[u8]) -> Broadcast {
    let mut node = node(neighbours);
    let done = run(&mut node, 0, join(false));
    assert_eq!(done, [Effect::Done { id: CommandId(1), result: Ok(Reply::Done) }]);
    node
}

fn join(is_shown: bool) -> Input {
    let command = Command::Join { room: ROOM.to_owned(), is_shown };
    Input::Command { id: CommandId(1), command }
}

fn say(id: u64, data: &[u8]) -> Input {
    let command = Command::Post { room: ROOM.to_owned(), data: Bytes::copy_from_slice(data) };
    Input::Command { id: CommandId(id), command }
}

/// Gives an input and answers what it asks of the browser, until nothing is asked.
fn run(node: &mut Broadcast, ms: u64, input: Input) -> Vec<Effect> {
    let mut out = Vec::new();
    node.handle(at(ms), input, &mut out);
    answer(node, ms, out)
}

fn wait(node: &mut Broadcast, ms: u64) -> Vec<Effect> {
    let mut out = Vec::new();
    node.handle_timeout(at(ms), &mut out);
    answer(node, ms, out)
}

fn answer(node: &mut Broadcast, ms: u64, effects: Vec<Effect>) -> Vec<Effect> {
    let mut others = Vec::new();
    let mut effects = VecDeque::from(effects);
    while let Some(effect) = effects.pop_front() {
        let input = match effect {
            Effect::Sign { payload } => {
                Input::Signed { signature: Some(sign(&node.config.key, &payload)) }
            }
            Effect::Verify { check, claim } => Input::Verified { check, holds: holds(&claim) },
            other => {
                others.push(other);
                continue;
            }
        };
        let mut out = Vec::new();
        node.handle(at(ms), input, &mut out);
        effects.extend(out);
    }
    others
}

/// A post of `origin`.
fn post(origin: u8, number: u32, kind: Kind, body: &[u8]) -> Bytes {
    let topic = Topic::named(app(), ROOM);
    let head = Head { topic, run: RunId(1), number, sent_ms: 7, kind };
    let part = head.signed_part(body);
    sign_with(&key(origin), &sign(&key(origin), &payload(app(), &part)), &part)
}

fn data(origin: u8, number: u32) -> Bytes {
    let mut body = Vec::new();
    put_item(&mut body, b"hi");
    post(origin, number, Kind::Data, &body)
}

fn said(from: u8, message: Message) -> Input {
    Input::Message { from: peer(from), message }
}

fn gossip(from: u8, hops: u8, post: &Bytes) -> Input {
    said(from, Message::Gossip { hops, post: post.clone() })
}

fn i_have(from: u8, post: &Bytes) -> Input {
    announced(from, 3, post)
}

fn announced(from: u8, hops: u8, post: &Bytes) -> Input {
    let entries = vec![Announced { id: PostId::of(post), hops, age: 0 }];
    said(from, Message::IHave { entries })
}

fn sent(to: u8, message: Message) -> Effect {
    Effect::Send { to: peer(to), message }
}

fn graft(to: u8, post: &Bytes) -> Effect {
    sent(to, Message::Graft { ids: vec![PostId::of(post)] })
}

fn strike(n: u8, kind: StrikeKind) -> Effect {
    Effect::Strike { peer: peer(n), kind }
}

/// To whom a post goes whole.
fn pushed(effects: &[Effect]) -> Vec<PeerId> {
    let pushed = effects.iter().filter_map(|effect| match effect {
        Effect::Send { to, message: Message::Gossip { .. } } => Some(*to),
        _ => None,
    });
    pushed.collect()
}

fn delivered(effects: &[Effect]) -> Vec<&Delivery> {
    let delivered = effects.iter().filter_map(|effect| match effect {
        Effect::Deliver(delivery) => Some(delivery),
        _ => None,
    });
    delivered.collect()
}

fn stat(node: &Broadcast, name: &str) -> u64 {
    node.counters().get(name).copied().unwrap_or(0)
}

#[test]
fn a_post_is_handed_on_to_all_but_whom_it_came_from_and_delivered_once() {
    let mut node = member(&[1, 2, 3]);
    let effects = run(&mut node, 1, gossip(1, 4, &data(9, 0)));
    let message = Message::Gossip { hops: 5, post: data(9, 0) };
    for to in [2, 3] {
        assert!(effects.contains(&sent(to, message.clone())), "{effects:?}");
    }
    assert_eq!(pushed(&effects).len(), 2);
    let [delivery] = &delivered(&effects)[..] else { panic!("{effects:?}") };
    assert_eq!((delivery.from, delivery.hops, &delivery.data[..]), (peer(9), 4, &b"hi"[..]));
    let again = run(&mut node, 2, gossip(2, 4, &data(9, 0)));
    assert_eq!(again, [sent(2, Message::Prune)]);
}

#[test]
fn who_is_in_no_room_hands_on_and_delivers_nothing() {
    let mut node = node(&[1, 2]);
    let effects = run(&mut node, 1, gossip(1, 4, &data(9, 0)));
    assert_eq!((pushed(&effects).len(), delivered(&effects).len()), (1, 0));
}

#[test]
fn who_pruned_us_hears_of_posts_and_gets_them_when_it_asks() {
    let mut node = node(&[1, 2]);
    run(&mut node, 1, said(2, Message::Prune));
    assert_eq!(run(&mut node, 1, gossip(1, 1, &data(9, 0))), []);
    let entries = vec![Announced { id: PostId::of(&data(9, 0)), hops: 2, age: 0 }];
    assert_eq!(wait(&mut node, 20), [sent(2, Message::IHave { entries })]);
    let ids = vec![PostId::of(&data(9, 0))];
    let answer = run(&mut node, 30, said(2, Message::Graft { ids }));
    assert_eq!(answer, [sent(2, Message::Gossip { hops: 2, post: data(9, 0) })]);
    assert_eq!(pushed(&run(&mut node, 40, gossip(1, 1, &data(9, 1)))), [peer(2)]);
}

#[test]
fn what_is_asked_for_and_not_here_is_lacking_and_the_next_is_asked() {
    let mut node = node(&[1, 2]);
    let ids = vec![PostId::of(&data(9, 0))];
    let lack = Message::Lack { ids: ids.clone() };
    assert_eq!(run(&mut node, 1, said(1, Message::Graft { ids })), [sent(1, lack.clone())]);
    run(&mut node, 1, i_have(1, &data(9, 0)));
    run(&mut node, 1, i_have(2, &data(9, 0)));
    assert_eq!(wait(&mut node, 600), [graft(1, &data(9, 0))]);
    assert_eq!(run(&mut node, 610, said(1, lack)), []);
    assert_eq!(wait(&mut node, 610), [graft(2, &data(9, 0))]);
}

#[test]
fn what_is_announced_and_does_not_come_is_asked_of_one_after_the_other() {
    let mut node = node(&[1, 2]);
    run(&mut node, 1, i_have(1, &data(9, 0)));
    run(&mut node, 1, i_have(2, &data(9, 0)));
    assert_eq!(wait(&mut node, 400), []);
    assert_eq!(wait(&mut node, 600), [graft(1, &data(9, 0))]);
    assert_eq!(wait(&mut node, 1400), [graft(2, &data(9, 0))]);
    assert_eq!(wait(&mut node, 2200), []);
    assert_eq!((stat(&node, "broadcast.lost"), node.missing.len()), (1, 0));
}

#[test]
fn what_a_neighbour_owed_is_asked_of_the_next_when_it_is_gone() {
    let mut node = node(&[1, 2]);
    run(&mut node, 1, i_have(1, &data(9, 0)));
    run(&mut node, 1, i_have(2, &data(9, 0)));
    wait(&mut node, 600);
    run(&mut node, 610, Input::Down { peer: peer(1), has_left: false });
    assert_eq!(wait(&mut node, 610), [graft(2, &data(9, 0))]);
}

#[test]
fn what_was_said_before_we_came_is_not_asked_for() {
    let mut node = node(&[1]);
    for (age, asks) in [(255, true), (2, true)] {
        let entries = vec![Announced { id: PostId([age; 16]), hops: 3, age }];
        run(&mut node, 1, said(1, Message::IHave { entries }));
        assert_eq!(node.missing.contains_key(&PostId([age; 16])), asks);
    }
    let mut young = make(0);
    young.started_at = Some(at(0).mono);
    run(&mut young, 0, Input::Up { peer: peer(1) });
    let entries = vec![Announced { id: PostId([9; 16]), hops: 3, age: 9 }];
    run(&mut young, 1000, said(1, Message::IHave { entries }));
    assert_eq!(young.missing.len(), 0);
}

#[test]
fn who_comes_up_hears_of_what_is_kept() {
    let mut node = node(&[1]);
    run(&mut node, 1, gossip(1, 1, &data(9, 0)));
    let entries = vec![Announced { id: PostId::of(&data(9, 0)), hops: 2, age: 8 }];
    let effects = run(&mut node, 2_001, Input::Up { peer: peer(2) });
    assert_eq!(effects, [sent(2, Message::IHave { entries })]);
    run(&mut node, 70_000, Input::Alive { peer: peer(1) });
    assert_eq!(run(&mut node, 70_000, Input::Up { peer: peer(3) }), []);
}

#[test]
fn a_post_with_a_wrong_signature_goes_nowhere_and_is_the_neighbours_fault() {
    let mut node = member(&[1, 2]);
    let mut bent = data(9, 0).to_vec();
    *bent.last_mut().unwrap() ^= 1;
    let effects = run(&mut node, 1, gossip(1, 1, &bent.into()));
    assert_eq!(effects, [strike(1, StrikeKind::BadSignature)]);
    // And does not take the place of the right one.
    assert_eq!(delivered(&run(&mut node, 2, gossip(2, 1, &data(9, 0)))).len(), 1);
}

#[test]
fn what_no_honest_peer_sends_is_a_strike() {
    let mut node = member(&[1]);
    let short = Bytes::from_static(b"too short");
    let long = Bytes::from(vec![1; 40_000]);
    for (input, kind) in [
        (gossip(1, 1, &short), StrikeKind::MalformedFrame),
        (gossip(1, 0, &data(9, 0)), StrikeKind::MalformedFrame),
        (gossip(1, 1, &long), StrikeKind::Oversized),
    ] {
        assert_eq!(run(&mut node, 1, input), [strike(1, kind)]);
    }
}

#[test]
fn who_sends_everything_twice_is_struck() {
    let mut node = member(&[1, 2]);
    run(&mut node, 1, gossip(1, 1, &data(9, 0)));
    let again = run(&mut node, 2, gossip(1, 1, &data(9, 0)));
    assert!(again.contains(&strike(1, StrikeKind::OutOfTurn)), "{again:?}");
    assert_eq!(delivered(&again).len(), 0);
}

#[test]
fn a_number_counts_once_whatever_the_form() {
    let mut node = member(&[1, 2]);
    assert_eq!(delivered(&run(&mut node, 1, gossip(1, 1, &data(9, 5)))).len(), 1);
    // The same number with other words, by the same key.
    let mut body = Vec::new();
    put_item(&mut body, b"ho");
    let other = post(9, 5, Kind::Data, &body);
    assert_eq!(run(&mut node, 2, gossip(2, 1, &other)), []);
    assert_eq!(stat(&node, "broadcast.replayed"), 1);
}

#[test]
fn what_is_said_while_a_signature_is_made_goes_together() {
    let mut node = member(&[1]);
    let mut out = Vec::new();
    for id in 1..=4 {
        node.handle(at(1), say(id, &[u8::try_from(id).unwrap()]), &mut out);
    }
    let [Effect::Sign { payload }] = &out[..] else { panic!("{out:?}") };
    let signature = Some(sign(&key(0), payload));
    let effects = run(&mut node, 2, Input::Signed { signature });
    assert_eq!(pushed(&effects).len(), 2, "{effects:?}");
    let names: Vec<&Reply> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Done { result: Ok(reply), .. } => Some(reply),
            _ => None,
        })
        .collect();
    assert_eq!(names.len(), 4);
    assert!(matches!(names[3], Reply::Posted(name) if name.ends_with(".2")), "{names:?}");
    // At the other end all four arrive, by the same names.
    let mut other = make(5);
    run(&mut other, 0, Input::Up { peer: peer(2) });
    run(&mut other, 0, join(false));
    let mut heard = Vec::new();
    for effect in &effects {
        if let Effect::Send { message, .. } = effect {
            let deliveries = run(&mut other, 3, said(2, message.clone()));
            heard.extend(delivered(&deliveries).into_iter().map(|it| (it.id.clone(), it.data[0])));
        }
    }
    assert_eq!(heard.iter().map(|(_, data)| *data).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert!(matches!(names[3], Reply::Posted(name) if *name == heard[3].0));
}

#[test]
fn what_can_not_be_said_is_refused_with_a_reason() {
    let mut node = node(&[1]);
    let refused = |effects: Vec<Effect>| match &effects[..] {
        [Effect::Done { result: Err(error), .. }] => error.clone(),
        other => panic!("{other:?}"),
    };
    let error = refused(run(&mut node, 1, say(1, b"hi")));
    assert_eq!(error, CommandError::BadInput(crate::event::BadInput::NotInRoom));
    run(&mut node, 1, join(false));
    let error = refused(run(&mut node, 1, say(1, &[0; DATA_BYTES_MAX + 1])));
    assert!(matches!(error, CommandError::TooLarge { .. }));
    assert_eq!(pushed(&run(&mut node, 1, say(1, &[0; DATA_BYTES_MAX]))), [peer(1)]);
    run(&mut node, 2000, Input::Stop);
    assert_eq!(refused(run(&mut node, 2000, say(1, b"hi"))), CommandError::Closed);
}

#[test]
fn what_waits_for_a_signature_is_answered_when_we_stop() {
    let mut node = member(&[1]);
    let mut out = Vec::new();
    node.handle(at(1), say(1, b"hi"), &mut out);
    node.handle(at(1), say(2, b"ho"), &mut out);
    out.clear();
    node.handle(at(2), Input::Stop, &mut out);
    let closed = |id| Effect::Done { id: CommandId(id), result: Err(CommandError::Closed) };
    assert_eq!(out, [closed(1), closed(2)]);
    assert_eq!(run(&mut node, 3, Input::Signed { signature: None }), []);
}

fn present(origin: u8, number: u32, seconds: u16) -> Bytes {
    post(origin, number, Kind::Present, &seconds.to_be_bytes())
}

fn member_effect(n: u8, is_here: bool) -> Effect {
    Effect::Member { room: ROOM.to_owned(), peer: peer(n), is_here }
}

#[test]
fn a_member_is_there_from_its_word_to_its_farewell() {
    let mut node = member(&[1]);
    assert!(run(&mut node, 1, gossip(1, 1, &present(9, 0, 30))).contains(&member_effect(9, true)));
    assert_eq!(node.members(ROOM), [peer(9)]);
    assert_eq!(run(&mut node, 2, gossip(1, 1, &present(9, 1, 30))), []);
    let farewell = post(9, 2, Kind::Left, &[]);
    assert_eq!(run(&mut node, 3, gossip(1, 1, &farewell)), [member_effect(9, false)]);
    assert_eq!(node.members(ROOM), []);
}

#[test]
fn a_member_that_is_heard_of_no_more_or_says_goodbye_to_all_is_gone() {
    let mut node = member(&[1]);
    run(&mut node, 1, gossip(1, 1, &present(9, 0, 40)));
    run(&mut node, 1, gossip(1, 1, &present(1, 0, 30)));
    let gone = run(&mut node, 2, Input::Down { peer: peer(1), has_left: true });
    assert_eq!(gone, [member_effect(1, false)]);
    assert_eq!(wait(&mut node, 119_000), []);
    assert_eq!(wait(&mut node, 121_000), [member_effect(9, false)]);
}

#[test]
fn who_is_shown_says_so_answers_newcomers_and_says_farewell_at_the_end() {
    let mut node = node(&[1]);
    let kind_of = |effects: &[Effect]| {
        let kinds = effects.iter().filter_map(|effect| match effect {
            Effect::Send { message: Message::Gossip { post, .. }, .. } => {
                Some(Post::read(post).unwrap().head.kind)
            }
            _ => None,
        });
        kinds.collect::<Vec<_>>()
    };
    assert_eq!(kind_of(&run(&mut node, 1, join(true))), [Kind::Present]);
    run(&mut node, 5_000, gossip(1, 1, &present(9, 0, 30)));
    let due = node.poll_timeout().unwrap();
    assert!(due < at(6_000).mono, "{due:?}");
    let mut out = Vec::new();
    node.handle_timeout(Now { mono: due, unix_ms: 1 }, &mut out);
    assert!(matches!(out[..], [Effect::Sign { .. }]));
    let Effect::Sign { payload } = &out[0] else { unreachable!() };
    let effects = run(&mut node, 6_000, Input::Signed { signature: Some(sign(&key(0), payload)) });
    assert_eq!(kind_of(&effects), [Kind::Present]);
    assert_eq!(kind_of(&run(&mut node, 7_000, Input::Stop)), [Kind::Left]);
}

#[test]
fn a_neighbour_that_floods_is_refused_and_then_struck() {
    let mut node = node(&[1]);
    let mut strikes = 0;
    for n in 0..6_000u32 {
        let entries = (0..256u32).map(|m| {
            let mut id = [0; 16];
            id[..8].copy_from_slice(&[n.to_be_bytes(), m.to_be_bytes()].concat());
            Announced { id: PostId(id), hops: 1, age: 0 }
        });
        let message = Message::IHave { entries: entries.collect() };
        let effects = run(&mut node, 1, said(1, message));
        strikes += effects.iter().filter(|e| **e == strike(1, StrikeKind::TooManyRequests)).count();
        assert!(node.missing.len() <= MISSING_OF_ONE_MAX);
    }
    assert_eq!(strikes, 1);
}

#[test]
fn a_neighbour_that_never_sends_what_it_announces_is_struck() {
    let mut node = node(&[1]);
    for n in 0..8 {
        run(&mut node, 1, i_have(1, &data(9, n)));
    }
    wait(&mut node, 600);
    let mut effects = Vec::new();
    for n in 0..12 {
        effects.extend(run(&mut node, 1_000 + n * 5_000, Input::Alive { peer: peer(1) }));
    }
    assert_eq!(effects, [strike(1, StrikeKind::OutOfTurn)]);
}

#[test]
fn a_neighbour_that_lacks_all_it_announces_is_struck_unless_it_brings_something() {
    for brings in [false, true] {
        let mut node = node(&[1]);
        let mut struck = Vec::new();
        for n in 0..600u32 {
            let now = u64::from(n) * 1_000;
            let post = data(9, n);
            run(&mut node, now, i_have(1, &post));
            wait(&mut node, now + 600);
            let message = Message::Lack { ids: vec![PostId::of(&post)] };
            struck.extend(run(&mut node, now + 700, said(1, message)));
            if brings && n == 300 {
                run(&mut node, now + 800, gossip(1, 1, &data(8, 0)));
            }
        }
        let expected = if brings { Vec::new() } else { vec![strike(1, StrikeKind::OutOfTurn)] };
        assert_eq!(struck, expected);
    }
}

#[test]
fn an_edge_that_posts_came_by_is_replaced_by_the_shortest_other_way_when_it_is_gone() {
    let mut node = node(&[1, 2, 3]);
    for other in [2, 3] {
        run(&mut node, 0, said(other, Message::Prune));
    }
    run(&mut node, 1_000, gossip(1, 3, &data(9, 0)));
    // The way of 2 may lead through us.
    run(&mut node, 1_001, announced(2, 5, &data(9, 0)));
    run(&mut node, 1_002, announced(3, 4, &data(9, 0)));
    let effects = run(&mut node, 2_000, Input::Down { peer: peer(1), has_left: false });
    assert_eq!(effects, [sent(3, Message::Graft { ids: Vec::new() })]);
}

#[test]
fn who_asks_for_the_same_again_and_again_gets_no_more_than_a_neighbour_may() {
    let mut node = node(&[1, 2]);
    let mut body = Vec::new();
    put_item(&mut body, &[1; 32_000]);
    let large = post(9, 0, Kind::Data, &body);
    run(&mut node, 1, gossip(1, 1, &large));
    let ids = vec![PostId::of(&large); 256];
    let mut bytes = 0;
    for _ in 0..20 {
        let message = Message::Graft { ids: ids.clone() };
        bytes += pushed(&run(&mut node, 2, said(2, message))).len() * 32_000;
    }
    assert!(bytes <= 9 << 20, "{bytes}");
}

#[test]
fn memory_is_bounded() {
    let mut node = member(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    run(&mut node, 1, said(10, Message::Prune));
    let mut body = Vec::new();
    put_item(&mut body, &[1; 3_000]);
    for n in 0..6_000u32 {
        // Half of them take all, the others nothing.
        for n in 1..6 {
            run(&mut node, 1, said(n, Message::Credit { bytes: 1 << 20 }));
        }
        let from = u8::try_from(n % 9 + 1).unwrap();
        let origin = u8::try_from(n % 200 + 20).unwrap();
        run(&mut node, u64::from(n) * 40, gossip(from, 1, &post(origin, n, Kind::Data, &body)));
        run(&mut node, u64::from(n) * 40, i_have(from, &data(from, n)));
        assert!(node.cache.len() <= SEEN_MAX && node.cache.kept_bytes() <= KEPT_BYTES_MAX);
        assert!(node.cache.newest().count() <= KEPT_MAX);
        assert!(node.neighbours.values().all(|n| n.lazy.len() <= 256 && n.asked.len() <= 256));
        assert!(node.missing.len() <= MISSING_MAX);
    }
    let mut out = Vec::new();
    for n in 0..400 {
        let input = gossip(1, 1, &data(19, n));
        node.handle(at(900_000), input, &mut out);
    }
    assert!(node.checking.len() <= 256);
}

/// Several nodes and the frames between them, in the order in which they were sent.
struct Net {
    nodes: Vec<Broadcast>,
    frames: VecDeque<(usize, PeerId, Message)>,
    edges: Vec<(usize, usize)>,
    /// Connections that carry nothing, unknown to their ends.
    dead: Vec<(usize, usize)>,
    gossips: usize,
    heard: Vec<usize>,
    ms: u64,
}

impl Net {
    fn new(count: u8, edges: &[(usize, usize)]) -> Self {
        let mut nodes: Vec<Broadcast> = (0..count).map(make).collect();
        for node in &mut nodes {
            run(node, 0, join(false));
        }
        let (frames, heard) = (VecDeque::new(), Vec::new());
        let edges = edges.to_vec();
        let mut net = Self { nodes, frames, edges, dead: Vec::new(), gossips: 0, heard, ms: 0 };
        for (a, b) in net.edges.clone() {
            for (own, other) in [(a, b), (b, a)] {
                let peer = peer(u8::try_from(other).unwrap());
                net.input(own, Input::Up { peer });
            }
        }
        net
    }

    fn input(&mut self, own: usize, input: Input) {
        let effects = run(&mut self.nodes[own], self.ms, input);
        self.take(own, effects);
    }

    fn take(&mut self, own: usize, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send { to, message } => {
                    self.gossips += usize::from(matches!(message, Message::Gossip { .. }));
                    self.frames.push_back((own, to, message));
                }
                Effect::Deliver(_) => self.heard.push(own),
                Effect::Done { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// One says something; five seconds go by. Returns how often it was sent whole.
    fn say(&mut self, own: usize) -> usize {
        (self.gossips, self.heard) = (0, Vec::new());
        self.input(own, say(1, b"hi"));
        for _ in 0..100 {
            while let Some((from, to, message)) = self.frames.pop_front() {
                let to = (0..self.nodes.len()).find(|n| peer(u8::try_from(*n).unwrap()) == to);
                let to = to.unwrap();
                if !self.dead.contains(&(from.min(to), from.max(to))) {
                    let from = u8::try_from(from).unwrap();
                    self.input(to, said(from, message));
                }
            }
            self.ms += 50;
            for own in 0..self.nodes.len() {
                let effects = wait(&mut self.nodes[own], self.ms);
                self.take(own, effects);
            }
        }
        self.heard.sort_unstable();
        self.gossips
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// A ring of twenty and some chords: all hear everything once, after the first time along a tree,
    /// also when connections die without a word, as long as they hang together.
    #[test]
    fn in_any_small_swarm_all_hear_everything_once_and_a_tree_is_left(
        chords in prop::collection::vec((0usize..20, 0usize..20), 3..20),
        senders in prop::collection::vec(0usize..20, 3),
        dead in 0usize..20,
    ) {
        let ring = (0..20).map(|n| (n, (n + 1) % 20));
        let mut edges: Vec<_> = ring.chain(chords.into_iter().filter(|(a, b)| a != b)).collect();
        for edge in &mut edges {
            *edge = (edge.0.min(edge.1), edge.0.max(edge.1));
        }
        edges.sort_unstable();
        edges.dedup();
        let mut net = Net::new(20, &edges);
        let all_but = |own: usize| (0..20).filter(|n| *n != own).collect::<Vec<_>>();
        for _ in 0..3 {
            net.say(senders[0]);
            prop_assert_eq!(&net.heard, &all_but(senders[0]));
        }
        prop_assert_eq!(net.say(senders[0]), 19);
        // One edge of the ring; the rest of it is a way round.
        net.dead.push(net.edges[dead]);
        for sender in senders {
            net.say(sender);
            prop_assert_eq!(&net.heard, &all_but(sender));
        }
    }
}

#[test]
fn an_announcement_waits_for_others_to_go_with() {
    let mut node = node(&[1, 2]);
    run(&mut node, 1, said(2, Message::Prune));
    run(&mut node, 1, gossip(1, 1, &data(9, 0)));
    run(&mut node, 2, gossip(1, 1, &data(9, 1)));
    assert_eq!(node.poll_timeout(), Some(at(1).mono + Duration::from_millis(10)));
    let effects = wait(&mut node, 11);
    assert!(
        matches!(&effects[..], [Effect::Send { message: Message::IHave { entries }, .. }] if entries.len() == 2),
        "{effects:?}"
    );
}
