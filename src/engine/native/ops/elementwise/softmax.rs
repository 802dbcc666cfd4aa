//! Softmax and its kin.

use crate::{
    map_kinds,
    native::{
        attributes::Node,
        exec::{Op, one, op},
        fault::{Fault, fault},
        kernels::{
            number::{Float, narrow, widen},
            shape, softmax,
        },
        value::Tensor,
    },
};

/// What is computed along the axis.
#[derive(Clone, Copy)]
enum Share {
    Soft,
    LogSoft,
    Hard,
}

/// Rounds to the type of the elements, of which half floats are computed in f32.
fn kept<T: Float>(_like: &[T]) -> impl Fn(T::Wide) -> T::Wide + Copy {
    |x| T::narrow(x).widen()
}

fn along_axis(node: &Node<'_>, share: Share) -> Result<Op, Fault> {
    // Before 13 everything from the axis on is one row.
    let flattens = node.opset < 13;
    let axis = node.int("axis", if flattens { 1 } else { -1 })?;
    op(move |run, args| {
        let x = args.tensor(0)?;
        let (len, inner) = if x.rank() == 0 || flattens && axis == x.rank() as i64 {
            (1, 1)
        } else {
            let axis = shape::axis(axis, x.rank())?;
            let (_, len, inner) = shape::around(x.shape(), axis);
            if flattens { (len * inner, 1) } else { (len, inner) }
        };
        run.check_len::<f64>(inner)?;
        let data = map_kinds!([F32, F64, F16, BF16] x.data(), v => {
            let mut wide = run.buffer(v.len())?;
            widen(v, &mut wide);
            let mut scratch = vec![];
            match share {
                Share::Soft => softmax::softmax_in_steps(&mut wide, len, inner, &mut scratch, kept(v)),
                Share::LogSoft => softmax::log_softmax(&mut wide, len, inner, &mut scratch),
                Share::Hard => softmax::hardmax(&mut wide, len, inner),
            }
            narrow(v, wide)
        }, return Err(fault!("input 0: is {}, must be floating-point numbers", x.kind())));
        one(Tensor::new(x.shape(), data)?)
    })
}

/// `Softmax`, ai.onnx 1, 11, 13. Before 13 the axis is 1 by default and divides the shape into rows and
/// columns; since 13 it is the last by default, and the only one that is summed over.
pub(super) fn softmax(node: &Node<'_>) -> Result<Op, Fault> {
    along_axis(node, Share::Soft)
}

/// `LogSoftmax`, ai.onnx 1, 11, 13; versions as of [`softmax`].
pub(super) fn log_softmax(node: &Node<'_>) -> Result<Op, Fault> {
    along_axis(node, Share::LogSoft)
}

/// `Hardmax`, ai.onnx 1, 11, 13; versions as of [`softmax`].
pub(super) fn hardmax(node: &Node<'_>) -> Result<Op, Fault> {
    along_axis(node, Share::Hard)
}
