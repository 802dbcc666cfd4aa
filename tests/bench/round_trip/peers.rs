//! What is measured: one of three programs, each a process of its own.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    common,
    load::{TOPIC_IN, TOPIC_OUT},
    models::Model,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Peer {
    Echo,
    Edgeward,
    Python,
}

impl Peer {
    pub const ALL: [Peer; 3] = [Peer::Echo, Peer::Edgeward, Peer::Python];

    pub fn name(self) -> &'static str {
        match self {
            Peer::Echo => "echo",
            Peer::Edgeward => "edgeward",
            Peer::Python => "python",
        }
    }

    /// Starts the peer against the broker on `port`; what it says goes to a file in `folder`.
    pub fn start(self, model: &Model, port: u16, folder: &Path) -> Result<Process, String> {
        let command = match self {
            Peer::Echo => {
                let mut command = Command::new(std::env::current_exe().map_err(|e| e.to_string())?);
                command.arg("--echo").arg(port.to_string());
                command
            }
            Peer::Edgeward => {
                let config = folder.join("edgeward.toml");
                fs::write(&config, configuration(model, port)).map_err(|e| e.to_string())?;
                let mut command = Command::new(env!("CARGO_BIN_EXE_edgeward"));
                command.arg("run").arg("-c").arg(config);
                command
            }
            Peer::Python => {
                let mut command = Command::new(common::python()?);
                command.arg(common::root().join("tests/bench/round_trip/peer.py"));
                command.arg(port.to_string()).arg(model.bundle.join("model.onnx"));
                command.args(model.threshold.map(|threshold| threshold.to_string()));
                command
            }
        };
        Process::start(command, folder)
    }
}

/// The daemon's configuration: what an operator would write, no more.
fn configuration(model: &Model, port: u16) -> String {
    format!(
        "[broker]\nurl = \"mqtt://127.0.0.1:{port}\"\n\n[admin]\nlisten = \"127.0.0.1:0\"\n\n\
         [pipelines.bench]\ntopics = [\"{TOPIC_IN}\"]\nmodel = \"{}\"\noutput_topic = \"{TOPIC_OUT}\"\n\
         output_qos = 0\n",
        model.bundle.display()
    )
}

pub struct Process {
    child: Child,
    pub started: Instant,
    log: PathBuf,
}

impl Process {
    /// Starts a peer; what it says goes to a file in `folder`.
    pub fn start(mut command: Command, folder: &Path) -> Result<Process, String> {
        let log = folder.join("peer.log");
        let said = File::create(&log).map_err(|e| e.to_string())?;
        let also = said.try_clone().map_err(|e| e.to_string())?;
        let started = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(said).stderr(also).spawn();
        let child = child.map_err(|e| format!("can't start {}: {e}", command.get_program().display()))?;
        Ok(Process { child, started, log })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// The last lines it said, for when it did not do what it should.
    pub fn last_words(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(5)..].join("\n    ")
    }

    /// Asks it to stop, waits a little, and insists.
    fn stop(&mut self) {
        let _ = Command::new("kill").arg("-TERM").arg(self.pid().to_string()).status();
        let deadline = Instant::now() + Duration::from_secs(3);
        while self.is_alive() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Processor time a process has used, user and system, in seconds.
pub fn cpu_secs(pid: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command's name, in parentheses, may hold anything; the fields after it are numbers.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks: u64 = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    // USER_HZ, which Linux fixes at 100 for what it shows to programs.
    Some(ticks as f64 / 100.0)
}
