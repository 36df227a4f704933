//! Messages on the connection between their sender and their receiver.

use std::time::Duration;

use peerloom_wire::RunId;
use peerloom_wire::envelope::Outcome;

use super::direct::UNANSWERED_MAX;
use super::message::{Direct, Receipt};
use super::net::{Net, ROOM, draft, name};
use super::tests::at;
use super::*;

fn direct(number: u64, bytes: usize) -> Message {
    let payload = vec![0; bytes].into();
    Message::Direct(Box::new(Direct { run: RunId(1), number, sent_ms: 5, room: ROOM, payload }))
}

/// The first of them sends so many messages to the second.
fn posted(net: &mut Net, count: u64) {
    for number in 1..=count {
        let (id, target, run) = (CommandId(number), name(1), Some(RunId(1)));
        net.input(0, Input::Post { id, target, run, draft: draft(number, "hello") });
    }
    net.commands = count;
}

fn hear(net: &mut Net, node: usize, from: usize, message: Message) {
    net.input(node, Input::Message { from: name(from), message, unwanted: false });
}

fn counted(net: &Net, node: usize, what: &str) -> u64 {
    net.nodes[node].counters().get(what).copied().unwrap_or(0)
}

fn receipts(net: &Net) -> usize {
    net.frames.iter().filter(|(.., message)| matches!(message, Message::Receipt(_))).count()
}

#[test]
fn connected_peers_exchange_messages_without_envelopes_and_as_many_as_they_answer() {
    let mut net = Net::new(2, &[(0, 1)]);
    posted(&mut net, 60);
    net.run();
    assert_eq!((net.messages.len(), net.carried), (60, 0));
    assert!(net.answers.values().all(Result::is_ok));
    // One way and back.
    assert_eq!(net.now_ms, 20);
}

#[test]
fn what_was_on_a_connection_that_ended_goes_another_way_and_comes_once() {
    for is_heard in [false, true] {
        let mut net = Net::new(3, &[(0, 1), (0, 2), (1, 2)]);
        posted(&mut net, 20);
        let (before, after) = if is_heard { (20, 0) } else { (0, 20) };
        for (.., from, to, message) in core::mem::take(&mut net.frames) {
            if is_heard {
                hear(&mut net, to, from, message);
            }
        }
        // The receipts are lost with it.
        net.frames.clear();
        assert_eq!(net.messages.len(), before);
        for (own, other) in [(0, 1), (1, 0)] {
            net.input(own, Input::Down { peer: name(other) });
        }
        net.run();
        assert_eq!(net.messages.len(), before + after);
        assert!(net.answers.values().all(Result::is_ok), "{:?}", net.answers);
    }
}

#[test]
fn what_carriers_would_refuse_waits_and_none_is_refused() {
    let mut net = Net::new(3, &[(0, 2), (1, 2)]);
    posted(&mut net, 200);
    net.run();
    assert_eq!(net.messages.len(), 200);
    assert!(net.answers.values().all(Result::is_ok));
    let refused: u64 = (0..3).map(|node| counted(&net, node, "routing.rate_limited")).sum();
    assert_eq!(refused, 0);
    // 128 at once, 16 a second.
    assert!((4_400..4_600).contains(&net.now_ms), "{}", net.now_ms);
}

#[test]
fn what_waits_for_carriers_goes_at_once_when_its_receiver_is_connected() {
    let mut net = Net::new(3, &[(0, 2), (1, 2)]);
    posted(&mut net, 300);
    for (own, other) in [(0, 1), (1, 0)] {
        net.input(own, Input::Up { peer: name(other) });
    }
    net.run();
    assert!(net.answers.values().all(Result::is_ok));
    assert_eq!(net.messages.len(), 300);
    assert!(net.now_ms < 5_000, "{}", net.now_ms);
}

#[test]
fn messages_beyond_what_is_kept_are_refused() {
    let mut net = Net::new(1, &[]);
    posted(&mut net, 1025);
    assert_eq!(net.answers.len(), 1);
    assert_eq!(net.answers[&1025], Err(CommandError::RateLimited));
    let large = "x".repeat(MESSAGE_BYTES_MAX);
    let mut net = Net::new(1, &[]);
    for number in 1..=263 {
        let (id, target) = (CommandId(number), name(1));
        net.input(0, Input::Post { id, target, run: None, draft: draft(number, &large) });
    }
    assert_eq!(net.answers.keys().copied().collect::<Vec<_>>(), [263]);
}

#[test]
fn who_sends_faster_than_its_rate_waits_for_receipts() {
    let mut net = Net::new(2, &[(0, 1)]);
    let count = 2 * (4 << 20) / MESSAGE_BYTES_MAX as u64;
    for number in 1..=count {
        hear(&mut net, 1, 0, direct(number, MESSAGE_BYTES_MAX));
        if let Some(due) = net.nodes[1].poll_timeout() {
            net.now_ms = due.as_micros().div_ceil(1000);
            let mut out = Vec::new();
            net.nodes[1].handle_timeout(at(net.now_ms), &mut out);
            assert_eq!(out.len(), 1);
        }
    }
    assert_eq!(net.messages.len(), usize::try_from(count).unwrap());
    // 8 MB, of which 2 at once, and 4 a second.
    assert!((1_400..1_600).contains(&net.now_ms), "{}", net.now_ms);
}

#[test]
fn who_waits_for_no_receipts_is_heard_no_more_than_its_rate() {
    let mut net = Net::new(2, &[(0, 1)]);
    for number in 1..=1_000 {
        hear(&mut net, 1, 0, direct(number, MESSAGE_BYTES_MAX));
    }
    assert_eq!(net.messages.len(), receipts(&net) + UNANSWERED_MAX);
    assert!((190..200).contains(&net.messages.len()), "{}", net.messages.len());
    assert_eq!(counted(&net, 1, "routing.messages_refused") + net.messages.len() as u64, 1_000);
}

#[test]
fn an_application_that_says_nothing_is_asked_no_more_than_is_answered() {
    let mut net = Net::new(2, &[(0, 1)]);
    net.silent.insert(1);
    for number in 1..=200 {
        hear(&mut net, 1, 0, direct(number, 10));
    }
    assert_eq!((net.messages.len(), receipts(&net)), (UNANSWERED_MAX, 0));
    let letter = net.deliveries[0].letter;
    net.input(1, Input::Taken { letter, is_taken: true });
    hear(&mut net, 1, 0, direct(201, 10));
    assert_eq!((net.messages.len(), receipts(&net)), (UNANSWERED_MAX + 1, 1));
}

#[test]
fn a_receipt_on_the_connection_is_for_the_run_that_sent_the_message() {
    let mut net = Net::new(2, &[(0, 1)]);
    posted(&mut net, 1);
    let receipt = |to_run| {
        let outcome = Outcome::Delivered;
        Message::Receipt(Receipt { to_run: RunId(to_run), number: 1, outcome })
    };
    hear(&mut net, 0, 1, receipt(2));
    assert!(!net.answers.contains_key(&1));
    hear(&mut net, 0, 1, receipt(1));
    assert!(net.answers[&1].is_ok());
    hear(&mut net, 0, 1, receipt(1));
    assert_eq!(counted(&net, 0, "routing.receipts_outdated"), 2);
}

#[test]
fn a_message_over_its_bound_is_a_strike() {
    let mut node = Routing::new(Config { own: name(0) });
    let mut out = Vec::new();
    let from = name(1);
    node.handle(at(0), Input::Up { peer: from }, &mut out);
    let message = direct(1, MESSAGE_BYTES_MAX + 1);
    node.handle(at(0), Input::Message { from, message, unwanted: false }, &mut out);
    assert_eq!(out, [Effect::Strike { peer: from, kind: StrikeKind::Oversized }]);
}

#[test]
fn while_a_connection_lasts_nothing_is_sent_on_it_twice() {
    let mut net = Net::new(2, &[(0, 1)]);
    net.silent.insert(1);
    posted(&mut net, 1);
    net.run();
    let unanswered = Err(CommandError::Undelivered(Undelivered::Unanswered));
    assert_eq!(net.answers[&1], unanswered);
    assert_eq!(net.messages.len(), 1);
    assert_eq!(counted(&net, 1, "routing.messages_again"), 0);
    assert_eq!(at(net.now_ms).mono, at(0).mono + Duration::from_secs(20));
}
