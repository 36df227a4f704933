//! What runs of a scenario came to, for people and for machines.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Scenario;
use crate::checkers::Violation;

/// What one run came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// What it was drawn from.
    pub seed: u64,
    /// What a checker saw that must never be.
    pub violations: Vec<Violation>,
    /// What the world lacked when its time was over: the first few, by tab.
    pub missed: Vec<Missed>,
    /// All figures.
    pub figures: BTreeMap<&'static str, f64>,
    /// Inputs that nodes took.
    pub inputs: u64,
    /// How much virtual time passed.
    pub virtual_ms: u64,
    /// Equal for equal runs.
    pub trace_hash: String,
}

/// Something that a world lacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Missed {
    /// Whose node lacks it.
    pub tab: usize,
    /// What it lacks.
    pub what: String,
}

/// One figure over all runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Of the runs.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The most.
    pub max: f64,
}

/// What all runs came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Whether nothing failed.
    pub passed: bool,
    /// What failed, in words.
    pub failures: Vec<String>,
    /// The figures wanted.
    pub figures: BTreeMap<String, Spread>,
}

/// Sums runs up, and holds them to the scenario's limits.
#[must_use]
pub fn summarize(scenario: &Scenario, outcomes: &[Outcome]) -> Summary {
    let mut failures: Vec<String> =
        outcomes.iter().flat_map(|outcome| failures_of(scenario, outcome)).collect();
    let mut figures = BTreeMap::new();
    for name in &scenario.measure.figures {
        let mut values: Vec<f64> =
            outcomes.iter().filter_map(|outcome| outcome.figures.get(&**name).copied()).collect();
        values.sort_by(f64::total_cmp);
        let median = values.get(values.len() / 2).copied();
        let (Some(min), Some(median), Some(max)) = (values.first(), median, values.last()) else {
            failures.push(format!("there is no figure {name}"));
            continue;
        };
        figures.insert(name.clone(), Spread { median, min: *min, max: *max });
    }
    Summary { passed: failures.is_empty(), failures, figures }
}

fn failures_of(scenario: &Scenario, outcome: &Outcome) -> Vec<String> {
    let seed = outcome.seed;
    let mut failures = Vec::new();
    for Violation { at_ms, tab, checker, what } in &outcome.violations {
        failures.push(format!("seed {seed}: {checker}: at {at_ms} ms, tab {tab}: {what}"));
    }
    for Missed { tab, what } in &outcome.missed {
        failures.push(format!("seed {seed}: not whole by its deadline: tab {tab} {what}"));
    }
    let mut hold =
        |name: &str, bound: f64, is_broken: fn(&f64, &f64) -> bool, side: &str| match outcome
            .figures
            .get(name)
        {
            Some(is) if !is_broken(is, &bound) => {}
            Some(is) => failures.push(format!("seed {seed}: {name} is {is}, {side} {bound}")),
            None => failures.push(format!("seed {seed}: there is no figure {name}")),
        };
    let nodes = outcome.figures.get("nodes").copied().unwrap_or_default();
    let larger = scenario.measure.larger.as_ref();
    let larger = larger.filter(|larger| nodes > f64::from(larger.than_nodes));
    for (name, limit) in &scenario.measure.limits {
        let limit = larger.and_then(|larger| larger.limits.get(name)).unwrap_or(limit);
        hold(name, *limit, f64::gt, "over");
    }
    for (name, floor) in &scenario.measure.floors {
        let floor = larger.and_then(|larger| larger.floors.get(name)).unwrap_or(floor);
        hold(name, *floor, f64::lt, "under");
    }
    failures
}
