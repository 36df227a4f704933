//! `peerloom-server`: the hub with its sockets. How to run it is in `docs/operations.md`.

mod serve;

use std::process::ExitCode;

use clap::Parser;

use crate::serve::args::Args;

fn main() -> ExitCode {
    let args = Args::parse();
    tracing_subscriber::fmt()
        .with_max_level(args.log)
        .with_writer(std::io::stderr)
        .with_target(false)
        .init();
    match serve::run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The last thing to be read, and for people: no time and no level before it.
            eprintln!("peerloom-server: {error:#}");
            ExitCode::FAILURE
        }
    }
}
