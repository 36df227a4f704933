//! Tabs that hear nobody, and a server that makes first contacts.

use super::scenarios::stat;
use super::{calm, pass};
use crate::checkers;
use crate::options::Options;
use crate::script::Action;
use crate::world::World;

/// So many tabs that hear nobody and are opened one after the other, and one of the other application.
fn devices(tabs: usize, steps: &[(u64, Action)]) -> Options {
    let mut options = calm(tabs + 1, steps);
    options.has_rendezvous = true;
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

#[test]
fn of_three_that_hear_nobody_a_server_connects_each_to_one_and_they_do_the_rest() {
    let mut world = World::new(&devices(3, &[]));
    world.run_until(20_000);
    assert!((0..3).all(|tab| checkers::connected(&world.tabs[tab]).len() == 2));
    // At both ends.
    assert_eq!((stat(&world, "connect.by_broadcast"), stat(&world, "connect.by_peers")), (4, 2));
    pass(&mut world);
}

#[test]
fn whoever_comes_back_needs_the_server_once() {
    let reload = (60_000, Action::Reload { tab: 3, ms: 500, politely: true });
    let mut world = World::new(&devices(8, &[reload]));
    world.run_until(59_000);
    assert!((0..8).all(|tab| checkers::connected(&world.tabs[tab]).len() == 7));
    let before = stat(&world, "connect.by_broadcast");
    world.run_until(75_000);
    assert!((0..8).all(|tab| checkers::connected(&world.tabs[tab]).len() == 7));
    let node = |tab: usize| world.tabs[tab].node.as_ref().map(|node| node.stats());
    let count = |what: &str| node(3).and_then(|stats| stats.get(what).copied());
    assert_eq!((count("connect.by_broadcast"), count("connect.by_peers")), (Some(1), Some(6)));
    assert!(before > 0);
    pass(&mut world);
}
