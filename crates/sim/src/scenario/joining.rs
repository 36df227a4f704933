//! Newcomers: how long each takes until it knows others and has its share of connections, and how many messages that
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

/// So many others a newcomer is to know.
const KNOWN_COUNT: usize = 20;

/// What becomes of newcomers.
pub(super) struct Joining {
    /// Not yet seen connected.
    waiting: Vec<usize>,
    joined: Vec<Joined>,
    /// Not yet seen to know others.
    learning: Vec<usize>,
    learned: Vec<Joined>,
}

/// A newcomer that is where it wants to be.
#[derive(Clone, Copy)]
struct Joined {
    ms: u64,
    /// Envelopes.
    sent: u64,
    heard: u64,
    /// Envelopes and frames, sent and heard.
    messages: u64,
}

impl Joined {
    fn new(world: &World, tab: &Tab) -> Self {
        let ms = (world.schedule.now().since(tab.opened_at)).as_millis();
        Self {
            ms: u64::try_from(ms).unwrap_or(u64::MAX),
            sent: tab.envelopes_sent,
            heard: tab.envelopes_heard,
            messages: tab.envelopes_sent + tab.envelopes_heard + tab.frames_sent + tab.frames_heard,
        }
    }
}

impl Joining {
    pub(super) fn new(newcomers: &[usize]) -> Self {
        let (waiting, learning) = (newcomers.to_vec(), newcomers.to_vec());
        Self { waiting, joined: Vec::new(), learning, learned: Vec::new() }
    }

    /// Whether somebody is open and is not yet where it wants to be.
    pub(super) fn is_under_way(&self, world: &World) -> bool {
        self.waiting.iter().chain(&self.learning).any(|tab| world.tabs[*tab].is_open())
    }

    /// Looks who is there by now.
    pub(super) fn look(&mut self, world: &World) {
        let joined = &mut self.joined;
        self.waiting.retain(|newcomer| {
            let tab = &world.tabs[*newcomer];
            if !tab.is_running() || !is_connected(world, tab) {
                return true;
            }
            joined.push(Joined::new(world, tab));
            false
        });
        let learned = &mut self.learned;
        self.learning.retain(|newcomer| {
            let tab = &world.tabs[*newcomer];
            let others = world.truth.who.count(tab.options.app).saturating_sub(1);
            let known = tab.node.as_ref().map_or(0, |node| node.peer_states().count());
            let is_waiting = !tab.is_running() || known < KNOWN_COUNT.min(others);
            if !is_waiting {
                learned.push(Joined::new(world, tab));
            }
            is_waiting
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
        let learned =
            |what: fn(&Joined) -> u64| self.learned.iter().map(what).collect::<Vec<u64>>();
        let known_ms_max = learned(|learned| learned.ms).into_iter().max().unwrap_or(0);
        figures.extend([
            ("newcomers", (self.joined.len() + self.waiting.len()) as f64),
            ("not_joined", self.waiting.len() as f64),
            ("joined_ms_median", median(ms)),
            ("joined_ms_max", worst as f64),
            ("known_20_ms_median", median(learned(|learned| learned.ms))),
            ("known_20_ms_max", known_ms_max as f64),
            ("known_20_messages_median", median(learned(|learned| learned.messages))),
            ("not_known_20", self.learning.len() as f64),
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
