//! Element by element on quantised numbers, as ONNX Runtime's quantiser writes it: every operand comes
//! with its scale and zero point, and so does the result.

use super::levels::{level, levels, single, store, zero_point};
use crate::native::{
    attributes::Node,
    exec::{Args, Op, Outputs, Run, one, op},
    fault::{Fault, fault},
    kernels::{broadcast, number::Analytic, shape, softmax as kernel},
    value::{Kind, Shape, Tensor, elements},
};

fn two_operands(node: &Node<'_>, combine: fn(f32, f32) -> f32) -> Result<Op, Fault> {
    let _ = node;
    op(move |run, args| {
        let (a, b) = (args.tensor(0)?, args.tensor(3)?);
        let shape = broadcast::shape(a.shape(), b.shape())?;
        let (a_scale, a_zero) = (single(run, &args, 1)?, zero_point(run, &args, 2)?);
        let (b_scale, b_zero) = (single(run, &args, 4)?, zero_point(run, &args, 5)?);
        let (scale, zero) = (single(run, &args, 6)?, zero_point(run, &args, 7)?);
        let (x, y) = (levels(run, a)?, levels(run, b)?);
        let mut out = run.buffer(elements(&shape)?)?;
        broadcast::zip((&x, a.shape()), (&y, b.shape()), &shape, &mut out, |x, y| {
            let both =
                combine(x.wrapping_sub(a_zero) as f32 * a_scale, y.wrapping_sub(b_zero) as f32 * b_scale);
            level(both / scale, zero)
        });
        let kind = a.kind();
        one(Tensor::new(shape, store(run, kind, out)?)?)
    })
}

/// `QLinearAdd`, com.microsoft 1.
pub(super) fn add(node: &Node<'_>) -> Result<Op, Fault> {
    two_operands(node, |x, y| x + y)
}

/// `QLinearMul`, com.microsoft 1.
pub(super) fn mul(node: &Node<'_>) -> Result<Op, Fault> {
    two_operands(node, |x, y| x * y)
}

/// `QLinearWhere`, com.microsoft 1: the condition, then both operands, then the result's scale and zero point.
pub(super) fn chosen(_: &Node<'_>) -> Result<Op, Fault> {
    op(|run, args| {
        let (condition, x, y) = (args.tensor(0)?, args.tensor(1)?, args.tensor(4)?);
        let seen = args.slice::<bool>(0)?;
        let (scale, zero) = (single(run, &args, 7)?, zero_point(run, &args, 8)?);
        let mut rescaled = |index: usize| -> Result<Vec<i32>, Fault> {
            let (own, own_zero) = (single(run, &args, index + 1)?, zero_point(run, &args, index + 2)?);
            let mut values = levels(run, args.tensor(index)?)?;
            let of = |x: i32| level(x.wrapping_sub(own_zero) as f32 * own / scale, zero);
            values.iter_mut().for_each(|x| *x = of(*x));
            Ok(values)
        };
        let (a, b) = (rescaled(1)?, rescaled(4)?);
        let both = broadcast::shape(x.shape(), y.shape())?;
        let shape = broadcast::shape(condition.shape(), &both)?;
        let mut pairs = Vec::with_capacity(run.buffer::<i32>(elements(&shape)?)?.capacity());
        broadcast::zip((&a, x.shape()), (&b, y.shape()), &both, &mut pairs, |&a, &b| (a, b));
        let mut out = run.buffer(elements(&shape)?)?;
        broadcast::zip((seen, condition.shape()), (&pairs, &both), &shape, &mut out, |&seen, &(a, b)| {
            if seen { a } else { b }
        });
        one(Tensor::new(shape, store(run, x.kind(), out)?)?)
    })
}

/// A function of every element: worked out once for each of the integers there are.
fn by_table(run: &mut Run<'_>, args: &Args, curve: impl Fn(f32) -> f32) -> Result<Outputs, Fault> {
    let x = args.tensor(0)?;
    let (x_scale, x_zero) = (single(run, args, 1)?, zero_point(run, args, 2)?);
    let (scale, zero) = (single(run, args, 3)?, zero_point(run, args, 4)?);
    let of = |x: i32| level(curve(x.wrapping_sub(x_zero) as f32 * x_scale) / scale, zero);
    if !matches!(x.kind(), Kind::U8 | Kind::I8) {
        return Err(fault!("input 0: is {}, must be integers of 8 bits", x.kind()));
    }
    let table: Vec<i32> = (-128..256).map(of).collect();
    let values = levels(run, x)?;
    let mut out = run.buffer(values.len())?;
    out.extend(values.iter().map(|x| table[(x + 128) as usize]));
    one(Tensor::new(x.shape(), store(run, x.kind(), out)?)?)
}

/// `QLinearSigmoid`, com.microsoft 1.
pub(super) fn sigmoid(_: &Node<'_>) -> Result<Op, Fault> {
    op(|run, args| by_table(run, &args, Analytic::sigmoid))
}

/// `QLinearLeakyRelu`, com.microsoft 1.
pub(super) fn leaky_relu(node: &Node<'_>) -> Result<Op, Fault> {
    let alpha = node.float("alpha", 0.01)?;
    op(move |run, args| by_table(run, &args, |x| if x < 0.0 { alpha * x } else { x }))
}

/// `QLinearSoftmax`, com.microsoft 1. Its attribute `opset` says which Softmax is meant: before 13
/// everything from the axis on is one row.
pub(super) fn softmax(node: &Node<'_>) -> Result<Op, Fault> {
    let flattens = node.int("opset", 13)? < 13;
    let axis = node.int("axis", if flattens { 1 } else { -1 })?;
    op(move |run, args| {
        let x = args.tensor(0)?;
        let (x_scale, x_zero) = (single(run, &args, 1)?, zero_point(run, &args, 2)?);
        let (scale, zero) = (single(run, &args, 3)?, zero_point(run, &args, 4)?);
        let (_, len, inner) = shape::around(x.shape(), shape::axis(axis, x.rank())?);
        let (len, inner) = if flattens { (len * inner, 1) } else { (len, inner) };
        let mut shares: Vec<f32> = run.buffer(x.len())?;
        shares.extend(levels(run, x)?.iter().map(|x| x.wrapping_sub(x_zero) as f32 * x_scale));
        run.check_len::<f32>(inner)?;
        kernel::softmax(&mut shares, len, inner, &mut vec![]);
        let mut out = run.buffer(x.len())?;
        out.extend(shares.iter().map(|share| level(share / scale, zero)));
        one(Tensor::new(x.shape(), store(run, x.kind(), out)?)?)
    })
}

/// `QLinearConcat`, com.microsoft 1: the result's scale and zero point, then three inputs an operand.
pub(super) fn concat(node: &Node<'_>) -> Result<Op, Fault> {
    let axis = node.required_int("axis")?;
    op(move |run, args| {
        let (scale, zero) = (single(run, &args, 0)?, zero_point(run, &args, 1)?);
        let first = args.tensor(2)?;
        let axis = shape::axis(axis, first.rank())?;
        let (outer, _, inner) = shape::around(first.shape(), axis);
        let mut shape: Shape = first.shape().into();
        shape[axis] = 0;
        let mut parts = vec![];
        for index in (2..args.len()).step_by(3) {
            let x = args.tensor(index)?;
            let fits =
                x.rank() == shape.len() && (0..x.rank()).all(|at| at == axis || x.shape()[at] == shape[at]);
            if !fits {
                return Err(fault!("input {index}: {x} can't be joined to {first} along axis {axis}"));
            }
            shape[axis] += x.shape()[axis];
            let (x_scale, x_zero) = (single(run, &args, index + 1)?, zero_point(run, &args, index + 2)?);
            let mut values = levels(run, x)?;
            values.iter_mut().for_each(|x| *x = level(x.wrapping_sub(x_zero) as f32 * x_scale / scale, zero));
            parts.push((values, x.shape()[axis] * inner));
        }
        let mut out = run.buffer(elements(&shape)?)?;
        for block in 0..outer {
            parts.iter().for_each(|(values, len)| out.extend_from_slice(&values[block * len..][..*len]));
        }
        one(Tensor::new(shape, store(run, first.kind(), out)?)?)
    })
}
