//! Clients that mean no good, against the real server: each is stopped by a reason that it is told,
//! what the server keeps stays within its bounds, and others are served meanwhile and afterwards.

// In helpers too, that is a test's way to fail.
#![allow(clippy::expect_used, clippy::panic)]

mod support;

use std::time::Duration;

use futures_util::SinkExt;
use peerloom_wire::Tag;
use peerloom_wire::rendezvous::{ClientMessage, MESSAGE_BYTES_MAX, Reason, ServerMessage};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use support::{Bystanders, Client, End, Server};

/// More than the server has in these tests with all that it needs; what an attack could make it keep is
/// far more. An idle one has 8 MiB.
const MEMORY_BYTES_MAX: usize = 96 * 1024 * 1024;

/// Between two looks at the metrics.
const PAUSE: Duration = Duration::from_millis(50);

fn keeps_within_bounds(server: &Server) {
    let memory_bytes = server.memory_bytes();
    assert!(memory_bytes < MEMORY_BYTES_MAX, "{memory_bytes}");
}

#[tokio::test]
async fn whoever_sends_too_large_a_message_is_told_so() {
    let server = Server::start(&[]);
    let mut bystanders = Bystanders::enter(&server).await;
    for bytes in [MESSAGE_BYTES_MAX + 1, 40_000_000] {
        let mut client = Client::join(&server, 1).await;
        client.send(Message::binary(vec![2; bytes])).await;
        let (_, end) = client.hear_all().await;
        // Of a message that goes on for long the end is not read, so the close may be lost.
        let told = End::Closed(4_000 + u16::from(Reason::TooLarge.code()));
        assert!(end == told || end == End::Broken && bytes > 1_000_000, "{bytes}: {end:?}");
        bystanders.are_served().await;
    }
    assert_eq!(server.metric("closed_total{reason=\"too-large\"}"), 2);
    keeps_within_bounds(&server);
}

#[tokio::test]
async fn a_message_in_endless_pieces_ends_at_the_same_bound() {
    let server = Server::start(&[]);
    let mut client = Client::join(&server, 1).await;
    let piece =
        |opcode| Message::Frame(Frame::message(vec![7; 1_000], OpCode::Data(opcode), false));
    client.send(piece(Data::Binary)).await;
    for _ in 0..20 {
        client.send(piece(Data::Continue)).await;
    }
    client.is_closed_for(Reason::TooLarge).await;
}

#[tokio::test]
async fn whoever_sends_what_is_no_message_is_told_so() {
    let server = Server::start(&[]);
    let mut bystanders = Bystanders::enter(&server).await;
    let malformed = [
        Message::binary(vec![]),
        Message::binary(vec![200, 1, 2, 3]),
        Message::binary(vec![1, 255, 255, 255, 255, 15]),
        Message::binary([&[2][..], &[0; 20]].concat()),
        Message::text("{\"type\":\"hello\"}"),
    ];
    for message in malformed {
        let mut client = Client::join(&server, 1).await;
        client.send(message).await;
        client.is_closed_for(Reason::Malformed).await;
        bystanders.are_served().await;
    }
}

#[tokio::test]
async fn whoever_floods_is_refused_and_then_closed() {
    let server = Server::start(&["--messages-per-s", "10"]);
    let mut bystanders = Bystanders::enter(&server).await;
    let mut client = Client::join(&server, 1).await;
    for number in 0..2_000 {
        let ping = ClientMessage::Ping { number }.encode().expect("short");
        if client.socket.feed(Message::Binary(ping)).await.is_err() {
            break;
        }
    }
    client.socket.flush().await.ok();
    let (heard, end) = client.hear_all().await;
    let pongs = heard.iter().filter(|message| matches!(message, ServerMessage::Pong { .. }));
    // A hundred in a burst, and ten a second while it lasts.
    assert!((90..1_000).contains(&pongs.count()), "{}", heard.len());
    let told = End::Closed(4_000 + u16::from(Reason::TooFast.code()));
    assert!(end == told || end == End::Broken, "{end:?}");
    assert_eq!(server.metric("closed_total{reason=\"too-fast\"}"), 1);
    bystanders.are_served().await;
}

#[tokio::test]
async fn whoever_floods_with_pings_of_the_websocket_is_closed() {
    let server = Server::start(&["--messages-per-s", "10"]);
    let mut client = Client::join(&server, 1).await;
    for _ in 0..2_000 {
        if client.socket.feed(Message::Ping(vec![1].into())).await.is_err() {
            break;
        }
    }
    client.socket.flush().await.ok();
    client.hear_all().await;
    assert_eq!(server.metric("closed_total{reason=\"too-fast\"}"), 1);
}

/// Two connections of an accomplice each, so that their own limits don't stop them first.
#[tokio::test]
async fn whoever_reads_nothing_loses_envelopes_and_then_its_connection() {
    let flags = ["--stall-max", "1", "--messages-per-s", "1000", "--bytes-per-s", "100000000"];
    let server = Server::start(&flags);
    let mut bystanders = Bystanders::enter(&server).await;
    let slow = Client::join(&server, 1).await;
    let mut fast = Client::join(&server, 2).await;
    assert!(matches!(fast.hear().await, ServerMessage::Introduced { .. }));
    // More than the sockets of both ends take, so that the queue fills up.
    let mut refused = 0;
    for _ in 0..2_000 {
        fast.write_to(slow.peer(), 16_000).await;
    }
    fast.say(&ClientMessage::Ping { number: 7 }).await;
    loop {
        match fast.hear().await {
            ServerMessage::Refused { code, .. } => {
                assert_eq!(Reason::from_code(code), Some(Reason::Busy));
                refused += 1;
            }
            ServerMessage::Pong { .. } => break,
            other => assert!(matches!(other, ServerMessage::Away { .. }), "{other:?}"),
        }
    }
    assert!(refused > 0);
    assert!(server.metric("queued_bytes") <= 262_144 + 16);
    keeps_within_bounds(&server);
    bystanders.are_served().await;
    // It is away once it was closed, and not before.
    while server.metric("closed_total{reason=\"too-slow\"}") == 0 {
        bystanders.are_served().await;
        tokio::time::sleep(PAUSE).await;
    }
    drop(slow);
}

#[tokio::test]
async fn whoever_connects_and_says_nothing_is_closed() {
    let server = Server::start(&["--register-max", "1"]);
    let mut bystanders = Bystanders::enter(&server).await;
    // Half a request, a whole one without an answer to the challenge, and nothing at all.
    let mut half = TcpStream::connect(server.address).await.expect("connected");
    half.write_all(b"GET /v1/signal HTTP/1.1\r\nhost: ").await.expect("sent");
    let mut silent = TcpStream::connect(server.address).await.expect("connected");
    let mut mute = Client::dial(&server, 1, &[]).await;
    mute.challenge().await;
    mute.is_closed_for(Reason::Late).await;
    for stream in [&mut half, &mut silent] {
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.expect("closed");
    }
    drop(mute);
    while server.metric("connections") > 2 {
        tokio::time::sleep(PAUSE).await;
    }
    bystanders.are_served().await;
}

#[tokio::test]
async fn an_answer_to_another_ones_challenge_is_worth_nothing() {
    let server = Server::start(&[]);
    let mut victim = Client::dial(&server, 1, &[]).await;
    let nonce = victim.challenge().await;
    let recorded = victim.registration(&server.host(), &nonce);
    victim.say(&recorded).await;
    assert!(matches!(victim.hear().await, ServerMessage::Welcome(_)));
    let mut thief = Client::dial(&server, 2, &[]).await;
    thief.challenge().await;
    thief.say(&recorded).await;
    thief.is_closed_for(Reason::BadSignature).await;
    victim.say(&ClientMessage::Ping { number: 1 }).await;
    assert_eq!(victim.hear().await, ServerMessage::Pong { number: 1 });
}

#[tokio::test]
async fn nobody_speaks_in_the_name_of_another() {
    let server = Server::start(&[]);
    let mut victim = Client::join(&server, 1).await;
    let mut forger = Client::dial(&server, 2, &[]).await;
    let nonce = forger.challenge().await;
    let ClientMessage::Register { host, signature, .. } =
        forger.registration(&server.host(), &nonce)
    else {
        panic!("no registration");
    };
    let key = victim.key.public_key();
    forger.say(&ClientMessage::Register { host, key, signature }).await;
    forger.is_closed_for(Reason::BadSignature).await;
    // As itself, it is itself: what it writes says so.
    let mut forger = Client::join(&server, 2).await;
    assert!(
        matches!(victim.hear().await, ServerMessage::Introduced { peer, .. } if peer == forger.peer())
    );
    forger.write_to(victim.peer(), 10).await;
    assert!(
        matches!(victim.hear().await, ServerMessage::Envelope { from, .. } if from == forger.peer())
    );
}

#[tokio::test]
async fn ten_thousand_tags_leave_eight() {
    let server = Server::start(&["--messages-per-s", "10000"]);
    let mut bystanders = Bystanders::enter(&server).await;
    let mut client = Client::enter(&server, 1).await;
    let before = server.memory_bytes();
    for first in (0_u32..10_000).step_by(8) {
        let tags: Vec<Tag> = (first..first + 8)
            .map(|number| {
                let mut tag = [0; 32];
                tag[..4].copy_from_slice(&number.to_be_bytes());
                Tag(tag)
            })
            .collect();
        client.meet(&tags).await;
    }
    client.say(&ClientMessage::Ping { number: 1 }).await;
    assert_eq!(client.hear().await, ServerMessage::Pong { number: 1 });
    assert_eq!(server.metric("rooms"), 9);
    assert!(server.memory_bytes() < before + 8 * 1024 * 1024);
    bystanders.are_served().await;
}

#[tokio::test]
async fn one_address_has_so_many_connections_and_no_more() {
    let flags = ["--trust-proxy", "--connections-per-address-max", "20"];
    let server = Server::start(&flags);
    let mut held = Vec::new();
    for number in 0..20 {
        let mut client = Client::dial(&server, number, &[("x-forwarded-for", "192.0.2.1")]).await;
        client.challenge().await;
        held.push(client);
    }
    for number in 20..60 {
        let mut client = Client::dial(&server, number, &[("x-forwarded-for", "192.0.2.1")]).await;
        client.is_closed_for(Reason::TooManyConnections).await;
    }
    assert_eq!(server.metric("connections"), 20);
    let mut other = Client::dial(&server, 61, &[("x-forwarded-for", "192.0.2.2")]).await;
    other.challenge().await;
    // Coming and going again and again is a flood too.
    drop(held);
    let mut turned_away = 0;
    for number in 0..40 {
        let mut client = Client::dial(&server, number, &[("x-forwarded-for", "192.0.2.1")]).await;
        let first = client.hear().await;
        turned_away += u32::from(matches!(first, ServerMessage::Refused { .. }));
    }
    assert!(turned_away >= 20, "{turned_away}");
}

#[tokio::test]
async fn connections_that_are_no_websockets_are_bounded_too() {
    let server = Server::start(&["--connections-per-address-max", "1"]);
    let mut held = Vec::new();
    for _ in 0..200 {
        held.push(TcpStream::connect(server.address).await.expect("connected"));
    }
    // 33 of them wait for a request; the others were closed without a word.
    let mut closed = 0;
    for stream in &mut held {
        let mut byte = [0];
        let request = b"GET /healthz HTTP/1.1\r\nhost: here\r\n\r\n";
        let is_open = stream.write_all(request).await.is_ok()
            && stream.read(&mut byte).await.is_ok_and(|count| count == 1);
        closed += u32::from(!is_open);
    }
    assert_eq!(closed, 167);
}

#[tokio::test]
async fn a_crowd_in_one_room_does_not_talk_to_all_of_it() {
    let server = Server::start(&["--members-per-tag-max", "30"]);
    let mut members = Vec::new();
    for number in 1..=40 {
        members.push(Client::join(&server, number).await);
    }
    let mut heard = Vec::new();
    for member in &mut members {
        heard = member.settle().await;
    }
    assert!(matches!(heard[..], [ServerMessage::Refused { limit: 30, .. }]), "{heard:?}");
    assert_eq!(server.metric("refused_total{reason=\"room-full\"}"), 10);
    // Three each but for the first, who found fewer.
    assert_eq!(server.metric("introductions_total"), 1 + 2 + 27 * 3);
    let other = members[0].peer();
    let last = members.last_mut().expect("there are");
    last.write_to(other, 10).await;
    assert_eq!(last.hear().await, ServerMessage::Away { peer: other });
}
