//! How much a server carries: connects clients that mostly say nothing, has some write to each other
//! at a steady rate, and says what it cost the server and how long envelopes took.
//!
//! ```text
//! cargo build --profile server -p peerloom-server --bins --examples
//! taskset -c 1 target/server/examples/load --pin 0
//! ```

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use peerloom_crypto::IdentityKey;
use peerloom_wire::rendezvous::{ClientMessage, SUBPROTOCOL, ServerMessage, registration};
use peerloom_wire::{PeerId, Tag};
use serde_json::json;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// How many clients connect at a time.
const CONNECTING_MAX: usize = 64;

/// An offer, signed and sealed.
const ENVELOPE_BYTES: usize = 1_000;

/// How many clients share a tag, and so may write to each other.
const ROOM: usize = 10;

/// How many clients come from one address: fewer than a server allows.
const PER_ADDRESS: usize = 150;

/// How often a client that says nothing says that it is there.
const KEEPALIVE: Duration = Duration::from_secs(50);

/// How long whoever floods rests when it is turned away or closed: it takes a core of its own otherwise.
const FLOOD_PAUSE: Duration = Duration::from_millis(20);

/// Clock ticks of `/proc` a second, on all Linux machines since 2.6.
const TICKS_PER_S: u64 = 100;

type Socket = WebSocketStream<TcpStream>;

#[derive(Parser)]
struct Args {
    /// How many clients
    #[arg(long, default_value_t = 10_000)]
    connections: usize,
    /// How many envelopes a second, among all clients
    #[arg(long, default_value_t = 2_000)]
    rate: u64,
    /// For how long envelopes are sent
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// How many hostile connections flood the server meanwhile, each opened anew when it is closed
    #[arg(long, default_value_t = 0)]
    floods: usize,
    /// The core that the server is bound to, by `taskset`
    #[arg(long)]
    pin: Option<usize>,
    /// The server [default: peerloom-server beside the folder of this program]
    #[arg(long)]
    server: Option<PathBuf>,
}

/// The server, and what it has used.
struct Server {
    child: Child,
    address: SocketAddr,
}

/// What a process has used of the machine.
struct Usage {
    at: Instant,
    cpu_ticks: u64,
}

/// What receivers saw, in microseconds.
#[derive(Default)]
struct Latencies(Vec<u64>);

fn main() -> Result<()> {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(args))
}

async fn run(args: Args) -> Result<()> {
    let server = Server::start(&args)?;
    let empty_kib = server.memory_kib("VmRSS")?;
    let began = Instant::now();
    let epoch = Instant::now();
    let (took, mut latencies) = mpsc::unbounded_channel();
    let (mut senders, peers) = connect_all(&server, args.connections, epoch, &took).await?;
    let connecting_s = began.elapsed().as_secs_f64();
    let connecting_cpu_s = server.usage()?.cpu_ticks as f64 / TICKS_PER_S as f64;
    sleep(Duration::from_secs(3)).await;
    let idle_kib = server.memory_kib("VmRSS")?;
    let before = server.usage()?;
    keep_alive(&mut senders, Duration::from_secs(10)).await?;
    let idle_cpu = server.usage()?.share_since(&before);
    let floods = Floods::start(&server, args.floods);
    let before = server.usage()?;
    let sent = write(&mut senders, &peers, &args, epoch).await?;
    let busy_cpu = server.usage()?.share_since(&before);
    sleep(Duration::from_secs(1)).await;
    drop(took);
    let mut seen = Latencies::default();
    while let Ok(micros) = latencies.try_recv() {
        seen.0.push(micros);
    }
    seen.0.sort_unstable();
    let per_connection = (idle_kib - empty_kib) as f64 / args.connections as f64;
    println!(
        "{}",
        json!({
            "connections": args.connections,
            "connecting_s": connecting_s,
            "connecting_cpu_s": connecting_cpu_s,
            "empty_mib": empty_kib / 1024,
            "idle_mib": idle_kib / 1024,
            "kib_per_connection": per_connection,
            "idle_cpu": idle_cpu,
            "sent": sent,
            "delivered": seen.0.len(),
            "envelopes_per_s": sent as f64 / args.seconds as f64,
            "busy_cpu": busy_cpu,
            "busy_mib": server.memory_kib("VmHWM")? / 1024,
            "latency_ms": { "p50": seen.ms(50), "p99": seen.ms(99), "max": seen.ms(100) },
            "floods": args.floods,
            "flooding_connections": floods.opened(),
        })
    );
    Ok(())
}

impl Server {
    fn start(args: &Args) -> Result<Self> {
        let beside = || {
            let own = std::env::current_exe().ok()?;
            Some(own.parent()?.parent()?.join("peerloom-server"))
        };
        let path = args.server.clone().or_else(beside).context("where is the server?")?;
        let mut command = match args.pin {
            None => Command::new(&path),
            Some(core) => {
                let mut command = Command::new("taskset");
                command.args(["-c", &core.to_string()]).arg(&path);
                command
            }
        };
        // The limits are those that it has by itself.
        let flags = ["--listen", "127.0.0.1:0", "--log", "warn"];
        let child = command.args(flags).stdout(Stdio::piped()).spawn();
        let mut child = child.with_context(|| format!("{} can't be started", path.display()))?;
        let stdout = child.stdout.take().context("no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim().rsplit('/').next().and_then(|address| address.parse().ok());
        let address = address.context("the server does not say where it is")?;
        Ok(Self { child, address })
    }

    /// `VmRSS`: now; `VmHWM`: at most so far.
    fn memory_kib(&self, name: &str) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        kib.context("no memory in /proc")
    }

    fn usage(&self) -> Result<Usage> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name is in brackets and may have spaces in it; user and system time are fields 14 and 15.
        let fields = stat.rsplit(')').next().unwrap_or_default();
        let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
        let cpu_ticks = ticks.sum::<Result<u64, _>>()?;
        Ok(Usage { at: Instant::now(), cpu_ticks })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Usage {
    /// Of one core, in hundredths.
    fn share_since(&self, before: &Self) -> f64 {
        let ticks = (self.cpu_ticks - before.cpu_ticks) as f64;
        let share = ticks / TICKS_PER_S as f64 / (self.at - before.at).as_secs_f64();
        (share * 100.0).round() / 100.0
    }
}

impl Latencies {
    fn ms(&self, percent: usize) -> f64 {
        let last = self.0.len().saturating_sub(1);
        self.0.get(last * percent / 100).map_or(0.0, |micros| *micros as f64 / 1_000.0)
    }
}

/// Connects clients, a few at a time, and lets them be found in rooms of ten.
async fn connect_all(
    server: &Server,
    count: usize,
    epoch: Instant,
    took: &mpsc::UnboundedSender<u64>,
) -> Result<(Vec<SplitSink<Socket, Message>>, Vec<PeerId>)> {
    let mut connecting = JoinSet::new();
    let mut clients = Vec::new();
    for number in 0..count {
        if connecting.len() >= CONNECTING_MAX
            && let Some(client) = connecting.join_next().await
        {
            clients.push(client??);
        }
        let (address, took) = (server.address, took.clone());
        connecting.spawn(async move { enter(address, number, epoch, took).await });
    }
    while let Some(client) = connecting.join_next().await {
        clients.push(client??);
    }
    clients.sort_by_key(|(number, ..)| *number);
    Ok(clients.into_iter().map(|(_, sink, peer)| (sink, peer)).unzip())
}

async fn enter(
    address: SocketAddr,
    number: usize,
    epoch: Instant,
    took: mpsc::UnboundedSender<u64>,
) -> Result<(usize, SplitSink<Socket, Message>, PeerId)> {
    let mut seed = [1; 32];
    seed[..8].copy_from_slice(&(number as u64).to_be_bytes());
    let key = IdentityKey::from_seed(seed);
    let mut socket = dial(address, source(number)).await?;
    let nonce = match hear(&mut socket).await? {
        ServerMessage::Challenge { nonce } => nonce,
        other => bail!("no challenge: {other:?}"),
    };
    let host = address.to_string();
    let signature = key.sign(&registration(&host, &nonce));
    let register = ClientMessage::Register { host, key: key.public_key(), signature };
    socket.send(binary(&register)?).await?;
    let welcome = hear(&mut socket).await?;
    ensure!(matches!(welcome, ServerMessage::Welcome(_)), "not welcome: {welcome:?}");
    let mut tag = [2; 32];
    tag[..8].copy_from_slice(&((number / ROOM) as u64).to_be_bytes());
    let announcement = vec![0; 179].into();
    let meet = ClientMessage::Meet { tags: vec![Tag(tag)], announcement, connected: 1 };
    socket.send(binary(&meet)?).await?;
    let (sink, stream) = socket.split();
    tokio::spawn(listen(stream, epoch, took));
    Ok((number, sink, PeerId(key.public_key().fingerprint())))
}

/// Where a client comes from: some of them share one of this machine's many own addresses, and those
/// who flood share one.
fn source(number: usize) -> Ipv4Addr {
    match u8::try_from(number / PER_ADDRESS) {
        Ok(home) => Ipv4Addr::new(127, 1, home, 1),
        Err(_) => Ipv4Addr::new(127, 2, 0, 1),
    }
}

async fn dial(address: SocketAddr, from: Ipv4Addr) -> Result<Socket> {
    let mut request = format!("ws://{address}/v1/signal").into_client_request()?;
    let protocol = HeaderValue::from_static(SUBPROTOCOL);
    request.headers_mut().insert("sec-websocket-protocol", protocol);
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default().read_buffer_size(2_048).write_buffer_size(0);
    Ok(client_async_with_config(request, stream, Some(config)).await?.0)
}

async fn hear(socket: &mut Socket) -> Result<ServerMessage> {
    loop {
        match socket.next().await.context("the connection ended")?? {
            Message::Binary(bytes) => return Ok(ServerMessage::decode(&bytes)?),
            Message::Close(frame) => bail!("closed: {frame:?}"),
            _ => {}
        }
    }
}

/// Reads all that comes, and reports how long envelopes took.
async fn listen(mut stream: SplitStream<Socket>, epoch: Instant, took: mpsc::UnboundedSender<u64>) {
    while let Some(Ok(message)) = stream.next().await {
        if let Message::Binary(bytes) = message
            && let Ok(ServerMessage::Envelope { bytes, .. }) = ServerMessage::decode(&bytes)
            && let Some(sent) = bytes.first_chunk::<8>()
        {
            let micros = micros_since(epoch).saturating_sub(u64::from_be_bytes(*sent));
            took.send(micros).ok();
        }
    }
}

/// Has each client say that it is there, at the pace at which idle ones do.
async fn keep_alive(senders: &mut [SplitSink<Socket, Message>], span: Duration) -> Result<()> {
    let count = senders.len() as u128 * span.as_millis() / KEEPALIVE.as_millis();
    let pause = span / u32::try_from(count.max(1))?;
    let mut pace = interval(pause);
    for sender in senders.iter_mut().take(usize::try_from(count)?) {
        pace.tick().await;
        sender.send(binary(&ClientMessage::Ping { number: 1 })?).await?;
    }
    Ok(())
}

/// Sends envelopes at a steady rate, each to the next one in a room.
async fn write(
    senders: &mut [SplitSink<Socket, Message>],
    peers: &[PeerId],
    args: &Args,
    epoch: Instant,
) -> Result<u64> {
    // Ticks of the runtime are a millisecond apart at best.
    let mut pace = interval(Duration::from_millis(2));
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let began = Instant::now();
    let (mut sent, total) = (0, args.rate * args.seconds);
    while sent < total {
        pace.tick().await;
        let due = args.rate * u64::try_from(began.elapsed().as_millis())? / 1_000;
        while sent < due.min(total) {
            // Steps that lead through all clients.
            let from = usize::try_from(sent)? * 7_919 % senders.len();
            let room = from - from % ROOM;
            let to = room + (from + 1) % ROOM.min(senders.len() - room);
            let mut bytes = vec![0; ENVELOPE_BYTES];
            bytes[..8].copy_from_slice(&micros_since(epoch).to_be_bytes());
            let envelope = ClientMessage::Envelope { to: peers[to], bytes: bytes.into() };
            senders[from].send(binary(&envelope)?).await?;
            sent += 1;
        }
    }
    Ok(sent)
}

/// Connections that say as much as they can, until they are closed, and then come again.
struct Floods {
    opened: Arc<AtomicU64>,
    tasks: JoinSet<()>,
}

impl Floods {
    fn start(server: &Server, count: usize) -> Self {
        let (opened, mut tasks) = (Arc::new(AtomicU64::new(0)), JoinSet::new());
        for number in 0..count {
            let (address, opened) = (server.address, Arc::clone(&opened));
            tasks.spawn(async move {
                loop {
                    opened.fetch_add(1, Ordering::Relaxed);
                    // What it ends with is what it is about.
                    if flood(address, number).await.is_err() {
                        sleep(FLOOD_PAUSE).await;
                    }
                }
            });
        }
        Self { opened, tasks }
    }

    fn opened(mut self) -> u64 {
        self.tasks.abort_all();
        while self.tasks.try_join_next().is_some() {}
        self.opened.load(Ordering::Relaxed)
    }
}

async fn flood(address: SocketAddr, number: usize) -> Result<()> {
    let (took, _) = mpsc::unbounded_channel();
    let (_, mut sink, _) = enter(address, 1_000_000 + number, Instant::now(), took).await?;
    let large = ClientMessage::Envelope { to: PeerId([0; 32]), bytes: vec![0; 16_000].into() };
    loop {
        sink.feed(binary(&ClientMessage::Ping { number: 1 })?).await?;
        sink.send(binary(&large)?).await?;
    }
}

fn binary(message: &ClientMessage) -> Result<Message> {
    Ok(Message::Binary(message.encode()?))
}

fn micros_since(epoch: Instant) -> u64 {
    u64::try_from(epoch.elapsed().as_micros()).unwrap_or(u64::MAX)
}
