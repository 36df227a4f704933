//! Capabilities and roles: what this node can do for others, and what it therefore is.
//!
//! A role is what a peer says of itself in its signed record. It follows from how things stand here, by
//! rules, and is kept for a while after they don't stand so any more, so that nobody's role flickers:
//! `docs/protocol/roles.md`.
//!
//! Knows nothing about records, nor who reads them.

#[cfg(test)]
mod tests;

use alloc::vec::Vec;
use core::time::Duration;

use peerloom_wire::record::{Capabilities, ROLE_RELAY, ROLE_SEED, ROLE_SUPERNODE};

use crate::io::{Economy, Lifecycle};
use crate::machine::Machine;
use crate::time::{Instant, Now};

/// Between two looks at how things stand.
const LOOK_INTERVAL: Duration = Duration::from_secs(10);

/// Between two changes of capabilities alone that are told: each is another record, which all who know
/// us check. Guess.
const TELL_INTERVAL: Duration = Duration::from_secs(600);

/// Connected peers without which there is nobody to carry between.
const RELAY_PEERS_MIN: usize = 2;

/// Connected peers that a supernode has: half of the places of any other.
const SUPERNODE_PEERS_MIN: usize = 4;

/// Places that a supernode can give: twice those of any other.
const SUPERNODE_PLACES_MIN: u16 = 16;

/// What it takes to have a role. All of these are guesses, after what Gnutella's ultrapeers had to be:
/// reachable, with bandwidth to spare, and up for a few hours, since who was up for long is likely to
/// stay (Gnutella 0.6 draft, "Ultrapeer election principles").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoleRules {
    /// A relay has been running for so long.
    pub relay_after: Duration,
    /// A supernode has been running for so long.
    pub supernode_after: Duration,
    /// And was connected to somebody for so long in all, over all runs.
    pub supernode_uptime: Duration,
    /// How many direct connections a supernode has at most, if that is more than others may have.
    pub supernode_connections: u16,
    /// A role is kept for so long after it is not deserved any more.
    pub kept_for: Duration,
}

impl Default for RoleRules {
    fn default() -> Self {
        Self {
            relay_after: Duration::from_secs(120),
            supernode_after: Duration::from_secs(600),
            supernode_uptime: Duration::from_secs(3600),
            supernode_connections: SUPERNODE_PLACES_MIN,
            kept_for: Duration::from_secs(180),
        }
    }
}

/// What the device is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// Whether the page is an installed application, and not a tab.
    pub is_installed: bool,
    /// How many bytes may be stored for contents; 0: nothing that stays.
    pub store_bytes: u64,
}

/// What the protocol is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// A run begins.
    Start,
    /// It ends.
    Stop,
    /// The page's life.
    Lifecycle(Lifecycle),
    /// Power and traffic.
    Economy(Economy),
    /// Answers [`Effect::Look`].
    Facts(Facts),
}

/// How things stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Connected peers.
    pub(crate) peers: usize,
    /// Whether a whole content is here to be served.
    pub(crate) is_seeding: bool,
    /// What the fastest connection carried of contents, in bytes per second.
    pub(crate) out_per_second: u64,
    /// For how long we were connected to anybody, over all runs.
    pub(crate) uptime_ms: u64,
}

/// What the protocol asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Say how things stand: [`Input::Facts`].
    Look,
    /// This is what we are from here on.
    Become(Standing),
}

/// What a node says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Bits: `peerloom_wire::record::ROLE_*`.
    pub(crate) roles: u8,
    pub(crate) capabilities: Capabilities,
    /// The most direct connections.
    pub(crate) connections_max: u16,
}

/// Settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Config {
    pub(crate) rules: RoleRules,
    pub(crate) device: Device,
    /// The most direct connections of one that is no supernode.
    pub(crate) connections_max: u16,
}

/// What we are.
#[derive(Debug)]
pub(crate) struct Roles {
    config: Config,
    /// Since when we run, and when it is looked again.
    run: Option<(Instant, Instant)>,
    is_hidden: bool,
    is_saving: bool,
    /// Until when each role is kept: seed, relay, supernode.
    kept_until: [Option<Instant>; 3],
    standing: Standing,
    /// When others were last told of a change.
    told_at: Instant,
}

impl Machine for Roles {
    type Input = Input;
    type Effect = Effect;

    fn handle(&mut self, now: Now, input: Input, out: &mut Vec<Effect>) {
        match input {
            Input::Start if self.run.is_none() => {
                self.run = Some((now.mono, now.mono + LOOK_INTERVAL));
            }
            Input::Start => {}
            Input::Stop => {
                self.run = None;
                self.kept_until = [None; 3];
                let connections_max = self.config.connections_max;
                self.become_now(
                    now.mono,
                    Standing { roles: 0, connections_max, ..self.standing },
                    out,
                );
            }
            Input::Lifecycle(lifecycle) => self.is_hidden = lifecycle == Lifecycle::Hidden,
            Input::Economy(economy) => self.is_saving = economy == Economy::Saving,
            Input::Facts(facts) => self.on_facts(now.mono, facts, out),
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.run.map(|(_, look_at)| look_at)
    }

    fn handle_timeout(&mut self, now: Now, out: &mut Vec<Effect>) {
        if let Some((_, look_at)) = &mut self.run
            && *look_at <= now.mono
        {
            *look_at = now.mono + LOOK_INTERVAL;
            out.push(Effect::Look);
        }
    }
}

impl Roles {
    /// Makes the protocol: a leaf.
    #[must_use]
    pub(crate) fn new(config: Config) -> Self {
        let store_log2 = log2(config.device.store_bytes);
        let is_installed = config.device.is_installed;
        let capabilities = Capabilities {
            relays: true,
            stores: store_log2 > 0,
            is_installed,
            store_log2,
            ..Capabilities::default()
        };
        let connections_max = config.connections_max;
        Self {
            config,
            run: None,
            is_hidden: false,
            is_saving: false,
            kept_until: [None; 3],
            standing: Standing { roles: 0, capabilities, connections_max },
            told_at: Instant::ZERO,
        }
    }

    /// Returns what we are.
    pub(crate) const fn standing(&self) -> Standing {
        self.standing
    }

    #[inline(never)]
    fn on_facts(&mut self, now: Instant, facts: Facts, out: &mut Vec<Effect>) {
        let Some((since, _)) = self.run else { return };
        let RoleRules { relay_after, supernode_after, supernode_uptime, kept_for, .. } =
            self.config.rules;
        let places = self.config.rules.supernode_connections.max(self.config.connections_max);
        let runs_for = now.since(since);
        let uptime = Duration::from_millis(facts.uptime_ms);
        let relays = !self.is_hidden && runs_for >= relay_after && facts.peers >= RELAY_PEERS_MIN;
        let is_super = relays
            && runs_for >= supernode_after
            && uptime >= supernode_uptime
            && facts.peers >= SUPERNODE_PEERS_MIN
            && places >= SUPERNODE_PLACES_MIN;
        let mut roles = 0;
        let deserved = [facts.is_seeding, relays, is_super];
        let bits = [ROLE_SEED, ROLE_RELAY, ROLE_SUPERNODE];
        for ((until, deserves), bit) in self.kept_until.iter_mut().zip(deserved).zip(bits) {
            // What costs the person is given up at once.
            if self.is_saving {
                *until = None;
            } else if deserves {
                *until = Some(now + kept_for);
            }
            if until.is_some_and(|until| now < until) {
                roles |= bit;
            }
        }
        let capabilities = Capabilities {
            relays: !self.is_saving,
            // The best so far: what nobody asked for was not slow.
            bandwidth_log2: self
                .standing
                .capabilities
                .bandwidth_log2
                .max(log2(facts.out_per_second)),
            uptime_log2: log2(facts.uptime_ms / 1000),
            ..self.standing.capabilities
        };
        let is_super = roles & ROLE_SUPERNODE > 0;
        let connections_max = if is_super { places } else { self.config.connections_max };
        self.become_now(now, Standing { roles, capabilities, connections_max }, out);
    }

    /// Tells what we are from here on, unless that is what we were, or as good as that.
    fn become_now(&mut self, now: Instant, standing: Standing, out: &mut Vec<Effect>) {
        let before = self.standing;
        let is_other = standing.roles != before.roles
            || standing.capabilities.relays != before.capabilities.relays;
        let is_due = now.since(self.told_at) >= TELL_INTERVAL;
        if is_other || standing != before && is_due {
            self.standing = standing;
            self.told_at = now;
            out.push(Effect::Become(standing));
        }
    }
}

/// The greatest power of two in a number; 0 for 0 and 1.
fn log2(number: u64) -> u8 {
    number.checked_ilog2().and_then(|log2| u8::try_from(log2).ok()).unwrap_or(0)
}
