//! The world: nodes, the queue of what happens, and the pump between them.

use core::time::Duration;
use std::collections::BTreeMap;
use std::io::{self, Write};

use peerloom_core::event::{CommandError, Reply};
use peerloom_core::io::{BodySource, Command, CommandId, ConnId, LinkCommand, StoreId, StoreOp};
use peerloom_core::{Event, Input, Instant, Now, Output};

use crate::bus::{Bus, Listener};
use crate::checkers::{Checkers, Measured};
use crate::dice::Dice;
use crate::fabric::{Body, End, Fabric};
use crate::options::Options;
use crate::report::Report;
use crate::schedule::{Happening, Schedule, Seat};
use crate::store::Health;
use crate::tab::{self, Asked, Life, Tab};
use crate::trace::Trace;
use crate::truth::Truth;
use crate::{convergence, hostile, keyring};

/// How often the checkers look around.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// How many tabs they look at each time, and after how many times they have seen all at the latest.
const LOOKED_AT_MIN: usize = 64;
const LOOKS_MAX: usize = 10;

/// How long a converged world is watched, in milliseconds: two pings of each connection.
const STAYS_MS: u64 = 10_000;

/// How long a ban may keep it from being converged again: a few attempts with backoff. Guess.
const RECOVERS_MS: u64 = 60_000;

/// How many timeouts in a row may leave something due: one protocol's timeout makes work for
/// another.
const SPINS_MAX: u32 = 4;

/// A world in virtual time.
pub struct World {
    pub(crate) options: Options,
    pub(crate) schedule: Schedule,
    pub(crate) tabs: Vec<Tab>,
    pub(crate) fabric: Fabric,
    pub(crate) truth: Truth,
    pub(crate) checkers: Checkers,
    pub(crate) dice: Dice,
    pub(crate) healed: bool,
    pub(crate) counts: BTreeMap<&'static str, u64>,
    pub(crate) bus: Bus,
    trace: Trace,
    /// Every event an application heard, if somebody wants them.
    events: Option<Vec<(usize, Event)>>,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "world of {} tabs at {:?}", self.tabs.len(), self.schedule.now())
    }
}

/// Runs a world from its first step to convergence, or to the first violation.
///
/// # Errors
/// If the trace can't be written.
pub fn run(options: &Options, trace: Option<Box<dyn Write>>) -> io::Result<Report> {
    let mut world = World::new(options);
    if let Some(writer) = trace {
        world.trace = Trace::into(writer, options);
    }
    let converged_ms = world.run_to_the_end();
    world.trace.close()?;
    Ok(Report::new(&world, converged_ms))
}

impl World {
    /// Makes a world at time zero.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        let mut schedule = Schedule::default();
        for (index, step) in options.script.iter().enumerate() {
            schedule.at(Instant::from_micros(step.at_ms * 1000), Happening::Step(index));
        }
        schedule.after(LOOK_INTERVAL, Happening::Look);
        Self {
            tabs: (0..options.tabs.len()).map(|index| Tab::new(options, index)).collect(),
            fabric: Fabric::new(options.seed, options.links),
            bus: Bus::new(options.seed, options.signalling),
            truth: Truth::new(options),
            checkers: Checkers::default(),
            dice: Dice::new(options.seed, "world"),
            healed: false,
            counts: BTreeMap::new(),
            trace: Trace::new(),
            events: None,
            schedule,
            options: options.clone(),
        }
    }

    /// Runs everything due in the first `ms` virtual milliseconds, or up to a violation.
    pub fn run_until(&mut self, ms: u64) {
        let end = Instant::from_micros(ms * 1000);
        while self.checkers.violations.is_empty() {
            let Some(happening) = self.schedule.next(end) else { return };
            self.happen(happening);
        }
    }

    pub(crate) fn trace_hash(&self) -> u64 {
        self.trace.hash()
    }

    pub(crate) const fn inputs_count(&self) -> u64 {
        self.trace.inputs
    }

    pub(crate) const fn now_ms(&self) -> u64 {
        self.schedule.now().as_micros() / 1000
    }

    /// Keeps events from here on, for [`Self::events`].
    #[cfg(test)]
    pub(crate) fn keep_events(&mut self) {
        self.events = Some(Vec::new());
    }

    #[cfg(test)]
    pub(crate) fn events(&self) -> &[(usize, Event)] {
        self.events.as_deref().unwrap_or_default()
    }

    /// Returns when it converged, if it did.
    pub(crate) fn run_to_the_end(&mut self) -> Option<u64> {
        self.run_until(self.options.heal_at_ms);
        if !self.checkers.violations.is_empty() {
            return None;
        }
        self.heal();
        let deadline = self.options.heal_at_ms + self.options.converge_ms;
        let mut at_ms = self.options.heal_at_ms;
        while at_ms < deadline && self.checkers.violations.is_empty() {
            at_ms += 1_000;
            self.run_until(at_ms);
            if convergence::unmet(self).is_empty() {
                return self.stays_converged(at_ms).then_some(at_ms);
            }
        }
        for (tab, what) in convergence::unmet(self) {
            self.checkers.fail(self.now_ms(), tab, "a healed world converges", what);
        }
        None
    }

    /// A world that has converged has nothing to do but ping: it must not fall apart again. Hostile
    /// tabs may still be found out and banned, which moves connections: then it has to recover.
    fn stays_converged(&mut self, at_ms: u64) -> bool {
        self.run_until(at_ms + STAYS_MS);
        if !self.tabs.iter().all(Tab::is_honest) {
            let end_ms = at_ms + STAYS_MS + RECOVERS_MS;
            while !convergence::unmet(self).is_empty() && self.now_ms() < end_ms {
                self.run_until(self.now_ms() + 1_000);
            }
        }
        for (tab, what) in convergence::unmet(self) {
            self.checkers.fail(self.now_ms(), tab, "a converged world stays so", what);
        }
        self.checkers.violations.is_empty()
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Input { seat, input } => self.feed(seat, input),
            Happening::Wake { seat } => self.wake(seat),
            Happening::Fabric(step) => self.fabric.step(&mut self.schedule, step),
            Happening::Stored { seat, id } => self.stored(seat, id),
            Happening::Step(index) => {
                if let Some(step) = self.options.script.get(index).cloned() {
                    self.act(step.action);
                }
            }
            Happening::Thaw { seat, until } => self.thaw(seat, until),
            Happening::Show { seat, until } => self.show(seat, until),
            Happening::Restart { seat, until } => {
                let tab = &mut self.tabs[seat.tab];
                if tab.seat == seat && tab.stopped_until == Some(until) {
                    tab.stopped_until = None;
                }
            }
            Happening::Open { tab } => self.open(tab),
            Happening::Rejoin { cut } => self.fabric.rejoin(&mut self.schedule, cut),
            Happening::StoreMended { tab, until } => {
                let tab = &mut self.tabs[tab];
                if tab.broken_until == Some(until) {
                    tab.broken_until = None;
                    tab.store.health = Health::Working;
                }
            }
            Happening::Look => self.look(),
        }
        self.collect_breaches();
    }

    /// Gives a node an input now, or when its page runs again.
    pub(crate) fn feed(&mut self, seat: Seat, input: Input) {
        let tab = &mut self.tabs[seat.tab];
        if tab.seat != seat || !tab.is_open() {
            return;
        }
        if tab.frozen_until.is_some() {
            tab.held.push_back(input);
            return;
        }
        if let Input::Link { conn, .. } = &input
            && !self.fabric.has(End { seat, conn: *conn })
        {
            return;
        }
        let now = self.schedule.now();
        let at = Now {
            mono: Instant::from_micros(
                now.since(tab.opened_at).as_micros().try_into().unwrap_or(0),
            ),
            unix_ms: tab.unix_ms(now),
        };
        let Some(node) = &mut tab.node else { return };
        self.trace.hash_input(&input);
        let kept = self.trace.is_written().then(|| input.clone());
        node.handle(at, input);
        let outputs: Vec<Output> = core::iter::from_fn(|| node.poll_output()).collect();
        self.trace.handled(seat, at, kept, &outputs);
        self.measure(seat, outputs.len());
        for output in outputs {
            self.execute(seat, output);
        }
        self.plan_wake(seat);
    }

    /// Gives a command; its answer comes as an event.
    pub(crate) fn command(&mut self, index: usize, command: Command, asked: Asked) {
        let tab = &mut self.tabs[index];
        if !tab.is_open() {
            return;
        }
        let id = CommandId(tab.commands_next);
        tab.commands_next += 1;
        tab.commands.insert(id, asked);
        let seat = tab.seat;
        self.feed(seat, Input::Command { id, command });
    }

    /// Opens a tab: a new session of its node, started at once.
    pub(crate) fn open(&mut self, index: usize) {
        let now = self.schedule.now();
        let tab = &mut self.tabs[index];
        if tab.life != Life::Closed {
            return;
        }
        tab.seat.session += 1;
        tab.opened_at = now;
        tab.life = Life::Idle;
        let (seat, unix_ms) = (tab.seat, tab.unix_ms(now));
        tab.node = tab::new_node(&self.options, seat, unix_ms);
        self.trace.opened(seat, unix_ms);
        self.count("tabs opened");
        self.command(index, Command::Start, Asked::Start);
    }

    /// Closes a tab: no word to anybody from here on.
    pub(crate) fn close(&mut self, index: usize, life: Life) {
        let seat = self.tabs[index].seat;
        self.fabric.drop_session(&mut self.schedule, seat);
        self.checkers.closed(seat);
        let tab = &mut self.tabs[index];
        tab.store.crash(&mut self.dice);
        tab.close(life);
    }

    pub(crate) fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_insert(0) += 1;
    }

    fn execute(&mut self, seat: Seat, output: Output) {
        match output {
            Output::Signal { bytes } => {
                let hearers = self.truth.who.hearers(seat.tab);
                let open = hearers.iter().map(|tab| &self.tabs[*tab]).filter(|tab| tab.is_open());
                let listeners: Vec<Listener> =
                    open.map(|tab| Listener { seat: tab.seat, app: tab.options.app }).collect();
                let app = self.tabs[seat.tab].options.app;
                self.count("envelopes");
                self.bus.carry(&mut self.schedule, app, &bytes, &listeners);
            }
            Output::Link { conn, command } => self.execute_link(seat, conn, command),
            Output::Store { id, op } => self.execute_store(seat, id, op),
            Output::Sign { id, payload } => {
                let key = keyring::public_key(self.options.seed, seat.tab);
                let signature = Some(keyring::sign(&key, &payload));
                self.answer(seat, Input::Signed { id, signature });
            }
            Output::Verify { id, claim } => {
                let holds = keyring::holds(&claim);
                self.answer(seat, Input::Verified { id, holds });
            }
            Output::Event(event) => self.heard(seat, event),
        }
    }

    /// The browser's cryptography has an answer.
    fn answer(&mut self, seat: Seat, input: Input) {
        let latency = self.dice.span(keyring::LATENCY);
        self.schedule.after(latency, Happening::Input { seat, input });
    }

    fn execute_link(&mut self, seat: Seat, conn: ConnId, command: LinkCommand) {
        let end = End { seat, conn };
        let hostility = self.tabs[seat.tab].options.hostility.filter(|_| !self.healed);
        match (command, hostility) {
            (LinkCommand::ServeBody { request, body }, _) => {
                let read = self.dice.span(self.options.store.latency);
                let Some(body) = self.read_body(seat.tab, body) else {
                    self.count("bodies unavailable");
                    return self.fabric.body_unavailable(&mut self.schedule, end, request);
                };
                let Self { fabric, schedule, dice, .. } = self;
                match hostility {
                    Some(hostility) => {
                        hostile::serve(
                            hostility,
                            dice,
                            fabric,
                            schedule,
                            end,
                            (request, body),
                            read,
                        );
                    }
                    None => fabric.serve(schedule, end, (request, body, u32::MAX), read),
                }
            }
            (LinkCommand::Send { frame }, Some(hostility)) => {
                let Self { fabric, schedule, dice, .. } = self;
                hostile::send(hostility, dice, fabric, schedule, end, &frame);
            }
            (command, _) => self.fabric.execute(&mut self.schedule, end, command),
        }
    }

    fn execute_store(&mut self, seat: Seat, id: StoreId, op: StoreOp) {
        let mut body = None;
        if let StoreOp::KeepBody { conn, request, chunk } = &op {
            body = self.fabric.take_arrived(End { seat, conn: *conn }, *request);
            let at_ms = self.now_ms();
            self.checkers.kept(at_ms, seat.tab, *chunk, body.map(|body| body.sha256));
            self.count("chunks kept");
        }
        let latency = self.dice.span(self.options.store.latency);
        let tab = &mut self.tabs[seat.tab];
        let at = tab.store.begin(self.schedule.now(), (id, op, body), latency);
        self.schedule.at(at, Happening::Stored { seat, id });
    }

    fn stored(&mut self, seat: Seat, id: StoreId) {
        let tab = &mut self.tabs[seat.tab];
        if tab.seat != seat || !tab.is_open() {
            return;
        }
        let Some(result) = tab.store.finish(id, &self.options.store, &mut self.dice) else {
            return;
        };
        if result.is_err() {
            self.count("storage operations failed");
        }
        self.feed(seat, Input::Stored { id, result });
    }

    fn read_body(&self, index: usize, source: BodySource) -> Option<Body> {
        match source {
            BodySource::Inline(bytes) => Some(Body {
                sha256: peerloom_crypto::sha256(&bytes),
                bytes: u32::try_from(bytes.len()).ok()?,
                inline: Some(bytes),
            }),
            BodySource::Chunk(chunk) => {
                let store = &self.tabs[index].store;
                let readable = store.health != Health::Gone && store.holds(&chunk);
                let bytes = self.truth.chunk_bytes(&chunk).filter(|_| readable)?;
                Some(Body { sha256: chunk.0, bytes, inline: None })
            }
        }
    }

    /// An application hears an event, and does what applications do.
    fn heard(&mut self, seat: Seat, event: Event) {
        let Self { checkers, schedule, tabs, truth, .. } = self;
        let asked = checkers.event(schedule, tabs, truth, seat.tab, &event);
        self.count(event_name(&event));
        if let (Some(asked), Event::Done { result, .. }) = (asked, &event) {
            self.answered(seat, asked, result);
        }
        if let Some(events) = &mut self.events {
            events.push((seat.tab, event));
        }
    }

    fn answered(&mut self, seat: Seat, asked: Asked, result: &Result<Reply, CommandError>) {
        let tab = &mut self.tabs[seat.tab];
        match (&asked, result) {
            (Asked::Start, Ok(_)) => tab.life = Life::Running,
            (Asked::Stop, _) => tab.life = Life::Idle,
            (Asked::Add { content }, Ok(Reply::Content(id))) => {
                tab.durable.insert(*id);
                self.truth.name_content(*content, *id);
            }
            _ => {}
        }
    }

    fn wake(&mut self, seat: Seat) {
        let now = self.schedule.now();
        let tab = &mut self.tabs[seat.tab];
        if tab.seat != seat || tab.frozen_until.is_some() || tab.wake != Some(now) {
            return;
        }
        tab.wake = None;
        let due = tab.node.as_ref().and_then(|node| node.poll_timeout());
        let due = due.map(|due| tab.opened_at + Duration::from_micros(due.as_micros()));
        // Early calls are harmless, says the contract: some are made.
        if due.is_some_and(|due| due <= now) || self.dice.chance(100) {
            self.feed(seat, Input::Timeout);
            self.check_deadline(seat);
        } else {
            self.plan_wake(seat);
        }
    }

    /// A deadline that is served moves, at the latest when what followed from it is served too: or
    /// a driver would spin.
    fn check_deadline(&mut self, seat: Seat) {
        let now = self.schedule.now();
        let at_ms = self.now_ms();
        let tab = &mut self.tabs[seat.tab];
        let due = tab.node.as_ref().and_then(|node| node.poll_timeout());
        let stays =
            due.is_some_and(|due| tab.opened_at + Duration::from_micros(due.as_micros()) <= now);
        tab.spins = if stays { tab.spins + 1 } else { 0 };
        if tab.spins > SPINS_MAX {
            let what = format!("the deadline {due:?} stays, {} times served", tab.spins);
            self.checkers.fail(at_ms, seat.tab, "deadlines move", what);
        }
    }

    pub(crate) fn plan_wake(&mut self, seat: Seat) {
        let now = self.schedule.now();
        let tab = &mut self.tabs[seat.tab];
        let Some(due) = tab.node.as_ref().and_then(|node| node.poll_timeout()) else { return };
        let due = tab.opened_at + Duration::from_micros(due.as_micros());
        // Timers that are planned may fire late, so one that is planned for about then will do.
        if tab.wake.is_some_and(|wake| wake <= due) {
            return;
        }
        let at = tab.fires_at(due, now, &mut self.dice);
        if tab.wake.is_none_or(|wake| at < wake) {
            tab.wake = Some(at);
            self.schedule.at(at, Happening::Wake { seat });
        }
    }

    fn look(&mut self) {
        self.schedule.after(LOOK_INTERVAL, Happening::Look);
        let at_ms = self.now_ms();
        self.insist();
        let looks = self.tabs.len().div_ceil(LOOKED_AT_MIN).min(LOOKS_MAX);
        let turn = usize::try_from(at_ms / 1000).unwrap_or(0) % looks.max(1);
        for tab in self.tabs.iter().skip(turn).step_by(looks.max(1)) {
            self.checkers.look(at_ms, tab, self.options.max_connections);
            self.checkers.stored(at_ms, tab, &self.truth);
        }
    }

    fn measure(&mut self, seat: Seat, outputs: usize) {
        let measured = Measured {
            connections_max: usize::from(self.options.max_connections),
            ends: self.fabric.ends_count(seat),
            expected_bytes: self.fabric.expected_bytes(seat),
            outputs,
        };
        let at_ms = self.now_ms();
        self.checkers.bounds(at_ms, &self.tabs[seat.tab], &measured);
    }

    fn collect_breaches(&mut self) {
        let at_ms = self.now_ms();
        for (tab, what) in core::mem::take(&mut self.fabric.breaches) {
            self.checkers.fail(at_ms, tab, "a node keeps the driver's contract", what);
        }
    }
}

const fn event_name(event: &Event) -> &'static str {
    match event {
        Event::Done { result: Ok(_), .. } => "commands done",
        Event::Done { .. } => "commands refused",
        Event::PeerDiscovered(_) => "peers discovered",
        Event::PeerConnected(_) => "peers connected",
        Event::PeerUpdated(_) => "peers updated",
        Event::PeerDisconnected { .. } => "peers disconnected",
        Event::PeerLost { .. } => "peers lost",
        Event::ConnectFailed(_) => "attempts failed",
        Event::ContentChanged(_) => "contents changed",
        Event::ContentGone { .. } => "contents gone",
        Event::Progress { .. } => "progress told",
        Event::Served { .. } => "chunks served",
        Event::Security { .. } => "strikes and bans",
    }
}
