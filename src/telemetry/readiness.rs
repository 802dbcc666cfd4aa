//! Named states of the daemon: what keeps it from being ready, and what an operator should know.

use std::{
    collections::BTreeMap,
    sync::Mutex,
    time::{Duration, Instant},
};

use tracing::{debug, info, warn};

/// What the daemon can be in, besides plainly working. A closed list: names are an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// Models load, the first connection is not there yet.
    Starting,
    /// The broker doesn't answer: no address, no connection, TLS failed, or it went away.
    BrokerUnreachable,
    /// The broker answers and says no (user, password, client id).
    BrokerRefused,
    /// Another client with this client id takes the connection over again and again.
    TakenOver,
    /// The broker refused a subscription.
    SubscriptionRefused,
    /// A pipeline's thread died too often: its messages are shed, the others go on.
    PipelineFailed,
    /// Units are being shed; see the counter for the policy.
    Shedding,
    /// An uplink has no connection: results gather in the outbox.
    UplinkDown,
    /// The receiver of an uplink refuses results for good: they are counted.
    UplinkRefused,
    /// No room on the file system: what can't be stored is counted.
    DiskFull,
    /// The file system that held the outbox is not mounted there any more.
    OutboxGone,
    /// The outbox can't be written: scoring and live verdicts go on, what can't be stored is counted.
    ReadOnly,
    /// Records of the outbox were found unreadable and set aside.
    StoreDamaged,
    /// The outbox is full and a class refuses to shed: the broker keeps what comes.
    Refusing,
    /// The wall clock was never set: times in verdicts are wrong, nothing else depends on it.
    ClockUnset,
    /// A reload brought a configuration with faults; the one before keeps running.
    ConfigRefused,
    /// A reload found keys changed that count only at the next start; the old values keep running.
    RestartNeeded,
    /// Stopping: no new input, what is queued is finished.
    Draining,
}

impl State {
    /// Every state, in the order documentation lists them.
    pub const ALL: [State; 18] = [
        State::Starting,
        State::BrokerUnreachable,
        State::BrokerRefused,
        State::TakenOver,
        State::SubscriptionRefused,
        State::PipelineFailed,
        State::Shedding,
        State::UplinkDown,
        State::UplinkRefused,
        State::DiskFull,
        State::OutboxGone,
        State::ReadOnly,
        State::StoreDamaged,
        State::Refusing,
        State::ClockUnset,
        State::ConfigRefused,
        State::RestartNeeded,
        State::Draining,
    ];

    /// The name in `/readyz`, `/status`, metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            State::Starting => "starting",
            State::BrokerUnreachable => "broker_unreachable",
            State::BrokerRefused => "broker_refused",
            State::TakenOver => "taken_over",
            State::SubscriptionRefused => "subscription_refused",
            State::PipelineFailed => "pipeline_failed",
            State::Shedding => "shedding",
            State::UplinkDown => "uplink_down",
            State::UplinkRefused => "uplink_refused",
            State::DiskFull => "disk_full",
            State::OutboxGone => "outbox_gone",
            State::ReadOnly => "read_only",
            State::StoreDamaged => "store_damaged",
            State::Refusing => "refusing",
            State::ClockUnset => "clock_unset",
            State::ConfigRefused => "config_refused",
            State::RestartNeeded => "restart_needed",
            State::Draining => "draining",
        }
    }

    /// True when the daemon isn't ready while in this state.
    pub fn blocks(self) -> bool {
        use State::{
            BrokerRefused, BrokerUnreachable, Draining, PipelineFailed, Starting, SubscriptionRefused,
            TakenOver,
        };
        matches!(
            self,
            Starting
                | BrokerUnreachable
                | BrokerRefused
                | TakenOver
                | SubscriptionRefused
                | PipelineFailed
                | Draining
        )
    }

    /// States that belong to a normal life are told at INFO, the others at WARN.
    fn is_normal(self) -> bool {
        matches!(self, State::Starting | State::Draining)
    }
}

#[derive(Debug)]
struct Entered {
    text: String,
    at: Instant,
}

/// A state that holds now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub state: State,
    /// What, where, what next.
    pub text: String,
    pub held_for: Duration,
}

/// The states that hold now. Entering and leaving is logged, once each.
#[derive(Debug, Default)]
pub struct Readiness {
    states: Mutex<BTreeMap<State, Entered>>,
}

impl Readiness {
    /// Nothing holds: ready.
    pub fn new() -> Self {
        Readiness::default()
    }

    fn states(&self) -> std::sync::MutexGuard<'_, BTreeMap<State, Entered>> {
        self.states.lock().expect("nothing panics under this lock")
    }

    /// Enters `state`, or renews its text when it already holds. `text` says what, where, what
    /// next. Returns true when newly entered.
    pub fn enter(&self, state: State, text: impl Into<String>) -> bool {
        let text = text.into();
        let fresh = {
            let mut states = self.states();
            match states.get_mut(&state) {
                Some(entered) if entered.text == text => return false,
                Some(entered) => {
                    entered.text.clone_from(&text);
                    false
                }
                None => {
                    states.insert(state, Entered { text: text.clone(), at: Instant::now() });
                    true
                }
            }
        };
        match (fresh, state.is_normal()) {
            (true, true) => info!(state = state.name(), "{text}"),
            (true, false) => warn!(state = state.name(), "{text}"),
            (false, _) => debug!(state = state.name(), "{text}"),
        }
        fresh
    }

    /// Leaves `state`. Returns true when it held.
    pub fn leave(&self, state: State) -> bool {
        let left = self.states().remove(&state);
        if let Some(entered) = &left {
            let held_secs = entered.at.elapsed().as_secs_f64();
            if state.is_normal() {
                debug!(state = state.name(), held_secs, "state left");
            } else {
                info!(state = state.name(), held_secs, "over: {}", entered.text);
            }
        }
        left.is_some()
    }

    /// True when no state that holds keeps the daemon from its work.
    pub fn ready(&self) -> bool {
        !self.states().keys().any(|state| state.blocks())
    }

    /// The states that hold, in their fixed order.
    pub fn standing(&self) -> Vec<Standing> {
        self.states()
            .iter()
            .map(|(state, entered)| Standing {
                state: *state,
                text: entered.text.clone(),
                held_for: entered.at.elapsed(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        sync::{Arc, Mutex},
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn ready_only_while_no_state_blocks() {
        let readiness = Readiness::new();
        assert!(readiness.ready());
        assert!(readiness.enter(State::Starting, "loading 1 model"));
        readiness.enter(State::Shedding, "the queue of `press` is full");
        assert!(!readiness.ready());
        let names: Vec<_> = readiness.standing().iter().map(|standing| standing.state.name()).collect();
        assert_eq!(names, ["starting", "shedding"]);
        assert!(readiness.leave(State::Starting));
        assert!(!readiness.leave(State::Starting), "already left");
        assert!(readiness.ready(), "shedding is told, and does not block");
    }

    #[test]
    fn entering_and_leaving_is_logged_once() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(subscriber, || {
            let readiness = Readiness::new();
            for attempt in 1..=3 {
                readiness.enter(State::BrokerUnreachable, format!("no broker, attempt {attempt}"));
            }
            assert_eq!(readiness.standing()[0].text, "no broker, attempt 3", "the text is the newest");
            readiness.leave(State::BrokerUnreachable);
            readiness.leave(State::BrokerUnreachable);
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(lines[0].contains("WARN") && lines[0].contains("attempt 1"), "{text}");
        assert!(lines[1].contains("INFO") && lines[1].contains("over"), "{text}");
    }

    #[test]
    fn names_are_unique_and_all_are_listed() {
        let names: std::collections::BTreeSet<_> = State::ALL.iter().map(|state| state.name()).collect();
        assert_eq!(names.len(), State::ALL.len());
    }
}
