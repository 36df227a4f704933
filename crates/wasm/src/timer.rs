//! The clock and the one timer.

use core::fmt;

use js_sys::Function;
use peerloom_core::{Instant, Now};
use wasm_bindgen::prelude::*;

use crate::live::{Kind, Live};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;
    #[wasm_bindgen(js_namespace = Date, js_name = now)]
    fn date_now() -> f64;
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &Function, millis: f64) -> JsValue;
    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(id: &JsValue);
}

/// Reads both clocks.
///
/// `performance.now` counts from when the page was loaded and does not jump with the wall clock.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Positive, and far below 2⁵³.
pub(crate) fn now() -> Now {
    Now { mono: mono(), unix_ms: date_now() as u64 }
}

/// Reads the clock that does not jump.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // As above.
pub(crate) fn mono() -> Instant {
    Instant::from_micros((performance_now() * 1e3) as u64)
}

/// The longest that `setTimeout` takes: it keeps its time in 31 bits, and takes more for nothing.
const MILLIS_MAX: u64 = i32::MAX as u64;

/// A `setTimeout` that clears itself on drop, and owns its closure.
pub(crate) struct Timer {
    id: JsValue,
    deadline: Instant,
    _closure: Closure<dyn Fn()>,
    _live: Live,
}

impl Timer {
    /// Calls `on_time` at `deadline`, or later where the browser throttles.
    #[allow(clippy::cast_precision_loss)] // Milliseconds of a page's life are far below 2⁵³.
    pub(crate) fn new(deadline: Instant, on_time: impl Fn() + 'static) -> Self {
        let closure = Closure::<dyn Fn()>::new(on_time);
        // Rounded up: a timer that fires early does nothing but fire again.
        let millis = deadline.as_micros().saturating_sub(mono().as_micros()).div_ceil(1000);
        let millis = millis.min(MILLIS_MAX);
        let id = set_timeout(closure.as_ref().unchecked_ref(), millis as f64);
        Self { id, deadline, _closure: closure, _live: Live::new(Kind::Closure) }
    }

    pub(crate) const fn deadline(&self) -> Instant {
        self.deadline
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        clear_timeout(&self.id);
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timer({:?})", self.deadline)
    }
}
