//! What only root may do: tests that need it are skipped for others, aloud, and never in CI.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    process::{Command, Stdio},
};

/// Whether the test runs as root. If not, the reason is printed.
pub fn as_root(what: &str) -> bool {
    let root = fs::metadata("/proc/self").unwrap().uid() == 0;
    if !root {
        skip(what, "needs root");
    }
    root
}

/// Says that a test is not run, and why.
///
/// # Panics
/// In CI, where every test must run.
pub fn skip(what: &str, reason: &str) {
    assert!(std::env::var_os("CI").is_none(), "{what}: {reason}; in CI nothing is skipped");
    eprintln!("SKIPPED: {what}: {reason}");
}

/// A program of the system, which may be in a folder that is not on every user's path.
pub fn system(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("PATH", format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default()));
    command.stdin(Stdio::null());
    command
}

/// Running a command to its end.
pub trait Done {
    /// Runs it; what it said on failure is the error.
    fn try_done(&mut self) -> Result<(), String>;
    /// Runs it and panics when it fails.
    fn done(&mut self);
    /// Runs it and panics when its exit code is another.
    fn done_with(&mut self, codes: &[i32]);
}

impl Done for Command {
    fn try_done(&mut self) -> Result<(), String> {
        run(self, &[0])
    }

    fn done(&mut self) {
        self.done_with(&[0]);
    }

    fn done_with(&mut self, codes: &[i32]) {
        if let Err(reason) = run(self, codes) {
            panic!("{reason}");
        }
    }
}

fn run(command: &mut Command, codes: &[i32]) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.code().is_some_and(|code| codes.contains(&code)) {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("{command:?}: {}: {}", output.status, said.trim()))
}
