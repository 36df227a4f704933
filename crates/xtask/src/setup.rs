//! What a fresh machine lacks: looked for, installed if that can be done, named in a clear sentence if not.
//!
//! A Debian-like system with Rust and Node is assumed. Every step first looks, so that a second run costs nothing, and
//! says what it installs before it does.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Result, bail};

use crate::shell::{command, output, run};

/// The least Node: what Vite needs.
const NODE_VERSION_MIN: (u32, u32) = (20, 19);

pub(crate) const CHROMIUM: &str = "/usr/bin/chromium";
pub(crate) const CHROMEDRIVER: &str = "/usr/bin/chromedriver";
pub(crate) const FIREFOX: &str = "/usr/bin/firefox-esr";

/// The programs that browser tests drive, each with the Debian package that brings it.
const BROWSERS: [(&str, &str); 3] =
    [(CHROMIUM, "chromium"), (CHROMEDRIVER, "chromium-driver"), (FIREFOX, "firefox-esr")];

/// Makes sure that Rust can compile for the browser.
pub(crate) fn wasm_target(root: &Path) -> Result<()> {
    const TARGET: &str = "wasm32-unknown-unknown";
    let folder =
        output(&mut command(root, "rustc", ["--print", "target-libdir", "--target", TARGET]));
    if folder.is_some_and(|folder| Path::new(&folder).is_dir()) {
        return Ok(());
    }
    if output(&mut command(root, "rustup", ["--version"])).is_none() {
        bail!(
            "Rust cannot compile for {TARGET}, and there is no rustup to add it: install Rust from https://rustup.rs, or your distribution's standard library for that target"
        );
    }
    println!("Setting up: Rust's standard library for {TARGET}");
    run(&mut command(root, "rustup", ["target", "add", TARGET]))
}

/// Makes sure that `cargo fmt` and `cargo clippy` exist.
pub(crate) fn rust_components(root: &Path) -> Result<()> {
    for component in ["rustfmt", "clippy"] {
        let tool = if component == "rustfmt" { "fmt" } else { component };
        if output(&mut command(root, "cargo", [tool, "--version"])).is_some() {
            continue;
        }
        if output(&mut command(root, "rustup", ["--version"])).is_none() {
            bail!("`cargo {tool}` is missing: install {component} for your Rust");
        }
        println!("Setting up: {component}");
        run(&mut command(root, "rustup", ["component", "add", component]))?;
    }
    Ok(())
}

/// Makes sure that `node_modules` is what package-lock.json says.
pub(crate) fn node_modules(root: &Path) -> Result<()> {
    let Some(version) = output(&mut command(root, "node", ["--version"])) else {
        bail!("Node.js is missing: install version {} or newer", shown(NODE_VERSION_MIN));
    };
    if parse_version(&version).is_none_or(|version| version < NODE_VERSION_MIN) {
        bail!("Node.js {version} is too old: install {} or newer", shown(NODE_VERSION_MIN));
    }
    // npm writes this file at the end of an installation, so a half-finished one does not count.
    let installed = modified(&root.join("node_modules/.package-lock.json"));
    if installed.is_some() && installed >= modified(&root.join("package-lock.json")) {
        return Ok(());
    }
    println!("Setting up: the web tools in package-lock.json, into node_modules");
    run(&mut command(root, "npm", ["ci"]))
}

/// Makes sure that the browsers are there, and a network in which two tabs can connect.
pub(crate) fn browsers(root: &Path) -> Result<()> {
    let missing: Vec<&str> = BROWSERS
        .iter()
        .filter(|(program, _)| !Path::new(program).exists())
        .map(|(_, package)| *package)
        .collect();
    if !missing.is_empty() {
        debian_packages(root, &missing, "the tests drive browsers that are missing")?;
    }
    let Ok(routes) = fs::read_to_string("/proc/net/route") else {
        return Ok(());
    };
    if !has_default_route(&routes) {
        bail!(
            "this machine has only its loopback interface, over which browsers refuse WebRTC: the tests need an interface with an address and a default route, whose gateway need not exist (ip link add v0 type veth peer name v1; ip addr add 10.9.9.1/24 dev v0; ip link set v0 up; ip link set v1 up; ip route add default via 10.9.9.2)"
        );
    }
    Ok(())
}

/// Makes sure that C++ can be compiled: libFuzzer is written in it.
pub(crate) fn cpp_compiler(root: &Path) -> Result<()> {
    if output(&mut command(root, "c++", ["--version"])).is_some() {
        return Ok(());
    }
    debian_packages(root, &["g++"], "fuzzing needs a C++ compiler, and there is none")
}

/// Installs packages, or says who has to.
fn debian_packages(root: &Path, missing: &[&str], reason: &str) -> Result<()> {
    let packages = missing.join(" ");
    let is_root = output(&mut command(root, "id", ["-u"])).is_some_and(|id| id == "0");
    if !is_root || !Path::new("/usr/bin/apt-get").exists() {
        bail!("{reason}; run: sudo apt-get install {packages}");
    }
    println!("Setting up: {packages}, by apt-get");
    run(&mut command(root, "apt-get", ["update"]))?;
    let mut install = command(root, "apt-get", ["install", "--yes", "--no-install-recommends"]);
    run(install.args(missing).env("DEBIAN_FRONTEND", "noninteractive"))
}

/// Says whether the kernel's routing table, as in `/proc/net/route`, has a default route that is not loopback.
fn has_default_route(table: &str) -> bool {
    table.lines().skip(1).any(|line| {
        let mut fields = line.split_whitespace();
        let interface = fields.next();
        let destination = fields.next();
        interface.is_some_and(|name| name != "lo") && destination == Some("00000000")
    })
}

fn parse_version(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.trim_start_matches('v').split('.').map(str::parse::<u32>);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

fn shown((major, minor): (u32, u32)) -> String {
    format!("{major}.{minor}")
}

fn modified(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).and_then(|metadata| metadata.modified()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_version_is_compared_by_number_and_not_by_letter() {
        assert_eq!(parse_version("v20.19.1"), Some((20, 19)));
        assert!(parse_version("v20.9.0") < Some(NODE_VERSION_MIN));
        assert!(parse_version("v22.1.0") > Some(NODE_VERSION_MIN));
        assert_eq!(parse_version("unknown"), None);
    }

    #[test]
    fn a_machine_with_loopback_only_is_recognised() {
        const HEAD: &str = "Iface\tDestination\tGateway\tFlags\n";
        assert!(has_default_route(&format!("{HEAD}eth0\t00000000\t010200C0\t0003\n")));
        assert!(!has_default_route(&format!("{HEAD}eth0\t000200C0\t00000000\t0001\n")));
        assert!(!has_default_route(HEAD));
    }
}
