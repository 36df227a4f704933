//! Scenarios: worlds of any size, described in a file. Where a seed draws what fails, a scenario says
//! it, so that its figures can be compared from one change to the next.
//!
//! A broadcast channel is heard by all who are on it, so a large world is many small origins, each
//! a channel of a few tabs, some of which are on the channel of another origin too: bridges.

mod draw;
mod figures;
mod joining;
mod outcome;
mod run;
mod spread;
mod talk;
mod terrain;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Deserialize;

pub(crate) use self::figures::WRONGLY_DEAD;
pub use self::outcome::{Missed, Outcome, Spread, Summary, summarize};
pub use self::run::run;
use crate::dice::Span;
use crate::options::{Hostility, LinkOptions, Options, SignallingOptions};
use crate::posts::Phase;

/// A world, what happens in it, and what is wanted to know.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it shows, in a sentence.
    pub about: String,
    /// What CI runs, and the baseline holds.
    pub ci: Size,
    /// Who is there.
    #[serde(default)]
    pub swarm: Swarm,
    /// How what is between them behaves, until healing.
    #[serde(default)]
    pub network: Network,
    /// What happens when.
    #[serde(rename = "event")]
    pub events: Vec<Event>,
    /// What is measured from when to when.
    pub measure: Measure,
}

/// How much of a scenario is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// How many tabs.
    pub nodes: usize,
    /// How many runs, each from another seed.
    pub seeds: u64,
}

/// Who is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Swarm {
    /// How many tabs have an origin of their own, at least.
    pub origin_tabs_min: usize,
    /// And at most.
    pub origin_tabs_max: usize,
    /// How many of them are on another origin's channel too. The first is on the next one's, so that
    /// all origins are a ring; the others are on that of any.
    pub bridges: usize,
    /// Whether all meet through a rendezvous server: then nobody is on any channel.
    pub rendezvous: bool,
    /// Instead of origins: how often all tabs are dealt out to circles of `origin_tabs_max`, each of
    /// which is a channel. 0: not.
    pub circles: usize,
    /// Of a thousand tabs, so many are in each room, whenever they are open.
    pub rooms_per_mille: [u32; 2],
    /// The connections that each node may have.
    pub connections_max: u16,
    /// Of a thousand tabs, so many have the second application open: a graph of its own on the
    /// same channels.
    pub second_app_per_mille: usize,
    /// Of a thousand tabs of the first application, so many are hostile.
    pub hostile_per_mille: u32,
    /// What these do.
    pub hostility: Hostility,
}

impl Default for Swarm {
    fn default() -> Self {
        Self {
            origin_tabs_min: 2,
            origin_tabs_max: 6,
            bridges: 2,
            rendezvous: false,
            circles: 0,
            rooms_per_mille: [0, 0],
            connections_max: 8,
            second_app_per_mille: 100,
            hostile_per_mille: 0,
            hostility: Hostility::default(),
        }
    }
}

/// How envelopes travel and connections carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Network {
    /// Between tabs, one way, once per pair.
    pub latency: Span,
    /// How envelopes travel on a channel.
    pub signalling: SignallingOptions,
    /// A connection just made dies within seconds, without an event.
    pub stillborn_per_mille: u32,
    /// Whether the browser says `disconnected` and `failed`, or nothing ever.
    pub outage_is_told: bool,
    /// Whether a stalled connection comes back with its path, or by an ICE restart only.
    pub heals_by_itself: bool,
}

impl Default for Network {
    fn default() -> Self {
        let calm = Options::calm(0, 0);
        let LinkOptions { outage_is_told, heals_by_itself, .. } = calm.links;
        let latency = Span::new(10, 50);
        let signalling = calm.signalling;
        Self { latency, signalling, stillborn_per_mille: 0, outage_is_told, heals_by_itself }
    }
}

/// What happens, and when it begins. Shares are of a thousand tabs, of both applications.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// All tabs are opened but those that join later.
    Open {
        /// Begins.
        at_s: u64,
        /// Within this time.
        over_s: u64,
    },
    /// Newcomers are opened: a flash crowd if it is quick. Once only.
    Join {
        /// Begins.
        at_s: u64,
        /// Within this time.
        over_s: u64,
        /// How many.
        per_mille: u32,
    },
    /// Tabs go, each at its own time (a Poisson process), and come back as the same peer.
    Churn {
        /// Begins.
        at_s: u64,
        /// Goes on for so long.
        for_s: u64,
        /// How many in a minute.
        per_mille_per_minute: u32,
        /// How long each is away.
        away: Span,
        /// How many say goodbye.
        politely_per_mille: u32,
    },
    /// Tabs go at once, without a word, for good.
    Leave {
        /// When.
        at_s: u64,
        /// How many.
        per_mille: u32,
    },
    /// Some tabs and the others can't reach one another. Channels still carry.
    Partition {
        /// Begins.
        at_s: u64,
        /// Goes on for so long.
        for_s: u64,
        /// How many are on the smaller side.
        per_mille: u32,
    },
    /// The rendezvous server is gone, and with it all that it knew.
    NoServer {
        /// Begins.
        at_s: u64,
        /// Goes on for so long.
        for_s: u64,
    },
    /// Pages are frozen, told or not, others hidden; the clocks of the frozen ones jump ahead.
    Sleep {
        /// Begins.
        at_s: u64,
        /// Goes on for so long.
        for_s: u64,
        /// How many are frozen.
        frozen_per_mille: u32,
        /// How many are hidden.
        hidden_per_mille: u32,
        /// How far clocks jump at most.
        clock_jump_s_max: u64,
    },
    /// Applications ask for a peer that they don't hear, some origins away, and part from it.
    Visits {
        /// Begins.
        at_s: u64,
        /// Goes on for so long.
        for_s: u64,
        /// How many tabs do, in a minute.
        per_mille_per_minute: u32,
        /// How many steps of hearing away at most, at least 2. Without channels anybody is visited.
        #[serde(default)]
        hops_max: u32,
        /// How long they stay connected.
        stay_s: u64,
    },
    /// Applications send messages to anybody who has the same one open, wherever that is.
    Messages {
        /// Begins.
        at_s: u64,
        /// Goes on for so long.
        for_s: u64,
        /// How many tabs do, in a minute.
        per_mille_per_minute: u32,
        /// How long each is.
        bytes: usize,
    },
    /// Somebody says something, in the one room and the other by turns.
    Talk {
        /// Begins.
        at_s: u64,
        /// Goes on for so long.
        for_s: u64,
        /// How often.
        every_ms: u64,
        /// How many bytes.
        bytes: usize,
        /// By one or by many.
        senders: Phase,
        /// So many of the first are said to warm up: no figure counts them, but for those missed.
        warm_up: usize,
    },
    /// Tabs add a content, and all honest ones that hear them fetch it.
    Contents {
        /// When they are added; they are fetched five seconds later.
        at_s: u64,
        /// How many tabs add one.
        per_mille: u32,
        /// Of how many chunks.
        chunks: u32,
    },
}

/// What is measured from when to when.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// Rates are counted from here.
    pub from_s: u64,
    /// Every fault ends, or, with `siege`, every one but those that hostile tabs and the channels
    /// make. The world has to be whole again by its deadline.
    pub heal_s: u64,
    /// Whether hostile tabs go on after that.
    #[serde(default)]
    pub siege: bool,
    /// How long it may take after that.
    pub deadline_s: u64,
    /// How long the world is watched after that: it has to stay whole.
    #[serde(default)]
    pub watch_s: u64,
    /// The figures wanted.
    pub figures: Vec<String>,
    /// Figures that must not be above a limit.
    #[serde(default)]
    pub limits: BTreeMap<String, f64>,
    /// Figures that must not be below one.
    #[serde(default)]
    pub floors: BTreeMap<String, f64>,
    /// Limits and floors that stand in for those in larger worlds.
    #[serde(default)]
    pub larger: Option<Larger>,
}

/// What holds in worlds of more than so many nodes.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Larger {
    /// Of more than these.
    pub than_nodes: u32,
    /// Figures with another limit than smaller worlds have.
    #[serde(default)]
    pub limits: BTreeMap<String, f64>,
    /// Figures with another floor.
    #[serde(default)]
    pub floors: BTreeMap<String, f64>,
}

/// Why a scenario can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the scenario can't be read: {0}")]
pub struct ScenarioError(String);

impl Scenario {
    /// Reads a scenario.
    ///
    /// # Errors
    /// What the file has that a scenario has not, or lacks.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        toml::from_str(text).map_err(|error| ScenarioError(error.to_string()))
    }
}

/// The scenarios that come along, by name: texts for [`Scenario::parse`].
pub const SCENARIOS: &[(&str, &str)] = &[
    ("joining", include_str!("../../scenarios/joining.toml")),
    ("churn", include_str!("../../scenarios/churn.toml")),
    ("few", include_str!("../../scenarios/few.toml")),
    ("origins", include_str!("../../scenarios/origins.toml")),
    ("rendezvous", include_str!("../../scenarios/rendezvous.toml")),
    ("steady", include_str!("../../scenarios/steady.toml")),
    ("load", include_str!("../../scenarios/load.toml")),
    ("partition", include_str!("../../scenarios/partition.toml")),
    ("sleep", include_str!("../../scenarios/sleep.toml")),
    ("hostile", include_str!("../../scenarios/hostile.toml")),
    ("relaying", include_str!("../../scenarios/relaying.toml")),
    ("lookup", include_str!("../../scenarios/lookup.toml")),
    ("lookup_dying", include_str!("../../scenarios/lookup_dying.toml")),
    ("lookup_liars", include_str!("../../scenarios/lookup_liars.toml")),
    ("broadcast", include_str!("../../scenarios/broadcast.toml")),
    ("broadcast-churn", include_str!("../../scenarios/broadcast-churn.toml")),
    ("broadcast-bulk", include_str!("../../scenarios/broadcast-bulk.toml")),
    ("broadcast-hostile", include_str!("../../scenarios/broadcast-hostile.toml")),
    ("gossip", include_str!("../../scenarios/gossip.toml")),
];
