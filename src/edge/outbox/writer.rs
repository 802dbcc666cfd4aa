//! The writer: the one thread that owns the store. Takes what came while the last sync ran, makes
//! it one commit, and only then lets acknowledgements go.

use std::{
    io,
    ops::Range,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;

use super::{
    handle::{Outbox, Queue, Submission},
    input::{Input, Stage},
    store::{Batch, Fate, Mark, Moment, Room, Store, UnitBooks, is_full},
};
use crate::{
    config::ClassConfig,
    domain::{Durability, WhenFull},
    mqtt::Ticket,
};

/// What the writer is told.
#[derive(Debug, Clone)]
pub(super) struct WriterOptions {
    pub classes: Vec<ClassConfig>,
    pub journal_after: Duration,
    pub max_unacked_bytes: usize,
    pub durability: Durability,
}

/// Ends, marks and counters wait at most this long for a commit to take them along.
const MARKS_WAIT: Duration = Duration::from_secs(1);
/// After trouble with the disk, the next attempt.
const RETRY: Duration = Duration::from_millis(250);
/// How soon a state of trouble is looked at again when nothing comes.
const PROBE: Duration = Duration::from_secs(1);
/// How often records are looked at for their time to live.
const EXPIRY: Duration = Duration::from_secs(5);
/// Damage stays a state for this long.
const DAMAGE_STANDS: Duration = Duration::from_secs(600);
/// Most bytes of records in one commit.
const MOST_COMMIT_BYTES: usize = 1 << 20;

pub(super) struct Writer {
    store: Store,
    outbox: Outbox,
    options: WriterOptions,
    opened: Instant,
    /// By the number others use: the store's number, the input lane, the lanes by class.
    pipelines: Vec<Lanes>,
    /// Not taken: no room, and the policy is to refuse.
    held: Vec<Submission>,
    /// Could not be written, and must not be shed: tried again, and everything behind it is held.
    stuck: Option<Commit>,
    /// Since when marks wait.
    marks_since: Option<Instant>,
    synced: Instant,
    retry_at: Option<Instant>,
    expire_at: Instant,
    damaged_at: Option<Instant>,
    journaled: u64,
    commits: u64,
    /// A state of trouble stands: looked at again without being asked.
    troubled: bool,
}

#[derive(Debug, Clone)]
struct Lanes {
    pipeline: u16,
    input: u16,
    classes: Vec<u16>,
}

/// One commit in the making.
#[derive(Default)]
struct Commit {
    batch: Batch,
    tickets: Vec<Ticket>,
    /// Inputs that this commit journals, with their sequences.
    journaled: Vec<(Arc<Input>, u64)>,
    /// Results by lane, to count them if they can't be stored.
    bytes: usize,
    /// Some of its results may not be shed.
    refuses: bool,
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
            retry_at: None,
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
            if queue.submissions.is_empty() && !queue.idle {
                queue.idle = true;
                inner.room.notify_all();
            }
            if queue.closing || !queue.damaged.is_empty() || (!queue.is_empty() && self.may_try(now)) {
                return queue.closing;
            }
            if !queue.ended.is_empty() && self.marks_since.is_none() {
                self.marks_since = Some(now);
            }
            let due = self.due(&queue, now);
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
    fn due(&self, queue: &Queue, now: Instant) -> Option<Instant> {
        let journal = queue.inputs.front().map(|input| input.arrived + self.options.journal_after);
        let sync = match self.options.durability {
            Durability::Interval(interval) if self.store.has_unsynced() => Some(self.synced + interval),
            _ => None,
        };
        let marks = self.marks_since.map(|since| since + MARKS_WAIT);
        let has_ttl = self.options.classes.iter().any(|class| class.policy.ttl_ms.is_some());
        let expiry = has_ttl.then_some(self.expire_at);
        let held = (!self.held.is_empty()).then(|| self.retry_at.unwrap_or(now + RETRY));
        let damage = self.damaged_at.map(|at| at + DAMAGE_STANDS);
        let trouble = self.retry_at.or(self.troubled.then_some(now + PROBE));
        let soonest = [journal, sync, marks, expiry, held, damage, trouble].into_iter().flatten().min();
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
        if self.troubled && self.retry_at.is_none() && !self.store.has_pending() {
            self.well();
        }
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
            inputs: std::mem::take(&mut queue.spilled),
            submissions: Vec::new(),
        };
        queue.spilled_bytes = 0;
        let mut bytes = 0;
        let fitting = queue.submissions.iter().take_while(|submission| {
            bytes += submission.bytes();
            bytes <= MOST_COMMIT_BYTES
        });
        let count = fitting.count().max(1).min(queue.submissions.len());
        taken.submissions.extend(queue.submissions.drain(..count));
        queue.bytes = queue.submissions.iter().map(Submission::bytes).sum();
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

    /// Puts a submission into the commit, or holds it back.
    fn admit(&mut self, submission: Submission, commit: &mut Commit) {
        let lanes = self.pipelines[usize::from(submission.pipeline)].clone();
        if self.stuck.is_some() {
            // Sequences behind those that wait are not given.
            self.held.push(submission);
            return;
        }
        let mut stored = vec![true; self.options.classes.len()];
        for (at, class) in self.options.classes.clone().iter().enumerate() {
            let of_class = submission.results.iter().filter(|(class, _)| usize::from(*class) == at);
            let bytes: u64 = of_class.map(|(_, payload)| payload.len() as u64 + 16).sum();
            if bytes == 0 {
                continue;
            }
            match self.room(&class.name, bytes + commit.bytes as u64) {
                Room::Yes => {}
                Room::Shed => stored[at] = false,
                Room::Refuse => {
                    self.held.push(submission);
                    return;
                }
            }
        }
        let Submission { results, units, settled, kept, released, numbers, tickets, .. } = submission;
        for (class, payload) in results {
            let lane = lanes.classes[usize::from(class)];
            if stored[usize::from(class)] {
                commit.bytes += payload.len() + 16;
                commit.batch.records.push((lane, payload));
                let policy = &self.options.classes[usize::from(class)].policy;
                commit.refuses |= policy.when_full == WhenFull::RefuseNewest;
            } else {
                self.store.count_shed(lane, 1);
            }
        }
        commit.batch.units.push((lanes.pipeline, units));
        commit.tickets.extend(tickets);
        for input in settled {
            let is_kept = kept.iter().any(|other| Arc::ptr_eq(other, &input));
            commit.tickets.extend(input.take_ticket());
            match (input.stage(), is_kept) {
                (Stage::Journaled(sequence), kept) => {
                    commit.batch.settled.push((lanes.input, sequence));
                    if !kept {
                        commit.batch.released.push((lanes.input, sequence));
                    }
                }
                (_, true) => {
                    let sequence = self.next(lanes.input, commit);
                    commit.batch.records.push((lanes.input, Bytes::from(input.keep())));
                    commit.batch.settled.push((lanes.input, sequence));
                    commit.journaled.push((input.clone(), sequence));
                }
                _ => {}
            }
            input.forget_payload();
        }
        for input in released {
            if let Stage::Journaled(sequence) = input.stage() {
                commit.batch.released.push((lanes.input, sequence));
            } else if let Some((_, sequence)) =
                commit.journaled.iter().find(|(known, _)| Arc::ptr_eq(known, &input))
            {
                commit.batch.released.push((lanes.input, *sequence));
            }
        }
        let numbers = numbers.into_iter().map(|(source, number)| (lanes.pipeline, source, number));
        commit.batch.numbers.extend(numbers);
    }

    /// The sequence the lane's next record will have.
    fn next(&self, lane: u16, commit: &Commit) -> u64 {
        let first = self.store.next_of(lane);
        first + commit.batch.records.iter().filter(|(of, _)| *of == lane).count() as u64
    }

    /// Puts an input that takes long into the commit.
    fn journal(&mut self, input: Arc<Input>, commit: &mut Commit) {
        let lanes = self.pipelines[usize::from(input.pipeline)].clone();
        let bytes = input.payload_bytes() as u64 + 64;
        if self.room(super::store::INPUT_CLASS, bytes + commit.bytes as u64) != Room::Yes {
            // Not acknowledged before its outcome is stored, then.
            self.not_journaled(input, false);
            return;
        }
        let Some(entry) = input.begin_journal() else { return };
        let sequence = self.next(lanes.input, commit);
        commit.bytes += entry.len();
        commit.batch.records.push((lanes.input, Bytes::from(entry)));
        let received = u64::from(!input.is_counted());
        commit.batch.units.push((lanes.pipeline, UnitBooks { received, ..UnitBooks::default() }));
        commit.journaled.push((input, sequence));
        self.journaled += 1;
    }

    fn room(&mut self, class: &str, bytes: u64) -> Room {
        if self.retry_at.is_some() {
            return self.policy(class);
        }
        match self.store.make_room(class, bytes) {
            Ok(room) => {
                if room != Room::Yes {
                    self.note_room();
                }
                room
            }
            Err(error) => {
                self.trouble(&error);
                self.policy(class)
            }
        }
    }

    /// What a class's policy says when nothing can be stored.
    fn policy(&self, class: &str) -> Room {
        let of = self.options.classes.iter().find(|known| known.name == class);
        match of.map(|class| class.policy.when_full) {
            Some(WhenFull::RefuseNewest) => Room::Refuse,
            Some(WhenFull::ShedOldest) | None => Room::Shed,
        }
    }

    fn commit(&mut self, commit: Commit, now: Instant) {
        let nothing = commit.batch.records.is_empty() && commit.batch.units.is_empty();
        let marks_due = self.marks_since.is_some_and(|since| since + MARKS_WAIT <= now);
        let interval = match self.options.durability {
            Durability::Interval(interval) => Some(interval),
            _ => None,
        };
        if self.stuck.is_some() {
            // Nothing was admitted; marks go with what waits.
            return;
        }
        if self.retry_at.is_some() {
            // In trouble: counted in memory, told when there is a disk again.
            self.count(commit);
            return;
        }
        let written = if !nothing {
            self.commits += 1;
            self.store.commit(&commit.batch).map(drop)
        } else if marks_due {
            self.store.flush_marks()
        } else {
            Ok(())
        };
        let written = written.and_then(|()| {
            let sync_due = interval.is_some_and(|interval| self.synced + interval <= now);
            if !sync_due || !self.store.has_unsynced() {
                return Ok(());
            }
            self.synced = now;
            self.store.sync()
        });
        match written {
            Ok(()) => {
                if !nothing || marks_due {
                    self.marks_since = None;
                }
                if self.marks_since.is_none() && self.store.has_pending() && !self.store.has_unsynced() {
                    self.marks_since = Some(now);
                }
                self.well();
                self.durable(commit);
            }
            Err(error) if commit.refuses => {
                self.trouble(&error);
                self.withdraw(commit);
            }
            Err(error) => {
                self.trouble(&error);
                self.store.give_up();
                for (input, _) in commit.journaled {
                    self.not_journaled(input, true);
                }
                // By policy, and counted: scoring and live verdicts go on.
                commit.tickets.into_iter().for_each(Ticket::done);
            }
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
            self.not_journaled(input, true);
        }
        commit.tickets.into_iter().for_each(Ticket::done);
    }

    /// An input stays unacknowledged until its outcome; one that nobody else holds is tried again.
    fn not_journaled(&mut self, input: Arc<Input>, counted: bool) {
        input.not_journaled(counted);
        if input.spilled {
            self.retry_at.get_or_insert_with(|| Instant::now() + RETRY);
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

    /// Leaves the session when too much is held, and comes back when all of it was taken.
    fn refuse(&mut self) {
        let stuck = self.stuck.as_ref().map_or(0, |commit| commit.bytes);
        let bytes: usize = self.held.iter().map(Submission::bytes).sum::<usize>() + stuck;
        let mut health = self.outbox.inner.health.lock().expect("nothing panics under this lock");
        health.refusing = (bytes > 0).then(|| {
            format!("the outbox is full and a class refuses: {bytes} bytes of outcomes wait, the broker keeps the rest")
        });
        if bytes > self.options.max_unacked_bytes && !health.away {
            health.away = true;
        } else if bytes == 0 {
            health.away = false;
        }
    }

    fn set_aside(&mut self, file: u64) {
        match self.store.set_aside(file) {
            Ok(damage) => {
                let records: u64 = damage.iter().map(|damage| damage.records).sum();
                tracing::error!(file = format!("{file:016x}"), records, "a damaged segment was set aside");
                self.damaged(format!(
                    "segment {file:016x} was unreadable and set aside; {records} records are lost and counted as damaged: look at the disk"
                ));
            }
            Err(error) => self.trouble(&error),
        }
    }

    /// Notes damage that stands for a while.
    pub fn damaged(&mut self, text: String) {
        self.damaged_at = Some(Instant::now());
        self.outbox.inner.health.lock().expect("nothing panics under this lock").damaged = Some(text);
    }

    /// There is no room by bounds; whether it is the file system's.
    fn note_room(&mut self) {
        let (usage, min) = (self.store.usage(), self.store.options().min_free_bytes);
        if usage.free_bytes < min + (64 << 10) {
            let text = format!(
                "{} bytes are free on the file system, `outbox.min_free_bytes` is {min}: free some; what can't be stored is counted",
                usage.free_bytes
            );
            self.outbox.inner.health.lock().expect("nothing panics under this lock").disk_full = Some(text);
            self.troubled = true;
        }
    }

    fn trouble(&mut self, error: &io::Error) {
        self.troubled = true;
        self.retry_at = Some(Instant::now() + RETRY);
        let mut health = self.outbox.inner.health.lock().expect("nothing panics under this lock");
        if is_full(error) {
            health.disk_full = Some(format!(
                "the file system is full ({error}): free some room; what can't be stored is counted"
            ));
        } else {
            health.read_only = Some(format!(
                "the outbox can't be written ({error}): look at the disk; what can't be stored is counted"
            ));
        }
    }

    fn well(&mut self) {
        let (usage, min) = (self.store.usage(), self.store.options().min_free_bytes);
        let mut health = self.outbox.inner.health.lock().expect("nothing panics under this lock");
        health.read_only = None;
        if usage.free_bytes >= min + (64 << 10) {
            health.disk_full = None;
        }
        self.troubled = health.disk_full.is_some();
        drop(health);
        if self.damaged_at.is_some_and(|at| at.elapsed() > DAMAGE_STANDS) {
            self.damaged_at = None;
            self.outbox.inner.health.lock().expect("nothing panics under this lock").damaged = None;
        }
    }

    fn tell(&mut self) {
        let usage = self.store.usage();
        let shed: u64 = {
            let shared = self.store.shared();
            let state = shared.state();
            state.lanes.iter().filter(|lane| !lane.is_input()).map(|lane| lane.books.ended(Fate::Shed)).sum()
        };
        let mut health = self.outbox.inner.health.lock().expect("nothing panics under this lock");
        health.shed = shed;
        health.commits = self.commits;
        health.journaled = self.journaled;
        health.bytes = usage.bytes;
        health.max_bytes = self.store.options().max_bytes;
        health.free_bytes = usage.free_bytes;
    }
}

struct Taken {
    submissions: Vec<Submission>,
    inputs: Vec<Arc<Input>>,
    ended: Vec<(u16, Range<u64>, Fate)>,
    damaged: Vec<u64>,
    spent: Vec<(String, u64, u64)>,
}
