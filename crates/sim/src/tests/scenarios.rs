//! One story each, in an otherwise calm world.

use peerloom_core::event::{
    CommandError, DisconnectCause, LocalState, PeerState, SecurityAction, Stage, StrikeKind,
};
use peerloom_core::io::StoreError;
use peerloom_core::{Event, Node};

use super::{calm, pass};
use crate::dice::Span;
use crate::options::Hostility;
use crate::script::Action;
use crate::world::World;

/// What one tab's application heard.
pub(super) fn heard(world: &World, tab: usize) -> impl Iterator<Item = &Event> {
    world.events().iter().filter(move |(index, _)| *index == tab).map(|(_, event)| event)
}

pub(super) fn stat(world: &World, what: &str) -> u64 {
    let nodes = world.tabs.iter().filter_map(|tab| tab.node.as_ref());
    nodes.filter_map(|node| node.stats().get(what).copied()).sum()
}

#[test]
fn two_that_dial_each_other_at_once_have_one_connection() {
    let mut options = calm(3, &[]);
    // Slower than the second announcement: announcements cross, and so do the offers after them.
    options.signalling.delay = Span::new(700, 700);
    let mut world = World::new(&options);
    pass(&mut world);
    assert!(stat(&world, "link.glares") > 0, "nobody dialled at once");
    for tab in 0..2 {
        let connected = heard(&world, tab).filter(|e| matches!(e, Event::PeerConnected(_))).count();
        assert_eq!(connected, 1, "tab {tab}");
    }
}

#[test]
fn lost_envelopes_delay_a_connection_and_no_more() {
    let mut options = calm(3, &[]);
    options.signalling.loss_per_mille = 500;
    options.signalling.duplicate_per_mille = 300;
    options.heal_at_ms = 60_000;
    let mut world = World::new(&options);
    world.keep_events();
    world.run_until(options.heal_at_ms);
    assert!(heard(&world, 0).any(|event| matches!(event, Event::PeerConnected(_))));
    pass(&mut world);
}

#[test]
fn candidates_that_are_lost_come_again_before_ice_is_given_up() {
    let mut options = calm(6, &[]);
    options.signalling.loss_per_mille = 300;
    // Later than anything waits for them, so that they travel in envelopes of their own.
    options.links.gathering = Span::new(100, 200);
    options.heal_at_ms = 60_000;
    let mut world = World::new(&options);
    world.keep_events();
    world.run_until(options.heal_at_ms);
    let is_ice = |event: &Event| matches!(event, Event::ConnectFailed(failure) if failure.stage == Stage::Ice);
    assert!((0..5).all(|tab| !heard(&world, tab).any(is_ice)));
    assert_eq!(stat(&world, "link.connections"), 2 * 10);
    pass(&mut world);
}

#[test]
fn an_envelope_that_is_changed_replayed_or_misdirected_does_nothing() {
    let mut options = calm(4, &[]);
    options.signalling.tamper_per_mille = 1000;
    options.signalling.replay_per_mille = 1000;
    options.signalling.stray_per_mille = 1000;
    let mut world = World::new(&options);
    pass(&mut world);
    for tab in 0..3 {
        let connected = heard(&world, tab).filter(|e| matches!(e, Event::PeerConnected(_))).count();
        assert_eq!(connected, 2, "tab {tab}");
    }
}

#[test]
fn a_connection_that_dies_without_an_event_is_noticed_and_made_anew() {
    let mut options = calm(3, &[(10_000, Action::Sever { tab: 0, nth: 0 })]);
    options.links.outage_is_told = false;
    options.heal_at_ms = 60_000;
    let mut world = World::new(&options);
    pass(&mut world);
    let unresponsive = |event: &Event| {
        matches!(event, Event::PeerDisconnected { cause: DisconnectCause::Unresponsive, .. })
    };
    assert!((0..2).any(|tab| heard(&world, tab).any(unresponsive)));
}

#[test]
fn two_that_were_disconnected_stay_apart_and_known_until_one_is_asked() {
    let mut options = calm(3, &[(10_000, Action::Disconnect { tab: 0, peer: 1 })]);
    options.heal_at_ms = 120_000;
    let mut world = World::new(&options);
    world.keep_events();
    world.run_until(options.heal_at_ms - 1);
    let parted = |event: &Event| {
        matches!(event, Event::PeerDisconnected { cause: DisconnectCause::Parted, .. })
    };
    assert_eq!(heard(&world, 1).filter(|event| parted(event)).count(), 1);
    for (tab, other) in [(0, 1), (1, 0)] {
        let them = world.tabs[other].peer;
        let known = world.tabs[tab].node.as_ref().map(Node::peers).unwrap_or_default();
        let states = known.iter().filter(|info| info.id == them).map(|info| info.state);
        assert_eq!(states.collect::<Vec<_>>(), [PeerState::Discovered], "tab {tab}");
    }
    // Healed, the application asks for it again.
    pass(&mut world);
}

#[test]
fn a_partition_is_survived_by_restarting_ice() {
    let partition = Action::Partition { tabs: vec![0], ms: 12_000 };
    let mut options = calm(3, &[(10_000, partition)]);
    options.links.heals_by_itself = false;
    let mut world = World::new(&options);
    pass(&mut world);
    assert!(world.fabric.counts["ICE restarts"] > 0);
}

#[test]
fn a_new_network_is_survived_before_the_browser_knows_that_the_old_one_is_gone() {
    let mut options = calm(4, &[(10_000, Action::Roam { tab: 1 })]);
    options.links.outage_is_told = false;
    let mut world = World::new(&options);
    pass(&mut world);
    let parted = |event: &Event| matches!(event, Event::PeerDisconnected { .. });
    assert!((0..3).all(|tab| !heard(&world, tab).any(parted)));
    assert_eq!(world.fabric.counts["ICE restarts"], 2);
}

/// The states of other peers, as a tab was told of them once its connections had broken.
fn states_after_breaking(world: &World, tab: usize) -> Vec<PeerState> {
    let broke = |event: &Event| matches!(event, Event::PeerDisconnected { .. });
    let infos = heard(world, tab).skip_while(|event| !broke(event)).filter_map(|e| match e {
        Event::PeerUpdated(info) | Event::PeerConnected(info) => Some(info.state),
        _ => None,
    });
    infos.collect()
}

#[test]
fn a_broken_connection_is_rebuilt_and_only_a_long_outage_leaves_its_peer_to_backoff() {
    for (outage_ms, is_long) in [(40_000, false), (150_000, true)] {
        let partition = Action::Partition { tabs: vec![0], ms: outage_ms };
        let mut options = calm(3, &[(10_000, partition)]);
        options.links.heals_by_itself = false;
        options.heal_at_ms = 12_000 + outage_ms;
        let mut world = World::new(&options);
        pass(&mut world);
        for tab in 0..2 {
            let states = states_after_breaking(&world, tab);
            let ends = (states.first(), states.last());
            assert_eq!(ends, (Some(&PeerState::Connecting), Some(&PeerState::Connected)));
            assert_eq!(states.contains(&PeerState::Backoff), is_long, "tab {tab}: {states:?}");
        }
    }
}

#[test]
fn wrong_bytes_lead_to_a_ban_and_the_chunks_come_from_elsewhere() {
    let gets = |at_ms, tab| [0, 1, 3].map(|content| (at_ms, Action::Get { tab, content }));
    // For a while the liar is the only source of three contents: a strike for each, then a ban.
    let alone =
        [(2_000, Action::Add { content: 3 }), (20_000, Action::Kill { tab: 0, for_good: false })];
    let mut options = calm(4, &[&alone[..], &gets(3_000, 2), &gets(35_000, 1)].concat());
    options.contents.push(options.contents[0]);
    options.tabs[2].hostility =
        Some(Hostility { wrong_body_per_mille: 1000, ..Default::default() });
    options.heal_at_ms = 60_000;
    let mut world = World::new(&options);
    pass(&mut world);
    let liar = world.tabs[2].peer;
    let is_ban = |event: &Event| {
        let action = SecurityAction::Ban;
        *event == Event::Security { peer: liar, kind: StrikeKind::WrongHash, action }
    };
    assert!(heard(&world, 1).any(is_ban));
    for content in [0, 1, 3] {
        assert!(world.is_complete(1, world.truth.contents[content].id.unwrap()));
    }
}

#[test]
fn a_full_store_answers_with_quota_and_loses_nothing() {
    let mut options = calm(
        3,
        &[
            (5_000, Action::Get { tab: 1, content: 0 }),
            (5_400, Action::StoreFull { tab: 1, ms: 4_000 }),
        ],
    );
    options.contents[0].chunks = 40;
    (options.links.bandwidth_min, options.links.bandwidth_max) = (5_000_000, 5_000_000);
    let mut world = World::new(&options);
    pass(&mut world);
    let quota = |event: &Event| {
        let error = CommandError::Store(StoreError::QuotaExceeded);
        matches!(event, Event::Done { result: Err(e), .. } if *e == error)
    };
    assert!(heard(&world, 1).any(quota));
    // What was stored before is not fetched again: refused are at most those under way.
    let kept = world.counts["chunks kept"];
    assert!((40..60).contains(&kept), "{kept} chunks kept of 40");
}

#[test]
fn a_reload_goes_on_without_fetching_again() {
    let mut options = calm(
        3,
        &[
            (5_000, Action::Get { tab: 1, content: 0 }),
            (6_500, Action::Reload { tab: 1, ms: 300, politely: true }),
        ],
    );
    options.contents[0].chunks = 40;
    (options.links.bandwidth_min, options.links.bandwidth_max) = (4_000_000, 4_000_000);
    let mut world = World::new(&options);
    pass(&mut world);
    let from_disk = heard(&world, 1).filter_map(|event| match event {
        Event::Progress { progress, .. } => Some(progress.from_disk),
        _ => None,
    });
    assert!(from_disk.max().unwrap_or(0) > 10 * 262_128, "the reload came too early or late");
    let kept = world.counts["chunks kept"];
    assert!((40..46).contains(&kept), "{kept} chunks kept of 40");
}

#[test]
fn a_source_that_is_killed_in_mid_transfer_is_replaced_by_another() {
    let mut options = calm(
        4,
        &[
            (3_000, Action::Get { tab: 2, content: 0 }),
            (20_000, Action::Get { tab: 1, content: 0 }),
            (21_000, Action::Kill { tab: 0, for_good: true }),
        ],
    );
    options.contents[0].chunks = 40;
    (options.links.bandwidth_min, options.links.bandwidth_max) = (4_000_000, 4_000_000);
    let mut world = World::new(&options);
    pass(&mut world);
    assert!(world.is_complete(1, world.truth.contents[0].id.unwrap()));
}

#[test]
fn garbage_from_hostile_peers_harms_nobody() {
    let everything = Hostility {
        wrong_body_per_mille: 200,
        cut_body_per_mille: 200,
        stray_body_per_mille: 300,
        bent_frame_per_mille: 300,
        garbage_frame_per_mille: 900,
        ..Default::default()
    };
    for seed in 0..4 {
        let mut options = calm(
            5,
            &[
                (3_000, Action::Get { tab: 1, content: 0 }),
                (3_000, Action::Get { tab: 2, content: 0 }),
                (4_000, Action::Get { tab: 3, content: 1 }),
            ],
        );
        options.seed = seed;
        options.tabs[2].hostility = Some(everything);
        let mut world = World::new(&options);
        pass(&mut world);
        let noticed = |tab| heard(&world, tab).any(|event| matches!(event, Event::Security { .. }));
        assert!([0, 1, 3, 4].into_iter().any(noticed), "seed {seed}: nobody noticed");
    }
}

#[test]
fn a_frozen_page_is_not_taken_for_dead() {
    let mut world = World::new(&calm(3, &[(10_000, Action::Freeze { tab: 1, ms: 20_000 })]));
    pass(&mut world);
    let parted = |event: &Event| matches!(event, Event::PeerDisconnected { .. });
    assert!(!heard(&world, 0).any(parted), "tab 0 gave up a frozen page");
}

#[test]
fn a_hidden_page_is_not_taken_for_dead() {
    let mut world = World::new(&calm(3, &[(5_000, Action::Hide { tab: 1, ms: 24_000 })]));
    pass(&mut world);
    let parted = |event: &Event| matches!(event, Event::PeerDisconnected { .. });
    assert!((0..2).all(|tab| !heard(&world, tab).any(parted)));
}

#[test]
fn a_content_without_a_byte_is_complete_at_once() {
    let mut options = calm(3, &[(4_000, Action::Get { tab: 1, content: 0 })]);
    options.contents[0].chunks = 0;
    let mut world = World::new(&options);
    pass(&mut world);
    let id = world.truth.contents[0].id.unwrap();
    let complete = |event: &Event| matches!(event, Event::ContentChanged(info) if info.id == id && info.local == LocalState::Complete);
    assert!(heard(&world, 1).any(complete));
}
