//! A pipeline's worker: the thread that scores. A panic of the model stops at the scorer.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Instant, SystemTime},
};

use bytes::Bytes;
use tokio::sync::Notify;

use super::queue::{Job, Queue};
use crate::{
    config::TopicTemplate,
    domain::{Bucket, InputId, Rejection},
    mqtt::{Publish, Publisher, Qos, Ticket},
    scoring::{Encoder, Message, Outcome, Scorer, Settled, Stamp, Verdict},
    telemetry::{PipelineStats, ShedPolicy},
};

/// Everything a worker is built from.
pub(super) struct WorkerParts {
    pub name: String,
    pub scorer: Scorer,
    pub encoder: Encoder,
    pub queue: Arc<Queue>,
    pub stats: Arc<PipelineStats>,
    pub publisher: Publisher,
    pub output: TopicTemplate,
    pub output_qos: Qos,
    pub error_topic: Option<TopicTemplate>,
    pub max_batch: usize,
    /// The monotonic origin of the scorer's time.
    pub origin: Instant,
}

/// A running worker.
pub(super) struct Worker {
    pub name: String,
    pub queue: Arc<Queue>,
    pub stats: Arc<PipelineStats>,
    /// Units shed for want of room when the daemon last looked.
    pub shed_before: u64,
    abandon: Arc<AtomicBool>,
    finished: Arc<AtomicBool>,
    ended: Arc<Notify>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn start(parts: WorkerParts) -> std::io::Result<Worker> {
        let (abandon, finished) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let ended = Arc::new(Notify::new());
        let (name, queue, stats) = (parts.name.clone(), parts.queue.clone(), parts.stats.clone());
        let thread = {
            let (abandon, finished, ended) = (abandon.clone(), finished.clone(), ended.clone());
            std::thread::Builder::new().name(format!("score-{name}")).spawn(move || {
                Work::new(parts, abandon).run();
                finished.store(true, Ordering::Release);
                ended.notify_one();
            })?
        };
        Ok(Worker { name, queue, stats, shed_before: 0, abandon, finished, ended, thread: Some(thread) })
    }

    /// Finishes what is queued and waits for the thread until `deadline`. True when it ended.
    pub async fn drain(&mut self, deadline: tokio::time::Instant) -> bool {
        self.queue.close();
        let ended = tokio::time::timeout_at(deadline, self.ended.notified()).await.is_ok();
        if ended && let Some(thread) = self.thread.take() {
            // Past its last statement: the join doesn't wait.
            let _ = thread.join();
        }
        ended
    }

    /// Lets go of what is queued, under a named policy. A message being scored right now is left
    /// to its thread, which then ends; its units stay pending.
    pub fn abandon(&self, policy: ShedPolicy) {
        self.abandon.store(true, Ordering::Release);
        self.queue.close();
        let left = self.queue.clear();
        self.stats.shed(left.len() as u64, policy);
        self.stats.set_queue(0, 0);
    }

    pub fn is_finished(&self) -> bool {
        self.finished.load(Ordering::Acquire)
    }
}

struct Work {
    parts: WorkerParts,
    abandon: Arc<AtomicBool>,
    publishes: Vec<Publish>,
    buffer: Vec<u8>,
    evicted: u64,
    panics: u64,
}

/// What a batch of messages needs while its units are settled.
struct Batch<'b> {
    jobs: &'b [Job],
    /// Tickets of the jobs; one part stays open until the job's last unit is settled.
    scored: u64,
    merged: u64,
}

impl Work {
    fn new(parts: WorkerParts, abandon: Arc<AtomicBool>) -> Self {
        Work { parts, abandon, publishes: Vec::new(), buffer: Vec::new(), evicted: 0, panics: 0 }
    }

    fn run(mut self) {
        let mut jobs = Vec::new();
        while self.parts.queue.take(self.parts.max_batch, &mut jobs) {
            self.parts.publisher.made_room();
            self.score(&jobs);
            // The messages' own part in their tickets.
            for job in jobs.drain(..) {
                if let Some(ticket) = job.ticket {
                    ticket.done();
                }
            }
            if self.abandon.load(Ordering::Acquire) {
                return;
            }
        }
    }

    fn score(&mut self, jobs: &[Job]) {
        let begin = Instant::now();
        for job in jobs {
            self.parts.stats.observe_queue(begin.saturating_duration_since(job.arrived));
        }
        let Work { parts, publishes, buffer, .. } = self;
        let WorkerParts { scorer, encoder, stats, output, output_qos, error_topic, origin, .. } = parts;
        let mut batch = Batch { jobs, scored: 0, merged: 0 };
        let mut writer =
            Writer { encoder, output, output_qos: *output_qos, error_topic, stats, publishes, buffer };
        let mut settle = |settled: Settled<'_>| writer.settle(&mut batch, &settled);
        for (index, job) in jobs.iter().enumerate() {
            let message = Message {
                topic: &job.topic,
                payload: &job.payload,
                sequence: job.sequence,
                now: job.arrived.saturating_duration_since(*origin),
            };
            let units = scorer.push(index, &message, &mut settle) as u64;
            if units > 1 {
                // The message was counted as one unit when it arrived.
                stats.receive(units - 1);
            }
        }
        scorer.flush(&mut settle);
        let (scored, merged) = (batch.scored, batch.merged);
        if scored > 0 {
            stats.settle(Bucket::Scored, scored);
        }
        if merged > 0 {
            stats.settle(Bucket::Merged, merged);
        }
        stats.observe_batch(scored, begin.elapsed());
        self.tell();
        self.publish();
    }

    /// Counters the scorer keeps for itself, and the queue's gauges.
    fn tell(&mut self) {
        let stats = &self.parts.stats;
        let (sources, evicted) = self.parts.scorer.sources();
        stats.set_sources(sources as u64);
        if evicted > self.evicted {
            stats.sources_evicted(evicted - self.evicted);
            tracing::info!(
                pipeline = self.parts.name,
                evicted = evicted - self.evicted,
                "sources unseen for a minute made room for new ones"
            );
            self.evicted = evicted;
        }
        for _ in self.panics..self.parts.scorer.panics() {
            stats.model_panicked();
            tracing::warn!(pipeline = self.parts.name, "the model panicked; the message was rejected");
        }
        self.panics = self.parts.scorer.panics();
        let (messages, bytes) = self.parts.queue.len();
        stats.set_queue(messages as u64, bytes as u64);
    }

    fn publish(&mut self) {
        let count = self.publishes.len() as u64;
        let left = self.parts.publisher.publish(&mut self.publishes);
        self.parts.stats.verdicts_published(count - left.len() as u64);
        if !left.is_empty() {
            self.parts.stats.verdicts_dropped(left.len() as u64);
            tracing::error!(
                pipeline = self.parts.name,
                verdicts = left.len(),
                "verdicts were not published: the daemon stopped before the broker took them"
            );
        }
    }
}

/// Turns settled units into counters and publishes.
struct Writer<'w> {
    encoder: &'w Encoder,
    output: &'w TopicTemplate,
    output_qos: Qos,
    error_topic: &'w Option<TopicTemplate>,
    stats: &'w PipelineStats,
    publishes: &'w mut Vec<Publish>,
    buffer: &'w mut Vec<u8>,
}

impl Writer<'_> {
    fn settle(&mut self, batch: &mut Batch<'_>, settled: &Settled<'_>) {
        let job = &batch.jobs[settled.message];
        match settled.outcome {
            Outcome::Verdict(verdict) => {
                batch.scored += 1;
                self.verdict(job, verdict);
            }
            Outcome::Merged => batch.merged += 1,
            Outcome::Rejected(rejection) => self.reject(job, settled.input_id, rejection),
        }
    }

    fn verdict(&mut self, job: &Job, verdict: &Verdict) {
        let latency = job.arrived.elapsed();
        self.stats.observe_end_to_end(latency);
        let stamp = Stamp { scored_at: job.arrived_at + latency, latency };
        self.buffer.clear();
        self.encoder.verdict(verdict, stamp, self.buffer);
        let topic = self.output.topic(verdict.source.as_deref().unwrap_or(""));
        self.push(topic, job);
    }

    fn reject(&mut self, job: &Job, input_id: &InputId, rejection: &Rejection) {
        self.stats.reject(rejection.reason);
        tracing::trace!(topic = job.topic, %rejection, "rejected");
        if let Some(template) = self.error_topic {
            self.buffer.clear();
            self.encoder.rejection(rejection, input_id, &job.topic, SystemTime::now(), self.buffer);
            self.push(template.topic(""), job);
        }
    }

    fn push(&mut self, topic: String, job: &Job) {
        let ticket = job.ticket.as_ref().map(|ticket: &Ticket| {
            ticket.add_parts(1);
            ticket.clone()
        });
        let payload = Bytes::copy_from_slice(self.buffer);
        self.publishes.push(Publish { topic, payload, qos: self.output_qos, retain: false, ticket });
    }
}
