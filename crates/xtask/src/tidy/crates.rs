//! Rules for the crates: who may depend on whom, and what the core knows nothing about.

use super::{Finding, Source, has_word};

/// Which of our crates each may depend on: `crypto ← wire ← core ← {sim, wasm} ← testing`, `doc ← core`, `wire ← server ←
/// sim`.
const DEPENDENCIES: [(&str, &[&str]); 9] = [
    ("crypto", &[]),
    ("wire", &["crypto"]),
    ("doc", &[]),
    ("core", &["crypto", "wire", "doc"]),
    ("server", &["crypto", "wire"]),
    ("sim", &["crypto", "wire", "doc", "core", "server"]),
    ("wasm", &["crypto", "wire", "doc", "core"]),
    ("testing", &["wire", "core", "sim", "wasm"]),
    ("xtask", &[]),
];

/// Crates of others that only one of ours may use.
const CONFINED: [(&str, &str); 3] = [("web-sys", "wasm"), ("tokio", "server"), ("axum", "server")];

/// The protocols in the core: each a module of its own, wired only by `node`.
const PROTOCOLS: [&str; 12] = [
    "link",
    "discovery",
    "registry",
    "pex",
    "gossip",
    "routing",
    "topology",
    "content",
    "replication",
    "messaging",
    "document",
    "trust",
];

/// What of the server is a state machine, which the simulator runs too.
const HUB: [&str; 2] = ["crates/server/src/hub/", "crates/server/src/lib.rs"];

/// What would make two runs of the core or the hub with equal inputs differ, or does not exist in a browser.
const NOT_IN_CORE: [(&str, &str); 13] = [
    ("HashMap", "iterates in a random order; use BTreeMap"),
    ("HashSet", "iterates in a random order; use BTreeSet"),
    ("std::time", "has a clock; time is an argument, and a span is core::time::Duration"),
    ("async", "has no place in a state machine"),
    ("f32", "rounds; decide by integers"),
    ("f64", "rounds; decide by integers"),
    ("thread_local", "is a global"),
    ("static mut", "is a global"),
    ("OnceLock", "is a global"),
    ("LazyLock", "is a global"),
    ("std::thread", "does not exist in a tab"),
    ("std::fs", "is IO"),
    ("std::net", "is IO"),
];

pub(super) fn dependencies_point_one_way(sources: &[Source]) -> Vec<Finding> {
    sources.iter().flat_map(dependencies_of_one).collect()
}

fn dependencies_of_one(source: &Source) -> Vec<Finding> {
    let Some(name) = crate_of(&source.path).filter(|_| source.path.ends_with("/Cargo.toml")) else {
        return Vec::new();
    };
    let Some((_, allowed)) = DEPENDENCIES.iter().find(|(ours, _)| *ours == name) else {
        return vec![
            source.finding(0, format!("crate {name} is not in tidy's table of dependencies")),
        ];
    };
    let mut findings = Vec::new();
    let mut among_dependencies = false;
    for (index, line) in source.text.lines().enumerate() {
        if line.starts_with('[') {
            // Also `[target.'…'.dependencies]`, `[dev-dependencies]` and `[dependencies.name]`.
            among_dependencies = line.contains("dependencies");
        }
        let key = line.split(['.', ' ', '=']).next().unwrap_or_default();
        let key =
            line.strip_prefix("[dependencies.").map_or(key, |rest| rest.trim_end_matches(']'));
        if !among_dependencies || key.is_empty() {
            continue;
        }
        let ours = key.strip_prefix("peerloom-").or_else(|| (key == "peerloom").then_some("wasm"));
        if let Some(ours) = ours.filter(|ours| !allowed.contains(ours)) {
            findings.push(source.finding(index + 1, format!("{name} may not depend on {ours}")));
        }
        if let Some((_, home)) =
            CONFINED.iter().find(|(theirs, home)| *theirs == key && *home != name)
        {
            findings.push(source.finding(index + 1, format!("only {home} may depend on {key}")));
        }
    }
    findings
}

pub(super) fn core_is_deterministic(source: &Source) -> Vec<Finding> {
    if crate_of(&source.path) != Some("core") && !is_of_hub(source) {
        return Vec::new();
    }
    code_lines(source)
        .filter_map(|(number, code)| {
            let (word, why) = NOT_IN_CORE.iter().find(|(word, _)| has_word(code, word))?;
            Some(source.finding(number, format!("`{word}` in a state machine: it {why}")))
        })
        .collect()
}

pub(super) fn protocols_stay_apart(source: &Source) -> Vec<Finding> {
    let Some(own) = protocol_of(&source.path) else {
        return Vec::new();
    };
    let others = PROTOCOLS.iter().filter(|protocol| **protocol != own);
    let others: Vec<&str> = others.copied().collect();
    let mut findings = Vec::new();
    // Whether an earlier line opened `use crate::{` and none has closed it.
    let mut in_group = false;
    for (number, code) in code_lines(source) {
        let opened = code.find("crate::{");
        let within = match opened {
            Some(at) => code.get(at + "crate::{".len()..).unwrap_or_default(),
            None if in_group => code,
            None => "",
        };
        let used = others.iter().find(|other| {
            let begins = |item: &str| item.trim().split("::").next() == Some(**other);
            has_word(code, &format!("crate::{other}")) || within.split([',', '}']).any(begins)
        });
        if let Some(other) = used {
            findings
                .push(source.finding(number, format!("{own} uses {other}; only node knows both")));
        }
        in_group = (in_group || opened.is_some()) && !code.contains(';');
    }
    findings
}

pub(super) fn web_sys_stays_in_wasm(source: &Source) -> Vec<Finding> {
    confined(source, "web_sys", "wasm")
}

pub(super) fn tokio_stays_in_server(source: &Source) -> Vec<Finding> {
    confined(source, "tokio", "server")
}

/// The program around the hub is a feature, which the simulator does without.
pub(super) fn hub_knows_no_runtime(source: &Source) -> Vec<Finding> {
    if !is_of_hub(source) {
        return Vec::new();
    }
    code_lines(source)
        .filter(|(_, code)| ["tokio", "axum"].iter().any(|runtime| has_word(code, runtime)))
        .map(|(number, _)| source.finding(number, "the hub has no runtime; it belongs into serve/"))
        .collect()
}

fn is_of_hub(source: &Source) -> bool {
    HUB.iter().any(|path| source.path.starts_with(path))
}

fn confined(source: &Source, module: &str, home: &str) -> Vec<Finding> {
    let is_elsewhere = crate_of(&source.path).is_some_and(|name| name != home && name != "xtask");
    if !is_elsewhere || source.ending() != "rs" {
        return Vec::new();
    }
    code_lines(source)
        .filter(|(_, code)| has_word(code, module))
        .map(|(number, _)| {
            source.finding(number, format!("`{module}` belongs into crates/{home} only"))
        })
        .collect()
}

/// The folder of a crate's file: `core` for `crates/core/src/lib.rs`.
fn crate_of(path: &str) -> Option<&str> {
    path.strip_prefix("crates/")?.split('/').next()
}

/// The protocol that a file of the core belongs to, be it `link.rs` or in `link/`.
fn protocol_of(path: &str) -> Option<&'static str> {
    let path = path.strip_prefix("crates/core/src/")?;
    let module = path.split(['/', '.']).next()?;
    PROTOCOLS.iter().find(|protocol| **protocol == module).copied()
}

/// The lines of Rust that are compiled into the library, with their numbers: no comments, and no tests, which the house
/// puts at the end of a file or into `tests.rs`.
fn code_lines(source: &Source) -> impl Iterator<Item = (usize, &str)> {
    let is_test = source.path.ends_with("tests.rs") || source.path.contains("/tests/");
    let is_code = source.ending() == "rs" && !is_test;
    let lines = source.text.lines().enumerate().take_while(move |_| is_code);
    // `#[cfg(test)] mod tests;` at the top declares a file and ends nothing.
    let mut after_test_attribute = false;
    lines.map(|(index, line)| (index + 1, line.split("//").next().unwrap_or_default())).take_while(
        move |(_, code)| {
            let opens_tests = after_test_attribute
                && code.trim_start().starts_with("mod ")
                && code.ends_with('{');
            after_test_attribute = code.trim_start().starts_with("#[cfg(test)]");
            !opens_tests
        },
    )
}

#[cfg(test)]
mod tests {
    use super::super::{lines, source};
    use super::*;

    #[test]
    fn a_dependency_against_the_stream_is_found() {
        let text = "[package]\nname = \"peerloom-wire\"\n[dependencies]\npeerloom-core.workspace = true\npeerloom-crypto.workspace = true\n";
        let wire = [source("crates/wire/Cargo.toml", text)];
        assert_eq!(lines(&dependencies_point_one_way(&wire)), [4]);
        let text =
            "[dev-dependencies]\npeerloom = { path = \"../wasm\" }\n[dependencies.peerloom-sim]\n";
        let core = [source("crates/core/Cargo.toml", text)];
        assert_eq!(lines(&dependencies_point_one_way(&core)), [2, 3]);
    }

    #[test]
    fn a_confined_dependency_is_found_elsewhere() {
        let text = "[dependencies]\ntokio = \"1\"\nweb-sys.workspace = true\n";
        let at = |path| lines(&dependencies_point_one_way(&[source(path, text)]));
        assert_eq!(at("crates/core/Cargo.toml"), [2, 3]);
        assert_eq!(at("crates/server/Cargo.toml"), [3]);
        assert_eq!(at("crates/wasm/Cargo.toml"), [2]);
    }

    #[test]
    fn a_crate_that_nobody_placed_is_found() {
        assert_eq!(lines(&dependencies_point_one_way(&[source("crates/new/Cargo.toml", "")])), [0]);
    }

    #[test]
    fn what_differs_between_runs_is_found_in_the_core() {
        let text = "use std::collections::HashMap;\n// async in a comment\nlet a = 1.0_f64 as f32;\nasync fn a() {}\n\n#[cfg(test)]\nmod tests {\n    use std::time::Instant;\n}\n";
        let found = |path| lines(&core_is_deterministic(&source(path, text)));
        assert_eq!(found("crates/core/src/link/mod.rs"), [1, 3, 4]);
        assert_eq!(found("crates/server/src/hub/room.rs"), [1, 3, 4]);
        assert!(found("crates/server/src/serve/mod.rs").is_empty());
        assert!(found("crates/core/src/link/tests.rs").is_empty());
        assert!(found("crates/sim/src/lib.rs").is_empty());
    }

    #[test]
    fn a_declaration_of_tests_at_the_top_does_not_hide_what_follows() {
        let text = "#[cfg(test)]\nmod tests;\nasync fn a() {}\n";
        assert_eq!(lines(&core_is_deterministic(&source("crates/core/src/node.rs", text))), [3]);
    }

    #[test]
    fn a_protocol_that_uses_another_is_found() {
        let text = "use crate::link::Effect;\nuse crate::content::Id;\nuse crate::{\n    time::Now, trust,\n    types::link,\n};\nuse crate::{bug, gossip::Message};\n";
        let found = |path| lines(&protocols_stay_apart(&source(path, text)));
        assert_eq!(found("crates/core/src/content/mod.rs"), [1, 4, 7]);
        assert!(found("crates/core/src/node/mod.rs").is_empty());
    }

    #[test]
    fn the_browser_and_the_runtime_are_found_outside_their_crates() {
        let text = "use web_sys::Window;\nuse tokio::net;\n";
        let web_sys = |path| lines(&web_sys_stays_in_wasm(&source(path, text)));
        let tokio = |path| lines(&tokio_stays_in_server(&source(path, text)));
        assert_eq!(
            (web_sys("crates/core/src/a.rs"), tokio("crates/core/src/a.rs")),
            (vec![1], vec![2])
        );
        assert!(web_sys("crates/wasm/src/a.rs").is_empty());
        assert!(tokio("crates/server/src/a.rs").is_empty());
        let runtime = |path| lines(&hub_knows_no_runtime(&source(path, text)));
        assert_eq!(runtime("crates/server/src/hub/mod.rs"), [2]);
        assert!(runtime("crates/server/src/serve/mod.rs").is_empty());
    }
}
