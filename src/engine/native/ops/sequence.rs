//! Sequences of tensors.

use std::sync::Arc;

use smallvec::smallvec;

use super::{
    alike,
    gather::index,
    movement::{cut, join},
};
use crate::native::{
    attributes::Node,
    exec::{Args, Op, Outputs, Run, one, op},
    fault::{Fault, fault},
    infer::rules::sequence as infer_sequence,
    kernels::shape::axis as checked_axis,
    table::{Entry, Infer::Rule, onnx},
    value::{Shape, Tensor, Value, decode},
};

pub(super) const OPERATORS: &[Entry] = &[
    onnx("ConcatFromSequence", &[11], concat_from_sequence).infers(Rule(infer_sequence::concat)),
    onnx("SequenceAt", &[11], sequence_at).infers(Rule(infer_sequence::at)),
    onnx("SequenceConstruct", &[11], sequence_construct).infers(Rule(infer_sequence::construct)),
    onnx("SequenceEmpty", &[11], sequence_empty).infers(Rule(infer_sequence::empty)),
    onnx("SequenceErase", &[11], sequence_erase).infers(Rule(infer_sequence::erase)),
    onnx("SequenceInsert", &[11], sequence_insert).infers(Rule(infer_sequence::insert)),
    onnx("SequenceLength", &[11], sequence_length).infers(Rule(infer_sequence::length)),
    onnx("SplitToSequence", &[11, 24], split_to_sequence).infers(Rule(infer_sequence::split)),
];

pub(super) fn items(args: &Args, index: usize) -> Result<&Arc<Vec<Value>>, Fault> {
    match args.value(index)? {
        Value::Sequence(items) => Ok(items),
        other => Err(fault!("input {index}: is {}, must be a sequence", other.describe())),
    }
}

fn taken(args: &mut Args) -> Result<Arc<Vec<Value>>, Fault> {
    items(args, 0)?;
    match args.take_value(0)? {
        Value::Sequence(items) => Ok(items),
        other => Err(fault!("input 0: is {}, must be a sequence", other.describe())),
    }
}

fn sequence(items: Vec<Value>) -> Result<Outputs, Fault> {
    Ok(smallvec![Value::Sequence(Arc::new(items))])
}

/// Whether a sequence may take one more: all items together are bounded as one tensor is. They are
/// counted often enough that no more than an eighth can go over, and seldom enough that a loop that
/// adds items one by one takes no quadratic time.
pub(super) fn check_room(run: &Run<'_>, items: &[Value], new: &Value) -> Result<(), Fault> {
    let len = items.len() + 1;
    run.check_len::<Value>(len)?;
    let step = (len / 8).next_power_of_two().max(64);
    let ahead = new.bytes().saturating_mul(step).saturating_mul(8);
    if len.is_multiple_of(step) || run.check_len::<u8>(ahead).is_err() {
        let bytes = items.iter().chain([new]).fold(0usize, |sum, item| sum.saturating_add(item.bytes()));
        run.check_len::<u8>(bytes).map_err(|fault| fault.about("a sequence"))?;
    }
    Ok(())
}

/// `SequenceEmpty`, ai.onnx 11. Its element type is that of the first tensor put in.
fn sequence_empty(_: &Node<'_>) -> Result<Op, Fault> {
    op(|_, _| sequence(vec![]))
}

/// `SequenceConstruct`, ai.onnx 11.
fn sequence_construct(_: &Node<'_>) -> Result<Op, Fault> {
    op(|run, mut args| {
        let tensors = (0..args.len()).map(|index| args.tensor(index)).collect::<Result<Vec<_>, _>>()?;
        alike::kind(tensors)?;
        let mut items = vec![];
        for index in 0..args.len() {
            let item = args.take_value(index)?;
            check_room(run, &items, &item)?;
            items.push(item);
        }
        sequence(items)
    })
}

/// `SequenceLength`, ai.onnx 11.
fn sequence_length(_: &Node<'_>) -> Result<Op, Fault> {
    op(|_, args| one(Tensor::scalar(items(&args, 0)?.len() as i64)))
}

/// `SequenceAt`, ai.onnx 11.
fn sequence_at(_: &Node<'_>) -> Result<Op, Fault> {
    op(|_, args| {
        let items = items(&args, 0)?;
        Ok(smallvec![items[index(args.int(1)?, items.len())?].clone()])
    })
}

/// `SequenceErase`, ai.onnx 11: the last one, unless a position is given.
fn sequence_erase(_: &Node<'_>) -> Result<Op, Fault> {
    op(|_, mut args| {
        let position = args.opt_value(1).map(|_| args.int(1)).transpose()?;
        let mut items = taken(&mut args)?;
        let at = index(position.unwrap_or(-1), items.len())?;
        Arc::make_mut(&mut items).remove(at);
        Ok(smallvec![Value::Sequence(items)])
    })
}

/// `SequenceInsert`, ai.onnx 11: at the end, unless a position is given.
fn sequence_insert(_: &Node<'_>) -> Result<Op, Fault> {
    op(|run, mut args| {
        let position = args.opt_value(2).map(|_| args.int(2)).transpose()?;
        let new = Value::Tensor(args.take(1)?);
        let mut items = taken(&mut args)?;
        if let (Some(Value::Tensor(first)), Value::Tensor(new)) = (items.first(), &new) {
            alike::kind([first, new])?;
        }
        // A place behind the last one is a place too.
        let at = match position {
            Some(at) if at == items.len() as i64 => items.len(),
            Some(at) => index(at, items.len())?,
            None => items.len(),
        };
        check_room(run, &items, &new)?;
        Arc::make_mut(&mut items).insert(at, new);
        Ok(smallvec![Value::Sequence(items)])
    })
}

/// `SplitToSequence`, ai.onnx 11, 24: slices of one, whose axis may be dropped; chunks of one length, the last
/// one smaller; or chunks of given lengths.
fn split_to_sequence(node: &Node<'_>) -> Result<Op, Fault> {
    let axis = node.int("axis", 0)?;
    let keep = node.flag("keepdims", true)?;
    op(move |run, args| {
        let input = args.tensor(0)?;
        let axis = checked_axis(axis, input.rank())?;
        let dim = input.shape()[axis];
        let (lengths, keep) = match args.opt(1)? {
            Some(given) if given.rank() == 0 => {
                let chunk = args.int(1)?;
                let chunk = usize::try_from(chunk).ok().filter(|&chunk| chunk > 0);
                let chunk = chunk.ok_or_else(|| fault!("input 1: must be more than 0"))?;
                run.check_len::<Value>(dim.div_ceil(chunk))?;
                ((0..dim).step_by(chunk).map(|at| chunk.min(dim - at)).collect(), true)
            }
            Some(_) => {
                let lengths = decode::shape(&args.ints(1)?).map_err(|fault| fault.about("input 1"))?;
                (lengths.into_vec(), true)
            }
            None => {
                run.check_len::<Value>(dim)?;
                (vec![1; dim], keep)
            }
        };
        let mut items = Vec::with_capacity(lengths.len());
        for part in cut(run, input, axis, &lengths)? {
            items.push(Value::Tensor(if keep {
                part
            } else {
                let mut shape = Shape::from_slice(part.shape());
                shape.remove(axis);
                part.reshaped(shape)?
            }));
        }
        sequence(items)
    })
}

/// `ConcatFromSequence`, ai.onnx 11: along an axis, or along a new one.
fn concat_from_sequence(node: &Node<'_>) -> Result<Op, Fault> {
    let axis = node.required_int("axis")?;
    let new = node.flag("new_axis", false)?;
    op(move |run, args| {
        let items = items(&args, 0)?;
        let tensors = items.iter().map(Value::tensor).collect::<Result<Vec<_>, _>>()?;
        one(if new { stack(run, tensors, axis)? } else { join(run, &tensors, axis)? })
    })
}

/// Tensors of one shape, one behind the other along a new axis.
///
/// # Errors
/// None at all; different kinds or shapes; more than memory allows.
pub(super) fn stack<'t>(
    run: &mut Run<'_>,
    tensors: impl IntoIterator<Item = &'t Tensor>,
    axis: i64,
) -> Result<Tensor, Fault> {
    let mut parts = vec![];
    for tensor in tensors {
        let at = checked_axis(axis, tensor.rank() + 1)?;
        let mut shape = Shape::from_slice(tensor.shape());
        shape.insert(at, 1);
        parts.push(tensor.clone().reshaped(shape)?);
    }
    join(run, &parts.iter().collect::<Vec<_>>(), axis)
}
