//! The fleet: simulated machines that publish at a given rate, on a thread of their own.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;

use super::{journal::Journal, machine::Machine};
use crate::mqtt::{Publish, Publisher, Qos};

/// Faults begin this often in the whole fleet, per second: now and then.
const FAULTS_PER_SEC: f64 = 1.0;
/// But no machine's reading begins one more often than this.
const MAX_FAULT_PROBABILITY: f64 = 0.02;
/// The thread wakes up at least this often, to notice a stop.
const TICK: Duration = Duration::from_millis(10);
/// Further behind than this the schedule starts anew instead of catching up in a burst.
const MAX_BEHIND: Duration = Duration::from_secs(1);

/// What to simulate.
#[derive(Debug, Clone)]
pub struct Fleet {
    pub machines: usize,
    /// Messages a second, all machines together.
    pub rate_per_sec: f64,
    pub seed: u64,
    /// Stands before `machines/{id}/telemetry`.
    pub topic_prefix: String,
}

/// The machines, running.
pub struct Simulator {
    stop: Arc<AtomicBool>,
    made: Arc<AtomicU64>,
    journal: Arc<Journal>,
    publishers: Vec<Publisher>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Simulator {
    /// Starts the fleet; machine `i` publishes through `publishers[i % publishers.len()]`.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        fleet: Fleet,
        journal: Arc<Journal>,
        publishers: Vec<Publisher>,
    ) -> std::io::Result<Simulator> {
        let (stop, made) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let worker = Worker {
            machines: (0..fleet.machines).map(|i| Machine::new(fleet.seed.wrapping_add(i as u64))).collect(),
            fleet,
            journal: journal.clone(),
            publishers: publishers.clone(),
            stop: stop.clone(),
            made: made.clone(),
        };
        let thread = thread::Builder::new().name("machines".into()).spawn(move || worker.run())?;
        Ok(Simulator { stop, made, journal, publishers, thread: Some(thread) })
    }

    /// Messages made.
    pub fn made(&self) -> u64 {
        self.made.load(Ordering::Acquire)
    }

    /// Messages the broker has acknowledged.
    pub fn acknowledged(&self) -> u64 {
        let made = self.made();
        let open: usize = self.publishers.iter().map(Publisher::backlog).map(|(w, f)| w + f).sum();
        made.saturating_sub(open as u64)
    }

    /// Switches the machines off, and waits for the messages under way to be acknowledged, at most
    /// until `deadline`. Afterwards [`made`](Self::made) and
    /// [`acknowledged`](Self::acknowledged) change no more.
    pub async fn stop(&mut self, deadline: tokio::time::Instant) {
        self.stop.store(true, Ordering::Release);
        self.journal.close();
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // The thread first: it may be about to publish one more, which then has to be waited for.
            let mut joined = tokio::task::spawn_blocking(move || thread.join());
            if tokio::time::timeout_at(deadline, &mut joined).await.is_err() {
                // It waits for room that nobody makes.
                self.publishers.iter().for_each(Publisher::close);
                let _ = joined.await;
            }
        }
        let idle = async {
            for publisher in &self.publishers {
                publisher.until_idle().await;
            }
        };
        let _ = tokio::time::timeout_at(deadline, idle).await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // Cut short: the thread ends by itself, wherever it waits.
        self.stop.store(true, Ordering::Release);
        self.journal.close();
        self.publishers.iter().for_each(Publisher::close);
    }
}

struct Worker {
    fleet: Fleet,
    machines: Vec<Machine>,
    journal: Arc<Journal>,
    publishers: Vec<Publisher>,
    stop: Arc<AtomicBool>,
    made: Arc<AtomicU64>,
}

impl Worker {
    fn run(mut self) {
        let fault_probability = (FAULTS_PER_SEC / self.fleet.rate_per_sec).min(MAX_FAULT_PROBABILITY);
        let interval = Duration::from_secs_f64(1.0 / self.fleet.rate_per_sec);
        let mut next = Instant::now();
        let mut turn = 0;
        while !self.stop.load(Ordering::Acquire) {
            let now = Instant::now();
            if next > now {
                thread::park_timeout((next - now).min(TICK));
                continue;
            }
            if now - next > MAX_BEHIND {
                next = now;
            }
            next += interval;
            if !self.publish(turn, fault_probability) {
                return;
            }
            turn = (turn + 1) % self.machines.len();
        }
    }

    /// False when it is over.
    fn publish(&mut self, machine: usize, fault_probability: f64) -> bool {
        let reading = self.machines[machine].read(fault_probability);
        let time = humantime::format_rfc3339_micros(SystemTime::now()).to_string();
        // From here on the clock of this message runs.
        let Some(id) = self.journal.enter() else { return false };
        let mut message = vec![Publish {
            topic: format!("{}machines/machine-{}/telemetry", self.fleet.topic_prefix, machine + 1),
            payload: Bytes::from(reading.to_json(&id, &time)),
            qos: Qos::AtLeastOnce,
            retain: false,
            receipt: None,
        }];
        let publisher = &self.publishers[machine % self.publishers.len()];
        if !publisher.publish(&mut message).is_empty() {
            return false;
        }
        self.made.fetch_add(1, Ordering::AcqRel);
        true
    }
}
