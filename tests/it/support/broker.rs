//! A Mosquitto of a test's own: a free loopback port, a folder that goes away with it.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use super::{log::Log, signal};

/// Nothing is dropped for want of room, a broker told to stop keeps its sessions, and small packets
/// go out at once (or else a verdict waits 40 ms for the acknowledgement of the packet before it).
const SETTINGS: &str = "max_queued_messages 0\npersistence true\nset_tcp_nodelay true\n";

pub struct Broker {
    process: Option<Child>,
    pub port: u16,
    /// A second listener, see [`Broker::with_second_listener`].
    pub second_port: u16,
    folder: TempDir,
    extra: String,
    /// Messages on the way to one client at a time; 0: no limit.
    in_flight: u16,
    pub log: Log,
}

impl Broker {
    /// A broker that takes anybody.
    pub fn start() -> Broker {
        Self::with("")
    }

    /// A broker with more lines in its configuration, where `{folder}` is its own folder.
    pub fn with(extra: &str) -> Broker {
        Self::with_second_listener(tempfile::tempdir().unwrap(), extra)
    }

    /// A broker that gives each client one message and waits for its PUBACK before the next.
    pub fn one_in_flight() -> Broker {
        Self::configured(tempfile::tempdir().unwrap(), "", 1)
    }

    /// The first listener takes anybody. Lines from `listener {second}` on belong to another one.
    pub fn with_second_listener(folder: TempDir, extra: &str) -> Broker {
        Self::configured(folder, extra, 0)
    }

    fn configured(folder: TempDir, extra: &str, in_flight: u16) -> Broker {
        let mut broker = Broker {
            process: None,
            port: 0,
            second_port: 0,
            folder,
            extra: extra.into(),
            in_flight,
            log: Log::default(),
        };
        // Between finding a port free and Mosquitto taking it, someone else may.
        for _ in 0..20 {
            (broker.port, broker.second_port) = (free_port(), free_port());
            if broker.try_start() {
                return broker;
            }
        }
        panic!("mosquitto did not start in 20 tries:\n{}", broker.log.text());
    }

    /// A port where a broker may appear later with [`Broker::appear`].
    pub fn absent() -> Broker {
        let (port, second_port) = (free_port(), free_port());
        let folder = tempfile::tempdir().unwrap();
        Broker {
            process: None,
            port,
            second_port,
            folder,
            extra: String::new(),
            in_flight: 0,
            log: Log::default(),
        }
    }

    /// Starts, or starts again, on the same port.
    pub fn appear(&mut self) {
        assert!(self.process.is_none(), "it runs already");
        for _ in 0..20 {
            if self.try_start() {
                return;
            }
        }
        panic!("mosquitto did not start again:\n{}", self.log.text());
    }

    /// Stops it in good order (SIGTERM): what it holds is on disk.
    pub fn stop(&mut self) {
        let mut process = self.process.take().expect("runs");
        signal(process.id(), "TERM");
        assert!(self.log.wait_end(), "mosquitto does not stop:\n{}", self.log.text());
        process.wait().unwrap();
    }

    pub fn pid(&self) -> u32 {
        self.process.as_ref().expect("runs").id()
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn try_start(&mut self) -> bool {
        let Broker { port, second_port, extra, in_flight, .. } = self;
        let folder = self.folder.path().display().to_string();
        let extra = extra.replace("{folder}", &folder).replace("{second}", &second_port.to_string());
        // As root it would become another user, who may not write to the folder.
        let user = "user root\n";
        let text = format!(
            "per_listener_settings true\n{user}max_inflight_messages {in_flight}\n{SETTINGS}persistence_location {folder}/\n\
             listener {port} 127.0.0.1\nallow_anonymous true\n{extra}"
        );
        let config = self.folder.path().join("mosquitto.conf");
        fs::write(&config, text).unwrap();
        // Debian keeps mosquitto in /usr/sbin, which is not on every user's path.
        let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
        let mut process = Command::new("mosquitto")
            .env("PATH", path)
            .arg("-c")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("mosquitto starts; tests/setup installs it");
        self.log = Log::of(process.stderr.take().unwrap());
        let runs = self.log.try_wait_for(" running", 1).is_some();
        if runs {
            self.process = Some(process);
        } else {
            let _ = process.kill();
            let _ = process.wait();
        }
        runs
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
