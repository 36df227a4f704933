//! Packets that get lost, and what the network is like between two tabs. SCTP sends lost packets
//! again: an application sees that frames come later and that bodies come slower, never a gap.

use core::time::Duration;

use super::{Fabric, Path};
use crate::options::LinkOptions;

/// What browsers put into one packet, headers left out.
const PACKET_BYTES: u64 = 1_200;

/// The least time after which a lost packet is sent again that nothing followed, by which its loss
/// would have been noticed (Chromium's SCTP, `rto_min` in `dcsctp_options.h`).
const RESEND_MIN: Duration = Duration::from_millis(400);

/// How often one packet is lost in a row at most. A connection that loses more is cut.
const RESENDS_MAX: u32 = 10;

const MILLION: u64 = 1_000_000;

impl Fabric {
    /// Changes what the network is like from here on: everywhere, or between two tabs.
    pub(crate) fn shape(&mut self, options: LinkOptions, between: Option<(usize, usize)>) {
        match between {
            Some((a, b)) => {
                let path = Path::draw(&mut self.dice, &options);
                self.paths.insert((a.min(b), a.max(b)), path);
            }
            None => {
                self.options = options;
                self.paths.clear();
            }
        }
    }

    /// Returns how long an envelope takes from one tab to another; none if it does not arrive.
    pub(crate) fn envelope_delay(&mut self, from: usize, to: usize) -> Option<Duration> {
        let Path { latency, loss_ppm, .. } = self.path(from, to);
        let is_lost = loss_ppm > 0 && self.dice.below(MILLION) < u64::from(loss_ppm);
        (!is_lost && !self.is_cut(from, to)).then_some(latency)
    }

    /// Returns by how much loss delays so many bytes.
    pub(super) fn delay_by_loss(&mut self, path: Path, bytes: usize) -> Duration {
        let mut delay = Duration::ZERO;
        if path.loss_ppm == 0 {
            return delay;
        }
        let mut packets = (bytes as u64).div_ceil(PACKET_BYTES).max(1);
        for _ in 0..RESENDS_MAX {
            let lost = |_: &u64| self.dice.below(MILLION) < u64::from(path.loss_ppm);
            let resent = (0..packets).filter(lost).count() as u64;
            if resent == 0 {
                break;
            }
            // Of several packets the later ones tell that an earlier one is missing.
            let round_trip = path.latency * 2;
            delay += if packets > 1 { round_trip } else { round_trip.max(RESEND_MIN) };
            packets = resent;
        }
        delay
    }
}

impl Path {
    /// Returns the bytes that a connection carries in a second. Congestion control slows down with
    /// each loss, to so many packets in a round trip: √(3/2p) (Mathis et al. 1997, equation 3). At
    /// 40 ms and 1 % that is 0.37 MB/s; browsers were measured at 0.3.
    pub(super) fn rate(self) -> u64 {
        let round_trip_micros = u64::try_from(self.latency.as_micros() * 2).unwrap_or(u64::MAX);
        if self.loss_ppm == 0 || round_trip_micros == 0 {
            return self.bandwidth;
        }
        let packets = (MILLION * 3 / 2 / u64::from(self.loss_ppm)).isqrt().max(1);
        let rate = (packets * PACKET_BYTES).saturating_mul(MILLION) / round_trip_micros;
        self.bandwidth.min(rate.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Options;

    fn fabric(loss_ppm: u32) -> Fabric {
        Fabric::new(1, LinkOptions { loss_ppm, ..Options::calm(1, 2).links })
    }

    fn path(latency_ms: u64, loss_ppm: u32) -> Path {
        Path { latency: Duration::from_millis(latency_ms), bandwidth: 5_000_000, loss_ppm }
    }

    #[test]
    fn without_loss_nothing_is_drawn_or_delayed() {
        let mut fabric = fabric(0);
        let mut twin = fabric.dice.clone();
        assert_eq!(fabric.delay_by_loss(path(20, 0), 65_536), Duration::ZERO);
        assert_eq!(fabric.dice.below(MILLION), twin.below(MILLION));
        assert_eq!(path(20, 0).rate(), 5_000_000);
    }

    #[test]
    fn the_rate_under_loss_is_what_congestion_control_makes_of_it() {
        assert_eq!(path(20, 10_000).rate(), 360_000);
        assert_eq!(path(20, 100).rate(), 3_660_000);
        assert_eq!(path(0, 10_000).rate(), 5_000_000, "no round trip, no slowing down");
        assert!(path(1_000, 1_000_000).rate() > 0);
    }

    #[test]
    fn a_lone_frame_waits_longer_than_one_among_many() {
        let mut fabric = fabric(1_000_000);
        let all_lost = |bytes| fabric.delay_by_loss(path(20, 1_000_000), bytes);
        let [lone, many] = [100, 65_536].map(all_lost);
        assert_eq!(lone, RESEND_MIN * RESENDS_MAX);
        assert_eq!(many, Duration::from_millis(40) * RESENDS_MAX);
    }

    #[test]
    fn the_share_that_is_asked_for_is_lost() {
        let mut fabric = fabric(100_000);
        fabric.paths.insert((0, 1), path(20, 100_000));
        let lost = (0..10_000).filter(|_| fabric.envelope_delay(0, 1).is_none()).count();
        assert!((900..1_100).contains(&lost), "{lost} of 10,000");
    }
}
