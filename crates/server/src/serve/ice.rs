//! Which STUN and TURN servers clients are to use, with credentials that soon end: coturn's REST
//! scheme (draft-uberti-behave-turn-rest-00, section 2.2; `use-auth-secret`).

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::hmac;
use serde_json::{Value, json};

use super::args::IceArgs;

/// What follows the time in a username, so that coturn counts clients apart.
const LABEL_BYTES: usize = 9;

/// What clients are told.
pub(super) struct Ice {
    stun: Vec<String>,
    turn: Vec<String>,
    key: Option<hmac::Key>,
    ttl_s: u64,
}

impl Ice {
    pub(super) fn new(args: &IceArgs) -> Result<Self> {
        let has_scheme =
            |url: &String, schemes: [&str; 2]| schemes.iter().any(|scheme| url.starts_with(scheme));
        for url in &args.stun_url {
            ensure!(has_scheme(url, ["stun:", "stuns:"]), "`{url}` is no URL of a STUN server");
        }
        for url in &args.turn_url {
            ensure!(has_scheme(url, ["turn:", "turns:"]), "`{url}` is no URL of a TURN server");
        }
        let read = |path: &std::path::PathBuf| {
            let secret = fs::read_to_string(path)
                .with_context(|| format!("{} can't be read", path.display()))?;
            let secret = secret.trim();
            ensure!(!secret.is_empty(), "{} is empty", path.display());
            Ok(hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes()))
        };
        let key = args.turn_secret_file.as_ref().map(read).transpose()?;
        Ok(Self {
            stun: args.stun_url.clone(),
            turn: args.turn_url.clone(),
            key,
            ttl_s: args.turn_ttl,
        })
    }

    /// Returns the list as JSON, in the form of `RTCConfiguration`; `None` if the system has no
    /// randomness or no clock.
    pub(super) fn servers(&self) -> Option<String> {
        let mut label = [0; LABEL_BYTES];
        getrandom::fill(&mut label).ok()?;
        let now_s = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
        Some(self.servers_at(now_s, &URL_SAFE_NO_PAD.encode(label)).to_string())
    }

    fn servers_at(&self, now_s: u64, label: &str) -> Value {
        let mut servers = Vec::new();
        if !self.stun.is_empty() {
            servers.push(json!({ "urls": self.stun }));
        }
        if let Some(key) = &self.key {
            let username = format!("{}:{label}", now_s + self.ttl_s);
            let credential = STANDARD.encode(hmac::sign(key, username.as_bytes()));
            servers
                .push(json!({ "urls": self.turn, "username": username, "credential": credential }));
        }
        json!({ "iceServers": servers, "ttl": self.ttl_s })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ice(stun: &[&str], turn: &[&str], secret: Option<&str>) -> Ice {
        let owned = |urls: &[&str]| urls.iter().map(|url| (*url).to_owned()).collect();
        let key =
            |secret: &str| hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
        Ice { stun: owned(stun), turn: owned(turn), key: secret.map(key), ttl_s: 3_600 }
    }

    #[test]
    fn without_servers_the_list_is_empty() {
        let servers = ice(&[], &[], None).servers_at(0, "label");
        assert_eq!(servers, json!({ "iceServers": [], "ttl": 3_600 }));
    }

    /// The credential is what `printf '%s' 1700003600:label | openssl dgst -sha1 -hmac north -binary |
    /// base64` says.
    #[test]
    fn a_credential_is_coturns_of_the_time_at_which_it_ends() {
        let servers =
            ice(&["stun:a"], &["turn:b"], Some("north")).servers_at(1_700_000_000, "label");
        let turn = &servers["iceServers"][1];
        assert_eq!(servers["iceServers"][0], json!({ "urls": ["stun:a"] }));
        assert_eq!(turn["username"], "1700003600:label");
        assert_eq!(turn["credential"], "stM49SZN86sBWiO890oqyvKwTek=");
    }

    #[test]
    fn no_two_clients_have_the_same_name() {
        let ice = ice(&[], &["turn:b"], Some("north"));
        assert_ne!(ice.servers(), ice.servers());
    }
}
