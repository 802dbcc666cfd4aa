//! Reading at places.

use super::places::{along, element_wise, index, taken, tuples};
use crate::native::{
    attributes::Node,
    exec::{Op, one, op},
    fault::{Fault, fault},
    kernels::shape::{around, axis as checked_axis},
    value::Shape,
};

/// `Gather`, ai.onnx 1, 11, 13: whole slices along an axis. Since 11 indices may be negative.
pub fn gather(node: &Node<'_>) -> Result<Op, Fault> {
    let axis = node.int("axis", 0)?;
    op(move |run, args| {
        let data = args.tensor(0)?;
        let indices = args.ints(1)?;
        let axis = checked_axis(axis, data.rank())?;
        let blocks @ (_, dim, inner) = around(data.shape(), axis);
        let mut shape = Shape::from_slice(&data.shape()[..axis]);
        shape.extend_from_slice(args.tensor(1)?.shape());
        shape.extend_from_slice(&data.shape()[axis + 1..]);
        let rows = indices.iter().map(|&at| index(at, dim)).collect::<Result<Vec<_>, _>>()?;
        let starts = along(run, blocks, &rows)?;
        one(taken(run, data, &starts, inner, shape)?)
    })
}

/// `GatherElements`, ai.onnx 11, 13: element by element along an axis.
pub fn gather_elements(node: &Node<'_>) -> Result<Op, Fault> {
    let axis = node.int("axis", 0)?;
    op(move |run, args| {
        let (data, indices) = (args.tensor(0)?, args.ints(1)?);
        let shape = args.tensor(1)?.shape();
        let places = element_wise(run, data, &indices, shape, checked_axis(axis, data.rank())?)?;
        one(taken(run, data, &places, 1, shape.into())?)
    })
}

/// `GatherND`, ai.onnx 11 to 13: slices named by tuples; since 12 with common batch dimensions.
pub fn gather_nd(node: &Node<'_>) -> Result<Op, Fault> {
    let batch = usize::try_from(node.int("batch_dims", 0)?)
        .map_err(|_| fault!("attribute `batch_dims` is negative"))?;
    op(move |run, args| {
        let data = args.tensor(0)?;
        let places = tuples(run, data, args.tensor(1)?, batch)?;
        one(taken(run, data, &places.starts, places.len, places.shape)?)
    })
}
