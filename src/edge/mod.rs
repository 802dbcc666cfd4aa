//! The daemon: messages in, verdicts out, and every unit accounted for.
//!
//! ```text
//! broker -> session task -> inbox -> [queue, bounded] -> worker thread (scorer) -> publisher -> session task -> broker
//! ```
//!
//! The session's task never waits: a full queue holds one message and stops reading. A pipeline's
//! worker may wait for room to publish; nobody waits for a worker but its own queue.

mod app;
mod dialect;
mod durable;
mod inbox;
mod last_run;
mod live;
mod pipelines;
mod queue;
mod reload;
mod report;
mod retention;
mod storage;
mod supervise;
#[cfg(test)]
mod tests;
pub mod uplink;
mod whereabouts;
mod worker;

pub use app::{BuildError, Command, Daemon};
pub use report::{Leftover, RunReport};
