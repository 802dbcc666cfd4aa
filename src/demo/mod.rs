//! `edgeward demo`: the daemon of `edgeward run` between simulated machines and a subscriber that
//! counts for itself, over an embedded broker or one of the user's own.
//!
//! ```text
//! machines -> broker -> daemon -> broker -> observer -> view
//!     '------------------- books --------------'
//! ```
//!
//! Invariants: the machines and the observer reach the daemon through the broker only; what the
//! view shows costs the path nothing; everything left behind on disk or in a broker is removed.

mod books;
mod broker;
mod bundle;
mod daemon;
mod interrupts;
mod journal;
mod link;
mod machine;
mod observer;
mod simulator;
mod stage;
mod view;

pub use broker::BrokerError;
pub use stage::run;

use std::{io, path::PathBuf, time::Duration};

use crate::{config::ConfigError, edge::BuildError};

/// What to show.
#[derive(Debug, Clone)]
pub struct Options {
    /// Until Ctrl-C when none.
    pub duration: Option<Duration>,
    pub machines: usize,
    /// Messages a second, all machines together.
    pub rate_per_sec: f64,
    /// The URL of a broker to use instead of the embedded one.
    pub broker: Option<String>,
}

/// Why the demo did not end well.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    #[error("`--rate {0}` is no rate; give messages a second, from 0.01 to 100000")]
    Rate(f64),
    #[error("`--machines {0}` is no fleet; give 1 to 10000")]
    Machines(usize),
    #[error("`--broker {url}` {reason}")]
    Url { url: String, reason: String },
    #[error(transparent)]
    Broker(#[from] BrokerError),
    #[error("can't write the demo's model to {path}: {source}; set TMPDIR to a folder with room")]
    Bundle { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Config(ConfigError),
    #[error("the daemon can't start: {0}")]
    Daemon(BuildError),
    #[error(
        "the broker at {url} is not usable after {waited_secs} s: {why}; check `--broker`, or leave it out to use the embedded one"
    )]
    NotReady { url: String, waited_secs: u64, why: String },
    #[error("stopped by a signal before the books could be balanced")]
    Interrupted,
    #[error("the daemon ended by itself; this is a bug in edgeward")]
    Ended,
    #[error("a thread of the demo panicked; this is a bug in edgeward")]
    Panicked,
    #[error("the books differ: {0}")]
    Books(String),
    #[error("the system refused: {0}")]
    System(#[from] io::Error),
}
