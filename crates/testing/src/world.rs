//! The world as JavaScript holds it: time, the network's conditions, and the way of notices out and
//! of answers in.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::rc::{Rc, Weak};

use js_sys::{Array, Promise, Uint8Array, Uint32Array};
use peerloom::{Deferred, Host, convert, settled, store_error};
use peerloom_core::event::{CommandError, Event};
use peerloom_core::io::{Command, CommandId, StoreId, StoreOp};
use peerloom_core::{Input, Instant, Node};
use peerloom_sim::Span;
use peerloom_sim::stage::{Conditions, Notice, Seat, Stage, TabSetup, Ticket};
use peerloom_wire::ChunkId;
use wasm_bindgen::prelude::*;

use crate::node::SimNode;

/// A simulated network. Every method takes `&self`: what it calls may call back in.
#[wasm_bindgen]
#[derive(Debug)]
pub struct SimWorld {
    shared: Rc<Shared>,
}

/// What the world and its nodes have in common.
pub(crate) struct Shared {
    stage: RefCell<Stage>,
    pages: RefCell<BTreeMap<Seat, Rc<Page>>>,
    /// Whether notices are being handed out, further up the stack.
    delivers: Cell<bool>,
}

/// A page with a node in it.
struct Page {
    host: Host,
    commands: RefCell<BTreeMap<CommandId, Deferred>>,
    commands_next: Cell<u64>,
}

#[wasm_bindgen]
impl SimWorld {
    /// Makes an empty world at time zero. Latency in milliseconds, loss in parts of a million.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(
        seed: f64,
        latency_min: f64,
        latency_max: f64,
        loss_ppm: f64,
        bytes_per_second: f64,
    ) -> Self {
        // A panic is a bug of ours, and a trap says nothing about it.
        std::panic::set_hook(Box::new(|info| wasm_bindgen::throw_str(&info.to_string())));
        let conditions = conditions(latency_min, latency_max, loss_ppm, bytes_per_second);
        let shared = Shared {
            stage: RefCell::new(Stage::new(whole(seed), conditions)),
            pages: RefCell::default(),
            delivers: Cell::new(false),
        };
        Self { shared: Rc::new(shared) }
    }

    /// Opens the page of a tab. The n-th tab has the n-th identity, which stays. Undefined if it is open
    /// already, or beyond the most.
    #[must_use]
    pub fn open(
        &self,
        tab: u32,
        app: &str,
        channels: Vec<String>,
        connections_max: u16,
        host: Host,
    ) -> Option<SimNode> {
        let setup = TabSetup { app: app.to_owned(), channels, connections_max };
        let seat = self.shared.stage.borrow_mut().open(index(tab), setup)?;
        self.shared.pages.borrow_mut().insert(seat, Rc::new(Page::new(host)));
        self.shared.deliver();
        Some(SimNode::new(Rc::clone(&self.shared), seat))
    }

    /// Returns how long the world has existed, in milliseconds.
    #[wasm_bindgen(getter, js_name = nowMs)]
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // Far below 2⁵³.
    pub fn now_ms(&self) -> f64 {
        self.shared.stage.borrow().now().as_micros() as f64 / 1e3
    }

    /// Returns what all wall clocks show, in milliseconds since the Unix epoch.
    #[wasm_bindgen(getter, js_name = unixMs)]
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // Far below 2⁵³.
    pub fn unix_ms(&self) -> f64 {
        self.shared.stage.borrow().unix_ms() as f64
    }

    /// Runs until something was told to a host, or until that time. Returns whether it is that time.
    /// What hosts were asked for has to be answered before the next call.
    ///
    /// # Errors
    /// Says what a node did that no driver would stand: a bug.
    pub fn run(&self, end_ms: f64) -> Result<bool, JsValue> {
        let end = Instant::from_micros(whole(end_ms * 1e3));
        let is_over = self.shared.stage.borrow_mut().run(end);
        self.shared.deliver();
        match self.shared.stage.borrow().breach() {
            Some(breach) => Err(JsError::new(&breach).into()),
            None => Ok(is_over),
        }
    }

    /// Changes the network between all tabs, or between two.
    pub fn shape(
        &self,
        latency_min: f64,
        latency_max: f64,
        loss_ppm: f64,
        bytes_per_second: f64,
        between: Option<Vec<u32>>,
    ) {
        let pair = match between.as_deref() {
            Some(&[a, b]) => Some((index(a), index(b))),
            _ => None,
        };
        let conditions = conditions(latency_min, latency_max, loss_ppm, bytes_per_second);
        self.shared.stage.borrow_mut().shape(conditions, pair);
    }

    /// Parts the tabs: an island is a `Uint32Array` of tabs; all that none names are together.
    pub fn partition(&self, islands: &Array) {
        let tabs = |island: JsValue| {
            Uint32Array::new(&island).to_vec().into_iter().map(index).collect::<Vec<usize>>()
        };
        self.shared.stage.borrow_mut().partition(islands.iter().map(tabs).collect());
    }
}

impl Page {
    const fn new(host: Host) -> Self {
        Self { host, commands: RefCell::new(BTreeMap::new()), commands_next: Cell::new(0) }
    }
}

impl Shared {
    /// Gives a command to a node; the promise is settled with its answer.
    pub(crate) fn command(self: &Rc<Self>, seat: Seat, command: Command) -> Promise {
        let Some(page) = self.page(seat) else {
            return Promise::reject(&convert::command_error(&CommandError::Closed));
        };
        let (promise, deferred) = Deferred::new();
        let Some(deferred) = deferred else { return promise };
        let id = CommandId(page.commands_next.get());
        page.commands_next.set(id.0.saturating_add(1));
        page.commands.borrow_mut().insert(id, deferred);
        self.act(|stage| stage.command(seat, id, command));
        promise
    }

    /// Does something to the world, and hands out what follows from it at once.
    pub(crate) fn act<T>(self: &Rc<Self>, act: impl FnOnce(&mut Stage) -> T) -> T {
        let done = act(&mut self.stage.borrow_mut());
        self.deliver();
        done
    }

    /// Reads from a node; none if its page is closed.
    pub(crate) fn read<T>(&self, seat: Seat, from: impl FnOnce(&Node) -> T) -> Option<T> {
        self.stage.borrow().node(seat).map(from)
    }

    /// Closes a page; commands that wait are rejected.
    pub(crate) fn close(self: &Rc<Self>, seat: Seat) {
        let page = self.pages.borrow_mut().remove(&seat);
        self.act(|stage| stage.close(seat));
        let waiting = page.map(|page| page.commands.take()).unwrap_or_default();
        for deferred in waiting.into_values() {
            deferred.settle(Err(convert::command_error(&CommandError::Closed)));
        }
    }

    fn page(&self, seat: Seat) -> Option<Rc<Page>> {
        self.pages.borrow().get(&seat).cloned()
    }

    /// Hands out notices in order. No borrow is held meanwhile: what is called may call back.
    fn deliver(self: &Rc<Self>) {
        if self.delivers.replace(true) {
            return;
        }
        loop {
            // `let … else`, never `while let`: there the borrow would last through the body.
            let Some(notice) = self.stage.borrow_mut().poll_notice() else { break };
            self.take(notice);
        }
        self.delivers.set(false);
    }

    fn take(self: &Rc<Self>, notice: Notice) {
        match notice {
            Notice::Event { seat, event } => {
                let page = self.page(seat);
                if let Some(answer) = page.and_then(|page| page.tell(&event)) {
                    self.act(|stage| stage.reply(seat, answer));
                }
            }
            Notice::Store { seat, id, op, body } => {
                let body = body.map(|bytes| peerloom::bytes(&bytes));
                self.store(seat, id, op, body);
            }
            Notice::Read { seat, ticket, chunk } => self.read_chunk(seat, ticket, &chunk),
        }
    }

    fn store(self: &Rc<Self>, seat: Seat, id: StoreId, op: StoreOp, body: Option<Uint8Array>) {
        let Some(page) = self.page(seat) else { return };
        let (promise, expected) = match page.host.begin(op, |_, _| body) {
            Ok(begun) => begun,
            Err(error) => return self.act(|stage| stage.stored(seat, id, Err(error))),
        };
        let shared = Rc::downgrade(self);
        settled(&promise, move |result| {
            let Some(shared) = Weak::upgrade(&shared) else { return };
            let result = result.map(|value| expected.reply(&value));
            let result = result.map_err(|error| store_error(&error));
            shared.act(|stage| stage.stored(seat, id, result));
        });
    }

    fn read_chunk(self: &Rc<Self>, seat: Seat, ticket: Ticket, chunk: &ChunkId) {
        let begun = self.page(seat).and_then(|page| page.host.read_chunk(chunk).ok());
        let Some(promise) = begun else { return self.act(|stage| stage.chunk_read(ticket, None)) };
        let shared = Rc::downgrade(self);
        settled(&promise, move |result| {
            let Some(shared) = Weak::upgrade(&shared) else { return };
            let read = result.ok().and_then(|value| value.dyn_into::<Uint8Array>().ok());
            let bytes = read.as_ref().map(|bytes| bytes.to_vec().into());
            if let (Some(read), Some(page)) = (read, shared.page(seat)) {
                page.host.recycle_chunk(&read);
            }
            shared.act(|stage| stage.chunk_read(ticket, bytes));
        });
    }
}

impl Page {
    fn tell(&self, event: &Event) -> Option<Input> {
        if let Event::Done { id, result } = event {
            let deferred = self.commands.borrow_mut().remove(id);
            if let Some(deferred) = deferred {
                deferred.settle(convert::answer(result.clone()));
            }
            return None;
        }
        // Frames leave at once here: nothing is ever buffered.
        self.host.event(event, |_| 0)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.stage.borrow(), f)
    }
}

fn conditions(
    latency_min: f64,
    latency_max: f64,
    loss_ppm: f64,
    bytes_per_second: f64,
) -> Conditions {
    Conditions {
        latency: Span::new(whole(latency_min), whole(latency_max)),
        loss_ppm: peerloom::integer(loss_ppm),
        bytes_per_second: whole(bytes_per_second),
    }
}

fn whole(number: f64) -> u64 {
    peerloom::integer(number.round())
}

fn index(tab: u32) -> usize {
    usize::try_from(tab).unwrap_or(usize::MAX)
}
