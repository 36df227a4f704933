//! What was said in rooms, in figures: those that Plumtree's authors measure by.

use std::collections::BTreeMap;

use super::figures::share;
use crate::posts::{Phase, Said};
use crate::world::World;

/// Adds the figures of what was said: missed messages are those that somebody did not hear who was in
/// the room all the time.
pub(super) fn add(world: &World, figures: &mut BTreeMap<&'static str, f64>) {
    let said = || world.posts.said.iter();
    let heard: usize = said().map(|said| said.heard.len()).sum();
    figures.extend([("said", said().count() as f64), ("heard", heard as f64)]);
    let of = |phase| said().filter(move |said| said.phase == Some(phase)).collect::<Vec<_>>();
    let (one, changing) = (of(Phase::One), of(Phase::Changing));
    let all = [&one[..], &changing].concat();
    for (ldh, rmr, ms, said) in [
        ("ldh_mean", "rmr_mean", "last_ms_mean", all),
        ("ldh_one_mean", "rmr_one_mean", "last_ms_one_mean", one),
        ("ldh_changing_mean", "rmr_changing_mean", "last_ms_changing_mean", changing),
    ] {
        figures.extend([
            (
                ldh,
                mean(&said, |said| {
                    said.heard.values().map(|(hops, _)| f64::from(*hops)).fold(0.0, f64::max)
                }),
            ),
            (rmr, mean(&said, redundancy)),
            (ms, mean(&said, last_ms)),
        ]);
    }
}

/// Relative message redundancy: how often it was sent whole for each node that had to get it, less one.
fn redundancy(said: &Said) -> f64 {
    said.frames as f64 / (said.reachable.saturating_sub(1).max(1)) as f64 - 1.0
}

/// How long it took to the last who heard it, in milliseconds.
fn last_ms(said: &Said) -> f64 {
    let last = said.heard.values().map(|(_, at)| at.since(said.at)).max().unwrap_or_default();
    last.as_micros() as f64 / 1000.0
}

fn mean(said: &[&Said], figure: impl Fn(&Said) -> f64) -> f64 {
    let sum: f64 = said.iter().map(|said| figure(said)).sum();
    share(sum, said.len() as f64)
}
