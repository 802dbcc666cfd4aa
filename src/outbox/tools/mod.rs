//! What an operator can do with an outbox, of a stopped daemon or, for all that only reads, of one
//! that runs.
//!
//! Readers hold no lock and write nothing: sealed segments never change, and one that vanishes
//! while it is read was delivered or merged, so they look again. Whoever changes something holds
//! the outbox's lock and goes through the store, like the daemon.

mod browse;
mod carry;
mod change;
mod error;
mod export;
mod import;
mod replay;
mod show;
mod snapshot;
mod stat;
mod time;

#[cfg(test)]
mod tests;

pub use browse::{Flow, Record, Select, browse};
#[cfg(any(test, fuzzing))]
pub(crate) use carry::read_backlog;
pub use carry::{CarriedLane, Index};
pub use change::{Change, LaneCount, Place, drop_records};
pub use error::ToolError;
pub use export::{Exported, Target, export};
pub use import::{Imported, import};
pub use replay::{Replayed, replay};
pub use show::{Wanted, id_of, show};
pub use snapshot::Snapshot;
pub use stat::{ClassStat, FileStat, LaneStat, Stat, UnitStat, stat};
pub use time::{Since, parse_since, rfc3339};

use crate::store::{INPUT_CLASS, Lane, State};

/// A lane's pipeline and class.
pub(super) fn names(state: &State, lane: &Lane) -> (String, String) {
    let pipeline = state.pipelines.get(usize::from(lane.pipeline));
    (pipeline.map_or_else(String::new, |pipeline| pipeline.name.clone()), lane.class.clone())
}

/// Of how many records a tool is through, and of how many in all.
pub type Progress<'p> = &'p mut dyn FnMut(u64, u64);

/// Whether a class is one of results, not the journal of inputs.
fn is_result(class: &str) -> bool {
    class != INPUT_CLASS
}
