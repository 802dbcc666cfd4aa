//! The core: a message's bytes -> reading -> window -> features -> tensor -> engine -> verdict.
//!
//! Synchronous, without IO and without a clock of its own: the daemon, `edgeward score` and every
//! service to come run this very code, so the same bytes give the same outputs and conditions.

mod batch;
mod carry;
mod condition;
pub mod declared;
mod encode;
mod features;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod gaps;
mod guard;
mod judge;
mod last_known;
mod memory;
mod message;
mod objects;
mod outputs;
mod payload;
mod plan;
mod prepare;
mod scorer;
mod sizes;
mod slice;
mod smooth;
mod source;
mod suits;
#[cfg(test)]
pub(crate) mod tests;
mod time;
mod timed;
mod times;
mod unit;
mod verdict;
mod window;

pub use encode::{Encoder, ModelIdentity, Stamp, VERDICT_SCHEMA};
pub use message::{Message, ScorerOptions};
pub use plan::{Plan, PlanFault};
pub use scorer::Scorer;
pub use source::SourceRule;
pub use unit::{Outcome, Settled};
pub use verdict::{Object, OutputValue, Value, Verdict, WindowNote, write_output};
