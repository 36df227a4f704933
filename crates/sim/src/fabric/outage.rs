//! Connections that stop carrying: by partition, by a kill, by nothing at all.

use core::time::Duration;
use std::collections::BTreeSet;

use peerloom_core::io::{LinkEvent, TransportState};

use super::{ConsentStage, End, Fabric, FabricStep, Flow, Link};
use crate::schedule::{Happening, Schedule, Seat};

/// From the last packet to `disconnected`: browsers take 5 to 7 s.
const CONSENT_MISSING_MS: (u64, u64) = (5_000, 7_000);

/// From there to `failed`: consent expires after 30 s in all (RFC 7675, section 5.1).
const CONSENT_LOST: Duration = Duration::from_secs(24);

impl Fabric {
    /// The connections between two tabs stop carrying without an event, until an ICE restart.
    pub(crate) fn sever(&mut self, schedule: &mut Schedule, a: usize, b: usize) {
        for (other, link) in self.links_of(a) {
            if other == b {
                self.count("connections severed");
                self.stall(schedule, link, Flow::Stalled { by_path: false }, false);
            }
        }
    }

    /// These tabs and the others can't reach one another until [`Self::rejoin`] of what is returned.
    pub(crate) fn cut(&mut self, schedule: &mut Schedule, side: BTreeSet<usize>) -> u64 {
        let links = self.links_across(&side);
        let cut = self.cuts_next;
        self.cuts_next += 1;
        self.cuts.insert(cut, side);
        let told = self.options.outage_is_told;
        for (_, link) in links {
            if self.links.get(&link).is_some_and(Link::flows) {
                self.stall(schedule, link, Flow::Stalled { by_path: true }, told);
            }
        }
        cut
    }

    /// One partition ends.
    pub(crate) fn rejoin(&mut self, schedule: &mut Schedule, cut: u64) {
        if let Some(side) = self.cuts.remove(&cut) {
            self.disturbed_at = Some(schedule.now());
            let links = self.links_across(&side);
            self.reconnect(schedule, links);
        }
    }

    /// Ends all partitions.
    pub(crate) fn rejoin_all(&mut self, schedule: &mut Schedule) {
        let mut links: Vec<((usize, usize), u64)> = Vec::new();
        for side in core::mem::take(&mut self.cuts).into_values() {
            self.disturbed_at = Some(schedule.now());
            let across = self.links_across(&side).into_iter();
            links.extend(across.map(|((a, b), link)| ((a.min(b), a.max(b)), link)));
        }
        links.sort_unstable();
        links.dedup();
        self.reconnect(schedule, links);
    }

    /// Links that waited for their path carry again, unless another partition is between them.
    fn reconnect(&mut self, schedule: &mut Schedule, links: Vec<((usize, usize), u64)>) {
        if !self.options.heals_by_itself {
            return;
        }
        for ((a, b), id) in links {
            let waits = |link: &Link| link.flow == Flow::Stalled { by_path: true } && !link.failed;
            if !self.is_cut(a, b) && self.links.get(&id).is_some_and(waits) {
                self.resume(schedule, id, false);
            }
        }
    }

    /// The links between tabs of one side and tabs of the other, in the order of their tabs.
    fn links_across(&self, side: &BTreeSet<usize>) -> Vec<((usize, usize), u64)> {
        let across = side.iter().flat_map(|&tab| {
            let links = self.links_of(tab).into_iter();
            links.filter(|(other, _)| !side.contains(other)).map(move |(b, id)| ((tab, b), id))
        });
        across.collect()
    }

    /// The links of a tab of which a side is left, by the tab at the other.
    fn links_of(&self, tab: usize) -> BTreeSet<(usize, u64)> {
        let ours = self.links_by_tab.range((tab, 0)..=(tab, u64::MAX));
        let sides = ours.filter_map(|(_, id)| Some((*id, self.links.get(id)?.ends)));
        let others = sides.flat_map(|(id, ends)| ends.map(|end| (end.seat.tab, id)));
        others.filter(|(other, _)| *other != tab).collect()
    }

    pub(super) fn stall(&mut self, schedule: &mut Schedule, id: u64, flow: Flow, told: bool) {
        self.disturbed_at = Some(schedule.now());
        let Some(link) = self.links.get_mut(&id) else { return };
        link.flow = flow;
        link.outage += 1;
        let outage = link.outage;
        if told {
            let delay = Duration::from_millis(
                self.dice.between(CONSENT_MISSING_MS.0, CONSENT_MISSING_MS.1),
            );
            let step = FabricStep::Consent { link: id, outage, stage: ConsentStage::Missing };
            schedule.after(delay, Happening::Fabric(step));
        }
    }

    pub(super) fn consent(
        &mut self,
        schedule: &mut Schedule,
        id: u64,
        outage: u32,
        stage: ConsentStage,
    ) {
        let Some(link) = self.links.get_mut(&id) else { return };
        if link.outage != outage || link.flows() {
            return;
        }
        link.told = true;
        let state = match stage {
            ConsentStage::Missing => TransportState::Disconnected,
            ConsentStage::Lost => TransportState::Failed,
        };
        link.failed = stage == ConsentStage::Lost;
        let ends = link.ends;
        self.count("outages told");
        for end in ends {
            self.tell(schedule, end, LinkEvent::Transport(state));
        }
        if stage == ConsentStage::Missing {
            let step = FabricStep::Consent { link: id, outage, stage: ConsentStage::Lost };
            schedule.after(CONSENT_LOST, Happening::Fabric(step));
        }
    }

    /// A stalled connection carries again; `anew`: by an ICE restart.
    pub(super) fn resume(&mut self, schedule: &mut Schedule, id: u64, anew: bool) {
        let Some(link) = self.links.get_mut(&id) else { return };
        let says = anew || link.told;
        link.flow = Flow::Flowing;
        link.outage += 1;
        link.told = false;
        link.failed = false;
        let ends = link.ends;
        for end in ends {
            if says {
                self.tell(schedule, end, LinkEvent::Transport(TransportState::Connected));
            }
            self.flush(schedule, end);
        }
    }

    /// The other side of `end` is gone and said nothing.
    pub(super) fn orphan(&mut self, schedule: &mut Schedule, end: End) {
        if self.options.outage_is_told {
            let delay = Duration::from_millis(
                self.dice.between(CONSENT_MISSING_MS.0, CONSENT_MISSING_MS.1),
            );
            let step = FabricStep::Orphan { end, stage: ConsentStage::Missing };
            schedule.after(delay, Happening::Fabric(step));
        }
    }

    pub(super) fn orphaned(&mut self, schedule: &mut Schedule, end: End, stage: ConsentStage) {
        if !self.has(end) {
            return;
        }
        let state = match stage {
            ConsentStage::Missing => TransportState::Disconnected,
            ConsentStage::Lost => TransportState::Failed,
        };
        self.tell(schedule, end, LinkEvent::Transport(state));
        if stage == ConsentStage::Missing {
            let step = FabricStep::Orphan { end, stage: ConsentStage::Lost };
            schedule.after(CONSENT_LOST, Happening::Fabric(step));
        }
    }

    /// Whether frames of this session's connection to `tab` get through.
    pub(crate) fn carries(&self, seat: Seat, tab: usize) -> bool {
        self.open_ends(seat).iter().any(|(end, other)| {
            let link = self.endpoints.get(end).and_then(|endpoint| endpoint.link);
            *other == tab && link.and_then(|link| self.links.get(&link)).is_some_and(Link::flows)
        })
    }
}
