use peerloom_wire::{FRAME_BYTES_MAX, Protocol, frame};

use super::*;

fn have(list: List, entries: Vec<Entry>) -> Message {
    Message::Have { list, entries }
}

fn sample_entry() -> Entry {
    entry(&sample().1, None)
}

#[test]
fn a_new_peer_is_told_all_that_is_whole() {
    let (_, manifest) = sample();
    let before = started_with(records(&manifest, None));
    let whole = have(List::Whole, vec![entry(&manifest, None)]);
    check(before, &[(0, up(ALICE))], &[send(ALICE, whole)]);
}

#[test]
fn the_key_is_announced_with_the_content() {
    let (_, manifest) = manifest("secret", 100, Some(KEY));
    let before = started_with(records(&manifest, Some(KEY)));
    let whole = have(List::Whole, vec![entry(&manifest, Some(KEY))]);
    check(before, &[(0, up(ALICE))], &[send(ALICE, whole)]);
}

#[test]
fn a_long_inventory_is_split_into_frames_that_fit() {
    let longest = |n: u16| Entry {
        id: ContentId([n.to_be_bytes()[1]; 32]),
        name: "n".repeat(255),
        mime: "m".repeat(127),
        bytes: u64::MAX,
        manifest_bytes: u32::MAX,
        chunk_bytes: 262_144,
        encrypted: true,
        key: Some(KEY),
    };
    let entries: Vec<_> = (0..500).map(longest).collect();
    let lists = message::split_entries(entries.clone());
    assert!(lists.len() > 1);
    assert_eq!(lists.concat(), entries);
    for list in lists {
        let frame = frame::encode(Protocol::Content, &have(List::Whole, list)).unwrap();
        assert!(frame.len() <= FRAME_BYTES_MAX, "{}", frame.len());
    }
    let gone = Message::Gone { contents: vec![ContentId([1; 32]); 2046] };
    assert_eq!(message::GONE_IDS_MAX, 2046);
    assert!(frame::encode(Protocol::Content, &gone).is_ok());
}

#[test]
fn what_peers_announce_is_counted_until_nobody_does() {
    let (id, manifest) = sample();
    let info = |providers| ContentInfo {
        id,
        name: "sample.txt".into(),
        mime: "text/plain".into(),
        bytes: 70_000,
        encrypted: false,
        providers,
        local: LocalState::Absent,
        download: None,
    };
    let inputs = [
        (0, has(ALICE, &manifest, None)),
        (0, has(BOB, &manifest, None)),
        (0, says(ALICE, Message::Gone { contents: vec![id] })),
        (0, Input::PeerDown { peer: BOB }),
    ];
    check_events(
        then(started(), [(0, up(ALICE)), (0, up(BOB))]),
        &inputs,
        &[
            Event::ContentChanged(info(1)),
            Event::ContentChanged(info(2)),
            Event::ContentChanged(info(1)),
            Event::ContentGone { content: id },
        ],
    );
}

#[test]
fn a_whole_list_replaces_what_was_said_before() {
    let (_, one) = manifest("one", 1, None);
    let (two_id, two) = manifest("two", 2, None);
    let before = then(started(), [(0, up(ALICE)), (0, has(ALICE, &one, None))]);
    let whole = says(ALICE, have(List::Whole, vec![entry(&two, None)]));
    let content = check(
        before,
        &[(0, whole)],
        &[
            Effect::OffersChanged { peer: ALICE },
            Effect::Event(Event::ContentGone { content: one.id() }),
        ],
    );
    let ids: Vec<_> = content.contents().iter().map(|info| info.id).collect();
    assert_eq!(ids, [two_id]);
    assert_eq!(content.offered_by(ALICE), 1);
}

#[test]
fn an_announcement_out_of_bounds_is_a_strike_and_the_others_of_its_list_count() {
    let long = |change: fn(&mut Entry)| {
        let mut entry = Entry { id: ContentId([9; 32]), ..sample_entry() };
        change(&mut entry);
        entry
    };
    for (wrong, kind) in [
        (long(|it| it.name = "n".repeat(256)), StrikeKind::Oversized),
        (long(|it| it.mime = "m".repeat(128)), StrikeKind::Oversized),
        (long(|it| it.bytes = u64::MAX), StrikeKind::Oversized),
        (long(|it| it.manifest_bytes = 4_194_305), StrikeKind::Oversized),
        (long(|it| it.manifest_bytes = 0), StrikeKind::MalformedFrame),
        (long(|it| it.chunk_bytes = 262_145), StrikeKind::Oversized),
        (long(|it| it.chunk_bytes = 16_383), StrikeKind::MalformedFrame),
        (long(|it| it.name = "a\u{0}b".into()), StrikeKind::MalformedFrame),
        (long(|it| it.key = Some(KEY)), StrikeKind::MalformedFrame),
    ] {
        let message = says(ALICE, have(List::More, vec![wrong, sample_entry()]));
        let before = then(started(), [(0, up(ALICE))]);
        let content = check(
            before,
            &[(0, message)],
            &[strike(ALICE, kind), Effect::OffersChanged { peer: ALICE }],
        );
        assert_eq!(content.offered_by(ALICE), 1);
    }
}

#[test]
fn a_peer_announces_no_more_than_allowed() {
    let one = sample_entry();
    let numbered = |n: u32| {
        let mut id = [0; 32];
        id[..4].copy_from_slice(&n.to_be_bytes());
        Entry { id: ContentId(id), ..one.clone() }
    };
    let all = (0..10_000).map(numbered).collect();
    let before = then(started(), [(0, up(ALICE)), (0, says(ALICE, have(List::More, all)))]);
    let again = says(ALICE, have(List::More, vec![numbered(0)]));
    let more = says(ALICE, have(List::More, vec![numbered(10_000)]));
    let content = check(
        before,
        &[(0, again), (0, more)],
        &[
            Effect::OffersChanged { peer: ALICE },
            strike(ALICE, StrikeKind::Oversized),
            Effect::OffersChanged { peer: ALICE },
        ],
    );
    assert_eq!(content.offered_by(ALICE), 10_000);
    assert_eq!(content.contents_count(), 10_000);
}

#[test]
fn a_stranger_is_not_heard() {
    let (_, manifest) = sample();
    let want = wants(&[(1, Wanted::Manifest(manifest.id()))]);
    let content =
        check(started(), &[(0, has(ALICE, &manifest, None)), (0, says(ALICE, want))], &[]);
    assert!(content.contents().is_empty());
}

#[test]
fn a_new_connection_starts_from_nothing() {
    let (_, manifest) = sample();
    let before = then(started(), [(0, up(ALICE)), (0, has(ALICE, &manifest, None))]);
    let again = Input::PeerUp { peer: ALICE, conn: ConnId(900) };
    let content = check(
        before,
        &[(0, again)],
        &[
            send(ALICE, have(List::Whole, Vec::new())),
            Effect::Event(Event::ContentGone { content: manifest.id() }),
        ],
    );
    assert_eq!(content.offered_by(ALICE), 0);
}
