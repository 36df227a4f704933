//! Peerloom's node: protocols as pure state machines, and their wiring.
//!
//! Knows nothing about browsers, sockets, clocks, files or tasks. A driver feeds it [`Input`]s with
//! the time, takes its [`Output`]s, and calls again at [`Node::poll_timeout`].

#![cfg_attr(not(test), no_std)]
#![deny(clippy::indexing_slicing, clippy::panic)]

#[macro_use]
extern crate alloc;

mod allowance;
pub mod broadcast;
pub mod content;
mod deadline;
mod discovery;
pub mod event;
mod gossip;
pub mod io;
mod link;
pub mod machine;
pub mod map;
pub mod node;
pub mod pace;
mod pex;
mod random;
mod registry;
mod rendezvous;
mod roles;
mod routing;
mod score;
mod stored;
pub mod time;
mod topology;
pub mod trust;

pub use event::Event;
pub use io::{Input, Output};
pub use machine::Machine;
pub use node::{Meeting, Node, NodeConfig, Status};
pub use pace::Exchange;
pub use random::Random;
pub use rendezvous::SERVERS_MAX;
pub use roles::{Device, RoleRules};
pub use routing::MESSAGE_BYTES_MAX;
pub use time::{Instant, Now};
