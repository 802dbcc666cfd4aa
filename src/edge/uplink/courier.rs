//! Chooses what goes up next, and notes what has arrived.

use std::{
    collections::HashSet,
    ops::Range,
    sync::{Arc, atomic::Ordering::Relaxed},
    thread::JoinHandle,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use super::{
    Answer, Limits, Parcel, Uplink,
    batch::Batch,
    budget::{Allowed, Budget},
    desk::{Desk, Seen},
    flight::{Answered, InFlight},
    line::Line,
};
use crate::config::UplinkConfig;
use edgeward_core::fault_injection;
use edgeward_outbox::{ClassSettings, Listener, Outbox, store::Fate};

/// Everything a courier is built from.
pub struct CourierParts {
    pub config: UplinkConfig,
    /// Those that go this way, by priority.
    pub classes: Vec<ClassSettings>,
    pub outbox: Outbox,
    pub uplink: Box<dyn Uplink>,
    pub desk: Arc<Desk>,
}

/// A running courier.
#[derive(Debug)]
pub struct Courier {
    pub name: String,
    pub desk: Arc<Desk>,
    thread: Option<JoinHandle<()>>,
}

impl Courier {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn start(parts: CourierParts) -> std::io::Result<Courier> {
        let (name, desk) = (parts.config.name.clone(), parts.desk.clone());
        parts.outbox.listen(Arc::downgrade(&(desk.clone() as Arc<dyn Listener>)));
        let thread = std::thread::Builder::new().name(format!("uplink-{name}")).spawn(move || {
            Work::new(parts).run();
        })?;
        Ok(Courier { name, desk, thread: Some(thread) })
    }

    /// The thread is over: before [`Courier::stop`] that is a death.
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Sends nothing more; what is in flight may still arrive until the thread notices.
    pub fn stop(&mut self) {
        self.desk.news().stop = true;
        self.desk.wake.notify_all();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!(uplink = self.name, "the courier had died; its records stay in the outbox");
        }
    }
}

/// How long a stop waits for what is in flight.
const GOODBYE: Duration = Duration::from_secs(1);
/// Damage and trouble are looked at again after this time.
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// Bounds of the pause that a receiver asks for.
const LEAST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
/// Beyond its delay, how long a batch is filled while the link has other things to carry.
const FILLING: Duration = Duration::from_millis(100);

struct Work {
    parts: CourierParts,
    lines: Vec<Line>,
    budget: Budget,
    in_flight: InFlight,
    limits: Limits,
    /// Records in flight or in a batch.
    taken: HashSet<(u16, u64)>,
    batches: Vec<Batch>,
    next_number: u64,
}

impl Work {
    fn new(parts: CourierParts) -> Self {
        let lines = parts.classes.iter().map(|class| Line::new(&parts.outbox, class.clone())).collect();
        let spent = {
            let shared = parts.outbox.shared();
            let state = shared.state();
            let of = state.spent.iter().find(|spent| spent.uplink == parts.config.name);
            of.map(|spent| (spent.day, spent.bytes))
        };
        let UplinkConfig { bytes_per_day, messages_per_sec, window, .. } = parts.config;
        Work {
            budget: Budget::new(bytes_per_day, messages_per_sec, window, spent),
            lines,
            limits: parts.uplink.limits(),
            parts,
            in_flight: InFlight::default(),
            taken: HashSet::new(),
            batches: Vec::new(),
            next_number: 1,
        }
    }

    fn run(mut self) {
        let role = format!("uplink-{}", self.parts.config.name);
        let mut stop_at = None;
        let mut seen = Seen::default();
        let mut look_in = None;
        loop {
            let (answers, connected, stop) = self.wait(&mut seen, look_in, stop_at);
            self.answered(answers);
            if stop {
                let at = *stop_at.get_or_insert_with(|| Instant::now() + GOODBYE);
                if self.in_flight.is_empty() || !connected || at <= Instant::now() {
                    return;
                }
                continue;
            }
            fault_injection::point(&role);
            look_in = if connected { self.send() } else { None };
            self.parts.desk.in_flight.store(self.in_flight.len() as u64, Relaxed);
        }
    }

    /// Waits for news, or for the time to look again.
    fn wait(
        &self,
        seen: &mut Seen,
        look_in: Option<Duration>,
        stop_at: Option<Instant>,
    ) -> (Answers, bool, bool) {
        let desk = &self.parts.desk;
        let mut news = desk.news();
        let begin = Instant::now();
        let look_in = stop_at.map(|at| at.saturating_duration_since(begin)).or(look_in);
        loop {
            let stopping = news.stop && stop_at.is_none();
            let has_room = self.in_flight.has_room(&self.limits);
            if stopping || news.is_new(seen, has_room) {
                break;
            }
            news = match look_in.map(|after| after.saturating_sub(begin.elapsed())) {
                Some(Duration::ZERO) => break,
                Some(left) => {
                    desk.wake
                        .wait_timeout(news, left)
                        .expect("not poisoned: nothing panics under this lock")
                        .0
                }
                None => desk.wake.wait(news).expect("not poisoned: nothing panics under this lock"),
            };
        }
        news.note(seen);
        (std::mem::take(&mut news.answers), news.connected, news.stop)
    }

    fn answered(&mut self, answers: Answers) {
        let mut answered = Answered::default();
        for (number, records, answer) in answers {
            match &answer {
                Answer::Delivered => {}
                Answer::Refused(why) => {
                    if self.parts.desk.refused(why) {
                        let uplink = self.parts.config.name.as_str();
                        tracing::warn!(
                            uplink,
                            why,
                            "the receiver refused results for good: they are counted"
                        );
                    }
                }
                Answer::Later(after) => {
                    let before = answered.later.len();
                    self.in_flight.answer(number, records, &answer, &mut answered);
                    for (class, _) in &answered.later[before..] {
                        let after = (*after).clamp(LEAST_PAUSE, LONGEST_PAUSE);
                        self.lines[*class].pause(Instant::now() + after);
                    }
                    continue;
                }
            }
            self.in_flight.answer(number, records, &answer, &mut answered);
        }
        let Answered { delivered, refused, later } = answered;
        for record in delivered.iter().chain(&refused).chain(later.iter().map(|(_, record)| record)) {
            self.taken.remove(record);
        }
        self.parts.desk.delivered.fetch_add(delivered.len() as u64, Relaxed);
        let mut ended: Vec<(u16, Range<u64>, Fate)> = Vec::new();
        for (mut records, fate) in [(delivered, Fate::Delivered), (refused, Fate::Refused)] {
            records.sort_unstable();
            for (lane, sequence) in records {
                match ended.last_mut() {
                    Some((last, range, same)) if *last == lane && range.end == sequence && *same == fate => {
                        range.end += 1;
                    }
                    _ => ended.push((lane, sequence..sequence + 1, fate)),
                }
            }
        }
        if !ended.is_empty() {
            self.parts.outbox.end(ended);
        }
    }

    /// Sends as much as may be sent now. When to look again, if not for news.
    fn send(&mut self) -> Option<Duration> {
        let mut look_in = None;
        let now = Instant::now();
        self.lines.iter_mut().for_each(|line| line.look(now));
        while self.in_flight.has_room(&self.limits) {
            let wall_ms =
                SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64);
            let allowed = self.budget.allows(self.parts.outbox.now_ms(), wall_ms, Instant::now());
            let Some(class) = self.choose(allowed == Allowed::Yes) else {
                if let Allowed::In(after) = allowed {
                    look_in = Some(after);
                }
                break;
            };
            if let Some(at) = self.overdue(class) {
                let batch = self.batches.swap_remove(at);
                self.send_batch(batch);
                continue;
            }
            let Some(item) = self.lines[class].take() else { break };
            self.taken.insert((item.lane, item.sequence));
            let same = self.batches.iter().position(|batch| batch.lane == item.lane);
            let at = match same {
                Some(at) => {
                    self.batches[at].push(item);
                    at
                }
                None => {
                    self.batches.push(Batch::new(class, item));
                    self.batches.len() - 1
                }
            };
            if self.batches[at].is_full(&self.limits) {
                let batch = self.batches.swap_remove(at);
                self.send_batch(batch);
            }
        }
        let delay = self.parts.config.batch_delay;
        let mut at = 0;
        while at < self.batches.len() && self.in_flight.has_room(&self.limits) {
            let batch = &self.batches[at];
            if batch.since.elapsed() >= delay && !self.lines[batch.class].is_paused() {
                let batch = self.batches.swap_remove(at);
                self.send_batch(batch);
            } else {
                at += 1;
            }
        }
        // On a full link an answer wakes, and after a pause its end.
        let may_go = |batch: &&Batch| !self.lines[batch.class].is_paused();
        let waiting = self.batches.iter().filter(may_go).filter(|_| self.in_flight.has_room(&self.limits));
        let batch_due = waiting.map(|batch| delay.saturating_sub(batch.since.elapsed())).min();
        let trouble = self.lines.iter().any(Line::is_troubled).then_some(LOOK_AGAIN);
        let paused = self.lines.iter().filter_map(|line| line.paused_for(now)).min();
        [look_in, batch_due, trouble, paused].into_iter().flatten().min()
    }

    /// A batch that is not full and must not wait longer for the link while records of `class` fill
    /// it: the more important ones after their delay, others a little later.
    fn overdue(&self, class: usize) -> Option<usize> {
        let delay = self.parts.config.batch_delay;
        self.batches.iter().position(|batch| {
            if self.lines[batch.class].is_paused() {
                return false;
            }
            let patience = if batch.class < class { delay } else { delay + FILLING };
            batch.since.elapsed() >= patience
        })
    }

    /// The class that goes next: the most important one, or one that has waited too long.
    fn choose(&mut self, metered_too: bool) -> Option<usize> {
        let (outbox, taken) = (&self.parts.outbox, &self.taken);
        let mut first = None;
        let mut starving: Option<(Instant, usize)> = None;
        for (at, line) in self.lines.iter_mut().enumerate() {
            if (line.class.metered && !metered_too) || !line.has_ready(outbox, taken) {
                continue;
            }
            if first.is_none() {
                first = Some(at);
            } else if let Some(since) = line.waits_since
                && since.elapsed() >= self.parts.config.max_starvation
                && starving.is_none_or(|(longest, _)| since < longest)
            {
                starving = Some((since, at));
            }
        }
        starving.map(|(_, at)| at).or(first)
    }

    fn send_batch(&mut self, batch: Batch) {
        let number = self.next_number;
        self.next_number += 1;
        let class = batch.class;
        let records = batch.records.iter().map(|item| (item.lane, item.sequence)).collect();
        let bytes = self.parts.uplink.send(self.parcel(number, batch));
        if self.lines[class].class.metered
            && let Some((day, spent)) = self.budget.spend(bytes)
        {
            self.parts.outbox.spent(&self.parts.config.name, day, spent);
        }
        self.in_flight.sent(number, class, records, usize::try_from(bytes).unwrap_or(usize::MAX));
        self.parts.desk.messages.fetch_add(1, Relaxed);
        self.parts.desk.bytes.fetch_add(bytes, Relaxed);
    }

    fn parcel(&self, number: u64, batch: Batch) -> Parcel {
        let shared = self.parts.outbox.shared();
        let state = shared.state();
        let pipeline =
            state.lane(batch.lane).and_then(|lane| state.pipelines.get(usize::from(lane.pipeline)));
        let pipeline = pipeline.map_or("", |pipeline| pipeline.name.as_str()).into();
        let class = self.lines[batch.class].class.name.as_str().into();
        Parcel { number, pipeline, class, records: batch.records }
    }
}

/// Numbers of parcels, places of records in them, and what became of those.
type Answers = Vec<(u64, Range<usize>, Answer)>;
