//! What the two state machines of the browser mean for the core.

use core::cell::Cell;

use peerloom_core::io::TransportState;
use web_sys::{RtcIceConnectionState, RtcPeerConnectionState};

/// Reports each change once: the browser's two states overlap.
#[derive(Debug, Default)]
pub(super) struct Transport {
    ice_connected: Cell<bool>,
    last: Cell<Option<TransportState>>,
}

impl Transport {
    /// Maps `iceConnectionState`: only that ICE found a pair, which is earlier than DTLS is up.
    pub(super) fn on_ice_state(&self, state: RtcIceConnectionState) -> Option<TransportState> {
        let connected =
            matches!(state, RtcIceConnectionState::Connected | RtcIceConnectionState::Completed);
        let changed = self.ice_connected.replace(connected) != connected;
        (connected && changed).then_some(TransportState::IceConnected)
    }

    /// Maps `connectionState`.
    pub(super) fn on_state(&self, state: RtcPeerConnectionState) -> Option<TransportState> {
        let state = match state {
            RtcPeerConnectionState::Connected => TransportState::Connected,
            RtcPeerConnectionState::Disconnected => TransportState::Disconnected,
            RtcPeerConnectionState::Failed => TransportState::Failed,
            // `closed` is our own doing; the rest is before the beginning.
            _ => return None,
        };
        (self.last.replace(Some(state)) != Some(state)).then_some(state)
    }
}
