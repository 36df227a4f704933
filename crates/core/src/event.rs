//! What the application is told, and the snapshots that it may read at any time.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;
use peerloom_wire::{ChunkId, ContentId, PeerId, RunId};
use serde::{Deserialize, Serialize};

use crate::io::{CommandId, ContentKey, StoreError};
pub use crate::rendezvous::io::{ServerFault, ServerInfo, ServerState};

/// What the application is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A command has its answer. Exactly one for each command.
    Done {
        /// Which command.
        id: CommandId,
        /// How it ended.
        result: Result<Reply, CommandError>,
    },
    /// A peer was heard of for the first time.
    PeerDiscovered(PeerInfo),
    /// A peer is connected and authenticated.
    PeerConnected(PeerInfo),
    /// Something in a peer's information changed: its state, its contents.
    PeerUpdated(PeerInfo),
    /// A connection is gone.
    PeerDisconnected {
        /// The peer, as it is now.
        peer: PeerInfo,
        /// Why.
        cause: DisconnectCause,
    },
    /// A peer is forgotten: it said goodbye or was silent for long.
    PeerLost {
        /// Which peer.
        peer: PeerId,
    },
    /// An attempt to connect failed.
    ConnectFailed(ConnectFailure),
    /// A content appeared, or what is known of it changed: sources, completeness.
    ContentChanged(ContentInfo),
    /// A content is neither here nor at any connected peer any more.
    ContentGone {
        /// Which content.
        content: ContentId,
    },
    /// A download moved.
    Progress {
        /// Which content.
        content: ContentId,
        /// How far it is.
        progress: Progress,
    },
    /// A chunk was sent to a peer.
    Served {
        /// Which content.
        content: ContentId,
        /// To whom.
        peer: PeerId,
        /// Bytes of this content sent to this peer on this connection.
        sent_bytes: u64,
        /// The length of the content as it is stored.
        total_bytes: u64,
    },
    /// Something was said in a room that we are in, by whom it says: to all there, or to us alone.
    Message(RoomMessage),
    /// A peer came into a room that we are in.
    MemberJoined {
        /// Which room.
        room: String,
        /// Who.
        peer: PeerInfo,
    },
    /// A peer left a room that we are in, or is not heard of there any more.
    MemberLeft {
        /// Which room.
        room: String,
        /// Who.
        peer: PeerInfo,
    },
    /// How it stands with a server is different from before.
    ServerChanged(ServerInfo),
    /// A peer misbehaved.
    Security {
        /// Which peer.
        peer: PeerId,
        /// What it did.
        kind: StrikeKind,
        /// What follows.
        action: SecurityAction,
    },
}

/// Something that was said in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomMessage {
    /// Which room.
    pub room: String,
    /// Who said it: its signature was checked.
    pub from: PeerId,
    /// Names it, the same everywhere.
    pub id: String,
    /// When, by the clock of who said it, in milliseconds since the Unix epoch.
    pub sent_ms: u64,
    /// How many connections it crossed; of what was said to us alone, with those that led nowhere.
    pub hops: u8,
    /// What.
    pub data: Bytes,
    /// It was said to us alone, and who said it waits to hear whether the application takes it: by
    /// [`Input::Taken`](crate::Input::Taken), which names it so.
    pub letter: Option<LetterId>,
}

/// Names a message to single peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LetterId {
    /// Who sent it.
    pub from: PeerId,
    /// In which run.
    pub run: RunId,
    /// The sender's own number, the same for all to whom it sent this.
    pub number: u64,
}

/// What a command gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// It is done.
    Done,
    /// Answers `Add`, and `Get` when the content is complete.
    Content(ContentId),
    /// Answers `Post` and `Send`: the message's name.
    Posted(String),
}

/// Why a command failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum CommandError {
    /// The application or a newer command took it back.
    Aborted,
    /// Nothing of that id is known here.
    NotFound,
    /// No connection to the peer could be made.
    Unreachable(ConnectFailure),
    /// Over a limit that is ours.
    TooLarge {
        /// What is too large.
        what: Subject,
        /// How large it is.
        size: u64,
        /// The limit.
        max: u64,
    },
    /// The draft does not add up, the peer is ourselves, and the like.
    BadInput(BadInput),
    /// The content is encrypted and nobody gave the key.
    WrongKey,
    /// The peer is banned.
    Denied,
    /// Nobody said that a message arrived.
    Undelivered(Undelivered),
    /// The store failed.
    Store(StoreError),
    /// The node was stopped.
    Closed,
    /// Too much at once; it may be tried again soon.
    RateLimited,
}

impl CommandError {
    /// Returns what happened, for people. Not by `format!`: see [`hex`](peerloom_wire::id::hex).
    #[must_use]
    pub fn text(&self) -> String {
        let text = match self {
            Self::Aborted => "it was cancelled",
            Self::NotFound => "nothing is known under this id",
            Self::Unreachable(failure) => return ["no connection: ", &failure.reason].concat(),
            Self::TooLarge { what, size, max } => {
                let (size, max) = (decimal(*size), decimal(*max));
                return [what.text(), " of ", &size, " is over the limit of ", &max].concat();
            }
            Self::BadInput(input) => input.text(),
            Self::WrongKey => "the content is encrypted: its share link is needed",
            Self::Denied => "the peer is banned",
            Self::Undelivered(reason) => return ["it was not delivered", reason.text()].concat(),
            Self::Store(error) => return error.text(),
            Self::Closed => "the swarm is stopped",
            Self::RateLimited => {
                "too much is waiting to be sent: await what `send` returns before sending more"
            }
        };
        text.to_owned()
    }
}

impl core::fmt::Display for CommandError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.text())
    }
}

impl core::error::Error for CommandError {}

/// Returns a number for people.
#[inline(never)]
pub(crate) fn decimal(mut number: u64) -> String {
    let mut digits = Vec::new();
    loop {
        digits.extend(char::from_digit(u32::try_from(number % 10).unwrap_or(0), 10));
        number /= 10;
        if number == 0 {
            return digits.iter().rev().collect();
        }
    }
}

/// Why something was not brought to a peer. The order of the first four is on the wire, and the
/// later ones say more than those before: of several reasons the last is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum Undelivered {
    /// Nobody is left to hand it to.
    NoRoute,
    /// It was handed on as often as it may be.
    Expired,
    /// A carrier wants nothing of its source.
    Refused,
    /// Its source, or who handed it over, sends too much.
    RateLimited,
    /// It was handed on, and nothing came back: who had it is gone, or drops it.
    Unanswered,
    /// It arrived, and the application there is not in the room or takes no such message.
    Absent,
}

impl Undelivered {
    /// What is added to what a person is told.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::NoRoute => ", and no connected peer knows a way to it",
            Self::Expired => ", and it is too far away from the connected peers",
            Self::Refused => ", and a connected peer refuses to carry for us",
            Self::RateLimited => ", and the connected peers have too much to carry",
            Self::Unanswered => ", and nobody said that it arrived",
            Self::Absent => ": the peer is not in this room, or takes no such message there",
        }
    }
}

/// What was too large.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Subject {
    /// A content, in chunks.
    Content,
    /// A name, in bytes.
    Name,
    /// A MIME type, in bytes.
    Mime,
    /// Commands that wait, in number.
    Commands,
    /// Contents here, in number.
    Contents,
    /// A message to a room, in bytes.
    Message,
    /// Rooms that we are in, in number.
    Rooms,
}

impl Subject {
    const fn text(self) -> &'static str {
        match self {
            Self::Content => "a content (in chunks)",
            Self::Name => "a name (in bytes)",
            Self::Mime => "a MIME type (in bytes)",
            Self::Commands => "the list of waiting commands",
            Self::Contents => "the list of contents",
            Self::Message => "a message (in bytes)",
            Self::Rooms => "the list of rooms",
        }
    }
}

/// What is wrong with a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BadInput {
    /// Length and number of chunks don't agree.
    ChunkCount,
    /// The peer is ourselves.
    OwnId,
    /// The content is not being fetched.
    NotFetching,
    /// A name or a MIME type that can't be shown on a line.
    ControlCharacters,
    /// Chunks of a draft are not in the store.
    MissingChunks,
    /// The manifest that the id names is malformed, newer than this version, or falsely signed.
    BadManifest,
    /// The room has no name or was not joined.
    NotInRoom,
}

impl BadInput {
    const fn text(self) -> &'static str {
        match self {
            Self::ChunkCount => "the length and the number of chunks don't agree",
            Self::OwnId => "this is the own id",
            Self::NotFetching => "the content is not being fetched",
            Self::ControlCharacters => "the name or the type holds control characters",
            Self::MissingChunks => "some of the chunks are not stored",
            Self::BadManifest => "the content's manifest does not hold",
            Self::NotInRoom => "there is no such room here",
        }
    }
}

/// A failed attempt to connect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectFailure {
    /// To whom.
    pub peer: PeerId,
    /// How far it got.
    pub stage: Stage,
    /// What happened, for people.
    pub reason: String,
    /// What a person can do about it.
    pub hint: Option<String>,
}

/// What is remembered of the last attempt that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastFailure {
    /// How far it got, and why no further.
    pub failure: ConnectFailure,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: u64,
}

/// The stages of connecting, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Stage {
    /// Offer and answer travel.
    Signalling,
    /// Candidates are tried.
    Ice,
    /// The secure transport is set up.
    Dtls,
    /// The data channels open.
    Channel,
    /// The peers greet each other.
    Authentication,
    /// The other side decides whether it wants us.
    Admission,
}

/// The ways that envelopes travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SignalPath {
    /// To all tabs of the origin at once.
    Broadcast,
    /// From one connected peer to the next.
    Peers,
    /// Through a server.
    Server,
}

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DisconnectCause {
    /// We closed it.
    Local,
    /// The peer said goodbye.
    Goodbye,
    /// The peer ended this connection and stays in the swarm.
    Parted,
    /// One of the two had more connections than it needs, and others had none.
    Surplus,
    /// The peer closed it without a word.
    Closed,
    /// A ping was sent and stayed unanswered.
    Unresponsive,
    /// The transport failed and could not be restarted.
    Transport,
    /// The peer is banned.
    Banned,
    /// A newer connection to the same peer took its place.
    Replaced,
}

/// What is known of a peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerInfo {
    /// Who.
    pub id: PeerId,
    /// How far the connection is.
    pub state: PeerState,
    /// How far the attempt is that is under way.
    pub stage: Option<Stage>,
    /// The smoothed round trip time in microseconds, once measured.
    pub rtt_micros: Option<u64>,
    /// How far round trips are from that, smoothed, in microseconds.
    pub rtt_variation_micros: Option<u64>,
    /// Bytes per second of contents that came from it when they last did, once measured on this
    /// connection.
    pub in_per_second: Option<u64>,
    /// The same of contents that went to it.
    pub out_per_second: Option<u64>,
    /// Received on all connections since the start.
    pub bytes_in: u64,
    /// Sent on all connections since the start.
    pub bytes_out: u64,
    /// How many contents it offers.
    pub contents: u32,
    /// Strikes against it.
    pub strikes: u32,
    /// How far it is trusted, in thousandths: `docs/protocol/scoring.md`.
    pub reputation: u16,
    /// What it is worth among others that would do as well, in thousandths.
    pub score: u16,
    /// Roles that it says it has, as bits: `peerloom_wire::record::ROLE_*`. None: its record is not
    /// known.
    pub roles: Option<u8>,
    /// What it says that it can do: `peerloom_wire::record::Capabilities`, packed.
    pub capabilities: u32,
    /// When the connection opened, in milliseconds since the Unix epoch.
    pub connected_at_ms: Option<u64>,
    /// The last attempt that failed, until one succeeds.
    pub last_failure: Option<LastFailure>,
    /// When it is dialled next, in milliseconds since the Unix epoch; later if there is no room then.
    /// Only in `Backoff`.
    pub next_try_ms: Option<u64>,
}

/// How far the connection to a peer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PeerState {
    /// Heard of.
    Discovered,
    /// On the way.
    Connecting,
    /// Connected.
    Connected,
    /// A failure is being waited out.
    Backoff,
}

/// What is known of a content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentInfo {
    /// Which content.
    pub id: ContentId,
    /// Its name, as the author gave it: untrusted text.
    pub name: String,
    /// Its MIME type, as the author gave it: untrusted text.
    pub mime: String,
    /// The length of the plain content.
    pub bytes: u64,
    /// Whether its chunks are encrypted.
    pub encrypted: bool,
    /// How many connected peers offer it whole.
    pub providers: u32,
    /// How much of it is here.
    pub local: LocalState,
    /// Where its download is, if there is one.
    pub download: Option<DownloadState>,
}

/// How much of a content is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LocalState {
    /// Nothing.
    Absent,
    /// Some chunks, or the manifest only.
    Partial,
    /// All.
    Complete,
}

/// What a download does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DownloadState {
    /// It asks, or waits for somebody to ask.
    Running,
    /// The application paused it.
    Paused,
}

/// How far a download is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Plain bytes here, verified and stored.
    pub done_bytes: u64,
    /// Plain bytes in all; 0 until the manifest is known.
    pub total_bytes: u64,
    /// Of `done_bytes`, those that peers sent since this download began.
    pub from_peers: u64,
    /// Of `done_bytes`, those that were on disk before.
    pub from_disk: u64,
    /// How many peers are being asked.
    pub sources: u32,
    /// Plain bytes per second over the last seconds.
    pub bytes_per_second: u64,
}

/// What reading a content takes: which chunks, of what length, under which key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentLayout {
    /// The length of the plain content.
    pub bytes: u64,
    /// Plain bytes in each chunk but the last.
    pub chunk_plain_bytes: u32,
    /// The hashes of the stored chunks, in order.
    pub chunks: Vec<ChunkId>,
    /// The key, if the chunks are encrypted and it is known.
    pub key: Option<ContentKey>,
}

/// What a peer did wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub enum StrikeKind {
    /// A frame that does not decode.
    MalformedFrame,
    /// A frame or a message over its bound.
    Oversized,
    /// A bulk frame that nobody asked for, or out of its bounds.
    UnrequestedBody,
    /// A body whose hash is not what was asked for.
    WrongHash,
    /// A manifest that does not add up or whose signature is wrong.
    BadManifest,
    /// A post handed on whose signature is wrong.
    BadSignature,
    /// More requests than it may have open.
    TooManyRequests,
    /// A message that makes no sense in this state.
    OutOfTurn,
    /// A forged or expired record of a peer, or one that has no place in its list.
    BadRecord,
}

/// What follows from a misbehaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SecurityAction {
    /// It is remembered.
    Strike,
    /// No more contact.
    Ban,
}
