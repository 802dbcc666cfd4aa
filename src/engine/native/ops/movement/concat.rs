//! Tensors joined along an axis, and cut apart again.

use smallvec::SmallVec;

use crate::{
    map_data,
    native::{
        attributes::Node,
        exec::{Op, Outputs, Run, one, op},
        fault::{Fault, fault},
        kernels::{
            places,
            shape::{around, axis as checked_axis},
            strided,
        },
        ops::{alike, shape::listed},
        value::{Shape, Tensor, Value, decode, elements},
    },
};

/// `Concat`, ai.onnx 1, 4, 11, 13: before 4 the axis is 1 unless given; since 11 it may be negative.
pub fn concat(node: &Node<'_>) -> Result<Op, Fault> {
    let axis = if node.opset < 4 { node.int("axis", 1)? } else { node.required_int("axis")? };
    op(move |run, mut args| {
        if args.len() == 1 {
            let only = args.take(0)?;
            checked_axis(axis, only.rank())?;
            return one(only);
        }
        let parts = (0..args.len()).map(|index| args.tensor(index)).collect::<Result<Vec<_>, _>>()?;
        one(join(run, &parts, axis)?)
    })
}

/// Several tensors joined along an axis, along which alone they may differ.
///
/// # Errors
/// None, different kinds or shapes, more than memory allows.
pub(in crate::native::ops) fn join(run: &mut Run<'_>, parts: &[&Tensor], axis: i64) -> Result<Tensor, Fault> {
    alike::kind(parts.iter().copied())?;
    let first = parts[0];
    let axis = checked_axis(axis, first.rank())?;
    let mut shape = Shape::from_slice(first.shape());
    shape[axis] = 0;
    for part in parts {
        let fits = part.rank() == first.rank()
            && (0..first.rank()).all(|at| at == axis || part.shape()[at] == first.shape()[at]);
        if !fits {
            return Err(fault!("can't join {first} and {part} along dimension {axis}"));
        }
        shape[axis] = shape[axis].saturating_add(part.shape()[axis]);
    }
    let len = elements(&shape)?;
    let (outer, _, inner) = around(&shape, axis);
    let outer = if len == 0 { 0 } else { outer };
    let rows: Vec<usize> = parts.iter().map(|part| part.shape()[axis].saturating_mul(inner)).collect();
    let data = map_data!(first.data(), v => {
        let mut out = run.buffer(len)?;
        let mut slices = vec![&***v];
        for part in &parts[1..] {
            slices.push(alike::elements(part.data())?);
        }
        places::join(&slices, &rows, outer, &mut out);
        out
    });
    Tensor::new(shape, data)
}

/// `Split`, ai.onnx 1, 2, 11, 13, 18: lengths are an attribute before 13. Without lengths the parts are equal;
/// since 18 (`num_outputs`) the last may be smaller.
pub fn split(node: &Node<'_>) -> Result<Op, Fault> {
    let axis = node.int("axis", 0)?;
    let attribute = if node.opset < 13 { node.ints("split")? } else { None };
    let count = node.outputs.len();
    let uneven = node.opset >= 18;
    if let Some(outputs) = node.attributes.int("num_outputs")?.filter(|_| uneven)
        && outputs != count as i64
    {
        return Err(fault!("attribute `num_outputs` is {outputs}, and it has {count} outputs"));
    }
    op(move |run, args| {
        let input = args.tensor(0)?;
        let axis = checked_axis(axis, input.rank())?;
        let dim = input.shape()[axis];
        let lengths = match listed(&args, 1, attribute.as_ref())? {
            Some(lengths) => decode::shape(&lengths).map_err(|fault| fault.about("lengths"))?.into_vec(),
            None if uneven => equal(dim, dim.div_ceil(count), count),
            None if dim % count == 0 => vec![dim / count; count],
            None => return Err(fault!("can't split dimension {axis} of {input} into {count} equal parts")),
        };
        if lengths.len() != count {
            return Err(fault!("has {} lengths for {count} outputs", lengths.len()));
        }
        let parts = cut(run, input, axis, &lengths)?;
        Ok(parts.into_iter().map(Value::Tensor).collect::<Outputs>())
    })
}

/// `count` lengths of `chunk`, the last ones what is left of `dim`.
fn equal(dim: usize, chunk: usize, count: usize) -> Vec<usize> {
    (0..count).map(|i| chunk.min(dim.saturating_sub(i.saturating_mul(chunk)))).collect()
}

/// The parts of a tensor along an axis.
///
/// # Errors
/// Lengths that don't add up to the dimension.
pub(in crate::native::ops) fn cut(
    run: &mut Run<'_>,
    input: &Tensor,
    axis: usize,
    lengths: &[usize],
) -> Result<SmallVec<[Tensor; 2]>, Fault> {
    let (outer, dim, inner) = around(input.shape(), axis);
    let total = lengths.iter().try_fold(0usize, |sum, &len| sum.checked_add(len));
    if total != Some(dim) {
        return Err(fault!("lengths {lengths:?} don't add up to dimension {axis} of {input}"));
    }
    let mut start = 0;
    let mut parts = SmallVec::with_capacity(lengths.len());
    for &length in lengths {
        let mut shape = Shape::from_slice(input.shape());
        shape[axis] = length;
        let len = elements(&shape)?;
        let view = [(outer, dim.saturating_mul(inner) as isize), (length.saturating_mul(inner), 1)];
        let data = map_data!(input.data(), v => {
            let mut out = run.buffer(len)?;
            if len > 0 {
                strided::copy(v, start, &view, &mut out);
            }
            out
        });
        parts.push(Tensor::new(shape, data)?);
        start = start.saturating_add(length.saturating_mul(inner));
    }
    Ok(parts)
}
