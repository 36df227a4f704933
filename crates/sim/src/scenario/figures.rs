//! What a world comes to, in figures.

use std::collections::{BTreeMap, BTreeSet};

use super::talk;
use crate::convergence::View;
use crate::world::World;

/// Counters of nodes and world at one moment: rates are differences.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    at_ms: u64,
    counts: BTreeMap<&'static str, u64>,
}

impl Reading {
    pub(super) fn take(world: &World) -> Self {
        let mut counts = world.retired.clone();
        let nodes = world.tabs.iter().filter_map(|tab| tab.node.as_ref());
        for (what, count) in nodes.flat_map(|node| node.stats()) {
            *counts.entry(what).or_insert(0) += count;
        }
        for (what, count) in world.counts.iter().chain(&world.fabric.counts) {
            *counts.entry(what).or_insert(0) += count;
        }
        Self { at_ms: world.now_ms(), counts }
    }

    fn get(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or(0)
    }

    /// How much more something is here than in an earlier reading.
    fn since(&self, before: &Self, what: &str) -> f64 {
        self.get(what).saturating_sub(before.get(what)) as f64
    }
}

/// Adds what can be read off any world.
pub(super) fn add(world: &World, before: &Reading, figures: &mut BTreeMap<&'static str, f64>) {
    let after = Reading::take(world);
    let since = |what| after.since(before, what);
    let running = world.tabs.iter().filter(|tab| tab.is_running()).count() as f64;
    let minutes = after.at_ms.saturating_sub(before.at_ms) as f64 / 60_000.0;
    let met = since("connect.by_broadcast") + since("connect.by_server");
    let carried = since("connect.by_peers");
    let (sent, spared) = (since("rendezvous.sent"), since("rendezvous.spared"));
    let [strikes, bans] = world.security;
    figures.extend([
        ("nodes", running),
        ("serverless_share", share(carried, met + carried)),
        ("connections_made", met + carried),
        ("server_envelopes_spared_share", share(spared, sent + spared)),
        ("server_envelopes_per_node_minute", share(sent, running * minutes)),
        ("server_meets_per_node_minute", share(since("rendezvous.meets"), running * minutes)),
        ("envelopes_per_node_minute", share(since("envelopes"), running * minutes)),
        ("gossip_bytes_per_node_minute", share(since("gossip.bytes_sent"), running * minutes)),
        (
            "gossip_messages_per_node_minute",
            share(since("gossip.messages_sent"), running * minutes),
        ),
        ("pex_messages_per_node_minute", share(since("pex.messages_sent"), running * minutes)),
        ("attempts_failed", since("attempts failed")),
        ("given_up", since("peers given up")),
        ("wrongly_dead", since(WRONGLY_DEAD)),
        ("strikes", strikes as f64),
        ("bans", bans as f64),
        ("grafts", since("broadcast.grafts")),
        ("edges_added", since("broadcast.edges_added")),
        ("lost", since("broadcast.lost")),
        ("held", since("broadcast.held")),
        ("stalled", since("broadcast.stalled")),
        ("envelopes_undeliverable", since("routing.undeliverable")),
        ("envelopes_rate_limited", since("routing.rate_limited")),
        ("messages_repeated", since("routing.messages_repeated")),
    ]);
    add_graph(world, figures);
    add_visits(world, figures);
    add_messages(world, figures);
    add_relaying(world, figures);
    talk::add(world, figures);
}

/// The count of peers that were called dead and were not.
pub(crate) const WRONGLY_DEAD: &str = "peers called dead wrongly";

/// In how many parts the graph of the first application's honest tabs is.
pub(super) struct Parts {
    /// By the connections that nodes say they have.
    connected: usize,
    /// By who hears whom. Who hears each other must not be apart; who does not may meet over others.
    heard: usize,
    /// How many connections each has.
    connections: Vec<u64>,
    /// How many peers each knows, and how many of them nobody is.
    known: [Vec<u64>; 2],
}

impl Parts {
    pub(super) fn count(world: &World) -> Self {
        let view = View::new(world);
        let is_ours = |tab: usize| {
            let tab = &world.tabs[tab];
            tab.options.app == 0 && tab.is_honest() && tab.is_running()
        };
        let ours: Vec<usize> = (0..world.tabs.len()).filter(|tab| is_ours(*tab)).collect();
        let connected: BTreeSet<usize> = ours.iter().map(|tab| view.component(*tab)).collect();
        // Where nobody hears anybody, all are to be one nevertheless.
        let has_channels = !world.options.has_rendezvous;
        let mut left = BTreeSet::new();
        left.extend(ours.iter().copied().filter(|_| has_channels));
        let mut heard = usize::from(!has_channels);
        while let Some(first) = left.pop_first() {
            heard += 1;
            let mut edge = vec![first];
            while let Some(at) = edge.pop() {
                let hearers = world.truth.who.hearers(at).into_iter();
                edge.extend(hearers.filter(|next| left.remove(next)));
            }
        }
        let connections = ours.iter().map(|tab| view.connections(*tab) as u64).collect();
        let known = |kind: usize| ours.iter().map(|tab| view.known_counts(*tab)[kind]).collect();
        Self { connected: connected.len(), heard, connections, known: [known(0), known(1)] }
    }

    pub(super) const fn are_one(&self) -> bool {
        self.connected <= self.heard
    }

    /// How many parts are in excess of those that nobody could join.
    pub(super) const fn split(&self) -> usize {
        self.connected.saturating_sub(self.heard)
    }
}

fn add_graph(world: &World, figures: &mut BTreeMap<&'static str, f64>) {
    let parts = Parts::count(world);
    let split = parts.split();
    let Parts { connected, heard, connections, known } = parts;
    let [known, made_up] = known.map(median);
    let alone = connections.iter().filter(|count| **count == 0).count();
    let sum: u64 = connections.iter().sum();
    figures.extend([
        ("components_after", connected as f64),
        ("components_heard", heard as f64),
        ("components_split", split as f64),
        ("connections_mean", share(sum as f64, connections.len() as f64)),
        ("alone", alone as f64),
        ("known_median", known),
        ("known_made_up_median", made_up),
    ]);
}

fn add_visits(world: &World, figures: &mut BTreeMap<&'static str, f64>) {
    let visits = &world.visits;
    let reached = |hops: Option<u32>| {
        let asked = visits.iter().filter(|visit| hops.is_none_or(|hops| visit.hops == hops));
        let asked: Vec<bool> = asked.map(|visit| visit.is_reached).collect();
        share(asked.iter().filter(|is_reached| **is_reached).count() as f64, asked.len() as f64)
    };
    let ms = visits.iter().filter(|visit| visit.is_reached).map(|visit| visit.ms).collect();
    figures.extend([
        ("visits", visits.len() as f64),
        ("visits_reached_share", reached(None)),
        ("visits_reached_share_2_hops", reached(Some(2))),
        ("visits_reached_share_3_hops", reached(Some(3))),
        ("visits_reached_share_4_hops", reached(Some(4))),
        ("visit_ms_median", median(ms)),
    ]);
}

/// What became of messages whose receiver was there.
fn add_messages(world: &World, figures: &mut BTreeMap<&'static str, f64>) {
    let fair: Vec<_> = world.letters.done.iter().filter(|sent| sent.is_fair).collect();
    let found: Vec<_> = fair.iter().filter(|sent| sent.is_delivered).collect();
    let steps: Vec<f64> = found.iter().filter_map(|sent| sent.steps.map(f64::from)).collect();
    let sum: f64 = steps.iter().sum();
    let nodes = world.tabs.iter().filter(|tab| tab.is_running() && tab.options.app == 0).count();
    figures.extend([
        ("messages", fair.len() as f64),
        ("found_share", share(found.len() as f64, fair.len() as f64)),
        ("not_found_share", share((fair.len() - found.len()) as f64, fair.len() as f64)),
        ("frames_per_message", share(world.letters.frames as f64, world.letters.done.len() as f64)),
        ("hops_mean", share(sum, steps.len() as f64)),
        ("hops_max", steps.iter().copied().fold(0.0, f64::max)),
        ("log2_n", share((nodes as f64).log2(), 1.0)),
        ("message_ms_median", median(found.iter().map(|sent| sent.ms).collect())),
        ("message_ms_max", found.iter().map(|sent| sent.ms).max().unwrap_or(0) as f64),
    ]);
}

fn add_relaying(world: &World, figures: &mut BTreeMap<&'static str, f64>) {
    // Of the first application: the second one is a swarm of its own, of another size.
    let running = world.tabs.iter().filter(|tab| tab.is_running() && tab.options.app == 0);
    let bytes: Vec<u64> = running.map(|tab| tab.relayed_bytes).collect();
    let (all, relaying) = (bytes.len(), bytes.iter().filter(|bytes| **bytes > 0).count());
    let most = bytes.iter().max().copied().unwrap_or(0) as f64;
    let middle = median(bytes);
    figures.extend([
        ("relaying_share", share(relaying as f64, all as f64)),
        ("relayed_bytes_median", middle),
        ("relayed_bytes_max", most),
        ("relay_load_ratio", share(most, middle)),
    ]);
}

/// A part of a whole, in thousandths; 0 of nothing.
pub(super) fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { (part / whole * 1000.0).round() / 1000.0 } else { 0.0 }
}

/// The middle one, or 0 of none.
pub(super) fn median(mut values: Vec<u64>) -> f64 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0) as f64
}
