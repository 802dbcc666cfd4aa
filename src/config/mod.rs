//! The operator's configuration: defaults < file < `conf.d` < environment < flags.
//!
//! The `config` crate merges the layers; a walker of our own validates types, ranges and unknown
//! keys, and reports every fault at once with its key path and where it was set. Every key is
//! described in `docs/configuration.md`; a test holds that page against this room.

mod broker;
mod compare;
mod cross;
mod device;
mod layers;
mod pipeline;
#[cfg(test)]
pub mod testing;
mod uplink;

pub use broker::BrokerConfig;
pub use compare::{Difference, Keys};
pub use layers::{Layers, read_layers};
pub use pipeline::{PipelineConfig, Retained, TopicTemplate};
pub use uplink::{DailyWindow, UplinkConfig, UplinkTopic};

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use crate::telemetry::{LogFormat, LogSettings};
use edgeward_core::{
    models::Model,
    settings::{Fault, Faults, Node, Section},
};
use edgeward_engine::Limits;
use edgeward_outbox::OutboxSettings;

/// Everything the daemon was told, validated, with its models loaded.
#[derive(Debug)]
pub struct Config {
    pub device: String,
    pub broker: BrokerConfig,
    /// Sorted by name.
    pub pipelines: Vec<PipelineConfig>,
    /// Where results are stored; none: they live in memory only.
    pub outbox: Option<OutboxSettings>,
    /// Sorted by name; none without an outbox.
    pub uplinks: Vec<UplinkConfig>,
    /// Where metrics and health are served; none switches them off.
    pub admin: Option<SocketAddr>,
    pub log: LogSettings,
    pub drain_deadline: Duration,
    /// Where the daemon keeps its own small files.
    pub state_dir: Option<PathBuf>,
    /// What only looks right.
    pub warnings: Vec<Fault>,
    /// What was set, for naming what differs.
    pub keys: Keys,
}

/// Reads the outbox's part of a configuration and nothing else: no model is loaded.
///
/// # Errors
/// Every fault of that part.
pub fn load_outbox(layers: &Layers) -> Result<Option<OutboxSettings>, ConfigError> {
    let tree = read_layers(layers)?;
    let faults = Faults::new();
    let root = Section::root(&tree, &faults);
    let uplinks: Vec<String> = root.named_sections("uplinks").into_iter().map(|(name, _)| name).collect();
    let outbox = OutboxSettings::read(&root, |path| layers.resolve(path), &uplinks);
    if faults.is_empty() { Ok(outbox) } else { Err(ConfigError { faults: faults.into_vec() }) }
}

/// A configuration that can't be used: every fault.
#[derive(Debug, thiserror::Error)]
#[error("the configuration has {}: {}", count(faults), faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("; "))]
pub struct ConfigError {
    pub faults: Vec<Fault>,
}

fn count(faults: &[Fault]) -> String {
    match faults.len() {
        1 => "a fault".into(),
        n => format!("{n} faults"),
    }
}

impl Config {
    /// Reads, merges and validates the layers, and loads every pipeline's model. Touches files,
    /// never a socket.
    ///
    /// # Errors
    /// [`ConfigError`] with every fault there is.
    pub fn load(layers: &Layers) -> Result<Config, ConfigError> {
        Config::load_over(layers, &Running::default())
    }

    /// Reads the layers again for a daemon that runs: a model that did not change is not loaded again.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load_over(layers: &Layers, running: &Running) -> Result<Config, ConfigError> {
        let tree = read_layers(layers)?;
        let faults = Faults::new();
        let config = Config::read_over(&tree, layers, &faults, running);
        match config {
            Some(config) if faults.is_empty() => Ok(config),
            _ => Err(ConfigError { faults: faults.into_vec() }),
        }
    }

    /// Walks the merged tree; see [`Config::load`].
    pub fn read(tree: &Node, layers: &Layers, faults: &Faults) -> Option<Config> {
        Config::read_over(tree, layers, faults, &Running::default())
    }

    fn read_over(tree: &Node, layers: &Layers, faults: &Faults, running: &Running) -> Option<Config> {
        let root = Section::root(tree, faults);
        let told_device = device::read(root.section("device"));
        // The device keeps its name while it runs: topics made from it must not change alone.
        let device = running.device.clone().unwrap_or_else(|| told_device.clone());
        let broker = broker::read(root.section("broker"), &device, layers);
        let limits = read_limits(root.section("limits"));
        let mut pipelines = Vec::new();
        for (name, section) in root.named_sections("pipelines") {
            pipelines.extend(pipeline::read(name, section, &device, layers, &limits, &running.models));
        }
        if !root.has("pipelines") {
            root.fault("pipelines", "is missing: a table [pipelines.<name>] for each model to run");
        }
        let mut uplinks = Vec::new();
        let mut uplink_names = Vec::new();
        for (name, section) in root.named_sections("uplinks") {
            uplink_names.push(name.clone());
            uplinks.extend(uplink::read(name, section, &device, layers));
        }
        let outbox = OutboxSettings::read(&root, |path| layers.resolve(path), &uplink_names);
        let admin = read_admin(root.section("admin"));
        let log = read_log(root.section("log"));
        let drain_deadline_secs = root.integer_or("drain_deadline_secs", 8, 1..=3600);
        let state_dir = root.text("state_dir").map(|dir| layers.resolve(&dir));
        cross::check(&root, broker.as_ref(), &pipelines);
        cross::check_outbox(&root, broker.as_ref(), &pipelines, outbox.as_ref(), &uplinks);
        cross::warn(&root, broker.as_ref(), &pipelines, outbox.as_ref(), &uplinks);
        root.finish();
        Some(Config {
            device: told_device,
            broker: broker?,
            pipelines,
            outbox,
            uplinks,
            admin,
            log,
            drain_deadline: Duration::from_secs(drain_deadline_secs),
            state_dir,
            warnings: faults.warnings(),
            keys: Keys::of(tree, faults),
        })
    }

    /// What a later reload has to know of this configuration once it runs.
    pub fn running(&self) -> Running {
        let models = self.pipelines.iter().map(|pipeline| pipeline.model.clone()).collect();
        Running { device: Some(self.device.clone()), models }
    }
}

/// What a daemon that runs holds on to when its configuration is read again.
#[derive(Debug, Default)]
pub struct Running {
    pub device: Option<String>,
    pub models: Vec<Model>,
}

fn read_limits(section: Section<'_>) -> Limits {
    let default = Limits::default();
    let limit = |key, default| section.integer_or(key, default, 1..=u64::MAX);
    let limits = Limits {
        max_model_bytes: limit("max_model_bytes", default.max_model_bytes),
        max_tensor_bytes: limit("max_tensor_bytes", default.max_tensor_bytes),
        max_loop_turns: limit("max_loop_turns", default.max_loop_turns),
    };
    section.finish();
    limits
}

fn read_admin(section: Section<'_>) -> Option<SocketAddr> {
    let listen = section.text_or("listen", "127.0.0.1:9464");
    let addr: Option<SocketAddr> = listen.parse().ok();
    if addr.is_none() && listen != "off" {
        section.fault("listen", "must be an address with a port, such as 127.0.0.1:9464, or \"off\"");
    }
    section.finish();
    addr
}

fn read_log(section: Section<'_>) -> LogSettings {
    let format = section.choice_or("format", "human", LogFormat::CHOICES);
    let level = section.text_or("level", "info");
    if let Err(error) = crate::telemetry::log::check_level(&level) {
        section.fault("level", error.to_string());
    }
    section.finish();
    LogSettings { format, level }
}
