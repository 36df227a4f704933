//! A peer as one to fetch from: how much to ask of it, and when to leave it alone.

use core::time::Duration;

use peerloom_wire::{CHUNK_BYTES_MAX, PeerId, RequestId};

use crate::content::message::Wanted;
use crate::content::meter::Meter;
use crate::map::Set;
use crate::time::Instant;

/// The most: 8 MiB, what 50 MB/s take in 160 ms. Twice this is where a server refuses.
const WINDOW_MAX: u64 = 32;

/// What is on the way inside both browsers besides the network: the server reads from its store
/// and keeps its channel's buffer full, we are not asked to run at once. Twice what that takes,
/// since the rate that it is multiplied with is held down by the window itself: with half of it a
/// busy machine reached 0.4 to 0.8 of the rate that its channel gave (measured 2026-11-20).
const PIPELINE_MICROS: u64 = 300_000;

/// The first pause after a failure, and the least; doubled by each further one. Guess.
const BACKOFF_MIN: Duration = Duration::from_secs(1);

/// The longest pause: a source that came back is found within a minute.
const BACKOFF_MAX: Duration = Duration::from_secs(60);

/// What we know of a peer from fetching.
#[derive(Debug, Default)]
pub(in crate::content) struct Source {
    /// Smoothed; zero until it is measured.
    pub(in crate::content) rtt: Duration,
    /// What it is worth; zero until it answered a ping.
    pub(in crate::content) score: u64,
    /// Until when nothing is asked of it.
    pub(in crate::content) paused_until: Option<Instant>,
    /// The next pause; zero after a verified body.
    backoff: Duration,
    /// What it was asked for. At most [`WINDOW_MAX`].
    pub(super) open: Set<RequestId>,
    /// Whether it may be asked for more in this turn.
    is_due: bool,
    pub(in crate::content) meter: Meter,
    /// When bytes last came, or when they could first.
    pub(super) progressed_at: Instant,
    /// The latest request whose body came. Bodies come in the order in which they were asked for,
    /// so an earlier one that is open was overtaken.
    pub(super) newest_arrived: Option<RequestId>,
    /// The least that is asked of it at once.
    window_min: u64,
}

/// A body that was asked for.
#[derive(Debug)]
pub(in crate::content) struct Request {
    pub(super) peer: PeerId,
    pub(super) what: Wanted,
    /// Its length.
    pub(super) bytes: u32,
    /// How much of it came.
    pub(super) arrived_bytes: u32,
    pub(super) asked_at: Instant,
    /// When bytes of it last came, or when it was asked for.
    pub(super) progressed_at: Instant,
}

impl Source {
    /// Whether something is open that it was asked for.
    pub(in crate::content) fn is_asked(&self) -> bool {
        !self.open.is_empty()
    }

    pub(in crate::content) fn new(window_min: u64) -> Self {
        Self { window_min, ..Self::default() }
    }

    /// Returns how many bodies may be open at once: bandwidth × delay in chunks, and two more so
    /// that the pipe is full while one ends and the next begins.
    #[inline(never)]
    pub(super) fn window(&self, now: Instant) -> u64 {
        let rtt_micros = u64::try_from(self.rtt.as_micros()).unwrap_or(u64::MAX);
        let delay_micros = rtt_micros.saturating_add(PIPELINE_MICROS);
        let bytes = self.meter.per_second(now).saturating_mul(delay_micros) / 1_000_000;
        (bytes / u64::from(CHUNK_BYTES_MAX) + 2).clamp(self.window_min, WINDOW_MAX)
    }

    /// Notes whether it is time to ask for more: when a quarter of the window is free, so that
    /// several requests share a frame. A frame for each costs both sides as much as the chunk's
    /// digest.
    pub(super) fn look(&mut self, now: Instant) {
        let open = u64::try_from(self.open.len()).unwrap_or(u64::MAX);
        let window = self.window(now);
        self.is_due = open + window / 4 <= window;
    }

    /// Returns how full the window is, in thousandths; `None` if nothing may be asked.
    #[inline(never)]
    pub(super) fn load(&self, now: Instant) -> Option<u64> {
        let open = u64::try_from(self.open.len()).unwrap_or(u64::MAX);
        let window = self.window(now);
        let is_free = self.is_due && self.paused_until.is_none() && open < window;
        is_free.then(|| open * 1000 / window)
    }

    /// Notes that a body is asked for.
    pub(super) fn on_asked(&mut self, now: Instant, request: RequestId) {
        if self.open.is_empty() {
            self.progressed_at = now;
            self.meter.begin(now);
        }
        self.open.insert(request);
    }

    /// Leaves it alone for a while. Failures during a pause are those of requests before it.
    pub(super) fn back_off(&mut self, now: Instant) {
        if self.paused_until.is_none() {
            let pause = self.backoff.clamp(BACKOFF_MIN, BACKOFF_MAX);
            self.paused_until = Some(now + pause);
            self.backoff = pause * 2;
        }
    }

    /// Notes that a body was verified.
    pub(super) const fn on_verified(&mut self) {
        self.backoff = Duration::ZERO;
    }
}
