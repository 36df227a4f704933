//! `cargo xtask lab`: two browsers in network namespaces, and what happens to networks.

use std::path::Path;

use anyhow::{Result, ensure};

use crate::shell::{self, command, output};
use crate::{build, setup};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Print every sample as one JSON object on the last line
    #[arg(long)]
    json: bool,
    /// What is passed on to tests/lab/lab.mjs
    #[arg(last = true)]
    rest: Vec<String>,
}

pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let user = output(&mut command(root, "id", ["-u"]));
    ensure!(
        user.is_some_and(|id| id.trim() == "0"),
        "the network lab makes network namespaces, which takes root"
    );
    ensure!(
        output(&mut command(root, "ip", ["netns", "list"])).is_some(),
        "the network lab needs the `ip` command of iproute2: apt install iproute2"
    );
    setup::browsers(root)?;
    build::release_package(root)?;
    let mut lab = command(root, "node", ["tests/lab/lab.mjs"]);
    if options.json {
        lab.arg("--json");
    }
    shell::run(lab.args(&options.rest))
}
