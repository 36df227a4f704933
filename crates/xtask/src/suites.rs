//! The test suites, in the order in which they run: what is quick to fail comes first.

use std::path::Path;

use anyhow::Result;

use crate::setup::{self, CHROMEDRIVER};
use crate::shell::{cargo, npm_tool, output, run, target_dir};
use crate::wasm::{self, Profile};
use crate::{build, fuzz, server, size, tidy};

/// How many seeds the simulator checks on each change; more run at night.
const SIMULATOR_SEEDS: &str = "200";

/// Seconds that all browser tests in a file may take, and the start of ChromeDriver. They end what hangs: wasm-bindgen's
/// own 20 and 5 are too few on two cores that others use.
const WASM_TEST_TIMEOUT_S: &str = "300";

/// Ends what hangs, in milliseconds. Vitest's own 5 s are too few for simulated networks on two cores that others use.
const UNIT_TEST_TIMEOUT: &str = "--test-timeout=120000";

/// A named part of `cargo xtask test`.
pub(crate) struct Suite {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) run: fn(&Path) -> Result<()>,
}

pub(crate) const SUITES: [Suite; 14] = [
    Suite { name: "fmt", about: "Rust is formatted", run: fmt },
    Suite { name: "tidy", about: "the rules of the house hold", run: tidy::check_all },
    Suite { name: "lint", about: "oxlint finds nothing", run: lint },
    Suite { name: "clippy", about: "Clippy finds nothing, natively and for WASM", run: clippy },
    Suite { name: "native", about: "unit, property and documentation tests", run: native },
    Suite { name: "docs", about: "the documentation builds without a warning", run: docs },
    Suite { name: "sim", about: "the simulator's seeds and scenarios hold", run: sim },
    Suite { name: "fuzz", about: "no bytes of peers break anything", run: fuzz::run_all },
    Suite { name: "tsc", about: "TypeScript's types hold", run: tsc },
    Suite { name: "unit", about: "unit tests of the TypeScript", run: unit },
    Suite { name: "size", about: "the package is within its budget", run: size_budget },
    Suite { name: "wasm", about: "the driver in headless Chromium", run: wasm_tests },
    Suite { name: "package", about: "the npm tarball in other people's projects", run: package },
    Suite { name: "e2e", about: "real tabs in Chromium and Firefox", run: e2e },
];

fn fmt(root: &Path) -> Result<()> {
    setup::rust_components(root)?;
    run(&mut cargo(root, ["fmt", "--all", "--check"]))?;
    run(&mut cargo(root, ["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]))
}

fn lint(root: &Path) -> Result<()> {
    setup::node_modules(root)?;
    run(&mut npm_tool(root, "oxlint", ["--deny-warnings"]))
}

fn clippy(root: &Path) -> Result<()> {
    setup::rust_components(root)?;
    setup::wasm_target(root)?;
    let native = ["clippy", "--quiet", "--workspace", "--exclude", "peerloom", "--all-targets"];
    run(cargo(root, native).args(["--", "-D", "warnings"]))?;
    let wasm = ["clippy", "--quiet", "--package", "peerloom", "--target", "wasm32-unknown-unknown"];
    run(cargo(root, wasm).args(["--all-targets", "--", "-D", "warnings"]))?;
    let testing = ["clippy", "--quiet", "--package", "peerloom-testing", "--all-targets"];
    let testing = [&testing[..], &["--target", "wasm32-unknown-unknown"]].concat();
    run(cargo(root, testing).args(["--", "-D", "warnings"]))?;
    // As it is published.
    let without_std = ["--no-default-features", "--features", "browser", "--", "-D", "warnings"];
    run(cargo(root, wasm).args(without_std))
}

fn native(root: &Path) -> Result<()> {
    // The wasm crate compiles only for browsers; its tests are the `wasm` suite.
    let rest = ["--workspace", "--exclude", "peerloom"];
    if output(&mut cargo(root, ["nextest", "--version"])).is_some() {
        let nextest = ["nextest", "run", "--cargo-quiet", "--status-level", "fail"];
        run(cargo(root, nextest).args(rest))?;
    } else {
        run(cargo(root, ["test", "--quiet", "--lib", "--bins", "--tests"]).args(rest))?;
    }
    run(cargo(root, ["test", "--quiet", "--doc"]).args(rest))
}

fn docs(root: &Path) -> Result<()> {
    let doc = ["doc", "--quiet", "--workspace", "--exclude", "peerloom", "--exclude", "xtask"];
    // Private items too: whoever works on a protocol reads those.
    run(cargo(root, doc)
        .args(["--no-deps", "--lib", "--document-private-items"])
        .env("RUSTDOCFLAGS", "-D warnings -A rustdoc::private_intra_doc_links"))
}

fn sim(root: &Path) -> Result<()> {
    let simulator = ["run", "--quiet", "--profile", "sim", "--package", "peerloom-sim", "--"];
    run(cargo(root, simulator).args(["check", "--seeds", SIMULATOR_SEEDS]))?;
    // Prints how the figures differ from those kept; only what must never be is a failure.
    run(cargo(root, simulator).args(["baseline", "--file", "crates/sim/baseline.json"]))
}

fn tsc(root: &Path) -> Result<()> {
    core_for_web(root)?;
    for project in ["tsconfig.json", "tsconfig.node.json"] {
        run(&mut npm_tool(root, "tsc", ["--noEmit", "--project", project]))?;
    }
    Ok(())
}

fn unit(root: &Path) -> Result<()> {
    core_for_web(root)?;
    run(&mut npm_tool(root, "vitest", ["run", "--dir", "web", UNIT_TEST_TIMEOUT]))
}

fn size_budget(root: &Path) -> Result<()> {
    build::release_package(root)?;
    let figures = size::measure(root)?;
    size::print_table(&figures);
    size::within_budget(&figures)
}

fn wasm_tests(root: &Path) -> Result<()> {
    setup::wasm_target(root)?;
    setup::browsers(root)?;
    let runner = ["build", "--quiet", "--package", "xtask", "--features", "wasm-test-runner"];
    run(cargo(root, runner).args(["--bin", "wasm-test-runner"]))?;
    // Not `--quiet`: Cargo hands that on to the runner, which does not know it.
    let tests = ["test", "--package", "peerloom", "--target", "wasm32-unknown-unknown"];
    run(cargo(root, tests)
        .args(["--lib", "--tests"])
        .env(
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER",
            target_dir(root).join("debug/wasm-test-runner"),
        )
        // With both drivers named the runner takes Firefox, so only one may be.
        .env_remove("GECKODRIVER")
        .env("CHROMEDRIVER", CHROMEDRIVER)
        .env("WASM_BINDGEN_TEST_TIMEOUT", WASM_TEST_TIMEOUT_S)
        .env("WASM_BINDGEN_TEST_DRIVER_TIMEOUT", WASM_TEST_TIMEOUT_S))
}

fn package(root: &Path) -> Result<()> {
    setup::browsers(root)?;
    build::release_package(root)?;
    playwright(root, &["package"])
}

fn e2e(root: &Path) -> Result<()> {
    setup::browsers(root)?;
    core_for_web(root)?;
    server::build(root)?;
    playwright(root, &["chromium", "firefox"])
}

/// What the TypeScript imports, as it is published: so that all suites share one build.
fn core_for_web(root: &Path) -> Result<()> {
    setup::wasm_target(root)?;
    setup::node_modules(root)?;
    wasm::build(root, Profile::Release)
}

fn playwright(root: &Path, projects: &[&str]) -> Result<()> {
    let mut test = npm_tool(root, "playwright", ["test"]);
    test.env(server::VARIABLE, server::binary(root));
    for project in projects {
        test.args(["--project", project]);
    }
    run(&mut test)
}
