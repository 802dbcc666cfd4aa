//! GELU and what is added before it.

use smallvec::smallvec;

use crate::native::{
    attributes::Node,
    exec::{Args, Op, op},
    fault::Fault,
    ops::elementwise::{add, exact_gelu, tanh_gelu},
};

/// A bias added, where there is one, then a function.
fn biased(node: &Node<'_>, gelu: Op) -> Result<Op, Fault> {
    if !node.has_input(1) {
        return Ok(gelu);
    }
    let add = add(node)?;
    op(move |run, args| {
        let sum = add(run, args)?.into_iter().map(Some).collect();
        gelu(run, Args::new(sum, smallvec![]))
    })
}

/// `BiasGelu`, com.microsoft 1: with the error function.
pub(super) fn bias_gelu(node: &Node<'_>) -> Result<Op, Fault> {
    biased(node, exact_gelu(node)?)
}

/// `FastGelu`, com.microsoft 1: with the hyperbolic tangent; the bias may be left out.
pub(super) fn fast_gelu(node: &Node<'_>) -> Result<Op, Fault> {
    biased(node, tanh_gelu(node)?)
}
