//! The simulator's command line: what has threads, files and clocks is here.

mod cli;

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use peerloom_sim::{Options, replay, run};
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
    /// Runs a scenario; prints a table of its figures.
    Run {
        /// Its name, or a file that ends in `.toml`.
        scenario: String,
        /// How many tabs; without this, as many as CI runs.
        #[arg(long)]
        nodes: Option<usize>,
        /// How many runs, each from another seed; without this, as many as CI runs.
        #[arg(long)]
        seeds: Option<u64>,
        /// The first seed.
        #[arg(long, default_value_t = 0)]
        from: u64,
        /// Prints one JSON object instead.
        #[arg(long)]
        json: bool,
    },
    /// Runs all scenarios at the size of CI and compares their figures with those kept.
    Baseline {
        /// Where they are kept.
        #[arg(long, default_value = "crates/sim/baseline.json")]
        file: PathBuf,
        /// Keeps the new ones instead.
        #[arg(long)]
        write: bool,
        /// Prints one JSON object instead.
        #[arg(long)]
        json: bool,
    },
    /// Runs one seed; prints the options it drew, then what came of it.
    Seed {
        /// What everything is drawn from.
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
        /// A file that `seed --trace` wrote.
        file: PathBuf,
        /// Prints one JSON object on the last line.
        #[arg(long)]
        json: bool,
    },
}

fn main() -> ExitCode {
    let passed = match Arguments::parse().command {
        Command::Run { scenario, nodes, seeds, from, json } => {
            cli::scenarios::run_one(&scenario, nodes, seeds, from, json)
        }
        Command::Baseline { file, write, json } => cli::baseline::compare(&file, write, json),
        Command::Seed { seed, nodes, trace, json } => run_one(seed, nodes, trace, json),
        Command::Check { seeds, from, json } => cli::check::check(from, seeds, json),
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
