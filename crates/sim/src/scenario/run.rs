//! Runs a scenario: everything up to the healing, the way back to a whole world, and the figures.

use std::collections::BTreeMap;

use super::draw::{self, Plan};
use super::figures::{self, Parts, Reading};
use super::joining::{self, Joining};
use super::spread::Spread;
use super::{Missed, Outcome, Scenario};
use crate::convergence::{Reach, unmet};
use crate::world::{Faults, RECOVERS_MS, World};

/// How often a world is asked whether it is whole, in milliseconds.
const STEP_MS: u64 = 1_000;

/// For so long two that parted as one connection too many don't dial each other, at most: 120 s and a
/// quarter. When half have left meanwhile, both may lack it until then.
const SURPLUS_MS: u64 = 150_000;

/// Of what a world lacks, so much is told.
const MISSED_TOLD_MAX: usize = 8;

/// Runs a scenario with so many tabs.
#[must_use]
pub fn run(scenario: &Scenario, nodes: usize, seed: u64) -> Outcome {
    let Plan { options, newcomers } = draw::draw(scenario, nodes, seed);
    let measure = &scenario.measure;
    let mut run = Run {
        world: World::new(&options),
        joining: Joining::new(&newcomers),
        spread: Spread::new(&newcomers, &measure.figures),
    };
    run.advance(measure.from_s * 1000);
    let before = Reading::take(&run.world);
    run.advance(measure.heal_s * 1000);
    run.world.end_faults(if measure.siege { Faults::HostileOnly } else { Faults::None });
    let healed_ms = measure.heal_s * 1000;
    let deadline_ms = healed_ms + measure.deadline_s * 1000;
    let split = Parts::count(&run.world).split();
    let sent = messages_sent(&run.world);
    let one_ms = run.until(deadline_ms, |world| Parts::count(world).are_one());
    let sent = messages_sent(&run.world).saturating_sub(sent);
    let running = run.world.tabs.iter().filter(|tab| tab.is_running()).count();
    let whole_ms = run.until(deadline_ms, is_whole);
    run.advance(run.world.now_ms() + measure.watch_s * 1000);
    // Somebody may just have been found out and banned, or have let a connection go for somebody else.
    run.until(run.world.now_ms() + RECOVERS_MS.max(SURPLUS_MS), is_whole);
    let mut missed = unmet(&run.world, Reach::Heard);
    let unheard = run.world.posts.missed(&run.world.tabs);
    missed.extend(unheard.map(|(tab, index)| (tab, format!("has not heard message {index}"))));
    let Run { world, joining, spread } = run;
    let mut found = BTreeMap::from([
        ("split_at_first", split as f64),
        ("one_again_ms", (one_ms.unwrap_or(deadline_ms) - healed_ms) as f64),
        ("one_again_messages", figures::share(sent as f64, running as f64)),
        ("whole_ms", (whole_ms.unwrap_or(deadline_ms) - healed_ms) as f64),
        ("missed", missed.len() as f64),
    ]);
    joining.add_figures(&mut found);
    spread.add_figures(&mut found);
    figures::add(&world, &before, &mut found);
    let told = missed.into_iter().take(MISSED_TOLD_MAX);
    Outcome {
        seed,
        violations: world.checkers.violations.clone(),
        missed: told.map(|(tab, what)| Missed { tab, what }).collect(),
        figures: found,
        inputs: world.inputs_count(),
        virtual_ms: world.now_ms(),
        trace_hash: format!("{:016x}", world.trace_hash()),
    }
}

/// Envelopes and frames.
fn messages_sent(world: &World) -> u64 {
    world.tabs.iter().map(|tab| tab.envelopes_sent + tab.frames_sent).sum()
}

fn is_whole(world: &World) -> bool {
    unmet(world, Reach::Heard).is_empty()
}

struct Run {
    world: World,
    joining: Joining,
    spread: Spread,
}

impl Run {
    fn is_over(&self) -> bool {
        !self.world.checkers.violations.is_empty()
    }

    /// Runs to a moment, with an eye on newcomers.
    fn advance(&mut self, to_ms: u64) {
        while self.world.now_ms() < to_ms && !self.is_over() {
            let is_joining = self.joining.is_under_way(&self.world);
            let step_ms = if is_joining { joining::LOOK_MS } else { STEP_MS };
            self.world.run_until((self.world.now_ms() + step_ms).min(to_ms));
            if is_joining {
                self.joining.look(&self.world);
            }
            self.spread.look(&self.world);
        }
    }

    /// Runs until a world is as it is to be, at most to a moment. Returns when.
    fn until(&mut self, end_ms: u64, is_there: impl Fn(&World) -> bool) -> Option<u64> {
        loop {
            if is_there(&self.world) {
                return Some(self.world.now_ms());
            }
            if self.world.now_ms() >= end_ms || self.is_over() {
                return None;
            }
            self.advance(self.world.now_ms() + STEP_MS);
        }
    }
}
