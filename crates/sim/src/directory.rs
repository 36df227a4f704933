//! Who is who, and who hears whom: fixed for a run, so that nobody looks through all tabs for it.

use std::collections::{BTreeMap, BTreeSet};

use peerloom_wire::PeerId;

use crate::keyring;
use crate::options::Options;

/// What is true of one tab whatever happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) tab: usize,
    pub(crate) app: usize,
    pub(crate) is_honest: bool,
}

/// All tabs, by peer and by channel.
#[derive(Clone, Debug, Default)]
pub(crate) struct Directory {
    by_peer: BTreeMap<PeerId, Entry>,
    /// The tabs on each channel, in order.
    channels: BTreeMap<usize, Vec<usize>>,
    /// The channels of each tab.
    joined: Vec<Vec<usize>>,
    /// How many tabs have each application open.
    counts: BTreeMap<usize, usize>,
    pub(crate) all_are_honest: bool,
    /// Whether hostile tabs make peers up, whom nobody can tell from others until it meets them.
    pub(crate) some_are_made_up: bool,
}

impl Directory {
    pub(crate) fn new(options: &Options) -> Self {
        let mut directory = Self { all_are_honest: true, ..Self::default() };
        for (tab, own) in options.tabs.iter().enumerate() {
            let is_honest = own.hostility.is_none();
            *directory.counts.entry(own.app).or_insert(0) += 1;
            directory.all_are_honest &= is_honest;
            directory.some_are_made_up |=
                own.hostility.is_some_and(|hostility| hostility.sybil_per_mille > 0);
            let entry = Entry { tab, app: own.app, is_honest };
            directory.by_peer.insert(keyring::peer_id(options.seed, tab), entry);
            for channel in &own.channels {
                directory.channels.entry(*channel).or_default().push(tab);
            }
            directory.joined.push(own.channels.clone());
        }
        directory
    }

    /// How many tabs have an application open, or will.
    pub(crate) fn count(&self, app: usize) -> usize {
        self.counts.get(&app).copied().unwrap_or(0)
    }

    /// Returns whose peer this is; `None` if it does not exist.
    pub(crate) fn find(&self, peer: &PeerId) -> Option<Entry> {
        self.by_peer.get(peer).copied()
    }

    /// The tabs that it takes exactly so many steps of hearing to get to, of those that pass.
    pub(crate) fn away(&self, tab: usize, hops: u32, passes: impl Fn(usize) -> bool) -> Vec<usize> {
        let mut seen = BTreeSet::from([tab]);
        let mut edge = vec![tab];
        for _ in 0..hops {
            let nexts = edge.iter().flat_map(|at| self.hearers(*at)).filter(|one| passes(*one));
            edge = nexts.filter(|one| seen.insert(*one)).collect();
        }
        edge
    }

    /// The tabs, open or not, that can hear envelopes of `tab`: in order, without itself.
    pub(crate) fn hearers(&self, tab: usize) -> Vec<usize> {
        let joined = self.joined.get(tab).map(Vec::as_slice).unwrap_or_default();
        let lists = joined.iter().filter_map(|channel| self.channels.get(channel));
        let mut hearers: Vec<usize> = lists.flatten().copied().filter(|one| *one != tab).collect();
        if joined.len() > 1 {
            hearers.sort_unstable();
            hearers.dedup();
        }
        hearers
    }
}
