//! `cargo xtask bench`: Peerloom against the raw data channel, in one run, in a real browser.

use std::path::Path;

use anyhow::Result;

use crate::shell::{self, command};
use crate::{build, setup};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Print the figures as one JSON object on the last line
    #[arg(long)]
    json: bool,
    /// What is passed on to benches/bench.mjs
    #[arg(last = true)]
    rest: Vec<String>,
}

pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    setup::browsers(root)?;
    build::release_package(root)?;
    let mut bench = command(root, "node", ["benches/bench.mjs"]);
    if options.json {
        bench.arg("--json");
    }
    shell::run(bench.args(&options.rest))
}
