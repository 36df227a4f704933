//! The real server as a process of its own, and clients that speak to it over real sockets.

#![allow(dead_code)] // Each test program uses its part.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream as StdTcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use peerloom_crypto::IdentityKey;
use peerloom_wire::rendezvous::{ClientMessage, Reason, SUBPROTOCOL, ServerMessage, registration};
use peerloom_wire::{PeerId, Tag};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderValue, Request};

pub(crate) const TAG: Tag = Tag([1; 32]);

/// Ends what hangs; nothing is asserted about time.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server on a port of its own, which ends with the test.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    pub(crate) fn start(args: &[&str]) -> Self {
        let mut child = command(args).stdout(Stdio::piped()).spawn().expect("the server starts");
        let stdout = child.stdout.take().expect("piped");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("the server says where it is");
        let address = line.trim().rsplit('/').next().and_then(|address| address.parse().ok());
        Self { child, address: address.unwrap_or_else(|| panic!("no address in {line:?}")) }
    }

    /// The host as a client on this machine dials it.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn terminate(&self) {
        let pid = self.child.id().to_string();
        let killed = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(killed.expect("kill runs").success());
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().expect("the server ends")
    }

    /// Returns status line, headers and body of the answer to a request.
    pub(crate) fn http(&self, request: &str) -> String {
        let mut stream = StdTcpStream::connect(self.address).expect("connected");
        stream.set_read_timeout(Some(PATIENCE)).expect("set");
        let request = format!("{request}\r\nhost: here\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("answered");
        String::from_utf8_lossy(&answer).into_owned()
    }

    pub(crate) fn get(&self, path: &str) -> String {
        self.http(&format!("GET {path} HTTP/1.1"))
    }

    /// Returns one figure of `/metrics`.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let page = self.get("/metrics");
        let line = page.lines().find_map(|line| line.strip_prefix(&format!("peerloom_{name} ")));
        line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name} in {page}"))
    }

    /// Returns how much memory the process has, in bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("the server runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().split(' ').next()?.parse::<usize>().ok());
        kib.expect("a figure") * 1_024
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_peerloom-server"));
    if !args.contains(&"--listen") {
        command.args(["--listen", "127.0.0.1:0"]);
    }
    command.args(["--log", "warn"]).args(args);
    command
}

/// Returns what a server that can't start says, which fails if it does.
pub(crate) fn complaint(args: &[&str]) -> String {
    let output = command(args).output().expect("the server can be run");
    assert!(!output.status.success(), "it started");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// One client.
pub(crate) struct Client {
    pub(crate) socket: WebSocketStream<TcpStream>,
    pub(crate) key: IdentityKey,
}

/// How a connection ended: by a close code, or without one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    Closed(u16),
    Broken,
}

impl Client {
    /// Connects and says nothing.
    pub(crate) async fn dial(server: &Server, key: u8, headers: &[(&'static str, &str)]) -> Self {
        let mut request = request(&server.host());
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).expect("a header");
            request.headers_mut().insert(*name, value);
        }
        let stream = TcpStream::connect(server.address).await.expect("connected");
        let connecting = tokio_tungstenite::client_async(request, stream);
        let (socket, _) = timeout(PATIENCE, connecting).await.expect("answered").expect("upgraded");
        Self { socket, key: IdentityKey::from_seed([key; 32]) }
    }

    /// Connects and registers.
    pub(crate) async fn enter(server: &Server, key: u8) -> Self {
        let mut client = Self::dial(server, key, &[]).await;
        client.register(&server.host()).await;
        let welcome = client.hear().await;
        assert!(matches!(welcome, ServerMessage::Welcome(_)), "{welcome:?}");
        client
    }

    /// Connects, registers, and is found by [`TAG`].
    pub(crate) async fn join(server: &Server, key: u8) -> Self {
        let mut client = Self::enter(server, key).await;
        client.meet(&[TAG]).await;
        client
    }

    /// Answers the challenge as it should be.
    pub(crate) async fn register(&mut self, host: &str) {
        let nonce = self.challenge().await;
        let register = self.registration(host, &nonce);
        self.say(&register).await;
    }

    pub(crate) async fn challenge(&mut self) -> [u8; 32] {
        match self.hear().await {
            ServerMessage::Challenge { nonce } => nonce,
            other => panic!("no challenge: {other:?}"),
        }
    }

    pub(crate) fn registration(&self, host: &str, nonce: &[u8; 32]) -> ClientMessage {
        let signature = self.key.sign(&registration(host, nonce));
        ClientMessage::Register { host: host.into(), key: self.key.public_key(), signature }
    }

    pub(crate) fn peer(&self) -> PeerId {
        PeerId(self.key.public_key().fingerprint())
    }

    pub(crate) async fn meet(&mut self, tags: &[Tag]) {
        let announcement = "announcement".into();
        self.say(&ClientMessage::Meet { tags: tags.into(), announcement, connected: 0 }).await;
    }

    pub(crate) async fn write_to(&mut self, to: PeerId, bytes: usize) {
        self.say(&ClientMessage::Envelope { to, bytes: vec![7; bytes].into() }).await;
    }

    pub(crate) async fn say(&mut self, message: &ClientMessage) {
        self.send(Message::Binary(message.encode().expect("within bounds"))).await;
    }

    /// Sends whatever it is, as far as the server takes it.
    pub(crate) async fn send(&mut self, message: Message) {
        timeout(PATIENCE, self.socket.send(message)).await.expect("taken").ok();
    }

    /// Returns the next message.
    pub(crate) async fn hear(&mut self) -> ServerMessage {
        match self.hear_or_end().await {
            Ok(message) => message,
            Err(end) => panic!("the connection ended: {end:?}"),
        }
    }

    pub(crate) async fn hear_or_end(&mut self) -> Result<ServerMessage, End> {
        loop {
            let next = timeout(PATIENCE, self.socket.next()).await.expect("something is said");
            match next {
                Some(Ok(Message::Binary(bytes))) => {
                    return Ok(ServerMessage::decode(&bytes).expect("a message"));
                }
                Some(Ok(Message::Close(Some(frame)))) => {
                    return Err(End::Closed(frame.code.into()));
                }
                Some(Ok(_)) => {}
                None | Some(Err(_)) => return Err(End::Broken),
            }
        }
    }

    /// Returns everything that is said until the connection ends, and how.
    pub(crate) async fn hear_all(&mut self) -> (Vec<ServerMessage>, End) {
        let mut heard = Vec::new();
        loop {
            match self.hear_or_end().await {
                Ok(message) => heard.push(message),
                Err(end) => return (heard, end),
            }
        }
    }

    /// Waits until the server has dealt with all that was said to it, and returns what it said before.
    pub(crate) async fn settle(&mut self) -> Vec<ServerMessage> {
        const NUMBER: u32 = 77;
        self.say(&ClientMessage::Ping { number: NUMBER }).await;
        let mut heard = Vec::new();
        loop {
            match self.hear().await {
                ServerMessage::Pong { number: NUMBER } => return heard,
                other => heard.push(other),
            }
        }
    }

    /// Waits for the server to close the connection for this reason, and to have said so before.
    pub(crate) async fn is_closed_for(&mut self, reason: Reason) {
        let (heard, end) = self.hear_all().await;
        let last = heard.last();
        let is_said =
            matches!(last, Some(ServerMessage::Refused { code, .. }) if *code == reason.code());
        assert!(is_said, "{reason:?} is not {last:?}, {end:?}");
        assert_eq!(end, End::Closed(4_000 + u16::from(reason.code())));
    }
}

pub(crate) fn request(host: &str) -> Request<()> {
    let mut request = format!("ws://{host}/v1/signal").into_client_request().expect("a URL");
    let protocol = HeaderValue::from_static(SUBPROTOCOL);
    request.headers_mut().insert("sec-websocket-protocol", protocol);
    request
}

/// Two that were served before, and are to be served whatever others do.
pub(crate) struct Bystanders(Client, Client);

impl Bystanders {
    pub(crate) async fn enter(server: &Server) -> Self {
        let tag = [Tag([99; 32])];
        let mut one = Client::enter(server, 201).await;
        one.meet(&tag).await;
        let mut other = Client::enter(server, 202).await;
        other.meet(&tag).await;
        assert!(matches!(one.hear().await, ServerMessage::Introduced { .. }));
        assert!(matches!(other.hear().await, ServerMessage::Introduced { .. }));
        Self(one, other)
    }

    /// Each writes to the other, and is heard.
    pub(crate) async fn are_served(&mut self) {
        let Self(one, other) = self;
        one.write_to(other.peer(), 800).await;
        assert!(
            matches!(other.hear().await, ServerMessage::Envelope { from, .. } if from == one.peer())
        );
        other.write_to(one.peer(), 800).await;
        assert!(
            matches!(one.hear().await, ServerMessage::Envelope { from, .. } if from == other.peer())
        );
    }
}
