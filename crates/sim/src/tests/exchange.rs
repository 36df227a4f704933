//! Peers tell each other of peers, and remember them.

use peerloom_core::Event;
use peerloom_core::event::{SecurityAction, StrikeKind};

use super::scenarios::{heard, stat};
use super::{calm, pass};
use crate::dice::Span;
use crate::options::Hostility;
use crate::script::Action;
use crate::world::World;

#[test]
fn everybody_has_the_records_of_everybody_and_each_was_checked_once() {
    let mut world = World::new(&calm(6, &[]));
    // Before anybody says something new of itself.
    world.run_until(9_000);
    for tab in &world.tabs[..5] {
        let stats = tab.node.as_ref().unwrap().stats();
        assert_eq!(stats.get("pex.known").copied().unwrap_or(0), 4);
        assert_eq!(stats.get("pex.records_verified").copied().unwrap_or(0), 4);
        assert_eq!(stats.get("registry.peers").copied().unwrap_or(0), 4);
    }
    pass(&mut world);
    assert_eq!(stat(&world, "pex.messages_refused"), 0);
    assert_eq!(stat(&world, "gossip.messages_refused"), 0);
}

#[test]
fn two_that_share_no_channel_learn_of_each_other_from_a_third_and_connect() {
    let mut options = calm(4, &[]);
    for (tab, channels) in options.tabs.iter_mut().zip([vec![0], vec![0, 1], vec![1]]) {
        tab.channels = channels;
    }
    let mut world = World::new(&options);
    world.keep_events();
    world.run_until(5_000);
    // Nobody asked for it.
    for (tab, to) in [(0, 2), (2, 0)] {
        let to = world.tabs[to].peer;
        let is = |event: &Event| matches!(event, Event::PeerConnected(info) if info.id == to);
        assert!(heard(&world, tab).any(is), "tab {tab}");
    }
    assert_eq!(stat(&world, "connect.by_peers"), 2);
    pass(&mut world);
}

#[test]
fn along_a_line_of_six_everybody_finds_everybody() {
    let line = [vec![0], vec![0, 1], vec![1, 2], vec![2, 3], vec![3, 4], vec![4]];
    let mut options = calm(7, &[]);
    for (tab, channels) in options.tabs.iter_mut().zip(line) {
        tab.channels = channels;
    }
    let mut world = World::new(&options);
    pass(&mut world);
    for tab in &world.tabs[..6] {
        assert_eq!(tab.node.as_ref().unwrap().status().peers_connected, 5);
    }
}

#[test]
fn whom_a_tab_met_it_calls_after_a_reload() {
    let reload = Action::Reload { tab: 1, ms: 500, politely: true };
    let mut options = calm(4, &[(45_000, reload)]);
    options.heal_at_ms = 60_000;
    // The store is read before anybody answers.
    options.signalling.delay = Span::new(50, 50);
    let mut world = World::new(&options);
    pass(&mut world);
    let stats = world.tabs[1].node.as_ref().unwrap().stats();
    assert_eq!(stats.get("registry.peers").copied().unwrap_or(0), 2);
    assert!(stats.get("registry.peers_called").copied().unwrap_or(0) >= 1, "{stats:?}");
    assert_eq!(stats.get("registry.loads_failed").copied().unwrap_or(0), 0);
}

#[test]
fn whoever_forges_or_floods_lists_of_peers_is_banned_and_the_others_go_on() {
    let mut forged_count = 0;
    for seed in 0..4 {
        let mut options = calm(5, &[(3_000, Action::Get { tab: 1, content: 0 })]);
        options.seed = seed;
        options.heal_at_ms = 90_000;
        let bad_list_per_mille = 1000;
        options.tabs[2].hostility = Some(Hostility { bad_list_per_mille, ..Default::default() });
        let mut world = World::new(&options);
        pass(&mut world);
        let liar = world.tabs[2].peer;
        for tab in [0, 1, 3] {
            let bans = heard(&world, tab).filter(|event| {
                matches!(event, Event::Security { peer, kind, action: SecurityAction::Ban }
                    if *peer == liar && *kind != StrikeKind::WrongHash)
            });
            assert_eq!(bans.count(), 1, "seed {seed}, tab {tab}");
        }
        forged_count += stat(&world, "pex.records_forged");
        assert!(world.is_complete(1, world.truth.contents[0].id.unwrap()));
    }
    assert!(forged_count > 0);
}

/// A ban, a reload during which the wall clock may be set back, and half a minute of the new page.
fn reload_after_ban(politely: bool, clock_ahead_ms: u64) -> World {
    let reload = Action::Reload { tab: 1, ms: 500, politely };
    let ban = (10_000, Action::Ban { tab: 1, peer: 0 });
    let mut options = calm(4, &[ban, (10_200, reload)]);
    options.tabs[1].clock_ahead_ms = 3_600_000;
    options.heal_at_ms = 60_000;
    let mut world = World::new(&options);
    world.keep_events();
    world.run_until(10_400);
    world.tabs[1].options.clock_ahead_ms = clock_ahead_ms;
    world.run_until(options.heal_at_ms);
    world
}

#[test]
fn whom_an_application_banned_stays_banned_over_a_reload() {
    for (politely, clock_ahead_ms) in [(true, 3_600_000), (false, 3_600_000), (true, 0)] {
        let mut world = reload_after_ban(politely, clock_ahead_ms);
        let (banned, other) = (world.tabs[0].peer, world.tabs[2].peer);
        let node = world.tabs[1].node.as_ref().unwrap();
        let connected: Vec<_> = node.peers().into_iter().map(|peer| peer.id).collect();
        assert_eq!(connected, [other], "the banned one is not even known");
        let stats = node.stats();
        assert_eq!(stats.get("trust.banned"), Some(&1));
        assert!(stats.get("signal.banned").is_some_and(|dropped| *dropped > 0), "{stats:?}");
        assert!(world.tabs[1].bans(world.schedule.now(), &banned), "the store has it");
        pass(&mut world);
    }
}
