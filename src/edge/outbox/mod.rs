//! The outbox: what the daemon has taken on and not yet handed over lives on disk.
//!
//! ```text
//! inbox  --input, when scoring takes longer than the commit interval--.
//! worker --outcome: results, counters, inputs that are settled --------+-> writer (group commit) -> store
//!                                                                      '-- acknowledged after the sync
//! store -> courier (by class) -> uplink -> delivered -> writer
//! ```

pub mod store;
