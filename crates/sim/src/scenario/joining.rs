//! Newcomers: how long each takes until it has its share of connections, and how many envelopes that
//! costs.

use std::collections::BTreeMap;

use peerloom_core::Instant;

use super::figures::median;
use crate::checkers;
use crate::convergence::share;
use crate::tab::Tab;
use crate::world::World;

/// How often newcomers are looked at, in milliseconds: so exact are the figures.
pub(super) const LOOK_MS: u64 = 20;

/// What becomes of newcomers.
pub(super) struct Joining {
    /// Not yet seen connected.
    waiting: Vec<usize>,
    joined: Vec<Joined>,
}

#[derive(Clone, Copy)]
struct Joined {
    ms: u64,
    sent: u64,
    heard: u64,
}

impl Joining {
    pub(super) fn new(newcomers: &[usize]) -> Self {
        Self { waiting: newcomers.to_vec(), joined: Vec::new() }
    }

    /// Whether somebody is open and has not yet its share.
    pub(super) fn is_under_way(&self, world: &World) -> bool {
        self.waiting.iter().any(|tab| world.tabs[*tab].is_open())
    }

    /// Looks who is there by now.
    pub(super) fn look(&mut self, world: &World) {
        let joined = &mut self.joined;
        self.waiting.retain(|newcomer| {
            let tab = &world.tabs[*newcomer];
            if !tab.is_running() || !is_connected(world, tab) {
                return true;
            }
            let ms = (world.schedule.now().since(tab.opened_at)).as_millis();
            let ms = u64::try_from(ms).unwrap_or(u64::MAX);
            joined.push(Joined { ms, sent: tab.envelopes_sent, heard: tab.envelopes_heard });
            false
        });
    }

    pub(super) fn add_figures(&self, figures: &mut BTreeMap<&'static str, f64>) {
        if self.joined.is_empty() && self.waiting.is_empty() {
            return;
        }
        let ms: Vec<u64> = self.joined.iter().map(|joined| joined.ms).collect();
        let worst = ms.iter().max().copied().unwrap_or(0);
        let sent = self.joined.iter().map(|joined| joined.sent).collect();
        let heard = self.joined.iter().map(|joined| joined.heard).collect();
        figures.extend([
            ("newcomers", (self.joined.len() + self.waiting.len()) as f64),
            ("not_joined", self.waiting.len() as f64),
            ("joined_ms_median", median(ms)),
            ("joined_ms_max", worst as f64),
            ("join_envelopes_sent_median", median(sent)),
            ("join_envelopes_heard_median", median(heard)),
        ]);
    }
}

/// Whether a tab has all connections that it is to have; in a group that is small enough, to everybody
/// whom it hears and who is past its own start.
fn is_connected(world: &World, tab: &Tab) -> bool {
    let share = share(world, tab.options.app);
    let ours = checkers::connected(tab);
    // In a group that is hardly larger than that, there may be nobody else who lacks connections.
    if world.truth.who.count(tab.options.app) > 2 * usize::from(world.options.max_connections) {
        return ours.len() >= share;
    }
    let is_mate = |other: &&Tab| {
        other.options.app == tab.options.app && other.is_honest() && other.is_running()
    };
    let hearers = world.truth.who.hearers(tab.seat.tab);
    let mut mates = hearers.into_iter().map(|other| &world.tabs[other]).filter(is_mate);
    tab.opened_at > Instant::ZERO
        && mates.all(|other| {
            ours.contains(&other.peer)
                || ours.len() >= share
                || checkers::connected(other).len() >= share
        })
}
