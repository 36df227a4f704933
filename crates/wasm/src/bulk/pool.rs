//! Buffers for bodies, used again and again: a fresh one costs as much as a digest of its bytes.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{ArrayBuffer, Uint8Array};
use peerloom_wire::bulk::CHUNK_BYTES_MAX;
use wasm_bindgen::{JsCast, JsValue};

/// The most idle buffers kept: 32 × 256 KiB = 8 MiB, more than a fast connection has in flight
/// (40 MB/s × 100 ms = 4 MB). Those beyond go to the garbage collector.
const IDLE_MAX: usize = 32;

/// Idle buffers of one chunk's length, shared by all connections of a node.
#[derive(Debug, Default)]
pub struct Pool {
    idle: RefCell<Vec<Uint8Array>>,
    made: Cell<u32>,
}

impl Pool {
    /// Returns a buffer of at least `bytes` bytes. What it holds is left over from its last use.
    pub(crate) fn take(self: &Rc<Self>, bytes: u32) -> Buffer {
        let pool = Rc::clone(self);
        if bytes > CHUNK_BYTES_MAX {
            // A manifest of a large content: rare, and not kept.
            return Buffer { whole: Uint8Array::new_with_length(bytes), bytes, pool: Some(pool) };
        }
        let idle = self.idle.borrow_mut().pop();
        let whole = idle.unwrap_or_else(|| {
            self.made.set(self.made.get().saturating_add(1));
            Uint8Array::new_with_length(CHUNK_BYTES_MAX)
        });
        Buffer { whole, bytes, pool: Some(pool) }
    }

    /// Takes back what the store returns, if it is a buffer of the right length.
    pub(crate) fn give_back(&self, returned: JsValue) {
        let Ok(buffer) = returned.dyn_into::<ArrayBuffer>() else { return };
        self.keep(Uint8Array::new(&buffer));
    }

    /// Returns how many pooled buffers were made since the start.
    pub(crate) fn made_count(&self) -> u32 {
        self.made.get()
    }

    fn keep(&self, whole: Uint8Array) {
        let mut idle = self.idle.borrow_mut();
        // One that was transferred away has length 0.
        if whole.length() == CHUNK_BYTES_MAX && idle.len() < IDLE_MAX {
            idle.push(whole);
        }
    }
}

/// A buffer in use; goes back to its pool on drop.
#[derive(Debug)]
pub(crate) struct Buffer {
    whole: Uint8Array,
    bytes: u32,
    /// `None` once it is given away.
    pool: Option<Rc<Pool>>,
}

impl Buffer {
    /// Returns how many of its bytes the body takes.
    pub(crate) const fn bytes(&self) -> u32 {
        self.bytes
    }

    /// Copies a piece to where it belongs. The caller has checked that it fits.
    pub(crate) fn write(&self, piece: &Uint8Array, offset: u32) {
        self.whole.set(piece, offset);
    }

    /// Returns a view of exactly the body's bytes.
    pub(crate) fn view(&self) -> Uint8Array {
        self.whole.subarray(0, self.bytes)
    }

    /// Gives the buffer away: it comes back by [`Pool::give_back`], or not at all.
    pub(crate) fn give_away(mut self) -> Uint8Array {
        self.pool = None;
        self.view()
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(pool) = &self.pool {
            pool.keep(self.whole.clone());
        }
    }
}
