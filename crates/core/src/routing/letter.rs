//! Our messages on their way: sealed, sent, sent again until a receipt comes or it is too late. Each has
//! exactly one answer.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use peerloom_wire::envelope::{Outcome, Signal};
use peerloom_wire::id::hex;
use peerloom_wire::{PeerId, RunId};

use super::message::{Kind, MessageId};
use super::{Draft, Effect, Routing};
use crate::event::{BadInput, CommandError, LetterId, Reply, Subject, Undelivered};
use crate::io::CommandId;
use crate::time::Instant;

/// The most bytes in a message. With its envelope it fits one, and leaves room for the 81 bytes that
/// sealing it will take (HPKE, RFC 9180: a P-256 key and a tag).
pub const MESSAGE_BYTES_MAX: usize = 16_000;

/// The most messages that wait for their receipts. 1 MiB; over one carrier goes less in ten seconds.
const LETTERS_MAX: usize = 64;

/// For how long a message is tried. A tab whose process is stopped for nine seconds, or whose network
/// goes, is reached again within two more: ICE takes 7 s to notice.
const LIFETIME: Duration = Duration::from_secs(20);

/// How often it is sent, at least: also if this page was not there meanwhile. One in five of its copies may be
/// lost on each way of hostile peers; the first time may be taken for a question only.
const TRIES_MIN: u8 = 4;

/// And at most. No honest receiver changes its run more often.
const TRIES_MAX: u8 = 8;

/// How long a receipt is waited for at first; then twice as long each time. A link's offer is repeated after as
/// long.
const WAIT: Duration = Duration::from_secs(2);

/// And not less, if the ways are known: what RFC 6298 asks for, less what a tab needs to wake up.
const WAIT_MIN: Duration = Duration::from_millis(500);

/// How long after all copies came back it is tried again, at first: as peers are told of a new neighbour.
const RETRY_DELAY: Duration = Duration::from_millis(500);

/// Returns what a message is called by all: nobody can call one of its own as one of another's.
pub(crate) fn name_of(letter: LetterId) -> String {
    let (run, number) = (letter.run.0.to_be_bytes(), letter.number.to_be_bytes());
    let digest = peerloom_crypto::sha256(&[&letter.from.0[..], &run, &number].concat());
    let (name, _) = digest.split_at(16);
    hex(name)
}

/// One message of ours to one peer.
#[derive(Debug)]
pub(super) struct Letter {
    command: CommandId,
    draft: Draft,
    target: PeerId,
    /// The run of the target that it is for; `None`: whichever there is, which then says so.
    run: Option<RunId>,
    /// When it is given up.
    deadline: Instant,
    tries: u8,
    /// To whom copies were handed: the next ones go elsewhere.
    firsts: Vec<PeerId>,
    /// The best reason so far why it did not arrive.
    reason: Undelivered,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// Its envelope is being signed.
    Sealing,
    /// Copies are on their way, or came back.
    Travelling {
        /// Which are out.
        copies: Vec<MessageId>,
        /// When it is tried again.
        until: Instant,
    },
}

impl Letter {
    fn is_over(&self, now: Instant) -> bool {
        self.tries >= TRIES_MAX || self.tries >= TRIES_MIN && now >= self.deadline
    }
}

impl Routing {
    /// Takes a message. The answer comes later, unless it can't be sent at all.
    pub(super) fn post(
        &mut self,
        now: Instant,
        (command, target): (CommandId, PeerId),
        run: Option<RunId>,
        draft: Draft,
        out: &mut Vec<Effect>,
    ) {
        let size = draft.payload.len();
        let error = if target == self.config.own {
            Some(CommandError::BadInput(BadInput::OwnId))
        } else if size > MESSAGE_BYTES_MAX {
            let (size, max) = (size as u64, MESSAGE_BYTES_MAX as u64);
            Some(CommandError::TooLarge { what: Subject::Message, size, max })
        } else if self.letters.len() >= LETTERS_MAX {
            Some(CommandError::RateLimited)
        } else {
            None
        };
        if let Some(error) = error {
            return out.push(Effect::Done { id: command, result: Err(error) });
        }
        let heard = self.correspondents.get(&target).map(|known| known.run);
        self.letters.push(Letter {
            command,
            draft,
            target,
            run: run.max(heard),
            deadline: now + LIFETIME,
            tries: 0,
            firsts: Vec::new(),
            reason: Undelivered::NoRoute,
            stage: Stage::Sealing,
        });
        self.seal(self.letters.len() - 1, out);
    }

    /// An envelope of ours was signed; `None` if the key is gone. `number`: that of the message in
    /// it; `None` for a receipt.
    pub(super) fn on_sealed(
        &mut self,
        now: Instant,
        (target, number): (PeerId, Option<u64>),
        envelope: Option<Bytes>,
        out: &mut Vec<Effect>,
    ) {
        let index = match number {
            None => None,
            Some(number) => match self.letter_to(target, number) {
                // Its receipt came meanwhile.
                None => return,
                index => index,
            },
        };
        let letter = index.and_then(|index| self.letters.get_mut(index));
        let mut firsts =
            letter.map(|letter| core::mem::take(&mut letter.firsts)).unwrap_or_default();
        let kind = if index.is_none() { Kind::Receipt } else { Kind::Message };
        let copies = match (envelope, index) {
            (Some(envelope), _) => self.send(now, kind, target, &envelope, &mut firsts, out),
            (None, Some(index)) => return self.answer(index, Some(CommandError::Aborted), out),
            (None, None) => return,
        };
        let Some(letter) = index.and_then(|index| self.letters.get_mut(index)) else { return };
        let known = self.ways.answer_time(now, target).map_or(WAIT, |time| time * 4);
        let wait = if copies.is_empty() { RETRY_DELAY } else { known.clamp(WAIT_MIN, WAIT) };
        let until = now + wait * (1 << letter.tries.min(TRIES_MAX));
        // This page may have been frozen for longer than that.
        let until = if now < letter.deadline { until.min(letter.deadline) } else { until };
        letter.tries += 1;
        letter.firsts = firsts;
        letter.stage = Stage::Travelling { copies, until };
    }

    /// A copy of ours came back. It may have been a message's.
    pub(super) fn on_returned(&mut self, now: Instant, id: MessageId, why: Undelivered) {
        for letter in &mut self.letters {
            let Stage::Travelling { copies, until } = &mut letter.stage else { continue };
            let Some(index) = copies.iter().position(|copy| *copy == id) else { continue };
            copies.remove(index);
            letter.reason = letter.reason.max(why);
            if copies.is_empty() {
                *until = (*until).min(now + RETRY_DELAY * (1 << letter.tries.min(TRIES_MAX)) / 2);
            }
        }
    }

    /// A peer is connected, or frames get through to it again: what came back is sent there now.
    pub(super) fn hurry(&mut self, now: Instant, peer: PeerId) {
        for letter in self.letters.iter_mut().filter(|letter| letter.target == peer) {
            if let Stage::Travelling { copies, until } = &mut letter.stage
                && copies.is_empty()
            {
                *until = (*until).min(now);
            }
        }
    }

    /// The receiver said what became of a message, in its own words.
    pub(super) fn on_receipt(
        &mut self,
        (from, run): (PeerId, RunId),
        number: u64,
        outcome: Outcome,
        out: &mut Vec<Effect>,
    ) {
        let Some(index) = self.letter_to(from, number) else { return };
        match (outcome, self.letters.get_mut(index)) {
            (Outcome::RunWanted, Some(letter)) if letter.tries < TRIES_MAX => {
                // Not again while the next one is being sealed.
                let is_news =
                    matches!(letter.stage, Stage::Travelling { .. }) && letter.run != Some(run);
                letter.run = Some(run);
                if is_news {
                    // Its words came by a way that works.
                    letter.firsts.clear();
                    self.seal(index, out);
                }
            }
            (Outcome::RunWanted, _) => {}
            (Outcome::Delivered, _) => {
                self.count("routing.messages_delivered");
                self.answer(index, None, out);
            }
            (Outcome::Absent, _) => {
                self.count("routing.messages_unwanted");
                let error = CommandError::Undelivered(Undelivered::Absent);
                self.answer(index, Some(error), out);
            }
        }
    }

    /// Sends again what nobody acknowledged in time, or gives it up.
    pub(super) fn retry_letters(&mut self, now: Instant, out: &mut Vec<Effect>) {
        let is_due = |letter: &Letter| matches!(&letter.stage, Stage::Travelling { until, .. } if *until <= now);
        while let Some(index) = self.letters.iter().position(is_due) {
            let Some(letter) = self.letters.get_mut(index) else { return };
            let Stage::Travelling { copies, .. } =
                core::mem::replace(&mut letter.stage, Stage::Sealing)
            else {
                return;
            };
            let target = letter.target;
            if !copies.is_empty() {
                letter.reason = Undelivered::Unanswered;
            }
            let (is_over, reason) = (letter.is_over(now), letter.reason);
            self.blame(target, &copies);
            if is_over {
                self.count("routing.messages_failed");
                self.answer(index, Some(CommandError::Undelivered(reason)), out);
            } else {
                self.count("routing.messages_repeated");
                self.seal(index, out);
            }
        }
    }

    /// When the next message is to be sent again.
    pub(super) fn letters_due(&self) -> Option<Instant> {
        let due = self.letters.iter().filter_map(|letter| match letter.stage {
            Stage::Travelling { until, .. } => Some(until),
            Stage::Sealing => None,
        });
        due.min()
    }

    /// The node stops: nobody waits for receipts any more.
    pub(super) fn close_letters(&mut self, out: &mut Vec<Effect>) {
        while !self.letters.is_empty() {
            self.answer(0, Some(CommandError::Closed), out);
        }
    }

    /// Whether a message of ours is on its way to a peer.
    pub(super) fn letter_to(&self, target: PeerId, number: u64) -> Option<usize> {
        self.letters
            .iter()
            .position(|letter| letter.target == target && letter.draft.number == number)
    }

    /// The ways by which copies went that never arrived, or whose receipts did not, get dearer.
    fn blame(&mut self, target: PeerId, copies: &[MessageId]) {
        let Self { passages, ways, .. } = self;
        for passage in passages {
            if let Some(carrier) = passage.carrier
                && copies.contains(&passage.id)
            {
                ways.fail(target, carrier);
            }
        }
    }

    fn seal(&mut self, index: usize, out: &mut Vec<Effect>) {
        let Some(letter) = self.letters.get_mut(index) else { return };
        letter.stage = Stage::Sealing;
        let Letter { target, run: to_run, ref draft, .. } = *letter;
        let Draft { number, room, sent_ms, ref payload, .. } = *draft;
        let signal = Signal::Message { number, to_run, room, sent_ms, payload: payload.clone() };
        out.push(Effect::Seal { to: target, number: Some(number), signal });
    }

    fn answer(&mut self, index: usize, error: Option<CommandError>, out: &mut Vec<Effect>) {
        let Letter { command: id, draft, .. } = self.letters.remove(index);
        let result = error.map_or(Ok(Reply::Posted(draft.name)), Err);
        out.push(Effect::Done { id, result });
    }
}
