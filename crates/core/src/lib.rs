//! Peerloom's node: protocols as pure state machines, and their wiring.
//!
//! Knows nothing about browsers, sockets, clocks, files or tasks. A driver feeds it [`Input`]s with
//! the time, takes its [`Output`]s, and calls again at [`Node::poll_timeout`].

pub mod event;
pub mod io;
pub mod machine;
pub mod time;

pub use event::Event;
pub use io::{Input, Output};
pub use machine::Machine;
pub use time::{Instant, Now};
