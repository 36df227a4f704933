//! Rendezvous servers: the hub that runs in production, behind connections that take their time. They
//! are stopped and come back, and some lie.

use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;
use std::collections::BTreeMap;

use bytes::Bytes;
use peerloom_core::event::ServerFault;
use peerloom_core::io::{ServerCommand, ServerEvent, ServerId};
use peerloom_core::{Input, Instant};
use peerloom_crypto::Claim;
use peerloom_server::hub::{ConnId, Input as HubInput, Output as HubOutput};
use peerloom_server::{Hub, Limits, Names};
use peerloom_wire::PeerId;
use peerloom_wire::rendezvous::{ClientMessage, ServerMessage};

use crate::dice::{Dice, Span};
use crate::keyring;
use crate::options::{Options, ServerLies};
use crate::schedule::{Happening, Seat};
use crate::world::{Faults, World};

/// One way between a tab and a server: across a country.
const LATENCY: Span = Span::new(10, 60);

/// By what name tabs dial.
const HOST: &str = "meet.example";

/// How many introductions a server makes up at a time.
const MADE_UP: u64 = 300;

/// Of how many announcements a lying server remembers what it may say again.
const RECENT_MAX: usize = 64;

/// Something between a tab and a server.
#[derive(Clone, Debug)]
pub(crate) enum ServerStep {
    /// A connection reaches the server.
    Connects { conn: u64 },
    /// What a tab said does.
    Hears { conn: u64, bytes: Bytes },
    /// A signature was checked.
    Checked { conn: u64, holds: bool },
    /// Something reaches the tab.
    Tells { conn: u64, event: ServerEvent },
    /// A connection is gone.
    Gone { conn: u64 },
    /// A deadline of the server passes.
    Wake,
    /// It is there again, unless it was stopped anew since.
    Back { until: Instant },
}

/// One server.
pub(crate) struct Server {
    /// None while it is down.
    hub: Option<Hub>,
    down_until: Option<Instant>,
    starts: u64,
    seed: u64,
    id: ServerId,
    lies: ServerLies,
    dice: Dice,
    sockets: BTreeMap<u64, Socket>,
    /// The newest connection of each tab.
    newest: BTreeMap<usize, u64>,
    wake: Option<Instant>,
    /// What a lying server heard lately.
    recent: Vec<(PeerId, Bytes)>,
}

/// A connection; what is said on it stays in order.
#[derive(Clone, Copy, Debug)]
struct Socket {
    seat: Seat,
    to_server_at: Instant,
    to_tab_at: Instant,
}

impl Server {
    fn new(seed: u64, index: usize, lies: ServerLies) -> Self {
        let id = ServerId(u8::try_from(index).unwrap_or(u8::MAX));
        let dice = Dice::new(seed, &format!("server {index}"));
        let mut server = Self {
            hub: None,
            down_until: None,
            starts: 0,
            seed,
            id,
            lies,
            dice,
            sockets: BTreeMap::new(),
            newest: BTreeMap::new(),
            wake: None,
            recent: Vec::new(),
        };
        server.start();
        server
    }

    /// Begins with nothing: a server keeps nothing of what was before.
    fn start(&mut self) {
        self.starts += 1;
        let seed = Dice::new(self.seed, &format!("hub {}/{}", self.id.0, self.starts)).bytes32();
        let names = Names::Listed(vec![HOST.to_owned()]);
        self.hub = Some(Hub::new(Limits::default(), names, seed));
        self.down_until = None;
    }

    /// When something on the way to the server, or to the tab, gets there.
    fn arrival(&mut self, now: Instant, conn: u64, to_server: bool) -> Option<Instant> {
        let at = now + self.dice.span(LATENCY);
        let socket = self.sockets.get_mut(&conn)?;
        let last = if to_server { &mut socket.to_server_at } else { &mut socket.to_tab_at };
        *last = at.max(*last);
        Some(*last)
    }

    /// What a server says in the end: nothing, something else, or several things.
    fn said(&mut self, bytes: Bytes, is_lying: bool) -> Vec<ServerEvent> {
        let read = |bytes: &[u8]| match ServerMessage::decode(bytes) {
            Ok(message) => ServerEvent::Said(message),
            Err(_) => ServerEvent::Garbled,
        };
        let lies = self.lies;
        if !is_lying || lies == ServerLies::default() {
            return vec![read(&bytes)];
        }
        if self.dice.chance(lies.dropped_per_mille) {
            return Vec::new();
        }
        let mut events = vec![read(&bytes)];
        if let [ServerEvent::Said(ServerMessage::Introduced { peer, announcement, .. })] =
            &events[..]
        {
            self.recent.truncate(RECENT_MAX);
            self.recent.insert(0, (*peer, announcement.clone()));
        }
        if self.dice.chance(lies.bent_per_mille) {
            let mut bent = bytes.to_vec();
            let at = self.dice.index(bent.len());
            if let Some(byte) = bent.get_mut(at) {
                *byte ^= 1 << self.dice.below(8);
            }
            events = vec![read(&bent)];
        }
        // Before the welcome a client hears nothing else, and is gone.
        let is_of_others = matches!(
            &events[..],
            [ServerEvent::Said(
                ServerMessage::Introduced { .. }
                    | ServerMessage::Envelope { .. }
                    | ServerMessage::Pong { .. }
            )]
        );
        if !is_of_others {
            return events;
        }
        if self.dice.chance(lies.doubled_per_mille) {
            events.push(read(&bytes));
        }
        if self.dice.chance(lies.misnamed_per_mille) {
            let (peer, from) = (PeerId(self.dice.bytes32()), PeerId(self.dice.bytes32()));
            events.push(ServerEvent::Said(ServerMessage::Away { peer }));
            if let Some((_, bytes)) = self.dice.pick(&self.recent).cloned() {
                events.push(ServerEvent::Said(ServerMessage::Envelope { from, bytes }));
            }
        }
        if self.dice.chance(lies.flood_per_mille)
            && let Some(ServerEvent::Said(ServerMessage::Introduced { tag, announcement, .. })) =
                events.first().cloned()
        {
            for _ in 0..MADE_UP {
                let (peer, announcement) = (PeerId(self.dice.bytes32()), announcement.clone());
                let made_up = ServerMessage::Introduced { tag, peer, announcement };
                events.push(ServerEvent::Said(made_up));
            }
        }
        events
    }
}

/// The servers of a world.
pub(crate) struct Servers {
    all: Vec<Server>,
    conns: u64,
}

impl Servers {
    pub(crate) fn new(options: &Options) -> Self {
        let servers = options.servers.iter().enumerate();
        let all = servers.map(|(index, lies)| Server::new(options.seed, index, *lies)).collect();
        Self { all, conns: 0 }
    }

    /// Whether a tab is connected to every server.
    #[cfg(test)]
    pub(crate) fn have(&self, tab: usize) -> bool {
        self.all.iter().all(|server| server.newest.contains_key(&tab))
    }
}

impl World {
    /// A node wants something of a server.
    pub(crate) fn execute_server(&mut self, seat: Seat, id: ServerId, command: ServerCommand) {
        let now = self.schedule.now();
        let index = usize::from(id.0);
        let Some(server) = self.servers.all.get_mut(index) else { return };
        match command {
            ServerCommand::Open => {
                self.hang_up(seat, index);
                self.servers.conns += 1;
                let conn = self.servers.conns;
                let Some(server) = self.servers.all.get_mut(index) else { return };
                server.newest.insert(seat.tab, conn);
                let socket = Socket { seat, to_server_at: now, to_tab_at: now };
                server.sockets.insert(conn, socket);
                self.plan(index, conn, true, ServerStep::Connects { conn });
            }
            ServerCommand::Say(message) => {
                let Some(conn) = server.newest.get(&seat.tab).copied() else { return };
                if let ClientMessage::Envelope { .. } = message {
                    self.count("envelopes through servers");
                }
                let Ok(bytes) = message.encode() else { return };
                self.plan(index, conn, true, ServerStep::Hears { conn, bytes });
            }
            ServerCommand::Close => self.hang_up(seat, index),
        }
    }

    /// All connections of a session end.
    pub(crate) fn hang_up_all(&mut self, seat: Seat) {
        for index in 0..self.servers.all.len() {
            self.hang_up(seat, index);
        }
    }

    fn hang_up(&mut self, seat: Seat, index: usize) {
        let Some(server) = self.servers.all.get_mut(index) else { return };
        if let Some(conn) = server.newest.remove(&seat.tab) {
            self.plan(index, conn, true, ServerStep::Gone { conn });
        }
    }

    fn plan(&mut self, index: usize, conn: u64, to_server: bool, step: ServerStep) {
        let now = self.schedule.now();
        let Some(server) = self.servers.all.get_mut(index) else { return };
        if let Some(at) = server.arrival(now, conn, to_server) {
            self.schedule.at(at, Happening::Server { index, step });
        }
    }

    pub(crate) fn step_server(&mut self, index: usize, step: ServerStep) {
        let now = self.schedule.now();
        let Some(server) = self.servers.all.get_mut(index) else { return };
        match step {
            ServerStep::Connects { conn } if server.hub.is_none() => {
                let fault = ServerFault::Unreachable;
                let event = ServerEvent::Closed { fault, detail: String::new() };
                self.plan(index, conn, false, ServerStep::Tells { conn, event });
            }
            ServerStep::Connects { conn } => {
                let Some(socket) = server.sockets.get(&conn) else { return };
                let address = address_of(socket.seat.tab);
                let event = ServerEvent::Opened { host: HOST.to_owned() };
                self.plan(index, conn, false, ServerStep::Tells { conn, event });
                let (conn, here) = (ConnId(conn), IpAddr::V4(Ipv4Addr::LOCALHOST));
                self.ask_hub(index, HubInput::Connected { conn, address, here, denied: None });
            }
            ServerStep::Hears { conn, bytes } => {
                self.ask_hub(index, HubInput::Received { conn: ConnId(conn), bytes });
            }
            ServerStep::Checked { conn, holds } => {
                self.ask_hub(index, HubInput::Verified { conn: ConnId(conn), holds });
            }
            ServerStep::Tells { conn, event } => {
                let Some(socket) = server.sockets.get(&conn).copied() else { return };
                if server.newest.get(&socket.seat.tab) != Some(&conn) {
                    return; // The tab closed it meanwhile.
                }
                if matches!(event, ServerEvent::Closed { .. }) {
                    server.newest.remove(&socket.seat.tab);
                    server.sockets.remove(&conn);
                }
                let input = Input::Server { server: server.id, event };
                self.feed(socket.seat, input);
            }
            ServerStep::Gone { conn } => {
                server.sockets.remove(&conn);
                self.ask_hub(index, HubInput::Closed { conn: ConnId(conn) });
            }
            ServerStep::Wake if server.wake == Some(now) => {
                server.wake = None;
                if let Some(hub) = &mut server.hub {
                    hub.handle_timeout(now.since(Instant::ZERO));
                }
                self.drain_hub(index);
            }
            ServerStep::Wake => {}
            ServerStep::Back { until } if server.down_until == Some(until) => server.start(),
            ServerStep::Back { .. } => {}
        }
    }

    fn ask_hub(&mut self, index: usize, input: HubInput) {
        let now = self.schedule.now().since(Instant::ZERO);
        let Some(server) = self.servers.all.get_mut(index) else { return };
        if let Some(hub) = &mut server.hub {
            hub.handle(now, input);
            self.drain_hub(index);
        }
    }

    fn drain_hub(&mut self, index: usize) {
        let now = self.schedule.now();
        loop {
            let Some(server) = self.servers.all.get_mut(index) else { return };
            let Some(hub) = &mut server.hub else { return };
            let Some(output) = hub.poll_output() else {
                let due = hub.poll_timeout().map(|due| Instant::ZERO + due);
                if let Some(due) = due.filter(|due| server.wake.is_none_or(|wake| *due < wake)) {
                    let at = due.max(now);
                    server.wake = Some(at);
                    let step = ServerStep::Wake;
                    self.schedule.at(at, Happening::Server { index, step });
                }
                return;
            };
            self.execute_hub(index, output);
        }
    }

    fn execute_hub(&mut self, index: usize, output: HubOutput) {
        let is_lying = self.faults != Faults::None;
        let now = self.schedule.now();
        let Some(server) = self.servers.all.get_mut(index) else { return };
        match output {
            HubOutput::Send { conn, bytes } => {
                let sent = bytes.len();
                for event in server.said(bytes, is_lying) {
                    let step = ServerStep::Tells { conn: conn.0, event };
                    self.plan(index, conn.0, false, step);
                }
                let Some(server) = self.servers.all.get_mut(index) else { return };
                if let Some(hub) = &mut server.hub {
                    let drained = HubInput::Drained { conn, bytes: sent };
                    hub.handle(now.since(Instant::ZERO), drained);
                }
            }
            HubOutput::Close { conn, reason } => {
                let fault = ServerFault::Refused(reason.code());
                let event = ServerEvent::Closed { fault, detail: String::new() };
                self.plan(index, conn.0, false, ServerStep::Tells { conn: conn.0, event });
                self.plan(index, conn.0, true, ServerStep::Gone { conn: conn.0 });
            }
            HubOutput::Verify { conn, claim } => self.check_for_hub(index, conn, &claim),
        }
    }

    fn check_for_hub(&mut self, index: usize, conn: ConnId, claim: &Claim) {
        let holds = keyring::holds(claim);
        let latency = self.dice.span(keyring::LATENCY);
        let step = ServerStep::Checked { conn: conn.0, holds };
        self.schedule.after(latency, Happening::Server { index, step });
    }

    /// A server goes down: told to, when it sends everybody away, or with its machine.
    pub(crate) fn stop_server(&mut self, index: usize, ms: u64, is_told: bool) {
        let now = self.schedule.now();
        if is_told {
            self.ask_hub(index, HubInput::Shutdown);
        }
        let Some(server) = self.servers.all.get_mut(index) else { return };
        server.hub = None;
        server.wake = None;
        let until = now + Duration::from_millis(ms);
        server.down_until = Some(until);
        let cut: Vec<u64> = server.newest.values().copied().collect();
        for conn in cut {
            let event = ServerEvent::Closed { fault: ServerFault::Lost, detail: String::new() };
            self.plan(index, conn, false, ServerStep::Tells { conn, event });
        }
        self.schedule.at(until, Happening::Server { index, step: ServerStep::Back { until } });
        self.count("servers stopped");
    }

    /// Servers that are down come back.
    pub(crate) fn mend_servers(&mut self) {
        for server in &mut self.servers.all {
            if server.hub.is_none() {
                server.start();
            }
        }
    }
}

/// Each tab is on a device of its own.
fn address_of(tab: usize) -> IpAddr {
    let [_, high, middle, low] = u32::try_from(tab).unwrap_or(0).to_be_bytes();
    IpAddr::V4(Ipv4Addr::new(10, high, middle, low))
}
