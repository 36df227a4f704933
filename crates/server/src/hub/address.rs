//! Who comes from where: how many connections an address has, and how often it makes new ones.

use core::net::{IpAddr, Ipv6Addr};
use core::time::Duration;
use std::collections::BTreeMap;

use super::Limits;
use super::rate::Bucket;

/// What is remembered of an address.
#[derive(Debug)]
struct Entry {
    connections: usize,
    connects: Bucket,
}

/// The addresses with connections, and those whose bucket is not full again: at most
/// `connections_max` of the former and as many of the latter.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    entries: BTreeMap<IpAddr, Entry>,
    /// How many of `entries` have no connection.
    idle: usize,
}

impl Addresses {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Counts a connection in, and returns whether it may stay. It has to be counted out either way.
    pub(super) fn on_connected(&mut self, now: Duration, address: IpAddr, limits: &Limits) -> bool {
        let (per_s, burst) = rates(limits);
        let mut is_new = false;
        let entry = self.entries.entry(network_of(address)).or_insert_with(|| {
            is_new = true;
            Entry { connections: 0, connects: Bucket::full(now, burst) }
        });
        if entry.connections == 0 && !is_new {
            self.idle -= 1;
        }
        entry.connections += 1;
        entry.connects.fill(now, per_s, burst);
        let is_slow = entry.connects.spend(1);
        is_slow && entry.connections <= limits.connections_per_address_max
    }

    pub(super) fn on_closed(&mut self, now: Duration, address: IpAddr, limits: &Limits) {
        let (per_s, burst) = rates(limits);
        let network = network_of(address);
        let Some(entry) = self.entries.get_mut(&network) else { return };
        entry.connections -= 1;
        if entry.connections > 0 {
            return;
        }
        self.idle += 1;
        entry.connects.fill(now, per_s, burst);
        if entry.connects.is_full(burst) {
            self.entries.remove(&network);
            self.idle -= 1;
        } else if self.idle > limits.connections_max {
            self.prune(now, per_s, burst);
        }
    }

    /// Forgets those that are as good as new; if there is none, all that have no connection.
    fn prune(&mut self, now: Duration, per_s: u64, burst: u64) {
        let before = self.entries.len();
        self.entries.retain(|_, entry| {
            entry.connects.fill(now, per_s, burst);
            entry.connections > 0 || !entry.connects.is_full(burst)
        });
        if self.entries.len() == before {
            self.entries.retain(|_, entry| entry.connections > 0);
        }
        self.idle = self.entries.values().filter(|entry| entry.connections == 0).count();
    }
}

fn rates(limits: &Limits) -> (u64, u64) {
    let burst = u64::try_from(limits.connections_per_address_max).unwrap_or(u64::MAX);
    (u64::from(limits.connects_per_address_per_s), burst)
}

/// Returns what counts as one address. An IPv6 subscriber has a /64 at least (RFC 6177), so that single addresses bound nothing.
#[must_use]
pub fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits {
            connections_max: 4,
            connections_per_address_max: 2,
            connects_per_address_per_s: 1,
            ..Limits::default()
        }
    }

    fn at_s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_so_many_connections_and_another_one_its_own() {
        let (mut addresses, limits) = (Addresses::default(), limits());
        let mut connects = |text| addresses.on_connected(at_s(0), address(text), &limits);
        assert!(connects("10.0.0.1") && connects("10.0.0.1") && !connects("10.0.0.1"));
        assert!(connects("10.0.0.2"));
    }

    #[test]
    fn a_subscribers_many_addresses_count_as_one() {
        let (mut addresses, limits) = (Addresses::default(), limits());
        let mut connects = |text| addresses.on_connected(at_s(0), address(text), &limits);
        assert!(connects("2001:db8::1") && connects("2001:db8::2") && !connects("2001:db8::3"));
        assert!(connects("2001:db8:0:1::1"));
        assert!(connects("::ffff:10.0.0.1") && connects("10.0.0.1") && !connects("10.0.0.1"));
    }

    #[test]
    fn coming_and_going_is_allowed_so_often() {
        let (mut addresses, limits) = (Addresses::default(), limits());
        let one = address("10.0.0.1");
        let mut comes_and_goes = |seconds| {
            let stays = addresses.on_connected(at_s(seconds), one, &limits);
            addresses.on_closed(at_s(seconds), one, &limits);
            stays
        };
        assert!(comes_and_goes(0) && comes_and_goes(0) && !comes_and_goes(0));
        assert!(comes_and_goes(1) && !comes_and_goes(1));
    }

    #[test]
    fn those_who_are_gone_are_forgotten_in_time() {
        let (mut addresses, limits) = (Addresses::default(), limits());
        for last in 0..100 {
            let one = IpAddr::from([10, 0, 0, last]);
            addresses.on_connected(at_s(0), one, &limits);
            addresses.on_closed(at_s(0), one, &limits);
            assert!(addresses.len() <= limits.connections_max + 1);
        }
        let one = address("10.0.1.1");
        addresses.on_connected(at_s(9), one, &limits);
        addresses.on_closed(at_s(19), one, &limits);
        assert!(!addresses.entries.contains_key(&one));
    }
}
