//! Two connections in one page, and what is needed to wait for their events.

#![allow(dead_code, unreachable_pub)] // Each test file uses its part.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use js_sys::futures::JsFuture;
use js_sys::{Function, Promise, Uint8Array};
use peerloom::{Connection, Owner, Pool};
use peerloom_core::io::{BodySource, LinkCommand, LinkEvent};
use peerloom_wire::{ChunkId, RequestId};
use wasm_bindgen::prelude::*;
use web_sys::RtcConfiguration;

/// One end: its connection, and what it reported and nobody has looked at yet.
pub struct End {
    pub connection: Connection,
    pub owner: Rc<TestOwner>,
}

#[derive(Default)]
pub struct TestOwner {
    events: RefCell<Vec<LinkEvent>>,
    waiting: RefCell<Option<Function>>,
    chunks: RefCell<BTreeMap<ChunkId, Vec<u8>>>,
    /// Bytes in front of the chunk that was lent last.
    lent_room: Cell<u32>,
    pub recycled: Cell<u32>,
}

impl Owner for TestOwner {
    fn on_event(&self, event: LinkEvent) {
        self.events.borrow_mut().push(event);
        let waiting = self.waiting.borrow_mut().take();
        if let Some(resolve) = waiting {
            resolve.call0(&JsValue::NULL).unwrap();
        }
    }

    fn read_chunk(&self, chunk: &ChunkId) -> Result<Promise, JsValue> {
        Ok(match self.chunks.borrow().get(chunk) {
            Some(bytes) => Promise::resolve(&self.lent(bytes)),
            None => Promise::reject(&"missing".into()),
        })
    }

    fn recycle(&self, _chunk: &Uint8Array) {
        self.recycled.set(self.recycled.get() + 1);
    }
}

impl TestOwner {
    /// Bytes with room for a header in front of them or, every second time, without.
    fn lent(&self, bytes: &[u8]) -> JsValue {
        let room = self.lent_room.get();
        self.lent_room.set(12 - room);
        let buffer = Uint8Array::new_with_length(room + u32::try_from(bytes.len()).unwrap());
        let body = buffer.subarray(room, buffer.length());
        body.copy_from(bytes);
        body.into()
    }

    /// Waits for the next event that `wanted` takes; forgets those before it.
    pub async fn next<T>(&self, wanted: impl Fn(&LinkEvent) -> Option<T>) -> T {
        loop {
            while let Some(event) = self.take() {
                if let Some(found) = wanted(&event) {
                    return found;
                }
            }
            let promise = Promise::new(&mut |resolve, _| {
                self.waiting.replace(Some(resolve));
            });
            JsFuture::from(promise).await.unwrap();
        }
    }

    fn take(&self) -> Option<LinkEvent> {
        let mut events = self.events.borrow_mut();
        if events.is_empty() { None } else { Some(events.remove(0)) }
    }

    /// Stores a chunk under its hash.
    pub fn store(&self, bytes: &[u8]) -> ChunkId {
        let id = ChunkId(peerloom_crypto::sha256(bytes));
        self.chunks.borrow_mut().insert(id, bytes.to_vec());
        id
    }
}

impl End {
    pub fn new() -> Self {
        let owner = Rc::<TestOwner>::default();
        let pool = Rc::<Pool>::default();
        let as_owner = Rc::clone(&owner) as Rc<dyn Owner>;
        let connection = Connection::new(&RtcConfiguration::new(), as_owner, pool).unwrap();
        Self { connection, owner }
    }

    pub fn serve(&self, request: u32, body: BodySource) {
        self.connection.execute(LinkCommand::ServeBody { request: RequestId(request), body });
    }

    pub fn expect(&self, request: u32, bytes: u32, inline: bool) {
        let request = RequestId(request);
        self.connection.execute(LinkCommand::ExpectBody { request, bytes, inline });
    }

    pub fn send(&self, frame: &'static [u8]) {
        self.connection.execute(LinkCommand::Send { frame: frame.into() });
    }
}

/// Makes two connections and lets them meet.
pub async fn pair() -> (End, End) {
    let (a, b) = (End::new(), End::new());
    a.connection.execute(LinkCommand::CreateOffer { restart: false });
    negotiate(&a, &b, 2).await;
    (a, b)
}

/// Carries descriptions and candidates until both together reported `opened` times that they are
/// open.
pub async fn negotiate(a: &End, b: &End, opened: u32) {
    let mut left = opened;
    while left > 0 {
        for (from, to) in [(a, b), (b, a)] {
            let events = from.owner.events.take();
            for event in events {
                match event {
                    LinkEvent::OfferReady { sdp } => {
                        to.connection.execute(LinkCommand::AcceptOffer { sdp, candidates: vec![] });
                    }
                    LinkEvent::AnswerReady { sdp } => {
                        to.connection
                            .execute(LinkCommand::AcceptAnswer { sdp, candidates: vec![] });
                    }
                    LinkEvent::CandidateReady { candidate } => {
                        to.connection
                            .execute(LinkCommand::AddCandidates { candidates: vec![candidate] });
                    }
                    LinkEvent::Opened => left -= 1,
                    LinkEvent::Failed { reason, .. } => panic!("{reason}"),
                    _ => {}
                }
            }
        }
        turn().await;
    }
}

/// Lets the browser run its other tasks once.
pub async fn turn() {
    let promise = Promise::new(&mut |resolve, _| set_timeout(&resolve, 0));
    JsFuture::from(promise).await.unwrap();
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &Function, millis: i32);
}

/// Returns bytes that differ from place to place.
pub fn pattern(bytes: usize) -> Vec<u8> {
    (0..=250).cycle().take(bytes).collect()
}
