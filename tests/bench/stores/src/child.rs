//! This program as its own child: what is killed, may abort, or whose memory is measured.

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread::{self, JoinHandle},
    time::Duration,
};

use serde::{Serialize, de::DeserializeOwned};

use crate::{Result, store::Kind};

/// A running child that prints one JSON value a line. Killed when dropped.
pub struct Running {
    child: Child,
    lines: Receiver<String>,
    words: Option<JoinHandle<String>>,
}

/// What came instead of a line.
#[derive(Debug)]
pub enum Silence {
    /// The process is gone: how, and the last line it had to say on standard error.
    Ended(String),
    /// It is still there and says nothing.
    Hangs,
}

impl Running {
    pub fn start(role: &str, kind: Kind, dir: &Path, number: u64) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["child", role, &kind.to_string()])
            .arg(dir)
            .arg(number.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (out, mut err) = (child.stdout.take().ok_or("no pipe")?, child.stderr.take().ok_or("no pipe")?);
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(std::result::Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let words = thread::spawn(move || {
            let mut text = Vec::new();
            let _ = err.read_to_end(&mut text); // what could be read is what there is
            String::from_utf8_lossy(&text).into_owned()
        });
        Ok(Self { child, lines, words: Some(words) })
    }

    /// The next value, if it comes within the limit.
    pub fn next<T: DeserializeOwned>(&mut self, limit: Duration) -> Result<std::result::Result<T, Silence>> {
        match self.lines.recv_timeout(limit) {
            Ok(line) => Ok(Ok(serde_json::from_str(&line).map_err(|e| format!("{e}: {line}"))?)),
            Err(RecvTimeoutError::Timeout) => Ok(Err(Silence::Hangs)),
            Err(RecvTimeoutError::Disconnected) => {
                let status = self.child.wait()?;
                Ok(Err(Silence::Ended(self.last_words(status))))
            }
        }
    }

    /// SIGKILL; then what was still in the pipe.
    pub fn kill<T: DeserializeOwned>(mut self) -> Result<Vec<T>> {
        self.child.kill()?;
        self.child.wait()?;
        // A line torn by the kill is not a value; it can only be the last.
        Ok(self.lines.iter().map_while(|line| serde_json::from_str(&line).ok()).collect())
    }

    fn last_words(&mut self, status: ExitStatus) -> String {
        let text = self.words.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        let words: Vec<_> = text.lines().filter(|line| !line.starts_with("note:")).collect();
        format!("{status}: {}", words.join(" ").trim())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Fails when it has ended already, which is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Says one value to the parent.
pub fn say(value: &impl Serialize) -> Result<()> {
    println!("{}", serde_json::to_string(value)?);
    Ok(())
}

/// Waits to be killed.
pub fn wait_for_the_end() -> ! {
    loop {
        thread::park();
    }
}
