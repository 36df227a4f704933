use super::choice::FAR_TRIES;
use super::message::{SHUFFLED_MAX, Status, Walk};
use super::*;

/// In the middle of all ids.
const OWN: PeerId = PeerId([128; 32]);

fn at(ms: u64) -> Now {
    Now { mono: Instant::from_micros(ms * 1000), unix_ms: ms }
}

/// The ids sort as the seeds do.
fn peer(seed: u8) -> PeerId {
    PeerId([seed; 32])
}

fn topology(connections_max: usize) -> Topology {
    let config = Config { own: OWN, connections_max };
    Topology::new(config, Random::fork(&[1; 32], "test"))
}

fn tell(topology: &mut Topology, ms: u64, input: Input) -> Vec<Effect> {
    let mut out = Vec::new();
    topology.handle(at(ms), input, &mut out);
    out
}

/// Lets time pass, and gives all that became due.
fn wait(topology: &mut Topology, until_ms: u64) -> Vec<Effect> {
    let mut out = Vec::new();
    while let Some(due) = topology.poll_timeout()
        && due <= at(until_ms).mono
    {
        topology.handle_timeout(Now { mono: due, unix_ms: 0 }, &mut out);
        assert!(topology.poll_timeout() > Some(due) || topology.poll_timeout().is_none());
    }
    out
}

/// A node in a crowd with these neighbours, each of which can do without it.
fn connected(connections_max: usize, peers: impl IntoIterator<Item = u8>) -> Topology {
    let mut topology = topology(connections_max);
    tell(&mut topology, 0, Input::Changed { is_crowd: true });
    for seed in peers {
        tell(&mut topology, 0, Input::Up { peer: peer(seed) });
        let status = Status { used: 7, spare: 1, room: 1, keep: false };
        tell(&mut topology, 0, says(seed, Message::Status(status)));
    }
    topology
}

/// Somebody who is not around wanted a place.
fn refused(seed: u8) -> Input {
    Input::Refused { peer: peer(seed), is_around: false }
}

fn refused_around(seed: u8) -> Input {
    Input::Refused { peer: peer(seed), is_around: true }
}

fn says(from: u8, message: Message) -> Input {
    Input::Message { from: peer(from), message }
}

fn walk(steps_left: u8, origin: u8, point: u8) -> Message {
    let point = u64::from_be_bytes([point; 8]);
    Message::Walk(Walk { steps_left, origin: peer(origin), point })
}

fn candidate(seed: u8, score: u64) -> Candidate {
    Candidate { peer: peer(seed), score, is_around: true, is_waiting: false }
}

fn candidates(peers: impl IntoIterator<Item = u8>) -> Input {
    let scored = |seed| candidate(seed, 500);
    Input::Candidates { is_crowd: true, peers: peers.into_iter().map(scored).collect() }
}

fn dialled(effects: &[Effect]) -> Vec<PeerId> {
    let dialled = effects.iter().filter_map(|effect| match effect {
        Effect::Dial { peer } => Some(*peer),
        _ => None,
    });
    dialled.collect()
}

fn sent(effects: &[Effect]) -> Vec<(PeerId, Message)> {
    let sent = effects.iter().filter_map(|effect| match effect {
        Effect::Send { to, message } => Some((*to, message.clone())),
        _ => None,
    });
    sent.collect()
}

fn walks(effects: &[Effect]) -> Vec<(PeerId, Walk)> {
    let walks = sent(effects).into_iter().filter_map(|(to, message)| match message {
        Message::Walk(walk) => Some((to, walk)),
        _ => None,
    });
    walks.collect()
}

#[test]
fn without_a_crowd_nothing_is_chosen() {
    let mut topology = topology(8);
    let Input::Candidates { peers, .. } = candidates([1, 2]) else { unreachable!() };
    assert_eq!(tell(&mut topology, 0, Input::Candidates { is_crowd: false, peers }), []);
    tell(&mut topology, 0, Input::Up { peer: peer(1) });
    // Nobody has more connections than we: there is nobody else.
    assert_eq!(walks(&wait(&mut topology, 50_000)), []);
}

#[test]
fn in_a_crowd_the_neighbours_by_id_are_dialled_and_others_by_chance() {
    let mut topology = connected(8, []);
    assert!(wait(&mut topology, 300).contains(&Effect::Look));
    // 130 is the next id, 129 is nearer by XOR but not there, 144 is neither.
    let chosen = dialled(&tell(&mut topology, 300, candidates([1, 20, 60, 130, 144, 200])));
    assert_eq!(chosen.len(), 3, "not more at once than can be answered");
    assert!(chosen.contains(&peer(130)), "{chosen:?}");
}

#[test]
fn the_better_are_dialled_more_often_and_the_worse_too() {
    let mut dialled_count = [0_u32; 3];
    for seed in 0..200 {
        let config = Config { own: OWN, connections_max: 8 };
        let mut topology = Topology::new(config, Random::fork(&[seed; 32], "test"));
        tell(&mut topology, 0, Input::Changed { is_crowd: true });
        // Neighbours by id are connected, and one is left to be dialled by chance.
        for seed in [127, 129, 90, 91, 92] {
            tell(&mut topology, 0, Input::Up { peer: peer(seed) });
        }
        let scored = |(seed, score)| candidate(seed, score);
        let peers = [(10, 100), (20, 500), (30, 300)].map(scored).to_vec();
        topology.tries = FAR_TRIES + 1;
        let chosen = tell(&mut topology, 0, Input::Candidates { is_crowd: true, peers });
        let [first] = dialled(&chosen)[..] else { panic!("{chosen:?}") };
        let place = [10, 20, 30].iter().position(|seed| peer(*seed) == first).unwrap();
        dialled_count[place] += 1;
    }
    // Of two drawn from three the worst wins in one of nine, the best in five.
    let [worst, best, middle] = dialled_count;
    assert!(worst > 5 && worst < middle && middle < best, "{dialled_count:?}");
}

#[test]
fn the_last_of_all_ids_is_followed_by_the_first() {
    let mut topology = connected(8, [90, 100]);
    let chosen = dialled(&tell(&mut topology, 20_000, candidates([3])));
    assert_eq!(chosen, [peer(3)]);
}

#[test]
fn who_has_three_quarters_of_its_places_in_use_dials_nobody() {
    let mut topology = connected(8, [1, 2, 3, 127, 129, 200]);
    assert_eq!(dialled(&tell(&mut topology, 9_000, candidates([10, 20, 30]))), []);
    tell(&mut topology, 10_000, Input::Down { peer: peer(3) });
    assert!(wait(&mut topology, 30_000).contains(&Effect::Look));
    assert_eq!(dialled(&tell(&mut topology, 30_000, candidates([10, 20, 30]))).len(), 1);
}

#[test]
fn an_attempt_that_takes_long_is_not_waited_for() {
    let mut topology = connected(8, [1, 2, 3, 127, 129]);
    tell(&mut topology, 10_000, Input::Connecting { peer: peer(60) });
    assert_eq!(dialled(&tell(&mut topology, 10_100, candidates([10, 20]))), []);
    wait(&mut topology, 30_000);
    assert_eq!(dialled(&tell(&mut topology, 30_000, candidates([10, 20]))).len(), 1);
}

#[test]
fn who_lacks_connections_sends_walks_less_and_less_often() {
    let mut topology = connected(8, [1, 2, 3]);
    let early = walks(&wait(&mut topology, 1_000));
    assert_eq!(early.len(), 2);
    assert!(early.iter().all(|(_, walk)| walk.origin == OWN && walk.steps_left == 11));
    assert_ne!(early[0].0, early[1].0, "by different neighbours");
    // One goes to where the nearest ids are.
    assert_eq!(early.iter().filter(|(_, walk)| walk.point == choice::prefix(OWN)).count(), 1);
    let minutes = walks(&wait(&mut topology, 240_000)).len();
    assert!((10..40).contains(&minutes), "{minutes}");
}

#[test]
fn a_walk_goes_anywhere_first_and_to_the_nearest_then() {
    let mut topology = connected(4, [1, 2, 60, 200]);
    let on = tell(&mut topology, 1, says(1, walk(11, 9, 60)));
    assert_eq!(on[0], Effect::Way { to: peer(9), by: peer(1) });
    let [(to, walk_on)] = walks(&on)[..] else { panic!("{on:?}") };
    assert!(to != peer(1) && walk_on.steps_left == 10, "{to:?}");
    let on = tell(&mut topology, 1, says(1, walk(9, 9, 60)));
    assert_eq!(walks(&on)[0].0, peer(60));
}

#[test]
fn a_walk_ends_where_it_gets_no_nearer_and_there_is_room() {
    let mut topology = connected(8, [1, 2, 200]);
    let ended = tell(&mut topology, 1, says(1, walk(9, 9, 128)));
    assert_eq!(dialled(&ended), [peer(9)]);
    // Neither here nor further on, if it is on its way or there already.
    tell(&mut topology, 1, Input::Connecting { peer: peer(9) });
    let on = tell(&mut topology, 2, says(1, walk(9, 9, 128)));
    assert!(dialled(&on).is_empty());
    assert_eq!(walks(&on)[0].1.steps_left, 3);
}

#[test]
fn who_is_full_hands_a_walk_to_who_has_room() {
    let mut topology = connected(4, [1, 2, 3, 200]);
    for seed in [2, 200] {
        let status = Status { used: 8, spare: 2, room: 0, keep: false };
        tell(&mut topology, 1, says(seed, Message::Status(status)));
    }
    let on = walks(&tell(&mut topology, 1, says(1, walk(4, 9, 128))));
    assert_eq!(on.len(), 1);
    assert_eq!((on[0].0, on[0].1.steps_left), (peer(3), 3));
}

#[test]
fn a_walk_without_steps_ends() {
    let mut topology = connected(4, [1, 2, 3, 200]);
    let ended = tell(&mut topology, 1, says(1, walk(0, 9, 60)));
    assert!(walks(&ended).is_empty() && dialled(&ended).is_empty());
}

#[test]
fn who_makes_walks_longer_or_sends_us_our_own_is_struck() {
    let mut topology = connected(8, [1, 2]);
    let strike = Effect::Strike { peer: peer(1), kind: StrikeKind::MalformedFrame };
    assert_eq!(tell(&mut topology, 1, says(1, walk(12, 9, 60))), core::slice::from_ref(&strike));
    assert_eq!(tell(&mut topology, 1, says(1, walk(3, 128, 60))), [strike]);
}

#[test]
fn a_flood_of_walks_is_not_carried() {
    let mut topology = connected(4, [1, 2, 3, 200]);
    let mut carried = 0;
    for _ in 0..1_000 {
        carried += walks(&tell(&mut topology, 1, says(1, walk(9, 9, 200)))).len();
    }
    assert_eq!(carried, 64);
    assert_eq!(walks(&tell(&mut topology, 1_000, says(1, walk(9, 9, 200)))).len(), 1);
    // Others are not held up by it.
    assert_eq!(walks(&tell(&mut topology, 1, says(2, walk(9, 9, 200)))).len(), 1);
}

#[test]
fn for_who_is_refused_the_least_useful_is_let_go_and_then_it_is_called() {
    // 1, 2 and 3 are at the same distance, 127 and 129 next to us, 200 is the only one of its kind.
    let mut topology = connected(6, [1, 2, 3, 127, 129, 200]);
    for (seed, score) in [(1, 90), (2, 10), (3, 20)] {
        tell(&mut topology, 1, Input::Scored { peer: peer(seed), score });
    }
    let closed = tell(&mut topology, 20_000, refused(50));
    let peers = [2, 3, 1, 200].map(peer).to_vec();
    assert_eq!(closed, [Effect::Close { peers }]);
    let called = tell(&mut topology, 20_001, Input::Down { peer: peer(2) });
    assert_eq!(dialled(&called), [peer(50)]);
}

#[test]
fn strangers_replace_no_more_than_one_in_two_seconds() {
    let mut topology = connected(6, [1, 2, 3, 4, 5, 6]);
    let mut closed = 0;
    for ms in 20_000..30_000 {
        closed += tell(&mut topology, ms, refused(50)).len();
    }
    assert_eq!(closed, 5);
}

#[test]
fn who_has_nobody_else_or_is_new_or_wanted_is_kept() {
    let mut topology = connected(4, [1, 127, 129]);
    tell(&mut topology, 0, Input::Up { peer: peer(2) });
    // Of the second one nothing is known: it may have nobody else.
    tell(&mut topology, 0, Input::Pin { peer: peer(1) });
    assert_eq!(tell(&mut topology, 40_000, refused(50)), []);
    tell(&mut topology, 0, Input::Unpin { peer: peer(1) });
    let closed = [Effect::Close { peers: vec![peer(1)] }];
    assert_eq!(tell(&mut topology, 5_000, refused(50)), []);
    assert_eq!(tell(&mut topology, 80_000, refused(50)), closed);
}

#[test]
fn who_says_that_it_needs_us_is_kept_up_to_a_bound() {
    let mut topology = connected(8, [1, 2, 3, 4, 5, 6, 7]);
    for seed in 1..8 {
        let status = Status { used: 7, spare: 1, room: 1, keep: true };
        tell(&mut topology, 1, says(seed, Message::Status(status)));
    }
    let closed = tell(&mut topology, 20_000, refused(50));
    let [Effect::Close { peers }] = &closed[..] else { panic!("{closed:?}") };
    assert!(!peers.is_empty() && peers.len() <= 4, "{peers:?}");
}

#[test]
fn with_one_place_nobody_is_let_go() {
    let mut topology = connected(1, [1]);
    assert_eq!(tell(&mut topology, 40_000, refused(50)), []);
    assert_eq!(tell(&mut topology, 40_000, refused_around(129)), []);
}

#[test]
fn two_places_are_opened_for_the_ring_and_for_nobody_else() {
    // The next one and the one before of those connected, which both say that they need us.
    let mut topology = connected(2, [60, 200]);
    for seed in [60, 200] {
        let status = Status { used: 2, spare: 0, room: 0, keep: true };
        tell(&mut topology, 1, says(seed, Message::Status(status)));
    }
    assert_eq!(tell(&mut topology, 40_000, refused_around(50)), [], "further away");
    assert_eq!(tell(&mut topology, 40_000, refused(129)), [], "it may not hear whom we hear");
    let closed = tell(&mut topology, 40_000, refused_around(129));
    assert_eq!(closed, [Effect::Close { peers: vec![peer(200)] }]);
    tell(&mut topology, 40_001, Input::Down { peer: peer(200) });
    tell(&mut topology, 40_100, Input::Up { peer: peer(129) });
    // Nor for the ring while what takes the place is only being made.
    assert_eq!(tell(&mut topology, 40_200, refused_around(90)), []);
    let closed = tell(&mut topology, 43_000, refused_around(90));
    assert_eq!(closed, [Effect::Close { peers: vec![peer(60)] }]);
}

#[test]
fn who_has_nobody_else_is_not_let_go_for_the_ring_either() {
    let mut topology = connected(2, [60]);
    tell(&mut topology, 0, Input::Up { peer: peer(200) });
    assert_eq!(tell(&mut topology, 40_000, refused_around(129)), []);
}

#[test]
fn of_few_places_none_is_left_for_another_than_the_next_of_the_ring() {
    let mut topology = connected(2, [60, 200]);
    // The next one is there, and had no place just now: it is waited for.
    let waiting = Candidate { is_waiting: true, ..candidate(129, 500) };
    let peers = vec![waiting, candidate(150, 500)];
    let effects = tell(&mut topology, 40_000, Input::Candidates { is_crowd: true, peers });
    assert_eq!(effects, []);
    // One that nobody but others hears is none of the ring.
    let far = Candidate { is_around: false, ..candidate(129, 500) };
    let peers = vec![far, candidate(150, 500)];
    let effects = tell(&mut topology, 40_000, Input::Candidates { is_crowd: true, peers });
    assert_eq!(effects, [Effect::Close { peers: vec![peer(200)] }]);
}

#[test]
fn of_three_places_one_is_for_those_who_come() {
    let mut topology = connected(3, [60, 200]);
    assert_eq!(dialled(&tell(&mut topology, 9_000, candidates([10, 20, 30]))), []);
    tell(&mut topology, 9_000, Input::Up { peer: peer(1) });
    // The next one comes first in any case.
    let closed = tell(&mut topology, 40_000, candidates([129]));
    assert!(matches!(&closed[..], [Effect::Close { .. }]), "{closed:?}");
}

#[test]
fn neighbours_are_told_what_changed_once() {
    let mut topology = connected(8, [1, 127, 200]);
    let told = sent(&wait(&mut topology, 1_000));
    let statuses: Vec<_> =
        told.iter().filter(|(_, message)| matches!(message, Message::Status(_))).collect();
    assert_eq!(statuses.len(), 3);
    let status = Status { used: 3, spare: 0, room: 5, keep: true };
    // Predecessor, successor and nearest.
    assert!(statuses.contains(&&(peer(127), Message::Status(status))));
    let again = sent(&wait(&mut topology, 30_000));
    assert!(again.iter().all(|(_, message)| !matches!(message, Message::Status(_))));
}

#[test]
fn a_shuffle_brings_peers_into_the_passive_view_and_is_answered() {
    let mut topology = connected(8, [1, 2, 127, 129]);
    let peers = vec![peer(20), peer(30)];
    let shuffle = Message::Shuffle { answer_wanted: true, peers };
    let answer = sent(&tell(&mut topology, 1, says(1, shuffle)));
    let [(to, Message::Shuffle { answer_wanted: false, peers })] = &answer[..] else {
        panic!("{answer:?}")
    };
    assert_eq!(*to, peer(1));
    assert!(!peers.is_empty() && !peers.contains(&peer(1)) && !peers.contains(&OWN));
    assert_eq!(topology.passive, [peer(20), peer(30)]);
}

#[test]
fn whom_a_shuffle_tells_of_is_called_if_it_is_nearer_by_id() {
    let mut topology = connected(8, [1, 2, 200]);
    let peers = vec![peer(20), peer(129)];
    let shuffle = Message::Shuffle { answer_wanted: false, peers };
    assert_eq!(dialled(&tell(&mut topology, 1, says(1, shuffle))), [peer(129)]);
}

#[test]
fn who_shuffles_itself_us_or_too_many_is_struck() {
    let mut topology = connected(8, [1]);
    for peers in [vec![peer(1)], vec![OWN], (20..).map(peer).take(SHUFFLED_MAX + 1).collect()] {
        let shuffle = Message::Shuffle { answer_wanted: true, peers };
        let effects = tell(&mut topology, 1, says(1, shuffle));
        assert!(matches!(effects[..], [Effect::Strike { .. }]), "{effects:?}");
        assert!(topology.passive.is_empty());
    }
}

#[test]
fn the_passive_view_is_bounded_and_the_oldest_go() {
    let mut topology = connected(8, [1]);
    for seed in 2..100 {
        topology.remember(peer(seed));
    }
    assert_eq!(topology.passive.len(), 30);
    assert_eq!(topology.passive.last(), Some(&peer(99)));
}

#[test]
fn who_calls_us_is_dialled_while_there_is_room() {
    let mut topology = connected(8, [1, 2, 3, 127, 129, 200, 201]);
    let call = |topology: &mut Topology| tell(topology, 1, Input::Called { peer: peer(60) });
    assert_eq!(dialled(&call(&mut topology)), [peer(60)]);
    tell(&mut topology, 1, Input::Up { peer: peer(202) });
    assert_eq!(call(&mut topology), []);
}

#[test]
fn what_a_closed_connection_still_says_is_nobodys() {
    let mut topology = connected(8, [1, 2]);
    tell(&mut topology, 1, Input::Down { peer: peer(1) });
    assert_eq!(tell(&mut topology, 1, says(1, walk(99, 128, 60))), []);
}
