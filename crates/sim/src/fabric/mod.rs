//! The network as WebRTC shows it to a page: descriptions, candidates, ICE, channels, and all the
//! ways in which they fail. Sits where `RTCPeerConnection` sits in a browser.
//!
//! A description names its endpoint and the generation of its ICE credentials; a candidate names
//! the same. Two endpoints find each other when each has set the other's current description,
//! neither waits for an answer, and each has a candidate of the other. What was forged or belongs
//! to an older attempt does not fit and never connects, as in a browser.

mod body;
mod channel;
mod loss;
mod negotiation;
mod outage;

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use peerloom_core::io::{Candidate, ConnId, LinkCommand, LinkEvent};
use peerloom_core::{Input, Instant};
use peerloom_wire::RequestId;

use crate::dice::Dice;
use crate::options::LinkOptions;
use crate::schedule::{Happening, Schedule, Seat};

pub(crate) use self::body::Body;
use self::body::{Expected, Job};
use self::channel::Lane;

/// One side of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct End {
    pub(crate) seat: Seat,
    pub(crate) conn: ConnId,
}

/// Which endpoint a description or a candidate is of, and of which gathering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Credentials {
    name: u64,
    generation: u32,
}

/// What goes on in the network later.
#[derive(Clone, Debug)]
pub(crate) enum FabricStep {
    /// ICE may have found a pair for these credentials by now.
    Pair { ends: [End; 2], credentials: [Credentials; 2], since: Instant },
    /// The connection's first seconds are over; this one does not survive them.
    Stillborn { link: u64 },
    /// A connection has been stalled for a while, if it is still this outage.
    Consent { link: u64, outage: u32, stage: ConsentStage },
    /// An endpoint lost its other side without a word.
    Orphan { end: End, stage: ConsentStage },
    /// The other side's close arrives.
    RemoteClosed { end: End },
    /// A frame arrives.
    Frame { to: End, from: End, frame: bytes::Bytes },
    /// The next piece of the first served body goes out.
    Serve { end: End },
    /// A piece of a body arrives.
    Piece { to: End, request: RequestId, bytes: u32, last: Option<Body> },
}

/// What consent (RFC 7675) has found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConsentStage {
    Missing,
    Lost,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signalling {
    Stable,
    OfferMade,
    /// A call failed: nothing works any more.
    Broken,
}

#[derive(Debug)]
struct Endpoint {
    own: Credentials,
    signalling: Signalling,
    remote: Option<Credentials>,
    candidates: BTreeSet<Credentials>,
    /// Set when ICE first found a pair.
    link: Option<u64>,
    opened_at: Option<Instant>,
    control: Lane,
    bulk: Lane,
    budget: u32,
    on_the_way: u32,
    jobs: std::collections::VecDeque<Job>,
    serving: bool,
    expected: BTreeMap<RequestId, Expected>,
    forgotten: BTreeSet<RequestId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Flowing,
    /// Nothing gets through. `by_path`: because these tabs can't reach each other.
    Stalled {
        by_path: bool,
    },
}

#[derive(Debug)]
struct Link {
    ends: [End; 2],
    flow: Flow,
    /// Counts outages, so that steps planned for an older one do nothing.
    outage: u32,
    /// Consent was lost for good: only an ICE restart helps.
    failed: bool,
    told: bool,
}

/// What one pair of tabs has between them.
#[derive(Clone, Copy, Debug)]
struct Path {
    latency: Duration,
    /// Bytes in a second.
    bandwidth: u64,
    loss_ppm: u32,
}

/// The network.
pub(crate) struct Fabric {
    pub(crate) options: LinkOptions,
    dice: Dice,
    names: BTreeMap<u64, End>,
    names_next: u64,
    endpoints: BTreeMap<End, Endpoint>,
    links: BTreeMap<u64, Link>,
    links_next: u64,
    /// The links of each tab.
    links_by_tab: BTreeSet<(usize, u64)>,
    paths: BTreeMap<(usize, usize), Path>,
    /// Partitions that last: one side of each.
    cuts: BTreeMap<u64, BTreeSet<usize>>,
    cuts_next: u64,
    /// When something last stopped carrying, or carried again.
    disturbed_at: Option<Instant>,
    /// Contracts that a node broke, for the checkers.
    pub(crate) breaches: Vec<(usize, String)>,
    /// What happened, for the report.
    pub(crate) counts: BTreeMap<&'static str, u64>,
}

impl Fabric {
    pub(crate) fn new(seed: u64, options: LinkOptions) -> Self {
        Self {
            options,
            dice: Dice::new(seed, "fabric"),
            names: BTreeMap::new(),
            names_next: 1,
            endpoints: BTreeMap::new(),
            links: BTreeMap::new(),
            links_next: 1,
            links_by_tab: BTreeSet::new(),
            paths: BTreeMap::new(),
            cuts: BTreeMap::new(),
            cuts_next: 1,
            disturbed_at: None,
            breaches: Vec::new(),
            counts: BTreeMap::new(),
        }
    }

    /// Executes what a node asks, all but serving bodies: that takes the store.
    pub(crate) fn execute(&mut self, schedule: &mut Schedule, end: End, command: LinkCommand) {
        match command {
            LinkCommand::CreateOffer { restart } => self.create_offer(schedule, end, restart),
            LinkCommand::AcceptOffer { sdp, candidates } => {
                self.accept_offer(schedule, end, &sdp);
                self.add_candidates(schedule, end, &candidates);
            }
            LinkCommand::AcceptAnswer { sdp, candidates } => {
                self.accept_answer(schedule, end, &sdp);
                self.add_candidates(schedule, end, &candidates);
            }
            LinkCommand::AddCandidates { candidates } => {
                self.add_candidates(schedule, end, &candidates);
            }
            LinkCommand::Send { frame } => self.send(schedule, end, frame),
            LinkCommand::ExpectBody { request, bytes, inline } => {
                self.expect_body(end, request, bytes, inline);
            }
            LinkCommand::ForgetBody { request } => self.forget_body(end, request),
            LinkCommand::ServeBody { request, .. } => {
                self.breach(end, format!("serving of {request:?} did not reach the store"));
            }
            LinkCommand::StopServing { request } => self.stop_serving(end, request),
            LinkCommand::Close => self.close(schedule, end),
        }
    }

    /// Does what was planned.
    pub(crate) fn step(&mut self, schedule: &mut Schedule, step: FabricStep) {
        match step {
            FabricStep::Pair { ends, credentials, since } => {
                self.pair(schedule, ends, credentials, since);
            }
            FabricStep::Stillborn { link } => {
                // A healed network lets nothing die.
                if self.options.stillborn_per_mille > 0 {
                    self.count("connections that died unheard");
                    self.stall(schedule, link, Flow::Stalled { by_path: false }, false);
                }
            }
            FabricStep::Consent { link, outage, stage } => {
                self.consent(schedule, link, outage, stage)
            }
            FabricStep::Orphan { end, stage } => self.orphaned(schedule, end, stage),
            FabricStep::RemoteClosed { end } => self.tell(schedule, end, LinkEvent::Closed),
            FabricStep::Frame { to, from, frame } => self.deliver(schedule, to, from, frame),
            FabricStep::Serve { end } => self.serve_piece(schedule, end),
            FabricStep::Piece { to, request, bytes, last } => {
                self.take_piece(schedule, to, request, bytes, last);
            }
        }
    }

    /// Whether a node may still hear of this connection.
    pub(crate) fn has(&self, end: End) -> bool {
        self.endpoints.contains_key(&end)
    }

    /// How many connections a session has made and not closed.
    pub(crate) fn ends_count(&self, seat: Seat) -> usize {
        self.ends_of(seat).count()
    }

    /// Bytes of buffers that a session's expected bodies take.
    pub(crate) fn expected_bytes(&self, seat: Seat) -> u64 {
        let bodies = self.ends_of(seat).flat_map(|(_, endpoint)| endpoint.expected.values());
        bodies.map(|expected| u64::from(expected.bytes)).sum()
    }

    /// The other side of a connection, once ICE found it.
    pub(crate) fn other(&self, end: End) -> Option<End> {
        let link = self.links.get(&self.endpoints.get(&end)?.link?)?;
        link.ends.into_iter().find(|candidate| *candidate != end)
    }

    /// A session's open connections with the tabs at their other sides.
    pub(crate) fn open_ends(&self, seat: Seat) -> Vec<(End, usize)> {
        let ours = self.ends_of(seat).filter(|(_, endpoint)| endpoint.opened_at.is_some());
        ours.filter_map(|(end, _)| Some((*end, self.other(*end)?.seat.tab))).collect()
    }

    /// A session's side of its connections.
    fn ends_of(&self, seat: Seat) -> impl Iterator<Item = (&End, &Endpoint)> {
        let [first, last] = [u32::MIN, u32::MAX].map(|conn| End { seat, conn: ConnId(conn) });
        self.endpoints.range(first..=last)
    }

    /// When something was last wrong with the network: partitions last.
    pub(crate) fn disturbed_until(&self) -> Option<Instant> {
        let never_ending = Instant::from_micros(u64::MAX / 2);
        if self.cuts.is_empty() { self.disturbed_at } else { Some(never_ending) }
    }

    fn close(&mut self, schedule: &mut Schedule, end: End) {
        let other = self.other(end);
        let flows = self.link_of(end).and_then(|id| self.links.get(&id)).is_some_and(Link::flows);
        let Some(endpoint) = self.remove(end) else {
            self.breach(end, "closed twice or never made".to_owned());
            return;
        };
        let Some(other) = other else { return };
        if flows {
            let arrival =
                self.arrival(schedule.now(), [end, other], 0, endpoint.control.last_arrival);
            schedule.at(arrival, Happening::Fabric(FabricStep::RemoteClosed { end: other }));
        } else {
            self.orphan(schedule, other);
        }
    }

    /// A session ends without closing anything.
    pub(crate) fn drop_session(&mut self, schedule: &mut Schedule, seat: Seat) {
        let ends: Vec<End> = self.ends_of(seat).map(|(end, _)| *end).collect();
        for end in ends {
            let other = self.other(end);
            self.remove(end);
            if let Some(other) = other {
                self.orphan(schedule, other);
            }
        }
    }

    fn link_of(&self, end: End) -> Option<u64> {
        self.endpoints.get(&end)?.link
    }

    /// Forgets an endpoint, and its link once the other side is gone too.
    fn remove(&mut self, end: End) -> Option<Endpoint> {
        let endpoint = self.endpoints.remove(&end)?;
        self.names.remove(&endpoint.own.name);
        if let Some(id) = endpoint.link
            && let Some(ends) = self.links.get(&id).map(|link| link.ends)
            && !ends.iter().any(|end| self.has(*end))
        {
            self.links.remove(&id);
            for end in ends {
                self.links_by_tab.remove(&(end.seat.tab, id));
            }
        }
        Some(endpoint)
    }

    fn tell(&self, schedule: &mut Schedule, end: End, event: LinkEvent) {
        self.tell_after(schedule, Duration::ZERO, end, event);
    }

    fn tell_after(&self, schedule: &mut Schedule, delay: Duration, end: End, event: LinkEvent) {
        let input = Input::Link { conn: end.conn, event };
        schedule.after(delay, Happening::Input { seat: end.seat, input });
    }

    fn path(&mut self, a: usize, b: usize) -> Path {
        let Self { paths, dice, options, .. } = self;
        *paths.entry((a.min(b), a.max(b))).or_insert_with(|| Path::draw(dice, options))
    }

    fn is_cut(&self, a: usize, b: usize) -> bool {
        self.cuts.values().any(|side| side.contains(&a) != side.contains(&b))
    }

    /// When something sent now arrives: after the latency, not before what was sent earlier.
    fn arrival(
        &mut self,
        now: Instant,
        [from, to]: [End; 2],
        bytes: usize,
        last: Instant,
    ) -> Instant {
        let path = self.path(from.seat.tab, to.seat.tab);
        (now + path.latency + self.delay_by_loss(path, bytes)).max(last)
    }

    fn breach(&mut self, end: End, what: String) {
        self.breaches.push((end.seat.tab, format!("{:?}: {what}", end.conn)));
    }

    pub(crate) fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_insert(0) += 1;
    }
}

impl Path {
    fn draw(dice: &mut Dice, options: &LinkOptions) -> Self {
        Self {
            latency: dice.span(options.latency),
            bandwidth: dice.between(options.bandwidth_min, options.bandwidth_max).max(1),
            loss_ppm: options.loss_ppm,
        }
    }
}

impl Link {
    fn flows(&self) -> bool {
        self.flow == Flow::Flowing
    }
}

/// Writes a description the way the fabric reads it, with what a core may look for in one.
fn write_sdp(kind: &str, own: Credentials) -> String {
    let Credentials { name, generation } = own;
    let digest = peerloom_crypto::sha256(&name.to_be_bytes());
    let fingerprint: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    format!(
        "v=0\r\no=- {name} {generation} IN IP4 127.0.0.1\r\ns={kind}\r\nt=0 0\r\n\
         m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=ice-ufrag:{name}.{generation}\r\n\
         a=fingerprint:sha-256 {}\r\n",
        fingerprint.join(":"),
    )
}

fn read_sdp(sdp: &str) -> Option<Credentials> {
    let line = sdp.lines().find_map(|line| line.strip_prefix("a=ice-ufrag:"))?;
    read_credentials(line)
}

fn write_candidate(own: Credentials, component: u64) -> Candidate {
    let Credentials { name, generation } = own;
    Candidate {
        candidate: format!(
            "candidate:{component} 1 udp 2113937151 {name}.local {} typ host ufrag {name}.{generation}",
            50_000 + component,
        ),
        sdp_mid: Some("0".to_owned()),
        sdp_mline_index: Some(0),
    }
}

fn read_credentials(text: &str) -> Option<Credentials> {
    let (name, generation) = text.trim().split_once('.')?;
    Some(Credentials { name: name.parse().ok()?, generation: generation.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn descriptions_and_candidates_read_back(name: u64, generation: u32, component in 0..9_u64) {
            let own = Credentials { name, generation };
            prop_assert_eq!(read_sdp(&write_sdp("offer", own)), Some(own));
            let candidate = write_candidate(own, component).candidate;
            let (_, ufrag) = candidate.rsplit_once("ufrag ").unwrap();
            prop_assert_eq!(read_credentials(ufrag), Some(own));
        }

        #[test]
        fn no_description_panics(sdp: String) {
            let _ = read_sdp(&sdp);
            let _ = read_credentials(&sdp);
        }
    }
}
