//! Everything that crosses the border of a node, as plain data: a browser's trace replays natively.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;
use peerloom_crypto::{Claim, Signature};
pub use peerloom_wire::Candidate;
use peerloom_wire::id::hash_bytes;
use peerloom_wire::{ChunkId, ContentId, PeerId, RequestId};
use serde::{Deserialize, Serialize};

use crate::event::{Event, LetterId, Stage};
pub use crate::rendezvous::io::{ServerCommand, ServerEvent, ServerId};

/// Names one command of the application; its answer carries the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CommandId(pub u64);

/// Names one connection, dialled or accepted; minted by the node, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ConnId(pub u32);

/// Names one storage operation; minted by the node, its result carries the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StoreId(pub u64);

/// Names one signature to make or to check; minted by the node, its result carries the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ProofId(pub u64);

/// Everything the outside can tell a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Input {
    /// The deadline of `Node::poll_timeout` has passed. Calling early is harmless.
    Timeout,
    /// The application wants something; the answer is one [`Event::Done`] with the same id.
    Command {
        /// Names the command in its answer.
        id: CommandId,
        /// What is wanted.
        command: Command,
    },
    /// Something happened on a connection that the node asked for.
    Link {
        /// Which connection.
        conn: ConnId,
        /// What happened.
        event: LinkEvent,
    },
    /// A signalling envelope arrived, unverified, whatever path it took.
    Signal {
        /// The encoded envelope.
        bytes: Bytes,
    },
    /// Something happened on the connection to a server that the node asked for.
    Server {
        /// Which server.
        server: ServerId,
        /// What happened.
        event: ServerEvent,
    },
    /// A storage operation ended, well or badly.
    Stored {
        /// Which operation.
        id: StoreId,
        /// How it ended.
        result: Result<StoreReply, StoreError>,
    },
    /// [`Output::Sign`] ended.
    Signed {
        /// Which.
        id: ProofId,
        /// The signature; none if the key is gone.
        signature: Option<Signature>,
    },
    /// [`Output::Verify`] ended.
    Verified {
        /// Which.
        id: ProofId,
        /// Whether the claim is true.
        holds: bool,
    },
    /// The page was hidden, shown, frozen, resumed or is about to go.
    Lifecycle(Lifecycle),
    /// Power or traffic became dear, or is not any more.
    Economy(Economy),
    /// The application was told of a message to us alone; without this its sender is not answered.
    Taken {
        /// Which.
        letter: LetterId,
        /// Whether it takes such messages.
        is_taken: bool,
    },
}

/// Everything a node can ask of the outside. Drivers execute, they do not decide.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Output {
    /// Do this on a connection.
    Link {
        /// Which connection; `CreateOffer` and `AcceptOffer` bring new ones into being.
        conn: ConnId,
        /// What to do.
        command: LinkCommand,
    },
    /// Send this envelope on every signalling path.
    Signal {
        /// The encoded envelope.
        bytes: Bytes,
    },
    /// Do this to the connection to a server.
    Server {
        /// Which server.
        server: ServerId,
        /// What to do.
        command: ServerCommand,
    },
    /// Do this on the store; answered by [`Input::Stored`].
    Store {
        /// Names the operation in its answer.
        id: StoreId,
        /// What to do.
        op: StoreOp,
    },
    /// Sign these bytes with the peer's key; answered by [`Input::Signed`].
    Sign {
        /// Names it in its answer.
        id: ProofId,
        /// What to sign.
        payload: Bytes,
    },
    /// Find out whether a claim is true; answered by [`Input::Verified`].
    Verify {
        /// Names it in its answer.
        id: ProofId,
        /// What is claimed.
        claim: Claim,
    },
    /// Tell the application.
    Event(Event),
}

/// What the application can ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Load what is stored, announce, and connect. Answered when usable, also with no peer.
    Start,
    /// Say goodbye, close every connection, keep storage and identity.
    Stop,
    /// Connect to this peer, known or not yet. Answered when connected, or with the reason why not.
    Connect {
        /// Whom to connect to.
        peer: PeerId,
    },
    /// End the connection to this peer, politely. It stays known, and neither side dials by itself
    /// until one is asked to. Harmless without a connection.
    Disconnect {
        /// Whom.
        peer: PeerId,
    },
    /// Have nothing more to do with this peer, for 30 days.
    Ban {
        /// Whom.
        peer: PeerId,
    },
    /// Say something in a room to one peer alone, connected or not. Answered when its application has
    /// it, or with the reason why that is not known.
    Send {
        /// To whom.
        to: PeerId,
        /// The room's name; it was joined.
        room: String,
        /// Names it among ours, from 1. Greater than all before that were for the same peer; the same again,
        /// if the same is said to another one.
        number: u64,
        /// At most [`MESSAGE_BYTES_MAX`](crate::MESSAGE_BYTES_MAX) bytes.
        data: Bytes,
    },
    /// Let a banned peer come again, and hold nothing against it.
    Unban {
        /// Whom.
        peer: PeerId,
    },
    /// Offer a content whose chunks are in the store.
    Add {
        /// The content, but for author and signature.
        draft: ContentDraft,
    },
    /// Fetch a content. Answered when it is complete, cancelled or has failed.
    Get {
        /// Which content.
        content: ContentId,
        /// The key, if a share link brought it.
        key: Option<ContentKey>,
    },
    /// Ask for no more chunks of this content for now. Its `Get` stays unanswered.
    Pause {
        /// Which content.
        content: ContentId,
    },
    /// Go on with a paused content.
    Resume {
        /// Which content.
        content: ContentId,
    },
    /// Give up fetching; what is on disk stays. Its `Get` is answered with `Aborted`.
    Cancel {
        /// Which content.
        content: ContentId,
    },
    /// Prefer chunks from this one on: somebody is reading there.
    Seek {
        /// Which content.
        content: ContentId,
        /// The index of the chunk that is wanted next.
        chunk: u32,
    },
    /// Delete a content from the store and tell the peers.
    Remove {
        /// Which content.
        content: ContentId,
    },
    /// Be in a room: hear what is said there.
    Join {
        /// Its name, at most 256 bytes.
        room: String,
        /// Whether others are told that we are there.
        is_shown: bool,
    },
    /// Be in a room no more.
    Leave {
        /// Its name.
        room: String,
    },
    /// Say something in a room that was joined. Answered when it is on its way.
    Post {
        /// The room's name.
        room: String,
        /// What, at most [`DATA_BYTES_MAX`](crate::broadcast::DATA_BYTES_MAX) bytes.
        data: Bytes,
    },
}

/// A content's AES-256-GCM key. Chunk `n` is sealed with the nonce `n` (96 bits, big-endian).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ContentKey(#[serde(with = "hash_bytes")] pub [u8; 32]);

/// Says that there is a key, not which.
impl core::fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("ContentKey(..)")
    }
}

/// A content that is stored here and not yet signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentDraft {
    /// The name for people, at most [`peerloom_wire::NAME_BYTES_MAX`] bytes.
    pub name: String,
    /// The MIME type, at most [`peerloom_wire::MIME_BYTES_MAX`] bytes.
    pub mime: String,
    /// The length of the plain content in bytes.
    pub bytes: u64,
    /// The hashes of the stored chunks, in order.
    pub chunks: Vec<ChunkId>,
    /// The key, if the chunks are encrypted.
    pub key: Option<ContentKey>,
}

/// One call on `RTCPeerConnection`, `RTCDataChannel`, or on the bulk channel's reassembly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkCommand {
    /// Make an offer; on a new connection, make the connection and its two channels first.
    CreateOffer {
        /// Gather anew (`iceRestart`) on a connection that exists.
        restart: bool,
    },
    /// Set the remote offer, on a new connection after making it, and make an answer.
    AcceptOffer {
        /// The remote description.
        sdp: String,
        /// What came with it.
        candidates: Vec<Candidate>,
    },
    /// Set the remote answer.
    AcceptAnswer {
        /// The remote description.
        sdp: String,
        /// What came with it.
        candidates: Vec<Candidate>,
    },
    /// Add remote candidates. Comes after the remote description, always.
    AddCandidates {
        /// The candidates.
        candidates: Vec<Candidate>,
    },
    /// Send a frame on the control channel.
    Send {
        /// At most [`peerloom_wire::FRAME_BYTES_MAX`] bytes.
        frame: Bytes,
    },
    /// Reassemble the bulk frames of `request` into one buffer of this length.
    ExpectBody {
        /// Names the body in its frames.
        request: RequestId,
        /// Its exact length.
        bytes: u32,
        /// Whether its bytes come back with [`LinkEvent::BodyArrived`], or stay with the driver
        /// until [`StoreOp::KeepBody`] or [`LinkCommand::ForgetBody`].
        inline: bool,
    },
    /// Give the buffer of `request` back. Frames of it that are still on the way are no offence:
    /// the driver drops them silently.
    ForgetBody {
        /// Which request.
        request: RequestId,
    },
    /// Send a body on the bulk channel, after those asked for before.
    ServeBody {
        /// The requester's name for it.
        request: RequestId,
        /// What to send.
        body: BodySource,
    },
    /// Send no more frames of this body.
    StopServing {
        /// The requester's name for it.
        request: RequestId,
    },
    /// Close the connection and forget it. No event follows.
    Close,
}

/// Where the bytes of a served body come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BodySource {
    /// A chunk of the store.
    Chunk(ChunkId),
    /// Bytes that the core holds: a manifest.
    Inline(Bytes),
}

/// One event of `RTCPeerConnection` or `RTCDataChannel`, or the end of what a command began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkEvent {
    /// `CreateOffer` made this local description.
    OfferReady {
        /// The local description.
        sdp: String,
    },
    /// `AcceptOffer` made this local description.
    AnswerReady {
        /// The local description.
        sdp: String,
    },
    /// ICE gathered a local candidate.
    CandidateReady {
        /// The candidate; empty when there will be no more.
        candidate: Candidate,
    },
    /// ICE and DTLS changed state.
    Transport(TransportState),
    /// Both data channels are open.
    Opened,
    /// A frame arrived on the control channel; any length, any bytes.
    Received {
        /// The frame.
        frame: Bytes,
    },
    /// So many bytes may be sent on the control channel before the next such event.
    Writable {
        /// Bytes; the control channel's buffer limit less what is buffered.
        budget_bytes: u32,
    },
    /// More of an expected body arrived. Not told of each frame, but often enough to see a body that
    /// comes slowly.
    BodyProgress {
        /// Which request.
        request: RequestId,
        /// Bytes so far.
        bytes: u32,
    },
    /// An expected body is whole.
    BodyArrived {
        /// Which request.
        request: RequestId,
        /// Its length.
        bytes: u32,
        /// The digest of all its bytes, computed here.
        sha256: [u8; 32],
        /// The bytes, if they were asked for inline.
        inline: Option<Bytes>,
    },
    /// A bulk frame broke the rules: not asked for, past its body's end, out of order, malformed.
    BodyMisplaced {
        /// What was wrong, for the counter.
        fault: BodyFault,
    },
    /// The last frame of a served body was handed to the channel.
    BodyServed {
        /// The requester's name for it.
        request: RequestId,
        /// Its length.
        bytes: u32,
    },
    /// A body can't be served: the store failed.
    BodyUnavailable {
        /// The requester's name for it.
        request: RequestId,
    },
    /// A call failed, for instance `setRemoteDescription`. The connection is of no more use.
    Failed {
        /// Where.
        stage: Stage,
        /// What the browser said.
        reason: String,
    },
    /// The other side closed a channel or the connection.
    Closed,
}

/// What is wrong with a bulk frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum BodyFault {
    /// No such request is open, nor was lately.
    Unrequested,
    /// It reaches past the end of its body, or leaves a gap.
    OutOfBounds,
    /// It has no valid header.
    Malformed,
}

/// `RTCPeerConnection.connectionState`, as far as it matters after the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TransportState {
    /// ICE found a pair; DTLS is under way or done (`iceConnectionState` checking → connected).
    IceConnected,
    /// Both ICE and DTLS are up.
    Connected,
    /// Consent is missing; it may come back.
    Disconnected,
    /// ICE or DTLS gave up.
    Failed,
}

/// One operation on the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StoreOp {
    /// Read every record.
    Load,
    /// Write and delete records in one transaction: all or nothing.
    Apply {
        /// Written.
        puts: Vec<Record>,
        /// Deleted, after the writes.
        deletes: Vec<String>,
    },
    /// Store the body that arrived as `request` on `conn`. It counts as stored only when answered.
    KeepBody {
        /// The connection it came over.
        conn: ConnId,
        /// The request it answered.
        request: RequestId,
        /// Its hash, verified.
        chunk: ChunkId,
    },
    /// Say which of these chunks are stored.
    HasChunks {
        /// The hashes asked about.
        chunks: Vec<ChunkId>,
    },
    /// Delete chunks; those not stored are no error.
    DeleteChunks {
        /// The hashes.
        chunks: Vec<ChunkId>,
    },
    /// Delete every chunk but these: what a tab that died left behind. What is stored after this is given
    /// stays, however late it is done.
    RetainChunks {
        /// The hashes to keep.
        chunks: Vec<ChunkId>,
    },
}

/// A named value of the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// A path such as `manifest/<id>`.
    pub key: String,
    /// The value.
    pub value: Bytes,
}

/// What a storage operation gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StoreReply {
    /// It is done.
    Done,
    /// Answers [`StoreOp::Load`].
    Records(Vec<Record>),
    /// Answers [`StoreOp::HasChunks`], one for each hash asked about.
    Present(Vec<bool>),
}

/// Why a storage operation failed. Nothing that was stored before is lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum StoreError {
    /// The origin's quota or the configured limit is used up.
    QuotaExceeded,
    /// The person cleared it, or the browser took it away.
    Unavailable,
    /// Anything else, in the browser's words.
    Io(String),
}

impl StoreError {
    /// Returns what happened, for people.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::QuotaExceeded => "storage is full".to_owned(),
            Self::Unavailable => "storage is gone".to_owned(),
            Self::Io(reason) => ["storage failed: ", reason].concat(),
        }
    }
}

/// Whether the device has power and traffic to spare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Economy {
    /// It has.
    #[default]
    Normal,
    /// It runs on a battery that is low, or on a metered link: what is not needed is not sent.
    Saving,
}

/// What the browser does to the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lifecycle {
    /// It is on screen again, or on another network perhaps: every peer is to be probed.
    Visible,
    /// It is not; timers fire late.
    Hidden,
    /// It will run no code until it is resumed.
    Frozen,
    /// It runs again, or the network came back: every peer is to be probed, and everybody told.
    Resumed,
    /// It is about to be closed or left: say goodbye now.
    Leaving,
}
