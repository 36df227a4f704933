//! One record of the store that belongs to one protocol: its form, and when it is written.
//!
//! A version, a part of the hash of what follows, and that. What is corrupt is overwritten with the next change; what a
//! newer version wrote stays as it is. Nothing is written before the store was read, and one write runs at a time.

use core::time::Duration;

use bytes::Bytes;
use peerloom_crypto::sha256;

use crate::time::{Instant, Now};

/// How much of the hash of what is stored is stored before it.
const CHECK_BYTES: usize = 8;

/// Between a change and the write that saves it: what comes together is written together.
const SAVE_DELAY: Duration = Duration::from_secs(30);

/// Whether there may be a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It was not read yet, and a write could hide what is there; or a newer version wrote it.
    Untouched,
    Ready,
    Writing,
}

/// A protocol's record.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    /// The version that is written and read.
    version: u8,
    state: State,
    save_at: Option<Instant>,
}

impl Stored {
    pub(crate) const fn new(version: u8) -> Self {
        Self { version, state: State::Untouched, save_at: None }
    }

    /// Takes what is stored, and returns what it holds: nothing if nothing is stored, `None` if it can't be read.
    #[inline(never)]
    pub(crate) fn load<'a>(&mut self, stored: Option<&'a Bytes>) -> Option<&'a [u8]> {
        self.state = State::Ready;
        let Some((version, rest)) = stored.and_then(|stored| stored.split_first()) else {
            return Some(&[]);
        };
        if *version > self.version {
            self.state = State::Untouched;
        }
        let (check, body) = rest.split_at_checked(CHECK_BYTES)?;
        (*version == self.version && sha256(body).starts_with(check)).then_some(body)
    }

    /// What is stored is not what it should be: it is written within [`SAVE_DELAY`].
    pub(crate) fn mark(&mut self, now: Now) {
        self.mark_until(now.mono + SAVE_DELAY);
    }

    /// The same until then at the latest.
    pub(crate) fn mark_until(&mut self, at: Instant) {
        self.save_at = Some(self.save_at.map_or(at, |planned| planned.min(at)));
    }

    /// What was marked is written now.
    pub(crate) fn hurry(&mut self, now: Now) {
        self.save_at = self.save_at.map(|_| now.mono);
    }

    /// When a write is due.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.save_at.filter(|_| self.state == State::Ready)
    }

    /// Begins a write of this, whose end is told by [`Self::on_saved`].
    #[inline(never)]
    pub(crate) fn begin_save(&mut self, body: &[u8]) -> Bytes {
        self.save_at = None;
        self.state = State::Writing;
        let check = sha256(body);
        let check = check.first_chunk::<CHECK_BYTES>().map_or(&[][..], |check| check);
        [&[self.version], check, body].concat().into()
    }

    /// A write ended; one that failed is done again.
    pub(crate) fn on_saved(&mut self, now: Now, is_done: bool) {
        self.state = State::Ready;
        if !is_done {
            self.save_at = Some(now.mono + SAVE_DELAY);
        }
    }
}
