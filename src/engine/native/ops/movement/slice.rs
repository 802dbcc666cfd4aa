//! A part of a tensor: from, to and step along some axes.

use crate::{
    map_data,
    native::{
        exec::one,
        fault::{Fault, fault},
        graph::Node,
        kernels::{
            shape::{axes, strides},
            strided,
        },
        ops::{Op, op, shape::listed},
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

/// The first index and how many, as NumPy has it: negative ones count from the end, what is outside
/// is cut.
pub(in crate::native) fn range(start: i64, end: i64, step: i64, dim: usize) -> Result<(usize, usize), Fault> {
    let length = dim as i64;
    let (lowest, highest) = match step {
        0 => return Err(fault!("has a step of 0")),
        1.. => (0, length),
        _ => (-1, length - 1),
    };
    let place = |at: i64| if at < 0 { at.saturating_add(length) } else { at }.clamp(lowest, highest);
    let (start, end) = (place(start), place(end));
    let distance = if step > 0 { end - start } else { start - end };
    if distance <= 0 {
        return Ok((0, 0));
    }
    let count = (distance as u64).div_ceil(step.unsigned_abs());
    Ok((start as usize, count as usize))
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn ranges_are_cut_to_what_is_there() {
        assert_eq!(range(1, i64::MAX, 2, 6).unwrap(), (1, 3));
        assert_eq!(range(-1, i64::MIN, -1, 6).unwrap(), (5, 6));
        assert_eq!(range(-100, 100, 1, 6).unwrap(), (0, 6));
        assert_eq!(range(4, 2, 1, 6).unwrap(), (0, 0));
        assert_eq!(range(0, 5, i64::MAX, 6).unwrap(), (0, 1));
        assert_eq!(range(5, 0, i64::MIN, 6).unwrap(), (5, 1));
        assert_eq!(range(0, -1, -1, 0).unwrap(), (0, 0));
        assert!(range(0, 1, 0, 6).is_err());
    }
}
