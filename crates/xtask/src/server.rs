//! The rendezvous server, for suites that talk to it and for `start`.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::shell::{cargo, run, target_dir};

/// The variable in which those who start it find out where it is.
pub(crate) const VARIABLE: &str = "PEERLOOM_SERVER";

/// Builds it, without optimisation: a handful of peers is nothing to it.
pub(crate) fn build(root: &Path) -> Result<()> {
    let build = ["build", "--quiet", "--package", "peerloom-server"];
    run(cargo(root, build).args(["--bin", "peerloom-server"]))
}

/// Returns where it is.
pub(crate) fn binary(root: &Path) -> PathBuf {
    target_dir(root).join("debug/peerloom-server")
}
