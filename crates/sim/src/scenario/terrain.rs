//! Origins and the bridges between them: which tab is on which channel.

use super::Swarm;
use crate::dice::Dice;
use crate::options::{Options, TabOptions};

/// Replaces the tabs of `options` by so many of each application. Origins of both have the same
/// channels, as pages of two applications on one host.
pub(super) fn lay_out(options: &mut Options, swarm: &Swarm, nodes: usize) {
    let second = (nodes * swarm.second_app_per_mille / 1000).min(nodes.saturating_sub(2));
    let mut dice = Dice::new(options.seed, "terrain");
    options.tabs.clear();
    for (app, count) in [(0, nodes - second), (1, second)] {
        if swarm.circles > 0 {
            draw_circles(options, &mut dice, swarm, (app, count));
            continue;
        }
        let origins = draw_origins(&mut dice, swarm, count);
        let bridges = draw_bridges(&mut dice, swarm, origins.len());
        for (origin, tabs) in origins.iter().enumerate() {
            for place in 0..*tabs {
                let mut channels = vec![origin];
                let other = bridges.get(place).and_then(|to| to.get(origin)).copied();
                channels.extend(other.filter(|other| *other != origin));
                if swarm.rendezvous {
                    channels.clear();
                }
                options.tabs.push(TabOptions {
                    app,
                    channels,
                    clock_ahead_ms: 0,
                    store_bytes_max: u64::MAX,
                    hostility: None,
                    rooms: Vec::new(),
                });
            }
        }
    }
    for tab in &mut options.tabs {
        if tab.app == 0 && dice.chance(swarm.hostile_per_mille) {
            tab.hostility = Some(swarm.hostility);
        }
    }
    let mut dice = Dice::new(options.seed, "rooms");
    for tab in &mut options.tabs {
        for (room, per_mille) in swarm.rooms_per_mille.iter().enumerate() {
            if dice.chance(*per_mille) {
                tab.rooms.push(room);
            }
        }
    }
}

/// Deals the tabs out to circles, several times over: each circle is a channel, so that each tab hears
/// as many others at random each time. A graph of bounded degree, as partial views make it.
fn draw_circles(
    options: &mut Options,
    dice: &mut Dice,
    swarm: &Swarm,
    (app, count): (usize, usize),
) {
    let first = options.tabs.len();
    options.tabs.extend((0..count).map(|_| TabOptions {
        app,
        channels: Vec::new(),
        clock_ahead_ms: 0,
        store_bytes_max: u64::MAX,
        hostility: None,
        rooms: Vec::new(),
    }));
    let each = swarm.origin_tabs_max.max(2);
    for circle in 0..swarm.circles {
        let mut deal: Vec<usize> = (first..first + count).collect();
        for index in (1..deal.len()).rev() {
            deal.swap(index, dice.index(index + 1));
        }
        // A last one that is too small for a circle sits with those before it.
        let circles = (count / each).max(1);
        for (place, tab) in deal.into_iter().enumerate() {
            let channel = (place / each).min(circles - 1) * swarm.circles + circle;
            options.tabs[tab].channels.push(channel);
        }
    }
}

/// How many tabs each origin has. The last has what is left.
fn draw_origins(dice: &mut Dice, swarm: &Swarm, tabs: usize) -> Vec<usize> {
    let mut left = tabs;
    let mut origins = Vec::new();
    while left > 0 {
        let (min, max) = (swarm.origin_tabs_min as u64, swarm.origin_tabs_max as u64);
        let size = usize::try_from(dice.between(min, max)).unwrap_or(1).clamp(1, left);
        origins.push(size);
        left -= size;
    }
    origins
}

/// To which origin each origin's first, second, … bridge goes. Each gets as many visitors as it
/// sends: the first go round a ring, so that the graph is one; each further one as a permutation
/// says, so that no way in it is long.
fn draw_bridges(dice: &mut Dice, swarm: &Swarm, origins: usize) -> Vec<Vec<usize>> {
    let mut bridges = Vec::new();
    for bridge in 0..swarm.bridges {
        let mut to: Vec<usize> = (0..origins).collect();
        if bridge == 0 {
            to.rotate_left(1.min(origins));
        } else {
            for index in (1..to.len()).rev() {
                to.swap(index, dice.index(index + 1));
            }
        }
        bridges.push(to);
    }
    bridges
}
