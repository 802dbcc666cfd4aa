//! Numbers to numbers: Binarizer, Scaler, Normalizer, Imputer.

use super::{linear::floats, rows::rows_of};
use crate::{
    map_kinds,
    native::{
        attributes::Node,
        exec::{Op, Run, one, op},
        fault::{Fault, fault},
        value::{Data, Element, Tensor},
    },
    with_kinds,
};

/// `Binarizer`, ai.onnx.ml 1: 1 where an element is above `threshold`, else 0.
pub(super) fn binarizer(node: &Node<'_>) -> Result<Op, Fault> {
    let threshold = f64::from(node.float("threshold", 0.0)?);
    op(move |run, args| {
        let x = args.tensor(0)?;
        let data = map_kinds!(
            [F32, F64, I32, I64] x.data(),
            v => {
                binarize(run, v, |v| v as f64 > threshold)?
            },
            return Err(fault!("input 0: is {x}, must be numbers"))
        );
        one(Tensor::new(x.shape(), data)?)
    })
}

fn binarize<T: Element + Copy + From<bool>>(
    run: &mut Run<'_>,
    x: &[T],
    is_above: impl Fn(T) -> bool,
) -> Result<Vec<T>, Fault> {
    let mut out = run.buffer(x.len())?;
    out.extend(x.iter().map(|&v| T::from(is_above(v))));
    Ok(out)
}

/// `Scaler`, ai.onnx.ml 1: (x - offset) · scale as f32, one of each for all features or one a feature.
pub(super) fn scaler(node: &Node<'_>) -> Result<Op, Fault> {
    let (mut scale, mut offset) = (floats(node, "scale")?, floats(node, "offset")?);
    if scale.is_empty() {
        scale = vec![1.0; offset.len().max(1)];
    }
    if offset.is_empty() {
        offset = vec![0.0; scale.len()];
    }
    if scale.len() != offset.len() {
        return Err(fault!("has {} values of `scale` and {} of `offset`", scale.len(), offset.len()));
    }
    op(move |run, args| {
        let x = args.tensor(0)?;
        let mut out = run.buffer::<f32>(x.len())?;
        let width = match *x.shape() {
            [] => return Err(fault!("input 0: is a scalar, must have features")),
            [width] | [_, width, ..] => width,
        };
        if scale.len() != 1 && scale.len() != width {
            return Err(fault!("input 0: has {width} features, the attributes {}", scale.len()));
        }
        let factors = || offset.iter().zip(&scale).cycle();
        match x.data() {
            Data::F64(v) => out.extend(
                v.iter().zip(factors()).map(|(v, (&o, &s))| ((v - f64::from(o)) * f64::from(s)) as f32),
            ),
            data => with_kinds!(
                [F32, I32, I64] data,
                v => out.extend(v.iter().zip(factors()).map(|(&v, (o, s))| (v as f32 - o) * s)),
                return Err(fault!("input 0: is {x}, must be float32, float64, int32 or int64"))
            ),
        }
        one(Tensor::of(x.shape(), out)?)
    })
}

#[derive(Debug, Clone, Copy)]
enum Norm {
    Max,
    L1,
    L2,
}

/// `Normalizer`, ai.onnx.ml 1: rows divided by their largest element, the sum of their absolutes or the
/// root of the sum of their squares; a row of which that is zero stays as it is.
pub(super) fn normalizer(node: &Node<'_>) -> Result<Op, Fault> {
    let norm = match node.string("norm", "MAX")? {
        "MAX" => Norm::Max,
        "L1" => Norm::L1,
        "L2" => Norm::L2,
        other => return Err(fault!("attribute `norm` {other} is not defined")),
    };
    op(move |run, args| {
        let x = args.tensor(0)?;
        let (_, width) = rows_of(x)?;
        let mut out = run.buffer::<f32>(x.len())?;
        with_kinds!(
            [F32, F64, I32, I64] x.data(),
            v => for row in v.chunks_exact(width.max(1)) {
                normalize(norm, row.iter().map(|&v| v as f64), &mut out);
            },
            return Err(fault!("input 0: is {x}, must be float32, float64, int32 or int64"))
        );
        one(Tensor::of(x.shape(), out)?)
    })
}

fn normalize(norm: Norm, row: impl Iterator<Item = f64> + Clone, out: &mut Vec<f32>) {
    let by = match norm {
        // Of the elements, not their absolutes, as ONNX Runtime answers.
        Norm::Max => row.clone().fold(f64::NEG_INFINITY, f64::max),
        Norm::L1 => row.clone().map(f64::abs).sum(),
        Norm::L2 => row.clone().map(|v| v * v).sum::<f64>().sqrt(),
    };
    let by = if by == 0.0 { 1.0 } else { by };
    out.extend(row.map(|v| (v / by) as f32));
}

/// `Imputer`, ai.onnx.ml 1: elements equal to the replaced value (NaN included) become the imputed one,
/// one for all features or one a feature.
pub(super) fn imputer(node: &Node<'_>) -> Result<Op, Fault> {
    let reals = floats(node, "imputed_value_floats")?;
    let ints = node.ints("imputed_value_int64s")?.unwrap_or_default();
    let real = node.float("replaced_value_float", 0.0)?;
    let int = node.int("replaced_value_int64", 0)?;
    if reals.is_empty() == ints.is_empty() {
        return Err(fault!("must have either `imputed_value_floats` or `imputed_value_int64s`"));
    }
    op(move |run, args| {
        let x = args.tensor(0)?;
        let (_, width) = rows_of(x)?;
        run.check_len::<f64>(x.len())?;
        let data = match x.data() {
            Data::F32(v) => impute(v, width, &reals, |&v| v == real || v.is_nan() && real.is_nan())?,
            Data::F64(v) => {
                let reals: Vec<f64> = reals.iter().map(|&v| v.into()).collect();
                impute(v, width, &reals, |&v| v == f64::from(real) || v.is_nan() && real.is_nan())?
            }
            Data::I64(v) => impute(v, width, &ints, |&v| v == int)?,
            Data::I32(v) => {
                let ints: Vec<i32> = ints.iter().map(|&v| v as i32).collect();
                impute(v, width, &ints, |&v| i64::from(v) == int)?
            }
            _ => return Err(fault!("input 0: is {x}, must be float32, float64, int32 or int64")),
        };
        one(Tensor::new(x.shape(), data)?)
    })
}

fn impute<T: Element + Copy>(
    x: &[T],
    width: usize,
    imputed: &[T],
    is_replaced: impl Fn(&T) -> bool,
) -> Result<Data, Fault> {
    if imputed.is_empty() || imputed.len() != 1 && imputed.len() != width {
        return Err(fault!("has {} imputed values of its input's type, {width} features", imputed.len()));
    }
    let pairs = x.iter().zip(imputed.iter().cycle());
    Ok(T::wrap(pairs.map(|(v, &imputed)| if is_replaced(v) { imputed } else { *v }).collect()))
}
