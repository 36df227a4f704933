//! The page around the node: signalling between tabs, and the identity's request.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use std::cell::RefCell;
use std::rc::Rc;

use common::turn;
use peerloom::{IdentityRequest, Signalling};
use peerloom_crypto::IdentityKey;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen_test]
async fn an_envelope_reaches_the_others_on_the_channel_and_nobody_else() {
    let heard = Rc::new(RefCell::new(Vec::new()));
    let open = |name: &'static str, who: &'static str| {
        let heard = Rc::clone(&heard);
        Signalling::open(name, move |bytes| heard.borrow_mut().push((who, bytes.to_vec()))).unwrap()
    };
    let (sender, receiver, stranger) =
        (open("one", "sender"), open("one", "receiver"), open("two", "stranger"));
    sender.send(&[1, 2, 3]);
    while heard.borrow().is_empty() {
        turn().await;
    }
    assert_eq!(*heard.borrow(), [("receiver", vec![1, 2, 3])]);
    drop((sender, receiver, stranger));
    assert_eq!(peerloom::counts().closures, 0);
}

#[wasm_bindgen_test]
fn an_identity_request_names_the_peer_and_refuses_other_lengths() {
    let key = IdentityKey::from_seed([1; 32]).public_key();
    let request = IdentityRequest::new(&key.0, &[2; 32], 1e12).unwrap();
    assert_eq!(request.peer().len(), 64);
    assert!(!request.payload().is_empty());
    assert!(IdentityRequest::new(&key.0[1..], &[2; 32], 1e12).is_err());
    assert!(IdentityRequest::new(&key.0, &[2; 31], 1e12).is_err());
}
