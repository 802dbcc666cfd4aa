//! `[broker]`: how to reach the broker and who to be there.

use std::time::Duration;

use super::Layers;
use crate::mqtt::{BrokerUrl, FixedLogin, Options, Password, Secret, Will};
use edgeward_core::settings::Section;

const MAX_PENDING_BYTES: usize = 4 << 20;

/// The broker's options and the daemon's own topic there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerConfig {
    pub options: Options,
    /// Where `online`/`offline` is published, retained.
    pub state_topic: String,
}

pub(super) fn read(section: Section<'_>, device: &str, layers: &Layers) -> Option<BrokerConfig> {
    let state_topic = section.text("state_topic").unwrap_or_else(|| format!("edgeward/{device}/state"));
    if state_topic.is_empty() || state_topic.contains(['+', '#', '\0']) {
        section.fault("state_topic", "must be a topic without wildcards");
    }
    let options = read_client(&section, layers, format!("edgeward-{device}"));
    let max_pending_bytes = section.size_or("max_pending_bytes", MAX_PENDING_BYTES, 4096..=1 << 40);
    section.finish();
    let options = options?;
    let will = Some(Will { topic: state_topic.clone(), payload: b"offline".to_vec() });
    Some(BrokerConfig { options: Options { will, max_pending_bytes, ..options }, state_topic })
}

/// What a client of a broker is told; the daemon's input and each uplink are one.
pub(super) fn read_client(section: &Section<'_>, layers: &Layers, default_id: String) -> Option<Options> {
    let url = section.required_text("url", "where the broker is, such as mqtt://localhost:1883");
    let url = url.and_then(|text| {
        let told = |reason: String| {
            // There may be a password in it.
            if text.contains('@') {
                section.fault_hiding("url", reason)
            } else {
                section.fault("url", reason)
            }
        };
        BrokerUrl::parse(&text).map_err(told).ok()
    });
    let password = read_password(section, layers);
    let username = section.text("username");
    if password.is_some() && username.is_none() {
        section.fault("username", "is missing: MQTT has no password without a user name");
    }
    let path = |key| section.text(key).map(|path| layers.resolve(&path));
    let (ca_file, cert, key) = (path("ca_file"), path("client_cert_file"), path("client_key_file"));
    for (key, file) in [("ca_file", &ca_file), ("client_cert_file", &cert), ("client_key_file", &key)] {
        if let Some(file) = file
            && let Err(error) = std::fs::File::open(file)
        {
            section.fault(key, format!("can't be read: {error}"));
        }
        if file.is_some() && url.as_ref().is_some_and(|url| !url.tls) {
            section.fault(key, "is for TLS: the URL must begin with mqtts://");
        }
    }
    if cert.is_some() != key.is_some() {
        section.fault("client_cert_file", "and `client_key_file` go together");
    }
    let client_id = section.text("client_id").unwrap_or(default_id);
    if client_id.is_empty() {
        section.fault("client_id", "must not be empty: the session is kept under it");
    }
    let secs = |key, default, max| Duration::from_secs(section.integer_or(key, default, 1..=max));
    let options = Options {
        client_id,
        login: FixedLogin { username, password, certificate: cert.zip(key) },
        ca_file,
        keep_alive: secs("keep_alive_secs", 30, 1177),
        connect_timeout: secs("connect_timeout_secs", 10, 300),
        // MQTT's own bound is 256 MiB - 1.
        max_packet_bytes: section.size_or("max_packet_bytes", 16 << 20, 1024..=268_435_455),
        max_in_flight: section.size_or("max_in_flight", 64, 1..=65_535),
        // An uplink has no such key: its outbox holds what waits.
        max_pending_bytes: MAX_PENDING_BYTES,
        will: None,
        url: url.unwrap_or(BrokerUrl { tls: false, host: String::new(), port: 1883 }),
    };
    (!options.url.host.is_empty()).then_some(options)
}

/// A password comes from the environment or a file, never from the configuration itself.
fn read_password(section: &Section<'_>, layers: &Layers) -> Option<Password> {
    let from_environment =
        section.text("password_env").and_then(|name| match layers.environment.get(&name) {
            Some(password) => Some(Password::Given(Secret::new(password.clone()))),
            None => {
                section.fault("password_env", "names an environment variable that is not set");
                None
            }
        });
    let from_file = section.text("password_file").map(|path| Password::File(layers.resolve(&path)));
    if let Some(Err(error)) = from_file.as_ref().map(Password::read) {
        section.fault("password_file", format!("can't be read: {error}"));
    }
    if from_environment.is_some() && from_file.is_some() {
        section.fault("password_file", "and `password_env` are both set; keep one");
    }
    from_environment.or(from_file)
}
