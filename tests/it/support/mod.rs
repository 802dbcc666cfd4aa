//! What the tests share: a broker, a daemon, a client, and patience.

pub mod broker;
pub mod certificates;
pub mod client;
pub mod daemon;
pub mod faulty;
pub mod line;
pub mod log;
pub mod loop_disk;
pub mod numbered;
pub mod on_the_way;
pub mod onnx;
pub mod packets;
pub mod privilege;
pub mod segments;
pub mod slow_model;
pub mod tap;

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

/// How long a test waits for what must come. Far more than it takes: machines are slow and shared.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// The project's folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A model made by `tests/setup`: a bundle's folder or a file, by its name.
pub fn model(name: &str) -> PathBuf {
    let path = root().join("target/test-models").join(name);
    assert!(path.exists(), "{} is not there; run tests/setup first", path.display());
    path
}

/// The bundle that ships with edgeward.
pub fn shipped() -> PathBuf {
    root().join("modules/edgeward/bundles/machine-anomaly")
}

/// The program under test.
pub fn edgeward() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_edgeward"));
    // What the caller's own environment says must not change what is tested.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("EDGEWARD")) {
        command.env_remove(name);
    }
    command.env_remove("NOTIFY_SOCKET").env_remove("WATCHDOG_USEC");
    command
}

/// Sends `signal`, such as "TERM", to a process.
pub fn signal(pid: u32, signal: &str) {
    let sent = Command::new("kill").arg(format!("-{signal}")).arg(pid.to_string()).status();
    assert!(sent.is_ok_and(|status| status.success()), "can't send SIG{signal} to {pid}");
}

/// Looks until there is something to see. For what can only be asked, not waited for.
pub fn until<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    until_else(|| what.to_owned(), look)
}

/// Like [`until`]; what is told when nothing was to be seen is put together then.
pub fn until_else<T>(what: impl Fn() -> String, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < deadline, "waited {} s in vain: {}", PATIENCE.as_secs(), what());
        // Between two looks, so that the one who is looked at gets to work.
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// Numbers that look random and are the same in every run.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Dice(seed.wrapping_mul(2).wrapping_add(1))
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// From `low` to `high`, with a fraction.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (self.next() >> 11) as f64 / (1u64 << 53) as f64 * (high - low)
    }
}
