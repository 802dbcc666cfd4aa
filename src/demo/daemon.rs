//! The daemon in the middle: the code of `edgeward run` with a configuration made here.

use std::{path::Path, sync::Arc, thread};

use tokio::sync::mpsc;

use super::{DemoError, observer::COPIED_FIELDS};
use crate::{
    config::{Config, Layers},
    edge::{Command, Daemon, RunReport},
    telemetry::Telemetry,
};

/// The pipeline's name.
pub const PIPELINE: &str = "machines";

/// What tells this run apart, and where it happens.
#[derive(Debug, Clone)]
pub struct Place {
    /// Random, for client ids and message ids.
    pub run: String,
    /// The broker's URL.
    pub url: String,
    /// Stands before every topic; empty, or ends with `/`.
    pub topic_prefix: String,
    /// True for a broker of the user's own: login and TLS then come from `EDGEWARD__BROKER__…`.
    pub own_broker: bool,
}

/// The daemon's configuration, with the model loaded.
///
/// # Errors
/// [`DemoError::Config`] with every fault, such as a bad URL.
pub fn configure(place: &Place, bundle: &Path) -> Result<Config, DemoError> {
    let mut layers = Layers { text: Some(("demo".into(), text(place, bundle))), ..Layers::default() };
    if place.own_broker {
        let broker = "EDGEWARD__BROKER__";
        layers.environment = std::env::vars()
            .filter(|(name, _)| name.starts_with(broker) || !name.starts_with("EDGEWARD__"))
            .collect();
    }
    // Flags are over the environment: these are not to be changed from outside.
    layers.flags = vec![
        ("broker.url".into(), place.url.clone()),
        ("broker.client_id".into(), format!("edgeward-demo-{}", place.run)),
        ("broker.state_topic".into(), format!("{}edgeward/demo/state", place.topic_prefix)),
    ];
    Config::load(&layers).map_err(DemoError::Config)
}

fn text(place: &Place, bundle: &Path) -> String {
    let prefix = &place.topic_prefix;
    // The machine's name stands behind `machines/`.
    let source_level = prefix.matches('/').count() + 2;
    // JSON's quoting of a text is also TOML's.
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let copied = COPIED_FIELDS.map(quoted).join(", ");
    let lines = [
        "[device]".to_owned(),
        "id = \"demo\"".into(),
        "[admin]".into(),
        "listen = \"127.0.0.1:0\"".into(),
        format!("[pipelines.{PIPELINE}]"),
        format!("topics = [{}]", quoted(&format!("{prefix}machines/+/telemetry"))),
        format!("source_topic_level = {source_level}"),
        format!("model = {}", quoted(&bundle.to_string_lossy())),
        format!("output_topic = {}", quoted(&format!("{prefix}verdicts/{{pipeline}}/{{source}}"))),
        "output_qos = 1".into(),
        format!("copy_fields = [{copied}]"),
    ];
    lines.join("\n")
}

/// A daemon running on a thread of its own.
pub struct Running {
    telemetry: Arc<Telemetry>,
    commands: mpsc::Sender<Command>,
    thread: thread::JoinHandle<Result<RunReport, DemoError>>,
}

impl Running {
    /// Starts the daemon.
    ///
    /// # Errors
    /// [`DemoError::Daemon`] when it can't be built.
    pub fn start(config: Config) -> Result<Running, DemoError> {
        let daemon = Daemon::build(config).map_err(DemoError::Daemon)?;
        let telemetry = daemon.telemetry();
        let (commands, receiver) = mpsc::channel(4);
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(DemoError::System)?;
        let thread = thread::Builder::new()
            .name("daemon".into())
            .spawn(move || {
                let report = runtime.block_on(daemon.run(receiver)).map_err(DemoError::Daemon);
                runtime.shutdown_background();
                report
            })
            .map_err(DemoError::System)?;
        Ok(Running { telemetry, commands, thread })
    }

    pub fn telemetry(&self) -> &Arc<Telemetry> {
        &self.telemetry
    }

    /// True when it ended without being asked to.
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Drains the daemon and waits for its end.
    ///
    /// # Errors
    /// What ended it, if it was not this call.
    pub async fn drain(self) -> Result<RunReport, DemoError> {
        // It fails only when the daemon has ended already.
        let _ = self.commands.send(Command::Drain).await;
        let thread = self.thread;
        let joined = tokio::task::spawn_blocking(move || thread.join()).await;
        match joined {
            Ok(Ok(report)) => report,
            _ => Err(DemoError::Panicked),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_is_the_machine_whatever_the_prefix() {
        let place = |prefix: &str| Place {
            run: "r".into(),
            url: "mqtt://localhost".into(),
            topic_prefix: prefix.into(),
            own_broker: false,
        };
        let plain = text(&place(""), Path::new("/tmp/a \"b\""));
        assert!(plain.contains("topics = [\"machines/+/telemetry\"]\nsource_topic_level = 2\n"), "{plain}");
        assert!(plain.contains("model = \"/tmp/a \\\"b\\\"\""), "{plain}");
        let prefixed = text(&place("edgeward-demo/r/"), Path::new("/tmp/m"));
        assert!(
            prefixed
                .contains("topics = [\"edgeward-demo/r/machines/+/telemetry\"]\nsource_topic_level = 4\n")
        );
        assert!(prefixed.contains("output_topic = \"edgeward-demo/r/verdicts/{pipeline}/{source}\""));
    }
}
