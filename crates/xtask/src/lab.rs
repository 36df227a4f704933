//! `cargo xtask lab`: two browsers in network namespaces, and what happens to networks.

use std::path::Path;

use anyhow::{Result, ensure};

use crate::measure::{self, Options};
use crate::shell::{command, output};

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
    measure::run(root, "tests/lab/lab.mjs", options)
}
