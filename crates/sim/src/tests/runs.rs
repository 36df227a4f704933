//! Whole runs: drawn from seeds, traced, replayed.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use super::run_seed;
use crate::options::Options;
use crate::seeds::REGRESSIONS;
use crate::trace::{ReplayError, replay};
use crate::world::run;

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

/// What a writer that was given away has written.
#[derive(Clone, Default)]
struct Written(Rc<RefCell<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_trace_replays_and_a_changed_one_does_not() {
    let written = Written::default();
    let report = run(&Options::draw(3, Some(3)), Some(Box::new(written.clone()))).unwrap();
    let whole = String::from_utf8(written.0.take()).unwrap();
    let replayed = replay(whole.as_bytes()).unwrap();
    assert_eq!(replayed.inputs, report.inputs);
    assert!(replayed.sessions >= 3);

    let at = whole.rfind("\"outputs\":").unwrap() + "\"outputs\":".len();
    let rest = whole[at..].trim_start_matches(|c: char| c.is_ascii_digit());
    let changed = format!("{}1{rest}", &whole[..at]);
    assert!(matches!(replay(changed.as_bytes()), Err(ReplayError::Differs { .. })));
}

#[test]
fn what_is_no_trace_is_refused() {
    let text: &[u8] = b"{\"no\": \"trace\"}\n";
    assert!(matches!(replay(text), Err(ReplayError::Malformed { line: 1, .. })));
    let text: &[u8] = b"\xff\n";
    assert!(matches!(replay(text), Err(ReplayError::Io(_))));
}
