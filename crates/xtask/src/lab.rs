//! `cargo xtask lab`: two browsers in network namespaces, and what happens to networks.

use std::path::Path;

use anyhow::{Result, ensure};

use crate::measure::{self, Options};
use crate::shell::{command, output};

/// Programs, a word at which each only says something about itself, and the Debian package that brings it.
const TOOLS: [(&str, &str, &str); 3] = [
    ("ip", "-Version", "iproute2"),
    ("nft", "--version", "nftables"),
    ("turnserver", "--version", "coturn"),
];

pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let user = output(&mut command(root, "id", ["-u"]));
    ensure!(
        user.is_some_and(|id| id.trim() == "0"),
        "the network lab makes network namespaces, which takes root"
    );
    for (program, question, package) in TOOLS {
        ensure!(
            output(&mut command(root, program, [question])).is_some(),
            "the network lab needs `{program}`: apt-get install {package}"
        );
    }
    measure::run(root, "tests/lab/lab.mjs", options)
}
