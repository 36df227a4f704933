//! Messages of applications: what was sent to whom, what arrived, and what senders were told. A message
//! says in its own bytes who sent it to whom, so that its truth can be read off it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use peerloom_core::event::{CommandError, LetterId, Reply, RoomMessage, Undelivered};
use peerloom_core::io::{Command, ConnId};
use peerloom_core::{Input, Instant};
use peerloom_wire::{PeerId, Protocol, frame};

use crate::schedule::Seat;
use crate::tab::Asked;
use crate::world::World;

/// The room in which tabs say something to one alone. Nobody is shown there.
const ROOM: &str = "letterbox";

/// Sender, receiver and number, of eight bytes each.
const HEAD_BYTES: usize = 24;

/// How often a copy may be handed on, as `docs/protocol/routing.md` has it.
const STEPS_MAX: u8 = 32;

/// What became of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    /// Whether the sender was told that it arrived.
    pub(crate) is_delivered: bool,
    /// Whether it could have: the receiver was there, in one session, from sending to the answer.
    pub(crate) is_fair: bool,
    /// Until the answer.
    pub(crate) ms: u64,
    /// After how many steps the first copy found its target.
    pub(crate) steps: Option<u8>,
}

/// A message that a sender waits to hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    since: Instant,
    to: Seat,
    number: u64,
}

/// All messages of a run.
#[derive(Debug, Default)]
pub(crate) struct Letters {
    pub(crate) done: Vec<Sent>,
    sent: u64,
    /// Messages and receipts handed on, by anybody.
    pub(crate) frames: u64,
    /// Which pages got which numbers.
    received: BTreeSet<(Seat, u64)>,
    /// How far the first copy had come that arrived, of the latest message of a tab to a peer.
    arrivals: BTreeMap<(usize, PeerId), u8>,
}

/// Whether the application that it is for takes it.
const fn is_wanted(number: u64) -> bool {
    number % 8 != 7
}

impl World {
    /// An application sends a message to another tab's peer, whoever that is.
    pub(crate) fn send_letter(&mut self, index: usize, to: usize, bytes: usize) {
        let own = &self.tabs[index];
        if !own.is_running() || own.frozen_until.is_some() {
            return;
        }
        self.letters.sent += 1;
        let number = self.letters.sent;
        let head = [index as u64, to as u64, number].map(u64::to_be_bytes).concat();
        let data = Bytes::from([head, vec![0; bytes.saturating_sub(HEAD_BYTES)]].concat());
        let (peer, seat) = (self.tabs[to].peer, self.tabs[to].seat);
        self.letters.arrivals.remove(&(index, peer));
        let waiting = Waiting { since: self.schedule.now(), to: seat, number };
        let room = ROOM.to_owned();
        let command = Command::Send { to: peer, room, number, data };
        self.command(index, command, Asked::Send(waiting));
    }

    /// A tab that is opened is in the room for messages to one alone.
    pub(crate) fn open_letterbox(&mut self, index: usize) {
        let command = Command::Join { room: ROOM.to_owned(), is_shown: false };
        self.command(index, command, Asked::Other);
    }

    /// An application got a message: the one that was sent to it, by whom it is said to be from, once. It
    /// takes it, but for one in eight. A hostile tab may say anything to whom it is connected to.
    pub(crate) fn message_received(&mut self, seat: Seat, letter: LetterId, message: &RoomMessage) {
        let RoomMessage { from, data: payload, .. } = message;
        let is_taken = is_wanted(letter.number);
        self.answer(seat, Input::Taken { letter, is_taken });
        let number = |at: usize| {
            let bytes = payload.get(at..at + 8)?.try_into().ok()?;
            Some(u64::from_be_bytes(bytes))
        };
        let told = (number(0), number(8), number(16));
        if let Some(from) = self.truth.who.find(from) {
            let way = (from.tab, self.tabs[seat.tab].peer);
            self.letters.arrivals.entry(way).or_insert(message.hops);
            if !from.is_honest {
                self.letters.received.extend(told.2.map(|number| (seat, number)));
                return;
            }
        }
        if message.room != ROOM {
            self.mispost(seat, format!("a message to one alone is heard in {}", message.room));
        }
        let (Some(sender), Some(to), Some(number)) = told else {
            return self.mispost(seat, format!("{} bytes that nobody sent", payload.len()));
        };
        let sender = usize::try_from(sender).ok().and_then(|sender| self.tabs.get(sender));
        if sender.is_none_or(|sender| sender.peer != *from) {
            self.mispost(seat, format!("message {number} is said to be from {from:?}"));
        }
        if to != seat.tab as u64 {
            self.mispost(seat, format!("message {number} is for tab {to}"));
        }
        // A page that is opened anew may get again what the one before it got and did not acknowledge.
        if !self.letters.received.insert((seat, number)) {
            self.mispost(seat, format!("message {number} came twice"));
        }
    }

    /// A sender was told what became of its message: what was delivered, or turned away, arrived.
    pub(crate) fn message_answered(
        &mut self,
        seat: Seat,
        waiting: Waiting,
        result: &Result<Reply, CommandError>,
    ) {
        let Waiting { since, to, number } = waiting;
        let is_told = match result {
            Ok(_) => Some(true),
            Err(CommandError::Undelivered(Undelivered::Absent)) => Some(false),
            Err(_) => None,
        };
        let is_delivered = is_told.is_some();
        let of_tab = (Seat { tab: to.tab, session: 0 }, 0)..;
        let mut received = self.letters.received.range(of_tab);
        let mut received = received.by_ref().take_while(|(seat, _)| seat.tab == to.tab);
        let is_here = received.any(|(_, got)| *got == number);
        let target = &self.tabs[to.tab];
        let is_true = is_told.is_none_or(|is_taken| is_here && is_taken == is_wanted(number));
        // What a hostile tab says on a connection is bent on its way out, and answered as it came.
        if !is_true && target.is_honest() && self.tabs[seat.tab].is_honest() {
            self.mispost(seat, format!("of message {number} is told {result:?}"));
        }
        let target = &self.tabs[to.tab];
        let is_fair = target.seat == to
            && target.is_running()
            && target.options.app == self.tabs[seat.tab].options.app
            && to.tab != seat.tab;
        let steps = self.letters.arrivals.get(&(seat.tab, target.peer)).copied();
        let ms = u64::try_from(self.schedule.now().since(since).as_millis()).unwrap_or(u64::MAX);
        self.letters.done.push(Sent { is_delivered, is_fair, ms, steps });
    }

    /// Looks at a frame that a node sends: the last hand-over of a message's copy tells its
    /// steps.
    pub(crate) fn follow_message(&mut self, seat: Seat, conn: ConnId, frame: &[u8]) {
        let Ok((Protocol::Routing, [kind @ 2..=5, _copy, steps_left, ends @ ..])) =
            frame::decode(frame)
        else {
            return;
        };
        self.letters.frames += 1;
        // The others go from their sender to their receiver at once.
        if *kind > 3 {
            return;
        }
        let Some((ends, _)) = ends.split_first_chunk::<64>() else { return };
        let (&[source, target], _) = ends.as_chunks::<32>() else { return };
        let target = PeerId(target);
        let is_last =
            self.tabs[seat.tab].node.as_ref().is_some_and(|node| node.conn(target) == Some(conn));
        let source = self.truth.who.find(&PeerId(source)).filter(|_| is_last && *kind == 2);
        if let Some(source) = source {
            let steps = STEPS_MAX.saturating_sub(*steps_left);
            self.letters.arrivals.entry((source.tab, target)).or_insert(steps);
        }
    }

    fn mispost(&mut self, seat: Seat, what: String) {
        let at_ms = self.now_ms();
        self.checkers.fail(at_ms, seat.tab, "messages arrive as they were sent, once", what);
    }
}
