//! The writer: the one thread that owns the store. Takes what came while the last sync ran, makes
//! it one commit, and only then lets acknowledgements go.

use std::{
    ops::Range,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use super::{
    handle::{Outbox, Queue, Submission},
    input::{Input, Stage},
    store::{Batch, Fate, Mark, Moment, Store, UnitBooks},
};
use crate::settings::ClassSettings;
use edgeward_core::domain::Durability;
use edgeward_core::domain::Ticket;
use edgeward_core::fault_injection;

/// What the writer is told.
#[derive(Debug, Clone)]
pub(super) struct WriterOptions {
    pub classes: Vec<ClassSettings>,
    pub journal_after: Duration,
    pub max_unacked_bytes: usize,
    pub durability: Durability,
}

/// Ends, marks and counters wait at most this long for a commit to take them along.
const MARKS_WAIT: Duration = Duration::from_secs(1);
/// How many syncs' time an outcome that nobody waits for waits for company, and at most how long.
const PATIENT_SYNCS: u32 = 10;
const MOST_PATIENCE: Duration = Duration::from_millis(50);
/// After trouble with the disk, the next attempt.
pub(super) const RETRY: Duration = Duration::from_millis(250);
/// How soon a state of trouble is looked at again when nothing comes.
const PROBE: Duration = Duration::from_secs(1);
/// How often records are looked at for their time to live.
const EXPIRY: Duration = Duration::from_secs(5);
/// Damage stays a state for this long.
pub(super) const DAMAGE_STANDS: Duration = Duration::from_secs(600);
/// Most bytes of submissions in one commit.
const MOST_COMMIT_BYTES: usize = 1 << 20;

pub(super) struct Writer {
    pub(super) store: Store,
    pub(super) outbox: Outbox,
    pub(super) options: WriterOptions,
    pub(super) opened: Instant,
    /// By the number others use: the store's number, the input lane, the lanes by class.
    pub(super) pipelines: Vec<Lanes>,
    /// Not taken: no room, and the policy is to refuse.
    pub(super) held: Vec<Submission>,
    /// Could not be written, and must not be shed: tried again, and everything behind it is held.
    pub(super) stuck: Option<Commit>,
    /// Since when marks wait.
    pub(super) marks_since: Option<Instant>,
    pub(super) synced: Instant,
    /// How long an outcome that nobody waits for may wait for company: some syncs' time.
    patience: Duration,
    pub(super) retry_at: Option<Instant>,
    /// When what is held, or a state of trouble, is looked at again although nothing comes.
    look_at: Option<Instant>,
    /// When inputs for which the journal had no room are tried again.
    pub(super) spill_at: Option<Instant>,
    pub(super) expire_at: Instant,
    pub(super) damaged_at: Option<Instant>,
    pub(super) journaled: u64,
    pub(super) commits: u64,
    /// A state of trouble stands: looked at again without being asked.
    pub(super) troubled: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Lanes {
    pub(super) pipeline: u16,
    pub(super) input: u16,
    pub(super) classes: Vec<u16>,
}

/// One commit in the making.
#[derive(Default)]
pub(super) struct Commit {
    pub(super) batch: Batch,
    pub(super) tickets: Vec<Ticket>,
    /// Inputs that this commit journals, with their sequences.
    pub(super) journaled: Vec<(Arc<Input>, u64)>,
    /// Of its records.
    pub(super) bytes: usize,
    /// As [`Submission::bytes`] counts, of all it is made of.
    pub(super) taken_bytes: usize,
    /// Some of its results may not be shed.
    pub(super) refuses: bool,
}

impl Writer {
    pub fn new(store: Store, outbox: Outbox, options: WriterOptions) -> Self {
        let now = Instant::now();
        Writer {
            store,
            outbox,
            options,
            opened: now,
            pipelines: Vec::new(),
            held: Vec::new(),
            stuck: None,
            marks_since: None,
            synced: now,
            patience: Duration::ZERO,
            retry_at: None,
            look_at: None,
            spill_at: None,
            expire_at: now + EXPIRY,
            damaged_at: None,
            journaled: 0,
            commits: 0,
            troubled: false,
        }
    }

    /// Runs until told to close and nothing waits.
    pub fn run(mut self) {
        self.tell();
        loop {
            let closing = self.wait();
            self.turn();
            if closing && self.outbox.lock().is_empty() {
                self.tick();
                if let Err(error) = self.store.flush_marks() {
                    tracing::warn!(%error, "the outbox's last counters were not written");
                }
                return;
            }
        }
    }

    /// Waits until there is something to do. True when told to close.
    fn wait(&mut self) -> bool {
        let inner = self.outbox.inner.clone();
        let mut queue = inner.queue.lock().expect("not poisoned: nothing panics under this lock");
        loop {
            while queue.inputs.front().is_some_and(|input| !matches!(input.stage(), Stage::Waiting)) {
                queue.inputs.pop_front();
            }
            let now = Instant::now();
            if (queue.submissions.is_empty() || self.holds_enough()) && !queue.idle {
                queue.idle = true;
                inner.room.notify_all();
            }
            let spilled = !queue.spilled.is_empty() && self.spill_at.is_none_or(|at| at <= now);
            // An outcome whose input is in the journal rides along with the next commit: a sync of
            // its own would keep the next input's acknowledgement waiting behind it.
            let patient = queue.patient_since.is_some_and(|since| since + self.patience > now);
            let outcomes = !queue.submissions.is_empty() && !self.holds_enough();
            let handed_in = (outcomes && (queue.urgent || !patient)) || spilled;
            if queue.closing || !queue.damaged.is_empty() || (handed_in && self.may_try(now)) {
                return queue.closing;
            }
            if !queue.ended.is_empty() && self.marks_since.is_none() {
                self.marks_since = Some(now);
            }
            let due = self.due(&queue);
            match due {
                Some(at) if at <= now => return false,
                Some(at) => {
                    queue.asleep = true;
                    let waited = inner.wake.wait_timeout(queue, at - now);
                    queue = waited.expect("not poisoned: nothing panics under this lock").0;
                }
                None => {
                    queue.asleep = true;
                    queue = inner.wake.wait(queue).expect("not poisoned: nothing panics under this lock");
                }
            }
            queue.asleep = false;
        }
    }

    fn may_try(&self, now: Instant) -> bool {
        self.retry_at.is_none_or(|at| at <= now)
    }

    /// When something is to be done although nothing comes.
    fn due(&self, queue: &Queue) -> Option<Instant> {
        let journal = queue.inputs.front().map(|input| input.arrived + self.options.journal_after);
        let sync = match self.options.durability {
            Durability::Interval(interval) if self.store.has_unsynced() => Some(self.synced + interval),
            _ => None,
        };
        let marks = self.marks_since.map(|since| since + MARKS_WAIT);
        let patient = queue.patient_since.filter(|_| !self.holds_enough()).map(|since| since + self.patience);
        let has_ttl = self.options.classes.iter().any(|class| class.policy.ttl_ms.is_some());
        let expiry = has_ttl.then_some(self.expire_at);
        let damage = self.damaged_at.map(|at| at + DAMAGE_STANDS);
        let trouble = self.retry_at.or(self.look_at);
        let spill = if queue.spilled.is_empty() { None } else { self.spill_at };
        let soonest =
            [journal, sync, marks, patient, expiry, damage, trouble, spill].into_iter().flatten().min();
        // Nothing is tried before the next attempt.
        soonest.map(|at| self.retry_at.map_or(at, |retry| at.max(retry)))
    }

    fn tick(&mut self) {
        let wall_ms =
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64);
        let since_open_ms = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.store.tick(Moment { since_open_ms, wall_ms });
    }

    /// Takes what waits and makes it durable.
    fn turn(&mut self) {
        fault_injection::point("outbox");
        self.tick();
        let now = Instant::now();
        if self.retry_at.is_some_and(|at| at <= now) {
            self.retry_at = None;
        }
        let mut taken = self.take(now);
        for file in &taken.damaged {
            self.set_aside(*file);
        }
        for (lane, range, fate) in taken.ended {
            self.store.end(lane, range, fate);
        }
        for (uplink, day, bytes) in taken.spent {
            self.store.mark(Mark::Spent { uplink, day, bytes });
        }
        if self.expire_at <= now {
            self.expire_at = now + EXPIRY;
            self.store.expire();
        }
        self.retry_stuck();
        let mut commit = Commit::default();
        let held = std::mem::take(&mut self.held);
        for submission in held.into_iter().chain(taken.submissions) {
            self.admit(submission, &mut commit);
        }
        // Those that could not be journaled before come back behind newer ones.
        taken.inputs.sort_by_key(|input| input.sequence);
        for input in taken.inputs {
            self.journal(input, &mut commit);
        }
        self.commit(commit, now);
        self.refuse();
        if let Err(error) = self.store.reclaim(false) {
            self.trouble(&error);
        }
        if self.troubled && self.retry_at.is_none() && self.stuck.is_none() && !self.store.has_pending() {
            // Nothing waits to be written: only an attempt tells whether the trouble is over.
            match self.store.probe() {
                Ok(()) => self.well(),
                Err(error) => self.trouble(&error),
            }
        }
        // A moment, not a time from whenever somebody asks: that would never come.
        let look_in = if self.held.is_empty() { self.troubled.then_some(PROBE) } else { Some(RETRY) };
        self.look_at = look_in.map(|after| Instant::now() + after);
        self.tell();
    }

    fn take(&mut self, now: Instant) -> Taken {
        let mut queue = self.outbox.lock();
        while self.pipelines.len() < queue.pipelines.len() {
            let name = &queue.pipelines[self.pipelines.len()];
            let classes = self.options.classes.iter();
            let lanes = Lanes {
                pipeline: self.store.pipeline(name),
                input: self.store.input_lane(name),
                classes: classes.map(|class| self.store.lane(name, &class.name)).collect(),
            };
            self.pipelines.push(lanes);
        }
        let mut taken = Taken {
            ended: std::mem::take(&mut queue.ended),
            damaged: std::mem::take(&mut queue.damaged),
            spent: std::mem::take(&mut queue.spent),
            inputs: Vec::new(),
            submissions: Vec::new(),
        };
        if self.spill_at.is_none_or(|at| at <= now) {
            self.spill_at = None;
            taken.inputs = std::mem::take(&mut queue.spilled);
            queue.spilled_bytes = 0;
        }
        let mut bytes = 0;
        let fitting = queue.submissions.iter().take_while(|submission| {
            bytes += submission.bytes();
            bytes <= MOST_COMMIT_BYTES
        });
        let mut count = fitting.count().max(1).min(queue.submissions.len());
        if self.holds_enough() && !queue.closing {
            count = 0;
        }
        taken.submissions.extend(queue.submissions.drain(..count));
        queue.bytes = queue.submissions.iter().map(Submission::bytes).sum();
        if queue.submissions.is_empty() {
            (queue.urgent, queue.patient_since) = (false, None);
        }
        let due = now.checked_sub(self.options.journal_after);
        while let Some(input) = queue.inputs.front() {
            match input.stage() {
                Stage::Waiting if due.is_some_and(|due| input.arrived <= due) => {
                    taken.inputs.extend(queue.inputs.pop_front());
                }
                Stage::Waiting => break,
                _ => drop(queue.inputs.pop_front()),
            }
        }
        drop(queue);
        self.outbox.inner.room.notify_all();
        taken
    }

    fn commit(&mut self, commit: Commit, now: Instant) {
        let nothing = commit.batch.records.is_empty() && commit.batch.units.is_empty();
        let marks_due = self.marks_since.is_some_and(|since| since + MARKS_WAIT <= now);
        if self.stuck.is_some() {
            // Nothing was admitted; marks go with what waits.
            return;
        }
        if self.retry_at.is_some() {
            if commit.refuses {
                self.stuck = Some(commit);
            } else {
                // In trouble: counted in memory, told when there is a disk again.
                self.count(commit);
            }
            return;
        }
        let written = if !nothing {
            self.commits += 1;
            let begin = Instant::now();
            let written = self.store.commit(&commit.batch).map(drop);
            self.patience = (begin.elapsed() * PATIENT_SYNCS).min(MOST_PATIENCE);
            written
        } else if marks_due {
            self.store.flush_marks()
        } else {
            Ok(())
        };
        match written {
            Ok(()) => {
                if !nothing || marks_due {
                    self.marks_since = None;
                    self.well();
                }
                if self.marks_since.is_none() && self.store.has_pending() && !self.store.has_unsynced() {
                    self.marks_since = Some(now);
                }
                self.durable(commit);
                self.sync_if_due(now);
            }
            Err(error) if commit.refuses => {
                self.trouble(&error);
                self.withdraw(commit);
            }
            Err(error) => {
                self.trouble(&error);
                self.store.give_up();
                for (input, _) in commit.journaled {
                    self.not_journaled(input);
                }
                // By policy, and counted: scoring and live verdicts go on.
                commit.tickets.into_iter().for_each(Ticket::done);
            }
        }
    }

    /// Makes durable what came within the last interval. What can't be synced now is kept: it was accepted.
    fn sync_if_due(&mut self, now: Instant) {
        let Durability::Interval(interval) = self.options.durability else { return };
        if self.synced + interval > now || !self.store.has_unsynced() {
            return;
        }
        self.synced = now;
        if let Err(error) = self.store.sync() {
            self.trouble(&error);
        }
    }

    /// Tries again what could not be written and may not be shed.
    fn retry_stuck(&mut self) {
        if self.retry_at.is_some() {
            return;
        }
        let Some(commit) = self.stuck.take() else { return };
        match self.store.commit(&commit.batch) {
            Ok(_) => {
                self.well();
                self.durable(commit);
            }
            Err(error) => {
                self.trouble(&error);
                self.withdraw(commit);
            }
        }
    }

    /// Keeps a commit for later. Its sequences stay its own: nothing else is given any meanwhile.
    fn withdraw(&mut self, mut commit: Commit) {
        self.store.withdraw();
        // Counted already.
        commit.batch.numbers.clear();
        self.stuck = Some(commit);
    }

    /// Counts what can't be written now.
    fn count(&mut self, commit: Commit) {
        self.store.discard(&commit.batch);
        for (input, _) in commit.journaled {
            self.not_journaled(input);
        }
        commit.tickets.into_iter().for_each(Ticket::done);
    }

    /// An input stays unacknowledged until its outcome; one that nobody else holds is tried again.
    pub(super) fn not_journaled(&mut self, input: Arc<Input>) {
        if input.not_journaled() {
            let pipeline = self.pipelines[usize::from(input.pipeline)].pipeline;
            self.store.count_units(pipeline, &UnitBooks { received: 1, ..UnitBooks::default() });
        }
        if input.spilled {
            self.spill_at = Some(Instant::now() + RETRY);
            let mut queue = self.outbox.lock();
            queue.spilled_bytes += input.payload_bytes() + 64;
            queue.spilled.push(input);
        }
    }

    fn durable(&mut self, commit: Commit) {
        for (input, sequence) in commit.journaled {
            if let Some(ticket) = input.journaled(sequence) {
                ticket.done();
            }
        }
        commit.tickets.into_iter().for_each(Ticket::done);
        if !commit.batch.records.is_empty() {
            let mut listeners = self.outbox.inner.listeners.lock().expect("nothing panics under this lock");
            listeners
                .retain(|listener| listener.upgrade().inspect(|listener| listener.committed()).is_some());
        }
    }
}

struct Taken {
    submissions: Vec<Submission>,
    inputs: Vec<Arc<Input>>,
    ended: Vec<(u16, Range<u64>, Fate)>,
    damaged: Vec<u64>,
    spent: Vec<(String, u64, u64)>,
}
