//! Our messages on their way: sealed, sent, sent again until a receipt comes or it is too late. Each has
//! exactly one answer.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use peerloom_wire::envelope::{Outcome, Signal};
use peerloom_wire::id::hex;
use peerloom_wire::{PeerId, RunId};

use super::carrier::SOURCE_RATE;
use super::message::{Kind, MessageId};
use super::{Draft, Effect, Routing};
use crate::event::{BadInput, CommandError, LetterId, Reply, Subject, Undelivered};
use crate::io::CommandId;
use crate::time::Instant;

/// The most bytes in a message. With its envelope it fits one, and leaves room for the 81 bytes that
/// sealing it will take (HPKE, RFC 9180: a P-256 key and a tag).
pub const MESSAGE_BYTES_MAX: usize = 16_000;

/// The most messages without an answer, and their bytes: to each of sixteen peers as many as the SDK sends at
/// once, or a full minute over one carrier.
const LETTERS_MAX: usize = 1024;
const LETTERS_BYTES_MAX: usize = 4 << 20;

/// What an envelope adds to a message: what carriers charge for is more than the message.
const ENVELOPE_BYTES: usize = 256;

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
pub(super) const WAIT: Duration = Duration::from_secs(2);

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
    pub(super) draft: Draft,
    pub(super) target: PeerId,
    /// The run of the target that it is for; `None`: whichever there is, which then says so.
    run: Option<RunId>,
    /// When it is given up.
    deadline: Instant,
    pub(super) tries: u8,
    /// To whom copies were handed: the next ones go elsewhere.
    firsts: Vec<PeerId>,
    /// The best reason so far why it did not arrive.
    reason: Undelivered,
    pub(super) stage: Stage,
}

#[derive(Debug)]
pub(super) enum Stage {
    /// Carriers would refuse it: too many of ours are under way.
    Queued {
        /// When it may go.
        until: Instant,
    },
    /// It is on the connection with its receiver, which loses nothing while it lasts.
    Handed {
        /// When it is asked whether it was given up.
        until: Instant,
    },
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

    /// When something is to be done about it.
    const fn due(&self) -> Option<Instant> {
        match self.stage {
            Stage::Queued { until } | Stage::Handed { until } | Stage::Travelling { until, .. } => {
                Some(until)
            }
            Stage::Sealing => None,
        }
    }

    /// It is tried, for the first time perhaps: the time that it spends in a queue is not counted.
    pub(super) fn begin(&mut self, now: Instant) {
        if self.tries == 0 {
            self.deadline = now + LIFETIME;
        }
    }

    /// When it is tried again after it was `wait` for an answer to the first try.
    pub(super) fn next_try(&self, now: Instant, wait: Duration) -> Instant {
        let until = now + wait * (1 << self.tries.min(TRIES_MAX));
        // This page may have been frozen for longer than that.
        if now < self.deadline { until.min(self.deadline) } else { until }
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
        } else if self.is_full(size) {
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
            stage: Stage::Queued { until: now },
        });
        self.dispatch(now, self.letters.len() - 1, out);
    }

    fn is_full(&self, size: usize) -> bool {
        let bytes: usize = self.letters.iter().map(|letter| letter.draft.payload.len()).sum();
        self.letters.len() >= LETTERS_MAX || bytes + size > LETTERS_BYTES_MAX
    }

    /// Sends a message by the best way that there is: the connection with its receiver, or carriers.
    fn dispatch(&mut self, now: Instant, index: usize, out: &mut Vec<Effect>) {
        let Some(letter) = self.letters.get(index) else { return };
        if self.is_heard(letter.target) {
            return self.hand(now, index, out);
        }
        let bytes = letter.draft.payload.len() + ENVELOPE_BYTES;
        // Those before it in the queue go first.
        let queued = self.letters.iter().take(index).filter_map(|letter| match letter.stage {
            Stage::Queued { until } => Some(until),
            _ => None,
        });
        let ahead = queued.max();
        self.carried.fill(now, SOURCE_RATE);
        let may_go = ahead.is_none() && self.carried.spend(bytes, SOURCE_RATE);
        let until = ahead.max(Some(self.carried.allowed_at(bytes, SOURCE_RATE))).unwrap_or(now);
        let Some(letter) = self.letters.get_mut(index) else { return };
        if may_go {
            letter.begin(now);
            self.seal(index, out);
        } else {
            letter.stage = Stage::Queued { until };
        }
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
        if let Some(index) = index
            && self.is_heard(target)
        {
            return self.hand(now, index, out);
        }
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
        let until = letter.next_try(now, wait);
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

    /// A peer is connected, or frames get through to it again: what is for it goes there now. Or it is not
    /// any more, or they do not: what was sent there goes another way.
    pub(super) fn redirect(&mut self, now: Instant, peer: PeerId, out: &mut Vec<Effect>) {
        let is_heard = self.is_heard(peer);
        for index in 0..self.letters.len() {
            let Some(letter) = self.letters.get(index) else { return };
            let is_moved = match letter.stage {
                Stage::Sealing => false,
                Stage::Handed { .. } => !is_heard,
                Stage::Queued { .. } | Stage::Travelling { .. } => is_heard,
            };
            if is_moved && letter.target == peer {
                self.dispatch(now, index, out);
            }
        }
    }

    /// The receiver said what became of a message, in its own words.
    pub(super) fn on_receipt(
        &mut self,
        now: Instant,
        (from, run): (PeerId, RunId),
        (number, outcome): (u64, Outcome),
        out: &mut Vec<Effect>,
    ) {
        let Some(index) = self.letter_to(from, number) else { return };
        match (outcome, self.letters.get_mut(index)) {
            (Outcome::RunWanted, Some(letter)) => {
                // Not again while the next one is being sealed.
                let is_news =
                    matches!(letter.stage, Stage::Travelling { .. }) && letter.run != Some(run);
                let is_again = is_news && letter.tries < TRIES_MAX;
                if is_again {
                    // Its words came by a way that works.
                    letter.firsts.clear();
                }
                for letter in self.letters.iter_mut().filter(|letter| letter.target == from) {
                    letter.run = Some(run);
                }
                if is_again {
                    self.dispatch(now, index, out);
                }
            }
            (Outcome::RunWanted, None) => {}
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
        let is_due = |letter: &Letter| letter.due().is_some_and(|due| due <= now);
        while let Some(index) = self.letters.iter().position(is_due) {
            let Some(letter) = self.letters.get_mut(index) else { return };
            let (target, is_over) = (letter.target, letter.is_over(now));
            match &mut letter.stage {
                // Its connection lasts: it would come twice.
                Stage::Handed { .. } if !is_over => {
                    letter.stage = Stage::Handed { until: letter.next_try(now, WAIT) };
                    letter.tries += 1;
                    continue;
                }
                Stage::Handed { .. } => letter.reason = Undelivered::Unanswered,
                Stage::Travelling { copies, .. } => {
                    self.counters.count("routing.messages_repeated");
                    let copies = core::mem::take(copies);
                    if !copies.is_empty() {
                        letter.reason = Undelivered::Unanswered;
                    }
                    self.blame(target, &copies);
                }
                Stage::Queued { .. } | Stage::Sealing => {}
            }
            if is_over {
                let reason = self.letters.get(index).map(|letter| letter.reason);
                self.count("routing.messages_failed");
                self.answer(index, reason.map(CommandError::Undelivered), out);
            } else {
                self.dispatch(now, index, out);
            }
        }
    }

    /// When the next message is to be sent again.
    pub(super) fn letters_due(&self) -> Option<Instant> {
        self.letters.iter().filter_map(Letter::due).min()
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
        for passage in passages.iter() {
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
