//! Who is let in, and how a client shows who it is.

use core::net::IpAddr;

use peerloom_crypto::{Claim, PublicKey, Signature};
use peerloom_wire::PeerId;
use peerloom_wire::rendezvous::{Reason, ServerMessage, registration};

use super::conn::{Conn, Member, Stage};
use super::{ConnId, Hub, Output, Phase, limits};

impl Hub {
    pub(super) fn on_connected(
        &mut self,
        id: ConnId,
        address: IpAddr,
        here: IpAddr,
        denied: Option<Reason>,
    ) {
        if self.conns.contains_key(&id) {
            return;
        }
        let is_full = self.conns.len() >= self.limits.connections_max
            || self.memory_bytes() + limits::CONNECTION_BYTES > self.limits.memory_bytes_max;
        let may_stay = self.addresses.on_connected(self.now, address, &self.limits);
        let reason = match denied {
            _ if self.phase == Phase::Closing => Some(Reason::Moving),
            Some(reason) => Some(reason),
            None if is_full => Some(Reason::Busy),
            None if !may_stay => Some(Reason::TooManyConnections),
            None => None,
        };
        self.counters.connections += 1;
        if let Some(reason) = reason {
            // Nothing is kept of it, so that no number of them fills anything.
            self.addresses.on_closed(self.now, address, &self.limits);
            self.counters.close(reason);
            let bytes = self.limits.last_word(reason);
            self.outputs.push_back(Output::Send { conn: id, bytes });
            self.outputs.push_back(Output::Close { conn: id, reason });
            return;
        }
        let nonce = self.draw();
        let stage = Stage::Challenged { nonce };
        self.conns.insert(id, Conn::new(self.now, address, here, stage, &self.limits));
        self.look_again(id, self.now + self.limits.register_max);
        self.send(id, &ServerMessage::Challenge { nonce });
    }

    pub(super) fn on_register(
        &mut self,
        id: ConnId,
        host: &str,
        key: PublicKey,
        signature: Signature,
    ) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        let Stage::Challenged { nonce } = conn.stage else {
            return self.close(id, Reason::OutOfTurn);
        };
        if !self.names.contain(host, conn.here) {
            return self.close(id, Reason::WrongHost);
        }
        if self.checking >= self.limits.checks_max {
            return self.close(id, Reason::Busy);
        }
        self.checking += 1;
        conn.stage = Stage::Checking { peer: PeerId(key.fingerprint()) };
        let claim = Claim { key, payload: registration(host, &nonce), signature };
        self.outputs.push_back(Output::Verify { conn: id, claim });
    }

    pub(super) fn on_verified(&mut self, id: ConnId, holds: bool) {
        self.checking = self.checking.saturating_sub(1);
        let cost = self.introduction_cost();
        let Some(conn) = self.conns.get_mut(&id) else { return };
        let Stage::Checking { peer } = conn.stage else { return };
        if !holds {
            return self.close(id, Reason::BadSignature);
        }
        let member = Member::new(self.now, peer, cost);
        conn.stage = Stage::Registered(Box::new(member));
        // A tab that lost its network is back before its old connection is known to be dead.
        if let Some(earlier) = self.peers.insert(peer, id) {
            self.close(earlier, Reason::Replaced);
        }
        self.counters.registrations += 1;
        let terms = self.limits.terms();
        self.send(id, &ServerMessage::Welcome(terms));
    }
}
