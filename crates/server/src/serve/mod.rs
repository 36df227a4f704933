//! The program around the hub: sockets, HTTP, TLS, signals.

mod accept;
pub(crate) mod args;
mod client;
mod files;
mod http;
mod ice;
mod metrics;
mod switchboard;
mod tls;

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Error, Result, anyhow};
use peerloom_server::{Hub, Names};
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use self::accept::Acceptor;
use self::args::Args;
use self::files::Files;
use self::http::Site;
use self::ice::Ice;
use self::switchboard::Switchboard;

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1_024;

/// What the kernel may keep for a client that does not read, on top of the hub's queue.
const SEND_BUFFER_BYTES: u32 = 262_144;

/// How long connections may take to end when the server does.
const LEAVE_MAX: Duration = Duration::from_secs(10);

/// Threads that check signatures: more only take turns.
const CHECKERS: usize = 2;

/// Runs the server until it is told to stop.
pub(crate) fn run(args: Args) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(CHECKERS)
        .build()
        .context("the runtime can't be started")?;
    runtime.block_on(serve(args))
}

async fn serve(args: Args) -> Result<()> {
    let tls = match (&args.tls_cert, &args.tls_key) {
        (Some(cert), Some(key)) => Some(tls::acceptor(cert, key)?),
        _ => None,
    };
    let files = args.app.as_deref().map(Files::read).transpose()?;
    let ice = Ice::new(&args.ice)?;
    let (limits, names) = (args.limits.limits(), args.names());
    if names == Names::Local && !args.listen.ip().is_loopback() {
        tracing::warn!(
            "only clients that dial an address are let in: name the server by --public-host"
        );
    }
    let mut signals = Signals::new()?;
    let listener = listen(args.listen)?;
    let address = listener.local_addr().context("the socket has no address")?;

    let mut seed = [0; 32];
    getrandom::fill(&mut seed).context("the system has no randomness")?;
    let switchboard = Switchboard::start(Hub::new(limits, names, seed));
    let (leave, leaving) = watch::channel(false);
    // Everything that is under way holds a clone; when the last is gone, so is everybody.
    let (alive, mut gone) = mpsc::channel::<()>(1);
    let site = Arc::new(Site {
        switchboard: switchboard.clone(),
        files,
        ice,
        origins: args.origin,
        proxies: args.trust_proxy,
        alive,
    });
    let scheme = if tls.is_some() { "https" } else { "http" };
    let acceptor = Acceptor::new(listener, tls, site, &limits, leaving);
    let accepting = tokio::spawn(acceptor.run());
    // Whoever started the server reads from here where it is.
    println!("listening on {scheme}://{address}");

    signals.wait().await;
    tracing::info!("stopping: clients are asked to come back elsewhere");
    leave.send_replace(true);
    switchboard.shut_down().await;
    accepting.await.ok();
    tokio::select! {
        _ = timeout(LEAVE_MAX, gone.recv()) => {}
        () = signals.wait() => tracing::warn!("stopping at once"),
    }
    Ok(())
}

fn listen(address: SocketAddr) -> Result<TcpListener> {
    let bind = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    bind().map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => {
            anyhow!("port {} is taken: choose another one with --listen", address.port())
        }
        _ => Error::new(error).context(format!("can't listen on {address}")),
    })
}

/// The ways to ask for an orderly end.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> Result<Self> {
        let listen = |kind| signal(kind).context("signals can't be listened to");
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
