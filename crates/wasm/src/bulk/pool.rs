//! Buffers for bodies, used again and again: a fresh one costs as much as a digest of its bytes.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use js_sys::{Array, ArrayBuffer, Uint8Array};
use peerloom_wire::bulk::CHUNK_BYTES_MAX;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    type MessageChannel;
    #[wasm_bindgen(constructor)]
    fn new() -> MessageChannel;
    #[wasm_bindgen(method, getter)]
    fn port1(this: &MessageChannel) -> MessagePort;
    #[wasm_bindgen(method, getter)]
    fn port2(this: &MessageChannel) -> MessagePort;

    #[derive(Debug)]
    type MessagePort;
    #[wasm_bindgen(method)]
    fn close(this: &MessagePort);
    #[wasm_bindgen(method, catch, js_name = postMessage)]
    fn post(this: &MessagePort, message: &JsValue, transfer: &Array) -> Result<(), JsValue>;
}

/// The most idle buffers kept: 32 × 256 KiB = 8 MiB, more than a fast connection has in flight
/// (40 MB/s × 100 ms = 4 MB). Those beyond go to the garbage collector.
const IDLE_MAX: usize = 32;

/// Idle buffers of one chunk's length, shared by all connections of a node.
#[derive(Debug, Default)]
pub struct Pool {
    idle: RefCell<Vec<Uint8Array>>,
    made: Cell<u32>,
    drain: Drain,
}

/// Messages that go down the drain together: 1 MiB at most. Each post costs as much as a copy of
/// 64 KiB.
const DRAINED_MAX: u32 = 8;

/// Where the memory of messages goes that nobody needs any more: a port whose other end is closed.
///
/// The collector comes late, to which a buffer is a small object: receiving 200 MB in messages of
/// 64 KiB took up to 54 MB, and 1 MB when each was sent down here (measured 2026-11-20).
#[derive(Debug)]
struct Drain {
    port: MessagePort,
    gathered: Array,
}

impl Default for Drain {
    fn default() -> Self {
        let channel = MessageChannel::new();
        channel.port2().close();
        Self { port: channel.port1(), gathered: Array::new() }
    }
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

    /// Gives the memory of a message back to the browser, some at a time.
    pub(crate) fn release(&self, message: &ArrayBuffer) {
        let Drain { port, gathered } = &self.drain;
        if gathered.push(message) >= DRAINED_MAX {
            // Fails only if one of them is detached already.
            let _ = port.post(&JsValue::NULL, gathered);
            gathered.set_length(0);
        }
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
