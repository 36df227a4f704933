//! The simulator's command line.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use clap::{Parser, Subcommand};
use peerloom_sim::{Options, Report, replay, run};
use serde_json::json;

/// Runs Peerloom's nodes in a world of virtual time, where everything fails that a seed draws.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs one seed; prints the options it drew, then what came of it.
    Run {
        /// What everything is drawn from.
        #[arg(long)]
        seed: u64,
        /// How many tabs, instead of what the seed draws.
        #[arg(long, value_parser = clap::value_parser!(u64).range(2..=12))]
        nodes: Option<u64>,
        /// Writes all inputs to this file, one JSON object a line.
        #[arg(long)]
        trace: Option<PathBuf>,
        /// Prints one JSON object on the last line.
        #[arg(long)]
        json: bool,
    },
    /// Runs many seeds on all cores and prints those that fail.
    Check {
        /// How many.
        #[arg(long, default_value_t = 200)]
        seeds: u64,
        /// The first.
        #[arg(long, default_value_t = 0)]
        from: u64,
        /// Prints one JSON object on the last line.
        #[arg(long)]
        json: bool,
    },
    /// Feeds a trace to fresh nodes and compares what they say.
    Replay {
        /// A file that `run --trace` wrote.
        file: PathBuf,
        /// Prints one JSON object on the last line.
        #[arg(long)]
        json: bool,
    },
}

fn main() -> ExitCode {
    let passed = match Arguments::parse().command {
        Command::Run { seed, nodes, trace, json } => run_one(seed, nodes, trace, json),
        Command::Check { seeds, from, json } => check(from, seeds, json),
        Command::Replay { file, json } => replay_one(&file, json),
    };
    match passed {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::from(2)
        }
    }
}

fn run_one(
    seed: u64,
    nodes: Option<u64>,
    trace: Option<PathBuf>,
    json: bool,
) -> Result<bool, String> {
    let options = Options::draw(seed, nodes.and_then(|nodes| usize::try_from(nodes).ok()));
    let drawn = serde_json::to_string_pretty(&options).map_err(|error| error.to_string())?;
    println!("{drawn}");
    let create =
        |path| -> io::Result<Box<dyn Write>> { Ok(Box::new(BufWriter::new(File::create(path)?))) };
    let trace = trace.map(create).transpose().map_err(|error| error.to_string())?;
    let report = run(&options, trace).map_err(|error| error.to_string())?;
    println!("{report}");
    if json {
        println!("{}", json!({ "options": options, "report": report, "passed": report.passed() }));
    }
    Ok(report.passed())
}

/// A seed's outcome: a report, or the message of the panic that ended it.
type Outcome = Result<Report, String>;

fn check(from: u64, count: u64, json: bool) -> Result<bool, String> {
    let started = Instant::now();
    let next = AtomicU64::new(from);
    let outcomes = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= from.saturating_add(count) {
                        return;
                    }
                    let outcome = run_guarded(seed);
                    if let Some(what) = failure(&outcome) {
                        println!("seed {seed} fails: {what}");
                    }
                    if let Ok(mut outcomes) = outcomes.lock() {
                        outcomes.push((seed, outcome));
                    }
                }
            });
        }
    });
    let mut outcomes = outcomes.into_inner().map_err(|error| error.to_string())?;
    outcomes.sort_by_key(|(seed, _)| *seed);
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

fn replay_one(file: &Path, json: bool) -> Result<bool, String> {
    let file = File::open(file).map_err(|error| error.to_string())?;
    match replay(BufReader::new(file)) {
        Ok(replayed) => {
            println!(
                "{} inputs of {} sessions replayed, all with the same outputs",
                replayed.inputs, replayed.sessions
            );
            if json {
                println!("{}", json!({ "passed": true, "replayed": replayed }));
            }
            Ok(true)
        }
        Err(error @ peerloom_sim::ReplayError::Differs { .. }) => {
            println!("{error}");
            if json {
                println!("{}", json!({ "passed": false, "reason": error.to_string() }));
            }
            Ok(false)
        }
        Err(error) => Err(error.to_string()),
    }
}
