//! Whole runs: drawn from seeds, traced, replayed.

use std::io::Write;

use super::run_seed;
use crate::options::Options;
use crate::seeds::REGRESSIONS;
use crate::trace::{ReplayError, replay};
use crate::world::run;

/// A path of this test's own.
fn path(name: &str) -> std::path::PathBuf {
    std::env::temp_dir().join(format!("peerloom-sim-{}-{name}", std::process::id()))
}

#[test]
fn equal_seeds_give_equal_runs_and_others_others() {
    let first = run_seed(5);
    assert_eq!(first, run_seed(5));
    assert_ne!(first.trace_hash, run_seed(6).trace_hash);
}

#[test]
fn seeds_that_once_failed_pass() {
    for (seed, incident) in REGRESSIONS {
        let report = run_seed(*seed);
        assert_eq!(report.violations, [], "seed {seed}, which once showed: {incident}");
    }
}

#[test]
fn drawn_options_are_the_same_when_written_and_read() {
    for seed in 0..50 {
        let options = Options::draw(seed, None);
        let text = serde_json::to_string(&options).unwrap();
        assert_eq!(serde_json::from_str::<Options>(&text).unwrap(), options);
        assert!((2..=12).contains(&options.tabs.len()));
        let apps = options.tabs.iter().map(|tab| tab.app);
        assert_eq!(apps.collect::<std::collections::BTreeSet<_>>().len(), 2, "seed {seed}");
    }
}

#[test]
fn a_trace_replays_and_a_changed_one_does_not() {
    let (whole, changed) = (path("whole"), path("changed"));
    let report = run(&Options::draw(3, Some(3)), Some(&whole)).unwrap();
    let replayed = replay(&whole).unwrap();
    assert_eq!(replayed.inputs, report.inputs);
    assert!(replayed.sessions >= 3);

    let text = std::fs::read_to_string(&whole).unwrap();
    let at = text.rfind("\"outputs\":").unwrap() + "\"outputs\":".len();
    let mut file = std::fs::File::create(&changed).unwrap();
    write!(file, "{}1{}", &text[..at], text[at..].trim_start_matches(|c: char| c.is_ascii_digit()))
        .unwrap();
    drop(file);
    assert!(matches!(replay(&changed), Err(ReplayError::Differs { .. })));
    std::fs::remove_file(whole).unwrap();
    std::fs::remove_file(changed).unwrap();
}

#[test]
fn a_file_that_is_no_trace_is_refused() {
    let file = path("garbage");
    std::fs::write(&file, "{\"no\": \"trace\"}\n").unwrap();
    assert!(matches!(replay(&file), Err(ReplayError::Malformed { line: 1, .. })));
    std::fs::remove_file(&file).unwrap();
    assert!(matches!(replay(&file), Err(ReplayError::Io(_))));
}
