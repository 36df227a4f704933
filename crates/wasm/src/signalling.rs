//! Signalling between the tabs of an origin: envelopes over a `BroadcastChannel`.
//!
//! What arrives is a stranger's: it goes to the core unread, and the core verifies it.

use bytes::Bytes;
use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;
use web_sys::{BroadcastChannel, MessageEvent};

use crate::js;
use crate::listener::Listener;

/// A message longer than this is no envelope and is not copied: SDP and candidates are below
/// 16 KiB. The core's own bound is tighter.
const MESSAGE_BYTES_MAX: u32 = 65_536;

/// The channel that all tabs of one application at one origin share. Closes on drop.
#[derive(Debug)]
pub struct Signalling {
    channel: BroadcastChannel,
    _listener: Listener,
}

impl Signalling {
    /// Joins the channel of this name; `on_envelope` gets what the other tabs send.
    ///
    /// # Errors
    /// What the browser threw: some don't have the channel at all.
    pub fn open(name: &str, on_envelope: impl Fn(Bytes) + 'static) -> Result<Self, JsValue> {
        let channel = BroadcastChannel::new(name)?;
        let listener = Listener::new(&channel, "message", move |event| {
            let data = event.unchecked_into::<MessageEvent>().data();
            let Ok(bytes) = data.dyn_into::<Uint8Array>() else { return };
            if bytes.length() <= MESSAGE_BYTES_MAX {
                on_envelope(bytes.to_vec().into());
            }
        });
        Ok(Self { channel, _listener: listener })
    }

    /// Sends an envelope to every other tab.
    pub fn send(&self, envelope: &[u8]) {
        // Throws only when closed, or for what can't be cloned.
        let _ = self.channel.post_message(&js::bytes(envelope));
    }
}

impl Drop for Signalling {
    fn drop(&mut self) {
        self.channel.close();
    }
}
