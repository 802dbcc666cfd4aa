//! A graph in an attribute, and what its turns make.

use std::ops::Range;

use crate::native::{
    attributes::Node,
    exec::{Args, Run},
    fault::{Fault, fault},
    graph::Subgraph,
    ops::sequence::stack,
    value::{Axis, Data, Shape, Tensor, Type, Value},
};

/// A graph with its share of the values that the node's graphs read from around them.
pub struct Body {
    pub graph: Subgraph,
    captures: Range<usize>,
}

impl Body {
    /// # Errors
    /// When the attribute is not there.
    pub fn of(node: &Node<'_>, attribute: &str) -> Result<Self, Fault> {
        let (graph, captures) = node.graph(attribute)?;
        Ok(Body { graph, captures })
    }

    /// # Errors
    /// As [`Run::graph`].
    pub fn run(
        &self,
        run: &mut Run<'_>,
        inputs: impl IntoIterator<Item = Option<Value>>,
        args: &Args,
    ) -> Result<Vec<Value>, Fault> {
        let captures = args.captures().get(self.captures.clone());
        run.graph(&self.graph, inputs, captures.ok_or_else(|| fault!("lacks what its graph reads"))?)
    }

    /// Whether input `index` is declared as a vector, where another loop would give a scalar.
    pub fn wants_vector(&self, index: usize) -> bool {
        let ty = self.graph.inputs.get(index).map(|port| &port.ty);
        matches!(ty, Some(Type::Tensor { axes: Some(axes), .. }) if axes.len() == 1)
    }
}

/// What the turns of a loop give for one output, to be put one behind the other.
#[derive(Default)]
pub struct Gathered {
    pub parts: Vec<Tensor>,
    bytes: usize,
}

impl Gathered {
    /// # Errors
    /// When it is no tensor, or all of them are more than a tensor may be.
    pub fn push(&mut self, run: &Run<'_>, value: Value) -> Result<(), Fault> {
        let Value::Tensor(tensor) = value else {
            return Err(fault!("its body gives {}, must give a tensor to gather", value.describe()));
        };
        self.bytes = self.bytes.saturating_add(tensor.data().bytes());
        run.check_len::<u8>(self.bytes)?;
        run.check_len::<Tensor>(self.parts.len() + 1)?;
        self.parts.push(tensor);
        Ok(())
    }

    /// All of them along a new axis. If there were none, what the body declares tells the type.
    ///
    /// # Errors
    /// Shapes or types that differ.
    pub fn stacked(&self, run: &mut Run<'_>, body: &Body, output: usize, axis: i64) -> Result<Tensor, Fault> {
        if !self.parts.is_empty() {
            return stack(run, &self.parts, axis)
                .map_err(|fault| fault.about(format!("output {output} of its body")));
        }
        empty(body, output, axis)
    }
}

/// No turns: a tensor without elements, of the type and shape that the body declares (free dimensions
/// are 0).
fn empty(body: &Body, output: usize, axis: i64) -> Result<Tensor, Fault> {
    let ty = body.graph.outputs.get(output).map(|output| &output.ty);
    let Some(Type::Tensor { kind, axes }) = ty else {
        return Err(fault!("makes no turn, and its body doesn't declare the type of output {output}"));
    };
    let length = |axis: &Axis| if let Axis::Fixed(length) = axis { *length } else { 0 };
    let mut shape: Shape = axes.iter().flatten().map(length).collect();
    let at = crate::native::kernels::shape::axis(axis, shape.len() + 1)?;
    shape.insert(at, 0);
    Tensor::new(shape, Data::empty(*kind))
}
