//! What a healed world comes to, sooner or later: everybody found everybody, is connected up to the
//! limit, knows the contents of those around, and has what it asked for.

use std::collections::BTreeSet;

use peerloom_core::Node;
use peerloom_core::event::{LocalState, PeerState};
use peerloom_wire::{ContentId, PeerId};

use crate::options::APPS;
use crate::tab::{Asked, Tab};
use crate::world::World;

/// Who is to be connected, given room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Who hears each other.
    Heard,
    /// And who knows each other, and to whom there is a way over others.
    Carried,
}

/// Returns what is still missing, by tab. Empty: the world has converged.
///
/// Hostile tabs are quiet by now, but they may be banned: nothing is asked of them or for them.
pub(crate) fn unmet(world: &World, reach: Reach) -> Vec<(usize, String)> {
    let view = View::new(world);
    let mut unmet = Vec::new();
    for (index, tab) in world.tabs.iter().enumerate() {
        if tab.is_honest() && tab.is_open() {
            let mut add = |what: String| unmet.push((index, what));
            if tab.is_running() {
                let mates = view.mates(tab);
                view.peers(tab, &mates, reach, &mut add);
                if world.options.has_rendezvous {
                    view.place(tab, &mut add);
                }
                view.contents(tab, &mates, &mut add);
                view.fetches(tab, &mates, &mut add);
                view.adds(tab, &mut add);
            } else {
                add("is not started".to_owned());
            }
            commands(tab, &mut add);
        }
    }
    unmet
}

/// How many connections a node of an application is to have, given others to connect to: all that it
/// may have in a group that could be connected each to each, three quarters of them in a larger one.
/// The other places are for those who come, one at least, but for two places, which a ring takes.
pub(crate) fn share(world: &World, app: usize) -> usize {
    let limit = usize::from(world.options.max_connections);
    match limit {
        _ if !is_crowd(world, app) => limit,
        3 => 2,
        _ => limit - limit / 4,
    }
}

/// Whether an application is open in more tabs than one of them may be connected to.
pub(crate) fn is_crowd(world: &World, app: usize) -> bool {
    let others = world.truth.who.count(app).saturating_sub(1);
    others > usize::from(world.options.max_connections)
}

/// The graph that nodes say they are: who knows whom, who is connected to whom.
pub(crate) struct View<'a> {
    world: &'a World,
    /// By tab.
    known: Vec<BTreeSet<PeerId>>,
    /// By tab.
    connected: Vec<BTreeSet<PeerId>>,
    /// By tab: the least tab to which there is a way over connections of honest tabs.
    component: Vec<usize>,
    /// By application: the honest tabs that run.
    running: Vec<Vec<usize>>,
}

impl<'a> View<'a> {
    pub(crate) fn new(world: &'a World) -> Self {
        let (mut known, mut connected) = (Vec::new(), Vec::new());
        for tab in &world.tabs {
            let peers = || tab.node.iter().flat_map(Node::peer_states);
            let linked = peers().filter(|(_, state)| *state == PeerState::Connected);
            connected.push(linked.map(|(peer, _)| peer).collect::<BTreeSet<PeerId>>());
            known.push(peers().map(|(peer, _)| peer).collect());
        }
        let is_running =
            |tab: &&Tab, app: usize| tab.options.app == app && tab.is_honest() && tab.is_running();
        let running = (0..APPS.len()).map(|app| {
            let tabs = world.tabs.iter().filter(|tab| is_running(tab, app));
            tabs.map(|tab| tab.seat.tab).collect()
        });
        let running = running.collect();
        let mut view = Self { world, known, connected, component: Vec::new(), running };
        view.component = view.components();
        view
    }

    /// The least tab to which there is a way from this one.
    pub(crate) fn component(&self, tab: usize) -> usize {
        self.component[tab]
    }

    /// What a tab lacks where nobody hears anybody: all are to be one, and each is to have half of its share at least.
    fn place(&self, tab: &Tab, add: &mut impl FnMut(String)) {
        let (index, app) = (tab.seat.tab, tab.options.app);
        let running = &self.running[app];
        let others = running.len().saturating_sub(1);
        let wanted = share(self.world, app).div_ceil(2).min(others);
        let has = self.connections(index);
        if has < wanted {
            add(format!("has {has} of {wanted} connections"));
        }
        let first = running.first().copied().unwrap_or(index);
        if self.component[index] != self.component[first] {
            add(format!("has no way to tab {first}"));
        }
    }

    /// Whether a tab knows a peer.
    pub(crate) fn knows(&self, tab: usize, peer: &PeerId) -> bool {
        self.known[tab].contains(peer)
    }

    /// How many peers a tab knows, and how many of them nobody is.
    pub(crate) fn known_counts(&self, tab: usize) -> [u64; 2] {
        let made_up = |peer: &&PeerId| self.world.truth.who.find(peer).is_none();
        let known = &self.known[tab];
        [known.len() as u64, known.iter().filter(made_up).count() as u64]
    }

    /// How many peers a tab says that it is connected to.
    pub(crate) fn connections(&self, tab: usize) -> usize {
        self.connected[tab].len()
    }

    /// For each tab, the least tab to which there is a way over connections of honest tabs.
    fn components(&self) -> Vec<usize> {
        let mut component: Vec<usize> = (0..self.world.tabs.len()).collect();
        for tab in &self.world.tabs {
            let first = tab.seat.tab;
            // Where it was reached from, everybody was reached.
            let mut edge = if component[first] == first { vec![first] } else { Vec::new() };
            while let Some(at) = edge.pop() {
                let nexts = self.connected[at].iter().filter(|_| self.world.tabs[at].is_honest());
                for next in nexts.filter_map(|peer| self.world.truth.who.find(peer)) {
                    if component[next.tab] == next.tab && next.tab > first {
                        component[next.tab] = first;
                        edge.push(next.tab);
                    }
                }
            }
        }
        component
    }

    /// Tabs whom `tab` could know and that it hears or knows: honest, running, of its application,
    /// banned by neither.
    fn mates(&self, tab: &Tab) -> Vec<&'a Tab> {
        let World { tabs, truth, checkers, schedule, .. } = self.world;
        let bans = |a: &Tab, b: &Tab| {
            a.bans(schedule.now(), &b.peer) || checkers.has_banned(a.seat, b.peer)
        };
        let index = tab.seat.tab;
        let known = self.known[index].iter().filter_map(|peer| truth.who.find(peer));
        let mut mates = truth.who.hearers(index);
        mates.extend(self.around(index));
        mates.extend(known.map(|entry| entry.tab).filter(|other| *other != index));
        mates.sort_unstable();
        mates.dedup();
        let mates = mates.into_iter().map(|other| &tabs[other]);
        mates
            .filter(|other| {
                other.options.app == tab.options.app
                    && other.is_honest()
                    && other.is_running()
                    && !bans(tab, other)
                    && !bans(other, tab)
            })
            .collect()
    }

    /// To whom those are connected that a tab is connected to: of them it is told.
    fn around(&self, index: usize) -> BTreeSet<usize> {
        let World { tabs, truth, .. } = self.world;
        let tab_of = |peer: &PeerId| truth.who.find(peer).map(|entry| entry.tab);
        let honest =
            self.connected[index].iter().filter_map(tab_of).filter(|tab| tabs[*tab].is_honest());
        let theirs = honest.flat_map(|tab| &self.connected[tab]).filter_map(tab_of);
        theirs.filter(|tab| *tab != index).collect()
    }

    fn peers(&self, tab: &Tab, mates: &[&Tab], reach: Reach, add: &mut impl FnMut(String)) {
        let index = tab.seat.tab;
        let ours = &self.connected[index];
        let share = share(self.world, tab.options.app);
        let around = self.around(index);
        for other in mates {
            let name = other.seat.tab;
            let theirs = &self.connected[name];
            let is_known = self.known[index].contains(&other.peer);
            let is_in_earshot = tab.shares_channel(other);
            if !is_known && (is_in_earshot || reach != Reach::Heard && around.contains(&name)) {
                add(format!("has not discovered tab {name}"));
            }
            let is_joined = is_known && self.component[index] == self.component[name];
            if !is_in_earshot && (reach == Reach::Heard || !is_joined) {
                // They need not know each other, and can't connect unless somebody carries for them.
                continue;
            }
            let here = ours.contains(&other.peer);
            if here != theirs.contains(&tab.peer) {
                add(format!("and tab {name} don't agree whether they are connected"));
            } else if here && !self.world.fabric.carries(tab.seat, name) {
                add(format!("takes its dead connection to tab {name} for live"));
            } else if !here && ours.len() < share && theirs.len() < share {
                add(format!("is not connected to tab {name}, though both lack connections"));
            }
        }
        for peer in ours {
            let entry = self.world.truth.who.find(peer);
            if !entry.is_some_and(|entry| self.world.tabs[entry.tab].is_open()) {
                add(format!("is connected to {peer:?}, whose tab is closed"));
            }
        }
    }

    fn contents(&self, tab: &Tab, mates: &[&Tab], add: &mut impl FnMut(String)) {
        let Some(node) = &tab.node else { return };
        for id in &tab.durable {
            if !self.world.is_complete(tab.seat.tab, *id) {
                add(format!("has lost {id:?}, which was complete"));
            }
        }
        for content in &self.world.truth.contents {
            let Some(id) = content.id.filter(|_| content.app == tab.options.app) else { continue };
            let providers = self.providers(tab, mates, id);
            let info = node.content(id);
            if providers > 0 && info.is_none() {
                add(format!("does not see {id:?}, which a connected peer has"));
            }
            let told = info.map_or(0, |info| usize::try_from(info.providers).unwrap_or(0));
            if told != providers && self.world.truth.who.all_are_honest {
                add(format!("counts {told} providers of {id:?}, there are {providers}"));
            }
        }
    }

    fn fetches(&self, tab: &Tab, mates: &[&Tab], add: &mut impl FnMut(String)) {
        for content in &tab.wants {
            let Some(id) = self.world.truth.contents.get(*content).and_then(|content| content.id)
            else {
                continue;
            };
            let info = tab.node.as_ref().and_then(|node| node.content(id));
            let local = info.map_or(LocalState::Absent, |info| info.local);
            if local != LocalState::Complete && self.providers(tab, mates, id) > 0 {
                add(format!("has not fetched {id:?}, which a connected peer has: {local:?}"));
            }
        }
    }

    /// What is added later on begins to be fetched then: until all is added, nothing is over.
    fn adds(&self, tab: &Tab, add: &mut impl FnMut(String)) {
        let World { truth, .. } = self.world;
        for content in truth.contents_of(tab.seat.tab) {
            let id = truth.contents.get(content).and_then(|content| content.id);
            if id.is_none_or(|id| !self.world.is_complete(tab.seat.tab, id)) {
                add(format!("has not added content {content}"));
            }
        }
    }

    /// How many of the mates that `tab` is connected to have all of a content.
    fn providers(&self, tab: &Tab, mates: &[&Tab], id: ContentId) -> usize {
        let ours = &self.connected[tab.seat.tab];
        let has = |other: &&&Tab| {
            ours.contains(&other.peer) && self.world.is_complete(other.seat.tab, id)
        };
        mates.iter().filter(has).count()
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
