//! Look-ups in networks of several nodes.

use proptest::prelude::*;

use super::net::{Net, name, pairs, wired};
use super::tests::at;
use super::*;

#[test]
fn in_a_graph_of_500_everybody_is_found_in_fewer_hops_than_the_logarithm() {
    let mut net = wired(500);
    let mut steps = 0;
    let pairs = pairs(&net, 200);
    for (nth, (a, b)) in pairs.iter().enumerate() {
        assert!(net.send_again(*a, *b, u8::try_from(nth).unwrap()) > 0, "{a} to {b}");
        steps += net.delivered.iter().map(|(_, steps)| usize::from(*steps)).min().unwrap();
    }
    // log₂ 500 is 9.
    assert!(steps < 9 * pairs.len(), "{steps}");
    let mut load: Vec<usize> = net.load.iter().copied().filter(|carried| *carried > 0).collect();
    load.sort_unstable();
    let (median, most) = (load[load.len() / 2], load[load.len() - 1]);
    assert!(most <= 5 * median, "{most} and {median}");
}

#[test]
fn along_a_line_it_goes_from_end_to_end() {
    for count in [3, 6, 20] {
        let edges: Vec<_> = (1..count).map(|n| (n - 1, n)).collect();
        let mut net = Net::new(count, &edges);
        assert_eq!(net.send(0, count - 1), 1);
        assert_eq!(
            (net.carried, &net.delivered[..]),
            (count - 1, &[(count - 1, u8::try_from(count - 1).unwrap())][..])
        );
    }
}

#[test]
fn nobody_is_sought_with_no_more_than_the_steps_of_all_copies() {
    let edges: Vec<_> = (0..40).flat_map(|n| [(n, (n + 1) % 40), (n, (n + 7) % 40)]).collect();
    let mut net = Net::new(41, &edges);
    assert_eq!(net.send(0, 40), 0);
    assert!(net.carried <= usize::from(STEPS_MAX) * usize::from(COPIES_MAX), "{}", net.carried);
    assert_eq!(net.nodes[0].verdict(at(1).mono, name(40)), Some(Undelivered::Expired));
}

#[test]
fn a_carrier_that_drops_everything_does_not_stop_all_copies() {
    // Six ways from 0 to 7, two of them by peers that drop what they get.
    let edges: Vec<_> = (1..7).flat_map(|n| [(0, n), (n, 7)]).collect();
    let mut net = Net::new(8, &edges);
    net.liars = [2, 5].into();
    assert!(net.send(0, 7) >= 1);
}

proptest! {
    /// Twenty nodes at random, each with two or more connections. One envelope's steps may not do, if
    /// it goes round in circles first; a link repeats its offer five times.
    #[test]
    fn in_any_small_swarm_the_target_is_found(
        more in prop::collection::vec((0usize..20, 0usize..20), 0..30),
        from in 0usize..20,
        target in 0usize..20,
    ) {
        let ring = (0..20).map(|n| (n, (n + 1) % 20));
        let mut edges: Vec<_> = ring.chain(more.into_iter().filter(|(a, b)| a != b)).collect();
        for edge in &mut edges {
            *edge = (edge.0.min(edge.1), edge.0.max(edge.1));
        }
        edges.sort_unstable();
        edges.dedup();
        if from == target || edges.contains(&(from.min(target), from.max(target))) {
            return Ok(());
        }
        let mut net = Net::new(20, &edges);
        let mut repeats = (0..5).map(|nth| net.send_again(from, target, nth));
        prop_assert!(repeats.any(|delivered| delivered > 0));
    }
}
