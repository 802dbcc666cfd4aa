//! The outbox: what the daemon has taken on and not yet handed over lives on disk.
//!
//! ```text
//! inbox  --input, when scoring takes longer than the commit interval--.
//! worker --outcome: results, counters, inputs that are settled --------+-> writer (group commit) -> store
//!                                                                      '-- acknowledged after the sync
//! store -> courier (by class) -> uplink -> delivered -> writer
//! ```
//!
//! Knows no transport. Invariant: the writer's thread alone changes the store; everybody else hands in or reads.
#![forbid(unsafe_code)]

pub mod audit;
mod entry;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
#[cfg(test)]
mod golden;
mod handle;
mod health;
mod input;
mod intake;
mod journal;
mod lock;
mod open;
pub mod settings;
mod snapshot;
pub mod store;
mod stored;
pub mod tools;
mod trouble;
mod writer;

pub use handle::{Listener, Outbox, Outcome, Submission};
pub use health::Health;
pub use input::{Input, Origin};
pub use journal::{Journal, Journaled};
pub use lock::{Lock, LockError};
pub use open::{OutboxError, OutboxThread, open, store_options};
pub use settings::{ClassSettings, OutboxSettings, RESULT_CLASS};
pub use snapshot::{LaneSnapshot, OutboxSnapshot, UplinkSnapshot, snapshot};
pub use stored::{Envelope, Format};
