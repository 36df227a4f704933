//! The scripts in Node that measure: how they are called is the same for all.

use std::path::Path;

use anyhow::Result;

use crate::shell::{self, command};
use crate::{build, setup};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Print every sample as one JSON object on the last line
    #[arg(long)]
    json: bool,
    /// What is passed on to the script
    #[arg(last = true)]
    rest: Vec<String>,
}

/// Builds the package as it is published, and runs a script with it.
pub(crate) fn run(root: &Path, script: &str, options: &Options) -> Result<()> {
    setup::browsers(root)?;
    build::release_package(root)?;
    let mut node = command(root, "node", [script]);
    if options.json {
        node.arg("--json");
    }
    shell::run(node.args(&options.rest))
}
