//! How to reach a broker and who to be there.

use std::{fmt, path::PathBuf, time::Duration};

use super::FixedLogin;

/// A password: never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: String) -> Self {
        Secret(text)
    }

    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Where a broker is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerUrl {
    pub tls: bool,
    pub host: String,
    pub port: u16,
}

impl BrokerUrl {
    /// Parses `mqtt://host[:1883]` or `mqtts://host[:8883]`.
    ///
    /// # Errors
    /// What is wrong, to stand behind the URL in a message.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text
            .split_once("://")
            .ok_or("must be a URL such as mqtt://localhost:1883 or mqtts://broker.example:8883")?;
        let tls = match scheme {
            "mqtt" | "tcp" => false,
            "mqtts" | "ssl" | "tls" => true,
            other => return Err(format!("has the scheme `{other}`, must be mqtt:// or mqtts://")),
        };
        let rest = rest.trim_end_matches('/');
        if rest.contains('@') {
            return Err("must not hold a user or password; set `broker.username` and `broker.password_env` or `broker.password_file`".into());
        }
        if rest.contains(['/', '?']) {
            return Err("must end after the host and port".into());
        }
        let default = if tls { 8883 } else { 1883 };
        let (host, port) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, "")) => (host, default),
            Some((host, port)) => (host, parse_port(port.strip_prefix(':').unwrap_or(port))?),
            None => match rest.rsplit_once(':') {
                Some((host, port)) => (host, parse_port(port)?),
                None => (rest, default),
            },
        };
        if host.is_empty() {
            return Err("has no host".into());
        }
        Ok(BrokerUrl { tls, host: host.to_owned(), port })
    }
}

fn parse_port(text: &str) -> Result<u16, String> {
    text.parse()
        .ok()
        .filter(|port| *port != 0)
        .ok_or_else(|| format!("has the port `{text}`, must be 1 to 65535"))
}

impl fmt::Display for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "mqtts" } else { "mqtt" };
        if self.host.contains(':') {
            write!(f, "{scheme}://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{scheme}://{}:{}", self.host, self.port)
        }
    }
}

/// Quality of service of a publish or a subscription. MQTT's 2 is not used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Qos {
    /// 0: sent once, not acknowledged.
    #[default]
    AtMostOnce,
    /// 1: sent again until acknowledged.
    AtLeastOnce,
}

/// A message the broker publishes when this client goes without a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Will {
    pub topic: String,
    pub payload: Vec<u8>,
}

/// Everything a session needs to know. Constructing it does no IO.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    pub url: BrokerUrl,
    pub client_id: String,
    pub login: FixedLogin,
    /// PEM certificates to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    pub keep_alive: Duration,
    pub connect_timeout: Duration,
    /// Largest packet taken in; a larger one is refused without keeping it in memory.
    pub max_packet_bytes: usize,
    /// Most QoS 1 publishes without their acknowledgement.
    pub max_in_flight: usize,
    /// Most bytes of publishes waiting to be sent.
    pub max_pending_bytes: usize,
    /// Retained, at QoS 1.
    pub will: Option<Will>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_parsed_with_their_default_ports() {
        for (text, shown) in [
            ("mqtt://localhost", "mqtt://localhost:1883"),
            ("mqtts://broker.example", "mqtts://broker.example:8883"),
            ("mqtt://[::1]:2000/", "mqtt://[::1]:2000"),
        ] {
            assert_eq!(BrokerUrl::parse(text).unwrap().to_string(), shown);
        }
        for text in ["localhost", "http://x", "mqtt://", "mqtt://h:0", "mqtt://u:p@h", "mqtt://h/topic"] {
            assert!(BrokerUrl::parse(text).is_err(), "{text}");
        }
    }
}
