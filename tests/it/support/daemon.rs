//! `edgeward run` as a process of its own.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use super::{broker::Broker, edgeward, log::Log, signal, until_else};

/// A daemon; it is killed when this is dropped.
pub struct Daemon {
    process: Child,
    pub log: Log,
    folder: TempDir,
    admin: Option<SocketAddr>,
}

/// How a daemon ended.
pub struct Ended {
    pub code: Option<i32>,
    pub log: String,
    /// `last-run.json`, when it was written.
    pub last_run: Value,
    pub folder: TempDir,
}

/// A configuration for a broker on `port`. `rest` may begin with top-level and dotted keys
/// (`broker.max_in_flight = 1`), then tables.
pub fn config(port: u16, rest: &str) -> String {
    format!(
        "state_dir = \"state\"\ndevice.id = \"test\"\nbroker.url = \"mqtt://127.0.0.1:{port}\"\n\
         admin.listen = \"127.0.0.1:0\"\n{rest}\n"
    )
}

/// A pipeline on `in/<source>` with its verdicts on `out/<source>` and rejections on `errors`.
pub fn pipeline(model: &Path, rest: &str) -> String {
    format!(
        "[pipelines.p]\ntopics = [\"in/+\"]\nmodel = \"{}\"\nsource_topic_level = 2\n\
         output_topic = \"out/{{source}}\"\nerror_topic = \"errors\"\n{rest}\n",
        model.display()
    )
}

impl Daemon {
    /// A daemon that scores: connected and subscribed.
    pub fn start(broker: &Broker, rest: &str) -> Daemon {
        let daemon = Self::spawn(&config(broker.port, rest), |_| {});
        daemon.wait_ready();
        daemon
    }

    /// A daemon with this configuration, in a folder of its own; `prepare` sees the command first.
    pub fn spawn(config: &str, prepare: impl FnOnce(&mut Command)) -> Daemon {
        Self::spawn_in(tempfile::tempdir().unwrap(), config, prepare)
    }

    /// Like [`Daemon::spawn`], in a folder where other files may be.
    pub fn spawn_in(folder: TempDir, config: &str, prepare: impl FnOnce(&mut Command)) -> Daemon {
        fs::write(folder.path().join("edgeward.toml"), config).unwrap();
        let mut command = edgeward();
        command.args(["run", "-c"]).arg(folder.path().join("edgeward.toml"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        prepare(&mut command);
        let mut process = command.spawn().unwrap();
        let log = Log::of(process.stderr.take().unwrap());
        let mut daemon = Daemon { process, log, folder, admin: None };
        if !config.contains("admin.listen = \"off\"") {
            let served = daemon.log.wait_for("metrics and health are served");
            let address = served.split("address=").nth(1).and_then(|rest| rest.split_whitespace().next());
            daemon.admin = Some(address.unwrap().parse().unwrap());
        }
        daemon
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    pub fn admin(&self) -> SocketAddr {
        self.admin.expect("the admin server is on")
    }

    /// Writes another configuration over the first.
    pub fn write_config(&self, text: &str) {
        fs::write(self.folder().join("edgeward.toml"), text).unwrap();
    }

    /// Status code and body of a page.
    pub fn get(&self, path: &str) -> (u16, String) {
        get(self.admin(), path)
    }

    pub fn status(&self) -> Value {
        serde_json::from_str(&self.get("/status").1).unwrap()
    }

    /// Waits until `/readyz` says yes.
    pub fn wait_ready(&self) {
        until_else(
            || format!("readiness; it has {} and said\n{}", self.get("/status").1, self.log.text()),
            || (self.get("/readyz").0 == 200).then_some(()),
        );
    }

    /// Waits until `state` holds and gives its text.
    pub fn wait_state(&self, state: &str) -> String {
        until_else(
            || format!("{state}; it has {} and said\n{}", self.get("/readyz").1, self.log.text()),
            || self.state(state),
        )
    }

    /// The text of `state`, if it holds.
    pub fn state(&self, state: &str) -> Option<String> {
        let body: Value = serde_json::from_str(&self.get("/readyz").1).unwrap();
        let states = body["states"].as_array().unwrap();
        let found = states.iter().find(|standing| standing["state"] == state)?;
        Some(found["text"].as_str().unwrap().to_owned())
    }

    /// Waits until `/status` is as `wanted`.
    pub fn wait_status(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        until_else(
            || format!("{what}; it has {:#} and said\n{}", self.status(), self.log.text()),
            || Some(self.status()).filter(&wanted),
        )
    }

    pub fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }

    /// Ends it in good order and looks at the books.
    pub fn stop(self) -> Ended {
        self.signal("TERM");
        let ended = self.wait();
        assert_eq!(ended.code, Some(0), "{}", ended.log);
        ended.assert_books();
        ended
    }

    /// Ends it without a word.
    pub fn kill(mut self) -> TempDir {
        self.process.kill().unwrap();
        self.wait().folder
    }

    /// Waits for its end.
    pub fn wait(mut self) -> Ended {
        assert!(self.log.wait_end(), "the daemon does not end:\n{}", self.log.text());
        let code = self.process.wait().unwrap().code();
        let text = fs::read_to_string(self.folder().join("state/last-run.json")).unwrap_or_default();
        let last_run = serde_json::from_str(&text).unwrap_or(Value::Null);
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        Ended { code, log: self.log.text(), last_run, folder }
    }
}

impl Ended {
    /// One pipeline's books in `last-run.json`.
    pub fn books(&self, pipeline: &str, bucket: &str) -> u64 {
        let count = &self.last_run["pipelines"][pipeline][bucket];
        count.as_u64().unwrap_or_else(|| panic!("no {bucket} of {pipeline} in {}", self.last_run))
    }

    /// Every pipeline's books balance.
    pub fn assert_books(&self) {
        for (name, _) in self.last_run["pipelines"].as_object().expect("last-run.json was written") {
            let ended: u64 =
                ["scored", "merged", "rejected", "shed", "pending"].map(|b| self.books(name, b)).iter().sum();
            assert_eq!(self.books(name, "received"), ended, "{}", self.last_run);
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// One GET over a connection of its own.
pub fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no HTTP: {answer}"));
    let code = head.split_whitespace().nth(1).and_then(|code| code.parse().ok());
    (code.unwrap_or_else(|| panic!("no HTTP: {answer}")), body.to_owned())
}
