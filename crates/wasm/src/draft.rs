//! A content that the SDK has stored and hands to the node.

use js_sys::Uint8Array;
use peerloom_core::io::{ContentDraft, ContentKey};
use peerloom_wire::ChunkId;
use wasm_bindgen::prelude::*;

use crate::js::property;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
export interface ContentDraft {
  name: string;
  mime: string;
  bytes: number;
  /** n × 32 bytes. */
  chunks: Uint8Array;
  key: Uint8Array | null;
}
"#;

#[wasm_bindgen]
extern "C" {
    /// A content that is stored and not yet signed.
    #[derive(Debug)]
    #[wasm_bindgen(typescript_type = "ContentDraft")]
    pub type Draft;
}

/// Reads a draft.
///
/// # Errors
/// Says what is missing or has the wrong form.
pub(crate) fn read_draft(draft: &Draft) -> Result<ContentDraft, &'static str> {
    let name = property(draft, "name").as_string().ok_or("a content has a name")?;
    let mime = property(draft, "mime").as_string().ok_or("a content has a type")?;
    let bytes = property(draft, "bytes").as_f64().filter(|bytes| *bytes >= 0.0);
    let hashes = property(draft, "chunks").dyn_into::<Uint8Array>().map(|array| array.to_vec());
    let hashes = hashes.map_err(|_| "the chunks are a byte array")?;
    let (chunks, []) = hashes.as_chunks::<32>() else {
        return Err("the hash of a chunk has 32 bytes");
    };
    let key = property(draft, "key");
    let key = if key.is_null() || key.is_undefined() {
        None
    } else {
        Some(ContentKey(array(&key).ok_or("a key has 32 bytes")?))
    };
    Ok(ContentDraft {
        name,
        mime,
        bytes: integer(bytes.ok_or("a content has a length")?),
        chunks: chunks.iter().copied().map(ChunkId).collect(),
        key,
    })
}

/// Returns 32 bytes, if `value` is an array of exactly that many.
#[must_use]
pub(crate) fn array(value: &JsValue) -> Option<[u8; 32]> {
    let bytes = value.dyn_ref::<Uint8Array>()?;
    bytes.to_vec().try_into().ok()
}

/// Returns a number of JavaScript as an integer, within what the type holds.
#[must_use]
pub fn integer<T: TryFrom<u64> + Default>(number: f64) -> T {
    // Such casts saturate, and turn what is no number into 0.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let integer = number as u64;
    T::try_from(integer).unwrap_or_default()
}
