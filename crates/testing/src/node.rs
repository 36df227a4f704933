//! A simulated node, with the methods of the driver's `NodeHandle`: the SDK can't tell them apart.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use js_sys::{Array, Promise, Uint8Array};
use peerloom::command::{self, Asked};
use peerloom::{Draft, Object, convert};
use peerloom_core::io::Command;
use peerloom_core::{Node, Now};
use peerloom_sim::stage::Seat;
use peerloom_wire::ContentId;
use wasm_bindgen::prelude::*;

use crate::world::Shared;

/// A node on a simulated network. Promises are rejected with `{code, message, peer?, failure?}`.
#[wasm_bindgen]
pub struct SimNode {
    shared: Rc<Shared>,
    seat: Seat,
    /// Whether its page dies without a word.
    is_silenced: Cell<bool>,
}

#[wasm_bindgen]
impl SimNode {
    /// Returns the peer's own id, in hexadecimal.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn id(&self) -> String {
        self.read(Node::id).map_or_else(String::new, |id| id.to_string())
    }

    /// Announces the peer, and connects. Answered when usable, also with no peer in sight.
    pub fn start(&self) -> Promise {
        self.shared.act(|stage| stage.join(self.seat));
        self.command(Command::Start)
    }

    /// Says goodbye and closes every connection; storage and identity stay.
    pub fn stop(&self) -> Promise {
        self.command(Command::Stop)
    }

    /// Connects to a peer, known or not.
    pub fn connect(&self, peer: &str) -> Promise {
        self.ask(command::on_peer(peer, |peer| Command::Connect { peer }))
    }

    /// Ends the connection to a peer; neither side dials by itself until it is asked to.
    pub fn disconnect(&self, peer: &str) -> Promise {
        self.ask(command::on_peer(peer, |peer| Command::Disconnect { peer }))
    }

    /// Says something in a room to a peer alone, connected or not; gives the message's name when its
    /// application has it. `number` is greater than all before, or the same for the same message.
    pub fn send(&self, peer: &str, room: String, number: u32, data: &Uint8Array) -> Promise {
        self.ask(command::send(peer, room, number, data))
    }

    /// Has nothing more to do with a peer.
    pub fn ban(&self, peer: &str) -> Promise {
        self.ask(command::on_peer(peer, |peer| Command::Ban { peer }))
    }

    /// Lets a banned peer come again.
    pub fn unban(&self, peer: &str) -> Promise {
        self.ask(command::on_peer(peer, |peer| Command::Unban { peer }))
    }

    /// Returns who is banned, and until when.
    #[must_use]
    pub fn bans(&self) -> Array {
        let now = self.shared.act(|stage| Now { mono: stage.now(), unix_ms: stage.unix_ms() });
        let bans = self.read(|node| node.bans(now)).unwrap_or_default();
        bans.iter().map(convert::ban).collect()
    }

    /// Offers a content whose chunks are in the store; gives its id.
    pub fn add(&self, draft: &Draft) -> Promise {
        self.ask(command::add(draft))
    }

    /// Fetches a content; `key` if a share link brought it. Answered when it is complete.
    pub fn get(&self, content: &str, key: Option<Uint8Array>) -> Promise {
        self.ask(command::get(content, key))
    }

    /// Asks for no more chunks for now.
    pub fn pause(&self, content: &str) -> Promise {
        self.ask(command::on_content(content, |content| Command::Pause { content }))
    }

    /// Goes on.
    pub fn resume(&self, content: &str) -> Promise {
        self.ask(command::on_content(content, |content| Command::Resume { content }))
    }

    /// Gives up fetching; what is stored stays.
    pub fn cancel(&self, content: &str) -> Promise {
        self.ask(command::on_content(content, |content| Command::Cancel { content }))
    }

    /// Deletes a content from the store and tells the peers.
    pub fn remove(&self, content: &str) -> Promise {
        self.ask(command::on_content(content, |content| Command::Remove { content }))
    }

    /// Prefers chunks from this one on.
    pub fn seek(&self, content: &str, chunk: u32) -> Promise {
        self.ask(command::on_content(content, |content| Command::Seek { content, chunk }))
    }

    /// Is in a room; `is_shown`: and others are told.
    pub fn join(&self, room: String, is_shown: bool) -> Promise {
        self.command(Command::Join { room, is_shown })
    }

    /// Is in a room no more.
    pub fn leave(&self, room: String) -> Promise {
        self.command(Command::Leave { room })
    }

    /// Says something in a room; gives the message's name when it is on its way.
    pub fn post(&self, room: String, data: &Uint8Array) -> Promise {
        self.command(command::post(room, data))
    }

    /// Returns snapshots of those who say that they are in a room.
    #[must_use]
    pub fn members(&self, room: &str) -> Array {
        let peers = self.read(|node| node.members(room)).unwrap_or_default();
        peers.iter().map(|info| convert::peer(info, 0)).collect()
    }

    /// Returns a snapshot of every peer known.
    #[must_use]
    pub fn peers(&self) -> Array {
        let peers = self.read(Node::peers).unwrap_or_default();
        peers.iter().map(|info| convert::peer(info, 0)).collect()
    }

    /// Returns a snapshot of every content known.
    #[must_use]
    pub fn contents(&self) -> Array {
        self.read(Node::contents).unwrap_or_default().iter().map(convert::content).collect()
    }

    /// Returns a snapshot of one content, null if it is not known.
    #[must_use]
    pub fn content(&self, content: &str) -> JsValue {
        let Ok(content) = content.parse::<ContentId>() else { return JsValue::NULL };
        let info = self.read(|node| node.content(content)).flatten();
        info.map_or(JsValue::NULL, |info| convert::content(&info))
    }

    /// Returns what reading a content takes, null if its manifest is not here.
    #[must_use]
    pub fn layout(&self, content: &str) -> JsValue {
        let Ok(content) = content.parse::<ContentId>() else { return JsValue::NULL };
        let layout = self.read(|node| node.layout(content)).flatten();
        layout.map_or(JsValue::NULL, |layout| convert::layout(&layout))
    }

    /// Returns how it stands with servers, of which there are none.
    #[must_use]
    pub fn servers(&self) -> Array {
        Array::new()
    }

    /// Returns the totals, null once it is closed.
    #[must_use]
    pub fn status(&self) -> JsValue {
        self.read(Node::status).map_or(JsValue::NULL, |status| convert::status(&status))
    }

    /// Returns every counter, by name.
    #[must_use]
    pub fn stats(&self) -> JsValue {
        let counters = self.read(Node::stats).unwrap_or_default();
        let stats = counters
            .into_iter()
            .fold(Object::new(), |stats, (name, count)| stats.with_u64(name, count));
        stats.into()
    }

    /// Takes what happens to the page. With `leaving` the goodbyes are on their way when it returns.
    pub fn lifecycle(&self, state: &str) {
        self.shared.act(|stage| match state {
            "visible" => stage.show(self.seat, true),
            "hidden" => stage.show(self.seat, false),
            "frozen" => stage.freeze(self.seat),
            "resumed" => stage.thaw(self.seat),
            "leaving" if !self.is_silenced.get() => stage.leave(self.seat),
            _ => {}
        });
    }

    /// Stops the page without telling it, until `lifecycle("resumed")`.
    pub fn sleep(&self) {
        self.shared.act(|stage| stage.sleep(self.seat));
    }

    /// Lets the page die without a word: what it would say at the end is not said.
    pub fn silence(&self) {
        self.is_silenced.set(true);
    }

    /// Returns so many bytes of the tab's own chance.
    #[must_use]
    pub fn random(&self, length: u32) -> Vec<u8> {
        let length = usize::try_from(length).unwrap_or(0);
        self.shared.act(|stage| stage.random(self.seat, length))
    }

    /// Closes the page, and rejects what waits with `CLOSED`.
    pub fn close(&self) {
        self.shared.close(self.seat);
    }
}

impl SimNode {
    pub(crate) const fn new(shared: Rc<Shared>, seat: Seat) -> Self {
        Self { shared, seat, is_silenced: Cell::new(false) }
    }

    fn read<T>(&self, from: impl FnOnce(&Node) -> T) -> Option<T> {
        self.shared.read(self.seat, from)
    }

    fn command(&self, command: Command) -> Promise {
        self.shared.command(self.seat, command)
    }

    fn ask(&self, asked: Asked) -> Promise {
        asked.map_or_else(|error| Promise::reject(&error), |command| self.command(command))
    }
}

impl Drop for SimNode {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for SimNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimNode({:?})", self.seat)
    }
}
