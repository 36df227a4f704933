//! Newcomers: how long each takes until it is connected to all that it can hear, and how many
//! envelopes that costs.

use std::collections::BTreeMap;

use peerloom_core::Instant;

use super::figures::median;
use crate::checkers;
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

    /// Whether somebody is open and not yet connected to all.
    pub(super) fn is_under_way(&self, world: &World) -> bool {
        self.waiting.iter().any(|tab| world.tabs[*tab].is_open())
    }

    /// Looks who is there by now.
    pub(super) fn look(&mut self, world: &World) {
        let joined = &mut self.joined;
        self.waiting.retain(|newcomer| {
            let tab = &world.tabs[*newcomer];
            if !tab.is_running() || !is_connected_to_all(world, tab) {
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

/// Whether a tab is connected to everybody that it can hear and that is past its own start, as far as
/// both have room.
fn is_connected_to_all(world: &World, tab: &Tab) -> bool {
    let limit = usize::from(world.options.max_connections);
    let ours = checkers::connected(tab);
    let is_mate = |other: &&Tab| {
        other.options.app == tab.options.app && other.is_honest() && other.is_running()
    };
    let hearers = world.truth.who.hearers(tab.seat.tab);
    let mut mates = hearers.into_iter().map(|other| &world.tabs[other]).filter(is_mate);
    tab.opened_at > Instant::ZERO
        && mates.all(|other| {
            ours.contains(&other.peer)
                || ours.len() >= limit
                || checkers::connected(other).len() >= limit
        })
}
