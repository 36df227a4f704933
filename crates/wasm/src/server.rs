//! The connection to a rendezvous server: a `WebSocket`, and the sealing of what goes through it.
//!
//! What arrives is a stranger's: it is decoded here, opened if somebody sealed it for us, and goes to
//! the core, which believes none of it.

use alloc::boxed::Box;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::fmt;

use bytes::Bytes;
use js_sys::{ArrayBuffer, Promise, Uint8Array};
use peerloom_core::event::ServerFault;
use peerloom_core::io::{ServerEvent, ServerId};
use peerloom_wire::rendezvous::{
    CLOSE_CODE_BASE, ClientMessage, MESSAGE_BYTES_MAX, SUBPROTOCOL, ServerMessage,
};
use wasm_bindgen::prelude::*;
use web_sys::{BinaryType, CloseEvent, MessageEvent, WebSocket};

use crate::host::Host;
use crate::js::{self, property};
use crate::listener::Listener;

/// The most messages being opened; further ones are dropped. The core takes 128 at once.
const OPENING_MAX: u32 = 128;

/// The most bytes that wait in the browser to be sent; what is said beyond it gets lost, as on any
/// path. As much as the core's allowance for a few seconds.
const BUFFERED_BYTES_MAX: u32 = 1 << 20;

/// The connection to one server, being made or up. Closes on drop.
pub struct Server {
    host: Host,
    on_event: Box<dyn Fn(ServerEvent)>,
    socket: RefCell<Option<Socket>>,
    is_up: Cell<bool>,
    opening: Cell<u32>,
}

struct Socket {
    socket: WebSocket,
    _listeners: [Listener; 3],
}

impl Server {
    /// Finds out the address and connects; `on_event` gets what comes of it.
    #[inline(never)]
    pub fn open(id: ServerId, host: &Host, on_event: impl Fn(ServerEvent) + 'static) -> Rc<Self> {
        let server = Rc::new(Self {
            host: host.clone(),
            on_event: Box::new(on_event),
            socket: RefCell::default(),
            is_up: Cell::new(false),
            opening: Cell::new(0),
        });
        let promise = host.server_address(id.0).unwrap_or_else(|error| Promise::reject(&error));
        let owner = Rc::downgrade(&server);
        js::settled(&promise, move |address| {
            let Some(server) = Weak::upgrade(&owner) else { return };
            match address {
                Ok(address) => server.connect(&address.as_string().unwrap_or_default()),
                Err(error) => server.closed(ServerFault::BadAddress, property(&error, "message")),
            }
        });
        server
    }

    /// Sends a message. What is for other peers in it is sealed first.
    #[inline(never)]
    pub fn say(self: &Rc<Self>, message: ClientMessage) {
        let plain = match &message {
            ClientMessage::Meet { announcement: plain, .. }
            | ClientMessage::Envelope { bytes: plain, .. } => plain,
            ClientMessage::Register { .. } | ClientMessage::Ping { .. } => {
                return self.send(&message);
            }
        };
        let Ok(promise) = self.host.seal(&js::bytes(plain)) else { return };
        let owner = Rc::downgrade(self);
        js::settled(&promise, move |sealed| {
            let (Some(server), Some(bytes)) = (Weak::upgrade(&owner), taken(sealed)) else {
                return;
            };
            let mut message = message;
            if let ClientMessage::Meet { announcement: sealed, .. }
            | ClientMessage::Envelope { bytes: sealed, .. } = &mut message
            {
                *sealed = bytes;
            }
            server.send(&message);
        });
    }

    fn send(&self, message: &ClientMessage) {
        let socket = self.socket.borrow().as_ref().map(|open| open.socket.clone());
        if let (Some(socket), Ok(bytes)) = (socket, message.encode())
            && socket.buffered_amount() <= BUFFERED_BYTES_MAX
        {
            // Throws only while it is being made.
            let _ = socket.send_with_u8_array(&bytes);
        }
    }

    fn connect(self: &Rc<Self>, address: &str) {
        let socket = match WebSocket::new_with_str(address, SUBPROTOCOL) {
            Ok(socket) => socket,
            Err(error) => {
                let is_syntax =
                    property(&error, "name").as_string().as_deref() == Some("SyntaxError");
                let fault = if is_syntax { ServerFault::BadAddress } else { ServerFault::Blocked };
                return self.closed(fault, property(&error, "message"));
            }
        };
        socket.set_binary_type(BinaryType::Arraybuffer);
        let listen = |kind, act: fn(&Rc<Self>, JsValue)| {
            let owner = Rc::downgrade(self);
            Listener::new(&socket, kind, move |event| {
                if let Some(server) = Weak::upgrade(&owner) {
                    act(&server, event);
                }
            })
        };
        let listeners = [
            listen("open", |server, _| server.opened()),
            listen("message", |server, event| {
                server.received(&event.unchecked_into::<MessageEvent>().data());
            }),
            listen("close", |server, event| server.ended(event.unchecked_ref())),
        ];
        self.socket.replace(Some(Socket { socket, _listeners: listeners }));
    }

    fn opened(&self) {
        self.is_up.set(true);
        let address = self.socket.borrow().as_ref().map(|open| open.socket.url());
        let host = host_of(&address.unwrap_or_default()).into();
        (self.on_event)(ServerEvent::Opened { host });
    }

    #[inline(never)]
    fn received(self: &Rc<Self>, data: &JsValue) {
        let bytes = data.dyn_ref::<ArrayBuffer>().map(|data| Uint8Array::new(data));
        let bytes = bytes.filter(|bytes| bytes.length() as usize <= MESSAGE_BYTES_MAX);
        let message = bytes.map(|bytes| ServerMessage::decode(&bytes.to_vec()));
        let Some(Ok(message)) = message else { return (self.on_event)(ServerEvent::Garbled) };
        match &message {
            ServerMessage::Introduced { announcement: sealed, .. }
            | ServerMessage::Envelope { bytes: sealed, .. } => {
                let sealed = js::bytes(sealed);
                self.unseal(&sealed, message);
            }
            _ => (self.on_event)(ServerEvent::Said(message)),
        }
    }

    fn unseal(self: &Rc<Self>, sealed: &Uint8Array, message: ServerMessage) {
        let opening = self.opening.get();
        if opening >= OPENING_MAX {
            return;
        }
        let Ok(promise) = self.host.unseal(sealed) else { return };
        self.opening.set(opening + 1);
        let owner = Rc::downgrade(self);
        js::settled(&promise, move |opened| {
            let Some(server) = Weak::upgrade(&owner) else { return };
            server.opening.set(server.opening.get().saturating_sub(1));
            let mut message = message;
            if let ServerMessage::Introduced { announcement: plain, .. }
            | ServerMessage::Envelope { bytes: plain, .. } = &mut message
            {
                *plain = taken(opened).unwrap_or_default();
            }
            (server.on_event)(ServerEvent::Said(message));
        });
    }

    fn ended(&self, event: &CloseEvent) {
        let reason = event.code().checked_sub(CLOSE_CODE_BASE);
        let fault = match reason.and_then(|reason| u8::try_from(reason).ok()) {
            Some(reason) => ServerFault::Refused(reason),
            None if self.is_up.get() => ServerFault::Lost,
            None => ServerFault::Unreachable,
        };
        self.closed(fault, JsValue::UNDEFINED);
    }

    fn closed(&self, fault: ServerFault, detail: JsValue) {
        let detail = detail.as_string().unwrap_or_default();
        (self.on_event)(ServerEvent::Closed { fault, detail });
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = self.socket.close();
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Server(..)")
    }
}

fn taken(bytes: Result<JsValue, JsValue>) -> Option<Bytes> {
    let bytes = bytes.and_then(|bytes| bytes.dyn_into::<Uint8Array>()).ok()?;
    Some(Vec::into(bytes.to_vec()))
}

/// Returns host and port of an address, as the browser has written it anew: what it dialled.
fn host_of(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}
