//! ONNX Runtime in a process of its own, that works only when it is asked: a line in, a line out.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

pub struct Peer {
    child: Child,
    asked: ChildStdin,
    told: BufReader<ChildStdout>,
}

impl Peer {
    /// A script below `tests/bench`, with the folder of the models.
    pub fn start(script: &str, folder: &Path) -> Result<Self, String> {
        let mut child = Command::new(super::python()?)
            .arg(super::root().join("tests/bench").join(script))
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| format!("{script}: {e}"))?;
        let (asked, told) = child.stdin.take().zip(child.stdout.take()).ok_or("the peer has no pipes")?;
        Ok(Peer { child, asked, told: BufReader::new(told) })
    }

    pub fn ask(&mut self, line: &str) -> Result<String, String> {
        let mut answer = String::new();
        writeln!(self.asked, "{line}")
            .and_then(|()| self.asked.flush())
            .and_then(|()| self.told.read_line(&mut answer))
            .map_err(|e| format!("the peer: {e}"))?;
        if answer.is_empty() { Err(format!("the peer ended at `{line}`")) } else { Ok(answer) }
    }

    pub fn number(&mut self, line: &str) -> Result<f64, String> {
        let answer = self.ask(line)?;
        answer.trim().parse().map_err(|_| format!("the peer said {answer}"))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
