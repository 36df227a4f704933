//! Rules for what the tree as a whole has to have.

use super::{Finding, Source};

/// What a newcomer looks for first.
const DOCUMENTS: [&str; 2] = ["README.md", "CHANGELOG.md"];

/// Each page on a protocol has these, in this order.
const PROTOCOL_HEADINGS: [&str; 5] =
    ["Purpose", "Messages", "States", "Limits", "Departures from the source"];

pub(super) fn has_its_documents(sources: &[Source]) -> Vec<Finding> {
    DOCUMENTS
        .iter()
        .filter(|document| !sources.iter().any(|source| source.path == **document))
        .map(|document| Finding {
            path: (*document).to_owned(),
            line: 0,
            message: "is missing".to_owned(),
        })
        .collect()
}

pub(super) fn protocol_pages_have_five_headings(sources: &[Source]) -> Vec<Finding> {
    let pages = sources
        .iter()
        .filter(|source| source.path.starts_with("docs/protocol/") && source.ending() == "md");
    pages
        .filter_map(|page| {
            let headings: Vec<&str> = page
                .text
                .lines()
                .filter_map(|line| line.strip_prefix("## "))
                .map(str::trim)
                .collect();
            let expected = PROTOCOL_HEADINGS.join(", ");
            (headings != PROTOCOL_HEADINGS)
                .then(|| page.finding(0, format!("its second-level headings are not: {expected}")))
        })
        .collect()
}

/// A lock file with addresses binds everyone to the registry, or the mirror, of whoever wrote it.
pub(super) fn lock_file_names_no_address(sources: &[Source]) -> Vec<Finding> {
    let lock_files = sources.iter().filter(|source| source.path == "package-lock.json");
    lock_files
        .flat_map(|lock| {
            lock.text.lines().enumerate().map(move |(index, line)| (lock, index + 1, line))
        })
        .filter(|(_, _, line)| line.trim_start().starts_with("\"resolved\": \"http"))
        .map(|(lock, number, _)| {
            lock.finding(number, "an address; run npm with the project's .npmrc")
        })
        .collect()
}

/// Links between our own documents; addresses of others need a network to be checked.
pub(super) fn links_lead_somewhere(sources: &[Source]) -> Vec<Finding> {
    let is_there = |path: &str| {
        let within = |source: &Source| {
            source.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'))
        };
        path.is_empty() || sources.iter().any(|source| source.path == path || within(source))
    };
    let documents = sources.iter().filter(|source| source.ending() == "md");
    let mut findings = Vec::new();
    for document in documents {
        for (index, line) in document.text.lines().enumerate() {
            for target in
                line.split("](").skip(1).filter_map(|rest| rest.split([')', '#', ' ']).next())
            {
                if !target.contains(':')
                    && !target.is_empty()
                    && !is_there(&resolved(&document.path, target))
                {
                    findings.push(document.finding(index + 1, format!("`{target}` leads nowhere")));
                }
            }
        }
    }
    findings
}

/// The path from the root of what a document calls `target`.
fn resolved(document: &str, target: &str) -> String {
    let mut path: Vec<&str> = document.split('/').collect();
    path.pop();
    for step in target.split('/') {
        match step {
            "" | "." => {}
            ".." => drop(path.pop()),
            name => path.push(name),
        }
    }
    path.join("/")
}

#[cfg(test)]
mod tests {
    use super::super::{lines, source};
    use super::*;

    #[test]
    fn a_missing_document_is_found() {
        let findings = has_its_documents(&[source("README.md", "")]);
        assert_eq!(findings.iter().map(|f| f.path.as_str()).collect::<Vec<_>>(), ["CHANGELOG.md"]);
    }

    #[test]
    fn a_protocol_page_without_its_headings_is_found() {
        let good = "# Link\n## Purpose\n## Messages\n### Offer\n## States\n## Limits\n## Departures from the source\n";
        let check =
            |text| lines(&protocol_pages_have_five_headings(&[source("docs/protocol/a.md", text)]));
        assert!(check(good).is_empty());
        assert_eq!(check("# Link\n## Purpose\n"), [0]);
    }

    #[test]
    fn an_address_in_the_lock_file_is_found() {
        let text = "{\n  \"resolved\": \"https://example.org/a.tgz\",\n  \"integrity\": \"x\"\n}\n";
        assert_eq!(lines(&lock_file_names_no_address(&[source("package-lock.json", text)])), [2]);
    }

    #[test]
    fn a_link_between_documents_that_leads_nowhere_is_found() {
        let text = "[a](protocol/link.md#states) [b](../README.md)\n![c](two-tabs.png) [d](https://example.org/x)\n[e](protocol) [f](#here) [g](gone.md)\n";
        let sources = [
            source("docs/index.md", text),
            source("docs/protocol/link.md", ""),
            source("README.md", ""),
        ];
        assert_eq!(lines(&links_lead_somewhere(&sources)), [2, 3]);
    }
}
