//! The WASM modules: compiled, bound to JavaScript, and made small, into `web/sdk/generated`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

use crate::names;
use crate::shell::{self, cargo, npm_tool, run};

/// A crate that becomes a WASM file and its glue.
struct Module {
    /// For people.
    about: &'static str,
    package: &'static str,
    /// What Cargo and wasm-bindgen call its files.
    name: &'static str,
    /// Cargo's profile and features for what is published.
    published: &'static [&'static str],
    /// The folder of that profile below the target's.
    folder: &'static str,
}

/// What applications load, and what their tests do.
const MODULES: [Module; 2] = [
    Module {
        about: "WASM core",
        package: "peerloom",
        name: "peerloom",
        // Without the standard library: see `on_panic` in crates/wasm.
        published: &["--release", "--no-default-features", "--features", "browser"],
        folder: "release",
    },
    Module {
        about: "simulated network",
        package: "peerloom-testing",
        name: "peerloom_testing",
        published: &["--profile", "testing"],
        folder: "testing",
    },
];

/// How the core is compiled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Quick to build, with names and assertions.
    Dev,
    /// As it is published: small.
    Release,
}

impl Profile {
    fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Release => "release",
        }
    }
}

/// Returns the folder of generated files that the SDK imports from.
pub(crate) fn generated(root: &Path) -> PathBuf {
    root.join("web/sdk/generated")
}

/// Builds all modules.
pub(crate) fn build(root: &Path, profile: Profile) -> Result<()> {
    MODULES.iter().try_for_each(|module| build_one(root, module, profile))
}

/// Builds a module unless what is there was made from the same compiled file with the same profile.
fn build_one(root: &Path, module: &Module, profile: Profile) -> Result<()> {
    let begun = Instant::now();
    compile(root, module, profile)?;
    let Module { about, name, .. } = module;
    let compiled = shell::target_dir(root)
        .join("wasm32-unknown-unknown")
        .join(if profile == Profile::Dev { "debug" } else { module.folder })
        .join(format!("{name}.wasm"));
    let stamp = stamp(profile, &compiled)?;
    let generated = generated(root);
    let stamp_file = generated.join(format!(".stamp-{name}"));
    if fs::read_to_string(&stamp_file).is_ok_and(|written| written == stamp) {
        eprintln!("The {about} is up to date ({}).", profile.name());
        return Ok(());
    }

    // Everything is made in a folder beside and moved in file by file, so that a server that is running never reads
    // half a file. It lies in the target folder, where nobody watches.
    let making = shell::target_dir(root).join(format!("bindgen-{}", std::process::id()));
    let made = bind(&compiled, module, &making).and_then(|()| match profile {
        Profile::Dev => Ok(()),
        Profile::Release => shrink(root, module, &making),
    });
    let moved = made.and_then(|()| publish(&making, &generated));
    fs::remove_dir_all(&making).ok();
    moved?;
    fs::write(stamp_file, stamp)?;
    eprintln!("Built the {about} ({}) in {:.1?}.", profile.name(), begun.elapsed());
    Ok(())
}

fn compile(root: &Path, module: &Module, profile: Profile) -> Result<()> {
    let mut compile = cargo(
        root,
        [
            "rustc",
            "--quiet",
            "--package",
            module.package,
            "--lib",
            "--target",
            "wasm32-unknown-unknown",
            // The tests need a Rust library beside it, and for a crate that is both Cargo leaves link-time optimisation
            // out without a word: the code was 460 instead of 293 kB (measured 2026-11-20).
            "--crate-type",
            "cdylib",
        ],
    );
    if profile == Profile::Release {
        // Panic messages name source files: without this, the path of this machine's registry is published too.
        let paths = [cargo_home(root), root.to_path_buf()];
        let flags = paths.map(|path| format!("--remap-path-prefix={}={SOURCES}", path.display()));
        // Cargo splits this variable at spaces; where a path has one, its name has to stay.
        let flags: Vec<String> =
            flags.into_iter().filter(|flag| !flag.contains(char::is_whitespace)).collect();
        let flags = flags.join(" ");
        // Cargo adds these to the flags in .cargo/config.toml.
        compile.args(module.published).env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", flags);
    }
    run(&mut compile)
}

/// Returns the folder in which the registry's sources lie.
fn cargo_home(root: &Path) -> PathBuf {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from).unwrap_or_else(|| {
        let user = std::env::var_os("HOME").map_or_else(|| root.to_path_buf(), PathBuf::from);
        user.join(".cargo")
    });
    home.join("registry/src")
}

/// What the generated files were made from: equal stamps mean equal files.
fn stamp(profile: Profile, compiled: &Path) -> Result<String> {
    let metadata = fs::metadata(compiled)
        .with_context(|| format!("Cargo did not write {}", compiled.display()))?;
    let modified = metadata.modified()?.duration_since(std::time::UNIX_EPOCH)?;
    Ok(format!("{} {} {}\n", profile.name(), metadata.len(), modified.as_nanos()))
}

/// Writes the glue: a module that never looks for the WASM file by itself, because the SDK says where it is.
fn bind(compiled: &Path, module: &Module, folder: &Path) -> Result<()> {
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(compiled)
        .out_name(module.name)
        .web(true)?
        .typescript(true)
        .omit_default_module_path(true);
    bindgen
        .generate(folder)
        .with_context(|| format!("wasm-bindgen could not bind the {}", module.about))?;
    // A dependency that asks the operating system for something compiles, and fails only when a browser loads it.
    let glue = fs::read_to_string(folder.join(format!("{}.js", module.name)))?;
    if glue.contains("from \"env\"") || glue.contains("from 'env'") {
        bail!(
            "the {} imports functions that no browser has: see the imports of its module `env`",
            module.about
        );
    }
    Ok(())
}

/// Up to this many instructions a function with a single caller is put into it. Without a limit the node's handlers
/// end up in one function of 36 kB again, which browsers compile at the worst moment (see `Machine` in the core).
const ONE_CALLER_SIZE_MAX: &str = "300";

/// What the names of source files begin with: those of Rust's libraries by itself, all others since we say so.
const SOURCES: &str = "/rustc";

/// Overwrites the names of source files, which only panics would tell, and theirs are told to nobody: 0.4 kB after gzip.
fn blank_sources(wasm: &mut [u8]) {
    const END: &[u8] = b".rs";
    let mut start = 0;
    while let Some(found) = find(&wasm[start..], SOURCES.as_bytes()) {
        start += found + SOURCES.len();
        let Some(length) = find(&wasm[start..], END) else { return };
        let name = &mut wasm[start - SOURCES.len()..start + length + END.len()];
        // Nothing else that begins so, by chance, is touched.
        if name.len() < 200 && name.iter().all(u8::is_ascii_graphic) {
            name.fill(0);
        }
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// Optimises for size, in passes that each leave the next one something: 1.4 of 105.7 kB after gzip come from what
/// follows the first `-Os` (measured 2026-11-20). -Oz makes the file no smaller. No feature flags: wasm-opt reads them
/// from the `target_features` section.
///
/// The lowest KiB of memory is the far end of the stack, which comes before all data: nothing points there.
fn shrink(root: &Path, module: &Module, folder: &Path) -> Result<()> {
    let file = folder.join(format!("{}_bg.wasm", module.name));
    let small = folder.join("small.wasm");
    let mut wasm = fs::read(&file)?;
    blank_sources(&mut wasm);
    fs::write(&file, wasm)?;
    let mut optimise = npm_tool(
        root,
        "wasm-opt",
        ["--low-memory-unused", "--one-caller-inline-max-function-size", ONE_CALLER_SIZE_MAX],
    );
    // The order of instructions is made anew from the flow of control, and constants move into loads and stores.
    optimise.args(["-Os", "--flatten", "--rereloop", "-Os"]);
    optimise.args(["--optimize-added-constants-propagate", "-Os"]);
    // What has a similar name is similar code, and gzip looks back 32 KiB only: 1.2 % less.
    optimise.args(["--reorder-functions-by-name", "--strip-producers", names::PASS]);
    let said = shell::answer(optimise.arg(&file).arg("-o").arg(&small))?;
    fs::rename(small, file)?;
    names::shorten(folder, module.name, &said)
}

fn publish(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if !entry.file_type()?.is_file() {
            bail!("{} is not a file: snippets are not supported", entry.path().display());
        }
        // Copied beside and renamed, since the target folder may lie on another file system.
        let beside = to.join(format!(".{}", entry.file_name().display()));
        fs::copy(entry.path(), &beside)?;
        fs::rename(beside, to.join(entry.file_name()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_source_files_are_blanked_and_nothing_else() {
        let mut wasm = b"a/rustc/src/x.rs!/rustc b.rs, /rustc/9/y.rs".to_vec();
        blank_sources(&mut wasm);
        let blanked = [&b"a"[..], &[0; 15], b"!/rustc b.rs, ", &[0; 13]].concat();
        assert_eq!(wasm, blanked);
    }
}
