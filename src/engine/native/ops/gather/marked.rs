//! What is chosen by truth values, and indices written out as such.

use super::places::{along, index, taken};
use crate::{
    map_data,
    native::{
        attributes::Node,
        exec::{Op, one, op},
        fault::{Fault, fault},
        kernels::shape::{around, axis as checked_axis},
        ops::alike,
        value::{Shape, Tensor, elements},
    },
};

/// `Compress`, ai.onnx 9, 11, 28: the slices whose condition holds. Since 11 the axis may be negative;
/// without one the tensor is flat.
pub fn compress(node: &Node<'_>) -> Result<Op, Fault> {
    let axis = node.attributes.int("axis")?;
    op(move |run, args| {
        let (input, condition) = (args.tensor(0)?, args.slice::<bool>(1)?);
        let (outer, dim, inner, at) = match axis {
            Some(axis) => {
                let at = checked_axis(axis, input.rank())?;
                let (outer, dim, inner) = around(input.shape(), at);
                (outer, dim, inner, Some(at))
            }
            None => (1, input.len(), 1, None),
        };
        let kept: Vec<usize> =
            condition.iter().enumerate().filter(|(_, holds)| **holds).map(|(at, _)| at).collect();
        if let Some(&last) = kept.last().filter(|&&last| last >= dim) {
            return Err(fault!("condition {last} holds, and there are {dim} slices"));
        }
        let mut shape = Shape::from_slice(if at.is_some() { input.shape() } else { &[0] });
        shape[at.unwrap_or(0)] = kept.len();
        let starts = along(run, (outer, dim, inner), &kept)?;
        one(taken(run, input, &starts, inner, shape)?)
    })
}

/// `OneHot`, ai.onnx 9, 11, 28: since 11 a negative index counts from the end. Indices outside
/// are nowhere on.
pub fn one_hot(node: &Node<'_>) -> Result<Op, Fault> {
    let axis = node.int("axis", -1)?;
    op(move |run, args| {
        let indices = args.tensor(0)?;
        let numbers = alike::integers(indices).map_err(|fault| fault.about("input 0"))?;
        let depth = alike::integers(args.tensor(1)?).map_err(|fault| fault.about("input 1"))?;
        let depth = match &*depth {
            [depth] => usize::try_from(*depth).map_err(|_| fault!("input 1: depth is {depth}"))?,
            many => return Err(fault!("input 1: has {} elements, must have one", many.len())),
        };
        let values = args.tensor(2)?;
        if values.len() != 2 {
            return Err(fault!("input 2: is {values}, must have two elements, off and on"));
        }
        let at = checked_axis(axis, indices.rank() + 1)?;
        let mut shape = Shape::from_slice(indices.shape());
        shape.insert(at, depth);
        let len = elements(&shape)?;
        let (_, _, inner) = around(&shape, at);
        let data = map_data!(values.data(), v => {
            let mut out = run.filled(len, v[0].clone())?;
            if len > 0 {
                for (place, &number) in numbers.iter().enumerate() {
                    let Ok(on) = index(number, depth) else { continue };
                    out[(place / inner * depth + on) * inner + place % inner] = v[1].clone();
                }
            }
            out
        });
        one(Tensor::new(shape, data)?)
    })
}
