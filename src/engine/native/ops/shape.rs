//! Shapes asked for and changed: the elements stay as they are, or are repeated.

use smallvec::SmallVec;

use crate::{
    map_data,
    native::{
        attributes::Node,
        exec::{Args, Op, one, op},
        fault::{Fault, fault},
        infer::rules::shape as infer_shape,
        kernels::{broadcast, shape as axes, strided},
        table::{Entry, Infer::Rule, onnx},
        value::{Shape, Tensor, decode, elements},
    },
};

pub(super) const OPERATORS: &[Entry] = &[
    onnx("Expand", &[8, 13], expand).infers(Rule(infer_shape::expand)),
    onnx("Flatten", &[1, 9, 11, 13, 21, 23, 24, 25], flatten).infers(Rule(infer_shape::flatten)),
    onnx("Reshape", &[1, 5, 13, 14, 19, 21, 23, 24, 25], reshape).infers(Rule(infer_shape::reshape)),
    onnx("Shape", &[1, 13, 15, 19, 21, 23, 24, 25], shape).infers(Rule(infer_shape::shape)),
    onnx("Size", &[1, 13, 19, 21, 23, 24, 25], size).infers(Rule(infer_shape::size)),
    onnx("Squeeze", &[1, 11, 13, 21, 23, 24, 25], squeeze).infers(Rule(infer_shape::squeeze)),
    onnx("Tile", &[1, 6, 13], tile).infers(Rule(infer_shape::tile)),
    onnx("Unsqueeze", &[1, 11, 13, 21, 23, 24, 25], unsqueeze).infers(Rule(infer_shape::unsqueeze)),
];

/// `Shape`, ai.onnx 1 to 25: since 15 a part of it, `start` to `end`, cut to what is there.
fn shape(node: &Node<'_>) -> Result<Op, Fault> {
    let (start, end) = (node.int("start", 0)?, node.int("end", i64::MAX)?);
    op(move |_, args| {
        let shape = args.tensor(0)?.shape();
        let rank = shape.len() as i64;
        let place = |at: i64| if at < 0 { at.saturating_add(rank) } else { at }.clamp(0, rank) as usize;
        let part = shape.get(place(start)..place(end)).unwrap_or(&[]);
        one(Tensor::vector(part.iter().map(|&dim| dim as i64).collect()))
    })
}

/// `Size`, ai.onnx 1 to 25: how many elements.
fn size(_: &Node<'_>) -> Result<Op, Fault> {
    op(|_, args| one(Tensor::scalar(args.tensor(0)?.len() as i64)))
}

/// A list that is an attribute in older versions and an input in newer ones. `None`: left out.
pub(super) fn listed(
    args: &Args,
    index: usize,
    attribute: Option<&Vec<i64>>,
) -> Result<Option<Vec<i64>>, Fault> {
    match attribute {
        Some(list) => Ok(Some(list.clone())),
        None => args.opt_ints(index),
    }
}

/// `Reshape`, ai.onnx 1 to 25: in 1 the shape is an attribute. 0 stands for the input's dimension, unless
/// `allowzero` (since 14) says otherwise; one -1 for what is left.
fn reshape(node: &Node<'_>) -> Result<Op, Fault> {
    let attribute = if node.opset < 5 { node.ints("shape")? } else { None };
    let allow_zero = node.flag("allowzero", false)?;
    op(move |_, mut args| {
        let wanted = listed(&args, 1, attribute.as_ref())?.ok_or_else(|| fault!("lacks its input 1"))?;
        let input = args.take(0)?;
        let shape = reshaped(&input, &wanted, allow_zero)?;
        one(input.reshaped(shape)?)
    })
}

fn reshaped(input: &Tensor, wanted: &[i64], allow_zero: bool) -> Result<Shape, Fault> {
    let from = input.shape();
    let mut shape = Shape::new();
    let mut open = None;
    for (axis, &dim) in wanted.iter().enumerate() {
        shape.push(match dim {
            -1 if open.replace(axis).is_some() => {
                return Err(fault!("can't reshape {input} to {wanted:?}: -1 stands there twice"));
            }
            -1 => 1,
            0 if !allow_zero => *from.get(axis).ok_or_else(|| {
                fault!("can't reshape {input} to {wanted:?}: there is no dimension {axis} to copy")
            })?,
            dim => usize::try_from(dim)
                .map_err(|_| fault!("can't reshape {input} to {wanted:?}: a dimension is negative"))?,
        });
    }
    let known = elements(&shape)?;
    if let Some(axis) = open {
        if known == 0 || !input.len().is_multiple_of(known) {
            return Err(fault!("can't reshape {input} to {wanted:?}: no length fits for the -1"));
        }
        shape[axis] = input.len() / known;
    } else if known != input.len() {
        return Err(fault!("can't reshape {input} to {wanted:?}: {} elements, not {known}", input.len()));
    }
    Ok(shape)
}

/// `Flatten`, ai.onnx 1 to 25: to a matrix. Since 11 the axis may be negative.
fn flatten(node: &Node<'_>) -> Result<Op, Fault> {
    let axis = node.int("axis", 1)?;
    op(move |_, mut args| {
        let input = args.take(0)?;
        let rank = input.rank();
        let axis = if axis == rank as i64 { rank } else { axes::axis(axis, rank)? };
        let (ahead, behind) = input.shape().split_at(axis);
        let shape = [elements(ahead)?, elements(behind)?];
        one(input.reshaped(Shape::from_slice(&shape))?)
    })
}

/// `Squeeze`, ai.onnx 1 to 25: `axes` is an attribute before 13; without it all dimensions of one go.
fn squeeze(node: &Node<'_>) -> Result<Op, Fault> {
    let attribute = if node.opset < 13 { node.ints("axes")? } else { None };
    op(move |_, mut args| {
        let given = listed(&args, 1, attribute.as_ref())?.unwrap_or_default();
        let input = args.take(0)?;
        let gone = axes::axes(&given, input.rank())?;
        if let Some(axis) = gone.iter().find(|&&axis| input.shape()[axis] != 1) {
            return Err(fault!("can't drop dimension {axis} of {input}: it isn't 1"));
        }
        let stays = |&(axis, &dim): &(usize, &usize)| {
            if given.is_empty() { dim != 1 } else { !gone.contains(&axis) }
        };
        let shape: Shape = input.shape().iter().enumerate().filter(stays).map(|(_, &dim)| dim).collect();
        one(input.reshaped(shape)?)
    })
}

/// `Unsqueeze`, ai.onnx 1 to 25: `axes`, places in the result, is an attribute before 13.
fn unsqueeze(node: &Node<'_>) -> Result<Op, Fault> {
    let attribute = if node.opset < 13 { node.ints("axes")? } else { None };
    op(move |_, mut args| {
        let given = listed(&args, 1, attribute.as_ref())?.ok_or_else(|| fault!("lacks its axes"))?;
        let input = args.take(0)?;
        let rank = input.rank() + given.len();
        let new = axes::axes(&given, rank)?;
        let mut old = input.shape().iter();
        let dim = |axis: usize| if new.contains(&axis) { Some(1) } else { old.next().copied() };
        let shape: Shape = (0..rank).filter_map(dim).collect();
        one(input.reshaped(shape)?)
    })
}

/// `Expand`, ai.onnx 8, 13: to the shape that the input's and the one asked for have together.
fn expand(_: &Node<'_>) -> Result<Op, Fault> {
    op(|run, mut args| {
        let wanted = decode::shape(&args.ints(1)?).map_err(|fault| fault.about("input 1"))?;
        let input = args.take(0)?;
        let shape = broadcast::shape(input.shape(), &wanted)?;
        if &*shape == input.shape() {
            return one(input);
        }
        let len = elements(&shape)?;
        let strides = broadcast::strides_in(input.shape(), &shape);
        let view: Vec<_> = shape.iter().zip(&strides).map(|(&dim, &step)| (dim, step as isize)).collect();
        let data = map_data!(input.data(), v => {
            let mut out = run.buffer(len)?;
            strided::copy(v, 0, &view, &mut out);
            out
        });
        one(Tensor::new(shape, data)?)
    })
}

/// `Tile`, ai.onnx 1, 6, 13: in 1 one axis is repeated, given as two numbers.
fn tile(node: &Node<'_>) -> Result<Op, Fault> {
    let one_axis = node.opset < 6;
    op(move |run, args| {
        let input = args.tensor(0)?;
        let repeats = if one_axis {
            let mut repeats = vec![1; input.rank()];
            repeats[axes::axis(args.int(2)?, input.rank())?] = args.int(1)?;
            repeats
        } else {
            args.ints(1)?
        };
        if repeats.len() != input.rank() {
            return Err(fault!("has {} repeats for {input}: must have one a dimension", repeats.len()));
        }
        let repeats = decode::shape(&repeats).map_err(|fault| fault.about("input 1"))?;
        let dims = input.shape().iter().zip(&repeats);
        let shape = dims
            .map(|(&dim, &times)| dim.checked_mul(times))
            .collect::<Option<Shape>>()
            .ok_or_else(|| Fault::limit(format!("repeats {input} {repeats:?} times")))?;
        let len = elements(&shape)?;
        let strides = axes::strides(input.shape());
        let view: SmallVec<[(usize, isize); 8]> = (0..input.rank())
            .flat_map(|axis| [(repeats[axis], 0), (input.shape()[axis], strides[axis] as isize)])
            .collect();
        let data = map_data!(input.data(), v => {
            let mut out = run.buffer(len)?;
            strided::copy(v, 0, &view, &mut out);
            out
        });
        one(Tensor::new(shape, data)?)
    })
}
