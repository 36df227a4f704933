//! Several nodes and the frames between them, all of which take equally long.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use peerloom_wire::RunId;
use peerloom_wire::envelope::{Outcome, Signal};
use proptest::prelude::*;

use super::inbox::CORRESPONDENTS_MAX;
use super::tests::at;
use super::*;
use crate::event::BadInput;
use crate::random::Random;

/// How long a frame takes, in milliseconds.
const FRAME_MS: u64 = 10;

struct Net {
    nodes: Vec<Routing>,
    names: BTreeMap<PeerId, usize>,
    edges: Vec<(usize, usize)>,
    frames: VecDeque<(u64, usize, usize, Message)>,
    now_ms: u64,
    /// Who carries nothing, and answers nothing.
    dead: BTreeSet<usize>,
    /// Who carries nothing, and does not say so.
    liars: BTreeSet<usize>,
    runs: Vec<u64>,
    carried: usize,
    /// Frames carried for others, of each.
    load: Vec<usize>,
    /// Who got a signal, and after how many steps.
    delivered: Vec<(usize, u8)>,
    /// Who got a message from whom.
    messages: Vec<(usize, usize, Bytes)>,
    answers: BTreeMap<u64, Result<Reply, CommandError>>,
    commands: u64,
}

fn name(n: usize) -> PeerId {
    PeerId(peerloom_crypto::sha256(&n.to_be_bytes()))
}

impl Net {
    fn new(count: usize, edges: &[(usize, usize)]) -> Self {
        let mut net = Self {
            nodes: (0..count).map(|n| Routing::new(Config { own: name(n) })).collect(),
            names: (0..count).map(|n| (name(n), n)).collect(),
            edges: edges.to_vec(),
            frames: VecDeque::new(),
            now_ms: 0,
            dead: BTreeSet::new(),
            liars: BTreeSet::new(),
            runs: vec![1; count],
            carried: 0,
            load: vec![0; count],
            delivered: Vec::new(),
            messages: Vec::new(),
            answers: BTreeMap::new(),
            commands: 0,
        };
        for &(a, b) in edges {
            net.input(a, Input::Up { peer: name(b) });
            net.input(b, Input::Up { peer: name(a) });
        }
        net
    }

    /// Everybody tells its neighbours whom else it is connected to.
    fn exchange(&mut self) {
        let mut of: Vec<Vec<usize>> = vec![Vec::new(); self.nodes.len()];
        for (a, b) in &self.edges {
            of[*a].push(*b);
            of[*b].push(*a);
        }
        for (a, b) in self.edges.clone() {
            for (peer, to) in [(a, b), (b, a)] {
                let listed = of[peer].iter().filter(|n| **n != to).map(|n| name(*n)).collect();
                let peer = name(peer);
                self.input(to, Input::Neighbours { peer, listed });
            }
        }
    }

    fn input(&mut self, node: usize, input: Input) {
        let mut out = Vec::new();
        self.nodes[node].handle(at(self.now_ms), input, &mut out);
        self.settle(node, out);
    }

    fn settle(&mut self, node: usize, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send { to, message } => {
                    let to = self.names[&to];
                    if let Message::Carry(carry) = &message {
                        self.carried += 1;
                        self.load[node] += usize::from(carry.source != name(node));
                    }
                    self.frames.push_back((self.now_ms + FRAME_MS, node, to, message));
                }
                Effect::Deliver { envelope } => self.open(node, &envelope),
                Effect::Seal { to, number, signal } => {
                    let sealed = (node, self.runs[node], to, signal, self.now_ms);
                    let envelope = Some(postcard::to_allocvec(&sealed).unwrap().into());
                    self.input(node, Input::Sealed { target: to, number, envelope });
                }
                Effect::Message { from, payload } => {
                    self.messages.push((node, self.names[&from], payload));
                }
                Effect::Done { id, result } => {
                    assert!(self.answers.insert(id.0, result).is_none(), "answered twice");
                }
                Effect::Strike { .. } => panic!("an honest node was struck"),
            }
        }
    }

    /// Opens an envelope as a node would.
    fn open(&mut self, node: usize, envelope: &[u8]) {
        let Ok((from, run, to, signal, _)) =
            postcard::from_bytes::<(usize, u64, PeerId, Signal, u64)>(envelope)
        else {
            return;
        };
        assert_eq!(to, name(node));
        let run = RunId(run);
        if !self.nodes[node].is_wanted(name(from), run, &signal) {
            return;
        }
        let is_ours = match signal {
            Signal::Message { to_run, .. } => to_run == Some(RunId(self.runs[node])),
            Signal::Receipt { to_run, .. } => to_run == RunId(self.runs[node]),
            _ => true,
        };
        self.input(node, Input::Opened { from: name(from), run, signal, is_ours });
    }

    /// Carries frames and lets time pass until nothing moves and nobody waits.
    fn run(&mut self) {
        loop {
            let frame_at = self.frames.front().map(|frame| frame.0);
            let timeouts = (0..self.nodes.len()).filter_map(|node| {
                let due = self.nodes[node].poll_timeout()?;
                Some((due.as_micros().div_ceil(1000), node))
            });
            let timeout =
                if self.commands > self.answers.len() as u64 { timeouts.min() } else { None };
            match (frame_at, timeout) {
                (Some(frame_at), timeout) if timeout.is_none_or(|(due, _)| frame_at <= due) => {
                    let Some((_, from, to, message)) = self.frames.pop_front() else { return };
                    self.now_ms = frame_at;
                    self.arrive(from, to, message);
                }
                (_, Some((due, node))) => {
                    self.now_ms = due.max(self.now_ms);
                    let mut out = Vec::new();
                    self.nodes[node].handle_timeout(at(self.now_ms), &mut out);
                    self.settle(node, out);
                }
                _ => return,
            }
        }
    }

    fn arrive(&mut self, from: usize, to: usize, message: Message) {
        if self.dead.contains(&to) {
            return;
        }
        if let Message::Carry(carry) = &message {
            if carry.target == name(to) {
                self.delivered.push((to, STEPS_MAX - carry.steps_left));
            } else if self.liars.contains(&to) {
                return;
            }
        }
        self.input(to, Input::Message { from: name(from), message, unwanted: false });
    }

    /// Sends a signal from one to another, and carries until nothing moves. Returns how often it
    /// arrived.
    fn send(&mut self, from: usize, target: usize) -> usize {
        self.send_again(from, target, 0)
    }

    /// Sends the envelope that is the nth repeat.
    fn send_again(&mut self, from: usize, target: usize, nth: u8) -> usize {
        (self.carried, self.delivered) = (0, Vec::new());
        let target = name(target);
        self.input(
            from,
            Input::Send {
                target,
                envelope: Bytes::copy_from_slice(
                    &[&[0xff, nth][..], &self.now_ms.to_be_bytes()].concat(),
                ),
            },
        );
        self.run();
        self.delivered.len()
    }

    /// Sends a message, and returns what came of it.
    fn post(&mut self, from: usize, target: usize, text: &str) -> Result<Reply, CommandError> {
        self.commands += 1;
        let id = CommandId(self.commands);
        let payload = Bytes::copy_from_slice(text.as_bytes());
        self.input(from, Input::Post { id, target: name(target), run: None, payload });
        self.run();
        self.answers[&id.0].clone()
    }

    /// A node breaks off, and its neighbours notice.
    fn kill(&mut self, node: usize) {
        self.dead.insert(node);
        for (a, b) in self.edges.clone() {
            for (dead, other) in [(a, b), (b, a)] {
                if dead == node {
                    self.input(other, Input::Down { peer: name(node) });
                }
            }
        }
    }
}

/// A graph as the topology is to keep it: of `degree` connections `near` to those nearest by XOR, some
/// to one in each of as many distances as there are, the rest to anybody.
fn graph(count: usize, degree: usize, near: usize, spread: usize, seed: u8) -> Vec<(usize, usize)> {
    let mut random = Random::fork(&[seed; 32], "graph");
    let mut sorted: Vec<usize> = (0..count).collect();
    sorted.sort_by_key(|n| name(*n));
    let ids: Vec<u64> =
        sorted.iter().map(|n| choice::distance(name(*n), PeerId([0; 32]))).collect();
    let mut of: Vec<Vec<usize>> = vec![Vec::new(); count];
    let link = |of: &mut Vec<Vec<usize>>, a: usize, b: usize, room: usize| {
        let is_room = a != b && !of[a].contains(&b) && of[a].len() < room && of[b].len() < degree;
        if is_room {
            of[a].push(b);
            of[b].push(a);
        }
        is_room
    };
    for a in 0..count {
        let mut others: Vec<usize> =
            (a.saturating_sub(64)..(a + 65).min(count)).filter(|b| *b != a).collect();
        others.sort_by_key(|b| ids[*b] ^ ids[a]);
        for b in others.into_iter().take(near * 2) {
            link(&mut of, a, b, near);
        }
    }
    let depth = u64::from(count.ilog2()) + 2;
    for room in near..near + spread {
        for a in 0..count {
            for _ in 0..8 {
                let shift = 63 - random.below(depth);
                let base = ((ids[a] >> shift) ^ 1) << shift;
                let first = ids.partition_point(|id| *id < base);
                let last = ids.partition_point(|id| *id >> shift <= base >> shift);
                if last > first {
                    let b = first + usize::try_from(random.below((last - first) as u64)).unwrap();
                    if link(&mut of, a, b, room + 1) {
                        break;
                    }
                }
            }
        }
    }
    for _ in 0..degree {
        for a in 0..count {
            for _ in 0..6 {
                let b = usize::try_from(random.below(count as u64)).unwrap();
                if link(&mut of, a, b, degree) {
                    break;
                }
            }
        }
    }
    let mut edges = Vec::new();
    for (a, others) in of.iter().enumerate() {
        edges.extend(others.iter().filter(|b| a < **b).map(|b| (sorted[a], sorted[*b])));
    }
    edges
}

/// Two that are not connected, so many times.
fn pairs(net: &Net, count: usize) -> Vec<(usize, usize)> {
    let mut random = Random::fork(&[9; 32], "pairs");
    let mut any = || usize::try_from(random.below(net.nodes.len() as u64)).unwrap();
    let is_good = |n: &usize| !net.dead.contains(n) && !net.liars.contains(n);
    let mut pairs = Vec::new();
    while pairs.len() < count {
        let (a, b) = (any(), any());
        let is_edge = net.edges.contains(&(a, b)) || net.edges.contains(&(b, a));
        if a != b && !is_edge && is_good(&a) && is_good(&b) {
            pairs.push((a, b));
        }
    }
    pairs
}

fn wired(count: usize) -> Net {
    let mut net = Net::new(count, &graph(count, 8, 2, 4, 1));
    net.exchange();
    net
}

#[test]
fn in_a_graph_of_500_everybody_is_found_in_fewer_hops_than_the_logarithm() {
    let mut net = wired(500);
    let mut steps = 0;
    let pairs = pairs(&net, 200);
    for (nth, (a, b)) in pairs.iter().enumerate() {
        assert!(net.send_again(*a, *b, u8::try_from(nth).unwrap()) > 0, "{a} to {b}");
        steps += net.delivered.iter().map(|(_, steps)| usize::from(*steps)).min().unwrap();
    }
    // log₂ 500 is 9.
    assert!(steps < 9 * pairs.len(), "{steps}");
    let mut load: Vec<usize> = net.load.iter().copied().filter(|carried| *carried > 0).collect();
    load.sort_unstable();
    let (median, most) = (load[load.len() / 2], load[load.len() - 1]);
    assert!(most <= 5 * median, "{most} and {median}");
}

#[test]
fn a_message_is_delivered_once_and_acknowledged() {
    let mut net = wired(100);
    for (a, b) in pairs(&net, 20) {
        net.messages.clear();
        assert_eq!(net.post(a, b, "hello"), Ok(Reply::Done));
        assert_eq!(net.messages, [(b, a, Bytes::from_static(b"hello"))]);
    }
}

#[test]
fn while_a_tenth_is_dead_and_nobody_knows_the_others_still_hear_each_other() {
    let mut net = wired(200);
    net.dead = (0..20).map(|n| n * 10).collect();
    for (a, b) in pairs(&net, 60) {
        assert_eq!(net.post(a, b, "hello"), Ok(Reply::Done), "{a} to {b}");
    }
}

#[test]
fn most_messages_get_by_a_fifth_of_carriers_that_drop_them() {
    let mut net = wired(200);
    net.liars = (0..40).map(|n| n * 5).collect();
    let pairs = pairs(&net, 100);
    let told = pairs.into_iter().filter(|(a, b)| net.post(*a, *b, "hello").is_ok()).count();
    assert!(told >= 80, "{told}");
}

#[test]
fn a_hop_that_dies_on_the_way_is_replaced() {
    // Two ways from 0 to 3. Who has the message dies with it.
    for dies in [1, 2] {
        let mut net = Net::new(4, &[(0, 1), (0, 2), (1, 3), (2, 3)]);
        net.dead.insert(dies);
        assert_eq!(net.post(0, 3, "hello"), Ok(Reply::Done));
        net.kill(dies);
        assert_eq!(net.post(0, 3, "again"), Ok(Reply::Done));
    }
}

#[test]
fn a_sender_is_told_why_its_message_did_not_arrive() {
    let undelivered = |reason| Err(CommandError::Undelivered(reason));
    let mut net = Net::new(3, &[(0, 1)]);
    assert_eq!(net.post(0, 2, "hello"), undelivered(Undelivered::NoRoute));
    net.dead.insert(1);
    assert_eq!(net.post(0, 1, "hello"), undelivered(Undelivered::Unanswered));
    assert_eq!(net.post(0, 0, "me"), Err(CommandError::BadInput(BadInput::OwnId)));
    let long = "x".repeat(MESSAGE_BYTES_MAX + 1);
    assert!(matches!(net.post(0, 1, &long), Err(CommandError::TooLarge { .. })));
    assert!(net.nodes[0].poll_timeout().is_none());
}

#[test]
fn a_node_that_stops_answers_all_that_wait() {
    let mut net = Net::new(2, &[(0, 1)]);
    net.dead.insert(1);
    let payload = Bytes::from_static(b"hello");
    net.input(0, Input::Post { id: CommandId(1), target: name(1), run: None, payload });
    net.input(0, Input::Stop);
    assert_eq!(net.answers[&1], Err(CommandError::Closed));
}

#[test]
fn a_peer_that_was_opened_anew_gets_what_is_said_to_it_and_nothing_again() {
    let mut net = Net::new(3, &[(0, 1), (1, 2)]);
    assert_eq!(net.post(0, 2, "first"), Ok(Reply::Done));
    // Recorded by a carrier: what was for the first run, and what was for any.
    let old = |to_run| {
        let signal = Signal::Message { number: 1, to_run, payload: Bytes::from_static(b"first") };
        postcard::to_allocvec(&(0usize, 1u64, name(2), signal, 0u64)).unwrap()
    };
    net.nodes[2] = Routing::new(Config { own: name(2) });
    net.runs[2] = 2;
    net.input(2, Input::Up { peer: name(1) });
    net.messages.clear();
    net.open(2, &old(None));
    net.open(2, &old(Some(RunId(1))));
    net.run();
    assert_eq!(net.messages, []);
    assert_eq!(net.post(0, 2, "second"), Ok(Reply::Done));
    assert_eq!(net.messages, [(2, 0, Bytes::from_static(b"second"))]);
}

#[test]
fn what_comes_again_is_acknowledged_and_not_delivered_again() {
    let mut net = Net::new(2, &[(0, 1)]);
    let signal = || Signal::Message {
        number: 7,
        to_run: Some(RunId(1)),
        payload: Bytes::from_static(b"hello"),
    };
    for at_ms in [0, 10, 2_000] {
        net.now_ms = at_ms;
        let said = Input::Opened { from: name(0), run: RunId(1), signal: signal(), is_ours: true };
        net.input(1, said);
    }
    assert_eq!(net.messages.len(), 1);
    let stat = |what| net.nodes[1].counters().get(what).copied();
    assert_eq!(stat("routing.messages_again"), Some(2));
    // The second one came along with the first.
    assert_eq!(net.frames.len(), 2);
}

#[test]
fn a_receipt_for_an_earlier_run_says_nothing_of_the_message_with_the_same_number() {
    let mut net = Net::new(2, &[]);
    net.runs[0] = 2;
    let payload = Bytes::from_static(b"hello");
    net.input(0, Input::Post { id: CommandId(1), target: name(1), run: None, payload });
    let receipt = |to_run| {
        let outcome = Outcome::Delivered;
        let signal = Signal::Receipt { number: 1, to_run: RunId(to_run), outcome };
        postcard::to_allocvec(&(1usize, 1u64, name(0), signal, 0u64)).unwrap()
    };
    net.open(0, &receipt(1));
    assert!(!net.answers.contains_key(&1));
    net.open(0, &receipt(2));
    assert_eq!(net.answers[&1], Ok(Reply::Done));
}

#[test]
fn who_is_remembered_of_correspondents_is_bounded() {
    let mut net = Net::new(1, &[]);
    for n in 0..u64::try_from(CORRESPONDENTS_MAX).unwrap() + 10 {
        net.now_ms = n;
        for number in 1..100 {
            let from = name(usize::try_from(n).unwrap() + 1);
            let payload = Bytes::new();
            let signal = Signal::Message { number, to_run: Some(RunId(1)), payload };
            let mut out = Vec::new();
            let said = Input::Opened { from, run: RunId(1), signal, is_ours: true };
            net.nodes[0].handle(at(n), said, &mut out);
        }
    }
    assert_eq!(net.nodes[0].correspondents.len(), CORRESPONDENTS_MAX);
}

#[test]
fn along_a_line_it_goes_from_end_to_end() {
    for count in [3, 6, 20] {
        let edges: Vec<_> = (1..count).map(|n| (n - 1, n)).collect();
        let mut net = Net::new(count, &edges);
        assert_eq!(net.send(0, count - 1), 1);
        assert_eq!(
            (net.carried, &net.delivered[..]),
            (count - 1, &[(count - 1, u8::try_from(count - 1).unwrap())][..])
        );
    }
}

#[test]
fn nobody_is_sought_with_no_more_than_the_steps_of_all_copies() {
    let edges: Vec<_> = (0..40).flat_map(|n| [(n, (n + 1) % 40), (n, (n + 7) % 40)]).collect();
    let mut net = Net::new(41, &edges);
    assert_eq!(net.send(0, 40), 0);
    assert!(net.carried <= usize::from(STEPS_MAX) * usize::from(COPIES_MAX), "{}", net.carried);
    assert_eq!(net.nodes[0].verdict(at(1), name(40)), Some(Undelivered::Expired));
}

#[test]
fn a_carrier_that_drops_everything_does_not_stop_all_copies() {
    // Six ways from 0 to 7, two of them by peers that drop what they get.
    let edges: Vec<_> = (1..7).flat_map(|n| [(0, n), (n, 7)]).collect();
    let mut net = Net::new(8, &edges);
    net.liars = [2, 5].into();
    assert!(net.send(0, 7) >= 1);
}

proptest! {
    /// Twenty nodes at random, each with two or more connections. One envelope's steps may not do, if
    /// it goes round in circles first; a link repeats its offer five times.
    #[test]
    fn in_any_small_swarm_the_target_is_found(
        more in prop::collection::vec((0usize..20, 0usize..20), 0..30),
        from in 0usize..20,
        target in 0usize..20,
    ) {
        let ring = (0..20).map(|n| (n, (n + 1) % 20));
        let mut edges: Vec<_> = ring.chain(more.into_iter().filter(|(a, b)| a != b)).collect();
        for edge in &mut edges {
            *edge = (edge.0.min(edge.1), edge.0.max(edge.1));
        }
        edges.sort_unstable();
        edges.dedup();
        if from == target || edges.contains(&(from.min(target), from.max(target))) {
            return Ok(());
        }
        let mut net = Net::new(20, &edges);
        let mut repeats = (0..5).map(|nth| net.send_again(from, target, nth));
        prop_assert!(repeats.any(|delivered| delivered > 0));
    }
}
