//! Records what a node was told, so that a browser's run replays natively in the simulator.

use alloc::vec::Vec;
use core::cell::RefCell;

use peerloom_core::{Input, Now};

/// When the trace is this long, recording ends: the beginning is what a replay needs.
const TRACE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Inputs with their times, one after the other: `length u32 LE`, then postcard of `(Now, Input)`.
#[derive(Debug, Default)]
pub(crate) struct Trace(RefCell<Vec<u8>>);

impl Trace {
    pub(crate) fn record(&self, now: Now, input: &Input) {
        let Ok(record) = postcard::to_allocvec(&(now, input)) else { return };
        let Ok(length) = u32::try_from(record.len()) else { return };
        let mut trace = self.0.borrow_mut();
        if trace.len() + record.len() <= TRACE_BYTES_MAX {
            trace.extend_from_slice(&length.to_le_bytes());
            trace.extend_from_slice(&record);
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.borrow().clone()
    }
}
