//! What a healed world comes to, sooner or later: everybody found everybody, is connected up to the
//! limit, knows the contents of those around, and has what it asked for.

use std::collections::BTreeSet;

use peerloom_core::event::LocalState;
use peerloom_wire::PeerId;

use crate::checkers::connected;
use crate::tab::{Asked, Tab};
use crate::world::World;

/// Returns what is still missing, by tab. Empty: the world has converged.
///
/// Hostile tabs are quiet by now, but they may be banned: nothing is asked of them or for them.
pub(crate) fn unmet(world: &World) -> Vec<(usize, String)> {
    let mut unmet = Vec::new();
    for (index, tab) in world.tabs.iter().enumerate() {
        if tab.is_honest() && tab.is_open() {
            let mut add = |what: String| unmet.push((index, what));
            if tab.is_running() {
                peers(world, tab, &mut add);
                contents(world, tab, &mut add);
                fetches(world, tab, &mut add);
            } else {
                add("is not started".to_owned());
            }
            commands(tab, &mut add);
        }
    }
    unmet
}

/// Tabs whom `tab` could know: honest, running, of its application, banned by neither.
fn mates<'a>(world: &'a World, tab: &'a Tab) -> impl Iterator<Item = &'a Tab> {
    world.tabs.iter().filter(move |other| {
        let bans = |a: &Tab, b: &Tab| {
            a.banned.contains(&b.peer) || world.checkers.has_banned(a.seat, b.peer)
        };
        other.seat.tab != tab.seat.tab
            && other.options.app == tab.options.app
            && other.is_honest()
            && other.is_running()
            && !bans(tab, other)
            && !bans(other, tab)
    })
}

fn peers(world: &World, tab: &Tab, add: &mut impl FnMut(String)) {
    let Some(node) = &tab.node else { return };
    let known: BTreeSet<_> = node.peers().into_iter().map(|peer| peer.id).collect();
    let ours = connected(tab);
    let limit = usize::from(world.options.max_connections);
    let carriers = swarm_of(world, tab);
    for other in mates(world, tab) {
        let name = other.seat.tab;
        let theirs = connected(other);
        let is_known = known.contains(&other.peer);
        if tab.shares_channel(other) {
            if !is_known {
                add(format!("has not discovered tab {name}"));
            }
        } else if !is_known || !carriers.contains(&other.peer) {
            // They need not know each other, and can't connect unless somebody carries for them.
            continue;
        }
        let here = ours.contains(&other.peer);
        if here != theirs.contains(&tab.peer) {
            add(format!("and tab {name} don't agree whether they are connected"));
        } else if here && !world.fabric.carries(tab.seat, name) {
            add(format!("takes its dead connection to tab {name} for live"));
        } else if !here && ours.len() < limit && theirs.len() < limit {
            add(format!("is not connected to tab {name}, though both have room"));
        }
    }
    let live: BTreeSet<_> = world.tabs.iter().filter(|t| t.is_open()).map(|t| t.peer).collect();
    for ghost in ours.difference(&live) {
        add(format!("is connected to {ghost:?}, whose tab is closed"));
    }
}

/// Everybody to whom there is a way over connections of honest tabs.
fn swarm_of(world: &World, tab: &Tab) -> BTreeSet<PeerId> {
    let mut reached = BTreeSet::from([tab.peer]);
    let mut edge = vec![tab.peer];
    while let Some(peer) = edge.pop() {
        let tabs = world.tabs.iter().filter(|tab| tab.peer == peer && tab.is_honest());
        edge.extend(tabs.flat_map(connected).filter(|next| reached.insert(*next)));
    }
    reached
}

fn contents(world: &World, tab: &Tab, add: &mut impl FnMut(String)) {
    let Some(node) = &tab.node else { return };
    for id in &tab.durable {
        if !world.is_complete(tab.seat.tab, *id) {
            add(format!("has lost {id:?}, which was complete"));
        }
    }
    let ours = connected(tab);
    let all_are_honest = world.tabs.iter().all(Tab::is_honest);
    for content in &world.truth.contents {
        let Some(id) = content.id.filter(|_| content.app == tab.options.app) else { continue };
        let around: Vec<&Tab> = mates(world, tab).filter(|t| ours.contains(&t.peer)).collect();
        let has = |other: &&&Tab| world.is_complete(other.seat.tab, id);
        let providers = around.iter().filter(has).count();
        let info = node.content(id);
        if providers > 0 && info.is_none() {
            add(format!("does not see {id:?}, which a connected peer has"));
        }
        let told = info.map_or(0, |info| usize::try_from(info.providers).unwrap_or(0));
        if told != providers && all_are_honest {
            add(format!("counts {told} providers of {id:?}, there are {providers}"));
        }
    }
}

fn fetches(world: &World, tab: &Tab, add: &mut impl FnMut(String)) {
    let ours = connected(tab);
    for content in &tab.wants {
        let Some(id) = world.truth.contents.get(*content).and_then(|content| content.id) else {
            continue;
        };
        let has = |other: &Tab| ours.contains(&other.peer) && world.is_complete(other.seat.tab, id);
        let available = mates(world, tab).any(has);
        let info = tab.node.as_ref().and_then(|node| node.content(id));
        let local = info.map_or(LocalState::Absent, |info| info.local);
        if available && local != LocalState::Complete {
            add(format!("has not fetched {id:?}, which a connected peer has: {local:?}"));
        }
    }
}

fn commands(tab: &Tab, add: &mut impl FnMut(String)) {
    for (id, asked) in &tab.commands {
        let complete = |content| {
            let info = tab.node.as_ref().and_then(|node| node.content(content));
            info.is_some_and(|info| info.local == LocalState::Complete)
        };
        match asked {
            // May wait for a source for ever.
            Asked::Get { id } if !complete(*id) => {}
            _ => add(format!("has not answered {id:?} ({asked:?})")),
        }
    }
}
