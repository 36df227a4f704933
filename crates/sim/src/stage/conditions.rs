//! What the network is like: for all pairs of tabs, or between two of them, and who is cut off.

use super::Stage;
use crate::dice::Span;
use crate::options::LinkOptions;

/// What goes through a browser's send buffer at once.
const CONTROL_BUDGET_BYTES: u32 = 1 << 20;

/// What the network between two tabs is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conditions {
    /// One way; drawn once for each pair of tabs.
    pub latency: Span,
    /// Packets lost, of a million.
    pub loss_ppm: u32,
    /// What a connection carries in a second.
    pub bytes_per_second: u64,
}

impl Conditions {
    /// Making a description takes a browser some milliseconds; ICE takes a check and its answer, DTLS
    /// and then SCTP two round trips each.
    pub(super) const fn links(self) -> LinkOptions {
        let Span { min_ms, max_ms } = self.latency;
        LinkOptions {
            description: Span::new(1, 5),
            gathering: Span::new(0, 5),
            ice: Span::new(2 * min_ms + 1, 2 * max_ms + 10),
            dtls: Span::new(4 * min_ms + 1, 4 * max_ms + 5),
            latency: self.latency,
            loss_ppm: self.loss_ppm,
            bandwidth_min: self.bytes_per_second,
            bandwidth_max: self.bytes_per_second,
            control_budget_bytes: CONTROL_BUDGET_BYTES,
            description_fails_per_mille: 0,
            stillborn_per_mille: 0,
            outage_is_told: true,
            heals_by_itself: true,
        }
    }
}

impl Stage {
    /// Returns what the network is like where nothing else was said.
    #[must_use]
    pub const fn conditions(&self) -> Conditions {
        self.conditions
    }

    /// Changes the network between all tabs from now on, or between two.
    pub fn shape(&mut self, conditions: Conditions, between: Option<(usize, usize)>) {
        if between.is_none() {
            self.conditions = conditions;
        }
        self.fabric.shape(conditions.links(), between);
    }

    /// Parts the tabs: those of one island can't reach any that is not on it, those on none are
    /// together. Replaces an earlier partition; without islands all reach one another again.
    /// Envelopes don't get through either.
    pub fn partition(&mut self, islands: Vec<Vec<usize>>) {
        let Self { fabric, schedule, .. } = self;
        // First what is to be apart, and only then the rest: what stays apart never meets.
        let cut = |island: Vec<usize>| fabric.cut(schedule, island.into_iter().collect());
        let cuts: Vec<u64> = islands.into_iter().map(cut).collect();
        for cut in core::mem::replace(&mut self.cuts, cuts) {
            self.fabric.rejoin(&mut self.schedule, cut);
        }
    }
}
