//! Pooling over all spatial axes.

use super::pool::exponent;
use crate::{
    map_kinds,
    native::{
        attributes::Node,
        exec::{Args, Op, Outputs, Run, one, op},
        fault::{Fault, fault},
        kernels::{
            pool::Ordered,
            real::{self, Computed, reals},
        },
        value::{Shape, Tensor, elements},
    },
    real::Real,
};

/// The shape with ones for the spatial axes, and how many cells those have.
fn pooled(x: &Tensor) -> Result<(Shape, usize), Fault> {
    let shape = x.shape();
    if shape.len() < 2 {
        return Err(fault!("input 0: has shape {shape:?}, must have a batch and channels"));
    }
    let cells = elements(&shape[2..])?;
    Ok((shape.iter().enumerate().map(|(axis, &size)| if axis < 2 { size } else { 1 }).collect(), cells))
}

/// One value for each plane of floats.
fn planes<T: Computed>(run: &mut Run<'_>, args: &Args, f: impl Fn(&[T]) -> T) -> Result<Outputs, Fault> {
    let x = args.tensor(0)?;
    let (shape, cells) = pooled(x)?;
    let mut y = run.buffer(elements(&shape)?)?;
    let wide = real::widened::<T>(run, x)?;
    y.extend((0..elements(&shape)?).map(|plane| f(&wide[plane * cells..(plane + 1) * cells])));
    one(real::tensor(run, x.kind(), &shape, y)?)
}

/// `GlobalAveragePool`, ai.onnx 1, 22: later versions add types.
pub(super) fn average(_: &Node<'_>) -> Result<Op, Fault> {
    op(|run, args| {
        reals!(args.tensor(0)?.kind(), T => {
            planes::<T>(run, &args, |x| real::sum(x, |x| x) / <T as Real>::from_usize(x.len()))
        })
    })
}

/// `GlobalLpPool`, ai.onnx 1, 2, 22: since 2 `p` is a whole number.
pub(super) fn norm(node: &Node<'_>) -> Result<Op, Fault> {
    let norm = exponent(node)?;
    op(move |run, args| {
        reals!(args.tensor(0)?.kind(), T => {
            planes::<T>(run, &args, |x| norm.root(real::sum(x, |x| norm.part(x))))
        })
    })
}

/// `GlobalMaxPool`, ai.onnx 1, 22: later versions add types.
pub(super) fn max(_: &Node<'_>) -> Result<Op, Fault> {
    fn largest<T: Ordered>(run: &mut Run<'_>, x: &[T], count: usize, cells: usize) -> Result<Vec<T>, Fault> {
        let mut y = run.buffer(count)?;
        y.extend((0..count).map(|plane| {
            let plane = &x[plane * cells..(plane + 1) * cells];
            plane.iter().fold(T::LOWEST, |largest, &x| if x > largest { x } else { largest })
        }));
        Ok(y)
    }
    op(|run, args| {
        let x = args.tensor(0)?;
        let (shape, cells) = pooled(x)?;
        let count = elements(&shape)?;
        let data = map_kinds!(
            [F32, F64, F16, BF16, I8, U8] x.data(), v => largest(run, v, count, cells)?,
            return Err(fault!("input 0: is {}, must be a float", x.kind()))
        );
        one(Tensor::new(shape, data)?)
    })
}
