//! `cargo xtask tidy`: the rules of the house that neither the compiler nor Clippy knows.
//!
//! A rule is a function from sources to findings, listed in [`FILE_RULES`] or [`TREE_RULES`], with a test that shows it
//! firing. It reads lines, not syntax: a rule that needs more belongs into a lint.

mod crates;
mod text;
mod tree;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::shell::{command, output};

type FileRule = fn(&Source) -> Vec<Finding>;
type TreeRule = fn(&[Source]) -> Vec<Finding>;

/// Rules that look at one file at a time.
const FILE_RULES: &[FileRule] = &[
    text::is_short_enough,
    text::has_no_leftovers,
    text::has_clean_lines,
    text::names_no_machine,
    text::sets_no_html,
    text::exports_by_name,
    crates::core_is_deterministic,
    crates::protocols_stay_apart,
    crates::web_sys_stays_in_wasm,
    crates::tokio_stays_in_server,
    crates::hub_knows_no_runtime,
];

/// Rules that look at the whole tree.
const TREE_RULES: &[TreeRule] = &[
    crates::dependencies_point_one_way,
    tree::has_its_documents,
    tree::protocol_pages_have_five_headings,
    tree::lock_file_names_no_address,
    tree::links_lead_somewhere,
];

/// Endings of the files that rules read; the others are pictures and the like.
const TEXT_ENDINGS: &[&str] = &[
    "rs",
    "toml",
    "ts",
    "mjs",
    "js",
    "json",
    "css",
    "html",
    "md",
    "yml",
    "yaml",
    "sh",
    "lock",
    "run",
    "npmrc",
    "gitignore",
];

/// A file of the project.
pub(crate) struct Source {
    /// Relative to the workspace root, with forward slashes.
    path: String,
    /// Empty if the file is not text.
    text: String,
}

impl Source {
    /// The part of the name after its last dot or slash, so that `.ci/run` ends in `run`.
    fn ending(&self) -> &str {
        ending(&self.path)
    }

    fn finding(&self, line: usize, message: impl Into<String>) -> Finding {
        Finding { path: self.path.clone(), line, message: message.into() }
    }
}

/// Something that breaks a rule. Lines count from 1; 0 is the file as a whole.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    message: String,
}

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Print the findings as one JSON object on the last line
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let sources = read_sources(root)?;
    let findings = check(&sources);
    if options.json {
        let list: Vec<_> = findings
            .iter()
            .map(|finding| json!({ "path": finding.path, "line": finding.line, "message": finding.message }))
            .collect();
        println!("{}", json!({ "files": sources.len(), "findings": list }));
    } else {
        print(&findings);
        println!("{} files, {} findings", sources.len(), findings.len());
    }
    if findings.is_empty() { Ok(()) } else { bail!("the tree is not tidy") }
}

/// The same as a test suite.
pub(crate) fn check_all(root: &Path) -> Result<()> {
    let findings = check(&read_sources(root)?);
    print(&findings);
    if findings.is_empty() { Ok(()) } else { bail!("{} findings", findings.len()) }
}

fn print(findings: &[Finding]) {
    for Finding { path, line, message } in findings {
        println!("{path}:{line}: {message}");
    }
}

fn check(sources: &[Source]) -> Vec<Finding> {
    let by_file = sources.iter().flat_map(|source| FILE_RULES.iter().flat_map(|rule| rule(source)));
    let by_tree = TREE_RULES.iter().flat_map(|rule| rule(sources));
    let mut findings: Vec<Finding> = by_file.chain(by_tree).collect();
    findings.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    findings
}

/// Reads what git has or would add, so that what is built is never looked at.
fn read_sources(root: &Path) -> Result<Vec<Source>> {
    let listing = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"];
    let listing = output(&mut command(root, "git", listing)).context(
        "tidy reads the list of files from git, which is missing or knows no checkout here",
    )?;
    let mut sources = Vec::new();
    for path in listing.split('\0').filter(|path| !path.is_empty()) {
        // A file that was deleted but not yet committed is still listed.
        let Ok(bytes) = fs::read(root.join(path)) else { continue };
        let is_text = TEXT_ENDINGS.contains(&ending(path));
        let text =
            if is_text { String::from_utf8_lossy(&bytes).into_owned() } else { String::new() };
        sources.push(Source { path: path.to_owned(), text });
    }
    Ok(sources)
}

fn ending(path: &str) -> &str {
    path.rsplit(['.', '/']).next().unwrap_or(path)
}

/// Says whether a text has a word, not as a part of another one.
fn has_word(text: &str, word: &str) -> bool {
    let is_part = |character: char| character.is_alphanumeric() || character == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|after| after.chars().next());
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

/// A source for a rule's test.
#[cfg(test)]
fn source(path: &str, text: &str) -> Source {
    Source { path: path.to_owned(), text: text.to_owned() }
}

/// The lines in which a rule finds something.
#[cfg(test)]
fn lines(findings: &[Finding]) -> Vec<usize> {
    findings.iter().map(|finding| finding.line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_not_found_within_another() {
        assert!(has_word("let a: f32 = 1", "f32"));
        assert!(!has_word("read_f32()", "f32"));
        assert!(!has_word("asynchronous", "async"));
        assert!(has_word("async", "async"));
    }

    #[test]
    fn findings_come_in_the_order_in_which_a_person_reads() {
        let sources = [
            source("README.md", "a \nb \n"),
            source("CHANGELOG.md", "a\n"),
            source("A.md", "a \n"),
        ];
        let found: Vec<_> = check(&sources).into_iter().map(|f| (f.path, f.line)).collect();
        let expected = [("A.md", 1), ("README.md", 1), ("README.md", 2)];
        assert_eq!(found, expected.map(|(path, line)| (path.to_owned(), line)));
    }
}
