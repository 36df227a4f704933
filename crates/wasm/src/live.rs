//! Counts what is alive, for the test that opens and closes hundreds and looks for leaks.

use core::sync::atomic::{AtomicU32, Ordering};

use crate::js::Object;
use wasm_bindgen::JsValue;

static NODES: AtomicU32 = AtomicU32::new(0);
static CONNECTIONS: AtomicU32 = AtomicU32::new(0);
static CLOSURES: AtomicU32 = AtomicU32::new(0);

/// What is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Node,
    Connection,
    /// A listener or a timer: something that the browser could still call.
    Closure,
}

/// Counts as one until it is dropped. Owned by what it counts.
#[derive(Debug)]
pub(crate) struct Live(Kind);

impl Live {
    pub(crate) fn new(kind: Kind) -> Self {
        change(kind, 1);
        Self(kind)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        change(self.0, -1);
    }
}

fn change(kind: Kind, by: i32) {
    let counter = match kind {
        Kind::Node => &NODES,
        Kind::Connection => &CONNECTIONS,
        Kind::Closure => &CLOSURES,
    };
    counter.fetch_add(by.cast_unsigned(), Ordering::Relaxed);
}

/// How many of each are alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Nodes that were made and not freed.
    pub nodes: u32,
    /// `RTCPeerConnection`s that were made and not closed.
    pub connections: u32,
    /// Listeners and timers.
    pub closures: u32,
}

/// Returns how many of each are alive.
#[must_use]
pub fn counts() -> Counts {
    let of = |counter: &AtomicU32| counter.load(Ordering::Relaxed);
    Counts { nodes: of(&NODES), connections: of(&CONNECTIONS), closures: of(&CLOSURES) }
}

impl From<Counts> for JsValue {
    fn from(counts: Counts) -> Self {
        Object::new()
            .with("nodes", counts.nodes)
            .with("connections", counts.connections)
            .with("closures", counts.closures)
            .into()
    }
}
