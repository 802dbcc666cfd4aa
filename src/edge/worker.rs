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
    dialect::Dialect,
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
    fault_injection,
    scoring::{Encoder, Message, Outcome, Scorer, Settled, Stamp, Verdict},
    serving::{Batch, Client},
};

/// Everything a worker is built from.
pub(super) struct WorkerParts {
    pub name: String,
    /// Makes the scorer, at the start and after a death.
    pub scorer: Box<dyn Fn() -> Scorer + Send>,
    pub encoder: Encoder,
    pub queue: Arc<Queue>,
    pub stats: Arc<PipelineStats>,
    pub publisher: Publisher,
    pub dialect: Arc<dyn Dialect>,
    pub output: TopicTemplate,
    pub output_qos: Qos,
    pub error_topic: Option<TopicTemplate>,
    pub max_batch: usize,
    /// With an outbox, where outcomes go before anything is acknowledged.
    pub durable: Option<Durable>,
    /// The monotonic origin of the scorer's time.
    pub origin: Instant,
}

/// What the daemon and a worker's thread tell each other.
#[derive(Debug, Default)]
pub(super) struct Signals {
    /// Let go of what is queued and end.
    pub abandon: AtomicBool,
    /// At the end, nothing rests any more on what sources remember.
    pub forget: AtomicBool,
    /// It died too often and only sheds.
    pub closed: AtomicBool,
    pub finished: AtomicBool,
    ended: Notify,
}

/// Says that a thread is over, however it ended.
struct End(Arc<Signals>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.finished.store(true, Ordering::Release);
        self.0.ended.notify_one();
    }
}

/// A running worker.
pub(super) struct Worker {
    pub name: String,
    pub queue: Arc<Queue>,
    pub stats: Arc<PipelineStats>,
    /// Units shed for want of room when the daemon last looked.
    pub shed_before: u64,
    signals: Arc<Signals>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn start(parts: WorkerParts) -> std::io::Result<Worker> {
        let signals = Arc::new(Signals::default());
        let (name, queue, stats) = (parts.name.clone(), parts.queue.clone(), parts.stats.clone());
        let thread = {
            let end = End(signals.clone());
            std::thread::Builder::new().name(format!("score-{name}")).spawn(move || {
                Work::new(parts, end.0.clone()).live();
                drop(end);
            })?
        };
        Ok(Worker { name, queue, stats, shed_before: 0, signals, thread: Some(thread) })
    }

    /// Finishes what is queued and waits for the thread until `deadline`. True when it ended.
    pub async fn drain(&mut self, deadline: tokio::time::Instant) -> bool {
        self.queue.close();
        let ended = tokio::time::timeout_at(deadline, self.signals.ended.notified()).await.is_ok();
        if ended && let Some(thread) = self.thread.take() {
            // Past its last statement: the join doesn't wait.
            let _ = thread.join();
        }
        ended
    }

    /// At its end, nothing rests any more on what its sources remember: another model follows.
    pub fn forget(&self) {
        self.signals.forget.store(true, Ordering::Release);
    }

    /// Lets go of what is queued, under a named policy. A message being scored right now is left
    /// to its thread, which then ends; its units stay pending.
    pub fn abandon(&self, policy: ShedPolicy) {
        self.signals.abandon.store(true, Ordering::Release);
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
        self.signals.finished.load(Ordering::Acquire)
    }

    /// It died too often: its messages are shed.
    pub fn is_closed(&self) -> bool {
        self.signals.closed.load(Ordering::Acquire)
    }
}

/// The thread's own.
pub(super) struct Work {
    pub parts: WorkerParts,
    pub signals: Arc<Signals>,
    /// The thread's name.
    role: String,
    pub publishes: Vec<Publish>,
    buffer: Vec<u8>,
    pub evicted: u64,
    pub panics: u64,
    /// Of the batch in work.
    pub counts: Counts,
}

/// What the batch in work came to so far; it goes to the ledger as a whole, so that a batch that dies leaves
/// nothing there.
#[derive(Default)]
pub(super) struct Counts {
    scored: u64,
    merged: u64,
    rejected: Vec<Reason>,
    /// The batch is in the ledger and handed to the outbox.
    pub done: bool,
    /// It died, and what became of its messages is being said.
    pub unburied: bool,
}

impl Client for Work {
    type Job = Job;

    fn take(&mut self, jobs: &mut Vec<Job>) -> bool {
        while jobs.is_empty() {
            if self.signals.abandon.load(Ordering::Acquire) {
                return false;
            }
            match self.parts.queue.take(self.parts.max_batch, jobs) {
                Next::Jobs => {}
                Next::Spilled => self.read_journal(jobs),
                Next::Closed => {
                    if self.signals.forget.load(Ordering::Acquire)
                        && let Some(durable) = &mut self.parts.durable
                    {
                        durable.release_all();
                    }
                    return false;
                }
            }
            self.parts.publisher.made_room();
        }
        let now = Instant::now();
        for job in jobs.iter() {
            self.parts.stats.observe_queue(now.saturating_duration_since(job.arrived));
        }
        self.counts = Counts::default();
        true
    }

    fn message<'j>(&self, job: &'j Job, token: u64) -> Message<'j> {
        Message {
            topic: &job.topic,
            payload: &job.payload,
            sequence: job.sequence,
            epoch: job.epoch,
            token,
            now: job.arrived.saturating_duration_since(self.parts.origin),
            replayed: job.settled_before,
        }
    }

    fn settle(&mut self, jobs: &[Job], settled: &Settled<'_>) {
        let job = &jobs[settled.message];
        if let Some(durable) = &mut self.parts.durable {
            let number = settled.number.filter(|_| !job.settled_before);
            durable.reading(settled.source, settled.message, number);
        }
        if job.settled_before {
            // Its outcome is stored: only the source's memory needed it again.
            return;
        }
        match settled.outcome {
            Outcome::Verdict(verdict) => {
                self.counts.scored += 1;
                self.verdict(job, verdict);
            }
            Outcome::Merged => {
                self.counts.merged += 1;
                if let Some(durable) = &mut self.parts.durable {
                    durable.merged();
                }
            }
            Outcome::Rejected(rejection) => self.reject(job, settled.input_id, rejection),
        }
    }

    fn finish(&mut self, scorer: &mut Scorer, jobs: &mut Vec<Job>, batch: &Batch) {
        fault_injection::point(&self.role);
        let stats = &self.parts.stats;
        stats.receive(batch.more_units);
        if let Some(durable) = &mut self.parts.durable {
            durable.received(batch.more_units);
            durable.remember(scorer);
            durable.submit(scorer, jobs, batch.first_token);
        }
        stats.settle(Bucket::Scored, self.counts.scored);
        stats.settle(Bucket::Merged, self.counts.merged);
        self.counts.rejected.iter().for_each(|reason| stats.reject(*reason));
        self.counts.done = true;
        stats.observe_batch(self.counts.scored, batch.took);
        self.tell(scorer);
        self.publish();
        acknowledge(jobs);
    }
}

/// The messages' own part in their tickets is done.
pub(super) fn acknowledge(jobs: &mut Vec<Job>) {
    for ticket in jobs.drain(..).filter_map(|job| job.ticket) {
        ticket.done();
    }
}

impl Work {
    fn new(parts: WorkerParts, signals: Arc<Signals>) -> Self {
        Work {
            role: format!("score-{}", parts.name),
            parts,
            signals,
            publishes: Vec::new(),
            buffer: Vec::new(),
            evicted: 0,
            panics: 0,
            counts: Counts::default(),
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
            jobs.push(Job::read_back(read));
        }
        if jobs.is_empty() {
            queue.caught_up();
            queue.until_committed(seen);
        }
    }

    /// Counters the scorer keeps for itself, and the queue's gauges.
    pub fn tell(&mut self, scorer: &Scorer) {
        let stats = &self.parts.stats;
        let (sources, evicted) = scorer.sources();
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
        for _ in self.panics..scorer.panics() {
            stats.model_panicked();
            tracing::warn!(pipeline = self.parts.name, "the model panicked; the message was rejected");
        }
        self.panics = scorer.panics();
        if stats.runs_on(scorer.engine()) {
            tracing::warn!(
                pipeline = self.parts.name,
                engine = scorer.engine(),
                "tract failed at a message that our own executor answers, which runs the model from now on"
            );
        }
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

    fn verdict(&mut self, job: &Job, verdict: &Verdict) {
        let latency = job.arrived.elapsed();
        self.parts.stats.observe_end_to_end(latency);
        let stamp = Stamp { scored_at: job.arrived_at + latency, latency };
        self.buffer.clear();
        self.parts.encoder.verdict(verdict, stamp, &mut self.buffer);
        let payload = Bytes::copy_from_slice(&self.buffer);
        let mut live = true;
        if let Some(durable) = &mut self.parts.durable {
            live = durable.live;
            durable.verdict(verdict, payload.clone());
        }
        if live {
            let topic = self.parts.output.topic(verdict.source.as_deref().unwrap_or(""));
            self.push(topic, payload, job);
        }
    }

    fn reject(&mut self, job: &Job, input_id: &InputId, rejection: &Rejection) {
        self.counts.rejected.push(rejection.reason);
        if let Some(durable) = &mut self.parts.durable {
            durable.rejected(rejection.reason);
        }
        tracing::trace!(topic = job.topic, %rejection, "rejected");
        if let Some(template) = &self.parts.error_topic {
            self.buffer.clear();
            self.parts.encoder.rejection(
                rejection,
                input_id,
                &job.topic,
                SystemTime::now(),
                &mut self.buffer,
            );
            let topic = template.topic("");
            self.push(topic, Bytes::copy_from_slice(&self.buffer), job);
        }
    }

    fn push(&mut self, topic: String, payload: Bytes, job: &Job) {
        let receipt = job.ticket.as_ref().map(|ticket: &Ticket| {
            ticket.add_parts(1);
            Receipt::Input(ticket.clone())
        });
        let topic = self.parts.dialect.departure(topic.into(), None).into_owned();
        self.publishes.push(Publish { topic, payload, qos: self.parts.output_qos, retain: false, receipt });
    }
}
