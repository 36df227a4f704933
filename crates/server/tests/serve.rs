//! The program as it is run: HTTP, TLS, flags, start and end.

// In helpers too, that is a test's way to fail.
#![allow(clippy::expect_used)]

mod support;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::StreamExt;
use peerloom_wire::rendezvous::{ClientMessage, Reason, ServerMessage};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_tungstenite::tungstenite::Message;

use support::{Client, Server, TAG, complaint, request};

const CERT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls/cert.pem");
const KEY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls/key.pem");

/// A folder that goes when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("peerloom-{name}-{}", std::process::id()));
        fs::create_dir_all(path.join("assets")).expect("made");
        Self(path)
    }

    fn with(self, name: &str, text: &str) -> Self {
        fs::write(self.0.join(name), text).expect("written");
        self
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_string_lossy().into_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

#[tokio::test]
async fn two_peers_meet_and_write_to_each_other_until_one_goes() {
    let server = Server::start(&[]);
    let mut one = Client::join(&server, 1).await;
    let mut other = Client::join(&server, 2).await;
    let introduced =
        |peer| ServerMessage::Introduced { tag: TAG, peer, announcement: "announcement".into() };
    assert_eq!(one.hear().await, introduced(other.peer()));
    assert_eq!(other.hear().await, introduced(one.peer()));
    one.write_to(other.peer(), 3).await;
    let envelope = ServerMessage::Envelope { from: one.peer(), bytes: vec![7; 3].into() };
    assert_eq!(other.hear().await, envelope);
    one.say(&ClientMessage::Ping { number: 7 }).await;
    assert_eq!(one.hear().await, ServerMessage::Pong { number: 7 });
    let away = other.peer();
    drop(other);
    assert_eq!(one.hear().await, ServerMessage::Away { peer: away });
    assert_eq!((server.metric("peers"), server.metric("envelopes_total")), (1, 1));
}

#[tokio::test]
async fn whoever_says_goodbye_is_answered() {
    let server = Server::start(&[]);
    let mut client = Client::join(&server, 1).await;
    client.send(Message::Close(None)).await;
    let answer = client.socket.next().await;
    assert!(matches!(answer, Some(Ok(Message::Close(_)))), "{answer:?}");
}

#[tokio::test]
async fn a_client_that_dialled_another_host_is_refused() {
    let server = Server::start(&["--public-host", "meet.example"]);
    let mut client = Client::dial(&server, 1, &[]).await;
    client.register(&server.host()).await;
    client.is_closed_for(Reason::WrongHost).await;
    let mut client = Client::dial(&server, 1, &[]).await;
    client.register("meet.example").await;
    assert!(matches!(client.hear().await, ServerMessage::Welcome(_)));
}

#[tokio::test]
async fn a_client_of_another_version_hears_so() {
    let server = Server::start(&[]);
    let headers = [("sec-websocket-protocol", "peerloom.9, peerloom.8")];
    let mut client = Client::dial(&server, 1, &headers).await;
    client.is_closed_for(Reason::UnsupportedVersion).await;
}

#[tokio::test]
async fn pages_of_other_origins_are_refused_if_some_are_listed() {
    let server = Server::start(&["--origin", "https://app.example", "--stun-url", "stun:here"]);
    let mut client = Client::dial(&server, 1, &[("origin", "https://evil.example")]).await;
    client.is_closed_for(Reason::OriginDenied).await;
    for headers in [&[("origin", "https://app.example")][..], &[]] {
        let mut client = Client::dial(&server, 1, headers).await;
        client.challenge().await;
    }
    let ice = |origin: &str| server.http(&format!("GET /v1/ice HTTP/1.1\r\norigin: {origin}"));
    assert!(ice("https://app.example").contains("allow-origin: https://app.example\r\n"));
    assert!(ice("https://evil.example").starts_with("HTTP/1.1 403"));
}

#[tokio::test]
async fn behind_a_proxy_clients_are_told_apart_by_what_it_says() {
    let flags = ["--trust-proxy", "--connections-per-address-max", "1"];
    let server = Server::start(&flags);
    let from = |addresses: &'static str| [("x-forwarded-for", addresses)];
    let mut first = Client::dial(&server, 1, &from("192.0.2.1")).await;
    first.challenge().await;
    // What stands before the proxy's own entry is the client's, and may be anything.
    let mut second = Client::dial(&server, 2, &from("192.0.2.1, 192.0.2.2")).await;
    second.challenge().await;
    let mut third = Client::dial(&server, 3, &from("192.0.2.9, 192.0.2.1:4711")).await;
    third.is_closed_for(Reason::TooManyConnections).await;
}

#[test]
fn it_says_how_it_is() {
    let server = Server::start(&[]);
    assert!(server.get("/healthz").ends_with("\r\n\r\nok\n"));
    assert!(server.get("/metrics").contains("# TYPE peerloom_connections gauge\n"));
    assert!(server.get("/v1/ice").ends_with("{\"iceServers\":[],\"ttl\":3600}"));
    assert!(server.get("/").starts_with("HTTP/1.1 404"));
    assert!(server.get("/v1/signal").starts_with("HTTP/1.1 4"));
    assert!(server.http("POST / HTTP/1.1\r\ncontent-length: 0").starts_with("HTTP/1.1 405"));
}

#[test]
fn clients_are_told_of_turn_with_credentials_that_end() {
    let folder = Folder::new("turn").with("secret", "north\n");
    let secret = folder.path("secret");
    let turn = "turn:turn.example:3478?transport=udp";
    let server = Server::start(&["--turn-url", turn, "--turn-secret-file", &secret]);
    let answer = server.get("/v1/ice");
    assert!(answer.contains(turn) && answer.contains("\"credential\":\""), "{answer}");
    assert!(!answer.contains("north"));
}

#[test]
fn the_app_is_served_with_its_types_and_caches() {
    let folder =
        Folder::new("app").with("index.html", "<p>hello").with("assets/core-1.wasm", "\0asm");
    let server = Server::start(&["--app", &folder.path("")]);
    let page = server.get("/");
    assert!(
        page.contains("content-type: text/html; charset=utf-8\r\n") && page.ends_with("<p>hello")
    );
    assert!(page.contains("cache-control: no-cache\r\n"));
    let wasm = server.get("/assets/core-1.wasm");
    assert!(wasm.contains("content-type: application/wasm\r\n") && wasm.contains("immutable"));
    assert!(server.http("HEAD / HTTP/1.1").ends_with("\r\n\r\n"));
    for path in ["/../Cargo.toml", "/%2e%2e/Cargo.toml", "/assets/", "/nothing"] {
        assert!(server.get(path).starts_with("HTTP/1.1 404"), "{path}");
    }
}

#[tokio::test]
async fn over_tls_it_speaks_the_same() {
    let server = Server::start(&["--tls-cert", CERT, "--tls-key", KEY]);
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(CERT).expect("a certificate")).expect("taken");
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(server.address).await.expect("connected");
    let name = "localhost".try_into().expect("a name");
    let tls = TlsConnector::from(Arc::new(config)).connect(name, stream).await.expect("TLS");
    let (mut socket, _) =
        tokio_tungstenite::client_async(request("localhost"), tls).await.expect("upgraded");
    let Some(Ok(Message::Binary(first))) = socket.next().await else { panic!("nothing") };
    assert!(matches!(ServerMessage::decode(&first), Ok(ServerMessage::Challenge { .. })));
}

#[tokio::test]
async fn told_to_stop_it_sends_everybody_elsewhere_and_ends_well() {
    let mut server = Server::start(&[]);
    let mut client = Client::enter(&server, 1).await;
    server.terminate();
    let moving = client.hear().await;
    assert!(matches!(moving, ServerMessage::Moving { wait_ms } if wait_ms > 0), "{moving:?}");
    client.is_closed_for(Reason::Moving).await;
    drop(client);
    assert!(server.wait().success());
}

#[test]
fn what_keeps_it_from_starting_is_said_in_a_sentence() {
    let server = Server::start(&[]);
    let port = server.address.port().to_string();
    let taken = complaint(&["--listen", &server.host()]);
    assert_eq!(
        taken,
        format!("peerloom-server: port {port} is taken: choose another one with --listen\n")
    );
    let folder = Folder::new("bad").with("not.pem", "nothing").with("empty", "");
    let (none, bad) = (folder.path("none"), folder.path("not.pem"));
    let empty = folder.path("empty");
    let cases: [(&[&str], &str); 6] = [
        (&["--tls-cert", &none, "--tls-key", KEY], "is no readable certificate chain"),
        (&["--tls-cert", CERT, "--tls-key", &bad], "is no readable private key"),
        (&["--tls-cert", &bad, "--tls-key", KEY], "has no certificate"),
        (&["--app", &folder.path("assets")], "has no index.html: build the app first"),
        (&["--turn-url", "http://a", "--turn-secret-file", &empty], "is no URL of a TURN server"),
        (&["--turn-url", "turn:a", "--turn-secret-file", &empty], "is empty"),
    ];
    for (args, expected) in cases {
        let said = complaint(args);
        assert!(said.contains(expected) && said.lines().count() == 1, "{args:?}: {said}");
    }
}
