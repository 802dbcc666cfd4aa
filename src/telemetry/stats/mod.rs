//! The ledger and the measurements of one pipeline.
//!
//! The ledger is one short lock, so a snapshot is of one moment; the rest are atomics. `pending` is
//! counted on its own and never derived from the others: so the books can really fail to balance.

mod histogram;

use std::{
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

pub use histogram::{Histogram, HistogramSnapshot};

use edgeward_core::domain::{Books, Bucket, Reason, ShedPolicy};

/// Which model a pipeline runs, as its verdicts name it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelInfo {
    pub name: String,
    pub version: String,
    /// SHA-256 in hexadecimal.
    pub digest: String,
}

/// The books with their details, all of one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ledger {
    pub books: Books,
    rejected: [u64; Reason::ALL.len()],
    shed: [u64; ShedPolicy::ALL.len()],
}

impl Ledger {
    /// Units rejected for `reason`.
    pub fn rejected(&self, reason: Reason) -> u64 {
        self.rejected[reason.place()]
    }

    /// Units let go under `policy`.
    pub fn shed(&self, policy: ShedPolicy) -> u64 {
        self.shed[policy.place()]
    }

    /// Books kept since an earlier run; `rejected` and `shed` by number. What a number unknown here stands for is
    /// in the books' sums alone.
    pub fn restored(books: Books, rejected: &[(u8, u64)], shed: &[(u8, u64)]) -> Self {
        let mut ledger = Ledger { books, ..Ledger::default() };
        for (reason, count) in
            rejected.iter().filter_map(|(number, count)| Some((Reason::of_number(*number)?, count)))
        {
            ledger.rejected[reason.place()] += count;
        }
        for (policy, count) in
            shed.iter().filter_map(|(number, count)| Some((ShedPolicy::of_number(*number)?, count)))
        {
            ledger.shed[policy.place()] += count;
        }
        ledger
    }

    fn settle(&mut self, bucket: Bucket, units: u64) {
        // Settling what was never received leaves the books unbalanced, which is then seen, instead
        // of taking the daemon down.
        self.books.pending = self.books.pending.saturating_sub(units);
        self.books.end(bucket, units);
    }
}

/// The ledger and measurements of one pipeline, shared by the threads that feed it.
#[derive(Debug)]
pub struct PipelineStats {
    ledger: Mutex<Ledger>,
    model: Mutex<ModelInfo>,
    started: Instant,
    /// Nanoseconds from `started` to the last message, plus one; 0 before the first.
    last_message: AtomicU64,
    messages: AtomicU64,
    retained_ignored: AtomicU64,
    batch_rows: AtomicU64,
    verdicts_published: AtomicU64,
    verdicts_dropped: AtomicU64,
    model_panics: AtomicU64,
    /// Runs the model now; empty before it is known.
    engine: Mutex<&'static str>,
    engine_changes: AtomicU64,
    restarts: AtomicU64,
    sources: AtomicU64,
    sources_evicted: AtomicU64,
    queue_messages: AtomicU64,
    queue_bytes: AtomicU64,
    queue: Histogram,
    scoring: Histogram,
    end_to_end: Histogram,
}

impl PipelineStats {
    /// Empty books for a pipeline that runs `model`.
    pub fn new(model: ModelInfo) -> Self {
        PipelineStats {
            ledger: Mutex::default(),
            model: Mutex::new(model),
            started: Instant::now(),
            last_message: AtomicU64::new(0),
            messages: AtomicU64::new(0),
            retained_ignored: AtomicU64::new(0),
            batch_rows: AtomicU64::new(0),
            verdicts_published: AtomicU64::new(0),
            verdicts_dropped: AtomicU64::new(0),
            model_panics: AtomicU64::new(0),
            engine: Mutex::default(),
            engine_changes: AtomicU64::new(0),
            restarts: AtomicU64::new(0),
            sources: AtomicU64::new(0),
            sources_evicted: AtomicU64::new(0),
            queue_messages: AtomicU64::new(0),
            queue_bytes: AtomicU64::new(0),
            queue: Histogram::default(),
            scoring: Histogram::default(),
            end_to_end: Histogram::default(),
        }
    }

    fn ledger_mut(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().expect("the ledger's lock is never held across code that can panic")
    }

    /// Units came in: they are pending until settled.
    pub fn receive(&self, units: u64) {
        let mut ledger = self.ledger_mut();
        ledger.books.received += units;
        ledger.books.pending += units;
    }

    /// Books of earlier runs, before anything is counted in this one.
    pub fn restore(&self, ledger: Ledger) {
        *self.ledger_mut() = ledger;
    }

    /// Pending units are left to the broker, which sends them again: they were never received.
    pub fn withdraw(&self, units: u64) {
        let mut ledger = self.ledger_mut();
        ledger.books.received = ledger.books.received.saturating_sub(units);
        ledger.books.pending = ledger.books.pending.saturating_sub(units);
    }

    /// Pending units ended in `bucket`. Use [`reject`](Self::reject) and [`shed`](Self::shed) for
    /// those buckets, so that the details add up to the bucket.
    pub fn settle(&self, bucket: Bucket, units: u64) {
        self.ledger_mut().settle(bucket, units);
    }

    /// One pending unit was refused.
    pub fn reject(&self, reason: Reason) {
        self.reject_units(reason, 1);
    }

    /// Several pending units were refused for one reason.
    pub fn reject_units(&self, reason: Reason, units: u64) {
        let mut ledger = self.ledger_mut();
        ledger.settle(Bucket::Rejected, units);
        ledger.rejected[reason.place()] += units;
    }

    /// Pending units were let go by a named policy.
    pub fn shed(&self, units: u64, policy: ShedPolicy) {
        let mut ledger = self.ledger_mut();
        ledger.settle(Bucket::Shed, units);
        ledger.shed[policy.place()] += units;
    }

    /// The books at this moment.
    pub fn books(&self) -> Books {
        self.ledger_mut().books
    }

    /// The books with reasons and policies, of one moment.
    pub fn ledger(&self) -> Ledger {
        *self.ledger_mut()
    }

    /// A message for this pipeline arrived from the broker.
    pub fn message_arrived(&self) {
        self.messages.fetch_add(1, Relaxed);
        let nanos = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX - 1);
        self.last_message.store(nanos + 1, Relaxed);
    }

    /// A retained message was ignored, as the pipeline is told to. It is no unit of the books.
    pub fn retained_ignored(&self) {
        self.retained_ignored.fetch_add(1, Relaxed);
    }

    /// The model ran once over `rows` rows.
    pub fn observe_batch(&self, rows: u64, scoring: Duration) {
        self.batch_rows.fetch_add(rows, Relaxed);
        self.scoring.observe(scoring);
    }

    /// A message waited this long before scoring began.
    pub fn observe_queue(&self, waited: Duration) {
        self.queue.observe(waited);
    }

    /// From a message's arrival to its verdict being handed to the broker's connection.
    pub fn observe_end_to_end(&self, took: Duration) {
        self.end_to_end.observe(took);
    }

    /// Verdicts handed to the broker's connection.
    pub fn verdicts_published(&self, verdicts: u64) {
        self.verdicts_published.fetch_add(verdicts, Relaxed);
    }

    /// Live verdicts dropped because the memory bound for unsent ones was reached.
    pub fn verdicts_dropped(&self, verdicts: u64) {
        self.verdicts_dropped.fetch_add(verdicts, Relaxed);
    }

    /// The engine panicked on an input.
    pub fn model_panicked(&self) {
        self.model_panics.fetch_add(1, Relaxed);
    }

    /// Which engine runs the model; true where another did before, which failed at a row that this one answers.
    pub fn runs_on(&self, engine: &'static str) -> bool {
        let mut known = self.engine.lock().expect("nothing panics under this lock");
        let changed = !known.is_empty() && *known != engine;
        *known = engine;
        if changed {
            self.engine_changes.fetch_add(1, Relaxed);
        }
        changed
    }

    /// The thread that scores died and was begun again, or closed.
    pub fn worker_died(&self) {
        self.restarts.fetch_add(1, Relaxed);
    }

    /// Sources forgotten to make room for new ones.
    pub fn sources_evicted(&self, sources: u64) {
        self.sources_evicted.fetch_add(sources, Relaxed);
    }

    /// Sources whose state is held now.
    pub fn set_sources(&self, sources: u64) {
        self.sources.store(sources, Relaxed);
    }

    /// What waits to be scored now.
    pub fn set_queue(&self, messages: u64, bytes: u64) {
        self.queue_messages.store(messages, Relaxed);
        self.queue_bytes.store(bytes, Relaxed);
    }

    /// After a reload: the same pipeline runs another model; its counters go on.
    pub fn set_model(&self, model: ModelInfo) {
        *self.model.lock().expect("nothing panics under this lock") = model;
        // It may well be run by another.
        *self.engine.lock().expect("nothing panics under this lock") = "";
    }

    /// Everything at (nearly) one moment; the ledger exactly so.
    pub fn snapshot(&self) -> PipelineSnapshot {
        let now_nanos = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let age = |nanos: u64| Duration::from_nanos(now_nanos.saturating_sub(nanos));
        let last = self.last_message.load(Relaxed);
        PipelineSnapshot {
            ledger: self.ledger(),
            model: self.model.lock().expect("nothing panics under this lock").clone(),
            last_message_age: last.checked_sub(1).map(age),
            silence: age(last.saturating_sub(1)),
            messages: self.messages.load(Relaxed),
            retained_ignored: self.retained_ignored.load(Relaxed),
            batch_rows: self.batch_rows.load(Relaxed),
            verdicts_published: self.verdicts_published.load(Relaxed),
            verdicts_dropped: self.verdicts_dropped.load(Relaxed),
            model_panics: self.model_panics.load(Relaxed),
            engine: *self.engine.lock().expect("nothing panics under this lock"),
            engine_changes: self.engine_changes.load(Relaxed),
            restarts: self.restarts.load(Relaxed),
            sources: self.sources.load(Relaxed),
            sources_evicted: self.sources_evicted.load(Relaxed),
            queue_messages: self.queue_messages.load(Relaxed),
            queue_bytes: self.queue_bytes.load(Relaxed),
            queue: self.queue.snapshot(),
            scoring: self.scoring.snapshot(),
            end_to_end: self.end_to_end.snapshot(),
        }
    }
}

/// A [`PipelineStats`] read once, for metrics and status.
#[derive(Debug, Clone)]
pub struct PipelineSnapshot {
    pub ledger: Ledger,
    pub model: ModelInfo,
    /// Since the last message; `None` before the first.
    pub last_message_age: Option<Duration>,
    /// Since the last message, or since the pipeline began when none came: what an alarm watches.
    pub silence: Duration,
    pub messages: u64,
    pub retained_ignored: u64,
    pub batch_rows: u64,
    pub verdicts_published: u64,
    pub verdicts_dropped: u64,
    pub model_panics: u64,
    /// Runs the model; empty before it is known.
    pub engine: &'static str,
    /// Times another engine took over, after the first failed.
    pub engine_changes: u64,
    /// Deaths of the thread that scores.
    pub restarts: u64,
    pub sources: u64,
    pub sources_evicted: u64,
    pub queue_messages: u64,
    pub queue_bytes: u64,
    pub queue: HistogramSnapshot,
    pub scoring: HistogramSnapshot,
    pub end_to_end: HistogramSnapshot,
}

#[cfg(test)]
mod tests;
