//! Scenarios, run and shown.

use std::fs;
use std::time::Instant;

use peerloom_sim::scenario::{SCENARIOS, Scenario, Summary, run, summarize};
use serde_json::json;

use super::on_all_cores;

/// How a scenario ran, apart from what came of it: other on each machine.
struct Pace {
    wall_ms: u128,
    /// Of all processors, where the system says so (Linux).
    cpu_ms: Option<u64>,
    inputs: u64,
    virtual_ms: u64,
}

/// Finds a scenario by its name, or reads it from a file.
pub(crate) fn find(name: &str) -> Result<Scenario, String> {
    let known = SCENARIOS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text);
    let text = match known {
        Some(text) => text.to_owned(),
        None if name.ends_with(".toml") => {
            fs::read_to_string(name).map_err(|error| format!("{name}: {error}"))?
        }
        None => {
            let names: Vec<&str> = SCENARIOS.iter().map(|(known, _)| *known).collect();
            return Err(format!(
                "there is no scenario {name}; there are {}, and files that end in .toml",
                names.join(", ")
            ));
        }
    };
    Scenario::parse(&text).map_err(|error| format!("{name}: {error}"))
}

/// Runs a scenario and prints a table, or one JSON object.
pub(crate) fn run_one(
    name: &str,
    nodes: Option<usize>,
    seeds: Option<u64>,
    from: u64,
    json: bool,
) -> Result<bool, String> {
    let scenario = find(name)?;
    let nodes = nodes.unwrap_or(scenario.ci.nodes);
    let seeds = seeds.unwrap_or(scenario.ci.seeds);
    let (summary, pace) = run_all(&scenario, nodes, from, seeds)?;
    let Summary { passed, failures, figures } = &summary;
    // By processor time: other work on the machine makes no difference.
    let cpu_ms = pace.cpu_ms.map_or(pace.wall_ms, u128::from);
    let inputs_per_s = per_second(pace.inputs, cpu_ms);
    let virtual_per_real = per_second(pace.virtual_ms, cpu_ms) / 1000.0;
    let memory_kib = peak_memory_kib().map(|kib| kib / nodes.max(1) as u64);
    if json {
        let line = json!({
            "scenario": name, "nodes": nodes, "seeds": seeds, "from": from, "passed": passed,
            "failures": failures, "figures": figures,
            "pace": {
                "wall_ms": u64::try_from(pace.wall_ms).unwrap_or(u64::MAX),
                "cpu_ms": pace.cpu_ms, "inputs": pace.inputs,
                "inputs_per_cpu_s": inputs_per_s, "virtual_s_per_cpu_s": virtual_per_real,
                "peak_memory_kib_per_node": memory_kib,
            },
        });
        println!("{line}");
        return Ok(*passed);
    }
    println!("{name}: {} ({nodes} nodes, {seeds} seeds)", scenario.about);
    println!("{:>14} {:>12} {:>12}", "median", "least", "most");
    for (what, spread) in figures {
        println!("{:>14} {:>12} {:>12}  {what}", spread.median, spread.min, spread.max);
    }
    println!(
        "{} inputs in {} ms; {inputs_per_s} and {virtual_per_real} virtual seconds in a second of one \
         processor; {} KiB a node at the peak",
        pace.inputs,
        pace.wall_ms,
        memory_kib.map_or_else(|| "?".to_owned(), |kib| kib.to_string()),
    );
    for failure in failures {
        println!("failed: {failure}");
    }
    Ok(*passed)
}

/// Runs a scenario for some seeds; `run_summary` without the pace.
pub(crate) fn run_summary(
    scenario: &Scenario,
    nodes: usize,
    seeds: u64,
) -> Result<Summary, String> {
    Ok(run_all(scenario, nodes, 0, seeds)?.0)
}

fn run_all(
    scenario: &Scenario,
    nodes: usize,
    from: u64,
    seeds: u64,
) -> Result<(Summary, Pace), String> {
    let (started, before) = (Instant::now(), cpu_ms());
    let seeds = from..from.saturating_add(seeds);
    let outcomes = on_all_cores(seeds, |seed| run(scenario, nodes, seed))?;
    let pace = Pace {
        wall_ms: started.elapsed().as_millis(),
        cpu_ms: cpu_ms().zip(before).map(|(after, before)| after - before),
        inputs: outcomes.iter().map(|outcome| outcome.inputs).sum(),
        virtual_ms: outcomes.iter().map(|outcome| outcome.virtual_ms).sum(),
    };
    Ok((summarize(scenario, &outcomes), pace))
}

fn per_second(count: u64, wall_ms: u128) -> f64 {
    (count as f64 * 1000.0 / (wall_ms.max(1) as f64)).round()
}

/// Processor time of this process so far, in hundredths of a second: what Linux counts in.
fn cpu_ms() -> Option<u64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name, in brackets, may hold anything; user and system time are fields 14 and 15.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some((ticks()? + ticks()?) * 10)
}

/// The most memory that this process had, where the system says so (Linux).
fn peak_memory_kib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
