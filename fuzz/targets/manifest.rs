//! Manifests: one content has one encoding, and its lengths add up.

#![no_main]

use libfuzzer_sys::fuzz_target;
use peerloom_wire::Manifest;

fuzz_target!(|bytes: &[u8]| {
    let Ok(manifest) = Manifest::decode(bytes) else { return };
    assert_eq!(manifest.encode(), bytes);
    let description = manifest.description();
    let indices = 0..description.chunks_count();
    let plain: u64 = indices.map(|index| u64::from(description.chunk_plain_bytes(index))).sum();
    assert_eq!(plain, description.bytes);
});
