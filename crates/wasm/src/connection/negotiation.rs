//! Offer, answer and candidates: one call on the connection at a time, in the order of the
//! commands.

use alloc::collections::VecDeque;
use alloc::rc::{Rc, Weak};
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use js_sys::Promise;
use peerloom_core::event::Stage;
use peerloom_core::io::{Candidate, LinkEvent};
use wasm_bindgen::prelude::*;
use web_sys::{
    RtcIceCandidateInit, RtcPeerConnection, RtcPeerConnectionIceEvent, RtcSdpType,
    RtcSessionDescriptionInit,
};

use super::failed;
use crate::bulk::Owner;
use crate::js::settled;

/// The most steps that wait. A peer may send that many lists of candidates before the first call
/// ended; those beyond are dropped: connectivity needs few.
const STEPS_MAX: usize = 64;

#[wasm_bindgen]
extern "C" {
    /// The connection, for what `web-sys` lacks.
    #[wasm_bindgen(js_name = RTCPeerConnection)]
    type Modern;
    /// Makes the offer or the answer that the state asks for, and sets it, in one call.
    #[wasm_bindgen(method, js_name = setLocalDescription)]
    fn set_local_description(this: &Modern) -> Promise;
    /// Makes the next offer one that gathers anew.
    #[wasm_bindgen(method, js_name = restartIce)]
    fn restart_ice(this: &Modern);
}

/// The negotiation of one connection.
pub(super) struct Negotiation {
    pc: RtcPeerConnection,
    owner: Rc<dyn Owner>,
    steps: RefCell<VecDeque<Step>>,
    state: Cell<State>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    /// A call's promise is pending.
    Calling,
    /// A call failed, or the connection was closed: nothing more is done.
    Ended,
}

enum Step {
    Describe(Local),
    Accept(RtcSdpType, String),
    Add(Vec<Candidate>),
}

#[derive(Clone, Copy)]
enum Local {
    Offer { restart: bool },
    Answer,
}

impl Negotiation {
    pub(super) fn new(pc: RtcPeerConnection, owner: Rc<dyn Owner>) -> Rc<Self> {
        Rc::new(Self { pc, owner, steps: RefCell::default(), state: Cell::new(State::Idle) })
    }

    pub(super) fn offer(self: &Rc<Self>, restart: bool) {
        self.enqueue(Step::Describe(Local::Offer { restart }));
        self.run();
    }

    pub(super) fn accept_offer(self: &Rc<Self>, sdp: String, candidates: Vec<Candidate>) {
        self.enqueue(Step::Accept(RtcSdpType::Offer, sdp));
        self.enqueue(Step::Add(candidates));
        self.enqueue(Step::Describe(Local::Answer));
        self.run();
    }

    pub(super) fn accept_answer(self: &Rc<Self>, sdp: String, candidates: Vec<Candidate>) {
        self.enqueue(Step::Accept(RtcSdpType::Answer, sdp));
        self.enqueue(Step::Add(candidates));
        self.run();
    }

    pub(super) fn add(self: &Rc<Self>, candidates: Vec<Candidate>) {
        self.enqueue(Step::Add(candidates));
        self.run();
    }

    pub(super) fn close(&self) {
        self.state.set(State::Ended);
        self.steps.borrow_mut().clear();
    }

    /// Takes an `icecandidate` event; the end of candidates is an empty one.
    pub(super) fn on_candidate(&self, event: JsValue) {
        let event = event.unchecked_into::<RtcPeerConnectionIceEvent>();
        let candidate = event.candidate().map_or_else(end_of_candidates, |ready| Candidate {
            candidate: ready.candidate(),
            sdp_mid: ready.sdp_mid(),
            sdp_mline_index: ready.sdp_m_line_index(),
        });
        self.owner.on_event(LinkEvent::CandidateReady { candidate });
    }

    fn enqueue(&self, step: Step) {
        let mut steps = self.steps.borrow_mut();
        if steps.len() < STEPS_MAX {
            steps.push_back(step);
        }
    }

    fn run(self: &Rc<Self>) {
        while self.state.get() == State::Idle {
            let Some(step) = self.steps.borrow_mut().pop_front() else { return };
            match step {
                Step::Describe(local) => self.describe(local),
                Step::Accept(kind, sdp) => self.accept(kind, &sdp),
                Step::Add(candidates) => candidates.iter().for_each(|one| self.add_now(one)),
            }
        }
    }

    fn describe(self: &Rc<Self>, local: Local) {
        let pc: &Modern = self.pc.unchecked_ref();
        if let Local::Offer { restart: true } = local {
            pc.restart_ice();
        }
        self.call(&pc.set_local_description(), move |this| {
            let Some(sdp) = this.pc.local_description().map(|description| description.sdp()) else {
                return;
            };
            this.owner.on_event(match local {
                Local::Offer { .. } => LinkEvent::OfferReady { sdp },
                Local::Answer => LinkEvent::AnswerReady { sdp },
            });
        });
    }

    fn accept(self: &Rc<Self>, kind: RtcSdpType, sdp: &str) {
        let description = RtcSessionDescriptionInit::new(kind);
        description.set_sdp(sdp);
        self.call(&self.pc.set_remote_description(&description), |_| ());
    }

    /// Adds a candidate without waiting: the browser keeps the order of its calls itself. One that
    /// it refuses is no loss if another works, and if none does, the stage's deadline says so.
    fn add_now(&self, candidate: &Candidate) {
        let init = RtcIceCandidateInit::new(&candidate.candidate);
        init.set_sdp_mid(candidate.sdp_mid.as_deref());
        init.set_sdp_m_line_index(candidate.sdp_mline_index);
        settled(&self.pc.add_ice_candidate_with_opt_rtc_ice_candidate_init(Some(&init)), |_| ());
    }

    /// Waits for one call; goes on with the next, or reports that this one failed.
    fn call(self: &Rc<Self>, promise: &Promise, then: impl FnOnce(&Self) + 'static) {
        self.state.set(State::Calling);
        let this = Rc::downgrade(self);
        settled(promise, move |result| {
            let Some(this) = Weak::upgrade(&this) else { return };
            if this.state.get() == State::Ended {
                return;
            }
            if let Err(error) = result {
                this.close();
                return this.owner.on_event(failed(Stage::Signalling, &error));
            }
            this.state.set(State::Idle);
            then(&this);
            this.run();
        });
    }
}

/// As `RTCIceCandidate` has it in Firefox, which says the end twice, first in this way.
const fn end_of_candidates() -> Candidate {
    Candidate { candidate: String::new(), sdp_mid: None, sdp_mline_index: None }
}
