//! Telling systemd how the daemon is (`sd_notify(3)`), and feeding its watchdog.
//!
//! Everything here does nothing when `NOTIFY_SOCKET` is not set, as outside of a unit with
//! `Type=notify` or `Type=notify-reload`.

use std::time::Duration;

use sd_notify::NotifyState;
use tracing::debug;

fn notify(states: &[NotifyState<'_>]) {
    // The service manager may go away or refuse; that must never stop the daemon from scoring.
    if let Err(error) = sd_notify::notify(states) {
        debug!(%error, ?states, "systemd did not take a notification");
    }
}

/// The daemon is up, or a reload is done: `READY=1` with a line for `systemctl status`.
pub fn ready(status: &str) {
    notify(&[NotifyState::Ready, NotifyState::Status(&one_line(status))]);
}

/// A reload began: `RELOADING=1`; end it with [`ready`].
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        // systemd 253 and later insist on the time of the reload in the same message.
        Ok(now) => notify(&[NotifyState::Reloading, now]),
        Err(error) => debug!(%error, "no monotonic clock: systemd is not told of the reload"),
    }
}

/// The daemon drains and stops: `STOPPING=1`.
pub fn stopping(status: &str) {
    notify(&[NotifyState::Stopping, NotifyState::Status(&one_line(status))]);
}

/// The line that `systemctl status` shows.
pub fn status(status: &str) {
    notify(&[NotifyState::Status(&one_line(status))]);
}

/// A notification is lines of `NAME=value`: a line break would begin another.
fn one_line(status: &str) -> String {
    status.replace(['\n', '\r'], " ")
}

/// How often to feed the watchdog: half of the unit's `WatchdogSec=`; `None` without one.
pub fn watchdog_interval() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|limit| limit / 2).filter(|interval| !interval.is_zero())
}

/// One sign of life: `WATCHDOG=1`.
pub fn feed_watchdog() {
    notify(&[NotifyState::Watchdog]);
}

/// Feeds the watchdog for ever. Run it beside the work whose standstill systemd should notice, on
/// the same runtime thread; it never ends, and does nothing without a watchdog.
pub async fn keep_watchdog_fed() {
    let Some(interval) = watchdog_interval() else { return std::future::pending().await };
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        feed_watchdog();
    }
}

#[cfg(test)]
mod tests {
    use std::{os::unix::net::UnixDatagram, process::Command};

    use super::*;

    /// Both a test that nothing happens without a socket, and the child of the next test.
    #[test]
    fn everything_is_said_or_nothing_happens() {
        ready("scoring\n1 pipeline");
        reloading();
        status("idle");
        stopping("draining");
        match std::env::var_os("NOTIFY_SOCKET") {
            None => assert_eq!(watchdog_interval(), None),
            Some(_) => {
                assert_eq!(watchdog_interval(), Some(Duration::from_millis(2)));
                let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
                runtime.block_on(async {
                    let _ = tokio::time::timeout(Duration::from_millis(50), keep_watchdog_fed()).await;
                });
            }
        }
    }

    #[test]
    fn systemd_hears_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        // Read while the child writes: the kernel queues only a few datagrams.
        let listener = std::thread::spawn(move || {
            let mut heard = Vec::new();
            let mut buffer = [0; 1024];
            loop {
                let len = socket.recv(&mut buffer).unwrap();
                match String::from_utf8_lossy(&buffer[..len]).trim_end() {
                    "END" => return heard,
                    text => heard.push(text.to_owned()),
                }
            }
        });
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "telemetry::systemd::tests::everything_is_said_or_nothing_happens"])
            .env("NOTIFY_SOCKET", &path)
            .env("WATCHDOG_USEC", "4000")
            .env_remove("WATCHDOG_PID")
            .output()
            .unwrap();
        UnixDatagram::unbound().unwrap().send_to(b"END", &path).unwrap();
        let heard = listener.join().unwrap();
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
        assert_eq!(heard[0], "READY=1\nSTATUS=scoring 1 pipeline");
        assert!(heard[1].starts_with("RELOADING=1\nMONOTONIC_USEC="), "{heard:?}");
        assert_eq!(heard[2], "STATUS=idle");
        assert_eq!(heard[3], "STOPPING=1\nSTATUS=draining");
        assert!(heard.len() >= 6 && heard[4..].iter().all(|line| line == "WATCHDOG=1"), "{heard:?}");
    }
}
