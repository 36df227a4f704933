//! The node's plain data as plain JavaScript objects, without serde: fields and variants in camel
//! case, `None` as null, hashes in hexadecimal.

use alloc::vec::Vec;

use peerloom_core::event::{
    CommandError, ConnectFailure, ContentInfo, ContentLayout, DisconnectCause, DownloadState,
    Event, LastFailure, LocalState, PeerInfo, PeerState, Progress, Reply, SecurityAction,
    ServerFault, ServerInfo, ServerState, Stage, StrikeKind,
};
use peerloom_core::io::StoreError;
use peerloom_core::node::Status;
use peerloom_wire::PeerId;
use peerloom_wire::id::hex;
use wasm_bindgen::JsValue;

use crate::js::{self, Object};

/// Returns an event's kind and its detail. `buffered` says how much waits to be sent to a peer.
#[must_use]
pub fn event(event: &Event, buffered: impl Fn(&PeerId) -> u32) -> (&'static str, JsValue) {
    let snapshot = |info: &PeerInfo| peer(info, buffered(&info.id));
    match event {
        // Answers go to their promise, not here.
        Event::Done { .. } => ("done", JsValue::NULL),
        Event::PeerDiscovered(info) => ("peerDiscovered", snapshot(info)),
        Event::PeerConnected(info) => ("peerConnected", snapshot(info)),
        Event::PeerUpdated(info) => ("peerUpdated", snapshot(info)),
        Event::PeerDisconnected { peer, cause } => {
            let detail = Object::new().with("peer", snapshot(peer));
            ("peerDisconnected", detail.with_text("cause", disconnect_cause(*cause)).into())
        }
        Event::PeerLost { peer } => ("peerLost", Object::new().with_id("peer", &peer.0).into()),
        Event::ConnectFailed(failure) => ("connectFailed", connect_failure(failure)),
        Event::ContentChanged(info) => ("contentChanged", content(info)),
        Event::ContentGone { content } => {
            ("contentGone", Object::new().with_id("content", &content.0).into())
        }
        Event::Progress { content, progress: moved } => {
            ("progress", progress(moved).with_id("content", &content.0).into())
        }
        Event::Served { content, peer, sent_bytes, total_bytes } => {
            let detail = Object::new()
                .with_id("content", &content.0)
                .with_id("peer", &peer.0)
                .with_u64("sentBytes", *sent_bytes)
                .with_u64("totalBytes", *total_bytes);
            ("served", detail.into())
        }
        Event::Message(message) => {
            let detail = Object::new()
                .with_text("room", &message.room)
                .with_id("from", &message.from.0)
                .with_text("id", &message.id)
                .with_u64("sentMs", message.sent_ms)
                .with("hops", message.hops)
                .with("data", js::bytes(&message.data));
            ("message", detail.into())
        }
        Event::MemberJoined { room, peer } => ("memberJoined", member(room, snapshot(peer))),
        Event::MemberLeft { room, peer } => ("memberLeft", member(room, snapshot(peer))),
        Event::ServerChanged(info) => ("serverChanged", server(info)),
        Event::Security { peer, kind, action } => {
            let detail = Object::new()
                .with_id("peer", &peer.0)
                .with_text("kind", strike_kind(*kind))
                .with_text("action", security_action(*action));
            ("security", detail.into())
        }
    }
}

fn member(room: &str, peer: JsValue) -> JsValue {
    Object::new().with_text("room", room).with("peer", peer).into()
}

/// Returns what settles a command's promise.
///
/// # Errors
/// What the promise is rejected with: [`command_error`].
pub fn answer(result: Result<Reply, CommandError>) -> Result<JsValue, JsValue> {
    match result {
        Ok(Reply::Done) => Ok(JsValue::UNDEFINED),
        Ok(Reply::Content(id)) => Ok(hex(&id.0).into()),
        Ok(Reply::Posted(id)) => Ok(id.into()),
        Err(error) => Err(command_error(&error)),
    }
}

/// Returns `{code, message}`, with `peer` and `failure` where a peer could not be reached.
#[must_use]
pub fn command_error(error: &CommandError) -> JsValue {
    let object = failure(error_code(error), &error.text());
    let object = match error {
        CommandError::Unreachable(failure) => {
            object.with_id("peer", &failure.peer.0).with("failure", connect_failure(failure))
        }
        _ => object,
    };
    object.into()
}

/// Returns the error for an argument that is not what it has to be.
#[must_use]
pub fn bad_input(message: &str) -> JsValue {
    failure("BAD_INPUT", message).into()
}

/// Returns the error for what this browser can't do.
#[must_use]
pub fn unsupported(message: &str) -> JsValue {
    failure("UNSUPPORTED", message).into()
}

fn failure(code: &str, message: &str) -> Object {
    Object::new().with_text("code", code).with_text("message", message)
}

fn error_code(error: &CommandError) -> &'static str {
    match error {
        CommandError::Aborted => "ABORTED",
        CommandError::NotFound => "NOT_FOUND",
        CommandError::Unreachable(_) | CommandError::Undelivered(_) => "UNREACHABLE",
        CommandError::TooLarge { .. } => "TOO_LARGE",
        CommandError::WrongKey => "WRONG_KEY",
        CommandError::Denied => "DENIED",
        CommandError::Store(StoreError::QuotaExceeded) => "QUOTA",
        CommandError::Store(_) => "POISONED",
        CommandError::Closed => "CLOSED",
        CommandError::RateLimited => "RATE_LIMITED",
        // `BadInput`, and what a later core may add.
        _ => "BAD_INPUT",
    }
}

/// Returns a peer's snapshot.
#[must_use]
pub fn peer(info: &PeerInfo, buffered_bytes: u32) -> JsValue {
    Object::new()
        .with_id("id", &info.id.0)
        .with_text("state", peer_state(info.state))
        .with_option("stage", info.stage.map(stage))
        .with_u64_option("rttMicros", info.rtt_micros)
        .with_u64_option("rttVarMicros", info.rtt_variation_micros)
        .with_u64_option("inPerSecond", info.in_per_second)
        .with_u64_option("outPerSecond", info.out_per_second)
        .with_u64("bytesIn", info.bytes_in)
        .with_u64("bytesOut", info.bytes_out)
        .with("bufferedBytes", buffered_bytes)
        .with("contents", info.contents)
        .with("strikes", info.strikes)
        .with("reputation", info.reputation)
        .with("score", info.score)
        .with_option("roles", info.roles)
        .with("capabilities", info.capabilities)
        .with_u64_option("connectedAtMs", info.connected_at_ms)
        .with_option("lastFailure", info.last_failure.as_ref().map(last_failure))
        .with_u64_option("nextTryMs", info.next_try_ms)
        .into()
}

/// Returns who is banned, and until when.
#[must_use]
pub fn ban(&(peer, until_ms): &(PeerId, u64)) -> JsValue {
    Object::new().with_id("peer", &peer.0).with_u64("until", until_ms).into()
}

/// Returns a content's snapshot.
#[must_use]
pub fn content(info: &ContentInfo) -> JsValue {
    Object::new()
        .with_id("id", &info.id.0)
        .with_text("name", &info.name)
        .with_text("mime", &info.mime)
        .with_u64("bytes", info.bytes)
        .with("encrypted", info.encrypted)
        .with("providers", info.providers)
        .with_text("local", local_state(info.local))
        .with_option("download", info.download.map(download_state))
        .into()
}

/// Returns what reading a content takes.
#[must_use]
pub fn layout(layout: &ContentLayout) -> JsValue {
    let chunks: Vec<u8> = layout.chunks.iter().flat_map(|chunk| chunk.0).collect();
    Object::new()
        .with_u64("bytes", layout.bytes)
        .with("chunkPlainBytes", layout.chunk_plain_bytes)
        .with("chunks", js::bytes(&chunks))
        .with_option("key", layout.key.map(|key| js::bytes(&key.0)))
        .into()
}

fn progress(progress: &Progress) -> Object {
    Object::new()
        .with_u64("doneBytes", progress.done_bytes)
        .with_u64("totalBytes", progress.total_bytes)
        .with_u64("fromPeers", progress.from_peers)
        .with_u64("fromDisk", progress.from_disk)
        .with("sources", progress.sources)
        .with_u64("bytesPerSecond", progress.bytes_per_second)
}

fn connect_failure(failure: &ConnectFailure) -> JsValue {
    failure_object(failure).into()
}

fn last_failure(last: &LastFailure) -> JsValue {
    failure_object(&last.failure).with_u64("atMs", last.at_ms).into()
}

fn failure_object(failure: &ConnectFailure) -> Object {
    Object::new()
        .with_id("peer", &failure.peer.0)
        .with_text("stage", stage(failure.stage))
        .with_text("reason", &failure.reason)
        .with_option("hint", failure.hint.as_deref())
}

const fn peer_state(state: PeerState) -> &'static str {
    match state {
        PeerState::Discovered => "discovered",
        PeerState::Connecting => "connecting",
        PeerState::Connected => "connected",
        PeerState::Backoff => "backoff",
    }
}

const fn local_state(state: LocalState) -> &'static str {
    match state {
        LocalState::Absent => "absent",
        LocalState::Partial => "partial",
        LocalState::Complete => "complete",
    }
}

const fn download_state(state: DownloadState) -> &'static str {
    match state {
        DownloadState::Running => "running",
        DownloadState::Paused => "paused",
    }
}

const fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Signalling => "signalling",
        Stage::Ice => "ice",
        Stage::Dtls => "dtls",
        Stage::Channel => "channel",
        Stage::Authentication => "authentication",
        Stage::Admission => "admission",
    }
}

const fn disconnect_cause(cause: DisconnectCause) -> &'static str {
    match cause {
        DisconnectCause::Local => "local",
        DisconnectCause::Goodbye => "goodbye",
        DisconnectCause::Parted => "parted",
        DisconnectCause::Surplus => "surplus",
        DisconnectCause::Closed => "closed",
        DisconnectCause::Unresponsive => "unresponsive",
        DisconnectCause::Transport => "transport",
        DisconnectCause::Banned => "banned",
        DisconnectCause::Replaced => "replaced",
    }
}

const fn strike_kind(kind: StrikeKind) -> &'static str {
    match kind {
        StrikeKind::MalformedFrame => "malformedFrame",
        StrikeKind::Oversized => "oversized",
        StrikeKind::UnrequestedBody => "unrequestedBody",
        StrikeKind::WrongHash => "wrongHash",
        StrikeKind::BadManifest => "badManifest",
        StrikeKind::BadSignature => "badSignature",
        StrikeKind::TooManyRequests => "tooManyRequests",
        StrikeKind::OutOfTurn => "outOfTurn",
        StrikeKind::BadRecord => "badRecord",
        _ => "other",
    }
}

const fn security_action(action: SecurityAction) -> &'static str {
    match action {
        SecurityAction::Strike => "strike",
        SecurityAction::Ban => "ban",
    }
}

/// Returns how it stands with a server.
#[must_use]
pub fn server(info: &ServerInfo) -> JsValue {
    Object::new()
        .with("server", info.server.0)
        .with_text("state", server_state(info.state))
        .with_option("fault", info.fault.map(server_fault))
        .with_option("refusal", info.fault.and_then(refusal))
        .with_text("detail", &info.detail)
        .with_u64_option("nextTryMs", info.next_try_ms)
        .into()
}

const fn server_state(state: ServerState) -> &'static str {
    match state {
        ServerState::Stopped => "stopped",
        ServerState::Waiting => "waiting",
        ServerState::Opening => "connecting",
        ServerState::Joined => "connected",
    }
}

const fn server_fault(fault: ServerFault) -> &'static str {
    match fault {
        ServerFault::BadAddress => "BAD_ADDRESS",
        ServerFault::Blocked => "BLOCKED",
        ServerFault::Unreachable => "UNREACHABLE",
        ServerFault::Lost => "LOST",
        ServerFault::Silent => "SILENT",
        ServerFault::Misunderstood => "BAD_PROTOCOL",
        ServerFault::Refused(_) => "REFUSED",
        ServerFault::Moving => "MOVING",
    }
}

const fn refusal(fault: ServerFault) -> Option<u8> {
    match fault {
        ServerFault::Refused(code) => Some(code),
        _ => None,
    }
}

/// Returns the totals.
#[must_use]
pub fn status(status: &Status) -> JsValue {
    Object::new()
        .with("running", status.running)
        .with("peersDiscovered", status.peers_discovered)
        .with("peersConnected", status.peers_connected)
        .with("contents", status.contents)
        .with("roles", status.roles)
        .with_u64("bytesIn", status.bytes_in)
        .with_u64("bytesOut", status.bytes_out)
        .into()
}
