//! From the messages of a model to a checked [`Graph`](super::graph::Graph), its nodes prepared by the table's
//! operators.

mod graph;
mod order;
mod spent;

pub use graph::build;
pub use order::label;
