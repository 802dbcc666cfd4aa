//! Elements in another order.

use crate::{
    map_data,
    native::{
        attributes::Node,
        exec::{Op, Run, one, op},
        fault::{Fault, fault},
        kernels::{
            places,
            shape::{axes, strides},
            strided,
        },
        value::{Shape, Tensor, elements},
    },
};

/// `Transpose`, ai.onnx 1 to 25: dimensions reversed, unless `perm` says otherwise.
pub fn transpose(node: &Node<'_>) -> Result<Op, Fault> {
    let given = node.ints("perm")?;
    op(move |run, mut args| {
        let input = args.take(0)?;
        let rank = input.rank();
        let order = match &given {
            Some(order) if order.len() == rank => axes(order, rank)?,
            Some(order) => return Err(fault!("attribute `perm` is {order:?} for {input}")),
            None => (0..rank).rev().collect(),
        };
        one(reordered(run, input, &order)?)
    })
}

/// The axes of a tensor in another order, which names each of them once.
///
/// # Errors
/// More memory than allowed.
pub fn reordered(run: &mut Run<'_>, input: Tensor, order: &[usize]) -> Result<Tensor, Fault> {
    let shape: Shape = order.iter().map(|&axis| input.shape()[axis]).collect();
    // Nothing moves when only dimensions of one change places.
    if order.iter().filter(|&&axis| input.shape()[axis] != 1).is_sorted() {
        return input.reshaped(shape);
    }
    let own = strides(input.shape());
    let view: Vec<_> = order.iter().map(|&axis| (input.shape()[axis], own[axis] as isize)).collect();
    let data = map_data!(input.data(), v => {
        let mut out = run.buffer(v.len())?;
        strided::copy(v, 0, &view, &mut out);
        out
    });
    Tensor::new(shape, data)
}

/// `ReverseSequence`, ai.onnx 10, 28: the first steps of every row turned round, as many as its length says.
pub fn reverse_sequence(node: &Node<'_>) -> Result<Op, Fault> {
    let (batch, time) = (node.int("batch_axis", 1)?, node.int("time_axis", 0)?);
    if (batch, time) != (0, 1) && (batch, time) != (1, 0) {
        return Err(fault!("has batch axis {batch} and time axis {time}: must be 0 and 1 or 1 and 0"));
    }
    op(move |run, args| {
        let input = args.tensor(0)?;
        let lengths = args.ints(1)?;
        let [first, second, rest @ ..] = input.shape() else {
            return Err(fault!("input 0 is {input}, must have two dimensions or more"));
        };
        let (rows, steps) = if batch == 0 { (*first, *second) } else { (*second, *first) };
        let fits = |&length: &i64| usize::try_from(length).is_ok_and(|length| length <= steps);
        if lengths.len() != rows || !lengths.iter().all(fits) {
            return Err(fault!("input 1 must have {rows} lengths of up to {steps}"));
        }
        let inner = elements(rest)?;
        let len = input.len();
        run.check_len::<usize>(if len == 0 { 0 } else { rows * steps })?;
        let mut from = vec![];
        if len > 0 {
            for outer in 0..*first {
                for middle in 0..*second {
                    let (row, step) = if batch == 0 { (outer, middle) } else { (middle, outer) };
                    let length = lengths[row] as usize;
                    let step = if step < length { length - 1 - step } else { step };
                    let at = if batch == 0 { row * steps + step } else { step * rows + row };
                    from.push(at * inner);
                }
            }
        }
        let data = map_data!(input.data(), v => {
            let mut out = run.buffer(len)?;
            places::pick(v, &from, inner, &mut out);
            out
        });
        one(Tensor::new(input.shape(), data)?)
    })
}
