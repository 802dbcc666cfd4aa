//! A part of a tensor: from, to and step along some axes.

use crate::{
    map_data,
    native::{
        attributes::Node,
        exec::{Op, one, op},
        fault::{Fault, fault},
        kernels::{
            range::range,
            shape::{axes, strides},
            strided,
        },
        ops::shape::listed,
        value::{Shape, Tensor, elements},
    },
};

/// `Slice`, ai.onnx 1, 10, 11, 13: attributes before 10, where there are no steps.
pub fn slice(node: &Node<'_>) -> Result<Op, Fault> {
    let old = node.opset < 10;
    let attribute = |name| if old { node.ints(name) } else { Ok(None) };
    let (starts, ends, given) = (attribute("starts")?, attribute("ends")?, attribute("axes")?);
    op(move |run, mut args| {
        let (from, to) = (listed(&args, 1, starts.as_ref())?, listed(&args, 2, ends.as_ref())?);
        let from = from.ok_or_else(|| fault!("lacks where to start"))?;
        let to = to.ok_or_else(|| fault!("lacks where to end"))?;
        let along = listed(&args, 3, given.as_ref())?.unwrap_or_else(|| (0..from.len() as i64).collect());
        let steps = args.opt_ints(4)?.unwrap_or_else(|| vec![1; from.len()]);
        if [to.len(), along.len(), steps.len()] != [from.len(); 3] {
            return Err(fault!(
                "has {} starts, {} ends, {} axes and {} steps: must be as many",
                from.len(),
                to.len(),
                along.len(),
                steps.len()
            ));
        }
        let input = args.take(0)?;
        let along = axes(&along, input.rank())?;
        let own = strides(input.shape());
        let mut shape = Shape::from_slice(input.shape());
        let mut view: Vec<_> = shape.iter().zip(&own).map(|(&dim, &step)| (dim, step as isize)).collect();
        let mut start = 0usize;
        for (i, &axis) in along.iter().enumerate() {
            let (first, count) = range(from[i], to[i], steps[i], input.shape()[axis])?;
            shape[axis] = count;
            // A step may be larger than what is there; then one element is all.
            let step = if count > 1 { (steps[i] as isize).wrapping_mul(own[axis] as isize) } else { 0 };
            view[axis] = (count, step);
            start = start.saturating_add(first.saturating_mul(own[axis]));
        }
        if &*shape == input.shape() && steps.iter().all(|&step| step > 0) {
            return one(input);
        }
        let len = elements(&shape)?;
        let data = map_data!(input.data(), v => {
            let mut out = run.buffer(len)?;
            if len > 0 {
                strided::copy(v, start, &view, &mut out);
            }
            out
        });
        one(Tensor::new(shape, data)?)
    })
}
