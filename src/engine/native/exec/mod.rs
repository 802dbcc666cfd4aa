//! Running a [`Graph`]: values in slots, one step after the other.

mod args;
mod run;

pub use args::{Args, Outputs, one};
pub use run::{Bounds, Run};
