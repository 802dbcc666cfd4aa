//! Pooling with a sliding window.

use smallvec::smallvec;

use crate::{
    map_kinds,
    native::{
        attributes::{Node, pool::Config},
        exec::{Args, Op, Outputs, Run, one, op},
        fault::{Fault, fault},
        kernels::{
            pool::{self, Norm, Ordered},
            real::{self, Computed, reals},
            window::Window,
        },
        value::{Element, Tensor, elements},
    },
    with_kinds,
};

/// `AveragePool`, ai.onnx 1 to 22: since 7 `count_include_pad`, since 10 `ceil_mode`, since 19 `dilations`.
pub(super) fn average(node: &Node<'_>) -> Result<Op, Fault> {
    let (config, padded) = (Config::read(node)?, node.flag("count_include_pad", false)?);
    fn body<T: Computed>(
        run: &mut Run<'_>,
        args: &Args,
        config: &Config,
        padded: bool,
    ) -> Result<Outputs, Fault> {
        let x = args.tensor(0)?;
        let (window, shape) = config.geometry(x.shape())?;
        let mut y = run.filled(elements(&shape)?, T::ZERO)?;
        pool::fold(&real::widened::<T>(run, x)?, &window, &mut y, |sum, x| *sum += x);
        pool::divide(&window, padded, &mut y);
        one(real::tensor(run, x.kind(), &shape, y)?)
    }
    op(move |run, args| reals!(args.tensor(0)?.kind(), T => body::<T>(run, &args, &config, padded)))
}

/// `LpPool`, ai.onnx 1 to 22: since 2 `p` is a whole number, since 18 `ceil_mode` and `dilations`.
pub(super) fn norm(node: &Node<'_>) -> Result<Op, Fault> {
    let (config, norm) = (Config::read(node)?, exponent(node)?);
    fn body<T: Computed>(
        run: &mut Run<'_>,
        args: &Args,
        config: &Config,
        norm: Norm,
    ) -> Result<Outputs, Fault> {
        let x = args.tensor(0)?;
        let (window, shape) = config.geometry(x.shape())?;
        let mut y = run.filled(elements(&shape)?, T::ZERO)?;
        pool::fold(&real::widened::<T>(run, x)?, &window, &mut y, |sum, x| *sum += norm.part(x));
        y.iter_mut().for_each(|y| *y = norm.root(*y));
        one(real::tensor(run, x.kind(), &shape, y)?)
    }
    op(move |run, args| reals!(args.tensor(0)?.kind(), T => body::<T>(run, &args, &config, norm)))
}

/// `p`, a float before version 2.
pub(super) fn exponent(node: &Node<'_>) -> Result<Norm, Fault> {
    let p = if node.opset < 2 { f64::from(node.float("p", 2.0)?) } else { node.int("p", 2)? as f64 };
    if p > 0.0 { Ok(Norm::new(p)) } else { Err(fault!("attribute `p` is {p}, must be above zero")) }
}

/// `MaxPool`, ai.onnx 1 to 22: since 8 the second output, where the largest were found; since 10
/// `ceil_mode` and `dilations`, since 12 eight-bit integers. Padding is never the largest, nor is NaN.
pub fn max(node: &Node<'_>) -> Result<Op, Fault> {
    let config = Config::read(node)?;
    let (places, column_major) = (node.has_output(1), node.flag("storage_order", false)?);
    op(move |run, args| {
        let x = args.tensor(0)?;
        let (window, shape) = config.geometry(x.shape())?;
        let len = elements(&shape)?;
        let wrong = || fault!("input 0: is {}, must be a number", x.kind());
        if !places {
            let data = map_kinds!([F32, F64, F16, BF16, I8, I16, I32, I64, U8, U16, U32, U64] x.data(), v => {
                largest(run, v, &window, len)?
            }, return Err(wrong()));
            return one(Tensor::new(shape, data)?);
        }
        with_kinds!([F32, F64, F16, BF16, I8, I16, I32, I64, U8, U16, U32, U64] x.data(), v => {
            let (y, found) = largest_places(run, v, &window, column_major, len)?;
            Ok(smallvec![Tensor::of(shape.clone(), y)?.into(), Tensor::of(shape, found)?.into()])
        }, Err(wrong()))
    })
}

fn largest<T: Ordered>(run: &mut Run<'_>, x: &[T], window: &Window, len: usize) -> Result<Vec<T>, Fault> {
    let mut y = run.filled(len, T::LOWEST)?;
    pool::fold(x, window, &mut y, |largest, x| {
        if x > *largest {
            *largest = x;
        }
    });
    Ok(y)
}

fn largest_places<T: Ordered + Element>(
    run: &mut Run<'_>,
    x: &[T],
    window: &Window,
    column_major: bool,
    len: usize,
) -> Result<(Vec<T>, Vec<i64>), Fault> {
    let (mut y, mut places) = (run.filled(len, T::LOWEST)?, run.filled(len, -1)?);
    pool::max_places(x, window, column_major, &mut y, &mut places);
    Ok((y, places))
}
