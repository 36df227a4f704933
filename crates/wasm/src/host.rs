//! What the SDK does for a node: storage, signatures, and the delivery of events.

use alloc::borrow::ToOwned;
use alloc::vec::Vec;

use js_sys::{Array, ArrayBuffer, Promise, Uint8Array};
use peerloom_core::Input;
use peerloom_core::event::{Event, RoomMessage};
use peerloom_core::io::{ConnId, Record, StoreError, StoreOp, StoreReply};
use peerloom_wire::{ChunkId, PeerId, RequestId};
use wasm_bindgen::prelude::*;

use crate::convert;
use crate::js::{self, Object, property};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** What the node asks of the SDK. The store's promises reject with `{code: "QUOTA" | "UNAVAILABLE" | "IO", message}`. */
export interface Host {
  /** Of a message to this peer alone: whether the application takes it. */
  event(kind: string, detail: object): boolean | void;
  /** An ECDSA signature with SHA-256 by the peer's key, 64 bytes; rejects if the key is gone. */
  sign(payload: Uint8Array): Promise<Uint8Array>;
  /** Whether `signature` was made over `payload` by the key (65 bytes); rejects if that is no key. */
  verify(key: Uint8Array, payload: Uint8Array, signature: Uint8Array): Promise<boolean>;
  /** Where server number `server` is now; rejects with a `message` if there is no such place. */
  serverAddress(server: number): Promise<string>;
  /** What is to go through a server, for whoever knows the application's name. */
  seal(plain: Uint8Array): Promise<Uint8Array>;
  /** The other way round; rejects if nobody of the application sealed it. */
  unseal(sealed: Uint8Array): Promise<Uint8Array>;
  /** The buffer of `body` may be transferred; the promise gives it, or a fresh one, back. */
  putChunk(hash: Uint8Array, body: Uint8Array): Promise<ArrayBuffer>;
  /** Rejects if the chunk is missing. */
  getChunk(hash: Uint8Array): Promise<Uint8Array>;
  /** Takes the buffer of a chunk that was read and sent. */
  recycle(buffer: ArrayBuffer): void;
  /** n × 32 bytes in, n bytes of 0 or 1 out. */
  hasChunks(hashes: Uint8Array): Promise<Uint8Array>;
  deleteChunks(hashes: Uint8Array): Promise<void>;
  retainChunks(hashes: Uint8Array): Promise<void>;
  loadRecords(): Promise<{ key: string; value: Uint8Array }[]>;
  applyRecords(puts: { key: string; value: Uint8Array }[], deletes: string[]): Promise<void>;
}
"#;

// All of them `catch`: an exception must not unwind through the pump.
#[wasm_bindgen]
extern "C" {
    /// The SDK's side of a node.
    #[derive(Clone, Debug)]
    #[wasm_bindgen(typescript_type = "Host")]
    pub type Host;
    #[wasm_bindgen(method, catch, js_name = event)]
    fn tell(this: &Host, kind: &str, detail: &JsValue) -> Result<JsValue, JsValue>;
    /// Signs as the peer; the promise gives 64 bytes.
    ///
    /// # Errors
    /// What the SDK threw instead of giving a promise.
    #[wasm_bindgen(method, catch)]
    pub fn sign(this: &Host, payload: &Uint8Array) -> Result<Promise, JsValue>;
    /// Checks a signature; the promise gives whether it holds.
    ///
    /// # Errors
    /// What the SDK threw instead of giving a promise.
    #[wasm_bindgen(method, catch)]
    pub fn verify(
        this: &Host,
        key: &Uint8Array,
        payload: &Uint8Array,
        signature: &Uint8Array,
    ) -> Result<Promise, JsValue>;
    /// Finds out where a server is; the promise gives its address.
    ///
    /// # Errors
    /// What the SDK threw instead of giving a promise.
    #[wasm_bindgen(method, catch, js_name = serverAddress)]
    pub fn server_address(this: &Host, server: u8) -> Result<Promise, JsValue>;
    /// Seals for those who know the application's name; the promise gives bytes.
    ///
    /// # Errors
    /// What the SDK threw instead of giving a promise.
    #[wasm_bindgen(method, catch)]
    pub fn seal(this: &Host, plain: &Uint8Array) -> Result<Promise, JsValue>;
    /// Opens what was sealed; the promise gives bytes.
    ///
    /// # Errors
    /// What the SDK threw instead of giving a promise.
    #[wasm_bindgen(method, catch)]
    pub fn unseal(this: &Host, sealed: &Uint8Array) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = putChunk)]
    fn put_chunk(this: &Host, hash: &Uint8Array, body: &Uint8Array) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = getChunk)]
    fn get_chunk(this: &Host, hash: &Uint8Array) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn recycle(this: &Host, buffer: &ArrayBuffer) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch, js_name = hasChunks)]
    fn has_chunks(this: &Host, hashes: &Uint8Array) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = deleteChunks)]
    fn delete_chunks(this: &Host, hashes: &Uint8Array) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = retainChunks)]
    fn retain_chunks(this: &Host, hashes: &Uint8Array) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = loadRecords)]
    fn load_records(this: &Host) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = applyRecords)]
    fn apply_records(this: &Host, puts: &Array, deletes: &Array) -> Result<Promise, JsValue>;
}

impl Host {
    /// Delivers an event. Returns what the node waits for, if it does.
    pub fn event(&self, event: &Event, buffered: impl Fn(&PeerId) -> u32) -> Option<Input> {
        let (kind, detail) = convert::event(event, buffered);
        // An exception of a listener is the application's; it must not unwind the pump.
        let told = self.tell(kind, &detail);
        let Event::Message(RoomMessage { letter: Some(letter), .. }) = *event else { return None };
        Some(Input::Taken { letter, is_taken: told.is_ok_and(|told| told.is_truthy()) })
    }

    /// Reads a chunk; the promise gives a `Uint8Array`.
    ///
    /// # Errors
    /// What the SDK threw instead of giving a promise.
    pub fn read_chunk(&self, chunk: &ChunkId) -> Result<Promise, JsValue> {
        self.get_chunk(&js::bytes(&chunk.0))
    }

    /// Gives the buffer of a chunk that was read back.
    pub fn recycle_chunk(&self, chunk: &Uint8Array) {
        // What the SDK does with it, or fails to, is no concern of the node.
        let _ = self.recycle(&chunk.buffer());
    }

    /// Begins a storage operation; `take_body` gives the body that it is to keep.
    ///
    /// # Errors
    /// If the SDK did not take it, or there is no such body.
    #[inline(never)]
    pub fn begin(
        &self,
        op: StoreOp,
        take_body: impl FnOnce(ConnId, RequestId) -> Option<Uint8Array>,
    ) -> Result<(Promise, Expected), StoreError> {
        let (called, expected) = match op {
            StoreOp::Load => (self.load_records(), Expected::Records),
            StoreOp::Apply { puts, deletes } => {
                let puts = puts.iter().map(record).collect::<Array>();
                let deletes = deletes.iter().map(|key| JsValue::from_str(key)).collect::<Array>();
                (self.apply_records(&puts, &deletes), Expected::Nothing)
            }
            StoreOp::KeepBody { conn, request, chunk } => {
                let Some(body) = take_body(conn, request) else {
                    return Err(StoreError::Io("the connection of the body is closed".to_owned()));
                };
                (self.put_chunk(&js::bytes(&chunk.0), &body), Expected::Buffer)
            }
            StoreOp::HasChunks { chunks } => {
                (self.has_chunks(&concatenated(&chunks)), Expected::Presence)
            }
            StoreOp::DeleteChunks { chunks } => {
                (self.delete_chunks(&concatenated(&chunks)), Expected::Nothing)
            }
            StoreOp::RetainChunks { chunks } => {
                (self.retain_chunks(&concatenated(&chunks)), Expected::Nothing)
            }
        };
        let promise = called.map_err(|error| store_error(&error))?;
        Ok((promise, expected))
    }
}

/// What the promise of a storage operation gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Nothing to be read.
    Nothing,
    /// The buffer of the body, or another in its place.
    Buffer,
    /// All records.
    Records,
    /// A byte of 0 or 1 for each chunk asked about.
    Presence,
}

impl Expected {
    /// Reads what the promise gave.
    #[inline(never)]
    #[must_use]
    pub fn reply(self, value: &JsValue) -> StoreReply {
        match self {
            Self::Nothing | Self::Buffer => StoreReply::Done,
            Self::Records => StoreReply::Records(
                Array::from(value).iter().filter_map(|record| stored_record(&record)).collect(),
            ),
            Self::Presence => {
                let present = Uint8Array::new(value).to_vec();
                StoreReply::Present(present.into_iter().map(|flag| flag != 0).collect())
            }
        }
    }
}

fn record(record: &Record) -> JsValue {
    Object::new().with("key", record.key.as_str()).with("value", js::bytes(&record.value)).into()
}

fn stored_record(value: &JsValue) -> Option<Record> {
    let key = property(value, "key").as_string()?;
    let value = property(value, "value").dyn_into::<Uint8Array>().ok()?;
    Some(Record { key, value: value.to_vec().into() })
}

fn concatenated(chunks: &[ChunkId]) -> Uint8Array {
    js::bytes(&chunks.iter().flat_map(|chunk| chunk.0).collect::<Vec<_>>())
}

/// Returns what a rejection of the store means.
#[must_use]
pub fn store_error(error: &JsValue) -> StoreError {
    match property(error, "code").as_string().as_deref() {
        Some("QUOTA") => StoreError::QuotaExceeded,
        Some("UNAVAILABLE") => StoreError::Unavailable,
        _ => StoreError::Io(js::reason(error)),
    }
}
