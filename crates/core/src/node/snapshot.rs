//! What may be read of a node at any time.

use alloc::vec::Vec;
use core::time::Duration;

use peerloom_wire::record::Capabilities;
use peerloom_wire::{ContentId, PeerId};
use serde::{Deserialize, Serialize};

use super::Node;
use crate::event::{ContentInfo, ContentLayout, PeerInfo, PeerState, ServerInfo};
use crate::io::ConnId;
use crate::link::Rtt;
use crate::map::Map;
use crate::pex;
use crate::score::Terms;
use crate::time::Now;

/// A node at a glance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Whether it takes part.
    pub running: bool,
    /// How many peers it knows, connected or not.
    pub peers_discovered: u32,
    /// How many it is connected to.
    pub peers_connected: u32,
    /// How many contents are here or offered.
    pub contents: u32,
    /// Our roles, as bits: `peerloom_wire::record::ROLE_*`.
    pub roles: u8,
    /// Received from the known peers.
    pub bytes_in: u64,
    /// Sent to the known peers.
    pub bytes_out: u64,
}

impl Node {
    /// Returns our id.
    #[must_use]
    pub const fn id(&self) -> PeerId {
        self.signer.peer()
    }

    /// Returns all known peers, in the order of their ids.
    #[must_use]
    pub fn peers(&self) -> Vec<PeerInfo> {
        self.discovery.peers().map(|peer| self.peer_info(peer)).collect()
    }

    /// Returns how all known peers stand, in the order of their ids: what a simulator asks often.
    pub fn peer_states(&self) -> impl Iterator<Item = (PeerId, PeerState)> {
        self.discovery.peers().map(|peer| (peer, self.peer_state(peer)))
    }

    fn peer_state(&self, peer: PeerId) -> PeerState {
        self.link.peer(peer).state.unwrap_or_else(|| self.discovery.state(peer))
    }

    /// Returns the open or opening connection to a peer.
    #[must_use]
    pub fn conn(&self, peer: PeerId) -> Option<ConnId> {
        self.link.conn(peer)
    }

    /// Returns all contents that are here, being fetched, or offered by a connected peer.
    #[must_use]
    pub fn contents(&self) -> Vec<ContentInfo> {
        self.content.contents()
    }

    /// Returns who is banned, and when that ends, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn bans(&self, now: Now) -> Vec<(PeerId, u64)> {
        let ends_ms = |left: Duration| now.unix_ms + u64::try_from(left.as_millis()).unwrap_or(0);
        self.trust.bans(now).map(|(peer, left)| (peer, ends_ms(left))).collect()
    }

    /// Returns what is known of one content.
    #[must_use]
    pub fn content(&self, content: ContentId) -> Option<ContentInfo> {
        self.content.content(content)
    }

    /// Returns what it takes to read a content, once its manifest is known.
    #[must_use]
    pub fn layout(&self, content: ContentId) -> Option<ContentLayout> {
        self.content.layout(content)
    }

    /// Returns who else is in a room that was joined, as far as they say so.
    #[must_use]
    pub fn members(&self, room: &str) -> Vec<PeerInfo> {
        self.broadcast.members(room).into_iter().map(|peer| self.peer_info(peer)).collect()
    }

    /// Returns how it stands with each server, in their order.
    #[must_use]
    pub fn servers(&self) -> Vec<ServerInfo> {
        self.rendezvous.servers()
    }

    /// Returns the node at a glance.
    #[must_use]
    pub fn status(&self) -> Status {
        let mut status = Status {
            running: self.discovery.is_running(),
            roles: self.roles.standing().roles,
            contents: u32::try_from(self.content.contents_count()).unwrap_or(u32::MAX),
            ..Status::default()
        };
        for peer in self.discovery.peers() {
            let link = self.link.peer(peer);
            status.peers_discovered += 1;
            status.peers_connected += u32::from(link.state == Some(PeerState::Connected));
            status.bytes_in += link.bytes_in;
            status.bytes_out += link.bytes_out;
        }
        status
    }

    /// Returns every counter and gauge, by name: `docs/observability.md`.
    #[must_use]
    pub fn stats(&self) -> Map<&'static str, u64> {
        let mut stats = self.content.stats();
        stats.extend(self.trust.stats());
        for counters in [
            self.signer.counters(),
            self.routing.counters(),
            self.registry.counters(),
            self.rendezvous.counters(),
            self.pex.counters(),
            self.gossip.counters(),
            self.broadcast.counters(),
        ] {
            stats.extend(counters);
        }
        put(&mut stats, &self.link.stats());
        put(&mut stats, &self.discovery.stats());
        put(&mut stats, &self.routing.gauges());
        put(&mut stats, &self.rendezvous.gauges());
        put(&mut stats, &self.topology.stats());
        put(&mut stats, &self.broadcast.gauges());
        let gauges = [
            ("registry.peers", self.registry.peers_count() as u64),
            ("pex.known", self.pex.known_count() as u64),
            ("node.open_proofs", self.proofs.len() as u64),
            ("node.bugs", self.bugs),
        ];
        put(&mut stats, &gauges);
        stats
    }

    /// Returns what is known of a peer that says what it is worth: what was seen of it, and how much it
    /// says that it could still take on.
    #[inline(never)]
    pub(super) fn terms(&self, now: Now, peer: PeerId) -> Terms {
        let known = self.registry.terms(now, peer);
        let [from_it, to_it] = self.content.throughput(peer);
        let is_sparing = |says: pex::Says| !Capabilities::from_bits(says.capabilities).relays;
        let free = if self.pex.says(peer).is_some_and(is_sparing) {
            0
        } else {
            self.topology.free(peer).unwrap_or(known.free)
        };
        Terms {
            points: self.trust.points(now, peer),
            delay_micros: self.link.peer(peer).rtt.map(Rtt::bound_micros),
            per_second: from_it.max(to_it),
            free,
            ..known
        }
    }

    pub(super) fn peer_info(&self, peer: PeerId) -> PeerInfo {
        let link = self.link.peer(peer);
        let state = link.state.unwrap_or_else(|| self.discovery.state(peer));
        let says = self.pex.says(peer);
        let terms = self.terms(self.now, peer);
        let [in_per_second, out_per_second] = self.content.throughput(peer);
        PeerInfo {
            id: peer,
            state,
            stage: link.stage,
            rtt_micros: link.rtt.map(|rtt| rtt.smoothed_micros),
            rtt_variation_micros: link.rtt.map(|rtt| rtt.variation_micros),
            in_per_second,
            out_per_second,
            bytes_in: link.bytes_in,
            bytes_out: link.bytes_out,
            contents: self.content.offered_by(peer),
            strikes: self.trust.strikes(peer),
            reputation: thousandths(terms.reputation()),
            score: thousandths(terms.score()),
            roles: says.map(|says| says.roles),
            capabilities: says.map_or(0, |says| says.capabilities),
            connected_at_ms: link.connected_at_ms,
            last_failure: self.discovery.last_failure(peer).cloned(),
            next_try_ms: self.discovery.next_try_ms(peer).filter(|_| state == PeerState::Backoff),
        }
    }
}

fn thousandths(share: u64) -> u16 {
    u16::try_from(share).unwrap_or(u16::MAX)
}

/// Out of line: arrays of each length would have a copy of it.
#[inline(never)]
fn put(stats: &mut Map<&'static str, u64>, entries: &[(&'static str, u64)]) {
    for (name, value) in entries {
        stats.insert(name, *value);
    }
}
