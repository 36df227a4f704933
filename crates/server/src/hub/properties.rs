//! Whatever comes in, in whatever order: every bound is kept, all that is counted adds up, and equal
//! inputs give equal outputs.

use core::net::IpAddr;

use peerloom_crypto::{PublicKey, Signature};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const HERE: IpAddr = IpAddr::V4(core::net::Ipv4Addr::LOCALHOST);

/// Small, so that a few inputs reach every bound.
fn limits() -> Limits {
    Limits {
        connections_max: 6,
        connections_per_address_max: 3,
        connects_per_address_per_s: 1,
        checks_max: 3,
        messages_per_s: 3,
        bytes_per_s: 3_000,
        members_per_tag_max: 3,
        tags_max: 2,
        envelope_bytes_max: 900,
        announcement_bytes_max: 300,
        queue_bytes_max: 2_000,
        memory_bytes_max: 5 * limits::CONNECTION_BYTES + 3_000,
        ..Limits::default()
    }
}

/// One thing that happens, and how many milliseconds after the one before.
#[derive(Clone, Debug)]
enum Step {
    Input(Input),
    /// As if a client had answered its challenge; it is said to hold.
    Register(u64, u8),
    Say(u64, ClientMessage),
    Timeout,
}

fn conn() -> impl Strategy<Value = u64> {
    0_u64..12
}

fn message() -> impl Strategy<Value = ClientMessage> {
    let tags = vec((0_u8..4).prop_map(|byte| Tag([byte; 32])), 0..4);
    prop_oneof![
        4 => (tags, 0_usize..350, 0_u16..5).prop_map(|(tags, bytes, connected)| {
            ClientMessage::Meet { tags, announcement: vec![0; bytes].into(), connected }
        }),
        4 => (0_u8..12, 0_usize..1_000).prop_map(|(to, bytes)| {
            ClientMessage::Envelope { to: peer(to), bytes: vec![0; bytes].into() }
        }),
        1 => any::<u32>().prop_map(|number| ClientMessage::Ping { number }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let input = prop_oneof![
        6 => (conn(), 0_u8..3, any::<bool>()).prop_map(|(conn, last, is_denied)| {
            let denied = is_denied.then_some(Reason::OriginDenied).filter(|_| last == 0);
            let address = IpAddr::from([10, 0, 0, last]);
            Input::Connected { conn: ConnId(conn), address, here: HERE, denied }
        }),
        2 => (conn(), vec(any::<u8>(), 0..40))
            .prop_map(|(conn, bytes)| Input::Received { conn: ConnId(conn), bytes: bytes.into() }),
        1 => conn().prop_map(|conn| Input::Broken {
            conn: ConnId(conn),
            reason: Reason::TooLarge
        }),
        2 => (conn(), any::<bool>())
            .prop_map(|(conn, holds)| Input::Verified { conn: ConnId(conn), holds }),
        4 => (conn(), 0_usize..3_000)
            .prop_map(|(conn, bytes)| Input::Drained { conn: ConnId(conn), bytes }),
        2 => conn().prop_map(|conn| Input::Closed { conn: ConnId(conn) }),
    ];
    prop_oneof![
        8 => input.prop_map(Step::Input),
        6 => (conn(), 0_u8..8).prop_map(|(conn, key)| Step::Register(conn, key)),
        12 => (conn(), message()).prop_map(|(conn, message)| Step::Say(conn, message)),
        2 => Just(Step::Timeout),
    ]
}

fn key(number: u8) -> PublicKey {
    PublicKey([number; 65])
}

fn peer(number: u8) -> PeerId {
    PeerId(key(number).fingerprint())
}

/// The inputs that a step stands for.
fn inputs(step: &Step) -> Vec<Input> {
    let said = |conn: u64, message: &ClientMessage| {
        let bytes = message.encode().unwrap();
        Input::Received { conn: ConnId(conn), bytes }
    };
    match step {
        Step::Input(input) => vec![input.clone()],
        Step::Register(conn, number) => {
            let (key, signature) = (key(*number), Signature([0; 64]));
            let register = ClientMessage::Register { host: "localhost".into(), key, signature };
            let verified = Input::Verified { conn: ConnId(*conn), holds: true };
            vec![said(*conn, &register), verified]
        }
        Step::Say(conn, message) => vec![said(*conn, message)],
        Step::Timeout => Vec::new(),
    }
}

fn run(steps: &[(Step, u64)], mut check: impl FnMut(&Hub)) -> Vec<Output> {
    let mut hub = Hub::new(limits(), Names::Local, [5; 32]);
    let (mut now, mut outputs) = (Duration::ZERO, Vec::new());
    for (step, ms) in steps {
        now += Duration::from_millis(*ms);
        inputs(step).into_iter().for_each(|input| hub.handle(now, input));
        hub.handle_timeout(now);
        outputs.extend(core::iter::from_fn(|| hub.poll_output()));
        check(&hub);
    }
    outputs
}

fn holds_together(hub: &Hub) {
    let limits = limits();
    let gauges = hub.gauges();
    assert!(gauges.connections <= limits.connections_max);
    assert!(gauges.addresses <= 2 * limits.connections_max + 1);
    // What the server itself has to say is short, and said all the same.
    let slack = limits.connections_max * (limits.queue_bytes_max / 4 + 16);
    assert!(gauges.memory_bytes <= limits.memory_bytes_max + slack, "{gauges:?}");
    assert!(hub.checking <= limits.checks_max);
    let members = || hub.conns.iter().filter_map(|(id, conn)| Some((id, conn.member()?)));
    assert_eq!(members().count(), hub.peers.len());
    for (id, member) in members() {
        assert_eq!(hub.peers.get(&member.peer), Some(id));
        assert!(member.tags.len() <= usize::from(limits.tags_max));
        assert!(member.announcement.len() <= limits.announcement_bytes_max);
        assert!(member.tags.iter().all(|tag| hub.rooms[tag].contains(*id)));
        for other in &member.acquainted {
            let other = hub.conns[other].member().expect("those who are acquainted are here");
            assert!(other.acquainted.contains(id));
        }
    }
    for room in hub.rooms.values() {
        assert!(room.len() > 0 && room.len() <= limits.members_per_tag_max);
    }
    let joined: usize = hub.rooms.values().map(Room::len).sum();
    assert_eq!(joined, members().map(|(_, member)| member.tags.len()).sum::<usize>());
    let queued: usize = hub.conns.values().map(|conn| conn.queued_bytes).sum();
    let announced: usize = members().map(|(_, member)| member.announcement.len()).sum();
    assert_eq!((hub.queued_bytes, hub.held_bytes), (queued, queued + announced));
    for (id, conn) in &hub.conns {
        assert!(conn.queued_bytes <= limits.queue_bytes_max + 16);
        let is_watched = hub.deadlines.contains(&(conn.looked_at_next, *id));
        assert!(is_watched || matches!(conn.stage, Stage::Closing));
    }
    assert!(hub.deadlines.len() <= hub.conns.len());
    assert!(hub.overfull.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_input_breaks_a_bound(steps in vec((step(), 0_u64..4_000), 1..150)) {
        run(&steps, holds_together);
    }

    #[test]
    fn equal_inputs_give_equal_outputs(steps in vec((step(), 0_u64..4_000), 1..80)) {
        prop_assert_eq!(run(&steps, |_| ()), run(&steps, |_| ()));
    }

    #[test]
    fn every_connection_is_closed_once_and_hears_nothing_after(
        steps in vec((step(), 0_u64..4_000), 1..150)
    ) {
        // A number that is used again is a driver's fault, so only the first use of each counts.
        let mut used = BTreeSet::new();
        let is_first = |(step, _): &(Step, u64)| match step {
            Step::Input(Input::Connected { conn, .. }) => used.insert(*conn),
            _ => true,
        };
        let steps: Vec<_> = steps.into_iter().filter(is_first).collect();
        let mut closed = BTreeSet::new();
        for output in run(&steps, |_| ()) {
            match output {
                Output::Close { conn, .. } => prop_assert!(closed.insert(conn)),
                Output::Send { conn, .. } | Output::Verify { conn, .. } => {
                    prop_assert!(!closed.contains(&conn));
                }
            }
        }
    }
}
