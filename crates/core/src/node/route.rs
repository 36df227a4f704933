//! The wiring diagram: which protocol's wish becomes whose input, or an output.

use alloc::borrow::ToOwned;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use peerloom_wire::PeerId;
use peerloom_wire::envelope::{Recipient, Signal};
use peerloom_wire::frame::{self, FrameError, Protocol};

use super::proof::Proof;
use super::{Loading, Node, Records};
use crate::event::{
    CommandError, ConnectFailure, DisconnectCause, Event, PeerState, Reply, RoomMessage,
    SignalPath, Stage, StrikeKind,
};
use crate::io::{ConnId, LinkEvent, Output, Record, StoreError, StoreId, StoreOp, StoreReply};
use crate::time::Now;
use crate::{
    broadcast, content, discovery, gossip, link, pex, registry, rendezvous, roles, routing,
    topology, trust,
};

/// One input for one protocol: the unit of work of `Node::run`.
#[derive(Debug)]
pub(super) enum Step {
    Link(link::Input),
    Discovery(discovery::Input),
    Routing(routing::Input),
    Topology(topology::Input),
    Registry(registry::Input),
    Rendezvous(rendezvous::Input),
    Pex(pex::Input),
    Gossip(gossip::Input),
    Broadcast(broadcast::Input),
    Roles(roles::Input),
    Content(content::Input),
    Trust(trust::Input),
}

/// The ids of the registry's and of trust's writes, of each of which one runs at a time. Content counts
/// its own from below.
const REGISTRY_STORE: StoreId = StoreId(u64::MAX);
const TRUST_STORE: StoreId = StoreId(u64::MAX - 1);

impl Node {
    #[inline(never)]
    pub(super) fn route_link(&mut self, now: Now, effect: link::Effect) {
        match effect {
            link::Effect::Signal { to, signal } => self.signal(now, Some(to), signal),
            link::Effect::Command { conn, command } => {
                self.outputs.push_back(Output::Link { conn, command });
            }
            link::Effect::Connecting { peer } => {
                self.steps.push_back(Step::Discovery(discovery::Input::Connecting { peer }));
                self.steps.push_back(Step::Registry(registry::Input::Connecting { peer }));
                self.steps.push_back(Step::Topology(topology::Input::Connecting { peer }));
                self.event(Event::PeerUpdated(self.peer_info(peer)));
            }
            link::Effect::Up { peer, conn, path } => {
                self.steps.push_back(Step::Discovery(discovery::Input::Connected { peer }));
                self.steps.push_back(Step::Routing(routing::Input::Up { peer }));
                self.steps.push_back(Step::Topology(topology::Input::Up { peer }));
                self.steps.push_back(Step::Registry(registry::Input::Connected { peer, path }));
                self.steps.push_back(Step::Rendezvous(rendezvous::Input::Up));
                self.steps.push_back(Step::Pex(pex::Input::PeerUp { peer }));
                self.steps.push_back(Step::Gossip(gossip::Input::Up { peer }));
                self.steps.push_back(Step::Broadcast(broadcast::Input::Up { peer }));
                self.steps.push_back(Step::Content(content::Input::PeerUp { peer, conn }));
                self.event(Event::PeerConnected(self.peer_info(peer)));
            }
            link::Effect::Down { peer, conn: _, cause } => self.on_down(peer, cause),
            link::Effect::Failed { peer, failure } => {
                let failure = failure.map(|failure| self.explain(now, failure));
                if let Some(failure) = &failure {
                    self.event(Event::ConnectFailed(failure.clone()));
                    self.steps.push_back(Step::Registry(registry::Input::Failed { peer }));
                }
                self.steps.push_back(Step::Discovery(discovery::Input::Failed { peer, failure }));
                self.steps.push_back(Step::Topology(topology::Input::Failed { peer }));
            }
            link::Effect::Refused { peer } => {
                let is_around = self.discovery.is_around(now, peer);
                let input = topology::Input::Refused { peer, is_around };
                self.steps.push_back(Step::Topology(input));
            }
            link::Effect::Frame { peer, protocol, body } => {
                self.on_frame(now, peer, protocol, &body);
            }
            link::Effect::Body { conn, event } => self.on_body(conn, event),
            link::Effect::Rtt { peer, micros } => {
                let rtt = Duration::from_micros(micros);
                let terms = self.terms(now, peer);
                let score = terms.score();
                self.steps.push_back(Step::Content(content::Input::PeerRtt { peer, rtt, score }));
                self.steps.push_back(Step::Routing(routing::Input::Alive { peer }));
                let score = terms.at_present().score();
                self.steps.push_back(Step::Topology(topology::Input::Scored { peer, score }));
                self.steps.push_back(Step::Broadcast(broadcast::Input::Alive { peer }));
                self.event(Event::PeerUpdated(self.peer_info(peer)));
            }
            link::Effect::Changed { peer } => {
                let reachable = self.link.peer(peer).state == Some(PeerState::Connected);
                let input = routing::Input::Reachable { peer, reachable };
                self.steps.push_back(Step::Routing(input));
                self.event(Event::PeerUpdated(self.peer_info(peer)));
            }
            link::Effect::Forgotten { peer } => self.event(Event::PeerLost { peer }),
            link::Effect::Strike { peer, kind } => self.strike(peer, kind),
        }
    }

    #[inline(never)]
    fn on_down(&mut self, peer: PeerId, cause: DisconnectCause) {
        self.steps.push_back(Step::Content(content::Input::PeerDown { peer }));
        self.steps.push_back(Step::Routing(routing::Input::Down { peer }));
        self.steps.push_back(Step::Pex(pex::Input::PeerDown { peer }));
        self.steps.push_back(Step::Gossip(gossip::Input::Down { peer }));
        let is_broken = matches!(
            cause,
            DisconnectCause::Closed | DisconnectCause::Unresponsive | DisconnectCause::Transport
        );
        let input = registry::Input::Disconnected { peer, is_broken };
        self.steps.push_back(Step::Registry(input));
        self.steps.push_back(Step::Rendezvous(rendezvous::Input::Down));
        let has_left = cause == DisconnectCause::Goodbye;
        self.steps.push_back(Step::Broadcast(broadcast::Input::Down { peer, has_left }));
        self.steps.push_back(Step::Discovery(discovery::Input::Disconnected { peer, cause }));
        self.steps.push_back(Step::Topology(topology::Input::Down { peer }));
        self.event(Event::PeerDisconnected { peer: self.peer_info(peer), cause });
    }

    #[inline(never)]
    fn on_frame(&mut self, now: Now, peer: PeerId, protocol: Protocol, body: &Bytes) {
        let step = match protocol {
            Protocol::Routing => routing::Message::decode(body)
                .map(|message| Step::Routing(self.routing_input(now, peer, message))),
            Protocol::Pex if body.first().is_none_or(|first| *first == pex::PEERS) => {
                Ok(Step::Pex(pex::Input::Message { from: peer, body: body.clone() }))
            }
            Protocol::Gossip if body.first().is_none_or(|first| *first == gossip::RECORDS) => {
                Ok(Step::Gossip(gossip::Input::Message { from: peer, body: body.clone() }))
            }
            Protocol::Pex | Protocol::Gossip => Err(FrameError::UnknownMessage { protocol }),
            Protocol::Topology => topology::Message::decode(body)
                .map(|message| Step::Topology(topology::Input::Message { from: peer, message })),
            Protocol::Broadcast => broadcast::Message::decode(body)
                .map(|message| Step::Broadcast(broadcast::Input::Message { from: peer, message })),
            // Link keeps its own.
            Protocol::Content | Protocol::Link => frame::decode_body(protocol, body)
                .map(|message| Step::Content(content::Input::Message { from: peer, message })),
        };
        match step {
            Ok(step) => self.steps.push_back(step),
            Err(FrameError::UnknownMessage { protocol }) => {
                self.steps.push_back(Step::Link(link::Input::NotUnderstood { peer, protocol }));
            }
            Err(_) => self.strike(peer, StrikeKind::MalformedFrame),
        }
    }

    #[inline(never)]
    fn on_body(&mut self, conn: ConnId, event: LinkEvent) {
        let event = match event {
            LinkEvent::BodyProgress { request, bytes } => {
                content::BodyEvent::Progress { request, bytes }
            }
            LinkEvent::BodyArrived { request, bytes: _, sha256, inline } => {
                content::BodyEvent::Arrived { request, sha256, inline }
            }
            LinkEvent::BodyMisplaced { fault } => content::BodyEvent::Misplaced { fault },
            LinkEvent::BodyServed { request, bytes } => {
                content::BodyEvent::Served { request, bytes }
            }
            LinkEvent::BodyUnavailable { request } => content::BodyEvent::Unavailable { request },
            _ => return self.bug("link gave an event of no body"),
        };
        self.steps.push_back(Step::Content(content::Input::Body { conn, event }));
    }

    #[inline(never)]
    pub(super) fn route_discovery(&mut self, now: Now, effect: discovery::Effect) {
        match effect {
            discovery::Effect::Announce { to, answer_wanted } => {
                self.signal(now, to, Signal::Announce { answer_wanted });
            }
            discovery::Effect::Goodbye => self.say_goodbye(),
            discovery::Effect::Dial { peer } => {
                if self.trust.is_banned(now, peer) {
                    let input = discovery::Input::Ban { peer };
                    return self.steps.push_back(Step::Discovery(input));
                }
                self.steps.push_back(Step::Link(link::Input::Dial { peer }));
            }
            discovery::Effect::Hangup { peer } => {
                let cause = DisconnectCause::Local;
                self.steps.push_back(Step::Link(link::Input::Hangup { peer, cause }));
            }
            discovery::Effect::Deliver { from, signal, path } => {
                self.steps.push_back(Step::Link(link::Input::Signal { from, signal, path }));
            }
            discovery::Effect::Discovered { peer } => {
                self.event(Event::PeerDiscovered(self.peer_info(peer)));
                self.look_around();
            }
            discovery::Effect::Renewed { peer } => {
                self.steps.push_back(Step::Link(link::Input::Renewed { peer }));
                self.look_around();
            }
            discovery::Effect::Lost { peer } => {
                self.steps.push_back(Step::Link(link::Input::Forget { peer }));
                self.steps.push_back(Step::Topology(topology::Input::Unpin { peer }));
                self.look_around();
            }
            discovery::Effect::Available => self.look_around(),
            discovery::Effect::Called { peer } => {
                self.steps.push_back(Step::Topology(topology::Input::Called { peer }));
            }
            discovery::Effect::Changed { peer } => {
                self.event(Event::PeerUpdated(self.peer_info(peer)));
            }
            discovery::Effect::Done { id, result } => {
                let result = result.map(|()| Reply::Done).map_err(|error| match error {
                    CommandError::Unreachable(failure) => {
                        CommandError::Unreachable(self.explain(now, failure))
                    }
                    error => error,
                });
                self.done(id, result);
            }
        }
    }

    #[inline(never)]
    pub(super) fn route_routing(&mut self, now: Now, effect: routing::Effect) {
        match effect {
            routing::Effect::Send { to, message } => {
                let frame = message.encode();
                self.steps.push_back(Step::Link(link::Input::Send { to, frame }));
            }
            routing::Effect::Deliver { envelope, hops } => {
                self.on_envelope(now, &envelope, (SignalPath::Peers, None), hops);
            }
            routing::Effect::Seal { to: target, number, signal } => {
                match self.signer.write(Recipient::Peer(target), signal) {
                    Some(unsigned) => {
                        let payload = unsigned.payload();
                        self.sign(Proof::Letter { unsigned, target, number }, payload);
                    }
                    None => self.bug("a message that does not fit an envelope"),
                }
            }
            routing::Effect::Message(delivery) => self.deliver(delivery),
            routing::Effect::Done { id, result } => self.done(id, result),
            routing::Effect::Strike { peer, kind } => self.strike(peer, kind),
        }
    }

    #[inline(never)]
    pub(super) fn route_broadcast(&mut self, now: Now, effect: broadcast::Effect) {
        match effect {
            broadcast::Effect::Send { to, message } => {
                let frame = message.encode();
                self.steps.push_back(Step::Link(link::Input::Send { to, frame }));
            }
            broadcast::Effect::Sign { payload } => self.sign(Proof::Post, payload),
            broadcast::Effect::Verify { check, claim } => {
                self.verify(Proof::Posted { check }, claim);
            }
            // Others may want to hear whom we banned, so it was handed on.
            broadcast::Effect::Deliver(delivery) => {
                let broadcast::Delivery { room, from, id, sent_ms, hops, data } = delivery;
                if !self.trust.is_banned(now, from) {
                    let message = RoomMessage { room, from, id, sent_ms, hops, data, letter: None };
                    self.event(Event::Message(message));
                }
            }
            broadcast::Effect::Member { peer, .. } if self.trust.is_banned(now, peer) => {}
            broadcast::Effect::Member { room, peer, is_here } => {
                let peer = self.peer_info(peer);
                self.event(if is_here {
                    Event::MemberJoined { room, peer }
                } else {
                    Event::MemberLeft { room, peer }
                });
            }
            broadcast::Effect::Strike { peer, kind } => self.strike(peer, kind),
            broadcast::Effect::Done { id, result } => self.done(id, result),
        }
    }

    /// A message to us alone is heard in its room, if we are there.
    #[inline(never)]
    fn deliver(&mut self, delivery: routing::Delivery) {
        let routing::Delivery { letter, room, sent_ms, hops, payload: data } = delivery;
        let Some(room) = self.broadcast.room_of(room) else {
            let input = routing::Input::Taken { letter, is_taken: false };
            return self.steps.push_back(Step::Routing(input));
        };
        let (from, id, letter) = (letter.from, routing::name_of(letter), Some(letter));
        let message = RoomMessage { room, from, id, sent_ms, hops, data, letter };
        self.event(Event::Message(message));
    }

    /// A message that is carried on behalf of a banned peer is told apart.
    fn routing_input(&self, now: Now, from: PeerId, message: routing::Message) -> routing::Input {
        let unwanted = match &message {
            routing::Message::Carry(carry) => self.trust.is_banned(now, carry.source),
            routing::Message::Undeliverable { .. }
            | routing::Message::Direct(_)
            | routing::Message::Receipt(_) => false,
        };
        routing::Input::Message { from, message, unwanted }
    }

    /// Adds to a failure of signalling why no connected peer could help, if that is known and not yet
    /// said.
    #[inline(never)]
    fn explain(&self, now: Now, mut failure: ConnectFailure) -> ConnectFailure {
        if failure.stage == Stage::Signalling
            && let Some(reason) = self.routing.verdict(now.mono, failure.peer)
            && !failure.reason.ends_with(reason.text())
        {
            failure.reason.push_str(reason.text());
        }
        failure
    }

    #[inline(never)]
    pub(super) fn route_registry(&mut self, now: Now, effect: registry::Effect) {
        match effect {
            registry::Effect::Call { peer } if self.trust.is_banned(now, peer) => {
                self.steps.push_back(Step::Registry(registry::Input::Ban { peer }));
            }
            registry::Effect::Call { peer } => {
                self.steps.push_back(Step::Discovery(discovery::Input::Call { peer }));
            }
            registry::Effect::Save { stored } => {
                self.save(REGISTRY_STORE, registry::RECORD_KEY, stored);
            }
        }
    }

    #[inline(never)]
    fn save(&mut self, id: StoreId, key: &str, value: Bytes) {
        let record = Record { key: key.to_owned(), value };
        let op = StoreOp::Apply { puts: vec![record], deletes: Vec::new() };
        self.outputs.push_back(Output::Store { id, op });
    }

    #[inline(never)]
    pub(super) fn route_pex(&mut self, now: Now, effect: pex::Effect) {
        match effect {
            pex::Effect::Send { to, frame } => {
                self.steps.push_back(Step::Link(link::Input::Send { to, frame }));
            }
            pex::Effect::Sign { payload } => self.sign(Proof::Pex, payload),
            pex::Effect::Verify { claim } => self.verify(Proof::Pex, claim),
            pex::Effect::Strike { peer, kind } => self.strike(peer, kind),
            pex::Effect::Neighbours { peer, listed } => {
                let input = routing::Input::Neighbours { peer, listed };
                self.steps.push_back(Step::Routing(input));
            }
            pex::Effect::Introduced { peer, .. } | pex::Effect::Rumour { peer, .. }
                if self.trust.is_banned(now, peer) => {}
            pex::Effect::Introduced { peer, is_near } => {
                self.steps.push_back(Step::Discovery(discovery::Input::Introduced { peer }));
                if is_near {
                    self.steps.push_back(Step::Registry(registry::Input::Introduced { peer }));
                }
            }
            pex::Effect::Changed { peer } if self.discovery.is_known(peer) => {
                self.event(Event::PeerUpdated(self.peer_info(peer)));
            }
            pex::Effect::Changed { .. } => {}
            pex::Effect::Rumour { from, peer, ttl, record } => {
                let way = routing::Input::Way { to: peer, by: from };
                self.steps.push_back(Step::Routing(way));
                let input = gossip::Input::Proved { from, peer, ttl, record };
                self.steps.push_back(Step::Gossip(input));
            }
            pex::Effect::Withdrawn { peer } => {
                self.steps.push_back(Step::Discovery(discovery::Input::Withdrawn { peer }));
            }
        }
    }

    #[inline(never)]
    pub(super) fn route_gossip(&mut self, now: Now, effect: gossip::Effect) {
        let step = match effect {
            gossip::Effect::Send { to, frame } => Step::Link(link::Input::Send { to, frame }),
            gossip::Effect::Look { max } => {
                // Whom we hear ourselves; of others it is for others to tell.
                let heard = self.pex.known().filter(|peer| self.discovery.is_heard(now, *peer));
                let best = self.registry.best(now, heard).into_iter();
                let records = best.filter_map(|peer| Some((peer, self.pex.record(now, peer)?)));
                let records = records.take(max).collect();
                Step::Gossip(gossip::Input::Best { records })
            }
            gossip::Effect::Check { from, records } => {
                Step::Pex(pex::Input::Rumours { from, records })
            }
            gossip::Effect::Strike { peer, kind } => return self.strike(peer, kind),
        };
        self.steps.push_back(step);
    }

    #[inline(never)]
    pub(super) fn route_rendezvous(&mut self, now: Now, effect: rendezvous::Effect) {
        match effect {
            rendezvous::Effect::Command { server, command } => {
                self.outputs.push_back(Output::Server { server, command });
            }
            rendezvous::Effect::Sign { server, attempt, payload } => {
                self.sign(Proof::Registration { server, attempt }, payload);
            }
            rendezvous::Effect::Announce { is_alone } => {
                let signal = Signal::Announce { answer_wanted: is_alone };
                if let Some(unsigned) = self.signer.write(Recipient::Everyone, signal) {
                    let payload = unsigned.payload();
                    self.sign(Proof::Introduction { unsigned, is_alone }, payload);
                }
            }
            rendezvous::Effect::Deliver { from, envelope } => {
                self.on_envelope(now, &envelope, (SignalPath::Server, Some(from)), 1);
            }
            rendezvous::Effect::Changed { server } => {
                if let Some(info) = self.rendezvous.server(server) {
                    self.event(Event::ServerChanged(info));
                }
            }
        }
    }

    #[inline(never)]
    pub(super) fn route_roles(&mut self, now: Now, effect: roles::Effect) {
        match effect {
            roles::Effect::Look => {
                let rates = self.discovery.peers().map(|peer| self.content.throughput(peer));
                let facts = roles::Facts {
                    peers: self.registry.connected_count(),
                    is_seeding: self.content.is_seeding(),
                    out_per_second: rates.filter_map(|[_, out]| out).max().unwrap_or(0),
                    uptime_ms: self.registry.own_uptime_ms(now),
                };
                self.steps.push_back(Step::Roles(roles::Input::Facts(facts)));
            }
            roles::Effect::Become(standing) => {
                let max = usize::from(standing.connections_max);
                self.steps.push_back(Step::Pex(pex::Input::Say(says(standing))));
                self.steps.push_back(Step::Link(link::Input::Places { max }));
                self.steps.push_back(Step::Discovery(discovery::Input::Places { max }));
                self.steps.push_back(Step::Topology(topology::Input::Places { max }));
            }
        }
    }

    #[inline(never)]
    pub(super) fn route_topology(&mut self, now: Now, effect: topology::Effect) {
        let is_crowd = self.discovery.is_crowd();
        let step = match effect {
            topology::Effect::Look => {
                let available = self.discovery.available(now).into_iter();
                let peers = available.map(|(peer, is_waiting)| {
                    let score = self.terms(now, peer).score();
                    let is_around = self.discovery.is_around(now, peer);
                    topology::Candidate { peer, score, is_around, is_waiting }
                });
                let peers = peers.collect();
                Step::Topology(topology::Input::Candidates { is_crowd, peers })
            }
            // Perhaps one that only others speak of.
            topology::Effect::Dial { peer } if self.trust.is_banned(now, peer) => return,
            topology::Effect::Dial { peer } => Step::Discovery(discovery::Input::Dial { peer }),
            topology::Effect::Close { peers } => {
                // What is under way on a connection is worth more than any other use of its place.
                let is_idle = |peer: &PeerId| !self.content.is_in_use(*peer);
                let Some(peer) = peers.into_iter().find(is_idle) else { return };
                let cause = DisconnectCause::Surplus;
                Step::Link(link::Input::Hangup { peer, cause })
            }
            topology::Effect::Send { to, message } => {
                let frame = message.encode();
                Step::Link(link::Input::Send { to, frame })
            }
            topology::Effect::Way { to, by } => {
                self.steps.push_back(Step::Routing(routing::Input::Way { to, by }));
                Step::Routing(routing::Input::LookFor { peer: to })
            }
            topology::Effect::Strike { peer, kind } => return self.strike(peer, kind),
        };
        self.steps.push_back(step);
    }

    /// Others are there than before.
    fn look_around(&mut self) {
        let is_crowd = self.discovery.is_crowd();
        self.steps.push_back(Step::Topology(topology::Input::Changed { is_crowd }));
    }

    #[inline(never)]
    pub(super) fn route_content(&mut self, _now: Now, effect: content::Effect) {
        match effect {
            content::Effect::Send { to, message } => {
                match frame::encode(Protocol::Content, &message) {
                    Ok(frame) => self.steps.push_back(Step::Link(link::Input::Send { to, frame })),
                    Err(_) => self.bug("content made a message that does not fit"),
                }
            }
            content::Effect::Link { conn, command } => {
                self.outputs.push_back(Output::Link { conn, command });
            }
            content::Effect::Store { op, operation } => {
                let id = StoreId(op.0);
                self.outputs.push_back(Output::Store { id, op: operation });
            }
            content::Effect::Sign { proof, payload } => self.sign(Proof::Content(proof), payload),
            content::Effect::Verify { proof, claim } => {
                self.verify(Proof::Content(proof), claim);
            }
            content::Effect::Strike { peer, kind } => self.strike(peer, kind),
            content::Effect::Loaded(result) => self.on_loaded(result),
            content::Effect::OffersChanged { peer } => {
                self.event(Event::PeerUpdated(self.peer_info(peer)));
            }
            content::Effect::Done { id, result } => self.done(id, result),
            content::Effect::Event(event) => self.event(event),
        }
    }

    #[inline(never)]
    fn on_loaded(&mut self, result: Result<(), StoreError>) {
        let (answer, loading) = match result {
            Ok(()) => (Ok(Reply::Done), Loading::Loaded),
            Err(error) => (Err(CommandError::Store(error)), Loading::Failed),
        };
        if let Loading::Pending(waiting) = core::mem::replace(&mut self.loading, loading) {
            for id in waiting {
                self.done(id, answer.clone());
            }
        }
    }

    #[inline(never)]
    pub(super) fn route_trust(&mut self, _now: Now, effect: trust::Effect) {
        match effect {
            trust::Effect::Struck { peer, kind, action } => {
                self.event(Event::Security { peer, kind, action });
            }
            trust::Effect::Banned { peer } => {
                let cause = DisconnectCause::Banned;
                self.steps.push_back(Step::Link(link::Input::Hangup { peer, cause }));
                self.steps.push_back(Step::Discovery(discovery::Input::Ban { peer }));
                self.steps.push_back(Step::Registry(registry::Input::Ban { peer }));
            }
            trust::Effect::Save { stored } => self.save(TRUST_STORE, trust::RECORD_KEY, stored),
        }
    }

    /// A storage operation ended. Of the records that were read, each protocol gets its own.
    #[inline(never)]
    pub(super) fn on_stored(
        &mut self,
        now: Now,
        id: StoreId,
        mut result: Result<StoreReply, StoreError>,
    ) {
        let is_done = result.is_ok();
        match id {
            REGISTRY_STORE => {
                return self.steps.push_back(Step::Registry(registry::Input::Saved { is_done }));
            }
            TRUST_STORE => {
                return self.steps.push_back(Step::Trust(trust::Input::Saved { is_done }));
            }
            _ => {}
        }
        if let Ok(StoreReply::Records(records)) = &mut result {
            let mut take = |key| {
                let at = records.iter().position(|record| record.key == key);
                at.map(|at| records.swap_remove(at).value)
            };
            let (banned, known) = (take(trust::RECORD_KEY), take(registry::RECORD_KEY));
            self.steps.push_back(Step::Trust(trust::Input::Loaded { stored: banned }));
            self.steps.push_back(Step::Registry(registry::Input::Loaded { stored: known }));
            self.run(now);
        }
        // The first operation of all is to read the records.
        if let Records::Awaited(waiting) = core::mem::replace(&mut self.records, Records::Read) {
            for (id, command) in waiting {
                self.handle_command(now, id, command);
            }
        }
        let op = content::OpId(id.0);
        self.steps.push_back(Step::Content(content::Input::Stored { op, result }));
    }

    fn strike(&mut self, peer: PeerId, kind: StrikeKind) {
        self.steps.push_back(Step::Trust(trust::Input::Strike { peer, kind }));
    }

    fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    /// Sends a signal: to one run of a peer if it is known, to a bare id else, or to everyone. Who
    /// is called may run anew.
    fn signal(&mut self, now: Now, to: Option<PeerId>, signal: Signal) {
        if let Some(peer) = to.filter(|peer| self.discovery.is_sought(*peer)) {
            self.steps.push_back(Step::Routing(routing::Input::LookFor { peer }));
        }
        let is_call = matches!(signal, Signal::Announce { answer_wanted: true });
        let recipient = match to {
            None => Recipient::Everyone,
            Some(peer) => match self.discovery.run_of(peer) {
                Some(run) if !is_call => Recipient::Run(peer, run),
                _ => Recipient::Peer(peer),
            },
        };
        if let Some(unsigned) = self.signer.write(recipient, signal) {
            let payload = unsigned.payload();
            let carried_to = to.filter(|peer| !self.discovery.is_in_earshot(now, *peer));
            self.sign(Proof::Envelope { unsigned, carried_to }, payload);
        }
    }
}

/// What we are, as our record says it.
pub(super) const fn says(standing: roles::Standing) -> pex::Says {
    let roles::Standing { roles, capabilities, connections_max } = standing;
    pex::Says { roles, capabilities: capabilities.to_bits(), connections_max }
}
