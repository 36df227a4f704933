//! Peers of which some are worth less than others: who is dialled, asked and kept.

use peerloom_core::Event;
use peerloom_core::event::PeerInfo;
use peerloom_wire::PeerId;

use super::scenarios::heard;
use super::{calm, pass};
use crate::checkers;
use crate::dice::Span;
use crate::options::{Hostility, LinkOptions, Options};
use crate::script::Action;
use crate::world::World;

/// Makes the way from one tab to all others long, with a loss of a twentieth.
fn move_away(world: &mut World, tab: usize) {
    let latency = Span::new(250, 300);
    let options = LinkOptions { latency, loss_ppm: 50_000, ..world.fabric.options };
    for other in (0..world.tabs.len()).filter(|other| *other != tab) {
        world.fabric.shape(options, Some((tab, other)));
    }
}

fn seen_by(world: &World, tab: usize, peer: usize) -> Option<PeerInfo> {
    let node = world.tabs[tab].node.as_ref()?;
    node.peers().into_iter().find(|info| info.id == world.tabs[peer].peer)
}

#[test]
fn of_two_sources_the_near_one_is_asked() {
    for far in [0, 1] {
        let gets = [(6_000, 1), (40_000, 2)];
        let gets = gets.map(|(at_ms, tab)| (at_ms, Action::Get { tab, content: 1 }));
        let mut options = calm(4, &gets);
        // There is only one to be asked for.
        options.contents[1].chunks = 1;
        options.heal_at_ms = 50_000;
        let mut world = World::new(&options);
        move_away(&mut world, far);
        pass(&mut world);
        let reader = world.tabs[2].peer;
        let serves = |event: &Event| matches!(event, Event::Served { peer, .. } if *peer == reader);
        let served = |tab| heard(&world, tab).any(serves);
        assert_eq!([served(far), served(1 - far)], [false, true], "far: {far}");
    }
}

#[test]
fn who_misbehaves_is_worth_less_until_it_is_forgiven() {
    let mut options = calm(5, &[]);
    let bent_frame_per_mille = 20;
    options.tabs[3].hostility = Some(Hostility { bent_frame_per_mille, ..Default::default() });
    options.heal_at_ms = 200_000;
    let mut world = World::new(&options);
    let mut compared = 0;
    for at_ms in (10_000..200_000).step_by(1_000) {
        world.run_until(at_ms);
        for tab in 0..3 {
            let Some(struck) = seen_by(&world, tab, 3) else { continue };
            if struck.strikes == 0 {
                continue;
            }
            for other in (0..3).filter(|other| *other != tab) {
                let honest = seen_by(&world, tab, other).unwrap();
                assert!(honest.reputation > struck.reputation, "{honest:?} {struck:?}");
                // Next to that it matters little who of them is nearer.
                let is_clear = honest.reputation > struck.reputation + 50;
                assert!(!is_clear || honest.score > struck.score, "{honest:?} {struck:?}");
                compared += usize::from(is_clear);
            }
        }
    }
    assert!(compared > 0);
}

/// Forty tabs with twelve places each: enough for some neighbours to be of no use but their own.
/// Applications ask for connections to anybody, so that others are let go.
fn busy() -> Options {
    let connects = (0..400_u64).map(|n| {
        let [tab, to] = [n * 7 % 40, n * 11 % 39].map(|tab| usize::try_from(tab).unwrap());
        (20_000 + n * 500, Action::Connect { tab, to })
    });
    let mut options = calm(41, &connects.collect::<Vec<_>>());
    options.max_connections = 12;
    options.contents.clear();
    options.script.retain(|step| !matches!(step.action, Action::Add { .. }));
    options.heal_at_ms = 230_000;
    options
}

#[test]
fn who_is_near_is_kept_rather_than_who_is_far() {
    let [mut far, mut all] = [0, 0];
    for seed in 0..2 {
        let mut world = World::new(&Options { seed, ..busy() });
        (0..10).for_each(|tab| move_away(&mut world, tab));
        let is_far =
            |world: &World, peer: &PeerId| (0..10).any(|tab| world.tabs[tab].peer == *peer);
        for at_ms in (60_000..230_000).step_by(10_000) {
            world.run_until(at_ms);
            for tab in 10..40 {
                let connected = checkers::connected(&world.tabs[tab]);
                all += connected.len();
                far += connected.iter().filter(|peer| is_far(&world, peer)).count();
            }
        }
    }
    // Of all others 256 in a thousand are far, and as many are kept if nobody looks at scores (253 in
    // one run). Not many fewer: most are kept for their ids, whatever they are worth.
    assert!(far * 1000 < all * 237, "{far} of {all}");
}
