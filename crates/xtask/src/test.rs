//! `cargo xtask test`: runs the suites, says how long each took, and ends with a count.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::json;

use crate::suites::{SUITES, Suite};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The suites to run [default: all]
    suites: Vec<String>,
    /// Name the suites and run none
    #[arg(long)]
    list: bool,
    /// Print the result as one JSON object on the last line
    #[arg(long)]
    json: bool,
}

struct Outcome {
    suite: &'static Suite,
    took: Duration,
    error: Option<anyhow::Error>,
}

pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    if options.list {
        for suite in &SUITES {
            println!("{:<8} {}", suite.name, suite.about);
        }
        return Ok(());
    }
    let mut outcomes = Vec::new();
    for suite in chosen(&options.suites)? {
        println!("=== {}: {}", suite.name, suite.about);
        let begun = Instant::now();
        let error = (suite.run)(root).err();
        let took = begun.elapsed();
        match &error {
            Some(error) => println!("=== {} failed after {took:.1?}: {error:#}\n", suite.name),
            None => println!("=== {} passed in {took:.1?}\n", suite.name),
        }
        outcomes.push(Outcome { suite, took, error });
    }
    report(&outcomes, options.json);
    if outcomes.iter().any(|outcome| outcome.error.is_some()) {
        // The report is the last thing to be read, so no error may be printed after it.
        std::process::exit(1);
    }
    Ok(())
}

/// Returns the named suites in the order in which they always run, or all.
fn chosen(names: &[String]) -> Result<Vec<&'static Suite>> {
    for name in names {
        if !SUITES.iter().any(|suite| suite.name == name) {
            let known: Vec<&str> = SUITES.iter().map(|suite| suite.name).collect();
            bail!("there is no suite `{name}`; there are: {}", known.join(", "));
        }
    }
    let is_chosen =
        |suite: &&Suite| names.is_empty() || names.iter().any(|name| name == suite.name);
    Ok(SUITES.iter().filter(is_chosen).collect())
}

fn report(outcomes: &[Outcome], as_json: bool) {
    let failed = outcomes.iter().filter(|outcome| outcome.error.is_some()).count();
    let passed = outcomes.len() - failed;
    for outcome in outcomes {
        let verdict = if outcome.error.is_some() { "FAILED" } else { "passed" };
        println!("{:<8} {verdict} {:>7.1} s", outcome.suite.name, outcome.took.as_secs_f64());
    }
    for outcome in outcomes {
        if let Some(error) = &outcome.error {
            println!("{}: {error:#}", outcome.suite.name);
        }
    }
    if !as_json {
        println!("{passed} passed, {failed} failed");
        return;
    }
    let suites: Vec<_> = outcomes
        .iter()
        .map(|outcome| {
            json!({
                "name": outcome.suite.name,
                "seconds": outcome.took.as_secs_f64(),
                "error": outcome.error.as_ref().map(|error| format!("{error:#}")),
            })
        })
        .collect();
    println!("{}", json!({ "passed": passed, "failed": failed, "suites": suites }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_run_in_their_own_order_whatever_order_they_are_named_in() {
        let names = |suites: Vec<&Suite>| suites.iter().map(|suite| suite.name).collect::<Vec<_>>();
        let asked = ["tidy".to_owned(), "fmt".to_owned()];
        assert_eq!(names(chosen(&asked).unwrap()), ["fmt", "tidy"]);
        assert_eq!(names(chosen(&[]).unwrap()).len(), SUITES.len());
        assert!(chosen(&["nonsense".to_owned()]).is_err());
    }
}
