//! The page around the node: signalling between tabs, and the memory it lives in.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use std::cell::RefCell;
use std::rc::Rc;

use common::turn;
use peerloom::Signalling;
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
fn the_allocator_takes_the_largest_manifest_many_times_over_and_gives_it_back() {
    for round in 0..200_u8 {
        let manifests: Vec<Vec<u8>> =
            (0..4).map(|_| vec![round; peerloom_wire::MANIFEST_BYTES_MAX]).collect();
        assert!(manifests.iter().all(|bytes| bytes.ends_with(&[round])));
    }
}
