//! The driver: one inbox, one pump. It tells the node what happened and does what the node asks.
//!
//! No borrow is held across a call into JavaScript, since what is called may call back.

use alloc::collections::VecDeque;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::fmt;

use js_sys::{Array, Promise, Uint8Array};
use peerloom_core::event::{CommandError, Event, Stage};
use peerloom_core::io::{
    Command, CommandId, ConnId, LinkCommand, LinkEvent, ServerCommand, ServerId,
};
use peerloom_core::map::Map;
use peerloom_core::{Input, Node, Output};
use peerloom_wire::{ChunkId, PeerId, RequestId};
use wasm_bindgen::prelude::*;
use web_sys::RtcConfiguration;

use crate::bulk::{Buffer, Owner, Pool};
use crate::connection::Connection;
use crate::convert;
use crate::host::Host;
use crate::js::{Deferred, reason};
use crate::live::{Kind, Live};
use crate::server::Server;
use crate::signalling::Signalling;
use crate::timer::{Timer, now};
use crate::trace::Trace;

/// A node in its browser.
pub(crate) struct Driver {
    node: RefCell<Node>,
    inbox: RefCell<VecDeque<Input>>,
    phase: Cell<Phase>,
    timer: RefCell<Option<Timer>>,
    /// `None` for one that the browser refused to make, until the node closes it.
    connections: RefCell<Map<ConnId, Option<Rc<Connection>>>>,
    commands: RefCell<Map<CommandId, Deferred>>,
    next_command: Cell<u64>,
    /// Those that are joined: all of `channels`, or none.
    signalling: RefCell<Vec<Signalling>>,
    channels: Array,
    /// Those that the node asked to open and did not ask to close.
    servers: RefCell<Map<ServerId, Rc<Server>>>,
    rtc: RtcConfiguration,
    host: Host,
    pool: Rc<Pool>,
    trace: Option<Trace>,
    _live: Live,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Idle,
    /// The pump runs, further up the stack.
    Pumping,
    Closed,
}

/// What a driver is made from.
pub(crate) struct Parts {
    pub(crate) node: Node,
    /// Names.
    pub(crate) channels: Array,
    pub(crate) rtc: RtcConfiguration,
    pub(crate) host: Host,
    pub(crate) trace: Option<Trace>,
}

impl Driver {
    pub(crate) fn new(parts: Parts) -> Rc<Self> {
        let driver = Rc::new(Self {
            node: RefCell::new(parts.node),
            inbox: RefCell::default(),
            phase: Cell::new(Phase::Idle),
            timer: RefCell::default(),
            connections: RefCell::default(),
            commands: RefCell::default(),
            next_command: Cell::new(0),
            signalling: RefCell::default(),
            channels: parts.channels,
            servers: RefCell::default(),
            rtc: parts.rtc,
            host: parts.host,
            pool: Rc::default(),
            trace: parts.trace,
            _live: Live::new(Kind::Node),
        });
        driver.run(); // A new node has outputs already: it loads what is stored.
        driver
    }

    /// The only way in. Safe from inside any callback, also one that the pump itself set off.
    pub(crate) fn submit(self: &Rc<Self>, input: Input) {
        if self.is_closed() {
            return;
        }
        self.inbox.borrow_mut().push_back(input);
        self.run();
    }

    /// Submits a command; the promise is settled with its answer.
    #[inline(never)]
    pub(crate) fn command(self: &Rc<Self>, command: Command) -> Promise {
        let (promise, deferred) = Deferred::new();
        let Some(deferred) = deferred else { return promise };
        if self.is_closed() {
            deferred.settle(Err(convert::command_error(&CommandError::Closed)));
            return promise;
        }
        let id = CommandId(self.next_command.get());
        self.next_command.set(id.0.saturating_add(1));
        self.commands.borrow_mut().insert(id, deferred);
        self.submit(Input::Command { id, command });
        promise
    }

    /// Joins the signalling channels, unless they are joined.
    pub(crate) fn open_signalling(self: &Rc<Self>) -> Result<(), JsValue> {
        if self.is_closed() || !self.signalling.borrow().is_empty() {
            return Ok(());
        }
        let mut joined = Vec::new();
        for channel in self.channels.iter() {
            let channel = channel.as_string().unwrap_or_default();
            let driver = Rc::downgrade(self);
            joined.push(Signalling::open(&channel, move |bytes| {
                if let Some(driver) = Weak::upgrade(&driver) {
                    driver.submit(Input::Signal { bytes });
                }
            })?);
        }
        self.signalling.replace(joined);
        Ok(())
    }

    /// Lets go of everything that the browser could still call. Commands that wait are rejected.
    pub(crate) fn close(&self) {
        self.phase.set(Phase::Closed);
        drop(self.timer.take());
        drop(self.signalling.take());
        drop(self.servers.take());
        drop(self.connections.take());
        self.inbox.borrow_mut().clear();
        let waiting = self.commands.take();
        for deferred in waiting.into_values() {
            deferred.settle(Err(convert::command_error(&CommandError::Closed)));
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.phase.get() == Phase::Closed
    }

    /// Reads from the node. Not to be called with something that calls into JavaScript.
    pub(crate) fn read<T>(&self, from: impl FnOnce(&Node) -> T) -> T {
        from(&self.node.borrow())
    }

    pub(crate) const fn host(&self) -> &Host {
        &self.host
    }

    pub(crate) const fn pool(&self) -> &Rc<Pool> {
        &self.pool
    }

    pub(crate) const fn trace(&self) -> Option<&Trace> {
        self.trace.as_ref()
    }

    pub(crate) fn take_body(&self, conn: ConnId, request: RequestId) -> Option<Buffer> {
        self.connection(conn)?.take_body(request)
    }

    /// Returns how many bytes to `peer` wait in the browser's send buffers.
    pub(crate) fn buffered_bytes(&self, peer: &PeerId) -> u32 {
        let conn = self.read(|node| node.conn(*peer));
        let connection = conn.and_then(|conn| self.connection(conn));
        connection.map_or(0, |connection| connection.buffered_bytes())
    }

    fn connection(&self, conn: ConnId) -> Option<Rc<Connection>> {
        self.connections.borrow().get(&conn)?.clone()
    }

    fn run(self: &Rc<Self>) {
        if self.phase.get() != Phase::Idle {
            return; // The pump further up the stack takes it, or nobody ever does.
        }
        self.phase.set(Phase::Pumping);
        self.pump();
        if self.phase.get() == Phase::Pumping {
            self.phase.set(Phase::Idle);
            self.arm_timer();
        }
    }

    fn pump(self: &Rc<Self>) {
        self.drain();
        while !self.is_closed() {
            // `let … else`, never `while let`: there the borrow would last through the body.
            let Some(input) = self.inbox.borrow_mut().pop_front() else { return };
            if let Input::Link { conn, .. } = &input
                && !self.connections.borrow().contains_key(conn)
            {
                continue; // Queued before the node closed that connection.
            }
            let now = now();
            if let Some(trace) = &self.trace {
                trace.record(now, &input);
            }
            self.node.borrow_mut().handle(now, input);
            self.drain();
        }
    }

    fn drain(self: &Rc<Self>) {
        while !self.is_closed() {
            let Some(output) = self.node.borrow_mut().poll_output() else { return };
            self.execute(output);
        }
    }

    /// Runs with no borrow held: what it calls may call `submit`.
    #[inline(never)]
    fn execute(self: &Rc<Self>, output: Output) {
        match output {
            Output::Link { conn, command: LinkCommand::Close } => {
                let gone = self.connections.borrow_mut().remove(&conn);
                if let Some(Some(connection)) = gone {
                    connection.close();
                }
            }
            Output::Link { conn, command } => self.link(conn, command),
            Output::Signal { bytes } => {
                for signalling in &*self.signalling.borrow() {
                    signalling.send(&bytes); // Other tabs hear it later, in tasks of their own.
                }
            }
            Output::Server { server, command } => self.server(server, command),
            Output::Store { id, op } => self.store(id, op),
            Output::Sign { id, payload } => self.sign(id, &payload),
            Output::Verify { id, claim } => self.verify(id, &claim),
            Output::Event(Event::Done { id, result }) => {
                let deferred = self.commands.borrow_mut().remove(&id);
                if let Some(deferred) = deferred {
                    deferred.settle(convert::answer(result));
                }
            }
            Output::Event(event) => {
                if let Some(answer) = self.host.event(&event, |peer| self.buffered_bytes(peer)) {
                    self.submit(answer);
                }
            }
        }
    }

    #[inline(never)]
    fn server(self: &Rc<Self>, id: ServerId, command: ServerCommand) {
        match command {
            ServerCommand::Open => {
                let driver = Rc::downgrade(self);
                let server = Server::open(id, &self.host, move |event| {
                    if let Some(driver) = Weak::upgrade(&driver) {
                        driver.submit(Input::Server { server: id, event });
                    }
                });
                let before = self.servers.borrow_mut().insert(id, server);
                drop(before);
            }
            ServerCommand::Say(message) => {
                let server = self.servers.borrow().get(&id).map(Rc::clone);
                if let Some(server) = server {
                    server.say(message);
                }
            }
            ServerCommand::Close => {
                let gone = self.servers.borrow_mut().remove(&id);
                drop(gone);
            }
        }
    }

    #[inline(never)]
    fn link(self: &Rc<Self>, conn: ConnId, command: LinkCommand) {
        let makes = matches!(
            command,
            LinkCommand::CreateOffer { restart: false } | LinkCommand::AcceptOffer { .. }
        );
        if makes && !self.connections.borrow().contains_key(&conn) {
            self.make(conn);
        }
        if let Some(connection) = self.connection(conn) {
            connection.execute(command);
        }
    }

    #[inline(never)]
    fn make(self: &Rc<Self>, conn: ConnId) {
        let owner = Rc::new(Owned { driver: Rc::downgrade(self), conn });
        let made = Connection::new(&self.rtc, owner, Rc::clone(&self.pool));
        let (connection, failure) = match made {
            Ok(connection) => (Some(Rc::new(connection)), None),
            Err(error) => (None, Some(reason(&error))),
        };
        self.connections.borrow_mut().insert(conn, connection);
        if let Some(reason) = failure {
            let event = LinkEvent::Failed { stage: Stage::Signalling, reason };
            self.submit(Input::Link { conn, event });
        }
    }

    /// Arms the timer for the node's deadline, unless one is armed that fires no later: that one
    /// then arms the next.
    fn arm_timer(self: &Rc<Self>) {
        let Some(deadline) = self.node.borrow().poll_timeout() else { return };
        let armed = self.timer.borrow().as_ref().map(Timer::deadline);
        if armed.is_some_and(|armed| armed <= deadline) {
            return;
        }
        let driver = Rc::downgrade(self);
        let timer = Timer::new(deadline, move || {
            if let Some(driver) = Weak::upgrade(&driver) {
                drop(driver.timer.take());
                driver.submit(Input::Timeout);
            }
        });
        self.timer.replace(Some(timer));
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Driver(..)")
    }
}

/// What a connection reaches of the driver that made it.
struct Owned {
    driver: Weak<Driver>,
    conn: ConnId,
}

impl Owner for Owned {
    fn on_event(&self, event: LinkEvent) {
        if let Some(driver) = self.driver.upgrade() {
            driver.submit(Input::Link { conn: self.conn, event });
        }
    }

    fn read_chunk(&self, chunk: &ChunkId) -> Result<Promise, JsValue> {
        match self.driver.upgrade() {
            Some(driver) => driver.host.read_chunk(chunk),
            None => Err(JsValue::UNDEFINED),
        }
    }

    fn recycle(&self, chunk: &Uint8Array) {
        if let Some(driver) = self.driver.upgrade() {
            driver.host.recycle_chunk(chunk);
        }
    }
}
