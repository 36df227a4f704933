//! One client's WebSocket: what comes in goes to the hub, what the hub says goes out.

use std::net::IpAddr;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use bytes::Bytes;
use peerloom_server::Input;
use peerloom_server::hub::{ConnId, Reason};
use peerloom_wire::rendezvous::CLOSE_CODE_BASE;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite;

use super::switchboard::{Seat, Switchboard};

/// How often something goes over a connection on which nobody says anything: proxies close those that
/// are silent for 60 s (nginx's default), and address translators forget them.
const PING_INTERVAL: Duration = Duration::from_secs(25);

/// How long the last words may take to be read.
const CLOSE_MAX: Duration = Duration::from_secs(3);

/// How many queued messages are handed to the network before it is said that they are there.
const BATCH_MAX: usize = 32;

/// How one turn of a connection ended.
enum Turn {
    GoOn,
    /// The hub wants it closed.
    Close(Reason),
    /// It is closed, or broken.
    Gone,
}

/// Serves one WebSocket until it is closed.
pub(super) async fn serve(
    mut socket: WebSocket,
    switchboard: Switchboard,
    address: IpAddr,
    here: IpAddr,
    denied: Option<Reason>,
) {
    let mut seat = switchboard.enter(address, here, denied).await;
    let mut ping_at = Instant::now() + PING_INTERVAL;
    let reason = loop {
        match turn(&mut socket, &switchboard, &mut seat, &mut ping_at).await {
            Turn::GoOn => {}
            Turn::Close(reason) => break Some(reason),
            Turn::Gone => break None,
        }
    };
    match reason {
        Some(reason) => {
            timeout(CLOSE_MAX, say_goodbye(&mut socket, &mut seat, reason)).await.ok();
            switchboard.input(Input::Closed { conn: seat.conn }).await;
        }
        None => {
            switchboard.input(Input::Closed { conn: seat.conn }).await;
            // Whoever said goodbye is answered by this.
            timeout(CLOSE_MAX, read_to_end(&mut socket)).await.ok();
        }
    }
}

async fn turn(
    socket: &mut WebSocket,
    switchboard: &Switchboard,
    seat: &mut Seat,
    ping_at: &mut Instant,
) -> Turn {
    let conn = seat.conn;
    tokio::select! {
        biased;
        reason = &mut seat.closing => reason.map_or(Turn::Gone, Turn::Close),
        bytes = seat.queue.recv() => {
            let Some(first) = bytes else { return Turn::Gone };
            *ping_at = Instant::now() + PING_INTERVAL;
            // A client that does not read holds this up until the hub gives it up.
            let drained = match send_batch(socket, seat, first).await {
                Ok(bytes) => bytes,
                Err(turn) => return turn,
            };
            switchboard.input(Input::Drained { conn, bytes: drained }).await;
            Turn::GoOn
        }
        message = socket.recv() => match message {
            Some(Ok(message)) => on_message(switchboard, conn, message).await,
            Some(Err(error)) => on_error(switchboard, seat, error).await,
            None => Turn::Gone,
        },
        () = sleep_until(*ping_at) => {
            *ping_at = Instant::now() + PING_INTERVAL;
            match send(socket, seat, Message::Ping(Bytes::new())).await {
                Ok(()) => Turn::GoOn,
                Err(turn) => turn,
            }
        }
    }
}

/// Sends what is queued, as far as it fits into one batch, and returns its length.
async fn send_batch(socket: &mut WebSocket, seat: &mut Seat, first: Bytes) -> Result<usize, Turn> {
    let mut bytes = first.len();
    send(socket, seat, Message::Binary(first)).await?;
    for _ in 1..BATCH_MAX {
        let Ok(next) = seat.queue.try_recv() else { break };
        bytes += next.len();
        send(socket, seat, Message::Binary(next)).await?;
    }
    Ok(bytes)
}

/// Sends one message, unless the hub gives the client up meanwhile.
async fn send(socket: &mut WebSocket, seat: &mut Seat, message: Message) -> Result<(), Turn> {
    tokio::select! {
        sent = socket.send(message) => sent.map_err(|_| Turn::Gone),
        reason = &mut seat.closing => Err(reason.map_or(Turn::Gone, Turn::Close)),
    }
}

async fn on_message(switchboard: &Switchboard, conn: ConnId, message: Message) -> Turn {
    let input = match message {
        Message::Binary(bytes) => Input::Received { conn, bytes },
        Message::Text(_) => Input::Broken { conn, reason: Reason::Malformed },
        Message::Ping(bytes) | Message::Pong(bytes) => Input::Noise { conn, bytes: bytes.len() },
        Message::Close(_) => return Turn::Gone,
    };
    switchboard.input(input).await;
    Turn::GoOn
}

/// A frame over the bound, or one that is none, is said to be so; a connection that broke is gone.
async fn on_error(switchboard: &Switchboard, seat: &mut Seat, error: axum::Error) -> Turn {
    let conn = seat.conn;
    let reason = match error.into_inner().downcast_ref::<tungstenite::Error>() {
        Some(tungstenite::Error::Capacity(_)) => Reason::TooLarge,
        Some(tungstenite::Error::Protocol(_) | tungstenite::Error::Utf8(_)) => Reason::Malformed,
        _ => return Turn::Gone,
    };
    switchboard.input(Input::Broken { conn, reason }).await;
    // There is nothing to be read after it, so the hub's word is waited for here.
    (&mut seat.closing).await.map_or(Turn::Gone, Turn::Close)
}

/// Sends what is queued, and why it is the last.
async fn say_goodbye(
    socket: &mut WebSocket,
    seat: &mut Seat,
    reason: Reason,
) -> Result<(), axum::Error> {
    while let Ok(bytes) = seat.queue.try_recv() {
        socket.send(Message::Binary(bytes)).await?;
    }
    let code = CLOSE_CODE_BASE + u16::from(reason.code());
    let frame = CloseFrame { code, reason: reason.name().into() };
    socket.send(Message::Close(Some(frame))).await?;
    // Until the other side has closed too: a socket that is closed with unread bytes in it takes back
    // what was sent last (RFC 1122, 4.2.2.13).
    read_to_end(socket).await;
    Ok(())
}

async fn read_to_end(socket: &mut WebSocket) {
    while let Some(Ok(_)) = socket.recv().await {}
}
