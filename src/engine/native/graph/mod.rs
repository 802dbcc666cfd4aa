//! The checked graph: what a model file says, turned into steps that can be run.
//!
//! Names are gone: every value has a slot, every weight and everything that can be computed from
//! weights alone is a constant. Functions are written out where they are called. A subgraph knows which values of
//! the graph around it it reads; they are handed in as extra inputs of its node.

mod attributes;
mod build;
mod node;
mod order;
mod spent;
mod types;

pub use build::build;
pub use node::Node;
pub use order::label;
pub use types::{Axis, Type};

use std::sync::Arc;

use super::{
    ops::{Entry, Op},
    value::Value,
};

/// Where a step finds an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Constant(usize),
    Slot(usize),
}

/// A graph, or the body of a control-flow operator.
pub struct Graph {
    pub inputs: Vec<Port>,
    pub outputs: Vec<Output>,
    pub constants: Vec<Value>,
    /// In an order in which every step's inputs are there.
    pub steps: Vec<Step>,
    /// How many slots a run needs.
    pub slots: usize,
    /// Slots of values of the graph around this one; their names, for messages, beside them.
    pub captures: Vec<(String, usize)>,
}

/// What the caller hands in.
pub struct Port {
    pub name: String,
    pub ty: Type,
    pub slot: usize,
}

/// What the caller gets.
pub struct Output {
    pub name: String,
    /// As declared.
    pub ty: Type,
    pub source: Source,
}

/// One node, ready to run.
pub struct Step {
    /// The operator and the node's name, or its first output: `Conv \`conv1\``.
    pub label: String,
    pub entry: &'static Entry,
    pub op: Op,
    pub inputs: Vec<Option<Source>>,
    /// Values read by its subgraphs, after its own inputs.
    pub captures: Vec<Source>,
    /// The graphs among its attributes, for whoever wants to look inside.
    pub subgraphs: Vec<Subgraph>,
    /// Slots that nobody reads after this step.
    pub frees: Vec<usize>,
    /// The names of those that were made by steps.
    pub last_reads: Vec<String>,
    /// Slot and name of each output; `None` for those left out.
    pub outputs: Vec<Option<(usize, String)>>,
}

/// The body of a control-flow operator.
pub type Subgraph = Arc<Graph>;
