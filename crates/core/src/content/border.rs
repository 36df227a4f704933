//! What goes into this protocol and what comes out: plain data.

use core::time::Duration;

use bytes::Bytes;
use peerloom_crypto::{Claim, Signature};
use peerloom_wire::{ContentId, PeerId, RequestId};

use super::message::Message;
use crate::event::{CommandError, Event, Reply, StrikeKind};
use crate::io::{
    BodyFault, CommandId, ConnId, ContentDraft, ContentKey, LinkCommand, StoreError, StoreOp,
    StoreReply,
};

/// Names one signature that this protocol asks to be made or checked; its result carries the same
/// id. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProofId(pub u64);

/// Names one storage operation of this protocol; its result carries the same id. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpId(pub u64);

/// What the node tells this protocol.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Load what is stored; answered by one [`Effect::Loaded`]. Peers may come up meanwhile, and
    /// commands wait.
    Start,
    /// Answer every `Get` with `Closed` and forget every peer: their connections are closed. What
    /// concerns the store alone goes on, before and after.
    Stop,
    /// A peer is connected and authenticated; one that was up already has a new connection.
    PeerUp {
        /// Which peer.
        peer: PeerId,
        /// Its connection.
        conn: ConnId,
    },
    /// A peer is not connected any more; bodies on the way are lost.
    PeerDown {
        /// Which peer.
        peer: PeerId,
    },
    /// A peer answered a ping.
    PeerRtt {
        /// Which peer.
        peer: PeerId,
        /// How long that took, smoothed.
        rtt: Duration,
        /// What the peer is worth, in thousandths.
        score: u64,
    },
    /// A peer said something.
    Message {
        /// Which peer.
        from: PeerId,
        /// What.
        message: Message,
    },
    /// Something happened to a body on a connection.
    Body {
        /// Which connection.
        conn: ConnId,
        /// What happened.
        event: BodyEvent,
    },
    /// A storage operation ended.
    Stored {
        /// Which.
        op: OpId,
        /// How.
        result: Result<StoreReply, StoreError>,
    },
    /// [`Effect::Sign`] ended.
    Signed {
        /// Which.
        proof: ProofId,
        /// The signature; none if the key is gone.
        signature: Option<Signature>,
    },
    /// [`Effect::Verify`] ended.
    Verified {
        /// Which.
        proof: ProofId,
        /// Whether the claim is true.
        holds: bool,
    },
    /// The application wants something; answered by one [`Effect::Done`].
    Command {
        /// Names it in its answer.
        id: CommandId,
        /// What is wanted.
        command: Command,
    },
}

/// The body events of [`crate::io::LinkEvent`], meaning the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyEvent {
    /// More of an expected body arrived.
    Progress {
        /// Which request of ours.
        request: RequestId,
        /// Bytes so far.
        bytes: u32,
    },
    /// An expected body is whole.
    Arrived {
        /// Which request of ours.
        request: RequestId,
        /// Its digest, computed here.
        sha256: [u8; 32],
        /// Its bytes, if it is a manifest.
        inline: Option<Bytes>,
    },
    /// A bulk frame broke the rules.
    Misplaced {
        /// How.
        fault: BodyFault,
    },
    /// A body was handed to the channel.
    Served {
        /// The peer's request.
        request: RequestId,
        /// Its length.
        bytes: u32,
    },
    /// A body can't be served: the store failed.
    Unavailable {
        /// The peer's request.
        request: RequestId,
    },
}

/// The commands of [`crate::io::Command`] that are about contents, meaning the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Offer a content whose chunks are stored.
    Add {
        /// The content.
        draft: ContentDraft,
    },
    /// Fetch a content; waits for somebody who has it.
    Get {
        /// Which content.
        content: ContentId,
        /// The key, if a share link brought it.
        key: Option<ContentKey>,
    },
    /// Ask for no more of it for now.
    Pause {
        /// Which content.
        content: ContentId,
    },
    /// Ask again.
    Resume {
        /// Which content.
        content: ContentId,
    },
    /// Give up fetching; what is stored stays.
    Cancel {
        /// Which content.
        content: ContentId,
    },
    /// Prefer chunks from here on.
    Seek {
        /// Which content.
        content: ContentId,
        /// The index of a chunk.
        chunk: u32,
    },
    /// Delete it here and tell the peers.
    Remove {
        /// Which content.
        content: ContentId,
    },
}

/// What this protocol asks of the node.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Say something to a peer that is up.
    Send {
        /// Which peer.
        to: PeerId,
        /// What.
        message: Message,
    },
    /// Do something with a body: `ExpectBody`, `ForgetBody`, `ServeBody` or `StopServing`.
    Link {
        /// Which connection.
        conn: ConnId,
        /// What.
        command: LinkCommand,
    },
    /// Do something on the store; answered by [`Input::Stored`].
    Store {
        /// Names it in its answer.
        op: OpId,
        /// What.
        operation: StoreOp,
    },
    /// Sign with the author's key; answered by [`Input::Signed`].
    Sign {
        /// Names it in its answer.
        proof: ProofId,
        /// What to sign.
        payload: Bytes,
    },
    /// Find out whether a claim is true; answered by [`Input::Verified`].
    Verify {
        /// Names it in its answer.
        proof: ProofId,
        /// What is claimed.
        claim: Claim,
    },
    /// A peer misbehaved, proven.
    Strike {
        /// Which peer.
        peer: PeerId,
        /// What it did.
        kind: StrikeKind,
    },
    /// [`Input::Start`] is done. After an error every command gets that error.
    Loaded(Result<(), StoreError>),
    /// How many contents a connected peer offers changed: see [`super::Content::offered_by`].
    OffersChanged {
        /// Which peer.
        peer: PeerId,
    },
    /// A command has its answer. Exactly one for each command.
    Done {
        /// Which.
        id: CommandId,
        /// How it ended.
        result: Result<Reply, CommandError>,
    },
    /// Tell the application.
    Event(Event),
}
