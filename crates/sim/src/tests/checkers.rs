//! A check that can't fail is none: each checker is shown something wrong.

use peerloom_core::event::{
    CommandError, DisconnectCause, PeerInfo, PeerState, Reply, SecurityAction, StrikeKind,
};
use peerloom_core::io::CommandId;
use peerloom_core::{Event, Instant};
use peerloom_wire::{ChunkId, PeerId};

use super::calm;
use crate::checkers::Measured;
use crate::convergence::{self, Reach};
use crate::script::Action;
use crate::world::{Faults, World};

/// A calm world some seconds old.
fn world() -> World {
    let mut world = World::new(&calm(4, &[(3_000, Action::Get { tab: 1, content: 0 })]));
    world.run_until(10_000);
    assert_eq!(world.checkers.violations, []);
    world
}

fn violated(world: &World) -> Vec<&'static str> {
    world.checkers.violations.iter().map(|violation| violation.checker).collect()
}

/// Lets tab 0's application hear something that its node did not say.
fn hear(world: &mut World, event: &Event) {
    let World { checkers, schedule, tabs, truth, .. } = world;
    checkers.event(schedule, tabs, truth, 0, event);
}

fn peer(id: PeerId) -> PeerInfo {
    PeerInfo {
        id,
        state: PeerState::Connected,
        stage: None,
        rtt_micros: None,
        rtt_variation_micros: None,
        in_per_second: None,
        out_per_second: None,
        bytes_in: 0,
        bytes_out: 0,
        contents: 0,
        strikes: 0,
        reputation: 500,
        score: 250,
        roles: None,
        capabilities: 0,
        last_failure: None,
        next_try_ms: None,
        connected_at_ms: None,
    }
}

#[test]
fn a_second_answer_is_noticed() {
    let mut world = world();
    let event = Event::Done { id: CommandId(1), result: Ok(Reply::Done) };
    hear(&mut world, &event);
    assert_eq!(violated(&world), ["one answer for each command"]);
}

#[test]
fn an_answer_that_never_comes_is_noticed() {
    let mut world = world();
    world.tabs[0].commands.insert(CommandId(99), crate::tab::Asked::Other);
    assert!(
        convergence::unmet(&world, Reach::Carried)
            .iter()
            .any(|(tab, what)| *tab == 0 && what.contains("99"))
    );
}

#[test]
fn other_bytes_in_the_store_are_noticed() {
    let mut world = world();
    world.checkers.kept(0, 0, ChunkId([1; 32]), Some([2; 32]));
    world.checkers.kept(0, 0, ChunkId([1; 32]), None);
    world.tabs[0].store.put_chunks(&[(ChunkId([3; 32]), 5)]).unwrap();
    world.checkers.stored(0, &world.tabs[0], &world.truth);
    assert_eq!(violated(&world), ["no wrong byte is kept"; 3]);
}

#[test]
fn a_content_that_is_called_complete_and_is_not_whole_is_noticed() {
    let mut world = world();
    let id = world.truth.contents[0].id.unwrap();
    let mut info = world.tabs[0].node.as_ref().unwrap().content(id).unwrap();
    world.tabs[0].store = crate::store::Store::new(u64::MAX);
    info.providers = 0;
    hear(&mut world, &Event::ContentChanged(info));
    assert_eq!(violated(&world), ["what is complete is whole and true"]);
}

#[test]
fn a_store_that_forgets_is_noticed() {
    let mut world = world();
    world.tabs[1].store = crate::store::Store::new(u64::MAX);
    world.act(Action::Reload { tab: 1, ms: 100, politely: false });
    world.run_until(20_000);
    let lost = |(tab, what): &(usize, String)| *tab == 1 && what.contains("has lost");
    assert!(convergence::unmet(&world, Reach::Carried).iter().any(lost));
}

#[test]
fn a_stranger_is_noticed() {
    let mut world = world();
    let (other_app, own) = (world.tabs[3].peer, world.tabs[0].peer);
    for id in [other_app, own, PeerId([9; 32])] {
        hear(&mut world, &Event::PeerDiscovered(peer(id)));
    }
    assert_eq!(violated(&world), ["apps never meet"; 3]);
}

#[test]
fn a_content_of_the_other_app_is_noticed() {
    let mut world = world();
    let id = world.truth.contents[2].id.unwrap();
    let info = world.tabs[3].node.as_ref().unwrap().content(id).unwrap();
    hear(&mut world, &Event::ContentChanged(info));
    assert!(violated(&world).contains(&"apps never meet"));
}

#[test]
fn events_that_do_not_alternate_are_noticed() {
    let mut world = world();
    let friend = world.tabs[1].peer;
    hear(&mut world, &Event::PeerConnected(peer(friend)));
    hear(&mut world, &Event::PeerLost { peer: friend });
    assert_eq!(violated(&world), ["events alternate"; 2]);
}

#[test]
fn a_strike_against_an_honest_peer_is_noticed() {
    let mut world = world();
    let event = Event::Security {
        peer: world.tabs[1].peer,
        kind: StrikeKind::WrongHash,
        action: SecurityAction::Ban,
    };
    hear(&mut world, &event);
    assert_eq!(violated(&world), ["no honest peer is struck"]);
}

#[test]
fn who_is_called_dead_and_is_not_is_noticed() {
    let cause = DisconnectCause::Unresponsive;
    let mut world = world();
    world.run_until(200_000);
    let (by, friend) = (world.tabs[0].seat, world.tabs[1].peer);
    // Whoever slept without a word may be given up, and who closed the connection was not.
    world.tabs[1].asleep_until = Some(world.schedule.now());
    world.judge_death(by, friend, cause);
    world.tabs[1].asleep_until = None;
    world.judge_death(by, friend, DisconnectCause::Closed);
    // A page that said that it freezes may be given up after two minutes, not before.
    let now = world.schedule.now();
    world.tabs[1].frozen_until = Some(now);
    world.tabs[1].froze_at = Some(Instant::ZERO);
    world.run_until(221_000);
    world.judge_death(by, friend, cause);
    assert_eq!(violated(&world), [""; 0]);
    world.tabs[1].froze_at = Some(now);
    world.judge_death(by, friend, cause);
    assert_eq!(violated(&world), ["nobody is called dead wrongly"]);
}

#[test]
fn a_ban_that_does_not_hold_is_noticed() {
    let mut world = world();
    let friend = world.tabs[1].peer;
    world.tabs[0].banned.insert(friend, Instant::from_micros(u64::MAX));
    world.checkers.closed(world.tabs[0].seat);
    hear(&mut world, &Event::PeerConnected(peer(friend)));
    assert_eq!(violated(&world), ["a ban holds"]);
}

#[test]
fn what_is_over_its_bound_is_noticed() {
    let mut world = world();
    let measured =
        Measured { connections_max: 8, ends: 40, expected_bytes: 1 << 30, outputs: 50_000 };
    world.checkers.bounds(0, &world.tabs[0], &measured);
    assert_eq!(violated(&world), ["every bound holds"; 3]);
    // Connections, carriers, and neighbours in rooms.
    world.checkers.look(0, &world.tabs[0], 1);
    assert_eq!(violated(&world).len(), 6);
}

#[test]
fn a_call_that_breaks_the_drivers_contract_is_noticed() {
    let mut world = world();
    let seat = world.tabs[0].seat;
    let end = crate::fabric::End { seat, conn: peerloom_core::io::ConnId(77) };
    let send = peerloom_core::io::LinkCommand::Send { frame: bytes::Bytes::from_static(b"x") };
    world.fabric.execute(&mut world.schedule, end, send);
    world.run_until(11_000);
    assert_eq!(violated(&world), ["a node keeps the driver's contract"]);
}

#[test]
fn a_world_that_does_not_heal_does_not_converge() {
    let mut world = world();
    world.options.heal_at_ms = 10_000;
    world.options.converge_ms = 60_000;
    world.end_faults(Faults::None);
    world.fabric.cut(&mut world.schedule, [0].into());
    world.run_until(60_000);
    let unmet = convergence::unmet(&world, Reach::Carried);
    assert!(unmet.iter().any(|(tab, what)| *tab == 0 && what.contains("tab 1")), "{unmet:?}");
}

#[test]
fn a_world_in_which_something_has_yet_to_be_added_has_not_converged() {
    let mut world = world();
    world.truth.contents[1].id = None;
    let unmet = convergence::unmet(&world, Reach::Carried);
    assert!(unmet.contains(&(0, "has not added content 1".to_owned())), "{unmet:?}");
}

#[test]
fn a_get_that_failed_does_not_count_as_fetched() {
    let mut world = world();
    world.tabs[2].wants.insert(0);
    let unmet = convergence::unmet(&world, Reach::Carried);
    assert!(unmet.iter().any(|(tab, what)| *tab == 2 && what.contains("has not fetched")));
    // And its refusal is an answer like any other.
    world.tabs[0].commands.insert(CommandId(50), crate::tab::Asked::Other);
    let refusal = Event::Done { id: CommandId(50), result: Err(CommandError::NotFound) };
    hear(&mut world, &refusal);
    assert_eq!(violated(&world), [""; 0]);
}

#[test]
fn a_peer_that_never_was_and_is_remembered_is_noticed() {
    let mut world = world();
    world.run_until(40_000);
    let mut bent = world.tabs[0].store.records()["peers"].to_vec();
    bent[9] ^= 1;
    world.tabs[0].store.put_record("peers", bent.into());
    world.run_until(45_000);
    assert_eq!(violated(&world).first(), Some(&"nobody is remembered who never was"));
}
