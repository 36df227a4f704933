//! One tab of a stage: an identity that stays, and a node that comes and goes.

use std::collections::BTreeMap;

use peerloom_core::io::{StoreError, StoreId, StoreReply};
use peerloom_core::{
    Device, Exchange, Input, Instant, Meeting, Node, NodeConfig, Now, Output, RoleRules,
};
use peerloom_wire::AppId;

use super::TIMER_MIN;
use crate::dice::Dice;
use crate::keyring;
use crate::schedule::Seat;

/// Timers of a hidden page fire at full seconds only.
const HIDDEN_TICK_MICROS: u64 = 1_000_000;

/// What a page opens its node with.
#[derive(Clone, Debug)]
pub struct TabSetup {
    /// The application's name.
    pub app: String,
    /// The signalling channels that it joins.
    pub channels: Vec<String>,
    /// The most direct connections.
    pub connections_max: u16,
}

/// One tab.
pub(super) struct Actor {
    pub(super) seat: Seat,
    pub(super) node: Option<Node>,
    /// What its application draws.
    pub(super) dice: Dice,
    pub(super) ops: Ops,
    channels: Vec<String>,
    pub(super) has_joined: bool,
    pub(super) is_hidden: bool,
    /// What a frozen page will hear when it runs again.
    pub(super) held: Option<Vec<Input>>,
    pub(super) wake: Option<Instant>,
}

impl Actor {
    pub(super) fn new(seed: u64, tab: usize) -> Self {
        Self {
            seat: Seat { tab, session: 0 },
            node: None,
            dice: Dice::new(seed, &format!("application {tab}")),
            ops: Ops::default(),
            channels: Vec::new(),
            has_joined: false,
            is_hidden: false,
            held: None,
            wake: None,
        }
    }

    pub(super) fn open(&mut self, seed: u64, setup: TabSetup, mono: Instant, unix_ms: u64) -> Seat {
        self.seat.session += 1;
        let Seat { tab, session } = self.seat;
        self.channels = setup.channels;
        self.node = Some(Node::new(NodeConfig {
            app: AppId::from_name(&setup.app),
            key: keyring::public_key(seed, tab),
            seed: Dice::new(seed, &format!("session {tab}/{session}")).bytes32(),
            connections_max: setup.connections_max,
            exchange: Exchange::default(),
            rules: RoleRules::default(),
            device: Device::default(),
            meeting: Meeting::NONE,
            now: Now { mono, unix_ms },
        }));
        self.seat
    }

    pub(super) fn close(&mut self) {
        self.node = None;
        self.ops = Ops::default();
        self.has_joined = false;
        self.is_hidden = false;
        self.held = None;
        self.wake = None;
    }

    pub(super) const fn is_frozen(&self) -> bool {
        self.held.is_some()
    }

    /// Whether envelopes reach its page.
    pub(super) const fn hears(&self) -> bool {
        self.node.is_some() && self.has_joined
    }

    pub(super) fn shares(&self, other: &Self) -> bool {
        self.channels.iter().any(|channel| other.channels.contains(channel))
    }

    pub(super) fn handle(&mut self, mono: Instant, unix_ms: u64, input: Input) {
        if let Some(node) = &mut self.node {
            node.handle(Now { mono, unix_ms }, input);
        }
    }

    pub(super) fn poll_output(&mut self) -> Option<Output> {
        self.node.as_mut()?.poll_output()
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.node.as_ref()?.poll_timeout()
    }

    /// Returns when a timer is to be planned for, unless one is that fires no later.
    pub(super) fn plan_wake(&mut self, now: Instant) -> Option<Instant> {
        let due = self.deadline()?;
        if self.is_frozen() || self.wake.is_some_and(|wake| wake <= due) {
            return None;
        }
        let mut at = due.max(now + TIMER_MIN);
        if self.is_hidden {
            at = Instant::from_micros(at.as_micros().next_multiple_of(HIDDEN_TICK_MICROS));
        }
        if self.wake.is_some_and(|wake| wake <= at) {
            return None;
        }
        self.wake = Some(at);
        Some(at)
    }
}

/// How a storage operation ended.
pub(super) type Stored = Result<StoreReply, StoreError>;

/// Storage operations: begun outside at once, and answered when virtual time has come.
#[derive(Debug, Default)]
pub(super) struct Ops {
    /// None until the outside has answered.
    open: BTreeMap<StoreId, Option<Stored>>,
    /// Those whose time came before the outside answered: they wait for nothing else.
    due: Vec<StoreId>,
    busy_until: Instant,
}

impl Ops {
    /// Begins an operation; it ends at `at`, but not before those begun earlier.
    pub(super) fn begin(&mut self, id: StoreId, at: Instant) -> Instant {
        self.open.insert(id, None);
        self.busy_until = self.busy_until.max(at);
        self.busy_until
    }

    /// The outside has answered. Gives the result back if its time has come already.
    pub(super) fn answered(&mut self, id: StoreId, result: Stored) -> Option<Stored> {
        if let Some(index) = self.due.iter().position(|due| *due == id) {
            self.due.swap_remove(index);
            return Some(result);
        }
        if let Some(answer) = self.open.get_mut(&id) {
            *answer = Some(result);
        }
        None
    }

    /// Its time has come.
    pub(super) fn due(&mut self, id: StoreId) -> Option<Stored> {
        let answer = self.open.remove(&id)?;
        if answer.is_none() {
            self.due.push(id);
        }
        answer
    }
}
