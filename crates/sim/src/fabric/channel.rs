//! The control channel: ordered and reliable while the connection lives, with a bounded buffer.

use std::collections::VecDeque;

use bytes::Bytes;
use peerloom_core::Instant;
use peerloom_core::io::LinkEvent;
use peerloom_wire::FRAME_BYTES_MAX;

use super::negotiation::BUDGET_BYTES_FIRST;
use super::{End, Fabric, FabricStep};
use crate::schedule::{Happening, Schedule};

/// One direction of one channel.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// Nothing overtakes what was sent before it.
    pub(super) last_arrival: Instant,
    /// Sent while nothing got through.
    held: VecDeque<Bytes>,
}

impl Fabric {
    pub(super) fn send(&mut self, schedule: &mut Schedule, end: End, frame: Bytes) {
        if frame.len() > FRAME_BYTES_MAX {
            self.breach(end, format!("sends a frame of {} bytes", frame.len()));
        }
        let bytes = u32::try_from(frame.len()).unwrap_or(u32::MAX);
        let now = schedule.now();
        let Some(endpoint) = self.endpoints.get_mut(&end) else {
            self.breach(end, "sends on no connection".to_owned());
            return;
        };
        if endpoint.opened_at.is_none_or(|at| at > now) {
            self.breach(end, "sends before the channel is open".to_owned());
            return;
        }
        let Some(budget) = endpoint.budget.checked_sub(bytes) else {
            let left = endpoint.budget;
            self.breach(end, format!("sends {bytes} bytes with a budget of {left}"));
            return;
        };
        endpoint.budget = budget;
        endpoint.on_the_way += bytes;
        self.inject(schedule, end, frame);
    }

    /// A node hears what it may send. What it sent since that was measured is in the browser's buffer
    /// besides.
    pub(crate) fn grant(&mut self, end: End, budget_bytes: u32) {
        if let Some(endpoint) = self.endpoints.get_mut(&end) {
            endpoint.budget = budget_bytes;
        }
    }

    /// Puts a frame on the wire past the buffer: what a node sent, or what a hostile one adds.
    pub(crate) fn inject(&mut self, schedule: &mut Schedule, end: End, frame: Bytes) {
        let Some(other) = self.other(end) else { return };
        let link = self.endpoints.get(&end).and_then(|endpoint| endpoint.link);
        let flows = link.and_then(|link| self.links.get(&link)).is_some_and(super::Link::flows);
        let Some(endpoint) = self.endpoints.get_mut(&end) else { return };
        if !flows {
            endpoint.control.held.push_back(frame);
            return;
        }
        let last = endpoint.control.last_arrival;
        let arrival = self.arrival(schedule.now(), [end, other], frame.len(), last);
        if let Some(endpoint) = self.endpoints.get_mut(&end) {
            endpoint.control.last_arrival = arrival;
        }
        let step = FabricStep::Frame { to: other, from: end, frame };
        schedule.at(arrival, Happening::Fabric(step));
    }

    /// Sends what was held while nothing got through.
    pub(super) fn flush(&mut self, schedule: &mut Schedule, end: End) {
        let Some(endpoint) = self.endpoints.get_mut(&end) else { return };
        let held = core::mem::take(&mut endpoint.control.held);
        let serves = !endpoint.jobs.is_empty() && !core::mem::replace(&mut endpoint.serving, true);
        for frame in held {
            self.inject(schedule, end, frame);
        }
        if serves {
            schedule.at(schedule.now(), Happening::Fabric(FabricStep::Serve { end }));
        }
    }

    pub(super) fn deliver(&mut self, schedule: &mut Schedule, to: End, from: End, frame: Bytes) {
        let bytes = u32::try_from(frame.len()).unwrap_or(u32::MAX);
        self.tell(schedule, to, LinkEvent::Received { frame });
        let limit = self.options.control_budget_bytes;
        let Some(sender) = self.endpoints.get_mut(&from) else { return };
        sender.on_the_way = sender.on_the_way.saturating_sub(bytes);
        // A driver says so when the budget is half used that a node starts with, not for each frame: a
        // greater one it may have been told before it took note of any.
        if sender.budget < limit.saturating_sub(BUDGET_BYTES_FIRST / 2) {
            let budget_bytes = limit.saturating_sub(sender.on_the_way);
            sender.budget = budget_bytes;
            self.tell(schedule, from, LinkEvent::Writable { budget_bytes });
        }
    }
}
