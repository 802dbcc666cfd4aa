//! Chooses what goes up next, and notes what has arrived.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
    sync::{
        Arc, Condvar, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread::JoinHandle,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use super::{
    Outgoing, Uplink, UplinkEvents,
    batch::Batch,
    budget::{Allowed, Budget},
    line::Line,
};
use crate::config::UplinkConfig;
use edgeward_core::fault_injection;
use edgeward_outbox::{ClassSettings, Listener, Outbox, UplinkSnapshot, store::Fate};

/// What wakes a courier.
#[derive(Debug, Default)]
struct News {
    arrived: Vec<u64>,
    connected: bool,
    commits: u64,
    stop: bool,
}

/// What a courier has acted on. It is kept from one wait to the next: what changes while the courier works
/// is news too.
#[derive(Debug, Default)]
struct Seen {
    /// None before the first look.
    commits: Option<u64>,
    connected: bool,
}

impl News {
    /// Whether there is something to do. Commits are nothing to a courier whose link is full.
    fn is_new(&self, seen: &Seen, has_room: bool) -> bool {
        !self.arrived.is_empty()
            || (Some(self.commits) != seen.commits && has_room)
            || self.connected != seen.connected
    }

    fn note(&self, seen: &mut Seen) {
        *seen = Seen { commits: Some(self.commits), connected: self.connected };
    }
}

/// What a courier shares with its uplink, the outbox and the metrics.
#[derive(Debug, Default)]
pub struct Desk {
    news: Mutex<News>,
    wake: Condvar,
    in_flight: AtomicU64,
    messages: AtomicU64,
    bytes: AtomicU64,
    delivered: AtomicU64,
}

impl Desk {
    fn news(&self) -> MutexGuard<'_, News> {
        self.news.lock().expect("not poisoned: nothing panics under this lock")
    }

    pub fn is_connected(&self) -> bool {
        self.news().connected
    }

    /// The desk of the courier that follows: nothing is on the way, the counters go on.
    pub fn successor(&self) -> Desk {
        let goes_on = |counter: &AtomicU64| AtomicU64::new(counter.load(Relaxed));
        Desk {
            messages: goes_on(&self.messages),
            bytes: goes_on(&self.bytes),
            delivered: goes_on(&self.delivered),
            ..Desk::default()
        }
    }

    /// Nobody sits here any more.
    pub fn died(&self) {
        self.news().connected = false;
        self.in_flight.store(0, Relaxed);
    }

    /// The link in numbers.
    pub fn snapshot(&self, name: &str) -> UplinkSnapshot {
        UplinkSnapshot {
            name: name.to_owned(),
            connected: self.is_connected(),
            in_flight: self.in_flight.load(Relaxed),
            messages: self.messages.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            delivered: self.delivered.load(Relaxed),
        }
    }
}

impl UplinkEvents for Desk {
    fn arrived(&self, number: u64) {
        let mut news = self.news();
        // The courier does not wait while there is any; waking is a system call.
        let waited_for = news.arrived.is_empty();
        news.arrived.push(number);
        drop(news);
        if waited_for {
            self.wake.notify_one();
        }
    }

    fn connected(&self, connected: bool) {
        self.news().connected = connected;
        self.wake.notify_one();
    }
}

impl Listener for Desk {
    fn committed(&self) {
        self.news().commits += 1;
        self.wake.notify_one();
    }
}

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
/// Beyond its delay, how long a batch is filled while the link has other things to carry.
const FILLING: Duration = Duration::from_millis(100);

struct Work {
    parts: CourierParts,
    lines: Vec<Line>,
    budget: Budget,
    /// Records of each message in flight.
    in_flight: HashMap<u64, Vec<(u16, u64)>>,
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
            parts,
            in_flight: HashMap::new(),
            taken: HashSet::new(),
            batches: Vec::new(),
            next_number: 1,
        }
    }

    fn run(mut self) {
        let mut stop_at = None;
        let mut seen = Seen::default();
        let mut look_in = None;
        loop {
            let (arrived, connected, stop) = self.wait(&mut seen, look_in, stop_at);
            self.arrived(arrived);
            if stop {
                let at = *stop_at.get_or_insert_with(|| Instant::now() + GOODBYE);
                if self.in_flight.is_empty() || !connected || at <= Instant::now() {
                    return;
                }
                continue;
            }
            fault_injection::point(&format!("uplink-{}", self.parts.config.name));
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
    ) -> (Vec<u64>, bool, bool) {
        let desk = &self.parts.desk;
        let mut news = desk.news();
        let begin = Instant::now();
        let look_in = stop_at.map(|at| at.saturating_duration_since(begin)).or(look_in);
        loop {
            let stopping = news.stop && stop_at.is_none();
            let has_room = self.in_flight.len() < self.parts.uplink.max_in_flight();
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
        (std::mem::take(&mut news.arrived), news.connected, news.stop)
    }

    fn arrived(&mut self, numbers: Vec<u64>) {
        if numbers.is_empty() {
            return;
        }
        let mut records: Vec<(u16, u64)> =
            numbers.iter().filter_map(|number| self.in_flight.remove(number)).flatten().collect();
        for record in &records {
            self.taken.remove(record);
        }
        self.parts.desk.delivered.fetch_add(records.len() as u64, Relaxed);
        records.sort_unstable();
        let mut ended: Vec<(u16, Range<u64>, Fate)> = Vec::new();
        for (lane, sequence) in records {
            match ended.last_mut() {
                Some((last, range, _)) if *last == lane && range.end == sequence => range.end += 1,
                _ => ended.push((lane, sequence..sequence + 1, Fate::Delivered)),
            }
        }
        self.parts.outbox.end(ended);
    }

    /// Sends as much as may be sent now. When to look again, if not for news.
    fn send(&mut self) -> Option<Duration> {
        let mut look_in = None;
        while self.in_flight.len() < self.parts.uplink.max_in_flight() {
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
                    self.batches[at].push(&item);
                    at
                }
                None => {
                    self.batches.push(Batch::new(class, item));
                    self.batches.len() - 1
                }
            };
            if self.batches[at].is_full(self.parts.config.batch_messages) {
                let batch = self.batches.swap_remove(at);
                self.send_batch(batch);
            }
        }
        let delay = self.parts.config.batch_delay;
        let mut at = 0;
        while at < self.batches.len() && self.in_flight.len() < self.parts.uplink.max_in_flight() {
            if self.batches[at].since.elapsed() >= delay {
                let batch = self.batches.swap_remove(at);
                self.send_batch(batch);
            } else {
                at += 1;
            }
        }
        let batch_due = self.batches.iter().map(|batch| delay.saturating_sub(batch.since.elapsed())).min();
        let trouble = self.lines.iter().any(Line::is_troubled).then_some(LOOK_AGAIN);
        [look_in, batch_due, trouble].into_iter().flatten().min()
    }

    /// A batch that is not full and must not wait longer for the link while records of `class` fill
    /// it: the more important ones after their delay, others a little later.
    fn overdue(&self, class: usize) -> Option<usize> {
        let delay = self.parts.config.batch_delay;
        self.batches.iter().position(|batch| {
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
        let payload = batch.payload(self.parts.config.gzip);
        let topic = self.topic(&batch);
        let bytes = payload.len() as u64;
        if self.lines[batch.class].class.metered
            && let Some((day, spent)) = self.budget.spend(bytes)
        {
            self.parts.outbox.spent(&self.parts.config.name, day, spent);
        }
        self.in_flight.insert(number, batch.records);
        self.parts.desk.messages.fetch_add(1, Relaxed);
        self.parts.desk.bytes.fetch_add(bytes, Relaxed);
        self.parts.uplink.send(Outgoing { number, topic, payload });
    }

    fn topic(&self, batch: &Batch) -> String {
        let shared = self.parts.outbox.shared();
        let state = shared.state();
        let Some(lane) = state.lane(batch.lane) else { return String::new() };
        let pipeline = state.pipelines[usize::from(lane.pipeline)].name.as_str();
        let source =
            if self.parts.config.topic.needs_source() { source_of(batch.first()) } else { String::new() };
        self.parts.config.topic.fill(pipeline, &lane.class, &source)
    }
}

/// The source of a verdict; "none" where it has no name.
fn source_of(payload: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Verdict {
        source: Option<String>,
    }
    let verdict: Option<Verdict> = serde_json::from_slice(payload).ok();
    verdict.and_then(|verdict| verdict.source).unwrap_or_else(|| "none".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_connects_while_the_courier_works_is_news() {
        let desk = Desk::default();
        let mut seen = Seen::default();
        assert!(desk.news().is_new(&seen, true), "the first look");
        desk.news().note(&mut seen);
        assert!(!desk.news().is_new(&seen, true));
        // The courier works on what it has seen; nobody waits to be woken.
        desk.connected(true);
        assert!(desk.news().is_new(&seen, false));
        desk.news().note(&mut seen);
        desk.committed();
        assert!(desk.news().is_new(&seen, true) && !desk.news().is_new(&seen, false));
    }
}
