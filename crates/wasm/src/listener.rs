//! Event listeners that die with their owner.

use alloc::boxed::Box;
use core::fmt;

use js_sys::Function;
use wasm_bindgen::prelude::*;
use web_sys::EventTarget;

use crate::live::{Kind, Live};

/// An event listener that unregisters itself on drop, and owns its closure.
pub(crate) struct Listener {
    target: EventTarget,
    kind: &'static str,
    closure: Closure<dyn Fn(JsValue)>,
    _live: Live,
}

impl Listener {
    pub(crate) fn new(
        target: &EventTarget,
        kind: &'static str,
        on_event: impl Fn(JsValue) + 'static,
    ) -> Self {
        Self::boxed(target, kind, Box::new(on_event))
    }

    // Apart, so that it is compiled once.
    fn boxed(target: &EventTarget, kind: &'static str, on_event: Box<dyn Fn(JsValue)>) -> Self {
        let closure = Closure::wrap(on_event);
        let function: &Function = closure.as_ref().unchecked_ref();
        // Only throws if the callback is not callable.
        let _ = target.add_event_listener_with_callback(kind, function);
        Self { target: target.clone(), kind, closure, _live: Live::new(Kind::Closure) }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let function: &Function = self.closure.as_ref().unchecked_ref();
        let _ = self.target.remove_event_listener_with_callback(self.kind, function);
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Listener({})", self.kind)
    }
}
