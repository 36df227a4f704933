use core::time::Duration;

use peerloom_wire::SessionId;
use peerloom_wire::envelope::RejectReason;

use super::*;

const SECOND: u64 = 1000;

fn at(ms: u64) -> Now {
    Now { mono: Instant::from_micros(ms * 1000), unix_ms: ms }
}

/// The ids sort as the seeds do.
fn peer(seed: u8) -> PeerId {
    PeerId([seed; 32])
}

fn heard(seed: u8, run: u64, sequence: u64, signal: Signal) -> Input {
    let (from, run) = (peer(seed), RunId(run));
    let envelope = Box::new(Envelope { from, run, sequence, to_everyone: true, signal });
    Input::Heard { envelope, path: SignalPath::Broadcast }
}

fn announce() -> Signal {
    Signal::Announce { answer_wanted: true }
}

/// With the lowest of all ids.
fn discovery(connections_max: usize) -> Discovery {
    discovery_of(PeerId([0; 32]), connections_max)
}

fn discovery_of(own: PeerId, connections_max: usize) -> Discovery {
    let config = Config { own, connections_max };
    let mut discovery = Discovery::new(config, Random::fork(&[1; 32], "test"));
    discovery.handle(at(0), Input::Start, &mut Vec::new());
    discovery
}

fn run(discovery: &mut Discovery, inputs: Vec<(u64, Input)>) -> Vec<Effect> {
    let mut last = Vec::new();
    for (ms, input) in inputs {
        last.clear();
        discovery.handle(at(ms), input, &mut last);
    }
    last
}

/// Inputs in, the effects of the last one out.
fn check(inputs: Vec<(u64, Input)>, expect: &[Effect]) {
    assert_eq!(run(&mut discovery(2), inputs), expect);
}

/// Lets time pass, and gives all that became due.
fn wait(discovery: &mut Discovery, until_ms: u64) -> Vec<Effect> {
    let mut out = Vec::new();
    while let Some(due) = discovery.poll_timeout()
        && due <= at(until_ms).mono
    {
        discovery.handle_timeout(Now { mono: due, unix_ms: 0 }, &mut out);
    }
    out
}

/// Who may be dialled.
fn available(discovery: &Discovery, ms: u64) -> Vec<PeerId> {
    let all = discovery.available(at(ms)).into_iter();
    all.filter(|(_, is_waiting)| !is_waiting).map(|(peer, _)| peer).collect()
}

fn failure(peer: PeerId) -> Option<ConnectFailure> {
    Some(ConnectFailure { peer, stage: Stage::Ice, reason: "test".into(), hint: None })
}

#[test]
fn whoever_hears_an_announcement_dials() {
    check(
        vec![(1, heard(1, 0, 1, announce()))],
        &[Effect::Discovered { peer: peer(1) }, Effect::Dial { peer: peer(1) }],
    );
}

#[test]
fn of_two_that_started_together_the_lower_id_dials_and_the_higher_answers() {
    let mut higher = discovery_of(PeerId([255; 32]), 2);
    let heard = vec![(300, heard(1, 0, 1, announce()))];
    let answer = Effect::Announce { to: Some(peer(1)), answer_wanted: false };
    assert_eq!(run(&mut higher, heard), [Effect::Discovered { peer: peer(1) }, answer]);
    // The other one is gone again, or nothing of this reached it.
    assert!(!wait(&mut higher, 799).contains(&Effect::Dial { peer: peer(1) }));
    assert!(wait(&mut higher, 801).contains(&Effect::Dial { peer: peer(1) }));
}

#[test]
fn whoever_started_long_ago_dials_lower_ids_too() {
    let mut higher = discovery_of(PeerId([255; 32]), 2);
    wait(&mut higher, 1000);
    let heard = vec![(1000, heard(1, 0, 1, announce()))];
    let expected = [Effect::Discovered { peer: peer(1) }, Effect::Dial { peer: peer(1) }];
    assert_eq!(run(&mut higher, heard), expected);
}

#[test]
fn whoever_has_no_room_answers_instead() {
    let inputs = vec![
        (1, heard(1, 0, 1, announce())),
        (2, heard(2, 0, 1, announce())),
        (3, heard(3, 0, 1, announce())),
    ];
    let answer = Effect::Announce { to: Some(peer(3)), answer_wanted: false };
    check(inputs, &[Effect::Discovered { peer: peer(3) }, answer]);
}

#[test]
fn whoever_is_connected_is_not_answered() {
    let inputs = vec![
        (1, heard(1, 0, 1, announce())),
        (2, Input::Connected { peer: peer(1) }),
        (3, heard(1, 0, 2, announce())),
    ];
    check(inputs, &[]);
}

#[test]
fn a_replayed_envelope_is_dropped_and_counted() {
    let mut discovery = discovery(2);
    let (session, sdp, candidates) = (SessionId(1), String::new(), vec![]);
    let offer = Signal::Offer { session, sdp, candidates, restart: false };
    let inputs = vec![(1, heard(1, 0, 5, offer.clone())), (2, heard(1, 0, 5, offer))];
    assert_eq!(run(&mut discovery, inputs), []);
    assert!(discovery.stats().contains(&("discovery.envelopes_replayed", 1)));
}

#[test]
fn a_goodbye_that_is_replayed_after_the_peer_came_back_sends_nobody_away() {
    let mut discovery = discovery(2);
    let inputs = vec![
        (1, heard(1, 0, 1, announce())),
        (2, heard(1, 0, 2, Signal::Goodbye)),
        (3, heard(1, 0, 3, announce())),
        (4, heard(1, 0, 2, Signal::Goodbye)),
    ];
    assert_eq!(run(&mut discovery, inputs), []);
    assert_eq!(discovery.peers().collect::<Vec<_>>(), [peer(1)]);
}

#[test]
fn a_newer_run_of_a_peer_replaces_the_older_one_and_never_the_other_way_round() {
    let mut discovery = discovery(2);
    run(&mut discovery, vec![(1, heard(1, 1, 1, announce()))]);
    let renewed = run(&mut discovery, vec![(2, heard(1, 2, 1, announce()))]);
    assert_eq!(renewed, [Effect::Renewed { peer: peer(1) }, Effect::Dial { peer: peer(1) }]);
    assert_eq!(run(&mut discovery, vec![(3, heard(1, 1, 9, announce()))]), []);
    assert_eq!(discovery.run_of(peer(1)), Some(RunId(2)));
}

#[test]
fn announcements_come_quickly_at_first_and_then_rarely() {
    let mut discovery = discovery(2);
    let count = |effects: Vec<Effect>| {
        effects.iter().filter(|effect| matches!(effect, Effect::Announce { .. })).count()
    };
    let first = count(wait(&mut discovery, 10 * SECOND));
    assert!((3..=6).contains(&first), "{first}");
    wait(&mut discovery, 300 * SECOND);
    let later = count(wait(&mut discovery, 420 * SECOND));
    assert!((3..=6).contains(&later), "{later}");
}

#[test]
fn failures_are_waited_out_ever_longer() {
    let mut discovery = discovery(2);
    run(&mut discovery, vec![(1, heard(1, 0, 1, announce()))]);
    let mut waits = Vec::new();
    let mut now_ms = 1;
    for sequence in 2..8 {
        let failed = Input::Failed { peer: peer(1), failure: failure(peer(1)) };
        run(&mut discovery, vec![(now_ms, failed)]);
        assert_eq!(discovery.state(peer(1)), PeerState::Backoff);
        let begun_ms = now_ms;
        while !wait(&mut discovery, now_ms).contains(&Effect::Dial { peer: peer(1) }) {
            // A sign of life does not shorten the wait.
            let answer = Signal::Announce { answer_wanted: false };
            run(&mut discovery, vec![(now_ms, heard(1, 0, sequence, answer))]);
            now_ms += 50;
        }
        waits.push(now_ms - begun_ms);
    }
    assert!(waits[0] >= 700 && waits[0] <= 1400, "{waits:?}");
    assert!(waits.windows(2).all(|pair| pair[1] > pair[0]), "{waits:?}");
    assert!(waits.iter().all(|wait| *wait <= 76 * SECOND), "{waits:?}");
}

#[test]
fn a_peer_that_says_goodbye_is_forgotten_at_once_and_a_silent_one_later() {
    let goodbye = heard(1, 0, 2, Signal::Goodbye);
    check(
        vec![(1, heard(1, 0, 1, announce())), (2, goodbye)],
        &[
            Effect::Deliver { from: peer(1), signal: Signal::Goodbye, path: SignalPath::Broadcast },
            Effect::Lost { peer: peer(1) },
        ],
    );
    let mut discovery = discovery(1);
    run(&mut discovery, vec![(1, heard(1, 0, 1, announce())), (2, heard(2, 0, 1, announce()))]);
    let lost = Effect::Lost { peer: peer(2) };
    assert!(!wait(&mut discovery, SILENCE_MAX.as_secs() * SECOND).contains(&lost));
    assert!(wait(&mut discovery, SILENCE_MAX.as_secs() * SECOND + 10).contains(&lost));
}

#[test]
fn a_wanted_peer_is_called_until_it_is_connected() {
    let mut discovery = discovery(2);
    let id = CommandId(1);
    let call = Effect::Announce { to: Some(peer(1)), answer_wanted: true };
    let first = run(&mut discovery, vec![(1, Input::Connect { id, peer: peer(1) })]);
    assert_eq!(first, std::slice::from_ref(&call));
    assert!(wait(&mut discovery, 2 * SECOND).contains(&call));
    run(&mut discovery, vec![(2 * SECOND, heard(1, 0, 1, announce()))]);
    let done = run(&mut discovery, vec![(3 * SECOND, Input::Connected { peer: peer(1) })]);
    assert_eq!(done, [Effect::Done { id, result: Ok(()) }]);
}

#[test]
fn a_wanted_peer_that_nobody_is_gets_an_answer_with_a_hint() {
    let mut discovery = discovery(2);
    let id = CommandId(1);
    run(&mut discovery, vec![(1, Input::Connect { id, peer: peer(1) })]);
    let late = wait(&mut discovery, 11 * SECOND);
    let answers: Vec<_> = late.iter().filter(|e| matches!(e, Effect::Done { .. })).collect();
    let [Effect::Done { result: Err(CommandError::Unreachable(failure)), .. }] = answers[..] else {
        panic!("{late:?}")
    };
    assert_eq!(failure.stage, Stage::Signalling);
    assert!(failure.hint.is_some());
}

#[test]
fn a_wanted_peer_that_is_heard_of_while_there_is_no_room_is_dialled_to_learn_why_not() {
    let mut discovery = discovery(1);
    run(&mut discovery, vec![(1, heard(1, 0, 1, announce()))]);
    run(&mut discovery, vec![(2, Input::Connected { peer: peer(1) })]);
    run(&mut discovery, vec![(3, Input::Connect { id: CommandId(1), peer: peer(2) })]);
    let offer = Signal::Reject { session: SessionId(1), reason: RejectReason::Full };
    let effects = run(&mut discovery, vec![(4, heard(2, 0, 1, offer))]);
    assert!(!effects.contains(&Effect::Dial { peer: peer(2) }));
    assert!(wait(&mut discovery, 2 * SECOND).contains(&Effect::Dial { peer: peer(2) }));
}

#[test]
fn a_peer_that_did_not_answer_is_called_since_it_may_run_anew() {
    let mut discovery = discovery(2);
    run(&mut discovery, vec![(1, heard(1, 0, 1, announce()))]);
    let call = Effect::Announce { to: Some(peer(1)), answer_wanted: true };
    for (stage, expect) in [(Stage::Signalling, true), (Stage::Ice, false)] {
        let failure = failure(peer(1)).map(|failure| ConnectFailure { stage, ..failure });
        let input = Input::Failed { peer: peer(1), failure };
        assert_eq!(run(&mut discovery, vec![(2, input)]).contains(&call), expect, "{stage:?}");
    }
}

#[test]
fn whoever_was_just_heard_over_the_broadcast_path_is_in_earshot() {
    let mut discovery = discovery(2);
    let Input::Heard { envelope, .. } = heard(2, 0, 1, announce()) else { panic!() };
    let carried = Input::Heard { envelope, path: SignalPath::Peers };
    run(&mut discovery, vec![(1, heard(1, 0, 1, announce())), (1, carried)]);
    let earshot = |ms, n| discovery.is_in_earshot(at(ms), peer(n));
    assert_eq!([earshot(1000, 1), earshot(1001, 1), earshot(2, 2)], [true, false, false]);
}

#[test]
fn every_way_out_answers_a_waiting_command_once() {
    for (input, expect) in [
        (Input::Stop, CommandError::Closed),
        (
            Input::Failed { peer: peer(1), failure: failure(peer(1)) },
            CommandError::Unreachable(failure(peer(1)).unwrap()),
        ),
        (Input::Failed { peer: peer(1), failure: None }, CommandError::Aborted),
    ] {
        let mut discovery = discovery(2);
        let id = CommandId(1);
        run(&mut discovery, vec![(1, heard(1, 0, 1, announce()))]);
        run(&mut discovery, vec![(2, Input::Connect { id, peer: peer(1) })]);
        let effects = run(&mut discovery, vec![(3, input)]);
        let answers: Vec<_> =
            effects.iter().filter(|effect| matches!(effect, Effect::Done { .. })).collect();
        assert_eq!(answers, [&Effect::Done { id, result: Err(expect) }]);
        assert!(
            !wait(&mut discovery, 30 * SECOND).iter().any(|e| matches!(e, Effect::Done { .. }))
        );
    }
}

#[test]
fn ourselves_and_a_stopped_node_are_refused() {
    let id = CommandId(1);
    let own = Input::Connect { id, peer: PeerId([0; 32]) };
    let refused = CommandError::BadInput(BadInput::OwnId);
    check(vec![(1, own)], &[Effect::Done { id, result: Err(refused) }]);
    let stopped = vec![(1, Input::Stop), (2, Input::Connect { id, peer: peer(1) })];
    check(stopped, &[Effect::Done { id, result: Err(CommandError::Closed) }]);
}

#[test]
fn the_known_are_bounded_and_the_connected_stay() {
    let mut discovery = discovery(1);
    run(&mut discovery, vec![(1, heard(1, 0, 1, announce()))]);
    run(&mut discovery, vec![(2, Input::Connected { peer: peer(1) })]);
    for n in 0..KNOWN_MAX as u64 + 50 {
        let from = PeerId(peerloom_crypto::sha256(&n.to_be_bytes()));
        let to_everyone = true;
        let envelope =
            Envelope { from, run: RunId(0), sequence: 1, to_everyone, signal: announce() };
        let (envelope, path) = (Box::new(envelope), SignalPath::Broadcast);
        run(&mut discovery, vec![(3 + n, Input::Heard { envelope, path })]);
    }
    assert_eq!(discovery.peers().count(), KNOWN_MAX);
    assert!(discovery.run_of(peer(1)).is_some());
}

#[test]
fn after_a_broken_connection_the_lower_id_dials_first() {
    let mut discovery = discovery(2);
    run(&mut discovery, vec![(1, heard(1, 0, 1, announce()))]);
    run(&mut discovery, vec![(2, Input::Connected { peer: peer(1) })]);
    let cause = DisconnectCause::Transport;
    run(&mut discovery, vec![(10, Input::Disconnected { peer: peer(1), cause })]);
    assert!(wait(&mut discovery, 10).contains(&Effect::Dial { peer: peer(1) }));
    assert_eq!(known::REDIAL_HIGHER, Duration::from_secs(1));
}

#[test]
fn a_connection_that_broke_is_rebuilt_in_three_tries_within_45_s_before_its_peer_backs_off() {
    // How long each try takes, and after how many of them the peer backs off.
    for (try_s, tries) in [(1, 3), (14, 3), (25, 2), (50, 1)] {
        let mut discovery = discovery(2);
        run(&mut discovery, vec![(1, heard(1, 0, 1, announce()))]);
        run(&mut discovery, vec![(2, Input::Connected { peer: peer(1) })]);
        let cause = DisconnectCause::Transport;
        run(&mut discovery, vec![(10, Input::Disconnected { peer: peer(1), cause })]);
        let mut now_ms = 10;
        for n in 1..=tries {
            assert_eq!(discovery.state(peer(1)), PeerState::Connecting, "{n} of {try_s} s");
            while !wait(&mut discovery, now_ms).contains(&Effect::Dial { peer: peer(1) }) {
                now_ms += 10;
            }
            now_ms += try_s * SECOND;
            let failed = Input::Failed { peer: peer(1), failure: failure(peer(1)) };
            run(&mut discovery, vec![(now_ms, failed)]);
        }
        assert_eq!(discovery.state(peer(1)), PeerState::Backoff, "after {tries} of {try_s} s");
        // It is dialled again all the same.
        let later = wait(&mut discovery, now_ms + 6 * SECOND);
        assert!(later.contains(&Effect::Dial { peer: peer(1) }));
        run(&mut discovery, vec![(now_ms + 7 * SECOND, Input::Connected { peer: peer(1) })]);
        assert_ne!(discovery.state(peer(1)), PeerState::Connecting);
    }
}

#[test]
fn a_peer_that_was_parted_from_stays_known_and_is_not_dialled_until_asked_for() {
    let mut discovery = discovery(2);
    run(&mut discovery, vec![(1, heard(1, 0, 1, announce()))]);
    run(&mut discovery, vec![(2, Input::Connected { peer: peer(1) })]);
    let parted = run(&mut discovery, vec![(3, Input::Part { peer: peer(1) })]);
    assert_eq!(parted, [Effect::Hangup { peer: peer(1) }, Effect::Changed { peer: peer(1) }]);
    let cause = DisconnectCause::Local;
    run(&mut discovery, vec![(3, Input::Disconnected { peer: peer(1), cause })]);
    run(&mut discovery, vec![(4, Input::Resumed)]);
    let again = run(&mut discovery, vec![(2 * SECOND, heard(1, 0, 2, announce()))]);
    assert_eq!(again, [Effect::Announce { to: Some(peer(1)), answer_wanted: false }]);
    assert!(!wait(&mut discovery, 100 * SECOND).contains(&Effect::Dial { peer: peer(1) }));
    let wanted = Input::Connect { id: CommandId(1), peer: peer(1) };
    assert_eq!(run(&mut discovery, vec![(100 * SECOND, wanted)]), [Effect::Dial { peer: peer(1) }]);
}

#[test]
fn whom_the_other_side_parts_from_waits_as_well() {
    let mut discovery = discovery(2);
    run(&mut discovery, vec![(1, heard(1, 0, 1, announce()))]);
    run(&mut discovery, vec![(2, Input::Connected { peer: peer(1) })]);
    let cause = DisconnectCause::Parted;
    run(&mut discovery, vec![(3, Input::Disconnected { peer: peer(1), cause })]);
    assert!(!wait(&mut discovery, 100 * SECOND).contains(&Effect::Dial { peer: peer(1) }));
    // A new run of it was never parted from.
    let renewed = run(&mut discovery, vec![(101 * SECOND, heard(1, 1, 1, announce()))]);
    assert!(renewed.contains(&Effect::Dial { peer: peer(1) }));
}

#[test]
fn parting_gives_up_an_attempt_and_answers_who_waits_for_it() {
    let mut discovery = discovery(2);
    let id = CommandId(1);
    run(&mut discovery, vec![(1, heard(1, 0, 1, announce()))]);
    run(&mut discovery, vec![(2, Input::Connect { id, peer: peer(1) })]);
    let parted = run(&mut discovery, vec![(3, Input::Part { peer: peer(1) })]);
    assert!(parted.contains(&Effect::Done { id, result: Err(CommandError::Aborted) }));
    run(&mut discovery, vec![(3, Input::Failed { peer: peer(1), failure: None })]);
    assert!(!wait(&mut discovery, 60 * SECOND).contains(&Effect::Dial { peer: peer(1) }));
    assert_eq!(run(&mut discovery, vec![(61 * SECOND, Input::Part { peer: peer(9) })]), []);
}

#[test]
fn the_last_failure_and_the_next_try_are_told_until_a_connection_is_made() {
    let mut discovery = discovery(2);
    run(&mut discovery, vec![(1, heard(1, 0, 1, announce()))]);
    let failed = Input::Failed { peer: peer(1), failure: failure(peer(1)) };
    run(&mut discovery, vec![(5, failed)]);
    let last = discovery.last_failure(peer(1)).unwrap();
    assert_eq!((last.at_ms, last.failure.stage), (5, Stage::Ice));
    let next_ms = discovery.next_try_ms(peer(1)).unwrap();
    assert!((705..=1405).contains(&next_ms), "{next_ms}");
    assert!(wait(&mut discovery, next_ms + 1).contains(&Effect::Dial { peer: peer(1) }));
    assert_eq!(discovery.next_try_ms(peer(1)), None);
    assert!(discovery.last_failure(peer(1)).is_some());
    run(&mut discovery, vec![(next_ms + 2, Input::Connected { peer: peer(1) })]);
    assert_eq!(discovery.last_failure(peer(1)), None);
}

fn call(seed: u8) -> Effect {
    Effect::Announce { to: Some(peer(seed)), answer_wanted: false }
}

#[test]
fn a_peer_that_others_tell_of_is_known_called_and_dialled_when_it_answers() {
    let mut discovery = discovery(2);
    let introduced = run(&mut discovery, vec![(1, Input::Introduced { peer: peer(1) })]);
    assert_eq!(introduced, [Effect::Discovered { peer: peer(1) }]);
    assert_eq!(discovery.run_of(peer(1)), None);
    assert_eq!(wait(&mut discovery, 1), [call(1)]);
    assert_eq!(discovery.state(peer(1)), PeerState::Discovered, "nothing failed");
    let answer = Signal::Announce { answer_wanted: false };
    let answered = run(&mut discovery, vec![(2, heard(1, 5, 1, answer))]);
    assert_eq!(answered, [Effect::Dial { peer: peer(1) }]);
    assert_eq!(discovery.run_of(peer(1)), Some(RunId(5)));
}

#[test]
fn of_two_that_are_told_of_each_other_the_lower_id_calls_first() {
    let mut higher = discovery_of(PeerId([255; 32]), 2);
    run(&mut higher, vec![(0, Input::Introduced { peer: peer(1) })]);
    assert!(!wait(&mut higher, 1_999).contains(&call(1)));
    assert!(wait(&mut higher, 2_001).contains(&call(1)));
}

#[test]
fn calls_are_repeated_ever_later_and_a_few_a_second_are_made() {
    let mut discovery = discovery(64);
    for seed in 1..=40 {
        run(&mut discovery, vec![(0, Input::Introduced { peer: peer(seed) })]);
    }
    let calls = |effects: Vec<Effect>| {
        let to = effects.iter().filter_map(|effect| match effect {
            Effect::Announce { to, .. } => *to,
            _ => None,
        });
        to.collect::<Vec<_>>()
    };
    let first = calls(wait(&mut discovery, 9_999));
    assert_eq!(first.len(), 40);
    assert!((1..=40).all(|seed| first.contains(&peer(seed))), "everyone once before anyone twice");
    calls(wait(&mut discovery, 600 * SECOND));
    let later = calls(wait(&mut discovery, 660 * SECOND)).len();
    assert!((30..=60).contains(&later), "{later} calls a minute");
}

#[test]
fn without_room_nobody_is_called() {
    let mut discovery = discovery(1);
    run(&mut discovery, vec![(1, heard(9, 0, 1, announce()))]);
    run(&mut discovery, vec![(2, Input::Connected { peer: peer(9) })]);
    run(&mut discovery, vec![(3, Input::Introduced { peer: peer(1) })]);
    assert!(!wait(&mut discovery, 60 * SECOND).contains(&call(1)));
}

/// The same as `heard`, over connected peers.
fn carried(seed: u8, sequence: u64, signal: Signal) -> Input {
    match heard(seed, 0, sequence, signal) {
        Input::Heard { envelope, .. } => Input::Heard { envelope, path: SignalPath::Peers },
        other => other,
    }
}

#[test]
fn whoever_is_vouched_for_is_not_forgotten_until_nobody_does() {
    let mut discovery = discovery(2);
    let introduced = Input::Introduced { peer: peer(1) };
    run(&mut discovery, vec![(0, introduced), (0, Input::Introduced { peer: peer(2) })]);
    run(&mut discovery, vec![(1, heard(2, 0, 1, announce()))]);
    let lost = |seed| Effect::Lost { peer: peer(seed) };
    let long = wait(&mut discovery, 2_000 * SECOND);
    assert!(!long.contains(&lost(1)) && !long.contains(&lost(2)));
    run(&mut discovery, vec![(2_000 * SECOND, Input::Withdrawn { peer: peer(1) })]);
    assert!(wait(&mut discovery, 2_001 * SECOND).contains(&lost(1)));
}

#[test]
fn hearsay_neither_invents_ourselves_nor_pushes_anybody_out() {
    check(vec![(1, Input::Introduced { peer: PeerId([0; 32]) })], &[]);
    let mut discovery = discovery(1);
    for n in 0..KNOWN_MAX as u64 + 5 {
        let peer = PeerId(peerloom_crypto::sha256(&n.to_be_bytes()));
        run(&mut discovery, vec![(n, Input::Introduced { peer })]);
    }
    assert_eq!(discovery.peers().count(), KNOWN_MAX);
    let effects = run(&mut discovery, vec![(900, heard(1, 0, 1, announce()))]);
    assert!(effects.contains(&Effect::Discovered { peer: peer(1) }), "{effects:?}");
}

#[test]
fn an_attempt_by_id_alone_goes_on_when_the_peer_is_first_heard() {
    let mut discovery = discovery(2);
    run(&mut discovery, vec![(0, Input::Introduced { peer: peer(1) })]);
    let wanted = Input::Connect { id: CommandId(1), peer: peer(1) };
    assert_eq!(run(&mut discovery, vec![(1, wanted)]), [Effect::Dial { peer: peer(1) }]);
    let answer = Signal::RestartWanted { session: SessionId(1) };
    let path = SignalPath::Broadcast;
    let deliver = Effect::Deliver { from: peer(1), signal: answer.clone(), path };
    assert_eq!(run(&mut discovery, vec![(2, heard(1, 3, 1, answer))]), [deliver]);
    let failed = Input::Failed { peer: peer(1), failure: None };
    assert!(run(&mut discovery, vec![(3, failed)]).contains(&Effect::Changed { peer: peer(1) }));
}

#[test]
fn a_call_says_that_we_are_here_once() {
    let said = Effect::Announce { to: Some(peer(1)), answer_wanted: true };
    check(vec![(1, Input::Call { peer: peer(1) })], &[said]);
    check(vec![(1, heard(1, 0, 1, announce())), (2, Input::Call { peer: peer(1) })], &[]);
    check(vec![(1, Input::Stop), (2, Input::Call { peer: peer(1) })], &[]);
}

/// A node with four places that knows five peers.
fn crowded() -> Discovery {
    crowded_of(4)
}

/// A node that knows one peer more than it has places.
fn crowded_of(places: u8) -> Discovery {
    let mut discovery = discovery(usize::from(places));
    for seed in 1..=places + 1 {
        run(&mut discovery, vec![(1, heard(seed, 0, 1, announce()))]);
    }
    assert!(discovery.is_crowd());
    discovery
}

#[test]
fn in_a_crowd_nobody_is_dialled_for_being_there() {
    let mut discovery = crowded();
    run(&mut discovery, vec![(2, Input::Failed { peer: peer(1), failure: None })]);
    let again = run(&mut discovery, vec![(3, heard(6, 0, 1, announce()))]);
    assert!(!again.contains(&Effect::Dial { peer: peer(6) }), "{again:?}");
    assert_eq!(available(&discovery, 3), [peer(1), peer(5), peer(6)]);
    let dial = Effect::Dial { peer: peer(5) };
    assert_eq!(run(&mut discovery, vec![(4, Input::Dial { peer: peer(5) })]), [dial]);
    assert_eq!(available(&discovery, 5), [peer(1), peer(6)]);
}

#[test]
fn in_a_crowd_the_end_of_a_wait_makes_a_peer_available() {
    let mut discovery = crowded();
    run(&mut discovery, vec![(2, Input::Failed { peer: peer(1), failure: failure(peer(1)) })]);
    assert_eq!(available(&discovery, 3), [peer(5)]);
    assert!(wait(&mut discovery, 2_000).contains(&Effect::Available));
    assert_eq!(available(&discovery, 2_000), [peer(1), peer(5)]);
}

#[test]
fn with_few_places_who_was_not_reached_is_chosen_when_it_is_heard_again() {
    let mut discovery = crowded_of(2);
    run(&mut discovery, vec![(2, Input::Failed { peer: peer(1), failure: failure(peer(1)) })]);
    wait(&mut discovery, 2_000);
    assert_eq!(available(&discovery, 2_000), [peer(3)]);
    assert!(!discovery.is_around(at(2_000), peer(1)));
    // Whoever else speaks of it.
    assert_eq!(run(&mut discovery, vec![(2_000, Input::Dial { peer: peer(1) })]), []);
    run(&mut discovery, vec![(2_001, heard(1, 0, 2, announce()))]);
    assert_eq!(available(&discovery, 2_001), [peer(1), peer(3)]);
    assert!(discovery.is_around(at(2_001), peer(1)));
}

#[test]
fn with_few_places_who_has_none_for_us_is_waited_for() {
    let full = failure(peer(1)).map(|it| ConnectFailure { stage: Stage::Admission, ..it });
    for (places, waited_for) in [(2, true), (3, true), (4, false)] {
        let mut discovery = crowded_of(places);
        let refused = Input::Failed { peer: peer(1), failure: full.clone() };
        run(&mut discovery, vec![(2, refused)]);
        assert!(discovery.is_around(at(3), peer(1)));
        assert_eq!(discovery.available(at(3)).contains(&(peer(1), true)), waited_for);
        wait(&mut discovery, 2_000);
        assert!(discovery.available(at(2_000)).contains(&(peer(1), false)));
    }
}

#[test]
fn in_a_crowd_an_announcement_is_answered_once_and_a_call_always() {
    let mut discovery = crowded();
    let answer = Effect::Announce { to: Some(peer(5)), answer_wanted: false };
    let again = run(&mut discovery, vec![(2, heard(5, 0, 2, announce()))]);
    assert_eq!(again, [], "it was answered the first time");
    let (from, run_id) = (peer(5), RunId(0));
    let envelope =
        Envelope { from, run: run_id, sequence: 3, to_everyone: false, signal: announce() };
    let call = Input::Heard { envelope: Box::new(envelope), path: SignalPath::Peers };
    assert_eq!(run(&mut discovery, vec![(3, call)]), [answer]);
}

#[test]
fn in_a_crowd_who_is_called_over_peers_may_be_chosen_for_it() {
    let mut discovery = crowded();
    let call = carried(5, 2, Signal::Announce { answer_wanted: false });
    assert_eq!(run(&mut discovery, vec![(2, call)]), [Effect::Called { peer: peer(5) }]);
}

#[test]
fn of_many_who_hear_an_announcement_some_answer() {
    let mut answers = 0;
    for seed in 0..200 {
        let config = Config { own: PeerId([0; 32]), connections_max: 2 };
        let mut discovery = Discovery::new(config, Random::fork(&[seed; 32], "test"));
        run(&mut discovery, vec![(0, Input::Start)]);
        for seed in 1..=100 {
            run(&mut discovery, vec![(1, heard(seed, 0, 1, announce()))]);
        }
        let effects = run(&mut discovery, vec![(2, heard(101, 0, 1, announce()))]);
        answers += effects.len() - 1;
    }
    assert!((12..48).contains(&answers), "{answers} of 200, each with a chance of 12 in 101");
}

#[test]
fn a_surplus_connection_is_not_made_anew_at_once() {
    let mut discovery = crowded();
    run(&mut discovery, vec![(2, Input::Connected { peer: peer(1) })]);
    let cause = DisconnectCause::Surplus;
    run(&mut discovery, vec![(3, Input::Disconnected { peer: peer(1), cause })]);
    assert!(!available(&discovery, 60_000).contains(&peer(1)));
    assert_eq!(discovery.state(peer(1)), PeerState::Discovered);
    assert_eq!(discovery.last_failure(peer(1)), None);
}

#[test]
fn who_is_silent_for_two_announcements_is_not_chosen() {
    let discovery = crowded();
    assert_eq!(available(&discovery, 60_000), [peer(5)]);
    assert_eq!(available(&discovery, 80_000), []);
}

#[test]
fn a_stranger_that_is_to_be_dialled_is_called_and_not_known() {
    check(vec![(1, Input::Dial { peer: peer(9) })], &[call(9)]);
}

#[test]
fn in_a_crowd_a_wanted_peer_without_a_place_has_time_to_make_one_and_dial_but_not_for_ever() {
    let (id, wanted) = (CommandId(1), peer(6));
    let full = || failure(wanted).map(|it| ConnectFailure { stage: Stage::Admission, ..it });
    let is_done = |effects: &[Effect]| effects.iter().any(|it| matches!(it, Effect::Done { .. }));
    for makes_room in [true, false] {
        let mut discovery = discovery(4);
        for seed in 1..=6 {
            run(&mut discovery, vec![(u64::from(seed), heard(seed, 1, 1, announce()))]);
        }
        run(&mut discovery, vec![(7, Input::Connect { id, peer: wanted })]);
        let refused = Input::Failed { peer: wanted, failure: full() };
        assert!(!is_done(&run(&mut discovery, vec![(50, refused.clone())])));
        if makes_room {
            let dialled = run(&mut discovery, vec![(900, Input::Connected { peer: wanted })]);
            assert_eq!(dialled, [Effect::Done { id, result: Ok(()) }]);
        } else {
            assert!(wait(&mut discovery, 4_000).contains(&Effect::Dial { peer: wanted }));
            assert!(is_done(&run(&mut discovery, vec![(4_100, refused)])));
        }
    }
}

/// A server introduces a peer, which says whether it is connected to nobody.
fn introduced(seed: u8, is_alone: bool) -> Input {
    let signal = Signal::Announce { answer_wanted: is_alone };
    let Input::Heard { envelope, .. } = heard(seed, 0, 1, signal) else { panic!() };
    Input::Heard { envelope, path: SignalPath::Server }
}

/// Whether the peer that is introduced is dialled, and when.
fn dialled_at(own: u8, is_connected: bool, is_alone: bool) -> Option<u64> {
    let mut discovery = discovery_of(peer(own), 8);
    if is_connected {
        run(&mut discovery, vec![(1, heard(9, 0, 1, announce()))]);
        run(&mut discovery, vec![(2, Input::Connected { peer: peer(9) })]);
    }
    let dial = Effect::Dial { peer: peer(5) };
    if run(&mut discovery, vec![(5_000, introduced(5, is_alone))]).contains(&dial) {
        return Some(0);
    }
    (1..4_000).find(|ms| wait(&mut discovery, 5_000 + ms).contains(&dial))
}

#[test]
fn of_two_that_a_server_introduces_one_dials_at_once_and_the_other_if_nothing_comes() {
    for (is_connected, is_alone) in [(false, true), (true, false)] {
        assert_eq!(dialled_at(1, is_connected, is_alone), Some(0));
        assert_eq!(dialled_at(7, is_connected, is_alone), Some(2_000));
    }
    // Who has nobody dials, whatever the ids.
    for own in [1, 7] {
        assert_eq!(dialled_at(own, false, false), Some(0));
        assert_eq!(dialled_at(own, true, true), Some(2_000));
    }
}

#[test]
fn in_a_crowd_whom_a_server_introduces_is_neither_dialled_nor_answered() {
    let mut discovery = discovery(2);
    let effects: Vec<Effect> = (1..9)
        .flat_map(|seed| run(&mut discovery, vec![(5_000, introduced(seed, true))]))
        .filter(|effect| !matches!(effect, Effect::Discovered { .. }))
        .collect();
    assert_eq!(effects, [1, 2].map(|seed| Effect::Dial { peer: peer(seed) }));
}
