//! What the SDK holds: commands as promises, snapshots, and the end of it all.
//!
//! Every method takes `&self`: a `&mut self` export throws when a callback calls back in.

use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use js_sys::{Array, Promise, Uint8Array};
use peerloom_core::io::{Command, Economy, Lifecycle};
use peerloom_core::node::NodeConfig;
use peerloom_core::{Device, Exchange, Input, Meeting, Node, RoleRules};
use peerloom_crypto::PublicKey;
use peerloom_wire::id::hex;
use peerloom_wire::rendezvous::Place;
use peerloom_wire::{AppId, ContentId};
use wasm_bindgen::prelude::*;
use web_sys::RtcConfiguration;

use crate::command::{self, Asked};
use crate::convert::{self, bad_input};
use crate::draft::{Draft, array, integer};
use crate::driver::{Driver, Parts};
use crate::host::Host;
use crate::js::{Object, property, reason};
use crate::timer::now;
use crate::trace::Trace;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
export interface NodeOptions {
  /** The application: nodes of another never meet this one. */
  app: string;
  /** The `BroadcastChannel`s for signalling. */
  channels: readonly string[];
  maxConnections: number;
  /** The same as a supernode, if that is more. */
  supernodeConnections: number;
  /** An installed application, not a tab. */
  isInstalled: boolean;
  /** How much may be stored for contents; 0: nothing that stays. */
  storeBytes: number;
  /** How many rendezvous servers there are: `Host.serverAddress` says where. */
  servers: number;
  rtc: RTCConfiguration;
  /** 32 bytes for the node's random choices; no secret comes from it. */
  seed: Uint8Array;
  recordTrace?: boolean;
}
"#;

#[wasm_bindgen]
extern "C" {
    /// The options of a node.
    #[wasm_bindgen(typescript_type = "NodeOptions")]
    pub type NodeOptions;
}

/// A node in this page. Promises are rejected with `{code, message, peer?, failure?}`.
#[wasm_bindgen]
#[derive(Debug)]
pub struct NodeHandle {
    driver: Rc<Driver>,
}

#[wasm_bindgen]
impl NodeHandle {
    /// Makes a node; it loads what is stored, and does not yet connect.
    ///
    /// `public_key` is the peer's, as WebCrypto exports it as `raw` (65 bytes); the host signs with
    /// its private half.
    ///
    /// # Errors
    /// `BAD_INPUT` if the key or an option is not what it has to be.
    #[wasm_bindgen(constructor)]
    pub fn new(public_key: &[u8], options: &NodeOptions, host: Host) -> Result<Self, JsValue> {
        let key = public_key.try_into().map_err(|_| bad_input("a public key has 65 bytes"))?;
        let app = property(options, "app").as_string();
        let app = app.ok_or_else(|| bad_input("an application has a name"))?;
        let seed = array(&property(options, "seed"));
        let seed = seed.ok_or_else(|| bad_input("a seed has 32 bytes"))?;
        let number = |name| property(options, name).as_f64().unwrap_or(0.0);
        let connections_max = property(options, "maxConnections").as_f64();
        let config = NodeConfig {
            app: AppId::from_name(&app),
            key: PublicKey(key),
            seed,
            connections_max: integer(connections_max.unwrap_or(8.0)),
            exchange: Exchange::default(),
            rules: RoleRules {
                supernode_connections: integer(number("supernodeConnections")),
                ..RoleRules::default()
            },
            device: Device {
                is_installed: property(options, "isInstalled").is_truthy(),
                store_bytes: integer(number("storeBytes")),
            },
            meeting: Meeting { tag: Place::of(&app).tag, servers: integer(number("servers")) },
            now: now(),
        };
        let trace = property(options, "recordTrace").is_truthy();
        let rtc = property(options, "rtc");
        let driver = Driver::new(Parts {
            node: Node::new(config),
            channels: property(options, "channels").unchecked_into(),
            rtc: if rtc.is_object() { rtc.unchecked_into() } else { RtcConfiguration::new() },
            host,
            trace: trace.then(Trace::default),
        });
        Ok(Self { driver })
    }

    /// Returns the peer's own id, in hexadecimal.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn id(&self) -> String {
        hex(&self.driver.read(Node::id).0)
    }

    /// Announces the peer, and connects. Answered when usable, also with no peer in sight.
    pub fn start(&self) -> Promise {
        match self.driver.open_signalling() {
            Ok(()) => self.driver.command(Command::Start),
            Err(error) => Promise::reject(&convert::unsupported(&reason(&error))),
        }
    }

    /// Says goodbye and closes every connection; storage and identity stay.
    pub fn stop(&self) -> Promise {
        self.driver.command(Command::Stop)
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
        self.driver.read(|node| node.bans(now())).iter().map(convert::ban).collect()
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

    /// Gives up fetching; what is on disk stays.
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
        self.driver.command(Command::Join { room, is_shown })
    }

    /// Is in a room no more.
    pub fn leave(&self, room: String) -> Promise {
        self.driver.command(Command::Leave { room })
    }

    /// Says something in a room; gives the message's name when it is on its way.
    pub fn post(&self, room: String, data: &Uint8Array) -> Promise {
        self.driver.command(command::post(room, data))
    }

    /// Returns snapshots of those who say that they are in a room.
    #[must_use]
    pub fn members(&self, room: &str) -> Array {
        let peers = self.driver.read(|node| node.members(room));
        peers.iter().map(|info| convert::peer(info, self.driver.buffered_bytes(&info.id))).collect()
    }

    /// Returns a snapshot of every peer known.
    #[must_use]
    pub fn peers(&self) -> Array {
        let peers = self.driver.read(Node::peers);
        peers.iter().map(|info| convert::peer(info, self.driver.buffered_bytes(&info.id))).collect()
    }

    /// Returns a snapshot of every content known.
    #[must_use]
    pub fn contents(&self) -> Array {
        self.driver.read(Node::contents).iter().map(convert::content).collect()
    }

    /// Returns a snapshot of one content, null if it is not known.
    #[must_use]
    pub fn content(&self, content: &str) -> JsValue {
        let Ok(content) = content.parse::<ContentId>() else { return JsValue::NULL };
        let info = self.driver.read(|node| node.content(content));
        info.map_or(JsValue::NULL, |info| convert::content(&info))
    }

    /// Returns what reading a content takes, null if its manifest is not here.
    #[must_use]
    pub fn layout(&self, content: &str) -> JsValue {
        let Ok(content) = content.parse::<ContentId>() else { return JsValue::NULL };
        let layout = self.driver.read(|node| node.layout(content));
        layout.map_or(JsValue::NULL, |layout| convert::layout(&layout))
    }

    /// Returns how it stands with each server.
    #[must_use]
    pub fn servers(&self) -> Array {
        self.driver.read(Node::servers).iter().map(convert::server).collect()
    }

    /// Returns the totals.
    #[must_use]
    pub fn status(&self) -> JsValue {
        convert::status(&self.driver.read(Node::status))
    }

    /// Returns every counter, by name.
    #[must_use]
    pub fn stats(&self) -> JsValue {
        let counters = self.driver.read(Node::stats);
        let stats = counters
            .into_iter()
            .fold(Object::new(), |stats, (name, count)| stats.with_u64(name, count));
        stats.with("driver.buffers_made", self.driver.pool().made_count()).into()
    }

    /// Returns the trace so far, if it is being recorded.
    #[must_use]
    pub fn trace(&self) -> Option<Vec<u8>> {
        self.driver.trace().map(Trace::bytes)
    }

    /// Takes what the browser does to the page, and whether power and traffic are dear (`saving`) or
    /// not (`spending`). With `leaving` the goodbyes are on their way when
    /// it returns.
    pub fn lifecycle(&self, state: &str) {
        let lifecycle = match state {
            "visible" => Lifecycle::Visible,
            "hidden" => Lifecycle::Hidden,
            "frozen" => Lifecycle::Frozen,
            "resumed" => Lifecycle::Resumed,
            "leaving" => Lifecycle::Leaving,
            _ => {
                let is_saving = state == "saving";
                let economy = if is_saving { Economy::Saving } else { Economy::Normal };
                return self.driver.submit(Input::Economy(economy));
            }
        };
        self.driver.submit(Input::Lifecycle(lifecycle));
    }

    /// Closes all connections and channels, and rejects what waits with `CLOSED`.
    pub fn close(&self) {
        self.driver.close();
    }
}

impl NodeHandle {
    fn ask(&self, asked: Asked) -> Promise {
        asked.map_or_else(|error| Promise::reject(&error), |command| self.driver.command(command))
    }
}

impl Drop for NodeHandle {
    fn drop(&mut self) {
        self.driver.close();
    }
}
