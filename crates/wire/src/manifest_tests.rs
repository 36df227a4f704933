use peerloom_crypto::IdentityKey;
use proptest::prelude::*;

use super::*;

const KIB: u64 = 1024;

fn author() -> IdentityKey {
    IdentityKey::from_seed([1; 32])
}

fn description(bytes: u64, chunk_bytes: u32, key: Option<[u8; 32]>) -> Description {
    let mut description = Description {
        name: "photo.jpg".into(),
        mime: "image/jpeg".into(),
        bytes,
        chunk_bytes,
        key_digest: key.as_ref().map(key_digest),
        chunks: Vec::new(),
    };
    let count = bytes.div_ceil(u64::from(description.chunk_plain_bytes_max()));
    description.chunks = (0..count).map(|n| ChunkId(sha256(&n.to_be_bytes()))).collect();
    description
}

fn signed(description: Description) -> Manifest {
    let unsigned = UnsignedManifest::new(description, author().public_key()).unwrap();
    let signature = author().sign(&unsigned.payload());
    unsigned.sign_with(signature)
}

/// Signs a description that does not add up, as a peer that means harm would.
fn encode_unchecked(description: Description) -> Vec<u8> {
    let body = Body { description, author: author().public_key() };
    let signature = author().sign(&payload(&encode_body(&body)));
    Manifest { body, signature }.encode()
}

fn sample() -> Manifest {
    signed(description(40 * KIB, 16_384, Some([9; 32])))
}

#[test]
fn golden_bytes() {
    let manifest = signed(description(5, CHUNK_BYTES_MAX, None));
    let bytes = manifest.encode();
    let mut head = vec![MANIFEST_VERSION, 9];
    head.extend_from_slice(b"photo.jpg\x0aimage/jpeg");
    head.extend_from_slice(&[5, 0x80, 0x80, 0x10, 0, 1]);
    head.extend_from_slice(&sha256(&[0; 8]));
    assert_eq!(bytes.get(..head.len()), Some(&head[..]));
    assert_eq!(
        manifest.id().to_string(),
        "e13d49680d3ae39397c4925a76e7fd3fe4e425ec26bbe48d23a257e86bb17d57"
    );
}

#[test]
fn a_manifest_reads_back_and_its_signature_holds() {
    let manifest = sample();
    let read = Manifest::decode(&manifest.encode()).unwrap();
    assert_eq!(read, manifest);
    assert!(read.claim().holds());
    assert_eq!(read.author(), PeerId(author().public_key().fingerprint()));
    assert_eq!(read.id(), manifest.id());
}

#[test]
fn the_largest_manifest_fits_its_bound_and_one_byte_more_is_refused() {
    let mut largest = description(u64::from(CHUNKS_MAX) * 262_128, CHUNK_BYTES_MAX, Some([1; 32]));
    largest.name = "n".repeat(NAME_BYTES_MAX);
    largest.mime = "m".repeat(MIME_BYTES_MAX);
    let bytes = signed(largest).encode();
    assert!(bytes.len() <= MANIFEST_BYTES_MAX, "{}", bytes.len());
    assert!(Manifest::decode(&bytes).is_ok());
    let bytes = vec![MANIFEST_VERSION; MANIFEST_BYTES_MAX + 1];
    assert_eq!(Manifest::decode(&bytes), Err(ManifestError::TooLarge { bytes: bytes.len() }));
}

#[test]
fn what_does_not_add_up_is_refused() {
    let good = || description(40 * KIB, 16_384, Some([9; 32]));
    let check = |change: fn(&mut Description), expected: ManifestError| {
        let mut wrong = good();
        change(&mut wrong);
        assert_eq!(wrong.validate(), Err(expected));
        assert_eq!(Manifest::decode(&encode_unchecked(wrong)), Err(expected));
    };
    check(|d| d.bytes += 16_368, ManifestError::ChunkCount);
    check(|d| d.bytes = 0, ManifestError::ChunkCount);
    check(|d| d.bytes = u64::MAX, ManifestError::ChunkCount);
    check(|d| d.chunks.clear(), ManifestError::ChunkCount);
    check(|d| d.chunks.push(ChunkId([0; 32])), ManifestError::ChunkCount);
    for_chunk_bytes(&good);
    check(|d| d.name = "n".repeat(256), ManifestError::Text);
    check(|d| d.mime = "m".repeat(128), ManifestError::Text);
    check(|d| d.name = "a\nb".into(), ManifestError::Text);
    check(|d| d.mime = "text/\u{0}".into(), ManifestError::Text);
}

fn for_chunk_bytes(good: &dyn Fn() -> Description) {
    for chunk_bytes in [0, 1, 16, 16_383, CHUNK_BYTES_MAX + 1, u32::MAX] {
        let wrong = Description { chunk_bytes, ..good() };
        let expected = Err(ManifestError::ChunkBytes { chunk_bytes });
        assert_eq!(Manifest::decode(&encode_unchecked(wrong)), expected);
    }
}

#[test]
fn a_content_over_the_most_chunks_is_refused() {
    let count = u64::from(CHUNKS_MAX) + 1;
    let mut wrong = description(0, CHUNK_BYTES_MIN, None);
    wrong.bytes = count * u64::from(CHUNK_BYTES_MIN);
    wrong.chunks = (0..count).map(|_| ChunkId([0; 32])).collect();
    assert_eq!(wrong.validate(), Err(ManifestError::ChunkCount));
}

#[test]
fn a_change_of_any_part_breaks_the_signature() {
    let manifest = sample();
    let mut renamed = manifest.clone();
    renamed.body.description.name = "other.jpg".into();
    assert!(!renamed.claim().holds());
    let mut resigned = manifest.clone();
    resigned.signature = author().sign(b"something else");
    assert!(!resigned.claim().holds());
    let mut stolen = manifest;
    stolen.body.author = IdentityKey::from_seed([7; 32]).public_key();
    assert!(!stolen.claim().holds());
}

#[test]
fn a_second_encoding_of_the_same_manifest_is_refused() {
    let bytes = signed(description(5, CHUNK_BYTES_MAX, None)).encode();
    let mut padded = bytes.clone();
    // The length of the name, 9, as a varint of two bytes.
    padded.splice(1..2, [0x89, 0x00]);
    assert!(Manifest::decode(&bytes).is_ok());
    assert_eq!(Manifest::decode(&padded), Err(ManifestError::Malformed));
}

#[test]
fn a_newer_version_is_told_from_garbage() {
    assert_eq!(Manifest::decode(&[3, 0]), Err(ManifestError::UnknownVersion { version: 3 }));
    assert_eq!(Manifest::decode(&[]), Err(ManifestError::Malformed));
    assert_eq!(Manifest::decode(&[MANIFEST_VERSION]), Err(ManifestError::Malformed));
    let mut trailing = sample().encode();
    trailing.push(0);
    assert_eq!(Manifest::decode(&trailing), Err(ManifestError::Malformed));
}

#[test]
fn the_key_is_recognised_by_its_digest() {
    assert_ne!(key_digest(&[1; 32]), key_digest(&[2; 32]));
    assert_ne!(key_digest(&[1; 32]).0, sha256(&[1; 32]));
}

#[test]
fn chunk_lengths_at_the_edges() {
    let check = |bytes, key, expected: &[(u32, u32)]| {
        let description = description(bytes, 262_144, key);
        let lengths: Vec<_> = (0..description.chunks_count())
            .map(|n| (description.chunk_plain_bytes(n), description.chunk_stored_bytes(n)))
            .collect();
        assert_eq!(lengths, expected, "{bytes}");
        assert_eq!(description.chunk_stored_bytes(description.chunks_count()), 0);
    };
    let key = Some([1; 32]);
    check(0, None, &[]);
    check(0, key, &[]);
    check(1, None, &[(1, 1)]);
    check(1, key, &[(1, 17)]);
    check(262_144, None, &[(262_144, 262_144)]);
    check(262_144, key, &[(262_128, 262_144), (16, 32)]);
    check(262_145, None, &[(262_144, 262_144), (1, 1)]);
    check(262_127, key, &[(262_127, 262_143)]);
}

proptest! {
    #[test]
    fn lengths_of_chunks_sum_to_the_length_of_the_content(
        bytes in 0u64..5_000_000,
        chunk_bytes in CHUNK_BYTES_MIN..=CHUNK_BYTES_MAX,
        encrypted: bool,
    ) {
        let description = description(bytes, chunk_bytes, encrypted.then_some([3; 32]));
        prop_assert_eq!(description.validate(), Ok(()));
        let indices = || 0..description.chunks_count();
        let plain: u64 = indices().map(|n| u64::from(description.chunk_plain_bytes(n))).sum();
        let stored: u64 = indices().map(|n| u64::from(description.chunk_stored_bytes(n))).sum();
        prop_assert_eq!(plain, bytes);
        prop_assert_eq!(stored, description.stored_bytes());
        prop_assert!(indices().all(|n| description.chunk_stored_bytes(n) <= chunk_bytes));
    }

    #[test]
    fn no_bytes_panic(bytes: Vec<u8>) {
        let _ = Manifest::decode(&bytes);
    }

    #[test]
    fn a_perturbed_manifest_is_refused_or_is_another_content(
        at: prop::sample::Index,
        bit in 0u8..8,
        cut: prop::sample::Index,
    ) {
        let whole = sample();
        let mut bytes = whole.encode();
        prop_assert!(Manifest::decode(&bytes[..cut.index(bytes.len())]).is_err());
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok(other) = Manifest::decode(&bytes) {
            prop_assert_ne!(other.id(), whole.id());
            prop_assert!(!other.claim().holds());
        }
    }
}
