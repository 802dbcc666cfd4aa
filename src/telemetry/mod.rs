//! What the daemon says about itself: logs, the ledger and measurements of each pipeline,
//! readiness, the admin server and systemd.
//!
//! Invariants: knows `domain` only; the hot path takes one short lock a batch and some atomics;
//! the admin server runs on a thread of its own, so it answers while scoring is busy.

pub mod http;
pub mod log;
pub mod metrics;
mod process;
pub mod readiness;
pub mod stats;
pub mod systemd;

pub use http::{AdminError, AdminServer};
pub use log::{LogFormat, LogSettings};
pub use process::{Broker, Telemetry};
pub use readiness::{Readiness, State};
pub use stats::{Ledger, ModelInfo, PipelineStats};
