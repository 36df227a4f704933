//! Short names between the WASM file and its glue. wasm-bindgen ends each of its hundred names with 16 random digits,
//! which no compression takes away: 3.4 of 120 kB after gzip (measured 2026-11-20).
//!
//! Binaryen gives imports and exports short names and tells which; here the glue is made to use them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The pass of wasm-opt; it prints what it did as JSON.
pub(crate) const PASS: &str = "--minify-imports-and-exports-and-modules";

/// What Binaryen calls the module of all imports.
const IMPORTS: &str = "\"a\": import0";

/// Makes the glue of `module` in `folder` use the names that wasm-opt said.
pub(crate) fn shorten(folder: &Path, module: &str, said: &str) -> Result<()> {
    let said: Value = serde_json::from_str(said).context("wasm-opt did not say the new names")?;
    let path = folder.join(format!("{module}.js"));
    let mut glue = fs::read_to_string(&path)?;
    glue = replaced(&glue, &format!("\"./{module}_bg.js\": import0"), IMPORTS)?;
    for [old, new] in pairs(&said["imports"])? {
        glue = replaced(
            &glue,
            &format!("        {old}: function"),
            &format!("        {new}: function"),
        )?;
    }
    let exports = pairs(&said["exports"])?;
    fs::write(&path, with_exports(&glue, &exports))?;
    // The type of the raw exports, of which nobody but the glue makes use.
    let path = folder.join(format!("{module}.d.ts"));
    let mut types = fs::read_to_string(&path)?;
    for [old, new] in &exports {
        types = types.replace(&format!("readonly {old}: "), &format!("readonly {new}: "));
    }
    fs::write(path, types)?;
    fs::remove_file(folder.join(format!("{module}_bg.wasm.d.ts")))?;
    Ok(())
}

/// The old and the new name of each: the last two of each list.
fn pairs(list: &Value) -> Result<Vec<[String; 2]>> {
    let names = |entry: &Value| {
        let texts: Vec<&str> = entry.as_array()?.iter().filter_map(Value::as_str).collect();
        let [.., old, new] = texts[..] else { return None };
        Some([old.to_owned(), new.to_owned()])
    };
    let list = list.as_array().context("wasm-opt said no list of names")?;
    list.iter().map(|entry| names(entry).context("wasm-opt said a name that is none")).collect()
}

/// Replaces what must be there exactly once: else wasm-bindgen writes its glue in another way now.
fn replaced(text: &str, old: &str, new: &str) -> Result<String> {
    if text.matches(old).count() != 1 {
        bail!("the glue does not have `{old}` exactly once: mend crates/xtask/src/names.rs");
    }
    Ok(text.replacen(old, new, 1))
}

/// Renames the properties of `wasm`, the object of all exports. One that is left out is missed at once: every test of
/// the package runs this glue.
fn with_exports(glue: &str, exports: &[[String; 2]]) -> String {
    const OBJECT: &str = "wasm.";
    let mut parts = glue.split(OBJECT);
    let mut renamed = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '$');
        let (name, rest) = part.split_at(end.unwrap_or(part.len()));
        let new = exports.iter().find(|[old, _]| old == name).map_or(name, |[_, new]| new);
        renamed.extend([OBJECT, new, rest]);
    }
    renamed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[[&str; 2]]) -> Vec<[String; 2]> {
        list.iter().map(|pair| pair.map(str::to_owned)).collect()
    }

    #[test]
    fn exports_are_renamed_by_whole_names() {
        let glue = "wasm.add(1); wasm.addAll(wasm.memory.buffer); other.add()";
        let exports = names(&[["add", "a"], ["memory", "b"]]);
        assert_eq!(
            with_exports(glue, &exports),
            "wasm.a(1); wasm.addAll(wasm.b.buffer); other.add()"
        );
    }

    #[test]
    fn what_is_missing_or_there_twice_is_an_error() {
        assert!(replaced("a b", "a", "c").is_ok());
        assert!(replaced("a a", "a", "c").is_err());
        assert!(replaced("b", "a", "c").is_err());
    }

    #[test]
    fn names_are_the_last_two_of_each_list() {
        let said = serde_json::json!([["module", "old", "new"], ["export", "x"]]);
        assert_eq!(pairs(&said).unwrap(), names(&[["old", "new"], ["export", "x"]]));
        assert!(pairs(&serde_json::json!([["one"]])).is_err());
    }
}
