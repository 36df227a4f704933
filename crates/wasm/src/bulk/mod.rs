//! The bulk channel: bodies travel in frames of a header and a piece, and never enter WASM memory.

mod pace;
mod pool;
mod receive;
mod send;

pub(crate) use pool::Buffer;
pub use pool::Pool;
pub(crate) use receive::Receiver;
pub(crate) use send::Sender;

use js_sys::{Promise, Uint8Array};
use peerloom_core::io::LinkEvent;
use peerloom_wire::ChunkId;
use wasm_bindgen::prelude::*;

/// What a connection needs from whoever made it.
pub trait Owner {
    /// Takes what happened. May close the connection before it returns.
    fn on_event(&self, event: LinkEvent);

    /// Reads a chunk of the store; the promise gives a `Uint8Array`.
    ///
    /// # Errors
    /// What the store threw instead of giving a promise.
    fn read_chunk(&self, chunk: &ChunkId) -> Result<Promise, JsValue>;

    /// Takes back what `read_chunk` gave, once the last frame of it is sent.
    fn recycle(&self, chunk: &Uint8Array);
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"], js_name = digest)]
    fn digest(algorithm: &str, data: &Uint8Array) -> Result<Promise, JsValue>;
}

/// Below this length a digest in WASM takes less time than WebCrypto's call: the two cross between
/// 2 and 4 KiB in Chromium, higher in Firefox (measured 2026-11-20).
const DIGEST_HERE_BYTES_MAX: u32 = 4096;

/// Gives the SHA-256 of `body` to `then`, at once or later.
///
/// `crypto.subtle` is missing in insecure contexts only, where the SDK does not start; should it
/// fail all the same, the core's own function does the work.
fn sha256(body: &Uint8Array, then: impl FnOnce([u8; 32]) + 'static) {
    if body.length() <= DIGEST_HERE_BYTES_MAX {
        return then(peerloom_crypto::sha256(&body.to_vec()));
    }
    match digest("SHA-256", body) {
        Ok(promise) => {
            let body = body.clone();
            crate::js::settled(&promise, move |result| {
                let digest = result.ok().map(|value| Uint8Array::new(&value).to_vec());
                let digest = digest.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
                then(digest.unwrap_or_else(|| peerloom_crypto::sha256(&body.to_vec())));
            });
        }
        Err(_) => then(peerloom_crypto::sha256(&body.to_vec())),
    }
}
