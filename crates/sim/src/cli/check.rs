//! Many seeds at once.

use std::time::Instant;

use peerloom_sim::{Options, Report, run};
use serde_json::json;

use super::on_all_cores;

/// A seed's outcome: a report, or the message of the panic that ended it.
type Outcome = Result<Report, String>;

pub(crate) fn check(from: u64, count: u64, json: bool) -> Result<bool, String> {
    let started = Instant::now();
    let outcomes = on_all_cores(from..from.saturating_add(count), |seed| {
        let outcome = run_guarded(seed);
        if let Some(what) = failure(&outcome) {
            println!("seed {seed} fails: {what}");
        }
        (seed, outcome)
    })?;
    Ok(summarize(&outcomes, started.elapsed().as_millis(), json))
}

/// A node that panics is a finding like any other.
fn run_guarded(seed: u64) -> Outcome {
    let caught = std::panic::catch_unwind(|| run(&Options::draw(seed, None), None));
    match caught {
        Ok(Ok(report)) => Ok(report),
        Ok(Err(error)) => Err(error.to_string()),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Err(format!("panic: {}", text.unwrap_or_else(|| "without a message".to_owned())))
        }
    }
}

fn failure(outcome: &Outcome) -> Option<String> {
    match outcome {
        Ok(report) => {
            let first = report.violations.first()?;
            Some(format!(
                "{}: at {} ms, tab {}: {}",
                first.checker, first.at_ms, first.tab, first.what
            ))
        }
        Err(reason) => Some(reason.clone()),
    }
}

fn summarize(outcomes: &[(u64, Outcome)], wall_ms: u128, json: bool) -> bool {
    let failed: Vec<u64> =
        outcomes.iter().filter(|(_, o)| failure(o).is_some()).map(|(seed, _)| *seed).collect();
    let reports: Vec<&Report> = outcomes.iter().filter_map(|(_, o)| o.as_ref().ok()).collect();
    let inputs: u64 = reports.iter().map(|report| report.inputs).sum();
    let virtual_ms: u64 = reports.iter().map(|report| report.virtual_ms).sum();
    let mut converged: Vec<u64> = reports.iter().filter_map(|report| report.converged_ms).collect();
    converged.sort_unstable();
    let median = converged.get(converged.len() / 2).copied().unwrap_or(0);
    let worst = converged.last().copied().unwrap_or(0);
    println!(
        "{} seeds in {wall_ms} ms: {} failed {failed:?}; {inputs} inputs, {} virtual minutes; \
         converged {median} ms after healing in the median, {worst} ms at worst",
        outcomes.len(),
        failed.len(),
        virtual_ms / 60_000,
    );
    if json {
        let mut counts = std::collections::BTreeMap::new();
        for (what, count) in reports.iter().flat_map(|report| &report.counts) {
            *counts.entry(what).or_insert(0_u64) += count;
        }
        let line = json!({
            "seeds": outcomes.len(), "failed": failed, "wall_ms": wall_ms, "inputs": inputs,
            "virtual_ms": virtual_ms, "converged_ms_median": median, "converged_ms_max": worst,
            "counts": counts,
        });
        println!("{line}");
    }
    failed.is_empty()
}
