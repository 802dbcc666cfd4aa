//! Operators on images whose channels are their last axis.

use smallvec::smallvec;

use crate::native::{
    attributes::Node,
    exec::{Args, Op, Run, op},
    fault::{Fault, fault},
    ops::{conv, movement::reordered, pooling},
    value::{Tensor, Value},
};

/// `QLinearConv`, com.microsoft 1: ONNX's, with the channels last where `channels_last` says so.
pub(super) fn qlinear_conv(node: &Node<'_>) -> Result<Op, Fault> {
    let conv = conv::qlinear_conv(node)?;
    if node.flag("channels_last", false)? { turned(conv) } else { Ok(conv) }
}

/// `NhwcMaxPool`, com.microsoft 1: ONNX's `MaxPool`, with the channels last.
pub(super) fn max_pool(node: &Node<'_>) -> Result<Op, Fault> {
    turned(pooling::max(node)?)
}

/// An operator whose first input and output have their channels second, for one where they are last.
fn turned(inner: Op) -> Result<Op, Fault> {
    op(move |run, mut args| {
        let x = args.take(0)?;
        let last = x.rank().checked_sub(1).filter(|&last| last > 1);
        let last = last.ok_or_else(|| fault!("input 0: {x} must have a batch, spatial axes and channels"))?;
        let order: Vec<usize> = [0, last].into_iter().chain(1..last).collect();
        let x = reordered(run, x, &order)?;
        let mut inputs = smallvec![Some(Value::Tensor(x))];
        inputs.extend((1..args.len()).map(|at| args.opt_value(at).cloned()));
        let outputs = inner(run, Args::new(inputs, smallvec![]))?;
        outputs.into_iter().take(1).map(|value| back(run, value)).collect()
    })
}

fn back(run: &mut Run<'_>, value: Value) -> Result<Value, Fault> {
    let Value::Tensor(y) = value else { return Ok(value) };
    let order: Vec<usize> = [0].into_iter().chain(2..y.rank()).chain([1]).collect();
    let y: Tensor = reordered(run, y, &order)?;
    Ok(y.into())
}
