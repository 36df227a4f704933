//! Two whole nodes in one page, over a store in memory: what the SDK sees.

#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{pattern, turn};
use js_sys::futures::JsFuture;
use js_sys::{Array, Promise, Reflect, Uint8Array};
use peerloom::{Draft, Host, NodeHandle, NodeOptions};
use peerloom_crypto::sha256;
use peerloom_wire::CHUNK_BYTES;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

/// A host with a key of WebCrypto, whose store is two maps. It transfers chunks as the worker's
/// client does, and remembers the events. `full` makes it refuse chunks, `mute` makes it
/// refuse to sign, `forge` sign with another key; `takes` is what it says of events: `"throw"` makes it throw.
const HOST: &str = r#"(async () => {
    const ecdsa = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
    const pair = await crypto.subtle.generateKey(ecdsa, false, ["sign", "verify"]);
    const publicKey = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
    const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    const split = (hashes) =>
        Array.from({ length: hashes.length / 32 }, (_, i) => hex(hashes.subarray(i * 32, i * 32 + 32)));
    const chunks = new Map();
    const records = new Map();
    return {
        chunks, records, publicKey, events: [], full: false, mute: false, forge: false,
        async sign(payload) {
            if (this.mute) throw new Error("the key is gone");
            const signer = this.forge ? await crypto.subtle.generateKey(ecdsa, false, ["sign"]) : pair;
            return new Uint8Array(await crypto.subtle.sign(ecdsa, signer.privateKey, payload));
        },
        async verify(key, payload, signature) {
            const imported = await crypto.subtle.importKey("raw", key, ecdsa, false, ["verify"]);
            return crypto.subtle.verify(ecdsa, imported, signature, payload);
        },
        takes: true,
        event(kind, detail) {
            this.events.push([kind, detail]);
            if (this.takes === "throw") throw new Error("a listener's");
            return this.takes;
        },
        async putChunk(hash, body) {
            if (this.full) throw { code: "QUOTA", message: "full" };
            const own = structuredClone(body, { transfer: [body.buffer] });
            chunks.set(hex(hash), own.slice());
            return own.buffer;
        },
        async getChunk(hash) {
            const chunk = chunks.get(hex(hash));
            if (!chunk) throw { code: "IO", message: "missing" };
            return chunk.slice();
        },
        recycle() {},
        async hasChunks(hashes) { return Uint8Array.from(split(hashes), (id) => Number(chunks.has(id))); },
        async deleteChunks(hashes) { for (const id of split(hashes)) chunks.delete(id); },
        async retainChunks() {},
        async loadRecords() { return Array.from(records, ([key, value]) => ({ key, value })); },
        async applyRecords(puts, deletes) {
            for (const { key, value } of puts) records.set(key, value);
            for (const key of deletes) records.delete(key);
        },
    };
})()"#;

struct Node {
    handle: NodeHandle,
    host: JsValue,
}

impl Node {
    async fn new(name: &str, number: u8) -> Self {
        let options = js_sys::Object::new();
        let set = |key: &str, value: JsValue| Reflect::set(&options, &key.into(), &value).unwrap();
        set("app", name.into());
        set("channels", Array::of1(&name.into()).into());
        set("seed", Uint8Array::from([number; 32].as_slice()).into());
        set("rtc", js_sys::Object::new().into());
        let host = new_host().await;
        let handle = NodeHandle::new(
            &get(&host, "publicKey").unchecked_into::<Uint8Array>().to_vec(),
            options.unchecked_ref::<NodeOptions>(),
            host.clone().unchecked_into::<Host>(),
        );
        Self { handle: handle.unwrap(), host }
    }

    fn kinds(&self) -> Vec<String> {
        let events = get(&self.host, "events");
        Array::from(&events).iter().map(|event| text(&Array::from(&event).get(0))).collect()
    }

    /// Stores chunks as the SDK does, and offers them.
    async fn add(&self, body: &[u8]) -> String {
        let mut hashes = Vec::new();
        for chunk in body.chunks(CHUNK_BYTES as usize) {
            let hash = sha256(chunk);
            hashes.extend_from_slice(&hash);
            let id: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
            let chunks = get(&self.host, "chunks").unchecked_into::<js_sys::Map>();
            chunks.set(&id.into(), &Uint8Array::from(chunk));
        }
        let draft = js_sys::Object::new();
        let set = |key: &str, value: JsValue| Reflect::set(&draft, &key.into(), &value).unwrap();
        set("name", "a file".into());
        set("mime", "text/plain".into());
        set("bytes", u32::try_from(body.len()).unwrap().into());
        set("chunks", Uint8Array::from(hashes.as_slice()).into());
        set("key", JsValue::NULL);
        text(&settle(self.handle.add(draft.unchecked_ref::<Draft>())).await.unwrap())
    }
}

async fn new_host() -> JsValue {
    settle(js_sys::eval(HOST).unwrap().unchecked_into::<Promise>()).await.unwrap()
}

fn get(value: &JsValue, key: &str) -> JsValue {
    Reflect::get(value, &key.into()).unwrap()
}

fn text(value: &JsValue) -> String {
    value.as_string().unwrap()
}

async fn settle(promise: Promise) -> Result<JsValue, JsValue> {
    JsFuture::from(promise).await
}

async fn code(promise: Promise) -> String {
    text(&get(&settle(promise).await.unwrap_err(), "code"))
}

async fn until(mut holds: impl FnMut() -> bool) {
    while !holds() {
        turn().await;
    }
}

async fn connected(name: &str) -> (Node, Node) {
    let (a, b) = (Node::new(name, 1).await, Node::new(name, 2).await);
    settle(a.handle.start()).await.unwrap();
    settle(b.handle.start()).await.unwrap();
    until(|| [&a, &b].iter().all(|node| node.kinds().iter().any(|kind| kind == "peerConnected")))
        .await;
    (a, b)
}

#[wasm_bindgen_test]
async fn a_content_goes_from_node_to_node_and_nothing_stays_behind() {
    let before = peerloom::counts();
    let (a, b) = connected("node-test-content").await;
    for length in [0, 1, CHUNK_BYTES as usize, 300_000] {
        let content = a.add(&pattern(length)).await;
        until(|| b.handle.content(&content).is_object()).await;
        settle(b.handle.get(&content, None)).await.unwrap();
        let info = b.handle.content(&content);
        assert_eq!(text(&get(&info, "local")), "complete");
        assert_eq!(get(&info, "bytes"), f64::from(u32::try_from(length).unwrap()));
        let layout = b.handle.layout(&content);
        let hashes = get(&layout, "chunks").unchecked_into::<Uint8Array>();
        assert_eq!(hashes.length() as usize, length.div_ceil(CHUNK_BYTES as usize) * 32);
    }
    let stored = |node: &Node| get(&node.host, "chunks").unchecked_into::<js_sys::Map>().size();
    // The first chunk of the last content is that of the one before.
    assert_eq!((stored(&a), stored(&b)), (3, 3));
    assert_eq!(get(&a.handle.status(), "peersConnected"), 1);
    assert_eq!(get(&b.handle.stats(), "node.bugs"), 0);
    drop((a, b));
    assert_eq!(peerloom::counts(), before);
}

#[wasm_bindgen_test]
async fn who_leaves_says_goodbye_at_once() {
    let (a, b) = connected("node-test-goodbye").await;
    a.handle.lifecycle("leaving");
    a.handle.close();
    until(|| b.kinds().iter().any(|kind| kind == "peerDisconnected")).await;
    let events = Array::from(&get(&b.host, "events"));
    let gone = events.iter().map(|event| Array::from(&event));
    let gone = gone.into_iter().find(|event| event.get(0) == "peerDisconnected").unwrap();
    assert_eq!(text(&get(&gone.get(1), "cause")), "goodbye");
}

#[wasm_bindgen_test]
async fn a_full_store_is_a_quota_error() {
    let (a, b) = connected("node-test-quota").await;
    let content = a.add(&pattern(1000)).await;
    Reflect::set(&b.host, &"full".into(), &true.into()).unwrap();
    until(|| b.handle.content(&content).is_object()).await;
    assert_eq!(code(b.handle.get(&content, None)).await, "QUOTA");
}

#[wasm_bindgen_test]
async fn errors_have_codes_and_a_closed_node_rejects_what_waits() {
    let node = Node::new("node-test-errors", 7).await;
    assert_eq!(code(node.handle.connect("nobody")).await, "BAD_INPUT");
    assert_eq!(code(node.handle.connect(&"ef".repeat(32))).await, "CLOSED");
    settle(node.handle.start()).await.unwrap();
    assert_eq!(code(node.handle.connect(&node.handle.id())).await, "BAD_INPUT");
    assert_eq!(code(node.handle.remove(&"ab".repeat(32))).await, "NOT_FOUND");
    let short_key = Uint8Array::from([1].as_slice());
    assert_eq!(code(node.handle.get(&"ab".repeat(32), Some(short_key))).await, "BAD_INPUT");
    assert_eq!(code(node.handle.add(js_sys::Object::new().unchecked_ref())).await, "BAD_INPUT");
    let waiting = node.handle.get(&"cd".repeat(32), None);
    node.handle.close();
    assert_eq!(code(waiting).await, "CLOSED");
    assert_eq!(code(node.handle.start()).await, "CLOSED");
}

#[wasm_bindgen_test]
async fn a_message_to_one_peer_is_answered_as_its_host_says() {
    let (a, b) = connected("node-test-message").await;
    let hall = || "hall".to_owned();
    let data = Uint8Array::from([1, 2, 3].as_slice());
    let send = |number| a.handle.send(&b.handle.id(), hall(), number, &data);
    settle(a.handle.join(hall(), true)).await.unwrap();
    assert_eq!(code(send(1)).await, "UNREACHABLE");
    settle(b.handle.join(hall(), true)).await.unwrap();
    let name = text(&settle(send(2)).await.unwrap());
    let events = Array::from(&get(&b.host, "events")).to_vec();
    let events = events.iter().map(Array::from).filter(|event| event.get(0) == "message");
    let messages: Vec<JsValue> = events.map(|event| event.get(1)).collect();
    let [message] = &messages[..] else { panic!("{} messages", messages.len()) };
    assert_eq!([text(&get(message, "room")), text(&get(message, "from"))], [hall(), a.handle.id()]);
    assert_eq!((text(&get(message, "id")), get(message, "hops").as_f64()), (name, Some(1.0)));
    assert_eq!(get(message, "data").unchecked_into::<Uint8Array>().to_vec(), [1, 2, 3]);
    for (number, takes) in [(3, JsValue::FALSE), (4, JsValue::UNDEFINED), (5, "throw".into())] {
        Reflect::set(&b.host, &"takes".into(), &takes).unwrap();
        assert_eq!(code(send(number)).await, "UNREACHABLE");
    }
    assert_eq!(code(a.handle.send("nobody", hall(), 6, &data)).await, "BAD_INPUT");
}

#[wasm_bindgen_test]
async fn what_is_no_public_key_is_refused() {
    let options = js_sys::Object::new().unchecked_into::<NodeOptions>();
    let host = new_host().await.unchecked_into::<Host>();
    assert!(NodeHandle::new(&[4; 64], &options, host).is_err());
}

#[wasm_bindgen_test]
async fn envelopes_that_nobody_signed_or_another_key_did_are_dropped_and_counted() {
    let (mute, forger) =
        (Node::new("node-test-proof", 1).await, Node::new("node-test-proof", 2).await);
    let honest = Node::new("node-test-proof", 3).await;
    Reflect::set(&mute.host, &"mute".into(), &true.into()).unwrap();
    Reflect::set(&forger.host, &"forge".into(), &true.into()).unwrap();
    let count = |node: &Node, name: &str| get(&node.handle.stats(), name).as_f64().unwrap_or(0.0);
    settle(honest.handle.start()).await.unwrap();
    settle(mute.handle.start()).await.unwrap();
    settle(forger.handle.start()).await.unwrap();
    until(|| count(&mute, "signal.unsigned") > 0.0).await;
    until(|| count(&honest, "signal.bad_signature") > 0.0).await;
    assert_eq!(honest.handle.peers().length(), 0);
}
