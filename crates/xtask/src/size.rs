//! `cargo xtask size`: what a page has to load, raw and compressed, held to a budget.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};
use brotli::CompressorWriter;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::build;

/// What WASM, glue and SDK together may have after gzip: decision 7 says what for, and that the next
/// raise needs a record too.
const CORE_GZIP_BYTES_MAX: usize = 190_000;

/// What browsers and servers use by default for files that were compressed beforehand.
const BROTLI_QUALITY: u32 = 11;
const BROTLI_WINDOW_BITS: u32 = 22;

/// The parts of the package as a page loads them; the first [`CORE_PARTS`] are what every application pays for.
const PARTS: [(&str, Part); 5] = [
    ("WASM core", Part::File("peerloom_bg.wasm")),
    ("SDK and glue", Part::Entry("index.js")),
    ("store worker", Part::Entry("store-worker.js")),
    ("ui", Part::Entry("ui.js")),
    ("testing", Part::Beside("testing.js", "peerloom_testing_bg.wasm")),
];

/// How many of [`PARTS`] the budget covers.
const CORE_PARTS: usize = 2;

enum Part {
    File(&'static str),
    /// A module with all that it imports.
    Entry(&'static str),
    /// A module with what it imports besides the SDK, and a WASM file.
    Beside(&'static str, &'static str),
}

/// The size of one part, in bytes.
pub(crate) struct Figure {
    name: &'static str,
    raw_bytes: usize,
    gzip_bytes: usize,
    brotli_bytes: usize,
}

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Print the figures as one JSON object on the last line
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    build::release_package(root)?;
    let figures = measure(root)?;
    print_table(&figures);
    if options.json {
        println!("{}", as_json(&figures));
    }
    within_budget(&figures)
}

/// Fails if the figures exceed the budget.
pub(crate) fn within_budget(figures: &[Figure]) -> Result<()> {
    let bytes = core_gzip_bytes(figures);
    if bytes > CORE_GZIP_BYTES_MAX {
        bail!(
            "WASM, glue and SDK have {bytes} bytes after gzip; the budget is {CORE_GZIP_BYTES_MAX}"
        );
    }
    Ok(())
}

/// Measures the package in `dist/peerloom`.
pub(crate) fn measure(root: &Path) -> Result<Vec<Figure>> {
    let folder = root.join("dist/peerloom");
    let bundle = fs::read(root.join("dist/peerloom.bundle.json"))
        .context("dist/peerloom.bundle.json is missing: web/build.mjs writes it")?;
    let bundle: Value = serde_json::from_slice(&bundle)?;
    let mut figures = Vec::new();
    for (name, part) in PARTS {
        let files = match part {
            Part::File(file) => vec![file.to_owned()],
            Part::Entry(file) => imported_by(&bundle, file)?,
            Part::Beside(file, wasm) => {
                let sdk = imported_by(&bundle, "index.js")?;
                let own = imported_by(&bundle, file)?.into_iter();
                own.filter(|file| !sdk.contains(file)).chain([wasm.to_owned()]).collect()
            }
        };
        let mut figure = Figure { name, raw_bytes: 0, gzip_bytes: 0, brotli_bytes: 0 };
        for file in files {
            // Each on its own, since each is a response of its own.
            let content =
                fs::read(folder.join(&file)).with_context(|| format!("{file} is missing"))?;
            figure.raw_bytes += content.len();
            figure.gzip_bytes += gzip_bytes(&content)?;
            figure.brotli_bytes += brotli_bytes(&content)?;
        }
        figures.push(figure);
    }
    Ok(figures)
}

pub(crate) fn as_json(figures: &[Figure]) -> Value {
    let parts: Vec<Value> = figures
        .iter()
        .map(|figure| {
            json!({
                "name": figure.name,
                "rawBytes": figure.raw_bytes,
                "gzipBytes": figure.gzip_bytes,
                "brotliBytes": figure.brotli_bytes,
            })
        })
        .collect();
    json!({
        "parts": parts,
        "coreGzipBytes": core_gzip_bytes(figures),
        "coreGzipBytesMax": CORE_GZIP_BYTES_MAX,
    })
}

pub(crate) fn print_table(figures: &[Figure]) {
    println!("{:<14} {:>10} {:>10} {:>10}", "kB", "raw", "gzip", "brotli");
    for figure in figures {
        let [raw, gzip, brotli] =
            [figure.raw_bytes, figure.gzip_bytes, figure.brotli_bytes].map(kilobytes);
        println!("{:<14} {raw:>10} {gzip:>10} {brotli:>10}", figure.name);
    }
    println!(
        "WASM, glue and SDK: {} kB gzip of {} kB allowed",
        kilobytes(core_gzip_bytes(figures)),
        kilobytes(CORE_GZIP_BYTES_MAX)
    );
}

fn core_gzip_bytes(figures: &[Figure]) -> usize {
    figures.iter().take(CORE_PARTS).map(|figure| figure.gzip_bytes).sum()
}

fn kilobytes(bytes: usize) -> String {
    format!("{}.{}", bytes / 1000, bytes % 1000 / 100)
}

/// Returns a module and all that is loaded with it, by what the bundler wrote about its outputs. What is imported on
/// demand is not: the store's engine comes into the page only where there are no workers.
fn imported_by(bundle: &Value, entry: &str) -> Result<Vec<String>> {
    let mut files = vec![entry.to_owned()];
    let mut next = 0;
    while let Some(file) = files.get(next) {
        let output = bundle.get("outputs").and_then(|outputs| outputs.get(file));
        let imports = output
            .and_then(|output| output.get("imports"))
            .and_then(Value::as_array)
            .with_context(|| format!("the bundle has no {file}"))?;
        let is_static =
            |import: &&Value| import.get("kind").and_then(Value::as_str) != Some("dynamic-import");
        for import in imports.iter().filter(is_static) {
            let path = import.get("path").and_then(Value::as_str).unwrap_or_default().to_owned();
            if !files.contains(&path) {
                files.push(path);
            }
        }
        next += 1;
    }
    Ok(files)
}

fn gzip_bytes(content: &[u8]) -> Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    Ok(encoder.finish()?.len())
}

fn brotli_bytes(content: &[u8]) -> Result<usize> {
    let mut compressed = Vec::new();
    let mut encoder = CompressorWriter::new(
        &mut compressed,
        content.len().max(1),
        BROTLI_QUALITY,
        BROTLI_WINDOW_BITS,
    );
    encoder.write_all(content)?;
    drop(encoder);
    Ok(compressed.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_counts_what_is_loaded_with_it_once() {
        let bundle = json!({ "outputs": {
            "index.js": { "imports": [{ "path": "a.js" }, { "path": "b.js" }] },
            "a.js": { "imports": [
                { "path": "b.js", "kind": "import-statement" },
                { "path": "late.js", "kind": "dynamic-import" },
            ] },
            "late.js": { "imports": [] },
            "b.js": { "imports": [] },
            "ui.js": { "imports": [] },
        }});
        assert_eq!(imported_by(&bundle, "index.js").unwrap(), ["index.js", "a.js", "b.js"]);
        assert!(imported_by(&bundle, "missing.js").is_err());
    }

    #[test]
    fn the_budget_covers_the_core_and_not_the_ui() {
        let figure = |name, gzip_bytes| Figure { name, raw_bytes: 0, gzip_bytes, brotli_bytes: 0 };
        let figures =
            |wasm, sdk| [figure("WASM core", wasm), figure("SDK", sdk), figure("ui", 1_000_000)];
        let wasm_bytes = CORE_GZIP_BYTES_MAX - 20_000;
        assert!(within_budget(&figures(wasm_bytes, 20_000)).is_ok());
        assert!(within_budget(&figures(wasm_bytes, 20_001)).is_err());
    }
}
