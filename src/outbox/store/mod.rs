//! The store: one log of frames in segment files, the state it adds up to, and nothing else.
//!
//! ```text
//! segment-…01  [head][state][frame][frame]…   sealed: never written again
//! segment-…02  [head][state][frame]…          the newest is appended to
//! merged-…03   [head][frame]…                 took the place of sparse neighbours
//! damaged-…    set aside
//! ```
//!
//! Invariants:
//! - A frame is a transaction: records, ends and books become durable together (docs/decisions).
//! - Every segment begins with the whole state, so the newest segment alone tells all books, and
//!   any other file may go once nothing in it is pending.
//! - A sealed segment never changes. What ended must be in the log before its records go.
//! - After a failed sync, what is in doubt is written again, to a new segment.

mod append;
mod batch;
pub mod books;
pub mod cursor;
pub(crate) mod directory;
pub mod disk;
#[cfg(any(test, fuzzing))]
pub(crate) mod faulty_disk;
pub(crate) mod frame;
mod inputs;
mod memories;
mod options;
mod ranges;
mod recovery;
mod reserve;
mod rewrite;
mod segment;
mod sound;
mod space;
pub(crate) mod state;
#[allow(clippy::module_inception)]
mod store;
mod tally;
mod unsynced;
pub mod walk;

#[cfg(test)]
mod tests;

pub use batch::{Batch, Record};
pub use books::{Fate, ResultBooks, UnitBooks};
pub use directory::{Directory, Run};
pub use frame::Frame;
pub use memories::{Definition, Memories};
pub use options::{Moment, StoreOptions};
pub use ranges::RangeSet;
pub use recovery::{Damage, Fresh, OpenError, Reading, Recovery, is_aside, read_outbox};
pub use segment::FILE_HEAD_BYTES;
#[cfg(any(test, fuzzing))]
pub(crate) use segment::reseal_segment;
pub use space::{Room, Usage, folder_bytes};
pub use state::{INPUT_CLASS, Import, Lane, Mark, Segment, SegmentRun, Sender, State};
pub use store::{Shared, Store, is_full};
