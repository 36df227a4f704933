//! Scenarios are read, laid out, run and held to their limits.

use std::collections::{BTreeMap, BTreeSet};

use super::{Event, Larger, Outcome, SCENARIOS, Scenario, run, summarize, terrain};
use crate::directory::Directory;
use crate::options::Options;

fn scenario(name: &str) -> Scenario {
    let text = SCENARIOS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text);
    Scenario::parse(text.unwrap()).unwrap()
}

fn world(nodes: usize) -> Options {
    let mut options = Options::calm(1, nodes);
    terrain::lay_out(&mut options, &scenario("joining").swarm, nodes);
    options
}

#[test]
fn a_world_of_a_thousand_tabs_is_one_graph_of_small_meshes_for_each_application() {
    let options = world(1_000);
    let who = Directory::new(&options);
    for app in [0, 1] {
        let ours = options.tabs_of(app);
        let is_ours = |tab: &usize| options.tabs[*tab].app == app;
        let (mut seen, mut edge) = (BTreeSet::from([ours[0]]), vec![ours[0]]);
        while let Some(at) = edge.pop() {
            let hearers: Vec<usize> = who.hearers(at).into_iter().filter(is_ours).collect();
            // Six and two visitors on each of two channels.
            assert!(hearers.len() <= 14, "tab {at} hears {}", hearers.len());
            edge.extend(hearers.into_iter().filter(|tab| seen.insert(*tab)));
        }
        assert_eq!(seen.len(), ours.len(), "application {app}");
    }
    assert_eq!(options.tabs_of(1).len(), 100);
}

#[test]
fn who_is_so_many_steps_away_is_not_nearer() {
    let options = world(200);
    let who = Directory::new(&options);
    let near = who.hearers(0);
    let away = who.away(0, 2, |_| true);
    assert!(!away.is_empty() && away.iter().all(|tab| *tab != 0 && !near.contains(tab)));
}

#[test]
fn what_no_scenario_has_is_refused() {
    let text = SCENARIOS[0].1;
    for (right, wrong) in [
        ("over_s = 20", "over_s = 20\nloud = true"),
        ("kind = \"open\"", "kind = \"opens\""),
        ("[measure]", "[measure]\nstop_s = 3"),
    ] {
        assert!(text.contains(right));
        let error = Scenario::parse(&text.replacen(right, wrong, 1)).unwrap_err();
        assert!(error.to_string().contains("can't be read"), "{error}");
    }
}

#[test]
fn equal_seeds_give_equal_outcomes_and_others_others() {
    let scenario = scenario("origins");
    let first = run(&scenario, 12, 3);
    assert_eq!(first, run(&scenario, 12, 3));
    assert_ne!(first.trace_hash, run(&scenario, 12, 4).trace_hash);
}

#[test]
fn each_scenario_passes_small_and_has_the_figures_that_it_wants() {
    for (name, _) in SCENARIOS {
        let scenario = scenario(name);
        let outcome = run(&scenario, 12, 1);
        let summary = summarize(&scenario, &[outcome]);
        assert_eq!(summary.failures, [""; 0], "{name}");
        assert_eq!(summary.figures.len(), scenario.measure.figures.len(), "{name}");
    }
}

#[test]
fn newcomers_are_timed_until_they_are_connected_to_all() {
    let outcome = run(&scenario("joining"), 40, 2);
    let figure = |name: &str| outcome.figures[name];
    assert!(figure("newcomers") > 0.0 && figure("not_joined") == 0.0);
    assert!(figure("joined_ms_median") > 0.0);
    assert!(figure("joined_ms_max") >= figure("joined_ms_median"));
    assert!(figure("known_20_ms_median") > 0.0 && figure("not_known_20") == 0.0);
    // Each of twenty was told of, or heard.
    assert!(figure("known_20_messages_median") > 3.0);
    assert!(figure("join_envelopes_sent_median") > 0.0);
}

#[test]
fn who_carries_for_others_is_counted() {
    let carried = run(&scenario("relaying"), 30, 1).figures;
    // The rest: whoever hears each other takes the places that visitors leave.
    assert!(carried["serverless_share"] > 0.5, "{}", carried["serverless_share"]);
    // Four that all hear each other need nobody.
    let mut joining = scenario("joining");
    joining.events.retain(|event| !matches!(event, Event::Leave { .. }));
    let quiet = run(&joining, 5, 1).figures;
    assert_eq!(quiet["serverless_share"], 0.0);
    let bytes = |figures: &BTreeMap<&str, f64>| figures["relayed_bytes_max"];
    assert!(bytes(&carried) > 10.0 * bytes(&quiet), "{} and {}", bytes(&carried), bytes(&quiet));
}

#[test]
fn hostile_tabs_are_found_out_and_floods_are_cut_off() {
    let mut scenario = scenario("hostile");
    scenario.swarm.hostility.flood_per_mille = 10;
    let outcome = run(&scenario, 24, 1);
    assert_eq!(outcome.violations, []);
    assert!(outcome.figures["strikes"] > 0.0);
    assert!(outcome.figures["envelopes_rate_limited"] > 0.0);
}

#[test]
fn a_figure_beyond_its_limit_fails_and_so_does_one_that_is_missing() {
    let mut scenario = scenario("joining");
    let mut outcome = Outcome {
        seed: 7,
        violations: Vec::new(),
        missed: Vec::new(),
        figures: [("not_joined", 2.0), ("serverless_share", 0.69)].into(),
        inputs: 0,
        virtual_ms: 0,
        trace_hash: String::new(),
    };
    scenario.measure.figures.clear();
    scenario.measure.limits = [("not_joined".to_owned(), 1.0)].into();
    scenario.measure.floors = [("serverless_share".to_owned(), 0.7)].into();
    let failures = summarize(&scenario, core::slice::from_ref(&outcome)).failures;
    let expected =
        ["seed 7: not_joined is 2, over 1", "seed 7: serverless_share is 0.69, under 0.7"];
    assert_eq!(failures, expected);
    scenario.measure.limits = [("not_joined".to_owned(), 2.0)].into();
    scenario.measure.floors = [("serverless_share".to_owned(), 0.69)].into();
    let failures = summarize(&scenario, core::slice::from_ref(&outcome)).failures;
    assert_eq!(failures, [""; 0]);
    let larger = |than_nodes| {
        let floors = [("serverless_share".to_owned(), 0.7)].into();
        Larger { than_nodes, limits: BTreeMap::new(), floors }
    };
    outcome.figures.insert("nodes", 31.0);
    for (than_nodes, count) in [(31, 0), (30, 1)] {
        scenario.measure.larger = Some(larger(than_nodes));
        let failures = summarize(&scenario, core::slice::from_ref(&outcome)).failures;
        assert_eq!(failures.len(), count);
    }
    scenario.measure.larger = None;
    scenario.measure.limits.insert("unheard_of".to_owned(), 1.0);
    scenario.measure.figures.push("unheard_of".to_owned());
    assert_eq!(summarize(&scenario, &[outcome]).failures.len(), 2);
}

#[test]
fn the_baseline_has_what_the_scenarios_want() {
    let kept: serde_json::Value =
        serde_json::from_str(include_str!("../../baseline.json")).unwrap();
    for (name, _) in SCENARIOS {
        let Scenario { ci, measure, .. } = scenario(name);
        assert_eq!(kept[name]["nodes"], ci.nodes, "{name}");
        let figures = kept[name]["figures"].as_object().unwrap();
        let wanted: BTreeSet<&str> = measure.figures.iter().map(String::as_str).collect();
        assert_eq!(figures.keys().map(String::as_str).collect::<BTreeSet<_>>(), wanted, "{name}");
    }
}
