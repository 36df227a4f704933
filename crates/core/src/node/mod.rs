//! The composition of the protocols: wiring only, no protocol logic.

mod proof;
mod route;
mod signer;
mod snapshot;
#[cfg(test)]
mod tests;

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use bytes::Bytes;
use peerloom_crypto::PublicKey;
use peerloom_wire::{AppId, PeerId, Tag};

use self::proof::{Proof, Proofs};
use self::route::Step;
use self::signer::Signer;
pub use self::snapshot::Status;
use crate::broadcast::{self, Broadcast};
use crate::content::{self, Content};
use crate::discovery::{self, Discovery};
use crate::event::{BadInput, CommandError, Event, LetterId, Reply, SignalPath};
use crate::gossip::{self, Gossip};
use crate::io::{Command, CommandId, Input, Lifecycle, Output};
use crate::link::{self, Link};
use crate::machine::Machine;
use crate::pace::Exchange;
use crate::pex::{self, Pex};
use crate::random::Random;
use crate::registry::{self, Registry};
use crate::rendezvous::{self, Rendezvous};
use crate::roles::{self, Device, RoleRules, Roles};
use crate::routing::{self, Routing};
use crate::time::{Instant, Now};
use crate::topology::{self, Topology};
use crate::trust::{self, Trust};

/// More steps than this for one input are a routing loop: a bug, not a load. A full inventory of
/// 10,000 contents to 64 peers takes some 5,000.
const STEPS_MAX: usize = 100_000;

/// The most `Start` commands that wait for the store.
const STARTS_WAITING_MAX: usize = 64;

/// The most commands that wait until the records are read: as many as there may be seeds and then
/// some.
const EARLY_COMMANDS_MAX: usize = 256;

/// With one chunk asked for along with the manifest, the first one was in a reader's hand after 18 to
/// 20 ms; with four, which it has to share the processors with, after 20 to 27 (measured 2026-11-20).
const EARLY_MAX: u32 = 1;

/// Two chunks keep a channel busy that is still in its slow start, and leave the processors to the
/// first one, which is in a reader's hand 2 ms sooner than with four (measured 2026-11-20).
const WINDOW_MIN: u64 = 2;

/// What makes a node.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// Which application: nodes of others are never met.
    pub app: AppId,
    /// The peer's key. Its private half is with the driver, which signs what the node asks for.
    pub key: PublicKey,
    /// Seeds the protocols' random streams. No secret.
    pub seed: [u8; 32],
    /// The most direct connections, attempts included. The default of the SDK is 8.
    pub connections_max: u16,
    /// How often, and how much, peers are told of others.
    pub exchange: Exchange,
    /// What it takes to have a role.
    pub rules: RoleRules,
    /// What the device is.
    pub device: Device,
    /// Where it meets others beside the signalling paths of its origin.
    pub meeting: Meeting,
    /// The time of creation.
    pub now: Now,
}

/// Where a node meets others: by one tag at a few servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meeting {
    /// By what it wants to be found: [`Place::of`](peerloom_wire::rendezvous::Place::of).
    pub tag: Tag,
    /// How many servers there are, at most [`SERVERS_MAX`](crate::SERVERS_MAX).
    pub servers: u8,
}

impl Meeting {
    /// Nowhere.
    pub const NONE: Self = Self { tag: Tag([0; 32]), servers: 0 };
}

/// How far the store is.
#[derive(Debug)]
enum Loading {
    Pending(Vec<CommandId>),
    Loaded,
    Failed,
}

/// Whether it is known who is banned. Before that nothing is said and nobody is heard.
#[derive(Debug)]
enum Records {
    /// They are being read; what the application wants of peers meanwhile waits, at most
    /// [`EARLY_COMMANDS_MAX`].
    Awaited(Vec<(CommandId, Command)>),
    /// They were read, or can't be.
    Read,
}

/// A peer of a swarm, as a pure state machine.
#[derive(Debug)]
pub struct Node {
    signer: Signer,
    proofs: Proofs,
    link: Link,
    discovery: Discovery,
    registry: Registry,
    rendezvous: Rendezvous,
    pex: Pex,
    gossip: Gossip,
    roles: Roles,
    routing: Routing,
    topology: Topology,
    broadcast: Broadcast,
    content: Content,
    trust: Trust,
    records: Records,
    loading: Loading,
    steps: VecDeque<Step>,
    outputs: VecDeque<Output>,
    /// The time of the last input, of which snapshots are.
    now: Now,
    /// Broken invariants survived; 0, or there is a bug.
    bugs: u64,
}

impl Node {
    /// Makes a node that is stopped and begins to load what is stored.
    #[must_use]
    pub fn new(config: NodeConfig) -> Self {
        let signer = Signer::new(config.app, config.key);
        let id = signer.peer();
        let connections_max = usize::from(config.connections_max);
        // Later runs begin higher, with 2¹⁶ sessions for each millisecond of this one. Two tabs that
        // a browser restores in the same millisecond begin apart, by their ids.
        let [high, low, ..] = id.0;
        let apart = u64::from(u16::from_be_bytes([high, low]));
        let session_first = (config.now.unix_ms << 16) + apart;
        let random = Random::fork(&config.seed, "discovery");
        let roles = Roles::new(roles::Config {
            rules: config.rules,
            device: config.device,
            connections_max: config.connections_max,
        });
        let mut node = Self {
            signer,
            proofs: Proofs::default(),
            link: Link::new(link::Config { own: id, connections_max, session_first }),
            discovery: Discovery::new(discovery::Config { own: id, connections_max }, random),
            registry: Registry::new(registry::Config { own: id }),
            rendezvous: Rendezvous::new(
                rendezvous::Config {
                    key: config.key,
                    tag: config.meeting.tag,
                    servers: config.meeting.servers,
                },
                Random::fork(&config.seed, "rendezvous"),
            ),
            pex: Pex::new(pex::Config {
                app: config.app,
                key: config.key,
                says: route::says(roles.standing()),
                exchange: config.exchange,
            }),
            gossip: Gossip::new(config.exchange),
            roles,
            routing: Routing::new(routing::Config { own: id }),
            topology: Topology::new(
                topology::Config { own: id, connections_max },
                Random::fork(&config.seed, "topology"),
            ),
            broadcast: Broadcast::new(
                broadcast::Config { key: config.key, app: config.app },
                Random::fork(&config.seed, "broadcast"),
            ),
            content: Content::new(content::Config {
                author: config.key,
                early_max: EARLY_MAX,
                window_min: WINDOW_MIN,
            }),
            trust: Trust::default(),
            records: Records::Awaited(Vec::new()),
            loading: Loading::Pending(Vec::new()),
            steps: VecDeque::from([Step::Content(content::Input::Start)]),
            outputs: VecDeque::new(),
            now: config.now,
            bugs: 0,
        };
        node.run(config.now);
        node
    }

    /// Takes one input to completion. The outputs wait, in order, for [`Self::poll_output`].
    pub fn handle(&mut self, now: Now, input: Input) {
        self.now = now;
        match input {
            Input::Timeout => self.handle_timeout(now),
            Input::Command { id, command } => self.handle_command(now, id, command),
            Input::Link { conn, event } => {
                self.steps.push_back(Step::Link(link::Input::Event { conn, event }));
            }
            Input::Signal { bytes } => {
                self.on_envelope(now, &bytes, (SignalPath::Broadcast, None), 1);
            }
            Input::Server { server, event } => {
                let input = rendezvous::Input::Event { server, event };
                self.steps.push_back(Step::Rendezvous(input));
            }
            Input::Signed { id, signature } => self.on_signed(now, id, signature),
            Input::Verified { id, holds } => self.on_verified(now, id, holds),
            Input::Stored { id, result } => self.on_stored(now, id, result),
            Input::Lifecycle(lifecycle) => self.handle_lifecycle(now, lifecycle),
            Input::Taken { letter, is_taken } => {
                self.steps.push_back(Step::Routing(routing::Input::Taken { letter, is_taken }));
            }
            Input::Economy(economy) => {
                self.steps.push_back(Step::Pex(pex::Input::Economy(economy)));
                self.steps.push_back(Step::Gossip(gossip::Input::Economy(economy)));
                self.steps.push_back(Step::Roles(roles::Input::Economy(economy)));
            }
        }
        self.run(now);
    }

    /// Returns the next thing to do, until there is none.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Returns when [`Input::Timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let Self { link, discovery, registry, rendezvous, pex, gossip, roles, .. } = self;
        let Self { routing, topology, broadcast, content, trust, .. } = self;
        let deadlines = [
            link.poll_timeout(),
            discovery.poll_timeout(),
            registry.poll_timeout(),
            rendezvous.poll_timeout(),
            pex.poll_timeout(),
            gossip.poll_timeout(),
            routing.poll_timeout(),
            roles.poll_timeout(),
            topology.poll_timeout(),
            broadcast.poll_timeout(),
            content.poll_timeout(),
            trust.poll_timeout(),
        ];
        deadlines.into_iter().flatten().min()
    }

    #[inline(never)]
    fn handle_timeout(&mut self, now: Now) {
        // Each to completion, before the next one's turn: a connection that link closes now is none for
        // content any more.
        let effects = timed_out(&mut self.link, now);
        self.route(now, effects, Self::route_link);
        self.run(now);
        let effects = timed_out(&mut self.discovery, now);
        self.route(now, effects, Self::route_discovery);
        self.run(now);
        let effects = timed_out(&mut self.registry, now);
        self.route(now, effects, Self::route_registry);
        self.run(now);
        let effects = timed_out(&mut self.rendezvous, now);
        self.route(now, effects, Self::route_rendezvous);
        self.run(now);
        let effects = timed_out(&mut self.pex, now);
        self.route(now, effects, Self::route_pex);
        self.run(now);
        let effects = timed_out(&mut self.gossip, now);
        self.route(now, effects, Self::route_gossip);
        self.run(now);
        let effects = timed_out(&mut self.routing, now);
        self.route(now, effects, Self::route_routing);
        self.run(now);
        let effects = timed_out(&mut self.roles, now);
        self.route(now, effects, Self::route_roles);
        self.run(now);
        let effects = timed_out(&mut self.topology, now);
        self.route(now, effects, Self::route_topology);
        self.run(now);
        let effects = timed_out(&mut self.broadcast, now);
        self.route(now, effects, Self::route_broadcast);
        self.run(now);
        let effects = timed_out(&mut self.content, now);
        self.route(now, effects, Self::route_content);
        self.run(now);
        let effects = timed_out(&mut self.trust, now);
        self.route(now, effects, Self::route_trust);
        self.run(now);
    }

    #[inline(never)]
    fn handle_command(&mut self, now: Now, id: CommandId, command: Command) {
        if let Records::Awaited(waiting) = &mut self.records
            && matches!(
                command,
                Command::Start
                    | Command::Connect { .. }
                    | Command::Send { .. }
                    | Command::Unban { .. }
            )
        {
            if waiting.len() < EARLY_COMMANDS_MAX {
                return waiting.push((id, command));
            }
            return self.done(id, Err(CommandError::Aborted));
        }
        let content = match command {
            Command::Join { room, is_shown } => {
                return self.post(id, broadcast::Command::Join { room, is_shown });
            }
            Command::Leave { room } => return self.post(id, broadcast::Command::Leave { room }),
            Command::Post { room, data } => {
                return self.post(id, broadcast::Command::Post { room, data });
            }
            Command::Start => return self.start(now, id),
            Command::Stop => {
                self.stop(now);
                return self.done(id, Ok(Reply::Done));
            }
            Command::Connect { peer } | Command::Send { to: peer, .. }
                if self.trust.is_banned(now, peer) =>
            {
                return self.done(id, Err(CommandError::Denied));
            }
            Command::Connect { peer } => {
                self.steps.push_back(Step::Topology(topology::Input::Pin { peer }));
                let input = discovery::Input::Connect { id, peer };
                return self.steps.push_back(Step::Discovery(input));
            }
            Command::Send { .. } if !self.discovery.is_running() => {
                return self.done(id, Err(CommandError::Closed));
            }
            Command::Send { to, room, number, data } => {
                return self.send(now, (id, to), &room, number, data);
            }
            Command::Disconnect { peer } => {
                self.steps.push_back(Step::Topology(topology::Input::Unpin { peer }));
                self.steps.push_back(Step::Discovery(discovery::Input::Part { peer }));
                return self.done(id, Ok(Reply::Done));
            }
            Command::Ban { peer } => {
                self.steps.push_back(Step::Trust(trust::Input::Ban { peer }));
                return self.done(id, Ok(Reply::Done));
            }
            Command::Unban { peer } => {
                self.steps.push_back(Step::Trust(trust::Input::Pardon { peer }));
                return self.done(id, Ok(Reply::Done));
            }
            Command::Add { draft } => content::Command::Add { draft },
            Command::Get { content, key } => content::Command::Get { content, key },
            Command::Pause { content } => content::Command::Pause { content },
            Command::Resume { content } => content::Command::Resume { content },
            Command::Cancel { content } => content::Command::Cancel { content },
            Command::Seek { content, chunk } => content::Command::Seek { content, chunk },
            Command::Remove { content } => content::Command::Remove { content },
        };
        self.steps.push_back(Step::Content(content::Input::Command { id, command: content }));
    }

    #[inline(never)]
    fn handle_lifecycle(&mut self, now: Now, lifecycle: Lifecycle) {
        if lifecycle == Lifecycle::Leaving {
            return self.stop(now);
        }
        self.steps.push_back(Step::Link(link::Input::Lifecycle(lifecycle)));
        self.steps.push_back(Step::Pex(pex::Input::Lifecycle(lifecycle)));
        self.steps.push_back(Step::Gossip(gossip::Input::Lifecycle(lifecycle)));
        self.steps.push_back(Step::Roles(roles::Input::Lifecycle(lifecycle)));
        self.steps.push_back(Step::Rendezvous(rendezvous::Input::Lifecycle(lifecycle)));
        if lifecycle == Lifecycle::Resumed {
            self.steps.push_back(Step::Discovery(discovery::Input::Resumed));
            self.steps.push_back(Step::Registry(registry::Input::Resumed));
        }
    }

    fn start(&mut self, now: Now, id: CommandId) {
        if !self.discovery.is_running()
            && let Some(goodbye) = self.signer.begin_run(now.unix_ms)
        {
            let payload = goodbye.payload();
            self.sign(Proof::Goodbye(goodbye), payload);
        }
        self.steps.push_back(Step::Discovery(discovery::Input::Start));
        self.steps.push_back(Step::Registry(registry::Input::Start));
        self.steps.push_back(Step::Rendezvous(rendezvous::Input::Start));
        self.steps.push_back(Step::Pex(pex::Input::Start));
        self.steps.push_back(Step::Broadcast(broadcast::Input::Start));
        self.steps.push_back(Step::Roles(roles::Input::Start));
        let result = match &mut self.loading {
            Loading::Pending(waiting) if waiting.len() < STARTS_WAITING_MAX => {
                return waiting.push(id);
            }
            Loading::Pending(_) => Err(CommandError::Aborted),
            Loading::Loaded => Ok(Reply::Done),
            // The store may work by now.
            Loading::Failed => {
                self.loading = Loading::Pending(vec![id]);
                return self.steps.push_back(Step::Content(content::Input::Start));
            }
        };
        self.done(id, result);
    }

    fn post(&mut self, id: CommandId, command: broadcast::Command) {
        self.steps.push_back(Step::Broadcast(broadcast::Input::Command { id, command }));
    }

    #[inline(never)]
    fn send(
        &mut self,
        now: Now,
        (id, target): (CommandId, PeerId),
        room: &str,
        number: u64,
        payload: Bytes,
    ) {
        let Some(room) = self.broadcast.topic(room) else {
            return self.done(id, Err(CommandError::BadInput(BadInput::NotInRoom)));
        };
        let run = self.signer.run();
        let letter = LetterId { from: self.signer.peer(), run, number };
        let (name, sent_ms) = (routing::name_of(letter), now.unix_ms);
        let draft = routing::Draft { run, number, name, room, sent_ms, payload };
        let run = self.discovery.run_of(target);
        let input = routing::Input::Post { id, target, run, draft };
        self.steps.push_back(Step::Routing(input));
    }

    /// The connections go first, so that their goodbye is on the way before anything else but the
    /// farewells to rooms, which they carry.
    fn stop(&mut self, now: Now) {
        if let Records::Awaited(waiting) = &mut self.records {
            for (id, _) in core::mem::take(waiting) {
                self.done(id, Err(CommandError::Closed));
            }
        }
        let effects = handled(&mut self.broadcast, now, broadcast::Input::Stop);
        self.route(now, effects, Self::route_broadcast);
        self.steps.push_back(Step::Link(link::Input::HangupAll));
        self.steps.push_back(Step::Discovery(discovery::Input::Stop));
        self.steps.push_back(Step::Registry(registry::Input::Stop));
        self.steps.push_back(Step::Rendezvous(rendezvous::Input::Stop));
        self.steps.push_back(Step::Pex(pex::Input::Stop));
        self.steps.push_back(Step::Routing(routing::Input::Stop));
        self.steps.push_back(Step::Roles(roles::Input::Stop));
        self.steps.push_back(Step::Content(content::Input::Stop));
        self.steps.push_back(Step::Trust(trust::Input::Stop));
    }

    fn done(&mut self, id: CommandId, result: Result<Reply, CommandError>) {
        self.outputs.push_back(Output::Event(Event::Done { id, result }));
    }

    /// A loop, not recursion: protocols answer each other through the queue.
    fn run(&mut self, now: Now) {
        for _ in 0..STEPS_MAX {
            let Some(step) = self.steps.pop_front() else { return };
            self.step(now, step);
        }
        self.bug("a routing loop");
        self.steps.clear();
    }

    fn step(&mut self, now: Now, step: Step) {
        match step {
            Step::Link(input) => {
                let effects = handled(&mut self.link, now, input);
                self.route(now, effects, Self::route_link);
            }
            Step::Discovery(input) => {
                let effects = handled(&mut self.discovery, now, input);
                self.route(now, effects, Self::route_discovery);
            }
            Step::Registry(input) => {
                let effects = handled(&mut self.registry, now, input);
                self.route(now, effects, Self::route_registry);
            }
            Step::Rendezvous(input) => {
                let effects = handled(&mut self.rendezvous, now, input);
                self.route(now, effects, Self::route_rendezvous);
            }
            Step::Pex(input) => {
                let effects = handled(&mut self.pex, now, input);
                self.route(now, effects, Self::route_pex);
            }
            Step::Gossip(input) => {
                let effects = handled(&mut self.gossip, now, input);
                self.route(now, effects, Self::route_gossip);
            }
            Step::Roles(input) => {
                let effects = handled(&mut self.roles, now, input);
                self.route(now, effects, Self::route_roles);
            }
            Step::Routing(input) => {
                let effects = handled(&mut self.routing, now, input);
                self.route(now, effects, Self::route_routing);
            }
            Step::Topology(input) => {
                let effects = handled(&mut self.topology, now, input);
                self.route(now, effects, Self::route_topology);
            }
            Step::Broadcast(input) => {
                let effects = handled(&mut self.broadcast, now, input);
                self.route(now, effects, Self::route_broadcast);
            }
            Step::Content(input) => {
                let effects = handled(&mut self.content, now, input);
                self.route(now, effects, Self::route_content);
            }
            Step::Trust(input) => {
                let effects = handled(&mut self.trust, now, input);
                self.route(now, effects, Self::route_trust);
            }
        }
    }

    /// Routes what a protocol asks for. Out of line, since each loop is there for inputs and for deadlines.
    #[inline(never)]
    fn route<E>(&mut self, now: Now, effects: Vec<E>, route: fn(&mut Self, Now, E)) {
        for effect in effects {
            route(self, now, effect);
        }
    }

    /// Loud in tests, survivable in a tab that nobody restarts.
    fn bug(&mut self, what: &str) {
        self.bugs += 1;
        debug_assert!(false, "bug: {what}: {:?}", self.steps.front());
    }
}

#[inline(never)]
fn handled<M: Machine>(machine: &mut M, now: Now, input: M::Input) -> Vec<M::Effect> {
    let mut out = Vec::new();
    machine.handle(now, input, &mut out);
    out
}

fn timed_out<M: Machine>(machine: &mut M, now: Now) -> Vec<M::Effect> {
    let mut out = Vec::new();
    if machine.poll_timeout().is_some_and(|at| at <= now.mono) {
        machine.handle_timeout(now, &mut out);
    }
    out
}
