//! Offers, answers, candidates, and ICE finding a pair.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use peerloom_core::Instant;
use peerloom_core::event::Stage;
use peerloom_core::io::{Candidate, LinkEvent, TransportState};

use super::{
    Credentials, End, Endpoint, Fabric, FabricStep, Flow, Lane, Link, Signalling, read_credentials,
    read_sdp, write_candidate, write_sdp,
};
use crate::schedule::{Happening, Schedule};

/// How often ICE tries again while no pair works.
const ICE_RETRY: Duration = Duration::from_millis(400);

/// How long ICE tries before a browser calls it failed, if it does at all (Chromium: 15 s and more).
const ICE_GIVES_UP: Duration = Duration::from_secs(20);

/// What a node takes a new channel to hold, `docs/protocol/link.md`. A driver that granted more and waited
/// for half of it to be used would wait for ever.
pub(super) const BUDGET_BYTES_FIRST: u32 = 256 << 10;

impl Fabric {
    pub(super) fn create_offer(&mut self, schedule: &mut Schedule, end: End, restart: bool) {
        if !restart {
            if self.has(end) {
                self.breach(end, "made twice".to_owned());
                return;
            }
            self.make(end);
        }
        let Some(endpoint) = self.endpoints.get_mut(&end) else {
            self.breach(end, "ICE restart on no connection".to_owned());
            return;
        };
        if endpoint.signalling == Signalling::Broken {
            return;
        }
        if restart {
            endpoint.own.generation += 1;
        }
        endpoint.signalling = Signalling::OfferMade;
        let own = endpoint.own;
        self.count(if restart { "ICE restarts" } else { "offers" });
        let delay = self.dice.span(self.options.description);
        let event = LinkEvent::OfferReady { sdp: write_sdp("offer", own) };
        self.tell_after(schedule, delay, end, event);
        self.gather(schedule, delay, end, own);
    }

    pub(super) fn accept_offer(&mut self, schedule: &mut Schedule, end: End, sdp: &str) {
        if !self.has(end) {
            self.make(end);
        }
        let Some(remote) = self.set_remote(schedule, end, sdp) else { return };
        let Some(endpoint) = self.endpoints.get_mut(&end) else { return };
        // An own offer that waits is rolled back, as `setRemoteDescription` does. New credentials
        // on the other side ask for new ones here.
        if endpoint.remote.is_some_and(|old| old != remote) {
            endpoint.own.generation += 1;
        }
        endpoint.remote = Some(remote);
        endpoint.signalling = Signalling::Stable;
        let own = endpoint.own;
        let delay = self.dice.span(self.options.description);
        let event = LinkEvent::AnswerReady { sdp: write_sdp("answer", own) };
        self.tell_after(schedule, delay, end, event);
        self.gather(schedule, delay, end, own);
        self.try_pair(schedule, end);
    }

    pub(super) fn accept_answer(&mut self, schedule: &mut Schedule, end: End, sdp: &str) {
        let waits = self.endpoints.get(&end).map(|e| e.signalling);
        match waits {
            None => return self.breach(end, "an answer for no connection".to_owned()),
            Some(Signalling::OfferMade) => {}
            Some(_) => return self.fail(schedule, end, "InvalidStateError: no offer waits"),
        }
        let Some(remote) = self.set_remote(schedule, end, sdp) else { return };
        if let Some(endpoint) = self.endpoints.get_mut(&end) {
            endpoint.remote = Some(remote);
            endpoint.signalling = Signalling::Stable;
        }
        self.try_pair(schedule, end);
    }

    pub(super) fn add_candidates(
        &mut self,
        schedule: &mut Schedule,
        end: End,
        candidates: &[Candidate],
    ) {
        let Some(endpoint) = self.endpoints.get_mut(&end) else {
            self.breach(end, "a candidate for no connection".to_owned());
            return;
        };
        if endpoint.signalling == Signalling::Broken || candidates.is_empty() {
            return;
        }
        if endpoint.remote.is_none() {
            self.breach(end, "a candidate before the remote description".to_owned());
            return;
        }
        let ufrags = candidates.iter().filter_map(|one| one.candidate.rsplit_once("ufrag "));
        endpoint.candidates.extend(ufrags.filter_map(|(_, ufrag)| read_credentials(ufrag)));
        self.try_pair(schedule, end);
    }

    fn make(&mut self, end: End) {
        let own = Credentials { name: self.names_next, generation: 0 };
        self.names_next += 1;
        self.names.insert(own.name, end);
        self.endpoints.insert(
            end,
            Endpoint {
                own,
                signalling: Signalling::Stable,
                remote: None,
                candidates: BTreeSet::new(),
                link: None,
                opened_at: None,
                control: Lane::default(),
                bulk: Lane::default(),
                budget: 0,
                on_the_way: 0,
                jobs: VecDeque::new(),
                serving: false,
                expected: BTreeMap::new(),
                forgotten: BTreeSet::new(),
            },
        );
    }

    /// Reads a remote description, or fails as the browser's call does.
    fn set_remote(&mut self, schedule: &mut Schedule, end: End, sdp: &str) -> Option<Credentials> {
        if self.endpoints.get(&end)?.signalling == Signalling::Broken {
            return None;
        }
        if self.dice.chance(self.options.description_fails_per_mille) {
            self.fail(schedule, end, "OperationError: setRemoteDescription failed");
            return None;
        }
        let remote = read_sdp(sdp);
        if remote.is_none() {
            self.fail(schedule, end, "SyntaxError: not a description");
        }
        remote
    }

    fn fail(&mut self, schedule: &mut Schedule, end: End, reason: &str) {
        self.count("descriptions refused");
        self.disturbed_at = Some(schedule.now());
        if let Some(endpoint) = self.endpoints.get_mut(&end) {
            endpoint.signalling = Signalling::Broken;
        }
        let event = LinkEvent::Failed { stage: Stage::Signalling, reason: reason.to_owned() };
        self.tell(schedule, end, event);
    }

    fn gather(&mut self, schedule: &mut Schedule, base: Duration, end: End, own: Credentials) {
        let mut delay = base;
        for component in 0..self.dice.between(1, 3) {
            delay += self.dice.span(self.options.gathering);
            let candidate = write_candidate(own, component);
            self.tell_after(schedule, delay, end, LinkEvent::CandidateReady { candidate });
        }
        let last = Candidate { candidate: String::new(), ..write_candidate(own, 0) };
        self.tell_after(schedule, delay, end, LinkEvent::CandidateReady { candidate: last });
    }

    /// Starts ICE if both sides are set up for each other by now.
    fn try_pair(&mut self, schedule: &mut Schedule, end: End) {
        let Some((ends, credentials)) = self.matching(end) else { return };
        let since = schedule.now();
        let delay = self.dice.span(self.options.ice);
        schedule.after(delay, Happening::Fabric(FabricStep::Pair { ends, credentials, since }));
    }

    fn matching(&self, end: End) -> Option<([End; 2], [Credentials; 2])> {
        let a = self.endpoints.get(&end)?;
        let other = *self.names.get(&a.remote?.name)?;
        let b = self.endpoints.get(&other)?;
        let fits = |x: &Endpoint, y: &Endpoint| {
            x.signalling == Signalling::Stable
                && x.remote == Some(y.own)
                && x.candidates.contains(&y.own)
        };
        (other != end && fits(a, b) && fits(b, a)).then_some(([end, other], [a.own, b.own]))
    }

    pub(super) fn pair(
        &mut self,
        schedule: &mut Schedule,
        ends: [End; 2],
        credentials: [Credentials; 2],
        since: Instant,
    ) {
        let [a, b] = ends;
        if self.matching(a) != Some((ends, credentials)) {
            return;
        }
        if !self.is_cut(a.seat.tab, b.seat.tab) {
            return self.found(schedule, ends);
        }
        if schedule.now().since(since) < ICE_GIVES_UP {
            let step = FabricStep::Pair { ends, credentials, since };
            return schedule.after(ICE_RETRY, Happening::Fabric(step));
        }
        self.count("ICE gave up");
        if self.options.outage_is_told {
            for end in ends {
                self.tell(schedule, end, LinkEvent::Transport(TransportState::Failed));
            }
        }
    }

    /// ICE found a pair: the connection comes up, or comes back.
    fn found(&mut self, schedule: &mut Schedule, ends: [End; 2]) {
        let known = self.endpoints.get(&ends[0]).and_then(|endpoint| endpoint.link);
        if let Some(link) = known {
            self.resume(schedule, link, true);
            return;
        }
        let id = self.links_next;
        self.links_next += 1;
        let link = Link { ends, flow: Flow::Flowing, outage: 0, failed: false, told: false };
        self.links.insert(id, link);
        self.links_by_tab.extend(ends.map(|end| (end.seat.tab, id)));
        self.count("connections up");
        let mut opened_at = [Instant::ZERO; 2];
        for (end, opened_at) in ends.into_iter().zip(&mut opened_at) {
            self.tell(schedule, end, LinkEvent::Transport(TransportState::IceConnected));
            let secure = self.dice.span(self.options.dtls);
            let open = secure + self.dice.span(self.options.dtls);
            let event = LinkEvent::Transport(TransportState::Connected);
            self.tell_after(schedule, secure, end, event);
            self.tell_after(schedule, open, end, LinkEvent::Opened);
            let budget_bytes = self.options.control_budget_bytes.min(BUDGET_BYTES_FIRST);
            self.tell_after(schedule, open, end, LinkEvent::Writable { budget_bytes });
            *opened_at = schedule.now() + open;
        }
        for (index, end) in ends.into_iter().enumerate() {
            let [here, there] = if index == 0 { opened_at } else { [opened_at[1], opened_at[0]] };
            let budget = self.options.control_budget_bytes.min(BUDGET_BYTES_FIRST);
            if let Some(endpoint) = self.endpoints.get_mut(&end) {
                endpoint.link = Some(id);
                endpoint.opened_at = Some(here);
                endpoint.budget = budget;
                // What is sent early arrives when the other side's channels are open.
                endpoint.control.last_arrival = there;
                endpoint.bulk.last_arrival = there;
            }
        }
        if self.dice.chance(self.options.stillborn_per_mille) {
            let delay = Duration::from_millis(self.dice.below(8_000));
            schedule.after(delay, Happening::Fabric(FabricStep::Stillborn { link: id }));
        }
    }
}
