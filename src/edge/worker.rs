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

use super::{
    durable::Durable,
    queue::{Job, Next, Queue},
};
use crate::{
    config::TopicTemplate,
    mqtt::{Publish, Publisher, Qos, Receipt},
    telemetry::PipelineStats,
};
use edgeward_core::domain::ShedPolicy;
use edgeward_core::{
    domain::{Bucket, InputId, Reason, Rejection, Ticket},
    scoring::{Encoder, Message, Outcome, Scorer, Settled, Stamp, Verdict},
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
    /// With an outbox, where outcomes go before anything is acknowledged.
    pub durable: Option<Durable>,
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
    forget: Arc<AtomicBool>,
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
        let (ended, forget) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
        let (name, queue, stats) = (parts.name.clone(), parts.queue.clone(), parts.stats.clone());
        let thread = {
            let (abandon, finished, ended) = (abandon.clone(), finished.clone(), ended.clone());
            let forget = forget.clone();
            std::thread::Builder::new().name(format!("score-{name}")).spawn(move || {
                Work::new(parts, abandon).run(&forget);
                finished.store(true, Ordering::Release);
                ended.notify_one();
            })?
        };
        Ok(Worker {
            name,
            queue,
            stats,
            shed_before: 0,
            abandon,
            forget,
            finished,
            ended,
            thread: Some(thread),
        })
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

    /// At its end, nothing rests any more on what its sources remember: another model follows.
    pub fn forget(&self) {
        self.forget.store(true, Ordering::Release);
    }

    /// Lets go of what is queued, under a named policy. A message being scored right now is left
    /// to its thread, which then ends; its units stay pending.
    pub fn abandon(&self, policy: ShedPolicy) {
        self.abandon.store(true, Ordering::Release);
        self.queue.close();
        // What an input of the outbox comes to is settled later: the journal has it, or the broker.
        let (kept, left): (Vec<Job>, Vec<Job>) =
            self.queue.clear().into_iter().partition(|job| job.input.is_some());
        let with_broker =
            kept.iter().filter(|job| job.input.as_ref().is_some_and(|input| !input.is_counted()));
        self.stats.withdraw(with_broker.count() as u64);
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
    /// Of the next message.
    token: u64,
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
        Work { parts, abandon, publishes: Vec::new(), buffer: Vec::new(), evicted: 0, panics: 0, token: 1 }
    }

    fn run(mut self, forget: &AtomicBool) {
        let mut jobs = Vec::new();
        loop {
            match self.parts.queue.take(self.parts.max_batch, &mut jobs) {
                Next::Jobs => {}
                Next::Spilled => self.read_journal(&mut jobs),
                Next::Closed => {
                    if let (true, Some(durable)) = (forget.load(Ordering::Acquire), &mut self.parts.durable) {
                        durable.release_all();
                    }
                    return;
                }
            }
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

    /// Takes messages that are on disk and were not in memory.
    fn read_journal(&mut self, jobs: &mut Vec<Job>) {
        let WorkerParts { durable: Some(durable), queue, name, max_batch, .. } = &mut self.parts else {
            return;
        };
        let seen = queue.commits();
        while jobs.len() < *max_batch {
            let Some(read) = durable.journal.next(name) else { break };
            if read.is_new {
                queue.read_back(read.input.sequence);
            }
            jobs.push(Job {
                topic: read.input.topic.clone(),
                payload: read.input.payload(),
                sequence: read.input.sequence,
                epoch: Some(read.input.epoch),
                arrived: read.input.arrived,
                arrived_at: read.input.arrived_at,
                ticket: None,
                settled_before: read.settled,
                input: Some(read.input),
            });
        }
        if jobs.is_empty() {
            queue.caught_up();
            queue.until_committed(seen);
        }
    }

    fn score(&mut self, jobs: &[Job]) {
        if jobs.is_empty() {
            return;
        }
        let begin = Instant::now();
        let first_token = self.token;
        self.token += jobs.len() as u64;
        for job in jobs {
            self.parts.stats.observe_queue(begin.saturating_duration_since(job.arrived));
        }
        let Work { parts, publishes, buffer, .. } = self;
        let WorkerParts { scorer, encoder, stats, output, output_qos, error_topic, origin, durable, .. } =
            parts;
        let mut batch = Batch { jobs, scored: 0, merged: 0 };
        let mut writer = Writer {
            encoder,
            output,
            output_qos: *output_qos,
            error_topic,
            stats,
            publishes,
            buffer,
            durable,
        };
        let mut more = 0;
        let mut settle = |settled: Settled<'_>| writer.settle(&mut batch, &settled);
        for (index, job) in jobs.iter().enumerate() {
            let message = Message {
                topic: &job.topic,
                payload: &job.payload,
                sequence: job.sequence,
                epoch: job.epoch,
                token: first_token + index as u64,
                now: job.arrived.saturating_duration_since(*origin),
                replayed: job.settled_before,
            };
            let units = scorer.push(index, &message, &mut settle) as u64;
            if units > 1 && !job.settled_before {
                // The message was counted as one unit when it arrived.
                stats.receive(units - 1);
                more += units - 1;
            }
        }
        scorer.flush(&mut settle);
        if let Some(durable) = durable {
            durable.received(more);
            durable.submit(scorer, jobs, first_token);
        }
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
        let left = if self.parts.durable.is_some() {
            // The outbox has them: nobody waits for a broker that takes none.
            self.parts.publisher.offer(&mut self.publishes)
        } else {
            self.parts.publisher.publish(&mut self.publishes)
        };
        self.parts.stats.verdicts_published(count - left.len() as u64);
        if !left.is_empty() {
            self.parts.stats.verdicts_dropped(left.len() as u64);
        }
        if !left.is_empty() && self.parts.durable.is_none() {
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
    durable: &'w mut Option<Durable>,
}

impl Writer<'_> {
    fn settle(&mut self, batch: &mut Batch<'_>, settled: &Settled<'_>) {
        let job = &batch.jobs[settled.message];
        if let Some(durable) = &mut self.durable {
            let number = settled.number.filter(|_| !job.settled_before);
            durable.reading(settled.source, settled.message, number);
        }
        if job.settled_before {
            // Its outcome is stored: only the source's memory needed it again.
            return;
        }
        match settled.outcome {
            Outcome::Verdict(verdict) => {
                batch.scored += 1;
                self.verdict(job, verdict);
            }
            Outcome::Merged => {
                batch.merged += 1;
                if let Some(durable) = &mut self.durable {
                    durable.merged();
                }
            }
            Outcome::Rejected(rejection) => self.reject(job, settled.input_id, rejection),
        }
    }

    fn verdict(&mut self, job: &Job, verdict: &Verdict) {
        let latency = job.arrived.elapsed();
        self.stats.observe_end_to_end(latency);
        let stamp = Stamp { scored_at: job.arrived_at + latency, latency };
        self.buffer.clear();
        self.encoder.verdict(verdict, stamp, self.buffer);
        let payload = Bytes::copy_from_slice(self.buffer);
        let mut live = true;
        if let Some(durable) = &mut self.durable {
            live = durable.live;
            durable.verdict(verdict, payload.clone());
        }
        if live {
            let topic = self.output.topic(verdict.source.as_deref().unwrap_or(""));
            self.push(topic, payload, job);
        }
    }

    fn reject(&mut self, job: &Job, input_id: &InputId, rejection: &Rejection) {
        self.stats.reject(rejection.reason);
        if let Some(durable) = &mut self.durable {
            let place = Reason::ALL.iter().position(|reason| *reason == rejection.reason);
            durable.rejected(place.and_then(|place| u8::try_from(place).ok()).unwrap_or(u8::MAX));
        }
        tracing::trace!(topic = job.topic, %rejection, "rejected");
        if let Some(template) = self.error_topic {
            self.buffer.clear();
            self.encoder.rejection(rejection, input_id, &job.topic, SystemTime::now(), self.buffer);
            self.push(template.topic(""), Bytes::copy_from_slice(self.buffer), job);
        }
    }

    fn push(&mut self, topic: String, payload: Bytes, job: &Job) {
        let receipt = job.ticket.as_ref().map(|ticket: &Ticket| {
            ticket.add_parts(1);
            Receipt::Input(ticket.clone())
        });
        self.publishes.push(Publish { topic, payload, qos: self.output_qos, retain: false, receipt });
    }
}
