//! Peerloom's own commands, as `cargo xtask <command>`.
//!
//! Rust rather than shell, so that they need nothing that building the library does not need already. Each command is
//! one module; `setup` holds what a fresh machine lacks and is called by the commands that need it.

mod build;
mod fuzz;
mod lab;
mod measure;
mod names;
mod server;
mod setup;
mod shell;
mod size;
mod start;
mod suites;
mod test;
mod tidy;
mod wasm;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Peerloom's own commands")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Set up, build, serve the app on a free local port and print its address
    Start(start::Options),
    /// Set up and run the test suites: all of them, or those named
    Test(test::Options),
    /// Build the WASM core, the npm package into dist/peerloom and the app into dist/app
    Build(build::Options),
    /// Measure against the raw data channel in the same run
    Bench(measure::Options),
    /// Do to the networks of two browsers what happens to networks; takes root
    Lab(measure::Options),
    /// Check the rules of the house that no compiler knows
    Tidy(tidy::Options),
    /// Measure the package, raw and compressed, and hold it to its budget
    Size(size::Options),
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        // In one line: whoever reads it looks for a cause, not for a place in this program.
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let root = shell::workspace_root()?;
    match &arguments.command {
        Command::Start(options) => start::run(&root, options),
        Command::Test(options) => test::run(&root, options),
        Command::Build(options) => build::run(&root, options),
        Command::Bench(options) => measure::run(&root, "benches/bench.mjs", options),
        Command::Lab(options) => lab::run(&root, options),
        Command::Tidy(options) => tidy::run(&root, options),
        Command::Size(options) => size::run(&root, options),
    }
}
