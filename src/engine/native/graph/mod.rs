//! The checked graph: what a model file says, turned into steps that can be run.
//!
//! Names are gone: every value has a slot, every weight and everything that can be computed from
//! weights alone is a constant. Functions are written out where they are called. A subgraph knows which values of
//! the graph around it it reads; they are handed in as extra inputs of its node.

mod run;

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use super::{
    exec::Op,
    facts::{Fact, Rule, Symbols},
    value::{Type, Value},
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
    /// Types that the file declares of values between nodes and of outputs, by slot.
    pub declared: HashMap<usize, Type>,
    /// Every value that a node makes, by its name, those of functions that were written out too: those
    /// that were computed when the graph was built have no step.
    pub made: Vec<Made>,
    /// What is known of the value in each slot: type, shape, short contents (`infer`), true in
    /// every run. Beside the slots, so that a plan of the memory can be made from it. Empty while
    /// nothing is worked out, and for a body that nobody has gone into.
    pub facts: Arc<OnceLock<Vec<Fact>>>,
    /// What the symbols in the facts stand for, in the outermost graph; bodies share them.
    pub symbols: Symbols,
}

impl Graph {
    /// What is known of a value.
    pub fn fact(&self, source: Source) -> Fact {
        match source {
            Source::Constant(at) => Fact::of(&self.constants[at]),
            Source::Slot(slot) => {
                self.facts.get().and_then(|facts| facts.get(slot)).cloned().unwrap_or_default()
            }
        }
    }
}

/// A value that a node of the file makes.
pub struct Made {
    pub name: String,
    pub source: Source,
    /// It is a node of the graph itself, and not of a function.
    pub own: bool,
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
    pub op: Op,
    /// Not the same in every run for the same inputs: random numbers.
    pub varies: bool,
    /// What is known of its outputs, from what is known of its inputs.
    pub rule: Option<Rule>,
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
