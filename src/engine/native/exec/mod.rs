//! What an operator meets in a run: its inputs, the memory it may take, the steps it may make. How a graph
//! is run stands beside the graph.

mod args;
mod op;
mod run;

pub use args::{Args, Outputs, one};
pub use op::{Op, op};
pub use run::{Bounds, Run, Stepped};
