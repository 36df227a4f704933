//! Tabs that share no signalling channel meet over tabs that do.

use peerloom_core::Event;
use peerloom_core::event::{CommandError, Stage};

use super::scenarios::{heard, stat};
use super::{calm, pass};
use crate::options::{Hostility, Options};
use crate::script::Action;
use crate::world::World;

const CONNECT_AT_MS: u64 = 5_000;

/// Tabs that join these channels, and the one of the other application. Tab 0 asks for `to`.
fn channels(channels: &[&[usize]], to: usize, steps: &[(u64, Action)]) -> Options {
    let connect = (CONNECT_AT_MS, Action::Connect { tab: 0, to });
    let mut options = calm(channels.len() + 1, &[&[connect], steps].concat());
    for (tab, channels) in options.tabs.iter_mut().zip(channels) {
        tab.channels = channels.to_vec();
    }
    options
}

/// When tab 0 was connected to `to`, if it was.
fn is_connected(world: &World, tab: usize, to: usize) -> bool {
    let peer = world.tabs[to].peer;
    heard(world, tab).any(|event| matches!(event, Event::PeerConnected(info) if info.id == peer))
}

/// What failed commands of tab 0 said.
fn failures(world: &World) -> Vec<CommandError> {
    let answers = heard(world, 0).filter_map(|event| match event {
        Event::Done { result: Err(error), .. } => Some(error.clone()),
        _ => None,
    });
    answers.collect()
}

const BRIDGE: [&[usize]; 3] = [&[0], &[0, 1], &[1]];

#[test]
fn two_that_share_nothing_but_a_connected_peer_connect_and_then_need_it_no_more() {
    let leaves = (15_000, Action::Kill { tab: 1, for_good: true });
    let gets = (20_000, Action::Get { tab: 2, content: 0 });
    let mut world = World::new(&channels(&BRIDGE, 2, &[leaves, gets]));
    world.keep_events();
    world.run_until(14_000);
    assert!(is_connected(&world, 0, 2) && is_connected(&world, 2, 0));
    assert_eq!((stat(&world, "connect.by_peers"), stat(&world, "connect.by_broadcast")), (2, 4));
    assert!(stat(&world, "routing.carried") > 0);
    pass(&mut world);
    assert_eq!(failures(&world), []);
    assert!(world.is_complete(2, world.truth.contents[0].id.unwrap()));
}

#[test]
fn along_a_line_of_six_the_first_reaches_the_last() {
    let line: [&[usize]; 6] = [&[0], &[0, 1], &[1, 2], &[2, 3], &[3, 4], &[4]];
    let mut world = World::new(&channels(&line, 5, &[]));
    pass(&mut world);
    assert!(is_connected(&world, 0, 5) && is_connected(&world, 5, 0));
    assert_eq!(failures(&world), []);
}

#[test]
fn around_six_with_two_places_a_message_gets_to_the_other_side_and_no_connection_is_made() {
    // A line, whose ends have a place left and may have closed it to a ring by then.
    let line: [&[usize]; 6] = [&[0], &[0, 1], &[1, 2], &[2, 3], &[3, 4], &[4]];
    let said = (15_000, Action::Send { tab: 0, to: 3, bytes: 100 });
    let mut options = channels(&line, 1, &[said]);
    options.max_connections = 2;
    let mut world = World::new(&options);
    world.keep_events();
    world.run_until(20_000);
    let sender = world.tabs[0].peer;
    let got = heard(&world, 3).filter_map(|event| match event {
        Event::Message(message) => Some((message.from, message.data.len(), message.hops)),
        _ => None,
    });
    assert_eq!(got.collect::<Vec<_>>(), [(sender, 100, 3)]);
    assert_eq!(stat(&world, "routing.messages_delivered"), 1);
    assert!(!is_connected(&world, 0, 3));
    assert_eq!(failures(&world), []);
    pass(&mut world);
}

#[test]
fn a_message_arrives_once_whenever_one_on_its_way_dies() {
    // Six in a ring with two places each; opposite is three hops away, either way round.
    let ring: [&[usize]; 6] = [&[0, 5], &[0, 1], &[1, 2], &[2, 3], &[3, 4], &[4, 5]];
    for after_ms in [0, 20, 40, 60, 100, 200] {
        let said = (20_000, Action::Send { tab: 0, to: 3, bytes: 100 });
        let dies = |tab| (20_000 + after_ms, Action::Kill { tab, for_good: true });
        let mut options = channels(&ring, 1, &[said, dies(1), dies(2)]);
        options.max_connections = 2;
        let mut world = World::new(&options);
        world.keep_events();
        world.run_until(45_000);
        let got = heard(&world, 3).filter(|event| matches!(event, Event::Message(_)));
        assert_eq!(got.count(), 1, "{after_ms}");
        assert_eq!(stat(&world, "routing.messages_delivered"), 1, "{after_ms}");
        pass(&mut world);
    }
}

#[test]
fn whoever_nobody_knows_a_way_to_is_unreachable_for_that_reason() {
    let mut world = World::new(&channels(&[&[0], &[0], &[1]], 2, &[]));
    pass(&mut world);
    let [CommandError::Unreachable(failure)] = &failures(&world)[..] else {
        panic!("{:?}", failures(&world))
    };
    assert_eq!(failure.stage, Stage::Signalling);
    assert!(failure.reason.contains("no connected peer knows a way"), "{}", failure.reason);
}

#[test]
fn a_bridge_that_dies_in_between_is_an_answer_too_and_the_next_one_serves() {
    let dies = (CONNECT_AT_MS + 2, Action::Kill { tab: 1, for_good: false });
    let again = (40_000, Action::Connect { tab: 0, to: 2 });
    let mut options = channels(&BRIDGE, 2, &[dies, again]);
    options.heal_at_ms = 30_000;
    let mut world = World::new(&options);
    pass(&mut world);
    assert!(is_connected(&world, 0, 2));
}

/// Tab 2 of the diamond 0 – {1, 2} – 3 carries badly.
fn bad_carrier(seed: u64, hostility: Hostility) -> World {
    let diamond: [&[usize]; 4] = [&[0], &[0, 1], &[0, 1], &[1]];
    let mut options = channels(&diamond, 3, &[]);
    options.seed = seed;
    options.tabs[2].hostility = Some(hostility);
    options.heal_at_ms = 40_000;
    let mut world = World::new(&options);
    world.keep_events();
    world.run_until(CONNECT_AT_MS + 15_000);
    assert!(is_connected(&world, 0, 3) && is_connected(&world, 3, 0), "seed {seed}");
    pass(&mut world);
    world
}

#[test]
fn a_carrier_that_drops_everything_is_gone_round() {
    for seed in 0..8 {
        let liar = Hostility { carried_dropped_per_mille: 1000, ..Default::default() };
        bad_carrier(seed, liar);
    }
}

#[test]
fn a_carrier_that_says_everything_twice_and_to_everybody_harms_nobody() {
    for seed in 0..8 {
        let liar = Hostility {
            carried_doubled_per_mille: 1000,
            carried_looped_per_mille: 1000,
            ..Default::default()
        };
        bad_carrier(seed, liar);
    }
}

#[test]
fn tabs_that_hear_each_other_carry_nothing() {
    let mut world = World::new(&calm(5, &[]));
    pass(&mut world);
    assert_eq!(stat(&world, "routing.sent"), 0);
    assert_eq!(stat(&world, "connect.by_peers"), 0);
}
