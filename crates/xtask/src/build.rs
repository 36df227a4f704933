//! `cargo xtask build`: the WASM core, the npm package in `dist/peerloom`, the app in `dist/app`.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use serde_json::json;

use crate::shell::{self, command, npm_tool};
use crate::wasm::{self, Profile};
use crate::{setup, size};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Build the core quickly and with names, instead of small
    #[arg(long)]
    dev: bool,
    /// Print the figures as one JSON object on the last line
    #[arg(long)]
    json: bool,
}

pub(crate) fn run_all(root: &Path, profile: Profile) -> Result<()> {
    setup::wasm_target(root)?;
    setup::node_modules(root)?;
    wasm::build(root, profile)?;
    package(root)?;
    app(root)
}

pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let begun = Instant::now();
    run_all(root, if options.dev { Profile::Dev } else { Profile::Release })?;
    let seconds = begun.elapsed().as_secs_f64();
    let figures = size::measure(root)?;
    if options.json {
        println!("{}", json!({ "seconds": seconds, "size": size::as_json(&figures) }));
        return Ok(());
    }
    size::print_table(&figures);
    println!("Built dist/peerloom (the npm package) and dist/app (the app) in {seconds:.1} s.");
    Ok(())
}

/// Builds the core and the npm package as they are published.
pub(crate) fn release_package(root: &Path) -> Result<()> {
    setup::wasm_target(root)?;
    setup::node_modules(root)?;
    wasm::build(root, Profile::Release)?;
    package(root)
}

fn package(root: &Path) -> Result<()> {
    // All crates share the workspace's version, so ours is the package's.
    shell::run(&mut command(
        root,
        "node",
        ["web/build.mjs", "--version", env!("CARGO_PKG_VERSION")],
    ))
}

fn app(root: &Path) -> Result<()> {
    shell::run(&mut npm_tool(root, "vite", ["build", "--logLevel", "warn"]))
}
