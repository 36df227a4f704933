//! The control channel: frames of the core, and how much more of them fits.

use alloc::rc::Rc;
use core::cell::Cell;

use bytes::Bytes;
use js_sys::{ArrayBuffer, Uint8Array};
use peerloom_core::event::Stage;
use peerloom_core::io::LinkEvent;
use wasm_bindgen::prelude::*;
use web_sys::{RtcDataChannel, RtcDataChannelState};

use super::failed;
use crate::bulk::Owner;

/// How much the core may have waiting in the channel: some seconds of a slow mobile uplink, and
/// four frames of the greatest length.
const BUFFERED_BYTES_MAX: u32 = 256 * 1024;

/// At or below this much the core gets a new budget.
const BUFFERED_BYTES_LOW: u32 = 64 * 1024;

/// The control channel and the core's budget on it.
pub(super) struct Control {
    channel: RtcDataChannel,
    owner: Rc<dyn Owner>,
    /// What is left of the last budget that the core was told.
    budget_bytes: Cell<u32>,
}

impl Control {
    pub(super) fn new(channel: RtcDataChannel, owner: Rc<dyn Owner>) -> Self {
        channel.set_buffered_amount_low_threshold(BUFFERED_BYTES_LOW);
        Self { channel, owner, budget_bytes: Cell::new(0) }
    }

    pub(super) fn is_open(&self) -> bool {
        self.channel.ready_state() == RtcDataChannelState::Open
    }

    pub(super) fn buffered_bytes(&self) -> u32 {
        self.channel.buffered_amount()
    }

    /// Sends one frame. The channel copies it before `send` returns.
    pub(super) fn send(&self, frame: &[u8]) {
        if let Err(error) = self.channel.send_with_u8_array(frame) {
            return self.owner.on_event(failed(Stage::Channel, &error));
        }
        let length = u32::try_from(frame.len()).unwrap_or(u32::MAX);
        self.budget_bytes.set(self.budget_bytes.get().saturating_sub(length));
        self.on_drained();
    }

    /// Renews a budget that is half used, if the channel has room. While it has none, the
    /// `bufferedamountlow` event comes here again.
    pub(super) fn on_drained(&self) {
        let room = self.channel.buffered_amount() <= BUFFERED_BYTES_LOW;
        if room && self.budget_bytes.get() <= BUFFERED_BYTES_MAX / 2 {
            self.grant();
        }
    }

    /// Tells the core how much fits now.
    pub(super) fn grant(&self) {
        let budget_bytes = BUFFERED_BYTES_MAX.saturating_sub(self.channel.buffered_amount());
        self.budget_bytes.set(budget_bytes);
        self.owner.on_event(LinkEvent::Writable { budget_bytes });
    }

    /// Takes one message; anything may be in it.
    pub(super) fn on_message(&self, data: JsValue) {
        // Text is no frame: an empty one stands for it, which the core refuses as malformed.
        let frame = match data.dyn_into::<ArrayBuffer>() {
            Ok(buffer) => Bytes::from(Uint8Array::new(&buffer).to_vec()),
            Err(_) => Bytes::new(),
        };
        self.owner.on_event(LinkEvent::Received { frame });
    }
}
