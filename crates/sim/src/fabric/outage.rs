//! Connections that stop carrying: by partition, by a kill, by nothing at all.

use core::time::Duration;

use peerloom_core::io::{LinkEvent, TransportState};

use super::{ConsentStage, End, Fabric, FabricStep, Flow};
use crate::schedule::{Happening, Schedule, Seat};

/// From the last packet to `disconnected`: browsers take 5 to 7 s.
const CONSENT_MISSING_MS: (u64, u64) = (5_000, 7_000);

/// From there to `failed`: consent expires after 30 s in all (RFC 7675, section 5.1).
const CONSENT_LOST: Duration = Duration::from_secs(24);

impl Fabric {
    /// The connections between two tabs stop carrying without an event, until an ICE restart.
    pub(crate) fn sever(&mut self, schedule: &mut Schedule, a: usize, b: usize) {
        for link in self.links_between(a, b) {
            self.count("connections severed");
            self.stall(schedule, link, Flow::Stalled { by_path: false }, false);
        }
    }

    /// Two tabs can't reach each other until [`Self::rejoin`].
    pub(crate) fn cut(&mut self, schedule: &mut Schedule, a: usize, b: usize) {
        *self.cuts.entry((a.min(b), a.max(b))).or_insert(0) += 1;
        let told = self.options.outage_is_told;
        for link in self.links_between(a, b) {
            if self.links.get(&link).is_some_and(super::Link::flows) {
                self.stall(schedule, link, Flow::Stalled { by_path: true }, told);
            }
        }
    }

    /// One partition between two tabs ends.
    pub(crate) fn rejoin(&mut self, schedule: &mut Schedule, a: usize, b: usize) {
        if let Some(count) = self.cuts.get_mut(&(a.min(b), a.max(b))) {
            *count = count.saturating_sub(1);
        }
        if self.is_cut(a, b) || !self.options.heals_by_itself {
            return;
        }
        for link in self.links_between(a, b) {
            let waits = self
                .links
                .get(&link)
                .is_some_and(|link| link.flow == Flow::Stalled { by_path: true } && !link.failed);
            if waits {
                self.resume(schedule, link, false);
            }
        }
    }

    /// Ends all partitions.
    pub(crate) fn rejoin_all(&mut self, schedule: &mut Schedule) {
        let pairs: Vec<(usize, usize)> = self.cuts.keys().copied().collect();
        for (a, b) in pairs {
            while self.is_cut(a, b) {
                self.rejoin(schedule, a, b);
            }
        }
    }

    fn links_between(&self, a: usize, b: usize) -> Vec<u64> {
        let between = |ends: &[End; 2]| {
            let tabs = (ends[0].seat.tab, ends[1].seat.tab);
            tabs == (a, b) || tabs == (b, a)
        };
        let alive = |ends: &[End; 2]| ends.iter().any(|end| self.has(*end));
        let links = self.links.iter().filter(|(_, link)| between(&link.ends) && alive(&link.ends));
        links.map(|(id, _)| *id).collect()
    }

    pub(super) fn stall(&mut self, schedule: &mut Schedule, id: u64, flow: Flow, told: bool) {
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
            *other == tab
                && link.and_then(|link| self.links.get(&link)).is_some_and(super::Link::flows)
        })
    }
}
