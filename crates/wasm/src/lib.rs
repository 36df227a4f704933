//! Peerloom's driver for browsers, and what the TypeScript SDK imports: the core, fed from
//! WebRTC, `BroadcastChannel`, timers and the SDK's store.
//!
//! Every use of `web-sys` in the project is here. The driver executes what the core decides, and
//! decides nothing. Bodies of contents go from the data channel to the store and back without
//! entering WASM memory.
//!
//! The Rust interface serves the crate's own tests only.

mod bulk;
mod connection;
mod convert;
mod driver;
mod handle;
mod host;
mod js;
mod live;
mod signalling;
mod timer;
mod trace;

pub use bulk::{Owner, Pool};
pub use connection::Connection;
pub use handle::{Draft, NodeHandle, NodeOptions};
pub use host::Host;
pub use live::{Counts, counts};
pub use signalling::Signalling;

use wasm_bindgen::prelude::*;

/// A third of the code of Rust's own allocator (TLSF: Masmano et al., ECRTS 2004). What the core holds
/// is small and short-lived; bulk bytes never come here.
#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

/// Returns how many nodes, connections and callbacks are alive: `{nodes, connections, closures}`.
#[wasm_bindgen(js_name = liveCounts)]
#[must_use]
pub fn live_counts() -> JsValue {
    counts().into()
}
