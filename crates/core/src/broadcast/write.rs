//! Our own posts: what is said while a signature is made goes together under the next one.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;
use peerloom_crypto::Signature;
use peerloom_wire::id::hex;

use super::cache::Seen;
use super::post::{
    DATA_BYTES_MAX, Head, ITEM_HEADER_BYTES, Kind, PostId, Topic, payload, put_item, sign_with,
};
use super::{Broadcast, Effect};
use crate::event::{BadInput, CommandError, Reply, Subject, decimal};
use crate::io::CommandId;
use crate::time::Now;

/// The most that waits to be signed, in number; 4,096 promises in the page.
const DRAFTS_MAX: usize = 4096;

/// And in bytes: 128 full posts.
const DRAFTS_BYTES_MAX: usize = 4 << 20;

/// Something to be said.
#[derive(Debug)]
struct Draft {
    topic: Topic,
    kind: Kind,
    body: Vec<u8>,
    /// Answered when it is signed; none for what rooms say of themselves.
    command: Option<CommandId>,
}

/// What is being signed.
#[derive(Debug)]
struct Signing {
    part: Vec<u8>,
    head: Head,
    commands: Vec<CommandId>,
}

/// What we are about to say.
#[derive(Debug, Default)]
pub(super) struct Pen {
    /// Counts the posts of this run.
    number: u32,
    drafts: VecDeque<Draft>,
    drafts_bytes: usize,
    signing: Option<Signing>,
}

impl Pen {
    pub(super) const fn drafts_bytes(&self) -> usize {
        self.drafts_bytes
    }
}

impl Broadcast {
    pub(super) const fn begin_writing(&mut self) {
        self.pen.number = 0;
    }

    /// What waits is not said any more.
    pub(super) fn stop_writing(&mut self, out: &mut Vec<Effect>) {
        let pen = &mut self.pen;
        let drafts = core::mem::take(&mut pen.drafts).into_iter().filter_map(|draft| draft.command);
        let signing = pen.signing.take().into_iter().flat_map(|signing| signing.commands);
        for id in signing.chain(drafts) {
            out.push(Effect::Done { id, result: Err(CommandError::Closed) });
        }
        pen.drafts_bytes = 0;
    }

    /// Says something in a room that we are in.
    #[inline(never)]
    pub(super) fn write(
        &mut self,
        now: Now,
        id: CommandId,
        room: &str,
        data: Bytes,
        out: &mut Vec<Effect>,
    ) -> Result<(), CommandError> {
        if self.started_at.is_none() {
            return Err(CommandError::Closed);
        }
        let topic = self.rooms.topic(room).ok_or(CommandError::BadInput(BadInput::NotInRoom))?;
        if data.len() > DATA_BYTES_MAX {
            let (size, max) = (data.len() as u64, DATA_BYTES_MAX as u64);
            return Err(CommandError::TooLarge { what: Subject::Message, size, max });
        }
        let mut body = Vec::new();
        put_item(&mut body, &data);
        let pen = &self.pen;
        if pen.drafts.len() >= DRAFTS_MAX || pen.drafts_bytes + body.len() > DRAFTS_BYTES_MAX {
            return Err(CommandError::RateLimited);
        }
        self.draft(now, topic, (Kind::Data, body), Some(id), out);
        Ok(())
    }

    pub(super) fn draft(
        &mut self,
        now: Now,
        topic: Topic,
        (kind, body): (Kind, Vec<u8>),
        command: Option<CommandId>,
        out: &mut Vec<Effect>,
    ) {
        self.pen.drafts_bytes += body.len();
        self.pen.drafts.push_back(Draft { topic, kind, body, command });
        self.sign_next(now, out);
    }

    /// Begins the next signature unless one is being made, or the last post still waits for somebody to
    /// take it: of the first draft, and those like it that follow, as far as a post holds them.
    #[inline(never)]
    pub(super) fn sign_next(&mut self, now: Now, out: &mut Vec<Effect>) {
        if self.pen.signing.is_some() || self.holds_own() {
            return;
        }
        let pen = &mut self.pen;
        let Some(first) = pen.drafts.pop_front() else { return };
        let (topic, kind) = (first.topic, first.kind);
        let (mut body, mut commands) = (first.body, Vec::from_iter(first.command));
        while let Some(next) = pen.drafts.front()
            && (next.topic, next.kind, Kind::Data) == (topic, kind, kind)
            && body.len() + next.body.len() <= ITEM_HEADER_BYTES + DATA_BYTES_MAX
            && let Some(next) = pen.drafts.pop_front()
        {
            body.extend_from_slice(&next.body);
            commands.extend(next.command);
        }
        pen.drafts_bytes = pen.drafts_bytes.saturating_sub(body.len());
        let head = Head { topic, run: self.run, number: pen.number, sent_ms: now.unix_ms, kind };
        pen.number = pen.number.saturating_add(1);
        let part = head.signed_part(&body);
        out.push(Effect::Sign { payload: payload(self.config.app, &part).into() });
        pen.signing = Some(Signing { part, head, commands });
    }

    #[inline(never)]
    pub(super) fn on_signed(
        &mut self,
        now: Now,
        signature: Option<Signature>,
        out: &mut Vec<Effect>,
    ) {
        // None: of a run that ended.
        let Some(Signing { part, head, commands }) = self.pen.signing.take() else { return };
        let Some(signature) = signature else {
            for id in commands {
                out.push(Effect::Done { id, result: Err(CommandError::Aborted) });
            }
            return self.sign_next(now, out);
        };
        let post = sign_with(&self.config.key, &signature, &part);
        let id = PostId::of(&post);
        let seen = Seen { at: now.mono, hops: 0, parent: 0 };
        self.cache.see(id, seen);
        if head.kind == Kind::Left && self.keep_farewell(head.topic, &post) {
            return self.sign_next(now, out);
        }
        self.count("broadcast.sent");
        self.cache.keep(now.mono, id, post.clone());
        self.forward(now.mono, (id, &post), (seen, 0), out);
        for (index, command) in commands.into_iter().enumerate() {
            let result = Ok(Reply::Posted(item_id(id, index)));
            out.push(Effect::Done { id: command, result });
        }
        self.sign_next(now, out);
    }
}

/// Names one item of a post.
pub(super) fn item_id(post: PostId, index: usize) -> String {
    [&hex(&post.0), ".", &decimal(index as u64)].concat()
}
