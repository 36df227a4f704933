//! What will happen, ordered by time and then by who asked first: equal times stay in order, so a
//! run is a function of its options.

use core::time::Duration;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

use peerloom_core::io::StoreId;
use peerloom_core::{Input, Instant};
use peerloom_wire::PeerId;

use crate::fabric::FabricStep;
use crate::rendezvous::ServerStep;

/// One session of one tab: a reload gives the tab its next session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seat {
    /// The tab's index.
    pub(crate) tab: usize,
    /// Counts the tab's starts, from 1.
    pub(crate) session: u32,
}

/// Something that will happen.
#[derive(Clone, Debug)]
pub(crate) enum Happening {
    /// A node is told something.
    Input { seat: Seat, input: Input },
    /// A node's deadline passes.
    Wake { seat: Seat },
    /// Something goes on in the network.
    Fabric(FabricStep),
    /// Something goes on between a tab and a server.
    Server { index: usize, step: ServerStep },
    /// A storage operation ends.
    Stored { seat: Seat, id: StoreId },
    /// Step of the script.
    Step(usize),
    /// A frozen page runs again, unless it was frozen anew since.
    Thaw { seat: Seat, until: Instant },
    /// A hidden page is shown, unless it was hidden anew since.
    Show { seat: Seat, until: Instant },
    /// A closed tab is opened, unless it is.
    Open { tab: usize },
    /// A visit is over.
    Part { seat: Seat, peer: PeerId },
    /// The tabs of a partition meet again.
    Rejoin { cut: u64 },
    /// An application starts the node that it stopped.
    Restart { seat: Seat, until: Instant },
    /// A store works again.
    StoreMended { tab: usize, until: Instant },
    /// The checkers look at everything.
    Look,
}

/// When something happens, and where it is kept: what moves in the queue is small. The order is that
/// of the fields, and no two have the same `seq`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    at: Instant,
    seq: u64,
    slot: usize,
}

/// The queue of what will happen, and the time.
#[derive(Default)]
pub(crate) struct Schedule {
    now: Instant,
    seq: u64,
    queue: BinaryHeap<Reverse<Entry>>,
    slots: Vec<Option<Happening>>,
    /// Slots with nothing in them.
    free: Vec<usize>,
}

impl Schedule {
    pub(crate) const fn now(&self) -> Instant {
        self.now
    }

    pub(crate) fn after(&mut self, delay: Duration, happening: Happening) {
        self.at(self.now + delay, happening);
    }

    /// Plans `happening`; what lies in the past happens next.
    pub(crate) fn at(&mut self, at: Instant, happening: Happening) {
        self.seq += 1;
        let slot = self.free.pop().unwrap_or(self.slots.len());
        if slot == self.slots.len() {
            self.slots.push(None);
        }
        self.slots[slot] = Some(happening);
        self.queue.push(Reverse(Entry { at: at.max(self.now), seq: self.seq, slot }));
    }

    /// Returns what is next, up to and including `end`, and moves the time there.
    pub(crate) fn next(&mut self, end: Instant) -> Option<Happening> {
        let due = self.queue.peek().is_some_and(|Reverse(entry)| entry.at <= end);
        let Some(Reverse(entry)) = due.then(|| self.queue.pop()).flatten() else {
            self.now = self.now.max(end);
            return None;
        };
        self.now = entry.at;
        self.free.push(entry.slot);
        self.slots[entry.slot].take()
    }
}
