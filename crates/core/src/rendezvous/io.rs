//! What the protocol asks of a connection to a server, and hears of it.

use alloc::string::String;

use peerloom_wire::rendezvous::{ClientMessage, Reason, ServerMessage};
use serde::{Deserialize, Serialize};

/// Names a server by its place among those that a node was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ServerId(pub u8);

/// What is to be done to the connection to a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServerCommand {
    /// Find out its address and connect. What was before is closed.
    Open,
    /// Send this. What is for other peers in it is to be sealed first.
    Say(ClientMessage),
    /// Close the connection. No event follows.
    Close,
}

/// What happened on the connection to a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServerEvent {
    /// It is up.
    Opened {
        /// The server's host and port as they were dialled, as in `URL.host`.
        host: String,
    },
    /// The server said this. What other peers sealed in it is opened; it is empty if that failed.
    Said(ServerMessage),
    /// The server said what can't be read.
    Garbled,
    /// It did not come up, or is gone.
    Closed {
        /// Why.
        fault: ServerFault,
        /// The same in the words of whoever knows more; may be empty.
        detail: String,
    },
}

/// Why there is no connection to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServerFault {
    /// The application gave no address that one can connect to.
    BadAddress,
    /// The page may not connect to it: its own rules, or a plain connection from a secure page.
    Blocked,
    /// It did not come up: nobody listens there, the name leads nowhere, the certificate is wrong, or
    /// the server wants no such connection. Browsers don't say which.
    Unreachable,
    /// It was up and broke.
    Lost,
    /// The server does not answer.
    Silent,
    /// The server speaks another protocol, or another version of it.
    Misunderstood,
    /// The server does not want us: [`Reason::from_code`].
    Refused(u8),
    /// The server goes down.
    Moving,
}

impl ServerFault {
    /// Returns what a server means that refuses something for good.
    #[must_use]
    pub const fn reason(self) -> Option<Reason> {
        match self {
            Self::Refused(code) => Reason::from_code(code),
            _ => None,
        }
    }
}

/// How it stands with a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServerState {
    /// The node does not take part.
    Stopped,
    /// It is tried again later.
    Waiting,
    /// A connection is being made, and we are registered there.
    Opening,
    /// Others meet us there.
    Joined,
}

/// What is known of a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerInfo {
    /// Which.
    pub server: ServerId,
    /// How it stands.
    pub state: ServerState,
    /// Why it did not work the last time, until it does.
    pub fault: Option<ServerFault>,
    /// In the words of whoever knows more; may be empty.
    pub detail: String,
    /// When it is tried again, in milliseconds since the Unix epoch.
    pub next_try_ms: Option<u64>,
}
