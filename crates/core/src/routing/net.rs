//! Several nodes and the frames between them, all of which take equally long: for tests.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use peerloom_wire::RunId;
use peerloom_wire::envelope::Signal;

use super::tests::at;
use super::*;
use crate::random::Random;

/// How long a frame takes, in milliseconds.
pub(super) const FRAME_MS: u64 = 10;

pub(super) struct Net {
    pub(super) nodes: Vec<Routing>,
    pub(super) names: BTreeMap<PeerId, usize>,
    pub(super) edges: Vec<(usize, usize)>,
    pub(super) frames: VecDeque<(u64, usize, usize, Message)>,
    pub(super) now_ms: u64,
    /// Who carries nothing, and answers nothing.
    pub(super) dead: BTreeSet<usize>,
    /// Who carries nothing, and does not say so.
    pub(super) liars: BTreeSet<usize>,
    pub(super) runs: Vec<u64>,
    pub(super) carried: usize,
    /// Frames carried for others, of each.
    pub(super) load: Vec<usize>,
    /// Who got a signal, and after how many steps.
    pub(super) delivered: Vec<(usize, u8)>,
    /// Who got a message from whom.
    pub(super) messages: Vec<(usize, usize, Bytes)>,
    pub(super) deliveries: Vec<Delivery>,
    /// Whose application takes no messages, and whose never says.
    pub(super) absent: BTreeSet<usize>,
    pub(super) silent: BTreeSet<usize>,
    pub(super) answers: BTreeMap<u64, Result<Reply, CommandError>>,
    pub(super) commands: u64,
}

pub(super) const ROOM: [u8; 16] = [7; 16];

pub(super) fn draft(number: u64, text: &str) -> Draft {
    let (name, payload) = (number.to_string(), Bytes::copy_from_slice(text.as_bytes()));
    Draft { run: RunId(1), number, name, room: ROOM, sent_ms: 5, payload }
}

pub(super) fn message(number: u64, to_run: Option<RunId>, text: &str) -> Signal {
    let Draft { room, sent_ms, payload, .. } = draft(number, text);
    Signal::Message { number, to_run, room, sent_ms, payload }
}

/// A message to the first run of somebody, by the first run of another.
pub(super) fn opened(from: usize, number: u64, text: &str) -> Input {
    let signal = message(number, Some(RunId(1)), text);
    Input::Opened { from: name(from), run: RunId(1), signal, is_ours: true, hops: 3 }
}

pub(super) fn name(n: usize) -> PeerId {
    PeerId(peerloom_crypto::sha256(&n.to_be_bytes()))
}

impl Net {
    pub(super) fn new(count: usize, edges: &[(usize, usize)]) -> Self {
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
            deliveries: Vec::new(),
            absent: BTreeSet::new(),
            silent: BTreeSet::new(),
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
    pub(super) fn exchange(&mut self) {
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

    pub(super) fn input(&mut self, node: usize, input: Input) {
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
                Effect::Deliver { envelope, hops } => self.open(node, &envelope, hops),
                Effect::Seal { to, number, signal } => {
                    let sealed = (node, self.runs[node], to, signal, self.now_ms);
                    let envelope = Some(postcard::to_allocvec(&sealed).unwrap().into());
                    self.input(node, Input::Sealed { target: to, number, envelope });
                }
                Effect::Message(delivery) => {
                    let Delivery { letter, room, payload, .. } = delivery.clone();
                    self.messages.push((node, self.names[&letter.from], payload));
                    self.deliveries.push(delivery);
                    if !self.silent.contains(&node) {
                        let is_taken = room == ROOM && !self.absent.contains(&node);
                        self.input(node, Input::Taken { letter, is_taken });
                    }
                }
                Effect::Done { id, result } => {
                    assert!(self.answers.insert(id.0, result).is_none(), "answered twice");
                }
                Effect::Strike { .. } => panic!("an honest node was struck"),
            }
        }
    }

    /// Opens an envelope as a node would.
    pub(super) fn open(&mut self, node: usize, envelope: &[u8], hops: u8) {
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
        self.input(node, Input::Opened { from: name(from), run, signal, is_ours, hops });
    }

    /// Carries frames and lets time pass until nothing moves and nobody waits.
    pub(super) fn run(&mut self) {
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
    pub(super) fn send(&mut self, from: usize, target: usize) -> usize {
        self.send_again(from, target, 0)
    }

    /// Sends the envelope that is the nth repeat.
    pub(super) fn send_again(&mut self, from: usize, target: usize, nth: u8) -> usize {
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
    pub(super) fn post(
        &mut self,
        from: usize,
        target: usize,
        text: &str,
    ) -> Result<(), CommandError> {
        self.commands += 1;
        let id = CommandId(self.commands);
        let draft = draft(self.commands, text);
        self.input(from, Input::Post { id, target: name(target), run: None, draft });
        self.run();
        let posted = |reply| assert_eq!(reply, Reply::Posted(id.0.to_string()));
        self.answers[&id.0].clone().map(posted)
    }

    /// A node breaks off, and its neighbours notice.
    pub(super) fn kill(&mut self, node: usize) {
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
pub(super) fn graph(
    count: usize,
    degree: usize,
    near: usize,
    spread: usize,
    seed: u8,
) -> Vec<(usize, usize)> {
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
pub(super) fn pairs(net: &Net, count: usize) -> Vec<(usize, usize)> {
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

pub(super) fn wired(count: usize) -> Net {
    let mut net = Net::new(count, &graph(count, 8, 2, 4, 1));
    net.exchange();
    net
}
