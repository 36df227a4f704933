//! `cargo xtask start`: everything needed to see the app, in one command.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail};

use crate::server;
use crate::setup;
use crate::shell::command;
use crate::wasm::{self, Profile};

/// The first port tried. Browsers keep identity and storage by port, so the same one is taken again whenever it is free.
const PORT_FIRST: u16 = 5173;

/// How many ports are tried from the first on.
const PORTS_MAX: u16 = 100;

/// How long the server may take to answer; a cold start takes 1 to 2 s on two busy cores.
const START_MAX: Duration = Duration::from_secs(60);

/// How often the server and the sources are looked at. Short enough that saving and switching windows hides it.
const POLL_INTERVAL: Duration = Duration::from_millis(400);

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Rebuild the WASM core when a crate changes (and build it quickly instead of small)
    #[arg(long)]
    watch: bool,
    /// The port to serve on [default: the first free one from 5173 on]
    #[arg(long)]
    port: Option<u16>,
}

pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let profile = if options.watch { Profile::Dev } else { Profile::Release };
    setup::wasm_target(root)?;
    setup::node_modules(root)?;
    wasm::build(root, profile)?;
    server::build(root)?;

    let port = match options.port {
        Some(port) if is_free(port) => port,
        Some(port) => bail!("port {port} is taken: choose another, or leave --port out"),
        None => (PORT_FIRST..PORT_FIRST.saturating_add(PORTS_MAX))
            .find(|port| is_free(*port))
            .with_context(|| format!("none of {PORTS_MAX} ports from {PORT_FIRST} on is free"))?,
    };
    let mut server = serve(root, port)?;
    // Taken out, because waiting for a child closes its standard input first.
    let pipe = server.stdin.take();
    let ended = wait_until_it_answers(&mut server, port)
        .and_then(|()| {
            println!();
            println!("  Peerloom is at http://127.0.0.1:{port}/");
            println!(
                "  Open it in two tabs; or make a room there, and open its link in another browser."
            );
            println!("  The rendezvous server behind rooms is at ws://127.0.0.1:{port}/v1/signal");
            println!("  Ctrl-C ends both.");
            println!();
            if options.watch { watch(root, &mut server) } else { Ok(server.wait()?) }
        })
        .and_then(
            |status| if status.success() { Ok(()) } else { bail!("the server ended ({status})") },
        );
    server.kill().ok();
    drop(pipe);
    ended
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn serve(root: &Path, port: u16) -> Result<Child> {
    // The pipe closes however we end, and the server ends with it.
    command(root, "node", ["web/serve.mjs", &port.to_string()])
        .env(server::VARIABLE, server::binary(root))
        .stdin(Stdio::piped())
        .spawn()
        .context("the server cannot be started")
}

fn wait_until_it_answers(server: &mut Child, port: u16) -> Result<()> {
    let begun = Instant::now();
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        if let Some(status) = server.try_wait()? {
            bail!("the server ended before it answered ({status}); its reason is above");
        }
        if begun.elapsed() > START_MAX {
            bail!("the server did not answer on port {port} within {} s", START_MAX.as_secs());
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Rebuilds the core after each change in `crates/`, until the server ends. A mistake is shown, and the next change
/// tried.
fn watch(root: &Path, server: &mut Child) -> Result<std::process::ExitStatus> {
    let mut built = state_of(&root.join("crates"));
    let mut seen = built;
    loop {
        if let Some(status) = server.try_wait()? {
            return Ok(status);
        }
        thread::sleep(POLL_INTERVAL);
        let now = state_of(&root.join("crates"));
        // Only what was the same twice is built, so that a branch being checked out is built once.
        if now != built && now == seen {
            built = now;
            if let Err(error) = wasm::build(root, Profile::Dev) {
                eprintln!("{error:#}");
            }
        }
        seen = now;
    }
}

/// How many sources there are below a folder and when the last one changed. Some 200 files take under 1 ms to look at,
/// which is cheaper than a dependency that watches.
fn state_of(folder: &Path) -> (usize, Option<SystemTime>) {
    let mut state = (0, None);
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let (count, changed) = if path.is_dir() {
            state_of(&path)
        } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "toml")
        {
            (1, entry.metadata().and_then(|metadata| metadata.modified()).ok())
        } else {
            continue;
        };
        state = (state.0 + count, state.1.max(changed));
    }
    state
}
