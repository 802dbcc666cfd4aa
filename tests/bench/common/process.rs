//! A program that is measured, and what it costs.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// A running program; stopped when it is let go.
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
