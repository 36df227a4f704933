//! How long frames are: the faster the channel, the longer.
//!
//! A frame costs both browsers a task, whatever its length; and a frame of control that comes behind
//! it waits until the channel has taken it.

use core::time::Duration;

use peerloom_core::Instant;
use peerloom_wire::bulk::BULK_PAYLOAD_BYTES_MAX;

/// No frame takes the channel longer than this: it adds to every round trip.
const FRAME_TIME: Duration = Duration::from_millis(50);

/// The shortest that is cut, however slow the channel: below it headers and tasks begin to count.
const PAYLOAD_BYTES_MIN: u64 = 16_384;

/// As long as no rate is known: 50 ms at 10 Mbit/s.
const PAYLOAD_BYTES_FIRST: u64 = 65_536;

/// The least time over which a rate is taken: longer than the bursts in which a buffer drains.
const WINDOW: Duration = Duration::from_millis(100);

/// The rate at which a channel drains, and what follows from it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    /// Since when it has had something to send without a break.
    since: Instant,
    /// What it was given since then, with what it had.
    given_bytes: u64,
    /// Bytes a second; none before the first window.
    rate: Option<u64>,
}

impl Pace {
    /// Returns how many bytes the next frame may carry.
    pub(super) fn payload_bytes_max(&self) -> u32 {
        let most = u64::try_from(BULK_PAYLOAD_BYTES_MAX).unwrap_or(PAYLOAD_BYTES_FIRST);
        let bytes = match self.rate {
            None => PAYLOAD_BYTES_FIRST,
            Some(rate) => per(rate, FRAME_TIME).clamp(PAYLOAD_BYTES_MIN, most),
        };
        u32::try_from(bytes).unwrap_or(u32::MAX)
    }

    /// Notes that a channel which had `buffered_bytes` left was given a frame.
    pub(super) fn on_sent(&mut self, now: Instant, buffered_bytes: u32, frame_bytes: u32) {
        let buffered_bytes = u64::from(buffered_bytes);
        if buffered_bytes == 0 {
            // It waited for us: what it could have taken is not known.
            (self.since, self.given_bytes) = (now, 0);
        }
        let elapsed = now.since(self.since);
        if elapsed >= WINDOW {
            let drained = self.given_bytes.saturating_sub(buffered_bytes);
            let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
            self.rate = Some(drained.saturating_mul(1_000_000) / micros);
            (self.since, self.given_bytes) = (now, buffered_bytes);
        }
        self.given_bytes = self.given_bytes.saturating_add(u64::from(frame_bytes));
    }
}

/// Bytes that a rate gives in a time.
fn per(rate: u64, time: Duration) -> u64 {
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    rate.saturating_mul(micros) / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: u32 = 65_536;

    /// Gives a channel that drains at a rate a frame whenever it has room, for so long.
    fn filled(pace: &mut Pace, from_ms: u64, millis: u64, bytes_per_ms: u32) {
        let mut buffered = 0_u32;
        for ms in from_ms..from_ms + millis {
            buffered = buffered.saturating_sub(bytes_per_ms);
            while buffered < 4 * FRAME {
                pace.on_sent(Instant::from_micros(ms * 1000), buffered, FRAME);
                buffered += FRAME;
            }
        }
    }

    fn check(bytes_per_ms: u32, expected: core::ops::RangeInclusive<u32>) {
        let mut pace = Pace::default();
        filled(&mut pace, 5, 3_000, bytes_per_ms);
        let bytes = pace.payload_bytes_max();
        assert!(expected.contains(&bytes), "{bytes} at {bytes_per_ms} bytes a millisecond");
    }

    #[test]
    fn frames_are_short_on_a_slow_channel_and_long_on_a_fast_one() {
        check(30, 16_384..=16_384);
        check(1_000, 40_000..=60_000);
        check(30_000, 262_128..=262_128);
    }

    #[test]
    fn before_anything_is_known_they_are_of_middle_length() {
        assert_eq!(Pace::default().payload_bytes_max(), 65_536);
    }

    #[test]
    fn a_channel_that_waits_for_us_tells_nothing_of_its_rate() {
        let mut pace = Pace::default();
        filled(&mut pace, 0, 1_000, 30_000);
        let long = pace.payload_bytes_max();
        for second in 2..20 {
            pace.on_sent(Instant::from_micros(second * 1_000_000), 0, FRAME);
        }
        assert_eq!(pace.payload_bytes_max(), long);
    }
}
