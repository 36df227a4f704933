use peerloom_crypto::IdentityKey;
use peerloom_wire::rendezvous::Terms;

use super::io::ServerState;
use super::*;

const SECOND: u64 = 1000;
const TAG: Tag = Tag([7; 32]);
const A: ServerId = ServerId(0);
const B: ServerId = ServerId(1);

fn at(ms: u64) -> Now {
    Now { mono: Instant::from_micros(ms * 1000), unix_ms: ms }
}

fn peer(seed: u8) -> PeerId {
    PeerId([seed; 32])
}

fn key() -> PublicKey {
    IdentityKey::from_seed([1; 32]).public_key()
}

fn terms() -> Terms {
    Terms {
        keepalive_s: 50,
        tags_max: 8,
        bytes_max: 16_412,
        messages_per_s: 20,
        bytes_per_s: 65_536,
        meet_again_ms: 10_000,
    }
}

fn with_servers(servers: u8) -> Rendezvous {
    let config = Config { key: key(), tag: TAG, servers };
    Rendezvous::new(config, Random::fork(&[9; 32], "rendezvous"))
}

fn tell(rendezvous: &mut Rendezvous, ms: u64, input: Input) -> Vec<Effect> {
    let mut out = Vec::new();
    rendezvous.handle(at(ms), input, &mut out);
    out
}

fn happens(
    rendezvous: &mut Rendezvous,
    ms: u64,
    server: ServerId,
    event: ServerEvent,
) -> Vec<Effect> {
    tell(rendezvous, ms, Input::Event { server, event })
}

fn hear(
    rendezvous: &mut Rendezvous,
    ms: u64,
    server: ServerId,
    said: ServerMessage,
) -> Vec<Effect> {
    happens(rendezvous, ms, server, ServerEvent::Said(said))
}

/// Lets time pass to what is due next; gives when that was, in milliseconds rounded up.
fn wait(rendezvous: &mut Rendezvous) -> (u64, Vec<Effect>) {
    let due = rendezvous.poll_timeout().unwrap();
    let ms = due.as_micros().div_ceil(1000);
    let mut out = Vec::new();
    rendezvous.handle_timeout(at(ms), &mut out);
    assert!(rendezvous.poll_timeout().is_none_or(|next| next > at(ms).mono), "a deadline stays");
    (ms, out)
}

/// What is said to servers, without the commands to open and close.
fn said(effects: &[Effect]) -> Vec<(ServerId, ClientMessage)> {
    let said = |effect: &Effect| match effect {
        Effect::Command { server, command: ServerCommand::Say(message) } => {
            Some((*server, message.clone()))
        }
        _ => None,
    };
    effects.iter().filter_map(said).collect()
}

fn command(server: ServerId, command: ServerCommand) -> Effect {
    Effect::Command { server, command }
}

fn is_closed(effects: &[Effect], server: ServerId) -> bool {
    effects.contains(&command(server, ServerCommand::Close))
}

fn opened() -> ServerEvent {
    ServerEvent::Opened { host: "meet.example".into() }
}

fn closed() -> ServerEvent {
    ServerEvent::Closed { fault: ServerFault::Lost, detail: String::new() }
}

/// From the dialling up to the welcome; gives what the welcome led to.
fn welcome(rendezvous: &mut Rendezvous, ms: u64, server: ServerId) -> Vec<Effect> {
    happens(rendezvous, ms, server, opened());
    let effects = hear(rendezvous, ms, server, ServerMessage::Challenge { nonce: [3; 32] });
    let [Effect::Sign { attempt, payload, .. }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(payload[..], registration("meet.example", &[3; 32])[..]);
    let signature = Some(Signature([5; 64]));
    let signed = Input::Signed { server, attempt: *attempt, signature };
    let effects = tell(rendezvous, ms, signed);
    assert!(
        matches!(&said(&effects)[..], [(_, ClientMessage::Register { host, .. })] if host == "meet.example")
    );
    hear(rendezvous, ms, server, ServerMessage::Welcome(terms()))
}

fn announced(rendezvous: &mut Rendezvous, ms: u64, is_alone: bool) -> Vec<Effect> {
    let envelope = Some(Bytes::from_static(b"announcement"));
    tell(rendezvous, ms, Input::Announced { envelope, is_alone })
}

/// Joined at one server, and met there, at the first millisecond.
fn joined() -> Rendezvous {
    let mut rendezvous = with_servers(1);
    tell(&mut rendezvous, 1, Input::Start);
    welcome(&mut rendezvous, 1, A);
    announced(&mut rendezvous, 1, true);
    rendezvous
}

fn send(rendezvous: &mut Rendezvous, ms: u64, to: u8, is_carried: bool) -> Vec<ServerId> {
    let envelope = Bytes::from_static(b"offer");
    let effects = tell(rendezvous, ms, Input::Send { to: peer(to), envelope, is_carried });
    said(&effects).into_iter().map(|(server, _)| server).collect()
}

fn introduce(rendezvous: &mut Rendezvous, ms: u64, server: ServerId, of: u8) -> Vec<Effect> {
    let announcement = Bytes::from_static(b"hello");
    let message = ServerMessage::Introduced { tag: TAG, peer: peer(of), announcement };
    hear(rendezvous, ms, server, message)
}

fn state(rendezvous: &Rendezvous, server: ServerId) -> (ServerState, Option<ServerFault>) {
    let info = rendezvous.server(server).unwrap();
    (info.state, info.fault)
}

fn count(rendezvous: &Rendezvous, what: &str) -> u64 {
    rendezvous.counters().get(what).copied().unwrap_or(0)
}

#[test]
fn without_a_server_nothing_happens() {
    let mut rendezvous = with_servers(0);
    assert_eq!(tell(&mut rendezvous, 0, Input::Start), []);
    assert_eq!(tell(&mut rendezvous, 0, Input::Up), []);
    assert_eq!(rendezvous.poll_timeout(), None);
}

#[test]
fn all_servers_are_dialled_at_once_and_one_that_fails_leaves_the_others_alone() {
    let mut rendezvous = with_servers(2);
    let effects = tell(&mut rendezvous, 0, Input::Start);
    assert!(effects.contains(&command(A, ServerCommand::Open)));
    assert!(effects.contains(&command(B, ServerCommand::Open)));
    let fault = ServerFault::Unreachable;
    happens(&mut rendezvous, 5, A, ServerEvent::Closed { fault, detail: String::new() });
    assert_eq!(state(&rendezvous, A), (ServerState::Waiting, Some(ServerFault::Unreachable)));
    welcome(&mut rendezvous, 10, B);
    assert_eq!(state(&rendezvous, B), (ServerState::Joined, None));
    assert_eq!(rendezvous.gauges()[0].1, 1);
}

#[test]
fn whoever_is_welcome_says_where_it_wants_to_be_found() {
    let mut rendezvous = with_servers(1);
    tell(&mut rendezvous, 0, Input::Start);
    let effects = welcome(&mut rendezvous, 0, A);
    assert!(effects.contains(&Effect::Announce { is_alone: true }));
    let effects = announced(&mut rendezvous, 1, true);
    let announcement = Bytes::from_static(b"announcement");
    let meet = ClientMessage::Meet { tags: vec![TAG], announcement, connected: 0 };
    assert_eq!(said(&effects), [(A, meet)]);
}

#[test]
fn the_server_hears_when_somebody_is_connected_and_when_nobody_is_any_more() {
    let mut rendezvous = joined();
    // Too soon after the first word.
    assert_eq!(tell(&mut rendezvous, 1_000, Input::Up), []);
    let (ms, effects) = wait(&mut rendezvous);
    assert_eq!((ms, &effects[..]), (2_001, &[Effect::Announce { is_alone: false }][..]));
    let effects = announced(&mut rendezvous, ms, false);
    assert!(matches!(said(&effects)[..], [(A, ClientMessage::Meet { connected: 1, .. })]));
    let effects = tell(&mut rendezvous, 9_000, Input::Down);
    assert_eq!(effects, [Effect::Announce { is_alone: true }]);
}

#[test]
fn who_has_few_connections_asks_for_contacts_again_ever_less_often_and_who_has_enough_does_not() {
    let mut rendezvous = joined();
    let mut meets = Vec::new();
    while meets.len() < 8 {
        let (ms, effects) = wait(&mut rendezvous);
        for (_, message) in said(&effects) {
            match message {
                ClientMessage::Meet { .. } => meets.push(ms),
                ClientMessage::Ping { number } => {
                    hear(&mut rendezvous, ms, A, ServerMessage::Pong { number });
                }
                other => panic!("{other:?}"),
            }
        }
    }
    let gaps: Vec<u64> = meets.windows(2).map(|pair| (pair[1] - pair[0]) / SECOND).collect();
    assert!((10..=15).contains(&(meets[0] / SECOND)), "{meets:?}");
    assert!(gaps.windows(2).all(|pair| pair[1] + 100 > pair[0]), "{gaps:?}");
    assert!((224..=376).contains(gaps.last().unwrap()), "{gaps:?}");
    let ms = meets[7];
    for _ in 0..3 {
        tell(&mut rendezvous, ms, Input::Up);
    }
    announced(&mut rendezvous, ms, false);
    let (_, effects) = wait(&mut rendezvous);
    let (last, more) = wait(&mut rendezvous);
    let pings = said(&effects).into_iter().chain(said(&more));
    let meets = pings.filter(|(_, message)| matches!(message, ClientMessage::Meet { .. })).count();
    assert!(meets <= 1 && last < ms + 200 * SECOND);
}

#[test]
fn what_connected_peers_are_likely_to_carry_is_left_to_them_until_it_is_repeated() {
    let mut rendezvous = joined();
    tell(&mut rendezvous, 100, Input::Up);
    introduce(&mut rendezvous, 100, A, 2);
    assert_eq!(send(&mut rendezvous, 1_000, 2, true), []);
    assert_eq!(send(&mut rendezvous, 1_010, 2, true), []);
    assert_eq!(send(&mut rendezvous, 3_000, 2, true), [A]);
    // An answer over others shows that they carry it.
    tell(&mut rendezvous, 3_100, Input::Carried { from: peer(2) });
    assert_eq!(send(&mut rendezvous, 3_900, 2, true), []);
    // A while later it is a new matter.
    assert_eq!(send(&mut rendezvous, 30_000, 2, true), []);
    assert_eq!(
        (count(&rendezvous, "rendezvous.sent"), count(&rendezvous, "rendezvous.spared")),
        (1, 4)
    );
}

#[test]
fn what_nobody_carries_goes_through_every_server_that_knows_its_receiver() {
    let mut rendezvous = with_servers(2);
    tell(&mut rendezvous, 0, Input::Start);
    welcome(&mut rendezvous, 0, A);
    welcome(&mut rendezvous, 0, B);
    tell(&mut rendezvous, 100, Input::Up);
    introduce(&mut rendezvous, 100, A, 2);
    assert_eq!(send(&mut rendezvous, 1_000, 2, false), [A]);
    let from = peer(2);
    hear(&mut rendezvous, 1_100, B, ServerMessage::Envelope { from, bytes: "answer".into() });
    assert_eq!(send(&mut rendezvous, 1_200, 2, false), [A, B]);
    hear(&mut rendezvous, 1_300, A, ServerMessage::Away { peer: peer(2) });
    assert_eq!(send(&mut rendezvous, 1_400, 2, false), [B]);
}

#[test]
fn a_peer_that_no_server_spoke_of_is_asked_for_when_nobody_is_connected_or_brought_it() {
    let mut rendezvous = joined();
    assert_eq!(send(&mut rendezvous, 1_000, 3, false), [A]);
    hear(&mut rendezvous, 1_100, A, ServerMessage::Away { peer: peer(3) });
    assert_eq!(send(&mut rendezvous, 2_100, 3, false), []);
    tell(&mut rendezvous, 3_000, Input::Up);
    assert_eq!(send(&mut rendezvous, 3_000, 4, false), []);
    assert_eq!(send(&mut rendezvous, 4_000, 4, false), [A]);
}

#[test]
fn what_a_server_brings_is_handed_on_with_the_name_it_gave() {
    let mut rendezvous = joined();
    let deliver = |of: u8, envelope: &'static [u8]| {
        let envelope = Bytes::from_static(envelope);
        [Effect::Deliver { from: peer(of), envelope }]
    };
    assert_eq!(introduce(&mut rendezvous, 100, A, 2), deliver(2, b"hello"));
    let message = ServerMessage::Envelope { from: peer(3), bytes: "answer".into() };
    assert_eq!(hear(&mut rendezvous, 100, A, message), deliver(3, b"answer"));
}

#[test]
fn a_server_that_floods_is_heard_no_more_than_it_may_be() {
    let mut rendezvous = joined();
    let mut delivered = 0;
    for index in 0..10_000_u64 {
        let of = u8::try_from(index % 250).unwrap();
        delivered += introduce(&mut rendezvous, 1_000 + index / 10, A, of).len();
    }
    assert!((128..200).contains(&delivered), "{delivered}");
    assert_eq!(count(&rendezvous, "rendezvous.flooded"), 10_000 - delivered as u64);
    assert!(rendezvous.gauges()[1].1 <= 256);
}

#[test]
fn a_server_that_introduces_by_another_tag_is_not_heard() {
    let mut rendezvous = joined();
    let (tag, announcement) = (Tag([8; 32]), Bytes::from_static(b"hello"));
    let message = ServerMessage::Introduced { tag, peer: peer(2), announcement };
    assert_eq!(hear(&mut rendezvous, 100, A, message), []);
    assert_eq!(count(&rendezvous, "rendezvous.misdirected"), 1);
    assert_eq!(rendezvous.gauges()[1].1, 0);
}

#[test]
fn whatever_closes_in_whatever_state_leads_to_a_wait_that_doubles_up_to_a_bound() {
    let challenge = || ServerEvent::Said(ServerMessage::Challenge { nonce: [0; 32] });
    let stages: [&[fn() -> ServerEvent]; 4] =
        [&[], &[opened], &[opened, challenge], &[opened, challenge, closed]];
    for events in stages {
        let mut rendezvous = with_servers(1);
        tell(&mut rendezvous, 0, Input::Start);
        let mut ms = 0;
        for failures in 0..36_u32 {
            for event in events {
                happens(&mut rendezvous, ms, A, event());
            }
            happens(&mut rendezvous, ms, A, closed());
            assert_eq!(state(&rendezvous, A).0, ServerState::Waiting);
            let (next, effects) = wait(&mut rendezvous);
            assert!(effects.contains(&command(A, ServerCommand::Open)));
            let max = if failures < 32 { 20_000 } else { 60_000 };
            let around = (1_000 << failures.min(6)).min(max);
            let waited = next - ms;
            assert!((around * 3 / 4..=around * 5 / 4 + 1).contains(&waited), "{waited} {around}");
            ms = next;
        }
    }
}

#[test]
fn a_server_that_takes_everybody_and_throws_them_out_is_left_alone_ever_longer() {
    let mut rendezvous = with_servers(1);
    tell(&mut rendezvous, 0, Input::Start);
    let mut ms = 0;
    for _ in 0..36 {
        welcome(&mut rendezvous, ms, A);
        happens(&mut rendezvous, ms + 100, A, closed());
        ms = wait(&mut rendezvous).0;
    }
    welcome(&mut rendezvous, ms, A);
    happens(&mut rendezvous, ms, A, closed());
    assert!(wait(&mut rendezvous).0 - ms >= 45 * SECOND);
    // One that was there for long is back soon.
    ms += 100 * SECOND;
    welcome(&mut rendezvous, ms, A);
    happens(&mut rendezvous, ms + 60 * SECOND, A, closed());
    assert!(wait(&mut rendezvous).0 - ms <= 62 * SECOND);
}

#[test]
fn a_server_that_never_welcomes_anybody_is_given_up_for_now() {
    let mut rendezvous = with_servers(1);
    tell(&mut rendezvous, 0, Input::Start);
    happens(&mut rendezvous, 0, A, opened());
    let (ms, effects) = wait(&mut rendezvous);
    assert_eq!(ms, 15_000);
    assert!(is_closed(&effects, A));
    assert_eq!(state(&rendezvous, A), (ServerState::Waiting, Some(ServerFault::Silent)));
}

#[test]
fn a_server_that_does_not_answer_a_ping_is_closed_and_our_own_lateness_is_not_held_against_it() {
    let mut rendezvous = joined();
    for _ in 0..3 {
        tell(&mut rendezvous, 1, Input::Up);
    }
    announced(&mut rendezvous, 1, false);
    let mut pinged = None;
    while pinged.is_none() {
        let (ms, effects) = wait(&mut rendezvous);
        if effects.contains(&Effect::Announce { is_alone: false }) {
            announced(&mut rendezvous, ms, false);
        }
        let pings = said(&effects).into_iter();
        pinged =
            pings.filter(|(_, it)| matches!(it, ClientMessage::Ping { .. })).map(|_| ms).next();
    }
    let pinged = pinged.unwrap();
    assert_eq!(pinged, 50_001);
    // A minute late, as a hidden page's timers are.
    let mut out = Vec::new();
    rendezvous.handle_timeout(at(pinged + 70_000), &mut out);
    assert_eq!(out, []);
    let (ms, effects) = wait(&mut rendezvous);
    assert_eq!(ms, pinged + 72_000);
    assert!(is_closed(&effects, A));
}

#[test]
fn whatever_a_server_says_shows_that_it_lives() {
    let mut rendezvous = joined();
    tell(&mut rendezvous, 100, Input::Lifecycle(Lifecycle::Visible));
    introduce(&mut rendezvous, 4_000, A, 2);
    let (_, effects) = wait(&mut rendezvous);
    assert!(!is_closed(&effects, A));
    assert!(rendezvous.servers[0].is_joined());
}

#[test]
fn a_page_that_runs_again_tries_at_once_what_it_waits_for_and_asks_who_lives() {
    let mut rendezvous = with_servers(2);
    tell(&mut rendezvous, 0, Input::Start);
    welcome(&mut rendezvous, 0, A);
    happens(&mut rendezvous, 0, B, closed());
    tell(&mut rendezvous, 10, Input::Lifecycle(Lifecycle::Hidden));
    let effects = tell(&mut rendezvous, 20, Input::Lifecycle(Lifecycle::Resumed));
    assert!(effects.contains(&command(B, ServerCommand::Open)));
    assert_eq!(said(&effects), [(A, ClientMessage::Ping { number: 1 })]);
    // Nobody answers.
    let dead = happens(&mut rendezvous, 20, B, closed());
    assert!(is_closed(&dead, B));
    let (mut ms, mut effects) = wait(&mut rendezvous);
    while !is_closed(&effects, A) {
        (ms, effects) = wait(&mut rendezvous);
    }
    assert_eq!(ms, 4_020);
}

#[test]
fn a_server_that_speaks_out_of_turn_or_not_at_all_like_one_is_left_for_minutes() {
    let welcome = || ServerEvent::Said(ServerMessage::Welcome(terms()));
    let challenge = || ServerEvent::Said(ServerMessage::Challenge { nonce: [0; 32] });
    let envelope = || {
        let (from, bytes) = (peer(2), Bytes::from_static(b"offer"));
        ServerEvent::Said(ServerMessage::Envelope { from, bytes })
    };
    let pong = || ServerEvent::Said(ServerMessage::Pong { number: 1 });
    let wrong: [&[&dyn Fn() -> ServerEvent]; 7] = [
        &[&challenge],
        &[&opened, &opened],
        &[&opened, &welcome],
        &[&opened, &pong],
        &[&opened, &challenge, &challenge],
        &[&opened, &challenge, &envelope],
        &[&opened, &|| ServerEvent::Garbled],
    ];
    for events in wrong {
        let mut rendezvous = with_servers(1);
        tell(&mut rendezvous, 0, Input::Start);
        let mut effects = Vec::new();
        for event in events {
            effects = happens(&mut rendezvous, 0, A, event());
        }
        assert!(is_closed(&effects, A));
        assert_eq!(state(&rendezvous, A), (ServerState::Waiting, Some(ServerFault::Misunderstood)));
        assert!(wait(&mut rendezvous).0 >= 225 * SECOND);
    }
}

#[test]
fn each_reason_to_be_refused_is_met_in_its_own_way() {
    let refused = |reason: Reason, retry_ms| ServerMessage::Refused {
        code: reason.code(),
        limit: 0,
        retry_ms,
    };
    // Before the welcome: the server says how long; nothing makes that shorter.
    let mut rendezvous = with_servers(1);
    tell(&mut rendezvous, 0, Input::Start);
    happens(&mut rendezvous, 0, A, opened());
    hear(&mut rendezvous, 0, A, refused(Reason::TooManyConnections, 90_000));
    tell(&mut rendezvous, 100, Input::Lifecycle(Lifecycle::Resumed));
    let (ms, effects) = wait(&mut rendezvous);
    assert!(ms >= 90_000 && effects.contains(&command(A, ServerCommand::Open)));
    // No version in common: of no use to try soon, but perhaps for who comes back tomorrow.
    happens(&mut rendezvous, ms, A, opened());
    hear(&mut rendezvous, ms, A, refused(Reason::UnsupportedVersion, 0));
    let fault = ServerFault::Refused(Reason::UnsupportedVersion.code());
    assert_eq!(state(&rendezvous, A), (ServerState::Waiting, Some(fault)));
    assert!(rendezvous.poll_timeout().unwrap() > at(ms + 200_000).mono);
    let effects = tell(&mut rendezvous, ms + 100, Input::Lifecycle(Lifecycle::Resumed));
    assert!(effects.contains(&command(A, ServerCommand::Open)));
    // Another page has our key: we don't fight.
    welcome(&mut rendezvous, ms + 100, A);
    hear(&mut rendezvous, ms + 200, A, refused(Reason::Replaced, 0));
    assert_eq!(tell(&mut rendezvous, ms + 300, Input::Lifecycle(Lifecycle::Resumed)), []);
}

#[test]
fn who_said_too_much_is_silent_for_a_while_and_stays() {
    let mut rendezvous = joined();
    introduce(&mut rendezvous, 100, A, 2);
    let code = Reason::TooFast.code();
    hear(&mut rendezvous, 100, A, ServerMessage::Refused { code, limit: 20, retry_ms: 5_000 });
    assert_eq!(send(&mut rendezvous, 200, 2, false), []);
    assert_eq!(send(&mut rendezvous, 5_000, 2, false), []);
    assert_eq!(send(&mut rendezvous, 6_000, 2, false), [A]);
    assert!(rendezvous.servers[0].is_joined());
}

#[test]
fn nobody_says_more_to_a_server_than_its_terms_allow() {
    let mut rendezvous = joined();
    let sent: usize = (0..100).map(|_| send(&mut rendezvous, 1_000, 2, false).len()).sum();
    assert_eq!(sent, 20);
    let large = Bytes::from(vec![0; 16_385]);
    let input = Input::Send { to: peer(2), envelope: large, is_carried: false };
    assert_eq!(said(&tell(&mut rendezvous, 60_000, input)), []);
}

#[test]
fn a_full_room_is_asked_for_again_later() {
    let mut rendezvous = joined();
    let code = Reason::RoomFull.code();
    hear(&mut rendezvous, 100, A, ServerMessage::Refused { code, limit: 9, retry_ms: 0 });
    assert_eq!(state(&rendezvous, A), (ServerState::Joined, Some(ServerFault::Refused(code))));
    let (mut ms, mut effects) = wait(&mut rendezvous);
    while !matches!(said(&effects)[..], [(_, ClientMessage::Meet { .. }), ..]) {
        hear(&mut rendezvous, ms, A, ServerMessage::Pong { number: 1 });
        (ms, effects) = wait(&mut rendezvous);
    }
    assert!(ms >= 60_000);
}

#[test]
fn a_server_that_moves_is_left_and_come_back_to_within_the_time_it_said() {
    let mut rendezvous = joined();
    let effects = hear(&mut rendezvous, 100, A, ServerMessage::Moving { wait_ms: 20_000 });
    assert!(is_closed(&effects, A));
    assert_eq!(state(&rendezvous, A), (ServerState::Waiting, Some(ServerFault::Moving)));
    assert!(wait(&mut rendezvous).0 <= 20_100);
}

#[test]
fn a_server_can_make_nobody_wait_for_ever() {
    let mut rendezvous = joined();
    hear(&mut rendezvous, 0, A, ServerMessage::Moving { wait_ms: u32::MAX });
    assert!(wait(&mut rendezvous).0 <= 600 * SECOND);
}

#[test]
fn who_stops_closes_all_and_answers_that_come_late_are_for_nobody() {
    let mut rendezvous = with_servers(2);
    tell(&mut rendezvous, 0, Input::Start);
    welcome(&mut rendezvous, 0, A);
    happens(&mut rendezvous, 0, B, opened());
    hear(&mut rendezvous, 0, B, ServerMessage::Challenge { nonce: [0; 32] });
    let effects = tell(&mut rendezvous, 10, Input::Stop);
    assert!(is_closed(&effects, A) && is_closed(&effects, B));
    assert_eq!(rendezvous.poll_timeout(), None);
    let signature = Some(Signature([5; 64]));
    tell(&mut rendezvous, 20, Input::Start);
    happens(&mut rendezvous, 20, B, opened());
    hear(&mut rendezvous, 20, B, ServerMessage::Challenge { nonce: [1; 32] });
    assert_eq!(tell(&mut rendezvous, 20, Input::Signed { server: B, attempt: 1, signature }), []);
    assert_eq!(announced(&mut rendezvous, 20, true), []);
    let effects = tell(&mut rendezvous, 20, Input::Signed { server: B, attempt: 2, signature });
    assert_eq!(said(&effects).len(), 1);
}

#[test]
fn a_key_that_signs_nothing_ends_in_waiting() {
    let mut rendezvous = with_servers(1);
    tell(&mut rendezvous, 0, Input::Start);
    happens(&mut rendezvous, 0, A, opened());
    hear(&mut rendezvous, 0, A, ServerMessage::Challenge { nonce: [0; 32] });
    tell(&mut rendezvous, 0, Input::Signed { server: A, attempt: 1, signature: None });
    assert!(is_closed(&wait(&mut rendezvous).1, A));
    let mut rendezvous = with_servers(1);
    tell(&mut rendezvous, 0, Input::Start);
    welcome(&mut rendezvous, 0, A);
    tell(&mut rendezvous, 0, Input::Announced { envelope: None, is_alone: true });
    assert_eq!(wait(&mut rendezvous), (10_000, vec![Effect::Announce { is_alone: true }]));
}
