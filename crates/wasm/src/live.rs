//! Counts what is alive, for the test that opens and closes hundreds and looks for leaks.

use std::cell::Cell;

use crate::js::Object;
use wasm_bindgen::JsValue;

thread_local! {
    static NODES: Cell<u32> = const { Cell::new(0) };
    static CONNECTIONS: Cell<u32> = const { Cell::new(0) };
    static CLOSURES: Cell<u32> = const { Cell::new(0) };
}

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
    counter.with(|count| count.set(count.get().saturating_add_signed(by)));
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
    Counts { nodes: NODES.get(), connections: CONNECTIONS.get(), closures: CLOSURES.get() }
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
