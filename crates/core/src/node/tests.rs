use std::ops::{Deref, DerefMut};

use bytes::Bytes;
use peerloom_crypto::IdentityKey;
use peerloom_wire::PeerId;

use super::*;
use crate::event::{
    BadInput, DisconnectCause, PeerState, RoomMessage, SecurityAction, Undelivered,
};
use crate::io::{
    Candidate, ConnId, LinkCommand, LinkEvent, StoreError, StoreOp, StoreReply, TransportState,
};

fn at(ms: u64) -> Now {
    Now { mono: Instant::from_micros(ms * 1000), unix_ms: 1_800_000_000_000 + ms }
}

/// A node with its key.
struct Keyed {
    node: Node,
    key: IdentityKey,
}

impl Deref for Keyed {
    type Target = Node;

    fn deref(&self) -> &Node {
        &self.node
    }
}

impl DerefMut for Keyed {
    fn deref_mut(&mut self) -> &mut Node {
        &mut self.node
    }
}

fn node(seed: u8) -> Keyed {
    let key = IdentityKey::from_seed([seed; 32]);
    let node = Node::new(NodeConfig {
        app: AppId::from_name("test"),
        key: key.public_key(),
        seed: [seed; 32],
        connections_max: 8,
        exchange: Exchange::default(),
        rules: RoleRules::default(),
        device: Device::default(),
        meeting: Meeting::NONE,
        now: at(0),
    });
    Keyed { node, key }
}

/// What a node asked for since the last look. Signatures are made and checked at once.
fn outputs(node: &mut Keyed) -> Vec<Output> {
    let mut outputs = Vec::new();
    while let Some(output) = node.poll_output() {
        let answer = match output {
            Output::Sign { id, payload } => {
                Input::Signed { id, signature: Some(node.key.sign(&payload)) }
            }
            Output::Verify { id, claim } => Input::Verified { id, holds: claim.holds() },
            output => {
                outputs.push(output);
                continue;
            }
        };
        node.handle(at(0), answer);
    }
    outputs
}

fn events(outputs: &[Output]) -> Vec<&Event> {
    outputs
        .iter()
        .filter_map(|output| match output {
            Output::Event(event) => Some(event),
            _ => None,
        })
        .collect()
}

fn envelopes(outputs: &[Output]) -> Vec<Bytes> {
    outputs
        .iter()
        .filter_map(|output| match output {
            Output::Signal { bytes } => Some(bytes.clone()),
            _ => None,
        })
        .collect()
}

fn command(node: &mut Keyed, ms: u64, id: u64, command: Command) -> Vec<Output> {
    node.handle(at(ms), Input::Command { id: CommandId(id), command });
    outputs(node)
}

fn hear(node: &mut Keyed, ms: u64, bytes: Bytes) -> Vec<Output> {
    node.handle(at(ms), Input::Signal { bytes });
    outputs(node)
}

/// Answers the store's questions of the start with "there is nothing".
fn load_empty(node: &mut Keyed) {
    for output in outputs(node) {
        if let Output::Store { id, op } = output {
            let reply = match op {
                StoreOp::Load => StoreReply::Records(Vec::new()),
                _ => StoreReply::Done,
            };
            node.handle(at(0), Input::Stored { id, result: Ok(reply) });
        }
    }
}

fn started(seed: u8) -> Keyed {
    let mut node = node(seed);
    load_empty(&mut node);
    command(&mut node, 0, 1, Command::Start);
    node
}

/// Carries envelopes and plays both browsers until nothing moves any more; gives all events.
fn settle(nodes: &mut [Keyed; 2], ms: u64) -> [Vec<Event>; 2] {
    let mut seen = [Vec::new(), Vec::new()];
    loop {
        let mut moved = false;
        for index in 0..2 {
            for output in outputs(&mut nodes[index]) {
                moved = true;
                match output {
                    Output::Event(event) => seen[index].push(event),
                    Output::Signal { bytes } => {
                        nodes[1 - index].handle(at(ms), Input::Signal { bytes });
                    }
                    Output::Link { conn, command } => play(nodes, ms, index, conn, command),
                    Output::Server { .. }
                    | Output::Store { .. }
                    | Output::Sign { .. }
                    | Output::Verify { .. } => {}
                }
            }
        }
        if !moved {
            return seen;
        }
    }
}

fn play(nodes: &mut [Keyed; 2], ms: u64, index: usize, conn: ConnId, command: LinkCommand) {
    let link = |event| Input::Link { conn, event };
    let events = match command {
        LinkCommand::CreateOffer { .. } => {
            let candidate = Candidate {
                candidate: "candidate".into(),
                sdp_mid: None,
                sdp_mline_index: Some(0),
            };
            let sdp = "offer".into();
            vec![LinkEvent::OfferReady { sdp }, LinkEvent::CandidateReady { candidate }]
        }
        LinkCommand::AcceptOffer { .. } => vec![
            LinkEvent::AnswerReady { sdp: "answer".into() },
            LinkEvent::Transport(TransportState::Connected),
            LinkEvent::Opened,
        ],
        LinkCommand::AcceptAnswer { .. } => {
            vec![LinkEvent::Transport(TransportState::Connected), LinkEvent::Opened]
        }
        LinkCommand::Send { frame } => {
            let peer = nodes[index].id();
            if let Some(conn) = nodes[1 - index].conn(peer) {
                let event = LinkEvent::Received { frame };
                nodes[1 - index].handle(at(ms), Input::Link { conn, event });
            }
            return;
        }
        LinkCommand::Close => {
            let peer = nodes[index].id();
            if let Some(conn) = nodes[1 - index].conn(peer) {
                nodes[1 - index].handle(at(ms), Input::Link { conn, event: LinkEvent::Closed });
            }
            return;
        }
        _ => return,
    };
    for event in events {
        nodes[index].handle(at(ms), link(event));
    }
}

fn connected_pair() -> [Keyed; 2] {
    let mut nodes = [started(1), started(2)];
    let announcement = command(&mut nodes[0], 1, 2, Command::Stop);
    assert!(!envelopes(&announcement).is_empty());
    nodes[0].handle(at(2), Input::Command { id: CommandId(3), command: Command::Start });
    settle(&mut nodes, 3);
    nodes
}

#[test]
fn two_nodes_that_hear_of_each_other_are_connected() {
    let nodes = connected_pair();
    for (node, other) in [(&nodes[0], &nodes[1]), (&nodes[1], &nodes[0])] {
        let peers = node.peers();
        assert_eq!(peers.len(), 1);
        assert_eq!((peers[0].id, peers[0].state), (other.id(), PeerState::Connected));
        let status = node.status();
        assert_eq!((status.peers_discovered, status.peers_connected), (1, 1));
    }
}

#[test]
fn a_node_that_leaves_is_gone_for_the_other_at_once() {
    let mut nodes = connected_pair();
    nodes[0].handle(at(10), Input::Lifecycle(Lifecycle::Leaving));
    let [_, seen] = settle(&mut nodes, 10);
    let cause = DisconnectCause::Goodbye;
    assert!(
        seen.iter()
            .any(|event| matches!(event, Event::PeerDisconnected { cause: c, .. } if *c == cause)),
        "{seen:?}"
    );
    assert!(nodes[1].peers().is_empty());
}

#[test]
fn a_tampered_envelope_is_dropped_and_counted() {
    let (mut alice, mut bob) = (node(1), started(2));
    load_empty(&mut alice);
    let sent = envelopes(&command(&mut alice, 0, 1, Command::Start));
    let mut tampered = sent[0].to_vec();
    let last = tampered.len() - 1;
    tampered[last] ^= 1;
    hear(&mut bob, 1, tampered.into());
    assert!(bob.peers().is_empty());
    assert_eq!(bob.stats().get("signal.bad_signature"), Some(&1));
    hear(&mut bob, 1, sent[0].clone());
    assert_eq!(bob.peers().len(), 1);
    hear(&mut bob, 1, sent[0].clone());
    assert_eq!(bob.stats().get("discovery.envelopes_replayed"), Some(&1));
}

#[test]
fn a_banned_peer_is_closed_and_not_heard_again() {
    let mut nodes = connected_pair();
    let peer = nodes[0].id();
    command(&mut nodes[1], 20, 9, Command::Ban { peer });
    settle(&mut nodes, 20);
    assert_eq!(nodes[1].conn(peer), None);
    nodes[0].handle(at(30), Input::Lifecycle(Lifecycle::Resumed));
    settle(&mut nodes, 30);
    assert!(nodes[1].peers().is_empty());
    assert!(nodes[1].stats().get("signal.banned").is_some_and(|count| *count > 0));
    let refused = command(&mut nodes[1], 40, 10, Command::Connect { peer });
    let denied = Event::Done { id: CommandId(10), result: Err(CommandError::Denied) };
    assert_eq!(events(&refused), [&denied]);
}

/// Says something in the hall to a peer alone, and returns what the application is told at once.
fn send(node: &mut Keyed, ms: u64, to: PeerId) -> Vec<Event> {
    join(node, "hall");
    node.handle(at(ms), say(ms, to));
    events(&outputs(node)).into_iter().cloned().collect()
}

fn say(ms: u64, to: PeerId) -> Input {
    let (room, data) = ("hall".to_owned(), Bytes::from_static(b"hello"));
    let command = Command::Send { to, room, number: ms, data };
    Input::Command { id: CommandId(ms), command }
}

fn join(node: &mut Keyed, room: &str) {
    command(node, 1, 0, Command::Join { room: room.to_owned(), is_shown: false });
}

fn message(events: &[Event]) -> Option<&RoomMessage> {
    events.iter().find_map(|event| match event {
        Event::Message(message) => Some(message),
        _ => None,
    })
}

#[test]
fn a_message_to_one_peer_is_heard_in_its_room_and_its_sender_told_that_it_is_taken() {
    let mut nodes = connected_pair();
    let (from, to) = (nodes[0].id(), nodes[1].id());
    nodes.iter_mut().for_each(|node| join(node, "hall"));
    nodes[0].handle(at(20), say(20, to));
    let [here, there] = settle(&mut nodes, 20);
    let heard = message(&there).unwrap();
    assert_eq!((&*heard.room, heard.from, heard.hops), ("hall", from, 1));
    assert_eq!((heard.sent_ms, &heard.data[..]), (at(20).unix_ms, &b"hello"[..]));
    // Nothing is said of it before the application there has it.
    assert!(!here.iter().any(|event| matches!(event, Event::Done { .. })));
    nodes[1].handle(at(21), Input::Taken { letter: heard.letter.unwrap(), is_taken: true });
    let [here, _] = settle(&mut nodes, 21);
    let result = Ok(Reply::Posted(heard.id.clone()));
    assert!(here.contains(&Event::Done { id: CommandId(20), result }));
}

#[test]
fn a_message_for_a_room_that_its_receiver_is_not_in_is_not_heard_and_its_sender_told() {
    let mut nodes = connected_pair();
    let to = nodes[1].id();
    join(&mut nodes[0], "hall");
    join(&mut nodes[1], "attic");
    nodes[0].handle(at(20), say(20, to));
    let [here, there] = settle(&mut nodes, 20);
    assert_eq!(message(&there), None);
    let result = Err(CommandError::Undelivered(Undelivered::Absent));
    assert!(here.contains(&Event::Done { id: CommandId(20), result }));
    let (room, data) = ("cellar".to_owned(), Bytes::new());
    let refused = command(&mut nodes[0], 30, 30, Command::Send { to, room, number: 30, data });
    let result = Err(CommandError::BadInput(BadInput::NotInRoom));
    assert_eq!(events(&refused), [&Event::Done { id: CommandId(30), result }]);
}

#[test]
fn a_message_to_oneself_to_a_banned_peer_or_of_a_stopped_node_is_refused_at_once() {
    let mut nodes = connected_pair();
    let peer = nodes[0].id();
    let node = &mut nodes[1];
    let refused = |id, error| vec![Event::Done { id: CommandId(id), result: Err(error) }];
    let own = node.id();
    assert_eq!(send(node, 20, own), refused(20, CommandError::BadInput(BadInput::OwnId)));
    command(node, 21, 21, Command::Stop);
    assert_eq!(send(node, 22, peer), refused(22, CommandError::Closed));
    command(node, 23, 23, Command::Start);
    assert_eq!(send(node, 24, peer), []);
    command(node, 25, 25, Command::Ban { peer });
    assert_eq!(send(node, 26, peer), refused(26, CommandError::Denied));
}

#[test]
fn a_message_that_waits_when_the_node_stops_is_answered() {
    let mut nodes = connected_pair();
    let peer = nodes[0].id();
    assert_eq!(send(&mut nodes[1], 20, peer), []);
    let stopped = command(&mut nodes[1], 21, 21, Command::Stop);
    let closed = Event::Done { id: CommandId(20), result: Err(CommandError::Closed) };
    assert!(events(&stopped).contains(&&closed));
}

#[test]
fn two_that_were_disconnected_stay_known_and_apart_until_one_of_them_is_asked() {
    let mut nodes = connected_pair();
    let (here, there) = (nodes[0].id(), nodes[1].id());
    let answered = command(&mut nodes[0], 20, 9, Command::Disconnect { peer: there });
    assert!(
        events(&answered).contains(&&Event::Done { id: CommandId(9), result: Ok(Reply::Done) })
    );
    let farewell = answered.into_iter().find_map(|output| match output {
        Output::Link { command: LinkCommand::Send { frame }, .. } => Some(frame),
        _ => None,
    });
    let (conn, frame) = (nodes[1].conn(here).unwrap(), farewell.unwrap());
    nodes[1].handle(at(20), Input::Link { conn, event: LinkEvent::Received { frame } });
    for ms in [21, 5_000, 40_000, 90_000] {
        nodes[0].handle(at(ms), Input::Timeout);
        nodes[1].handle(at(ms), Input::Timeout);
        settle(&mut nodes, ms);
        for node in &nodes {
            assert_eq!(node.peers()[0].state, PeerState::Discovered, "{ms}");
        }
    }
    nodes[1].handle(
        at(90_001),
        Input::Command { id: CommandId(10), command: Command::Connect { peer: here } },
    );
    settle(&mut nodes, 90_001);
    assert_eq!(nodes[0].peers()[0].state, PeerState::Connected);
}

#[test]
fn garbage_on_a_connection_ends_in_a_ban() {
    let mut nodes = connected_pair();
    let peer = nodes[0].id();
    let mut actions = Vec::new();
    for ms in 10..100 {
        let Some(conn) = nodes[1].conn(peer) else { break };
        let event = LinkEvent::Received { frame: Bytes::from_static(&[1, 2]) };
        nodes[1].handle(at(ms), Input::Link { conn, event });
        let outputs = outputs(&mut nodes[1]);
        actions.extend(events(&outputs).into_iter().filter_map(|event| match event {
            Event::Security { action, .. } => Some(*action),
            _ => None,
        }));
    }
    assert_eq!(actions.first(), Some(&SecurityAction::Strike));
    assert_eq!(actions.last(), Some(&SecurityAction::Ban));
    assert_eq!(nodes[1].conn(peer), None);
}

#[test]
fn a_start_waits_for_the_store_and_tells_when_it_is_gone() {
    let mut node = node(1);
    let pending = command(&mut node, 0, 1, Command::Start);
    assert!(!events(&pending).iter().any(|event| matches!(event, Event::Done { .. })));
    let load = pending.iter().find_map(|output| match output {
        Output::Store { id, op: StoreOp::Load } => Some(*id),
        _ => None,
    });
    let result = Err(StoreError::Unavailable);
    node.handle(at(1), Input::Stored { id: load.unwrap(), result });
    let done = outputs(&mut node);
    let expect =
        Event::Done { id: CommandId(1), result: Err(CommandError::Store(StoreError::Unavailable)) };
    assert!(events(&done).contains(&&expect), "{done:?}");
}

#[test]
fn a_stopped_node_says_nothing_and_hears_nothing() {
    let mut nodes = connected_pair();
    command(&mut nodes[0], 10, 5, Command::Stop);
    settle(&mut nodes, 10);
    let sent = envelopes(&command(&mut nodes[1], 11, 6, Command::Stop));
    nodes[0].handle(at(12), Input::Signal { bytes: sent[0].clone() });
    nodes[0].handle(at(100_000), Input::Timeout);
    assert!(envelopes(&outputs(&mut nodes[0])).is_empty());
    assert!(nodes[0].peers().is_empty());
    assert_eq!(nodes[0].poll_timeout(), None);
}

/// What a node asked to have signed or checked, in order, without an answer.
fn asked(node: &mut Keyed) -> Vec<Output> {
    std::iter::from_fn(|| node.poll_output())
        .filter(|output| matches!(output, Output::Sign { .. } | Output::Verify { .. }))
        .collect()
}

#[test]
fn the_page_that_is_left_has_its_goodbye_signed_already() {
    let mut alice = started(1);
    alice.handle(at(5), Input::Lifecycle(Lifecycle::Leaving));
    let said: Vec<Output> = std::iter::from_fn(|| alice.poll_output()).collect();
    let envelopes = envelopes(&said);
    assert_eq!(envelopes.len(), 1, "{said:?}");
    let mut bob = started(2);
    hear(&mut bob, 6, envelopes[0].clone());
    assert_eq!(bob.stats().get("signal.received"), Some(&1));
}

#[test]
fn a_goodbye_that_is_not_signed_in_time_goes_out_late_and_nothing_else_does() {
    let mut alice = node(1);
    load_empty(&mut alice);
    alice.handle(at(0), Input::Command { id: CommandId(1), command: Command::Start });
    let signing = asked(&mut alice);
    assert_eq!(signing.len(), 3, "the goodbye, the announcement and the record");
    alice.handle(at(0), Input::Command { id: CommandId(2), command: Command::Stop });
    let mut late = Vec::new();
    for output in signing {
        let Output::Sign { id, payload } = output else { continue };
        let signature = Some(alice.key.sign(&payload));
        alice.handle(at(1), Input::Signed { id, signature });
        late.extend(outputs(&mut alice));
    }
    assert_eq!(envelopes(&late).len(), 1);
    // Who did not hear the announcement has nobody to send away.
    let mut bob = started(2);
    hear(&mut bob, 2, envelopes(&late)[0].clone());
    assert!(bob.peers().is_empty());
}

#[test]
fn a_goodbye_of_an_earlier_run_does_not_send_away_the_next() {
    let (mut alice, mut bob) = (started(1), started(2));
    let goodbye = envelopes(&command(&mut alice, 1, 2, Command::Stop));
    let announced = envelopes(&command(&mut alice, 2, 3, Command::Start));
    hear(&mut bob, 3, announced[0].clone());
    hear(&mut bob, 4, goodbye[0].clone());
    assert_eq!(bob.peers().len(), 1);
    assert_eq!(bob.stats().get("discovery.envelopes_outdated"), Some(&1));
}

#[test]
fn a_flood_of_envelopes_is_checked_up_to_the_bound_and_then_dropped() {
    let (mut alice, mut bob) = (started(1), started(2));
    let mut flood = Vec::new();
    for ms in 1..400 {
        alice.handle(at(ms * 60_000), Input::Timeout);
        flood.extend(envelopes(&outputs(&mut alice)));
    }
    assert!(flood.len() > 300);
    for bytes in &flood {
        bob.handle(at(1), Input::Signal { bytes: bytes.clone() });
    }
    assert_eq!(asked(&mut bob).len(), 256);
    let dropped = flood.len() as u64 - 256;
    assert_eq!(bob.stats().get("signal.overflow"), Some(&dropped));
}
