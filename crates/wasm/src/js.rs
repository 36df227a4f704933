//! Small pieces between Rust and JavaScript: plain objects and promises.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::String;
use core::cell::Cell;

use js_sys::{Function, Promise, Uint8Array};
use peerloom_wire::id::hex;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(extends = js_sys::Object, js_name = Object)]
    #[derive(Debug)]
    type Plain;
    #[wasm_bindgen(constructor)]
    fn new() -> Plain;
    #[wasm_bindgen(method, structural, indexing_setter)]
    fn set(this: &Plain, key: &str, value: JsValue);
    #[wasm_bindgen(method, structural, indexing_getter)]
    fn get(this: &Plain, key: &str) -> JsValue;

    // Not `js_sys::Promise::then2`: it takes `Closure`s, which somebody would have to own until a
    // promise settles that may never do so.
    #[wasm_bindgen(js_name = Promise)]
    type Settling;
    #[wasm_bindgen(method)]
    fn then(this: &Settling, fulfilled: &JsValue, rejected: &JsValue) -> Settling;
}

/// A plain object in the making.
#[derive(Debug)]
pub struct Object(Plain);

impl Object {
    /// Makes an empty one.
    #[must_use]
    pub fn new() -> Self {
        Self(Plain::new())
    }

    /// Sets a field.
    #[must_use]
    pub fn with(self, key: &str, value: impl Into<JsValue>) -> Self {
        self.put(key, value.into());
        self
    }

    // Out of line: dozens of fields are set, and each copy of it would be compiled.
    #[inline(never)]
    fn put(&self, key: &str, value: JsValue) {
        self.0.set(key, value);
    }

    /// Sets a field to a text.
    #[inline(never)]
    #[must_use]
    pub fn with_text(self, key: &str, value: &str) -> Self {
        self.with(key, value)
    }

    /// Sets a field to a hash, in hexadecimal.
    #[inline(never)]
    #[must_use]
    pub fn with_id(self, key: &str, id: &[u8; 32]) -> Self {
        self.with(key, hex(id))
    }

    /// Sets a field to a number. Those beyond 2⁵³ lose their last bits; byte counts and times never get there.
    #[allow(clippy::cast_precision_loss)]
    #[inline(never)]
    #[must_use]
    pub fn with_u64(self, key: &str, value: u64) -> Self {
        self.with(key, value as f64)
    }

    /// The same, or null.
    #[inline(never)]
    #[must_use]
    pub fn with_u64_option(self, key: &str, value: Option<u64>) -> Self {
        match value {
            Some(value) => self.with_u64(key, value),
            None => self.with(key, JsValue::NULL),
        }
    }

    /// Sets a field to a value, or to null.
    #[must_use]
    pub fn with_option<T: Into<JsValue>>(self, key: &str, value: Option<T>) -> Self {
        self.with(key, value.map_or(JsValue::NULL, Into::into))
    }
}

impl Default for Object {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Object> for JsValue {
    fn from(object: Object) -> Self {
        object.0.into()
    }
}

/// Returns a property, `undefined` if `value` is no object.
#[inline(never)]
#[must_use]
pub fn property(value: &JsValue, key: &str) -> JsValue {
    if value.is_object() { value.unchecked_ref::<Plain>().get(key) } else { JsValue::UNDEFINED }
}

/// Returns what an exception or a rejection says, for people.
#[must_use]
pub fn reason(error: &JsValue) -> String {
    let named = |key| property(error, key).as_string();
    match (named("name"), named("message").or_else(|| error.as_string())) {
        (Some(name), Some(message)) => name + ": " + &message,
        (_, Some(message)) => message,
        (Some(name), None) => name,
        (None, None) => "unknown error".to_owned(),
    }
}

/// Returns the bytes as a fresh JavaScript array.
#[inline(never)]
#[must_use]
pub fn bytes(bytes: &[u8]) -> Uint8Array {
    Uint8Array::from(bytes)
}

/// What is to be called when a promise is settled.
type Then = Box<dyn FnOnce(Result<JsValue, JsValue>)>;

/// Calls `then` once, when `promise` is settled.
///
/// The callbacks belong to the promise: one that never settles (WebRTC leaves those of a closed
/// connection pending) is collected with them. So `then` must hold its owner weakly.
pub fn settled(promise: &Promise, then: impl FnOnce(Result<JsValue, JsValue>) + 'static) {
    settled_boxed(promise, Box::new(then));
}

// Apart, so that it is compiled once.
fn settled_boxed(promise: &Promise, then: Then) {
    let then = Rc::new(Cell::new(Some(then)));
    let twin = Rc::clone(&then);
    let fulfilled = Closure::once_into_js(move |value: JsValue| {
        if let Some(then) = then.take() {
            then(Ok(value));
        }
    });
    let rejected = Closure::once_into_js(move |error: JsValue| {
        if let Some(then) = twin.take() {
            then(Err(error));
        }
    });
    let _ = promise.unchecked_ref::<Settling>().then(&fulfilled, &rejected);
}

/// The two functions that settle a promise which JavaScript waits for.
#[derive(Debug)]
pub struct Deferred {
    resolve: Function,
    reject: Function,
}

impl Deferred {
    /// Returns the promise and what settles it.
    pub fn new() -> (Promise, Option<Self>) {
        let mut functions = None;
        let promise = Promise::new(&mut |resolve, reject| {
            functions = Some(Self { resolve, reject });
        });
        (promise, functions)
    }

    /// Settles the promise.
    pub fn settle(self, result: Result<JsValue, JsValue>) {
        // The functions of a promise never throw.
        let _ = match result {
            Ok(value) => self.resolve.call1(&JsValue::UNDEFINED, &value),
            Err(error) => self.reject.call1(&JsValue::UNDEFINED, &error),
        };
    }
}
