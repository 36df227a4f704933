//! Messages to a peer on the connection with it. It has proved who it is, so they need no envelope and
//! no signature. Whoever sends them waits for receipts, so the receipts set the pace.

use alloc::boxed::Box;
use alloc::vec::Vec;

use peerloom_wire::PeerId;

use super::letter::{Stage, WAIT};
use super::message::{Direct, Message, Receipt};
use super::{Delivery, Effect, MESSAGE_BYTES_MAX, Routing};
use crate::allowance::{Allowance, Rate};
use crate::event::{LetterId, StrikeKind};
use crate::time::Instant;

/// How many messages of one sender wait for their receipts, at most. As many as the SDK sends to a peer at
/// once. At a round trip of 100 ms 640 a second pass, or 10 MB.
pub(super) const UNANSWERED_MAX: usize = 64;

/// How fast messages of one connected peer are answered, on average: what a room's posts may have that go no
/// further. The least charge bounds what the application is called for, to 16,000 times a second.
const ANSWER_RATE: Rate =
    Rate { burst_bytes: 2 << 20, bytes_per_second: 4 << 20, charge_min_bytes: 256 };

/// What a connected peer sent us, and has no receipt for.
#[derive(Debug)]
pub(super) struct Desk {
    allowance: Allowance,
    /// Receipts that wait until its messages are within its rate. At most [`UNANSWERED_MAX`].
    owed: Vec<Receipt>,
}

impl Desk {
    pub(super) const fn new(now: Instant) -> Self {
        Self { allowance: Allowance::new(now, ANSWER_RATE), owed: Vec::new() }
    }

    /// When receipts may go that wait.
    fn due(&self) -> Option<Instant> {
        (!self.owed.is_empty()).then(|| self.allowance.settled_at(ANSWER_RATE))
    }
}

impl Routing {
    /// Whether frames get through to a peer.
    pub(super) fn is_heard(&self, peer: PeerId) -> bool {
        self.carriers.get(&peer).is_some_and(|carrier| carrier.reachable)
    }

    /// Sends a message of ours on the connection with its receiver.
    pub(super) fn hand(&mut self, now: Instant, index: usize, out: &mut Vec<Effect>) {
        let Some(letter) = self.letters.get_mut(index) else { return };
        letter.begin(now);
        letter.stage = Stage::Handed { until: letter.next_try(now, WAIT) };
        letter.tries += 1;
        let (to, draft) = (letter.target, &letter.draft);
        let direct = Direct {
            run: draft.run,
            number: draft.number,
            sent_ms: draft.sent_ms,
            room: draft.room,
            payload: draft.payload.clone(),
        };
        out.push(Effect::Send { to, message: Message::Direct(Box::new(direct)) });
        self.count("routing.messages_handed");
    }

    /// A connected peer sends a message.
    pub(super) fn on_direct(
        &mut self,
        now: Instant,
        from: PeerId,
        direct: Direct,
        out: &mut Vec<Effect>,
    ) {
        let Direct { run, number, sent_ms, room, payload } = direct;
        if payload.len() > MESSAGE_BYTES_MAX {
            return out.push(Effect::Strike { peer: from, kind: StrikeKind::Oversized });
        }
        // None: what was under way when the connection closed.
        let Some(carrier) = self.carriers.get_mut(&from) else { return };
        let asked = self.correspondents.get(&from).map_or(0, |known| known.asked);
        let desk = &mut carrier.desk;
        // Who waits for no receipts gets none.
        if desk.owed.len() + asked >= UNANSWERED_MAX {
            return self.count("routing.messages_refused");
        }
        desk.allowance.fill(now, ANSWER_RATE);
        desk.allowance.take(payload.len(), ANSWER_RATE);
        let letter = LetterId { from, run, number };
        self.on_message(now, Delivery { letter, room, sent_ms, hops: 1, payload }, true, out);
    }

    /// Says to a connected peer what became of its message, as soon as it is within its rate.
    pub(super) fn owe(
        &mut self,
        now: Instant,
        to: PeerId,
        receipt: Receipt,
        out: &mut Vec<Effect>,
    ) {
        let Some(carrier) = self.carriers.get_mut(&to) else { return };
        if carrier.desk.owed.len() >= UNANSWERED_MAX {
            return self.count("routing.receipts_refused");
        }
        carrier.desk.owed.push(receipt);
        carrier.desk.allowance.fill(now, ANSWER_RATE);
        self.pay(now, out);
    }

    /// Sends the receipts that are due.
    pub(super) fn pay(&mut self, now: Instant, out: &mut Vec<Effect>) {
        for (peer, carrier) in self.carriers.iter_mut() {
            if carrier.desk.due().is_some_and(|due| due <= now) {
                carrier.desk.allowance.fill(now, ANSWER_RATE);
                let owed = core::mem::take(&mut carrier.desk.owed).into_iter();
                let message = |receipt| (*peer, Message::Receipt(receipt));
                out.extend(owed.map(message).map(|(to, message)| Effect::Send { to, message }));
            }
        }
    }

    /// When the next receipt is due.
    pub(super) fn receipts_due(&self) -> Option<Instant> {
        self.carriers.values().filter_map(|carrier| carrier.desk.due()).min()
    }

    /// A connected peer says what became of a message of ours.
    pub(super) fn on_direct_receipt(
        &mut self,
        now: Instant,
        from: PeerId,
        receipt: Receipt,
        out: &mut Vec<Effect>,
    ) {
        let Receipt { to_run, number, outcome } = receipt;
        let index = self.letter_to(from, number);
        match index.and_then(|index| self.letters.get(index)) {
            Some(letter) if letter.draft.run == to_run => {
                self.on_receipt(now, (from, to_run), (number, outcome), out);
            }
            _ => self.count("routing.receipts_outdated"),
        }
    }
}
