//! Meeting through servers those whom no other path leads to.
//!
//! A node registers with every server that it is given, and says there by which tag it wants to be
//! found, with an announcement that the server can't read. The server introduces it to a few of
//! those who said the same; from these on, peers find each other by themselves. What is for a peer
//! goes through a server where connected peers are not likely to bring it, or did not: peers first.
//!
//! A server is believed in nothing. What it brings is signed by whom it is from, sealed for those
//! who know the swarm's name, and checked like what comes by any other path; what it says of others
//! decides at most what is sent through it. Each server fails and comes back by itself.
//!
//! Knows nothing about sockets and addresses, nor about what is in an envelope.

pub(crate) mod io;
mod known;
mod server;
#[cfg(test)]
mod tests;

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use peerloom_crypto::{PublicKey, Signature};
use peerloom_wire::rendezvous::{
    ClientMessage, Reason, SEALING_BYTES, ServerMessage, registration,
};
use peerloom_wire::{PeerId, Tag};

pub(crate) use self::io::{ServerCommand, ServerEvent, ServerFault, ServerId, ServerInfo};
use self::known::{Acquaintances, bit};
use self::server::{FEW, Phase, Pulse, Server, Step};
use crate::io::Lifecycle;
use crate::machine::Machine;
use crate::map::Map;
use crate::random::Random;
use crate::time::{Instant, Now};

/// The most servers. Each of them gets every announcement; a bit stands for each.
pub const SERVERS_MAX: usize = 4;

/// How long it takes at least until others may find us where the room was full.
const ROOM_FULL_WAIT: Duration = Duration::from_secs(60);

/// How long we try again after our own key did not sign. Guess.
const UNSIGNED_WAIT: Duration = Duration::from_secs(10);

/// What the node tells this protocol.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    /// Meet others.
    Start,
    /// Be met by nobody any more.
    Stop,
    /// Something happened on the connection to a server.
    Event { server: ServerId, event: ServerEvent },
    /// [`Effect::Sign`] ended; no signature if the key is gone.
    Signed { server: ServerId, attempt: u32, signature: Option<Signature> },
    /// [`Effect::Announce`] ended; no envelope if the key is gone.
    Announced { envelope: Option<Bytes>, is_alone: bool },
    /// Bring an envelope of ours to a peer. `is_carried`: connected peers are likely to.
    Send { to: PeerId, envelope: Bytes, is_carried: bool },
    /// Connected peers brought something of this one.
    Carried { from: PeerId },
    /// A peer is connected.
    Up,
    /// A peer is not connected any more.
    Down,
    /// The page was hidden, shown, frozen or resumed.
    Lifecycle(Lifecycle),
}

/// What this protocol asks of the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Do this to the connection to a server.
    Command { server: ServerId, command: ServerCommand },
    /// Sign this, to register.
    Sign { server: ServerId, attempt: u32, payload: Bytes },
    /// Make an announcement for those whom servers introduce. `is_alone`: nobody is connected.
    Announce { is_alone: bool },
    /// An envelope, unverified, said to be from this peer.
    Deliver { from: PeerId, envelope: Bytes },
    /// How it stands with a server is different from before.
    Changed { server: ServerId },
}

/// Settings.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// Our key.
    pub(crate) key: PublicKey,
    /// By what we want to be found.
    pub(crate) tag: Tag,
    /// How many servers there are, at most [`SERVERS_MAX`].
    pub(crate) servers: u8,
}

/// What is said of us to those whom a server introduces.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Announcement {
    None,
    /// It is being signed.
    Wanted,
    Made {
        envelope: Bytes,
        is_alone: bool,
    },
}

/// The servers that a node meets others at.
#[derive(Debug)]
pub(crate) struct Rendezvous {
    key: PublicKey,
    tag: Tag,
    random: Random,
    /// At most [`SERVERS_MAX`], in the order of their ids.
    servers: Vec<Server>,
    known: Acquaintances,
    announcement: Announcement,
    /// How many peers are connected.
    connected: u16,
    counters: Map<&'static str, u64>,
}

impl Machine for Rendezvous {
    type Input = Input;
    type Effect = Effect;

    fn handle(&mut self, now: Now, input: Input, out: &mut Vec<Effect>) {
        match input {
            Input::Start => self.start(now, out),
            Input::Stop => self.stop(out),
            Input::Event { server, event } => self.on_event(now, server, event, out),
            Input::Signed { server, attempt, signature } => {
                self.on_signed((server, attempt), signature, out);
            }
            Input::Announced { envelope, is_alone } => {
                self.on_announced(now, envelope, is_alone, out);
            }
            Input::Send { to, envelope, is_carried } => {
                self.send(now.mono, to, &envelope, is_carried, out);
            }
            Input::Carried { from } => self.known.note_carried(from),
            Input::Up => self.on_connected(now, self.connected.saturating_add(1), out),
            Input::Down => self.on_connected(now, self.connected.saturating_sub(1), out),
            Input::Lifecycle(lifecycle) => self.on_lifecycle(now, lifecycle, out),
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let is_announcing = self.announcement == Announcement::Wanted;
        self.servers.iter().filter_map(|server| server.poll_timeout(is_announcing)).min()
    }

    fn handle_timeout(&mut self, now: Now, out: &mut Vec<Effect>) {
        for index in 0..self.servers.len() {
            self.server_timeout(now, index, out);
        }
        self.meet(now, out);
    }
}

impl Rendezvous {
    /// Makes the protocol with no connection.
    #[must_use]
    pub(crate) fn new(config: Config, random: Random) -> Self {
        let servers = config.servers.min(u8::try_from(SERVERS_MAX).unwrap_or(u8::MAX));
        Self {
            key: config.key,
            tag: config.tag,
            random,
            servers: (0..servers).map(|index| Server::new(ServerId(index))).collect(),
            known: Acquaintances::new(),
            announcement: Announcement::None,
            connected: 0,
            counters: Map::new(),
        }
    }

    /// Returns how it stands with each server, in their order.
    pub(crate) fn servers(&self) -> Vec<ServerInfo> {
        self.servers.iter().map(Server::info).collect()
    }

    pub(crate) fn server(&self, server: ServerId) -> Option<ServerInfo> {
        self.servers.get(usize::from(server.0)).map(Server::info)
    }

    pub(crate) const fn counters(&self) -> &Map<&'static str, u64> {
        &self.counters
    }

    /// Returns at how many servers others meet us, and how many peers servers spoke of.
    pub(crate) fn gauges(&self) -> [(&'static str, u64); 2] {
        let joined = self.servers.iter().filter(|server| server.is_joined()).count();
        [("rendezvous.joined", joined as u64), ("rendezvous.known", self.known.len() as u64)]
    }

    fn count(&mut self, name: &'static str) {
        self.counters.count(name);
    }

    fn start(&mut self, now: Now, out: &mut Vec<Effect>) {
        for index in 0..self.servers.len() {
            if matches!(self.servers.get(index).map(|server| &server.phase), Some(Phase::Stopped)) {
                self.dial(now, index, out);
            }
        }
    }

    /// Whoever is not connected hears from the server that we are away.
    fn stop(&mut self, out: &mut Vec<Effect>) {
        for server in &mut self.servers {
            let has_socket = matches!(server.phase, Phase::Opening { .. } | Phase::Joined(_));
            if has_socket {
                out.push(Effect::Command { server: server.id, command: ServerCommand::Close });
            }
            server.stop();
        }
        self.known.clear();
        self.announcement = Announcement::None;
    }

    fn dial(&mut self, now: Now, index: usize, out: &mut Vec<Effect>) {
        let Some(server) = self.servers.get_mut(index) else { return };
        server.dial(now.mono);
        let server = server.id;
        out.push(Effect::Command { server, command: ServerCommand::Open });
        out.push(Effect::Changed { server });
        self.count("rendezvous.dialled");
    }

    #[inline(never)]
    fn on_event(&mut self, now: Now, id: ServerId, event: ServerEvent, out: &mut Vec<Effect>) {
        let index = usize::from(id.0);
        let Some(server) = self.servers.get_mut(index) else { return };
        // Of a connection that was closed meanwhile.
        if matches!(server.phase, Phase::Stopped | Phase::Waiting { .. }) {
            return;
        }
        match event {
            ServerEvent::Opened { host } => match &mut server.phase {
                Phase::Opening { step: step @ Step::Dialled, .. } => *step = Step::Up { host },
                _ => self.misunderstand(now, index, out),
            },
            ServerEvent::Said(message) => self.on_message(now, index, message, out),
            ServerEvent::Garbled => self.misunderstand(now, index, out),
            ServerEvent::Closed { fault, detail } => {
                self.fail(now, index, (fault, detail), None, out);
            }
        }
    }

    #[inline(never)]
    fn on_message(
        &mut self,
        now: Now,
        index: usize,
        message: ServerMessage,
        out: &mut Vec<Effect>,
    ) {
        let Some(server) = self.servers.get_mut(index) else { return };
        let id = server.id;
        if let Some(session) = server.session() {
            session.beat(now.mono);
        }
        match (message, &mut server.phase) {
            (
                ServerMessage::Challenge { nonce },
                Phase::Opening { step: step @ Step::Up { .. }, .. },
            ) => {
                let Step::Up { host } = core::mem::replace(step, Step::Registered) else { return };
                let payload = registration(&host, &nonce).into();
                *step = Step::Signing { host };
                out.push(Effect::Sign { server: id, attempt: server.attempt, payload });
            }
            (ServerMessage::Welcome(terms), Phase::Opening { step: Step::Registered, .. }) => {
                server.join(now.mono, terms);
                self.count("rendezvous.joins");
                out.push(Effect::Changed { server: id });
                self.meet(now, out);
            }
            (ServerMessage::Introduced { tag, peer, announcement }, Phase::Joined(_)) => {
                if tag == self.tag {
                    self.on_brought(now, index, peer, announcement, true, out);
                } else {
                    self.count("rendezvous.misdirected");
                }
            }
            (ServerMessage::Envelope { from, bytes }, Phase::Joined(_)) => {
                self.on_brought(now, index, from, bytes, false, out);
            }
            (ServerMessage::Away { peer }, Phase::Joined(_)) => {
                self.count("rendezvous.away");
                self.known.note_away(peer, id);
            }
            (ServerMessage::Pong { .. }, Phase::Joined(_)) => {}
            (ServerMessage::Refused { code, retry_ms, .. }, _) => {
                let wait = Duration::from_millis(retry_ms.into());
                self.on_refused(now, index, code, wait, out);
            }
            (ServerMessage::Moving { wait_ms }, _) => {
                let wait = Duration::from_micros(self.random.below(u64::from(wait_ms) * 1000));
                let fault = (ServerFault::Moving, String::new());
                self.fail(now, index, fault, Some(wait), out);
            }
            _ => self.misunderstand(now, index, out),
        }
    }

    /// A server brings something of a peer. What it says of who that is decides only where we answer.
    fn on_brought(
        &mut self,
        now: Now,
        index: usize,
        from: PeerId,
        envelope: Bytes,
        is_introduction: bool,
        out: &mut Vec<Effect>,
    ) {
        let Some(server) = self.servers.get_mut(index) else { return };
        let id = server.id;
        let Some(session) = server.session() else { return };
        if !session.may_hear(now.mono, envelope.len()) {
            return self.count("rendezvous.flooded");
        }
        self.count(if is_introduction { "rendezvous.introduced" } else { "rendezvous.received" });
        self.known.note_here(now.mono, from, id);
        out.push(Effect::Deliver { from, envelope });
    }

    /// What is to be done for each reason. A server closes the connection for most of them.
    #[inline(never)]
    fn on_refused(
        &mut self,
        now: Now,
        index: usize,
        code: u8,
        wait: Duration,
        out: &mut Vec<Effect>,
    ) {
        self.count("rendezvous.refused");
        let reason = Reason::from_code(code);
        let fault = ServerFault::Refused(code);
        let Some(server) = self.servers.get_mut(index) else { return };
        let id = server.id;
        let Some(session) = server.session() else {
            let asked = Some(wait).filter(|wait| *wait > Duration::ZERO);
            return self.fail(now, index, (fault, String::new()), asked, out);
        };
        match reason {
            Some(Reason::TooFast | Reason::Busy) => session.hold(now.mono, wait),
            Some(Reason::RoomFull) => {
                session.meet_later(now.mono + wait.max(ROOM_FULL_WAIT));
                server.note(fault);
                out.push(Effect::Changed { server: id });
            }
            // Of a newer server: what it can't live with it closes.
            None | Some(Reason::TooManyTags) => {}
            Some(_) => {
                let asked = Some(wait).filter(|wait| *wait > Duration::ZERO);
                self.fail(now, index, (fault, String::new()), asked, out);
            }
        }
    }

    fn misunderstand(&mut self, now: Now, index: usize, out: &mut Vec<Effect>) {
        self.count("rendezvous.misunderstood");
        let fault = (ServerFault::Misunderstood, String::new());
        self.fail(now, index, fault, None, out);
    }

    /// Closes what there is and waits.
    #[inline(never)]
    fn fail(
        &mut self,
        now: Now,
        index: usize,
        fault: (ServerFault, String),
        asked: Option<Duration>,
        out: &mut Vec<Effect>,
    ) {
        let Some(server) = self.servers.get_mut(index) else { return };
        server.fail(now, fault, asked, &mut self.random);
        self.known.forget(server.id);
        out.push(Effect::Command { server: server.id, command: ServerCommand::Close });
        out.push(Effect::Changed { server: server.id });
        self.count("rendezvous.failures");
    }

    fn on_signed(
        &mut self,
        (id, attempt): (ServerId, u32),
        signature: Option<Signature>,
        out: &mut Vec<Effect>,
    ) {
        let Some(server) = self.servers.get_mut(usize::from(id.0)) else { return };
        let Phase::Opening { step: step @ Step::Signing { .. }, .. } = &mut server.phase else {
            return;
        };
        if server.attempt != attempt {
            return;
        }
        let Step::Signing { host } = core::mem::replace(step, Step::Registered) else { return };
        // Without one the deadline of the opening ends it.
        if let Some(signature) = signature {
            say(id, ClientMessage::Register { host, key: self.key, signature }, out);
        }
    }

    #[inline(never)]
    fn on_announced(
        &mut self,
        now: Now,
        envelope: Option<Bytes>,
        is_alone: bool,
        out: &mut Vec<Effect>,
    ) {
        if self.announcement != Announcement::Wanted {
            return; // Of a run that ended.
        }
        match envelope {
            Some(envelope) => {
                self.announcement = Announcement::Made { envelope, is_alone };
                self.meet(now, out);
            }
            None => {
                self.announcement = Announcement::None;
                for session in self.servers.iter_mut().filter_map(Server::session) {
                    session.meet_later(now.mono + UNSIGNED_WAIT);
                }
            }
        }
    }

    /// Says by what we want to be found, wherever that is due.
    #[inline(never)]
    fn meet(&mut self, now: Now, out: &mut Vec<Effect>) {
        let is_due = |server: &Server| match &server.phase {
            Phase::Joined(session) => session.meet_at.is_some_and(|at| at <= now.mono),
            _ => false,
        };
        if !self.servers.iter().any(is_due) || self.announcement == Announcement::Wanted {
            return;
        }
        let is_alone = self.connected == 0;
        let envelope = match &self.announcement {
            Announcement::Made { envelope, is_alone: said } if *said == is_alone => {
                envelope.clone()
            }
            _ => {
                self.announcement = Announcement::Wanted;
                return out.push(Effect::Announce { is_alone });
            }
        };
        for index in 0..self.servers.len() {
            let Some(server) = self.servers.get_mut(index).filter(|server| is_due(server)) else {
                continue;
            };
            let id = server.id;
            let Some(session) = server.session() else { continue };
            session.on_met(now.mono, self.connected < FEW, &mut self.random);
            let (tags, announcement) = (vec![self.tag], envelope.clone());
            say(id, ClientMessage::Meet { tags, announcement, connected: self.connected }, out);
            self.count("rendezvous.meets");
        }
    }

    #[inline(never)]
    fn send(
        &mut self,
        now: Instant,
        to: PeerId,
        envelope: &Bytes,
        is_carried: bool,
        out: &mut Vec<Effect>,
    ) {
        let joined = self.servers.iter().filter(|server| server.is_joined());
        let there = joined.fold(0, |there, server| there | bit(server.id));
        if there == 0 {
            return;
        }
        let through = self.known.route(now, to, (is_carried, self.connected == 0), there);
        if through == 0 {
            return self.count("rendezvous.spared");
        }
        let bytes = envelope.len() + SEALING_BYTES;
        for index in 0..self.servers.len() {
            let Some(server) = self.servers.get_mut(index) else { continue };
            let id = server.id;
            if through & bit(id) == 0 {
                continue;
            }
            let Some(session) = server.session() else { continue };
            let fits = u32::try_from(bytes).is_ok_and(|bytes| bytes <= session.terms.bytes_max);
            // It is repeated, as what gets lost on the way is.
            if !fits || !session.may_say(now, bytes) {
                self.count("rendezvous.held_back");
                continue;
            }
            say(id, ClientMessage::Envelope { to, bytes: envelope.clone() }, out);
            self.count("rendezvous.sent");
        }
    }

    /// Servers prefer those who are connected, and those who know of nobody ask for more.
    #[inline(never)]
    fn on_connected(&mut self, now: Now, connected: u16, out: &mut Vec<Effect>) {
        let was_alone = core::mem::replace(&mut self.connected, connected) == 0;
        let is_alone = connected == 0;
        for session in self.servers.iter_mut().filter_map(Server::session) {
            session.want_more(now.mono, connected < FEW, &mut self.random);
            if was_alone != is_alone {
                session.meet_soon(now.mono);
            }
        }
        self.meet(now, out);
    }

    /// A page that runs again tries what it waits for, and finds out what died meanwhile.
    fn on_lifecycle(&mut self, now: Now, lifecycle: Lifecycle, out: &mut Vec<Effect>) {
        if !matches!(lifecycle, Lifecycle::Visible | Lifecycle::Resumed) {
            return;
        }
        for index in 0..self.servers.len() {
            let Some(server) = self.servers.get_mut(index) else { continue };
            let id = server.id;
            match &mut server.phase {
                Phase::Waiting { is_asked: false, .. } => self.dial(now, index, out),
                Phase::Joined(session) => {
                    if let Some(number) = session.probe(now.mono, true) {
                        say(id, ClientMessage::Ping { number }, out);
                    }
                }
                Phase::Waiting { .. } | Phase::Opening { .. } | Phase::Stopped => {}
            }
        }
    }

    fn server_timeout(&mut self, now: Now, index: usize, out: &mut Vec<Effect>) {
        let Some(server) = self.servers.get_mut(index) else { return };
        let id = server.id;
        let is_silent = match &mut server.phase {
            Phase::Waiting { until, .. } if *until <= now.mono => {
                return self.dial(now, index, out);
            }
            Phase::Opening { deadline, .. } => deadline.is_missed(now.mono),
            Phase::Joined(session) => match &mut session.pulse {
                Pulse::Quiet { ping_at } if *ping_at <= now.mono => {
                    if let Some(number) = session.probe(now.mono, false) {
                        say(id, ClientMessage::Ping { number }, out);
                    }
                    false
                }
                Pulse::Quiet { .. } => false,
                Pulse::Asked { deadline, .. } => deadline.is_missed(now.mono),
            },
            Phase::Waiting { .. } | Phase::Stopped => false,
        };
        if is_silent {
            let fault = (ServerFault::Silent, String::new());
            self.fail(now, index, fault, None, out);
        }
    }
}

fn say(server: ServerId, message: ClientMessage, out: &mut Vec<Effect>) {
    out.push(Effect::Command { server, command: ServerCommand::Say(message) });
}
