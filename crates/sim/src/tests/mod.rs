//! Scenarios, proofs that checkers fire, and seeds that once failed.

mod bridge;
mod checkers;
mod crowd;
mod exchange;
mod rendezvous;
mod runs;
mod scenarios;
mod scoring;

use crate::options::Options;
use crate::report::Report;
use crate::script::{Action, Step};
use crate::world::{World, run};

/// Sorts what happens when.
fn script(steps: &[(u64, Action)]) -> Vec<Step> {
    let mut steps: Vec<Step> = steps
        .iter()
        .map(|(at_ms, action)| Step { at_ms: *at_ms, action: action.clone() })
        .collect();
    steps.sort_by_key(|step| step.at_ms);
    steps
}

/// A calm world of so many tabs, the last in the other application, that all open at once; the
/// contents are added after two seconds.
fn calm(tabs: usize, steps: &[(u64, Action)]) -> Options {
    let mut options = Options::calm(1, tabs);
    let opens = (0..tabs).map(|tab| (0, Action::Open { tab }));
    let adds = (0..options.contents.len()).map(|content| (2_000, Action::Add { content }));
    let all: Vec<(u64, Action)> = opens.chain(adds).chain(steps.iter().cloned()).collect();
    options.script = script(&all);
    options
}

/// Runs to the end and demands that nothing went wrong.
fn pass(world: &mut World) {
    world.keep_events();
    let converged = world.run_to_the_end();
    assert_eq!(world.checkers.violations, [], "of {world:?}");
    assert!(converged.is_some());
}

fn run_seed(seed: u64) -> Report {
    run(&Options::draw(seed, None), None).unwrap()
}
