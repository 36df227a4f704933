//! The connection to a rendezvous server, over a `WebSocket` that does what the test says.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use std::cell::RefCell;
use std::rc::Rc;

use common::turn;
use js_sys::{Array, Function, Reflect, Uint8Array};
use peerloom::{Host, Server};
use peerloom_core::event::ServerFault;
use peerloom_core::io::{ServerEvent, ServerId};
use peerloom_wire::rendezvous::{ClientMessage, MESSAGE_BYTES_MAX, ServerMessage};
use peerloom_wire::{PeerId, Tag};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

/// The browser's own is put back with the next page. `play(kind, fields)` makes the newest socket tell something.
/// The host seals by a mark in front; what has none it can't open. With `stuck` it never answers.
const STAGE: &str = r#"(() => {
    const stage = { sockets: [], address: "wss://meet.example:8443/v1/signal", stuck: false, opened: 0, refusal: "" };
    globalThis.WebSocket = class extends EventTarget {
        constructor(url, protocol) {
            super();
            if (stage.refusal !== "") throw new DOMException("no", stage.refusal);
            Object.assign(this, { url, protocol, sent: [], isClosed: false, bufferedAmount: 0 });
            stage.sockets.push(this);
        }
        send(bytes) { this.sent.push(bytes.slice()); }
        close() { this.isClosed = true; }
    };
    stage.play = (kind, fields) => {
        const event = Object.assign(new Event(kind), {});
        for (const [name, value] of Object.entries(fields ?? {})) Object.defineProperty(event, name, { value });
        stage.sockets.at(-1).dispatchEvent(event);
    };
    stage.hear = (bytes) => stage.play("message", { data: bytes.slice().buffer });
    stage.host = {
        async serverAddress(server) {
            if (stage.address === "") throw { message: `server ${server} is nowhere` };
            return stage.address;
        },
        async seal(plain) { return Uint8Array.from([0xee, ...plain]); },
        unseal(sealed) {
            stage.opened += 1;
            if (stage.stuck) return new Promise(() => {});
            if (sealed[0] !== 0xee) return Promise.reject(new Error("not ours"));
            return Promise.resolve(sealed.slice(1));
        },
    };
    return stage;
})()"#;

struct Stage {
    stage: JsValue,
    events: Rc<RefCell<Vec<ServerEvent>>>,
}

impl Stage {
    fn new() -> Self {
        Self { stage: js_sys::eval(STAGE).unwrap(), events: Rc::default() }
    }

    fn set(&self, key: &str, value: impl Into<JsValue>) {
        Reflect::set(&self.stage, &key.into(), &value.into()).unwrap();
    }

    fn get(&self, key: &str) -> JsValue {
        Reflect::get(&self.stage, &key.into()).unwrap()
    }

    fn open(&self) -> Rc<Server> {
        let events = Rc::clone(&self.events);
        let host = self.get("host").unchecked_into::<Host>();
        Server::open(ServerId(0), &host, move |event| events.borrow_mut().push(event))
    }

    /// Opened, and the browser says so.
    async fn opened(&self) -> Rc<Server> {
        let server = self.open();
        while Array::from(&self.get("sockets")).length() == 0 {
            turn().await;
        }
        self.play("open", JsValue::UNDEFINED);
        server
    }

    fn play(&self, kind: &str, fields: JsValue) {
        let play = self.get("play").unchecked_into::<Function>();
        play.call2(&JsValue::NULL, &kind.into(), &fields).unwrap();
    }

    fn hear(&self, bytes: &[u8]) {
        let hear = self.get("hear").unchecked_into::<Function>();
        hear.call1(&JsValue::NULL, &Uint8Array::from(bytes)).unwrap();
    }

    fn close(&self, code: u16) {
        let fields = js_sys::Object::new();
        Reflect::set(&fields, &"code".into(), &code.into()).unwrap();
        self.play("close", fields.into());
    }

    fn socket(&self) -> JsValue {
        let sockets = Array::from(&self.get("sockets"));
        sockets.get(sockets.length() - 1)
    }

    fn sent(&self) -> Vec<ClientMessage> {
        let sent = Reflect::get(&self.socket(), &"sent".into()).unwrap();
        let sent = Array::from(&sent).into_iter();
        sent.map(|bytes| ClientMessage::decode(&Uint8Array::new(&bytes).to_vec()).unwrap())
            .collect()
    }

    async fn next(&self) -> ServerEvent {
        while self.events.borrow().is_empty() {
            turn().await;
        }
        self.events.borrow_mut().remove(0)
    }
}

fn closed(fault: ServerFault) -> ServerEvent {
    ServerEvent::Closed { fault, detail: String::new() }
}

fn envelope(bytes: &'static [u8]) -> ServerMessage {
    ServerMessage::Envelope { from: PeerId([2; 32]), bytes: bytes.into() }
}

#[wasm_bindgen_test]
async fn what_is_for_the_server_goes_as_it_is_and_what_is_for_peers_is_sealed() {
    let stage = Stage::new();
    let server = stage.opened().await;
    assert_eq!(stage.next().await, ServerEvent::Opened { host: "meet.example:8443".into() });
    let ping = ClientMessage::Ping { number: 7 };
    server.say(ping.clone());
    let meet = |announcement: &'static [u8]| ClientMessage::Meet {
        tags: vec![Tag([1; 32])],
        announcement: announcement.into(),
        connected: 0,
    };
    server.say(meet(b"hello"));
    let to = PeerId([2; 32]);
    server.say(ClientMessage::Envelope { to, bytes: b"offer"[..].into() });
    while stage.sent().len() < 3 {
        turn().await;
    }
    let sealed = ClientMessage::Envelope { to, bytes: b"\xeeoffer"[..].into() };
    assert_eq!(stage.sent(), [ping, meet(b"\xeehello"), sealed]);
}

#[wasm_bindgen_test]
async fn what_a_server_brings_is_opened_and_what_it_garbles_is_told() {
    let stage = Stage::new();
    let _server = stage.opened().await;
    stage.next().await;
    stage.hear(&envelope(b"\xeeanswer").encode().unwrap());
    assert_eq!(stage.next().await, ServerEvent::Said(envelope(b"answer")));
    stage.hear(&envelope(b"of strangers").encode().unwrap());
    assert_eq!(stage.next().await, ServerEvent::Said(envelope(b"")));
    stage.hear(&ServerMessage::Pong { number: 1 }.encode().unwrap());
    assert_eq!(stage.next().await, ServerEvent::Said(ServerMessage::Pong { number: 1 }));
    for garbled in [vec![], vec![99], vec![3; MESSAGE_BYTES_MAX + 1]] {
        stage.hear(&garbled);
        assert_eq!(stage.next().await, ServerEvent::Garbled);
    }
    let fields = js_sys::Object::new();
    Reflect::set(&fields, &"data".into(), &"text".into()).unwrap();
    stage.play("message", fields.into());
    assert_eq!(stage.next().await, ServerEvent::Garbled);
}

#[wasm_bindgen_test]
async fn a_server_that_floods_is_not_opened_without_end() {
    let stage = Stage::new();
    let _server = stage.opened().await;
    stage.set("stuck", true);
    let bytes = envelope(b"\xeeanswer").encode().unwrap();
    for _ in 0..1_000 {
        stage.hear(&bytes);
    }
    assert_eq!(stage.get("opened").as_f64(), Some(128.0));
}

#[wasm_bindgen_test]
async fn each_end_has_its_cause() {
    for (was_up, code, fault) in [
        (false, 1006, ServerFault::Unreachable),
        (true, 1006, ServerFault::Lost),
        (true, 4013, ServerFault::Refused(13)),
        (true, 4999, ServerFault::Lost),
    ] {
        let stage = Stage::new();
        let _server = if was_up { stage.opened().await } else { stage.open() };
        while Array::from(&stage.get("sockets")).length() == 0 {
            turn().await;
        }
        if was_up {
            stage.next().await;
        }
        stage.close(code);
        assert_eq!(stage.next().await, closed(fault), "{code}");
    }
}

#[wasm_bindgen_test]
async fn a_server_without_an_address_or_that_the_browser_forbids_is_told_at_once() {
    let stage = Stage::new();
    stage.set("address", "");
    let _server = stage.open();
    let ServerEvent::Closed { fault, detail } = stage.next().await else { panic!("not closed") };
    assert_eq!((fault, &*detail), (ServerFault::BadAddress, "server 0 is nowhere"));
    for (name, fault) in
        [("SyntaxError", ServerFault::BadAddress), ("SecurityError", ServerFault::Blocked)]
    {
        let stage = Stage::new();
        stage.set("refusal", name);
        let _server = stage.open();
        let ServerEvent::Closed { fault: found, .. } = stage.next().await else { panic!() };
        assert_eq!(found, fault);
    }
}

#[wasm_bindgen_test]
async fn a_connection_that_is_let_go_is_closed_and_heard_no_more() {
    let stage = Stage::new();
    let server = stage.opened().await;
    stage.next().await;
    stage.hear(&envelope(b"\xeelate").encode().unwrap());
    drop(server);
    let is_closed = Reflect::get(&stage.socket(), &"isClosed".into()).unwrap();
    assert_eq!(is_closed.as_bool(), Some(true));
    stage.close(1006);
    turn().await;
    turn().await;
    assert_eq!(*stage.events.borrow(), []);
    assert_eq!(peerloom::counts().closures, 0);
}
