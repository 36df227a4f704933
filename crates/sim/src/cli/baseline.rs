//! Figures that are kept, to be compared with.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use peerloom_sim::scenario::{SCENARIOS, Scenario, Spread};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::scenarios::{find, run_summary};

/// What a baseline holds of one scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Kept {
    nodes: usize,
    seeds: u64,
    figures: BTreeMap<String, Spread>,
}

/// Runs all scenarios at the size of CI and prints how their figures differ from those kept. A
/// different figure is no failure; a limit that does not hold is one.
pub(crate) fn compare(path: &Path, writes: bool, json: bool) -> Result<bool, String> {
    let kept = if writes { BTreeMap::new() } else { read(path)? };
    let mut all = BTreeMap::new();
    let mut failures = Vec::new();
    for (name, _) in SCENARIOS {
        let scenario = find(name)?;
        let Scenario { ci, .. } = scenario;
        let summary = run_summary(&scenario, ci.nodes, ci.seeds)?;
        let now = Kept { nodes: ci.nodes, seeds: ci.seeds, figures: summary.figures };
        if !json {
            print(name, &now, kept.get(*name), writes);
        }
        failures.extend(summary.failures.iter().map(|failure| format!("{name}: {failure}")));
        all.insert((*name).to_owned(), now);
    }
    if json {
        println!(
            "{}",
            json!({ "passed": failures.is_empty(), "failures": failures, "now": all, "kept": kept })
        );
    }
    for failure in &failures {
        eprintln!("failed: {failure}");
    }
    if writes && failures.is_empty() {
        let text = serde_json::to_string_pretty(&all).map_err(|error| error.to_string())?;
        fs::write(path, text + "\n").map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(failures.is_empty())
}

fn read(path: &Path) -> Result<BTreeMap<String, Kept>, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}

fn print(name: &str, now: &Kept, kept: Option<&Kept>, writes: bool) {
    let differs = |what: &str, spread: &Spread| {
        kept.and_then(|kept| kept.figures.get(what)).is_none_or(|before| before != spread)
    };
    let changed: Vec<(&String, &Spread)> =
        now.figures.iter().filter(|(what, spread)| differs(what, spread)).collect();
    let Kept { nodes, seeds, .. } = now;
    println!(
        "{name} ({nodes} nodes, {seeds} seeds): {} figures, {} differ",
        now.figures.len(),
        if writes { 0 } else { changed.len() }
    );
    for (what, spread) in if writes { Vec::new() } else { changed } {
        let before = kept.and_then(|kept| kept.figures.get(what));
        let before =
            before.map_or_else(|| "nothing".to_owned(), |before| before.median.to_string());
        println!("{what:>32}: {} (was {before})", spread.median);
    }
}
