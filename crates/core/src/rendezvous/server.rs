//! One server: from dialling it to being met there, and back.

use alloc::string::String;
use core::time::Duration;

use peerloom_wire::rendezvous::{Reason, Terms};

use super::io::{ServerFault, ServerId, ServerInfo, ServerState};
use crate::allowance::{Allowance, Rate};
use crate::deadline::Deadline;
use crate::random::Random;
use crate::time::{Instant, Now};

/// The first wait after a failure; each further one is twice as long.
const BACKOFF_FIRST: Duration = Duration::from_secs(1);

/// The longest wait for what may come back by itself, with jitter no more than half a minute: so long at
/// most a newcomer finds nobody when a server is back.
const BACKOFF_MAX: Duration = Duration::from_secs(20);

/// Who waits for a server for so many tries, some ten minutes, waits longer from then on.
const PATIENCE: u32 = 32;

/// So long.
const BACKOFF_LATE: Duration = Duration::from_secs(60);

/// The wait for what only people can mend: a wrong address, another version. Guess.
const HOPELESS_WAIT: Duration = Duration::from_secs(300);

/// The longest that a server may tell us to stay away.
const ASKED_WAIT_MAX: Duration = Duration::from_secs(600);

/// How long it may take until a server welcomes us: name, TCP, TLS, upgrade and two messages over a
/// slow mobile network, and the application's own way to find the address. Guess.
const OPENING_MAX: Duration = Duration::from_secs(15);

/// Who was there for so long may fail once more at the first wait. A server that takes everybody and
/// throws them out at once does not get there.
const STEADY: Duration = Duration::from_secs(30);

/// How long the answer to a ping may take.
const PONG_MAX: Duration = Duration::from_secs(10);

/// The same when the page runs again, or the network is another one: somebody looks at it. Guess.
const PONG_SOON_MAX: Duration = Duration::from_secs(4);

/// Between two pings at least and at most, whatever a server says.
const KEEPALIVE_MIN: Duration = Duration::from_secs(10);
const KEEPALIVE_MAX: Duration = Duration::from_secs(600);

/// What is taken from a server: 128 messages at once, then 32 a second. Each costs an opening by
/// WebCrypto and the check of a signature; a newcomer gets three introductions and a handful of
/// envelopes with each.
const HEARD_RATE: Rate =
    Rate { burst_bytes: 1 << 18, bytes_per_second: 1 << 16, charge_min_bytes: 2048 };

/// The least that a server's terms are taken for: an offer has to get through.
const SAID_BYTES_MIN: u32 = 16_384;

/// So many connections are enough not to ask for more contacts: a group of fewer may be apart from
/// all others.
pub(super) const FEW: u16 = 3;

/// Between two meets at least, however often we win and lose a connection.
const MEET_GAP: Duration = Duration::from_secs(2);

/// When contacts are asked for again by who has [`FEW`] connections at most: first, and at the
/// longest; each wait is twice the one before. Three attempts over the first contacts come before.
const MEET_AGAIN_FIRST: Duration = Duration::from_secs(12);
const MEET_AGAIN_MAX: Duration = Duration::from_secs(300);

/// How far a connection is that is being made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The driver makes it.
    Dialled,
    /// It is up, and the server is to challenge us.
    Up { host: String },
    /// The answer to its challenge is being signed.
    Signing { host: String },
    /// It was sent, and the server is to welcome us.
    Registered,
}

/// How it stands with a server.
#[derive(Debug)]
pub(super) enum Phase {
    Stopped,
    Waiting {
        until: Instant,
        /// The same by the wall clock, for people.
        until_unix_ms: u64,
        /// Whether the server wants it, so that nothing makes it shorter.
        is_asked: bool,
    },
    Opening {
        deadline: Deadline,
        step: Step,
    },
    Joined(Session),
}

/// Whether the server lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pulse {
    Quiet { ping_at: Instant },
    Asked { number: u32, deadline: Deadline },
}

/// While others meet us at a server.
#[derive(Debug)]
pub(super) struct Session {
    since: Instant,
    pub(super) terms: Terms,
    pub(super) pulse: Pulse,
    pings: u32,
    said: Allowance,
    /// The server wants to hear nothing before.
    held_until: Instant,
    heard: Allowance,
    /// When we say next by what we want to be found; `None`: we said it, and have enough.
    pub(super) meet_at: Option<Instant>,
    /// When we said so last.
    met_at: Option<Instant>,
    meet_interval: Duration,
}

impl Session {
    fn new(now: Instant, terms: Terms) -> Self {
        let mut session = Self {
            since: now,
            terms,
            pulse: Pulse::Quiet { ping_at: now },
            pings: 0,
            said: Allowance { level: i64::MAX, at: now },
            held_until: now,
            heard: Allowance::new(now, HEARD_RATE),
            meet_at: Some(now),
            met_at: None,
            meet_interval: MEET_AGAIN_FIRST,
        };
        session.said.fill(now, session.rate());
        session.rest(now);
        session
    }

    /// What may be said in a second is also what may be said at once.
    fn rate(&self) -> Rate {
        let Terms { bytes_per_s, messages_per_s, .. } = self.terms;
        let bytes = i64::from(bytes_per_s.max(SAID_BYTES_MIN));
        Rate {
            burst_bytes: bytes,
            bytes_per_second: bytes,
            charge_min_bytes: bytes / i64::from(messages_per_s.max(1)),
        }
    }

    /// Returns whether so many bytes may be said to the server now, and counts them.
    pub(super) fn may_say(&mut self, now: Instant, bytes: usize) -> bool {
        let rate = self.rate();
        self.said.fill(now, rate);
        now >= self.held_until && self.said.spend(bytes, rate)
    }

    /// Nothing more may be said for a while.
    pub(super) fn hold(&mut self, now: Instant, wait: Duration) {
        self.held_until = now + wait.min(ASKED_WAIT_MAX);
    }

    /// Counts what the server said of others; `false` if it is too much.
    pub(super) fn may_hear(&mut self, now: Instant, bytes: usize) -> bool {
        self.heard.fill(now, HEARD_RATE);
        self.heard.spend(bytes, HEARD_RATE)
    }

    /// The server lives.
    pub(super) fn beat(&mut self, now: Instant) {
        if matches!(self.pulse, Pulse::Asked { .. }) {
            self.rest(now);
        }
    }

    fn rest(&mut self, now: Instant) {
        let keepalive = Duration::from_secs(self.terms.keepalive_s.into());
        let ping_at = now + keepalive.clamp(KEEPALIVE_MIN, KEEPALIVE_MAX);
        self.pulse = Pulse::Quiet { ping_at };
    }

    /// Asks whether the server lives, unless that is being asked. Returns the ping's number.
    pub(super) fn probe(&mut self, now: Instant, is_soon: bool) -> Option<u32> {
        if matches!(self.pulse, Pulse::Asked { .. }) {
            return None;
        }
        self.pings = self.pings.wrapping_add(1);
        let wait = if is_soon { PONG_SOON_MAX } else { PONG_MAX };
        self.pulse = Pulse::Asked { number: self.pings, deadline: Deadline::new(now + wait) };
        Some(self.pings)
    }

    /// We have connections, or have none any more: the server is to know soon.
    pub(super) fn meet_soon(&mut self, now: Instant) {
        self.meet_interval = MEET_AGAIN_FIRST;
        let at = self.met_at.map_or(now, |met_at| (met_at + MEET_GAP).max(now));
        self.meet_at = Some(self.meet_at.map_or(at, |meet_at| meet_at.min(at)));
    }

    /// We have few connections; or enough, and need not ask for more.
    pub(super) fn want_more(&mut self, now: Instant, has_few: bool, random: &mut Random) {
        if !has_few {
            self.meet_at = self.meet_at.filter(|at| *at <= now + MEET_GAP);
            self.meet_interval = MEET_AGAIN_FIRST;
        } else if self.meet_at.is_none() {
            self.meet_at = Some(now + random.jitter(self.meet_interval));
        }
    }

    /// We said by what we want to be found.
    pub(super) fn on_met(&mut self, now: Instant, has_few: bool, random: &mut Random) {
        let again = Duration::from_millis(self.terms.meet_again_ms.into()).min(MEET_AGAIN_MAX);
        let wait = random.jitter(self.meet_interval).max(again);
        self.met_at = Some(now);
        self.meet_at = has_few.then(|| now + wait);
        self.meet_interval = (self.meet_interval * 2).min(MEET_AGAIN_MAX);
    }

    /// Others can't find us for now.
    pub(super) fn meet_later(&mut self, at: Instant) {
        self.meet_at = Some(at);
    }

    /// `is_announcing`: what is said of us is being signed, and goes out then.
    fn poll_timeout(&self, is_announcing: bool) -> Instant {
        let pulse = match self.pulse {
            Pulse::Quiet { ping_at } => ping_at,
            Pulse::Asked { deadline, .. } => deadline.at(),
        };
        self.meet_at.filter(|_| !is_announcing).map_or(pulse, |at| at.min(pulse))
    }
}

/// One server.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) id: ServerId,
    pub(super) phase: Phase,
    /// Counts the connections made, so that late answers to earlier ones are told apart.
    pub(super) attempt: u32,
    /// In a row.
    failures: u32,
    /// Why it did not work the last time.
    fault: Option<(ServerFault, String)>,
}

impl Server {
    pub(super) const fn new(id: ServerId) -> Self {
        Self { id, phase: Phase::Stopped, attempt: 0, failures: 0, fault: None }
    }

    pub(super) const fn session(&mut self) -> Option<&mut Session> {
        match &mut self.phase {
            Phase::Joined(session) => Some(session),
            _ => None,
        }
    }

    pub(super) const fn is_joined(&self) -> bool {
        matches!(self.phase, Phase::Joined(_))
    }

    pub(super) fn info(&self) -> ServerInfo {
        let (state, next_try_ms) = match self.phase {
            Phase::Stopped => (ServerState::Stopped, None),
            Phase::Waiting { until_unix_ms, .. } => (ServerState::Waiting, Some(until_unix_ms)),
            Phase::Opening { .. } => (ServerState::Opening, None),
            Phase::Joined(_) => (ServerState::Joined, None),
        };
        let (fault, detail) = match &self.fault {
            Some((fault, detail)) => (Some(*fault), detail.clone()),
            None => (None, String::new()),
        };
        ServerInfo { server: self.id, state, fault, detail, next_try_ms }
    }

    pub(super) fn dial(&mut self, now: Instant) {
        self.attempt = self.attempt.wrapping_add(1);
        self.phase =
            Phase::Opening { deadline: Deadline::new(now + OPENING_MAX), step: Step::Dialled };
    }

    pub(super) fn join(&mut self, now: Instant, terms: Terms) {
        self.fault = None;
        self.phase = Phase::Joined(Session::new(now, terms));
    }

    pub(super) fn stop(&mut self) {
        self.phase = Phase::Stopped;
        self.fault = None;
        self.failures = 0;
    }

    /// It works, but not as it should.
    pub(super) fn note(&mut self, fault: ServerFault) {
        self.fault = Some((fault, String::new()));
    }

    /// There is no connection any more: waits. `asked`: for so long at least, the server says.
    pub(super) fn fail(
        &mut self,
        now: Now,
        (fault, detail): (ServerFault, String),
        asked: Option<Duration>,
        random: &mut Random,
    ) {
        if let Phase::Joined(session) = &self.phase
            && now.mono >= session.since + STEADY
        {
            self.failures = 0;
        }
        let max = if self.failures < PATIENCE { BACKOFF_MAX } else { BACKOFF_LATE };
        let doubled = BACKOFF_FIRST * 2u32.pow(self.failures.min(6));
        self.failures = self.failures.saturating_add(1);
        let around = if is_hopeless(fault) { HOPELESS_WAIT } else { doubled.min(max) };
        let asked = asked.map(|asked| asked.min(ASKED_WAIT_MAX));
        let wait = random.jitter(around).max(asked.unwrap_or_default());
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        self.phase = Phase::Waiting {
            until: now.mono + wait,
            until_unix_ms: now.unix_ms.saturating_add(wait_ms),
            is_asked: asked.is_some() || fault.reason() == Some(Reason::Replaced),
        };
        self.fault = Some((fault, detail));
    }

    pub(super) fn poll_timeout(&self, is_announcing: bool) -> Option<Instant> {
        match &self.phase {
            Phase::Stopped => None,
            Phase::Waiting { until, .. } => Some(*until),
            Phase::Opening { deadline, .. } => Some(deadline.at()),
            Phase::Joined(session) => Some(session.poll_timeout(is_announcing)),
        }
    }
}

/// Whether trying again soon is of no use.
const fn is_hopeless(fault: ServerFault) -> bool {
    match fault {
        ServerFault::BadAddress | ServerFault::Blocked | ServerFault::Misunderstood => true,
        ServerFault::Refused(_) => matches!(
            fault.reason(),
            Some(
                Reason::UnsupportedVersion
                    | Reason::WrongHost
                    | Reason::BadSignature
                    | Reason::OriginDenied
                    | Reason::Malformed
                    | Reason::OutOfTurn
                    | Reason::Replaced
            )
        ),
        ServerFault::Unreachable
        | ServerFault::Lost
        | ServerFault::Silent
        | ServerFault::Moving => false,
    }
}
