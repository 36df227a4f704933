//! Running other programs from the workspace root, and saying so.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Returns the folder that holds the workspace, wherever below it the command was called.
pub(crate) fn workspace_root() -> Result<PathBuf> {
    let here = env::current_dir().context("the current folder cannot be read")?;
    here.ancestors()
        .find(|folder| folder.join("crates/xtask/Cargo.toml").is_file())
        .map(Path::to_path_buf)
        .context("this is not a checkout of Peerloom: crates/xtask is not in any folder above")
}

/// Returns the folder that Cargo builds into.
pub(crate) fn target_dir(root: &Path) -> PathBuf {
    env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root.join("target"), |folder| root.join(PathBuf::from(folder)))
}

/// Returns `program arguments…`, to be run in the workspace root.
pub(crate) fn command<S: AsRef<OsStr>>(
    root: &Path,
    program: impl AsRef<OsStr>,
    arguments: impl IntoIterator<Item = S>,
) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root);
    command
}

/// Returns a Cargo command; the same Cargo that runs us.
pub(crate) fn cargo<S: AsRef<OsStr>>(
    root: &Path,
    arguments: impl IntoIterator<Item = S>,
) -> Command {
    command(root, env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), arguments)
}

/// Returns a command for a tool that `npm ci` installed.
pub(crate) fn npm_tool<S: AsRef<OsStr>>(
    root: &Path,
    tool: &str,
    arguments: impl IntoIterator<Item = S>,
) -> Command {
    command(root, root.join("node_modules/.bin").join(tool), arguments)
}

/// Runs a command that shows its own output, and fails if it fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = written(command);
    eprintln!("$ {line}");
    let status = command.status().with_context(|| format!("`{line}` cannot be started"))?;
    if !status.success() {
        bail!("`{line}` failed ({status})");
    }
    Ok(())
}

/// Runs a command and returns what it wrote; its complaints are shown, and it fails if it fails.
pub(crate) fn answer(command: &mut Command) -> Result<String> {
    let line = written(command);
    eprintln!("$ {line}");
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("`{line}` cannot be started"))?;
    if !output.status.success() {
        bail!("`{line}` failed ({})", output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a command quietly and returns what it wrote, or `None` if it is missing or failed.
pub(crate) fn output(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The command as a person would type it, with the workspace's own tools by their bare names.
fn written(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(program.as_os_str());
    let mut line = program.to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}
