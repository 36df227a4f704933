use core::time::Duration;

use bytes::Bytes;
use peerloom_wire::envelope::{RejectReason, Signal};
use peerloom_wire::frame::{self, Protocol};
use peerloom_wire::{PeerId, SessionId};

use super::*;
use crate::event::Stage;
use crate::io::{Candidate, TransportState};

/// We are in the middle, so that both sides of a glare can be shown.
const OWN: PeerId = PeerId([5; 32]);
const LOW: PeerId = PeerId([1; 32]);
const HIGH: PeerId = PeerId([9; 32]);
const CONN: ConnId = ConnId(1);
const OURS: SessionId = SessionId(100);
const THEIRS: SessionId = SessionId(7000);

fn at(ms: u64) -> Now {
    Now { mono: Instant::from_micros(ms * 1000), unix_ms: 1_000_000 + ms }
}

fn link(connections_max: usize) -> Link {
    Link::new(Config { own: OWN, connections_max, session_first: OURS.0 })
}

/// Gives the inputs at their times, after what is due by then; returns the last one's effects.
fn run(link: &mut Link, inputs: Vec<(u64, Input)>) -> Vec<Effect> {
    let mut last = Vec::new();
    for (ms, input) in inputs {
        last.clear();
        link.handle_timeout(at(ms), &mut last);
        link.handle(at(ms), input, &mut last);
    }
    last
}

/// The only place where most tests touch the machine: inputs in, the effects of the last one out.
fn check(inputs: Vec<(u64, Input)>, expect: &[Effect]) {
    assert_eq!(run(&mut link(8), inputs), expect);
}

fn event(conn: ConnId, event: LinkEvent) -> Input {
    Input::Event { conn, event }
}

fn signal(from: PeerId, signal: Signal) -> Input {
    Input::Signal { from, signal, path: SignalPath::Broadcast }
}

fn offer(session: SessionId) -> Signal {
    Signal::Offer { session, sdp: "offer".into(), candidates: vec![candidate("a")], restart: false }
}

fn answer(session: SessionId) -> Signal {
    Signal::Answer { session, sdp: "answer".into(), candidates: vec![] }
}

fn accept_offer() -> LinkCommand {
    LinkCommand::AcceptOffer { sdp: "offer".into(), candidates: vec![candidate("a")] }
}

fn candidates(session: SessionId, texts: &[&str]) -> Signal {
    Signal::Candidates { session, candidates: texts.iter().copied().map(candidate).collect() }
}

fn gathered(text: &str) -> LinkEvent {
    LinkEvent::CandidateReady { candidate: candidate(text) }
}

fn candidate(text: &str) -> Candidate {
    Candidate { candidate: text.into(), sdp_mid: None, sdp_mline_index: Some(0) }
}

fn frame_of(message: &Message) -> Bytes {
    frame::encode(Protocol::Link, message).unwrap()
}

fn received(message: &Message) -> LinkEvent {
    LinkEvent::Received { frame: frame_of(message) }
}

fn command(conn: ConnId, command: LinkCommand) -> Effect {
    Effect::Command { conn, command }
}

fn sent(conn: ConnId, message: &Message) -> Effect {
    command(conn, LinkCommand::Send { frame: frame_of(message) })
}

/// All that it takes to be connected to `peer`, having offered.
fn connect_to(peer: PeerId) -> Vec<(u64, Input)> {
    vec![
        (0, Input::Dial { peer }),
        (1, event(CONN, LinkEvent::OfferReady { sdp: "offer".into() })),
        (1, event(CONN, gathered("a"))),
        (2, signal(peer, answer(OURS))),
        (3, event(CONN, LinkEvent::Transport(TransportState::IceConnected))),
        (4, event(CONN, LinkEvent::Transport(TransportState::Connected))),
        (5, event(CONN, LinkEvent::Opened)),
        (6, event(CONN, received(&Message::Hello { session: OURS }))),
    ]
}

/// The same, having answered.
fn connect_from(peer: PeerId) -> Vec<(u64, Input)> {
    vec![
        (0, signal(peer, offer(THEIRS))),
        (1, event(CONN, LinkEvent::AnswerReady { sdp: "answer".into() })),
        (2, event(CONN, LinkEvent::Transport(TransportState::Connected))),
        (3, event(CONN, LinkEvent::Opened)),
        (4, event(CONN, received(&Message::Hello { session: THEIRS }))),
    ]
}

fn then(mut inputs: Vec<(u64, Input)>, more: Vec<(u64, Input)>) -> Vec<(u64, Input)> {
    inputs.extend(more);
    inputs
}

fn up(peer: PeerId) -> Effect {
    Effect::Up { peer, conn: CONN, path: SignalPath::Broadcast }
}

#[test]
fn a_dial_makes_an_offer_and_ends_in_a_connection() {
    check(
        vec![(0, Input::Dial { peer: HIGH })],
        &[
            Effect::Connecting { peer: HIGH },
            command(CONN, LinkCommand::CreateOffer { restart: false }),
        ],
    );
    check(connect_to(HIGH), &[up(HIGH)]);
}

#[test]
fn each_stage_of_an_attempt_is_told_once() {
    use Stage::{Authentication, Channel, Dtls, Ice, Signalling};
    for (peer, inputs, expect) in [
        (HIGH, connect_to(HIGH), vec![Signalling, Ice, Dtls, Channel, Authentication]),
        (LOW, connect_from(LOW), vec![Signalling, Ice, Channel, Authentication]),
    ] {
        let mut link = link(8);
        let mut told = Vec::new();
        for input in inputs {
            if run(&mut link, vec![input]).contains(&Effect::Connecting { peer }) {
                told.extend(link.peer(peer).stage);
            }
        }
        assert_eq!(told, expect);
        assert_eq!(link.peer(peer).stage, None);
    }
}

#[test]
fn an_offer_is_answered_and_ends_in_a_connection() {
    check(connect_from(LOW), &[up(LOW)]);
}

#[test]
fn a_greeting_may_come_before_the_own_channels_are_open() {
    let mut inputs = connect_from(LOW);
    inputs.swap(3, 4);
    inputs[3].0 = 3;
    inputs[4].0 = 4;
    let hello = sent(CONN, &Message::Hello { session: THEIRS });
    check(inputs, &[hello, up(LOW)]);
}

#[test]
fn the_channels_may_open_before_the_transport_is_reported() {
    let mut inputs = connect_to(HIGH);
    let opened = inputs.remove(6);
    inputs.insert(4, (3, opened.1));
    check(inputs, &[up(HIGH)]);
}

#[test]
fn in_a_glare_the_lower_id_says_its_offer_again() {
    let dialled = vec![
        (0, Input::Dial { peer: HIGH }),
        (1, event(CONN, LinkEvent::OfferReady { sdp: "offer".into() })),
        (1, event(CONN, gathered("a"))),
        (2, signal(HIGH, offer(THEIRS))),
    ];
    check(dialled, &[Effect::Signal { to: HIGH, signal: offer(OURS) }]);
}

#[test]
fn in_a_glare_the_higher_id_gives_up_its_own_offer() {
    let dialled = vec![
        (0, Input::Dial { peer: LOW }),
        (1, event(CONN, LinkEvent::OfferReady { sdp: "offer".into() })),
        (1, event(CONN, gathered("a"))),
        (2, signal(LOW, offer(THEIRS))),
    ];
    let next = ConnId(2);
    check(
        dialled,
        &[
            command(CONN, LinkCommand::Close),
            Effect::Connecting { peer: LOW },
            command(next, accept_offer()),
        ],
    );
}

#[test]
fn an_offer_that_comes_again_is_answered_again_with_all_candidates() {
    let inputs = vec![
        (0, signal(LOW, offer(THEIRS))),
        (1, event(CONN, gathered("a"))),
        (2, event(CONN, LinkEvent::AnswerReady { sdp: "answer".into() })),
        (3, event(CONN, gathered("b"))),
        (4, signal(LOW, offer(THEIRS))),
    ];
    let candidates = vec![candidate("a"), candidate("b")];
    let answer = Signal::Answer { session: THEIRS, sdp: "answer".into(), candidates };
    check(inputs, &[Effect::Signal { to: LOW, signal: answer }]);
}

#[test]
fn an_offer_waits_for_its_first_candidate_and_takes_it_along() {
    let made = vec![
        (0, Input::Dial { peer: HIGH }),
        (1, event(CONN, LinkEvent::OfferReady { sdp: "offer".into() })),
    ];
    check(made.clone(), &[]);
    let offer = [Effect::Signal { to: HIGH, signal: offer(OURS) }];
    check(then(made.clone(), vec![(2, event(CONN, gathered("a")))]), &offer);
}

#[test]
fn an_offer_without_candidates_goes_after_a_moment_or_at_the_end_of_candidates() {
    let made = vec![
        (0, Input::Dial { peer: HIGH }),
        (1, event(CONN, LinkEvent::OfferReady { sdp: "offer".into() })),
    ];
    let bare =
        Signal::Offer { session: OURS, sdp: "offer".into(), candidates: vec![], restart: false };
    let bare = [Effect::Signal { to: HIGH, signal: bare }];
    check(then(made.clone(), vec![(2, event(CONN, gathered("")))]), &bare);
    let mut link = link(8);
    run(&mut link, made);
    let mut out = Vec::new();
    let mono = at(1).mono + attempt::FIRST_CANDIDATE_WAIT;
    link.handle_timeout(Now { mono, unix_ms: 0 }, &mut out);
    assert_eq!(out, bare);
}

#[test]
fn later_candidates_share_an_envelope() {
    let mut link = link(8);
    let trickle = vec![
        (0, Input::Dial { peer: HIGH }),
        (1, event(CONN, LinkEvent::OfferReady { sdp: "offer".into() })),
        (2, event(CONN, gathered("a"))),
        (3, event(CONN, gathered("b"))),
        (4, event(CONN, gathered("c"))),
    ];
    assert_eq!(run(&mut link, trickle), []);
    let due = link.poll_timeout().unwrap();
    let mut out = Vec::new();
    link.handle_timeout(Now { mono: due, unix_ms: 0 }, &mut out);
    assert_eq!(out, [Effect::Signal { to: HIGH, signal: candidates(OURS, &["b", "c"]) }]);
    // At the end of candidates nothing waits any more.
    run(&mut link, vec![(30, event(CONN, gathered("d")))]);
    let ended = run(&mut link, vec![(31, event(CONN, gathered("")))]);
    assert_eq!(ended, [Effect::Signal { to: HIGH, signal: candidates(OURS, &["d"]) }]);
}

#[test]
fn candidates_are_repeated_until_a_pair_is_found_and_then_told_no_more() {
    let mut link = link(8);
    run(&mut link, connect_to(HIGH).into_iter().take(4).collect());
    let mut out = Vec::new();
    link.handle_timeout(at(2002), &mut out);
    assert_eq!(out, [Effect::Signal { to: HIGH, signal: candidates(OURS, &["a"]) }]);
    out.clear();
    let found = LinkEvent::Transport(TransportState::IceConnected);
    run(&mut link, vec![(2500, event(CONN, gathered("b"))), (2501, event(CONN, found))]);
    link.handle_timeout(at(5000), &mut out);
    assert_eq!(out, []);
}

#[test]
fn a_restart_says_its_own_candidates_and_none_of_before() {
    let mut link = link(8);
    run(&mut link, connect_to(HIGH));
    let down = LinkEvent::Transport(TransportState::Disconnected);
    run(&mut link, vec![(10, event(CONN, down)), (1100, Input::Lifecycle(Lifecycle::Hidden))]);
    let ready = event(CONN, LinkEvent::OfferReady { sdp: "again".into() });
    let offered = run(&mut link, vec![(1101, event(CONN, gathered("b"))), (1102, ready)]);
    let candidates = vec![candidate("b")];
    let signal = Signal::Offer { session: OURS, sdp: "again".into(), candidates, restart: true };
    assert_eq!(offered, [Effect::Signal { to: HIGH, signal }]);
}

#[test]
fn a_late_repeat_of_an_older_offer_does_not_disturb_a_connection() {
    let inputs = then(connect_from(LOW), vec![(9, signal(LOW, offer(SessionId(6999))))]);
    check(inputs, &[sent(CONN, &Message::Ping { nonce: 1 })]);
}

#[test]
fn a_new_offer_replaces_a_connection_whose_other_side_is_gone() {
    let effects =
        run(&mut link(8), then(connect_from(LOW), vec![(4, signal(LOW, offer(SessionId(7001))))]));
    let down = Effect::Down { peer: LOW, conn: CONN, cause: DisconnectCause::Replaced };
    assert!(effects.contains(&down), "{effects:?}");
    assert!(effects.contains(&Effect::Connecting { peer: LOW }), "{effects:?}");
}

#[test]
fn candidates_wait_for_the_description_that_they_belong_to() {
    let inputs = vec![
        (0, Input::Dial { peer: HIGH }),
        (1, event(CONN, LinkEvent::OfferReady { sdp: "offer".into() })),
        (1, event(CONN, gathered("a"))),
        (2, signal(HIGH, candidates(OURS, &["early"]))),
        (3, signal(HIGH, answer(OURS))),
    ];
    let candidates = vec![candidate("early")];
    let accept = LinkCommand::AcceptAnswer { sdp: "answer".into(), candidates };
    check(inputs, &[command(CONN, accept), Effect::Connecting { peer: HIGH }]);
}

#[test]
fn an_unanswered_offer_is_repeated_and_then_given_up_with_its_stage() {
    let mut link = link(8);
    run(
        &mut link,
        vec![
            (0, Input::Dial { peer: HIGH }),
            (1, event(CONN, LinkEvent::OfferReady { sdp: "offer".into() })),
            (1, event(CONN, gathered("a"))),
        ],
    );
    let mut repeats = 0;
    let failure = loop {
        let due = link.poll_timeout().unwrap();
        let mut out = Vec::new();
        link.handle_timeout(Now { mono: due, unix_ms: 0 }, &mut out);
        match out.pop() {
            Some(Effect::Signal { .. }) => repeats += 1,
            Some(Effect::Failed { failure, .. }) => break failure.unwrap(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((repeats, failure.stage), (4, Stage::Signalling));
    assert!(failure.hint.is_some());
    assert_eq!(link.conns.len(), 0);
}

#[test]
fn each_stage_that_takes_too_long_is_named() {
    for (steps, stage) in
        [(4, Stage::Ice), (5, Stage::Dtls), (6, Stage::Channel), (7, Stage::Authentication)]
    {
        let mut link = link(8);
        run(&mut link, connect_to(HIGH).into_iter().take(steps).collect());
        let mut out = Vec::new();
        while !link.conns.is_empty() {
            let due = link.poll_timeout().unwrap();
            link.handle_timeout(Now { mono: due, unix_ms: 0 }, &mut out);
        }
        let failed = out.iter().find_map(|effect| match effect {
            Effect::Failed { failure, .. } => failure.as_ref().map(|failure| failure.stage),
            _ => None,
        });
        assert_eq!(failed, Some(stage));
    }
}

#[test]
fn our_own_lateness_is_not_held_against_the_peer() {
    let mut link = link(8);
    run(&mut link, connect_to(HIGH).into_iter().take(4).collect());
    let mut out = Vec::new();
    // The page was frozen for a minute; the peer's candidates may be in our queue.
    link.handle_timeout(at(60_000), &mut out);
    assert_eq!(out, [Effect::Signal { to: HIGH, signal: candidates(OURS, &["a"]) }]);
    link.handle_timeout(at(62_000), &mut out);
    assert!(matches!(out.last(), Some(Effect::Failed { .. })), "{out:?}");
}

#[test]
fn a_full_node_turns_an_offer_down_and_does_not_dial() {
    let mut link = link(1);
    run(&mut link, connect_to(HIGH));
    let turned_down = run(&mut link, vec![(7, signal(LOW, offer(THEIRS)))]);
    let reject = Signal::Reject { session: THEIRS, reason: RejectReason::Full };
    assert!(turned_down.contains(&Effect::Signal { to: LOW, signal: reject }));
    let dialled = run(&mut link, vec![(8, Input::Dial { peer: LOW })]);
    let [Effect::Failed { failure: Some(failure), .. }] = &dialled[..] else {
        panic!("{dialled:?}")
    };
    assert_eq!(failure.stage, Stage::Admission);
}

#[test]
fn a_greeting_for_another_attempt_is_no_greeting() {
    let mut inputs = connect_to(HIGH);
    inputs.pop();
    inputs.push((6, event(CONN, received(&Message::Hello { session: THEIRS }))));
    let effects = run(&mut link(8), inputs);
    let Some(Effect::Failed { failure: Some(failure), .. }) = effects.last() else {
        panic!("{effects:?}")
    };
    assert_eq!(failure.stage, Stage::Authentication);
}

#[test]
fn a_pong_gives_the_round_trip_time() {
    let mut link = link(8);
    run(&mut link, connect_to(HIGH));
    let ping = run(&mut link, vec![(10, Input::Lifecycle(Lifecycle::Hidden))]);
    assert_eq!(ping, [sent(CONN, &Message::Ping { nonce: 1 })]);
    let pong = run(&mut link, vec![(13, event(CONN, received(&Message::Pong { nonce: 1 })))]);
    assert_eq!(pong, [Effect::Rtt { peer: HIGH, micros: 3000 }]);
}

/// Lets time pass, with what is due at its time, and gives all of it.
fn wait(link: &mut Link, until_ms: u64) -> Vec<Effect> {
    let mut out = Vec::new();
    while let Some(due) = link.poll_timeout()
        && due <= at(until_ms).mono
    {
        link.handle_timeout(Now { mono: due, unix_ms: 0 }, &mut out);
    }
    out
}

fn is_ping(effect: &Effect) -> bool {
    (0..99).any(|nonce| *effect == sent(CONN, &Message::Ping { nonce }))
}

#[test]
fn a_peer_that_stays_silent_is_dead_unless_it_said_that_it_froze() {
    for (frozen, alive) in [(false, false), (true, true)] {
        let mut link = link(8);
        run(&mut link, connect_to(HIGH));
        run(&mut link, vec![(10, Input::Lifecycle(Lifecycle::Hidden))]);
        if frozen {
            run(&mut link, vec![(20, event(CONN, received(&Message::Frozen)))]);
        }
        wait(&mut link, 30_500);
        assert_eq!(link.conns.len() == 1, alive);
    }
}

#[test]
fn pings_that_cannot_get_through_count_for_nothing_and_the_peer_is_asked_once_they_can() {
    let mut link = link(8);
    run(&mut link, connect_from(LOW));
    wait(&mut link, 25_000);
    let transport = |state| event(CONN, LinkEvent::Transport(state));
    run(&mut link, vec![(26_000, transport(TransportState::Disconnected))]);
    let effects = wait(&mut link, 43_000);
    assert!(!effects.iter().any(|e| is_ping(e) || matches!(e, Effect::Down { .. })));
    run(&mut link, vec![(43_500, transport(TransportState::Connected))]);
    assert!(wait(&mut link, 43_500).iter().any(is_ping));
}

#[test]
fn all_peers_are_probed_at_once_when_the_page_runs_on_and_a_dead_path_is_restarted() {
    let mut link = link(8);
    run(&mut link, connect_to(HIGH));
    run(&mut link, vec![(10, Input::Lifecycle(Lifecycle::Hidden))]);
    run(&mut link, vec![(11, event(CONN, received(&Message::Pong { nonce: 1 })))]);
    let probed = run(&mut link, vec![(2000, Input::Lifecycle(Lifecycle::Resumed))]);
    assert_eq!(probed, [sent(CONN, &Message::Ping { nonce: 2 })]);
    assert_eq!(wait(&mut link, 2999), []);
    let restart = command(CONN, LinkCommand::CreateOffer { restart: true });
    assert_eq!(wait(&mut link, 3000), std::slice::from_ref(&restart));
    // A path that is known to be gone is not asked.
    let down = event(CONN, LinkEvent::Transport(TransportState::Disconnected));
    run(&mut link, vec![(3001, event(CONN, LinkEvent::OfferReady { sdp: "1".into() }))]);
    let resumed = Input::Lifecycle(Lifecycle::Resumed);
    assert_eq!(run(&mut link, vec![(4000, down), (4001, resumed)]), [restart]);
}

/// The browser reports changes only: an offerer whose own path never went would be told of none.
#[test]
fn whoever_is_asked_for_a_restart_does_not_take_its_own_transport_for_dead() {
    let mut link = link(8);
    run(&mut link, connect_to(HIGH));
    let wanted = Signal::RestartWanted { session: OURS };
    let asked = run(&mut link, vec![(6, signal(HIGH, wanted))]);
    assert_eq!(asked.last(), Some(&command(CONN, LinkCommand::CreateOffer { restart: true })));
    for nonce in 1..10 {
        wait(&mut link, u64::from(nonce) * 5000);
        run(
            &mut link,
            vec![(u64::from(nonce) * 5000, event(CONN, received(&Message::Pong { nonce })))],
        );
    }
    assert_eq!(link.peer(HIGH).state, Some(PeerState::Connected));
}

#[test]
fn whoever_sees_an_outage_itself_restarts_once_though_the_other_side_asks_for_it_too() {
    let mut link = link(8);
    run(&mut link, connect_to(HIGH));
    let down = event(CONN, LinkEvent::Transport(TransportState::Disconnected));
    run(&mut link, vec![(10, down)]);
    let wanted = || signal(HIGH, Signal::RestartWanted { session: OURS });
    assert_eq!(run(&mut link, vec![(500, wanted())]), []);
    let restart = command(CONN, LinkCommand::CreateOffer { restart: true });
    assert_eq!(wait(&mut link, 1010), [restart]);
    assert_eq!(run(&mut link, vec![(1011, wanted())]), []);
}

#[test]
fn only_the_first_offerer_restarts_ice_the_other_side_asks_for_it() {
    let down = event(CONN, LinkEvent::Transport(TransportState::Disconnected));
    let later = Input::Lifecycle(Lifecycle::Hidden);
    for (inputs, peer, expect) in [
        (connect_to(HIGH), HIGH, command(CONN, LinkCommand::CreateOffer { restart: true })),
        (
            connect_from(LOW),
            LOW,
            Effect::Signal { to: LOW, signal: Signal::RestartWanted { session: THEIRS } },
        ),
    ] {
        let mut link = link(8);
        run(&mut link, inputs);
        run(&mut link, vec![(10, Input::Lifecycle(Lifecycle::Hidden))]);
        let changed = run(&mut link, vec![(20, down.clone())]);
        assert_eq!(changed, [Effect::Changed { peer }]);
        assert_eq!(run(&mut link, vec![(1020, later.clone())]), [expect]);
        let up = event(CONN, LinkEvent::Transport(TransportState::Connected));
        assert_eq!(run(&mut link, vec![(1100, up)]), [Effect::Changed { peer }]);
    }
}

#[test]
fn a_transport_that_stays_down_is_given_up() {
    let mut link = link(8);
    run(&mut link, connect_from(LOW));
    let failed = event(CONN, LinkEvent::Transport(TransportState::Failed));
    run(&mut link, vec![(10, failed)]);
    let mut out = Vec::new();
    for ms in (1000..=7000).step_by(500) {
        link.handle_timeout(at(ms), &mut out);
    }
    let down = Effect::Down { peer: LOW, conn: CONN, cause: DisconnectCause::Transport };
    assert!(out.contains(&down), "{out:?}");
}

#[test]
fn garbage_is_a_strike_and_what_is_newer_is_refused_politely() {
    for (frame, expect) in [
        (vec![1], Effect::Strike { peer: HIGH, kind: StrikeKind::MalformedFrame }),
        (vec![0; 65_537], Effect::Strike { peer: HIGH, kind: StrikeKind::Oversized }),
        (vec![9, 1], sent(CONN, &Message::NotUnderstood { version: 9, protocol: 0 })),
        (vec![1, 77], sent(CONN, &Message::NotUnderstood { version: 1, protocol: 77 })),
        (vec![1, 1, 99], sent(CONN, &Message::NotUnderstood { version: 1, protocol: 1 })),
    ] {
        let frame = LinkEvent::Received { frame: frame.into() };
        let mut link = link(8);
        run(&mut link, connect_to(HIGH));
        run(&mut link, vec![(10, Input::Lifecycle(Lifecycle::Hidden))]);
        assert_eq!(run(&mut link, vec![(11, event(CONN, frame))]), [expect]);
    }
}

#[test]
fn frames_wait_for_budget_and_keep_their_order() {
    let mut link = link(8);
    run(&mut link, connect_to(HIGH));
    let frame = Bytes::from(vec![7; 60_000]);
    let send = |ms| (ms, Input::Send { to: HIGH, frame: frame.clone() });
    let mut sent_count = 0;
    for ms in 10..20 {
        let effects = run(&mut link, vec![send(ms)]);
        sent_count += effects.iter().filter(|e| matches!(e, Effect::Command { .. })).count();
    }
    // 256 KiB of budget: the greeting's ping and four frames.
    assert_eq!(sent_count, 1 + 4);
    let writable = event(CONN, LinkEvent::Writable { budget_bytes: 130_000 });
    assert_eq!(run(&mut link, vec![(21, writable)]).len(), 2);
}

#[test]
fn budget_that_is_told_before_the_greeting_is_not_lost() {
    let mut link = link(8);
    let mut inputs = connect_to(HIGH);
    let greeting = inputs.pop().unwrap();
    run(&mut link, inputs);
    let writable = event(CONN, LinkEvent::Writable { budget_bytes: 1_000_000 });
    run(&mut link, vec![(greeting.0, writable), greeting]);
    for ms in 10..20 {
        let frame = Bytes::from(vec![7; 60_000]);
        let effects = run(&mut link, vec![(ms, Input::Send { to: HIGH, frame })]);
        assert!(effects.iter().any(|e| matches!(e, Effect::Command { .. })), "{ms}");
    }
}

#[test]
fn pings_and_pongs_do_not_wait_behind_frames_that_wait_for_budget() {
    let mut link = link(8);
    run(&mut link, connect_to(HIGH));
    for ms in 10..20 {
        let frame = Bytes::from(vec![7; 60_000]);
        run(&mut link, vec![(ms, Input::Send { to: HIGH, frame })]);
    }
    // Really sent, whatever waits: or its silence would say nothing.
    let probed = run(&mut link, vec![(21, Input::Lifecycle(Lifecycle::Visible))]);
    assert_eq!(probed, [sent(CONN, &Message::Ping { nonce: 2 })]);
    let none_left = event(CONN, LinkEvent::Writable { budget_bytes: 0 });
    run(&mut link, vec![(22, none_left)]);
    let asked = event(CONN, received(&Message::Ping { nonce: 7 }));
    assert_eq!(run(&mut link, vec![(23, asked)]), []);
    let writable = event(CONN, LinkEvent::Writable { budget_bytes: 100 });
    let pong = sent(CONN, &Message::Pong { nonce: 7 });
    assert_eq!(run(&mut link, vec![(24, writable)]), [pong]);
}

#[test]
fn a_peer_that_does_not_read_is_let_go() {
    let mut link = link(8);
    run(&mut link, connect_to(HIGH));
    let frame = Bytes::from(vec![7; 60_000]);
    for ms in 10..200 {
        run(&mut link, vec![(ms, Input::Send { to: HIGH, frame: frame.clone() })]);
    }
    assert_eq!(link.conns.len(), 0);
}

#[test]
fn a_goodbye_goes_out_before_the_close() {
    let goodbye = Message::Goodbye { reason: GoodbyeReason::Leaving };
    let effects = run(&mut link(8), then(connect_to(HIGH), vec![(6, Input::HangupAll)]));
    let tail = &effects[effects.len() - 3..];
    assert_eq!(
        tail,
        [
            sent(CONN, &goodbye),
            command(CONN, LinkCommand::Close),
            Effect::Down { peer: HIGH, conn: CONN, cause: DisconnectCause::Local },
        ]
    );
}

#[test]
fn parting_says_so_and_the_other_side_knows_that_we_stay() {
    let parting = Message::Goodbye { reason: GoodbyeReason::Parting };
    let cause = DisconnectCause::Local;
    let hangup = vec![(6, Input::Hangup { peer: HIGH, cause })];
    let down = |cause| Effect::Down { peer: HIGH, conn: CONN, cause };
    let close = command(CONN, LinkCommand::Close);
    let ping = sent(CONN, &Message::Ping { nonce: 1 });
    let told = [ping.clone(), sent(CONN, &parting), close.clone(), down(cause)];
    check(then(connect_to(HIGH), hangup), &told);
    let heard = vec![(6, event(CONN, received(&parting)))];
    check(then(connect_to(HIGH), heard), &[ping, close, down(DisconnectCause::Parted)]);
}

#[test]
fn late_events_of_a_closed_connection_are_harmless() {
    let closed = then(connect_to(HIGH), vec![(7, Input::HangupAll)]);
    for late in [LinkEvent::Opened, LinkEvent::Closed, received(&Message::Ping { nonce: 1 })] {
        check(then(closed.clone(), vec![(8, event(CONN, late))]), &[]);
    }
}

#[test]
fn health_is_checked_at_its_interval() {
    assert_eq!(health::PING_INTERVAL, Duration::from_secs(5));
    let mut link = link(8);
    run(&mut link, connect_to(HIGH));
    run(&mut link, vec![(6, Input::Lifecycle(Lifecycle::Hidden))]);
    run(&mut link, vec![(7, event(CONN, received(&Message::Pong { nonce: 1 })))]);
    assert_eq!(link.poll_timeout(), Some(Instant::from_micros(5_006_000)));
}

#[test]
fn who_offers_without_room_is_turned_down_and_told_of() {
    let mut full = link(1);
    run(&mut full, vec![(0, Input::Dial { peer: LOW })]);
    let reject = Signal::Reject { session: THEIRS, reason: RejectReason::Full };
    let effects = run(&mut full, vec![(1, signal(HIGH, offer(THEIRS)))]);
    let rejection = Effect::Signal { to: HIGH, signal: reject };
    assert_eq!(effects, [rejection, Effect::Refused { peer: HIGH }]);
}
