//! A Mosquitto of our own: a free loopback port, a folder that goes away with it, no bounds on queues.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

pub struct Broker {
    process: Child,
    pub port: u16,
    _folder: tempfile::TempDir,
}

impl Broker {
    /// Starts Mosquitto with these lines more in its configuration; waits until it takes connections.
    pub fn start(extra: &str) -> Result<Broker, String> {
        // Between finding the port free and Mosquitto taking it someone else may; then try another.
        for _ in 0..5 {
            if let Some(broker) = Self::try_start(free_port(), extra)
                .map_err(|e| format!("can't start mosquitto: {e}; run tests/setup"))?
            {
                return Ok(broker);
            }
        }
        Err("mosquitto did not open its port in five tries".to_owned())
    }

    /// Starts Mosquitto on this port; none when it can't have it.
    pub fn try_start(port: u16, extra: &str) -> std::io::Result<Option<Broker>> {
        let folder = tempfile::tempdir()?;
        let config = folder.path().join("mosquitto.conf");
        fs::write(
            &config,
            format!(
                "listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n\
                 max_inflight_messages 0\nmax_queued_messages 0\n{extra}"
            ),
        )?;
        // Debian keeps mosquitto in /usr/sbin, which is not on every user's path.
        let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
        let mut process = Command::new("mosquitto")
            .env("PATH", path)
            .arg("-c")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        // Its log must be read, or it blocks when the pipe is full.
        if let Some(log) = process.stderr.take() {
            std::thread::spawn(move || BufReader::new(log).lines().for_each(drop));
        }
        let mut broker = Broker { process, port, _folder: folder };
        let deadline = Instant::now() + Duration::from_secs(5);
        while Instant::now() < deadline && broker.process.try_wait()?.is_none() {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Ok(Some(broker));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(None)
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }
}

/// A port that nobody has now; 0 when there is none.
pub fn free_port() -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    free.map_or(0, |address| address.port())
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
