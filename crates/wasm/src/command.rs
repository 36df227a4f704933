//! What the SDK calls, as commands to a node: for the driver, and for a simulated one.

use alloc::string::String;

use js_sys::Uint8Array;
use peerloom_core::io::{Command, ContentKey};
use peerloom_wire::{ContentId, ParseIdError, PeerId};
use wasm_bindgen::prelude::*;

use crate::convert::bad_input;
use crate::draft::{Draft, array, read_draft};

/// A command, or what its promise is rejected with.
pub type Asked = Result<Command, JsValue>;

/// Offers a content whose chunks are in the store.
///
/// # Errors
/// Says what the draft lacks.
pub fn add(draft: &Draft) -> Asked {
    let draft = read_draft(draft).map_err(bad_input)?;
    Ok(Command::Add { draft })
}

/// Fetches a content; `key` if a share link brought it.
///
/// # Errors
/// The key has another length, or `content` is no id.
pub fn get(content: &str, key: Option<Uint8Array>) -> Asked {
    let key = match key.map(|key| array(&key)) {
        None => None,
        Some(Some(key)) => Some(ContentKey(key)),
        Some(None) => return Err(bad_input("a key has 32 bytes")),
    };
    on_content(content, |content| Command::Get { content, key })
}

/// A command about a peer.
///
/// # Errors
/// `peer` is no id.
pub fn on_peer(peer: &str, command: fn(PeerId) -> Command) -> Asked {
    peer.parse().map(command).map_err(not_an_id)
}

/// Says something in a room to a peer alone, connected or not.
///
/// # Errors
/// `peer` is no id.
pub fn send(peer: &str, room: String, number: u32, data: &Uint8Array) -> Asked {
    let to = peer.parse().map_err(not_an_id)?;
    Ok(Command::Send { to, room, number: number.into(), data: data.to_vec().into() })
}

/// A command about a content.
///
/// # Errors
/// `content` is no id.
pub fn on_content(content: &str, command: impl FnOnce(ContentId) -> Command) -> Asked {
    content.parse().map(command).map_err(not_an_id)
}

/// Says something in a room.
#[must_use]
pub fn post(room: String, data: &Uint8Array) -> Command {
    Command::Post { room, data: data.to_vec().into() }
}

fn not_an_id(_: ParseIdError) -> JsValue {
    bad_input(ParseIdError::TEXT)
}
