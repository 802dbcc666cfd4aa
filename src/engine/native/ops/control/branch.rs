//! One of two graphs.

use super::body::Body;
use crate::native::{
    attributes::Node,
    exec::{Op, Outputs, op},
    fault::{Fault, fault},
};

/// `If`, ai.onnx 1 to 25: since 13 sequences, since 16 optionals.
pub fn branch(node: &Node<'_>) -> Result<Op, Fault> {
    let (yes, no) = (Body::of(node, "then_branch")?, Body::of(node, "else_branch")?);
    for body in [&yes, &no] {
        let (outputs, wanted) = (body.graph.outputs.len(), node.outputs.len());
        if !body.graph.inputs.is_empty() || outputs < wanted {
            return Err(fault!(
                "has a branch with {} inputs and {outputs} outputs: must have none and {wanted}",
                body.graph.inputs.len()
            ));
        }
    }
    op(move |run, args| {
        let holds = match args.slice::<bool>(0)? {
            [holds] => *holds,
            many => return Err(fault!("input 0: has {} elements, must have one", many.len())),
        };
        let body = if holds { &yes } else { &no };
        Ok(Outputs::from_vec(body.run(run, [], &args)?))
    })
}
