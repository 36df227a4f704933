//! The signalling paths: one channel per application, which loses, delays, doubles and reorders
//! envelopes, and on which somebody sits who changes, replays and misdirects them.

use std::collections::VecDeque;

use bytes::Bytes;
use peerloom_core::Input;

use crate::dice::Dice;
use crate::options::{Hostility, SignallingOptions};
use crate::schedule::{Happening, Schedule, Seat};

/// How many envelopes the eavesdropper remembers; the oldest go first.
const RECENT_MAX: usize = 256;

/// The signalling paths of all applications.
pub(crate) struct Bus {
    pub(crate) options: SignallingOptions,
    dice: Dice,
    recent: VecDeque<Bytes>,
}

/// Somebody who may hear an envelope.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listener {
    pub(crate) seat: Seat,
    pub(crate) app: usize,
}

impl Bus {
    pub(crate) fn new(seed: u64, options: SignallingOptions) -> Self {
        Self { options, dice: Dice::new(seed, "bus"), recent: VecDeque::new() }
    }

    /// Carries an envelope of a node of `app` to all who listen, the sender left out.
    pub(crate) fn carry(
        &mut self,
        schedule: &mut Schedule,
        app: usize,
        bytes: &Bytes,
        listeners: &[Listener],
    ) {
        for listener in listeners {
            if listener.app == app {
                self.carry_to(schedule, listener.seat, bytes);
            } else if self.dice.chance(self.options.stray_per_mille) {
                self.deliver(schedule, listener.seat, bytes.clone());
            }
        }
        self.recent.push_back(bytes.clone());
        if self.recent.len() > RECENT_MAX {
            self.recent.pop_front();
        }
    }

    /// What a hostile tab sends along with its own envelope.
    pub(crate) fn abuse(
        &mut self,
        schedule: &mut Schedule,
        hostility: Hostility,
        bytes: &Bytes,
        listeners: &[Listener],
    ) {
        let Hostility { forged_envelope_per_mille, replayed_envelope_per_mille, .. } = hostility;
        if forged_envelope_per_mille + replayed_envelope_per_mille == 0 {
            return;
        }
        for listener in listeners {
            if self.dice.chance(forged_envelope_per_mille) {
                let forged = self.tamper(bytes);
                self.deliver(schedule, listener.seat, forged);
            }
            if self.dice.chance(replayed_envelope_per_mille) {
                let index = self.dice.index(self.recent.len());
                if let Some(old) = self.recent.get(index).cloned() {
                    self.deliver(schedule, listener.seat, old);
                }
            }
        }
    }

    fn carry_to(&mut self, schedule: &mut Schedule, seat: Seat, bytes: &Bytes) {
        let options = self.options;
        if self.dice.chance(options.tamper_per_mille) {
            let tampered = self.tamper(bytes);
            self.deliver(schedule, seat, tampered);
        }
        if self.dice.chance(options.replay_per_mille) {
            let index = self.dice.index(self.recent.len());
            if let Some(old) = self.recent.get(index).cloned() {
                self.deliver(schedule, seat, old);
            }
        }
        if self.dice.chance(options.loss_per_mille) {
            return;
        }
        let copies = 1 + usize::from(self.dice.chance(options.duplicate_per_mille));
        for _ in 0..copies {
            self.deliver(schedule, seat, bytes.clone());
        }
    }

    fn deliver(&mut self, schedule: &mut Schedule, seat: Seat, bytes: Bytes) {
        let delay = self.dice.span(self.options.delay);
        schedule.after(delay, Happening::Input { seat, input: Input::Signal { bytes } });
    }

    /// One byte changed, or the end cut off.
    fn tamper(&mut self, bytes: &Bytes) -> Bytes {
        let index = self.dice.index(bytes.len());
        if self.dice.chance(200) {
            return bytes.slice(..index);
        }
        let mut changed = bytes.to_vec();
        let flip = u8::try_from(self.dice.between(1, 255)).unwrap_or(1);
        if let Some(byte) = changed.get_mut(index) {
            *byte ^= flip;
        }
        changed.into()
    }
}
