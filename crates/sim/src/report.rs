//! What a run came to, for people and for machines.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::checkers::Violation;
use crate::tab::Tab;
use crate::world::World;

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What the run was drawn from.
    pub seed: u64,
    /// How many tabs it had.
    pub tabs: usize,
    /// What must never be and was. Empty: the run passed.
    pub violations: Vec<Violation>,
    /// When the healed world had converged, in milliseconds after healing.
    pub converged_ms: Option<u64>,
    /// How much virtual time passed.
    pub virtual_ms: u64,
    /// Inputs that nodes took.
    pub inputs: u64,
    /// Equal for equal runs.
    pub trace_hash: String,
    /// What happened in the world.
    pub counts: BTreeMap<String, u64>,
    /// What the nodes that are open at the end count, in sum.
    pub node_stats: BTreeMap<String, u64>,
}

impl Report {
    pub(crate) fn new(world: &World, converged_ms: Option<u64>) -> Self {
        let mut counts = BTreeMap::new();
        for (what, count) in world.counts.iter().chain(&world.fabric.counts) {
            *counts.entry((*what).to_owned()).or_insert(0) += count;
        }
        let mut node_stats = BTreeMap::new();
        for (what, count) in world
            .tabs
            .iter()
            .filter_map(|tab: &Tab| tab.node.as_ref())
            .flat_map(|node| node.stats())
        {
            *node_stats.entry(what.to_owned()).or_insert(0) += count;
        }
        Self {
            seed: world.options.seed,
            tabs: world.options.tabs.len(),
            violations: world.checkers.violations.clone(),
            converged_ms: converged_ms.map(|at| at.saturating_sub(world.options.heal_at_ms)),
            virtual_ms: world.now_ms(),
            inputs: world.inputs_count(),
            trace_hash: format!("{:016x}", world.trace_hash()),
            counts,
            node_stats,
        }
    }

    /// Whether nothing went wrong.
    #[must_use]
    pub const fn passed(&self) -> bool {
        self.violations.is_empty()
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (what, count) in self.counts.iter().chain(&self.node_stats) {
            writeln!(f, "{count:>10}  {what}")?;
        }
        for Violation { at_ms, tab, checker, what } in &self.violations {
            writeln!(f, "violated: {checker}: at {at_ms} ms, tab {tab}: {what}")?;
        }
        let end = match self.converged_ms {
            Some(ms) => format!("converged {ms} ms after healing"),
            None => "did not converge".to_owned(),
        };
        write!(
            f,
            "seed {}: {} tabs, {} inputs in {} virtual ms, {end}, trace {}",
            self.seed, self.tabs, self.inputs, self.virtual_ms, self.trace_hash,
        )
    }
}
