//! Peerloom's driver for browsers, and what the TypeScript SDK imports: the core, fed from
//! WebRTC, `BroadcastChannel`, timers and the SDK's store.
//!
//! Every use of `web-sys` in the project is here. The driver executes what the core decides, and
//! decides nothing. Bodies of contents go from the data channel to the store and back without
//! entering WASM memory.
//!
//! The Rust interface serves the crate's own tests, and the simulated network of `peerloom/testing`:
//! without the feature `browser` only what both have in common is there, a node's plain data as
//! plain JavaScript objects and the calls to the SDK.

#![cfg_attr(not(feature = "std"), no_std)]

#[cfg_attr(feature = "browser", macro_use)]
extern crate alloc;

pub mod command;
pub mod convert;
mod draft;
mod host;
mod js;

#[cfg(feature = "browser")]
mod answers;
#[cfg(feature = "browser")]
mod bulk;
#[cfg(feature = "browser")]
mod connection;
#[cfg(feature = "browser")]
mod driver;
#[cfg(feature = "browser")]
mod handle;
#[cfg(feature = "browser")]
mod listener;
#[cfg(feature = "browser")]
mod live;
#[cfg(feature = "browser")]
mod server;
#[cfg(feature = "browser")]
mod signalling;
#[cfg(feature = "browser")]
mod timer;
#[cfg(feature = "browser")]
mod trace;

pub use draft::{Draft, integer};
pub use host::{Expected, Host, store_error};
pub use js::{Deferred, Object, bytes, property, reason, settled};

#[cfg(feature = "browser")]
pub use self::{
    bulk::{Owner, Pool},
    connection::Connection,
    handle::{NodeHandle, NodeOptions},
    live::{Counts, counts},
    server::Server,
    signalling::Signalling,
};

/// A third of the code of Rust's own allocator (TLSF: Masmano et al., ECRTS 2004). What the core holds
/// is small and short-lived; bulk bytes never come here.
#[cfg(feature = "browser")]
#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

/// Ends a panic in a trap: its message would be written to nowhere, and the code that forms messages is 3 % of the
/// package.
#[cfg(all(feature = "browser", not(feature = "std")))]
#[panic_handler]
fn on_panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

/// Returns how many nodes, connections and callbacks are alive: `{nodes, connections, closures}`.
#[cfg(feature = "browser")]
#[wasm_bindgen::prelude::wasm_bindgen(js_name = liveCounts)]
#[must_use]
pub fn live_counts() -> wasm_bindgen::JsValue {
    counts().into()
}
