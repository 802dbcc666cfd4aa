//! What belongs to the whole process: build, connection, readiness, and the pipelines by name.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, OnceLock, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use super::{
    Readiness,
    stats::{ModelInfo, PipelineStats},
};
use edgeward_core::domain::Books;
use edgeward_outbox::OutboxSnapshot;

/// The version of this program, as `edgeward --version` prints it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The connection to the broker, seen from outside.
#[derive(Debug, Default)]
pub struct Broker {
    url: Mutex<String>,
    connected: AtomicBool,
    connects: AtomicU64,
}

impl Broker {
    /// Where the broker is, without user and password.
    pub fn set_url(&self, url: impl Into<String>) {
        *self.url.lock().expect("nothing panics under this lock") = url.into();
    }

    pub fn url(&self) -> String {
        self.url.lock().expect("nothing panics under this lock").clone()
    }

    /// A session was accepted by the broker (CONNACK).
    pub fn connected(&self) {
        self.connects.fetch_add(1, Relaxed);
        self.connected.store(true, Relaxed);
    }

    /// The connection ended.
    pub fn disconnected(&self) {
        self.connected.store(false, Relaxed);
    }

    pub fn is_connected(&self) -> bool {
        self.connected.load(Relaxed)
    }

    /// Sessions accepted after the first one.
    pub fn reconnects(&self) -> u64 {
        self.connects.load(Relaxed).saturating_sub(1)
    }
}

#[derive(Debug, Default)]
struct Pipelines {
    by_name: BTreeMap<String, Arc<PipelineStats>>,
    /// Removed, and perhaps still draining.
    leaving: Vec<Arc<PipelineStats>>,
    /// The books of those that are gone.
    gone: Books,
}

impl Pipelines {
    /// Folds removed pipelines that nobody can write to any more, so that reloads don't pile up.
    fn settle_leaving(&mut self) {
        let (done, leaving): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.leaving).into_iter().partition(|stats| Arc::strong_count(stats) == 1);
        self.leaving = leaving;
        self.gone = done.iter().map(|stats| stats.books()).sum::<Books>() + self.gone;
    }
}

/// Everything the process tells about itself. One per daemon, shared.
pub struct Telemetry {
    device: String,
    started: Instant,
    broker: Broker,
    readiness: Readiness,
    unmatched: AtomicU64,
    restart_needed: Mutex<Vec<String>>,
    settings: Mutex<serde_json::Value>,
    pipelines: RwLock<Pipelines>,
    outbox: OnceLock<OutboxReader>,
}

/// Reads the outbox when somebody asks.
type OutboxReader = Box<dyn Fn() -> OutboxSnapshot + Send + Sync>;

impl Telemetry {
    /// For the device of that name; nothing connected, no pipelines, ready.
    pub fn new(device: impl Into<String>) -> Arc<Self> {
        Arc::new(Telemetry {
            device: device.into(),
            started: Instant::now(),
            broker: Broker::default(),
            readiness: Readiness::new(),
            unmatched: AtomicU64::new(0),
            restart_needed: Mutex::default(),
            settings: Mutex::default(),
            pipelines: RwLock::default(),
            outbox: OnceLock::new(),
        })
    }

    pub fn device(&self) -> &str {
        &self.device
    }

    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    pub fn broker(&self) -> &Broker {
        &self.broker
    }

    pub fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    /// A message that no pipeline wants was acknowledged and passed over.
    pub fn message_unmatched(&self) {
        self.unmatched.fetch_add(1, Relaxed);
    }

    pub fn messages_unmatched(&self) -> u64 {
        self.unmatched.load(Relaxed)
    }

    /// Keys that a reload found changed and could not apply; none: everything that was read runs.
    pub fn set_restart_needed(&self, keys: Vec<String>) {
        *self.restart_needed.lock().expect("nothing panics under this lock") = keys;
    }

    pub fn restart_needed(&self) -> Vec<String> {
        self.restart_needed.lock().expect("nothing panics under this lock").clone()
    }

    /// The settings that run, for whoever wants to compare; null before they are known.
    pub fn set_settings(&self, settings: serde_json::Value) {
        *self.settings.lock().expect("nothing panics under this lock") = settings;
    }

    pub fn settings(&self) -> serde_json::Value {
        self.settings.lock().expect("nothing panics under this lock").clone()
    }

    /// There is an outbox, which `read` reads.
    pub fn set_outbox(&self, read: impl Fn() -> OutboxSnapshot + Send + Sync + 'static) {
        let _ = self.outbox.set(Box::new(read));
    }

    /// The outbox now, if there is one.
    pub fn outbox(&self) -> Option<OutboxSnapshot> {
        self.outbox.get().map(|read| read())
    }

    /// The pipeline `name` runs `model`: its books, new ones or, after a reload, those it had.
    pub fn add_pipeline(&self, name: &str, model: ModelInfo) -> Arc<PipelineStats> {
        let mut pipelines = self.pipelines.write().expect("nothing panics under this lock");
        if let Some(stats) = pipelines.by_name.get(name) {
            stats.set_model(model);
            return stats.clone();
        }
        let stats = Arc::new(PipelineStats::new(model));
        pipelines.by_name.insert(name.to_owned(), stats.clone());
        stats
    }

    /// A reload took the pipeline away. It may still be draining: its books stay in the total.
    pub fn remove_pipeline(&self, name: &str) {
        let mut pipelines = self.pipelines.write().expect("nothing panics under this lock");
        if let Some(stats) = pipelines.by_name.remove(name) {
            pipelines.leaving.push(stats);
        }
        pipelines.settle_leaving();
    }

    /// The pipelines that run, by name.
    pub fn pipelines(&self) -> Vec<(String, Arc<PipelineStats>)> {
        let pipelines = self.pipelines.read().expect("nothing panics under this lock");
        pipelines.by_name.iter().map(|(name, stats)| (name.clone(), stats.clone())).collect()
    }

    /// The books of all pipelines since the start, those removed since included.
    pub fn books(&self) -> Books {
        let pipelines = self.pipelines.read().expect("nothing panics under this lock");
        let all = pipelines.by_name.values().chain(&pipelines.leaving);
        all.map(|stats| stats.books()).sum::<Books>() + pipelines.gone
    }
}

impl std::fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Telemetry").field("device", &self.device).finish_non_exhaustive()
    }
}

/// Resident memory of this process in bytes, where the system tells (`/proc/self/status`, VmRSS).
pub fn resident_memory_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgeward_core::domain::Bucket;

    #[test]
    fn a_pipeline_keeps_its_books_across_a_reload() {
        let telemetry = Telemetry::new("gateway-7");
        let first = telemetry.add_pipeline("press", ModelInfo::default());
        first.receive(2);
        let model = ModelInfo { name: "wear".into(), version: "2".into(), digest: "ab".into() };
        let again = telemetry.add_pipeline("press", model.clone());
        again.settle(Bucket::Scored, 2);
        assert_eq!(first.books().ended(Bucket::Scored), 2);
        assert_eq!(first.snapshot().model, model);
        assert_eq!(telemetry.pipelines().len(), 1);
    }

    #[test]
    fn removed_pipelines_stay_in_the_total() {
        let telemetry = Telemetry::new("gateway-7");
        for round in 1..=3 {
            let stats = telemetry.add_pipeline("press", ModelInfo::default());
            stats.receive(1);
            telemetry.remove_pipeline("press");
            assert!(telemetry.pipelines().is_empty());
            assert_eq!(telemetry.books().pending, 1, "still draining in round {round}");
            stats.settle(Bucket::Scored, 1);
        }
        telemetry.remove_pipeline("absent");
        let books = telemetry.books();
        assert_eq!((books.received, books.ended(Bucket::Scored), books.pending), (3, 3, 0));
        assert!(telemetry.pipelines.read().unwrap().leaving.is_empty(), "nothing piles up");
    }

    #[test]
    fn reconnects_count_after_the_first_connection() {
        let broker = Broker::default();
        broker.connected();
        assert_eq!((broker.is_connected(), broker.reconnects()), (true, 0));
        broker.disconnected();
        broker.connected();
        assert_eq!((broker.is_connected(), broker.reconnects()), (true, 1));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn resident_memory_is_told() {
        assert!(resident_memory_bytes().unwrap() > 100_000);
    }
}
