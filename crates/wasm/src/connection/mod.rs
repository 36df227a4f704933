//! One WebRTC connection: the `RTCPeerConnection`, its two data channels, and all that listens.
//!
//! It executes what the core decided and reports what happened; it knows nothing about peers,
//! offers in conflict, deadlines or retries.

mod control;
mod negotiation;
mod transport;

use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::cell::Cell;
use core::fmt;

use peerloom_core::event::Stage;
use peerloom_core::io::{LinkCommand, LinkEvent};
use peerloom_wire::RequestId;
use wasm_bindgen::prelude::*;
use web_sys::{
    MessageEvent, RtcConfiguration, RtcDataChannel, RtcDataChannelInit, RtcDataChannelState,
    RtcDataChannelType, RtcPeerConnection,
};

use crate::bulk::{Buffer, Owner, Pool, Receiver, Sender};
use crate::listener::Listener;
use crate::live::{Kind, Live};
use control::Control;
use negotiation::Negotiation;
use transport::Transport;

/// Both sides make both channels, under ids that both know: no negotiation in the band, and no
/// channel that a peer could open on its own.
const CONTROL: (&str, u16) = ("control", 0);
const BULK: (&str, u16) = ("bulk", 1);

/// A connection. Closes on drop, and no callback of it runs after that.
pub struct Connection {
    parts: Rc<Parts>,
    listeners: Cell<Vec<Listener>>,
    live: Cell<Option<Live>>,
}

/// What the listeners reach, weakly.
struct Parts {
    pc: RtcPeerConnection,
    bulk: RtcDataChannel,
    control: Control,
    negotiation: Rc<Negotiation>,
    transport: Transport,
    receiver: Rc<Receiver>,
    sender: Rc<Sender>,
    owner: Rc<dyn Owner>,
    phase: Cell<Phase>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Not both channels are open yet.
    Opening,
    Open,
    /// `Closed` was reported, or the owner closed it.
    Closed,
}

impl Connection {
    /// Makes the connection and its channels. Nothing happens before the first command.
    ///
    /// # Errors
    /// What the browser threw: a configuration that it refuses, or too many connections.
    pub fn new(
        configuration: &RtcConfiguration,
        owner: Rc<dyn Owner>,
        pool: Rc<Pool>,
    ) -> Result<Self, JsValue> {
        let pc = RtcPeerConnection::new_with_configuration(configuration)?;
        let control = channel(&pc, CONTROL);
        let bulk = channel(&pc, BULK);
        let parts = Rc::new(Parts {
            control: Control::new(control.clone(), Rc::clone(&owner)),
            bulk: bulk.clone(),
            negotiation: Negotiation::new(pc.clone(), Rc::clone(&owner)),
            transport: Transport::default(),
            receiver: Receiver::new(Rc::clone(&owner), pool),
            sender: Sender::new(bulk.clone(), Rc::clone(&owner)),
            owner,
            phase: Cell::new(Phase::Opening),
            pc: pc.clone(),
        });
        let on = |target: &JsValue, kind, handle: fn(&Rc<Parts>, JsValue)| {
            let parts = Rc::downgrade(&parts);
            Listener::new(target.unchecked_ref(), kind, move |event| {
                if let Some(parts) = Weak::upgrade(&parts) {
                    handle(&parts, event);
                }
            })
        };
        let listeners = vec![
            on(&pc, "icecandidate", |parts, event| parts.negotiation.on_candidate(event)),
            on(&pc, "iceconnectionstatechange", |parts, _| parts.on_ice_state()),
            on(&pc, "connectionstatechange", |parts, _| parts.on_state()),
            on(&control, "open", |parts, _| parts.on_open()),
            on(&control, "close", |parts, _| parts.on_closed()),
            on(&control, "message", |parts, event| parts.control.on_message(data(event))),
            on(&control, "bufferedamountlow", |parts, _| parts.control.on_drained()),
            on(&bulk, "open", |parts, _| parts.on_open()),
            on(&bulk, "close", |parts, _| parts.on_closed()),
            on(&bulk, "message", |parts, event| parts.receiver.on_message(data(event))),
            on(&bulk, "bufferedamountlow", |parts, _| parts.sender.pump()),
        ];
        let live = Live::new(Kind::Connection);
        Ok(Self { parts, listeners: Cell::new(listeners), live: Cell::new(Some(live)) })
    }

    /// Executes a command. [`LinkCommand::Close`] is [`Self::close`].
    pub fn execute(&self, command: LinkCommand) {
        let parts = &self.parts;
        match command {
            LinkCommand::CreateOffer { restart } => parts.negotiation.offer(restart),
            LinkCommand::AcceptOffer { sdp, candidates } => {
                parts.negotiation.accept_offer(sdp, candidates);
            }
            LinkCommand::AcceptAnswer { sdp, candidates } => {
                parts.negotiation.accept_answer(sdp, candidates);
            }
            LinkCommand::AddCandidates { candidates } => parts.negotiation.add(candidates),
            LinkCommand::Send { frame } => parts.control.send(&frame),
            LinkCommand::ExpectBody { request, bytes, inline } => {
                parts.receiver.expect(request, bytes, inline);
            }
            LinkCommand::ForgetBody { request } => parts.receiver.forget(request),
            LinkCommand::ServeBody { request, body } => parts.sender.serve(request, body),
            LinkCommand::StopServing { request } => parts.sender.stop(request),
            LinkCommand::Close => self.close(),
        }
    }

    /// Takes the buffer of a body that arrived, to store it.
    pub(crate) fn take_body(&self, request: RequestId) -> Option<Buffer> {
        self.parts.receiver.take(request)
    }

    /// Returns how many bytes wait in the browser's send buffers.
    #[must_use]
    pub fn buffered_bytes(&self) -> u32 {
        self.parts.control.buffered_bytes().saturating_add(self.parts.bulk.buffered_amount())
    }

    /// Closes it, without an event. Closing again does nothing.
    pub fn close(&self) {
        self.parts.phase.set(Phase::Closed);
        drop(self.listeners.take());
        self.parts.negotiation.close();
        self.parts.sender.close();
        self.parts.pc.close();
        drop(self.live.take());
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connection(..)")
    }
}

impl Parts {
    fn on_open(&self) {
        let open = self.control.is_open() && self.bulk.ready_state() == RtcDataChannelState::Open;
        if !open || self.phase.get() != Phase::Opening {
            return;
        }
        self.phase.set(Phase::Open);
        self.owner.on_event(LinkEvent::Opened);
        self.control.grant();
        self.sender.open();
    }

    fn on_closed(&self) {
        if self.phase.replace(Phase::Closed) != Phase::Closed {
            self.owner.on_event(LinkEvent::Closed);
        }
    }

    fn on_ice_state(&self) {
        if let Some(state) = self.transport.on_ice_state(self.pc.ice_connection_state()) {
            self.owner.on_event(LinkEvent::Transport(state));
        }
    }

    fn on_state(&self) {
        if let Some(state) = self.transport.on_state(self.pc.connection_state()) {
            self.owner.on_event(LinkEvent::Transport(state));
        }
    }
}

fn channel(pc: &RtcPeerConnection, (label, id): (&str, u16)) -> RtcDataChannel {
    let init = RtcDataChannelInit::new();
    init.set_negotiated(true);
    init.set_id(id);
    let channel = pc.create_data_channel_with_data_channel_dict(label, &init);
    channel.set_binary_type(RtcDataChannelType::Arraybuffer);
    channel
}

fn data(event: JsValue) -> JsValue {
    event.unchecked_into::<MessageEvent>().data()
}

/// The failure of a call, as the core wants it.
fn failed(stage: Stage, error: &JsValue) -> LinkEvent {
    LinkEvent::Failed { stage, reason: crate::js::reason(error) }
}
