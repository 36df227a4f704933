//! Tabs that hear nobody, and the rendezvous server that runs in production.

use peerloom_core::event::{ServerFault, ServerState};

use super::scenarios::stat;
use super::{calm, pass};
use crate::checkers;
use crate::options::{Options, ServerLies};
use crate::script::Action;
use crate::world::World;

/// So many tabs that hear nobody and are opened one after the other, and one of the other application.
fn devices(tabs: usize, steps: &[(u64, Action)]) -> Options {
    let mut options = calm(tabs + 1, steps);
    options.has_rendezvous = true;
    options.servers = vec![ServerLies::default()];
    for tab in &mut options.tabs {
        tab.channels.clear();
    }
    for step in &mut options.script {
        if let Action::Open { tab } = step.action {
            step.at_ms = 2_000 * tab as u64;
        }
    }
    options.script.sort_by_key(|step| step.at_ms);
    options.contents.clear();
    options.script.retain(|step| !matches!(step.action, Action::Add { .. }));
    options
}

/// How many of the first so many tabs each of them is connected to.
fn connected(world: &World, tabs: usize) -> Vec<usize> {
    (0..tabs).map(|tab| checkers::connected(&world.tabs[tab]).len()).collect()
}

fn count(world: &World, tab: usize, what: &str) -> u64 {
    let stats = world.tabs[tab].node.as_ref().map(|node| node.stats()).unwrap();
    stats.get(what).copied().unwrap_or(0)
}

fn server_of(world: &World, tab: usize) -> (ServerState, Option<ServerFault>) {
    let servers = world.tabs[tab].node.as_ref().map(|node| node.servers()).unwrap();
    (servers[0].state, servers[0].fault)
}

#[test]
fn two_that_hear_nobody_are_connected_by_a_server_and_nobody_else_is() {
    let mut world = World::new(&devices(2, &[]));
    world.run_until(20_000);
    assert_eq!(connected(&world, 3), [1, 1, 0]);
    assert_eq!((stat(&world, "connect.by_server"), stat(&world, "connect.by_broadcast")), (2, 0));
    // Without a glare: one dialled.
    assert_eq!((stat(&world, "link.attempts"), stat(&world, "link.glares")), (2, 0));
    pass(&mut world);
}

#[test]
fn of_eight_that_hear_nobody_each_needs_the_server_for_three_at_most_and_they_do_the_rest() {
    let mut world = World::new(&devices(8, &[]));
    world.run_until(40_000);
    assert_eq!(connected(&world, 8), [7; 8]);
    let (by_server, by_peers) =
        (stat(&world, "connect.by_server"), stat(&world, "connect.by_peers"));
    // At both ends.
    assert_eq!(by_server + by_peers, 56);
    // And once at most because an offer was repeated, which goes through the server too.
    assert!(by_server <= 2 * (1 + 2 + 5 * 3 + 1), "{by_server}");
    pass(&mut world);
}

#[test]
fn when_the_server_dies_those_who_are_connected_notice_nothing_and_newcomers_find_them_when_it_is_back()
 {
    let stop = Action::StopServer { server: 0, ms: 60_000, is_told: false };
    let mut options = devices(4, &[(30_000, stop)]);
    for step in &mut options.script {
        if step.action == (Action::Open { tab: 3 }) {
            step.at_ms = 40_000;
        }
    }
    let mut world = World::new(&options);
    world.keep_events();
    world.run_until(29_000);
    assert_eq!(connected(&world, 3), [2; 3]);
    world.run_until(85_000);
    assert_eq!(connected(&world, 4), [2, 2, 2, 0]);
    assert_eq!(stat(&world, "link.restarts"), 0);
    let fault = Some(ServerFault::Unreachable);
    assert_eq!(server_of(&world, 0).1, fault);
    assert_eq!(server_of(&world, 3).1, fault);
    // Back at 90 s; whoever waits longest tries again within 40 s.
    world.run_until(140_000);
    assert_eq!(connected(&world, 4), [3; 4]);
    assert!((0..4).all(|tab| server_of(&world, tab) == (ServerState::Joined, None)));
    assert!(world.servers.have(3));
    pass(&mut world);
}

#[test]
fn a_server_that_says_that_it_goes_is_left_and_come_back_to() {
    let stop = Action::StopServer { server: 0, ms: 5_000, is_told: true };
    let mut world = World::new(&devices(3, &[(30_000, stop)]));
    world.run_until(30_500);
    assert_eq!(server_of(&world, 0), (ServerState::Waiting, Some(ServerFault::Moving)));
    world.run_until(50_000);
    assert!((0..3).all(|tab| server_of(&world, tab) == (ServerState::Joined, None)));
    assert_eq!(connected(&world, 3), [2; 3]);
    pass(&mut world);
}

#[test]
fn whoever_comes_back_needs_the_server_for_a_few_only() {
    let reload = (60_000, Action::Reload { tab: 3, ms: 500, politely: true });
    let mut world = World::new(&devices(8, &[reload]));
    world.run_until(59_000);
    assert_eq!(connected(&world, 8), [7; 8]);
    world.run_until(75_000);
    assert_eq!(connected(&world, 8), [7; 8]);
    assert_eq!(count(&world, 3, "connect.by_server") + count(&world, 3, "connect.by_peers"), 7);
    assert!(count(&world, 3, "connect.by_server") <= 3);
    pass(&mut world);
}

#[test]
fn of_two_servers_one_is_enough() {
    let mut options =
        devices(3, &[(0, Action::StopServer { server: 0, ms: 600_000, is_told: false })]);
    options.servers.push(ServerLies::default());
    let mut world = World::new(&options);
    world.run_until(20_000);
    assert_eq!(connected(&world, 3), [2; 3]);
    assert_eq!(server_of(&world, 0), (ServerState::Waiting, Some(ServerFault::Unreachable)));
    pass(&mut world);
}

#[test]
fn a_server_that_lies_connects_nobody_wrongly_and_another_one_makes_up_for_it() {
    let lies = ServerLies {
        dropped_per_mille: 0,
        bent_per_mille: 0,
        doubled_per_mille: 500,
        misnamed_per_mille: 500,
        flood_per_mille: 800,
    };
    let mut options = devices(5, &[]);
    options.servers = vec![lies, ServerLies::default()];
    let mut world = World::new(&options);
    world.run_until(25_000);
    assert_eq!(connected(&world, 6), [4, 4, 4, 4, 4, 0]);
    let flooded = stat(&world, "rendezvous.flooded") + stat(&world, "signal.misnamed");
    assert!(flooded > 300, "{flooded}");
    // Nobody that was made up is known.
    let known = world.tabs[0].node.as_ref().map(|node| node.peers().len());
    assert_eq!(known, Some(4));
    pass(&mut world);
}
