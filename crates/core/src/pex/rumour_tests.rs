//! What comes by gossip, and is checked here.

use super::tests::*;
use super::*;

fn rumours(from: u8, records: &[(u8, Bytes)]) -> Input {
    Input::Rumours { from: peer(from), records: records.to_vec() }
}

fn rumour(from: u8, seed: u8, ttl: u8) -> Effect {
    Effect::Rumour { from: peer(from), peer: peer(seed), ttl, record: record(seed) }
}

fn heard_of(seed: u8) -> Effect {
    Effect::Introduced { peer: peer(seed), is_near: false }
}

fn bad(seed: u8) -> Effect {
    Effect::Strike { peer: peer(seed), kind: StrikeKind::BadRecord }
}

#[test]
fn a_rumour_is_checked_once_and_told_each_time_that_it_comes() {
    let mut pex = among(&[1, 2]);
    let verified = stat(&pex, "pex.records_verified");
    let first = tell(&mut pex, 1, rumours(1, &[(3, record(5))]));
    assert_eq!(first, [rumour(1, 5, 3), heard_of(5)]);
    assert_eq!(tell(&mut pex, 2, rumours(2, &[(2, record(5))])), [rumour(2, 5, 2)]);
    assert_eq!(stat(&pex, "pex.records_verified"), verified + 1);
}

#[test]
fn whoever_is_only_talked_of_is_passed_on_to_nobody_as_a_neighbour() {
    let mut pex = among(&[1, 2]);
    wait(&mut pex, 0, SECOND);
    tell(&mut pex, 2 * SECOND, rumours(1, &[(3, record(5))]));
    assert_eq!(sent(wait(&mut pex, 2 * SECOND, 4 * MINUTE)), []);
    let listed = tell(&mut pex, 4 * MINUTE, adds(1, &[record(6)]));
    assert!(listed.contains(&neighbours(1, &[1, 6])), "{listed:?}");
}

#[test]
fn a_rumour_that_nobody_repeats_is_over_after_five_minutes() {
    let mut pex = among(&[1]);
    tell(&mut pex, 0, rumours(1, &[(1, record(5))]));
    tell(&mut pex, MINUTE, rumours(1, &[(1, record(6))]));
    tell(&mut pex, 2 * MINUTE, rumours(1, &[(1, record(5))]));
    assert_eq!(wait(&mut pex, 2 * MINUTE, 6 * MINUTE - 1), []);
    assert_eq!(wait(&mut pex, 6 * MINUTE - 1, 7 * MINUTE - 1), [withdrawn(6)]);
    assert_eq!(wait(&mut pex, 7 * MINUTE - 1, 8 * MINUTE), [withdrawn(5)]);
}

#[test]
fn a_rumour_is_renewed_by_whoever_repeats_it_but_not_where_there_is_no_room_for_others() {
    let mut pex = among(&[1, 2]);
    tell(&mut pex, 0, rumours(1, &[(1, record(5))]));
    tell(&mut pex, 4 * MINUTE, rumours(2, &[(1, record(5))]));
    assert_eq!(wait(&mut pex, 4 * MINUTE, 8 * MINUTE), []);
    let seeds: Vec<u8> = (1..=8).collect();
    let mut full = among(&seeds);
    for from in &seeds {
        let first = from * 25;
        let many: Vec<(u8, Bytes)> = (first..first + 25).map(|seed| (1, record(seed))).collect();
        tell(&mut full, 0, rumours(*from, &many));
    }
    assert_eq!(full.known_count(), RUMOURS_ALL_MAX);
    tell(&mut full, 4 * MINUTE, rumours(1, &[(1, record(25))]));
    wait(&mut full, 4 * MINUTE, 6 * MINUTE);
    assert_eq!(full.known_count(), 8);
}

#[test]
fn a_neighbour_that_connects_to_somebody_talked_of_counts_for_more() {
    let mut pex = among(&[1]);
    tell(&mut pex, 0, rumours(1, &[(1, record(5))]));
    assert_eq!(tell(&mut pex, 1, adds(1, &[record(5)])), [neighbours(1, &[1, 5]), introduced(5)]);
    // Nor does talk take it back.
    tell(&mut pex, 2, rumours(1, &[(1, record(5))]));
    assert_eq!(wait(&mut pex, 2, HOUR), []);
}

#[test]
fn of_ourselves_and_of_those_connected_talk_is_no_news_and_no_offence() {
    let mut pex = among(&[1, 2]);
    assert_eq!(tell(&mut pex, 1, rumours(1, &[(3, record(0)), (2, record(2))])), []);
    assert_eq!(pex.known_count(), 2);
}

#[test]
fn what_no_honest_peer_passes_on_is_a_strike_and_what_follows_is_not_read() {
    for bytes in [
        record(1),
        record_at(5, EPOCH - 3 * DAY - 1),
        record_at(5, EPOCH + 2 * DAY + 2),
        Bytes::from_static(&[1; 90]),
    ] {
        let mut pex = among(&[1]);
        let struck = tell(&mut pex, 1, rumours(1, &[(3, bytes), (3, record(6))]));
        assert_eq!(struck, [bad(1)]);
        assert_eq!(pex.known_count(), 1);
    }
    // Of a newer version, or too old for our clock only.
    let mut pex = among(&[1]);
    let newer = Bytes::from_static(&[2; 90]);
    let old = record_at(5, EPOCH - 2 * DAY - 1);
    assert_eq!(tell(&mut pex, 1, rumours(1, &[(3, newer), (3, old)])), []);
    assert_eq!(stat(&pex, "pex.records_skipped"), 2);
}

#[test]
fn a_forged_rumour_strikes_who_passed_it_on_and_goes_no_further() {
    let mut pex = among(&[1, 2]);
    let effects = tell(&mut pex, 1, rumours(1, &[(3, forged(5)), (3, record(6))]));
    assert!(effects.contains(&bad(1)), "{effects:?}");
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Rumour { .. })), "{effects:?}");
    assert_eq!(stat(&pex, "pex.records_forged"), 1);
    let true_one = tell(&mut pex, 2, rumours(2, &[(3, record(5))]));
    assert_eq!(true_one, [rumour(2, 5, 3), heard_of(5)]);
}

#[test]
fn one_source_supplies_a_quarter_of_all_rumours_and_lists_push_them_out() {
    let mut pex = among(&[1]);
    let many: Vec<(u8, Bytes)> = (10..=129).map(|seed| (1, record(seed))).collect();
    tell(&mut pex, 1, rumours(1, &many));
    assert_eq!(pex.known_count(), 1 + RUMOURS_ALL_MAX / 4);
    for (minute, chunk) in (130..=229).collect::<Vec<u8>>().chunks(50).enumerate() {
        let records: Vec<Bytes> = chunk.iter().map(|seed| record(*seed)).collect();
        tell(&mut pex, MINUTE * minute as u64, adds(1, &records));
    }
    assert_eq!(pex.known_count(), RECORDS_MAX / 4);
    let near = pex.neighbours.values().map(|neighbour| neighbour.connected().len()).sum::<usize>();
    assert_eq!(near, RECORDS_MAX / 4);
}

#[test]
fn all_rumours_together_leave_half_of_the_room() {
    let seeds: Vec<u8> = (1..=8).collect();
    let mut pex = among(&seeds);
    for from in seeds {
        let first = from * 25;
        let many: Vec<(u8, Bytes)> = (first..first + 25).map(|seed| (1, record(seed))).collect();
        tell(&mut pex, 1, rumours(from, &many));
    }
    assert_eq!(pex.known_count(), RUMOURS_ALL_MAX);
}

#[test]
fn a_sparing_node_tells_as_seldom_as_a_hidden_one() {
    let mut pex = among(&[1]);
    tell(&mut pex, 0, Input::Economy(Economy::Saving));
    wait(&mut pex, 0, SECOND);
    let to_first = |effects| sent(effects).iter().filter(|(to, _)| *to == peer(1)).count();
    tell(&mut pex, 3 * SECOND, Input::PeerUp { peer: peer(3) });
    tell(&mut pex, 4 * SECOND, says(3, Some(record(3)), &[], &[]));
    assert_eq!(to_first(wait(&mut pex, 4 * SECOND, 5 * SECOND)), 1);
    tell(&mut pex, 5 * SECOND, Input::PeerDown { peer: peer(3) });
    assert_eq!(to_first(wait(&mut pex, 5 * SECOND, 184 * SECOND)), 0);
    assert_eq!(to_first(wait(&mut pex, 184 * SECOND, 185 * SECOND)), 1);
}
