use super::library::Item;
use super::*;

/// An encrypted content, announced with `announced`, wanted with `given`; its manifest came.
fn locked(given: Option<ContentKey>, announced: Option<ContentKey>) -> Vec<Effect> {
    let (id, manifest) = manifest("secret", 100, Some(KEY));
    let before = then(
        started(),
        [
            (0, up(ALICE)),
            (0, has(ALICE, &manifest, announced)),
            (0, command(1, Command::Get { content: id, key: given })),
        ],
    );
    let (_, mut out) = run(before, &[(0, manifest_arrives(ALICE, 1, &manifest))]);
    out.retain(|effect| !matches!(effect, Effect::Event(_)));
    out
}

#[test]
fn the_right_key_is_stored_whoever_gave_it() {
    let (_, manifest) = manifest("secret", 100, Some(KEY));
    let puts = records(&manifest, Some(KEY));
    let chunks = manifest.description().chunks.clone();
    let saved = [
        store(3, StoreOp::HasChunks { chunks }),
        store(4, StoreOp::Apply { puts, deletes: Vec::new() }),
    ];
    assert_eq!(locked(Some(KEY), None), saved);
    assert_eq!(locked(None, Some(KEY)), saved);
    assert_eq!(locked(Some(WRONG_KEY), Some(KEY)), saved);
}

#[test]
fn without_the_right_key_a_get_fails() {
    let wrong_key = done(1, Err(CommandError::WrongKey));
    assert_eq!(locked(None, None), std::slice::from_ref(&wrong_key));
    assert_eq!(locked(Some(WRONG_KEY), None), std::slice::from_ref(&wrong_key));
    let struck = strike(ALICE, StrikeKind::BadManifest);
    assert_eq!(locked(None, Some(WRONG_KEY)), [struck, wrong_key]);
}

#[test]
fn a_stored_content_without_its_key_is_unlocked_by_a_get_that_brings_it() {
    let (id, manifest) = manifest("secret", 100, Some(KEY));
    let key = |key| command(1, Command::Get { content: id, key });
    let item = Item::new(manifest.clone(), Some(KEY), at(0).unix_ms);
    let before = || started_with(records(&manifest, None));
    check(before(), &[(0, key(Some(WRONG_KEY)))], &[done(1, Err(CommandError::WrongKey))]);
    let content = check(
        before(),
        &[(0, key(Some(KEY)))],
        &[
            store(4, StoreOp::Apply { puts: vec![item.content_record(id)], deletes: Vec::new() }),
            done(1, Ok(Reply::Content(id))),
        ],
    );
    assert_eq!(content.layout(id).unwrap().key, Some(KEY));
}
