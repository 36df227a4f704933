//! Why a server does not do something, as a number that never changes its meaning.

/// A closing WebSocket says why by this plus the reason's code (RFC 6455, 7.4.2: 4000 to 4999 are for
/// applications).
pub const CLOSE_CODE_BASE: u16 = 4_000;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)*) => {
        /// Why a server does not do something. The numbers are on the wire; never reuse one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Reason {
            $($(#[$doc])* $name = $code,)*
        }

        impl Reason {
            /// All of them, in the order of their codes.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its number on the wire.
            #[must_use]
            pub const fn code(self) -> u8 {
                self as u8
            }

            /// Returns the reason with this number; `None` for one of a newer server.
            #[must_use]
            pub const fn from_code(code: u8) -> Option<Self> {
                match code {
                    $($code => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// Its name in metrics and in the reason that comes with a close code.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

reasons! {
    /// No version that the client speaks is spoken here; the connection is closed.
    UnsupportedVersion = 1, "unsupported-version";
    /// A message that does not decode, or is not known; the connection is closed.
    Malformed = 2, "malformed";
    /// A message at a time when it makes no sense; the connection is closed.
    OutOfTurn = 3, "out-of-turn";
    /// The client dialled a host that this server is not; the connection is closed.
    WrongHost = 4, "wrong-host";
    /// The signature is wrong; the connection is closed.
    BadSignature = 5, "bad-signature";
    /// Pages of this origin are not served here; the connection is closed.
    OriginDenied = 6, "origin-denied";
    /// As many connections as allowed from this address are open; this one is closed.
    TooManyConnections = 7, "too-many-connections";
    /// The server is as full as it may be; the connection is closed, or the message dropped.
    Busy = 8, "busy";
    /// More messages or bytes a second than allowed: the message was dropped, and if it goes on the
    /// connection is closed.
    TooFast = 9, "too-fast";
    /// As many as allowed meet by this tag: the peer is not found by it.
    RoomFull = 10, "room-full";
    /// A message over the bound; the connection is closed.
    TooLarge = 11, "too-large";
    /// More tags than allowed: the message was dropped.
    TooManyTags = 12, "too-many-tags";
    /// The same peer registered again on another connection; this one is closed, and is not to come
    /// back by itself.
    Replaced = 13, "replaced";
    /// Nothing was heard for too long; the connection is closed.
    Idle = 14, "idle";
    /// What was sent is not read; the connection is closed.
    TooSlow = 15, "too-slow";
    /// It took too long to register; the connection is closed.
    Late = 16, "late";
    /// The server goes down; the connection is closed.
    Moving = 17, "moving";
}
