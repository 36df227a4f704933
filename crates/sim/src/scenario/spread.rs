//! How fast it becomes known that somebody is there.

use std::collections::BTreeMap;

use super::figures::share;
use crate::convergence::View;
use crate::world::World;

/// How long newcomers have been there when it is looked who knows of them, in seconds, and the figures'
/// names.
const AGES: [(u64, &str); 4] = [
    (15, "spread_share_15_s"),
    (60, "spread_share_60_s"),
    (120, "spread_share_120_s"),
    (300, "spread_share_300_s"),
];

/// Who knows of newcomers.
pub(super) struct Spread {
    /// And how often each was looked for.
    newcomers: Vec<(usize, usize)>,
    /// For each age: knowers, and those that could know.
    counts: [[usize; 2]; AGES.len()],
}

impl Spread {
    /// Looks for them if the figures are wanted.
    pub(super) fn new(newcomers: &[usize], figures: &[String]) -> Self {
        let is_wanted = AGES.iter().any(|(_, name)| figures.iter().any(|wanted| wanted == name));
        let newcomers = newcomers.iter().filter(|_| is_wanted);
        Self { newcomers: newcomers.map(|tab| (*tab, 0)).collect(), counts: Default::default() }
    }

    /// Looks for those who are old enough for it.
    pub(super) fn look(&mut self, world: &World) {
        let now = world.schedule.now();
        let mut view = None;
        for (newcomer, looks) in &mut self.newcomers {
            let tab = &world.tabs[*newcomer];
            let Some((age_s, _)) = AGES.get(*looks).filter(|_| tab.is_running()) else { continue };
            if now.since(tab.opened_at).as_secs() < *age_s {
                continue;
            }
            let view = view.get_or_insert_with(|| View::new(world));
            let mates = world.tabs.iter().filter(|other| {
                other.is_running() && other.options.app == tab.options.app && other.peer != tab.peer
            });
            for other in mates {
                self.counts[*looks][0] += usize::from(view.knows(other.seat.tab, &tab.peer));
                self.counts[*looks][1] += 1;
            }
            *looks += 1;
        }
    }

    pub(super) fn add_figures(&self, figures: &mut BTreeMap<&'static str, f64>) {
        for ([knowers, all], (_, name)) in self.counts.iter().zip(AGES) {
            figures.insert(name, share(*knowers as f64, *all as f64));
        }
    }
}
