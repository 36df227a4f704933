//! What the node asks of the SDK, and how it hears of the answers.

use alloc::rc::Rc;

use js_sys::{Promise, Uint8Array};
use peerloom_core::io::{Input, ProofId, StoreId, StoreOp};
use peerloom_crypto::{Claim, Signature};
use wasm_bindgen::prelude::*;

use crate::bulk::Buffer;
use crate::driver::Driver;
use crate::host::{Expected, store_error};
use crate::js;

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
        js::settled(&promise, move |settled| {
            if let Some(driver) = driver.upgrade() {
                driver.submit(input(&driver, settled));
            }
        });
    }

    /// Begins a storage operation; its end comes back as [`Input::Stored`].
    #[inline(never)]
    pub(crate) fn store(self: &Rc<Self>, id: StoreId, op: StoreOp) {
        let take_body = |conn, request| self.take_body(conn, request).map(Buffer::give_away);
        let (promise, expected) = match self.host().begin(op, take_body) {
            Ok(begun) => begun,
            Err(error) => return self.submit(Input::Stored { id, result: Err(error) }),
        };
        self.answer(Ok(promise), move |driver, settled| {
            let result = settled.map(|value| {
                let reply = expected.reply(&value);
                if expected == Expected::Buffer {
                    driver.pool().give_back(value);
                }
                reply
            });
            Input::Stored { id, result: result.map_err(|error| store_error(&error)) }
        });
    }
}
