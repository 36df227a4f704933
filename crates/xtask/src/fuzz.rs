//! The fuzz targets in `fuzz/`, with coverage counters but without nightly Rust: libFuzzer needs only the counters, and
//! what an address sanitizer would look for cannot happen in code that forbids `unsafe`.

use std::path::Path;
use std::{fs, thread};

use anyhow::{Context, Result, bail};

use crate::setup;
use crate::shell::{cargo, command, output, run, target_dir};

/// Seconds for each target; all run at a time. Leave them running for longer with `cargo fuzz run`.
const SECONDS: u32 = 60;

/// The longest input that is made up: most bounds are far below, and long inputs are slow ones.
const BYTES_MAX: u32 = 4096;

/// What cargo-fuzz passes to rustc, but for the sanitizer.
const RUSTFLAGS: &str = "--cfg fuzzing -Ccodegen-units=1 -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
     -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Builds all targets and runs them. What one finds on top of its kept corpus is kept in the target folder, so that a
/// second run begins where the first one ended.
pub(crate) fn run_all(root: &Path) -> Result<()> {
    setup::cpp_compiler(root)?;
    let version = output(&mut command(root, "rustc", ["-vV"])).context("rustc cannot be run")?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("rustc does not say for which machine it compiles")?;
    let folder = target_dir(root).join("fuzz");
    // The flags are for the machine named, so that build scripts do without the counters.
    run(cargo(root, ["build", "--quiet", "--release", "--manifest-path", "fuzz/Cargo.toml"])
        .args(["--target", host])
        .arg("--target-dir")
        .arg(&folder)
        .env("RUSTFLAGS", RUSTFLAGS))?;
    let programs = folder.join(host).join("release");
    let targets = targets(root)?;
    thread::scope(|scope| {
        let (programs, folder) = (&programs, &folder);
        let start = |target| scope.spawn(move || fuzz(root, target, programs, folder));
        let runs: Vec<_> = targets.iter().map(String::as_str).map(start).collect();
        let lost = |_| bail!("a fuzz target could not be watched");
        // The others run to their end, whichever fails.
        runs.into_iter().try_for_each(|run| run.join().unwrap_or_else(lost))
    })
}

/// Runs one target from its kept corpus and from what earlier runs found.
fn fuzz(root: &Path, target: &str, programs: &Path, folder: &Path) -> Result<()> {
    let found = folder.join("corpus").join(target);
    fs::create_dir_all(&found).with_context(|| format!("{} cannot be made", found.display()))?;
    let mut fuzzer = command(root, programs.join(target), [""; 0]);
    fuzzer.arg(&found).arg(root.join("fuzz/corpus").join(target)).args([
        format!("-max_total_time={SECONDS}"),
        format!("-max_len={BYTES_MAX}"),
        format!("-artifact_prefix={}/{target}-", folder.display()),
        "-print_final_stats=1".to_owned(),
    ]);
    let said = fuzzer.output().with_context(|| format!("`{target}` cannot be started"))?;
    let text = String::from_utf8_lossy(&said.stderr);
    if !said.status.success() {
        eprintln!("{text}");
        let folder = folder.display();
        bail!(
            "the fuzz target `{target}` failed: the input is in {folder}/{target}-*; mend the cause, and keep that input in fuzz/corpus/{target}/"
        )
    }
    println!("{target}: {} inputs in {SECONDS} s", stat(&text, "number_of_executed_units"));
    Ok(())
}

/// Returns one of libFuzzer's final figures, as it prints it.
fn stat<'a>(text: &'a str, name: &str) -> &'a str {
    let line = text.lines().find(|line| line.contains(name));
    line.and_then(|line| line.split_whitespace().next_back()).unwrap_or("no")
}

/// The names of the targets, which are those of their files.
fn targets(root: &Path) -> Result<Vec<String>> {
    let folder = root.join("fuzz/targets");
    let entries =
        fs::read_dir(&folder).with_context(|| format!("{} is missing", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if let Some(name) = path.file_stem().and_then(|name| name.to_str()) {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}
