//! The command line: what there is to set, each with its default.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use peerloom_server::{Limits, Names};
use tracing::level_filters::LevelFilter;

/// Peerloom's rendezvous server: peers find each other here, and are connected directly.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
pub(crate) struct Args {
    /// The address and port to listen on; port 0 takes any that is free
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// A host by which clients dial this server, with its port unless it is the default one; may be
    /// repeated. Without any, only localhost and the machine's own addresses are taken
    #[arg(long, value_name = "HOST")]
    pub(crate) public_host: Vec<String>,
    /// An origin whose pages may connect, such as https://app.example; may be repeated. Without any,
    /// all may
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) origin: Vec<String>,
    /// Take clients' addresses from X-Forwarded-For, which so many proxies in front have extended
    #[arg(long, value_name = "PROXIES", num_args = 0..=1, require_equals = true,
          default_value = "0", default_missing_value = "1")]
    pub(crate) trust_proxy: usize,
    /// Serve the built app from this folder
    #[arg(long, value_name = "FOLDER")]
    pub(crate) app: Option<PathBuf>,
    /// Certificate chain for TLS, as PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Private key for TLS, as PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) ice: IceArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    /// How much to log: off, error, warn, info, debug
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub(crate) log: LevelFilter,
}

/// What clients are told of STUN and TURN servers.
#[derive(clap::Args)]
#[command(next_help_heading = "STUN and TURN, for /v1/ice")]
pub(crate) struct IceArgs {
    /// A STUN server, such as stun:turn.example:3478; may be repeated
    #[arg(long, value_name = "URL")]
    pub(crate) stun_url: Vec<String>,
    /// A TURN server, such as turn:turn.example:3478?transport=udp; may be repeated
    #[arg(long, value_name = "URL", requires = "turn_secret_file")]
    pub(crate) turn_url: Vec<String>,
    /// A file with coturn's static-auth-secret
    #[arg(long, value_name = "FILE", requires = "turn_url")]
    pub(crate) turn_secret_file: Option<PathBuf>,
    /// For how long TURN credentials are good, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3_600,
          value_parser = clap::value_parser!(u64).range(60..=86_400))]
    pub(crate) turn_ttl: u64,
}

/// One flag for each of [`Limits`].
#[derive(clap::Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct LimitArgs {
    /// Connections at a time
    #[arg(long, value_name = "COUNT", default_value_t = default().connections_max)]
    connections_max: usize,
    /// Connections at a time from one address (IPv6: from one /64)
    #[arg(long, value_name = "COUNT", default_value_t = default().connections_per_address_max)]
    connections_per_address_max: usize,
    /// New connections a second from one address, after a burst of as many as it may have
    #[arg(long, value_name = "COUNT", default_value_t = default().connects_per_address_per_s)]
    connects_per_address_per_s: u32,
    /// Signatures that are being checked at a time
    #[arg(long, value_name = "COUNT", default_value_t = default().checks_max)]
    checks_max: usize,
    /// Messages a second of one peer, on the average of ten seconds
    #[arg(long, value_name = "COUNT", default_value_t = default().messages_per_s)]
    messages_per_s: u32,
    /// Bytes a second of one peer, on the average of ten seconds
    #[arg(long, value_name = "BYTES", default_value_t = default().bytes_per_s)]
    bytes_per_s: u32,
    /// Peers that are found by one tag: the size of a room
    #[arg(long, value_name = "COUNT", default_value_t = default().members_per_tag_max)]
    members_per_tag_max: usize,
    /// Tags of one peer
    #[arg(long, value_name = "COUNT", default_value_t = default().tags_max,
          value_parser = clap::value_parser!(u8).range(1..=8))]
    tags_max: u8,
    /// Bytes of an envelope
    #[arg(long, value_name = "BYTES", default_value_t = default().envelope_bytes_max)]
    envelope_bytes_max: usize,
    /// Bytes of an announcement
    #[arg(long, value_name = "BYTES", default_value_t = default().announcement_bytes_max)]
    announcement_bytes_max: usize,
    /// Bytes that may wait to be read by one client
    #[arg(long, value_name = "BYTES", default_value_t = default().queue_bytes_max)]
    queue_bytes_max: usize,
    /// Bytes of memory in all for connections, announcements and queues
    #[arg(long, value_name = "BYTES", default_value_t = default().memory_bytes_max)]
    memory_bytes_max: usize,
    /// How long a client may take to register, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = default().register_max.as_secs())]
    register_max: u64,
    /// How long a client may say nothing, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = default().idle_max.as_secs())]
    idle_max: u64,
    /// How long a client may not read what it is sent, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = default().stall_max.as_secs())]
    stall_max: u64,
    /// After how long a silence clients are asked to say something, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = default().keepalive.as_secs())]
    keepalive: u64,
    /// How long a peer waits for three more introductions, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = default().meet_again.as_secs())]
    meet_again: u64,
    /// Over how long clients come back when the server goes down, at most, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = default().moving_max.as_secs())]
    moving_max: u64,
}

fn default() -> Limits {
    Limits::default()
}

impl LimitArgs {
    pub(crate) fn limits(&self) -> Limits {
        let limits = Limits {
            connections_max: self.connections_max,
            connections_per_address_max: self.connections_per_address_max,
            connects_per_address_per_s: self.connects_per_address_per_s,
            checks_max: self.checks_max,
            messages_per_s: self.messages_per_s,
            bytes_per_s: self.bytes_per_s,
            members_per_tag_max: self.members_per_tag_max,
            tags_max: self.tags_max,
            envelope_bytes_max: self.envelope_bytes_max,
            announcement_bytes_max: self.announcement_bytes_max,
            queue_bytes_max: self.queue_bytes_max,
            memory_bytes_max: self.memory_bytes_max,
            register_max: Duration::from_secs(self.register_max),
            idle_max: Duration::from_secs(self.idle_max),
            stall_max: Duration::from_secs(self.stall_max),
            keepalive: Duration::from_secs(self.keepalive),
            meet_again: Duration::from_secs(self.meet_again),
            moving_max: Duration::from_secs(self.moving_max),
        };
        limits.within_protocol()
    }
}

impl Args {
    pub(crate) fn names(&self) -> Names {
        if self.public_host.is_empty() {
            Names::Local
        } else {
            Names::Listed(self.public_host.clone())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Args, clap::Error> {
        Args::try_parse_from([&["peerloom-server"], args].concat())
    }

    #[test]
    fn without_flags_the_limits_are_the_hubs_own() {
        assert_eq!(parse(&[]).unwrap().limits.limits(), Limits::default());
    }

    #[test]
    fn a_limit_over_the_protocols_is_the_protocols() {
        let args = parse(&["--envelope-bytes-max", "1000000"]).unwrap();
        assert_eq!(args.limits.limits(), Limits::default());
    }

    #[test]
    fn flags_that_need_each_other_are_asked_for() {
        for args in [
            &["--tls-cert", "a.pem"][..],
            &["--tls-key", "a.pem"],
            &["--turn-url", "turn:a"],
            &["--turn-secret-file", "a"],
            &["--tags-max", "9"],
        ] {
            assert!(parse(args).is_err(), "{args:?}");
        }
    }

    #[test]
    fn one_proxy_is_meant_if_no_number_is_said() {
        let proxies = |args: &[&str]| parse(args).unwrap().trust_proxy;
        assert_eq!(proxies(&[]), 0);
        assert_eq!(proxies(&["--trust-proxy"]), 1);
        assert_eq!(proxies(&["--trust-proxy=2"]), 2);
    }
}
