//! A pipeline's beginning: its route first, so that messages gather, then its worker.

use std::sync::Arc;

use tracing::info;

use super::{
    app::{BuildError, Daemon},
    durable::Durable,
    inbox::{DurableRoute, Route},
    queue::Queue,
    worker::{Worker, WorkerParts},
};
use crate::{
    config::PipelineConfig,
    mqtt::Publisher,
    telemetry::{ModelInfo, PipelineStats},
};
use edgeward_core::scoring::{Encoder, Scorer, ScorerOptions};
use edgeward_outbox::Journal;

/// A pipeline whose messages gather, before its worker starts.
pub(super) struct Opened {
    pub pipeline: PipelineConfig,
    queue: Arc<Queue>,
    stats: Arc<PipelineStats>,
}

impl Daemon {
    /// Opens a pipeline's route, or exchanges the one of its name in one step: from now on its
    /// messages gather in a queue of its own.
    pub(super) fn open(&self, pipeline: PipelineConfig) -> Opened {
        let identity = &pipeline.model.identity;
        let info = ModelInfo {
            name: identity.name.clone(),
            version: identity.version.clone(),
            digest: identity.digest.clone(),
        };
        let stats = self.telemetry.add_pipeline(&pipeline.name, info);
        let queue = Arc::new(Queue::new(pipeline.queue_messages, pipeline.queue_bytes));
        let durable = self.storage.as_ref().map(|storage| {
            storage.restore(&pipeline.name, &stats);
            if Journal::is_waiting(&storage.outbox, &pipeline.name) {
                queue.has_backlog();
            }
            let listener: Arc<dyn edgeward_outbox::Listener> = queue.clone();
            storage.outbox.listen(Arc::downgrade(&listener));
            DurableRoute {
                pipeline: storage.outbox.pipeline(&pipeline.name),
                outbox: storage.outbox.clone(),
                epoch: self.epoch,
                remembers: pipeline.model.plan.remembers_readings(),
            }
        });
        let route = Route {
            name: pipeline.name.clone(),
            topics: pipeline.topics.clone(),
            qos: pipeline.qos,
            retained: pipeline.retained,
            queue: queue.clone(),
            stats: stats.clone(),
            durable,
        };
        let routes = &mut self.lock().routes;
        match routes.iter_mut().find(|known| known.name == route.name) {
            Some(known) => *known = route,
            None => routes.push(route),
        }
        Opened { pipeline, queue, stats }
    }

    /// Starts the worker of an opened pipeline.
    pub(super) fn launch(&mut self, opened: Opened, publisher: &Publisher) -> Result<(), BuildError> {
        let Opened { pipeline, queue, stats } = opened;
        let identity = &pipeline.model.identity;
        let options = ScorerOptions {
            pipeline: pipeline.name.clone(),
            device: self.config.device.as_str().into(),
            epoch: self.epoch,
            source: pipeline.source.clone(),
            sequence_field: pipeline.sequence_field.clone(),
            max_sources: pipeline.max_sources,
            copy_fields: pipeline.copy_fields.clone(),
            max_payload_bytes: pipeline.max_payload_bytes,
            max_batch: pipeline.max_batch,
        };
        let worker = Worker::start(WorkerParts {
            name: pipeline.name.clone(),
            scorer: {
                let (plan, engine) = (pipeline.model.plan.clone(), pipeline.model.engine.clone());
                Box::new(move || Scorer::new(plan.clone(), engine.clone(), options.clone()))
            },
            encoder: Encoder::new(&pipeline.name, identity),
            queue,
            stats,
            publisher: publisher.clone(),
            dialect: self.dialect.clone(),
            output: pipeline.output.clone(),
            output_qos: pipeline.output_qos,
            error_topic: pipeline.error_topic.clone(),
            max_batch: pipeline.max_batch,
            durable: self.storage.as_ref().map(|storage| {
                Durable::new(
                    storage.outbox.clone(),
                    storage.classes.clone(),
                    &pipeline,
                    self.epoch,
                    !self.running,
                )
            }),
            origin: self.origin,
        })
        .map_err(BuildError::NoThread)?;
        info!(pipeline = pipeline.name, model = identity.name, version = identity.version, "pipeline ready");
        self.workers.push((pipeline, worker));
        Ok(())
    }
}
