//! Rules for the text of any file.

use super::{Finding, Source, has_word};

/// STYLE: 150 to 400 lines are wanted, 500 is a smell, 800 fails the build.
const LINES_MAX: usize = 800;

/// The rules' own files, which have to spell out what they forbid.
const RULES: &str = "crates/xtask/src/tidy/";

/// Words that say that something is unfinished.
const UNFINISHED_WORDS: [&str; 3] = ["TODO", "FIXME", "XXX"];

/// Code that shall not outlive the hour in which it helped.
const LEFTOVERS: [&str; 8] = [
    "dbg!(",
    "todo!(",
    "unimplemented!(",
    "#[ignore",
    "test.skip",
    "test.only",
    "test.fixme",
    "describe.only",
];

/// Where home folders and checkouts lie on some machine.
const MACHINE_PATHS: [&str; 3] = ["/work/", "/root/", "/home/"];

/// Ways to turn a text, which may be a stranger's, into markup.
const MARKUP_SINKS: [&str; 5] =
    ["innerHTML", "outerHTML", "insertAdjacentHTML", "unsafeHTML", "document.write"];

pub(super) fn is_short_enough(source: &Source) -> Vec<Finding> {
    let count = source.text.lines().count();
    if !matches!(source.ending(), "rs" | "ts" | "mjs" | "js" | "css") || count <= LINES_MAX {
        return Vec::new();
    }
    vec![source.finding(count, format!("{count} lines; split what has more than {LINES_MAX}"))]
}

pub(super) fn has_no_leftovers(source: &Source) -> Vec<Finding> {
    if is_exempt(source) {
        return Vec::new();
    }
    each_line(source, |line| {
        let word = UNFINISHED_WORDS.iter().find(|word| has_word(line, word));
        let leftover = word.or_else(|| LEFTOVERS.iter().find(|code| line.contains(**code)))?;
        Some(format!("`{leftover}` is a leftover"))
    })
}

pub(super) fn has_clean_lines(source: &Source) -> Vec<Finding> {
    let mut findings = each_line(source, |line| {
        if line.ends_with([' ', '\t', '\r']) {
            return Some("white space at the end of the line".to_owned());
        }
        let indents_by_tab = line.starts_with('\t') && source.ending() != "lock";
        indents_by_tab.then(|| "a tab; indent by spaces".to_owned())
    });
    if !source.text.is_empty() && !source.text.ends_with('\n') {
        findings.push(
            source.finding(source.text.lines().count(), "no line end at the end of the file"),
        );
    }
    findings
}

pub(super) fn names_no_machine(source: &Source) -> Vec<Finding> {
    if is_exempt(source) {
        return Vec::new();
    }
    each_line(source, |line| {
        let path = MACHINE_PATHS.iter().find(|path| begins_a_path(line, path))?;
        Some(format!("`{path}` exists on one machine only"))
    })
}

pub(super) fn sets_no_html(source: &Source) -> Vec<Finding> {
    if !source.path.starts_with("web/") {
        return Vec::new();
    }
    each_line(source, |line| {
        let sink = MARKUP_SINKS.iter().find(|sink| line.contains(**sink))?;
        Some(format!("`{sink}` runs what a peer wrote; set text instead"))
    })
}

pub(super) fn exports_by_name(source: &Source) -> Vec<Finding> {
    if !source.path.starts_with("web/") || source.ending() != "ts" {
        return Vec::new();
    }
    each_line(source, |line| {
        line.starts_with("export default").then(|| "a default export; give it a name".to_owned())
    })
}

/// Files that list what the rules forbid, or that a tool writes.
fn is_exempt(source: &Source) -> bool {
    source.path.starts_with(RULES)
        || source.ending() == "lock"
        || source.path == "package-lock.json"
}

/// Says whether a path occurs from its root on, rather than within a longer one or an address.
fn begins_a_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        !before.is_some_and(|before| before.is_alphanumeric() || "._-*/}".contains(before))
    })
}

fn each_line(source: &Source, check: impl Fn(&str) -> Option<String>) -> Vec<Finding> {
    let numbered = source.text.split('\n').enumerate();
    numbered
        .filter_map(|(index, line)| check(line).map(|message| source.finding(index + 1, message)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::{lines, source};
    use super::*;

    #[test]
    fn a_file_beyond_800_lines_is_found() {
        assert!(is_short_enough(&source("a.rs", &"a\n".repeat(800))).is_empty());
        assert_eq!(lines(&is_short_enough(&source("a.rs", &"a\n".repeat(801)))), [801]);
        assert!(is_short_enough(&source("a.json", &"a\n".repeat(801))).is_empty());
    }

    #[test]
    fn leftovers_are_found() {
        let text = "// TODO later\nTODOS\ndbg!(a)\n#[ignore]\ntest.skip('x')\nfn a() {}\n";
        assert_eq!(lines(&has_no_leftovers(&source("a.rs", text))), [1, 3, 4, 5]);
    }

    #[test]
    fn unclean_lines_are_found() {
        assert_eq!(lines(&has_clean_lines(&source("a.md", "a \nb\n\tc\nd\r\n"))), [1, 3, 4]);
        assert_eq!(lines(&has_clean_lines(&source("a.md", "a\nb"))), [2]);
        assert!(has_clean_lines(&source("a.md", "")).is_empty());
    }

    #[test]
    fn a_path_of_one_machine_is_found() {
        let text = "read(\"/home/me/a\")\nhttps://example.org/work/a\n../root/b\n/work/main\n";
        assert_eq!(lines(&names_no_machine(&source("a.ts", text))), [1, 4]);
    }

    #[test]
    fn a_sink_for_markup_is_found_in_the_web_only() {
        let text = "a.textContent = b;\na.innerHTML = b;\n";
        assert_eq!(lines(&sets_no_html(&source("web/ui/a.ts", text))), [2]);
        assert!(sets_no_html(&source("docs/security.md", text)).is_empty());
    }

    #[test]
    fn a_default_export_is_found() {
        assert_eq!(lines(&exports_by_name(&source("web/a.ts", "export default 1;\n"))), [1]);
        assert!(exports_by_name(&source("vite.config.ts", "export default 1;\n")).is_empty());
    }
}
