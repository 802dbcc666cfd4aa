//! A reload: settings are compared by value, what changed is exchanged, what can't be is named.

use tokio::time::Instant as Deadline;
use tracing::{info, warn};

use super::{
    app::{BuildError, Daemon},
    worker::Worker,
};
use crate::{
    config::{Config, PipelineConfig},
    mqtt::Publisher,
    telemetry::{State, log},
};
use edgeward_core::domain::ShedPolicy;

impl Daemon {
    /// Exchanges the pipelines that changed; the others keep running with all they remember.
    pub(super) async fn reload(&mut self, config: Config, publisher: &Publisher) -> Result<(), BuildError> {
        let restart_needed = config.restart_needed(&self.config);
        if restart_needed.is_empty() {
            self.telemetry.readiness().leave(State::RestartNeeded);
        } else {
            let keys = restart_needed.join(", ");
            warn!(keys, "changed keys take effect at the next start only; the old values keep running");
            let text = format!("changed and not applied: {keys}; start the daemon again to apply them");
            self.telemetry.readiness().enter(State::RestartNeeded, text);
        }
        self.telemetry.set_restart_needed(restart_needed);
        if let Err(error) = log::set_level(&config.log.level) {
            warn!(%error, "the old log level stays");
        }
        self.config.keys = self.config.keys.reloaded(&config.keys);
        self.telemetry.set_settings(serde_json::json!(self.config.keys));
        let same = |worker: &(PipelineConfig, Worker)| {
            // One that died too often gets another chance.
            config.pipelines.contains(&worker.0) && !worker.1.is_closed()
        };
        let (kept, gone): (Vec<_>, Vec<_>) = std::mem::take(&mut self.workers).into_iter().partition(same);
        self.workers = kept;
        self.config.drain_deadline = config.drain_deadline;
        self.config.state_dir = config.state_dir;
        // Opened before the old ones end, so that no message falls between the two, and launched
        // after, so that a source's messages are scored in order.
        let mut opened = Vec::new();
        for pipeline in config.pipelines {
            if !self.workers.iter().any(|(_, worker)| worker.name == pipeline.name) {
                opened.push(self.open(pipeline));
            }
        }
        let deadline = Deadline::now() + config.drain_deadline;
        for (_, mut worker) in gone {
            let exchanged = opened.iter().any(|new| new.pipeline.name == worker.name);
            if !exchanged {
                self.lock().routes.retain(|route| route.name != worker.name);
            }
            worker.forget();
            if !worker.drain(deadline).await {
                worker.abandon(ShedPolicy::PipelineRemoved);
                warn!(pipeline = worker.name, "what the old pipeline had not scored in time was let go");
            }
            if !exchanged {
                self.telemetry.remove_pipeline(&worker.name);
                self.ended.push((worker.name.clone(), worker.stats.ledger()));
                info!(pipeline = worker.name, "pipeline ended");
            }
        }
        for opened in opened {
            self.launch(opened, publisher)?;
        }
        self.look_for_closed();
        info!("reloaded");
        Ok(())
    }
}
