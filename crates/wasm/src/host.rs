//! What the SDK does for the node: storage, signatures, and the delivery of events.

use std::rc::Rc;

use js_sys::{Array, ArrayBuffer, Promise, Uint8Array};
use peerloom_core::io::{Input, ProofId, Record, StoreError, StoreId, StoreOp, StoreReply};
use peerloom_crypto::{Claim, Signature};
use peerloom_wire::ChunkId;
use wasm_bindgen::prelude::*;

use crate::driver::Driver;
use crate::js::{self, Object, property, settled};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** What the node asks of the SDK. The store's promises reject with `{code: "QUOTA" | "UNAVAILABLE" | "IO", message}`. */
export interface Host {
  event(kind: string, detail: object): void;
  /** An ECDSA signature with SHA-256 by the peer's key, 64 bytes; rejects if the key is gone. */
  sign(payload: Uint8Array): Promise<Uint8Array>;
  /** Whether `signature` was made over `payload` by the key (65 bytes); rejects if that is no key. */
  verify(key: Uint8Array, payload: Uint8Array, signature: Uint8Array): Promise<boolean>;
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
    #[wasm_bindgen(typescript_type = "Host")]
    pub type Host;
    #[wasm_bindgen(method, catch)]
    pub(crate) fn event(this: &Host, kind: &str, detail: &JsValue) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn sign(this: &Host, payload: &Uint8Array) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn verify(
        this: &Host,
        key: &Uint8Array,
        payload: &Uint8Array,
        signature: &Uint8Array,
    ) -> Result<Promise, JsValue>;
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
    /// Reads a chunk; the promise gives a `Uint8Array`.
    pub(crate) fn read_chunk(&self, chunk: &ChunkId) -> Result<Promise, JsValue> {
        self.get_chunk(&js::bytes(&chunk.0))
    }

    /// Gives the buffer of a chunk that was read back.
    pub(crate) fn recycle_chunk(&self, chunk: &Uint8Array) {
        // What the SDK does with it, or fails to, is no concern of the node.
        let _ = self.recycle(&chunk.buffer());
    }
}

impl Driver {
    /// Begins a signature; it comes back as [`Input::Signed`].
    #[inline(never)]
    pub(crate) fn sign(self: &Rc<Self>, id: ProofId, payload: &[u8]) {
        let begun = self.host().sign(&js::bytes(payload));
        self.answer(begun, move |_, value| {
            let signature = value.and_then(|value| value.dyn_into::<Uint8Array>());
            let signature = signature.ok().and_then(|bytes| bytes.to_vec().try_into().ok());
            Input::Signed { id, signature: signature.map(Signature) }
        });
    }

    /// Begins the check of a signature; its end comes back as [`Input::Verified`].
    #[inline(never)]
    pub(crate) fn verify(self: &Rc<Self>, id: ProofId, claim: &Claim) {
        let Claim { key, payload, signature } = claim;
        let (key, payload) = (js::bytes(&key.0), js::bytes(payload));
        let begun = self.host().verify(&key, &payload, &js::bytes(&signature.0));
        self.answer(begun, move |_, value| {
            // What is no key signed nothing.
            let holds = value.is_ok_and(|value| value.as_bool() == Some(true));
            Input::Verified { id, holds }
        });
    }

    /// Tells the node how a question to the host ended, also one that it would not take.
    fn answer(
        self: &Rc<Self>,
        begun: Result<Promise, JsValue>,
        input: impl FnOnce(&Self, Result<JsValue, JsValue>) -> Input + 'static,
    ) {
        let promise = match begun {
            Ok(promise) => promise,
            Err(error) => return self.submit(input(self, Err(error))),
        };
        let driver = Rc::downgrade(self);
        settled(&promise, move |settled| {
            if let Some(driver) = driver.upgrade() {
                driver.submit(input(&driver, settled));
            }
        });
    }

    /// Begins a storage operation; its end comes back as [`Input::Stored`].
    #[inline(never)]
    pub(crate) fn store(self: &Rc<Self>, id: StoreId, op: StoreOp) {
        let (begun, expected) = self.begin(op);
        let promise = match begun {
            Ok(promise) => promise,
            Err(error) => return self.submit(Input::Stored { id, result: Err(error) }),
        };
        self.answer(Ok(promise), move |driver, settled| {
            let result = settled
                .map(|value| driver.reply(&expected, value))
                .map_err(|error| store_error(&error));
            Input::Stored { id, result }
        });
    }

    #[inline(never)]
    fn begin(&self, op: StoreOp) -> (Result<Promise, StoreError>, Expected) {
        let host = self.host();
        let (called, expected) = match op {
            StoreOp::Load => (host.load_records(), Expected::Records),
            StoreOp::Apply { puts, deletes } => {
                let puts = puts.iter().map(record).collect::<Array>();
                let deletes = deletes.iter().map(|key| JsValue::from_str(key)).collect::<Array>();
                (host.apply_records(&puts, &deletes), Expected::Nothing)
            }
            StoreOp::KeepBody { conn, request, chunk } => {
                let Some(body) = self.take_body(conn, request) else {
                    let gone = StoreError::Io("the connection of the body is closed".to_owned());
                    return (Err(gone), Expected::Nothing);
                };
                (host.put_chunk(&js::bytes(&chunk.0), &body.give_away()), Expected::Buffer)
            }
            StoreOp::HasChunks { chunks } => {
                (host.has_chunks(&concatenated(&chunks)), Expected::Presence)
            }
            StoreOp::DeleteChunks { chunks } => {
                (host.delete_chunks(&concatenated(&chunks)), Expected::Nothing)
            }
            StoreOp::RetainChunks { chunks } => {
                (host.retain_chunks(&concatenated(&chunks)), Expected::Nothing)
            }
        };
        (called.map_err(|error| store_error(&error)), expected)
    }

    #[inline(never)]
    fn reply(&self, expected: &Expected, value: JsValue) -> StoreReply {
        match expected {
            Expected::Nothing => StoreReply::Done,
            Expected::Buffer => {
                self.pool().give_back(value);
                StoreReply::Done
            }
            Expected::Records => StoreReply::Records(
                Array::from(&value).iter().filter_map(|record| stored_record(&record)).collect(),
            ),
            Expected::Presence => {
                let present = Uint8Array::new(&value).to_vec();
                StoreReply::Present(present.into_iter().map(|flag| flag != 0).collect())
            }
        }
    }
}

/// What the promise of an operation gives.
enum Expected {
    Nothing,
    Buffer,
    Records,
    Presence,
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

fn store_error(error: &JsValue) -> StoreError {
    match property(error, "code").as_string().as_deref() {
        Some("QUOTA") => StoreError::QuotaExceeded,
        Some("UNAVAILABLE") => StoreError::Unavailable,
        _ => StoreError::Io(js::reason(error)),
    }
}
