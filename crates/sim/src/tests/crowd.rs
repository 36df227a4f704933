//! More tabs than places: some are connected, and all are one graph.

use peerloom_core::Event;
use peerloom_core::event::DisconnectCause;

use super::scenarios::{heard, stat};
use super::{calm, pass};
use crate::checkers;
use crate::convergence::View;
use crate::options::Options;
use crate::script::Action;
use crate::world::World;

/// So many tabs of one origin with so many places each, and one of the other application.
fn crowd(tabs: usize, places: u16, steps: &[(u64, Action)]) -> Options {
    let mut options = calm(tabs + 1, steps);
    options.max_connections = places;
    options
}

/// How many graphs the open tabs are that have less than `tabs` before them.
fn components(world: &World, tabs: usize) -> usize {
    let view = View::new(world);
    let open = (0..tabs).filter(|tab| world.tabs[*tab].is_open());
    let mut components: Vec<usize> = open.map(|tab| view.component(tab)).collect();
    components.sort_unstable();
    components.dedup();
    components.len()
}

fn connections(world: &World, tab: usize) -> usize {
    checkers::connected(&world.tabs[tab]).len()
}

#[test]
fn nine_are_connected_each_to_each_and_nobody_is_let_go() {
    let mut world = World::new(&crowd(9, 8, &[]));
    pass(&mut world);
    assert!((0..9).all(|tab| connections(&world, tab) == 8));
    assert_eq!(stat(&world, "topology.surplus_closed"), 0);
    assert_eq!(stat(&world, "topology.walks_started"), 0);
}

#[test]
fn a_tenth_gets_a_place_though_all_nine_are_full() {
    let mut options = crowd(10, 8, &[]);
    for step in &mut options.script {
        if step.action == (Action::Open { tab: 9 }) {
            step.at_ms = 15_000;
        }
    }
    options.script.sort_by_key(|step| step.at_ms);
    let mut world = World::new(&options);
    world.keep_events();
    world.run_until(14_000);
    assert!((0..9).all(|tab| connections(&world, tab) == 8));
    world.run_until(20_000);
    assert!(connections(&world, 9) >= 6, "{}", connections(&world, 9));
    let surplus = |event: &Event| {
        matches!(event, Event::PeerDisconnected { cause: DisconnectCause::Surplus, .. })
    };
    assert!((0..9).flat_map(|tab| heard(&world, tab)).any(surplus));
    pass(&mut world);
}

#[test]
fn twelve_with_four_places_are_one_and_those_who_are_left_of_them_too() {
    for seed in 0..20 {
        let kill = |tab| (60_000, Action::Kill { tab, for_good: true });
        let mut options = crowd(12, 4, &[1, 3, 5, 7, 9, 11].map(kill));
        options.seed = seed;
        options.contents.clear();
        options.script.retain(|step| !matches!(step.action, Action::Add { .. }));
        let mut world = World::new(&options);
        world.run_until(5_000);
        assert_eq!(components(&world, 12), 1, "seed {seed}");
        world.run_until(30_000);
        assert!((0..12).all(|tab| connections(&world, tab) >= 2), "seed {seed}");
        // After half a minute mostly; 75 s at worst of sixty worlds: for so long those who left are tried.
        world.run_until(150_000);
        assert_eq!(components(&world, 12), 1, "seed {seed}");
        pass(&mut world);
    }
}

#[test]
fn of_a_hundred_that_hear_each_other_all_are_one_in_seconds_and_then_they_are_quiet() {
    let mut options = crowd(100, 8, &[]);
    options.contents.clear();
    options.script.retain(|step| !matches!(step.action, Action::Add { .. }));
    let mut world = World::new(&options);
    world.run_until(10_000);
    assert_eq!(components(&world, 100), 1);
    let least = (0..100).map(|tab| connections(&world, tab)).min();
    assert!(least >= Some(5), "{least:?}");
    world.run_until(90_000);
    let before = ["link.attempts", "topology.surplus_closed"].map(|what| stat(&world, what));
    world.run_until(150_000);
    let after = ["link.attempts", "topology.surplus_closed"].map(|what| stat(&world, what));
    // 3 to 31 in nine such worlds: at the beginning each tab makes more than that by itself.
    assert!(after[0] - before[0] < 50, "{before:?} {after:?}");
    assert!(world.checkers.violations.is_empty());
}

#[test]
fn a_connection_that_carries_a_content_is_not_let_go() {
    let mut options = crowd(12, 4, &[(6_000, Action::Get { tab: 1, content: 0 })]);
    options.max_connections = 4;
    // A minute for a content of 12 chunks.
    options.links.bandwidth_min = 50_000;
    options.links.bandwidth_max = 50_000;
    options.heal_at_ms = 100_000;
    let mut world = World::new(&options);
    world.keep_events();
    // Whoever is full lets somebody go for those who come.
    world.run_until(60_000);
    let (one, author) = (world.tabs[1].peer, world.tabs[0].peer);
    for (tab, other) in [(1, author), (0, one)] {
        let ended = |event: &Event| {
            matches!(event, Event::PeerDisconnected { peer, cause: DisconnectCause::Surplus }
                if peer.id == other)
        };
        let bytes = |event: &Event| matches!(event, Event::Progress { .. });
        if heard(&world, 1).any(bytes) {
            assert!(!heard(&world, tab).any(ended), "tab {tab}");
        }
    }
}

/// Two triangles of three and the like: with two places only a ring is one graph, so full groups have to open.
#[test]
fn with_two_or_three_places_six_and_twelve_are_one_and_then_they_are_quiet() {
    for (tabs, places) in [(6, 2), (12, 2), (6, 3), (7, 3), (12, 3)] {
        for seed in 0..20 {
            let which = format!("{tabs} tabs, {places} places, seed {seed}");
            let kill = |tab| (60_000, Action::Kill { tab, for_good: true });
            let mut options = crowd(tabs, places, &[0, 3].map(kill));
            options.seed = seed;
            options.contents.clear();
            options.script.retain(|step| !matches!(step.action, Action::Add { .. }));
            let mut world = World::new(&options);
            // 5 s mostly, 25 s at worst of sixty worlds.
            world.run_until(40_000);
            assert_eq!(components(&world, tabs), 1, "{which}");
            let has_two = |world: &World| {
                let mut open = (0..tabs).filter(|tab| world.tabs[*tab].is_open());
                open.all(|tab| connections(world, tab) >= 2)
            };
            assert!(has_two(&world), "{which}");
            let before = stat(&world, "topology.surplus_closed");
            world.run_until(59_000);
            assert_eq!(stat(&world, "topology.surplus_closed"), before, "{which}");
            // Those who left are tried for 75 s.
            world.run_until(160_000);
            assert_eq!(components(&world, tabs), 1, "{which}");
            assert!(has_two(&world), "{which}");
            pass(&mut world);
        }
    }
}
