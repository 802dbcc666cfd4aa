//! A node as its operator sees it when it is prepared: once, at load.

use std::ops::Range;

use super::Attributes;
use crate::native::{
    fault::{Fault, fault},
    graph::Subgraph,
};

/// What an operator is prepared from. Everything that doesn't depend on the inputs' values is worked
/// out here, so that a run doesn't.
pub struct Node<'a> {
    /// The operator set the model imports for the operator's domain.
    pub opset: i64,
    pub attributes: Attributes<'a>,
    /// For each input, whether it is there.
    pub inputs: Vec<bool>,
    /// For each output, whether somebody wants it.
    pub outputs: Vec<bool>,
    /// Attributes that are graphs, by name.
    pub graphs: Vec<(String, Subgraph)>,
}

impl<'a> Node<'a> {
    /// An integer attribute, or `default`.
    pub fn int(&self, name: &str, default: i64) -> Result<i64, Fault> {
        Ok(self.attributes.int(name)?.unwrap_or(default))
    }

    /// An integer attribute that is 0 or not.
    pub fn flag(&self, name: &str, default: bool) -> Result<bool, Fault> {
        Ok(self.attributes.int(name)?.map_or(default, |value| value != 0))
    }

    /// A floating-point attribute, or `default`.
    pub fn float(&self, name: &str, default: f32) -> Result<f32, Fault> {
        Ok(self.attributes.float(name)?.unwrap_or(default))
    }

    /// A text attribute, or `default`.
    pub fn string(&self, name: &str, default: &'a str) -> Result<&'a str, Fault> {
        Ok(self.attributes.string(name)?.unwrap_or(default))
    }

    /// An attribute with many integers; `None` where it is left out.
    pub fn ints(&self, name: &str) -> Result<Option<Vec<i64>>, Fault> {
        Ok(self.attributes.ints(name)?.map(<[i64]>::to_vec))
    }

    /// An integer attribute without which the operator means nothing.
    pub fn required_int(&self, name: &str) -> Result<i64, Fault> {
        self.attributes.int(name)?.ok_or_else(|| fault!("lacks its attribute `{name}`"))
    }

    pub fn has_input(&self, index: usize) -> bool {
        self.inputs.get(index).copied().unwrap_or(false)
    }

    pub fn has_output(&self, index: usize) -> bool {
        self.outputs.get(index).copied().unwrap_or(false)
    }

    /// A graph attribute: the body of a loop, the branch of an if. With it, which of the step's
    /// captures are its own: the graphs have theirs one after another, in the order of the attributes.
    pub fn graph(&self, name: &str) -> Result<(Subgraph, Range<usize>), Fault> {
        let mut first = 0;
        for (key, graph) in &self.graphs {
            let next = first + graph.captures.len();
            if key == name {
                return Ok((Subgraph::clone(graph), first..next));
            }
            first = next;
        }
        Err(fault!("lacks its attribute `{name}`"))
    }
}
