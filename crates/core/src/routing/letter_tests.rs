//! Messages between several nodes, and what their senders are told.

use std::borrow::ToOwned;
use std::collections::BTreeSet;

use peerloom_wire::RunId;
use peerloom_wire::envelope::{Outcome, Signal};
use proptest::prelude::*;

use super::inbox::CORRESPONDENTS_MAX;
use super::net::{Net, ROOM, draft, message, name, opened, pairs, wired};
use super::tests::at;
use super::*;
use crate::event::BadInput;

#[test]
fn a_message_is_delivered_once_and_acknowledged() {
    let mut net = wired(100);
    for (a, b) in pairs(&net, 20) {
        net.messages.clear();
        assert_eq!(net.post(a, b, "hello"), Ok(()));
        assert_eq!(net.messages, [(b, a, Bytes::from_static(b"hello"))]);
    }
}

#[test]
fn while_a_tenth_is_dead_and_nobody_knows_the_others_still_hear_each_other() {
    let mut net = wired(200);
    net.dead = (0..20).map(|n| n * 10).collect();
    for (a, b) in pairs(&net, 60) {
        assert_eq!(net.post(a, b, "hello"), Ok(()), "{a} to {b}");
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
        assert_eq!(net.post(0, 3, "hello"), Ok(()));
        net.kill(dies);
        assert_eq!(net.post(0, 3, "again"), Ok(()));
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
fn a_message_tells_its_room_its_time_and_how_often_it_was_handed_on() {
    let edges: Vec<_> = (1..5).map(|n| (n - 1, n)).collect();
    let mut net = Net::new(5, &edges);
    assert_eq!(net.post(0, 4, "hello"), Ok(()));
    assert_eq!(net.post(3, 4, "near"), Ok(()));
    let told = net.deliveries.iter().map(|told| (told.room, told.sent_ms, told.hops));
    assert_eq!(told.collect::<Vec<_>>(), [(ROOM, 5, 4), (ROOM, 5, 1)]);
}

#[test]
fn whose_application_does_not_take_it_says_so_also_when_it_is_asked_again() {
    let mut net = Net::new(3, &[(0, 1), (1, 2)]);
    net.absent.insert(2);
    let absent = Err(CommandError::Undelivered(Undelivered::Absent));
    assert_eq!(net.post(0, 2, "hello"), absent);
    // Its word is that it was not taken, though it would be now.
    net.absent.clear();
    net.now_ms += 2_000;
    net.input(2, opened(0, 1, "hello"));
    let mut sealed = net.frames.iter().filter_map(|(.., message)| match message {
        Message::Carry(carry) => Some(carry.envelope.clone()),
        _ => None,
    });
    let (_, _, _, signal, _): (usize, u64, PeerId, Signal, u64) =
        postcard::from_bytes(&sealed.next_back().unwrap()).unwrap();
    assert_eq!(signal, Signal::Receipt { number: 1, to_run: RunId(1), outcome: Outcome::Absent });
    assert_eq!(net.messages.len(), 1);
    assert_eq!(net.post(0, 2, "again"), Ok(()));
}

#[test]
fn what_the_application_never_answers_for_is_not_acknowledged() {
    let mut net = Net::new(2, &[(0, 1)]);
    net.silent.insert(1);
    let unanswered = Err(CommandError::Undelivered(Undelivered::Unanswered));
    assert_eq!(net.post(0, 1, "hello"), unanswered);
    assert_eq!(net.messages.len(), 1);
    // An answer for what was never asked changes nothing.
    for number in [1, 2] {
        let letter = LetterId { from: name(0), run: RunId(9), number };
        net.input(1, Input::Taken { letter, is_taken: true });
    }
    assert_eq!(net.frames.len(), 0);
}

#[test]
fn the_same_number_is_one_message_to_each_of_several() {
    let mut net = Net::new(3, &[(0, 1), (0, 2)]);
    for (id, target) in [(1, 1), (2, 2)] {
        let (id, target) = (CommandId(id), name(target));
        net.input(0, Input::Post { id, target, run: None, draft: draft(7, "to both") });
    }
    net.commands = 2;
    net.run();
    let posted = Ok(Reply::Posted("7".to_owned()));
    assert_eq!(net.answers, [(1, posted.clone()), (2, posted)].into());
    assert_eq!(net.messages.len(), 2);
}

#[test]
fn names_of_messages_differ_by_sender_run_and_number() {
    let letter = |from, run, number| LetterId { from: name(from), run: RunId(run), number };
    let names = [letter(1, 1, 1), letter(2, 1, 1), letter(1, 2, 1), letter(1, 1, 2)].map(name_of);
    assert!(names.iter().all(|name| name.len() == 32));
    assert_eq!(BTreeSet::from(names).len(), 4);
}

#[test]
fn it_is_tried_for_twenty_seconds_and_at_once_when_its_receiver_is_back() {
    let mut net = Net::new(3, &[(0, 1), (1, 2)]);
    assert_eq!(net.post(0, 1, "hello"), Ok(()));
    net.now_ms = 0;
    net.input(0, Input::Reachable { peer: name(1), reachable: false });
    let unreachable = Err(CommandError::Undelivered(Undelivered::NoRoute));
    assert_eq!(net.post(0, 1, "gone"), unreachable);
    assert_eq!((net.now_ms, net.messages.len()), (20_000, 1));
    let draft = draft(9, "back");
    net.input(0, Input::Post { id: CommandId(9), target: name(1), run: None, draft });
    net.now_ms += 100;
    net.input(0, Input::Reachable { peer: name(1), reachable: true });
    assert_eq!(net.frames.len(), 1);
    net.commands += 1;
    net.run();
    assert!(net.answers[&9].is_ok());
}

#[test]
fn a_node_that_stops_answers_all_that_wait() {
    let mut net = Net::new(2, &[(0, 1)]);
    net.dead.insert(1);
    let draft = draft(1, "hello");
    net.input(0, Input::Post { id: CommandId(1), target: name(1), run: None, draft });
    net.input(0, Input::Stop);
    assert_eq!(net.answers[&1], Err(CommandError::Closed));
}

#[test]
fn a_peer_that_was_opened_anew_gets_what_is_said_to_it_and_nothing_again() {
    let mut net = Net::new(3, &[(0, 1), (1, 2)]);
    assert_eq!(net.post(0, 2, "first"), Ok(()));
    // Recorded by a carrier: what was for the first run, and what was for any.
    let old = |to_run| {
        let signal = message(1, to_run, "first");
        postcard::to_allocvec(&(0usize, 1u64, name(2), signal, 0u64)).unwrap()
    };
    net.nodes[2] = Routing::new(Config { own: name(2) });
    net.runs[2] = 2;
    net.input(2, Input::Up { peer: name(1) });
    net.messages.clear();
    net.open(2, &old(None), 2);
    net.open(2, &old(Some(RunId(1))), 2);
    net.run();
    assert_eq!(net.messages, []);
    assert_eq!(net.post(0, 2, "second"), Ok(()));
    assert_eq!(net.messages, [(2, 0, Bytes::from_static(b"second"))]);
}

#[test]
fn what_comes_again_is_acknowledged_and_not_delivered_again() {
    let mut net = Net::new(2, &[(0, 1)]);
    for at_ms in [0, 10, 2_000] {
        net.now_ms = at_ms;
        net.input(1, opened(0, 7, "hello"));
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
    let (id, target, draft) = (CommandId(1), name(1), draft(1, "hello"));
    net.input(0, Input::Post { id, target, run: None, draft });
    let receipt = |to_run| {
        let outcome = Outcome::Delivered;
        let signal = Signal::Receipt { number: 1, to_run: RunId(to_run), outcome };
        postcard::to_allocvec(&(1usize, 1u64, name(0), signal, 0u64)).unwrap()
    };
    net.open(0, &receipt(1), 1);
    assert!(!net.answers.contains_key(&1));
    net.open(0, &receipt(2), 1);
    assert!(net.answers[&1].is_ok());
}

#[test]
fn who_is_remembered_of_correspondents_is_bounded() {
    let mut net = Net::new(1, &[]);
    for n in 0..u64::try_from(CORRESPONDENTS_MAX).unwrap() + 10 {
        net.now_ms = n;
        for number in 1..100 {
            let said = opened(usize::try_from(n).unwrap() + 1, number, "");
            net.nodes[0].handle(at(n), said, &mut Vec::new());
        }
    }
    assert_eq!(net.nodes[0].correspondents.len(), CORRESPONDENTS_MAX);
}

proptest! {
    /// However they come, in any order and again and again: the application hears each once, and a
    /// sender is told of none that it has it unless it has.
    #[test]
    fn no_message_is_delivered_twice_or_acknowledged_undelivered(
        numbers in prop::collection::vec(1u64..700, 1..900),
        absent: bool,
    ) {
        let mut net = Net::new(2, &[(0, 1)]);
        if absent {
            net.absent.insert(1);
        }
        for number in numbers {
            net.now_ms += 300;
            net.input(1, opened(0, number, "hello"));
        }
        let got: Vec<u64> = net.deliveries.iter().map(|told| told.letter.number).collect();
        let once: BTreeSet<u64> = got.iter().copied().collect();
        prop_assert_eq!(got.len(), once.len());
        let expected = if absent { Outcome::Absent } else { Outcome::Delivered };
        for (.., message) in &net.frames {
            let Message::Carry(carry) = message else { continue };
            let (_, _, _, signal, _): (usize, u64, PeerId, Signal, u64) =
                postcard::from_bytes(&carry.envelope).unwrap();
            let Signal::Receipt { number, outcome, .. } = signal else { continue };
            prop_assert!(once.contains(&number) && outcome == expected);
        }
    }
}
