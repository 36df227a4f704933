use core::net::{IpAddr, Ipv4Addr};

use peerloom_crypto::IdentityKey;
use peerloom_wire::rendezvous::{Terms, registration};

use super::*;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const HOST: &str = "meet.example";
const TAG: Tag = Tag([1; 32]);
const OTHER_TAG: Tag = Tag([2; 32]);

/// A hub and its clients, of which each is the key of its number.
struct World {
    hub: Hub,
    now: Duration,
    said: BTreeMap<ConnId, Vec<ServerMessage>>,
    closed: BTreeMap<ConnId, Reason>,
    claims: Vec<(ConnId, Claim)>,
}

fn key(number: u64) -> IdentityKey {
    let mut seed = [7; 32];
    seed[..8].copy_from_slice(&number.to_be_bytes());
    IdentityKey::from_seed(seed)
}

fn id(number: u64) -> PeerId {
    PeerId(key(number).public_key().fingerprint())
}

fn conn(number: u64) -> ConnId {
    ConnId(number)
}

fn names() -> Names {
    Names::Listed(vec![HOST.into()])
}

impl World {
    fn new(limits: Limits) -> Self {
        let hub = Hub::new(limits, names(), [3; 32]);
        let now = Duration::from_secs(1);
        let (said, closed) = (BTreeMap::new(), BTreeMap::new());
        Self { hub, now, said, closed, claims: Vec::new() }
    }

    fn tell(&mut self, input: Input) {
        self.hub.handle(self.now, input);
        self.take();
    }

    fn take(&mut self) {
        while let Some(output) = self.hub.poll_output() {
            match output {
                Output::Send { conn, bytes } => {
                    assert!(!self.closed.contains_key(&conn), "after the last word");
                    self.said.entry(conn).or_default().push(ServerMessage::decode(&bytes).unwrap());
                }
                Output::Close { conn, reason } => {
                    assert_eq!(self.closed.insert(conn, reason), None);
                }
                Output::Verify { conn, claim } => self.claims.push((conn, claim)),
            }
        }
    }

    fn advance(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(at) = self.hub.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.hub.handle_timeout(self.now);
            self.take();
        }
        self.now = end;
    }

    fn connect(&mut self, number: u64) {
        // Each from an address of its own.
        let [.., a, b] = number.to_be_bytes();
        let address = IpAddr::from([10, 0, a, b]);
        self.tell(Input::Connected { conn: conn(number), address, here: HERE, denied: None });
    }

    fn say(&mut self, number: u64, message: &ClientMessage) {
        self.tell(Input::Received { conn: conn(number), bytes: message.encode().unwrap() });
    }

    /// What was said since the last time, all of it read.
    fn heard(&mut self, number: u64) -> Vec<ServerMessage> {
        let said = self.said.remove(&conn(number)).unwrap_or_default();
        let bytes = said.iter().map(|message| message.encode().unwrap().len()).sum();
        self.tell(Input::Drained { conn: conn(number), bytes });
        said
    }

    /// Answers the challenge that `number` got with the key of `by`, for `host`.
    fn register_as(&mut self, number: u64, by: u64, host: &str) {
        let Some(ServerMessage::Challenge { nonce }) = self.heard(number).pop() else {
            panic!("no challenge");
        };
        let signature = key(by).sign(&registration(host, &nonce));
        let key = key(by).public_key();
        self.say(number, &ClientMessage::Register { host: host.into(), key, signature });
        for (conn, claim) in core::mem::take(&mut self.claims) {
            self.tell(Input::Verified { conn, holds: claim.holds() });
        }
    }

    /// Lets in a client of this number.
    fn enter(&mut self, number: u64) {
        self.connect(number);
        self.register_as(number, number, HOST);
        assert!(matches!(self.heard(number)[..], [ServerMessage::Welcome(_)]));
    }

    fn meet(&mut self, number: u64, tags: &[Tag], connected: u16) {
        self.say(number, &meet(number, tags, connected));
    }

    /// Lets in a client that is found by [`TAG`].
    fn join(&mut self, number: u64, connected: u16) {
        self.enter(number);
        self.meet(number, &[TAG], connected);
    }

    fn introduced(&mut self, number: u64) -> Vec<PeerId> {
        let of = |message| match message {
            ServerMessage::Introduced { peer, .. } => Some(peer),
            _ => None,
        };
        self.heard(number).into_iter().filter_map(of).collect()
    }

    fn reason(&self, number: u64) -> Option<Reason> {
        self.closed.get(&conn(number)).copied()
    }
}

fn meet(number: u64, tags: &[Tag], connected: u16) -> ClientMessage {
    let announcement = Bytes::from(format!("announcement of {number}"));
    ClientMessage::Meet { tags: tags.to_vec(), announcement, connected }
}

fn envelope(to: u64) -> ClientMessage {
    ClientMessage::Envelope { to: id(to), bytes: "sealed".into() }
}

fn refused(message: &ServerMessage) -> Option<Reason> {
    match message {
        ServerMessage::Refused { code, .. } => Reason::from_code(*code),
        _ => None,
    }
}

#[test]
fn two_that_name_the_same_tag_are_told_of_each_other() {
    let mut world = World::new(Limits::default());
    world.join(1, 0);
    assert_eq!(world.heard(1), []);
    world.join(2, 0);
    let introduced = |peer: u64| ServerMessage::Introduced {
        tag: TAG,
        peer: id(peer),
        announcement: format!("announcement of {peer}").into(),
    };
    assert_eq!(world.heard(1), [introduced(2)]);
    assert_eq!(world.heard(2), [introduced(1)]);
}

#[test]
fn an_envelope_says_whose_key_it_is_from_and_not_whose_it_claims() {
    let mut world = World::new(Limits::default());
    world.join(1, 0);
    world.join(2, 0);
    world.heard(1);
    world.heard(2);
    world.say(1, &envelope(2));
    let bytes = Bytes::from_static(b"sealed");
    assert_eq!(world.heard(2), [ServerMessage::Envelope { from: id(1), bytes }]);
    assert_eq!(world.heard(1), []);
}

#[test]
fn nobody_writes_to_a_peer_of_another_swarm_nor_learns_that_it_is_there() {
    let mut world = World::new(Limits::default());
    world.join(1, 0);
    world.enter(2);
    world.meet(2, &[OTHER_TAG], 0);
    for to in [2, 3] {
        world.say(1, &envelope(to));
        assert_eq!(world.heard(1), [ServerMessage::Away { peer: id(to) }]);
    }
    assert_eq!(world.heard(2), []);
    assert_eq!(world.hub.counters().envelopes_away, 2);
}

#[test]
fn nobody_is_let_in_by_the_signature_of_another_key() {
    let mut world = World::new(Limits::default());
    world.connect(1);
    let Some(ServerMessage::Challenge { nonce }) = world.heard(1).pop() else { panic!() };
    let signature = key(9).sign(&registration(HOST, &nonce));
    let key = key(1).public_key();
    world.say(1, &ClientMessage::Register { host: HOST.into(), key, signature });
    let (conn, claim) = world.claims.pop().unwrap();
    world.tell(Input::Verified { conn, holds: claim.holds() });
    assert_eq!(world.reason(1), Some(Reason::BadSignature));
    assert_eq!(world.hub.gauges().peers, 0);
}

#[test]
fn an_answer_to_an_earlier_challenge_is_refused() {
    let mut world = World::new(Limits::default());
    world.connect(1);
    let Some(ServerMessage::Challenge { nonce }) = world.heard(1).pop() else { panic!() };
    let signature = key(1).sign(&registration(HOST, &nonce));
    let key = key(1).public_key();
    world.connect(2);
    world.say(2, &ClientMessage::Register { host: HOST.into(), key, signature });
    let (conn, claim) = world.claims.pop().unwrap();
    world.tell(Input::Verified { conn, holds: claim.holds() });
    assert_eq!(world.reason(2), Some(Reason::BadSignature));
}

#[test]
fn whoever_dialled_another_host_is_not_who_it_seems() {
    let mut world = World::new(Limits::default());
    world.connect(1);
    world.register_as(1, 1, "evil.example");
    assert_eq!(world.reason(1), Some(Reason::WrongHost));
}

#[test]
fn nothing_is_heard_before_registration_and_no_second_one_after_it() {
    let mut world = World::new(Limits::default());
    let early = [meet(1, &[TAG], 0), envelope(2), ClientMessage::Ping { number: 1 }];
    for (number, message) in (1..).zip(early) {
        world.connect(number);
        world.say(number, &message);
        assert_eq!(world.reason(number), Some(Reason::OutOfTurn));
    }
    world.enter(9);
    let signature = key(9).sign(b"");
    let key = key(9).public_key();
    world.say(9, &ClientMessage::Register { host: HOST.into(), key, signature });
    assert_eq!(world.reason(9), Some(Reason::OutOfTurn));
}

#[test]
fn a_newcomer_is_introduced_to_three_and_those_with_connections_come_first() {
    let mut world = World::new(Limits::default());
    for number in 1..=20 {
        world.join(number, u16::from(number > 15));
        world.heard(number);
    }
    world.join(30, 0);
    let introduced = world.introduced(30);
    assert_eq!(introduced.len(), 3);
    let linked: Vec<PeerId> = (16..=20).map(id).collect();
    assert!(introduced.iter().all(|peer| linked.contains(peer)));
}

#[test]
fn introductions_are_spread() {
    let mut world = World::new(Limits::default());
    (1..=10).for_each(|number| world.join(number, 1));
    (1..=10).for_each(|number| drop(world.heard(number)));
    for number in 11..=50 {
        world.join(number, 0);
        world.meet(number, &[], 0);
    }
    // 40 newcomers, three each, among ten.
    for number in 1..=10 {
        let count = world.introduced(number).len();
        assert!((10..=14).contains(&count), "{number} was told of {count}");
    }
}

#[test]
fn whoever_is_alone_is_told_of_others_again_and_who_is_not_is_not() {
    let mut world = World::new(Limits::default());
    (1..=20).for_each(|number| world.join(number, 3));
    world.join(30, 0);
    let first = world.introduced(30);
    world.meet(30, &[TAG], 3);
    assert_eq!(world.introduced(30), []);
    world.meet(30, &[TAG], 1);
    let second = world.introduced(30);
    assert_eq!((first.len(), second.len()), (3, 2));
    assert!(first.iter().all(|peer| !second.contains(peer)));
}

#[test]
fn asking_again_and_again_brings_three_in_ten_seconds() {
    let mut world = World::new(Limits::default());
    (1..=200).for_each(|number| world.join(number, 3));
    world.join(300, 0);
    let count = |world: &mut World| {
        world.meet(300, &[], 0);
        world.meet(300, &[TAG], 0);
        world.introduced(300).len()
    };
    let burst: usize = (0..60).map(|_| count(&mut world)).sum();
    assert_eq!(burst, 24);
    world.advance(Duration::from_secs(10));
    assert_eq!((count(&mut world), count(&mut world)), (3, 0));
}

#[test]
fn those_who_know_of_a_peer_hear_when_it_goes() {
    let mut world = World::new(Limits::default());
    world.join(1, 0);
    world.join(2, 0);
    world.enter(3);
    (1..=3).for_each(|number| drop(world.heard(number)));
    world.tell(Input::Closed { conn: conn(1) });
    assert_eq!(world.heard(2), [ServerMessage::Away { peer: id(1) }]);
    assert_eq!(world.heard(3), []);
    world.meet(2, &[OTHER_TAG], 0);
    assert_eq!(world.hub.gauges(), Gauges { rooms: 1, ..world.hub.gauges() });
}

#[test]
fn whoever_leaves_a_tag_is_away_for_those_of_that_tag_alone() {
    let mut world = World::new(Limits::default());
    world.join(1, 0);
    world.join(2, 0);
    world.enter(3);
    world.meet(3, &[TAG, OTHER_TAG], 0);
    world.enter(4);
    world.meet(4, &[OTHER_TAG], 0);
    (1..=4).for_each(|number| drop(world.heard(number)));
    world.meet(3, &[OTHER_TAG], 0);
    let away = [ServerMessage::Away { peer: id(3) }];
    assert_eq!(
        (world.heard(1), world.heard(2), world.heard(4).len()),
        (away.into(), away_of(3), 1)
    );
    world.say(1, &envelope(3));
    assert_eq!(world.heard(1), away_of(3));
}

fn away_of(number: u64) -> Vec<ServerMessage> {
    vec![ServerMessage::Away { peer: id(number) }]
}

#[test]
fn a_tab_that_comes_back_takes_its_own_place() {
    let mut world = World::new(Limits::default());
    world.join(1, 0);
    world.join(2, 0);
    world.heard(1);
    world.heard(2);
    world.connect(11);
    world.register_as(11, 1, HOST);
    assert_eq!(world.reason(1), Some(Reason::Replaced));
    assert_eq!(world.heard(2), [], "it is not away");
    world.tell(Input::Closed { conn: conn(1) });
    world.meet(11, &[TAG], 0);
    world.heard(2);
    world.say(2, &envelope(1));
    let bytes = Bytes::from_static(b"sealed");
    assert_eq!(world.heard(11).pop(), Some(ServerMessage::Envelope { from: id(2), bytes }));
    assert_eq!(world.hub.gauges().peers, 2);
}

#[test]
fn a_client_is_told_what_it_has_to_keep_to() {
    let mut world = World::new(Limits::default());
    world.connect(1);
    world.register_as(1, 1, HOST);
    let terms = Terms {
        keepalive_s: 50,
        tags_max: 8,
        bytes_max: 16_412,
        messages_per_s: 20,
        bytes_per_s: 65_536,
        meet_again_ms: 10_000,
    };
    assert_eq!(world.heard(1), [ServerMessage::Welcome(terms)]);
    world.say(1, &ClientMessage::Ping { number: 300 });
    assert_eq!(world.heard(1), [ServerMessage::Pong { number: 300 }]);
}

#[test]
fn whoever_is_too_fast_is_told_once_a_second_and_closed_if_it_goes_on() {
    let mut world = World::new(Limits { messages_per_s: 10, ..Limits::default() });
    world.join(1, 0);
    world.heard(1);
    let ping = ClientMessage::Ping { number: 1 };
    // 98 of a hundred are left.
    (0..98).for_each(|_| world.say(1, &ping));
    assert_eq!(world.heard(1).len(), 98);
    (0..50).for_each(|_| world.say(1, &ping));
    let heard = world.heard(1);
    let hasty = ServerMessage::Refused { code: 9, limit: 10, retry_ms: 100 };
    assert_eq!((heard.as_slice(), world.reason(1)), (&[hasty][..], None));
    (0..50).for_each(|_| world.say(1, &ping));
    assert_eq!(world.reason(1), Some(Reason::TooFast));
    assert_eq!(world.hub.counters().refused(Reason::TooFast), 99);
}

#[test]
fn a_room_that_is_full_is_so_for_one_tag_and_not_for_others() {
    let mut world = World::new(Limits { members_per_tag_max: 2, ..Limits::default() });
    (1..=3).for_each(|number| world.join(number, 0));
    let heard = world.heard(3);
    assert_eq!(heard.iter().map(refused).collect::<Vec<_>>(), [Some(Reason::RoomFull)]);
    world.meet(3, &[TAG, OTHER_TAG], 0);
    world.enter(4);
    world.meet(4, &[OTHER_TAG], 0);
    assert_eq!(world.introduced(4), [id(3)]);
    // Who is in a full room stays when it says so again.
    world.heard(1);
    world.meet(1, &[TAG], 1);
    assert!(world.heard(1).iter().all(|message| refused(message).is_none()));
}

#[test]
fn more_tags_than_allowed_change_nothing() {
    let mut world = World::new(Limits { tags_max: 1, ..Limits::default() });
    world.join(1, 0);
    world.meet(1, &[TAG, OTHER_TAG], 0);
    assert_eq!(refused(&world.heard(1)[0]), Some(Reason::TooManyTags));
    assert_eq!((world.hub.gauges().rooms, world.reason(1)), (1, None));
    world.meet(1, &[OTHER_TAG, OTHER_TAG], 0);
    assert_eq!((world.heard(1), world.hub.gauges().rooms), (vec![], 1));
}

#[test]
fn an_envelope_or_an_announcement_over_the_servers_own_bound_closes() {
    let small = Limits { envelope_bytes_max: 5, announcement_bytes_max: 16, ..Limits::default() };
    let mut world = World::new(small);
    world.join(1, 0);
    world.say(1, &envelope(2));
    assert_eq!(world.reason(1), Some(Reason::TooLarge));
    world.enter(10);
    world.meet(10, &[TAG], 0);
    assert_eq!(world.reason(10), Some(Reason::TooLarge));
}

#[test]
fn what_does_not_decode_closes() {
    let mut world = World::new(Limits::default());
    let messages: [(&[u8], Reason); 3] =
        [(&[9], Reason::Malformed), (&[], Reason::Malformed), (&[3; 20_000], Reason::TooLarge)];
    for (number, (bytes, reason)) in (1..).zip(messages) {
        world.enter(number);
        let bytes = Bytes::copy_from_slice(bytes);
        world.tell(Input::Received { conn: conn(number), bytes });
        assert_eq!(world.reason(number), Some(reason));
    }
    world.enter(8);
    world.tell(Input::Broken { conn: conn(8), reason: Reason::Malformed });
    assert_eq!(world.reason(8), Some(Reason::Malformed));
}

#[test]
fn who_reads_nothing_loses_envelopes_first_and_then_its_connection() {
    let mut world = World::new(Limits { messages_per_s: 1_000, ..Limits::default() });
    world.join(1, 0);
    world.join(2, 0);
    world.heard(1);
    world.heard(2);
    let large = ClientMessage::Envelope { to: id(1), bytes: vec![0; 16_000].into() };
    (0..20).for_each(|_| world.say(2, &large));
    let heard = world.heard(2);
    assert_eq!(heard.len(), 8);
    assert!(heard.iter().all(|message| refused(message) == Some(Reason::Busy)));
    assert_eq!(world.reason(1), None);
    world.advance(Duration::from_secs(31));
    assert_eq!(world.reason(1), Some(Reason::TooSlow));
    assert_eq!(world.heard(2), away_of(1));
}

#[test]
fn whoever_has_no_room_for_what_the_server_says_is_closed_and_so_is_a_chain_of_them() {
    let narrow = Limits { queue_bytes_max: 100, stall_max: Duration::MAX / 4, ..Limits::default() };
    let mut world = World::new(narrow);
    // A challenge has 33 bytes; nobody reads what follows it: a welcome and introductions.
    for number in 1..=50 {
        world.enter(number);
        world.meet(number, &[TAG], 1);
    }
    let slow = (1..=50).filter(|number| world.reason(*number) == Some(Reason::TooSlow)).count();
    assert!(slow > 10, "{slow}");
    assert_eq!(world.hub.gauges().peers, 50 - slow);
}

#[test]
fn who_is_silent_or_late_is_closed() {
    let mut world = World::new(Limits::default());
    world.connect(1);
    world.enter(2);
    world.enter(3);
    world.heard(1);
    world.advance(Duration::from_secs(11));
    assert_eq!((world.reason(1), world.reason(2)), (Some(Reason::Late), None));
    world.advance(Duration::from_secs(160));
    world.say(2, &ClientMessage::Ping { number: 1 });
    world.heard(2);
    world.advance(Duration::from_secs(20));
    assert_eq!((world.reason(2), world.reason(3)), (None, Some(Reason::Idle)));
    world.advance(Duration::from_secs(180));
    assert_eq!(world.reason(2), Some(Reason::Idle));
}

#[test]
fn a_full_server_and_a_full_address_turn_newcomers_away_and_keep_nothing_of_them() {
    let limits = Limits { connections_max: 3, connections_per_address_max: 2, ..Limits::default() };
    let mut world = World::new(limits);
    let address = IpAddr::from([10, 9, 9, 9]);
    for number in 1..=3 {
        world.tell(Input::Connected { conn: conn(number), address, here: HERE, denied: None });
    }
    assert_eq!(world.reason(3), Some(Reason::TooManyConnections));
    let told = ServerMessage::Refused { code: 7, limit: 2, retry_ms: 30_000 };
    assert_eq!(world.heard(3), [told]);
    world.connect(4);
    world.connect(5);
    assert_eq!((world.reason(4), world.reason(5)), (None, Some(Reason::Busy)));
    assert_eq!(world.hub.gauges().connections, 3);
    world.tell(Input::Closed { conn: conn(4) });
    world.connect(6);
    assert_eq!(world.reason(6), None);
}

#[test]
fn whom_the_driver_denies_hears_why() {
    let mut world = World::new(Limits::default());
    let denied = Some(Reason::OriginDenied);
    world.tell(Input::Connected { conn: conn(1), address: HERE, here: HERE, denied });
    assert_eq!(world.reason(1), Some(Reason::OriginDenied));
    assert_eq!(refused(&world.heard(1)[0]), Some(Reason::OriginDenied));
    assert_eq!(world.hub.gauges(), Gauges { addresses: 1, ..Gauges::default() });
}

#[test]
fn memory_is_bounded_in_all() {
    let one = limits::CONNECTION_BYTES;
    let limits = Limits { memory_bytes_max: 2 * one + 2_000, ..Limits::default() };
    let mut world = World::new(limits);
    (1..=3).for_each(|number| world.connect(number));
    assert_eq!(world.reason(3), Some(Reason::Busy));
    for number in 1..=2 {
        world.register_as(number, number, HOST);
        world.heard(number);
        let announcement = Bytes::from(vec![0; 1_024]);
        world.say(number, &ClientMessage::Meet { tags: vec![TAG], announcement, connected: 0 });
    }
    assert_eq!(world.heard(2).iter().map(refused).collect::<Vec<_>>(), [Some(Reason::Busy)]);
    assert!(world.hub.gauges().memory_bytes <= limits.memory_bytes_max);
}

#[test]
fn going_down_everybody_is_told_when_to_come_back_and_nobody_is_let_in() {
    let mut world = World::new(Limits::default());
    world.enter(1);
    world.connect(2);
    world.heard(2);
    world.tell(Input::Shutdown);
    let moving = ServerMessage::Moving { wait_ms: 1_020 };
    let last = ServerMessage::Refused { code: 17, limit: 0, retry_ms: 0 };
    assert_eq!((world.heard(1), world.heard(2)), (vec![moving, last.clone()], vec![last]));
    world.connect(3);
    assert_eq!([1, 2, 3].map(|number| world.reason(number)), [Some(Reason::Moving); 3]);
}

#[test]
fn what_is_held_is_given_back() {
    let mut world = World::new(Limits::default());
    (1..=5).for_each(|number| world.join(number, 0));
    (1..=5).for_each(|number| world.tell(Input::Closed { conn: conn(number) }));
    world.advance(Duration::from_secs(1_000));
    let gauges = world.hub.gauges();
    assert_eq!(Gauges { addresses: 0, ..gauges }, Gauges::default());
    assert_eq!(world.hub.poll_timeout(), None);
}
