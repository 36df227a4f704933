//! The world: nodes, the queue of what happens, and the pump between them.

use core::time::Duration;
use std::collections::BTreeMap;
use std::io::{self, Write};

use peerloom_core::event::{CommandError, Reply, SecurityAction};
use peerloom_core::io::{Command, CommandId, LinkEvent};
use peerloom_core::{Event, Input, Instant, Node, Now, Output};

use crate::bus::Bus;
use crate::checkers::{Checkers, Measured};
use crate::convergence::{self, Reach};
use crate::dice::Dice;
use crate::fabric::{End, Fabric};
use crate::letters::Letters;
use crate::options::{APPS, Hostility, Options};
use crate::posts::Posts;
use crate::rendezvous::Servers;
use crate::report::Report;
use crate::schedule::{Happening, Schedule, Seat};
use crate::store::Health;
use crate::tab::{self, Asked, Life, Tab};
use crate::trace::Trace;
use crate::truth::Truth;

/// How often the checkers look around.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// How many tabs they look at each time, and after how many times they have seen all at the latest.
const LOOKED_AT_MIN: usize = 64;
const LOOKS_MAX: usize = 10;

/// How long a converged world is watched, in milliseconds: two pings of each connection.
const STAYS_MS: u64 = 10_000;

/// How long a ban may keep it from being converged again: a few attempts with backoff. Guess.
pub(crate) const RECOVERS_MS: u64 = 60_000;

/// How many timeouts in a row may leave something due: one protocol's timeout makes work for
/// another.
const SPINS_MAX: u32 = 4;

/// Which faults go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Faults {
    All,
    /// The world is healed but for what hostile tabs do, and the channels.
    HostileOnly,
    None,
}

/// A tab asked for another that it does not hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Visit {
    pub(crate) hops: u32,
    pub(crate) is_reached: bool,
    /// Until the answer.
    pub(crate) ms: u64,
}

/// A world in virtual time.
pub struct World {
    pub(crate) options: Options,
    pub(crate) schedule: Schedule,
    pub(crate) tabs: Vec<Tab>,
    pub(crate) fabric: Fabric,
    pub(crate) truth: Truth,
    pub(crate) checkers: Checkers,
    pub(crate) dice: Dice,
    pub(crate) faults: Faults,
    pub(crate) counts: BTreeMap<&'static str, u64>,
    pub(crate) bus: Bus,
    pub(crate) servers: Servers,
    /// What became of visits.
    pub(crate) visits: Vec<Visit>,
    /// The messages of applications.
    pub(crate) letters: Letters,
    /// What was said in rooms.
    pub(crate) posts: Posts,
    /// How many strikes there were, and how many bans.
    pub(crate) security: [u64; 2],
    /// What the nodes of ended sessions had counted, in sum.
    pub(crate) retired: BTreeMap<&'static str, u64>,
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
            servers: Servers::new(options),
            truth: Truth::new(options),
            checkers: Checkers::default(),
            dice: Dice::new(options.seed, "world"),
            faults: Faults::All,
            visits: Vec::new(),
            letters: Letters::default(),
            posts: Posts::default(),
            security: [0; 2],
            retired: BTreeMap::new(),
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
        self.end_faults(Faults::None);
        let deadline = self.options.heal_at_ms + self.options.converge_ms;
        let mut at_ms = self.options.heal_at_ms;
        while at_ms < deadline && self.checkers.violations.is_empty() {
            at_ms += 1_000;
            self.run_until(at_ms);
            if convergence::unmet(self, Reach::Carried).is_empty() {
                self.all_hear_all();
                let at_ms = self.now_ms();
                return self.stays_converged(at_ms).then_some(at_ms);
            }
        }
        for (tab, what) in convergence::unmet(self, Reach::Carried) {
            self.checkers.fail(self.now_ms(), tab, "a healed world converges", what);
        }
        None
    }

    /// A world that has converged has nothing to do but ping: it must not fall apart again. Hostile
    /// tabs may still be found out and banned, and in a crowd somebody may be let go for somebody
    /// else, which moves connections: then it has to recover.
    fn stays_converged(&mut self, at_ms: u64) -> bool {
        self.run_until(at_ms + STAYS_MS);
        let is_crowd = (0..APPS.len()).any(|app| convergence::is_crowd(self, app));
        if is_crowd || !self.tabs.iter().all(Tab::is_honest) {
            // Who is connected to a provider only now has everything to fetch.
            let end_ms = at_ms + STAYS_MS + RECOVERS_MS + self.options.carrying_ms();
            while !convergence::unmet(self, Reach::Carried).is_empty() && self.now_ms() < end_ms {
                self.run_until(self.now_ms() + 1_000);
            }
        }
        for (tab, what) in convergence::unmet(self, Reach::Carried) {
            self.checkers.fail(self.now_ms(), tab, "a converged world stays so", what);
        }
        self.checkers.violations.is_empty()
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Input { seat, input } => self.feed(seat, input),
            Happening::Wake { seat } => self.wake(seat),
            Happening::Fabric(step) => self.fabric.step(&mut self.schedule, step),
            Happening::Server { index, step } => self.step_server(index, step),
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
            Happening::Part { seat, peer } => {
                if self.tabs[seat.tab].seat == seat {
                    self.command(seat.tab, Command::Disconnect { peer }, Asked::Other);
                }
            }
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
        if let Input::Link { conn, event: LinkEvent::Writable { budget_bytes } } = &input {
            self.fabric.grant(End { seat, conn: *conn }, *budget_bytes);
        }
        let now = self.schedule.now();
        let at = Now {
            mono: Instant::from_micros(
                now.since(tab.opened_at).as_micros().try_into().unwrap_or(0),
            ),
            unix_ms: tab.unix_ms(now),
        };
        tab.envelopes_heard += u64::from(matches!(input, Input::Signal { .. }));
        let is_frame = matches!(&input, Input::Link { event: LinkEvent::Received { .. }, .. });
        tab.frames_heard += u64::from(is_frame);
        let Some(node) = &mut tab.node else { return };
        self.trace.hash_input(&input);
        let kept = self.trace.is_written().then(|| input.clone());
        node.handle(at, input);
        let outputs: Vec<Output> = core::iter::from_fn(|| node.poll_output()).collect();
        self.trace.handled(seat, at, kept, &outputs);
        let count = outputs.len();
        for output in outputs {
            self.execute(seat, output);
        }
        // Nothing grows but by what a node asks for.
        if count > 0 {
            self.measure(seat, count);
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
        self.open_letterbox(index);
        self.join_rooms(index);
    }

    /// Closes a tab: no word to anybody from here on.
    pub(crate) fn close(&mut self, index: usize, life: Life) {
        let seat = self.tabs[index].seat;
        self.fabric.drop_session(&mut self.schedule, seat);
        self.hang_up_all(seat);
        self.checkers.closed(seat);
        self.posts.closed(self.schedule.now(), seat);
        let tab = &mut self.tabs[index];
        for (what, count) in tab.node.iter().flat_map(Node::stats) {
            *self.retired.entry(what).or_insert(0) += count;
        }
        tab.store.crash(&mut self.dice);
        tab.close(life);
    }

    /// What a tab does to others at present.
    pub(crate) fn hostility(&self, index: usize) -> Option<Hostility> {
        self.tabs[index].options.hostility.filter(|_| self.faults != Faults::None)
    }

    pub(crate) fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_insert(0) += 1;
    }

    /// An application hears an event, and does what applications do.
    pub(crate) fn heard(&mut self, seat: Seat, event: Event) {
        let Self { checkers, schedule, tabs, truth, .. } = self;
        let asked = checkers.event(schedule, tabs, truth, seat.tab, &event);
        self.count(event_name(&event));
        match &event {
            Event::PeerDisconnected { peer, cause } => self.judge_death(seat, peer.id, *cause),
            Event::Message(message) => match message.letter {
                Some(letter) => self.message_received(seat, letter, message),
                None => self.post_heard(seat, message),
            },
            Event::Security { action, .. } => {
                self.security[usize::from(*action == SecurityAction::Ban)] += 1;
            }
            _ => {}
        }
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
            (Asked::Send(waiting), result) => self.message_answered(seat, *waiting, result),
            (Asked::Visit { since, hops }, result) => {
                let ms = self.schedule.now().since(*since).as_millis();
                let ms = u64::try_from(ms).unwrap_or(u64::MAX);
                self.visits.push(Visit { hops: *hops, is_reached: result.is_ok(), ms });
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
            self.checkers.remembered(at_ms, tab, &self.tabs, &self.truth);
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
        Event::Message(message) if message.letter.is_some() => "messages delivered",
        Event::Message(_) => "messages heard",
        Event::MemberJoined { .. } => "members joined",
        Event::MemberLeft { .. } => "members left",
        Event::ServerChanged(_) => "servers changed",
        Event::Security { .. } => "strikes and bans",
    }
}
