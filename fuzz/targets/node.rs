//! A whole node: what a connected, authenticated peer says, what its driver reports meanwhile, and
//! what the page before this one left in the store.
//! Nothing of it may panic or break an invariant.
//!
//! The input is a list of steps: a kind, a length of two bytes, and so many bytes.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use peerloom_core::event::{PeerState, RoomMessage};
use peerloom_core::io::{
    BodyFault, Command, CommandId, ConnId, LinkCommand, LinkEvent, Record, StoreOp, StoreReply,
    TransportState,
};
use peerloom_core::node::NodeConfig;
use peerloom_core::{
    Device, Event, Exchange, Input, Instant, Meeting, Node, Now, Output, RoleRules,
};
use peerloom_crypto::{PublicKey, Signature};
use peerloom_wire::{AppId, PeerId, RequestId};

/// The most steps that are taken of one input, so that a long one is not a slow one.
const STEPS_MAX: usize = 64;

/// Where both are, and messages are sent.
const ROOM: &str = "hall";

fuzz_target!(|bytes: &[u8]| {
    let mut pair = Pair::connected();
    let mut rest = bytes;
    for _ in 0..STEPS_MAX {
        let Some(([kind, high, low], after)) = rest.split_first_chunk() else { break };
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(after.len());
        let (said, after) = after.split_at(length);
        rest = after;
        pair.step(*kind, said);
    }
    let stats = pair.nodes[0].stats();
    assert_eq!(stats.get("node.bugs"), Some(&0));
    for (what, max) in [
        ("pex.known", 256),
        ("registry.peers", 100),
        ("routing.passages", 512),
        ("routing.ways", 256),
        ("routing.correspondents", 256),
        ("routing.messages_waiting", 64),
        ("broadcast.seen", 4096),
        ("broadcast.kept_bytes", 4 << 20),
        ("broadcast.missing", 128),
        ("broadcast.checking", 256),
        ("broadcast.holding", 256),
    ] {
        assert!(stats.get(what).is_some_and(|count| *count <= max), "{what}");
    }
});

/// Two nodes; what is heard of the second one is up to the fuzzer.
struct Pair {
    nodes: [Node; 2],
    now_ms: u64,
    commands: u64,
}

impl Pair {
    fn connected() -> Self {
        let mut pair = Self { nodes: [node(1), node(2)], now_ms: 0, commands: 0 };
        for index in 0..2 {
            pair.settle();
            pair.command(index, Command::Start);
            pair.command(index, Command::Join { room: ROOM.into(), is_shown: false });
        }
        pair.settle();
        // Candidates are waited for, and whoever has the higher id leaves the dialling to the other.
        while !pair.is_connected() {
            assert!(pair.now_ms < 10_000, "two nodes that nobody disturbs connect");
            pair.now_ms += 10;
            for index in 0..2 {
                pair.hear(index, Input::Timeout);
            }
        }
        pair
    }

    fn is_connected(&self) -> bool {
        let states = self.nodes.iter().flat_map(|node| node.peers()).map(|peer| peer.state);
        states.filter(|state| *state == PeerState::Connected).count() == 2
    }

    fn step(&mut self, kind: u8, said: &[u8]) {
        let conn = self.nodes[0].conn(self.nodes[1].id());
        let bytes = Bytes::copy_from_slice(said);
        let request = RequestId(u32::from(said.first().copied().unwrap_or(0)));
        let event = match kind % 10 {
            0..=2 => LinkEvent::Received { frame: bytes },
            3 => {
                self.hear(0, Input::Signal { bytes });
                return;
            }
            4 => {
                let (sha256, length) = (peerloom_crypto::sha256(said), bytes.len());
                let bytes_count = u32::try_from(length).unwrap_or(u32::MAX);
                LinkEvent::BodyArrived { request, bytes: bytes_count, sha256, inline: Some(bytes) }
            }
            5 => LinkEvent::BodyMisplaced { fault: BodyFault::Unrequested },
            6 => {
                self.now_ms += u64::from(request.0) * 100;
                self.hear(0, Input::Timeout);
                return;
            }
            8 => return self.reload(&bytes),
            // To the other one, for whom the fuzzer may answer, or to nobody.
            9 => {
                let to = if request.0 % 2 == 0 { self.nodes[1].id() } else { PeerId([9; 32]) };
                let (room, number) = (ROOM.into(), self.commands + 1);
                self.command(0, Command::Send { to, room, number, data: bytes });
                self.settle();
                return;
            }
            _ => {
                let wanted = self.nodes[0].contents();
                if let Some(info) = wanted.get(usize::from(request.0 as u8) % wanted.len().max(1)) {
                    self.command(0, Command::Get { content: info.id, key: None });
                }
                return;
            }
        };
        if let Some(conn) = conn {
            self.hear(0, Input::Link { conn, event });
        }
    }

    /// A node that begins with this as the record of the peers it met.
    fn reload(&self, stored: &Bytes) {
        let mut fresh = node(3);
        fresh.handle(self.now(), Input::Command { id: CommandId(1), command: Command::Start });
        while let Some(output) = fresh.poll_output() {
            if let Output::Store { id, op: StoreOp::Load } = output {
                let record = Record { key: "peers".into(), value: stored.clone() };
                let result = Ok(StoreReply::Records(vec![record]));
                fresh.handle(self.now(), Input::Stored { id, result });
            }
        }
        assert!(fresh.stats().get("registry.peers").is_some_and(|count| *count <= 100));
        assert_eq!(fresh.stats().get("node.bugs"), Some(&0));
    }

    fn command(&mut self, index: usize, command: Command) {
        self.commands += 1;
        let id = CommandId(self.commands);
        self.nodes[index].handle(self.now(), Input::Command { id, command });
    }

    /// One input, and all that the world answers to what follows from it.
    fn hear(&mut self, index: usize, input: Input) {
        self.nodes[index].handle(self.now(), input);
        self.settle();
    }

    fn now(&self) -> Now {
        let mono = Instant::from_micros(self.now_ms * 1000);
        Now { mono, unix_ms: 1_800_000_000_000 + self.now_ms }
    }

    fn settle(&mut self) {
        while let Some((index, output)) =
            (0..2).find_map(|index| Some((index, self.nodes[index].poll_output()?)))
        {
            for (to, input) in self.answers(index, output) {
                self.nodes[to].handle(self.now(), input);
            }
        }
    }

    /// Plays browser, store and key, all of which work.
    fn answers(&self, index: usize, output: Output) -> Vec<(usize, Input)> {
        let other = 1 - index;
        match output {
            Output::Signal { bytes } => vec![(other, Input::Signal { bytes })],
            // There are no servers.
            Output::Server { .. } => Vec::new(),
            Output::Sign { id, .. } => {
                vec![(index, Input::Signed { id, signature: Some(Signature([1; 64])) })]
            }
            // One made-up signature is true, so that what is signed can be reached, and the others are not.
            Output::Verify { id, claim } => {
                let holds = claim.signature == Signature([1; 64]);
                vec![(index, Input::Verified { id, holds })]
            }
            Output::Store { id, op } => {
                let reply = match op {
                    StoreOp::Load => StoreReply::Records(Vec::new()),
                    StoreOp::HasChunks { chunks } => StoreReply::Present(vec![false; chunks.len()]),
                    _ => StoreReply::Done,
                };
                vec![(index, Input::Stored { id, result: Ok(reply) })]
            }
            Output::Link { conn, command } => self.played(index, conn, command),
            // Its application takes every second one.
            Output::Event(Event::Message(RoomMessage { letter: Some(letter), .. })) => {
                vec![(index, Input::Taken { letter, is_taken: letter.number % 2 == 1 })]
            }
            Output::Event(_) => Vec::new(),
        }
    }

    fn played(&self, index: usize, conn: ConnId, command: LinkCommand) -> Vec<(usize, Input)> {
        let other = 1 - index;
        let own = |event| (index, Input::Link { conn, event });
        let connected = || own(LinkEvent::Transport(TransportState::Connected));
        match command {
            LinkCommand::CreateOffer { .. } => {
                vec![own(LinkEvent::OfferReady { sdp: "offer".into() })]
            }
            LinkCommand::AcceptOffer { .. } => vec![
                own(LinkEvent::AnswerReady { sdp: "answer".into() }),
                connected(),
                own(LinkEvent::Opened),
            ],
            LinkCommand::AcceptAnswer { .. } => vec![connected(), own(LinkEvent::Opened)],
            LinkCommand::Send { frame } => {
                let theirs = self.nodes[other].conn(self.nodes[index].id());
                let event = LinkEvent::Received { frame };
                theirs.map(|conn| (other, Input::Link { conn, event })).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }
}

fn node(seed: u8) -> Node {
    Node::new(NodeConfig {
        app: AppId::from_name("fuzz"),
        key: PublicKey([seed; 65]),
        seed: [seed; 32],
        connections_max: 8,
        exchange: Exchange::default(),
        rules: RoleRules::default(),
        device: Device::default(),
        meeting: Meeting::NONE,
        now: Now { mono: Instant::ZERO, unix_ms: 1_800_000_000_000 },
    })
}
