//! Who is there, and whom to dial when.
//!
//! A peer announces itself to everyone on the signalling paths: at once, then ever less often.
//! Whoever hears it and has room dials: the offer is itself a sign of life, so nobody announces
//! back. Of two that started together only the lower id dials. Only a peer that does not dial
//! answers with an announcement of its own. Failures are waited out, each twice as long as the one
//! before, with jitter.
//!
//! Knows nothing about connections but that they came, failed, or went.

mod crowd;
mod known;
mod meeting;
mod replay;
#[cfg(test)]
mod tests;

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use peerloom_wire::envelope::{Envelope, Signal};
use peerloom_wire::{PeerId, RunId};

use self::known::{Contact, Known};
use crate::event::{
    BadInput, CommandError, ConnectFailure, DisconnectCause, LastFailure, PeerState, SignalPath,
    Stage, Subject,
};
use crate::io::CommandId;
use crate::machine::Machine;
use crate::map::Map;
use crate::random::Random;
use crate::time::{Instant, Now};

/// The most peers known; the one unheard of for longest goes first, connected ones never. Some
/// 300 bytes each.
const KNOWN_MAX: usize = 256;

/// How long a peer that is not connected is remembered without a sign of life. Three times the
/// slowest announcement of a hidden tab, whose timers fire once a minute.
const SILENCE_MAX: Duration = Duration::from_secs(180);

/// The first repeats of the announcement: quick, since the first one may find nobody listening.
const ANNOUNCE_FIRST: Duration = Duration::from_millis(500);

/// For so long after its start a node takes it that whoever it hears started with it, as the tabs
/// of a restored window do, and has heard it too: both would dial.
const YOUTH: Duration = Duration::from_secs(1);

/// How long the higher id then leaves the dialling to the lower one, which it answers in case that
/// began to listen too late. Eight tabs that start at once have an offer under way for each other
/// within this time on a busy machine; glares cost them a third more (measured 2026-11-20).
const GLARE_WAIT: Duration = Duration::from_millis(500);

/// The slowest repeats.
const ANNOUNCE_MAX: Duration = Duration::from_secs(30);

/// For so long after a peer was heard over the broadcast path, what is for it takes that path only.
/// Shorter than the first repeat of an offer (2 s), which then takes every path; long enough for
/// offer, answer and candidates, so that tabs of an origin carry nothing for each other (eight of
/// them would hand on some 1,500 envelopes while they connect).
const EARSHOT_TIME: Duration = Duration::from_secs(1);

/// How long a peer that was asked for by id may stay silent.
const SEEK_MAX: Duration = Duration::from_secs(10);

/// How often it is called.
const SEEK_REPEAT: Duration = Duration::from_secs(1);

/// Between two calls to peers that were never heard: their number is another's word. Guess.
const CALL_INTERVAL: Duration = Duration::from_millis(250);

/// How long the higher id of two leaves the first call to the lower one, if they are told of each
/// other: an attempt over peers takes less.
const CALL_HIGHER: Duration = Duration::from_secs(2);

/// How long a command waits for a peer without a place to make one and dial, which takes half a second, before it is tried
/// once more. Longer than the two seconds between two connections that a peer ends for others.
const ROOM_WAIT: Duration = Duration::from_secs(3);

/// With fewer places nobody makes room for a stranger: the ring takes them.
const ROOM_PLACES_MIN: usize = 3;

/// The most commands that wait for a connection.
const SEEKS_MAX: usize = 256;

/// What the protocol is told.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    /// Announce, listen, connect.
    Start,
    /// Say goodbye and forget everyone.
    Stop,
    /// A verified envelope.
    Heard { envelope: Box<Envelope>, path: SignalPath },
    /// The application wants this peer.
    Connect { id: CommandId, peer: PeerId },
    /// Say to this peer that we are here, in case it is there.
    Call { peer: PeerId },
    /// A connected peer says that this one is there.
    Introduced { peer: PeerId },
    /// No connected peer says so any more.
    Withdrawn { peer: PeerId },
    /// Connect to this peer, chosen from a crowd.
    Dial { peer: PeerId },
    /// An attempt is under way.
    Connecting { peer: PeerId },
    /// A connection is up.
    Connected { peer: PeerId },
    /// An attempt ended; `None` when nobody is to blame.
    Failed { peer: PeerId, failure: Option<ConnectFailure> },
    /// A connection is gone.
    Disconnected { peer: PeerId, cause: DisconnectCause },
    /// The application wants no connection to this peer for now.
    Part { peer: PeerId },
    /// Have nothing to do with this peer.
    Ban { peer: PeerId },
    /// So many connections there may be from now on.
    Places { max: usize },
    /// The page runs again, or the network is another one: try everyone now.
    Resumed,
}

/// What the protocol asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Announce to everyone, or to one.
    Announce { to: Option<PeerId>, answer_wanted: bool },
    /// Say goodbye to everyone.
    Goodbye,
    /// Connect to this peer.
    Dial { peer: PeerId },
    /// End what there is with this peer.
    Hangup { peer: PeerId },
    /// A signal for `link`, not seen before.
    Deliver { from: PeerId, signal: Signal, path: SignalPath },
    /// A peer is known now that was not.
    Discovered { peer: PeerId },
    /// A known peer runs anew: connections to its earlier run are dead.
    Renewed { peer: PeerId },
    /// A peer is not known any more.
    Lost { peer: PeerId },
    /// In a crowd: a failure was waited out, and who it was may be chosen again.
    Available,
    /// In a crowd: a peer says over others that it is there, to us alone.
    Called { peer: PeerId },
    /// A peer's next try was set or cleared.
    Changed { peer: PeerId },
    /// A command has its answer.
    Done { id: CommandId, result: Result<(), CommandError> },
}

/// Settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Config {
    /// Our id.
    pub(crate) own: PeerId,
    /// The most connections, attempts included.
    pub(crate) connections_max: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counters {
    announcements: u64,
    calls: u64,
    envelopes_replayed: u64,
    envelopes_outdated: u64,
    peers_evicted: u64,
}

/// A command that waits for a connection.
#[derive(Clone, Copy, Debug)]
struct Seek {
    id: CommandId,
    peer: PeerId,
    deadline: Instant,
    repeat_at: Instant,
    /// Whether there was no place for it, and one is being made.
    waits_for_room: bool,
}

/// Whether we take part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    Stopped,
    Announcing { since: Instant, next_at: Instant, interval: Duration },
}

/// The peers that a node knows.
#[derive(Debug)]
pub(crate) struct Discovery {
    config: Config,
    random: Random,
    presence: Presence,
    known: Map<PeerId, Known>,
    seeks: Vec<Seek>,
    /// When the next peer that was never heard may be called.
    call_at: Instant,
    due_at: Option<Instant>,
    counters: Counters,
}

impl Machine for Discovery {
    type Input = Input;
    type Effect = Effect;

    fn handle(&mut self, now: Now, input: Input, out: &mut Vec<Effect>) {
        match input {
            Input::Start => self.start(now, out),
            Input::Stop => self.stop(out),
            Input::Heard { envelope, path } => self.on_envelope(now, *envelope, path, out),
            Input::Connect { id, peer } => self.connect(now, id, peer, out),
            Input::Call { peer } => self.on_call(peer, out),
            Input::Introduced { peer } => self.on_introduced(now, peer, out),
            Input::Withdrawn { peer } => {
                if let Some(known) = self.known.get_mut(&peer) {
                    known.is_vouched = false;
                }
            }
            Input::Dial { peer } => self.dial(now, peer, out),
            Input::Connecting { peer } => self.set_contact(peer, Contact::Dialling),
            Input::Connected { peer } => self.on_connected(peer, out),
            Input::Failed { peer, failure } => self.on_failed(now, peer, failure, out),
            Input::Disconnected { peer, cause } => self.on_disconnected(now, peer, cause, out),
            Input::Part { peer } => self.part(peer, out),
            Input::Ban { peer } => self.lose(peer, out),
            Input::Places { max } => self.config.connections_max = max,
            Input::Resumed => self.on_resumed(now, out),
        }
        self.due_at = self.find_due();
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.due_at
    }

    fn handle_timeout(&mut self, now: Now, out: &mut Vec<Effect>) {
        let Presence::Announcing { since, next_at, interval } = self.presence else { return };
        if next_at <= now.mono {
            let interval = (interval * 2).min(ANNOUNCE_MAX);
            self.announce(now, since, interval, out);
        }
        self.repeat_seeks(now, out);
        self.retry(now, out);
        self.lose_silent(now, out);
        self.due_at = self.find_due();
    }
}

impl Discovery {
    /// Makes the protocol, stopped.
    #[must_use]
    pub(crate) fn new(config: Config, random: Random) -> Self {
        Self {
            config,
            random,
            presence: Presence::Stopped,
            known: Map::new(),
            seeks: Vec::new(),
            call_at: Instant::ZERO,
            due_at: None,
            counters: Counters::default(),
        }
    }

    /// Returns whether the node takes part.
    #[must_use]
    pub(crate) fn is_running(&self) -> bool {
        self.presence != Presence::Stopped
    }

    /// Returns whether an envelope, if it is what it claims to be, was not heard before: so that
    /// replays and duplicates cost no check of a signature. They are counted.
    pub(crate) fn is_news(&mut self, envelope: &Envelope) -> bool {
        let Some(known) = self.known.get(&envelope.from) else { return true };
        let run = Some(envelope.run);
        if run < known.run {
            self.counters.envelopes_outdated += 1;
            return false;
        }
        let is_news = run > known.run || known.replay.is_new(envelope.sequence);
        self.counters.envelopes_replayed += u64::from(!is_news);
        is_news
    }

    /// Returns the run of a known peer: whom an envelope is to name.
    #[must_use]
    pub(crate) fn run_of(&self, peer: PeerId) -> Option<RunId> {
        self.known.get(&peer)?.run
    }

    /// Returns whether a peer was heard over the broadcast path just now: then it hears us there, and
    /// nobody need carry anything.
    #[must_use]
    pub(crate) fn is_in_earshot(&self, now: Now, peer: PeerId) -> bool {
        let heard_at = self.known.get(&peer).and_then(|known| known.broadcast_at);
        heard_at.is_some_and(|at| now.mono < at + EARSHOT_TIME)
    }

    /// Returns whether the application waits for a connection to a peer.
    pub(crate) fn is_sought(&self, peer: PeerId) -> bool {
        self.seeks.iter().any(|seek| seek.peer == peer)
    }

    /// Returns whether a peer is known.
    pub(crate) fn is_known(&self, peer: PeerId) -> bool {
        self.known.contains_key(&peer)
    }

    /// Returns all known peers, in the order of their ids.
    pub(crate) fn peers(&self) -> impl Iterator<Item = PeerId> {
        self.known.keys().copied()
    }

    /// Returns how a peer stands that `link` has nothing to do with.
    #[must_use]
    pub(crate) fn state(&self, peer: PeerId) -> PeerState {
        let Some(known) = self.known.get(&peer) else { return PeerState::Discovered };
        match known.contact {
            // A connection that is being rebuilt is on its way between two tries as well.
            Contact::Backoff { .. } if known.rebuild_until.is_some() && self.has_room() => {
                PeerState::Connecting
            }
            // Whoever was never heard is called, and nobody waits for a failure.
            Contact::Backoff { .. } if known.run.is_some() && known.has_failed() => {
                PeerState::Backoff
            }
            _ => PeerState::Discovered,
        }
    }

    /// Returns when a peer is dialled next, in milliseconds since the Unix epoch, if that is planned.
    /// Whoever was never heard is called, not dialled.
    #[must_use]
    pub(crate) fn next_try_ms(&self, peer: PeerId) -> Option<u64> {
        let known = self.known.get(&peer).filter(|known| known.run.is_some());
        match known?.contact {
            Contact::Backoff { until_unix_ms, .. } => Some(until_unix_ms),
            _ => None,
        }
    }

    /// Returns the last attempt to connect that failed, if none succeeded since.
    #[must_use]
    pub(crate) fn last_failure(&self, peer: PeerId) -> Option<&LastFailure> {
        self.known.get(&peer)?.last_failure.as_ref()
    }

    /// Returns the counters, by name.
    #[must_use]
    pub(crate) fn stats(&self) -> [(&'static str, u64); 7] {
        [
            ("discovery.announcements", self.counters.announcements),
            ("discovery.calls", self.counters.calls),
            ("discovery.envelopes_replayed", self.counters.envelopes_replayed),
            ("discovery.envelopes_outdated", self.counters.envelopes_outdated),
            ("discovery.peers_evicted", self.counters.peers_evicted),
            ("discovery.known", self.known.len() as u64),
            ("discovery.seeking", self.seeks.len() as u64),
        ]
    }

    /// Returns the next deadline. Looked for when something changed, and not whenever the node is asked:
    /// with a hundred known peers that was a quarter of its time (measured 2026-11-20).
    fn find_due(&self) -> Option<Instant> {
        let Presence::Announcing { next_at, .. } = self.presence else { return None };
        let seek = self.seeks.iter().map(|seek| seek.repeat_at.min(seek.deadline)).min();
        let (is_crowd, has_room) = (self.is_crowd(), self.has_room());
        let due = |known: &Known| match is_crowd {
            true => known.expires_at(),
            false => known.poll_timeout(has_room, self.call_at),
        };
        let known = self.known.values().filter_map(due).min();
        [Some(next_at), seek, known].into_iter().flatten().min()
    }

    fn start(&mut self, now: Now, out: &mut Vec<Effect>) {
        if !self.is_running() {
            self.announce(now, now.mono, ANNOUNCE_FIRST, out);
        }
    }

    fn stop(&mut self, out: &mut Vec<Effect>) {
        if !self.is_running() {
            return;
        }
        self.presence = Presence::Stopped;
        out.push(Effect::Goodbye);
        for seek in core::mem::take(&mut self.seeks) {
            out.push(Effect::Done { id: seek.id, result: Err(CommandError::Closed) });
        }
        for peer in core::mem::take(&mut self.known).into_keys() {
            out.push(Effect::Lost { peer });
        }
    }

    fn announce(&mut self, now: Now, since: Instant, interval: Duration, out: &mut Vec<Effect>) {
        self.counters.announcements += 1;
        let next_at = now.mono + self.random.jitter(interval);
        self.presence = Presence::Announcing { since, next_at, interval };
        out.push(Effect::Announce { to: None, answer_wanted: true });
    }

    #[inline(never)]
    fn on_envelope(
        &mut self,
        now: Now,
        envelope: Envelope,
        path: SignalPath,
        out: &mut Vec<Effect>,
    ) {
        // A copy of it may have been faster while the signature was checked.
        if !self.is_running() || !self.is_news(&envelope) {
            return;
        }
        self.recognise(now, &envelope, out);
        let peer = envelope.from;
        if let Some(known) = self.known.get_mut(&peer)
            && path == SignalPath::Broadcast
        {
            known.broadcast_at = Some(now.mono);
        }
        match envelope.signal {
            Signal::Announce { answer_wanted }
                if path == SignalPath::Server && envelope.to_everyone =>
            {
                self.on_meeting(now, peer, answer_wanted, out);
            }
            Signal::Announce { answer_wanted } => {
                self.on_announce(now, peer, (answer_wanted, envelope.to_everyone), out);
                // Who is called by its id is needed.
                if path != SignalPath::Broadcast && !answer_wanted && self.is_crowd() {
                    out.push(Effect::Called { peer });
                }
            }
            Signal::Goodbye => {
                out.push(Effect::Deliver { from: peer, signal: Signal::Goodbye, path });
                self.lose(peer, out);
            }
            signal => out.push(Effect::Deliver { from: peer, signal, path }),
        }
    }

    /// Learns who sent an envelope.
    #[inline(never)]
    fn recognise(&mut self, now: Now, envelope: &Envelope, out: &mut Vec<Effect>) {
        let (peer, run) = (envelope.from, envelope.run);
        if let Some(known) = self.known.get_mut(&peer) {
            let before = known.run;
            if before == Some(run) {
                known.heard_at = now.mono;
                known.is_unreached = false;
                known.replay.accept(envelope.sequence);
                return;
            }
            known.begin_run(now.mono, run, envelope.sequence);
            if before.is_some() {
                out.push(Effect::Renewed { peer });
            }
            return;
        }
        if self.known.len() >= KNOWN_MAX {
            self.evict(out);
        }
        self.known.insert(peer, Known::new(now.mono, run, envelope.sequence));
        out.push(Effect::Discovered { peer });
    }

    fn on_announce(
        &mut self,
        now: Now,
        peer: PeerId,
        (answer_wanted, to_everyone): (bool, bool),
        out: &mut Vec<Effect>,
    ) {
        let has_room = self.has_room() && !self.is_crowd();
        let leaves_it = self.is_young(now) && peer < self.config.own;
        let is_sought = self.is_sought(peer);
        let Some(known) = self.known.get_mut(&peer) else { return };
        if known.contact == Contact::Idle && has_room && leaves_it && !is_sought {
            known.contact = Contact::backoff(now, GLARE_WAIT);
            if answer_wanted {
                out.push(Effect::Announce { to: Some(peer), answer_wanted: false });
            }
        } else if known.contact == Contact::Idle && (has_room || is_sought) {
            known.contact = Contact::Dialling;
            out.push(Effect::Dial { peer });
        } else if !answer_wanted || matches!(known.contact, Contact::Dialling | Contact::Connected)
        {
            // It knows of us.
        } else if self.is_crowd() {
            self.on_crowd_announce(peer, to_everyone, out);
        } else {
            out.push(Effect::Announce { to: Some(peer), answer_wanted: false });
        }
    }

    fn on_call(&mut self, peer: PeerId, out: &mut Vec<Effect>) {
        if self.is_running() && peer != self.config.own && !self.known.contains_key(&peer) {
            out.push(Effect::Announce { to: Some(peer), answer_wanted: true });
        }
    }

    #[inline(never)]
    fn on_introduced(&mut self, now: Now, peer: PeerId, out: &mut Vec<Effect>) {
        if let Some(known) = self.known.get_mut(&peer) {
            known.is_vouched = true;
            return;
        }
        // Hearsay pushes nobody out.
        if !self.is_running() || peer == self.config.own || self.known.len() >= KNOWN_MAX {
            return;
        }
        let is_lower = self.config.own < peer;
        let contact = if is_lower { Contact::Idle } else { Contact::backoff(now, CALL_HIGHER) };
        self.known.insert(peer, Known::introduced(now.mono, contact));
        out.push(Effect::Discovered { peer });
    }

    #[inline(never)]
    fn connect(&mut self, now: Now, id: CommandId, peer: PeerId, out: &mut Vec<Effect>) {
        let refusal = if !self.is_running() {
            Some(CommandError::Closed)
        } else if peer == self.config.own {
            Some(CommandError::BadInput(BadInput::OwnId))
        } else if self.seeks.len() >= SEEKS_MAX {
            let (size, max) = (self.seeks.len() as u64 + 1, SEEKS_MAX as u64);
            Some(CommandError::TooLarge { what: Subject::Commands, size, max })
        } else {
            None
        };
        if let Some(error) = refusal {
            out.push(Effect::Done { id, result: Err(error) });
            return;
        }
        let deadline = now.mono + SEEK_MAX;
        let repeat_at = now.mono + SEEK_REPEAT;
        let seek = Seek { id, peer, deadline, repeat_at, waits_for_room: false };
        match self.known.get_mut(&peer) {
            Some(known) if known.contact == Contact::Connected => {
                out.push(Effect::Done { id, result: Ok(()) });
            }
            Some(known) => {
                self.seeks.push(seek);
                if known.contact != Contact::Dialling {
                    known.contact = Contact::Dialling;
                    out.push(Effect::Dial { peer });
                }
            }
            None => {
                self.seeks.push(seek);
                out.push(Effect::Announce { to: Some(peer), answer_wanted: true });
            }
        }
    }

    /// Calls again for peers that were asked for by id; gives up on those who stay silent. Once
    /// they are heard of, `link` watches over the time.
    fn repeat_seeks(&mut self, now: Now, out: &mut Vec<Effect>) {
        let mut silent = Vec::new();
        for seek in &mut self.seeks {
            if let Some(known) = self.known.get_mut(&seek.peer) {
                // Heard of without an offer, when there was no room: the attempt says so.
                if seek.repeat_at <= now.mono {
                    seek.repeat_at = now.mono + SEEK_MAX;
                    if known.contact != Contact::Dialling {
                        known.contact = Contact::Dialling;
                        out.push(Effect::Dial { peer: seek.peer });
                    }
                }
                seek.deadline = now.mono + SEEK_MAX;
            } else if seek.deadline <= now.mono {
                silent.push(seek.peer);
            } else if seek.repeat_at <= now.mono {
                seek.repeat_at = now.mono + SEEK_REPEAT;
                out.push(Effect::Announce { to: Some(seek.peer), answer_wanted: true });
            }
        }
        for peer in silent {
            let failure = ConnectFailure {
                peer,
                stage: Stage::Signalling,
                reason: "nobody with this id answered".to_owned(),
                hint: Some(
                    "Check the id, and that the other tab is open, with peer-to-peer switched on, \
                     and in this browser or connected to peers of ours."
                        .to_owned(),
                ),
            };
            self.answer(peer, &Err(CommandError::Unreachable(failure)), out);
        }
    }

    /// Answers every command that waits for this peer.
    fn answer(&mut self, peer: PeerId, result: &Result<(), CommandError>, out: &mut Vec<Effect>) {
        for seek in self.seeks.extract_if(.., |seek| seek.peer == peer) {
            out.push(Effect::Done { id: seek.id, result: result.clone() });
        }
    }

    fn on_connected(&mut self, peer: PeerId, out: &mut Vec<Effect>) {
        if let Some(known) = self.known.get_mut(&peer) {
            known.contact = Contact::Connected;
            known.rebuild_until = None;
            known.failures = 0;
            known.last_failure = None;
        }
        self.answer(peer, &Ok(()), out);
    }

    #[inline(never)]
    fn on_failed(
        &mut self,
        now: Now,
        peer: PeerId,
        failure: Option<ConnectFailure>,
        out: &mut Vec<Effect>,
    ) {
        // In a crowd whoever is full makes room, and dials.
        let is_full = failure.as_ref().is_some_and(|failure| failure.stage == Stage::Admission);
        let mut waits = false;
        if is_full && self.is_crowd() && self.config.connections_max >= ROOM_PLACES_MIN {
            for seek in self.seeks.iter_mut().filter(|seek| seek.peer == peer) {
                waits |= !seek.waits_for_room;
                seek.waits_for_room = true;
                seek.repeat_at = now.mono + ROOM_WAIT;
            }
        }
        if let Some(known) = self.known.get_mut(&peer) {
            match &failure {
                Some(failure) => {
                    if failure.stage == Stage::Signalling {
                        // It may run anew, and what we say to its earlier run is for nobody.
                        out.push(Effect::Announce { to: Some(peer), answer_wanted: true });
                    }
                    // Others are heard only if they are called.
                    known.is_unreached |= !is_full && known.broadcast_at.is_some();
                    let failure = failure.clone();
                    known.last_failure = Some(LastFailure { failure, at_ms: now.unix_ms });
                    known.back_off(now, &mut self.random);
                }
                // The application gave the attempt up.
                None if known.contact == Contact::Parted => {}
                None => known.contact = Contact::Idle,
            }
            out.push(Effect::Changed { peer });
        }
        if !waits {
            let error = failure.map_or(CommandError::Aborted, CommandError::Unreachable);
            self.answer(peer, &Err(error), out);
        }
    }

    #[inline(never)]
    fn on_disconnected(
        &mut self,
        now: Now,
        peer: PeerId,
        cause: DisconnectCause,
        out: &mut Vec<Effect>,
    ) {
        match cause {
            DisconnectCause::Goodbye | DisconnectCause::Banned => self.lose(peer, out),
            // What takes its place is under way already.
            DisconnectCause::Replaced => self.set_contact(peer, Contact::Idle),
            // On purpose, by us (who may also be stopping) or by them.
            DisconnectCause::Local | DisconnectCause::Parted => {
                self.set_contact(peer, Contact::Parted);
            }
            DisconnectCause::Surplus => {
                let wait = self.random.jitter(self.surplus_wait());
                self.set_contact(peer, Contact::backoff(now, wait));
            }
            DisconnectCause::Closed
            | DisconnectCause::Unresponsive
            | DisconnectCause::Transport => {
                let is_lower = self.config.own < peer;
                if let Some(known) = self.known.get_mut(&peer) {
                    known.redial(now, is_lower);
                    out.push(Effect::Changed { peer });
                }
            }
        }
    }

    /// Ends what there is with a peer; not dialled from here until the application asks for it.
    fn part(&mut self, peer: PeerId, out: &mut Vec<Effect>) {
        self.answer(peer, &Err(CommandError::Aborted), out);
        if let Some(known) = self.known.get_mut(&peer) {
            known.contact = Contact::Parted;
            out.push(Effect::Hangup { peer });
            out.push(Effect::Changed { peer });
        }
    }

    fn on_resumed(&mut self, now: Now, out: &mut Vec<Effect>) {
        if self.is_running() {
            for known in self.known.values_mut() {
                known.retry_now(now);
            }
            self.announce(now, now.mono, ANNOUNCE_FIRST, out);
        }
    }

    /// Dials those whose failure has been waited out, and those that there was no room for.
    fn retry(&mut self, now: Now, out: &mut Vec<Effect>) {
        if self.is_crowd() {
            return self.end_waits(now, out);
        }
        let mut room = self.config.connections_max.saturating_sub(self.in_use());
        for (&peer, known) in &mut self.known {
            if room > 0 && known.run.is_some() && known.is_due(now.mono) {
                room -= 1;
                known.contact = Contact::Dialling;
                out.push(Effect::Dial { peer });
            }
        }
        if room > 0 && self.call_at <= now.mono {
            self.call_next(now, out);
        }
    }

    /// Calls a peer that was never heard, the one that was called least. It dials if it is there and
    /// has room for one that it doesn't hear either: so nobody's word costs us an attempt, and nobody is
    /// crowded. No answer is wanted but that.
    fn call_next(&mut self, now: Now, out: &mut Vec<Effect>) {
        let due = (self.known.iter_mut())
            .filter(|(_, known)| known.run.is_none() && known.is_due(now.mono));
        if let Some((&peer, _)) = due.min_by_key(|(_, known)| known.failures) {
            self.call_at = now.mono + CALL_INTERVAL;
            self.call(now, peer, out);
        }
    }

    fn call(&mut self, now: Now, peer: PeerId, out: &mut Vec<Effect>) {
        if let Some(known) = self.known.get_mut(&peer) {
            known.back_off(now, &mut self.random);
            self.counters.calls += 1;
            out.push(Effect::Announce { to: Some(peer), answer_wanted: false });
        }
    }

    fn lose_silent(&mut self, now: Now, out: &mut Vec<Effect>) {
        let is_silent = |known: &Known| known.silent_at().is_some_and(|at| at <= now.mono);
        let silent: Vec<PeerId> = (self.known.iter())
            .filter(|(_, known)| is_silent(known))
            .map(|(&peer, _)| peer)
            .collect();
        for peer in silent {
            self.lose(peer, out);
        }
    }

    fn lose(&mut self, peer: PeerId, out: &mut Vec<Effect>) {
        if self.known.remove(&peer).is_some() {
            out.push(Effect::Lost { peer });
        }
    }

    /// Makes room by forgetting the one that is unheard of for longest.
    fn evict(&mut self, out: &mut Vec<Effect>) {
        let oldest = (self.known.iter())
            .filter(|(_, known)| !matches!(known.contact, Contact::Connected | Contact::Dialling))
            .min_by_key(|(_, known)| known.heard_at)
            .map(|(&peer, _)| peer);
        if let Some(peer) = oldest {
            self.counters.peers_evicted += 1;
            self.lose(peer, out);
        }
    }

    fn set_contact(&mut self, peer: PeerId, contact: Contact) {
        if let Some(known) = self.known.get_mut(&peer) {
            known.contact = contact;
        }
    }

    fn in_use(&self) -> usize {
        let is_used =
            |known: &&Known| matches!(known.contact, Contact::Connected | Contact::Dialling);
        self.known.values().filter(is_used).count()
    }

    fn is_young(&self, now: Now) -> bool {
        matches!(self.presence, Presence::Announcing { since, .. } if now.mono < since + YOUTH)
    }

    fn has_room(&self) -> bool {
        self.in_use() < self.config.connections_max
    }
}
